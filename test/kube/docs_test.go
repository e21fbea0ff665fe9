//go:build kube

package kube

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

const examples = "../../examples/kubernetes/"

// The examples are installed and applied as docs/kubernetes.md says. Every application of them is programmed and answered, a further class
// does not stand in the way of helm upgrade, and the class of the lab is accepted.
func TestDocumentedExamplesAreProgrammed(t *testing.T) {
	t.Parallel()
	w := startWorld(t, Options{Nodes: 1, CRDs: gatewayCRDs(t)})
	s := w.west
	helm := func(verb string) {
		t.Helper()
		// What leads to the lab instead of AWS, and nothing else, is other than documented.
		_, err := s.Helm(t.Context(), verb, "bulkhead", chart, "--namespace", "bulkhead-system", "--create-namespace",
			"-f", examples+"values-eu-west-1.yaml", "--set", "image.repository=000000000000.dkr.ecr.eu-west-1.amazonaws.com/bulkhead-controller",
			"--set", "class.provider=engine", "--set", "class.endpoint="+s.route53.url)
		must(t, err)
	}
	helm("install")
	kubectl(t, s.Region, "bulkhead-system", "rollout", "status", "deployment/bulkhead-controller", "--timeout=60s")
	s.startInstalled(t, w)
	s.startIngresses(t, w)

	for _, file := range []string{"namespace.yaml", "app.yaml", "ingress.yaml", "policy.yaml", "annotated.yaml", "gateway.yaml"} {
		must(t, s.Apply(t.Context(), s.example(t, file)))
	}
	patch := func(object, status string) {
		t.Helper()
		kubectl(t, s.Region, "team-a", "patch", object, "--subresource=status", "--type=merge", "-p", status)
	}
	patch("gateway/edge", fmt.Sprintf(`{"status":{"addresses":[{"type":"Hostname","value":%q}]}}`, s.loadBalancer.DNSName))
	patch("httproute/web", `{"status":{"parents":[{"parentRef":{"name":"edge"},"controllerName":"gateway.k8s.aws/alb","conditions":[
		{"type":"Accepted","status":"True","reason":"Accepted","message":"","lastTransitionTime":"2026-01-01T00:00:00Z"}]}]}}`)

	// The lab has no Gateways: what the routes say is told to it as an Ingress.
	must(t, s.Apply(t.Context(), `
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: edge, namespace: team-a}
spec:
  ingressClassName: alb
  rules: [{http: {paths: [{path: /webhealth, pathType: Exact, backend: {service: {name: app2, port: {number: 80}}}}]}}]
`))
	kubectl(t, s.Region, "team-a", "wait", "--for=condition=Programmed", "failoverpolicies", "--all", "--timeout=3m")
	v := w.watch(t)
	for _, name := range []string{"app1.example.com", "app2.example.com", "api.team-a.example.com", "web.team-a.example.com"} {
		v.add(w, name)
		v.answered(t, name, s, s)
	}
	for _, policy := range []string{"app1", "app2", "web"} { // nothing is warned of
		got := kubectl(t, s.Region, "team-a", "get", "failoverpolicy", policy, "-o", `jsonpath={.status.conditions[?(@.type=="Accepted")].message}`)
		if strings.Contains(got, "no rule") || strings.Contains(got, "listener") {
			t.Errorf("%s: %s", policy, got)
		}
	}

	must(t, s.Apply(t.Context(), s.example(t, "class.yaml")))
	helm("upgrade")
	for _, file := range []string{"lab/class-eu-west-1.yaml", "lab/class-eu-central-1.yaml"} {
		_, err := s.Kubectl(t.Context(), "apply", "--dry-run=server", "-f", examples+file)
		must(t, err)
	}
}

// example reads a file of the examples. Where the lab may not have port 80, checks ask its port.
func (s *site) example(t *testing.T, file string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.FromSlash(examples + file))
	must(t, err)
	port := fmt.Sprint(s.loadBalancer.Port)
	if port == "80" {
		return string(content)
	}
	return strings.NewReplacer("healthCheck: {", "healthCheck: {port: "+port+", ", "    bulkhead.dev/path:", "    bulkhead.dev/port: \""+port+"\"\n    bulkhead.dev/path:").
		Replace(string(content))
}

// What docs/kubernetes*.md show besides the examples is accepted by a real API server, as far as it has the kinds.
func TestDocumentedManifestsAreAccepted(t *testing.T) {
	t.Parallel()
	r := StartRegion(t, "eu-west-1", Options{CRDs: append(gatewayCRDs(t), "../../deploy/crds")})
	if _, err := r.Kubectl(t.Context(), "create", "namespace", "team-a"); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("../../docs/kubernetes*.md")
	must(t, err)
	kinds := map[string]int{}
	for _, file := range files {
		page, err := os.ReadFile(file)
		must(t, err)
		for _, block := range yamlBlocks(string(page)) {
			for _, document := range strings.Split(block, "\n---\n") {
				var o struct{ APIVersion, Kind string }
				must(t, yaml.Unmarshal([]byte(document), &o))
				group, _, _ := strings.Cut(o.APIVersion, "/")
				if o.Kind == "" || group != "bulkhead.dev" && group != "networking.k8s.io" && group != "gateway.networking.k8s.io" && o.APIVersion != "v1" {
					continue // a part of an object, or a kind of AWS or Argo CD
				}
				kinds[o.Kind]++
				if err := r.Apply(t.Context(), document); err != nil {
					t.Errorf("%s: %v\n%s", filepath.Base(file), err, document)
				}
			}
		}
	}
	for _, kind := range []string{"FailoverPolicy", "FailoverClass", "Ingress", "HTTPRoute"} {
		if kinds[kind] == 0 {
			t.Errorf("the pages show %v, and no %s", kinds, kind)
		}
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
