package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/bulkhead-dns/bulkhead/lab"
)

// What a lab tells people to try leads to this lab: its data directory and its addresses, not the defaults.
func TestTheLabsHintsLeadToIt(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "my lab")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	l, err := startTestLab(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := l.stop(); err != nil {
			t.Error(err)
		}
	}()
	var out bytes.Buffer
	printLab(&out, l.Lab, lab.Options{DataDir: dir, ZoneOnly: true})
	commands := regexp.MustCompile(`bulkhead lab (env|scale|status)[^\n#)`+"`"+`]*`).FindAllString(out.String(), -1)
	if len(commands) != 4 {
		t.Errorf("%d commands of the lab, want env twice, scale and status:\n%s", len(commands), &out)
	}
	for _, c := range commands {
		if !strings.HasSuffix(strings.TrimSpace(c), " --data-dir '"+dir+"'") {
			t.Errorf("%s does not name the data directory", c)
		}
	}
	if strings.Contains(out.String(), ":8053") || strings.Contains(out.String(), "-p 5300") || strings.Count(out.String(), l.url) < 4 {
		t.Errorf("this lab listens at %s and %s:\n%s", l.url, l.Node().DNSAddr(), &out)
	}
}
