package controller

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/google/go-cmp/cmp"

	"github.com/bulkhead-dns/bulkhead/api/v1alpha1"
	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/plan"
)

func wantEqual[T any](t testing.TB, what string, want, got T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: want -, got +\n%s", what, diff)
	}
}

func TestManyPoliciesAreOneBatchAndUnchangedOnesNoCall(t *testing.T) {
	e := startEngine(t)
	now := time.Now()
	w, list := e.worker(t, west, &wire{}), e.candidates(t, west, 40)
	e.mustPass(t, w, list, now)
	wantEqual(t, "programmed", names(list, west), e.have(t))
	wantEqual(t, "outcomes", map[string]int{v1alpha1.ReasonProgrammed: 40}, reasons(w))
	if n := w.applier.Calls()["ChangeResourceRecordSets"]; n > 15 {
		t.Errorf("%d change batches for 40 policies, want a few", n)
	}

	before := w.applier.Calls()
	report := e.mustPass(t, w, list, now.Add(time.Minute))
	if !report.idle || !maps.Equal(before, w.applier.Calls()) {
		t.Errorf("nothing changed, and the pass called the provider: %v, before %v", w.applier.Calls(), before)
	}
	if at := report.next; at.Before(now.Add(50*time.Minute)) || at.After(now.Add(time.Hour)) {
		t.Errorf("the next resync is in %s, want within the hour", at.Sub(now))
	}

	// The resync reads, and writes nothing where nothing drifted.
	report = e.mustPass(t, w, list, now.Add(time.Hour))
	if report.idle || writes(before) != writes(w.applier.Calls()) || before["ListHealthChecks"] == w.applier.Calls()["ListHealthChecks"] {
		t.Errorf("idle %v, calls %v, before %v: want a resync that only reads", report.idle, w.applier.Calls(), before)
	}
	// At AWS tags are as old as lists: those of checks that were made lately are read once more.
	if n := w.applier.Calls()["ListTagsForResources"] - before["ListTagsForResources"]; n != 0 && e.provider == failover.Engine {
		t.Errorf("%d calls for tags that are known", n)
	}
}

func TestDriftIsCorrectedByTheResync(t *testing.T) {
	e := startEngine(t)
	now := time.Now()
	w, list := e.worker(t, west, &wire{}), e.candidates(t, west, 3)
	e.mustPass(t, w, list, now)
	out, err := e.client(t, &wire{}).ListResourceRecordSets(t.Context(), &route53.ListResourceRecordSetsInput{HostedZoneId: &e.zones[0].ID})
	if err != nil {
		t.Fatal(err)
	}
	for i := range out.ResourceRecordSets {
		if set := &out.ResourceRecordSets[i]; aws.ToString(set.Name) == "app02.example.com." {
			if _, err := e.client(t, &wire{}).ChangeResourceRecordSets(t.Context(), &route53.ChangeResourceRecordSetsInput{HostedZoneId: &e.zones[0].ID,
				ChangeBatch: &types.ChangeBatch{Changes: []types.Change{{Action: types.ChangeActionDelete, ResourceRecordSet: set}}}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	// A policy that is new in the same pass is none that drifted.
	list = e.candidates(t, west, 4)
	report := e.mustPass(t, w, list, now.Add(time.Hour))
	wantEqual(t, "programmed", names(list, west), e.have(t))
	wantEqual(t, "drifted", []string{"team-a/app02"}, report.drifted)
}

func TestBadPoliciesBlockNobody(t *testing.T) {
	e := startEngine(t)
	now := time.Now()
	put := &route53.ChangeResourceRecordSetsInput{HostedZoneId: &e.zones[0].ID, ChangeBatch: &types.ChangeBatch{Changes: []types.Change{{
		Action: types.ChangeActionCreate, ResourceRecordSet: &types.ResourceRecordSet{Name: aws.String("app03.example.com"), Type: types.RRTypeA,
			TTL: aws.Int64(60), ResourceRecords: []types.ResourceRecord{{Value: aws.String("192.0.2.1")}}}}}}}
	if _, err := e.client(t, &wire{}).ChangeResourceRecordSets(t.Context(), put); err != nil {
		t.Fatal(err)
	}
	e.set(true, "/app05") // unhealthy at every checker

	broken := &wire{refuse: "app07.example.com"} // a batch with it is refused
	w, list := e.workerWaiting(t, west, broken, 10*time.Second), e.candidates(t, west, 12)
	list[8].policy.Spec.HealthCheck.Path = "no slash"
	e.mustPass(t, w, list, now)

	bad := map[string]string{"team-a/app03": v1alpha1.ReasonForeignRecord, "team-a/app05": v1alpha1.ReasonPending,
		"team-a/app07": v1alpha1.ReasonProviderRefused, "team-a/app09": v1alpha1.ReasonInvalid}
	for _, c := range list {
		want := outcome{done: bad[c.policy.Key()] == "", reason: bad[c.policy.Key()]}
		if want.done {
			want.reason = v1alpha1.ReasonProgrammed
		}
		if got := w.outcomes()[c.policy.Key()]; got.done != want.done || got.reason != want.reason || got.message == "" {
			t.Errorf("%s: %+v, want %+v", c.policy.Key(), got, want)
		}
	}
	good := slices.DeleteFunc(slices.Clone(list), func(c candidate) bool { return bad[c.policy.Key()] != "" })
	have := slices.DeleteFunc(e.have(t), func(s string) bool { return strings.HasPrefix(s, "check only") })
	wantEqual(t, "programmed", names(good, west), have)

	// They are left alone for a while, then tried again.
	before := w.applier.Calls()
	soon := w.next().Add(-time.Millisecond)
	if report, err := w.round(t.Context(), e.tasks(list, west, now), nil, soon); err != nil || !report.idle || !report.next.After(soon) {
		t.Errorf("%+v, %v: want an idle round that comes back later", report, err)
	}
	wantEqual(t, "calls", before, w.applier.Calls())
	e.set(false, "/app05")
	broken.mu.Lock()
	broken.refuse = ""
	broken.mu.Unlock()
	e.mustPass(t, w, list, now.Add(longestPause))
	wantEqual(t, "outcomes", map[string]int{v1alpha1.ReasonProgrammed: 10, v1alpha1.ReasonForeignRecord: 1, v1alpha1.ReasonInvalid: 1}, reasons(w))
}

// A policy that waits is tried again after a pause that doubles, and nobody else is.
func TestPausesGrow(t *testing.T) {
	e := startEngine(t)
	now := time.Now()
	e.set(true, "/app01")
	w, list := e.worker(t, west, &wire{}), e.candidates(t, west, 2)
	e.mustPass(t, w, list[1:], now)
	e.waits[w] = 0
	var pauses []time.Duration
	for range 12 {
		e.mustPass(t, w, list, now)
		u := w.units["app01.example.com."]
		pauses, now = append(pauses, u.pause), u.due
	}
	for i, p := range pauses {
		if want := min(w.verdictPause()<<i, longestPause); p != want {
			t.Errorf("pause %d is %s, want %s", i+1, p, want)
		}
	}
	wantEqual(t, "outcomes", map[string]int{v1alpha1.ReasonProgrammed: 1, v1alpha1.ReasonPending: 1}, reasons(w))
}

// Two checks, two times tags, one batch: five writes, each of which may be the first that does not get through.
func TestWhateverIsInterruptedTheNextControllerCompletes(t *testing.T) {
	for cut := 1; cut <= 6; cut++ {
		t.Run(fmt.Sprint(cut), func(t *testing.T) {
			e := startEngine(t)
			now := time.Now()
			list := e.candidates(t, west, 2)
			broken := &wire{cut: cut}
			ctx, cancel := contextUntil(t, broken)
			_, err := e.rounds(ctx, e.worker(t, west, broken), e.tasks(list, west, now), nil, now)
			cancel()
			if cut <= 5 && err == nil {
				t.Errorf("cut before write %d: %v; want an error for the first five", cut, err)
			}
			e.mustPass(t, e.worker(t, west, &wire{}), list, now)
			wantEqual(t, "programmed", names(list, west), e.have(t))
		})
	}
}

// Two checks that change: two new ones, two times tags, one batch, two deletions.
func TestInterruptedChangeIsCompletedByTheNextController(t *testing.T) {
	for cut := 1; cut <= 8; cut++ {
		t.Run(fmt.Sprint(cut), func(t *testing.T) {
			e := startEngine(t)
			now := time.Now()
			list := e.candidates(t, west, 2)
			e.mustPass(t, e.worker(t, west, &wire{}), list, now)
			for i := range list {
				list[i].policy.Spec.HealthCheck.Path += "-new"
			}
			broken := &wire{cut: cut}
			ctx, cancel := contextUntil(t, broken)
			_, err := e.rounds(ctx, e.worker(t, west, broken), e.tasks(list, west, now), nil, now)
			cancel()
			if cut <= 7 && err == nil {
				t.Errorf("cut before write %d: %v; want an error for the first seven", cut, err)
			}
			e.mustPass(t, e.worker(t, west, &wire{}), list, now)
			wantEqual(t, "programmed", names(list, west), e.have(t))
		})
	}
}

func TestTooManyChangesNeedAWord(t *testing.T) {
	e := startEngine(t)
	now := time.Now()
	w, list := e.worker(t, west, &wire{}), e.candidates(t, west, 12)
	e.mustPass(t, w, list, now)
	for i := range list {
		list[i].policy.Spec.HealthCheck.FailureThreshold = new(2)
	}
	more := append(slices.Clone(list), e.candidate(t, "new", west))
	e.mustPass(t, w, more, now)
	wantEqual(t, "outcomes", map[string]int{v1alpha1.ReasonPending: 12, v1alpha1.ReasonProgrammed: 1}, reasons(w))
	wantEqual(t, "programmed", names(more, west), e.have(t))
	if len(w.refusedPlans()) != 1 {
		t.Fatalf("refused: %q, want one plan", w.refusedPlans())
	}
	hash := hashIn(t, w.refusedPlans()[0])

	before := writes(w.applier.Calls())
	e.mustPass(t, w, more, now, "another")
	if after := writes(w.applier.Calls()); after != before || len(w.refusedPlans()) != 1 || hashIn(t, w.refusedPlans()[0]) != hash {
		t.Errorf("%d writes and refused %q by another hash, want none and the same plan", after-before, w.refusedPlans())
	}
	e.mustPass(t, w, more, now, hash)
	wantEqual(t, "outcomes", map[string]int{v1alpha1.ReasonProgrammed: 13}, reasons(w))
	if w.refusedPlans() != nil {
		t.Errorf("refused: %q, want nothing any more", w.refusedPlans())
	}
	if n := w.applier.Calls()["UpdateHealthCheck"]; n != 12 {
		t.Errorf("%d checks were updated, want 12", n)
	}
}

// hashIn finds the hash that a refusal asks for.
func hashIn(t testing.TB, message string) string {
	t.Helper()
	_, rest, found := strings.Cut(message, v1alpha1.ForcePlanAnnotation+"=")
	hash, _, _ := strings.Cut(rest, ",")
	if !found || hash == "" {
		t.Fatalf("%q names no hash", message)
	}
	return hash
}

func TestStepsAreCounted(t *testing.T) {
	e := startEngine(t)
	report := e.mustPass(t, e.worker(t, west, &wire{}), e.candidates(t, west, 3), time.Now())
	if report.steps[plan.CreateCheck] != 3 || report.steps[plan.ChangeRecords] == 0 || report.steps[plan.DeleteCheck] != 0 {
		t.Errorf("steps %v, want three checks to be made, and their records", report.steps)
	}
}
