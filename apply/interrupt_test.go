package apply

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkhead-dns/bulkhead/node"
	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// An interruption ends a run at a call that writes: the request does not arrive, or its answer does not come back. To
// end at a call that reads is the same as to end after the last that wrote.
type interruption struct {
	write    int // from 1; 0 is no interruption
	executed bool
}

// stopAt cuts the wire at a call and everything behind it, as the end of the process does.
func (i interruption) stopAt(w *wire, cancel func()) {
	w.lose = func(_, writes int) (lost, executed bool) {
		if writes < i.write {
			return false, true
		}
		cancel()
		return true, i.executed
	}
}

// Wherever a run ends, the next one completes it: no check is made twice, nothing is left behind, and what others made
// is as it was. Each way from one state to another is interrupted at every one of its writes.
func TestInterruptedAnywhereCompletedByTheNext(t *testing.T) {
	t.Parallel()
	e := startEngine(t, node.Options{})
	none, two, other, replaced := want{}, want{apps: both}, want{apps: both[:1], threshold: 2},
		want{apps: both, path: "/other"}
	for _, way := range []struct {
		name     string
		from, to want
		moved    bool // to another namespace
		keys     int
		writes   int
	}{
		{"create", none, two, false, 4, 4 + 4 + 1},              // checks, marks, batch
		{"update and add", other, two, false, 4, 2 + 2 + 2 + 1}, // updates, checks, marks, batch
		{"replace", two, replaced, false, 4, 4 + 4 + 1 + 4},     // checks, marks, batch, deletions
		{"destroy", two, none, false, 0, 1 + 4},
		{"move", two, two, true, 4, 4},                                  // marks
		{"move and replace", two, replaced, true, 4, 4 + 4 + 4 + 1 + 4}, // checks, their marks, marks, batch, deletions
	} {
		for write := range way.writes + 1 {
			for _, executed := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%d %v", way.name, write, executed), func(t *testing.T) {
					t.Parallel()
					if got := e.goWay(t, way.from, way.to, way.moved, way.keys, interruption{write, executed}); write == 0 &&
						got != way.writes {
						t.Errorf("%d writes, want %d", got, way.writes)
					}
				})
			}
		}
	}
}

// goWay goes from one state to another in a zone of its own, with an interruption, and returns the number of writes it
// took.
func (e *engine) goWay(t *testing.T, from, to want, moved bool, keys int, i interruption) int {
	t.Helper()
	namespace := fmt.Sprintf("n%d", e.number.Add(1))
	z := e.createZone(t, namespace+".example")
	from.namespace, from.zone, to.namespace, to.zone = namespace, z, namespace, z
	var guard plan.Guard
	if moved {
		to.namespace = "to-" + namespace
		guard.Successors = map[string]string{namespace + "/app1": to.namespace + "/app1", namespace + "/app2": to.namespace +
			"/app2"}
	}
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
	if i.write > 0 {
		i.stopAt(&w, cancel)
	}
	_, _, err := e.reach(ctx, t, e.applier(t, &w, Options{}), to, guard)
	if i.write == 0 && err != nil {
		t.Fatal(err)
	}
	if _, _, err := e.reach(t.Context(), t, calm, to, guard); err != nil {
		t.Fatalf("the run after the interruption: %v", err)
	}
	if to.apps != nil {
		e.wantNothingToDo(t, calm, to)
	}
	got, records := e.objects(t, to)
	if n := len(got); n != keys || len(slices.Compact(got)) != keys || len(records) != keys+1 {
		t.Errorf("checks %v and %d record sets, want %d of each, and one by hand", got, len(records), keys)
	}
	if moved {
		// known by their references
		if left, _ := e.objects(t, from); len(left) != keys && to.path == "" || len(left) != 0 && to.path != "" {
			t.Errorf("checks %v were made in the former namespace", left)
		}
		if p, err := plan.Destroy(e.state(t, z), []string{namespace + "/app1", namespace + "/app2"},
			plan.Guard{Engine: true}); err != nil || !p.Empty() {
			t.Errorf("of the predecessors there is: %v\n%s", err, p.Text(false))
		}
	}
	if !slices.ContainsFunc(records, func(s zone.ResourceRecordSet) bool { return cmp.Equal(s, foreign) }) {
		t.Errorf("the record set made by hand is not as it was: %+v", records)
	}
	return w.writes
}

// state is what the engine holds, with one zone.
func (e *engine) state(t *testing.T, z zone.HostedZone) plan.State {
	t.Helper()
	s, err := e.applier(t, &wire{}, Options{}).Read(t.Context(), []zone.HostedZone{z})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// An answer that is lost on the way is no end: what is the same when repeated is repeated.
func TestLostAnswersAreAskedForAgain(t *testing.T) {
	t.Parallel()
	e := startEngine(t, node.Options{})
	w := want{namespace: "team", zone: e.createZone(t, "example.com"), apps: both}
	for name, executed := range map[string]bool{"requests": false, "answers": true} {
		chance := rand.New(rand.NewPCG(1, 2))
		there := &wire{lose: func(int, int) (bool, bool) {
			if chance.IntN(3) == 0 { // of three one is lost
				return true, executed
			}
			return false, true
		}}
		a := e.applier(t, there, Options{})
		for range 10 { // only the batch is not sent again
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
		for range 10 {
			if _, _, err := e.reach(t.Context(), t, a, gone, plan.Guard{}); err == nil {
				break
			}
		}
		if keys, records := e.objects(t, w); keys != nil || records != nil {
			t.Errorf("%s: after the destruction there are %v and %v", name, keys, records)
		}
	}
}
