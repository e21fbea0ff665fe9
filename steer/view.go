// Package steer decides which answer one client gets: which zone, which name, which member of a group, and why.
//
// A View is the compiled form of all zones; a Table holds the current verdicts of all health checks. Both are immutable
// to readers and cheap to derive from: an edit costs in proportion to what it changes. Decide is a pure function of
// (View, Table, Query) and allocates nothing; Explain is the same code with a trace.
//
// Where Route 53's behaviour is not documented, these readings are taken:
//
//   - A target that does not exist has no healthy member, and answering it is NODATA (r53: A.9). An alias of a name
//     outside the hosted zones that is not known is unhealthy even where it does not evaluate its target's health.
//   - Aliases deeper than 16 below the name asked for are not followed: their targets count as unhealthy, and an answer
//     that ends up there is SERVFAIL. Loops end in this way (r53: A.9).
//   - A target group is healthy when any member is, wherever it is and whatever its weight (r53: A.3).
//   - A CNAME is followed inside its zone and the target's records are appended (r53: A.12).
//   - Of equally near members of a latency or geoproximity group the first SetIdentifier answers; all are equally near
//     where the client is not known (r53: A.7).
//   - No member for the client's location and no default is NODATA (r53: A.6).
//   - The longest block decides the location for good: where its member is missing or unhealthy, the default answers,
//     not the location of a shorter block (r53: A.8).
//   - Clients in China get the cn-north-1 member of a latency group while it is healthy, other policies do not put it
//     first (r53: A.7).
//   - ANY is answered with one record set, that of the lowest type number (RFC 8482 section 4.1).
package steer

import (
	"hash/maphash"

	"github.com/bulkhead-dns/bulkhead/geo"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// A View is an immutable compiled set of zones. Any number of goroutines may decide by it.
type View struct {
	atlas      *geo.Atlas
	continents map[area]area // by country

	// seed places keys in the tries. It is chance, so that nobody can craft names that collide, and no answer depends
	// on it.
	seed maphash.Seed

	byID      trie[*hosted]
	byName    trie[[]*hosted]  // by apex; of several zones the first answers
	balancers trie[*balancer]  // by name, plain and "dualstack."
	depths    [maxLabels]int32 // how many apexes have so many labels
	deepest   int              // most labels of any apex

	subjects numbering[string] // what verdicts are about; the number is the CheckIndex

	spots numbering[spot] // of geoproximity members, by name

	collections trie[*geo.Blocks] // by id
	labels      numbering[string] // ids and locations of CIDR collections that record sets cite
}

// maxLabels bounds the labels of a name: 127 of one byte fill 255 bytes.
const maxLabels = 128

// A hosted is one zone: its content by owner name, and what answers out of it need.
type hosted struct {
	key  string // in byID
	id   string
	name zone.Name
	apex string // wire format

	// names has every name with records, every empty non-terminal above one (RFC 4592 section 2.2.2), and the apex.
	names trie[*node]
	cuts  int // names below the apex with an NS group

	soa RRs // with the negative TTL
	ns  RRs

	balancers int // in a service zone: how many load balancers keep it
}

// A node is one owner name of a zone.
type node struct {
	groups []group // by type
	below  int32   // names one label longer
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

// Atlas returns the atlas the view decides by.
func (v *View) Atlas() *geo.Atlas { return v.atlas }

// Check returns the index of a health check id; 0 when nothing cites it and it was never interned.
func (v *View) Check(id string) CheckIndex { return v.index(checkSubject(id)) }

// TargetHealth returns the index of a load balancer's health; 0 when it is unknown. The name may have the "dualstack."
// prefix.
func (v *View) TargetHealth(loadBalancer zone.Name) CheckIndex {
	return v.index(targetSubject(loadBalancer))
}

func (v *View) index(subject string) CheckIndex {
	return CheckIndex(v.subjects.find(v.hashString(subject), subject))
}

// What a verdict is about, as Explain words it.
func checkSubject(id string) string               { return "health check " + id }
func targetSubject(loadBalancer zone.Name) string { return "target " + string(plainName(loadBalancer)) }

func (v *View) hash(key []byte) uint64       { return maphash.Bytes(v.seed, key) }
func (v *View) hashString(key string) uint64 { return maphash.String(v.seed, key) }

// zoneOf returns the zone that holds a name of so many labels: of the apexes it ends in, the longest. nil when there is
// none.
func (v *View) zoneOf(name []byte, labels int) *hosted {
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

func (v *View) node(z *hosted, name []byte) *node {
	n, _ := z.names.get(v.hash(name), name)
	return n
}

// parent drops the first label of a wire-format name that is not the root.
func parent(name []byte) []byte { return name[1+name[0]:] }

// countLabels checks that a wire-format name is whole and counts its labels, without the root.
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
