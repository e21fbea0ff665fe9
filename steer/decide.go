package steer

import (
	"net/netip"

	"github.com/bulkhead-dns/bulkhead/geo"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// A Query is what a decision is made from. The same Query on the same View and Table gives the same Answer.
type Query struct {
	Name   []byte      // wire format, lower case, uncompressed
	Type   zone.RRType // any number; types the view has no data for get NODATA
	Client netip.Addr  // the EDNS Client Subnet address if there was one, else the source address
	ECS    bool        // Client comes from EDNS Client Subnet
	Rand   uint64      // random bits: weighted picks, order of values, multivalue selection
}

// An Outcome is the kind of answer.
type Outcome uint8

// The outcomes of a decision.
const (
	Refused  Outcome = iota // no zone of ours: RCODE REFUSED
	Answered                // Links hold the answer section
	NoData                  // NOERROR, SOA in authority
	NXDomain                // RCODE NXDOMAIN, SOA in authority; Links may hold a CNAME that led there
	Referral                // delegation below the zone: Delegation and Glue, AA clear
	ServFail                // an alias loop or a chain that is too long
)

// RRs are resource records encoded without their owner: type, class, TTL, RDLENGTH, RDATA, each after the other (RFC 1035 section 3.2.1).
type RRs struct {
	Wire  []byte
	Count int
}

// A Link is one step of the answer section. The owner of the first link is the query name; the owner of a link with AfterCNAME set is the
// target of the CNAME in the link before it.
type Link struct {
	RRs        RRs
	Start      int // which record to begin with, so that values rotate
	AfterCNAME bool
}

// MaxLinks bounds an answer: eight multivalue members or a CNAME chain.
const MaxLinks = 8

// An Answer is filled by Decide; reuse it between calls.
type Answer struct {
	Outcome Outcome
	Links   [MaxLinks]Link
	N       int // links in use

	// TTL replaces the TTL of every record of the last owner when OverrideTTL is set (multivalue members with different TTLs).
	TTL         uint32
	OverrideTTL bool

	// ZoneLabels is the length in bytes of the zone's name on the wire: the zone's owner name is the last ZoneLabels bytes of the query name
	// (or of the last CNAME's target). SOA is the negative answer's authority with the negative TTL set (r53: A.12), NS the positive one's.
	ZoneLabels int
	ZoneID     string
	SOA, NS    RRs

	// Referral only: the owner is the last DelegationLabels bytes of the query name.
	Delegation       RRs
	DelegationLabels int
	Glue             []GlueRR

	// Place is where the client was found; Located is set when the answer depends on it, and Scope is then the prefix length it
	// holds for (0 otherwise: the answer is for everybody, RFC 7871 section 7.2.1).
	Place   geo.PlaceID
	Located bool
	Scope   int

	// Healthy: what was picked is healthy. FailOpen: every member was unhealthy and Route 53's fail-open rule picked. r53: A.4.
	Healthy  bool
	FailOpen bool
}

// A GlueRR is an address of a name server below a delegation.
type GlueRR struct {
	Owner []byte // wire format
	RRs   RRs
}

// Decide answers q by v and t into a. It allocates nothing and never blocks.
func Decide(v *View, t *Table, q *Query, a *Answer) { panic("contract") }

// A Trace says why an answer was given.
type Trace struct {
	Zone  string `json:"zone"`
	Name  string `json:"name"` // the owner that matched: the name itself or a wildcard
	Place string `json:"place"`
	Steps []Step `json:"steps"`
	Rule  string `json:"rule"` // one sentence about the outcome
}

// A Step is one group that was walked through.
type Step struct {
	Name     string      `json:"name"`
	Type     zone.RRType `json:"type"`
	Policy   string      `json:"policy"`
	Members  []Member    `json:"members"`
	FailOpen bool        `json:"failOpen"`
}

// A Member is one candidate of a step.
type Member struct {
	SetIdentifier string `json:"setIdentifier,omitempty"`
	Healthy       bool   `json:"healthy"`
	Picked        bool   `json:"picked"`
	Why           string `json:"why"` // "health check 3f… unhealthy", "latency 12 ms (estimated)", "role SECONDARY" …
}

// Explain decides as Decide does and returns the trace of it.
func Explain(v *View, t *Table, q *Query, a *Answer) *Trace { panic("contract") }
