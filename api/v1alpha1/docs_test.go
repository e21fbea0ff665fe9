package v1alpha1

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Readers copy what the guide shows.
func TestExamplesOfTheGuideAreAccepted(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("..", "..", "docs", "kubernetes.md"))
	if err != nil {
		t.Fatal(err)
	}
	servers := map[string]apiServer{"FailoverPolicy": serverOf(t, "failoverpolicies"), "FailoverClass": serverOf(t, "failoverclasses")}
	seen := map[string]int{}
	for _, part := range strings.Split(string(data), "\n```yaml\n")[1:] {
		text, _, _ := strings.Cut(part, "\n```")
		o := object(t, text)
		kind, _ := o["kind"].(string)
		server, ours := servers[kind]
		if !ours {
			continue
		}
		seen[kind]++
		if got := server.refusals(t, o, nil); got != nil {
			t.Errorf("%s\n%s", strings.Join(got, "\n"), text)
		}
	}
	if seen["FailoverPolicy"] == 0 || seen["FailoverClass"] == 0 {
		t.Errorf("the guide shows %v", seen)
	}
}
