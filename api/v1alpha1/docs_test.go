package v1alpha1

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// pages of the documentation that show objects of a cluster.
func pages(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", "docs", "kubernetes*.md"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	texts := map[string]string{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		texts[filepath.Base(file)] = string(data)
	}
	return texts
}

// Readers copy what the documentation and the examples show.
func TestWhatIsShownIsAccepted(t *testing.T) {
	servers := map[string]apiServer{"FailoverPolicy": serverOf(t, "failoverpolicies"),
		"FailoverClass": serverOf(t, "failoverclasses")}
	seen := map[string]int{}
	accept := func(where, documents string) {
		for _, text := range strings.Split(documents, "\n---\n") {
			if !strings.Contains(text, "kind: Failover") {
				continue
			}
			o := object(t, text)
			kind, _ := o["kind"].(string)
			server, ours := servers[kind]
			if !ours {
				continue
			}
			seen[kind]++
			if got := server.refusals(t, o, nil); got != nil {
				t.Errorf("%s: %s\n%s", where, strings.Join(got, "\n"), text)
			}
		}
	}
	for page, text := range pages(t) {
		for _, part := range strings.Split(text, "\n```yaml\n")[1:] {
			block, _, _ := strings.Cut(part, "\n```")
			accept(page, block)
		}
	}
	examples, err := filepath.Glob(filepath.Join("..", "..", "examples", "kubernetes", "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	lab, err := filepath.Glob(filepath.Join("..", "..", "examples", "kubernetes", "lab", "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append(examples, lab...) {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		accept(file, string(data))
		if strings.Contains(string(data), "kind: FailoverClass\n") && strings.Contains(string(data), "name: default") {
			t.Errorf("%s: a class called default is the chart's: applied by hand, it makes the next helm upgrade fail", file)
		}
	}
	if seen["FailoverPolicy"] < 6 || seen["FailoverClass"] < 4 {
		t.Errorf("shown are %v", seen)
	}
}

// shown is a link to an example, and the block that follows it at once: it says that this is in the file.
var shown = regexp.MustCompile("\\]\\(\\.\\./examples/kubernetes/([a-z0-9/.-]+)\\)" +
	"(?:[^\n]|\n[^\n])*:\n\n```yaml\n((?s:.*?))\n```")

func TestPagesShowTheExamplesAsTheyAre(t *testing.T) {
	n := 0
	for page, text := range pages(t) {
		for _, m := range shown.FindAllStringSubmatch(text, -1) {
			n++
			data, err := os.ReadFile(filepath.Join("..", "..", "examples", "kubernetes", m[1]))
			if err != nil {
				t.Error(err)
				continue
			}
			if !strings.Contains(string(data), m[2]) {
				t.Errorf("%s shows of %s what is not there:\n%s", page, m[1], m[2])
			}
		}
	}
	if n < 6 {
		t.Errorf("the pages show %d examples", n)
	}
}
