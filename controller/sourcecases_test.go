package controller

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A sourceCase is manifests of testdata/sources and what they come to.
type sourceCase struct {
	manifests string
	want      []string
}

// sourceCases are the names of all cases: the file, and the text behind #### in it.
func sourceCases(t *testing.T) (names []string) {
	t.Helper()
	files, err := filepath.Glob("testdata/sources/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		for _, part := range strings.Split("\n"+sourceFile(t, file), "\n#### ")[1:] {
			title, _, _ := strings.Cut(part, "\n")
			names = append(names, filepath.Base(file)+": "+title)
		}
	}
	return names
}

func sourceFile(t *testing.T, file string) string {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// readSourceCase reads a case. Lines that begin with #> say what is decided, those with #! what is noted. A case without a class has
// openClass.
func readSourceCase(t *testing.T, name string) (c sourceCase) {
	t.Helper()
	file, title, _ := strings.Cut(name, ": ")
	_, after, found := strings.Cut("\n"+sourceFile(t, "testdata/sources/"+file), "\n#### "+title+"\n")
	if !found {
		t.Fatalf("there is no case %s", name)
	}
	after, _, _ = strings.Cut(after, "\n#### ")
	if !strings.Contains(after, "kind: FailoverClass") {
		c.manifests = openClass + "\n---\n"
	}
	for line := range strings.Lines(after) {
		switch {
		case strings.HasPrefix(line, "#> "):
			c.want = append(c.want, strings.TrimSpace(line[3:]))
		case strings.HasPrefix(line, "#! "):
			c.want = append(c.want, "note: "+strings.TrimSpace(line[3:]))
		default:
			c.manifests += line
		}
	}
	return c
}

// toldOf is what candidates come to, with their notes.
func toldOf(list []candidate) (lines []string) {
	for i, line := range decided(list) {
		lines = append(lines, line)
		for _, note := range list[i].notes {
			lines = append(lines, "note: "+note)
		}
	}
	return lines
}

// Ingresses, Services, Gateways and routes as they are usual, with the load balancer that is taken and what is told about it.
func TestSources(t *testing.T) {
	for _, name := range sourceCases(t) {
		t.Run(name, func(t *testing.T) {
			c := readSourceCase(t, name)
			if diff := cmp.Diff(c.want, toldOf(gather(clusterOf(t, c.manifests), "", noon()))); diff != "" {
				t.Errorf("want -, got +\n%s", diff)
			}
		})
	}
}
