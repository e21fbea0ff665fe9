package plan

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/quota"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// manyApps wants so many applications in three Regions, with check paths of one's choice.
func manyApps(n int, path func(i int) string) State {
	var states []State
	for i := range n {
		s := latency(fmt.Sprintf("team/app%d", i), fmt.Sprintf("app%d.example.com", i), "eu-west-1", "eu-central-1",
			"us-east-1")
		for j := range s.Checks {
			s.Checks[j].Config.ResourcePath = path(i)
		}
		states = append(states, s)
	}
	return both(states...)
}

func wantRefusals(t *testing.T, p Plan, err error, want ...string) {
	t.Helper()
	var refused *Refused
	if len(want) == 0 != (err == nil) || err != nil && !errors.As(err, &refused) {
		t.Fatalf("error %v, want %d reasons", err, len(want))
	}
	if diff := cmp.Diff(want, refusals(p)); diff != "" {
		t.Errorf("refusals: want -, got +\n%s", diff)
	}
}

func TestRefusalNamesAllReasons(t *testing.T) {
	desired := app1()
	desired.Records[0].ZoneID, desired.Records[1].ZoneID = "ZONE", "ZTWO"
	_, err := Diff(newWorld().state(), desired, Guard{})
	const want = `plan refused: app1.example.com. A eu-central-1: is wanted in the zone "ZTWO", which does not exist; ` +
		`app1.example.com. A eu-west-1: is wanted in the zone "ZONE", which does not exist`
	if err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
}

func TestContradictionsAreRefused(t *testing.T) {
	edit := func(f func(*State)) State {
		s := app1()
		f(&s)
		return s
	}
	for _, c := range []struct {
		name    string
		desired State
		want    string
	}{
		{"key twice", edit(func(s *State) { s.Checks = append(s.Checks, s.Checks[0]) }),
			"team/app1/eu-west-1: is wanted twice: a key has one health check"},
		{"record twice", edit(func(s *State) { s.Records = append(s.Records, s.Records[0]) }),
			"app1.example.com. A eu-west-1: is wanted twice: a SetIdentifier tells members apart"},
		{"no key", edit(func(s *State) { s.Checks = append(s.Checks, Check{Config: httpCheck("a.example.com", "/")}) }),
			"a wanted health check has no key: want <namespace>/<policy>/<region>"},
		{"name of two policies", both(app1(), latency("team/other", "app1.example.com", "us-east-1")),
			"app1.example.com.: is wanted by team/other as well: a name belongs to one policy"},
		{"no such zone", edit(func(s *State) { s.Records[0].ZoneID = "ZGONE" }),
			`app1.example.com. A eu-west-1: is wanted in the zone "ZGONE", which does not exist`},
		{"another zone", edit(func(s *State) { s.Records[0].ZoneID = "ZOTHER" }),
			"app1.example.com. A eu-west-1: does not lie in the zone example.org. (ZOTHER)"},
		{"no such check", edit(func(s *State) { s.Checks = s.Checks[1:] }),
			"app1.example.com. A eu-west-1: is bound to the health check team/app1/eu-west-1, which is not wanted"},
		{"interval of an engine on AWS", edit(func(s *State) { s.Checks[0].Config.RequestInterval = new(1) }), // r53: B.2
			"team/app1/eu-west-1: the health check would not be accepted: Invalid XML ; cvc-enumeration-valid: Value '1' is " +
				"not facet-valid with respect to enumeration '[10, 30]'. It must be a value from the enumeration."},
		{"private address on AWS", edit(func(s *State) { s.Checks[0].Config.IPAddress = "10.0.0.10" }), // r53: B.5
			"team/app1/eu-west-1: the health check would not be accepted: IPv4 address 10.0.0.10 is forbidden."},
		{"Region twice in a group", edit(func(s *State) { s.Records[0].Set.Region = "eu-central-1" }), // r53: C.6
			"example.com.: Route 53 would not accept the changes: [RRSet with DNS name app1.example.com., type A, " +
				"SetIdentifier eu-west-1, and Region Name=eu-central-1 cannot be created because a latency RRSet with the same " +
				"name, type and region already exists.]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := Diff(newWorld(exampleZone(), otherZone()).state(), c.desired, Guard{})
			wantRefusals(t, p, err, c.want)
		})
	}
	engine := edit(func(s *State) {
		s.Checks[0].Config.RequestInterval = new(1)
		s.Checks[1].Config.IPAddress = "10.0.0.10"
	})
	if _, err := Diff(newWorld(exampleZone()).state(), engine, Guard{Engine: true}); err != nil {
		t.Errorf("an engine takes both: %v", err)
	}
}

func TestWhatOthersHoldIsRefusedUntilAdopted(t *testing.T) {
	member := simple("app1.example.com", zone.A, "203.0.113.9")
	member.SetIdentifier, member.Region = "us-east-1", "us-east-1"
	checked := member
	checked.HealthCheckID = "foreign"
	dangling := member
	dangling.HealthCheckID = "deleted"
	same := simple("app1.example.com", zone.A, "203.0.113.9")
	same.SetIdentifier, same.Region = "eu-west-1", "eu-west-1"
	const created1, created2 = "  CREATE app1.example.com. A eu-central-1", "  CREATE app1.example.com. A eu-west-1"
	for _, c := range []struct {
		name    string
		there   zone.ResourceRecordSet
		refusal string
		adopted []string // changes; nil when it is refused all the same
	}{
		{"simple record set", simple("app1.example.com", zone.A, "203.0.113.9"),
			"app1.example.com. A: is in the way (203.0.113.9 TTL 60): it has no health check, so Bulkhead cannot " +
				"tell that it owns the record set. Adopt the name to replace it",
			[]string{"  DELETE app1.example.com. A", created1, created2}},
		{"CNAME", simple("app1.example.com", zone.CNAME, "demoalb.example.net"),
			"app1.example.com. CNAME: is in the way (demoalb.example.net TTL 60): it has no health check, so Bulkhead cannot " +
				"tell that it owns the record set. Adopt the name to replace it",
			[]string{"  DELETE app1.example.com. CNAME", created1, created2}},
		{"member of a group that we join", checked,
			"app1.example.com. A us-east-1: is in the way (203.0.113.9 TTL 60): it is held by health check foreign, which " +
				"Bulkhead did not make. Adopt the name to replace it",
			[]string{"  DELETE app1.example.com. A us-east-1", created1, created2}},
		{"member with a check that is gone", dangling,
			"app1.example.com. A us-east-1: is in the way (203.0.113.9 TTL 60): it is held by health check deleted, which " +
				"does not exist. Adopt the name to replace it",
			[]string{"  DELETE app1.example.com. A us-east-1", created1, created2}},
		{"the very identity", same,
			"app1.example.com. A eu-west-1: is in the way (203.0.113.9 TTL 60): it has no health check, so Bulkhead cannot " +
				"tell that it owns the record set. Adopt the name to replace it",
			[]string{created1, "  UPSERT app1.example.com. A eu-west-1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(exampleZone())
			w.checks["foreign"] = &Check{ID: "foreign", Config: httpCheck("www.example.com", "/")}
			w.put(c.there)
			before := w.state()
			p, err := Diff(w.state(), app1(), Guard{})
			wantRefusals(t, p, err, c.refusal)

			p, err = Diff(w.state(), app1(), Guard{Adopt: []zone.Name{"app1.example.com."}})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.adopted, kinds(p)[4:]); diff != "" {
				t.Errorf("changes: want -, got +\n%s", diff)
			}
			if healthy := p.Steps[2].Wait.Healthy; len(healthy) != 1 || len(healthy[0].Checks) != 2 {
				t.Errorf("what answers now gives way to checks of which %v has to be healthy", healthy)
			}
			w.execute(t, p, -1)
			inState(t, w, app1())
			back, err := p.Inverse(w.created)
			if err != nil {
				t.Fatal(err)
			}
			w.execute(t, back, -1)
			if c.there.HealthCheckID == "deleted" { // Route 53 would not take that again. r53: A.10
				before.Records[0].Set.HealthCheckID = ""
			}
			if diff := cmp.Diff(before.Records, w.state().Records); diff != "" {
				t.Errorf("after the way back: want -, got +\n%s", diff)
			}
		})
	}
}

func TestWhatCannotBeAdopted(t *testing.T) {
	adopt := Guard{Adopt: []zone.Name{"app1.example.com."}}
	w := build(t, latency("team/other", "app1.example.com", "us-east-1"))
	p, err := Diff(w.state(), app1(), adopt)
	wantRefusals(t, p, err, "app1.example.com. A us-east-1: is in the way (alias demoalb.us-east-1.elb.amazonaws.com.): "+
		"it is held by team/other, which is not part of this plan: a name belongs to one policy")

	w = newWorld(exampleZone())
	w.put(simple("app1.example.com", zone.TXT, `"by hand"`))
	desired := app1()
	for i := range desired.Records {
		set := &desired.Records[i].Set
		set.Type, set.AliasTarget, set.TTL, set.ResourceRecords = zone.CNAME, nil, new(int64(60)),
			[]string{"demoalb.example.net"}
	}
	p, err = Diff(w.state(), desired, adopt)
	if len(p.Refusals) == 0 {
		t.Fatalf("no refusal: %v", err)
	}
	want := `app1.example.com. TXT: is in the way ("by hand" TTL 60): it is not Bulkhead's, and nothing may stand ` +
		`beside a CNAME. ` +
		"Remove it by hand, or use addresses or an alias"
	if got := refusals(p)[len(p.Refusals)-1]; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

func TestAddressesBesideArePointedOut(t *testing.T) {
	w := newWorld(exampleZone())
	w.put(simple("app1.example.com", zone.AAAA, "2001:db8::1"), simple("app1.example.com", zone.TXT, `"by hand"`))
	p, err := Diff(w.state(), app1(), Guard{})
	wantRefusals(t, p, err)
	want := []string{"app1.example.com. AAAA: is not Bulkhead's and stays: clients that ask for AAAA do not fail over"}
	if diff := cmp.Diff(want, reports(p)); diff != "" {
		t.Errorf("reports: want -, got +\n%s", diff)
	}
}

// A member without a check bears no mark: it is left alone when it is as wanted, and stays behind unless adopted.
func TestMembersWithoutACheck(t *testing.T) {
	desired := app1()
	desired.Checks = desired.Checks[:1]
	for i, role := range []zone.Failover{zone.Primary, zone.Secondary} {
		desired.Records[i].Set.Region, desired.Records[i].Set.Failover = "", role
	}
	desired.Records[1].CheckKey = ""
	w := build(t, desired)
	p, err := Diff(w.state(), desired, Guard{})
	wantSteps(t, p, err)
	p, err = Destroy(w.state(), []string{"team/app1"}, Guard{})
	wantSteps(t, p, err, "change-records", "  DELETE app1.example.com. A eu-west-1", "delete-check team/app1/eu-west-1")
	want := []string{"app1.example.com. A eu-central-1: is not known to be Bulkhead's and stays: adopt the name to " +
		"remove it too"}
	if diff := cmp.Diff(want, reports(p)); diff != "" {
		t.Errorf("reports: want -, got +\n%s", diff)
	}
	p, err = Destroy(w.state(), []string{"team/app1"}, Guard{Adopt: []zone.Name{"app1.example.com."}})
	wantRefusals(t, p, err)
	w.execute(t, p, -1)
	if left := w.records["ZEXAMPLE"].Len(); left != 0 {
		t.Errorf("%d record sets are left", left)
	}
}

func TestBlastLimit(t *testing.T) {
	const advice = " that Bulkhead owns, more than 30 %%: change fewer at a time, or force it"
	const record, check = "changes or deletes %d of the %d record sets" + advice,
		"changes or deletes %d of the %d health checks" + advice
	first := func(n int) func(int) string {
		return func(i int) string {
			if i < n {
				return "/new"
			}
			return "/health"
		}
	}
	moved := func(total, n int) State {
		s := manyApps(total, first(0))
		for i := range s.Records[:n] {
			s.Records[i].Set.AliasTarget = &zone.AliasTarget{HostedZoneID: "ZLB", DNSName: "elsewhere.example.net."}
		}
		return s
	}
	for _, c := range []struct {
		name    string
		apps    int
		desired State
		force   bool
		want    []string
	}{
		{"9 of 30 record sets", 10, moved(10, 9), false, nil},
		{"10 of 30 record sets", 10, moved(10, 10), false, []string{fmt.Sprintf(record, 10, 30)}},
		{"10 of 30 record sets, forced", 10, moved(10, 10), true, nil},
		{"all of 9", 3, moved(3, 9), false, nil},
		{"all of 12", 4, moved(4, 12), false, []string{fmt.Sprintf(record, 12, 12)}},
		{"9 of 30 checks", 10, manyApps(10, first(3)), false, nil},
		{"12 of 30 checks", 10, manyApps(10, first(4)), false,
			[]string{fmt.Sprintf(check, 12, 30), fmt.Sprintf(record, 12, 30)}},
		{"twice as many new ones", 5, manyApps(15, first(0)), false, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := build(t, manyApps(c.apps, first(0)))
			p, err := Diff(w.state(), c.desired, Guard{Force: c.force})
			wantRefusals(t, p, err, c.want...)
			if p, err = Diff(w.state(), c.desired, Guard{Many: true}); err != nil {
				t.Fatal(err)
			}
			for _, s := range p.Steps { // what is allowed to be many is verified all the same
				if s.Wait != nil && len(s.Wait.Replaces) != len(s.Wait.Checks) && c.apps == 10 {
					t.Errorf("%d checks are waited for, and %d have to be healthy", len(s.Wait.Checks), len(s.Wait.Replaces))
				}
			}
		})
	}
	w := build(t, manyApps(5, first(0)))
	p, err := Destroy(w.state(), []string{"team/app0", "team/app1", "team/app2", "team/app3"}, Guard{})
	wantRefusals(t, p, err) // asked for by name
}

func TestNamesKeepAnAnswer(t *testing.T) {
	renamed := latency("team/app1", "new.example.com", "eu-west-1", "eu-central-1")
	ofType := func(types ...zone.RRType) State {
		s := State{Zones: []zone.HostedZone{exampleZone()}, Checks: app1().Checks}
		for _, t := range types {
			for _, r := range app1().Records {
				r.Set.Type = t
				if t == zone.CNAME || t == zone.TXT {
					r.Set.AliasTarget, r.Set.TTL, r.Set.ResourceRecords = nil, new(int64(60)), []string{`"x"`}
				}
				s.Records = append(s.Records, r)
			}
		}
		return s
	}
	const unanswered = "would be left without an answer: serve it by another policy first, or destroy this one"
	for _, c := range []struct {
		name     string
		from, to State
		want     []string
	}{
		{"new name", app1(), renamed, []string{"app1.example.com. A: " + formerName}},
		{"A gives way to AAAA", ofType(zone.A), ofType(zone.AAAA), []string{"app1.example.com. A: " + unanswered}},
		{"IPv6 given up", ofType(zone.A, zone.AAAA), ofType(zone.A), nil},
		{"IPv4 given up", ofType(zone.A, zone.AAAA), ofType(zone.AAAA), []string{"app1.example.com. A: " + unanswered}},
		{"CNAME to alias", ofType(zone.CNAME), ofType(zone.A), nil},
		{"alias to CNAME", ofType(zone.A), ofType(zone.CNAME), nil},
		{"TXT given up", ofType(zone.A, zone.TXT), ofType(zone.A), []string{"app1.example.com. TXT: " + unanswered}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := build(t, c.from)
			p, err := Diff(w.state(), c.to, Guard{Force: true})
			wantRefusals(t, p, err, c.want...)
		})
	}
}

const formerName = "would be left without an answer, because its policy has another hostname now: give this policy " +
	"its former hostname back and make another one for the new hostname, or first serve the former one by another policy"

// A hostname that is changed in place is not left by one Region after the other, until the last one cannot. So it can
// be changed back, and another policy may take the former name in between.
func TestFormerHostnameIsLeftByNoRegion(t *testing.T) {
	w := build(t, app1())
	renamed := latency("team/app1", "new.example.com", "eu-west-1", "eu-central-1")
	for _, region := range []string{westRegion, centralRegion} {
		p, err := Diff(w.state(), renamed, here(region))
		wantRefusals(t, p, err, "app1.example.com. A: "+formerName)
		p, err = Diff(w.state(), app1(), here(region))
		wantSteps(t, p, err)
	}
	w.reach(t, latency("team/next", "app1.example.com", westRegion), here(westRegion, "team/app1", "team/next"))
	w.reach(t, renamed, here(westRegion))
	records := w.records["ZEXAMPLE"]
	if former, now := records.Group("app1.example.com.", zone.A),
		records.Group("new.example.com.", zone.A); len(former) != 2 || len(now) != 1 {
		t.Errorf("%d record sets have the former name, and %d the new one", len(former), len(now))
	}
}

func TestLastHealthyMemberStays(t *testing.T) {
	replaced := func() State { // both checks by new ones
		s := app1()
		for i := range s.Checks {
			s.Checks[i].Config.RequestInterval = new(10)
		}
		return s
	}
	west := latency("team/app1", "app1.example.com", "eu-west-1")
	otherRegion := latency("team/app1", "app1.example.com", "eu-west-1", "us-east-1")
	const refusal = "app1.example.com. A: would lose its last healthy member, what remains is unhealthy: eu-west-1. " +
		"Wait until that has changed, or force it"
	up, down := new(true), new(false)
	for _, c := range []struct {
		name          string
		west, central *bool
		desired       State
		force         bool
		want          []string
		healthy       []HealthyGroup
	}{
		{"healthy removed, unhealthy remains", down, up, west, false, []string{refusal}, nil},
		{"the same, forced", down, up, west, true, nil, nil},
		{"unhealthy removed", up, down, west, false, nil, nil},
		{"all are unhealthy already", down, down, west, false, nil, nil},
		{"nobody knows what remains", nil, up, west, false, nil, nil},
		{"nobody knows what goes", down, nil, west, false, []string{refusal}, nil},
		{"new checks take over", up, up, replaced(), false, nil, []HealthyGroup{
			{"app1.example.com.", zone.A, []string{"team/app1/eu-central-1", "team/app1/eu-west-1"}}}},
		{"new checks where all was unhealthy", down, down, replaced(), false, nil, nil},
		{"new Region beside a healthy one", up, up, otherRegion, false, nil, nil},
		{"new Region instead of the healthy one", down, up, otherRegion, false, nil,
			[]HealthyGroup{{"app1.example.com.", zone.A, []string{"team/app1/us-east-1"}}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := build(t, app1())
			w.checks[w.check(t, "team/app1/eu-west-1")].Healthy = c.west
			w.checks[w.check(t, "team/app1/eu-central-1")].Healthy = c.central
			p, err := Diff(w.state(), c.desired, Guard{Force: c.force})
			wantRefusals(t, p, err, c.want...)
			var healthy []HealthyGroup
			for _, s := range p.Steps {
				if s.Wait != nil {
					healthy = s.Wait.Healthy
				}
			}
			if diff := cmp.Diff(c.healthy, healthy); diff != "" {
				t.Errorf("has to be healthy first: want -, got +\n%s", diff)
			}
		})
	}
}

// r53: C.8.
func TestQuotasAreRefusedBeforeTheFirstCall(t *testing.T) {
	w := build(t, app1())
	replaced := app1()
	replaced.Checks[0].Config.Type = health.HTTPS
	for _, c := range []struct {
		name    string
		limits  quota.Limits
		desired State
		want    []string
	}{
		{"checks", quota.Limits{HealthChecks: 3}, both(app1(), app2()), []string{"needs 4 health checks at its height, the " +
			"account may have 3 and has 2: ask AWS for more, or delete some"}},
		{"checks while one is replaced", quota.Limits{HealthChecks: 2}, replaced,
			[]string{"needs 3 health checks at its height, the " +
				"account may have 2 and has 2: ask AWS for more, or delete some"}},
		{"record sets", quota.Limits{RecordSetsPerZone: 3}, both(app1(), app2()),
			[]string{"example.com.: would hold 4 record sets, at " +
				"most 3 are allowed and it has 2"}},
		{"over the limit already", quota.Limits{HealthChecks: 1, RecordSetsPerZone: 1},
			latency("team/app1", "app1.example.com", "eu-west-1"), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := Diff(w.state(), c.desired, Guard{Limits: &c.limits})
			wantRefusals(t, p, err, c.want...)
		})
	}
}

func TestNameTooLargeForABatch(t *testing.T) {
	desired := app1()
	values := make([]string, 400)
	for i := range values {
		values[i] = fmt.Sprintf("192.0.%d.%d", i/256, i%256)
	}
	for i := range desired.Records {
		set := &desired.Records[i].Set
		set.Region, set.AliasTarget, set.MultiValueAnswer = "", nil, true
		set.TTL, set.ResourceRecords = new(int64(60)), values
	}
	more := desired.Records[0]
	more.Set.SetIdentifier = "us-east-1"
	desired.Records = append(desired.Records, more)
	p, err := Diff(newWorld(exampleZone()).state(), desired, Guard{})
	wantRefusals(t, p, err,
		"app1.example.com.: needs 1200 records and 12540 characters changed at once, a batch takes 1000 and 32000")
}
