package audit_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The documentation has every rule, each with all severities that it may have, and no other.
func TestRulesAreDocumented(t *testing.T) {
	text := func(file string) string {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	documented, ids := []string{}, []string{}
	for _, m := range regexp.MustCompile("(?m)^### `([a-z-]+)` · ([a-z ]+)$").FindAllStringSubmatch(
		text("../docs/audit.md"), -1) {
		ids = append(ids, m[1])
		for _, severity := range strings.Split(m[2], " or ") {
			documented = append(documented, severity+" "+m[1])
		}
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var coded, tested []string
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		for _, m := range regexp.MustCompile(`\bID(?:: |, f\.[^=\n]*= | = )"([a-z-]+)"`).FindAllStringSubmatch(
			text(file), -1) {
			coded = append(coded, m[1])
		}
	}
	for _, m := range regexp.MustCompile(`"((?:critical|warning|info) [a-z-]+) `).FindAllStringSubmatch(
		text("rules_test.go"), -1) {
		tested = append(tested, m[1])
	}
	for _, c := range []struct {
		what      string
		have, doc []string
	}{{"rules of the code", coded, ids}, {"findings of TestRules", tested, documented}} {
		slices.Sort(c.have)
		slices.Sort(c.doc)
		if diff := cmp.Diff(slices.Compact(c.have), c.doc); diff != "" {
			t.Errorf("docs/audit.md and the %s (-code +docs):\n%s", c.what, diff)
		}
	}
}
