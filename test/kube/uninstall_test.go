//go:build kube

package kube

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/route53"
)

// uninstallLimit is how long a command that takes a cluster apart may need.
const uninstallLimit = 2 * time.Minute

// helm uninstall, by its Job, frees the cluster: policies, namespaces and definitions can be deleted, also those that hang in deletion.
// Health checks and records stay, and every question is answered as before.
func TestUninstallFreesTheClusterAndLeavesDNS(t *testing.T) {
	t.Parallel()
	w := startWorld(t, Options{Nodes: 1})
	s := w.west
	s.helmInstall(t)
	running := s.startInstalled(t, w)
	s.startIngresses(t, w)
	v := w.watch(t)
	for _, tenant := range []string{"team-0", "team-1"} {
		s.apply(t, "tenant.yaml", "$TENANT", tenant)
		s.program(t, tenant, "web", "web."+tenant+".example.com")
		v.add(w, "web."+tenant+".example.com")
		v.answered(t, "web."+tenant+".example.com", s, s)
	}
	before := w.owned(t)

	out, err := w.command(t, "release", "--kubeconfig="+s.kubeconfig)
	if err == nil || !strings.Contains(out, "scale deployment/bulkhead-controller --replicas=0") {
		t.Errorf("with a controller at work: error %v, want a refusal that says how to stop it\n%s", err, out)
	}
	if out, err = w.command(t, "release", "--kubeconfig="+s.kubeconfig, "--dry-run"); err != nil || !strings.Contains(out, "would release team-0/web") {
		t.Errorf("error %v\n%s", err, out)
	}

	// The controller is gone, as after an uninstallation without the Job: what is deleted now hangs.
	must(t, running.kill())
	kubectl(t, s.Region, "", "delete", "namespace", "team-1", "--wait=false")
	eventually(t, "the policy hangs in deletion", func(ctx context.Context) error {
		at, err := s.Kubectl(ctx, "-n", "team-1", "get", "failoverpolicy", "web", "-o", "jsonpath={.metadata.deletionTimestamp}")
		if err == nil && at == "" {
			err = fmt.Errorf("it is not deleted")
		}
		return err
	})

	// kwok has no containers, so that the Job of the hook is run from here: with its arguments and the rights of its service account.
	args := s.releaseJob(t)
	account, err := s.ServiceAccountKubeconfig(t.Context(), "bulkhead-system", "bulkhead-release")
	must(t, err)
	out, err = w.command(t, append(args, "--kubeconfig="+account)...)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{"scaled to 0", "released team-0/web", "released team-1/web", "2 policies are released"} {
		if !strings.Contains(out, want) {
			t.Errorf("the output lacks %q:\n%s", want, out)
		}
	}
	if got := kubectl(t, s.Region, "bulkhead-system", "get", "deployment", "bulkhead-controller", "-o", "jsonpath={.spec.replicas}"); got != "0" {
		t.Errorf("the Deployment has %s replicas, want 0", got)
	}
	_, err = s.Helm(t.Context(), "uninstall", "bulkhead", "--namespace", "bulkhead-system", "--timeout=60s")
	must(t, err)
	kubectl(t, s.Region, "", "wait", "--for=delete", "namespace/team-1", "--timeout=60s")
	kubectl(t, s.Region, "", "delete", "crd", "failoverpolicies.bulkhead.dev", "failoverclasses.bulkhead.dev", "--timeout=60s")
	kubectl(t, s.Region, "", "delete", "namespace", "team-0", "--timeout=60s")
	if left := kubectl(t, s.Region, "", "get", "serviceaccounts,jobs,roles,rolebindings,clusterroles,clusterrolebindings", "-A", "-o", "name"); strings.Contains(left, "bulkhead") {
		t.Errorf("left behind in the cluster:\n%s", left)
	}

	if after := w.owned(t); !slices.Equal(before, after) {
		t.Errorf("Route 53 holds\n%s\nwant, as before,\n%s", strings.Join(after, "\n"), strings.Join(before, "\n"))
	}
	v.swept(t, 100)
	v.stop()
	v.check(t)

	if out, err = w.command(t, "release", "--kubeconfig="+s.kubeconfig); err != nil || !strings.Contains(out, "0 policies are released") {
		t.Errorf("in a cluster that has nothing of Bulkhead: error %v\n%s", err, out)
	}
}

// helmInstall installs the chart with the values of the tests, as a release that can be uninstalled.
func (s *site) helmInstall(t *testing.T) {
	t.Helper()
	content, err := os.ReadFile("testdata/values.yaml")
	must(t, err)
	values := filepath.Join(t.TempDir(), "values.yaml")
	must(t, os.WriteFile(values, []byte(strings.NewReplacer(s.values...).Replace(string(content))), 0o600))
	_, err = s.Helm(t.Context(), "install", "bulkhead", chart, "--namespace", "bulkhead-system", "--create-namespace", "-f", values)
	must(t, err)
	kubectl(t, s.Region, "bulkhead-system", "rollout", "status", "deployment/bulkhead-controller", "--timeout=60s")
}

// startInstalled runs the controller as the installed Deployment says, with the rights of its service account.
func (s *site) startInstalled(t *testing.T, w *world) *process {
	t.Helper()
	kubeconfig, err := s.ServiceAccountKubeconfig(t.Context(), "bulkhead-system", "bulkhead")
	must(t, err)
	return s.start(t, w, "controller", append(s.deployed(t), "--kubeconfig="+kubeconfig, "--metrics-bind-address=", "--health-probe-bind-address=")...)
}

// program applies a policy and waits until it is programmed.
func (s *site) program(t *testing.T, namespace, name, hostname string) {
	t.Helper()
	must(t, s.Apply(t.Context(), fmt.Sprintf(`
apiVersion: bulkhead.dev/v1alpha1
kind: FailoverPolicy
metadata: {name: %s, namespace: %s}
spec:
  hostname: %s
  targetRef: {kind: Ingress, name: web}
  healthCheck: {port: %d, path: /%[2]s}
`, name, namespace, hostname, s.loadBalancer.Port)))
	kubectl(t, s.Region, namespace, "wait", "--for=condition=Programmed", "failoverpolicy", name, "--timeout=60s")
}

// command runs a command of bulkhead-controller to its end and returns all that it says.
func (w *world) command(t *testing.T, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), uninstallLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, w.program, args...)
	cmd.Env = append(os.Environ(), w.environment...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return out.String(), err
}

// owned are the health checks and the record sets that cite one, of the whole account.
func (w *world) owned(t *testing.T) (all []string) {
	t.Helper()
	checks, err := w.lab.Route53().ListHealthChecks(t.Context(), &route53.ListHealthChecksInput{})
	must(t, err)
	for _, c := range checks.HealthChecks {
		all = append(all, "check "+*c.Id)
	}
	zones, err := w.lab.Route53().ListHostedZones(t.Context(), &route53.ListHostedZonesInput{})
	must(t, err)
	for _, z := range zones.HostedZones {
		records, err := w.lab.Route53().ListResourceRecordSets(t.Context(), &route53.ListResourceRecordSetsInput{HostedZoneId: z.Id})
		must(t, err)
		for _, r := range records.ResourceRecordSets {
			if r.HealthCheckId != nil {
				all = append(all, fmt.Sprint("record ", *r.Name, *r.SetIdentifier, *r.HealthCheckId))
			}
		}
	}
	slices.Sort(all)
	return all
}

// releaseJob makes the objects of the chart's hook but the Job, and returns what the Job's container is started with.
func (s *site) releaseJob(t *testing.T) (args []string) {
	t.Helper()
	rendered, err := s.Helm(t.Context(), "template", "bulkhead", chart, "--namespace", "bulkhead-system", "-f", examples+"values-eu-west-1.yaml",
		"--show-only", "templates/uninstall.yaml")
	must(t, err)
	rights, job, found := strings.Cut(rendered, "apiVersion: batch/v1")
	if !found {
		t.Fatal("the hook has no Job")
	}
	must(t, s.Apply(t.Context(), rights))
	file := filepath.Join(t.TempDir(), "job.yaml")
	must(t, os.WriteFile(file, []byte("apiVersion: batch/v1"+job), 0o600))
	out := kubectl(t, s.Region, "", "apply", "--dry-run=client", "-f", file, "-o", "jsonpath={.spec.template.spec.containers[0].args}")
	must(t, json.Unmarshal([]byte(out), &args))
	return args
}

// remove takes away what one cluster has, and nothing else: its clients are answered with the other Region at once. A hostname that only this
// Region answers is removed by force alone.
func TestRemoveTakesOneClustersRecordsAway(t *testing.T) {
	t.Parallel()
	w := startWorld(t, Options{Nodes: 1})
	running := make(map[*site]*process)
	for _, s := range w.sites() {
		s.helmInstall(t)
		running[s] = s.startInstalled(t, w)
		s.startIngresses(t, w)
		s.apply(t, "tenant.yaml", "$TENANT", "team-0")
		s.program(t, "team-0", "both", "both.team-0.example.com")
	}
	west, central := w.west, w.central
	west.program(t, "team-0", "only", "only.team-0.example.com")
	v := w.watch(t)
	v.add(w, "both.team-0.example.com", "only.team-0.example.com")
	v.answered(t, "both.team-0.example.com", west, west)
	v.answered(t, "both.team-0.example.com", central, central)
	v.answered(t, "only.team-0.example.com", west, west)
	before := w.owned(t)

	remove := func(args ...string) (string, error) {
		return w.command(t, append([]string{"remove", "--kubeconfig=" + west.kubeconfig, "--rollback-dir=" + t.TempDir()}, args...)...)
	}
	refused := func(what, want string, args ...string) {
		t.Helper()
		out, err := remove(args...)
		if err == nil || !strings.Contains(out, want) {
			t.Errorf("%s: error %v, want one with %q\n%s", what, err, want, out)
		}
		if after := w.owned(t); !slices.Equal(before, after) {
			t.Errorf("%s: Route 53 holds\n%s\nwant, as before,\n%s", what, strings.Join(after, "\n"), strings.Join(before, "\n"))
		}
	}
	refused("without a yes", "use --yes, or --dry-run")
	refused("with a controller at work", "scale deployment/bulkhead-controller --replicas=0", "--yes")
	must(t, running[west].stop())
	refused("with a hostname that has no other Region", "only.team-0.example.com", "--yes")
	out, err := remove("--dry-run", "--keep-last")
	if err != nil || !strings.Contains(out, "both.team-0.example.com") || !slices.Equal(before, w.owned(t)) {
		t.Errorf("looked at only: error %v\n%s", err, out)
	}

	out, err = remove("--yes", "--keep-last")
	if err != nil || !strings.Contains(out, "bulkhead apply --plan") || !strings.Contains(out, "Left as they are") {
		t.Fatalf("error %v\n%s", err, out)
	}
	v.answered(t, "both.team-0.example.com", west, central)
	v.swept(t, 100)
	v.check(t, "both.team-0.example.com")
	if after := w.owned(t); len(after) != len(before)-2 {
		t.Errorf("Route 53 holds\n%s\nwant a check and a record less than\n%s", strings.Join(after, "\n"), strings.Join(before, "\n"))
	}

	// Started again, the controller makes again what its policies want.
	again := west.startInstalled(t, w)
	v.answered(t, "both.team-0.example.com", west, west)
	kubectl(t, west.Region, "team-0", "wait", "--for=jsonpath={.metadata.finalizers[0]}=bulkhead.dev/records", "failoverpolicy", "only", "--timeout=60s")
	must(t, again.stop())
	v.forget("only.team-0.example.com")
	out, err = remove("--yes", "--force")
	if err != nil || !strings.Contains(out, "only.team-0.example.com") {
		t.Fatalf("error %v\n%s", err, out)
	}
	if out, err = remove("--yes"); err != nil || !strings.Contains(out, "This cluster has nothing in eu-west-1.") {
		t.Errorf("once more: error %v\n%s", err, out)
	}
	if after := w.owned(t); len(after) != len(before)-4 || !strings.Contains(strings.Join(after, "\n"), central.Name) {
		t.Errorf("Route 53 holds\n%s\nwant what %s has", strings.Join(after, "\n"), central.Name)
	}
	kubectl(t, west.Region, "", "delete", "crd", "failoverpolicies.bulkhead.dev", "failoverclasses.bulkhead.dev", "--timeout=60s")
	v.answered(t, "both.team-0.example.com", central, central)
	v.swept(t, 100)
	v.stop()
	v.check(t, "both.team-0.example.com")

	// The other cluster is lost. Its id is in the error of one that there is not.
	id := kubectl(t, central.Region, "", "get", "namespace", "kube-system", "-o", "jsonpath={.metadata.uid}")
	must(t, running[central].kill())
	if out, err := w.bulkhead(t, "destroy", "--cluster=any", "--region="+central.Name, "--yes"); err == nil || !strings.Contains(out, id) {
		t.Errorf("error %v, want one that has %s\n%s", err, id, out)
	}
	if out, err := w.bulkhead(t, "destroy", "--cluster="+id, "--region="+central.Name, "--yes"); err == nil || len(w.owned(t)) != 2 {
		t.Errorf("the last answer was taken: error %v\n%s", err, out)
	}
	if out, err := w.bulkhead(t, "destroy", "--cluster="+id, "--region="+central.Name, "--yes", "--force"); err != nil || len(w.owned(t)) != 0 {
		t.Errorf("error %v, Route 53 holds %v\n%s", err, w.owned(t), out)
	}
}

// bulkhead runs a command of bulkhead to its end and returns all that it says.
func (w *world) bulkhead(t *testing.T, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"run", "../../cmd/bulkhead"}, append(args, "--rollback-dir="+t.TempDir())...)...)
	cmd.Env = append(append(os.Environ(), w.environment...), "AWS_ENDPOINT_URL_ROUTE_53=http://"+w.lab.Status().API)
	out, err := cmd.CombinedOutput()
	return string(out), err
}
