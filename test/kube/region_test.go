//go:build kube

package kube

import (
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// kubectl runs kubectl in a namespace; the test fails if kubectl does.
func kubectl(t *testing.T, r *Region, namespace string, args ...string) string {
	t.Helper()
	out, err := r.Kubectl(t.Context(), append([]string{"--namespace", namespace}, args...)...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// endpoints waits until the shop has n ready endpoints.
func endpoints(t *testing.T, r *Region, namespace string, n int) []string {
	t.Helper()
	ready, err := r.AwaitReadyEndpoints(t.Context(), namespace, "shop", n)
	if err != nil {
		t.Fatal(err)
	}
	return ready
}

func TestTwoRegionsRunWorkloadsApart(t *testing.T) {
	regions := make([]*Region, 2)
	var starting sync.WaitGroup
	began := time.Now()
	for i, name := range []string{"eu-west-1", "eu-central-1"} {
		starting.Go(func() {
			r, err := Start(t.Context(), name, Options{Nodes: 2})
			if err != nil {
				t.Error(err)
				return
			}
			t.Cleanup(func() {
				if err := r.Close(); err != nil {
					t.Error(err)
				}
			})
			regions[i] = r
		})
	}
	starting.Wait()
	if t.Failed() {
		t.FailNow()
	}
	t.Logf("two Regions with two nodes each are up after %s", time.Since(began).Round(10*time.Millisecond))
	west, central := regions[0], regions[1]

	began = time.Now()
	for _, r := range regions {
		kubectl(t, r, "default", "apply", "-f", "testdata/shop.yaml")
	}
	for _, r := range regions {
		cidr := netip.MustParsePrefix(podCIDR(r.Name))
		for _, address := range endpoints(t, r, "default", 3) {
			if !cidr.Contains(netip.MustParseAddr(address)) {
				t.Errorf("a Pod in %s has the address %s, want one in %s", r.Name, address, cidr)
			}
		}
	}
	t.Logf("three ready endpoints in each after %s", time.Since(began).Round(10*time.Millisecond))

	began = time.Now()
	kubectl(t, west, "default", "scale", "deployment", "shop", "--replicas=0")
	endpoints(t, west, "default", 0)
	t.Logf("none in one of them after %s", time.Since(began).Round(10*time.Millisecond))
	if ready, err := central.ReadyEndpoints(t.Context(), "default", "shop"); err != nil || len(ready) != 3 {
		t.Errorf("after scaling to 0 in %s, %s has the endpoints %v (%v), want 3", west.Name, central.Name, ready, err)
	}
	kubectl(t, west, "default", "scale", "deployment", "shop", "--replicas=5")
	endpoints(t, west, "default", 5)

	nodes := strings.Fields(kubectl(t, central, "default", "get", "nodes", "-o", "jsonpath={.items[*].metadata.name}"))
	if len(nodes) != 2 || nodes[0] != "eu-central-1-1" || nodes[1] != "eu-central-1-2" {
		t.Errorf("the nodes of %s are %v", central.Name, nodes)
	}
}

// Clients keep their configuration over a crash of the API server and over a stop of everything, and what they stored is there.
func TestRegionKeepsItsDataAndAddress(t *testing.T) {
	r := StartRegion(t, "eu-west-1", Options{Nodes: 1})
	ns := r.Namespace(t, "shop", nil)
	kubectl(t, r, ns, "apply", "-f", "testdata/shop.yaml")
	endpoints(t, r, ns, 3)

	if err := r.KillAPIServer(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.ReadyEndpoints(t.Context(), ns, "shop"); err == nil {
		t.Fatal("the API server answers after it was killed")
	}
	began := time.Now()
	if err := r.StartAPIServer(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Logf("API server is back after %s", time.Since(began).Round(10*time.Millisecond))
	endpoints(t, r, ns, 3)
	kubectl(t, r, ns, "scale", "deployment", "shop", "--replicas=2")
	endpoints(t, r, ns, 2) // controllers, scheduler and kwok have found the API server again

	began = time.Now()
	if err := r.Stop(); err != nil {
		t.Fatal(err)
	}
	t.Logf("Region is down after %s", time.Since(began).Round(10*time.Millisecond))
	began = time.Now()
	if err := r.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Logf("Region is back after %s", time.Since(began).Round(10*time.Millisecond))
	endpoints(t, r, ns, 2)
	kubectl(t, r, ns, "scale", "deployment", "shop", "--replicas=4")
	endpoints(t, r, ns, 4)
}

func TestCRDsAreServedAndTheirRulesEnforced(t *testing.T) {
	r := StartRegion(t, "eu-west-1", Options{CRDs: []string{"testdata/crd.yaml"}})
	widget := func(least string) string {
		return "{apiVersion: kube.test/v1, kind: Widget, metadata: {name: w, namespace: default}, spec: {least: " + least + ", most: 2}}"
	}
	err := r.Apply(t.Context(), widget("3"))
	if err == nil || !strings.Contains(err.Error(), "least must not be above most") {
		t.Errorf("an object against the rule: got error %v", err)
	}
	if err := r.Apply(t.Context(), widget("1")); err != nil {
		t.Error(err)
	}
	if err := r.InstallCRDs("testdata/crd.yaml"); err != nil {
		t.Errorf("the same CRDs again: %v", err)
	}
	if err := r.InstallCRDs("testdata/nothing"); err == nil || !strings.Contains(err.Error(), "testdata/nothing") {
		t.Errorf("CRDs that are not there: got error %v", err)
	}
	users(t, r)
}

// users proves that who is not an administrator may do what RBAC allows and nothing else.
func users(t *testing.T, r *Region) {
	kubectl(t, r, "default", "create", "serviceaccount", "reader")
	kubectl(t, r, "default", "create", "role", "reader", "--verb=get,list", "--resource=services")
	kubectl(t, r, "default", "create", "rolebinding", "reader", "--role=reader", "--serviceaccount=default:reader", "--group=readers")
	account, err := r.ServiceAccountKubeconfig(t.Context(), "default", "reader")
	if err != nil {
		t.Fatal(err)
	}
	person, err := r.Kubeconfig("anne", "readers")
	if err != nil {
		t.Fatal(err)
	}
	for who, kubeconfig := range map[string]string{"service account": account, "person": person} {
		if _, err := r.Kubectl(t.Context(), "--kubeconfig", kubeconfig, "get", "services"); err != nil {
			t.Errorf("%s: %v", who, err)
		}
		_, err := r.Kubectl(t.Context(), "--kubeconfig", kubeconfig, "get", "secrets")
		if err == nil || !strings.Contains(err.Error(), "forbidden") {
			t.Errorf("%s reads secrets: got error %v, want forbidden", who, err)
		}
	}
	if _, err := r.ServiceAccountKubeconfig(t.Context(), "default", "nobody"); err == nil || !strings.Contains(err.Error(), "default/nobody") {
		t.Errorf("kubeconfig of a service account that is not there: got error %v", err)
	}
}

func TestHelmInstallsAChart(t *testing.T) {
	r := StartRegion(t, "eu-west-1", Options{Nodes: 1})
	chart := r.file("shop")
	for _, args := range [][]string{
		{"create", chart},
		{"lint", chart},
		{"install", "shop", chart, "--namespace", "shop", "--create-namespace"},
	} {
		if _, err := r.Helm(t.Context(), args...); err != nil {
			t.Fatal(err)
		}
	}
	endpoints(t, r, "shop", 1)
	if _, err := r.Helm(t.Context(), "uninstall", "shop", "--namespace", "shop"); err != nil {
		t.Fatal(err)
	}
	endpoints(t, r, "shop", 0)
}

func TestNamespacesAreNew(t *testing.T) {
	r := StartRegion(t, "eu-west-1", Options{})
	a, b := r.Namespace(t, "team", map[string]string{"tenant": "a"}), r.Namespace(t, "team", nil)
	if a == b || !strings.HasPrefix(a, "team-") {
		t.Errorf("namespaces %q and %q, want two that begin with team-", a, b)
	}
	var selected corev1.NamespaceList
	if err := r.Client().List(t.Context(), &selected, client.MatchingLabels{"tenant": "a"}); err != nil {
		t.Fatal(err)
	}
	if len(selected.Items) != 1 || selected.Items[0].Name != a {
		t.Errorf("namespaces of tenant a are %v, want %s", selected.Items, a)
	}
	// Clients of the test's own are not slowed down.
	c, err := client.New(r.Config(), client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for range 50 {
		m := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{GenerateName: "m-", Namespace: a}}
		if err := c.Create(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	if r.Config().QPS >= 0 {
		t.Errorf("Config has a limit of %v calls a second", r.Config().QPS)
	}
}
