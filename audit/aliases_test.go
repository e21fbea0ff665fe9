package audit_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkhead-dns/bulkhead/audit"
	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// slow is a checked apex that takes minutes to fail over, and a policy that promises three.
func slow(more ...zone.ResourceRecordSet) *bed {
	const timers = ` {"type": "HTTP", "fullyQualifiedDomainName": "probe.eu-west-1.elb.amazonaws.com", ` +
		`"requestInterval": 30, "failureThreshold": 10}`
	apex := func(s zone.ResourceRecordSet) zone.ResourceRecordSet {
		s.Name = "example.com."
		return s
	}
	b := newBed(append(more, apex(latency("eu-west-1", "apex 192.0.2.1 c1")),
		apex(latency("eu-central-1", "apex 192.0.2.2 c2")))...).
		with("c1"+timers, "c2"+timers)
	b.Policies = []failover.Policy{{Metadata: failover.Metadata{Namespace: "shop", Name: "apex"},
		Spec: failover.PolicySpec{Hostname: "example.com",
			Objectives: failover.Objective{RTO: failover.Duration(3 * time.Minute)}}}}
	return b
}

// toApex is an alias of the apex, or a CNAME.
func toApex(name string, t zone.RRType) zone.ResourceRecordSet {
	s := zone.ResourceRecordSet{Name: zone.Name(name + ".example.com."), Type: t}
	if t == zone.CNAME {
		s.TTL, s.ResourceRecords = new(int64(60)), []string{"example.com"}
	} else {
		s.AliasTarget = &zone.AliasTarget{HostedZoneID: "Z1", DNSName: "example.com.", EvaluateTargetHealth: true}
	}
	return s
}

// What is promised for a name is promised for all that lead to it, and is told once.
func TestPromisesHoldForAliases(t *testing.T) {
	chain := set("shop =www -", nil)
	promisedToAlias := slow(toApex("www", zone.A))
	promisedToAlias.Policies[0].Spec.Hostname = "www.example.com"
	promisedToCaller := slow(toApex("old", zone.CNAME))
	promisedToCaller.Policies[0].Spec.Hostname = "old.example.com"
	otherZone := slow()
	otherZone.State.Zones = append(otherZone.State.Zones,
		zone.HostedZone{ID: "Z2", Name: "example.org.", NameServers: []string{"ns1.example.net"}})
	elsewhere := toApex("www", zone.CNAME)
	elsewhere.Name = "www.example.org."
	otherZone.State.Records = append(otherZone.State.Records, newBed(elsewhere).State.Records...)
	otherZone.State.Records[2].ZoneID = "Z2"
	for _, c := range []struct {
		name string
		in   *bed
		want string
	}{
		{"the name itself", slow(), "example.com"},
		{"an alias", slow(toApex("www", zone.A)), "example.com www.example.com"},
		{"an alias of an alias", slow(toApex("www", zone.A), chain), "example.com shop.example.com www.example.com"},
		{"a CNAME", slow(toApex("old", zone.CNAME)), "example.com old.example.com"},
		{"a CNAME of another zone", otherZone, "example.com www.example.org"},
		{"promised for the alias alone", promisedToAlias, "example.com www.example.com"},
		{"promised for the CNAME alone", promisedToCaller, "example.com old.example.com"},
	} {
		got := audit.Audit(c.in.Input)
		if diff := cmp.Diff([]string{"critical rto-missed example.com A eu-central-1, example.com A eu-west-1"},
			brief(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
			continue
		}
		if hosts := strings.Join(got[0].Hostnames, " "); hosts != c.want {
			t.Errorf("%s: hosts %s, want %s", c.name, hosts, c.want)
		}
		if !strings.Contains(got[0].Why, "policy shop/apex promises 3m.") {
			t.Errorf("%s: %s", c.name, got[0].Why)
		}
	}
}

// An application with an alias is still one application on its load balancer.
func TestAliasesOfOneApplicationShareNothing(t *testing.T) {
	one := []zone.ResourceRecordSet{latency("eu-west-1", "a !"+west+" -"), latency("eu-central-1", "a !"+central+" -"),
		set("www !=a -", nil)}
	if got := brief(audit.Audit(newBed(one...).Input)); len(got) > 0 {
		t.Errorf("one application: %q", got)
	}
	got := audit.Audit(newBed(append(one, set("b "+west+" -", nil))...).Input)
	if len(got) != 1 || strings.Join(got[0].Hostnames, " ") != "a.example.com www.example.com" {
		t.Errorf("with a neighbour: %+v", got)
	}
}

// Who has a check already is not told to create one.
func TestCureOfSharedFate(t *testing.T) {
	const create = "create a health check of the application's own health path at lb-1.eu-west-1.elb.amazonaws.com, set " +
		"it as HealthCheckId, and set EvaluateTargetHealth to false."
	a := func(check string) []zone.ResourceRecordSet {
		return []zone.ResourceRecordSet{latency("eu-west-1", "a !"+west+" "+check),
			latency("eu-central-1", "a "+central+" c2")}
	}
	b := []zone.ResourceRecordSet{latency("eu-west-1", "b !"+west+" -"), latency("eu-central-1", "b "+central+" c3")}
	for _, c := range []struct {
		sets []zone.ResourceRecordSet
		want string
	}{
		{append(a("-"), b...), "For each of these record sets " + create},
		{append(a("c1"), set("b "+west+" -", nil)), "Set EvaluateTargetHealth to false: each of these record sets has a " +
			"health check of its own."},
		{append(a("c1"), b...), "Set EvaluateTargetHealth to false on those that have a health check of their own " +
			"(a.example.com A eu-west-1). For each of the others (b.example.com A eu-west-1) " + create},
	} {
		got := audit.Audit(newBed(c.sets...).with("c1", "c2", "c3").Input)
		if len(got) == 0 || got[0].ID != "shared-fate" || got[0].Fix != c.want {
			t.Errorf("got %+v\nwant %s", got, c.want)
		}
	}
}

// A calculated check that counts another member's endpoint sends clients to the one that has failed.
func TestCalculatedCheckOfAnotherMember(t *testing.T) {
	got := audit.Audit(newBed(role(zone.Primary, "a 192.0.2.1 both"), role(zone.Secondary, "a 192.0.2.2 -")).
		with(`both {"type": "CALCULATED", "healthThreshold": 2, "childHealthChecks": ["c1", "c2"]}`, at("c1", "192.0.2.1"),
			at("c2", "192.0.2.2")).Input)
	want := audit.Finding{ID: "check-counts-other", Severity: audit.Critical,
		Objects:   []string{"a.example.com A PRIMARY", "health check both"},
		Hostnames: []string{"a.example.com"},
		Why: "The calculated check of this member counts health check c2, which looks at the endpoint of SECONDARY. When " +
			"SECONDARY fails, this member counts as unhealthy although its own endpoint is well, and all clients are sent to " +
			"SECONDARY, which has failed.",
		Fix: "Take health check c2 out of ChildHealthChecks, and set HealthThreshold to at most the number of " +
			"children that are left.",
		Reference: "r53: B.2, A.4"}
	if diff := cmp.Diff(want, got[0]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Of checks that nothing uses, those are listed that have to do with the zones that are judged, in one finding; the
// others are counted.
func TestUnusedChecksOfOneZone(t *testing.T) {
	b := newBed(latency("eu-west-1", "a "+west+" c1"), latency("eu-central-1", "a 192.0.2.2 c2")).with("c1", "c2",
		`old {"type": "HTTP", "fullyQualifiedDomainName": "old.example.com", "resourcePath": "/health"}`,
		`lb {"type": "HTTP", "fullyQualifiedDomainName": "lb-1.eu-west-1.elb.amazonaws.com"}`,
		`sum {"type": "CALCULATED", "healthThreshold": 1, "childHealthChecks": ["child"]}`,
		`child {"type": "TCP", "fullyQualifiedDomainName": "a.example.com"}`,
		`app.example.org {"type": "HTTP", "fullyQualifiedDomainName": "app.example.org"}`, "far",
		`kept {"type": "HTTP", "fullyQualifiedDomainName": "probe.example.net"}`)
	b.State.Checks[8].Key = "shop/app/eu-west-1"
	b.Policies = []failover.Policy{{Metadata: failover.Metadata{Namespace: "shop", Name: "app"},
		Spec: failover.PolicySpec{Hostname: "app.example.com"}}}
	b.State.Zones = append(b.State.Zones,
		zone.HostedZone{ID: "Z2", Name: "example.org.", NameServers: []string{"ns1.example.net"}},
		zone.HostedZone{ID: "Z3", Name: "example.edu.", NameServers: []string{"ns1.example.net"}})
	b.Provider = failover.Engine
	for _, c := range []struct {
		judged []string
		want   string
		why    string
	}{
		{nil, "info check-orphaned health check app.example.org, health check far, health check kept, health check lb, " +
			"health check old, health check sum",
			"6 health checks are cited by no record set and no calculated check: app.example.org (HTTP app.example.org/), far " +
				"(HTTP probe-far.eu-west-1.elb.amazonaws.com/), kept (HTTP probe.example.net/) and 3 more."},
		{[]string{"Z1"}, "info check-orphaned health check kept, health check lb, health check old, health check sum",
			"4 health checks are cited by no record set and no calculated check: kept (HTTP probe.example.net/), lb (HTTP " +
				"lb-1.eu-west-1.elb.amazonaws.com/), old (HTTP old.example.com/health) and sum (calculated from 1 child). There " +
				"are 2 more in the account, which look at nothing of the zones that are judged."},
		{[]string{"Z2"}, "info check-orphaned health check app.example.org", "1 health check is cited by no record set and " +
			"no calculated check: app.example.org (HTTP app.example.org/). There are 5 more in the account, which look at " +
			"nothing of the zones that are judged."},
		{[]string{"Z3"}, "info check-orphaned account", "6 health checks are cited by no record set and no calculated " +
			"check. None of them looks at anything of the zones that are judged."},
	} {
		b.Judged = c.judged
		got := audit.Audit(b.Input)
		if diff := cmp.Diff([]string{c.want}, brief(got)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", c.judged, diff)
		} else if got[0].Why != c.why {
			t.Errorf("%q: why: %s", c.judged, got[0].Why)
		}
	}
}

// What is of other zones than those judged is not told.
func TestFindingsOfOneZone(t *testing.T) {
	b := newBed(latency("eu-west-1", "a 192.0.2.1 c1"), latency("eu-central-1", "a 192.0.2.2 -")).with("c1")
	elsewhere := toApex("www", zone.CNAME)
	elsewhere.Name, elsewhere.ResourceRecords = "www.example.org.", []string{"a.example.com"}
	b.State.Zones = append(b.State.Zones,
		zone.HostedZone{ID: "Z2", Name: "example.org.", NameServers: []string{"ns1.example.net"}},
		zone.HostedZone{ID: "Z3", Name: "sub.example.com.", NameServers: []string{"ns1.example.net"}})
	b.State.Records = append(b.State.Records, plan.Record{ZoneID: "Z2", Set: elsewhere})
	for zone, want := range map[string]int{"Z1": 1, "Z2": 1, "Z3": 0} {
		b.Judged = []string{zone}
		if got := audit.Audit(b.Input); len(got) != want {
			t.Errorf("%s: %q, want %d", zone, brief(got), want)
		}
	}
}

// A cure for both address families names both, and only of the names that have both.
func TestCureNamesBothFamilies(t *testing.T) {
	b := newBed(latency("eu-west-1", "a 192.0.2.1 -"), latency("eu-central-1", "a 192.0.2.2 c2"),
		twin(latency("eu-west-1", "a 192.0.2.1 -")), twin(latency("eu-central-1", "a 192.0.2.2 c2"))).with("c2")
	if got, want := audit.Audit(b.Input)[0].Fix, "Set HealthCheckId on a.example.com A and AAAA eu-west-1."; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	apex := func(s zone.ResourceRecordSet) zone.ResourceRecordSet {
		s.Name = "example.com."
		return s
	}
	shared := newBed(apex(latency("eu-west-1", "apex !"+west+" -")), apex(twin(latency("eu-west-1", "apex !"+west+" -"))),
		apex(latency("eu-central-1", "apex "+central+" c2")), apex(twin(latency("eu-central-1", "apex "+central+" c2"))),
		latency("eu-west-1", "a !"+west+" c1"), latency("eu-central-1", "a "+central+" c2")).with("c1", "c2")
	got := audit.Audit(shared.Input)[0].Fix
	for _, want := range []string{"(a.example.com A eu-west-1)", "(example.com A eu-west-1 and example.com AAAA " +
		"eu-west-1)"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in: %s", want, got)
		}
	}
}

// Weighted groups nested in one another have more outcomes than anybody can ask for; what is wrong at the top is still
// found.
func TestNestedWeights(t *testing.T) {
	var sets []zone.ResourceRecordSet
	ids := []string{"c"}
	for level := range 6 {
		for i := range 20 {
			target := fmt.Sprintf("n%d !=n%d -", level, level+1)
			if i == 19 || level == 5 {
				target = fmt.Sprintf("n%d 192.0.2.%d c", level, i)
			}
			if level == 0 && i == 18 {
				target = "n0 192.0.2.200 -"
			}
			sets = append(sets, weighted(fmt.Sprintf("m%02d", i), 1, target))
		}
	}
	got := brief(audit.Audit(newBed(sets...).with(ids...).Input))
	if !slices.Contains(got, "critical member-unchecked n0.example.com A m18") {
		t.Errorf("got %q", got)
	}
}
