package apply

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/google/go-cmp/cmp"

	"github.com/bulkhead-dns/bulkhead/node"
	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/zone"
)

var both = []string{"app1", "app2"}

// Two applications in two Regions: four checks, four record sets, one batch, and nothing of anybody else's. A second
// run reads one page of each list and writes nothing.
func TestTwoAppsAreMadeOnceAndLeaveOthersAlone(t *testing.T) {
	t.Parallel()
	e := startEngine(t, node.Options{})
	w := want{namespace: "team", zone: e.createZone(t, "example.com"), apps: both}
	foreign := simple("www.example.com", "192.0.2.80")
	e.put(t, w.zone, foreign)
	var log bytes.Buffer
	var told []Progress
	a := e.applier(t, &wire{}, Options{Log: &log, Progress: func(p Progress) { told = append(told, p) },
		RollbackDir: t.TempDir()})
	p, result, err := e.reach(t.Context(), t, a, w, plan.Guard{})
	if err != nil {
		t.Fatal(err)
	}
	if result.Steps != len(p.Steps) || len(result.Created) != 4 || len(result.Changes) != 1 || result.Rollbacks != nil {
		t.Errorf("result %+v, want %d steps, four checks, one change and nothing to roll back", result, len(p.Steps))
	}
	if got, want := writes(a.Calls()), p.Counts.Calls.Total(); got != want || got != 9 {
		t.Errorf("%d writes, the plan says %d, want 9 of 4 creations, 4 marks and 1 batch", got, want)
	}
	if last := told[len(told)-1]; last.Steps != len(p.Steps) || last.Step != last.Steps && last.Step != last.Steps+1 {
		t.Errorf("the last progress is %+v, want step %d", last, len(p.Steps))
	}
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	if len(lines) != 9 {
		t.Errorf("%d log lines, want one for each of 9 writes:\n%s", len(lines), log.String())
	}
	for _, text := range lines {
		var line LogLine
		if err := json.Unmarshal([]byte(text), &line); err != nil || line.Plan != p.Hash || line.ID == "" ||
			line.Error != "" {
			t.Errorf("log line %s: %v", text, err)
		}
	}
	keys, records := e.objects(t, w)
	if diff := cmp.Diff([]string{"team/app1/eu-central-1", "team/app1/eu-west-1", "team/app2/eu-central-1",
		"team/app2/eu-west-1"}, keys); diff != "" {
		t.Errorf("checks: want -, got +\n%s", diff)
	}
	if len(records) != 5 || !slices.ContainsFunc(records,
		func(s zone.ResourceRecordSet) bool { return cmp.Equal(s, foreign) }) {
		t.Errorf("record sets are %+v, want four and www as it was", records)
	}

	again := e.applier(t, &wire{}, Options{})
	e.wantNothingToDo(t, again, w)
	if _, err := again.Apply(t.Context(), plan.Plan{}); err == nil {
		t.Error("a plan without a hash is applied")
	}
	calls := map[string]int{"ListHostedZones": 1, "ListHealthChecks": 1, "ListTagsForResources": 1,
		"ListResourceRecordSets": 1}
	if diff := cmp.Diff(calls, again.Calls()); diff != "" {
		t.Errorf("calls of an unchanged run: want -, got +\n%s", diff)
	}
}

// What can be changed is updated, what cannot is replaced, and what is destroyed goes; a deleted check's reference
// stays taken (r53: B.8), so that the same application comes back by the next one.
func TestChangeReplaceDestroyAndComeBack(t *testing.T) {
	t.Parallel()
	e := startEngine(t, node.Options{})
	w := want{namespace: "team", zone: e.createZone(t, "example.com"), apps: both}
	a := e.applier(t, &wire{}, Options{RollbackDir: t.TempDir()})
	kinds := func(p plan.Plan) (kinds []plan.Kind) {
		for _, s := range p.Steps {
			kinds = append(kinds, s.Kind)
		}
		return slices.Compact(kinds)
	}
	e.mustReach(t, a, w, plan.Guard{})

	w.threshold = 2
	p, _ := e.mustReach(t, a, w, plan.Guard{})
	if diff := cmp.Diff([]plan.Kind{plan.UpdateCheck}, kinds(p)); diff != "" {
		t.Errorf("another number of failures: want -, got +\n%s", diff)
	}
	for _, change := range []func(){func() { w.path = "/other" }, func() { w.interval = 2 }} {
		change()
		p, _ = e.mustReach(t, a, w, plan.Guard{})
		if diff := cmp.Diff([]plan.Kind{plan.CreateCheck, plan.WaitVerdicts, plan.ChangeRecords, plan.DeleteCheck},
			kinds(p)); diff != "" {
			t.Errorf("another check: want -, got +\n%s", diff)
		}
	}

	gone := w
	gone.apps = nil
	_, result, err := e.reach(t.Context(), t, a, gone, plan.Guard{})
	if err != nil {
		t.Fatal(err)
	}
	if keys, records := e.objects(t, w); keys != nil || records != nil {
		t.Errorf("after the destruction there are %v and %v", keys, records)
	}

	// The rollback of the destruction brings everything back.
	if len(result.Rollbacks) != 1 {
		t.Fatalf("rollbacks %v, want one", result.Rollbacks)
	}
	data, err := os.ReadFile(result.Rollbacks[0])
	if err != nil {
		t.Fatal(err)
	}
	undo, err := plan.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Apply(t.Context(), undo); err != nil {
		t.Fatal(err)
	}
	e.wantNothingToDo(t, a, w)

	before := a.Calls()["CreateHealthCheck"]
	if _, _, err := e.reach(t.Context(), t, a, gone, plan.Guard{}); err != nil {
		t.Fatal(err)
	}
	_, result = e.mustReach(t, a, w, plan.Guard{})
	if made := a.Calls()["CreateHealthCheck"] - before; len(result.Created) != 4 || made <= 4 {
		t.Errorf("%d checks by %d calls, want four, with references of deleted checks passed over", len(result.Created), made)
	}
}

// What somebody changed between the plan and its execution stops it, and that step has written nothing.
func TestWhatChangedSinceThePlanIsNotOverwritten(t *testing.T) {
	t.Parallel()
	e := startEngine(t, node.Options{})
	w := want{namespace: "team", zone: e.createZone(t, "example.com"), apps: both}
	a := e.applier(t, &wire{}, Options{})
	wantChanged := func(what string, err error) {
		t.Helper()
		var changed *Changed
		if !errors.As(err, &changed) {
			t.Errorf("%s: %v, want *Changed", what, err)
		}
	}

	p, err := e.plan(t.Context(), t, a, w, plan.Guard{})
	if err != nil {
		t.Fatal(err)
	}
	_, result, err := e.reach(t.Context(), t, a, w, plan.Guard{}) // another run was faster
	if err != nil {
		t.Fatal(err)
	}
	_, err = a.Apply(t.Context(), p)
	wantChanged("created by another", err)
	if keys, _ := e.objects(t, w); len(keys) != 4 {
		t.Errorf("checks %v, want the four of the first run", keys)
	}

	w.interval = 2
	p, err = e.plan(t.Context(), t, a, w, plan.Guard{})
	if err != nil {
		t.Fatal(err)
	}
	_, records := e.objects(t, w)
	records[0].ResourceRecords = []string{"127.0.0.9"}
	e.put(t, w.zone, records[0])
	before := a.Calls()["ChangeResourceRecordSets"]
	_, err = a.Apply(t.Context(), p)
	wantChanged("record set changed by hand", err)
	if a.Calls()["ChangeResourceRecordSets"] != before {
		t.Error("the batch was sent all the same")
	}
	if _, now := e.objects(t, w); !cmp.Equal(now, records) {
		t.Errorf("record sets: want -, got +\n%s", cmp.Diff(records, now))
	}

	w.interval, w.threshold = 1, 2
	if p, err = e.plan(t.Context(), t, a, w, plan.Guard{}); err != nil {
		t.Fatal(err)
	}
	id := result.Created["team/app1/eu-central-1"]
	if _, err := e.client(t, &wire{}).UpdateHealthCheck(t.Context(),
		&route53.UpdateHealthCheckInput{HealthCheckId: &id, FailureThreshold: new(int32(7))}); err != nil {
		t.Fatal(err)
	}
	_, err = a.Apply(t.Context(), p)
	wantChanged("check changed by hand", err)
}

// A check that fails everywhere, as one with a wrong path does, is not attached, and what was there stays; forced, it
// is.
func TestUnhealthyChecksAreNotAttached(t *testing.T) {
	t.Parallel()
	e := startEngine(t, node.Options{})
	w := want{namespace: "team", zone: e.createZone(t, "example.com"), apps: both, path: "/broken"}
	a := e.applier(t, &wire{}, Options{VerdictTimeout: 100 * time.Millisecond})
	_, _, err := e.reach(t.Context(), t, a, w, plan.Guard{})
	var refused *VerdictError
	if !errors.As(err, &refused) {
		t.Fatalf("%v, want *VerdictError", err)
	}
	if diff := cmp.Diff([]string{"team/app1", "team/app2"}, refused.Policies); diff != "" {
		t.Errorf("policies: want -, got +\n%s", diff)
	}
	if _, records := e.objects(t, w); records != nil {
		t.Errorf("record sets %v, want none", records)
	}
	forced := e.applier(t, &wire{}, Options{Force: true})
	e.mustReach(t, forced, w, plan.Guard{})
	if keys, records := e.objects(t, w); len(keys) != 4 || len(records) != 4 {
		t.Errorf("checks %v and %d record sets, want four each", keys, len(records))
	}

	// A plan that knows the verdicts does not remove the last healthy member.
	state, err := a.Read(t.Context(), []zone.HostedZone{w.zone})
	if err != nil {
		t.Fatal(err)
	}
	w.interval = 2
	p, err := e.plan(t.Context(), t, a, w, plan.Guard{})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Judge(t.Context(), &state, p); err != nil {
		t.Fatal(err)
	}
	for _, c := range state.Checks {
		if c.Healthy == nil || *c.Healthy {
			t.Errorf("check %s is judged %v, want unhealthy", c.Key, c.Healthy)
		}
	}
}

// Where a name had something that answered, it goes on answering: the replacement is not made before one member is
// healthy.
func TestAdoptionKeepsARollback(t *testing.T) {
	t.Parallel()
	e := startEngine(t, node.Options{})
	w := want{namespace: "team", zone: e.createZone(t, "example.com"), apps: both}
	byHand := simple("app1.example.com", "192.0.2.1")
	e.put(t, w.zone, byHand)
	a := e.applier(t, &wire{}, Options{RollbackDir: t.TempDir()})
	var refused *plan.Refused
	if _, _, err := e.reach(t.Context(), t, a, w, plan.Guard{}); !errors.As(err, &refused) {
		t.Fatalf("%v, want *plan.Refused", err)
	}
	_, result, err := e.reach(t.Context(), t, a, w, plan.Guard{Adopt: []zone.Name{byHand.Name}})
	if err != nil {
		t.Fatal(err)
	}
	e.wantNothingToDo(t, a, w)
	if len(result.Rollbacks) != 1 {
		t.Fatalf("rollbacks %v, want one", result.Rollbacks)
	}
	data, err := os.ReadFile(result.Rollbacks[0])
	if err != nil {
		t.Fatal(err)
	}
	undo, err := plan.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Apply(t.Context(), undo); err != nil {
		t.Fatal(err)
	}
	if _, records := e.objects(t, w); !cmp.Equal(records, []zone.ResourceRecordSet{byHand}) {
		t.Errorf("after the rollback: want -, got +\n%s", cmp.Diff([]zone.ResourceRecordSet{byHand}, records))
	}
}

// An engine that throttles as Route 53 does slows a run down and does not stop it. r53: C.8.
func TestThrottledEngine(t *testing.T) {
	t.Parallel()
	e := startEngine(t, node.Options{Throttle: true})
	w := want{namespace: "team", zone: e.createZone(t, "example.com"), apps: []string{"app1", "app2", "app3"}}
	var there wire
	a := e.applier(t, &there, Options{}) // not paced: it is refused and comes back
	e.mustReach(t, a, w, plan.Guard{})
	if there.refused.Load() == 0 {
		t.Error("nothing was refused: the test is too small")
	}
	if keys, _ := e.objects(t, w); len(keys) != 6 {
		t.Errorf("checks %v, want six", keys)
	}
}

// Refusals of a batch are told with their reasons, in both of the forms that they have. r53: C.5.
func TestBatchErrors(t *testing.T) {
	for _, tt := range []struct {
		name string
		err  *types.InvalidChangeBatch
		want []string
	}{
		{"a list", &types.InvalidChangeBatch{Message: new("ChangeBatch errors occurred"), Messages: []string{"one", "two"}},
			[]string{"one", "two"}},
		{"one text", &types.InvalidChangeBatch{Message: new("[one [name='a'], two]")}, []string{"one [name='a'], two"}},
		{"no brackets", &types.InvalidChangeBatch{Message: new("one")}, []string{"one"}},
	} {
		var got *BatchError
		if err := batchError("example.com.", tt.err); !errors.As(err, &got) || !slices.Equal(got.Reasons, tt.want) {
			t.Errorf("%s: %v, want reasons %q", tt.name, err, tt.want)
		}
	}
}

func TestNewRefusesWhatIsMissing(t *testing.T) {
	for _, o := range []Options{{}, {Route53: route53.New(route53.Options{})},
		{Route53: route53.New(route53.Options{}), Provider: "cloud"}} {
		if _, err := New(o); err == nil {
			t.Errorf("New(%+v) succeeds", o)
		}
	}
}
