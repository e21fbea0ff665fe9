package steer

import (
	"net/netip"

	"github.com/bulkhead-dns/bulkhead/geo"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// A Query is the input of a decision. The same Query on the same View and Table always gives the same Answer.
type Query struct {
	Name []byte      // wire format, lower case, uncompressed; a malformed name is Refused
	Type zone.RRType // any number; types the view has no data for get NoData

	// Client is what is known of the client's address: the network in EDNS Client Subnet if the query has one, else the
	// whole source address (/32 or /128). The zero Prefix is an unknown client. A client whose prefix is shorter than a
	// CIDR block is not in the block (r53: A.8).
	Client netip.Prefix
	ECS    bool // Client comes from EDNS Client Subnet

	// Rand are the random bits of the decision: they choose a weighted member, the members of a multivalue answer, and
	// the order of values. Rand is the seed of splitmix64. A choice among n takes the next output x and is x*n/2^64. The
	// groups make their choices in the order in which the decision visits them. A weighted group makes one choice for
	// each healthy member (for each member if none is healthy). A multivalue group makes one for each such member after
	// the eighth, then one for each member in the answer, to shuffle them. A record set of several values makes one, for
	// the value to begin with.
	Rand uint64
}

// An Outcome is the kind of answer.
type Outcome uint8

// The outcomes of a decision.
const (
	Refused  Outcome = iota // no hosted zone here holds the name: RCODE REFUSED
	Answered                // Links hold the answer section
	NoData                  // NOERROR, SOA in authority; Links may hold a CNAME that led there
	NXDomain                // RCODE NXDOMAIN, SOA in authority; Links may hold a CNAME that led there (RFC 6604)
	Referral                // delegation below the zone: Delegation and Glue, AA clear
	ServFail                // a loop of aliases, or a chain that is too long
)

// String returns "answered" or "referral", or the name that DNS has for the outcome.
func (o Outcome) String() string {
	return [...]string{"REFUSED", "answered", "NODATA", "NXDOMAIN", "referral", "SERVFAIL"}[o]
}

// RRs are resource records, one after the other, encoded without their owner name: type, class, TTL, RDLENGTH and RDATA
// (RFC 1035 section 3.2.1). They are part of a View and must not be changed.
type RRs struct {
	Wire  []byte
	Count int
}

// A Link is one step of the answer section. The owner of the first link is the query name; the owner of a link with
// AfterCNAME set is the target of the CNAME in the link before it; the owner of any other link is that of the link
// before it.
type Link struct {
	RRs        RRs
	Start      int // the record to begin with, so that values rotate
	AfterCNAME bool
}

// MaxLinks is the largest number of links: a chain of eight CNAMEs, and eight multivalue members at its end.
const MaxLinks = maxChain + maxMultivalue

const (
	maxChain      = 8
	maxMultivalue = 8 // r53: A.8
)

// An Answer is the result of Decide. Reuse it between calls, so that nothing is allocated.
type Answer struct {
	Outcome Outcome
	Links   [MaxLinks]Link
	N       int // links in use

	// If OverrideTTL is set, TTL replaces the TTL of every record of the last owner. Multivalue members with different
	// TTLs need this.
	TTL         uint32
	OverrideTTL bool

	// The owner name of the zone is the last ZoneNameLen bytes of the query name, or of the target of the last CNAME
	// where there is one. SOA is the authority of a negative answer and has the negative TTL (r53: A.12). NS is the
	// authority of a positive answer. Either may be empty.
	ZoneNameLen int
	ZoneID      string
	SOA, NS     RRs

	// Only for a Referral: its owner name is the last DelegationNameLen bytes of the query name.
	Delegation        RRs
	DelegationNameLen int
	Glue              []GlueRR

	// Located is set if the answer depends on the client's address. Scope is then the prefix length for which the answer
	// holds; 0 means that it holds for every client (RFC 7871 section 7.2.1). An answer depends on the address if a group
	// on the way to it is a latency or geoproximity group of several members, or a geolocation or IP-based group with more
	// than a default location. Place is the client's place; it is 0 if the decision only needed CIDR blocks.
	Place   geo.PlaceID
	Located bool
	Scope   int

	// Healthy is set if the outcome is Answered and every picked member is healthy. FailOpen is set if all members that a
	// group has for the client are unhealthy, and the group picked one of them nevertheless. r53: A.4.
	Healthy  bool
	FailOpen bool
}

// A GlueRR is an address of a name server below a delegation.
type GlueRR struct {
	Owner []byte // wire format
	RRs   RRs
}

// Decide answers q from v and t and writes the result into a, replacing what a held. It never blocks. It allocates
// nothing, except when a.Glue grows.
func Decide(v *View, t *Table, q *Query, a *Answer) {
	d := decision{v: v, t: t, q: q, a: a, rand: q.Rand}
	d.run()
}

// Explain makes the same decision as Decide and returns the trace of it.
func Explain(v *View, t *Table, q *Query, a *Answer) *Trace {
	d := decision{v: v, t: t, q: q, a: a, rand: q.Rand, trace: &Trace{Steps: []Step{}}, recording: true}
	d.run()
	d.conclude()
	return d.trace
}

// A decision is one run of Decide.
type decision struct {
	v     *View
	t     *Table
	q     *Query
	a     *Answer
	zone  *hostedZone
	rand  uint64 // state of splitmix64
	tests int    // health tests so far

	placed bool  // a.Place and areas are set
	areas  areas // of the client

	location string // of the client in the CIDR collection of the current group; empty outside its blocks

	why       string      // the reason of the outcome, for the trace
	trace     *Trace      // nil if the caller does not want it
	picks     *[]Pick     // nil if the caller does not want them
	choices   *enumerator // makes the random choices; nil if rand makes them
	recording bool        // the caller wants trace or picks
}

// run makes the decision in the steps of r53: A.2.
func (d *decision) run() {
	d.reset()
	name := d.q.Name
	labels, ok := countLabels(name)
	if !ok {
		d.why = "the name is malformed"
		return
	}
	if d.zone = d.authority(name, labels); d.zone == nil {
		d.why = "no hosted zone here holds the name"
		return
	}
	d.a.ZoneID, d.a.ZoneNameLen = d.zone.id, len(d.zone.apex)
	for {
		target := d.answerName(name)
		if d.tests > maxTests {
			d.fail("the health of the aliases' targets takes more than 10000 tests")
			break
		}
		if target == nil {
			break
		}
		labels, _ := countLabels(target)
		if d.v.zoneOf(target, labels) != d.zone {
			d.why = "the CNAME leads out of the zone; the resolver follows it"
			break
		}
		if d.a.N > maxChain {
			d.fail("the chain of CNAMEs is longer than 8: a loop, or too deep")
			break
		}
		name = target
	}
	switch d.a.Outcome {
	case Answered:
		d.a.Healthy = !d.a.FailOpen
		if !d.answersNS(name) {
			d.a.NS = d.zone.ns
		}
	case NoData, NXDomain:
		d.a.SOA = d.zone.soa
	}
}

// reset clears the Answer. It need not clear the links, because N says how many are in use.
func (d *decision) reset() {
	a := d.a
	a.Outcome, a.N, a.TTL, a.OverrideTTL = Refused, 0, 0, false
	a.ZoneNameLen, a.ZoneID, a.SOA, a.NS = 0, "", RRs{}, RRs{}
	a.Delegation, a.DelegationNameLen, a.Glue = RRs{}, 0, a.Glue[:0]
	a.Place, a.Located, a.Scope = 0, false, 0
	a.Healthy, a.FailOpen = false, false
}

func (d *decision) fail(why string) {
	d.a.Outcome, d.a.N, d.a.OverrideTTL, d.a.FailOpen, d.why = ServFail, 0, false, false, why
}

// authority returns the zone that answers for a name. The DS set of a delegation belongs to the zone above (RFC 4035
// section 3.1.4.1), if the engine has that zone and the zone delegates the name.
func (d *decision) authority(name []byte, labels int) *hostedZone {
	z := d.v.zoneOf(name, labels)
	if d.q.Type != zone.DS || z == nil || len(name) != len(z.apex) || labels == 0 {
		return z
	}
	up := d.v.zoneOf(parent(name), labels-1)
	if up != nil && up.cuts > 0 {
		if n := d.v.node(up, name); n != nil && n.group(zone.NS) != nil {
			return up
		}
	}
	return z
}

// answerName answers for one owner name: the query name, or the target of a CNAME. It returns the target of the next
// CNAME to follow, or nil if the answer is complete.
func (d *decision) answerName(name []byte) (target []byte) {
	if d.zone.cuts > 0 {
		if cut, ns := d.delegation(name); ns != nil {
			d.refer(cut, ns)
			return nil
		}
	}
	n := d.match(name)
	if n == nil {
		d.a.Outcome, d.why = NXDomain, "neither the name nor a wildcard that covers it exists"
		return nil
	}
	g := d.groupFor(n)
	if g == nil {
		d.a.Outcome, d.why = NoData, "the name exists but has no records of this type"
		return nil
	}
	d.a.Outcome = Answered
	d.follow(g, name)
	if d.a.Outcome == Answered && g.rrtype == zone.CNAME && d.q.Type != zone.CNAME && d.q.Type != anyType {
		return d.a.Links[d.a.N-1].RRs.rdata()
	}
	return nil
}

// anyType is QTYPE ANY.
const anyType zone.RRType = 255

// groupFor returns the group of a node that answers the query type, or nil. r53: A.2.
func (d *decision) groupFor(n *node) *group {
	if d.q.Type == anyType && len(n.groups) > 0 {
		return &n.groups[0] // RFC 8482 section 4.1: one of the RRsets is enough
	}
	if g := n.group(d.q.Type); g != nil {
		return g
	}
	return n.group(zone.CNAME)
}

// match returns the node of a name: its own node, or the node of the wildcard below the closest encloser (RFC 4592
// section 3.3). It returns nil if the name does not exist.
func (d *decision) match(name []byte) *node {
	if n := d.v.node(d.zone, name); n != nil {
		d.matched(name)
		return n
	}
	encloser := parent(name) // the apex exists, so name is below it
	for d.v.node(d.zone, encloser) == nil {
		encloser = parent(encloser)
	}
	var buf [256]byte
	wildcard := append(append(buf[:0], 1, '*'), encloser...)
	n := d.v.node(d.zone, wildcard)
	if n != nil {
		d.matched(wildcard)
	}
	return n
}

// delegation returns the delegation nearest to the apex on the path to a name. The DS set at a zone cut belongs to this
// zone, not to the delegated one.
func (d *decision) delegation(name []byte) (cut []byte, ns *group) {
	for s := name; len(s) > len(d.zone.apex); s = parent(s) {
		if d.q.Type == zone.DS && len(s) == len(name) {
			continue
		}
		if n := d.v.node(d.zone, s); n != nil {
			if g := n.group(zone.NS); g != nil {
				cut, ns = s, g
			}
		}
	}
	return cut, ns
}

// refer answers with a delegation. After a CNAME the answer ends there instead: the resolver asks for the target
// itself.
func (d *decision) refer(cut []byte, ns *group) {
	d.why = "the name is delegated to other name servers"
	if d.a.N > 0 {
		d.a.Outcome = Answered
		return
	}
	d.a.Outcome = Referral
	d.a.Delegation, d.a.DelegationNameLen = ns.members[0].records(), len(cut)
	for rrs := d.a.Delegation; rrs.Count > 0; rrs = rrs.next() {
		server := rrs.rdata()
		if !isWithin(server, cut) {
			continue // a resolver can look up its addresses
		}
		n := d.v.node(d.zone, server)
		if n == nil {
			continue
		}
		for _, t := range [...]zone.RRType{zone.A, zone.AAAA} {
			if g := n.group(t); g != nil && g.policy == zone.Simple && g.members[0].alias == nil {
				d.a.Glue = append(d.a.Glue, GlueRR{Owner: server, RRs: g.members[0].records()})
			}
		}
	}
}

// isWithin reports whether a name is the other name or below it.
func isWithin(name, other []byte) bool {
	for len(name) > len(other) {
		name = parent(name)
	}
	return string(name) == string(other)
}

// answersNS reports whether the answer section already contains the zone's NS set.
func (d *decision) answersNS(name []byte) bool {
	last := d.a.Links[d.a.N-1].RRs
	return len(name) == len(d.zone.apex) && len(d.zone.ns.Wire) > 0 && &last.Wire[0] == &d.zone.ns.Wire[0]
}
