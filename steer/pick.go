package steer

import (
	"math/bits"

	"github.com/bulkhead-dns/bulkhead/zone"
)

const (
	// maxAliases bounds the aliases followed below one owner name. r53: A.9.
	maxAliases = 16
	// maxTests bounds the health tests of one decision. Without it, groups that cite each other would need a number of
	// tests that grows exponentially.
	maxTests = 10000

	// noMember is the reason of what Route 53 calls "no answer". Nothing else about that reply is documented
	// (unconfirmed). r53: A.6.
	noMember = "no member is for where the client is, and there is no default"
)

// follow answers from a group. It picks a member; if the member is an alias, it continues in the target group. r53:
// A.2.
func (d *decision) follow(g *group, owner []byte) {
	chained := d.a.N > 0
	var via *alias
	for depth := 0; ; depth++ {
		if g.policy == zone.MultiValue {
			d.multivalue(g, owner, via, chained)
			return
		}
		i, failOpen := d.pick(g, depth)
		if d.recording {
			d.record(g, owner, via, depth, failOpen, []int{i})
		}
		if i < 0 {
			d.a.Outcome, d.why = NoData, noMember
			return
		}
		m := &g.members[i]
		if m.alias == nil {
			d.link(m, chained)
			return
		}
		if depth == maxAliases {
			d.fail("the chain of aliases is longer than 16: a loop, or too deep")
			return
		}
		via = m.alias
		if g = d.target(via, g.rrtype); g == nil {
			d.a.Outcome, d.why = NoData, "the target of the alias does not exist or has no records of this type"
			return
		}
	}
}

// pick chooses a member by the group's policy: among the healthy members, or among all members if none is healthy
// (failOpen). It returns -1 if no member is for this client. r53: A.2, A.4.
func (d *decision) pick(g *group, depth int) (i int, failOpen bool) {
	d.locate(g)
	if i = d.best(g, depth, false); i < 0 {
		i = d.best(g, depth, true)
		failOpen = i >= 0
		d.a.FailOpen = d.a.FailOpen || failOpen
	}
	return i, failOpen
}

// best chooses by the group's policy among the healthy members, or among all if failOpen is set. It returns -1 if there
// is none. Failover prefers PRIMARY to SECONDARY, and chooses PRIMARY if both are unhealthy (r53: A.11). Geolocation
// chooses the smallest area that contains the client, and chooses it too if all areas that contain the client are
// unhealthy (r53: A.6). Among equally good members the first SetIdentifier wins.
func (d *decision) best(g *group, depth int, failOpen bool) int {
	if g.policy == zone.Weighted {
		return d.weigh(g, depth, failOpen)
	}
	best, bestRank := -1, 0.0
	for i := range g.members {
		m := &g.members[i]
		rank, ok := d.rank(g, m)
		if ok && (best < 0 || rank < bestRank) && (failOpen || d.healthy(m, g.rrtype, depth)) {
			best, bestRank = i, rank
		}
	}
	return best
}

// weigh chooses a member in proportion to the weights, by reservoir sampling. Members of weight 0 are chosen only if no
// candidate has a weight above 0; they are then equally likely. So they are a second tier when the others are
// unhealthy. r53: A.5.
func (d *decision) weigh(g *group, depth int, failOpen bool) int {
	chosen, total := -1, uint64(0)
	spare, spares := -1, uint64(0)
	if d.choices != nil {
		d.choices.candidates = d.choices.candidates[:0]
	}
	for i := range g.members {
		m := &g.members[i]
		if !failOpen && !d.healthy(m, g.rrtype, depth) {
			continue
		}
		if d.choices != nil {
			d.choices.candidates = append(d.choices.candidates, candidate{i, int64(m.value)})
		}
		// Each member replaces the chosen one with a probability of its share of the sum so far. In the end every member
		// has been chosen with the probability of its share of the whole sum.
		if w := uint64(m.value); w > 0 {
			if total += w; d.randomN(total) < w {
				chosen = i
			}
		} else if spares++; d.randomN(spares) == 0 {
			spare = i
		}
	}
	switch {
	case d.choices != nil:
		return d.choices.choose(chosen >= 0)
	case chosen >= 0:
		return chosen
	}
	return spare
}

// multivalue answers with up to eight healthy members in random order, or up to eight of all members if none is
// healthy. All records get the smallest of their TTLs, because an RRset has one TTL. r53: A.8.
func (d *decision) multivalue(g *group, owner []byte, via *alias, chained bool) {
	var chosen [maxMultivalue]int
	n := d.sample(g, &chosen, false)
	failOpen := n == 0
	if failOpen {
		n = d.sample(g, &chosen, true)
		d.a.FailOpen = true
	}
	switch {
	case d.choices != nil:
		d.record(g, owner, via, 0, failOpen, d.choices.members())
	case d.recording:
		d.record(g, owner, via, 0, failOpen, chosen[:n])
	}
	low, high := g.members[chosen[0]].ttl, uint32(0)
	for i := range n {
		j := i + int(d.randomN(uint64(n-i)))
		chosen[i], chosen[j] = chosen[j], chosen[i]
		m := &g.members[chosen[i]]
		low, high = min(low, m.ttl), max(high, m.ttl)
		d.link(m, chained && i == 0)
	}
	d.a.TTL, d.a.OverrideTTL = low, low != high
}

// sample chooses up to eight of a group's healthy members (of all members if failOpen is set) by reservoir sampling:
// every set of eight is equally likely. It returns their number.
func (d *decision) sample(g *group, chosen *[maxMultivalue]int, failOpen bool) int {
	seen := 0
	if d.choices != nil {
		d.choices.candidates = d.choices.candidates[:0]
	}
	for i := range g.members {
		if !failOpen && !d.healthy(&g.members[i], g.rrtype, 0) {
			continue
		}
		if d.choices != nil {
			d.choices.candidates = append(d.choices.candidates, candidate{member: i})
		}
		if seen < maxMultivalue {
			chosen[seen] = i
		} else if j := d.randomN(uint64(seen + 1)); j < maxMultivalue {
			chosen[j] = i
		}
		seen++
	}
	return min(seen, maxMultivalue)
}

// link appends a member's records to the answer.
func (d *decision) link(m *member, afterCNAME bool) {
	l := &d.a.Links[d.a.N]
	l.RRs, l.Start, l.AfterCNAME = m.records(), 0, afterCNAME
	if m.count > 1 {
		l.Start = int(d.randomN(uint64(m.count)))
	}
	d.a.N++
}

// healthy reports whether a member is healthy by the table of r53: A.3. depth is the number of aliases that led to it.
func (d *decision) healthy(m *member, t zone.RRType, depth int) bool {
	if d.tests++; d.tests > maxTests {
		return false
	}
	if !d.t.Healthy(m.check) {
		return false
	}
	switch {
	case m.alias == nil:
		return true
	case m.alias.zoneID != "" && d.balancer(m.alias) == nil:
		return false // an unknown name outside the hosted zones: other members may be able to answer
	}
	return !m.alias.evaluate || d.targetHealthy(m.alias, t, depth+1)
}

// targetHealthy reports whether the target of an alias is healthy. A load balancer has a verdict of its own. A group is
// healthy if any of its members is, at any depth. A target that does not exist is unhealthy, and so is a loop.
func (d *decision) targetHealthy(a *alias, t zone.RRType, depth int) bool {
	if a.zoneID != "" {
		return d.balancer(a) != nil && d.t.Healthy(a.health)
	}
	if depth > maxAliases {
		return false
	}
	g := d.target(a, t)
	if g == nil {
		return false
	}
	for i := range g.members {
		if d.healthy(&g.members[i], t, depth) {
			return true
		}
	}
	return false
}

// target returns the group that an alias of type t points at, or nil if there is none.
func (d *decision) target(a *alias, t zone.RRType) *group {
	if a.zoneID != "" {
		if b := d.balancer(a); b != nil {
			return b.node.group(t)
		}
		return nil
	}
	n, ok := d.zone.names.get(a.hash, []byte(a.target))
	if !ok {
		return nil
	}
	return n.group(t)
}

// balancer returns the load balancer that an alias points at, or nil. The alias must cite its canonical zone id.
func (d *decision) balancer(a *alias) *balancer {
	b, _ := d.v.balancers.get(a.hash, []byte(a.target))
	if b != nil && b.zoneID != a.zoneID {
		return nil
	}
	return b
}

// randomN returns the next random number in 0..n-1 (Steele, Lea, Flood: "Fast splittable pseudorandom number
// generators", 2014).
func (d *decision) randomN(n uint64) uint64 {
	d.rand += 0x9e3779b97f4a7c15
	x := d.rand
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	hi, _ := bits.Mul64(x^x>>31, n)
	return hi
}
