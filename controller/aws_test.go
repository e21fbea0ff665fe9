package controller

import (
	"log/slog"
	"testing"
	"time"

	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// No health check is deleted while a change is under way, also one of another hostname or of a controller that ended before this one:
// name servers may still answer by the record sets that cite it.
func TestDeletionsWaitForChangesThatAreUnderWay(t *testing.T) {
	e := startEngine(t)
	now := time.Now()
	w := e.worker(t, west, &wire{})
	state := plan.State{Zones: e.zones, Checks: []plan.Check{{Key: "team-a/app/" + west, ID: "c1", CallerReference: plan.CallerReference("team-a/app/"+west, 1),
		Config: health.Config{Type: health.TCP, IPAddress: "192.0.2.1", Port: new(80)},
		Tags:   []zone.Tag{{Key: plan.TagManagedBy, Value: plan.TagValue}, {Key: plan.TagKey, Value: "team-a/app/" + west}}}}}
	planned, err := plan.Destroy(state, []string{"team-a/app"}, plan.Guard{Engine: true})
	if err != nil || len(planned.Steps) != 1 {
		t.Fatal(planned.Steps, err)
	}
	w.log = slog.New(slog.DiscardHandler)
	ask := func(at time.Time) bool {
		t.Helper()
		r := &round{worker: w, now: at, later: make(map[string]bool)}
		left, err := r.deletionsLater(t.Context(), planned)
		if err != nil {
			t.Fatal(err)
		}
		if left.Empty() != r.later["team-a/app"] {
			t.Errorf("the plan is empty: %t, its policy comes later: %t", left.Empty(), r.later["team-a/app"])
		}
		return left.Empty()
	}
	if ask(now) {
		t.Error("it waits for nothing")
	}
	w.quiet = now.Add(time.Minute)
	if !ask(now) || ask(now.Add(time.Minute)) {
		t.Error("it does not wait for what a controller before this one may have written")
	}
	w.open = []string{"C-unknown"} // not known any more: in sync long ago
	if ask(now.Add(time.Minute)) || len(w.open) != 0 {
		t.Errorf("it waits for %v", w.open)
	}
}

// At AWS a first read is followed by a time in which nothing is deleted.
func TestTheFirstReadAtAWSIsFollowedByAQuietTime(t *testing.T) {
	e := startEngine(t)
	now := time.Now()
	w := e.worker(t, west, &wire{})
	w.provider = failover.AWS
	if _, err := w.round(t.Context(), nil, nil, now); err != nil {
		t.Fatal(err)
	}
	if !w.quiet.Equal(now.Add(time.Minute)) {
		t.Errorf("quiet until %s, want a minute", w.quiet)
	}
}
