package steer_test

import (
	"fmt"
	"maps"
	"math"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bulkhead-dns/bulkhead/geo"
	"github.com/bulkhead-dns/bulkhead/steer"
	"github.com/bulkhead-dns/bulkhead/zone"
)

func (w *world) clone() *world {
	c := *w
	c.zones, c.script = slices.Clone(w.zones), slices.Clone(w.script)
	c.balancers, c.unhealthy = maps.Clone(w.balancers), maps.Clone(w.unhealthy)
	c.collections = map[string]map[string][]netip.Prefix{}
	for id, locations := range w.collections {
		c.collections[id] = maps.Clone(locations)
	}
	c.records = map[string]*zone.Records{}
	for id, r := range w.records {
		c.records[id] = r.Copy()
	}
	return &c
}

// change makes one random change of the world, and the same one by an edit.
func (c *chooser) change(t *testing.T, w *world, e *steer.Edit) {
	t.Helper()
	switch c.below(11) {
	case 2: // a CIDR collection comes, changes or goes
		id := choose(c, "one", "two", "none")
		w.script = append(w.script, "# no collection "+id)
		delete(w.collections, id)
		if c.oneIn(3) {
			e.DeleteCIDRCollection(id)
			return
		}
		w.must(t, "blocks "+id+" "+choose(c, "north", "south", "inner", "west")+" "+
			choose(c, "10.0.0.0/8", "10.1.0.0/16 11.0.0.0/8"))
		w.must(t, "blocks "+id+" "+choose(c, "north", "south", "inner", "east")+" "+
			choose(c, "10.1.2.0/24", "10.2.0.0/15 2001:db8::/32"))
		if err := e.PutCIDRCollection(id, w.collections[id]); err != nil {
			t.Fatal(err)
		}
	case 0: // a zone comes or goes
		id, name := choose(c, "Z2", "Z3"), "example.com"
		if id == "Z2" {
			name = "a.example.com"
		}
		if w.records[id] == nil {
			w.must(t, "zone "+name+" "+id)
			e.PutZone(w.zones[len(w.zones)-1])
			for s := range w.records[id].From(zone.Key{}) {
				setGroup(t, e, id, s.Name, s.Type, w.records[id])
			}
			return
		}
		delete(w.records, id)
		w.zones = slices.DeleteFunc(w.zones, func(z zone.HostedZone) bool { return z.ID == id })
		w.script = append(w.script, "# no zone "+id)
		e.DeleteZone(id)
	case 1: // a load balancer comes, changes or goes
		name := choose(c, "lb0.elb.test", "lb1.elb.test")
		if c.oneIn(3) {
			delete(w.balancers, zone.MustParseName(name))
			w.script = append(w.script, "# no balancer "+name)
			e.DeleteLoadBalancer(zone.MustParseName(name))
			return
		}
		w.must(t, "balancer "+name+" ZELB "+choose(c, "198.51.100.1", "198.51.100.2 2001:db8::1", "2001:db8::1", ""))
		if err := e.PutLoadBalancer(w.balancers[zone.MustParseName(name)]); err != nil {
			t.Fatal(err)
		}
	default:
		if z, n, rrtype, ok := c.someGroup(t, w); ok {
			setGroup(t, e, z, n, rrtype, w.records[z])
		}
	}
}

// A view that was edited step by step answers as one that was built at once, and the views before it answer as they
// did.
func TestEditsGiveWhatAFreshViewGives(t *testing.T) {
	for seed := range uint64(100) {
		c := &chooser{randomBytes(seed, 4000)}
		w := c.someWorld(t)
		v := w.view(t)
		type version struct {
			w *world
			v *steer.View
		}
		var past []version
		for range 6 {
			past = append(past, version{w.clone(), v})
			e := v.Edit()
			for range 1 + c.below(8) {
				c.change(t, w, e)
			}
			v = e.Commit()
		}
		fresh := w.view(t)
		for range 25 {
			q := c.someQuery()
			got, _ := ask(t, v, w.table(v), q)
			want, _ := ask(t, fresh, w.table(fresh), q)
			if got, want := fmt.Sprintf("%+v", *got), fmt.Sprintf("%+v", *want); got != want {
				t.Fatalf("query %q %s: the edited view answers\n%s\na fresh one\n%s\n%s", q.Name, q.Type, got, want, w)
			}
		}
		for _, p := range append(past, version{w, v}) {
			p.w.agree(t, c, p.v, p.w.table(p.v), 8)
		}
	}
}

// A verdict's place does not change while views come and go.
func TestCheckIndexStays(t *testing.T) {
	e := steer.NewView(newWorld().atlas(t)).Edit()
	e.PutZone(zone.HostedZone{ID: "Z1", Name: "example.com."})
	first, target := e.Check("c1"), e.TargetHealth("lb.elb.test.")
	v := e.Commit()
	e = v.Edit()
	second := e.Check("c2")
	e.DeleteZone("Z1")
	v = e.Commit()
	for _, c := range []struct {
		name      string
		got, want steer.CheckIndex
	}{
		{"c1", v.Check("c1"), first},
		{"c2", v.Check("c2"), second},
		{"the target", v.TargetHealth("lb.elb.test."), target},
		{"the target by its other name", v.TargetHealth("dualstack.lb.elb.test."), target},
		{"what was never cited", v.Check("c3"), 0},
	} {
		if c.got != c.want {
			t.Errorf("the index of %s is %d; want %d", c.name, c.got, c.want)
		}
	}
	if first == 0 || second == 0 || target == 0 || first == second || first == target || second == target {
		t.Errorf("indexes %d, %d, %d: each needs its own, and 0 is no check", first, second, target)
	}
}

func TestSetGroupRefuses(t *testing.T) {
	ttl, weight, heavy := new(int64(60)), new(int64(1)), new(int64(256))
	a := func(s zone.ResourceRecordSet) *zone.ResourceRecordSet {
		if s.AliasTarget == nil && s.ResourceRecords == nil {
			s.TTL, s.ResourceRecords = ttl, []string{"192.0.2.1"}
		}
		return &s
	}
	alias := &zone.AliasTarget{HostedZoneID: "Z1", DNSName: "x.example.com."}
	for _, c := range []struct {
		want string
		zone string
		name zone.Name
		typ  zone.RRType
		sets []*zone.ResourceRecordSet
	}{
		{"hosted zone Z9 is not in the view", "Z9", "a.example.com.", zone.A, nil},
		{"a.example.org. is not in zone example.com.", "Z1", "a.example.org.", zone.A, nil},
		{`encountered with '192.0.2.256'`, "Z1", "a.example.com.", zone.A,
			[]*zone.ResourceRecordSet{a(zone.ResourceRecordSet{TTL: ttl,
				ResourceRecords: []string{"192.0.2.1", "192.0.2.256"}})}},
		{"needs a TTL in 0..2147483647", "Z1", "a.example.com.", zone.A,
			[]*zone.ResourceRecordSet{a(zone.ResourceRecordSet{ResourceRecords: []string{"192.0.2.1"}})}},
		{"0 values: a record set that is no alias needs 1 to 65535", "Z1", "a.example.com.", zone.A,
			[]*zone.ResourceRecordSet{a(zone.ResourceRecordSet{TTL: ttl, ResourceRecords: []string{}})}},
		{`set "x": weight 256 is not in 0..255`, "Z1", "a.example.com.", zone.A,
			[]*zone.ResourceRecordSet{a(zone.ResourceRecordSet{SetIdentifier: "x", Weight: heavy})}},
		{`set "y" is latency, others are weighted: a group has one policy`, "Z1", "a.example.com.", zone.A,
			[]*zone.ResourceRecordSet{a(zone.ResourceRecordSet{SetIdentifier: "x", Weight: weight}),
				a(zone.ResourceRecordSet{SetIdentifier: "y", Region: "eu-west-1"})}},
		{`set "x": geolocation {ContinentCode: CountryCode:DE SubdivisionCode:BY}: no continent`, "Z1", "a.example.com.",
			zone.A,
			[]*zone.ResourceRecordSet{a(zone.ResourceRecordSet{SetIdentifier: "x",
				GeoLocation: &zone.GeoLocation{CountryCode: "DE", SubdivisionCode: "BY"}})}},
		{`set "x": bias 100 is not in -99..99`, "Z1", "a.example.com.", zone.A,
			[]*zone.ResourceRecordSet{a(zone.ResourceRecordSet{SetIdentifier: "x",
				GeoProximityLocation: &zone.GeoProximityLocation{AWSRegion: "eu-west-1", Bias: new(int64(100))}})}},
		{`set "x": coordinates 91,0 are not within -90..90 and -180..180`, "Z1", "a.example.com.", zone.A,
			[]*zone.ResourceRecordSet{a(zone.ResourceRecordSet{SetIdentifier: "x",
				GeoProximityLocation: &zone.GeoProximityLocation{Coordinates: &zone.Coordinates{Latitude: "91",
					Longitude: "0"}}})}},
		{"needs an AWS Region, a Local Zone group or coordinates", "Z1", "a.example.com.", zone.A,
			[]*zone.ResourceRecordSet{a(zone.ResourceRecordSet{SetIdentifier: "x",
				GeoProximityLocation: &zone.GeoProximityLocation{}})}},
		{`a CIDR location needs a name, "*" for the default`, "Z1", "a.example.com.", zone.A,
			[]*zone.ResourceRecordSet{a(zone.ResourceRecordSet{SetIdentifier: "x",
				CidrRoutingConfig: &zone.CidrRoutingConfig{CollectionID: "C1"}})}},
		{`set "y" goes by CIDR collection C2, others by C1: a group has one collection`, "Z1", "a.example.com.", zone.A,
			[]*zone.ResourceRecordSet{
				a(zone.ResourceRecordSet{SetIdentifier: "x", CidrRoutingConfig: &zone.CidrRoutingConfig{CollectionID: "C1",
					LocationName: "*"}}),
				a(zone.ResourceRecordSet{SetIdentifier: "y", CidrRoutingConfig: &zone.CidrRoutingConfig{CollectionID: "C2",
					LocationName: "a"}})}},
		{"several simple record sets: more than one record set needs a routing policy", "Z1", "a.example.com.", zone.A,
			[]*zone.ResourceRecordSet{a(zone.ResourceRecordSet{}), a(zone.ResourceRecordSet{})}},
		{"weighted routing of NS: only simple routing is possible", "Z1", "a.example.com.", zone.NS,
			[]*zone.ResourceRecordSet{a(zone.ResourceRecordSet{Weight: weight})}},
		{"multivalue routing of CNAME", "Z1", "a.example.com.", zone.CNAME,
			[]*zone.ResourceRecordSet{a(zone.ResourceRecordSet{MultiValueAnswer: true})}},
		{"simple SOA cannot be an alias", "Z1", "example.com.", zone.SOA,
			[]*zone.ResourceRecordSet{a(zone.ResourceRecordSet{AliasTarget: alias})}},
		{"multivalue A cannot be an alias", "Z1", "a.example.com.", zone.A,
			[]*zone.ResourceRecordSet{a(zone.ResourceRecordSet{MultiValueAnswer: true, AliasTarget: alias})}},
	} {
		w := newWorld()
		w.must(t, "zone example.com Z1")
		w.must(t, "record a.example.com A 60 192.0.2.7")
		e := w.view(t).Edit()
		err := e.SetGroup(c.zone, c.name, c.typ, c.sets)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("SetGroup: %v; want an error with %q", err, c.want)
		}
		q := &steer.Query{Name: zone.MustParseName("a.example.com").AppendWire(nil), Type: zone.A}
		v := e.Commit()
		answer, _ := ask(t, v, nil, q)
		w.checkAgainstReference(t, q, answer) // the group is as it was
	}
}

// A collection that is refused leaves the one before it.
func TestPutCIDRCollectionRefuses(t *testing.T) {
	block := netip.MustParsePrefix("10.1.0.0/16")
	w := newWorld()
	for _, line := range []string{
		"zone example.com Z1",
		"blocks C1 office 10.1.0.0/16",
		"record a.example.com A 60 192.0.2.1 ; id=office cidr=C1/office",
		"record a.example.com A 60 192.0.2.2 ; id=world cidr=C1/*",
	} {
		w.must(t, line)
	}
	e := w.view(t).Edit()
	for want, locations := range map[string]map[string][]netip.Prefix{
		"CIDR collection C1: location b: block 10.1.0.0/16 is in location a already": {"a": {block}, "b": {block}},
		"CIDR collection C1: location a: 10.1.2.3/16 is not a CIDR block such as 192.0.2.0/24": {
			"a": {netip.MustParsePrefix("10.1.2.3/16")}},
		"CIDR collection C1: location a: invalid Prefix is not a CIDR block such as 192.0.2.0/24": {"a": {{}}},
	} {
		if err := e.PutCIDRCollection("C1", locations); err == nil || err.Error() != want {
			t.Errorf("PutCIDRCollection: %v; want %s", err, want)
		}
	}
	q := &steer.Query{Name: zone.MustParseName("a.example.com").AppendWire(nil), Type: zone.A,
		Client: netip.MustParsePrefix("10.1.2.3/32")}
	a, _ := ask(t, e.Commit(), nil, q)
	w.checkAgainstReference(t, q, a)
}

func TestPutLoadBalancerRefuses(t *testing.T) {
	for _, c := range []struct {
		want string
		lb   zone.LoadBalancer
	}{
		{`"": the name needs a label`, zone.LoadBalancer{}},
		{"Domain label is empty", zone.LoadBalancer{DNSName: "."}},
		{`address "fe80::1%eth0": an IPv4 or IPv6 address without zone is needed`,
			zone.LoadBalancer{DNSName: "lb.elb.test.", Addresses: []netip.Addr{netip.MustParseAddr("fe80::1%eth0")}}},
		{`address "invalid IP"`, zone.LoadBalancer{DNSName: "lb.elb.test.", Addresses: []netip.Addr{{}}}},
		{"Domain name is too long", zone.LoadBalancer{DNSName: zone.Name(strings.Repeat(strings.Repeat("x", 49)+".", 5))}},
	} {
		e := steer.NewView(newWorld().atlas(t)).Edit()
		if err := e.PutLoadBalancer(c.lb); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("PutLoadBalancer: %v; want an error with %q", err, c.want)
		}
	}
}

// A zone without an SOA set sends none, and not that of another zone.
// The service zone of an alias target does not hide a hosted zone of the same name, in whatever order they were added.
func TestHostedZonesAnswerBeforeServiceZones(t *testing.T) {
	w := newWorld()
	for _, line := range []string{
		"zone example.com Z1",
		"zone example.net Z2",
		"record www.example.com A 60 192.0.2.1",
		"alias cdn.example.net A edge.example.com ; id=1 primary zone=ZOUTSIDE eth",
		"alias cdn.example.net AAAA edge.example.com ; id=1 primary zone=ZOUTSIDE eth",
		"record cdn.example.net A 60 192.0.2.2 ; id=2 secondary",
		"balancer edge.example.com ZOUTSIDE 198.51.100.1 2001:db8::1",
	} {
		w.must(t, line)
	}
	queries := map[string]string{"www.example.com": "192.0.2.1", "cdn.example.net": "198.51.100.1"}
	fresh := w.view(t)
	e := fresh.Edit()
	e.DeleteZone("Z1")
	e.PutZone(w.zones[0])
	for s := range w.records["Z1"].From(zone.Key{}) {
		setGroup(t, e, "Z1", s.Name, s.Type, w.records["Z1"])
	}
	for _, v := range []*steer.View{fresh, e.Commit()} {
		for name, want := range queries {
			q := &steer.Query{Name: zone.MustParseName(name).AppendWire(nil), Type: zone.A}
			a, _ := ask(t, v, nil, q)
			w.checkAgainstReference(t, q, a)
			if got := answerOf(t, q, a); len(got) != 1 || got[0].value != want {
				t.Errorf("%s: %v; want %s", name, got, want)
			}
		}
		q := &steer.Query{Name: zone.MustParseName("cdn.example.net").AppendWire(nil), Type: zone.AAAA}
		a, _ := ask(t, v, nil, q)
		if got := answerOf(t, q, a); len(got) != 1 || got[0].value != "2001:db8::1" {
			t.Errorf("the IPv6 address: %v; want 2001:db8::1", got)
		}
	}
}

func TestNegativeAnswerWithoutSOA(t *testing.T) {
	w := newWorld()
	w.must(t, "zone example.com Z1")
	e := w.view(t).Edit()
	if err := e.SetGroup("Z1", "example.com.", zone.SOA, nil); err != nil {
		t.Fatal(err)
	}
	q := &steer.Query{Name: zone.MustParseName("a.example.com").AppendWire(nil), Type: zone.A}
	if a, _ := ask(t, e.Commit(), nil, q); a.Outcome != steer.NXDomain || a.SOA.Count != 0 {
		t.Errorf("%v with %d SOA records; want NXDOMAIN with none", a.Outcome, a.SOA.Count)
	}
}

// A zone that is put again keeps its groups; under another name it starts empty.
func TestPutZoneAgain(t *testing.T) {
	w := newWorld()
	w.must(t, "zone example.com Z1")
	w.must(t, "record a.example.com A 60 192.0.2.1")
	outcome := func(v *steer.View, name string) steer.Outcome {
		a, _ := ask(t, v, nil, &steer.Query{Name: zone.MustParseName(name).AppendWire(nil), Type: zone.A})
		return a.Outcome
	}
	e := w.view(t).Edit()
	e.PutZone(zone.HostedZone{ID: "Z1", Name: "example.com.", Comment: "new"})
	v := e.Commit()
	if o := outcome(v, "a.example.com"); o != steer.Answered {
		t.Errorf("after the zone was put again its name is %v", o)
	}
	e.PutZone(zone.HostedZone{ID: "Z1", Name: "example.net."})
	v = e.Commit()
	if o, p := outcome(v, "a.example.com"), outcome(v, "a.example.net"); o != steer.Refused || p != steer.NXDomain {
		t.Errorf("after the zone moved its names are %v and %v; want REFUSED and NXDOMAIN", o, p)
	}
}

// Each possible answer is as frequent as in the reference, within six standard deviations. r53: A.5, A.2 step 5.
func TestChanceIsAsTheReferenceSays(t *testing.T) {
	const runs = 5000
	checked := 0
	for seed := range uint64(200) {
		c := &chooser{randomBytes(seed+1000, 2000)}
		w := c.someWorld(t)
		v := w.view(t)
		table := w.table(v)
		for range 30 {
			q := c.someQuery()
			possible := w.reference(t, q)
			if len(possible) < 2 {
				continue
			}
			checked++
			counts := make([]int, len(possible))
			seen := map[string]int{} // which possible answer it is, by the answer
			var a steer.Answer
			for i := range uint64(runs) {
				q.Rand = i << 32
				steer.Decide(v, table, q, &a)
				key := []byte{byte(a.Outcome)}
				for _, l := range a.Links[:a.N] {
					key = append(key, l.RRs.Wire...)
				}
				at, ok := seen[string(key)]
				if !ok {
					at = slices.IndexFunc(possible, func(want refAnswer) bool { return w.differs(t, q, &a, want) == "" })
					seen[string(key)] = at
				}
				if at < 0 {
					t.Fatalf("query %q %s: an answer that the reference does not have\n%s", q.Name, q.Type, w)
				}
				counts[at]++
			}
			for i, want := range possible {
				mean := runs * want.probability
				if off := math.Abs(float64(counts[i]) - mean); off > 6*math.Sqrt(mean*(1-want.probability))+1 {
					t.Errorf("query %q %s: %d of %d answers are %+v; want %.0f\n%s", q.Name, q.Type, counts[i], runs, want, mean, w)
				}
			}
		}
	}
	if checked < 20 {
		t.Errorf("only %d queries with several answers: the test says nothing", checked)
	}
}

// A tree of groups that cite each other cannot make a decision long: with 30 members at each of seven levels, an
// unbounded decision would take hours. A tree that people build, of two such levels, is decided in full.
func TestHealthTestsAreBounded(t *testing.T) {
	w := newWorld()
	w.must(t, "zone example.com Z1")
	const levels = 7
	for i := range levels {
		for j := range 30 {
			w.must(t, fmt.Sprintf("alias l%d.example.com A l%d.example.com ; id=m%02d weight=1 eth", i, i+1, j))
		}
	}
	w.must(t, fmt.Sprintf("record l%d.example.com A 60 192.0.2.1 ; id=1 weight=1 check=c1", levels))
	w.must(t, "unhealthy c1")
	v := w.view(t)
	decide := func(level int) steer.Answer {
		name := zone.MustParseName(fmt.Sprintf("l%d.example.com", level))
		q := &steer.Query{Name: name.AppendWire(nil), Type: zone.A}
		var a steer.Answer
		began := time.Now()
		steer.Decide(v, w.table(v), q, &a)
		if took := time.Since(began); took > 10*time.Second { // some hundred microseconds on a machine of 2020
			t.Errorf("the decision for l%d took %v", level, took)
		}
		return a
	}
	if a := decide(0); a.Outcome != steer.ServFail || a.FailOpen {
		t.Errorf("seven levels: %v, FailOpen %v; want SERVFAIL", a.Outcome, a.FailOpen)
	}
	if a := decide(levels - 2); a.Outcome != steer.Answered || !a.FailOpen {
		t.Errorf("two levels: %v, FailOpen %v; want answered by fail-open", a.Outcome, a.FailOpen)
	}
}

func TestMalformedNamesAreRefused(t *testing.T) {
	w := newWorld()
	w.zones = append(w.zones, zone.HostedZone{ID: "Z0", Name: "."})
	w.records["Z0"] = zone.NewRecords()
	v := w.view(t)
	long := append(slices.Repeat([]byte{1, 'a'}, 127), 0)
	for _, c := range []struct {
		name []byte
		want steer.Outcome
	}{
		{nil, steer.Refused},
		{[]byte{1, 'a'}, steer.Refused},
		{[]byte{1, 'a', 0, 0}, steer.Refused},
		{[]byte{5, 'a', 0}, steer.Refused},
		{[]byte{0xc0, 12}, steer.Refused},
		{slices.Concat([]byte{1, 'a'}, long), steer.Refused},
		{long, steer.NXDomain},
		{[]byte{0}, steer.NoData},
	} {
		if a, _ := ask(t, v, nil, &steer.Query{Name: c.name, Type: zone.A}); a.Outcome != c.want {
			t.Errorf("name %q: %v; want %v", c.name, a.Outcome, c.want)
		}
	}
}

// A positive answer has the zone's NS set as authority, except if the answer is that set. r53: A.12.
func TestPositiveAnswersCarryTheZonesNameServers(t *testing.T) {
	w := newWorld()
	w.must(t, "zone example.com Z1")
	w.must(t, "record a.example.com A 60 192.0.2.1")
	w.must(t, "balancer lb.elb.test ZELB 192.0.2.1")
	v := w.view(t)
	for _, c := range []struct {
		name string
		typ  zone.RRType
		want int
	}{
		{"a.example.com", zone.A, 2},
		{"a.example.com", zone.AAAA, 0},
		{"b.example.com", zone.A, 0},
		{"example.com", zone.SOA, 2},
		{"example.com", zone.NS, 0},
		{"example.com", anyType, 0}, // the NS set is what ANY is answered with
		{"lb.elb.test", zone.A, 0},
	} {
		q := &steer.Query{Name: zone.MustParseName(c.name).AppendWire(nil), Type: c.typ}
		if a, _ := ask(t, v, nil, q); a.NS.Count != c.want {
			t.Errorf("%s %s: %d name servers in authority; want %d", c.name, c.typ, a.NS.Count, c.want)
		}
	}
}

// Decide allocates nothing, whatever groups it visits. The names are long, so that no small buffer hides a copy.
func TestDecideAllocatesNothing(t *testing.T) {
	w := newWorld()
	const tail = ".a-label-that-is-quite-long.another-label-that-is-long.example.com"
	for _, line := range []string{
		"place near ; region=eu-west-1 subnet=10.1.0.0/16",
		"zone example.com Z1",
		"balancer demoalb-1234567890.eu-west-1.elb.amazonaws.com Z32O12XQLNTSW2 198.51.100.1 198.51.100.2",
		"record simple" + tail + " A 60 192.0.2.1 192.0.2.2",
		"record weighted" + tail + " A 60 192.0.2.1 ; id=1 weight=1 check=down",
		"record weighted" + tail + " A 60 192.0.2.2 ; id=2 weight=0",
		"record failover" + tail + " A 60 192.0.2.1 ; id=1 primary check=down",
		"record failover" + tail + " A 60 192.0.2.2 ; id=2 secondary check=down",
		"record multi" + tail + " A 60 192.0.2.1 ; id=1 multivalue",
		"record multi" + tail + " A 30 192.0.2.2 ; id=2 multivalue",
		"alias latency" + tail + " A failover" + tail + " ; id=1 region=eu-west-1 eth",
		"alias latency" + tail + " A weighted" + tail + " ; id=2 region=eu-central-1 eth",
		"alias tree" + tail + " A latency" + tail + " ; id=1 primary eth",
		"alias tree" + tail + " A demoalb-1234567890.eu-west-1.elb.amazonaws.com ; id=2 secondary zone=Z32O12XQLNTSW2 eth",
		"record *.wild" + tail + " CNAME 60 tree" + tail,
		"record www" + tail + " CNAME 60 x.wild" + tail,
		"alias loop" + tail + " A loop" + tail,
		"place home ; country=US-VA at=39.04,-77.49 subnet=10.2.0.0/16",
		"record area" + tail + " A 60 192.0.2.1 ; id=1 country=US-VA check=down",
		"record area" + tail + " A 60 192.0.2.2 ; id=2 continent=NA",
		"record near" + tail + " A 60 192.0.2.1 ; id=1 near=us-east-1 bias=-20",
		"record near" + tail + " A 60 192.0.2.2 ; id=2 at=12.34,56.78",
		"blocks 4b2f7c1e-9a35-4d1c-8c0e-2f6b7d8e9a01 office 10.0.0.0/8",
		"blocks 4b2f7c1e-9a35-4d1c-8c0e-2f6b7d8e9a01 lab 10.1.0.0/16 2001:db8::/32",
		"alias blocks" + tail + " A near" + tail + " ; id=1 cidr=4b2f7c1e-9a35-4d1c-8c0e-2f6b7d8e9a01/lab eth",
		"alias blocks" + tail + " A area" + tail + " ; id=2 cidr=4b2f7c1e-9a35-4d1c-8c0e-2f6b7d8e9a01/* eth",
		"record sub" + tail + " NS 60 ns.sub" + tail,
		"record ns.sub" + tail + " A 60 192.0.2.1",
		"unhealthy down demoalb-1234567890.eu-west-1.elb.amazonaws.com.",
	} {
		w.must(t, line)
	}
	v := w.view(t)
	table := w.table(v)
	outcomes := map[steer.Outcome]bool{}
	for _, label := range []string{"simple", "weighted", "failover", "multi", "latency", "tree", "x.y.wild", "www", "loop",
		"sub", "nothing", "area", "near", "blocks"} {
		for i, rrtype := range []zone.RRType{zone.A, zone.A, zone.A, zone.AAAA, anyType} {
			client := netip.MustParsePrefix([]string{"10.1.2.3/20", "10.2.2.3/20", "2001:db8::1/20"}[i%3])
			q := &steer.Query{Name: zone.MustParseName(label + tail).AppendWire(nil), Type: rrtype, Client: client, ECS: true}
			var a steer.Answer
			allocs := testing.AllocsPerRun(50, func() {
				q.Rand++
				steer.Decide(v, table, q, &a)
			})
			if allocs != 0 {
				t.Errorf("%s %s from %s: %v allocations; want 0", label, rrtype, client, allocs)
			}
			outcomes[a.Outcome] = true
		}
	}
	if len(outcomes) != 5 {
		t.Errorf("the queries had the outcomes %v; want all but REFUSED", outcomes)
	}
}

func TestAtlasIsTheViews(t *testing.T) {
	atlas, err := geo.New(geo.Options{})
	if err != nil {
		t.Fatal(err)
	}
	v := steer.NewView(atlas)
	if v.Atlas() != atlas || v.Edit().Commit().Atlas() != atlas {
		t.Error("a view decides by another atlas than it was given")
	}
}
