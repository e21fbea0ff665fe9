package zone

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Each case is a batch that is accepted in one order and refused in the other, with the text of the refusal. r53: C.6.
func TestOrderWithinABatch(t *testing.T) {
	v1 := values("192.0.2.1")
	www := set("www", A, values("192.0.2.1", "192.0.2.2"))
	cname := set("cname", CNAME, values("target.example.net"))
	weightedA, weightedB := set("weighted", A, v1, weight("a", 1)), set("weighted", A, values("192.0.2.2"), weight("b", 1))
	latencyEU, latencyUS := set("latency", A, v1, region("eu", "eu-west-1")),
		set("latency", A, values("192.0.2.2"), region("us", "us-east-1"))
	secondary := set("failover", A, values("192.0.2.2"), failover("s", Secondary))
	multi1 := set("multi", A, v1, multi("m1"))
	japan := set("geo", A, v1, inCountry("jp", "JP"))
	ipEU, ipRest := set("cidr", A, v1, clients("eu", "c1", "eu")), set("cidr", A, v1, clients("rest", "c1", "*"))
	for _, c := range []struct {
		rule    string
		changes []Change // accepted in this order
		want    string   // the refusal in the reverse order
	}{
		{"simple to weighted", []Change{remove(www), create(set("www", A, v1, weight("a", 1)))},
			"RRSet with DNS name www.example.com., type A, SetIdentifier a cannot be created as a non-weighted set exists " +
				"with the same name and type."},
		{"weighted to simple", []Change{remove(weightedA), remove(weightedB), create(set("weighted", A, v1))},
			"RRSet with DNS name weighted.example.com., type A cannot be created as other RRSets exist with the same name and " +
				"type."},
		{"weighted to simple by UPSERT", []Change{remove(weightedA), remove(weightedB), upsert(set("weighted", A, v1))},
			"RRSet with DNS name weighted.example.com., type A cannot be created as other RRSets exist with the same name and " +
				"type."},
		{"A to CNAME", []Change{remove(www), create(set("www", CNAME, values("x.example.net")))},
			"RRSet of type CNAME with DNS name www.example.com. is not permitted as it conflicts with other records with the " +
				"same DNS name in zone example.com."},
		{"CNAME to A", []Change{remove(cname), create(set("cname", A, v1))},
			"RRSet of type A with DNS name cname.example.com. is not permitted because a conflicting RRSet of type CNAME with " +
				"the same DNS name already exists in zone example.com."},
		{"one member takes another policy than the rest, which goes",
			[]Change{remove(latencyUS), upsert(set("latency", A, v1, weight("eu", 1)))},
			"RRSet with DNS name latency.example.com., type A, SetIdentifier eu cannot be created as a non-weighted set " +
				"exists with the same name and type."},
		{"weighted to failover", []Change{remove(weightedA), remove(weightedB),
			create(set("weighted", A, v1, failover("f", Secondary)))},
			"RRSet with DNS name weighted.example.com., type A, SetIdentifier f marked as secondary cannot be created because " +
				"a non-failover RRSet with the same name and type already exists."},
		{"simple to multivalue", []Change{remove(www), create(set("www", A, v1, multi("a")))},
			"RRSet with DNS name www.example.com., type A, SetIdentifier a cannot be created because a non multivalue answer " +
				"rrset exists with the same name and type."},
		{"multivalue to weighted", []Change{remove(multi1), create(set("multi", A, v1, weight("w", 1)))},
			"RRSet with DNS name multi.example.com., type A, SetIdentifier w cannot be created as a non-weighted set exists " +
				"with the same name and type."},
		{"another identifier for a Region", []Change{remove(latencyEU),
			create(set("latency", A, v1, region("ie", "eu-west-1")))},
			"RRSet with DNS name latency.example.com., type A, SetIdentifier ie, and Region Name=eu-west-1 cannot be created " +
				"because a latency RRSet with the same name, type and region already exists."},
		{"another identifier for a role", []Change{remove(secondary),
			create(set("failover", A, v1, failover("s2", Secondary)))},
			"RRSet with DNS name failover.example.com., type A, SetIdentifier s2 marked as secondary cannot be created " +
				"because a failover RRSet with the same name, type and failover already exists."},
		{"another identifier for a country", []Change{remove(japan), create(set("geo", A, v1, inCountry("nippon", "JP")))},
			"RRSet with DNS name geo.example.com., type A, SetIdentifier nippon, and routing to [country = (JP, Japan)} " +
				"cannot be created because a GEO RRSet with the same name, type and routing to [country = (JP, Japan)} already " +
				"exists."},
		{"another identifier for a CIDR location", []Change{remove(ipEU),
			create(set("cidr", A, v1, clients("eu2", "c1", "eu")))},
			"RRSet with DNS name cidr.example.com., type A, SetIdentifier eu2, and routing to [collection = (c1), location = " +
				"(eu)} cannot be created because an IP-based RRSet with the same name, type and routing to [collection = (c1), " +
				"location = (eu)} already exists."},
		{"another CIDR collection", []Change{remove(ipEU), remove(ipRest),
			create(set("cidr", A, v1, clients("all", "c2", "*")))},
			"RRSet with DNS name cidr.example.com., type A, SetIdentifier all, and routing to [collection = (c2), location = " +
				"(*)} cannot be created because an IP-based RRSet with the same name and type uses another CIDR collection, c1."},
		{"another TTL", []Change{remove(weightedA), remove(weightedB),
			create(set("weighted", A, v1, ttl(60), weight("c", 1)))},
			"RRSet with DNS name weighted.example.com., type A, SetIdentifier c cannot be created as weighted sets must " +
				"contain the same TTL."},
		{"an alias and its new target", []Change{create(set("new", A, v1)),
			create(set("to", A, alias(ownZone, "new.example.com", false)))},
			"Tried to create an alias that targets new.example.com., type A in zone Z1EXAMPLE, but that target was not found"},
		{"an alias and its target that is UPSERTed", []Change{upsert(set("www", A, v1)),
			create(set("to", A, alias(ownZone, "www.example.com", false)))},
			"Tried to create an alias that targets www.example.com., type A in zone Z1EXAMPLE, but that target was not found"},
		{"an alias of an alias", []Change{
			create(set("b", A, alias(ownZone, "www.example.com", false))),
			create(set("a", A, alias(ownZone, "b.example.com", false)))},
			"Tried to create an alias that targets b.example.com., type A in zone Z1EXAMPLE, but that target was not found"},
		{"an alias member after its target", []Change{
			create(set("new", A, v1)), create(set("weighted", A, alias(ownZone, "new.example.com", true), weight("c", 1)))},
			"Tried to create an alias that targets new.example.com., type A in zone Z1EXAMPLE, but that target was not found"},
	} {
		next, _, err := locatedRecords().Apply(exampleZone(), c.changes, locatedFacts())
		if err != nil {
			t.Errorf("%s: %v", c.rule, err)
			continue
		}
		for _, change := range c.changes {
			if _, there := next.Get(change.ResourceRecordSet.Key()); there == (change.Action == Delete) {
				t.Errorf("%s: %s %s is there %v afterwards", c.rule, change.Action, identity(&change.ResourceRecordSet), there)
			}
		}
		reversed := slices.Clone(c.changes)
		slices.Reverse(reversed)
		_, _, err = locatedRecords().Apply(exampleZone(), reversed, locatedFacts())
		var refused *InvalidChangeBatch
		if !errors.As(err, &refused) {
			t.Errorf("%s, reversed: error %v, want InvalidChangeBatch %q", c.rule, err, c.want)
		} else if diff := cmp.Diff([]string{c.want}, refused.Messages); diff != "" {
			t.Errorf("%s, reversed: messages want -, got +\n%s", c.rule, diff)
		}
	}
}

// Record sets that a batch UPSERTs are out of the way from its start, so members may change together in any order.
// r53: C.6.
func TestUpsertsAreOutOfTheWay(t *testing.T) {
	v1 := values("192.0.2.1")
	for _, c := range []struct {
		rule    string
		changes []Change
	}{
		{"policy of all members", []Change{upsert(set("latency", A, v1, weight("eu", 1))),
			upsert(set("latency", A, v1, weight("us", 1)))}},
		{"TTL of all members", []Change{
			upsert(set("weighted", A, v1, ttl(60), weight("a", 1))), upsert(set("weighted", A, v1, ttl(60), weight("b", 1)))}},
		{"a new member with the TTL that the others get later", []Change{
			create(set("weighted", A, v1, ttl(60), weight("c", 1))),
			upsert(set("weighted", A, v1, ttl(60), weight("a", 1))), upsert(set("weighted", A, v1, ttl(60), weight("b", 1)))}},
		{"Regions swap", []Change{
			upsert(set("latency", A, v1, region("eu", "us-east-1"))), upsert(set("latency", A, v1, region("us", "eu-west-1")))}},
		{"roles swap", []Change{
			upsert(set("failover", A, v1, failover("p", Secondary))),
			upsert(set("failover", A, v1, failover("s", Primary), check("hc1")))}},
		{"countries swap", []Change{
			upsert(set("geo", A, v1, inCountry("jp", "US"))), upsert(set("geo", A, v1, inCountry("us", "JP")))}},
		{"a new member for the Region that another leaves later", []Change{
			create(set("latency", A, v1, region("ie", "eu-west-1"))), upsert(set("latency", A, v1, region("eu", "eu-west-2")))}},
	} {
		if _, _, err := locatedRecords().Apply(exampleZone(), c.changes, locatedFacts()); err != nil {
			t.Errorf("%s: %v", c.rule, err)
		}
	}
}

// An alias that the batch makes must have its target at the end too.
func TestAliasOfATargetThatTheBatchDeletes(t *testing.T) {
	www := set("www", A, values("192.0.2.1", "192.0.2.2"))
	to := create(set("to", A, alias(ownZone, "www.example.com", false)))
	want := []string{"Tried to create an alias that targets www.example.com., type A in zone Z1EXAMPLE, but that target " +
		"was not found"}
	for _, changes := range [][]Change{{remove(www), to}, {to, remove(www)}, {remove(www), to, create(www)}} {
		_, _, err := exampleRecords().Apply(exampleZone(), changes, exampleFacts())
		var refused *InvalidChangeBatch
		if !errors.As(err, &refused) || !slices.Equal(refused.Messages, want) {
			t.Errorf("%v: error %v, want %q", changes, err, want)
		}
	}
	if _, _, err := exampleRecords().Apply(exampleZone(), []Change{to, remove(www), create(www)},
		exampleFacts()); err != nil {
		t.Errorf("the target is deleted and made again: %v", err)
	}
}

// DELETE followed by CREATE or UPSERT of the same record set is legal, whatever is deleted, as zone files are imported
// so.
func TestDeleteAndMakeAgain(t *testing.T) {
	z := exampleZone()
	apex := NewApexRecords(z)
	ns, soa := *apex[0], *apex[1]
	if ns.Type != NS {
		ns, soa = soa, ns
	}
	own := set("@", NS, values("ns1.example.net", "ns2.example.net"))
	ownSOA := set("@", SOA, values("ns1.example.net. h.example.net. 1 2 3 4 5"))
	www, next := set("www", A, values("192.0.2.1", "192.0.2.2")), set("www", A, values("192.0.2.9"))
	for _, c := range []struct {
		rule    string
		changes []Change
		want    []ResourceRecordSet
	}{
		{"CREATE", []Change{remove(www), create(next)}, []ResourceRecordSet{next}},
		{"UPSERT", []Change{remove(www), upsert(next)}, []ResourceRecordSet{next}},
		{"UPSERT of what was there", []Change{remove(www), upsert(www)}, []ResourceRecordSet{www}},
		{"apex", []Change{remove(ns), remove(soa), create(own), create(ownSOA)}, []ResourceRecordSet{own, ownSOA}},
		{"apex in another order", []Change{remove(soa), create(ownSOA), remove(ns), upsert(own)},
			[]ResourceRecordSet{own, ownSOA}},
	} {
		got, _, err := exampleRecords().Apply(z, c.changes, exampleFacts())
		if err != nil {
			t.Errorf("%s: %v", c.rule, err)
			continue
		}
		for _, want := range c.want {
			stored, _ := got.Get(want.Key())
			if diff := cmp.Diff(&want, stored); diff != "" {
				t.Errorf("%s: stored want -, got +\n%s", c.rule, diff)
			}
		}
	}
	for _, changes := range [][]Change{
		{remove(ns)},
		{remove(ns), remove(soa), create(ownSOA)},
		{create(own), remove(ns)},
		{upsert(www), remove(www)},
		{remove(www), remove(www)},
		{remove(www), create(next), upsert(next)},
	} {
		if _, _, err := exampleRecords().Apply(z, changes, exampleFacts()); err == nil {
			t.Errorf("%v: accepted", changes)
		}
	}
}

// An UPSERT that means the same as the stored record set keeps the stored spelling. Values in another order are a
// change only if the UPSERT is alone. r53: C.6.
func TestUpsertOfTheSameInAnotherSpelling(t *testing.T) {
	six := set("six", AAAA, values("2001:0db8::a", "2001:db8::b"))
	text := set("txt", TXT, values(`"one"`, `"t\167o"`))
	other := upsert(set("x", A, values("192.0.2.1")))
	for _, c := range []struct {
		rule    string
		changes []Change
		want    ResourceRecordSet
	}{
		{"the first spelling stays", []Change{upsert(set("six", AAAA, values("2001:db8::a", "2001:db8::b")))}, six},
		{"beside other changes too", []Change{other, upsert(set("six", AAAA, values("2001:db8::a", "2001:db8::b")))}, six},
		{"escapes are spelling", []Change{upsert(set("txt", TXT, values(`"one"`, `"two"`)))}, text},
		{"alone, another order is stored as sent", []Change{upsert(set("six", AAAA, values("2001:db8::b", "2001:db8::a")))},
			set("six", AAAA, values("2001:db8::b", "2001:db8::a"))},
		{"beside other changes the order stays", []Change{upsert(set("six", AAAA, values("2001:db8::b", "2001:db8::a"))),
			other}, six},
		{"another TTL is stored, with the values as sent", []Change{upsert(set("six", AAAA,
			values("2001:db8::a", "2001:db8::b"), ttl(60))), other},
			set("six", AAAA, values("2001:db8::a", "2001:db8::b"), ttl(60))},
		{"another value is stored, with the others as sent", []Change{upsert(set("six", AAAA,
			values("2001:db8::a", "2001:db8::c"))), other},
			set("six", AAAA, values("2001:db8::a", "2001:db8::c"))},
		{"a value more", []Change{upsert(set("six", AAAA, values("2001:db8::a", "2001:db8::b", "2001:db8::c"))), other},
			set("six", AAAA, values("2001:db8::a", "2001:db8::b", "2001:db8::c"))},
		{"after a DELETE it is stored as sent", []Change{remove(six),
			upsert(set("six", AAAA, values("2001:db8::a", "2001:db8::b")))},
			set("six", AAAA, values("2001:db8::a", "2001:db8::b"))},
	} {
		records := exampleRecords()
		records.Put(&six)
		got, effects, err := records.Apply(exampleZone(), c.changes, exampleFacts())
		if err != nil {
			t.Errorf("%s: %v", c.rule, err)
			continue
		}
		stored, _ := got.Get(c.want.Key())
		if diff := cmp.Diff(&c.want, stored); diff != "" {
			t.Errorf("%s: stored want -, got +\n%s", c.rule, diff)
		}
		before, _ := records.Get(c.want.Key())
		changed := slices.ContainsFunc(effects, func(d Delta) bool { return d.New != nil && d.New.Key() == c.want.Key() })
		if changed == cmp.Equal(before, stored) {
			t.Errorf("%s: is in the effects: %v", c.rule, changed)
		}
	}
}
