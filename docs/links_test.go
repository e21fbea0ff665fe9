package docs_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile("(?m)^#+ (.*)$")
	fenced  = regexp.MustCompile("(?ms)^ *```.*?^ *```")
)

// anchors are what headings of a page can be linked by, as GitHub makes them.
func anchors(page string) map[string]bool {
	found := map[string]bool{}
	for _, m := range heading.FindAllStringSubmatch(fenced.ReplaceAllString(page, ""), -1) {
		var b strings.Builder
		for _, c := range strings.ToLower(m[1]) {
			switch {
			case c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '_':
				b.WriteRune(c)
			case c == ' ':
				b.WriteByte('-')
			}
		}
		found[b.String()] = true
	}
	return found
}

// Every link of a page leads to a file that is there, and to a heading of it.
func TestLinksLeadSomewhere(t *testing.T) {
	pages, err := filepath.Glob("*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range append(pages, "../README.md", "../examples/README.md", "../examples/kubernetes/README.md", "../deploy/iam/README.md") {
		data, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(fenced.ReplaceAllString(string(data), ""), -1) {
			target, anchor, _ := strings.Cut(m[1], "#")
			if strings.Contains(target, "://") {
				continue
			}
			file := page
			if target != "" {
				file = filepath.Join(filepath.Dir(page), target)
			}
			if _, err := os.Stat(file); err != nil {
				t.Errorf("%s: %s: %v", page, m[1], err)
				continue
			}
			if anchor == "" || filepath.Ext(file) != ".md" {
				continue
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !anchors(string(text))[anchor] {
				t.Errorf("%s: %s: there is no such heading", page, m[1])
			}
		}
	}
}

// heredoc is a document that a command of a page writes to a JSON file.
var heredoc = regexp.MustCompile(`(?s)cat > \S+\.json <<END\n(.*?)\nEND\n`)

func TestJSONThatPagesShowIsJSON(t *testing.T) {
	pages, err := filepath.Glob("kubernetes*.md")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, page := range pages {
		data, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		blocks := heredoc.FindAllStringSubmatch(string(data), -1)
		for _, part := range strings.Split(string(data), "\n```json\n")[1:] {
			block, _, _ := strings.Cut(part, "\n```")
			blocks = append(blocks, []string{"", block})
		}
		for _, b := range blocks {
			n++
			if !json.Valid([]byte(b[1])) {
				t.Errorf("%s: this is no JSON:\n%s", page, b[1])
			}
		}
	}
	if n < 3 {
		t.Errorf("%d documents of JSON", n)
	}
}
