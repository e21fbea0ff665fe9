package apply

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/route53"

	"github.com/bulkhead-dns/bulkhead/node"
	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// prepared reads, plans with what checkers say, and applies, as the command does.
func (e *engine) prepared(t *testing.T, a *Applier, w want, guard plan.Guard) (plan.Plan, error) {
	t.Helper()
	p, err := a.Prepare(t.Context(), Request{Groups: []Group{{Policies: e.policies(t, w)}}, Guard: guard})
	if err != nil {
		return p.Plan, err
	}
	_, err = a.Apply(t.Context(), p.Plan)
	return p.Plan, err
}

// cited are the ids of the checks that the zone's record sets cite, by SetIdentifier.
func (e *engine) cited(t *testing.T, w want) map[string]string {
	t.Helper()
	cited := make(map[string]string)
	_, records := e.objects(t, w)
	for _, set := range records {
		cited[set.SetIdentifier] = set.HealthCheckID
	}
	return cited
}

// A path that nobody answers is not bound, at the first run as at any other, and what works stays. The run that
// corrects it removes what is left over.
func TestChangedCheckIsBoundWhenItIsHealthy(t *testing.T) {
	t.Parallel()
	e := startEngine(t, node.Options{})
	w := want{namespace: "team", zone: e.createZone(t, "example.com"), apps: both[:1]}
	a := e.applier(t, &wire{}, Options{})
	if _, err := e.prepared(t, a, w, plan.Guard{}); err != nil {
		t.Fatal(err)
	}
	before := e.cited(t, w)

	typo := w
	typo.path = "/broken"
	hasty := e.applier(t, &wire{}, Options{VerdictTimeout: 3 * time.Second})
	var made []string
	for run := range 3 {
		_, err := e.prepared(t, hasty, typo, plan.Guard{})
		var verdict *VerdictError
		if !errors.As(err, &verdict) {
			t.Fatalf("run %d: %v, want *VerdictError", run+1, err)
		}
		for region, id := range before {
			said := strings.Contains(err.Error(), "503") && strings.Contains(err.Error(), id) ||
				strings.Contains(err.Error(), "has no verdict")
			if !said || !strings.Contains(err.Error(), "team/app1/"+region) {
				t.Errorf("run %d says %v, want the check, what a checker says, and what stays bound", run+1, err)
			}
		}
		if now := e.cited(t, w); fmt.Sprint(now) != fmt.Sprint(before) {
			t.Errorf("run %d: record sets cite %v, want %v", run+1, now, before)
		}
		state, err := a.Read(t.Context(), []zone.HostedZone{w.zone})
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, c := range state.Checks {
			ids = append(ids, c.ID)
		}
		if len(ids) != 4 || made != nil && !slices.Equal(ids, made) {
			t.Errorf("run %d: checks %v, want those of the run before, %v, or four", run+1, ids, made)
		}
		made = ids
	}

	if _, err := e.prepared(t, a, w, plan.Guard{}); err != nil {
		t.Fatalf("as it was: %v", err)
	}
	if keys, _ := e.objects(t, w); len(keys) != 2 {
		t.Errorf("checks %v, want those two that are wanted", keys)
	}
	w.path = "/other"
	if _, err := e.prepared(t, a, w, plan.Guard{}); err != nil {
		t.Fatalf("a path that is answered: %v", err)
	}
	for region, id := range e.cited(t, w) {
		if id == before[region] {
			t.Errorf("%s cites %s still", region, id)
		}
	}
	if _, err := e.prepared(t, e.applier(t, &wire{}, Options{Force: true}), typo, plan.Guard{Force: true}); err != nil {
		t.Errorf("forced: %v", err)
	}
	e.wantNothingToDo(t, a, typo)
}

// Between the plan and the deletion another run has bound the check: it stays, and that is told.
func TestCheckThatIsCitedByNowIsNotDeleted(t *testing.T) {
	t.Parallel()
	e := startEngine(t, node.Options{})
	w := want{namespace: "team", zone: e.createZone(t, "example.com"), apps: both[:1]}
	calm := e.applier(t, &wire{}, Options{})
	e.mustReach(t, calm, w, plan.Guard{})
	_, records := e.objects(t, w)
	gone := w
	gone.apps = nil
	for _, c := range []struct {
		name       string
		last       int // call that writes before somebody makes the record sets again: 1 is the batch, 2 the first deletion
		at         int // call from then on
		kept, late int
	}{
		{"before the look", 1, 2, 2, 0},
		{"between the look and the first deletion", 2, 1, 1, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			e.mustReach(t, calm, w, plan.Guard{})
			_, records = e.objects(t, w)
			there := &wire{}
			calls := 0
			there.lose = func(_, writes int) (lost, executed bool) {
				if writes == c.last {
					if calls++; calls == c.at {
						e.put(t, w.zone, records...)
					}
				}
				return false, true
			}
			_, _, err := e.reach(t.Context(), t, e.applier(t, there, Options{}), gone, plan.Guard{})
			text := fmt.Sprint(err)
			if kept := strings.Count(text, "cites it now, so that it is kept"); kept != c.kept {
				t.Errorf("%d checks are told to be kept, want %d: %s", kept, c.kept, text)
			}
			if late := strings.Count(text, "came to cite it while it was deleted"); late != c.late {
				t.Errorf("%d checks are told to be cited after their deletion, want %d: %s", late, c.late, text)
			}
			var changed *Changed
			if !errors.As(err, &changed) {
				t.Errorf("%v, want *Changed", err)
			}
			e.mustReach(t, calm, w, plan.Guard{}) // apply alone mends what there is to mend
			if keys, records := e.objects(t, w); len(keys) != 2 || len(records) != 2 {
				t.Errorf("checks %v and %d record sets, want two each", keys, len(records))
			}
		})
	}
}

// However often a check is deleted and made again within days, it can be: the second reference is one that nobody has
// had.
func TestChecksCanBeMadeAgainAndAgain(t *testing.T) {
	t.Parallel()
	e := startEngine(t, node.Options{})
	w := want{namespace: "team", zone: e.createZone(t, "example.com"), apps: both[:1]}
	var log strings.Builder
	a := e.applier(t, &wire{}, Options{Log: &log})
	p, err := e.plan(t.Context(), t, a, w, plan.Guard{})
	if err != nil {
		t.Fatal(err)
	}
	c := p.Steps[0].Check
	for n := range 6 {
		log.Reset()
		r := &run{a: a, p: p, ids: make(map[string]string), result: Result{Created: make(map[string]string)}}
		if err := r.create(t.Context(), c); err != nil {
			t.Fatalf("creation %d: %v", n+1, err)
		}
		if tried := strings.Count(log.String(), `"CreateHealthCheck"`); tried > 2 {
			t.Errorf("creation %d tried %d references", n+1, tried)
		}
		if err := r.remove(t.Context(), &plan.CheckChange{Key: c.Key, ID: r.ids[c.Key]}); err != nil {
			t.Fatal(err)
		}
	}
}

// What an operator has forced out stays out, until it is released by name.
func TestForcedOutStaysUntilReleased(t *testing.T) {
	t.Parallel()
	e := startEngine(t, node.Options{})
	w := want{namespace: "team", zone: e.createZone(t, "example.com"), apps: both[:1]}
	a := e.applier(t, &wire{}, Options{})
	_, result := e.mustReach(t, a, w, plan.Guard{})
	id := result.Created["team/app1/eu-west-1"]
	if _, err := e.client(t, &wire{}).UpdateHealthCheck(t.Context(), &route53.UpdateHealthCheckInput{HealthCheckId: &id,
		Disabled: new(true), Inverted: new(true)}); err != nil {
		t.Fatal(err)
	}
	hold := func() plan.Hold {
		state, err := a.Read(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(state.Checks, func(c plan.Check) bool { return c.ID == id })
		if i < 0 {
			t.Fatalf("health check %s is gone", id)
		}
		return state.Checks[i].Hold()
	}
	for _, change := range []func(){func() {}, func() { w.threshold = 2 }, func() { w.path = "/other" }} {
		change()
		if _, err := e.prepared(t, a, w, plan.Guard{}); err != nil {
			t.Fatal(err)
		}
		if hold() != plan.ForcedOut || e.cited(t, w)["eu-west-1"] != id {
			t.Fatalf("it is %q, and eu-west-1 cites %s, want %q and %s", hold(), e.cited(t, w)["eu-west-1"], plan.ForcedOut, id)
		}
	}
	w.path = ""
	if _, err := e.prepared(t, a, w, plan.Guard{Release: []string{"team/app1"}}); err != nil {
		t.Fatal(err)
	}
	if hold() != plan.NotHeld {
		t.Errorf("it is %q after its release", hold())
	}
	e.wantNothingToDo(t, a, w)
}

// While the verdict on a new check is waited for, an operator forces the endpoint out by the old one: it is not brought
// back.
func TestForcedOutDuringTheWaitStaysOut(t *testing.T) {
	t.Parallel()
	e := startEngine(t, node.Options{})
	w := want{namespace: "team", zone: e.createZone(t, "example.com"), apps: both[:1]}
	calm := e.applier(t, &wire{}, Options{})
	_, result := e.mustReach(t, calm, w, plan.Guard{})
	before := e.cited(t, w)
	id := result.Created["team/app1/eu-west-1"]
	there, calls := &wire{}, 0
	there.lose = func(_, writes int) (lost, executed bool) {
		if writes == 4 { // two creations and two marks
			if calls++; calls == 2 {
				if _, err := e.client(t, &wire{}).UpdateHealthCheck(t.Context(), &route53.UpdateHealthCheckInput{HealthCheckId: &id,
					Disabled: new(true), Inverted: new(true)}); err != nil {
					t.Error(err)
				}
			}
		}
		return false, true
	}
	w.path = "/other"
	_, err := e.prepared(t, e.applier(t, there, Options{}), w, plan.Guard{})
	var changed *Changed
	if !errors.As(err, &changed) {
		t.Errorf("%v, want *Changed", err)
	}
	if now := e.cited(t, w); fmt.Sprint(now) != fmt.Sprint(before) {
		t.Errorf("record sets cite %v, want %v", now, before)
	}
	if _, err := e.prepared(t, calm, w, plan.Guard{}); err != nil {
		t.Fatal(err)
	}
	if now := e.cited(t, w); now["eu-west-1"] != id || now["eu-central-1"] == before["eu-central-1"] {
		t.Errorf("record sets cite %v, want what is held, %s, and a new check at the other Region", now, id)
	}
}
