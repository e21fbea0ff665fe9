package explain_test

import (
	"encoding/json"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkhead-dns/bulkhead/explain"
	"github.com/bulkhead-dns/bulkhead/steer"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// trace is an engine's, of one group.
func trace(t *testing.T, picked ...string) string {
	t.Helper()
	step := steer.Step{Name: "app.example.com.", Type: zone.A}
	for _, id := range picked {
		step.Members = append(step.Members, steer.Member{SetIdentifier: id, Picked: true})
	}
	data, err := json.Marshal(steer.Trace{Steps: []steer.Step{step}, Place: "here", Rule: "answered"})
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// What the provider says is compared by its reasons where it tells them, else by values. r53: C.2.
func TestProvidersWord(t *testing.T) {
	two := []string{"c1", "c2"}
	addresses := input(nil, two, app("eu-west-1", "c1", "192.0.2.1", latency("eu-west-1")),
		app("us-east-1", "c2", "192.0.2.2", latency("us-east-1")))
	balanced := input(nil, two, app("eu-west-1", "c1", "192.0.2.1", latency("eu-west-1")),
		app("us-east-1", "c2", "192.0.2.2", latency("us-east-1")))
	for i, name := range []zone.Name{"lb.eu-west-1.elb.amazonaws.com.", "lb.us-east-1.elb.amazonaws.com."} {
		s := &balanced.State.Records[i].Set
		id, _ := zone.CanonicalHostedZoneID(s.Region)
		s.TTL, s.ResourceRecords, s.AliasTarget = nil, nil, &zone.AliasTarget{HostedZoneID: id, DNSName: name}
	}
	resolved := map[string][]netip.Addr{"lb.eu-west-1.elb.amazonaws.com": {netip.MustParseAddr("198.51.100.1")},
		"lb.us-east-1.elb.amazonaws.com": {netip.MustParseAddr("198.51.100.2")}}
	many := input(nil, two, app("a", "c1", "192.0.2.1", multivalue), app("b", "c2", "192.0.2.2", multivalue))
	nobody := input(nil, []string{"c1"}, app("de", "c1", "192.0.2.1", location(zone.GeoLocation{CountryCode: "DE"})))
	for _, c := range []struct {
		name      string
		in        explain.Input
		client    string // empty: the provider's resolver
		values    []string
		why       string
		addresses map[string][]netip.Addr
		want      explain.Agreement
		expected  string
		got       string
	}{
		{"any place's answer", addresses, "", []string{"192.0.2.2"}, "", nil, explain.Agrees, "eu-west-1 or us-east-1",
			"192.0.2.2"},
		{"nobody's answer", addresses, "", []string{"192.0.2.3"}, "", nil, explain.Differs, "eu-west-1 or us-east-1",
			"192.0.2.3"},
		{"no answer", addresses, "", nil, "", nil, explain.Differs, "eu-west-1 or us-east-1", "NOERROR without an address"},
		{"by its reasons", addresses, "203.0.113.1", []string{"192.0.2.1"}, trace(t, "eu-west-1"), nil, explain.Agrees,
			"eu-west-1", "eu-west-1"},
		{"by its reasons, another", addresses, "203.0.113.1", []string{"192.0.2.2"}, trace(t, "us-east-1"), nil,
			explain.Differs, "eu-west-1", "us-east-1"},
		{"a load balancer by its addresses", balanced, "203.0.113.1", []string{"198.51.100.1"}, "", resolved, explain.Agrees,
			"eu-west-1", "198.51.100.1"},
		{"another load balancer", balanced, "203.0.113.1", []string{"198.51.100.2"}, "", resolved, explain.Differs,
			"eu-west-1", "198.51.100.2"},
		{"a load balancer that nothing tells of", balanced, "203.0.113.1", []string{"198.51.100.1"}, "",
			map[string][]netip.Addr{"lb.eu-west-1.elb.amazonaws.com": nil}, explain.Untold, "eu-west-1", "198.51.100.1"},
		{"several values", many, "", []string{"192.0.2.2", "192.0.2.1"}, trace(t, "a", "b"), nil, explain.Agrees, "a, b",
			"a, b"},
		{"nothing for anybody elsewhere", nobody, "203.0.113.1", nil, "", nil, explain.Agrees, "NODATA",
			"NOERROR without an address"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var q explain.Question
			if c.client != "" {
				q.Clients = []string{c.client}
			}
			e := explained(t, c.in, q)
			probes := e.Probes()
			if len(probes) != 1 {
				t.Fatalf("%d probes, want 1", len(probes))
			}
			if err := e.Confirm(probes[0], explain.Confirmation{Code: "NOERROR", Values: c.values}, c.why,
				c.addresses); err != nil {
				t.Fatal(err)
			}
			got := e.Confirmations[0]
			if diff := cmp.Diff([]string{string(c.want), c.expected, c.got},
				[]string{string(got.Agreement), got.Expected, got.Got}); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if e.Confirmed() != (c.want != explain.Differs) {
				t.Errorf("Confirmed is %v", e.Confirmed())
			}
		})
	}
}

// A client with an address is asked for by itself, all places together.
func TestProbes(t *testing.T) {
	in := input(nil, []string{"c1", "c2"}, app("a", "c1", "192.0.2.1", atLocation("berlin")),
		app("b", "c2", "192.0.2.2", atLocation("*")))
	in.Collections = collection()
	e := explained(t, in, explain.Question{})
	var got []string
	for _, p := range e.Probes() {
		got = append(got, p.Client+" "+p.Address.String())
	}
	if diff := cmp.Diff([]string{"in 192.0.2.0/24 192.0.2.0", "the provider's resolver invalid IP"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if err := e.Confirm(e.Probes()[0], explain.Confirmation{}, "{", nil); err == nil || len(e.Confirmations) > 0 {
		t.Errorf("broken reasons: %v, %+v", err, e.Confirmations)
	}
}
