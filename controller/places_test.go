package controller

import (
	"strings"
	"testing"
	"time"

	"github.com/bulkhead-dns/bulkhead/api/v1alpha1"
	"github.com/bulkhead-dns/bulkhead/failover"
)

// The Region that has the location * is the default of a group. When its source is gone for good the record stays all the same,
// because everybody outside the other locations would get no answer.
func TestDefaultOfAGroupIsNotWithdrawn(t *testing.T) {
	e := startEngine(t)
	now := time.Now()
	located := func(region, country string) candidate {
		c := e.candidate(t, "app01", region)
		c.policy.Spec.Routing.Policy = failover.Geolocation
		c.policy.Spec.Regions[0].Location = &failover.Location{Country: country}
		return c
	}
	w, other := e.worker(t, west, &wire{}), e.worker(t, central, &wire{})
	everywhere, germany := located(west, "*"), located(central, "DE")
	e.mustPass(t, w, []candidate{everywhere}, now)
	e.mustPass(t, other, []candidate{germany}, now)

	everywhere.vanished = now
	e.mustPass(t, w, []candidate{everywhere}, now.Add(time.Hour))
	wantEqual(t, "outcomes", map[string]int{v1alpha1.ReasonLastRecordKept: 1}, reasons(w))
	if got := w.outcomes()["team-a/app01"].message; !strings.Contains(got, "clients anywhere else are answered now and would get NODATA") {
		t.Errorf("said is %q", got)
	}
	wantEqual(t, "left", []string{"app01 eu-central-1", "app01 eu-west-1"}, e.have(t))

	// A Region that others stand in for goes.
	germany.vanished = now
	e.mustPass(t, other, []candidate{germany}, now.Add(time.Hour))
	wantEqual(t, "left", []string{"app01 eu-west-1"}, e.have(t))
}
