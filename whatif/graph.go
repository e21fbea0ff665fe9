// Package whatif answers what clients of hosted zones would get, supposing that something failed.
//
// New links what an account holds: record sets to groups, aliases to their targets, checks to who cites them. Suppose
// puts a zone under a supposition, and what that gives is asked for a client of every place that the record sets tell
// apart: one near each Region of a latency or geoproximity group, one in each location, one in a block of each CIDR
// location.
//
// No routing rule is repeated here: who answers whom is always steer's word, and what a check says is always health's.
// The rooms that judge (audit) and explain (explain) share it.
package whatif

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/bulkhead-dns/bulkhead/cidr"
	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/steer"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// An Input is what is known. Only State is needed. Nothing of it is changed, and nothing may be while it is in use.
type Input struct {
	State plan.State
	// Reports are what single checkers say, by the id of the check.
	Reports map[string][]health.Report
	// Collections are the CIDR collections of IP-based routing; one that is missing has no blocks.
	Collections []cidr.Collection
	// LoadBalancers are those that are known to exist, by their plain names.
	LoadBalancers []LoadBalancer
	// AllLoadBalancers says that there are no others.
	AllLoadBalancers bool
	// GeoIP is a MaxMind DB that says where the addresses of clients are; empty means that nobody knows.
	GeoIP []byte
}

// A LoadBalancer is known by its name and the canonical id of its zone.
type LoadBalancer struct {
	DNSName      zone.Name
	HostedZoneID string
	Addresses    []netip.Addr // as far as they are known
}

// A Graph is an Input whose record sets, aliases and checks are linked. Only one goroutine may use it.
type Graph struct {
	Zones   []*Zone                // by name, then by id
	Checks  map[string]*plan.Check // by id
	Above   map[string][]string    // calculated checks by child
	Cited   map[string][]*Member   // by check, those that do not exist included
	Targets map[zone.Name]*Target  // alias targets outside the zones, by plain name

	in Input

	ends   map[*Member][]string // what Endpoints has found
	probes map[string][]string  // what Probed has found, by check
}

// A Zone is one hosted zone. It has a view of its own, because a private zone may have the name of a public one.
type Zone struct {
	zone.HostedZone
	Groups []*Group // in listing order

	byKey  map[zone.Key]*Group
	cited  []string // checks, sorted
	places *placeTable

	view      *steer.View
	now, well *steer.Table
}

// Group returns the record sets of a name and type, nil when there are none.
func (z *Zone) Group(name zone.Name, t zone.RRType) *Group {
	return z.byKey[zone.Key{Name: name, Type: t}]
}

// Delegation returns the NS record set by which the zone delegates a name: it stands at the name or above it, and below
// the apex. Of several, clients meet the highest first. nil means that the zone answers for the name itself.
func (z *Zone) Delegation(n zone.Name) *Group {
	var cut *Group
	for n != z.Name && n.In(z.Name) {
		if g := z.Group(n, zone.NS); g != nil {
			cut = g
		}
		parent, ok := n.Parent()
		if !ok {
			break
		}
		n = parent
	}
	return cut
}

// A Group is the record sets of one name and type.
type Group struct {
	Zone    *Zone
	Key     zone.Key
	Policy  zone.Policy
	Members []*Member // in listing order
	Parents []*Group  // whose aliases lead here
	Callers []*Group  // whose CNAMEs lead here, of any zone
	// Problem says why no answer can be computed: Route 53 would not have accepted it, or its aliases lead into a loop. Of
	// the former, only what can be told without a view is there before the zone is compiled.
	Problem error
	Loops   bool // its aliases lead into a loop, which is the Problem

	wire []byte // the name
}

// A Member is one record set.
type Member struct {
	Set    *zone.ResourceRecordSet
	Group  *Group
	Branch *Group  // target of an alias in the same zone
	Target *Target // target of an alias outside; nil also where there cannot be such a thing
}

// A Target is an alias target outside the hosted zones.
type Target struct {
	Name     zone.Name // plain
	ZoneID   string
	Balancer bool // a load balancer, whose health evaluating tells; of others it tells nothing (r53: A.3)
	Members  []*Member
}

// String is the name as people write it.
func (t *Target) String() string { return Host(t.Name) }

// String is the group's name and type.
func (g *Group) String() string { return Host(g.Key.Name) + " " + g.Key.Type.String() }

// String is the name, type and SetIdentifier.
func (m *Member) String() string {
	return strings.TrimSuffix(m.Group.String()+" "+m.Set.SetIdentifier, " ")
}

// Plain is a load balancer's name without the prefix by which it also answers AAAA. r53: A.9.
func Plain(n zone.Name) zone.Name { return zone.Name(strings.TrimPrefix(string(n), "dualstack.")) }

// Host writes a name as people do: without the last dot, a wildcard as *.
func Host(n zone.Name) string {
	name := strings.TrimSuffix(string(n), ".")
	if n.IsWildcard() {
		return "*" + name[len(`\052`):]
	}
	return name
}

// New links an input together. Record sets of zones that are not in the state are left out.
func New(in Input) *Graph {
	gr := &Graph{in: in, Checks: map[string]*plan.Check{}, Above: map[string][]string{}, Cited: map[string][]*Member{},
		Targets: map[zone.Name]*Target{}, ends: map[*Member][]string{}, probes: map[string][]string{}}
	for i := range in.State.Checks {
		c := &in.State.Checks[i]
		gr.Checks[c.ID] = c
		for _, child := range c.Config.ChildHealthChecks {
			gr.Above[child] = append(gr.Above[child], c.ID)
		}
	}
	byID := map[string]*Zone{}
	for _, z := range in.State.Zones {
		byID[z.ID] = &Zone{HostedZone: z, byKey: map[zone.Key]*Group{}, places: newPlaceTable()}
		gr.Zones = append(gr.Zones, byID[z.ID])
	}
	slices.SortFunc(gr.Zones, func(a, b *Zone) int {
		return cmp.Or(zone.Compare(a.Name, b.Name), strings.Compare(a.ID, b.ID))
	})
	for i := range in.State.Records {
		if z := byID[in.State.Records[i].ZoneID]; z != nil {
			z.add(&in.State.Records[i].Set)
		}
	}
	for _, z := range gr.Zones {
		z.order()
		for _, g := range z.Groups {
			gr.link(g)
		}
	}
	colours := map[*Group]colour{}
	for _, z := range gr.Zones {
		for _, g := range z.Groups {
			g.loops(colours)
		}
	}
	return gr
}

func (z *Zone) add(s *zone.ResourceRecordSet) {
	key := zone.Key{Name: s.Name, Type: s.Type}
	g := z.byKey[key]
	if g == nil {
		g = &Group{Zone: z, Key: key, Policy: s.Policy(), wire: s.Name.AppendWire(nil)}
		z.byKey[key] = g
		z.Groups = append(z.Groups, g)
	}
	g.Members = append(g.Members, &Member{Set: s, Group: g})
	if s.HealthCheckID != "" {
		z.cited = append(z.cited, s.HealthCheckID)
	}
}

func (z *Zone) order() {
	slices.SortFunc(z.Groups, func(a, b *Group) int { return a.Key.Compare(b.Key) })
	for _, g := range z.Groups {
		slices.SortFunc(g.Members, func(a, b *Member) int { return a.Set.Key().Compare(b.Set.Key()) })
	}
	slices.Sort(z.cited)
	z.cited = slices.Compact(z.cited)
}

// link connects aliases and CNAMEs with their targets, and checks with who cites them.
func (gr *Graph) link(g *Group) {
	for _, m := range g.Members {
		if id := m.Set.HealthCheckID; id != "" {
			gr.Cited[id] = append(gr.Cited[id], m)
		}
		a := m.Set.AliasTarget
		switch {
		case a == nil && g.Key.Type == zone.CNAME:
			gr.call(g, m)
		case a == nil:
		case a.HostedZoneID == g.Zone.ID:
			m.Branch = g.Zone.Group(a.DNSName, g.Key.Type)
			if m.Branch != nil && !slices.Contains(m.Branch.Parents, g) {
				m.Branch.Parents = append(m.Branch.Parents, g)
			}
		default:
			if m.Target = gr.target(a); m.Target != nil {
				m.Target.Members = append(m.Target.Members, m)
			}
		}
	}
}

// call notes the groups that a CNAME leads to.
func (gr *Graph) call(from *Group, m *Member) {
	for _, value := range m.Set.ResourceRecords {
		name, err := zone.ParseName(value)
		if err != nil {
			continue
		}
		for _, g := range gr.addressed(name) {
			if !slices.Contains(g.Callers, from) {
				g.Callers = append(g.Callers, from)
			}
		}
	}
}

// addressed are the groups that answer for the addresses of a name.
func (gr *Graph) addressed(n zone.Name) (groups []*Group) {
	z := gr.ZoneOf(n)
	if z == nil {
		return nil
	}
	for _, t := range [...]zone.RRType{zone.A, zone.AAAA, zone.CNAME} {
		if g := z.Group(n, t); g != nil {
			groups = append(groups, g)
		}
	}
	return groups
}

// target returns what an alias outside its zone stands for; nil when there cannot be such a thing.
func (gr *Graph) target(a *zone.AliasTarget) *Target {
	name := Plain(a.DNSName)
	if t := gr.Targets[name]; t != nil {
		if t.ZoneID != a.HostedZoneID {
			return nil
		}
		return t
	}
	known := slices.IndexFunc(gr.in.LoadBalancers, func(lb LoadBalancer) bool { return Plain(lb.DNSName) == name })
	t := &Target{Name: name, ZoneID: a.HostedZoneID, Balancer: known >= 0 || zone.IsServiceZone(a.HostedZoneID)}
	switch {
	case known >= 0:
		if gr.in.LoadBalancers[known].HostedZoneID != a.HostedZoneID {
			return nil
		}
	case t.Balancer && (gr.in.AllLoadBalancers || !zone.InLoadBalancerZone(a.HostedZoneID, a.DNSName)):
		return nil
	case slices.ContainsFunc(gr.Zones, func(z *Zone) bool { return name.In(z.Name) }):
		return nil // ordinary zones cannot point at each other. r53: A.9
	}
	gr.Targets[name] = t
	return t
}

// A colour is how far a walk along aliases has come with a group.
type colour uint8

const (
	unseen colour = iota
	onPath
	straight // its aliases end
	looping
)

// loops notes groups whose aliases lead back to where they came from, and those that lead there. r53: A.9.
func (g *Group) loops(colours map[*Group]colour) bool {
	if c := colours[g]; c != unseen {
		return c != straight
	}
	colours[g] = onPath
	end := straight
	for _, m := range g.Members {
		if m.Branch != nil && m.Branch.loops(colours) {
			end = looping
			g.Loops = true
			g.Problem = fmt.Errorf("the alias %s leads into a loop", m)
		}
	}
	colours[g] = end
	return end != straight
}

// Walk calls f for every member below a group, at any depth and each once, the group's own first.
func (g *Group) Walk(f func(*Member)) { g.walkOnce(f, map[*Group]bool{}) }

func (g *Group) walkOnce(f func(*Member), seen map[*Group]bool) {
	if g == nil || seen[g] {
		return
	}
	seen[g] = true
	for _, m := range g.Members {
		f(m)
	}
	for _, m := range g.Members {
		m.Branch.walkOnce(f, seen)
	}
}

// Walk calls f for a member and everything below it.
func (m *Member) Walk(f func(*Member)) {
	f(m)
	m.Branch.Walk(f)
}

// Up lists the group itself and all from which aliases lead to it.
func (g *Group) Up() []*Group {
	return climb(g, func(g *Group) []*Group { return g.Parents })
}

// Roots are the groups that no alias leads to and from which aliases lead to this one: those that all others are below.
// A group that only a loop leads to is its own.
func (g *Group) Roots() []*Group {
	roots := slices.DeleteFunc(g.Up(), func(g *Group) bool { return len(g.Parents) > 0 })
	if len(roots) == 0 {
		return []*Group{g}
	}
	return roots
}

// Hostnames are the names by which users may come to a group, sorted: its own, and those from which aliases and CNAMEs
// lead to it.
func (g *Group) Hostnames() []string {
	var names []string
	for _, from := range climb(g, func(g *Group) []*Group { return slices.Concat(g.Parents, g.Callers) }) {
		names = append(names, Host(from.Key.Name))
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// climb lists a group and all that lead to it, each once.
func climb(g *Group, from func(*Group) []*Group) []*Group {
	list, seen := []*Group{g}, map[*Group]bool{g: true}
	for i := 0; i < len(list); i++ {
		for _, next := range from(list[i]) {
			if !seen[next] {
				seen[next] = true
				list = append(list, next)
			}
		}
	}
	return list
}

// ZoneOf returns the public zone that answers for a name, the longest that holds it; nil when there is none. r53: A.2.
func (gr *Graph) ZoneOf(n zone.Name) *Zone {
	var best *Zone
	for _, z := range gr.Zones {
		if !z.PrivateZone && n.In(z.Name) && (best == nil || len(z.Name) > len(best.Name)) {
			best = z
		}
	}
	return best
}
