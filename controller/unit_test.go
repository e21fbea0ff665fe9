package controller

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bulkhead-dns/bulkhead/api/v1alpha1"
	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/tagging"
)

// of is a candidate in another namespace, of the hostname <name>.example.com.
func (e *engine) of(t testing.TB, namespace, name, region string) candidate {
	t.Helper()
	c := e.candidate(t, name, region)
	c.policy.Metadata.Namespace = namespace
	c.object.SetNamespace(namespace)
	return c
}

// renamed is a candidate for the same hostname under another name.
func renamed(c candidate, namespace, name string) candidate {
	o := c.object.(*v1alpha1.FailoverPolicy).DeepCopy()
	o.Namespace, o.Name = namespace, name
	c.object = o
	c.policy.Metadata.Namespace, c.policy.Metadata.Name = namespace, name
	return c
}

// limited is a candidate whose class allows its namespace so many hostnames.
func limited(c candidate, n int) candidate {
	class := *c.class
	class.Spec.Limits.PoliciesPerNamespace = n
	c.class = &class
	return c
}

// claimedBy are candidates after it is settled who has which hostname.
func claimedBy(list ...candidate) []candidate {
	list = slices.Clone(list)
	claim(list)
	return list
}

// A policy that is renamed, or moved to another namespace, in one commit: the successor goes on with the same health check and record,
// whichever of creation and deletion is seen first, and when the predecessor is gone already.
func TestSuccessorTakesOver(t *testing.T) {
	for _, c := range []struct{ namespace, order string }{{"team-a", "create first"}, {"team-b", "delete first"}, {"team-b", "deleted and gone"}} {
		t.Run(c.order+" "+c.namespace, func(t *testing.T) {
			e := startEngine(t)
			now := time.Now()
			w, old := e.worker(t, west, &wire{}), e.candidate(t, "app01", west)
			e.mustPass(t, w, []candidate{old}, now)
			bound := e.bound(t)
			next, gone := renamed(old, c.namespace, "successor"), deleted(old, now)
			switch c.order {
			case "create first":
				e.mustPass(t, w, claimedBy(old, next), now)
				wantEqual(t, "while both are there", []string{"app01 eu-west-1"}, e.have(t))
				e.mustPass(t, w, claimedBy(gone, next), now)
			case "delete first":
				e.mustPass(t, w, claimedBy(gone), now)
				e.mustPass(t, w, claimedBy(gone, next), now)
			case "deleted and gone":
				e.mustPass(t, w, claimedBy(gone), now)
				e.mustPass(t, w, claimedBy(next), now.Add(5*time.Second))
			}
			now = now.Add(time.Hour)
			e.mustPass(t, w, claimedBy(next), now)
			wantEqual(t, "left", []string{"successor eu-west-1"}, e.have(t))
			wantEqual(t, "bound", bound, e.bound(t))
			wantEqual(t, "outcomes", map[string]int{v1alpha1.ReasonProgrammed: 1}, reasons(w))
			// What was said of the predecessor's check is not true of the successor's: its end is a new one.
			wantEqual(t, "to be removed", "", tagValue(&w.state.Checks[0], tagRemoval))
		})
	}
}

// What was deleted stays while somebody who may have the hostname asks for it, also when he cannot be programmed yet.
func TestRecordStaysWhileASuccessorIsInSight(t *testing.T) {
	e := startEngine(t)
	now := time.Now()
	w, old := e.worker(t, west, &wire{}), e.candidate(t, "app01", west)
	e.mustPass(t, w, []candidate{old}, now)
	next := renamed(old, "team-b", "successor")
	next.refusal = &refusal{v1alpha1.ReasonTargetNotReady, "no address yet"}
	e.mustPass(t, w, claimedBy(deleted(old, now), next), now)
	e.mustPass(t, w, claimedBy(next), now.Add(time.Hour))
	wantEqual(t, "left", []string{"app01 eu-west-1"}, e.have(t))
	next.refusal = nil
	e.mustPass(t, w, claimedBy(next), now.Add(2*time.Hour))
	wantEqual(t, "left", []string{"successor eu-west-1"}, e.have(t))
}

// A policy whose finalizer was taken off leaves its check behind. It is found and reported, and removed where the class says so, but not
// while the cluster has no policy at all.
func TestWhatIsLeftWithoutATrace(t *testing.T) {
	e := startEngine(t)
	now := time.Now()
	w, list := e.worker(t, west, &wire{}), e.candidates(t, west, 2)
	e.mustPass(t, w, list, now)
	now = now.Add(time.Hour)
	e.mustPass(t, w, list[:1], now)
	e.mustPass(t, w, list[:1], now.Add(time.Hour))
	wantEqual(t, "abandoned", []string{"team-a/app02"}, w.abandoned)
	wantEqual(t, "reported", names(list, west), e.have(t))

	w.classes["default"] = classRule{hold: 10 * time.Minute, removeAbandoned: true}
	now = now.Add(2 * time.Hour)
	e.mustPass(t, w, nil, now)
	e.mustPass(t, w, nil, now.Add(time.Hour))
	wantEqual(t, "without any policy", names(list, west), e.have(t))
	e.mustPass(t, w, list[:1], now.Add(2*time.Hour))
	e.mustPass(t, w, list[:1], now.Add(3*time.Hour))
	wantEqual(t, "removed", names(list[:1], west), e.have(t))

	other := e.worker(t, west, &wire{}) // of another cluster
	other.cluster, other.classes = "another", map[string]classRule{"default": {removeAbandoned: true}}
	e.mustPass(t, other, []candidate{e.of(t, "team-c", "other", west)}, now)
	wantEqual(t, "abandoned to another cluster", nil, other.abandoned)
}

// A check that a controller made and did not live to mark goes with its policy.
func TestCheckThatWasNeverMarkedGoesWithItsPolicy(t *testing.T) {
	e := startEngine(t)
	now := time.Now()
	list := e.candidates(t, west, 1)
	broken := &wire{cut: 2} // the tags of the check
	ctx, cancel := contextUntil(t, broken)
	_, err := e.rounds(ctx, e.worker(t, west, broken), e.tasks(list, west, now), nil, now)
	cancel()
	eventually(t, "the check is made", func() bool { return slices.Equal(e.have(t), []string{"check only: "}) })
	if err == nil {
		t.Error("the tags were set")
	}
	e.remove(t, e.worker(t, west, &wire{}), list, nil, now)
	wantEqual(t, "left", nil, e.have(t))
}

// What a namespace has at the provider counts against what its class allows, whatever became of its objects.
func TestQuotaCountsWhatANamespaceHas(t *testing.T) {
	e := startEngine(t)
	now := time.Now()
	list := e.candidates(t, west, 4)
	for i := range list {
		list[i] = limited(list[i], 2)
	}
	w := e.worker(t, west, &wire{})
	e.mustPass(t, w, list[:2], now)
	e.mustPass(t, w, append([]candidate{list[3]}, e.of(t, "team-b", "other", west)), now.Add(time.Second)) // the others' objects are gone
	wantEqual(t, "there are", append(names(list[:2], west), "other eu-west-1"), e.have(t))
	if o := w.outcomes()["team-a/app04"]; o.reason != v1alpha1.ReasonQuotaExceeded || !strings.Contains(o.message, "team-a/app01, team-a/app02") {
		t.Errorf("%+v, want to be told what counts", o)
	}
	now = e.remove(t, w, list[:1], list[1:2], now.Add(time.Hour))
	e.mustPass(t, w, list[1:3], now.Add(time.Hour))
	wantEqual(t, "there are", append(names(list[1:3], west), "other eu-west-1"), e.have(t))
}

// One namespace changes or deletes too much. Nobody else's change or deletion waits for that, before and after it was allowed.
func TestNamespacesAreGuardedApart(t *testing.T) {
	e := startEngine(t)
	now := time.Now()
	w := e.worker(t, west, &wire{})
	var many, few []candidate
	for i := range 12 {
		many = append(many, e.of(t, "team-b", fmt.Sprintf("many%02d", i), west))
	}
	for i := range 3 {
		few = append(few, e.of(t, "team-a", fmt.Sprintf("few%d", i), west))
	}
	e.mustPass(t, w, slices.Concat(many, few), now)

	var gone []candidate
	for _, c := range many {
		gone = append(gone, deleted(c, now))
	}
	all := append(slices.Clone(gone), deleted(few[0], now), few[1], few[2])
	e.mustPass(t, w, all, now.Add(time.Second))
	now = now.Add(12 * time.Second)
	rest := append(slices.Clone(gone), few[1], few[2])
	e.mustPass(t, w, rest, now)
	wantEqual(t, "left", append(names(few[1:], west), names(many, west)...), e.have(t))
	refusedPlans := w.refusedPlans()
	if len(refusedPlans) != 1 || !strings.Contains(refusedPlans[0], "namespace team-b") || strings.Contains(refusedPlans[0], "team-a") {
		t.Fatalf("refused %q, want one plan, of team-b", refusedPlans)
	}
	e.mustPass(t, w, rest, now, hashIn(t, refusedPlans[0]))
	now = now.Add(12 * time.Second)
	e.mustPass(t, w, few[1:], now)
	wantEqual(t, "after it was allowed", names(few[1:], west), e.have(t))
	e.remove(t, w, few[1:2], few[2:], now)
	wantEqual(t, "allowed deletions are not counted again", names(few[2:], west), e.have(t))
}

// Each is told of his own health check, and of nobody else's.
func TestVerdictsAreToldToTheirOwnersAlone(t *testing.T) {
	e := startEngine(t)
	e.set(true, "/secret", "/other")
	w := e.workerWaiting(t, west, &wire{}, 2*time.Second)
	e.mustPass(t, w, []candidate{e.of(t, "team-a", "secret", west), e.of(t, "team-b", "other", west)}, time.Now())
	for key, hidden := range map[string]string{"team-a/secret": "other", "team-b/other": "secret"} {
		if o := w.outcomes()[key]; !o.awaits || strings.Contains(o.message, hidden) || !strings.Contains(o.message, key) {
			t.Errorf("%s is told %q", key, o.message)
		}
	}
}

// Namespaces have their turns: who comes with one hostname does not wait for another's four hundred.
func TestNamespacesTakeTurns(t *testing.T) {
	now := time.Now()
	w := &worker{}
	w.begin()
	var tasks []task
	for i := range 400 {
		tasks = append(tasks, task{key: fmt.Sprintf("team-b/p%03d", i), namespace: "team-b", intent: program})
	}
	w.arrange(tasks, nil, now)
	for _, u := range w.ready(now)[:engineSlice] {
		w.serve(u)
		u.due = time.Time{}
	}
	tasks = append(tasks, task{key: "team-a/late", namespace: "team-a", intent: program})
	w.arrange(tasks, nil, now.Add(time.Second))
	if first := w.ready(now.Add(time.Second))[0]; first.namespace != "team-a" {
		t.Errorf("the next turn is of %s, want team-a", first.name)
	}
	if n := len(w.ready(now.Add(time.Second))); n != 401-engineSlice {
		t.Errorf("%d are ready, want %d", n, 401-engineSlice)
	}
}

// Whatever is refused waits for its pause: until then nothing is read or written, and the pauses grow.
func TestEveryRefusalIsIdleUntilItsPauseIsOver(t *testing.T) {
	e := startEngine(t)
	now := time.Now()
	e.putForeign(t, "foreign.example.com")
	e.set(true, "/sick")
	broken := &wire{refuse: "refused.example.com"}
	w := e.workerWaiting(t, west, broken, time.Second)
	quota, second := limited(e.of(t, "team-q", "quota1", west), 1), limited(e.of(t, "team-q", "quota2", west), 1)
	unready := e.candidate(t, "unready", west)
	unready.refusal = &refusal{v1alpha1.ReasonTargetNotReady, "no address yet"}
	var guarded []candidate
	for i := range 12 {
		guarded = append(guarded, e.of(t, "team-g", fmt.Sprintf("guarded%02d", i), west))
	}
	last := e.candidate(t, "last", west)
	good := append(slices.Clone(guarded), e.candidate(t, "good", west), last)
	e.mustPass(t, w, good, now)
	for i := range guarded {
		guarded[i].policy.Spec.HealthCheck.FailureThreshold = new(3)
	}
	last.vanished = now.Add(-time.Hour)
	list := append(slices.Clone(guarded), good[12], last, quota, second, unready, e.candidate(t, "foreign", west), e.candidate(t, "sick", west),
		e.candidate(t, "refused", west))
	e.mustPass(t, w, list, now)
	before, rounds, working, again := w.applier.Calls(), 0, 0, 0
	for at, end := now.Add(time.Minute), now.Add(11*time.Minute); at.Before(end); at = earlier(w.next(), at.Add(time.Second)) {
		report, err := w.round(t.Context(), e.tasks(list, west, at), nil, at)
		if err != nil {
			t.Fatal(err)
		}
		if rounds++; !report.idle {
			working++
		}
		if again++; w.next().After(at) {
			again = 0
		}
		if again > 10 { // a slow machine may need several rounds for what is due
			t.Fatalf("after %s, round %d comes back at once, as the %d before it: %v", at.Sub(now), rounds, again, reasons(w))
		}
	}
	if calls := total(w.applier.Calls()) - total(before); working > 60 || calls > 300 {
		t.Errorf("%d rounds at work and %d calls within ten minutes in which nothing changed, outcomes %v", working, calls, reasons(w))
	}
}

func total(calls map[string]int) (n int) {
	for _, count := range calls {
		n += count
	}
	return n
}

// A deletion that would leave only what is unhealthy waits, says so and how to do it all the same, is looked at again when verdicts change,
// and goes when it is allowed on the policy itself.
func TestBlockedDeletionSaysHowToGoOn(t *testing.T) {
	for _, way := range []string{"the other Region is well again", "allowed"} {
		t.Run(way, func(t *testing.T) {
			e := startEngine(t)
			now := time.Now()
			w, here, there := e.worker(t, west, &wire{}), e.candidate(t, "app01", west), e.candidate(t, "app01", central)
			there.policy.Spec.HealthCheck.Path = "/central"
			e.mustPass(t, w, []candidate{here}, now)
			e.mustPass(t, e.worker(t, central, &wire{}), []candidate{there}, now)
			e.set(true, "/central")
			e.awaitVerdict(t, w, central, false)
			gone := deleted(here, now)
			e.mustPass(t, w, []candidate{gone}, now.Add(time.Minute))
			o := w.outcomes()["team-a/app01"]
			if o.done || !strings.Contains(o.message, "last healthy member") {
				t.Fatalf("%+v, want it to be refused", o)
			}
			hash := hashIn(t, o.message)
			if way == "allowed" {
				gone.object.SetAnnotations(map[string]string{v1alpha1.ForcePlanAnnotation: hash})
			} else {
				e.set(false, "/central")
				e.awaitVerdict(t, w, central, true)
				w.nudge(map[string]bool{"team-a/app01": true}, now.Add(62*time.Second))
			}
			now = now.Add(62 * time.Second)
			e.mustPass(t, w, []candidate{gone}, now)
			if o := w.outcomes()["team-a/app01"]; !o.done {
				t.Fatalf("%+v, want it to be released", o)
			}
			e.mustPass(t, w, nil, now.Add(11*time.Second))
			wantEqual(t, "left", []string{"app01 eu-central-1"}, e.have(t))
		})
	}
}

// What is known after writing, without reading again, is what is read.
func TestWhatWasWrittenIsKnownWithoutReading(t *testing.T) {
	e := startEngine(t)
	now := time.Now()
	w, list := e.worker(t, west, &wire{}), e.candidates(t, west, 4)
	check := func(what string) {
		t.Helper()
		read, err := w.applier.Read(t.Context(), e.zones)
		if err != nil {
			t.Fatal(err)
		}
		wantEqual(t, what, inOrder(read), inOrder(w.state))
	}
	e.mustPass(t, w, list, now)
	check("programmed")
	list[0].policy.Spec.HealthCheck.Path = "/other"
	list[1].policy.Spec.HealthCheck.FailureThreshold = new(3)
	e.mustPass(t, w, list, now.Add(time.Second))
	check("changed")
	e.mustPass(t, w, claimedBy(deleted(list[2], now), renamed(list[2], "team-b", "next"), list[0], list[1], list[3]), now.Add(2*time.Second))
	check("taken over")
}

// inOrder is a state in an order of its own, as text, without what verdicts say.
func inOrder(s plan.State) []string {
	var lines []string
	for _, c := range s.Checks {
		slices.SortFunc(c.Tags, func(a, b tagging.Tag) int { return cmp.Compare(a.Key, b.Key) })
		lines = append(lines, fmt.Sprint("check ", c.ID, c.Key, c.CallerReference, c.Tags, c.Config.ResourcePath, *c.Config.FailureThreshold))
	}
	for _, r := range s.Records {
		lines = append(lines, fmt.Sprint("record ", r.Set.Key(), r.Set.HealthCheckID, r.Set.ResourceRecords))
	}
	slices.Sort(lines)
	return lines
}

func TestOutcomesOfTwoWithOneKey(t *testing.T) {
	now := time.Now()
	w := &worker{}
	w.begin()
	w.arrange([]task{{key: "team-a/app", hostname: "a.example.com.", intent: program},
		{key: "team-a/app", hostname: "b.example.com.", refusal: &refusal{v1alpha1.ReasonInvalid, "another has the name"}}}, nil, now)
	w.units["a.example.com."].outcomes["team-a/app"] = outcome{done: true, reason: v1alpha1.ReasonProgrammed}
	wantEqual(t, "reasons", map[string]int{v1alpha1.ReasonProgrammed: 1}, reasons(w))
	if n := len(slices.Collect(maps.Keys(w.outcomes()))); n != 1 {
		t.Errorf("%d outcomes, want one", n)
	}
}

// Whoever allows what was refused to his own policy is bound by his namespace's share all the same.
func TestWhatIsAllowedKeepsTheNamespacesShare(t *testing.T) {
	e := startEngine(t)
	now := time.Now()
	w := e.worker(t, west, &wire{})
	first, second := limited(e.candidate(t, "app01", west), 1), limited(e.candidate(t, "app02", west), 1)
	e.mustPass(t, w, []candidate{first}, now)
	tasks := e.tasks([]candidate{first, second}, west, now)
	var asked *task
	for i := range tasks {
		if tasks[i].key == "team-a/app02" {
			asked = &tasks[i]
		}
	}
	r := &round{worker: w, now: now, tasks: tasks, left: make(map[string]outcome), first: make(map[string]time.Duration), later: make(map[string]bool),
		wrote: make(map[string]bool), allowed: make(map[string]bool), report: roundReport{steps: make(map[plan.Kind]int)}}
	refusals := 0
	p := proposal{tasks: []*task{asked}, diff: func(tasks []*task, guard plan.Guard) (plan.Plan, error) {
		planned, err := r.diff(tasks, guard)
		if err == nil && !guard.Force {
			refusals++
			planned = planned.WithRefusals(plan.Finding{Policy: asked.key, Text: "for a reason that can be waived"})
			return planned, &plan.Refused{Findings: planned.Refusals}
		}
		return planned, err
	}}
	if err := r.bring(t.Context(), p); err != nil || refusals == 0 {
		t.Fatal(err, refusals)
	}
	asked.forced = []string{hashIn(t, r.left[asked.key].message)}
	clear(r.left)
	if err := r.bring(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	if o := r.left[asked.key]; o.reason != v1alpha1.ReasonQuotaExceeded {
		t.Errorf("%+v, want the quota to hold", o)
	}
	if w.has(asked.key) {
		t.Error("a health check was made beyond the namespace's share")
	}
}
