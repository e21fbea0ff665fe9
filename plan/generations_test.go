package plan

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkhead-dns/bulkhead/zone"
)

// withPath wants app1 with another path at one Region.
func withPath(path string) State {
	s := app1()
	s.Checks[1].Config.ResourcePath = path
	return s
}

func (w *world) say(id string, healthy bool) { w.checks[id].Healthy = &healthy }

func waitOf(p Plan) Wait {
	for _, s := range p.Steps {
		if s.Wait != nil {
			return *s.Wait
		}
	}
	return Wait{}
}

// What the checkers say of a check that no record set cites yet is waited for, however often plans are made.
func TestUncitedCheckIsNotVerified(t *testing.T) {
	w := newWorld(exampleZone())
	p, err := Diff(w.state(), app1(), Guard{})
	if err != nil {
		t.Fatal(err)
	}
	w.execute(t, p, 4) // both checks, and their verdicts do not come
	for _, c := range w.checks {
		c.Healthy = new(false)
	}
	p, err = Diff(w.state(), app1(), Guard{})
	wantSteps(t, p, err, "wait team/app1/eu-central-1 team/app1/eu-west-1", "change-records",
		"  CREATE app1.example.com. A eu-central-1", "  CREATE app1.example.com. A eu-west-1")

	// One that a record set of its Region cites has been: another family joins it while its endpoint is down.
	w.execute(t, p, -1)
	desired := app1()
	for _, r := range app1().Records {
		r.Set.Type = zone.AAAA
		desired.Records = append(desired.Records, r)
	}
	p, err = Diff(w.state(), desired, Guard{})
	wantSteps(t, p, err, "change-records", "  CREATE app1.example.com. AAAA eu-central-1",
		"  CREATE app1.example.com. AAAA eu-west-1")
}

func TestWaitingGenerationIsWatchedOrGoes(t *testing.T) {
	const key = "team/app1/eu-central-1"
	w := build(t, app1())
	old := w.check(t, key)
	w.say(old, true)
	p, err := Diff(w.state(), withPath("/typo"), Guard{})
	if err != nil {
		t.Fatal(err)
	}
	w.execute(t, p, 2) // it is made, and fails
	made := w.created[key]
	w.say(made, false)

	p, err = Diff(w.state(), withPath("/typo"), Guard{})
	wantSteps(t, p, err, "wait "+key, "change-records", "  UPSERT app1.example.com. A eu-central-1", "delete-check "+key)
	if diff := cmp.Diff(Wait{Checks: []string{key}, Replaces: []Replacement{{key, old}}}, waitOf(p)); diff != "" {
		t.Errorf("the second run waits for: want -, got +\n%s", diff)
	}
	p, err = Diff(w.state(), app1(), Guard{})
	wantSteps(t, p, err, "delete-check "+key)
	if got := p.Steps[0].Check.ID; got != made {
		t.Errorf("the policy is as it was: %s is deleted, want %s, which nobody asks for", got, made)
	}
	p, err = Diff(w.state(), withPath("/right"), Guard{})
	wantSteps(t, p, err, "create-check "+key, "wait "+key, "change-records", "  UPSERT app1.example.com. A eu-central-1",
		"delete-check "+key, "delete-check "+key)
	if got := p.Steps[0].Check.Why; !strings.HasPrefix(got, "replaces "+old) {
		t.Errorf("why %q, want what record sets cite, %s", got, old)
	}
	w.execute(t, p, -1)
	inState(t, w, withPath("/right"))
}

// What is known to be unhealthy may be replaced by what is not healthy at every checker either.
func TestUnhealthyCheckIsReplacedByAnyVerdict(t *testing.T) {
	w := build(t, app1())
	w.say(w.check(t, "team/app1/eu-central-1"), false)
	p, err := Diff(w.state(), withPath("/right"), Guard{})
	if err != nil {
		t.Fatal(err)
	}
	if got := waitOf(p); got.Replaces != nil || !slices.Contains(got.Checks, "team/app1/eu-central-1") {
		t.Errorf("waits for %+v, want a verdict, whichever it is", got)
	}
	w.say(w.check(t, "team/app1/eu-central-1"), true)
	if p, err = Diff(w.state(), withPath("/right"), Guard{Force: true}); err != nil || waitOf(p).Replaces != nil {
		t.Errorf("forced: %v, %+v", err, waitOf(p))
	}
}

func TestReplacedLoadBalancerMovesWithItsVerdict(t *testing.T) {
	w := build(t, app1())
	desired := app1()
	desired.Checks[1].Config.FullyQualifiedDomainName = "new.eu-central-1.elb.amazonaws.com"
	desired.Records[1].Set.AliasTarget = &zone.AliasTarget{HostedZoneID: "ZLB",
		DNSName: "new.eu-central-1.elb.amazonaws.com."}
	p, err := Diff(w.state(), desired, Guard{})
	wantSteps(t, p, err, "create-check team/app1/eu-central-1", "wait team/app1/eu-central-1", "change-records",
		"  UPSERT app1.example.com. A eu-central-1", "delete-check team/app1/eu-central-1")
	if got := waitOf(p).Replaces; len(got) != 1 {
		t.Errorf("has to be healthy first: %v", got)
	}

	// A check with a name of its own asks what it asked before.
	desired.Checks[1].Config.FullyQualifiedDomainName = app1().Checks[1].Config.FullyQualifiedDomainName
	p, err = Diff(w.state(), desired, Guard{})
	wantSteps(t, p, err, "change-records", "  UPSERT app1.example.com. A eu-central-1")
	want := []string{"app1.example.com. A eu-central-1: its target changes and its health check does not, so that " +
		"checkers do not verify it first: alias new.eu-central-1.elb.amazonaws.com."}
	if diff := cmp.Diff(want, reports(p)); diff != "" {
		t.Errorf("reports: want -, got +\n%s", diff)
	}
}

// Somebody, or a run that looked too early, has deleted a check that a record set of ours cites: it would be healthy
// for ever.
func TestRecordWhoseCheckIsGoneIsMended(t *testing.T) {
	w := build(t, app1())
	gone := w.check(t, "team/app1/eu-west-1")
	delete(w.checks, gone)
	p, err := Diff(w.state(), app1(), Guard{})
	wantSteps(t, p, err, "create-check team/app1/eu-west-1", "wait team/app1/eu-west-1", "change-records",
		"  UPSERT app1.example.com. A eu-west-1")
	if change := p.Steps[2].Batch.Changes[0]; change.Adopted || !change.Dangling {
		t.Errorf("%+v, want a mended record set of ours", change)
	}
	want := []string{"app1.example.com. A eu-west-1: cites health check " + gone +
		", which does not exist: it counts as healthy for ever " +
		"until this is mended"}
	if diff := cmp.Diff(want, reports(p)); diff != "" {
		t.Errorf("reports: want -, got +\n%s", diff)
	}
	w.execute(t, p, -1)
	inState(t, w, app1())
}

// What bears no SetIdentifier of ours, or stands at another name, is not mended.
func TestOthersRecordsWhoseCheckIsGoneStay(t *testing.T) {
	w := build(t, app1())
	set := simple("db.example.com", zone.A, "203.0.113.9")
	set.SetIdentifier, set.Region, set.HealthCheckID = "eu-west-1", "eu-west-1", "deleted"
	w.put(set)
	p, err := Diff(w.state(), app1(), Guard{})
	wantSteps(t, p, err)
	set.Name, set.SetIdentifier, set.Region = "app1.example.com.", "by hand", "us-east-1"
	w.put(set)
	if p, err = Diff(w.state(), withPath("/other"), Guard{}); err == nil {
		t.Errorf("not refused: %v", kinds(p))
	}
}

func TestPlansThatDeleteChecksNameTheirZones(t *testing.T) {
	w := build(t, app1())
	gone, err := Destroy(w.state(), []string{"team/app1"}, Guard{})
	if err != nil {
		t.Fatal(err)
	}
	want := []ZoneRef{{"ZEXAMPLE", "example.com."}, {"ZOTHER", "example.org."}}
	if diff := cmp.Diff(want, gone.Zones); diff != "" {
		t.Errorf("zones: want -, got +\n%s", diff)
	}
	made, err := Diff(newWorld(exampleZone(), otherZone()).state(), app1(), Guard{})
	if err != nil {
		t.Fatal(err)
	}
	back, err := made.Inverse(map[string]string{"team/app1/eu-west-1": "a", "team/app1/eu-central-1": "b"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, back.Zones); diff != "" {
		t.Errorf("zones of the plan that undoes a creation: want -, got +\n%s", diff)
	}
}

func TestFreshReferences(t *testing.T) {
	const key = "team/app1/eu-west-1"
	long := "team/" + strings.Repeat("a", 40) + "/eu-west-1" // whole with a generation, a hash with a nonce
	for _, c := range []struct{ key, reference, want string }{
		{key, CallerReference(key, 3), "bulkhead/" + key + "/3-0badc0de"},
		{key, "bulkhead/" + key + "/3-deadbeef", "bulkhead/" + key + "/3-0badc0de"},
		{long, "bulkhead/" + long + "/1", "bulkhead/" + hashed(long) + "/1-0badc0de"},
	} {
		got, err := FreshReference(c.key, c.reference, "0badc0de")
		if err != nil || got != c.want || len(got) > maxReference {
			t.Errorf("behind %s comes %s (%v), want %s", c.reference, got, err, c.want)
		}
		if key := KeyOf(got, ownershipTags(&Check{Key: c.key})); key != c.key {
			t.Errorf("%s is %q's, want %s", got, key, c.key)
		}
	}
	if _, err := FreshReference(key, "bulkhead/team/app2/eu-west-1/1", "0badc0de"); err == nil {
		t.Error("a reference of another key was accepted")
	}
}
