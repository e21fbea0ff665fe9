package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/quota"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// kinds lists the steps of a plan as "kind object", and the changes of batches as "ACTION record".
func kinds(p Plan) []string {
	var list []string
	for _, s := range p.Steps {
		switch {
		case s.Check != nil:
			list = append(list, fmt.Sprint(s.Kind, " ", s.Check.Key))
		case s.Wait != nil:
			list = append(list, fmt.Sprint(s.Kind, " ", strings.Join(s.Wait.Checks, " ")))
		default:
			list = append(list, string(s.Kind))
			for _, c := range s.Batch.Changes {
				list = append(list, fmt.Sprint("  ", c.Action, " ", Describe(&c.Set)))
			}
		}
	}
	return list
}

func wantSteps(t *testing.T, p Plan, err error, want ...string) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, kinds(p)); diff != "" {
		t.Errorf("steps: want -, got +\n%s", diff)
	}
}

func refusals(p Plan) []string {
	var list []string
	for _, f := range p.Refusals {
		list = append(list, f.String())
	}
	return list
}

func reports(p Plan) []string {
	var list []string
	for _, f := range p.Reports {
		list = append(list, f.String())
	}
	return list
}

func app1() State { return latency("team/app1", "app1.example.com", "eu-west-1", "eu-central-1") }
func app2() State { return latency("team/app2", "app2.example.com", "eu-west-1", "eu-central-1") }

func TestChecksComeBeforeTheRecordsThatNeedThem(t *testing.T) {
	w := newWorld(exampleZone())
	p, err := Diff(w.state(), app1(), Guard{})
	wantSteps(t, p, err,
		"create-check team/app1/eu-central-1",
		"create-check team/app1/eu-west-1",
		"wait team/app1/eu-central-1 team/app1/eu-west-1",
		"change-records",
		"  CREATE app1.example.com. A eu-central-1",
		"  CREATE app1.example.com. A eu-west-1")
	if p.Steps[2].Wait.Healthy != nil {
		t.Errorf("a new name waits for health: %+v", p.Steps[2].Wait.Healthy)
	}
}

func TestRegionIsRemovedLastChecksLast(t *testing.T) {
	w := build(t, app1())
	p, err := Diff(w.state(), latency("team/app1", "app1.example.com", "eu-west-1"), Guard{})
	wantSteps(t, p, err,
		"change-records",
		"  DELETE app1.example.com. A eu-central-1",
		"delete-check team/app1/eu-central-1")
}

// What decides which endpoint is asked, how, by whom, and which answer is healthy is another check; only the number of
// failures in a row is changed on the check that is there.
func TestChangedCheckIsANewGeneration(t *testing.T) {
	for _, c := range []struct {
		name    string
		change  func(*health.Config)
		replace string // the reason, empty for an update in place
	}{
		{"threshold", func(c *health.Config) { c.FailureThreshold = new(1) }, ""},
		{"path", func(c *health.Config) { c.ResourcePath = "/other" }, "ResourcePath /health → /other"},
		{"no path", func(c *health.Config) { c.ResourcePath = "" }, "ResourcePath /health → none"},
		{"name", func(c *health.Config) { c.FullyQualifiedDomainName = "other.example.com" },
			"FullyQualifiedDomainName demoalb.eu-central-1.elb.amazonaws.com → other.example.com"},
		{"port", func(c *health.Config) { c.Port = new(8080) }, "Port 80 → 8080"},
		{"inverted", func(c *health.Config) { c.Inverted = new(true) }, "Inverted false → true"},
		{"checker Regions", func(c *health.Config) { c.Regions = health.CheckerRegions()[:3] },
			"Regions none → " + strings.Join(sorted(health.CheckerRegions()[:3]), " ")},
		{"type", func(c *health.Config) { c.Type = health.HTTPS }, "Port 80 → 443, Type HTTP → HTTPS, EnableSNI false → " +
			"true"},
		{"search", func(c *health.Config) { c.Type, c.SearchString = health.HTTPStrMatch, "ok" },
			"Type HTTP → HTTP_STR_MATCH, SearchString none → ok"},
		{"interval", func(c *health.Config) { c.RequestInterval = new(10) }, "RequestInterval 30 → 10"},
		{"latency", func(c *health.Config) { c.MeasureLatency = new(true) }, "MeasureLatency false → true"},
		{"address", func(c *health.Config) { c.IPAddress = "52.95.110.1" }, "IPAddress none → 52.95.110.1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := build(t, app1())
			old := w.check(t, "team/app1/eu-central-1")
			desired := app1()
			c.change(&desired.Checks[1].Config)
			p, err := Diff(w.state(), desired, Guard{})
			if c.replace == "" {
				wantSteps(t, p, err, "update-check team/app1/eu-central-1")
			} else {
				wantSteps(t, p, err,
					"create-check team/app1/eu-central-1",
					"wait team/app1/eu-central-1",
					"change-records",
					"  UPSERT app1.example.com. A eu-central-1",
					"delete-check team/app1/eu-central-1")
				want := fmt.Sprintf("replaces %s: %s", old, c.replace)
				if got := p.Steps[0].Check.Why; got != want {
					t.Errorf("why %q, want %q", got, want)
				}
				if got, want := p.Steps[0].Check.CallerReference, "bulkhead/team/app1/eu-central-1/2"; got != want {
					t.Errorf("reference %q, want %q: that of the old one is taken (r53: B.8)", got, want)
				}
				if diff := cmp.Diff([]Replacement{{"team/app1/eu-central-1", old}}, p.Steps[1].Wait.Replaces); diff != "" {
					t.Errorf("what has to be healthy before it replaces: want -, got +\n%s", diff)
				}
			}
			w.execute(t, p, -1)
			inState(t, w, desired)
		})
	}
}

func TestRecordIsReplacedWhereItsGroupIsConcerned(t *testing.T) {
	weighted := func(ttl int64, weights ...int64) State {
		s := app1()
		for i := range s.Records {
			set := &s.Records[i].Set
			set.Region, set.AliasTarget = "", nil
			set.Weight, set.TTL, set.ResourceRecords = &weights[i], &ttl, []string{"192.0.2.1"}
		}
		return s
	}
	swapped := app1()
	swapped.Records[0].Set.Region, swapped.Records[1].Set.Region = swapped.Records[1].Set.Region,
		swapped.Records[0].Set.Region
	target := app1()
	target.Records[0].Set.AliasTarget = &zone.AliasTarget{HostedZoneID: "ZLB", DNSName: "new.example.net."}
	const west, central = "app1.example.com. A eu-west-1", "app1.example.com. A eu-central-1"
	replacedBoth := []string{"  DELETE " + central, "  DELETE " + west, "  CREATE " + central, "  CREATE " + west}
	for _, c := range []struct {
		name     string
		from, to State
		want     []string
	}{
		{"target", app1(), target, []string{"  UPSERT " + west}},
		{"weight", weighted(60, 1, 2), weighted(60, 1, 3), []string{"  UPSERT " + central}},
		{"policy", app1(), weighted(60, 1, 2), replacedBoth},
		{"Regions change places", app1(), swapped, replacedBoth},
		{"TTL that weighted members share", weighted(60, 1, 2), weighted(30, 1, 2), replacedBoth},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := build(t, c.from)
			p, err := Diff(w.state(), c.to, Guard{})
			wantSteps(t, p, err, append([]string{"change-records"}, c.want...)...)
		})
	}
}

// What was read back in another order or spelling is not a difference.
func TestSpellingIsNoDifference(t *testing.T) {
	desired := app1()
	for i := range desired.Records {
		set := &desired.Records[i].Set
		set.Region, set.AliasTarget, set.Type = "", nil, zone.AAAA
		set.MultiValueAnswer, set.TTL = true, new(int64(60))
		set.ResourceRecords = []string{"2001:db8::1", "2001:db8::2"}
		desired.Checks[i].Config.Regions = []string{"us-east-1", "us-west-1", "us-west-2"}
	}
	w := build(t, desired)
	for i := range desired.Records {
		desired.Records[i].Set.ResourceRecords = []string{"2001:DB8:0::2", "2001:db8:0:0::1"}
		desired.Checks[i].Config.Regions = []string{"us-west-2", "us-east-1", "us-west-1"}
		desired.Checks[i].Config.Port = new(80)
	}
	p, err := Diff(w.state(), desired, Guard{})
	wantSteps(t, p, err)
}

// A run that ended between the creation of a check and its tags left one that has our reference only.
func TestUnmarkedCheckIsMarkedAndUsed(t *testing.T) {
	w := newWorld(exampleZone())
	first, err := Diff(w.state(), app1(), Guard{})
	if err != nil {
		t.Fatal(err)
	}
	w.execute(t, first, 1)
	p, err := Diff(w.state(), app1(), Guard{})
	wantSteps(t, p, err,
		"create-check team/app1/eu-west-1",
		"tag-check team/app1/eu-central-1",
		"wait team/app1/eu-central-1 team/app1/eu-west-1",
		"change-records",
		"  CREATE app1.example.com. A eu-central-1",
		"  CREATE app1.example.com. A eu-west-1")
}

// Removing the tags of a check in use takes it away from us.
func TestDisownedCheckIsNotOurs(t *testing.T) {
	w := build(t, app1())
	id := w.check(t, "team/app1/eu-west-1")
	w.checks[id].Tags, w.checks[id].Key = nil, ""
	p, err := Diff(w.state(), app1(), Guard{})
	want := []string{"app1.example.com. A eu-west-1: is in the way (alias demoalb.eu-west-1.elb.amazonaws.com.): it is " +
		"held by health check " + id + ", which Bulkhead did not make. Adopt the name to replace it"}
	if diff := cmp.Diff(want, refusals(p)); err == nil || diff != "" {
		t.Errorf("%v: want -, got +\n%s", err, diff)
	}
}

func TestLongKeysHaveReferencesToo(t *testing.T) {
	policy := "team/" + strings.Repeat("a", 70)
	desired := latency(policy, "app1.example.com", "eu-west-1")
	reference := CallerReference(policy+"/eu-west-1", 12)
	if len(reference) > 64 {
		t.Fatalf("%q has %d characters, at most 64 are allowed (r53: B.8)", reference, len(reference))
	}
	w := newWorld(exampleZone())
	first, err := Diff(w.state(), desired, Guard{})
	if err != nil {
		t.Fatal(err)
	}
	w.execute(t, first, 1)
	p, err := Diff(w.state(), desired, Guard{})
	wantSteps(t, p, err, "tag-check "+policy+"/eu-west-1", "wait "+policy+"/eu-west-1", "change-records",
		"  CREATE app1.example.com. A eu-west-1")
}

func TestDeletedReferenceIsNotTheEnd(t *testing.T) {
	w := build(t, app1())
	p, err := Destroy(w.state(), []string{"team/app1"}, Guard{})
	if err != nil {
		t.Fatal(err)
	}
	w.execute(t, p, -1)
	w.reach(t, app1(), Guard{})
	inState(t, w, app1())
}

// A cluster looks after its own Region and leaves those of others alone.
func TestRegionsLimitThePlan(t *testing.T) {
	w := newWorld(exampleZone())
	guard := Guard{Regions: []string{"eu-west-1"}}
	p := w.reach(t, latency("team/app1", "app1.example.com", "eu-west-1"), guard)
	wantSteps(t, p, nil, "create-check team/app1/eu-west-1", "wait team/app1/eu-west-1", "change-records",
		"  CREATE app1.example.com. A eu-west-1")
	p = w.reach(t, app1(), Guard{Regions: []string{"eu-central-1"}})
	wantSteps(t, p, nil, "create-check team/app1/eu-central-1", "wait team/app1/eu-central-1", "change-records",
		"  CREATE app1.example.com. A eu-central-1")
	p, err := Diff(w.state(), latency("team/app1", "app1.example.com", "eu-west-1"), guard)
	wantSteps(t, p, err)
	p, err = Destroy(w.state(), []string{"team/app1"}, guard)
	wantSteps(t, p, err, "change-records", "  DELETE app1.example.com. A eu-west-1", "delete-check team/app1/eu-west-1")
}

func TestPoliciesThatAreNotMentionedStay(t *testing.T) {
	w := build(t, both(app1(), app2()))
	p, err := Diff(w.state(), app1(), Guard{})
	wantSteps(t, p, err)
	want := []string{"not among the policies of this plan and left as they are, until they are destroyed by name: " +
		"team/app2"}
	if diff := cmp.Diff(want, reports(p)); diff != "" {
		t.Errorf("reports: want -, got +\n%s", diff)
	}
	p, err = Diff(w.state(), State{}, Guard{Force: true})
	wantSteps(t, p, err)
	if len(p.Reports) != 1 {
		t.Errorf("an empty desired state: %v", reports(p))
	}
}

func TestDestroyRemovesNamedPoliciesOnly(t *testing.T) {
	w := build(t, both(app1(), app2()))
	p, err := Destroy(w.state(), []string{"team/app2", "team/gone"}, Guard{})
	wantSteps(t, p, err, "change-records",
		"  DELETE app2.example.com. A eu-central-1", "  DELETE app2.example.com. A eu-west-1",
		"delete-check team/app2/eu-central-1", "delete-check team/app2/eu-west-1")
	if got := reports(p); !slices.Contains(got, "has no health checks here: nothing to destroy") {
		t.Errorf("reports: %v", got)
	}
	w.execute(t, p, -1)
	inState(t, w, app1())
}

// Two policies of one plan may hand a name over; both sides are known then.
func TestNameMovesBetweenPoliciesOfOnePlan(t *testing.T) {
	w := build(t, both(app1(), app2()))
	moved := latency("team/app2", "app1.example.com", "eu-west-1")
	moved.Records = append(moved.Records, app2().Records...)
	moved.Checks = app2().Checks
	stays := app1()
	for i := range stays.Records {
		stays.Records[i].Set.Name = "app1-old.example.com."
	}
	p, err := Diff(w.state(), both(stays, moved), Guard{})
	wantSteps(t, p, err,
		// their new names
		"tag-check team/app1/eu-central-1", "tag-check team/app1/eu-west-1", "tag-check team/app2/eu-west-1",
		"wait team/app1/eu-central-1 team/app1/eu-west-1 team/app2/eu-west-1", // nobody said what their verdicts are
		"change-records",
		"  DELETE app1.example.com. A eu-central-1",
		"  CREATE app1-old.example.com. A eu-central-1",
		"  CREATE app1-old.example.com. A eu-west-1",
		"  UPSERT app1.example.com. A eu-west-1")
	if len(p.Reports) != 2 || p.Reports[0].Text != "moves here from team/app1" {
		t.Errorf("reports: %v", reports(p))
	}
}

// Two runs at the same time may leave two checks of one key: the one in use is kept.
func TestOneCheckOfAKeyIsKept(t *testing.T) {
	w := build(t, app1())
	used := w.check(t, "team/app1/eu-west-1")
	twin := *w.checks[used]
	twin.ID, twin.CallerReference = "00000000-0000-4000-8000-000000000000", CallerReference(twin.Key, 9)
	w.checks[twin.ID] = &twin
	p, err := Diff(w.state(), app1(), Guard{})
	wantSteps(t, p, err, "delete-check team/app1/eu-west-1")
	if got := p.Steps[0].Check.ID; got != twin.ID {
		t.Errorf("deletes %s, but %s is in use", got, used)
	}
	replaced := app1()
	replaced.Checks[0].Config.RequestInterval = new(10)
	if p, err = Diff(w.state(), replaced, Guard{}); err != nil {
		t.Fatal(err)
	}
	if got, want := p.Steps[0].Check.CallerReference, CallerReference(twin.Key, 10); got != want {
		t.Errorf("creates by %s, want %s: 9 is taken", got, want)
	}
}

// A check that was changed into what Bulkhead does not make is replaced.
func TestCheckOfAnotherServiceIsReplaced(t *testing.T) {
	w := build(t, app1())
	w.checks[w.check(t, "team/app1/eu-west-1")].Config = health.Config{Type: "CLOUDWATCH_METRIC"}
	p, err := Diff(w.state(), app1(), Guard{})
	wantSteps(t, p, err, "create-check team/app1/eu-west-1", "wait team/app1/eu-west-1", "change-records",
		"  UPSERT app1.example.com. A eu-west-1", "delete-check team/app1/eu-west-1")
}

// What has a reference like ours but belongs to no key that can be told is left alone.
func TestUnknownReferencesAreLeftAlone(t *testing.T) {
	w := build(t, app1())
	long := "team/" + strings.Repeat("a", 70) + "/eu-west-1"
	for i, reference := range []string{CallerReference(long, 1), "bulkhead/", "bulkhead/team/app1/eu-west-1/x",
		"bulkhead/team/app1/eu-west-1/0"} {
		id := fmt.Sprint("stranger", i)
		w.checks[id] = &Check{ID: id, CallerReference: reference, Config: httpCheck("www.example.com", "/")}
	}
	p, err := Diff(w.state(), app1(), Guard{})
	wantSteps(t, p, err)
}

// A check stays while a calculated check of somebody else counts it.
func TestCheckThatIsCountedElsewhereStays(t *testing.T) {
	w := build(t, app1())
	id := w.check(t, "team/app1/eu-central-1")
	sum := health.Config{Type: health.Calculated, HealthThreshold: new(1), ChildHealthChecks: []string{id}}
	w.checks["sum"] = &Check{ID: "sum", Config: sum}
	desired := latency("team/app1", "app1.example.com", "eu-west-1")
	p, err := Diff(w.state(), desired, Guard{})
	wantSteps(t, p, err, "change-records", "  DELETE app1.example.com. A eu-central-1")
	w.execute(t, p, -1)
	p, err = Diff(w.state(), desired, Guard{})
	wantSteps(t, p, err)
	want := []string{"team/app1/eu-central-1: health check " + id + " is no longer wanted but stays: calculated check " +
		"sum counts it"}
	if diff := cmp.Diff(want, reports(p)); diff != "" {
		t.Errorf("reports: want -, got +\n%s", diff)
	}
}

// r53: C.6: 1,000 records and 32,000 characters, UPSERT counts twice; changes of one name stay together.
func TestBatchesAreAsFewAsTheLimitsAllow(t *testing.T) {
	apps := func(n int, target zone.Name) State {
		var states []State
		for i := range n {
			s := latency(fmt.Sprintf("team/app%d", i), fmt.Sprintf("app%d.example.com", i), "eu-west-1", "eu-central-1",
				"us-east-1")
			for j := range s.Records {
				s.Records[j].Set.AliasTarget = &zone.AliasTarget{HostedZoneID: "ZLB", DNSName: target}
			}
			states = append(states, s)
		}
		return both(states...)
	}
	guard := Guard{Force: true, Limits: &quota.Limits{}}
	w := newWorld(exampleZone())
	for _, c := range []struct {
		name    string
		desired State
		batches int
	}{
		{"1,200 creates", apps(400, "one.example.net."), 2},
		{"1,200 upserts", apps(400, "two.example.net."), 3},
	} {
		p, err := Diff(w.state(), c.desired, guard)
		if err != nil {
			t.Fatal(err)
		}
		names := make(map[zone.Name]int)
		batches := 0
		for i, s := range p.Steps {
			if s.Batch == nil {
				continue
			}
			batches++
			for _, change := range s.Batch.Changes {
				if at, seen := names[change.Set.Name]; seen && at != i {
					t.Fatalf("%s: %s is split over two batches", c.name, change.Set.Name)
				}
				names[change.Set.Name] = i
			}
		}
		if batches != c.batches {
			t.Errorf("%s: %d batches, want %d", c.name, batches, c.batches)
		}
		w.execute(t, p, -1)
		inState(t, w, c.desired)
	}
}

// An alias and its target within a zone change together, whatever lies between them.
func TestAliasChangesWithItsTarget(t *testing.T) {
	target, alias := app1(), latency("team/web", "a.example.com", "eu-west-1")
	alias.Records[0].Set.AliasTarget = &zone.AliasTarget{HostedZoneID: "ZEXAMPLE", DNSName: "app1.example.com."}
	w := newWorld(exampleZone())
	w.reach(t, both(target, alias), Guard{})
	inState(t, w, both(target, alias))
}

func TestCountsSayWhatItTakes(t *testing.T) {
	w := build(t, app1())
	desired := both(app1(), app2())
	desired.Checks[0].Config.RequestInterval = new(10)
	desired.Checks[1].Config.FailureThreshold = new(1)
	calls := Calls{CreateHealthCheck: 3, ChangeTagsForResource: 3, UpdateHealthCheck: 1, ChangeResourceRecordSets: 1,
		DeleteHealthCheck: 1}
	for _, c := range []struct {
		name  string
		guard Guard
		want  Counts
	}{
		{"AWS", Guard{}, Counts{
			Objects:      Objects{Create: 5, Change: 2, Delete: 1}, // a check is replaced, another and its record are changed
			Calls:        calls,
			ChangeTokens: 4, // one UPSERT, two CREATEs. r53: C.8
			Checks:       Usage{Before: 2, Peak: 5, After: 4, Limit: 200},
			Zones:        []ZoneUsage{{"ZEXAMPLE", "example.com.", Usage{Before: 2, Peak: 4, After: 4, Limit: 10_000}}},
			Monthly:      Cost{0, 100}, // the first 50 endpoints in AWS are free, the interval is not. r53: F
		}},
		{"engine", Guard{Engine: true}, Counts{
			Objects:      Objects{Create: 5, Change: 2, Delete: 1},
			Calls:        calls,
			ChangeTokens: 4,
			Checks:       Usage{Before: 2, Peak: 5, After: 4},
			Zones:        []ZoneUsage{{"ZEXAMPLE", "example.com.", Usage{Before: 2, Peak: 4, After: 4}}},
		}},
	} {
		p, err := Diff(w.state(), desired, c.guard)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, p.Counts); diff != "" {
			t.Errorf("%s: want -, got +\n%s", c.name, diff)
		}
		if got := p.Counts.Calls.Total(); got != 9 {
			t.Errorf("%s: %d calls, want 9", c.name, got)
		}
	}
}

// r53: F, with its worked examples.
func TestMonthlyPrices(t *testing.T) {
	full := httpCheck("demoalb.eu-west-1.elb.amazonaws.com", "/")
	full.Type, full.SearchString, full.RequestInterval = health.HTTPSStrMatch, "ok", new(10)
	outside := full
	outside.FullyQualifiedDomainName = "www.example.com"
	many := make(map[string]health.Config)
	for i := range 53 {
		many[fmt.Sprint(i)] = httpCheck("demoalb.eu-west-1.elb.amazonaws.com", "/")
	}
	for _, c := range []struct {
		name   string
		checks map[string]health.Config
		cents  int
	}{
		{"none", nil, 0},
		{"one in AWS", map[string]health.Config{"a": httpCheck("demoalb.eu-west-1.elb.amazonaws.com", "/")}, 0},
		{"53 in AWS, 50 of them free", many, 150},
		{"one elsewhere", map[string]health.Config{"a": httpCheck("www.example.com", "/")}, 75},
		{"a literal address", map[string]health.Config{"a": {Type: health.TCP, IPAddress: "52.95.110.1", Port: new(80)}}, 75},
		{"all options, in AWS", map[string]health.Config{"a": full}, 300},
		{"all options, elsewhere", map[string]health.Config{"a": outside}, 675},
		{"calculated", map[string]health.Config{"a": {Type: health.Calculated}}, 0},
	} {
		if got := MonthlyCents(maps.Values(c.checks)); got != c.cents {
			t.Errorf("%s: %s, want %s", c.name, dollars(got), dollars(c.cents))
		}
	}
}
