package zone

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkhead-dns/bulkhead/validation"
)

const (
	ownZone   = "Z1EXAMPLE"
	irelandLB = "Z32O12XQLNTSW2"
	virginia  = "Z35SXDOTRQ7X7K"
)

func exampleZone() HostedZone {
	return HostedZone{
		ID: ownZone, Name: "example.com.", CallerReference: "r1",
		NameServers: []string{"ns-0.awsdns-00.com", "ns-512.awsdns-00.net"},
	}
}

func exampleFacts() Facts {
	return Facts{
		HealthCheckExists: func(id string) bool { return id == "hc1" },
		ServiceTarget: func(id string, n Name) (exists, knownZone bool) {
			return id == irelandLB && n == "demo-1.eu-west-1.elb.amazonaws.com.", IsServiceZone(id)
		},
	}
}

// set makes a record set below example.com ("@" is the apex) with TTL 300, changed by the options.
func set(name string, t RRType, options ...func(*ResourceRecordSet)) ResourceRecordSet {
	n := "example.com"
	switch {
	case strings.HasSuffix(name, "."):
		n = name
	case name != "@":
		n = name + "." + n
	}
	s := ResourceRecordSet{Name: MustParseName(n), Type: t, TTL: new(int64(300))}
	for _, option := range options {
		option(&s)
	}
	return s
}

func values(v ...string) func(*ResourceRecordSet) {
	return func(s *ResourceRecordSet) { s.ResourceRecords = v }
}

func ttl(seconds int64) func(*ResourceRecordSet) {
	return func(s *ResourceRecordSet) { s.TTL = &seconds }
}

func weight(id string, n int64) func(*ResourceRecordSet) {
	return func(s *ResourceRecordSet) { s.SetIdentifier, s.Weight = id, &n }
}

func region(id, name string) func(*ResourceRecordSet) {
	return func(s *ResourceRecordSet) { s.SetIdentifier, s.Region = id, name }
}

func failover(id string, role Failover) func(*ResourceRecordSet) {
	return func(s *ResourceRecordSet) { s.SetIdentifier, s.Failover = id, role }
}

func multi(id string) func(*ResourceRecordSet) {
	return func(s *ResourceRecordSet) { s.SetIdentifier, s.MultiValueAnswer = id, true }
}

func check(id string) func(*ResourceRecordSet) {
	return func(s *ResourceRecordSet) { s.HealthCheckID = id }
}

func alias(zoneID, name string, evaluate bool) func(*ResourceRecordSet) {
	return func(s *ResourceRecordSet) {
		s.TTL, s.ResourceRecords = nil, nil
		s.AliasTarget = &AliasTarget{HostedZoneID: zoneID, DNSName: MustParseName(name), EvaluateTargetHealth: evaluate}
	}
}

// exampleRecords is the content the rules are tried on.
func exampleRecords() *Records {
	r := NewRecords()
	for _, s := range NewApexRecords(exampleZone()) {
		r.Put(s)
	}
	for _, s := range []ResourceRecordSet{
		set("www", A, values("192.0.2.1", "192.0.2.2")),
		set("cname", CNAME, values("target.example.net")),
		set("txt", TXT, values(`"one"`, `"t\167o"`)),
		set("weighted", A, values("192.0.2.1"), weight("a", 1)),
		set("weighted", A, values("192.0.2.2"), weight("b", 1)),
		set("latency", A, values("192.0.2.1"), region("eu", "eu-west-1")),
		set("latency", A, values("192.0.2.2"), region("us", "us-east-1")),
		set("failover", A, values("192.0.2.1"), failover("p", Primary), check("hc1")),
		set("failover", A, values("192.0.2.2"), failover("s", Secondary)),
		set("multi", A, values("192.0.2.1"), multi("m1")),
		set("alias", A, alias(ownZone, "www.example.com", true)),
		set("alias2", A, alias(ownZone, "alias.example.com", false)),
	} {
		r.Put(&s)
	}
	return r
}

func create(s ResourceRecordSet) Change { return Change{Create, s} }
func upsert(s ResourceRecordSet) Change { return Change{Upsert, s} }
func remove(s ResourceRecordSet) Change { return Change{Delete, s} }

// addresses returns n different addresses.
func addresses(n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf("10.0.%d.%d", i/256, i%256)
	}
	return list
}

// each makes n changes from their number.
func each(n int, change func(i int) Change) []Change {
	changes := make([]Change, n)
	for i := range changes {
		changes[i] = change(i)
	}
	return changes
}

func TestApplyAccepts(t *testing.T) {
	v1 := values("192.0.2.1")
	for _, c := range []struct {
		rule    string
		changes []Change
	}{
		{"r53: A.1 simple set with 400 values", []Change{create(set("new", A, values(addresses(400)...)))}},
		{"r53: A.1 weighted and latency sets of several values", []Change{
			create(set("new", A, values("192.0.2.1", "192.0.2.2"), weight("a", 1))),
			create(set("new2", A, values(addresses(400)...), region("a", "eu-west-1")))}},
		{"r53: C.6 UPSERT creates", []Change{upsert(set("new", A, v1))}},
		{"r53: C.6 UPSERT replaces", []Change{upsert(set("www", A, values("192.0.2.9"), ttl(0)))}},
		{"r53: C.6 DELETE values as a set", []Change{remove(set("www", A, values("192.0.2.2", "192.0.2.1")))}},
		{"r53: C.6 DELETE values after normalisation", []Change{remove(set("txt", TXT, values(`"two"`, `"one"`)))}},
		{"r53: C.6 DELETE name value in another spelling", []Change{remove(set("cname", CNAME,
			values("Target.EXAMPLE.net.")))}},
		{"r53: C.6 DELETE of a member", []Change{remove(set("failover", A, v1, failover("p", Primary), check("hc1")))}},
		{"r53: C.6 DELETE of an alias", []Change{remove(set("alias2", A, alias(ownZone, "alias.example.com", false)))}},
		{"r53: C.6 DELETE then CREATE of one identity", []Change{
			remove(set("www", A, values("192.0.2.1", "192.0.2.2"))), create(set("www", A, v1))}},
		{"r53: C.6 DELETE A, CREATE CNAME", []Change{
			remove(set("www", A, values("192.0.2.1", "192.0.2.2"))), create(set("www", CNAME, values("x.example.net")))}},
		{"r53: C.6 policy changes when all members change", []Change{
			upsert(set("latency", A, v1, weight("eu", 1))), upsert(set("latency", A, v1, weight("us", 1)))}},
		{"r53: A.5 TTL changes when all members change", []Change{
			upsert(set("weighted", A, v1, ttl(60), weight("a", 1))), upsert(set("weighted", A, v1, ttl(60), weight("b", 1)))}},
		{"r53: A.5 an alias is exempt from the group's TTL", []Change{
			create(set("weighted", A, alias(ownZone, "www.example.com", false), weight("c", 1)))}},
		{"r53: C.6 roles swap by UPSERT of both", []Change{
			upsert(set("failover", A, v1, failover("p", Secondary))),
			upsert(set("failover", A, v1, failover("s", Primary), check("hc1")))}},
		{"r53: A.8 multivalue TTLs may differ", []Change{create(set("multi", A, values("192.0.2.2"), ttl(5), multi("m2")))}},
		{"r53: A.10 alias primary with EvaluateTargetHealth", []Change{
			create(set("new", A, alias(ownZone, "www.example.com", true), failover("p", Primary)))}},
		{"r53: A.10 alias primary with a health check", []Change{
			create(set("new", A, alias(ownZone, "www.example.com", false), failover("p", Primary), check("hc1")))}},
		{"r53: A.9 alias to a load balancer", []Change{
			create(set("new", A, alias(irelandLB, "demo-1.eu-west-1.elb.amazonaws.com", true))),
			create(set("new", AAAA, alias(irelandLB, "DEMO-1.eu-west-1.elb.amazonaws.com.", true)))}},
		{"r53: A.9 alias at the apex", []Change{create(set("@", A, alias(ownZone, "www.example.com", false)))}},
		{"r53: A.9 alias after its target in one batch", []Change{
			create(set("later", TXT, values(`"x"`))), create(set("new", TXT, alias(ownZone, "later.example.com", false)))}},
		{"r53: A.9 alias for a CNAME below the apex", []Change{create(set("new", CNAME,
			alias(ownZone, "cname.example.com", false)))}},
		{"r53: A.9 alias target deleted, unconfirmed", []Change{remove(set("www", A, values("192.0.2.1", "192.0.2.2")))}},
		{"r53: A.12 wildcard with a policy", []Change{create(set("*", A, v1, weight("a", 0)))}},
		{"r53: A.13 apex NS and SOA can be changed", []Change{
			upsert(set("@", NS, values("ns1.example.net"))), upsert(set("@", SOA, values("ns1.example.net. h. 1 2 3 4 5")))}},
		{"r53: A.12 delegation", []Change{create(set("sub", NS, values("ns1.example.net"))),
			create(set("sub", DS, values("1 2 3 ab")))}},
		{"r53: C.8 100 members", each(100,
			func(i int) Change { return create(set("new", A, v1, weight(fmt.Sprint(i), 1))) })},
		{"r53: C.6 500 UPSERTs", each(500, func(i int) Change { return upsert(set(fmt.Sprint("n", i), A, v1)) })},
		{"r53: C.6 1000 records", each(1000, func(i int) Change { return create(set(fmt.Sprint("n", i), A, v1)) })},
	} {
		if _, _, err := exampleRecords().Apply(exampleZone(), c.changes, exampleFacts()); err != nil {
			t.Errorf("%s: %v", c.rule, err)
		}
	}
}

func TestApplyRefuses(t *testing.T) {
	v1 := values("192.0.2.1")
	for _, c := range []struct {
		rule    string
		changes []Change
		want    []string
	}{
		{"r53: C.6 CREATE of an existing set", []Change{create(set("www", A, v1))},
			[]string{"Tried to create resource record set [name='www.example.com.', type='A'] but it already exists"}},
		{"r53: C.6 CREATE of an existing member", []Change{create(set("weighted", A, v1, weight("a", 1)))},
			[]string{"Tried to create resource record set [name='weighted.example.com.', type='A', set-identifier='a'] but it " +
				"already exists"}},
		{"r53: C.6 DELETE of a missing set", []Change{remove(set("none", A, v1))},
			[]string{"Tried to delete resource record set [name='none.example.com.', type='A'] but it was not found"}},
		{"r53: C.6 DELETE with other values", []Change{remove(set("www", A, v1))},
			[]string{"Tried to delete resource record set [name='www.example.com.', type='A'] but the values provided do not " +
				"match the current values"}},
		{"r53: C.6 DELETE with another TTL", []Change{remove(set("cname", CNAME, values("target.example.net"), ttl(60)))},
			[]string{"Tried to delete resource record set [name='cname.example.com.', type='CNAME'] but the values provided " +
				"do not match the current values"}},
		{"r53: C.6 DELETE with another EvaluateTargetHealth",
			[]Change{remove(set("alias2", A, alias(ownZone, "alias.example.com", true)))},
			[]string{"Tried to delete resource record set [name='alias2.example.com.', type='A'] but the values provided do " +
				"not match the current values"}},
		{"r53: C.6 DELETE of an alias by values", []Change{remove(set("alias2", A, v1))},
			[]string{"Tried to delete resource record set [name='alias2.example.com.', type='A'] but the values provided do " +
				"not match the current values"}},
		{"r53: C.6 one identity twice", []Change{upsert(set("www", A, v1)), upsert(set("www", A, v1))},
			[]string{"The request contains an invalid set of changes for a resource record set 'A www.example.com.'"}},
		{"r53: C.6 CREATE then DELETE", []Change{create(set("new", A, v1)), remove(set("new", A, v1))},
			[]string{"The request contains an invalid set of changes for a resource record set 'A new.example.com.'"}},
		{"r53: C.6 every faulty change has a message", []Change{create(set("www", A, v1)), create(set("fine", A, v1)),
			remove(set("none", A, v1))},
			[]string{
				"Tried to create resource record set [name='www.example.com.', type='A'] but it already exists",
				"Tried to delete resource record set [name='none.example.com.', type='A'] but it was not found"}},

		{"r53: C.6 simple beside a group", []Change{create(set("weighted", A, v1))},
			[]string{"RRSet with DNS name weighted.example.com., type A cannot be created as other RRSets exist with the same " +
				"name and type."}},
		{"r53: C.6 weighted beside simple", []Change{create(set("www", A, v1, weight("s", 1)))},
			[]string{"RRSet with DNS name www.example.com., type A, SetIdentifier s cannot be created as a non-weighted set " +
				"exists with the same name and type."}},
		{"r53: C.6 latency beside simple", []Change{create(set("www", A, v1, region("s", "eu-west-1")))},
			[]string{"RRSet with DNS name www.example.com., type A, SetIdentifier s, and Region Name=eu-west-1 cannot be " +
				"created because a non-latency RRSet with the same name and type already exists."}},
		{"r53: C.6 failover beside latency, one member at a time",
			[]Change{upsert(set("latency", A, v1, failover("eu", Primary), check("hc1")))},
			[]string{"RRSet with DNS name latency.example.com., type A, SetIdentifier eu marked as primary cannot be created " +
				"because a non-failover RRSet with the same name and type already exists."}},
		{"r53: A.1 multivalue beside weighted", []Change{create(set("weighted", A, v1, multi("m")))},
			[]string{"RRSet with DNS name weighted.example.com., type A, SetIdentifier m cannot be created because a non " +
				"multivalue answer rrset exists with the same name and type."}},
		{"r53: C.6 duplicate Region", []Change{create(set("latency", A, v1, region("s", "eu-west-1")))},
			[]string{"RRSet with DNS name latency.example.com., type A, SetIdentifier s, and Region Name=eu-west-1 cannot be " +
				"created because a latency RRSet with the same name, type and region already exists."}},
		{"r53: C.6 duplicate failover role", []Change{create(set("failover", A, v1, failover("s2", Secondary)))},
			[]string{"RRSet with DNS name failover.example.com., type A, SetIdentifier s2 marked as secondary cannot be " +
				"created because a failover RRSet with the same name, type and failover already exists."}},
		{"r53: C.6 weighted TTLs differ", []Change{upsert(set("weighted", A, v1, ttl(60), weight("a", 1)))},
			[]string{"RRSet with DNS name weighted.example.com., type A, SetIdentifier a cannot be created as weighted sets " +
				"must contain the same TTL."}},
		{"r53: C.8 101 members", each(101, func(i int) Change { return create(set("new", A, v1, weight(fmt.Sprint(i), 1))) }),
			[]string{"Exceeded limit on number of weighted RRSets for new.example.com., type A in this zone."}},

		{"r53: C.6 CNAME beside others", []Change{create(set("www", CNAME, values("x.example.net")))},
			[]string{"RRSet of type CNAME with DNS name www.example.com. is not permitted as it conflicts with other records " +
				"with the same DNS name in zone example.com."}},
		{"r53: C.6 others beside CNAME", []Change{create(set("cname", A, v1))},
			[]string{"RRSet of type A with DNS name cname.example.com. is not permitted because a conflicting RRSet of type " +
				"CNAME with the same DNS name already exists in zone example.com."}},
		{"r53: C.6 CREATE CNAME, DELETE A", []Change{
			create(set("www", CNAME, values("x.example.net"))), remove(set("www", A, values("192.0.2.1", "192.0.2.2")))},
			[]string{"RRSet of type CNAME with DNS name www.example.com. is not permitted as it conflicts with other records " +
				"with the same DNS name in zone example.com."}},
		{"r53: C.6 outside the zone", []Change{create(set("www.example.net.", A, v1))},
			[]string{"RRSet with DNS name www.example.net. is not permitted in zone example.com."}},
		{"r53: A.12 wildcard NS", []Change{create(set("*", NS, values("ns.example.net")))},
			[]string{"Changing wildcard NS record sets are not supported"}},
		{"r53: A.14 DS at the apex", []Change{create(set("@", DS, values("1 2 3 ab")))},
			[]string{"RRSet of type DS with DNS name example.com. is not permitted at apex in zone example.com."}},
		{"RFC 1034 4.2.1 SOA below the apex", []Change{create(set("sub", SOA, values("a. b. 1 2 3 4 5")))},
			[]string{"RRSet of type SOA with DNS name sub.example.com. is not permitted below the apex of zone example.com."}},
		{"r53: A.13 apex NS and SOA stay", []Change{
			remove(set("@", NS, ttl(172800), values("ns-0.awsdns-00.com.", "ns-512.awsdns-00.net."))),
			remove(set("@", SOA, ttl(900),
				values("ns-0.awsdns-00.com. awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400")))},
			[]string{"A HostedZone must contain at least one NS record for the zone itself.",
				"A HostedZone must contain exactly one SOA record."}},
		{"r53: C.6 policy on NS", []Change{create(set("sub", NS, values("ns.example.net"), weight("a", 1)))},
			[]string{"RRSet with DNS name sub.example.com., type NS, SetIdentifier a cannot be created with weighted routing, " +
				"as this type of RRSet is not supported"}},
		{"r53: C.6 multivalue CNAME", []Change{create(set("new", CNAME, values("x."), multi("a")))},
			[]string{"RRSet with DNS name new.example.com., type CNAME, SetIdentifier a cannot be created with multivalue " +
				"routing, as this type of RRSet is not supported"}},

		{"r53: A.14 illegal value", []Change{create(set("new", A, values("300.1.1.1", "x")))},
			[]string{
				"Invalid Resource Record: 'FATAL problem: ARRDATAIllegalIPv4Address (Value is not a valid IPv4 address) " +
					"encountered with '300.1.1.1''",
				"Invalid Resource Record: 'FATAL problem: ARRDATAIllegalIPv4Address (Value is not a valid IPv4 address) " +
					"encountered with 'x''"}},
		{"one value twice", []Change{create(set("new", A, values("192.0.2.1", "192.0.2.1")))},
			[]string{"Duplicate Resource Record: '192.0.2.1'"}},
		{"r53: C.6 401 values", []Change{create(set("new", A, values(addresses(401)...)))},
			[]string{"Cannot have more than 400 records in a RRSet."}},
		{"r53: A.14 CNAME has one value", []Change{create(set("new", CNAME, values("a.", "b.")))},
			[]string{"RRSet with DNS name new.example.com., type CNAME has 2 ResourceRecords, but this type must have exactly " +
				"one"}},
		{"r53: A.14 weighted CNAME has one value", []Change{create(set("new", CNAME, values("a.", "b."), weight("a", 1)))},
			[]string{"RRSet with DNS name new.example.com., type CNAME, SetIdentifier a has 2 ResourceRecords, but this type " +
				"must have exactly one"}},

		{"r53: A.10 health check on a simple set", []Change{create(set("new", A, v1, check("hc1")))},
			[]string{"DNS name must have alternate ResourceRecordSet responses configured via a routing policy (e.g., Weight, " +
				"Region, etc.) if a health check is attached. No changes made."}},
		{"r53: A.10 primary without health check", []Change{create(set("new", A, v1, failover("p", Primary)))},
			[]string{"A non-alias primary ResourceRecordSet must have an associated health check. No changes made."}},
		{"r53: C.6 UPSERT that omits the health check removes it",
			[]Change{upsert(set("failover", A, v1, failover("p", Primary)))},
			[]string{"A non-alias primary ResourceRecordSet must have an associated health check. No changes made."}},
		{"r53: A.10 alias primary without health", []Change{create(set("new", A, alias(ownZone, "www.example.com", false),
			failover("p", Primary)))},
			[]string{"RRSet with DNS name new.example.com., type A, SetIdentifier p cannot be a primary without " +
				"EvaluateTargetHealth set to true or an associated health check as a secondary would never be returned."}},

		{"r53: A.9 alias target missing", []Change{create(set("new", A, alias(ownZone, "none.example.com", false)))},
			[]string{"Tried to create an alias that targets none.example.com., type A in zone Z1EXAMPLE, but that target was " +
				"not found"}},
		{"r53: A.9 alias target of another type", []Change{create(set("new", AAAA,
			alias(ownZone, "www.example.com", false)))},
			[]string{"Tried to create an alias that targets www.example.com., type AAAA in zone Z1EXAMPLE, but that target " +
				"was not found"}},
		{"r53: C.6 alias target outside", []Change{create(set("new", A, alias(ownZone, "www.example.net", false)))},
			[]string{
				"Tried to create an alias that targets www.example.net., type A in zone Z1EXAMPLE, but the alias target name " +
					"does not lie within the target zone",
				"Tried to create an alias that targets www.example.net., type A in zone Z1EXAMPLE, but that target was not found"}},
		{"r53: A.9 alias across ordinary zones", []Change{create(set("new", A, alias("Z2OTHER", "www.example.net", false)))},
			[]string{"Tried to create an alias that targets www.example.net., type A in zone Z2OTHER, but that target was not " +
				"found"}},
		{"r53: E.2 load balancer under another Region's zone",
			[]Change{create(set("new", A, alias(virginia, "demo-1.eu-west-1.elb.amazonaws.com", false)))},
			[]string{"Tried to create an alias that targets demo-1.eu-west-1.elb.amazonaws.com., type A in zone " +
				"Z35SXDOTRQ7X7K, but the alias target name does not lie within the target zone"}},
		{"r53: A.9 unknown load balancer", []Change{create(set("new", A,
			alias(irelandLB, "other.eu-west-1.elb.amazonaws.com", false)))},
			[]string{"Tried to create an alias that targets other.eu-west-1.elb.amazonaws.com., type A in zone " +
				"Z32O12XQLNTSW2, but that target was not found"}},
		{"r53: A.9 load balancers have addresses only", []Change{create(set("new", TXT,
			alias(irelandLB, "demo-1.eu-west-1.elb.amazonaws.com", false)))},
			[]string{"Tried to create an alias that targets demo-1.eu-west-1.elb.amazonaws.com., type TXT in zone " +
				"Z32O12XQLNTSW2, but that target was not found"}},
		{"r53: C.6 alias of type NS", []Change{create(set("sub", NS, alias(ownZone, "example.com", false)))},
			[]string{"RRSet with DNS name sub.example.com., type NS contains an alias target, but aliases of that type are " +
				"forbidden"}},
		{"r53: A.9 alias to a CNAME at the apex", []Change{create(set("@", CNAME,
			alias(ownZone, "cname.example.com", false)))},
			[]string{
				"RRSet of type CNAME with DNS name example.com. is not permitted at apex in zone example.com.",
				"RRSet of type CNAME with DNS name example.com. is not permitted as it conflicts with other records with the " +
					"same DNS name in zone example.com."}},
		{"r53: A.1 multivalue alias", []Change{create(set("new", A, alias(ownZone, "www.example.com", false), multi("m")))},
			[]string{"RRSet with DNS name new.example.com., type A, SetIdentifier m cannot be created as a multivalue answer " +
				"RRSet cannot contain an alias target"}},
		{"r53: A.9 alias of itself", []Change{create(set("new", A, alias(ownZone, "new.example.com", false)))},
			[]string{"RRSet with DNS name new.example.com., type A cannot be an alias that leads back to itself"}},
		{"r53: A.9 cycle through stored aliases", []Change{upsert(set("www", A,
			alias(ownZone, "alias2.example.com", false)))},
			[]string{"RRSet with DNS name www.example.com., type A cannot be an alias that leads back to itself"}},

		{"r53: C.6 1001 records", each(1001, func(i int) Change { return create(set(fmt.Sprint("n", i), A, v1)) }),
			[]string{"Number of records limit of 1000 exceeded."}},
		{"r53: C.6 501 UPSERTs", each(501, func(i int) Change { return upsert(set(fmt.Sprint("n", i), A, v1)) }),
			[]string{"Number of records limit of 1000 exceeded."}},
		{"r53: C.6 1001 aliases", each(1001, func(i int) Change {
			return create(set(fmt.Sprint("n", i), A, alias(ownZone, "www.example.com", false)))
		}),
			[]string{"Number of records limit of 1000 exceeded."}},
		{"r53: C.6 32000 characters", each(9, func(i int) Change {
			return create(set(fmt.Sprint("n", i), TXT, values(strings.Repeat(`"`+strings.Repeat("x", 247)+`" `, 16))))
		}),
			[]string{"RDATA character limit of 32000 exceeded."}},
	} {
		before := slices.Collect(exampleRecords().From(Key{}))
		records := exampleRecords()
		next, effects, err := records.Apply(exampleZone(), c.changes, exampleFacts())
		var refused *InvalidChangeBatch
		if !errors.As(err, &refused) {
			t.Errorf("%s: error %v, want InvalidChangeBatch %q", c.rule, err, c.want)
			continue
		}
		if diff := cmp.Diff(c.want, refused.Messages); diff != "" {
			t.Errorf("%s: messages want -, got +\n%s", c.rule, diff)
		}
		if next != nil || effects != nil {
			t.Errorf("%s: refused, but with effects", c.rule)
		}
		if diff := cmp.Diff(before, slices.Collect(records.From(Key{}))); diff != "" {
			t.Errorf("%s: refused, but the zone changed\n%s", c.rule, diff)
		}
	}
}

func TestApplyRefusesMalformedChanges(t *testing.T) {
	const (
		content = "Invalid request: Expected exactly one of [AliasTarget, all of [TTL, and ResourceRecords], or " +
			"TrafficPolicyInstanceId], "
		policy = "Invalid request: Expected exactly one of [Weight, Region, Failover, GeoLocation, MultiValueAnswer, " +
			"GeoProximityLocation, or CidrRoutingConfig], "
		in = " in Change with [Action=CREATE, Name=new.example.com., Type=A, SetIdentifier="
	)
	v1 := values("192.0.2.1")
	raw := func(change func(*ResourceRecordSet)) []Change { return []Change{create(set("new", A, v1, change))} }
	for _, c := range []struct {
		rule    string
		changes []Change
		want    string
	}{
		{"r53: C.6 neither alias nor values", []Change{create(set("new", A))}, content + "but found none" + in + "null]"},
		{"r53: C.6 values without TTL", raw(func(s *ResourceRecordSet) { s.TTL = nil }),
			content + "but found none" + in + "null]"},
		{"r53: C.6 TTL beside an alias", []Change{create(set("new", A, alias(ownZone, "www.example.com", true), ttl(1)))},
			content + "but found more than one" + in + "null]"},
		{"r53: C.6 empty values beside an alias", []Change{create(set("new", A, alias(ownZone, "www.example.com", true),
			func(s *ResourceRecordSet) { s.ResourceRecords = []string{} }))},
			content + "but found more than one" + in + "null]"},
		{"r53: C.6 policy without SetIdentifier", raw(weight("", 1)),
			"Invalid request: Missing field 'SetIdentifier'" + in + "null]"},
		{"r53: C.6 SetIdentifier without policy", raw(func(s *ResourceRecordSet) { s.SetIdentifier = "x" }),
			policy + "but found none" + in + "x]"},
		{"r53: C.6 two policies", []Change{create(set("new", A, v1, weight("x", 1), region("x", "eu-west-1")))},
			policy + "but found more than one" + in + "x]"},
		{"C.5 weight over 255", raw(weight("x", 256)), "1 validation error detected: Value '256' at " +
			"'changeBatch.changes.1.member.resourceRecordSet.weight' failed to satisfy constraint: Member must have value " +
			"less than or equal to 255"},
		{"C.5 two violations", []Change{create(set("new", A, v1)), {"MERGE", set("new", A, v1, ttl(-1))}},
			"2 validation errors detected: " +
				"Value 'MERGE' at 'changeBatch.changes.2.member.action' failed to satisfy constraint: Member must satisfy enum " +
				"value set: [CREATE, DELETE, UPSERT]; " +
				"Value '-1' at 'changeBatch.changes.2.member.resourceRecordSet.tTL' failed to satisfy constraint: Member must " +
				"have value greater than or equal to 0"},
		{"no changes", nil,
			"1 validation error detected: Value '[]' at 'changeBatch.changes' failed to satisfy constraint: " +
				"Member must have length greater than or equal to 1"},
		{"SetIdentifier of 129", raw(weight(strings.Repeat("é", 129), 1)),
			"1 validation error detected: Value '" + strings.Repeat("é", 129) +
				"' at 'changeBatch.changes.1.member.resourceRecordSet.setIdentifier' failed to satisfy constraint: " +
				"Member must have length less than or equal to 128"},
	} {
		_, _, err := exampleRecords().Apply(exampleZone(), c.changes, exampleFacts())
		var invalid *validation.InvalidInput
		if !errors.As(err, &invalid) || err.Error() != c.want {
			t.Errorf("%s: error\n%v, want InvalidInput\n%s", c.rule, err, c.want)
		}
	}
}

func TestApplyRefusesUnknownHealthCheck(t *testing.T) {
	_, _, err := exampleRecords().Apply(exampleZone(), []Change{
		create(set("www", A, values("192.0.2.1"))), // exists: the health check is judged first
		create(set("new", A, values("192.0.2.1"), weight("a", 1), check("hc9"))),
	}, exampleFacts())
	var unknown *NoSuchHealthCheck
	if !errors.As(err, &unknown) || unknown.ID != "hc9" || !strings.Contains(err.Error(), "hc9") {
		t.Errorf("error %v, want NoSuchHealthCheck of hc9 (r53: A.10)", err)
	}
	// A check may be gone while record sets still cite it; they must remain deletable. r53: A.10.
	gone := Facts{HealthCheckExists: func(string) bool { return false }}
	if _, _, err := exampleRecords().Apply(exampleZone(), []Change{
		remove(set("failover", A, values("192.0.2.1"), failover("p", Primary), check("hc1"))),
	}, gone); err != nil {
		t.Errorf("DELETE of a set with a dangling health check: %v", err)
	}
}

func TestApplyTellsNetEffects(t *testing.T) {
	records := exampleRecords()
	www, _ := records.Get(Key{Name: "www.example.com.", Type: A})
	cname, _ := records.Get(Key{Name: "cname.example.com.", Type: CNAME})
	replaced, created := set("www", A, values("192.0.2.9")), set("new", A, values("192.0.2.1"))
	_, effects, err := records.Apply(exampleZone(), []Change{
		remove(*www),
		remove(*cname),
		create(replaced),
		create(created),
		upsert(set("multi", A, values("192.0.2.1"), multi("m1"))), // as it is
	}, exampleFacts())
	if err != nil {
		t.Fatal(err)
	}
	want := []Delta{{Old: www, New: &replaced}, {Old: cname}, {New: &created}}
	if diff := cmp.Diff(want, effects); diff != "" {
		t.Errorf("effects want -, got +\n%s", diff)
	}
}

func TestInvalidChangeBatchReadsAsRoute53(t *testing.T) {
	if got := (&InvalidChangeBatch{[]string{"one", "two"}}).Error(); got != "[one, two]" {
		t.Errorf("%q, want [one, two] (r53: C.5)", got)
	}
}
