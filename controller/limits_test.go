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
	asked := taskOf(c, failover.Facts{Provider: failover.AWS, Zones: e.zones, Region: west}, time.Time{}, 0, time.Now())
	p := &passing{worker: &worker{region: west, provider: failover.AWS, applier: a, log: slog.New(slog.DiscardHandler)},
		zones: e.zones, left: make(map[string]outcome), destroyed: make(map[string]bool)}
	if err := p.read(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if planned, err := p.plan(t.Context(), []*task{&asked}); err != nil || planned.Empty() || p.limits == nil {
			t.Fatalf("%d steps, %v, refused %v", len(planned.Steps), err, asked.refusal)
		}
	}
	if n := a.Calls(); n["GetAccountLimit"] != 1 || n["GetHostedZoneLimit"] != 1 {
		t.Errorf("calls %v", n)
	}
}
