package steer

import (
	"math/bits"

	"github.com/bulkhead-dns/bulkhead/zone"
)

const (
	// maxAliases bounds the aliases followed below one owner name. r53: A.9.
	maxAliases = 16
	// maxTests bounds the health tests of one decision: trees of groups that cite each other would multiply without
	// end.
	maxTests = 10000

	// noMember is Route 53's "no answer": of what it sends then only these words are known (unconfirmed). r53: A.6.
	noMember = "no member is for where the client is, and there is no default"
)

// follow answers from a group: picks a member, and goes on in the group it is an alias of. r53: A.2.
func (d *decision) follow(g *group, owner []byte) {
	chained := d.a.N > 0
	var via *alias
	for depth := 0; ; depth++ {
		if g.policy == zone.MultiValue {
			d.multivalue(g, owner, via, chained)
			return
		}
		i, open := d.pick(g, depth)
		if d.noted {
			d.note(g, owner, via, depth, open, []int{i})
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

// pick chooses a member by the group's policy among the healthy, or among all when none is healthy. r53: A.2, A.4. It
// returns -1 when no member is for this client.
func (d *decision) pick(g *group, depth int) (i int, open bool) {
	d.locate(g)
	if i = d.best(g, depth, false); i < 0 {
		i = d.best(g, depth, true)
		open = i >= 0
		d.a.FailOpen = d.a.FailOpen || open
	}
	return i, open
}

// best chooses by policy among the healthy members, among all when open; -1 when there is none. Failover has PRIMARY
// before SECONDARY, and PRIMARY again when both are unhealthy (r53: A.11). Geolocation has the smallest area that holds
// the client, and that one again when all that hold it are unhealthy (r53: A.6). Of equally far ones the first
// SetIdentifier wins.
func (d *decision) best(g *group, depth int, open bool) int {
	if g.policy == zone.Weighted {
		return d.weigh(g, depth, open)
	}
	best, bestRank := -1, 0.0
	for i := range g.members {
		m := &g.members[i]
		rank, ok := d.rank(g, m)
		if ok && (best < 0 || rank < bestRank) && (open || d.healthy(m, g.rrtype, depth)) {
			best, bestRank = i, rank
		}
	}
	return best
}

// weigh chooses in proportion to the weights. Members of weight 0 have equal shares, and only where there is no other:
// they are a second tier once health counts, and every member is equally likely when all weights are 0. r53: A.5.
func (d *decision) weigh(g *group, depth int, open bool) int {
	chosen, total := -1, uint64(0)
	spare, spares := -1, uint64(0)
	if d.odds != nil {
		d.odds.stakes = d.odds.stakes[:0]
	}
	for i := range g.members {
		m := &g.members[i]
		if !open && !d.healthy(m, g.rrtype, depth) {
			continue
		}
		if d.odds != nil {
			d.odds.stakes = append(d.odds.stakes, stake{i, int64(m.value)})
		}
		// Each takes the place of those before it with the chance of its share in the sum so far: in the end all shares
		// are right.
		if w := uint64(m.value); w > 0 {
			if total += w; d.below(total) < w {
				chosen = i
			}
		} else if spares++; d.below(spares) == 0 {
			spare = i
		}
	}
	switch {
	case d.odds != nil:
		return d.odds.choose(chosen >= 0)
	case chosen >= 0:
		return chosen
	}
	return spare
}

// multivalue answers with up to eight healthy members, or up to eight of all when none is healthy, in random order.
// Their TTLs become the smallest of them: an RRset has one TTL. r53: A.8.
func (d *decision) multivalue(g *group, owner []byte, via *alias, chained bool) {
	var chosen [maxMultivalue]int
	n := d.sample(g, &chosen, false)
	open := n == 0
	if open {
		n = d.sample(g, &chosen, true)
		d.a.FailOpen = true
	}
	switch {
	case d.odds != nil:
		d.note(g, owner, via, 0, open, d.odds.members())
	case d.noted:
		d.note(g, owner, via, 0, open, chosen[:n])
	}
	low, high := g.members[chosen[0]].ttl, uint32(0)
	for i := range n {
		j := i + int(d.below(uint64(n-i)))
		chosen[i], chosen[j] = chosen[j], chosen[i]
		m := &g.members[chosen[i]]
		low, high = min(low, m.ttl), max(high, m.ttl)
		d.link(m, chained && i == 0)
	}
	d.a.TTL, d.a.OverrideTTL = low, low != high
}

// sample draws up to eight of a group's healthy members (of all when open), each set of eight equally likely.
func (d *decision) sample(g *group, chosen *[maxMultivalue]int, open bool) int {
	seen := 0
	if d.odds != nil {
		d.odds.stakes = d.odds.stakes[:0]
	}
	for i := range g.members {
		if !open && !d.healthy(&g.members[i], g.rrtype, 0) {
			continue
		}
		if d.odds != nil {
			d.odds.stakes = append(d.odds.stakes, stake{member: i})
		}
		if seen < maxMultivalue {
			chosen[seen] = i
		} else if j := d.below(uint64(seen + 1)); j < maxMultivalue {
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
		l.Start = int(d.below(uint64(m.count)))
	}
	d.a.N++
}

// healthy is the table of r53: A.3 for a member reached through depth aliases.
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
		return false // a name outside that nobody knows (yet): Route 53 has none such, and others may be able to answer
	}
	return !m.alias.evaluate || d.targetHealthy(m.alias, t, depth+1)
}

// targetHealthy is the health of an alias target. A load balancer has a health of its own; a group is healthy when any
// member is, at any depth. What does not exist has nothing healthy, and a loop has no end where something healthy could
// be.
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

// target returns the group an alias of type t stands for; nil when there is none.
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

// balancer returns the load balancer of an alias, under the canonical zone id that the alias cites.
func (d *decision) balancer(a *alias) *balancer {
	b, _ := d.v.balancers.get(a.hash, []byte(a.target))
	if b != nil && b.zoneID != a.zoneID {
		return nil
	}
	return b
}

// below returns the next random number in 0..n-1 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators",
// 2014).
func (d *decision) below(n uint64) uint64 {
	d.rand += 0x9e3779b97f4a7c15
	x := d.rand
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	hi, _ := bits.Mul64(x^x>>31, n)
	return hi
}
