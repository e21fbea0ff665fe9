//go:build kube

package kube

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What docs/kubernetes.md tells people to install and to apply is accepted as it stands there.
func TestDocumentedManifestsAreAccepted(t *testing.T) {
	r := StartRegion(t, "eu-west-1", Options{Nodes: 1, CRDs: append(gatewayCRDs(t), "../../deploy/crds")})
	document, err := os.ReadFile("../../docs/kubernetes.md")
	must(t, err)
	if _, err := r.Kubectl(t.Context(), "create", "namespace", "team-a"); err != nil {
		t.Fatal(err)
	}
	var values, policies, classes int
	for _, block := range yamlBlocks(string(document)) {
		switch {
		case strings.HasPrefix(block, "# values-"):
			values++
			file := filepath.Join(t.TempDir(), "values.yaml")
			must(t, os.WriteFile(file, []byte(block), 0o600))
			_, err := r.Helm(t.Context(), "install", "bulkhead", chart, "--namespace", "bulkhead-system", "--create-namespace", "-f", file)
			must(t, err)
			kubectl(t, r, "bulkhead-system", "rollout", "status", "deployment/bulkhead-controller", "--timeout=60s")
		case strings.Contains(block, "kind: FailoverPolicy"):
			policies++
			if err := r.Apply(t.Context(), block); err != nil {
				t.Errorf("%v\n%s", err, block)
			}
		case strings.Contains(block, "kind: FailoverClass"):
			classes++
			file := filepath.Join(t.TempDir(), "class.yaml")
			must(t, os.WriteFile(file, []byte(block), 0o600))
			// The release has a class of this name; here it is about what the API server accepts.
			if _, err := r.Kubectl(t.Context(), "apply", "--dry-run=server", "-f", file); err != nil {
				t.Errorf("%v\n%s", err, block)
			}
		}
	}
	if values != 1 || policies == 0 || classes == 0 {
		t.Errorf("the document has %d values files, %d policies and %d classes; want one, and some", values, policies, classes)
	}
}

// yamlBlocks are the blocks of a document that are marked as YAML, without what they are indented by.
func yamlBlocks(document string) (blocks []string) {
	const fence = "```"
	for {
		before, rest, found := strings.Cut(document, fence+"yaml\n")
		if !found {
			return blocks
		}
		indent := before[strings.LastIndexByte(before, '\n')+1:]
		block, after, _ := strings.Cut(rest, "\n"+indent+fence)
		blocks = append(blocks, strings.ReplaceAll(strings.TrimPrefix(block, indent), "\n"+indent, "\n"))
		document = after
	}
}
