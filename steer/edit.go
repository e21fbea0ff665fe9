package steer

import (
	"fmt"
	"net/netip"
	"slices"
	"sort"
	"strings"

	"github.com/bulkhead-dns/bulkhead/geo"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// Edit starts a change of the view. The view itself stays as it is. There is one writer: edits of one View must not run
// at the same time as edits of a View derived from it, and of two edits of one View only one may be committed.
func (v *View) Edit() *Edit {
	return &Edit{v: *v, owner: &owner{}, touched: map[string]*hosted{}}
}

// An Edit collects changes; Commit returns the next view. It is for one goroutine.
type Edit struct {
	v       View
	owner   *owner
	touched map[string]*hosted // zones this edit has copied, by key
}

// Commit returns the view with the changes. The edit starts over from there.
func (e *Edit) Commit() *View {
	next := e.v
	e.owner, e.touched = &owner{}, map[string]*hosted{}
	return &next
}

// PutZone adds a zone or replaces its properties; its groups are kept. Of two zones with one name the first put
// answers. A zone put again under another name starts empty.
func (e *Edit) PutZone(z zone.HostedZone) {
	if old := e.zone(z.ID); old != nil && old.name != z.Name {
		e.DeleteZone(z.ID)
	} else if old != nil {
		return // a view keeps nothing of a zone but its id and name
	}
	e.addZone(z.ID, z.ID, z.Name)
}

func (e *Edit) addZone(key, id string, name zone.Name) *hosted {
	z := &hosted{key: key, id: id, name: name, apex: string(name.AppendWire(nil))}
	hash := e.v.hashString(z.apex)
	z.names.set(e.owner, hash, z.apex, &node{})
	e.v.byID.set(e.owner, e.v.hashString(key), key, z)
	e.touched[key] = z
	same, _ := e.v.byName.get(hash, []byte(z.apex))
	at := len(same)
	if !z.service() { // comes before the zone of load balancers that happen to be named below it
		at -= count(at > 0 && same[at-1].service())
	}
	e.v.byName.set(e.owner, hash, z.apex, inserted(same, at, z))
	e.countApex(z, +1)
	return z
}

// DeleteZone removes a zone and every group in it.
func (e *Edit) DeleteZone(id string) {
	if z := e.zone(id); z != nil {
		e.removeZone(z)
	}
}

func (e *Edit) removeZone(z *hosted) {
	delete(e.touched, z.key)
	e.v.byID.remove(e.owner, e.v.hashString(z.key), z.key)
	hash := e.v.hashString(z.apex)
	same, _ := e.v.byName.get(hash, []byte(z.apex))
	rest := slices.DeleteFunc(slices.Clone(same), func(s *hosted) bool { return s.key == z.key })
	if len(rest) > 0 {
		e.v.byName.set(e.owner, hash, z.apex, rest)
	} else {
		e.v.byName.remove(e.owner, hash, z.apex)
	}
	e.countApex(z, -1)
}

// countApex keeps track of how deep the search for a zone has to begin.
func (e *Edit) countApex(z *hosted, by int32) {
	labels, _ := countLabels([]byte(z.apex))
	e.v.depths[labels] += by
	e.v.deepest = 0
	for labels, n := range e.v.depths {
		if n > 0 {
			e.v.deepest = labels
		}
	}
}

// zone returns a zone that this edit may change; nil when there is none.
func (e *Edit) zone(key string) *hosted {
	if z := e.touched[key]; z != nil {
		return z
	}
	old, ok := e.v.byID.get(e.v.hashString(key), []byte(key))
	if !ok {
		return nil
	}
	z := new(hosted)
	*z = *old
	e.touched[key] = z
	e.v.byID.set(e.owner, e.v.hashString(key), key, z)
	hash := e.v.hashString(z.apex)
	same, _ := e.v.byName.get(hash, []byte(z.apex))
	same = slices.Clone(same)
	same[slices.Index(same, old)] = z
	e.v.byName.set(e.owner, hash, z.apex, same)
	return z
}

// SetGroup replaces the group of name and type; no members removes it. The members must be what zone.Records.Apply lets
// stand together: one simple record set, or members of one policy, each either an alias or with a TTL and values. An
// error says which member cannot be compiled or which value cannot be encoded, or that the zone is not there or does
// not hold the name, and leaves the group as it was.
func (e *Edit) SetGroup(zoneID string, n zone.Name, t zone.RRType, members []*zone.ResourceRecordSet) error {
	z := e.zone(zoneID)
	if z == nil {
		return fmt.Errorf("hosted zone %s is not in the view", zoneID)
	}
	if !n.In(z.name) {
		return fmt.Errorf("%s is not in zone %s", n, z.name)
	}
	g, err := e.compile(z, t, members)
	if err != nil {
		return fmt.Errorf("%s %s: %w", n, t, err)
	}
	e.setGroup(z, string(n.AppendWire(nil)), g)
	return nil
}

// setGroup puts a compiled group under a name; one without members removes the group.
func (e *Edit) setGroup(z *hosted, name string, g group) {
	old := e.v.node(z, []byte(name))
	if old == nil && len(g.members) == 0 {
		return
	}
	next := node{}
	if old != nil {
		next = *old
	}
	had := next.group(g.rrtype) != nil
	next.groups = withGroup(next.groups, g)
	if g.rrtype == zone.NS && name != z.apex {
		z.cuts += count(len(g.members) > 0) - count(had)
	}
	if name == z.apex {
		z.setAuthority(g)
	}
	switch {
	case len(next.groups) == 0 && next.below == 0 && name != z.apex:
		z.names.remove(e.owner, e.v.hashString(name), name)
		e.countBelow(z, name, -1)
	default:
		z.names.set(e.owner, e.v.hashString(name), name, &next)
		if old == nil {
			e.countBelow(z, name, +1)
		}
	}
}

// countBelow tells the name above that a name has come or gone. Names that have nothing but names below them come and
// go with those: the empty non-terminals, which exist (RFC 4592 section 2.2.2).
func (e *Edit) countBelow(z *hosted, name string, by int32) {
	for name != z.apex {
		name = name[1+name[0]:]
		up := node{}
		old := e.v.node(z, []byte(name))
		if old != nil {
			up = *old
		}
		up.below += by
		hash := e.v.hashString(name)
		if up.below == 0 && len(up.groups) == 0 && name != z.apex {
			z.names.remove(e.owner, hash, name)
			continue
		}
		z.names.set(e.owner, hash, name, &up)
		if old != nil {
			return
		}
	}
}

// withGroup returns a copy of a node's groups, ordered by type, with g in the place of the group of its type.
func withGroup(groups []group, g group) []group {
	i := sort.Search(len(groups), func(i int) bool { return groups[i].rrtype >= g.rrtype })
	if i < len(groups) && groups[i].rrtype == g.rrtype {
		groups = deleted(groups, i)
	}
	if len(g.members) == 0 {
		return groups
	}
	return inserted(groups, i, g)
}

func count(is bool) int {
	if is {
		return 1
	}
	return 0
}

// setAuthority keeps what the authority section of the zone's answers holds. Both groups can only be simple (r53: A.1).
func (z *hosted) setAuthority(g group) {
	rrs := RRs{}
	if len(g.members) > 0 && g.members[0].alias == nil {
		rrs = g.members[0].records()
	}
	switch g.rrtype {
	case zone.SOA:
		z.soa = negative(rrs)
	case zone.NS:
		z.ns = rrs
	}
}

// dualstack is the prefix under which a load balancer has its addresses too. r53: A.9.
const dualstack = "dualstack."

func plainName(loadBalancer zone.Name) zone.Name {
	return zone.Name(strings.TrimPrefix(string(loadBalancer), dualstack))
}

// serviceKey cannot be the id of a hosted zone.
func serviceKey(name zone.Name) string { return "service/" + string(name) }

// service reports whether a zone is that of load balancers; there is one of a name at most.
func (z *hosted) service() bool { return z.key != z.id }

// PutLoadBalancer makes a load balancer's name answer with its addresses of both families (TTL 60, r53: A.9), alone and
// under "dualstack.", and makes it an alias target under its canonical hosted zone id. The same serves every other
// alias target outside the hosted zones, under the zone id that aliases cite for it. Its service zone, the name without
// its first label ("eu-west-1.elb.amazonaws.com"), is created beside it; a hosted zone of that name answers before it.
// An error says what is wrong with the name or an address, and leaves the load balancer as it was.
func (e *Edit) PutLoadBalancer(lb zone.LoadBalancer) error {
	long, err := zone.ParseName(dualstack + string(plainName(lb.DNSName)))
	if err != nil {
		return fmt.Errorf("load balancer %q: %w", lb.DNSName, err)
	}
	name := plainName(long)
	apex, ok := name.Parent()
	if !ok {
		return fmt.Errorf("load balancer %q: the name needs a label and a zone above it", lb.DNSName)
	}
	groups, err := addressGroups(lb.Addresses)
	if err != nil {
		return fmt.Errorf("load balancer %s: %w", name, err)
	}
	z := e.zone(serviceKey(apex))
	if z == nil {
		soa, err := serviceSOA()
		if err != nil {
			return err
		}
		z = e.addZone(serviceKey(apex), lb.HostedZoneID, apex)
		e.setGroup(z, z.apex, soa)
	}
	b := &balancer{zoneID: lb.HostedZoneID, health: e.TargetHealth(name)}
	for _, g := range groups {
		b.node.groups = withGroup(b.node.groups, g)
	}
	if e.balancer(name) == nil {
		z.balancers++
	}
	for _, n := range []zone.Name{name, long} {
		wire := string(n.AppendWire(nil))
		e.v.balancers.set(e.owner, e.v.hashString(wire), wire, b)
		for _, g := range groups {
			e.setGroup(z, wire, g)
		}
	}
	return nil
}

func (e *Edit) balancer(name zone.Name) *balancer {
	wire := name.AppendWire(nil)
	b, _ := e.v.balancers.get(e.v.hash(wire), wire)
	return b
}

// DeleteLoadBalancer removes it, and its service zone when it was the last one there.
func (e *Edit) DeleteLoadBalancer(n zone.Name) {
	name := plainName(n)
	if e.balancer(name) == nil {
		return
	}
	apex, _ := name.Parent()
	z := e.zone(serviceKey(apex))
	for _, n := range []zone.Name{name, dualstack + name} {
		wire := string(n.AppendWire(nil))
		e.v.balancers.remove(e.owner, e.v.hashString(wire), wire)
		e.setGroup(z, wire, group{rrtype: zone.A})
		e.setGroup(z, wire, group{rrtype: zone.AAAA})
	}
	if z.balancers--; z.balancers == 0 {
		e.removeZone(z)
	}
}

// Check interns a health check id.
func (e *Edit) Check(id string) CheckIndex { return e.intern(checkSubject(id)) }

// TargetHealth interns the health of a load balancer as Route 53 sees it (r53: A.9). The name may have the "dualstack."
// prefix.
func (e *Edit) TargetHealth(loadBalancer zone.Name) CheckIndex {
	return e.intern(targetSubject(loadBalancer))
}

func (e *Edit) intern(subject string) CheckIndex {
	return CheckIndex(e.v.subjects.add(e.owner, e.v.hashString(subject), subject, subject))
}

// label numbers an id or a location of a CIDR collection.
func (e *Edit) label(text string) uint32 {
	return e.v.labels.add(e.owner, e.v.hashString(text), text, text)
}

// PutCIDRCollection adds a CIDR collection or replaces its locations. The record sets that cite it go by the new blocks
// at once; until a collection is put they go by none. It costs in proportion to the collection. The error names a block
// that is no CIDR block or stands in two locations, and leaves the collection as it was. r53: A.8.
func (e *Edit) PutCIDRCollection(id string, locations map[string][]netip.Prefix) error {
	blocks, err := geo.NewBlocks(locations)
	if err != nil {
		return fmt.Errorf("CIDR collection %s: %w", id, err)
	}
	e.v.collections.set(e.owner, e.v.hashString(id), id, blocks)
	return nil
}

// DeleteCIDRCollection removes a CIDR collection. Record sets that cite it go by their default location.
func (e *Edit) DeleteCIDRCollection(id string) {
	e.v.collections.remove(e.owner, e.v.hashString(id), id)
}
