//go:build kube

package kube

import (
	"context"
	"fmt"
	"strings"
	"testing"
)

// One manifest in two clusters, applied by kubectl: each Region's users are answered with their own Region. When app1 has no Pods in
// one Region, its users there move to the other one and come back with the Pods, and nobody else's answers change.
func TestOneManifestInEveryCluster(t *testing.T) {
	t.Parallel()
	w := startWorld(t, Options{Nodes: 2})
	for _, s := range w.sites() {
		s.startIngresses(t, w)
		s.startReplica(t, w, "controller")
		s.apply(t, "class.yaml")
		s.apply(t, "twoapps.yaml")
	}
	v := w.watch(t)
	v.add(w, "app1.example.com", "app2.example.com")
	for _, s := range w.sites() {
		for _, name := range []string{"app1", "app2"} {
			took := v.answered(t, name+".example.com", s, s)
			t.Logf("%s answers users near %s with their own Region after %s", name, s.Name, took)
		}
		// Each cluster comes to know of the other by what Route 53 has.
		for _, condition := range []string{"Accepted", "Programmed", "Healthy", "Degraded=false"} {
			kubectl(t, s.Region, "default", "wait", "--for=condition="+condition, "failoverpolicies", "--all", "--timeout=60s")
		}
		columns(t, s, "app1", "app1.example.com", s.Name, "Healthy", "true")
		columns(t, s, "app2", "app2.example.com", s.Name, "Healthy", "true")
	}
	v.restart()

	kubectl(t, w.west.Region, "default", "scale", "deployment", "demoapp1", "--replicas=0")
	took := v.answered(t, "app1.example.com", w.west, w.central)
	t.Logf("app1 has moved from %s to %s after %s", w.west.Name, w.central.Name, took)
	columns(t, w.west, "app1", "app1.example.com", w.west.Name, "Unhealthy", "false")
	columns(t, w.west, "app2", "app2.example.com", w.west.Name, "Healthy", "true")
	columns(t, w.central, "app1", "app1.example.com", w.central.Name, "Healthy", "true")
	happened(t, w.west, "FailedOver", "app1")

	kubectl(t, w.west.Region, "default", "scale", "deployment", "demoapp1", "--replicas=2")
	took = v.answered(t, "app1.example.com", w.west, w.west)
	t.Logf("app1 is back after %s", took)
	columns(t, w.west, "app1", "app1.example.com", w.west.Name, "Healthy", "true")
	happened(t, w.west, "FailedBack", "app1")

	v.swept(t, 100)
	v.stop()
	v.check(t, "app1.example.com")
	there, back := w.west.address+" -> "+w.central.address, w.central.address+" -> "+w.west.address
	if got, want := fmt.Sprint(v.moves), fmt.Sprint(map[question][]string{{"app1.example.com", w.west.users}: {there, back}}); got != want {
		t.Errorf("answers have moved %s, want %s", got, want)
	}
	t.Logf("%d questions were asked", v.asked)
	for _, s := range w.sites() {
		t.Logf("%s: %s", s.Name, s.route53.took())
	}
}

// columns waits until `kubectl get failoverpolicies -o wide` shows a policy with this hostname, Region, health, and whether its clients are
// served here.
func columns(t *testing.T, s *site, policy, hostname, region, health, servedHere string) {
	t.Helper()
	want := map[string]string{"HOSTNAME": hostname, "ACCEPTED": "Accepted", "PROGRAMMED": "Programmed", "HEALTH": health, "REGION": region, "SERVED-HERE": servedHere}
	eventually(t, "kubectl get failoverpolicy "+policy+" in "+s.Name, func(ctx context.Context) error {
		out, err := s.Kubectl(ctx, "get", "failoverpolicy", policy, "-o", "wide")
		if err != nil {
			return err
		}
		for column, value := range want {
			if got := cell(out, column); got != value {
				return fmt.Errorf("%s is %q, want %q:\n%s", column, got, value, out)
			}
		}
		return nil
	})
}

// cell is what a table of kubectl with one row has in a column.
func cell(table, column string) string {
	header, row, _ := strings.Cut(table, "\n")
	at := strings.Index(" "+header+" ", " "+column+" ")
	if at < 0 || at >= len(row) {
		return ""
	}
	text, _, _ := strings.Cut(row[at:], " ")
	return strings.TrimSpace(text)
}

// happened waits for an event about a policy.
func happened(t *testing.T, s *site, reason, policy string) {
	t.Helper()
	eventually(t, "event "+reason+" in "+s.Name, func(ctx context.Context) error {
		out, err := s.Kubectl(ctx, "get", "events.events.k8s.io", "--all-namespaces", "-o",
			fmt.Sprintf("jsonpath={.items[?(@.reason==%q)].regarding.name}", reason))
		if err != nil {
			return err
		}
		if !strings.Contains(" "+out+" ", " "+policy+" ") {
			return fmt.Errorf("there are such events about %q, want %s", out, policy)
		}
		return nil
	})
}
