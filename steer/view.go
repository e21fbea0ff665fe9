// Package steer decides which answer one client gets: which zone, which name, which member of a group, and why.
//
// A View is the compiled form of all zones; a Table holds the current verdicts of all health checks. Both are immutable
// to readers. Deriving the next one is cheap: an edit costs in proportion to what it changes. Decide is a pure function
// of (View, Table, Query) and allocates nothing. Explain runs the same code and records a trace.
//
// Route 53 does not document everything. In those cases the engine behaves like this:
//
//   - An alias target that does not exist has no healthy member. An answer that ends at it is NODATA (r53: A.9). An
//     alias of an unknown name outside the hosted zones is unhealthy, even if it does not evaluate its target's health.
//   - The engine follows at most 16 aliases below the queried name. Deeper targets count as unhealthy, and an answer
//     that reaches them is SERVFAIL. Loops end in this way (r53: A.9).
//   - A target group is healthy if any of its members is healthy. Location and weight do not matter (r53: A.3).
//   - The engine follows a CNAME inside its zone and appends the records of the target (r53: A.12).
//   - If members of a latency or geoproximity group are equally near, the first SetIdentifier answers. All members are
//     equally near to a client whose place is not known (r53: A.7).
//   - If no member matches the client's location and there is no default member, the answer is NODATA (r53: A.6).
//   - The longest CIDR block decides a client's location. If the member of that location is missing or unhealthy, the
//     default member answers, not the location of a shorter block (r53: A.8).
//   - Clients in China get the cn-north-1 member of a latency group while it is healthy. No other policy prefers it
//     (r53: A.7).
//   - A query of type ANY gets one record set: the one with the lowest type number (RFC 8482 section 4.1).
package steer

import (
	"hash/maphash"

	"github.com/bulkhead-dns/bulkhead/geo"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// A View is an immutable compiled set of zones. Any number of goroutines may use it at the same time.
type View struct {
	atlas      *geo.Atlas
	continents map[area]area // by country

	// seed is the seed of the hashes in the tries. It is random, so that nobody can craft names that collide. No answer
	// depends on it.
	seed maphash.Seed

	byID      trie[*hostedZone]
	byName    trie[[]*hostedZone] // by apex; if several zones share an apex, the first answers
	balancers trie[*balancer]     // by name, plain and "dualstack."
	depths    [maxLabels]int32    // number of apexes by their number of labels
	deepest   int                 // the largest number of labels of any apex

	subjects interner[string] // what a verdict is about; the number is the CheckIndex

	proximities interner[proximity] // of geoproximity members, by name

	collections trie[*geo.Blocks] // by id
	labels      interner[string]  // ids and locations of CIDR collections that record sets cite
}

// maxLabels is one more than a name can have: 127 labels of one byte fill 255 bytes.
const maxLabels = 128

// A hostedZone is one zone: its content by owner name, and the records that its answers share.
type hostedZone struct {
	key  string // its key in View.byID
	id   string
	name zone.Name
	apex string // wire format

	// names has every name with records, every empty non-terminal above one (RFC 4592 section 2.2.2), and the apex.
	names trie[*node]
	cuts  int // names below the apex with an NS group

	soa RRs // with the TTL of negative answers
	ns  RRs

	balancers int // in a service zone: the number of its load balancers
}

// A node is one owner name of a zone.
type node struct {
	groups   []group // by type
	children int32   // number of names that are one label longer
}

func (n *node) group(t zone.RRType) *group {
	for i := range n.groups {
		if n.groups[i].rrtype == t {
			return &n.groups[i]
		}
	}
	return nil
}

// A balancer is a load balancer as the target of an alias.
type balancer struct {
	zoneID string
	node   node // its addresses
	health CheckIndex
}

// NewView returns an empty view over an atlas. It refuses every name.
func NewView(atlas *geo.Atlas) *View {
	return &View{atlas: atlas, continents: continentsOf(atlas), seed: maphash.MakeSeed()}
}

// Atlas returns the atlas that the view uses.
func (v *View) Atlas() *geo.Atlas { return v.atlas }

// Check returns the index of a health check id. It is 0 if the id was never interned.
func (v *View) Check(id string) CheckIndex { return v.index(checkSubject(id)) }

// TargetHealth returns the index of a load balancer's health. It is 0 if the load balancer is not known. The name may
// have the "dualstack." prefix.
func (v *View) TargetHealth(loadBalancer zone.Name) CheckIndex {
	return v.index(targetSubject(loadBalancer))
}

func (v *View) index(subject string) CheckIndex {
	return CheckIndex(v.subjects.find(v.hashString(subject), subject))
}

// These texts name the subject of a verdict in a trace.
func checkSubject(id string) string               { return "health check " + id }
func targetSubject(loadBalancer zone.Name) string { return "target " + string(plainName(loadBalancer)) }

func (v *View) hash(key []byte) uint64       { return maphash.Bytes(v.seed, key) }
func (v *View) hashString(key string) uint64 { return maphash.String(v.seed, key) }

// zoneOf returns the zone that holds a name: the one with the longest apex that the name ends in. It returns nil if no
// zone holds the name. labels is the number of labels of the name.
func (v *View) zoneOf(name []byte, labels int) *hostedZone {
	for ; labels > v.deepest; labels-- {
		name = parent(name)
	}
	for {
		if zones, ok := v.byName.get(v.hash(name), name); ok {
			return zones[0]
		}
		if len(name) == 1 {
			return nil
		}
		name = parent(name)
	}
}

func (v *View) node(z *hostedZone, name []byte) *node {
	n, _ := z.names.get(v.hash(name), name)
	return n
}

// parent returns a wire-format name without its first label. The name must not be the root.
func parent(name []byte) []byte { return name[1+name[0]:] }

// countLabels returns the number of labels of a wire-format name, without the root. ok is false for a malformed name.
func countLabels(name []byte) (labels int, ok bool) {
	if len(name) > 255 {
		return 0, false
	}
	for i := 0; i < len(name); labels++ {
		length := int(name[i])
		if length == 0 {
			return labels, i == len(name)-1
		}
		if length > 63 {
			return 0, false
		}
		i += 1 + length
	}
	return 0, false
}
