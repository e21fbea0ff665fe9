package controller

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/bulkhead-dns/bulkhead/api/v1alpha1"
	"github.com/bulkhead-dns/bulkhead/explain"
	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/plan"
)

// bound are the ids of the checks that record sets cite, by hostname.
func (e *engine) bound(t testing.TB) map[string]string {
	t.Helper()
	state, err := e.worker(t, west, &wire{}).applier.Read(t.Context(), e.zones)
	if err != nil {
		t.Fatal(err)
	}
	bound := make(map[string]string)
	for _, r := range state.Records {
		if r.Set.HealthCheckID != "" {
			bound[strings.TrimSuffix(string(r.Set.Name), ".example.com.")] = r.Set.HealthCheckID
		}
	}
	return bound
}

// A changed check that nobody answers is not bound, its policy is told why and is not Programmed, and nobody else waits for it.
func TestChangedCheckWaitsForItsVerdict(t *testing.T) {
	e := startEngine(t)
	now := time.Now()
	w, list := e.workerWaiting(t, west, &wire{}, 10*time.Second), e.candidates(t, west, 3)
	e.mustPass(t, w, list, now)
	before := e.bound(t)

	e.set(true, "/typo")
	list[0].policy.Spec.HealthCheck.Path = "/typo"
	list[1].policy.Spec.HealthCheck.Path = "/right"
	report := e.mustPass(t, w, list, now.Add(time.Second))
	wantEqual(t, "outcomes", map[string]int{v1alpha1.ReasonProgrammed: 2, v1alpha1.ReasonPending: 1}, reasons(w))
	o := w.outcomes()["team-a/app01"]
	if o.done || !o.awaits || !strings.Contains(o.message, "503") || !strings.Contains(o.message, before["app01"]) {
		t.Errorf("%+v, want the reason that checkers give, and the check that stays bound", o)
	}
	after := e.bound(t)
	if after["app01"] != before["app01"] || after["app02"] == before["app02"] || after["app03"] != before["app03"] {
		t.Errorf("bound are %v, before %v: want another check for app02 alone", after, before)
	}

	patient := w.applier
	w.applier = e.applier(t, &wire{})   // nothing that is waited for gets healthy
	e.mustPass(t, w, list, report.next) // again: no third check
	w.applier = patient
	wantEqual(t, "what is there", append(names(list, west), "check only: team-a/app01/eu-west-1"), e.have(t))
	e.set(false, "/typo")
	e.mustPass(t, w, list, w.next())
	wantEqual(t, "outcomes", map[string]int{v1alpha1.ReasonProgrammed: 3}, reasons(w))
	wantEqual(t, "what is there", names(list, west), e.have(t))
}

// What an operator makes of a check by hand stays, at a resync and when the policy changes, until he undoes it.
func TestResyncLeavesWhatAnOperatorHolds(t *testing.T) {
	e := startEngine(t)
	now := time.Now()
	w, list := e.worker(t, west, &wire{}), e.candidates(t, west, 2)
	e.mustPass(t, w, list, now)
	id := e.bound(t)["app01"]
	hold := func(on bool) {
		t.Helper()
		if _, err := e.client(t, &wire{}).UpdateHealthCheck(t.Context(), &route53.UpdateHealthCheckInput{HealthCheckId: &id, Disabled: &on,
			Inverted: &on}); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the list has what the operator has made of the check", func() bool { // at AWS it is some seconds old
			out, err := e.client(t, &wire{}).ListHealthChecks(t.Context(), &route53.ListHealthChecksInput{})
			if err != nil {
				t.Fatal(err)
			}
			return slices.ContainsFunc(out.HealthChecks, func(h types.HealthCheck) bool {
				return aws.ToString(h.Id) == id && aws.ToBool(h.HealthCheckConfig.Disabled) == on
			})
		})
	}
	held := func() plan.Hold {
		i := slices.IndexFunc(w.state.Checks, func(c plan.Check) bool { return c.ID == id })
		if i < 0 {
			t.Fatalf("health check %s is gone", id)
		}
		return w.state.Checks[i].Hold()
	}
	hold(true)
	before := writes(w.applier.Calls())
	now = now.Add(time.Hour)
	report := e.mustPass(t, w, list, now)
	eventually(t, "a resync sees what the operator has made of the check", func() bool { // at AWS a list may be older than the one before
		if held() != plan.ForcedOut {
			now = now.Add(time.Hour)
			report = e.mustPass(t, w, list, now)
		}
		return held() == plan.ForcedOut
	})
	if held() != plan.ForcedOut || report.drifted != nil || writes(w.applier.Calls()) != before {
		t.Errorf("after the resync it is %q, drifted %v, %d writes: want it forced out and nothing done", held(), report.drifted,
			writes(w.applier.Calls())-before)
	}
	wantEqual(t, "outcomes", map[string]int{v1alpha1.ReasonProgrammed: 2}, reasons(w))

	list[0].policy.Spec.HealthCheck.Path = "/right"
	e.mustPass(t, w, list, now.Add(time.Second))
	if o := w.outcomes()["team-a/app01"]; held() != plan.ForcedOut || o.done || !o.held || !strings.Contains(o.message, "/right") {
		t.Errorf("it is %q, %+v: want the change to wait", held(), o)
	}

	hold(false)
	var state plan.State
	eventually(t, "a reading sees that the operator has undone it", func() bool {
		var err error
		if state, err = w.applier.Read(t.Context(), e.zones); err != nil {
			t.Fatal(err)
		}
		return slices.ContainsFunc(state.Checks, func(c plan.Check) bool { return c.ID == id && c.Hold() == plan.NotHeld })
	})
	later := latest(now.Add(2*time.Second), w.readAt.Add(time.Second))
	a := &account{site: site{region: west}, worker: w, fresh: &reading{state, later, w.writes}, nudged: make(map[string]bool),
		board: board{outcomes: w.outcomes(), state: state}}
	a.released()
	wantEqual(t, "noticed", map[string]bool{"team-a/app01": true}, a.nudged)
	a.advise(later)
	eventually(t, "the change is bound after the release", func() bool {
		e.mustPass(t, w, list, later)
		later = later.Add(time.Hour)
		return e.bound(t)["app01"] != id && reasons(w)[v1alpha1.ReasonProgrammed] == 2
	})
}

// A policy that waits is looked at again when a verdict on one of its checks changes, and not for what stays as it is.
func TestVerdictsThatChangeWakeThePoliciesThatWait(t *testing.T) {
	a := &account{site: site{region: west}, nudged: make(map[string]bool), verdicts: make(map[string]verdicts), board: board{
		outcomes: map[string]outcome{"team-a/app": {awaits: true}, "team-a/done": {done: true}},
		state:    plan.State{Checks: []plan.Check{{ID: "new", Key: "team-a/app/" + west}, {ID: "there", Key: "team-a/app/" + central}, {ID: "done", Key: "team-a/done/" + west}}},
	}}
	for _, c := range []struct {
		check   string
		healthy bool
		wakes   bool
	}{{"new", true, true}, {"new", true, false}, {"there", false, true}, {"there", false, false}, {"there", true, true}, {"done", true, false}} {
		clear(a.nudged)
		a.heard(c.check, []health.Report{{Healthy: c.healthy}}, time.Now())
		if a.hasNews() != c.wakes {
			t.Errorf("%s, healthy %t: woken %v, want %t", c.check, c.healthy, a.nudged, c.wakes)
		}
	}
}

func TestHeldIsTold(t *testing.T) {
	e := &engine{port: "80"}
	now := time.Now()
	f := finding{candidate: e.candidate(t, "app", west), known: true, outcome: outcome{done: true, reason: v1alpha1.ReasonProgrammed},
		provider: failover.Engine, region: west, state: &plan.State{}, app: app(both(explain.Healthy, explain.Healthy), west)}
	s := statusOf(f, v1alpha1.FailoverPolicyStatus{}, now)
	if c := meta.FindStatusCondition(s.Conditions, v1alpha1.ConditionHeld); c != nil {
		t.Errorf("a policy that was never held has %+v", c)
	}
	for hold, reason := range map[plan.Hold]string{plan.ForcedOut: v1alpha1.ReasonForcedOut, plan.ForcedIn: v1alpha1.ReasonForcedIn,
		plan.Turned: v1alpha1.ReasonTurnedRound} {
		f.app.Regions[0].Check.Hold = hold
		s = statusOf(f, s, now)
		c := meta.FindStatusCondition(s.Conditions, v1alpha1.ConditionHeld)
		if c == nil || c.Status != metav1.ConditionTrue || c.Reason != reason || !strings.Contains(c.Message, "by an operator") ||
			!strings.Contains(c.Message, "check-"+west) {
			t.Errorf("%s: %+v", hold, c)
		}
	}
	f.app.Regions[0].Check.Hold = plan.NotHeld
	s = statusOf(f, s, now)
	if c := meta.FindStatusCondition(s.Conditions, v1alpha1.ConditionHeld); c == nil || c.Status != metav1.ConditionFalse || c.Reason != v1alpha1.ReasonNotHeld {
		t.Errorf("undone: %+v", c)
	}
}

// A plan that changes too much is allowed by its hash. One policy of it whose new check is not healthy stops none of the others.
func TestAllowedPlanGoesOnWithoutThoseThatWait(t *testing.T) {
	e := startEngine(t)
	now := time.Now()
	w, list := e.workerWaiting(t, west, &wire{}, 10*time.Second), e.candidates(t, west, 12)
	e.mustPass(t, w, list, now)
	e.set(true, "/app03-new")
	for i := range list {
		list[i].policy.Spec.HealthCheck.Path += "-new"
	}
	e.mustPass(t, w, list, now.Add(time.Second))
	wantEqual(t, "outcomes", map[string]int{v1alpha1.ReasonPending: 12}, reasons(w))
	e.mustPass(t, w, list, now.Add(2*time.Second), hashIn(t, w.refusedPlans()[0]))
	wantEqual(t, "outcomes", map[string]int{v1alpha1.ReasonProgrammed: 11, v1alpha1.ReasonPending: 1}, reasons(w))
	if o := w.outcomes()["team-a/app03"]; !o.awaits {
		t.Errorf("%+v, want a verdict to be waited for", o)
	}
}
