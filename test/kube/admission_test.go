//go:build kube

package kube

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"
)

// The schema and the admission policy of the manifests, in an API server without any controller, refuse what one object and its
// class tell, in words for people. What is stored already can be labelled and deleted when a class has changed.
func TestAPIServerRefusesWhatTheClassDoesNotAllow(t *testing.T) {
	r := StartRegion(t, "eu-west-1", Options{CRDs: []string{"../../deploy/crds"}})
	a := admission{r, r.Namespace(t, "team-a", nil), r.Namespace(t, "team-b", map[string]string{"dns": "self-service"})}
	must(t, r.Apply(t.Context(), admissionManifests(t)))
	must(t, r.Apply(t.Context(), fmt.Sprintf(`
apiVersion: bulkhead.dev/v1alpha1
kind: FailoverClass
metadata: {name: default, annotations: {bulkhead.dev/is-default-class: "true"}}
spec:
  region: eu-west-1
  provider: aws
  zones: [example.com, eu.example.com]
  hostnames:
    - {namespaces: [%s], hostnames: [app1.example.com, "*.shop.example.com", "*.example.com"]}
    - {namespaceSelector: {dns: self-service}, hostnames: ["*.{namespace}.example.com"]}
  limits: {regionsPerPolicy: 2}
  fastest: {requestInterval: 30, failureThreshold: 3}
  targets: {cidrs: [93.184.216.0/24]}
---
apiVersion: bulkhead.dev/v1alpha1
kind: FailoverClass
metadata: {name: theirs}
spec: {region: eu-west-1, hostnames: [{namespaces: [nobody], hostnames: [x.example.com]}]}
`, a.teamA)))
	// Which classes there are is for the controller to say.
	for _, class := range []string{"default", "theirs"} {
		kubectl(t, r, "", "patch", "failoverclass", class, "--subresource=status", "--type=merge", "-p", `{"status":{"policies":0,"classes":["default","theirs"]}}`)
	}
	// The API server compiles an admission policy some time after it was stored.
	eventually(t, "the admission policy is in force", func(ctx context.Context) error {
		if err := r.Client().Create(ctx, a.policy(t, a.teamB, "probe", "hostname: app1.example.com"), client.DryRunAll); !apierrors.IsForbidden(err) {
			return fmt.Errorf("another's hostname: %w", errors.Join(err, errors.New("it is not forbidden")))
		}
		unknown := a.policy(t, a.teamA, "probe", "hostname: app1.example.com, classRef: {name: nope}")
		if err := r.Client().Create(ctx, unknown, client.DryRunAll); !apierrors.IsForbidden(err) {
			return fmt.Errorf("an unknown class: %w", errors.Join(err, errors.New("it is not forbidden")))
		}
		return nil
	})

	var told strings.Builder
	for _, c := range []struct{ name, namespace, spec string }{
		{"its own", a.teamA, "hostname: app1.example.com"},
		{"its own by a pattern", a.teamA, "hostname: x.shop.example.com"},
		{"its own by a label of the namespace", a.teamB, "hostname: x." + a.teamB + ".example.com"},
		{"another's", a.teamB, "hostname: app1.example.com"},
		{"a part of another namespace", a.teamB, "hostname: x.team-c.example.com"},
		{"two labels for one", a.teamA, "hostname: x.y.shop.example.com"},
		{"a wildcard", a.teamA, `hostname: "*.shop.example.com"`},
		{"upper case", a.teamA, "hostname: App1.example.com"},
		{"an apex by a pattern", a.teamA, "hostname: eu.example.com"},
		{"an apex of the zone", a.teamA, "hostname: example.com"},
		{"a faster interval", a.teamA, "hostname: app1.example.com, healthCheck: {requestInterval: 10}"},
		{"an interval of the engine", a.teamA, "hostname: app1.example.com, healthCheck: {requestInterval: 5}"},
		{"a lower threshold", a.teamA, "hostname: app1.example.com, healthCheck: {failureThreshold: 1}"},
		{"a lower threshold in a Region", a.teamA, "hostname: app1.example.com, regions: [{name: eu-west-1, healthCheck: {failureThreshold: 1}}]"},
		{"too many Regions", a.teamA, "hostname: app1.example.com, regions: [{name: eu-west-1}, {name: eu-central-1}, {name: us-east-1}]"},
		{"an address of the class", a.teamA, "hostname: app1.example.com, regions: [{name: eu-west-1, addresses: [93.184.216.34]}]"},
		{"other addresses", a.teamA, "hostname: app1.example.com, regions: [{name: eu-west-1, addresses: [127.0.0.1]}, {name: x, addresses: [169.254.169.254]}]"},
		{"a load balancer of AWS", a.teamA, "hostname: app1.example.com, regions: [{name: eu-west-1, loadBalancer: {dnsName: a-1.eu-west-1.elb.amazonaws.com}}]"},
		{"another name", a.teamA, "hostname: app1.example.com, regions: [{name: eu-west-1, loadBalancer: {dnsName: localhost, hostedZoneId: Z1}}]"},
		{"another Host header", a.teamA, "hostname: app1.example.com, healthCheck: {hostHeader: localhost}"},
		{"an unknown class", a.teamA, "hostname: app1.example.com, classRef: {name: nope}"},
		{"a class of others", a.teamA, "hostname: app1.example.com, classRef: {name: theirs}"},
		{"a character that XML does not have", a.teamA, `hostname: app1.example.com, healthCheck: {searchString: "a\x01"}`},
		{"another such character", a.teamA, `hostname: app1.example.com, healthCheck: {path: "/x\ufffe"}`},
	} {
		err := r.Client().Create(t.Context(), a.policy(t, c.namespace, "p", c.spec), client.DryRunAll)
		fmt.Fprintf(&told, "%s:\n  %s\n", c.name, a.words(err))
	}

	app := a.policy(t, a.teamA, "app1", "hostname: app1.example.com")
	must(t, r.Client().Create(t.Context(), app))
	for _, c := range []struct {
		name, path string
		value      any
	}{
		{"another hostname", "hostname", "x.shop.example.com"},
		{"a change to faster timers", "healthCheck", map[string]any{"failureThreshold": int64(1)}},
		{"another path", "healthCheck", map[string]any{"path": "/health"}},
	} {
		changed := app.DeepCopy()
		must(t, unstructured.SetNestedField(changed.Object, c.value, "spec", c.path))
		fmt.Fprintf(&told, "%s:\n  %s\n", c.name, a.words(r.Client().Update(t.Context(), changed, client.DryRunAll)))
	}
	retained := app.DeepCopy()
	retained.SetAnnotations(map[string]string{"bulkhead.dev/deletion-policy": "Retain"})
	fmt.Fprintf(&told, "keeping records after deletion:\n  %s\n", a.words(r.Client().Update(t.Context(), retained, client.DryRunAll)))
	golden(t, "admission.golden", told.String())

	// Nobody may have app1 any more.
	kubectl(t, r, "", "patch", "failoverclass", "default", "--type=merge", "-p", `{"spec":{"hostnames":[{"namespaces":["nobody"],"hostnames":["x.example.com"]}]}}`)
	eventually(t, "the class has changed for the API server", func(ctx context.Context) error {
		if err := r.Client().Create(ctx, a.policy(t, a.teamA, "p", "hostname: x.shop.example.com"), client.DryRunAll); !apierrors.IsForbidden(err) {
			return fmt.Errorf("a hostname of the old class: %w", errors.Join(err, errors.New("it is not forbidden")))
		}
		return nil
	})
	kubectl(t, r, a.teamA, "label", "failoverpolicy", "app1", "owner=somebody")
	kubectl(t, r, a.teamA, "patch", "failoverpolicy", "app1", "--type=merge", "-p", `{"metadata":{"finalizers":["bulkhead.dev/records"]}}`)
	// Not even when the class, or every class, has gone.
	for _, class := range []string{"default", "theirs"} {
		kubectl(t, r, "", "delete", "failoverclass", class)
		kubectl(t, r, a.teamA, "label", "--overwrite", "failoverpolicy", "app1", "owner="+class)
	}
	kubectl(t, r, a.teamA, "delete", "failoverpolicy", "app1", "--wait=false")
	kubectl(t, r, a.teamA, "patch", "failoverpolicy", "app1", "--type=merge", "-p", `{"metadata":{"finalizers":null}}`)
	kubectl(t, r, a.teamA, "wait", "--for=delete", "failoverpolicy/app1", "--timeout=30s")
}

type admission struct {
	*Region
	teamA, teamB string
}

// policy is a FailoverPolicy that names an Ingress.
func (a admission) policy(t *testing.T, namespace, name, spec string) *unstructured.Unstructured {
	t.Helper()
	p := &unstructured.Unstructured{}
	must(t, yaml.Unmarshal(fmt.Appendf(nil, "{apiVersion: bulkhead.dev/v1alpha1, kind: FailoverPolicy, metadata: {name: %s, namespace: %s}, "+
		"spec: {targetRef: {kind: Ingress, name: shop}, %s}}", name, namespace, spec), &p.Object))
	return p
}

// words is what a person is told, without the parts of the namespaces' names that differ from run to run.
func (a admission) words(err error) string {
	if err == nil {
		return "accepted"
	}
	return strings.NewReplacer(a.teamA, "team-a", a.teamB, "team-b").Replace(err.Error())
}

// admissionManifests are the admission policy and its binding of the plain manifests.
func admissionManifests(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile("../../deploy/kubernetes/install.yaml")
	must(t, err)
	var wanted []string
	for document := range strings.SplitSeq(string(data), "\n---\n") {
		if strings.Contains(document, "\nkind: ValidatingAdmissionPolicy") {
			wanted = append(wanted, document)
		}
	}
	if len(wanted) != 2 {
		t.Fatalf("the manifests have %d such documents, want the policy and its binding", len(wanted))
	}
	return strings.Join(wanted, "\n---\n")
}
