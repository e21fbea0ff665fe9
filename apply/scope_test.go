package apply

import (
	"errors"
	"testing"
	"time"

	"github.com/bulkhead-dns/bulkhead/node"
	"github.com/bulkhead-dns/bulkhead/plan"
)

// A cluster that keeps the tags of its checks does not undo what another one has taken over since it read them.
func TestTakenOverIsNotTakenBackByOldTags(t *testing.T) {
	t.Parallel()
	e := startEngine(t, node.Options{})
	w := want{namespace: "team", zone: e.createZone(t, "example.com"), apps: both[:1]}
	blue := e.applier(t, &wire{}, Options{KeepTags: time.Hour})
	by := func(cluster string, from ...string) plan.Guard {
		return plan.Guard{Regions: []string{"eu-west-1"}, Cluster: cluster, TakeOver: map[string][]string{"team/app1": from}}
	}
	if _, _, err := e.reach(t.Context(), t, blue, w, by("blue")); err != nil {
		t.Fatal(err)
	}
	if _, err := e.plan(t.Context(), t, blue, w, by("blue")); err != nil { // reads the tags, and keeps them
		t.Fatal(err)
	}
	if _, _, err := e.reach(t.Context(), t, e.applier(t, &wire{}, Options{}), w, by("green", "blue")); err != nil {
		t.Fatal(err)
	}
	w.threshold = 2
	_, _, err := e.reach(t.Context(), t, blue, w, by("blue"))
	var changed *Changed
	if !errors.As(err, &changed) {
		t.Fatalf("%v, want that another cluster looks after it", err)
	}
	p, err := e.plan(t.Context(), t, blue, w, by("blue"))
	if err == nil || len(p.Refusals) != 1 || p.Refusals[0].Kind != plan.HeldByCluster || p.Refusals[0].Holder != "green" {
		t.Errorf("the next plan: %v, %+v, want refused for green", err, p.Refusals)
	}
}
