package controller

import (
	"log/slog"
	"testing"
	"time"

	"github.com/bulkhead-dns/bulkhead/apply"
	"github.com/bulkhead-dns/bulkhead/failover"
)

// At AWS the account is asked for its quotas before anything is written, and it is asked once in a pass.
func TestQuotasAreTheAccountsOwn(t *testing.T) {
	e := startEngine(t)
	a, err := apply.New(apply.Options{Route53: e.client(t, &wire{}), Provider: failover.AWS})
	if err != nil {
		t.Fatal(err)
	}
	c := e.candidate(t, "app01", west)
	c.policy.Spec.Regions[0].Addresses, c.policy.Spec.HealthCheck.RequestInterval = []string{"52.95.110.1"}, new(30)
	w := &worker{region: west, provider: failover.AWS, applier: a, resync: time.Hour, log: slog.New(slog.DiscardHandler)}
	now := time.Now()
	for range 2 {
		asked := taskOf(c, failover.Facts{Provider: failover.AWS, Zones: e.zones, Region: west}, now)
		if _, err := w.round(t.Context(), []task{asked}, nil, now); err != nil || w.limits == nil {
			t.Fatalf("%v, refused %v, outcomes %v", err, asked.refusal, w.outcomes())
		}
		c.policy.Spec.HealthCheck.Path, now = "/other", now.Add(2*time.Minute)
	}
	if n := a.Calls(); n["GetAccountLimit"] != 1 || n["CreateHealthCheck"] != 2 {
		t.Errorf("calls %v", n)
	}
}
