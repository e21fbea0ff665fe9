package audit_test

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkhead-dns/bulkhead/audit"
	"github.com/bulkhead-dns/bulkhead/cidr"
	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/quota"
	"github.com/bulkhead-dns/bulkhead/tagging"
	"github.com/bulkhead-dns/bulkhead/zone"
)

const (
	west    = "lb-1.eu-west-1.elb.amazonaws.com."
	central = "lb-2.eu-central-1.elb.amazonaws.com."
)

// A bed is an input under construction, of the zone example.com.
type bed struct{ audit.Input }

func newBed(sets ...zone.ResourceRecordSet) *bed {
	return &bed{audit.Input{State: state(sets, nil)}}
}

// with adds checks, "id" or "id config", the config as the API's JSON; default an HTTP check of a load balancer that is
// not known to be anybody's, which costs nothing beyond the free ones.
func (b *bed) with(checks ...string) *bed {
	for _, text := range checks {
		id, config, _ := strings.Cut(text, " ")
		c := health.Config{Type: health.HTTP, FullyQualifiedDomainName: "probe-" + id + ".eu-west-1.elb.amazonaws.com"}
		if config != "" {
			if err := json.Unmarshal([]byte(config), &c); err != nil {
				panic(err)
			}
		}
		b.State.Checks = append(b.State.Checks, plan.Check{ID: id, Config: c})
	}
	return b
}

// set reads "name value check" as one member with a routing attribute, "-" for no check: the value is an address, a
// load balancer or, with a leading =, a name of this zone; a leading ! evaluates the target's health.
func set(text string, routing func(*zone.ResourceRecordSet)) zone.ResourceRecordSet {
	f := strings.Fields(text)
	s := zone.ResourceRecordSet{Name: zone.Name(f[0] + ".example.com."), Type: zone.A}
	value, evaluate := strings.CutPrefix(f[1], "!")
	name, inside := strings.CutPrefix(value, "=")
	_, notAddress := netip.ParseAddr(value)
	switch {
	case inside:
		s.AliasTarget = &zone.AliasTarget{HostedZoneID: "Z1", DNSName: zone.Name(name + ".example.com."),
			EvaluateTargetHealth: evaluate}
	case notAddress != nil:
		region := strings.Split(strings.TrimPrefix(value, "dualstack."), ".")[1]
		id, _ := zone.CanonicalHostedZoneID(region)
		s.AliasTarget = &zone.AliasTarget{HostedZoneID: id, DNSName: zone.Name(value), EvaluateTargetHealth: evaluate}
	default:
		s.TTL, s.ResourceRecords = new(int64(60)), []string{value}
	}
	if f[2] != "-" {
		s.HealthCheckID = f[2]
	}
	if routing != nil {
		routing(&s)
	}
	return s
}

func latency(region, text string) zone.ResourceRecordSet {
	return set(text, func(s *zone.ResourceRecordSet) { s.SetIdentifier, s.Region = region, region })
}

func weighted(id string, weight int64, text string) zone.ResourceRecordSet {
	return set(text, func(s *zone.ResourceRecordSet) { s.SetIdentifier, s.Weight = id, &weight })
}

func role(r zone.Failover, text string) zone.ResourceRecordSet {
	return set(text, func(s *zone.ResourceRecordSet) { s.SetIdentifier, s.Failover = string(r), r })
}

func country(code, text string) zone.ResourceRecordSet {
	return set(text, func(s *zone.ResourceRecordSet) {
		s.SetIdentifier, s.GeoLocation = code, &zone.GeoLocation{CountryCode: code}
	})
}

func continent(code, text string) zone.ResourceRecordSet {
	return set(text, func(s *zone.ResourceRecordSet) {
		s.SetIdentifier, s.GeoLocation = code, &zone.GeoLocation{ContinentCode: code}
	})
}

// twin is the AAAA record set beside an A record set.
func twin(s zone.ResourceRecordSet) zone.ResourceRecordSet {
	s.Type = zone.AAAA
	for i, value := range s.ResourceRecords {
		s.ResourceRecords = slices.Clone(s.ResourceRecords)
		s.ResourceRecords[i] = strings.Replace(value, "192.0.2.", "2001:db8::", 1)
	}
	return s
}

func atLocation(location, text string) zone.ResourceRecordSet {
	return set(text, func(s *zone.ResourceRecordSet) {
		s.SetIdentifier, s.CidrRoutingConfig = location, &zone.CidrRoutingConfig{CollectionID: "c1", LocationName: location}
	})
}

func ttl(seconds int64, s zone.ResourceRecordSet) zone.ResourceRecordSet {
	s.TTL = &seconds
	return s
}

func delegation(name, server string) zone.ResourceRecordSet {
	return zone.ResourceRecordSet{Name: zone.Name(name + ".example.com."), Type: zone.NS, TTL: new(int64(60)),
		ResourceRecords: []string{server + ".example.com."}}
}

func TestRules(t *testing.T) {
	tests := []struct {
		name string
		in   *bed
		want []string // "severity id object, object"
	}{
		{"nothing at all", newBed(), nil},
		{"simple records have no failover", newBed(set("a 192.0.2.1 -", nil), set("b "+west+" -", nil)), nil},
		{"two members, two checks", newBed(latency("eu-west-1", "a 192.0.2.1 c1"),
			latency("eu-central-1", "a 192.0.2.2 c2")).with("c1", "c2"), nil},

		// r53: A.9
		{"alias of nothing in the zone",
			newBed(latency("eu-west-1", "a =b c1"), latency("eu-central-1", "a 192.0.2.2 c2")).with("c1", "c2"),
			[]string{"critical alias-target-missing a.example.com A eu-west-1"}},
		{"alias under another Region's zone id", newBed(func() zone.ResourceRecordSet {
			s := set("a "+west+" -", nil)
			s.AliasTarget.HostedZoneID = "Z215JYRZR1TBD5"
			return s
		}()), []string{"critical alias-target-missing a.example.com A"}},
		{"alias of a load balancer that is gone", func() *bed {
			b := newBed(set("a "+west+" -", nil))
			b.AllLoadBalancers = true
			return b
		}(), []string{"critical alias-target-missing a.example.com A"}},
		{"alias of an ordinary zone", func() *bed {
			b := newBed(func() zone.ResourceRecordSet {
				s := set("a =b -", nil)
				s.AliasTarget = &zone.AliasTarget{HostedZoneID: "Z2", DNSName: "b.example.org."}
				return s
			}())
			b.State.Zones = append(b.State.Zones,
				zone.HostedZone{ID: "Z2", Name: "example.org.", NameServers: []string{"ns1.example.net"}})
			return b
		}(), []string{"critical alias-target-missing a.example.com A"}},
		{"alias of another service of AWS",
			newBed(latency("eu-west-1", "a !"+west+" -"), latency("eu-central-1", "a !"+central+" -"),
				func() zone.ResourceRecordSet {
					s := set("b =x -", nil)
					s.AliasTarget = &zone.AliasTarget{HostedZoneID: "Z2FDTNDATAQYW2", DNSName: "d111.cloudfront.net."}
					return s
				}()), nil},

		// r53: A.9, E.4
		{"evaluated, alone on its load balancers",
			newBed(latency("eu-west-1", "a !"+west+" -"), latency("eu-central-1", "a !"+central+" -")), nil},
		{"evaluated, with a neighbour",
			newBed(latency("eu-west-1", "a !"+west+" -"), latency("eu-central-1", "a !"+central+" -"),
				set("b "+west+" -", nil)),
			[]string{"critical shared-fate a.example.com A eu-west-1, lb-1.eu-west-1.elb.amazonaws.com"}},
		{"evaluated through a group", newBed(latency("eu-west-1", "a !=w -"), latency("eu-central-1", "a 192.0.2.2 c2"),
			weighted("w1", 1, "w !"+west+" -"), set("b "+west+" -", nil)).with("c2"),
			[]string{"critical shared-fate lb-1.eu-west-1.elb.amazonaws.com, w.example.com A w1"}},

		// r53: A.10
		{"check that is gone", newBed(latency("eu-west-1", "a 192.0.2.1 gone"),
			latency("eu-central-1", "a 192.0.2.2 c2")).with("c2"),
			[]string{"critical check-missing a.example.com A eu-west-1"}},

		// r53: B.3
		{"check of the record's own name",
			newBed(latency("eu-west-1", "a 192.0.2.1 c1"), latency("eu-central-1", "a 192.0.2.2 c2")).
				with(`c1 {"type": "HTTP", "fullyQualifiedDomainName": "a.example.com"}`, "c2"),
			[]string{"critical check-follows-itself a.example.com A eu-west-1, health check c1", "info cost account"}},
		{"the same by address", newBed(latency("eu-west-1", "a 192.0.2.1 c1"), latency("eu-central-1", "a 192.0.2.2 c2")).
			with(`c1 {"type": "HTTP", "fullyQualifiedDomainName": "a.example.com", "ipAddress": "192.0.2.1"}`, "c2"),
			[]string{"info cost account"}},
		{"check of an alias of the record",
			newBed(latency("eu-west-1", "a 192.0.2.1 c1"), latency("eu-central-1", "a 192.0.2.2 c2"),
				set("www =a -", nil)).with(`c1 {"type": "HTTP", "fullyQualifiedDomainName": "www.example.com"}`, "c2"),
			[]string{"critical check-follows-itself a.example.com A eu-west-1, health check c1", "info cost account"}},
		{"check of a name of this Region alone",
			newBed(latency("eu-west-1", "a "+west+" c1"), latency("eu-central-1", "a 192.0.2.2 c2"),
				set("west.a "+west+" -", nil)).with(`c1 {"type": "HTTP", "fullyQualifiedDomainName": "west.a.example.com"}`, "c2"),
			[]string{"info cost account"}},
		{"check of the other member's address",
			newBed(latency("eu-west-1", "a 192.0.2.1 c1"), latency("eu-central-1", "a 192.0.2.2 c2")).
				with(`c1 {"type": "TCP", "port": 80, "ipAddress": "192.0.2.2"}`, "c2"),
			[]string{"critical check-wrong-endpoint a.example.com A eu-west-1, health check c1", "info cost account"}},
		{"check of another address", newBed(latency("eu-west-1", "a 192.0.2.1 c1"),
			latency("eu-central-1", "a 192.0.2.2 c2")).
			with(`c1 {"type": "TCP", "port": 80, "ipAddress": "192.0.2.9"}`, "c2"),
			[]string{"warning check-wrong-endpoint a.example.com A eu-west-1, health check c1", "info cost account"}},
		{"check of an address of the load balancer", func() *bed {
			b := newBed(latency("eu-west-1", "a "+west+" c1"), latency("eu-central-1", "a 192.0.2.2 c2")).
				with(`c1 {"type": "HTTP", "ipAddress": "203.0.113.7"}`, "c2")
			b.LoadBalancers = []audit.LoadBalancer{{DNSName: west, HostedZoneID: "Z32O12XQLNTSW2",
				Addresses: []netip.Addr{netip.MustParseAddr("203.0.113.7")}}}
			return b
		}(), []string{"info cost account"}},

		{"records below a delegation", newBed(set("a.dev 192.0.2.1 -", nil), set("dev 192.0.2.1 -", nil),
			set("ns.dev 192.0.2.9 -", nil),
			set("device 192.0.2.1 -", nil), delegation("dev", "ns.dev"), delegation("x.dev", "ns.x.dev")),
			[]string{"critical below-delegation a.dev.example.com A, dev.example.com A, x.dev.example.com NS"}},
		{"a record that cites a check of ours", func() *bed {
			b := newBed(latency("eu-west-1", "a 192.0.2.1 c1"), latency("eu-central-1", "a 192.0.2.2 c2"),
				latency("eu-west-1", "db 192.0.2.3 c1"), latency("eu-central-1", "db 192.0.2.4 c3")).with("c1", "c2", "c3")
			c := &b.State.Checks[0]
			c.Key, c.Tags = "team/a/eu-west-1", []tagging.Tag{{Key: plan.TagHostnames, Value: "a.example.com"}}
			return b
		}(), []string{"warning check-borrowed db.example.com A eu-west-1, health check c1"}},

		// r53: B.1, A.9
		{"TCP check of a load balancer",
			newBed(latency("eu-west-1", "a "+west+" c1"), latency("eu-central-1", "a 192.0.2.2 c2")).
				with(`c1 {"type": "TCP", "port": 80, "fullyQualifiedDomainName": "lb-1.eu-west-1.elb.amazonaws.com"}`, "c2"),
			[]string{"critical check-blind a.example.com A eu-west-1, health check c1"}},
		{"a fixed response answers the probe", answeredBy(audit.Rule{Path: "/h*", Status: 200}),
			[]string{"critical check-cannot-fail a.example.com A eu-west-1, health check c1"}},
		{"a redirect answers the probe", answeredBy(audit.Rule{Port: 80, Status: 301}),
			[]string{"critical check-cannot-fail a.example.com A eu-west-1, health check c1"}},
		{"a refusal answers the probe", answeredBy(audit.Rule{Status: 404}),
			[]string{"critical check-cannot-succeed a.example.com A eu-west-1, health check c1"}},
		{"the application answers the probe", answeredBy(audit.Rule{Path: "/?ealth", TargetGroup: "a"}), nil},
		{"another application answers the probe", answeredBy(audit.Rule{Path: "/health", TargetGroup: "b"}),
			[]string{"critical check-wrong-application a.example.com A eu-west-1, health check c1"}},
		{"no target is healthy, and the check is", targets(new(true), 2, 0),
			[]string{"critical check-green-without-targets a.example.com A eu-west-1, health check c1"}},
		{"there is no target, and the check is healthy", targets(new(true), 0, 0),
			[]string{"critical check-green-without-targets a.example.com A eu-west-1, health check c1"}},
		{"no target is healthy, and the check says so", targets(new(false), 2, 0), nil},
		{"no target is healthy, and nobody asked the checkers", targets(nil, 2, 0), nil},
		{"one target is healthy", targets(new(true), 2, 1), nil},
		{"no target of a neighbour is healthy", func() *bed {
			b := targets(new(true), 2, 2)
			b.LoadBalancers[0].TargetGroups = append(b.LoadBalancers[0].TargetGroups,
				audit.TargetGroup{Name: "b", Registered: 2})
			return b
		}(), nil},
		{"a calculated check without targets", func() *bed {
			b := targets(nil, 2, 0).with(`c3 {"type": "HTTP", "fullyQualifiedDomainName": "lb-1.eu-west-1.elb.amazonaws.com"}`)
			b.State.Checks[0].Config = health.Config{Type: health.Calculated, HealthThreshold: new(1),
				ChildHealthChecks: []string{"c3"}}
			b.State.Checks[2].Healthy = new(true)
			return b
		}(), []string{"critical check-green-without-targets a.example.com A eu-west-1, health check c1"}},
		{"checkers saw a redirect", func() *bed {
			b := newBed(latency("eu-west-1", "a 192.0.2.1 c1"), latency("eu-central-1", "a 192.0.2.2 c2")).with("c1", "c2")
			b.Reports = map[string][]health.Report{"c1": {{Check: "c1", Healthy: true,
				Status: "Success: HTTP Status Code 301, Moved Permanently"}}}
			return b
		}(), []string{"warning check-redirected a.example.com A eu-west-1, health check c1"}},

		// r53: B.2, B.6
		{"disabled", newBed(latency("eu-west-1", "a 192.0.2.1 c1"), latency("eu-central-1", "a 192.0.2.2 c2")).
			with(`c1 {"type": "HTTP", "disabled": true}`, "c2"),
			[]string{"critical check-cannot-fail a.example.com A eu-west-1, health check c1"}},
		{"a threshold of no child", newBed(latency("eu-west-1", "a 192.0.2.1 c1"), latency("eu-central-1", "a 192.0.2.2 c2")).
			with(`c1 {"type": "CALCULATED", "healthThreshold": 0, "childHealthChecks": ["c3"]}`, "c2", "c3"),
			[]string{"critical check-cannot-fail a.example.com A eu-west-1, health check c1"}},
		{"a threshold of more than all children",
			newBed(latency("eu-west-1", "a 192.0.2.1 c1"), latency("eu-central-1", "a 192.0.2.2 c2")).
				with(`c1 {"type": "CALCULATED", "healthThreshold": 2, "childHealthChecks": ["c3"]}`, "c2", "c3"),
			[]string{"warning check-cannot-succeed a.example.com A eu-west-1, health check c1",
				"warning fail-open a.example.com A eu-west-1"}},
		{"a calculated check that works",
			newBed(latency("eu-west-1", "a 192.0.2.1 c1"), latency("eu-central-1", "a 192.0.2.2 c2")).
				with(`c1 {"type": "CALCULATED", "healthThreshold": 1, "childHealthChecks": ["c3", "c4"]}`, "c2", "c3", "c4"), nil},
		{"only disabled children", newBed(latency("eu-west-1", "a 192.0.2.1 c1"), latency("eu-central-1", "a 192.0.2.2 c2")).
			with(`c1 {"type": "CALCULATED", "healthThreshold": 1, "childHealthChecks": ["c3"]}`, "c2",
				`c3 {"type": "HTTP", "disabled": true}`),
			[]string{"critical check-cannot-fail a.example.com A eu-west-1, health check c1"}},
		{"a child that is gone", newBed(latency("eu-west-1", "a 192.0.2.1 c1"), latency("eu-central-1", "a 192.0.2.2 c2")).
			with(`c1 {"type": "CALCULATED", "healthThreshold": 2, "childHealthChecks": ["c3", "c4"]}`, "c2", "c3"),
			[]string{"warning child-missing health check c1"}},
		{"a calculated check of both, the other without a check",
			newBed(role(zone.Primary, "a 192.0.2.1 both"), role(zone.Secondary, "a 192.0.2.2 -")).
				with(`both {"type": "CALCULATED", "healthThreshold": 2, "childHealthChecks": ["c1", "c2"]}`, at("c1", "192.0.2.1"),
					at("c2", "192.0.2.2")),
			[]string{"critical check-counts-other a.example.com A PRIMARY, health check both",
				"warning secondary-unchecked a.example.com A SECONDARY",
				"info cost account"}},
		{"a calculated check of both, of three",
			newBed(latency("eu-west-1", "a 192.0.2.1 both"), latency("eu-central-1", "a 192.0.2.2 c2"),
				latency("us-east-1", "a 192.0.2.3 c3")).with(
				`both {"type": "CALCULATED", "healthThreshold": 2, "childHealthChecks": ["c1", "c2"]}`, "c1", "c2", "c3"),
			[]string{"critical check-counts-other a.example.com A eu-west-1, health check both"}},
		{"a calculated check of either",
			newBed(role(zone.Primary, "a 192.0.2.1 either"), role(zone.Secondary, "a 192.0.2.2 c2")).
				with(`either {"type": "CALCULATED", "healthThreshold": 1, "childHealthChecks": ["c1", "c2"]}`, "c1", "c2"),
			[]string{"critical check-counts-other a.example.com A PRIMARY, health check either"}},
		{"a calculated check of both, whose failure moves nobody",
			newBed(role(zone.Primary, "a 192.0.2.1 both"), role(zone.Secondary, "a 192.0.2.2 c2")).
				with(`both {"type": "CALCULATED", "healthThreshold": 2, "childHealthChecks": ["c1", "c2"]}`, "c1", "c2"), nil},
		{"a calculated check of several of one endpoint",
			newBed(role(zone.Primary, "a 192.0.2.1 all"), role(zone.Secondary, "a 192.0.2.2 c2")).
				with(`all {"type": "CALCULATED", "healthThreshold": 2, "childHealthChecks": ["c1", "c3"]}`, at("c1", "192.0.2.1"),
					at("c3", "192.0.2.1"), "c2"),
			[]string{"info cost account"}},
		{"inverted", newBed(latency("eu-west-1", "a 192.0.2.1 c1"), latency("eu-central-1", "a 192.0.2.2 c2")).
			with(`c1 {"type": "HTTP", "inverted": true}`, "c2"),
			[]string{"warning check-inverted a.example.com A eu-west-1, health check c1"}},
		{"taken out by hand", newBed(latency("eu-west-1", "a 192.0.2.1 c1"), latency("eu-central-1", "a 192.0.2.2 c2")).
			with(`c1 {"type": "HTTP", "inverted": true, "disabled": true}`, "c2"),
			[]string{"warning check-cannot-succeed a.example.com A eu-west-1, health check c1",
				"warning fail-open a.example.com A eu-west-1"}},

		// r53: A.3
		{"no checks", newBed(latency("eu-west-1", "a "+west+" -"), latency("eu-central-1", "a "+central+" -")),
			[]string{"critical group-unchecked a.example.com A"}},
		{"no checks, weighted", newBed(weighted("x", 1, "a 192.0.2.1 -"), weighted("y", 1, "a 192.0.2.2 -")),
			[]string{"warning group-unchecked a.example.com A"}},
		{"no check on one", newBed(latency("eu-west-1", "a 192.0.2.1 -"),
			latency("eu-central-1", "a 192.0.2.2 c2")).with("c2"),
			[]string{"critical member-unchecked a.example.com A eu-west-1"}},
		{"text beside addresses has no health",
			newBed(latency("eu-west-1", "a 192.0.2.1 c1"), latency("eu-central-1", "a 192.0.2.2 c2"),
				text(latency("eu-west-1", "a 192.0.2.1 -")), text(latency("eu-central-1", "a 192.0.2.2 -"))).with("c1", "c2"), nil},
		{"a branch that is never left", newBed(latency("eu-west-1", "a =w -"), latency("eu-central-1", "a 192.0.2.2 c2"),
			weighted("x", 1, "w 192.0.2.3 c3"), weighted("y", 1, "w 192.0.2.4 c4")).with("c2", "c3", "c4"),
			[]string{"critical member-unchecked a.example.com A eu-west-1"}},
		{"a branch with a leaf that is healthy for ever",
			newBed(latency("eu-west-1", "a !=w -"), latency("eu-central-1", "a 192.0.2.2 c2"),
				weighted("x", 1, "w 192.0.2.3 c3"), weighted("y", 1, "w 192.0.2.4 -")).with("c2", "c3"),
			[]string{"critical member-unchecked w.example.com A y"}},
		{"a branch that ends at an address that is healthy for ever",
			newBed(latency("eu-west-1", "a !=w -"), latency("eu-central-1", "a 192.0.2.2 c2"),
				weighted("x", 1, "w !=v -"), weighted("y", 1, "w 192.0.2.4 c3"), set("v 192.0.2.3 -", nil)).with("c2", "c3"),
			[]string{"critical member-unchecked w.example.com A x"}},
		{"a branch with a default that nobody of the branch could leave",
			newBed(latency("eu-west-1", "a !=w -"), latency("eu-central-1", "a 192.0.2.2 c2"),
				country("DE", "w 192.0.2.3 c3"), country("*", "w 192.0.2.4 -")).with("c2", "c3"),
			[]string{"critical branch-stuck a.example.com A eu-west-1, w.example.com A *"}},
		{"groups without checks below a group without checks",
			newBed(latency("eu-west-1", "a !=w -"), latency("eu-central-1", "a !=v -"),
				weighted("x", 1, "w 192.0.2.3 -"), weighted("y", 1, "w 192.0.2.4 -"), weighted("x", 1, "v 192.0.2.5 -"),
				weighted("y", 1, "v 192.0.2.6 -")),
			[]string{"critical group-unchecked a.example.com A"}},
		{"a group without checks behind a member without a check",
			newBed(latency("eu-west-1", "a !=w -"), latency("eu-central-1", "a 192.0.2.2 c2"),
				weighted("x", 1, "w 192.0.2.3 -"), weighted("y", 1, "w 192.0.2.4 -")).with("c2"),
			[]string{"critical member-unchecked a.example.com A eu-west-1"}},
		{"a default without a check, that its clients could not leave",
			newBed(country("DE", "a 192.0.2.1 c1"), country("*", "a 192.0.2.2 -")).with("c1"), nil},
		{"a continent without a check, that its clients could leave",
			newBed(country("DE", "a 192.0.2.1 c1"), continent("EU", "a 192.0.2.2 -"),
				country("*", "a 192.0.2.3 c3")).with("c1", "c3"), []string{"critical member-unchecked a.example.com A EU"}},
		{"countries without checks and without a default",
			newBed(country("DE", "a 192.0.2.1 -"), country("FR", "a 192.0.2.2 -")),
			[]string{"warning default-missing a.example.com A"}},
		{"a standby without a check, before another standby",
			newBed(weighted("x", 1, "a 192.0.2.1 c1"), weighted("y", 0, "a 192.0.2.2 -"),
				weighted("z", 0, "a 192.0.2.3 c3")).with("c1", "c3"), []string{"critical member-unchecked a.example.com A y",
				"info weight-standby a.example.com A y, a.example.com A z"}},
		{"a branch that is left", newBed(latency("eu-west-1", "a !=w -"), latency("eu-central-1", "a 192.0.2.2 c2"),
			weighted("x", 1, "w 192.0.2.3 c3"), weighted("y", 1, "w 192.0.2.4 c4")).with("c2", "c3", "c4"), nil},
		{"a branch without checks under a check",
			newBed(latency("eu-west-1", "a =w c1"), latency("eu-central-1", "a 192.0.2.2 c2"),
				weighted("x", 1, "w 192.0.2.3 -"), weighted("y", 1, "w 192.0.2.4 -")).with("c1", "c2"), nil},

		// r53: A.4
		{"one check for all", newBed(latency("eu-west-1", "a 192.0.2.1 c1"),
			latency("eu-central-1", "a 192.0.2.2 c1")).with("c1"),
			[]string{"critical check-shared a.example.com A eu-central-1, a.example.com A eu-west-1, health check c1"}},
		{"one check for two of three",
			newBed(latency("eu-west-1", "a 192.0.2.1 c1"), latency("eu-central-1", "a 192.0.2.2 c1"),
				latency("us-east-1", "a 192.0.2.3 c3")).with("c1", "c3"), nil},

		{"both down now", func() *bed {
			b := newBed(latency("eu-west-1", "a 192.0.2.1 c1"), latency("eu-central-1", "a !"+central+" -")).with("c1")
			b.State.Checks[0].Healthy = new(false)
			b.LoadBalancers = []audit.LoadBalancer{{DNSName: central, HostedZoneID: "Z215JYRZR1TBD5",
				TargetGroups: []audit.TargetGroup{{Name: "a", Registered: 2}}}}
			return b
		}(), []string{"critical nothing-healthy a.example.com A"}},
		{"one down now", func() *bed {
			b := newBed(latency("eu-west-1", "a 192.0.2.1 c1"), latency("eu-central-1", "a 192.0.2.2 c2")).with("c1", "c2")
			b.State.Checks[0].Healthy, b.State.Checks[1].Healthy = new(false), new(true)
			return b
		}(), nil},

		// r53: A.11
		{"primary and secondary", newBed(role(zone.Primary, "a 192.0.2.1 c1"),
			role(zone.Secondary, "a 192.0.2.2 c2")).with("c1", "c2"), nil},
		{"primary alone", newBed(role(zone.Primary, "a 192.0.2.1 c1")).with("c1"),
			[]string{"critical failover-alone a.example.com A"}},
		{"secondary alone", newBed(role(zone.Secondary, "a 192.0.2.1 c1")).with("c1"),
			[]string{"warning failover-alone a.example.com A"}},
		{"secondary without a check", newBed(role(zone.Primary, "a 192.0.2.1 c1"),
			role(zone.Secondary, "a 192.0.2.2 -")).with("c1"),
			[]string{"warning secondary-unchecked a.example.com A SECONDARY"}},

		// r53: A.5
		{"all weights 0", newBed(weighted("x", 0, "a 192.0.2.1 c1"), weighted("y", 0, "a 192.0.2.2 c2")).with("c1", "c2"),
			[]string{"warning weights-zero a.example.com A x, a.example.com A y"}},
		{"weight 0 as standby", newBed(weighted("x", 1, "a 192.0.2.1 c1"), weighted("y", 0, "a 192.0.2.2 c2")).with("c1",
			"c2"),
			[]string{"info weight-standby a.example.com A y"}},
		{"weight 0 that nobody gets", newBed(weighted("x", 1, "a 192.0.2.1 -"), weighted("y", 0, "a 192.0.2.2 -")),
			[]string{"warning group-unchecked a.example.com A", "warning weight-unused a.example.com A y"}},

		// r53: A.6, A.7, A.8
		{"one Region", newBed(latency("eu-west-1", "a 192.0.2.1 c1")).with("c1"),
			[]string{"warning single-region a.example.com A"}},
		{"countries without a default", newBed(country("DE", "a 192.0.2.1 c1"), country("FR", "a 192.0.2.2 c2")).with("c1",
			"c2"),
			[]string{"warning default-missing a.example.com A"}},
		{"countries with a default", newBed(country("DE", "a 192.0.2.1 c1"), country("*", "a 192.0.2.2 c2")).with("c1",
			"c2"), nil},
		{"blocks without a default", func() *bed {
			b := newBed(atLocation("office", "a 192.0.2.1 c1"), atLocation("lab", "a 192.0.2.2 c2")).with("c1", "c2")
			b.Collections = []cidr.Collection{{ID: "c1", Locations: map[string][]netip.Prefix{
				"office": {netip.MustParsePrefix("203.0.113.0/24")}, "lab": {netip.MustParsePrefix("198.51.100.0/24")}}}}
			return b
		}(), []string{"warning default-missing a.example.com A"}},
		{"two members, one load balancer",
			newBed(latency("eu-west-1", "a "+west+" c1"), latency("eu-central-1", "a dualstack."+west+" c2")).
				with("c1", "c2"), []string{"warning same-target a.example.com A eu-central-1, a.example.com A eu-west-1"}},

		// r53: D.1, D.2
		{"unequal timers", newBed(latency("eu-west-1", "a 192.0.2.1 c1"), latency("eu-central-1", "a 192.0.2.2 c2")).
			with(`c1 {"type": "HTTP", "requestInterval": 30, "failureThreshold": 5}`, "c2"),
			[]string{"warning timers-unequal a.example.com A eu-central-1, a.example.com A eu-west-1"}},
		{"a long TTL", newBed(latency("eu-west-1", "a 192.0.2.1 c1"),
			ttl(300, latency("eu-central-1", "a 192.0.2.2 c2"))).with("c1", "c2"),
			[]string{"warning ttl-long a.example.com A eu-central-1"}},
		{"a TTL that is not worth telling",
			newBed(latency("eu-west-1", "a 192.0.2.1 c1"), ttl(61, latency("eu-central-1", "a 192.0.2.2 c2"))).with("c1",
				"c2"), nil},
		{"a promise that holds", promised(10 * time.Minute), nil},
		{"a promise that does not", promised(3 * time.Minute),
			[]string{"critical rto-missed a.example.com A eu-central-1, a.example.com A eu-west-1"}},

		{"a promise shorter than what resolvers keep", func() *bed {
			b := newBed(latency("eu-west-1", "a !"+west+" -"), latency("eu-central-1", "a !"+central+" -"))
			b.RTO = failover.Duration(time.Minute)
			return b
		}(), []string{"critical rto-missed a.example.com A eu-central-1, a.example.com A eu-west-1"}},
		{"Regions of one's own", newBed(latency("dc-1", "a 192.0.2.1 c1"), latency("dc-2", "a 192.0.2.2 -")).with("c1"),
			[]string{"critical member-unchecked a.example.com A dc-2"}},

		// One cause is one finding.
		{"both address families", newBed(latency("eu-west-1", "a 192.0.2.1 -"), latency("eu-central-1", "a 192.0.2.2 c2"),
			twin(latency("eu-west-1", "a 192.0.2.1 -")), twin(latency("eu-central-1", "a 192.0.2.2 c2"))).with("c2"),
			[]string{"critical member-unchecked a.example.com A eu-west-1, a.example.com AAAA eu-west-1"}},
		{"one check of several names",
			newBed(latency("eu-west-1", "a "+west+" c1"), latency("eu-central-1", "a 192.0.2.2 c2"),
				latency("eu-west-1", "b "+west+" c1"), latency("eu-central-1", "b 192.0.2.2 c2"),
				twin(latency("eu-west-1", "b "+west+" c1")),
				twin(latency("eu-central-1", "b 192.0.2.2 c2"))).with(
				`c1 {"type": "TCP", "port": 80, "fullyQualifiedDomainName": "lb-1.eu-west-1.elb.amazonaws.com"}`, "c2"),
			[]string{"critical check-blind a.example.com A eu-west-1, b.example.com A eu-west-1, b.example.com AAAA " +
				"eu-west-1, health check c1"}},
		{"one load balancer that is gone", func() *bed {
			b := newBed(set("a "+west+" -", nil), twin(set("a "+west+" -", nil)), set("b "+west+" -", nil),
				set("c "+west+" -", nil))
			b.AllLoadBalancers = true
			return b
		}(), []string{"critical alias-target-missing a.example.com A, a.example.com AAAA, b.example.com A, c.example.com A"}},

		// r53: B.8, B.4, C.8, F
		{"a check of nothing", newBed().with("c1"), []string{"info check-orphaned health check c1"}},
		{"checkers disagree", func() *bed {
			b := newBed(latency("eu-west-1", "a 192.0.2.1 c1"), latency("eu-central-1", "a 192.0.2.2 c2")).with("c1", "c2")
			b.Reports = map[string][]health.Report{"c1": {{Region: "us-east-1", Healthy: true}, {Region: "sa-east-1"}}}
			return b
		}(), []string{"warning checkers-disagree health check c1"}},
		{"a quota nearly used up", func() *bed {
			b := newBed(set("a 192.0.2.1 -", nil), set("b 192.0.2.1 -", nil), set("c 192.0.2.1 -", nil),
				set("d 192.0.2.1 -", nil))
			b.Limits = quota.Limits{RecordSetsPerZone: 5}
			return b
		}(), []string{"info quota zone example.com"}},
		{"a quota raised for the zone", func() *bed {
			b := newBed(set("a 192.0.2.1 -", nil), set("b 192.0.2.1 -", nil), set("c 192.0.2.1 -", nil),
				set("d 192.0.2.1 -", nil))
			b.Limits, b.RecordSetLimits = quota.Limits{RecordSetsPerZone: 5}, map[string]int{"Z1": 100}
			return b
		}(), nil},
		{"options cost", newBed(latency("eu-west-1", "a 192.0.2.1 c1"), latency("eu-central-1", "a 192.0.2.2 c2")).
			with(`c1 {"type": "HTTPS"}`, "c2"), []string{"info cost account"}},
		{"no answer can be computed", newBed(set("a nonsense.eu-west-1 -", func(s *zone.ResourceRecordSet) {
			s.AliasTarget, s.TTL, s.ResourceRecords = nil, new(int64(60)), []string{"nonsense"}
		})), []string{"warning group-not-judged a.example.com A"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := brief(audit.Audit(test.in.Input))
			if diff := cmp.Diff(test.want, got,
				cmp.Transformer("empty", func(l []string) []string { return append([]string{}, l...) })); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func text(s zone.ResourceRecordSet) zone.ResourceRecordSet {
	s.Type, s.ResourceRecords = zone.TXT, []string{`"heritage=external-dns"`}
	return s
}

// answeredBy is an application in two Regions whose load balancer in the first one tries a rule before its own.
func answeredBy(first audit.Rule) *bed {
	b := newBed(latency("eu-west-1", "a "+west+" c1"), latency("eu-central-1", "a 192.0.2.2 c2")).
		with(`c1 {"type": "HTTP", "resourcePath": "/health", "fullyQualifiedDomainName": `+
			`"lb-1.eu-west-1.elb.amazonaws.com"}`, "c2")
	b.LoadBalancers = []audit.LoadBalancer{{DNSName: west, HostedZoneID: "Z32O12XQLNTSW2",
		Rules: []audit.Rule{first, {Host: "A.example.*", TargetGroup: "a"}, {TargetGroup: "b"}}}}
	return b
}

// targets is an application whose check has a verdict, with targets behind the load balancer that it probes in the
// first Region.
func targets(healthy *bool, registered, well int) *bed {
	b := answeredBy(audit.Rule{Path: "/health", TargetGroup: "a"})
	b.State.Checks[0].Healthy = healthy
	b.LoadBalancers[0].TargetGroups = []audit.TargetGroup{{Name: "a", Registered: registered, Healthy: well}}
	return b
}

func promised(rto time.Duration) *bed {
	b := newBed(ttl(300, latency("eu-west-1", "a 192.0.2.1 c1")),
		ttl(300, latency("eu-central-1", "a 192.0.2.2 c2"))).with("c1", "c2")
	b.RTO = failover.Duration(rto)
	return b
}

// A private zone and a public one of the same name are judged each by itself; checkers resolve in the public one.
func TestPrivateTwin(t *testing.T) {
	b := newBed(latency("eu-west-1", "a 192.0.2.1 c1"), latency("eu-central-1", "a 192.0.2.2 c2")).with("c1", "c2")
	b.State.Zones = append(b.State.Zones, zone.HostedZone{ID: "Z2", Name: "example.com.", PrivateZone: true,
		NameServers: []string{"ns1.example.net"}})
	for _, s := range []zone.ResourceRecordSet{latency("eu-west-1", "a 10.0.0.1 c1"),
		latency("eu-central-1", "a 10.0.0.2 -")} {
		b.State.Records = append(b.State.Records, plan.Record{ZoneID: "Z2", Set: s})
	}
	want := []string{"critical member-unchecked a.example.com A eu-central-1"}
	if diff := cmp.Diff(want, brief(audit.Audit(b.Input))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Clients are placed near Regions that AWS does not have, too.
func TestRegionsOfOnesOwn(t *testing.T) {
	b := newBed(latency("dc-1", "a 192.0.2.1 c1"), latency("dc-2", "a 192.0.2.2 -")).with("c1")
	got := audit.Audit(b.Input)
	if len(got) != 1 || !strings.Contains(got[0].Why, "clients near dc-2 are still sent to it") {
		t.Errorf("got %+v", got)
	}
}

// at is a check of an address.
func at(id, address string) string {
	return id + ` {"type": "TCP", "port": 80, "ipAddress": "` + address + `"}`
}

// Loops cannot be answered, and neither can what leads into them. r53: A.9.
func TestLoops(t *testing.T) {
	b := newBed(latency("eu-west-1", "a !=b -"), latency("eu-central-1", "a 192.0.2.2 c2"), set("b !=a -", nil),
		set("c =b -", nil)).with("c2")
	want := []string{"warning group-not-judged a.example.com A, b.example.com A, c.example.com A"}
	if diff := cmp.Diff(want, brief(audit.Audit(b.Input))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Every finding says what, why and how to mend it, of rules that are known; the same input gives the same findings.
func FuzzAudit(f *testing.F) {
	small := newBed(latency("eu-west-1", "a !=b c1"), country("DE", "a 192.0.2.2 c2"), role(zone.Primary, "b "+west+" c3"),
		set("c =c -", nil)).
		with("c1", `c2 {"type": "CALCULATED", "childHealthChecks": ["c2", "c1"]}`)
	data, err := json.Marshal(small.Input)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"state": {"zones": [{"id": "Z1", "name": "x.y."}], "records": [{"zoneId": "Z1", "set": {"name": ` +
		`"x.y.", "type": "A", "weight": 3}}]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var in audit.Input
		if json.Unmarshal(data, &in) != nil || len(in.State.Records) > 50 {
			return
		}
		for _, r := range in.State.Records {
			if name, err := zone.ParseName(string(r.Set.Name)); err != nil || name != r.Set.Name {
				return
			}
			if a := r.Set.AliasTarget; a != nil {
				if name, err := zone.ParseName(string(a.DNSName)); err != nil || name != a.DNSName {
					return
				}
			}
		}
		for _, z := range in.State.Zones {
			if name, err := zone.ParseName(string(z.Name)); err != nil || name != z.Name {
				return
			}
		}
		got := audit.Audit(in)
		for _, f := range got {
			if f.ID == "" || len(f.Objects) == 0 || f.Why == "" || f.Fix == "" || !strings.HasPrefix(f.Reference, "r53: ") {
				t.Errorf("incomplete: %+v", f)
			}
		}
		if diff := cmp.Diff(got, audit.Audit(in)); diff != "" {
			t.Errorf("not the same again:\n%s", diff)
		}
	})
}

func BenchmarkAudit(b *testing.B) {
	for _, n := range []int{100, 1000} {
		in := newBed()
		for i := range n {
			name := fmt.Sprintf("app%d", i)
			in.State.Records = append(in.State.Records,
				plan.Record{ZoneID: "Z1", Set: latency("eu-west-1", fmt.Sprintf("%s %s w%d", name, west, i))},
				plan.Record{ZoneID: "Z1", Set: latency("eu-central-1", fmt.Sprintf("%s %s c%d", name, central, i))})
			in.with(fmt.Sprintf("w%d", i), fmt.Sprintf("c%d", i))
		}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				audit.Audit(in.Input)
			}
		})
	}
}

// A rule that more than host and path decides may or may not be the one: of what it does with probes nothing is said.
func TestConditionalRules(t *testing.T) {
	in := bank(t)
	for i := range in.LoadBalancers {
		for j := range in.LoadBalancers[i].Rules {
			r := &in.LoadBalancers[i].Rules[j]
			r.Conditional = r.Path == "/healthz" || r.Status != 0
		}
	}
	for _, f := range audit.Audit(in) {
		if f.ID == "check-wrong-application" || f.ID == "check-cannot-succeed" && f.Severity == audit.Critical {
			t.Errorf("%s of %q", f.ID, f.Objects)
		}
	}
}
