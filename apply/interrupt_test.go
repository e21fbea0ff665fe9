package apply

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkhead-dns/bulkhead/node"
	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// An interruption ends a run at a call: the request does not arrive, or its answer does not come back.
type interruption struct {
	call     int
	executed bool
}

// stopAt cuts the wire at a call and everything behind it, as the end of the process does.
func (i interruption) stopAt(w *wire, cancel func()) {
	w.lose = func(n int) (lost, executed bool) {
		if n < i.call {
			return false, true
		}
		cancel()
		return true, n == i.call && i.executed
	}
}

// Wherever a run ends, the next one completes it: no check is made twice, nothing is left behind, and what others made is as
// it was. Each way from one state to another is interrupted at every one of its calls.
func TestInterruptedAnywhereCompletedByTheNext(t *testing.T) {
	e := startEngine(t, node.Options{})
	none, two, other, replaced := want{}, want{apps: both}, want{apps: both[:1], path: "/other"}, want{apps: both, interval: 2}
	for _, way := range []struct {
		name     string
		from, to want
		keys     int
	}{
		{"create", none, two, 4},
		{"update and add", other, two, 4},
		{"replace", two, replaced, 4},
		{"destroy", two, none, 0},
	} {
		calls := 0
		t.Run(way.name+" undisturbed", func(t *testing.T) { calls = e.goWay(t, way.from, way.to, way.keys, interruption{}) })
		t.Run(way.name, func(t *testing.T) {
			// Polls for verdicts come in any number: the last calls are met in the runs in which there are few.
			for call := 1; call <= calls; call++ {
				for _, executed := range []bool{false, true} {
					i := interruption{call, executed}
					t.Run(fmt.Sprintf("%d %v", call, executed), func(t *testing.T) {
						t.Parallel()
						e.goWay(t, way.from, way.to, way.keys, i)
					})
				}
			}
		})
	}
}

// goWay goes from one state to another in a zone of its own, with an interruption, and returns the number of calls it took.
func (e *engine) goWay(t *testing.T, from, to want, keys int, i interruption) int {
	t.Helper()
	namespace := fmt.Sprintf("n%d", e.number.Add(1))
	z := e.createZone(t, namespace+".example")
	from.namespace, from.zone, to.namespace, to.zone = namespace, z, namespace, z
	foreign := simple("www."+namespace+".example", "192.0.2.80")
	e.put(t, z, foreign)
	calm := e.applier(t, &wire{}, Options{})
	if from.apps != nil {
		if _, _, err := e.reach(t.Context(), t, calm, from, plan.Guard{}); err != nil {
			t.Fatal(err)
		}
	}

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var w wire
	if i.call > 0 {
		i.stopAt(&w, cancel)
	}
	_, _, err := e.reach(ctx, t, e.applier(t, &w, Options{}), to, plan.Guard{})
	if i.call == 0 && err != nil {
		t.Fatal(err)
	}
	if _, _, err := e.reach(t.Context(), t, calm, to, plan.Guard{}); err != nil {
		t.Fatalf("the run after the interruption: %v", err)
	}
	if to.apps != nil {
		e.wantNothingToDo(t, calm, to)
	}
	got, records := e.objects(t, to)
	if n := len(got); n != keys || len(slices.Compact(got)) != keys || len(records) != keys+1 {
		t.Errorf("checks %v and %d record sets, want %d of each, and one by hand", got, len(records), keys)
	}
	if !slices.ContainsFunc(records, func(s zone.ResourceRecordSet) bool { return cmp.Equal(s, foreign) }) {
		t.Errorf("the record set made by hand is not as it was: %+v", records)
	}
	return w.seen
}

// An answer that is lost on the way is no end: what is the same when repeated is repeated.
func TestLostAnswersAreAskedForAgain(t *testing.T) {
	t.Parallel()
	e := startEngine(t, node.Options{})
	w := want{namespace: "team", zone: e.createZone(t, "example.com"), apps: both}
	for name, lost := range map[string]func(n int) bool{
		"every third request": func(n int) bool { return n%3 == 0 },
		"every third answer":  func(n int) bool { return n%3 == 1 },
	} {
		there := &wire{lose: func(n int) (bool, bool) { return lost(n), name == "every third answer" }}
		a := e.applier(t, there, Options{})
		for range 3 { // only the batch is not sent again
			if _, _, err := e.reach(t.Context(), t, a, w, plan.Guard{}); err == nil {
				break
			}
		}
		e.wantNothingToDo(t, a, w)
		if keys, records := e.objects(t, w); len(keys) != 4 || len(records) != 4 {
			t.Errorf("%s: checks %v and %d record sets, want four each", name, keys, len(records))
		}
		gone := w
		gone.apps = nil
		for range 3 {
			if _, _, err := e.reach(t.Context(), t, a, gone, plan.Guard{}); err == nil {
				break
			}
		}
		if keys, records := e.objects(t, w); keys != nil || records != nil {
			t.Errorf("%s: after the destruction there are %v and %v", name, keys, records)
		}
	}
}
