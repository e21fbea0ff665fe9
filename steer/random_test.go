package steer_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/bulkhead-dns/bulkhead/steer"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// A chooser makes choices out of bytes, so that a fuzzer can make them.
type chooser struct{ data []byte }

func (c *chooser) below(n int) int {
	if len(c.data) == 0 {
		return 0
	}
	b := int(c.data[0])
	c.data = c.data[1:]
	return b % n
}

func (c *chooser) oneIn(n int) bool { return c.below(n) == n-1 }

func choose[T any](c *chooser, from ...T) T { return from[c.below(len(from))] }

func randomBytes(seed uint64, n int) []byte {
	src := rand.New(rand.NewPCG(seed, 7))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(src.Uint32())
	}
	return b
}

// someName is a name of a few labels out of a small alphabet, so that names collide, nest and are covered by wildcards.
func (c *chooser) someName() string {
	name := "example.com"
	for range choose(c, 1, 1, 1, 2, 2, 3, 0) {
		name = choose(c, "a", "b", "c", "a", "b", "*") + "." + name
	}
	return name
}

// someWorld builds a world with every policy, aliases, wildcards, CNAMEs, delegations and load balancers.
func (c *chooser) someWorld(t testing.TB) *world {
	w := newWorld()
	lines := []string{
		"place one ; source=10.0.0.0/8 subnet=10.0.0.0/8 eu-west-1=5 eu-central-1=20 at=53,-6 country=" +
			choose(c, "US-VA", "US", "US-CA", "CN"),
		"place two ; source=11.0.0.0/8 subnet=10.2.0.0/16 eu-west-1=20 eu-central-1=5 us-east-1=5 region=us-east-1 country=" +
			choose(c, "DE", "FR", "CA", "TR"),
		"zone example.com Z1",
		"blocks one north 10.0.0.0/8 2001:db8::/32",
		"blocks one south 10.1.0.0/16 11.0.0.0/8 203.0.113.0/24",
		"blocks one inner 10.1.1.0/24 2001:db8:1::/48",
		"blocks two north 10.2.0.0/16",
	}
	if c.oneIn(3) {
		lines = append(lines, "zone a.example.com Z2")
	}
	if c.oneIn(5) {
		lines = append(lines, "zone example.com Z3")
	}
	for i := range c.below(3) {
		lines = append(lines, fmt.Sprintf("balancer lb%d.elb.test ZELB %s", i,
			choose(c, "198.51.100.1", "198.51.100.1 2001:db8::1", "2001:db8::1 2001:db8::2", "")))
	}
	for _, line := range lines {
		w.must(t, line)
	}
	for range 2 + c.below(14) {
		c.someGroup(t, w)
	}
	for _, subject := range []string{"c1", "c2", "c3", "lb0.elb.test.", "lb1.elb.test."} {
		if c.oneIn(2) {
			w.must(t, "unhealthy "+subject)
		}
	}
	return w
}

func (w *world) must(t testing.TB, line string) {
	t.Helper()
	if err := w.command(line); err != nil {
		t.Fatalf("%q: %v", line, err)
	}
}

// someGroup adds or replaces a group, or removes it now and then, and says which.
func (c *chooser) someGroup(t testing.TB, w *world) (zoneID string, n zone.Name, rrtype zone.RRType, changed bool) {
	name := c.someName()
	n = zone.MustParseName(name)
	typ := choose(c, "A", "A", "A", "A", "AAAA", "TXT", "CNAME", "CNAME", "NS")
	rrtype, _ = zone.ParseRRType(typ)
	z, _ := w.zoneFor(n)
	apex := n == z.Name
	isCNAME := w.records[z.ID].Group(n, zone.CNAME) != nil
	others := slices.ContainsFunc(w.all(z), func(s *zone.ResourceRecordSet) bool {
		return s.Name == n && s.Type != zone.CNAME
	})
	if (typ == "CNAME") != isCNAME && (isCNAME || others) || apex && typ == "CNAME" ||
		typ == "NS" && (apex || strings.HasPrefix(name, "*")) {
		return "", "", 0, false // the API refuses it
	}
	w.must(t, "remove "+name+" "+typ)
	if c.oneIn(6) {
		return z.ID, n, rrtype, true
	}
	policy := choose(c, "simple", "simple", "weight", "region", "failover", "multivalue", "geolocation", "cidr", "near")
	if typ == "NS" || typ == "CNAME" && policy == "multivalue" {
		policy = "simple"
	}
	members := map[string]int{"simple": 1, "weight": 1 + c.below(4), "region": 1 + c.below(3), "failover": 1 + c.below(2),
		"multivalue":  1 + c.below(11),
		"geolocation": 1 + c.below(6), "cidr": 1 + c.below(4), "near": 1 + c.below(4)}[policy]
	if typ == "CNAME" {
		members = min(members, 2) // chains of eight branch enough
	}
	regions := []string{"us-east-1", "eu-west-1", "eu-central-1", "cn-north-1"}[c.below(2):]
	locations := []string{"continent=NA", "country=US", "country=DE", "country=US-VA", "continent=EU", "country=*"}
	if c.oneIn(2) {
		slices.Reverse(locations)
	}
	collection := choose(c, "one", "one", "one", "two", "none")
	blocks := []string{"north", "south", "inner", "*"}[c.below(2):]
	if policy == "cidr" {
		members = min(members, len(blocks))
	}
	for i := range members {
		var options []string
		switch policy {
		case "weight":
			options = append(options, "weight="+choose(c, "1", "0", "3", "255"))
		case "region":
			options = append(options, "region="+regions[i])
		case "geolocation":
			options = append(options, locations[i])
		case "near":
			options = append(options, choose(c, "near=eu-west-1", "near=us-east-1", "near=us-east-1", "near=mars-1",
				"at=48.14,11.58", "at=0,-180", "localzone=us-west-2-lax-1", "localzone=us-east-1-xyz-1"))
			if c.oneIn(2) {
				options = append(options, "bias="+choose(c, "50", "-50", "99", "-99", "7", "-3"))
			}
		case "cidr":
			options = append(options, "cidr="+collection+"/"+blocks[len(blocks)-1-i])
		case "failover":
			options = append(options, []string{"primary", "secondary"}[(i+c.below(2)*(2-members))%2])
		case "multivalue":
			options = append(options, "multivalue")
		}
		if policy != "simple" {
			options = append(options, fmt.Sprintf("id=m%02d", i))
			if !c.oneIn(3) {
				options = append(options, "check="+choose(c, "c1", "c2", "c3"))
			}
		}
		w.must(t, c.someMember(name, typ, i, policy, options))
	}
	return z.ID, n, rrtype, true
}

// someMember is the line of one member.
func (c *chooser) someMember(name, rrtype string, i int, policy string, options []string) string {
	if rrtype != "NS" && policy != "multivalue" && c.oneIn(2) {
		target := c.someName()
		if c.oneIn(3) {
			target = choose(c, "lb0.elb.test", "lb1.elb.test", "dualstack.lb0.elb.test")
			options = append(options, "zone="+choose(c, "ZELB", "ZELB", "ZELB", "ZELB", "ZOTHER"))
		}
		if !c.oneIn(3) {
			options = append(options, "eth")
		}
		return fmt.Sprintf("alias %s %s %s ; %s", name, rrtype, target, strings.Join(options, " "))
	}
	var value string
	number := c.below(100)*16 + i // different for the members of a group
	switch rrtype {
	case "A":
		value = fmt.Sprintf("192.0.%d.%d", number/256, number%256)
		if c.oneIn(4) {
			value += fmt.Sprintf(" 203.0.%d.%d", number/256, number%256)
		}
	case "AAAA":
		value = fmt.Sprintf("2001:db8::%x", number+1)
	case "TXT":
		value = fmt.Sprintf("%q", fmt.Sprint(number))
	case "CNAME":
		value = string(zone.MustParseName(choose(c, c.someName(), c.someName(), c.someName(), "example.org")))
	case "NS":
		value = choose(c, "a."+name, "ns.example.org", "ns.example.org. a."+name) + "."
		value = strings.ReplaceAll(value, "*", `\052`)
	}
	return fmt.Sprintf("record %s %s %s %s ; %s", name, rrtype, choose(c, "60", "60", "300"), value,
		strings.Join(options, " "))
}

// someQuery asks for a name of the alphabet.
func (c *chooser) someQuery() *steer.Query {
	name := c.someName()
	if c.oneIn(8) {
		name = choose(c, "example.org", "com", "lb0.elb.test", "dualstack.lb1.elb.test", "elb.test", "other.elb.test")
	}
	return &steer.Query{
		Name: zone.MustParseName(name).AppendWire(nil),
		Type: choose(c, zone.A, zone.A, zone.A, zone.A, zone.AAAA, zone.TXT, zone.CNAME, zone.NS, zone.SOA, zone.DS,
			anyType, 65280),
		Client: c.someClient(),
		ECS:    c.oneIn(2),
		Rand:   uint64(c.below(256)),
	}
}

// someClient is a client of whom the whole address is known, or only a part of it.
func (c *chooser) someClient() netip.Prefix {
	addr := netip.MustParseAddr(choose(c, "10.1.1.1", "10.1.2.1", "10.2.1.1", "11.1.1.1", "203.0.113.1", "2001:db8::1",
		"2001:db8:1::1"))
	return netip.PrefixFrom(addr, choose(c, addr.BitLen(), addr.BitLen(), 7, 8, 16, 20, 24, 32))
}

// agree checks some queries of a view against the reference. It returns how many of them ended because they took too
// many health tests: a bound on time that the reference does not have.
func (w *world) agree(t testing.TB, c *chooser, v *steer.View, table *steer.Table, queries int) (bounded int) {
	t.Helper()
	for range queries {
		q := c.someQuery()
		a, trace := ask(t, v, table, q)
		if a.Outcome == steer.ServFail && strings.Contains(trace.Rule, "10000 tests") {
			bounded++
			continue
		}
		w.checkAgainstReference(t, q, a)
		checkInvariants(t, q, a, trace)
		checkScope(t, v, table, q, a)
	}
	return bounded
}

// elsewhere is in the trace of a member that does not apply to the client.
const elsewhere = "not in it)"

// checkInvariants holds for every answer, whatever the world.
func checkInvariants(t testing.TB, q *steer.Query, a *steer.Answer, trace *steer.Trace) {
	t.Helper()
	open := false
	for _, s := range trace.Steps {
		open = open || s.FailOpen
		picked := 0
		for _, m := range s.Members {
			if m.Picked {
				picked++
			}
			if m.Picked && strings.Contains(m.Why, elsewhere) {
				t.Fatalf("%s %s: %q is picked for a client elsewhere: %s", s.Name, s.Type, m.SetIdentifier, m.Why)
			}
			if m.Picked && !m.Healthy && !s.FailOpen {
				t.Fatalf("%s %s: unhealthy %q is picked without fail-open (r53: A.4)", s.Name, s.Type, m.SetIdentifier)
			}
			if m.Healthy && s.FailOpen && !strings.Contains(m.Why, elsewhere) {
				t.Fatalf("%s %s: fail-open, but %q is healthy (r53: A.4)", s.Name, s.Type, m.SetIdentifier)
			}
		}
		if picked == 0 && a.Outcome != steer.NoData || picked > 8 || picked > 1 && s.Policy != "multivalue" {
			t.Fatalf("%s %s, %s: %d members picked", s.Name, s.Type, s.Policy, picked)
		}
	}
	if a.FailOpen != open && a.Outcome != steer.ServFail {
		t.Fatalf("FailOpen is %v, a step with it is %v", a.FailOpen, open)
	}
	if a.Outcome == steer.Answered && (a.N == 0 || a.Healthy == a.FailOpen) {
		t.Fatalf("answered with %d links, Healthy %v, FailOpen %v", a.N, a.Healthy, a.FailOpen)
	}
	if trace.Rule == "" || a.ZoneID != "" && trace.Zone == "" {
		t.Fatalf("query %q: a trace without a rule or zone: %+v", q.Name, trace)
	}
}

// checkScope asks for the first and the last client in the network of the scope: both must get the same answer (RFC
// 7871 section 7.2.1).
func checkScope(t testing.TB, v *steer.View, table *steer.Table, q *steer.Query, a *steer.Answer) {
	t.Helper()
	if !a.Located {
		return
	}
	cell, err := q.Client.Addr().Prefix(a.Scope)
	if err != nil {
		t.Fatal(err)
	}
	first := cell.Addr().AsSlice()
	last := slices.Clone(first)
	for i := cell.Bits(); i < 8*len(last); i++ {
		last[i/8] |= 1 << (7 - i%8)
	}
	for _, addr := range [][]byte{first, last} {
		neighbour := *q
		at, _ := netip.AddrFromSlice(addr)
		neighbour.Client = netip.PrefixFrom(at, q.Client.Bits())
		var b steer.Answer
		steer.Decide(v, table, &neighbour, &b)
		b.Place = a.Place // the place may be another, as long as the answer is the same
		b.Scope = a.Scope
		if got, want := fmt.Sprintf("%+v", b), fmt.Sprintf("%+v", *a); got != want {
			t.Fatalf("%s gets this answer with scope %d, but %s gets another:\n%s\n%s", q.Client, a.Scope, neighbour.Client,
				want, got)
		}
	}
}

func TestRandomWorldsAgreeWithTheReference(t *testing.T) {
	const worlds, queries = 300, 40
	bounded := 0
	for seed := range uint64(worlds) {
		c := &chooser{randomBytes(seed, 2000)}
		w := c.someWorld(t)
		v := w.view(t)
		bounded += w.agree(t, c, v, w.table(v), queries)
	}
	if bounded > worlds*queries/100 {
		t.Errorf("%d of %d queries ended at the bound on health tests: the test says nothing", bounded, worlds*queries)
	}
}

func FuzzDecide(f *testing.F) {
	for seed := range uint64(5) {
		f.Add(randomBytes(seed, 500))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c := &chooser{data}
		w := c.someWorld(t)
		v := w.view(t)
		w.agree(t, c, v, w.table(v), 10)
	})
}

// Picks are the picked members of the trace.
func TestPicksAreThoseOfTheTrace(t *testing.T) {
	type pick struct {
		step     int
		name, id string
	}
	for seed := range uint64(300) {
		c := &chooser{randomBytes(seed, 4000)}
		w := c.someWorld(t)
		v := w.view(t)
		table := w.table(v)
		for range 20 {
			name := zone.MustParseName(c.someName())
			q := steer.Query{Name: name.AppendWire(nil), Type: choose(c, zone.A, zone.AAAA, zone.CNAME),
				Rand:   uint64(c.below(256)),
				Client: netip.MustParsePrefix(choose(c, "10.1.1.1/32", "11.0.0.1/32", "203.0.113.7/32"))}
			var a, b steer.Answer
			var want, got []pick
			for i, step := range steer.Explain(v, table, &q, &a).Steps {
				for _, m := range step.Members {
					if m.Picked {
						want = append(want, pick{i, step.Name, m.SetIdentifier})
					}
				}
			}
			for _, p := range steer.Picks(v, table, &q, &b, nil) {
				if n, _, err := zone.NameFromWire([]byte(p.Name)); err == nil && !p.None {
					got = append(got, pick{p.Step, string(n), p.SetIdentifier})
				}
			}
			if !slices.Equal(want, got) || a.Outcome != b.Outcome || a.FailOpen != b.FailOpen {
				t.Fatalf("seed %d, %s: trace %v %s, picks %v %s", seed, name, want, a.Outcome, got, b.Outcome)
			}
		}
	}
}
