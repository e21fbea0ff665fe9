//go:build kube

package kube

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/bulkhead-dns/bulkhead/health"
)

// With the readiness signal, the check of 30 s × 3 is probed when the last endpoint of its application goes, long before the interval
// is over, and the checkers decide; so it is when endpoints come back. The other application is left alone.
func TestEndpointsThatGoAreProbedAtOnce(t *testing.T) {
	t.Parallel()
	w := startWorld(t, Options{Nodes: 1})
	for _, s := range w.sites() {
		s.startIngresses(t, w)
		s.startReplica(t, w, "controller")
		s.apply(t, "signalclass.yaml")
		s.apply(t, "twoapps.yaml")
	}
	v := w.watch(t)
	v.add(w, "app1.example.com", "app2.example.com")
	for _, s := range w.sites() {
		for _, name := range []string{"app1", "app2"} {
			v.answered(t, name+".example.com", s, s)
		}
	}
	kubectl(t, w.west.Region, "default", "wait", "--for=condition=Healthy", "failoverpolicies", "--all", "--timeout=60s")
	check := kubectl(t, w.west.Region, "default", "get", "failoverpolicy", "app1", "-o", "jsonpath={.status.records[0].healthCheckId}")
	for _, s := range w.sites() {
		s.route53.took()
	}
	v.restart()

	for hints, step := range []struct {
		replicas string
		healthy  bool
		to       *site
	}{{"0", false, w.central}, {"2", true, w.west}} {
		last := w.probed(t, check)
		kubectl(t, w.west.Region, "default", "scale", "deployment", "demoapp1", "--replicas="+step.replicas)
		next := w.probedAfter(t, check, last)
		if gap := next.CheckedTime.Sub(last.CheckedTime); gap >= 28*time.Second {
			t.Errorf("after scaling to %s, %s probed %s after the probe before, which is its interval: no hint brought it about", step.replicas, last.Checker, gap)
		}
		took := v.answered(t, "app1.example.com", w.west, step.to)
		t.Logf("with %s replicas, app1 has moved to %s after %s", step.replicas, step.to.Name, took)
		if got := w.west.route53.called("ProbeHealthCheck"); got != hints+1 {
			t.Errorf("%d hints were sent, want %d", got, hints+1)
		}
		reason := "NoEndpoint"
		if step.healthy {
			reason = "Healthy"
		}
		eventually(t, "the condition Healthy of app1 has the reason "+reason, func(ctx context.Context) error {
			got, err := w.west.Kubectl(ctx, "get", "failoverpolicy", "app1", "-o", `jsonpath={.status.conditions[?(@.type=="Healthy")].reason}`)
			if err != nil || got == reason {
				return err
			}
			return fmt.Errorf("it has %s", got)
		})
	}
	v.stop()
	v.check(t, "app1.example.com")
	if got := w.central.route53.called("ProbeHealthCheck"); got > 0 {
		t.Errorf("%d hints were sent where nothing happened", got)
	}
}

// probed waits until a checker has just probed, so that its next probe is an interval away, and returns its report.
func (w *world) probed(t *testing.T, check string) (fresh health.Report) {
	t.Helper()
	before := w.lab.Node().Observations(check)
	eventually(t, "a probe of health check "+check, func(context.Context) error {
		for _, now := range w.lab.Node().Observations(check) {
			if !slices.ContainsFunc(before, func(r health.Report) bool { return r.Checker == now.Checker && r.CheckedTime.Equal(now.CheckedTime) }) {
				fresh = now
				return nil
			}
		}
		return fmt.Errorf("there are %d reports, all known", len(before))
	})
	return fresh
}

// probedAfter waits for the probe of the same checker that follows.
func (w *world) probedAfter(t *testing.T, check string, last health.Report) (next health.Report) {
	t.Helper()
	eventually(t, "the next probe of health check "+check, func(context.Context) error {
		for _, now := range w.lab.Node().Observations(check) {
			if now.Checker == last.Checker && now.CheckedTime.After(last.CheckedTime) {
				next = now
				return nil
			}
		}
		return fmt.Errorf("the last one was at %s", last.CheckedTime.Format(time.TimeOnly))
	})
	return next
}
