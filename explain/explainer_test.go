package explain_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bulkhead-dns/bulkhead/cidr"
	"github.com/bulkhead-dns/bulkhead/explain"
	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// at is when all probes of the tests were.
var at = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

// world is one zone that a test writes down: checks as "id" or "id=key", record sets as they come.
func input(down []string, checks []string, sets ...zone.ResourceRecordSet) explain.Input {
	in := explain.Input{Provider: failover.AWS, Reports: map[string][]health.Report{}}
	in.State.Zones = []zone.HostedZone{{ID: "Z1", Name: "example.com.", NameServers: []string{"ns1.example.net"}}}
	for _, text := range checks {
		id, key, _ := strings.Cut(text, "=")
		c := plan.Check{ID: id, Key: key, Config: health.Config{Type: health.HTTP, FullyQualifiedDomainName: "lb.example.net",
			ResourcePath: "/health", RequestInterval: new(10), FailureThreshold: new(3)}}
		in.State.Checks = append(in.State.Checks, c)
		for i := range 4 {
			r := health.Report{Check: id, Checker: fmt.Sprint(i), Healthy: true, Status: "Success: HTTP Status Code 200, OK",
				CheckedTime: at}
			if slices.Contains(down, id) {
				r.Healthy, r.Status = false, "Failure: HTTP Status Code 503, Service Unavailable"
				r.Failure, r.FailureTime = r.Status, at
			}
			in.Reports[id] = append(in.Reports[id], r)
		}
	}
	for _, s := range sets {
		in.State.Records = append(in.State.Records, plan.Record{ZoneID: "Z1", Set: s})
	}
	return in
}

// app is a record set of app.example.com.
func app(id, check, address string, routing func(*zone.ResourceRecordSet)) zone.ResourceRecordSet {
	s := zone.ResourceRecordSet{Name: "app.example.com.", Type: zone.A, SetIdentifier: id, HealthCheckID: check,
		TTL: new(int64(60)), ResourceRecords: []string{address}}
	routing(&s)
	return s
}

func latency(region string) func(*zone.ResourceRecordSet) {
	return func(s *zone.ResourceRecordSet) { s.Region = region }
}

func weight(w int64) func(*zone.ResourceRecordSet) {
	return func(s *zone.ResourceRecordSet) { s.Weight = &w }
}

func role(f zone.Failover) func(*zone.ResourceRecordSet) {
	return func(s *zone.ResourceRecordSet) { s.Failover = f }
}

func location(l zone.GeoLocation) func(*zone.ResourceRecordSet) {
	return func(s *zone.ResourceRecordSet) { s.GeoLocation = &l }
}

func multivalue(s *zone.ResourceRecordSet) { s.MultiValueAnswer = true }

func atLocation(name string) func(*zone.ResourceRecordSet) {
	return func(s *zone.ResourceRecordSet) {
		s.CidrRoutingConfig = &zone.CidrRoutingConfig{CollectionID: "c1", LocationName: name}
	}
}

// alias makes an alias of another name of the zone.
func alias(name, id string, target zone.Name, evaluate bool,
	routing func(*zone.ResourceRecordSet)) zone.ResourceRecordSet {
	s := zone.ResourceRecordSet{Name: zone.MustParseName(name), Type: zone.A, SetIdentifier: id,
		AliasTarget: &zone.AliasTarget{HostedZoneID: "Z1", DNSName: target, EvaluateTargetHealth: evaluate}}
	routing(&s)
	return s
}

// explained is the explanation of app.example.com, asked for as a test says.
func explained(t *testing.T, in explain.Input, q explain.Question) explain.Explanation {
	t.Helper()
	if q.Name == "" {
		q.Name = "app.example.com."
	}
	e, err := explain.Name(in, q)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// answers is one line a client: who answers now, and after each failure.
func answers(e explain.Explanation) (lines []string) {
	word := func(a explain.Answer) string {
		if a.FailOpen {
			return a.String() + "!"
		}
		return a.String()
	}
	for i, a := range e.Answers {
		line := a.Client + ": " + word(a.Answer)
		for _, s := range e.Scenarios {
			line += " | " + s.Fails + " → " + word(s.Answers[i])
		}
		lines = append(lines, line)
	}
	return lines
}

func collection() []cidr.Collection {
	return []cidr.Collection{{ID: "c1", Name: "offices", Locations: map[string][]netip.Prefix{
		"berlin": {netip.MustParsePrefix("192.0.2.0/24")}}}}
}
