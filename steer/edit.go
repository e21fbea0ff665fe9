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

// Edit starts a change of the view. The view itself does not change. There must be one writer only: edits of a View
// must not run at the same time as edits of a View derived from it, and only one edit of a View may be committed.
func (v *View) Edit() *Edit {
	return &Edit{v: *v, token: &editToken{}, touched: map[string]*hostedZone{}}
}

// An Edit collects changes. Commit returns the next view. Only one goroutine may use an Edit.
type Edit struct {
	v       View
	token   *editToken
	touched map[string]*hostedZone // zones that this edit has copied, by key
}

// Commit returns the view with the changes. The edit then continues from that view.
func (e *Edit) Commit() *View {
	next := e.v
	e.token, e.touched = &editToken{}, map[string]*hostedZone{}
	return &next
}

// PutZone adds a zone, or replaces its properties and keeps its groups. If two zones have one name, the zone that was
// put first answers. A zone that is put again under another name starts empty.
func (e *Edit) PutZone(z zone.HostedZone) {
	if old := e.zone(z.ID); old != nil && old.name != z.Name {
		e.DeleteZone(z.ID)
	} else if old != nil {
		return // a view stores only the id and the name of a zone
	}
	e.addZone(z.ID, z.ID, z.Name)
}

func (e *Edit) addZone(key, id string, name zone.Name) *hostedZone {
	z := &hostedZone{key: key, id: id, name: name, apex: string(name.AppendWire(nil))}
	hash := e.v.hashString(z.apex)
	z.names.set(e.token, hash, z.apex, &node{})
	e.v.byID.set(e.token, e.v.hashString(key), key, z)
	e.touched[key] = z
	same, _ := e.v.byName.get(hash, []byte(z.apex))
	at := len(same)
	if !z.service() { // it answers before a service zone of the same name
		at -= count(at > 0 && same[at-1].service())
	}
	e.v.byName.set(e.token, hash, z.apex, inserted(same, at, z))
	e.countApex(z, +1)
	return z
}

// DeleteZone removes a zone and every group in it.
func (e *Edit) DeleteZone(id string) {
	if z := e.zone(id); z != nil {
		e.removeZone(z)
	}
}

func (e *Edit) removeZone(z *hostedZone) {
	delete(e.touched, z.key)
	e.v.byID.remove(e.token, e.v.hashString(z.key), z.key)
	hash := e.v.hashString(z.apex)
	same, _ := e.v.byName.get(hash, []byte(z.apex))
	rest := slices.DeleteFunc(slices.Clone(same), func(s *hostedZone) bool { return s.key == z.key })
	if len(rest) > 0 {
		e.v.byName.set(e.token, hash, z.apex, rest)
	} else {
		e.v.byName.remove(e.token, hash, z.apex)
	}
	e.countApex(z, -1)
}

// countApex updates the number of labels at which the search for a zone begins.
func (e *Edit) countApex(z *hostedZone, by int32) {
	labels, _ := countLabels([]byte(z.apex))
	e.v.depths[labels] += by
	e.v.deepest = 0
	for labels, n := range e.v.depths {
		if n > 0 {
			e.v.deepest = labels
		}
	}
}

// zone returns a copy of a zone that this edit may change. It returns nil if there is no such zone.
func (e *Edit) zone(key string) *hostedZone {
	if z := e.touched[key]; z != nil {
		return z
	}
	old, ok := e.v.byID.get(e.v.hashString(key), []byte(key))
	if !ok {
		return nil
	}
	z := new(hostedZone)
	*z = *old
	e.touched[key] = z
	e.v.byID.set(e.token, e.v.hashString(key), key, z)
	hash := e.v.hashString(z.apex)
	same, _ := e.v.byName.get(hash, []byte(z.apex))
	same = slices.Clone(same)
	same[slices.Index(same, old)] = z
	e.v.byName.set(e.token, hash, z.apex, same)
	return z
}

// SetGroup replaces the group of a name and type. No members removes the group. The members must be valid together, as
// zone.Records.Apply checks it: one simple record set, or members of one policy, each with an alias target or with a
// TTL and values. An error leaves the group unchanged. It names the member that cannot be compiled, the value that
// cannot be encoded, the zone that is not in the view, or the name that is not in the zone.
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

// setGroup stores a compiled group under a name. A group without members removes the stored one.
func (e *Edit) setGroup(z *hostedZone, name string, g group) {
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
	case len(next.groups) == 0 && next.children == 0 && name != z.apex:
		z.names.remove(e.token, e.v.hashString(name), name)
		e.countChild(z, name, -1)
	default:
		z.names.set(e.token, e.v.hashString(name), name, &next)
		if old == nil {
			e.countChild(z, name, +1)
		}
	}
}

// countChild updates the number of children of the name above, after a name was added or removed. It also adds and
// removes empty non-terminals: names that exist only because a name below them does (RFC 4592 section 2.2.2).
func (e *Edit) countChild(z *hostedZone, name string, by int32) {
	for name != z.apex {
		name = name[1+name[0]:]
		up := node{}
		old := e.v.node(z, []byte(name))
		if old != nil {
			up = *old
		}
		up.children += by
		hash := e.v.hashString(name)
		if up.children == 0 && len(up.groups) == 0 && name != z.apex {
			z.names.remove(e.token, hash, name)
			continue
		}
		z.names.set(e.token, hash, name, &up)
		if old != nil {
			return
		}
	}
}

// withGroup returns a copy of a node's groups, ordered by type, in which g replaces the group of its type.
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

// setAuthority stores the SOA or NS records for the authority section. Both groups can only be simple (r53: A.1).
func (z *hostedZone) setAuthority(g group) {
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

// dualstack is the prefix of the second name that every load balancer has. r53: A.9.
const dualstack = "dualstack."

func plainName(loadBalancer zone.Name) zone.Name {
	return zone.Name(strings.TrimPrefix(string(loadBalancer), dualstack))
}

// serviceKey is the key of a service zone. It cannot be the id of a hosted zone.
func serviceKey(name zone.Name) string { return "service/" + string(name) }

// service reports whether the zone is a service zone, which holds load balancers. At most one has a given name.
func (z *hostedZone) service() bool { return z.key != z.id }

// PutLoadBalancer adds or replaces a load balancer. Its name, with and without the prefix "dualstack.", then answers
// with its addresses of both families (TTL 60, r53: A.9), and is an alias target under its canonical hosted zone id.
// Use it also for any other alias target outside the hosted zones, with the zone id that aliases cite. PutLoadBalancer
// creates the service zone, which is the name without its first label ("eu-west-1.elb.amazonaws.com"). A hosted zone of
// the same name answers before the service zone. An error says what is wrong with the name or an address, and leaves
// the load balancer unchanged.
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
		e.v.balancers.set(e.token, e.v.hashString(wire), wire, b)
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

// DeleteLoadBalancer removes a load balancer, and its service zone with the last load balancer in it.
func (e *Edit) DeleteLoadBalancer(n zone.Name) {
	name := plainName(n)
	if e.balancer(name) == nil {
		return
	}
	apex, _ := name.Parent()
	z := e.zone(serviceKey(apex))
	for _, n := range []zone.Name{name, dualstack + name} {
		wire := string(n.AppendWire(nil))
		e.v.balancers.remove(e.token, e.v.hashString(wire), wire)
		e.setGroup(z, wire, group{rrtype: zone.A})
		e.setGroup(z, wire, group{rrtype: zone.AAAA})
	}
	if z.balancers--; z.balancers == 0 {
		e.removeZone(z)
	}
}

// Check interns a health check id and returns its index.
func (e *Edit) Check(id string) CheckIndex { return e.intern(checkSubject(id)) }

// TargetHealth interns the health of a load balancer as Route 53 sees it (r53: A.9). The name may have the "dualstack."
// prefix.
func (e *Edit) TargetHealth(loadBalancer zone.Name) CheckIndex {
	return e.intern(targetSubject(loadBalancer))
}

func (e *Edit) intern(subject string) CheckIndex {
	return CheckIndex(e.v.subjects.add(e.token, e.v.hashString(subject), subject, subject))
}

// label interns the id or a location of a CIDR collection.
func (e *Edit) label(text string) uint32 {
	return e.v.labels.add(e.token, e.v.hashString(text), text, text)
}

// PutCIDRCollection adds a CIDR collection or replaces its locations. Record sets that cite the collection use the new
// blocks at once. They match no block while the collection does not exist. The cost is in proportion to the collection.
// The error names a block that is not a CIDR block or that is in two locations, and leaves the collection unchanged.
// r53: A.8.
func (e *Edit) PutCIDRCollection(id string, locations map[string][]netip.Prefix) error {
	blocks, err := geo.NewBlocks(locations)
	if err != nil {
		return fmt.Errorf("CIDR collection %s: %w", id, err)
	}
	e.v.collections.set(e.token, e.v.hashString(id), id, blocks)
	return nil
}

// DeleteCIDRCollection removes a CIDR collection. Record sets that cite it match only their default location.
func (e *Edit) DeleteCIDRCollection(id string) {
	e.v.collections.remove(e.token, e.v.hashString(id), id)
}
