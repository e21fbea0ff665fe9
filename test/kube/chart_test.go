//go:build kube

package kube

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/bulkhead-dns/bulkhead/api/v1alpha1"
)

const chart = "../../deploy/chart/bulkhead"

// The chart passes Helm's own checks, and a server-side apply to an API server. The controller, run with the arguments of its
// Deployment and the rights of its service account, programs every kind of source: no call is forbidden, and every right is used.
func TestChartGivesTheRightsThatTheControllerUsesAndNoOthers(t *testing.T) {
	// Current API servers send what a list would bring as the beginning of a watch; the controller lists those that do not.
	t.Setenv("KUBE_FEATURE_WatchListClient", "false")
	log := filepath.Join(t.TempDir(), "audit.log")
	policy, err := filepath.Abs("testdata/audit.yaml")
	must(t, err)
	w := startWorld(t, Options{Nodes: 1, CRDs: gatewayCRDs(t), APIServerArgs: []string{"--audit-policy-file=" + policy, "--audit-log-path=" + log}})
	s := w.west
	s.installChart(t)

	kubeconfig, err := s.ServiceAccountKubeconfig(t.Context(), "bulkhead-system", "bulkhead")
	must(t, err)
	args := s.deployed(t)
	metrics := s.free(t)
	s.start(t, w, "controller", append(args, "--kubeconfig="+kubeconfig, "--metrics-bind-address="+metrics, "--health-probe-bind-address="+s.free(t))...)
	s.startIngresses(t, w)
	s.apply(t, "tenant.yaml", "$TENANT", "team-0")
	s.apply(t, "sources.yaml")
	s.patchStatus(t, "service/direct", fmt.Sprintf(`{"status":{"loadBalancer":{"ingress":[{"hostname":%q}]}}}`, s.loadBalancer.DNSName))
	s.patchStatus(t, "gateway/edge", fmt.Sprintf(`{"status":{"addresses":[{"type":"Hostname","value":%q}]}}`, s.loadBalancer.DNSName))
	s.patchStatus(t, "httproute/web", `{"status":{"parents":[{"parentRef":{"name":"edge"},"controllerName":"gateway.example/alb","conditions":[
		{"type":"Accepted","status":"True","reason":"Accepted","message":"","lastTransitionTime":"2026-01-01T00:00:00Z"}]}]}}`)
	v := w.watch(t)
	for _, name := range []string{"ingress", "service", "gateway", "route", "marked"} {
		v.add(w, name+".team-0.example.com")
		v.answered(t, name+".team-0.example.com", s, s)
	}
	// What is corrected again and again counts in the event of the first time.
	for range 10 {
		w.remove(t, "marked.team-0.example.com.")
		happened(t, s, v1alpha1.EventDrift, "marked")
		if used, _, err := audited(log); err != nil || used[right("events.k8s.io", "events", "patch")] {
			break
		}
	}
	kubectl(t, s.Region, "team-0", "annotate", "ingress", "marked", "bulkhead.dev/request-interval=never")
	happened(t, s, v1alpha1.EventRefused, "marked")
	kubectl(t, s.Region, "team-0", "delete", "failoverpolicy", "service", "--timeout=60s")

	s.metricsAreForReaders(t, "https://"+metrics+"/metrics")

	granted := s.granted(t)
	var used map[string]bool
	eventually(t, "every right is used", func(context.Context) (err error) {
		var forbidden []string
		if used, forbidden, err = audited(log); err != nil {
			return err
		}
		if len(forbidden) > 0 {
			t.Fatalf("the service account may not: %s", strings.Join(forbidden, "; "))
		}
		var idle []string
		for _, right := range granted {
			if !used[right] {
				idle = append(idle, right)
			}
		}
		if len(idle) > 0 {
			return fmt.Errorf("of %d rights these were never used: %s", len(granted), strings.Join(idle, ", "))
		}
		return nil
	})
	t.Logf("%d rights are granted and used: %s", len(granted), strings.Join(granted, ", "))
	for _, right := range slices.Sorted(maps.Keys(used)) {
		if !slices.Contains(granted, right) {
			t.Logf("used by another role: %s", right)
		}
	}
}

// metricsAreForReaders asks for the metrics as everybody, as a service account, and as one that the chart's values name.
func (s *site) metricsAreForReaders(t *testing.T, url string) {
	t.Helper()
	// The certificate is the controller's own.
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	defer client.CloseIdleConnections()
	get := func(url, token string) (status int, body string) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		must(t, err)
		if token != "" {
			request.Header.Set("Authorization", "Bearer "+token)
		}
		response, err := client.Do(request)
		must(t, err)
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		must(t, err)
		return response.StatusCode, string(text)
	}
	for _, name := range []string{"prometheus", "stranger"} {
		kubectl(t, s.Region, "team-0", "create", "serviceaccount", name)
	}
	token := func(name string) string {
		return strings.TrimSpace(kubectl(t, s.Region, "team-0", "create", "token", name))
	}
	const named = `policy="team-0/ingress"`
	for _, c := range []struct {
		who, token string
		status     int
	}{
		{"nobody", "", http.StatusUnauthorized},
		{"a wrong token", "x.y.z", http.StatusInternalServerError}, // so controller-runtime answers what the API server calls an error
		{"a service account", token("stranger"), http.StatusForbidden},
		{"a reader", token("prometheus"), http.StatusOK},
	} {
		status, body := get(url, c.token)
		if status != c.status || strings.Contains(body, named) != (status == http.StatusOK) {
			t.Errorf("%s: status %d, names %t, want %d", c.who, status, strings.Contains(body, named), c.status)
		}
	}
	if status, body := get(strings.Replace(url, "https:", "http:", 1), ""); status != http.StatusBadRequest {
		t.Errorf("plain HTTP: status %d, %s", status, body)
	}
}

// remove takes a record set out of the zone, as somebody else may do, and returns when it is there again.
func (w *world) remove(t *testing.T, name string) {
	t.Helper()
	zones, err := w.account.ListHostedZones(t.Context(), &route53.ListHostedZonesInput{})
	must(t, err)
	ask := &route53.ListResourceRecordSetsInput{HostedZoneId: zones.HostedZones[0].Id, StartRecordName: &name, StartRecordType: types.RRTypeA}
	find := func(ctx context.Context) (*types.ResourceRecordSet, error) {
		page, err := w.account.ListResourceRecordSets(ctx, ask)
		if err != nil {
			return nil, err
		}
		if len(page.ResourceRecordSets) == 0 || *page.ResourceRecordSets[0].Name != name {
			return nil, fmt.Errorf("%s has no record set", name)
		}
		return &page.ResourceRecordSets[0], nil
	}
	set, err := find(t.Context())
	must(t, err)
	_, err = w.account.ChangeResourceRecordSets(t.Context(), &route53.ChangeResourceRecordSetsInput{
		HostedZoneId: ask.HostedZoneId,
		ChangeBatch:  &types.ChangeBatch{Changes: []types.Change{{Action: types.ChangeActionDelete, ResourceRecordSet: set}}},
	})
	must(t, err)
	eventually(t, "record set of "+name, func(ctx context.Context) error {
		_, err := find(ctx)
		return err
	})
}

// gatewayCRDs are the files of the Gateway API's own release that the controller reads the kinds of.
func gatewayCRDs(t *testing.T) (files []string) {
	t.Helper()
	dir, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/gateway-api").Output()
	must(t, err)
	for _, kind := range []string{"gatewayclasses", "gateways", "httproutes", "grpcroutes", "tlsroutes", "listenersets"} {
		files = append(files, filepath.Join(strings.TrimSpace(string(dir)), "config", "crd", "standard", "gateway.networking.k8s.io_"+kind+".yaml"))
	}
	return files
}

// installChart lints the chart and applies what it renders, server-side.
func (s *site) installChart(t *testing.T) {
	t.Helper()
	content, err := os.ReadFile("testdata/values.yaml")
	must(t, err)
	values := filepath.Join(t.TempDir(), "values.yaml")
	must(t, os.WriteFile(values, []byte(strings.NewReplacer(s.values...).Replace(s.world.classText(string(content)))), 0o600))
	_, err = s.Helm(t.Context(), "lint", "--strict", chart, "-f", values)
	must(t, err)
	rendered, err := s.Helm(t.Context(), "template", "bulkhead", chart, "--namespace", "bulkhead-system", "--include-crds",
		"--kube-version", "1.37.2", "--set", "namespace.create=true", "-f", values)
	must(t, err)
	manifests := filepath.Join(t.TempDir(), "manifests.yaml")
	must(t, os.WriteFile(manifests, []byte(rendered), 0o600))
	// The CustomResourceDefinitions are there already, by another hand.
	_, err = s.Kubectl(t.Context(), "apply", "--server-side", "--force-conflicts", "-f", manifests)
	must(t, err)
	kubectl(t, s.Region, "bulkhead-system", "rollout", "status", "deployment/bulkhead-controller", "--timeout=60s")
}

// deployed are the arguments of the controller's container, without the addresses of its Pod.
func (s *site) deployed(t *testing.T) (args []string) {
	t.Helper()
	out := kubectl(t, s.Region, "bulkhead-system", "get", "deployment", "bulkhead-controller", "-o", "jsonpath={.spec.template.spec.containers[0].args}")
	must(t, json.Unmarshal([]byte(out), &args))
	return slices.DeleteFunc(args, func(arg string) bool { return strings.Contains(arg, "bind-address") })
}

func (s *site) patchStatus(t *testing.T, object, patch string) {
	t.Helper()
	kubectl(t, s.Region, "team-0", "patch", object, "--subresource=status", "--type=merge", "-p", patch)
}

// granted are the rights of the controller's roles: group/resource verb.
func (s *site) granted(t *testing.T) (rights []string) {
	t.Helper()
	var cluster rbacv1.ClusterRole
	var election rbacv1.Role
	out := kubectl(t, s.Region, "", "get", "clusterrole", "bulkhead-controller", "-o", "json")
	must(t, json.Unmarshal([]byte(out), &cluster))
	out = kubectl(t, s.Region, "bulkhead-system", "get", "role", "bulkhead-leader-election", "-o", "json")
	must(t, json.Unmarshal([]byte(out), &election))
	for _, rule := range append(cluster.Rules, election.Rules...) {
		for _, group := range rule.APIGroups {
			for _, resource := range rule.Resources {
				for _, verb := range rule.Verbs {
					rights = append(rights, right(group, resource, verb))
				}
			}
		}
	}
	if len(rights) == 0 {
		t.Fatal("the roles grant nothing")
	}
	return rights
}

func right(group, resource, verb string) string { return group + "/" + resource + " " + verb }

// audited reads what the controller's service account has used of its rights, and what it was refused.
func audited(log string) (used map[string]bool, forbidden []string, err error) {
	f, err := os.Open(log)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	used = map[string]bool{}
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var event struct {
			Verb           string
			RequestURI     string
			ObjectRef      *struct{ APIGroup, Resource, Subresource string }
			ResponseStatus struct{ Code int }
		}
		if err := json.Unmarshal(lines.Bytes(), &event); err != nil {
			break // a line that is being written
		}
		if event.ResponseStatus.Code == 403 {
			forbidden = append(forbidden, event.Verb+" "+event.RequestURI)
		}
		if o := event.ObjectRef; o != nil {
			resource := o.Resource
			if o.Subresource != "" {
				resource += "/" + o.Subresource
			}
			used[right(o.APIGroup, resource, event.Verb)] = true
		}
	}
	return used, forbidden, lines.Err()
}
