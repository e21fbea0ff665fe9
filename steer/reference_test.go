package steer_test

import (
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/bulkhead-dns/bulkhead/geo"
	"github.com/bulkhead-dns/bulkhead/steer"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// The reference answers a query straight from section A of the reference document, by searching record sets. It is
// slow, literal and shares no code with steer. Where chance decides it gives every possible answer with its
// probability.

// A refAnswer is one possible answer.
type refAnswer struct {
	outcome     steer.Outcome
	zoneID      string
	apex        zone.Name
	negative    uint32 // TTL of the SOA in a negative answer
	chain       []rr   // CNAMEs
	owner       zone.Name
	pool        []*zone.ResourceRecordSet // what the records are from …
	take        int                       // … and of how many of these; all are the owner's
	addresses   []netip.Addr              // of a load balancer, in place of a pool
	cut         zone.Name                 // of a referral
	failOpen    bool
	located     bool
	probability float64
}

// zoneHolding returns the first put of the zones with the longest name that holds n.
func (w *world) zoneHolding(n zone.Name) (best zone.HostedZone, ok bool) {
	for _, z := range w.zones {
		if n.In(z.Name) && (!ok || len(z.Name) > len(best.Name)) {
			best, ok = z, true
		}
	}
	return best, ok
}

func (w *world) all(z zone.HostedZone) []*zone.ResourceRecordSet {
	return slices.Collect(w.records[z.ID].From(zone.Key{}))
}

func (w *world) group(z zone.HostedZone, n zone.Name, t zone.RRType) (members []*zone.ResourceRecordSet) {
	for _, s := range w.all(z) {
		if s.Name == n && s.Type == t {
			members = append(members, s)
		}
	}
	return members
}

// exists: a name with records or with a name below it exists. r53: A.12.
func (w *world) exists(z zone.HostedZone, n zone.Name) bool {
	return n == z.Name || slices.ContainsFunc(w.all(z), func(s *zone.ResourceRecordSet) bool { return s.Name.In(n) })
}

// reference is r53: A.2.
func (w *world) reference(t testing.TB, q *steer.Query) []refAnswer {
	name := nameOf(t, q.Name)
	z, ok := w.zoneHolding(name)
	if service, longer := w.serviceAnswer(name, z.Name, q.Type); longer {
		return []refAnswer{service}
	}
	if !ok {
		return []refAnswer{{outcome: steer.Refused, probability: 1}}
	}
	if up, ok := name.Parent(); ok && q.Type == zone.DS && name == z.Name { // rfc 4035 3.1.4.1
		if upper, ok := w.zoneHolding(up); ok && len(w.group(upper, name, zone.NS)) > 0 {
			z = upper
		}
	}
	e := refEvaluation{w: w, q: q, z: z, atlas: w.atlas(t), healths: map[string]bool{}, follows: map[string][]refAnswer{}}
	return e.owner(name, nil)
}

// serviceAnswer answers for a name in the zone that a load balancer's name is directly in, when that is the longest
// zone. r53: A.9.
func (w *world) serviceAnswer(name, longest zone.Name, t zone.RRType) (a refAnswer, ok bool) {
	exists := false
	for _, lb := range w.balancers {
		apex, _ := lb.DNSName.Parent()
		if !name.In(apex) || len(apex) <= max(len(longest), len(a.apex)) && apex != a.apex {
			continue
		}
		a.apex, a.zoneID, a.negative, a.owner, a.probability = apex, lb.HostedZoneID, 60, name, 1
		dual := zone.Name("dualstack." + string(lb.DNSName))
		exists = exists || len(lb.Addresses) > 0 && dual.In(name)
		if name == lb.DNSName || name == dual {
			a.addresses = ofType(lb.Addresses, t)
		}
	}
	if a.apex == name && (t == zone.SOA || t == anyType) { // r53: A.13
		a.pool, a.take = []*zone.ResourceRecordSet{{TTL: new(int64(900)), ResourceRecords: []string{
			"ns-0.awsdns-00.com. awsdns-hostmaster.amazon.com. 1 7200 900 1209600 60"}}}, 1
	}
	switch {
	case len(a.addresses) > 0 || a.take > 0:
		a.outcome = steer.Answered
	case exists || name == a.apex:
		a.outcome = steer.NoData
	default:
		a.outcome = steer.NXDomain
	}
	return a, a.apex != ""
}

const anyType zone.RRType = 255

func ofType(all []netip.Addr, t zone.RRType) (addrs []netip.Addr) {
	if t == anyType { // the lowest type there is
		if t = zone.AAAA; slices.ContainsFunc(all, netip.Addr.Is4) {
			t = zone.A
		}
	}
	for _, addr := range all {
		if addr.Is4() && t == zone.A || addr.Is6() && t == zone.AAAA {
			addrs = append(addrs, addr)
		}
	}
	return addrs
}

type refEvaluation struct {
	w     *world
	atlas *geo.Atlas
	q     *steer.Query
	z     zone.HostedZone

	// The same questions come up often where groups cite each other: what is known by group and depth.
	healths map[string]bool
	follows map[string][]refAnswer
}

func (e *refEvaluation) answer(o steer.Outcome, chain []rr) refAnswer {
	return refAnswer{outcome: o, zoneID: e.z.ID, apex: e.z.Name, negative: 900, chain: chain, probability: 1} // r53: A.12
}

// owner answers for one owner name after a chain of CNAMEs.
func (e *refEvaluation) owner(name zone.Name, chain []rr) []refAnswer {
	var above []zone.Name // from below the apex down to the name
	for n := name; n != e.z.Name; n, _ = n.Parent() {
		above = append([]zone.Name{n}, above...)
	}
	for _, n := range above {
		if len(e.w.group(e.z, n, zone.NS)) == 0 || e.q.Type == zone.DS && n == name {
			continue
		}
		if len(chain) > 0 {
			return []refAnswer{e.answer(steer.Answered, chain)}
		}
		a := e.answer(steer.Referral, nil)
		a.cut = n
		return []refAnswer{a}
	}

	source := name
	if !e.w.exists(e.z, name) {
		encloser, _ := name.Parent()
		for !e.w.exists(e.z, encloser) {
			encloser, _ = encloser.Parent()
		}
		source = zone.MustParseName("*." + string(encloser))
		if !e.w.exists(e.z, source) {
			return []refAnswer{e.answer(steer.NXDomain, chain)}
		}
	}

	t, members := e.q.Type, e.w.group(e.z, source, e.q.Type)
	if t == anyType {
		for _, s := range e.w.all(e.z) {
			if s.Name == source && (t == anyType || s.Type < t) {
				t = s.Type
			}
		}
		members = e.w.group(e.z, source, t)
	} else if len(members) == 0 {
		t, members = zone.CNAME, e.w.group(e.z, source, zone.CNAME)
	}
	if len(members) == 0 {
		return []refAnswer{e.answer(steer.NoData, chain)}
	}

	var out []refAnswer
	for _, a := range e.follow(members, 0) {
		if a.owner = name; a.outcome != steer.ServFail {
			a.chain = chain
		}
		if a.outcome != steer.Answered || t != zone.CNAME || e.q.Type == zone.CNAME || e.q.Type == anyType {
			out = append(out, a)
			continue
		}
		target := zone.MustParseName(a.pool[0].ResourceRecords[0])
		longer := append(slices.Clone(chain), rr{name, uint32(*a.pool[0].TTL), zone.CNAME, string(target)})
		var rest []refAnswer
		if z, ok := e.w.zoneHolding(target); !ok || z.ID != e.z.ID {
			rest = []refAnswer{e.answer(steer.Answered, longer)}
		} else if len(longer) > 8 {
			rest = []refAnswer{e.answer(steer.ServFail, nil)}
		} else {
			rest = e.owner(target, longer)
		}
		for _, r := range rest {
			r.failOpen = r.outcome != steer.ServFail && (r.failOpen || a.failOpen)
			r.located = r.located || a.located
			r.probability *= a.probability
			out = append(out, r)
		}
	}
	return merged(out)
}

// follow answers from a group: steps 4 to 7 of r53: A.2.
func (e *refEvaluation) follow(members []*zone.ResourceRecordSet, depth int) (out []refAnswer) {
	located := asksPlace(members)
	if members[0].Policy() == zone.MultiValue {
		a := e.answer(steer.Answered, nil)
		for _, m := range members {
			if e.healthy(m, depth) {
				a.pool = append(a.pool, m)
			}
		}
		if len(a.pool) == 0 {
			a.pool, a.failOpen = members, true
		}
		a.take = min(8, len(a.pool))
		return []refAnswer{a}
	}
	key := fmt.Sprint(members[0].Name, members[0].Type, depth)
	if known, ok := e.follows[key]; ok {
		return known
	}
	shares, open := e.pick(members, depth)
	if !slices.ContainsFunc(shares, func(p float64) bool { return p > 0 }) { // r53: A.6
		a := e.answer(steer.NoData, nil)
		a.located = located
		out = append(out, a)
	}
	for i, m := range members {
		if shares[i] == 0 {
			continue
		}
		for _, a := range e.resolve(m, depth) {
			a.failOpen = a.outcome != steer.ServFail && (a.failOpen || open)
			a.located = a.located || located
			a.probability *= shares[i]
			out = append(out, a)
		}
	}
	e.follows[key] = merged(out)
	return e.follows[key]
}

// resolve answers with one member.
func (e *refEvaluation) resolve(m *zone.ResourceRecordSet, depth int) []refAnswer {
	a := e.answer(steer.Answered, nil)
	if m.AliasTarget == nil {
		a.pool, a.take = []*zone.ResourceRecordSet{m}, 1
		return []refAnswer{a}
	}
	if depth == 16 {
		return []refAnswer{e.answer(steer.ServFail, nil)}
	}
	if m.AliasTarget.HostedZoneID == e.z.ID {
		if target := e.w.group(e.z, m.AliasTarget.DNSName, m.Type); len(target) > 0 {
			return e.follow(target, depth+1)
		}
		return []refAnswer{e.answer(steer.NoData, nil)}
	}
	if lb, ok := e.balancer(m.AliasTarget); ok {
		a.addresses = ofType(lb.Addresses, m.Type)
	}
	if len(a.addresses) == 0 {
		a.outcome = steer.NoData
	}
	return []refAnswer{a}
}

func (e *refEvaluation) balancer(to *zone.AliasTarget) (zone.LoadBalancer, bool) {
	lb, ok := e.w.balancers[zone.Name(strings.TrimPrefix(string(to.DNSName), "dualstack."))]
	return lb, ok && lb.HostedZoneID == to.HostedZoneID
}

// healthy is the table of r53: A.3.
func (e *refEvaluation) healthy(m *zone.ResourceRecordSet, depth int) bool {
	if m.HealthCheckID != "" && e.w.unhealthy[m.HealthCheckID] {
		return false
	}
	if m.AliasTarget != nil && m.AliasTarget.HostedZoneID != e.z.ID {
		if _, ok := e.balancer(m.AliasTarget); !ok {
			return false
		}
	}
	if m.AliasTarget == nil || !m.AliasTarget.EvaluateTargetHealth {
		return true
	}
	if m.AliasTarget.HostedZoneID != e.z.ID {
		lb, _ := e.balancer(m.AliasTarget)
		return !e.w.unhealthy[string(lb.DNSName)]
	}
	if depth == 16 {
		return false
	}
	key := fmt.Sprint(m.AliasTarget.DNSName, m.Type, depth)
	known, ok := e.healths[key]
	if ok {
		return known
	}
	healthy := slices.ContainsFunc(e.w.group(e.z, m.AliasTarget.DNSName, m.Type), func(s *zone.ResourceRecordSet) bool {
		return e.healthy(s, depth+1)
	})
	e.healths[key] = healthy
	return healthy
}

// merged adds up the probabilities of equal answers.
func merged(answers []refAnswer) []refAnswer {
	var out []refAnswer
	at := map[string]int{}
	for _, a := range answers {
		p := a.probability
		a.probability = 0
		key := fmt.Sprintf("%v", a) // pointers of a pool tell record sets apart
		i, ok := at[key]
		if !ok {
			i = len(out)
			at[key] = i
			out = append(out, a)
		}
		out[i].probability += p
	}
	return out
}

// checkAgainstReference fails unless the answer is one of the possible ones.
func (w *world) checkAgainstReference(t testing.TB, q *steer.Query, a *steer.Answer) {
	t.Helper()
	var why []string
	for _, want := range w.reference(t, q) {
		difference := w.differs(t, q, a, want)
		if difference == "" {
			return
		}
		why = append(why, difference)
	}
	t.Fatalf("query %s %s from %s (ecs %v, rand %d): the answer is none of the reference's:\n  %s\nanswer: %v %v\n%s",
		nameOf(t, q.Name), q.Type, q.Client, q.ECS, q.Rand, strings.Join(why, "\n  "), a.Outcome, answerOf(t, q, a), w)
}

// differs says how an answer differs from a possible one; empty when it does not.
func (w *world) differs(t testing.TB, q *steer.Query, a *steer.Answer, want refAnswer) string {
	answered := want.outcome == steer.Answered
	for _, f := range []struct {
		name      string
		got, want any
	}{
		{"outcome", a.Outcome, want.outcome},
		{"ZoneID", a.ZoneID, want.zoneID},
		{"FailOpen", a.FailOpen, want.failOpen},
		{"Healthy", a.Healthy, answered && !want.failOpen},
		{"Located", a.Located, want.located},
		{"a scope for everybody", a.Scope != 0 && !a.Located, false},
		{"SOA", a.SOA.Count, map[bool]int{true: 1}[want.outcome == steer.NoData || want.outcome == steer.NXDomain]},
	} {
		if f.got != f.want {
			return fmt.Sprintf("%s is %v, the reference has %v", f.name, f.got, f.want)
		}
	}
	if want.apex != "" && a.N == 0 {
		if apex := nameOf(t, q.Name[len(q.Name)-a.ZoneNameLen:]); apex != want.apex {
			return fmt.Sprintf("the zone is %s by ZoneNameLen, the reference has %s", apex, want.apex)
		}
	}
	if a.SOA.Count > 0 {
		if ttl := decode(t, []byte{0}, a.SOA)[0].ttl; ttl != want.negative {
			return fmt.Sprintf("negative TTL is %d, the reference has %d", ttl, want.negative)
		}
	}
	if want.outcome == steer.Referral {
		return w.refersTo(t, q, a, want)
	}
	got := answerOf(t, q, a)
	if len(got) < len(want.chain) || !slices.Equal(got[:len(want.chain)], want.chain) {
		return fmt.Sprintf("the answer begins with %v, the reference has the CNAMEs %v", got, want.chain)
	}
	return want.recordsDiffer(got[len(want.chain):])
}

// recordsDiffer compares the records at the end of the chain: whole members of the pool, take of them, with the
// smallest TTL.
func (want refAnswer) recordsDiffer(got []rr) string {
	left := map[string]int{}
	ttls := map[uint32]bool{}
	for _, r := range got {
		if r.owner != want.owner {
			return fmt.Sprintf("the owner of %v is not %s", r, want.owner)
		}
		left[r.value]++
		ttls[r.ttl] = true
	}
	if len(ttls) > 1 {
		return fmt.Sprintf("%v have several TTLs", got)
	}
	taken, ttl := 0, int64(math.MaxInt64)
	for _, m := range want.pool {
		whole := !slices.ContainsFunc(m.ResourceRecords, func(v string) bool { return left[v] == 0 })
		if taken == want.take || !whole {
			continue
		}
		for _, v := range m.ResourceRecords {
			left[v]--
		}
		taken++
		ttl = min(ttl, *m.TTL)
	}
	for _, addr := range want.addresses {
		left[addr.String()]--
		ttl = 60 // r53: A.9
	}
	for value, n := range left {
		if n != 0 {
			return fmt.Sprintf("%s is answered %+d times too often; the reference has %d of %v %v", value, n, want.take,
				want.values(), want.addresses)
		}
	}
	if taken != want.take {
		return fmt.Sprintf("%d members are answered, the reference has %d of %v", taken, want.take, want.values())
	}
	if len(got) > 0 && !ttls[uint32(ttl)] {
		return fmt.Sprintf("%v have another TTL than the reference's %d", got, ttl)
	}
	return ""
}

func (want refAnswer) values() (all [][]string) {
	for _, m := range want.pool {
		all = append(all, m.ResourceRecords)
	}
	return all
}

// refersTo compares a delegation and its glue.
func (w *world) refersTo(t testing.TB, q *steer.Query, a *steer.Answer, want refAnswer) string {
	z := zone.HostedZone{ID: want.zoneID}
	var servers, glue, gotServers, gotGlue []string
	for _, server := range w.group(z, want.cut, zone.NS)[0].ResourceRecords {
		servers = append(servers, string(want.cut)+" "+server)
		name := zone.MustParseName(server)
		for _, rrtype := range []zone.RRType{zone.A, zone.AAAA} {
			set := w.group(z, name, rrtype)
			if name.In(want.cut) && len(set) == 1 && set[0].Policy() == zone.Simple && set[0].AliasTarget == nil {
				for _, v := range set[0].ResourceRecords {
					glue = append(glue, server+" "+v)
				}
			}
		}
	}
	for _, r := range decode(t, q.Name[len(q.Name)-a.DelegationNameLen:], a.Delegation) {
		gotServers = append(gotServers, string(r.owner)+" "+r.value)
	}
	for _, g := range a.Glue {
		for _, r := range decode(t, g.Owner, g.RRs) {
			gotGlue = append(gotGlue, string(r.owner)+" "+r.value)
		}
	}
	if !slices.Equal(gotServers, servers) || !slices.Equal(gotGlue, glue) {
		return fmt.Sprintf("referred to %v with glue %v, the reference has %v, %v", gotServers, gotGlue, servers, glue)
	}
	return ""
}
