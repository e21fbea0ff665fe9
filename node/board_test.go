package node

import (
	"testing"

	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/store"
)

func calculated(id string, threshold int, children ...string) health.Check {
	return health.Check{ID: id, Config: health.Config{Type: health.Calculated, HealthThreshold: &threshold, ChildHealthChecks: children}}
}

func endpoint(id string, measured bool) (health.Check, bool) {
	return health.Check{ID: id, Config: health.Config{Type: health.TCP}}, measured
}

// A CALCULATED check is decided after its children, whatever the order in which they become known, change and go. r53: B.4.
func TestCalculatedChecksFollowTheirChildren(t *testing.T) {
	s, err := store.New(store.Options{Endpoints: []string{"unix:///nowhere"}, Node: "n"})
	if err != nil {
		t.Fatal(err)
	}
	b := board{}
	put := func(c health.Check, measured bool) {
		e := b.put(c)
		if c.Config.Type != health.Calculated {
			e.measured = &measured
		}
	}
	judge := func(ids ...string) map[string]bool {
		verdicts := map[string]bool{}
		for _, v := range b.judge(s.State(), ids) {
			verdicts[v.check] = v.healthy
		}
		return verdicts
	}
	put(calculated("parent", 2, "a", "b"), false) // before its children
	put(endpoint("a", true))
	put(endpoint("b", false))
	if got := judge("a", "b"); got["parent"] || !got["a"] || got["b"] {
		t.Errorf("one of two healthy, two needed: %v", got)
	}
	put(calculated("parent", 1, "a", "b"), false)
	if got := judge("parent"); !got["parent"] {
		t.Errorf("one of two healthy, one needed: %v", got)
	}
	put(endpoint("a", false))
	if got := judge("a"); got["parent"] {
		t.Errorf("none healthy, one needed: %v", got)
	}
	// A deleted child counts as healthy, and so does the check itself for records that still cite it.
	if got := judge(append(b.remove("a"), "a")...); !got["parent"] || !got["a"] {
		t.Errorf("with a child deleted: %v", got)
	}
	// A parent that no longer counts a child is not decided for it.
	put(calculated("parent", 1, "a"), false)
	if got := judge("b"); len(got) != 1 {
		t.Errorf("decided for b: %v, want b alone", got)
	}
	if orphans := b.remove("parent"); orphans != nil {
		t.Errorf("nothing counts the parent, but remove returned %v", orphans)
	}
}
