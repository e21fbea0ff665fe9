package steer

import (
	"net/netip"

	"github.com/bulkhead-dns/bulkhead/geo"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// A Query is what a decision is made from. The same Query on the same View and Table gives the same Answer.
type Query struct {
	Name []byte      // wire format, lower case, uncompressed; a malformed name is Refused
	Type zone.RRType // any number; types the view has no data for get NoData

	// Client is what is known of the client's address: the network in EDNS Client Subnet if the query has one, else the
	// whole source address (/32 or /128). The zero Prefix is an unknown client. A client whose prefix is shorter than a
	// CIDR block is not in the block (r53: A.8).
	Client netip.Prefix
	ECS    bool // Client comes from EDNS Client Subnet

	// Rand is random bits for all that chance decides: weighted picks, which multivalue members, and the order of
	// values. It seeds splitmix64; each choice among n takes the next output x and is x*n/2^64. Choices are made in the
	// order of the groups walked. A weighted group takes one for each healthy member (each member when none is). A
	// multivalue group takes one for each of these after the eighth, then one for each member answered, to shuffle. A
	// record set of several values takes one for the value to begin with.
	Rand uint64
}

// An Outcome is the kind of answer.
type Outcome uint8

// The outcomes of a decision.
const (
	Refused  Outcome = iota // no zone of ours: RCODE REFUSED
	Answered                // Links hold the answer section
	NoData                  // NOERROR, SOA in authority; Links may hold a CNAME that led there
	NXDomain                // RCODE NXDOMAIN, SOA in authority; Links may hold a CNAME that led there (RFC 6604)
	Referral                // delegation below the zone: Delegation and Glue, AA clear
	ServFail                // an alias loop or a chain that is too long
)

// String returns the outcome in words, "answered" or as DNS spells it.
func (o Outcome) String() string {
	return [...]string{"REFUSED", "answered", "NODATA", "NXDOMAIN", "referral", "SERVFAIL"}[o]
}

// RRs are resource records encoded without their owner: type, class, TTL, RDLENGTH, RDATA, each after the other (RFC
// 1035 section 3.2.1). They are part of a View and must not be changed.
type RRs struct {
	Wire  []byte
	Count int
}

// A Link is one step of the answer section. The owner of the first link is the query name; the owner of a link with
// AfterCNAME set is the target of the CNAME in the link before it; the owner of any other link is that of the link
// before it.
type Link struct {
	RRs        RRs
	Start      int // which record to begin with, so that values rotate
	AfterCNAME bool
}

// MaxLinks bounds an answer: a chain of eight CNAMEs, and eight multivalue members at its end.
const MaxLinks = maxChain + maxMultivalue

const (
	maxChain      = 8
	maxMultivalue = 8 // r53: A.8
)

// An Answer is filled by Decide; reuse it between calls, so that nothing is allocated.
type Answer struct {
	Outcome Outcome
	Links   [MaxLinks]Link
	N       int // links in use

	// TTL replaces the TTL of every record of the last owner when OverrideTTL is set (multivalue members with different
	// TTLs).
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

	// Located is set when the answer depends on the client's address, and Scope is then the prefix length it holds for (0
	// otherwise: the answer is for everybody, RFC 7871 section 7.2.1). An answer depends on the address when it went
	// through a latency or geoproximity group of several members, or a geolocation or IP-based group that has more than a
	// default location. Place is where the client was found; 0 when nothing but CIDR blocks was asked.
	Place   geo.PlaceID
	Located bool
	Scope   int

	// Healthy: all that was picked on the way to an Answered answer is healthy. FailOpen: every member that a
	// group on the way has for the client was unhealthy and Route 53's fail-open rule picked. r53: A.4.
	Healthy  bool
	FailOpen bool
}

// A GlueRR is an address of a name server below a delegation.
type GlueRR struct {
	Owner []byte // wire format
	RRs   RRs
}

// Decide answers q by v and t into a; whatever a held before is replaced. It allocates nothing (but for the first few
// times that a.Glue grows) and never blocks.
func Decide(v *View, t *Table, q *Query, a *Answer) {
	d := decision{v: v, t: t, q: q, a: a, rand: q.Rand}
	d.run()
}

// Explain decides as Decide does and returns the trace of it.
func Explain(v *View, t *Table, q *Query, a *Answer) *Trace {
	d := decision{v: v, t: t, q: q, a: a, rand: q.Rand, trace: &Trace{Steps: []Step{}}, noted: true}
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
	zone  *hosted
	rand  uint64 // state of splitmix64
	tests int    // health tests so far

	placed bool   // a.Place and ladder are known
	ladder ladder // of the client

	location string // of the client in the CIDR collection of the group at hand; empty outside its blocks

	why   string  // what led to the outcome, for the trace
	trace *Trace  // nil: nobody asks
	picks *[]Pick // nil: nobody asks
	odds  *odds   // nil: rand decides where chance does
	noted bool    // trace or picks is asked for
}

// run walks the steps of r53: A.2.
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
		target := d.owner(name)
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

// reset clears an Answer without touching the links, which N rules.
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
// section 3.1.4.1), when that is here too and delegates.
func (d *decision) authority(name []byte, labels int) *hosted {
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

// owner answers for one owner name: the query name, or what a CNAME led to. It returns the target of a CNAME to go on
// with, nil when the answer is complete.
func (d *decision) owner(name []byte) (target []byte) {
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
	g := d.choose(n)
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

// choose picks the group that answers the query type at a node. r53: A.2.
func (d *decision) choose(n *node) *group {
	if d.q.Type == anyType && len(n.groups) > 0 {
		return &n.groups[0] // RFC 8482 section 4.1: one of the RRsets is enough
	}
	if g := n.group(d.q.Type); g != nil {
		return g
	}
	return n.group(zone.CNAME)
}

// match finds the node of a name: its own, or the wildcard's below its closest existing ancestor (RFC 4592 section
// 3.3). nil when the name does not exist.
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

// delegation finds the delegation that is nearest to the apex on the way to a name. The DS set at a cut belongs to this
// side of it.
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

// refer answers with a delegation. Behind a CNAME, what is there already is the answer: the resolver asks for the
// target itself.
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
		if !below(server, cut) {
			continue // its addresses are found by asking for them
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

// below reports whether a name is the other or below it.
func below(name, other []byte) bool {
	for len(name) > len(other) {
		name = parent(name)
	}
	return string(name) == string(other)
}

// answersNS reports whether the answer section holds the zone's NS set already.
func (d *decision) answersNS(name []byte) bool {
	last := d.a.Links[d.a.N-1].RRs
	return len(name) == len(d.zone.apex) && len(d.zone.ns.Wire) > 0 && &last.Wire[0] == &d.zone.ns.Wire[0]
}
