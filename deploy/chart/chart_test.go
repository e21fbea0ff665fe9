// Package chart_test installs the Helm chart and the plain manifests into an API server.
package chart_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkhead-dns/bulkhead/test/kube"
)

// everything is values that take every branch of the chart but those that need the Prometheus operator.
const everything = `
namespace: {create: false}
image: {digest: "sha256:0123456789012345678901234567890123456789012345678901234567890123"}
imagePullSecrets: [{name: registry}]
controller: {clusterName: prod-eu, className: gold, region: eu-west-1, endpointURL: "http://engine:8053", extraEnv: [{name: AWS_REGION, value: eu-west-1}]}
class:
  name: gold
  default: false
  region: eu-west-1
  provider: engine
  endpoint: http://engine:8053
  zones: [example.com]
  readinessSignal: true
  hostnames:
    - {namespaces: ["team-*"], hostnames: ["*.{namespace}.example.com"]}
    - {namespaceSelector: {dns: self-service}, hostnames: [a.example.com]}
  targets: {cidrs: [10.0.0.0/8, "2001:db8::/32"], dnsSuffixes: [lb.example.net], hostHeaders: ["*.{namespace}.example.net"]}
  deletion: {retain: true, gracePeriod: 30s, abandoned: Remove}
  revocation: {gracePeriod: 24h}
  defaults: {failureThreshold: 2}
  limits: {regionsPerPolicy: 3}
  fastest: {requestInterval: 10}
serviceAccount: {annotations: {eks.amazonaws.com/role-arn: "arn:aws:iam::000000000000:role/bulkhead"}}
metrics: {annotations: true, certificateSecret: metrics-certificate, readers: [{namespace: monitoring, serviceAccount: prometheus-k8s}]}
networkPolicy:
  metricsFrom: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: monitoring}}}]
  egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0}}], ports: [{port: 443}]}]
podAnnotations: {example.com/a: b}
podLabels: {example.com/c: d}
nodeSelector: {kubernetes.io/os: linux}
tolerations: [{operator: Exists}]
priorityClassName: system-cluster-critical
topologySpreadConstraints:
  - {maxSkew: 1, topologyKey: kubernetes.io/hostname, whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {app.kubernetes.io/instance: other}}}
`

// installValues are those of the plain manifests.
const installValues = "../../scripts/install-values.yaml"

func values(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "values.yaml")
	if err := os.WriteFile(file, []byte(everything), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// helm runs Helm without a cluster.
func helm(t *testing.T, args ...string) (string, error) {
	t.Helper()
	bins, err := kube.Binaries()
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), filepath.Join(bins, "helm"), args...).CombinedOutput()
	return string(out), err
}

func TestChartLints(t *testing.T) {
	for _, args := range [][]string{
		{"lint", "--strict", "bulkhead", "-f", installValues},
		{"lint", "--strict", "bulkhead", "-f", values(t)},
		{"template", "b", "bulkhead", "--kube-version", "1.37.2", "-f", values(t)},
	} {
		if out, err := helm(t, args...); err != nil {
			t.Errorf("helm %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

// A misspelt value changes nothing silently.
func TestChartRefusesValuesThatItDoesNotKnow(t *testing.T) {
	for set, want := range map[string]string{
		"class.targets.cidrs[0]=10.0.0.1":     "/class/targets/cidrs/0",
		"class.deletion.abandoned=Forget":     "/class/deletion/abandoned",
		"metrics.podMonitor=true":             "podMonitor",
		"image.colour=red":                    "colour",
		"controller.logLevel=loud":            "/controller/logLevel",
		"class.region=Europe":                 "/class/region",
		"class.hostnames[1].hostnames[0]=a.b": "/class/hostnames/1",
		"replicas=two":                        "/replicas",
		"metrics.port=80":                     "/metrics/port",
		"class.region=":                       "class.region is missing",
	} {
		out, err := helm(t, "template", "b", "bulkhead", "--kube-version", "1.37.2", "-f", installValues, "--set", set)
		if err == nil || !strings.Contains(out, want) {
			t.Errorf("--set %s: error %v, want one of %s\n%s", set, err, want, out)
		}
	}
}

// What a class would allow to everybody is allowed by a word of its own, or the chart says what to set.
func TestChartAllowsNothingToEverybodyUnasked(t *testing.T) {
	const zones, hostnames = "class.zones[0]=example.com", "class.hostnames[0].namespaces[0]=team-a,class.hostnames[0].hostnames[0]=a.example.com"
	for _, c := range []struct{ set, want string }{
		{"replicas=2", "class.hostnames is missing: which namespaces may have which hostnames"},
		{hostnames, "class.zones is missing: names or ids of the hosted zones that policies may write to"},
		{zones, "set class.anyHostname=true"},
		{zones + ",class.anyHostname=true", ""},
		{hostnames + ",class.anyZone=true", ""},
		{"class.anyHostname=true,class.anyZone=true", ""},
		{zones + "," + hostnames, ""},
		{zones + "," + hostnames + ",class.anyHostname=true", "leave class.hostnames empty"},
		{zones + "," + hostnames + ",class.anyZone=true", "leave class.zones empty"},
		{"class.create=false", ""},
		{"class.provider=engine,class.endpoint=http://127.0.0.1:8053", ""}, // for trying on one machine
		{"class.provider=engine,class.endpoint=http://engine:8053", "class.hostnames is missing"},
		{"class.provider=engine,class.endpoint=http://127.example.com", "class.hostnames is missing"},
	} {
		out, err := helm(t, "template", "b", "bulkhead", "--kube-version", "1.37.2", "--set", "class.region=eu-west-1", "--set", c.set)
		if (err == nil) != (c.want == "") || !strings.Contains(out, c.want) {
			t.Errorf("--set %s: error %v, want %s\n%s", c.set, err, c.want, out[:min(len(out), 500)])
		}
	}
}

func TestPlainManifestsAreTheChart(t *testing.T) {
	want, err := helm(t, "template", "bulkhead", "bulkhead", "--namespace", "bulkhead-system", "--include-crds", "--no-hooks", "--kube-version", "1.37.2",
		"-f", installValues)
	if err != nil {
		t.Fatal(err, want)
	}
	got, err := os.ReadFile(filepath.Join("..", "kubernetes", "install.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	_, manifests, _ := strings.Cut(string(got), "\n---\n")
	// Helm 3 and Helm 4 part documents differently.
	parted := strings.NewReplacer("\n\n---", "\n---")
	if diff := cmp.Diff(parted.Replace(want), parted.Replace("---\n"+manifests)); diff != "" {
		t.Errorf("run scripts/generate; want -, got +\n%s", diff)
	}
}

func policy(namespace, spec string) string {
	return "{apiVersion: bulkhead.dev/v1alpha1, kind: FailoverPolicy, metadata: {name: app, namespace: " + namespace + "}, spec: " + spec + "}"
}

// One API server takes the plain manifests and a release of the chart beside them, and refuses early what it can.
func TestAPIServerTakesTheManifestsAndEnforcesThem(t *testing.T) {
	r := kube.StartRegion(t, "eu-west-1", kube.Options{CRDs: []string{filepath.Join("..", "crds")}})
	if out, err := r.Kubectl(t.Context(), "apply", "--server-side", "-f", filepath.Join("..", "kubernetes", "install.yaml")); err != nil {
		t.Fatal(err, out)
	}
	if out, err := r.Helm(t.Context(), "install", "second", "bulkhead", "--namespace", "second", "--create-namespace", "--skip-crds", "-f", values(t)); err != nil {
		t.Fatal(err, out)
	}

	// The schema of the CustomResourceDefinition.
	ref := "targetRef: {kind: Ingress, name: x}}"
	for spec, want := range map[string]string{
		"{hostname: '*.example.com', " + ref:                           "a wildcard is not accepted",
		"{hostname: a.example.com}":                                    "must have a targetRef, or at least one of regions",
		"{hostname: a.example.com, healthCheck: {port: 70000}, " + ref: "less than or equal to 65535",
	} {
		if err := r.Apply(t.Context(), policy("default", spec)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %s", spec, err, want)
		}
	}

	// The admission policy, once the API server has taken notice of it.
	refused := policy("default", "{hostname: a.example.com, classRef: {name: gold}, "+ref)
	err := kube.Await(t.Context(), "the admission policy", time.Minute, func(ctx context.Context) error {
		err := r.Apply(ctx, refused)
		if err == nil {
			if _, err := r.Kubectl(ctx, "delete", "failoverpolicy", "app"); err != nil {
				return err
			}
			return context.DeadlineExceeded
		}
		if !strings.Contains(err.Error(), "there is no FailoverClass gold for namespace default") {
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	labels := map[string]string{"dns": "self-service"}
	ns := r.Namespace(t, "self", labels)
	if err := r.Apply(t.Context(), policy(ns, "{hostname: a.example.com, classRef: {name: gold}, "+ref)); err != nil {
		t.Error(err)
	}
	if err := r.Apply(t.Context(), policy(ns, "{hostname: a.example.com, classRef: {name: gold}, healthCheck: {requestInterval: 5}, "+ref)); err == nil ||
		!strings.Contains(err.Error(), "the class gold allows 10 seconds or more") {
		t.Errorf("faster timers: error %v", err)
	}
	if err := r.Apply(t.Context(), policy(ns, "{hostname: b.example.com, classRef: {name: gold}, "+ref)); err == nil ||
		!strings.Contains(err.Error(), "cannot be changed") {
		t.Errorf("another hostname: error %v", err)
	}
	out, err := r.Kubectl(t.Context(), "get", "fpol", "-n", ns)
	if err != nil {
		t.Fatal(err)
	}
	head, _, _ := strings.Cut(out, "\n")
	want := []string{"NAME", "HOSTNAME", "ACCEPTED", "PROGRAMMED", "HEALTH", "AGE"}
	if diff := cmp.Diff(want, strings.Fields(head)); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
	if out, err := r.Kubectl(t.Context(), "get", "fc"); err != nil || !strings.Contains(out, "gold") || !strings.Contains(out, "default") {
		t.Errorf("%v\n%s", err, out)
	}
}
