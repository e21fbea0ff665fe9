package v1alpha1

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/bulkhead-dns/bulkhead/failover"
)

// The chart carries the definitions, as Helm takes them from nowhere else, and the plain manifests carry them too.
func TestDefinitionsAreTheSameEverywhere(t *testing.T) {
	deploy := filepath.Join("..", "..", "deploy")
	names := func(dir string) []string {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		var list []string
		for _, e := range entries {
			list = append(list, e.Name())
		}
		return list
	}
	chart, crds := filepath.Join(deploy, "chart", "bulkhead", "crds"), filepath.Join(deploy, "crds")
	if diff := cmp.Diff(names(crds), names(chart)); diff != "" {
		t.Fatalf("run scripts/generate\n%s", diff)
	}
	install, err := os.ReadFile(filepath.Join(deploy, "kubernetes", "install.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names(crds) {
		want, err := os.ReadFile(filepath.Join(crds, name))
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join(chart, name))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("the chart's %s is another: run scripts/generate\n%s", name, diff)
		}
		if !strings.Contains(string(install), strings.TrimPrefix(string(want), "---\n")) {
			t.Errorf("the plain manifests have another %s: run scripts/generate", name)
		}
	}
}

// The class that the chart makes is one that its own definition and failover accept.
func TestManifestsHaveAValidClass(t *testing.T) {
	classes := manifests[FailoverClass](t, failover.ClassKind)
	if len(classes) != 1 {
		t.Fatalf("%d classes", len(classes))
	}
	if err := failover.ValidateClass(classes[0].Class()); err != nil {
		t.Error(err)
	}
	if classes[0].Annotations[DefaultClassAnnotation] != "true" {
		t.Errorf("the only class is not the default one: %v", classes[0].Annotations)
	}
}

// The controller may read sources and policies, and write status and events: no Secret, no ConfigMap, nothing of
// anybody's.
func TestControllerMayDoLittle(t *testing.T) {
	var got []string
	add := func(name string, rules []rbacv1.PolicyRule) {
		for _, r := range rules {
			got = append(got, name+": "+strings.Join(r.Resources, " ")+" "+strings.Join(r.ResourceNames,
				" ")+"= "+strings.Join(r.Verbs, " "))
		}
	}
	for _, role := range manifests[rbacv1.ClusterRole](t, "ClusterRole") {
		if !strings.Contains(role.Name, "-policies-") && !strings.HasSuffix(role.Name, "-metrics-reader") {
			add("cluster", role.Rules)
		}
	}
	for _, role := range manifests[rbacv1.Role](t, "Role") {
		add("namespace", role.Rules)
	}
	slices.Sort(got)
	want := []string{
		"cluster: customresourcedefinitions failoverpolicies.bulkhead.dev= get",
		"cluster: events = create patch",
		"cluster: failoverpolicies = patch", // the finalizer
		"cluster: failoverpolicies failoverclasses = list watch",
		"cluster: failoverpolicies/status failoverclasses/status = patch",
		"cluster: gateways listenersets httproutes grpcroutes tlsroutes = list watch",
		"cluster: ingresses = list watch",
		"cluster: namespaces = list watch",
		"cluster: services = list watch",
		"cluster: subjectaccessreviews = create", // of those who ask for the metrics
		"cluster: tokenreviews = create",
		"namespace: events = create",
		"namespace: leases = create",
		"namespace: leases bulkhead-controller= get update",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
}

// The metrics have names of policies: nobody may read them whom nobody has named, and nobody else connects to the
// controller.
func TestMetricsAreForNobodyUnasked(t *testing.T) {
	for _, b := range manifests[rbacv1.ClusterRoleBinding](t, "ClusterRoleBinding") {
		if strings.HasSuffix(b.RoleRef.Name, "-metrics-reader") {
			t.Errorf("%s may read the metrics", b.Name)
		}
	}
	policies := manifests[networkingv1.NetworkPolicy](t, "NetworkPolicy")
	if len(policies) != 1 {
		t.Fatalf("%d network policies", len(policies))
	}
	spec := policies[0].Spec
	pods := manifests[appsv1.Deployment](t, "Deployment")[0].Spec.Template.Labels
	for key, value := range spec.PodSelector.MatchLabels {
		if pods[key] != value {
			t.Errorf("the network policy is for %s=%s, the Pods have %q", key, value, pods[key])
		}
	}
	if len(spec.PodSelector.MatchLabels) == 0 || len(spec.Ingress) != 0 ||
		!slices.Equal(spec.PolicyTypes, []networkingv1.PolicyType{networkingv1.PolicyTypeIngress}) {
		t.Errorf("%+v", spec)
	}
}

// What the restricted Pod Security Standard asks for, and a file system that nobody writes to.
func TestControllerRunsWithoutPrivileges(t *testing.T) {
	deployments := manifests[appsv1.Deployment](t, "Deployment")
	if len(deployments) != 1 {
		t.Fatalf("%d deployments", len(deployments))
	}
	spec := deployments[0].Spec
	if *spec.Replicas != 2 {
		t.Errorf("%d replicas", *spec.Replicas)
	}
	pod, container := spec.Template.Spec.SecurityContext, spec.Template.Spec.Containers[0]
	own := container.SecurityContext
	if !*pod.RunAsNonRoot || *pod.RunAsUser == 0 || pod.SeccompProfile.Type != "RuntimeDefault" {
		t.Errorf("pod: %+v", pod)
	}
	if *own.AllowPrivilegeEscalation || !*own.ReadOnlyRootFilesystem ||
		!slices.Equal(own.Capabilities.Drop, []corev1.Capability{"ALL"}) {
		t.Errorf("container: %+v", own)
	}
	want := []string{
		"--metrics-bind-address=:8443", "--metrics-secure", "--health-probe-bind-address=:8081", "--leader-elect",
		"--leader-election-namespace=bulkhead-system", "--sources=ingress,gateway,service", "--resync=10m",
		"--verdict-interval=45s", "--log-level=info",
		"--log-format=json",
	}
	if diff := cmp.Diff(want, container.Args); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
	if container.LivenessProbe == nil || container.ReadinessProbe == nil ||
		len(spec.Template.Spec.TopologySpreadConstraints) != 2 {
		t.Error("probes or spread are missing")
	}
}
