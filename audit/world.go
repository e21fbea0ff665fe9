package audit

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/bulkhead-dns/bulkhead/geo"
	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/steer"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// A world is the input, linked together and ready to be asked.
type world struct {
	in      Input
	hosted  []*hosted
	groups  []*group // of all zones, in listing order
	checks  map[string]*plan.Check
	above   map[string][]string   // calculated checks by child
	cited   map[string][]*member  // by check
	targets map[zone.Name]*target // by plain name
}

// A hosted is one zone with a view of its own: a private zone may have the name of a public one.
type hosted struct {
	zone   zone.HostedZone
	view   *steer.View
	groups map[zone.Key]*group // by name and type

	well *steer.Table // the verdicts while nothing fails
}

// A group is the record sets of one name and type.
type group struct {
	in      *hosted
	key     zone.Key
	policy  zone.Policy
	members []*member
	parents []*group // whose aliases lead here
	problem error    // why steer cannot answer it

	clients []client
	draws   uint64
}

// A member is one record set.
type member struct {
	set    *zone.ResourceRecordSet
	group  *group
	branch *group  // target of an alias in the same zone
	target *target // target of an alias outside
}

// A target is an alias target outside the hosted zones, under its plain name.
type target struct {
	name     zone.Name
	zoneID   string
	balancer bool // a load balancer, whose health evaluating tells; of others it tells nothing (r53: A.3)
	fact     *LoadBalancer
	members  []*member
}

func (t *target) String() string { return host(t.name) }

// plain is a load balancer's name without the prefix by which it also answers AAAA. r53: A.9.
func plain(n zone.Name) zone.Name { return zone.Name(strings.TrimPrefix(string(n), "dualstack.")) }

// host writes a name as people do: without the last dot, a wildcard as *.
func host(n zone.Name) string {
	name := strings.TrimSuffix(string(n), ".")
	if n.IsWildcard() {
		return "*" + name[len(`\052`):]
	}
	return name
}

func (g *group) String() string { return host(g.key.Name) + " " + g.key.Type.String() }
func (m *member) String() string {
	return strings.TrimSuffix(m.group.String()+" "+m.set.SetIdentifier, " ")
}

func newWorld(in Input) *world {
	w := &world{in: in, checks: map[string]*plan.Check{}, above: map[string][]string{}, cited: map[string][]*member{},
		targets: map[zone.Name]*target{}}
	for i := range in.State.Checks {
		c := &in.State.Checks[i]
		w.checks[c.ID] = c
		for _, child := range c.Config.ChildHealthChecks {
			w.above[child] = append(w.above[child], c.ID)
		}
	}
	zones := map[string]*hosted{}
	for _, z := range slices.SortedFunc(slices.Values(in.State.Zones), compareZones) {
		h := &hosted{zone: z, groups: map[zone.Key]*group{}}
		zones[z.ID] = h
		w.hosted = append(w.hosted, h)
	}
	for i := range in.State.Records {
		if h := zones[in.State.Records[i].ZoneID]; h != nil {
			h.add(&in.State.Records[i].Set)
		}
	}
	for _, h := range w.hosted {
		groups := make([]*group, 0, len(h.groups))
		for _, g := range h.groups {
			slices.SortFunc(g.members, func(a, b *member) int { return a.set.Key().Compare(b.set.Key()) })
			groups = append(groups, g)
		}
		slices.SortFunc(groups, func(a, b *group) int { return a.key.Compare(b.key) })
		w.groups = append(w.groups, groups...)
	}
	for _, g := range w.groups {
		w.link(g)
	}
	colours := map[*group]colour{}
	for _, g := range w.groups {
		g.loops(colours)
	}
	for _, h := range w.hosted {
		w.compile(h)
		for id := range w.checks {
			h.well = w.with(h, h.well, id, failure{})
		}
	}
	return w
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
func (g *group) loops(colours map[*group]colour) bool {
	if c := colours[g]; c != unseen {
		return c != straight
	}
	colours[g] = onPath
	end := straight
	for _, m := range g.members {
		if m.branch != nil && m.branch.loops(colours) {
			end = looping
			g.problem = fmt.Errorf("the alias %s leads into a loop", m)
		}
	}
	colours[g] = end
	return end != straight
}

func compareZones(a, b zone.HostedZone) int {
	return cmp.Or(zone.Compare(a.Name, b.Name), strings.Compare(a.ID, b.ID))
}

func (h *hosted) add(s *zone.ResourceRecordSet) {
	key := zone.Key{Name: s.Name, Type: s.Type}
	g := h.groups[key]
	if g == nil {
		g = &group{in: h, key: key, policy: s.Policy()}
		h.groups[key] = g
	}
	g.members = append(g.members, &member{set: s, group: g})
}

// link connects aliases with their targets.
func (w *world) link(g *group) {
	for _, m := range g.members {
		if id := m.set.HealthCheckID; id != "" {
			w.cited[id] = append(w.cited[id], m)
		}
		a := m.set.AliasTarget
		switch {
		case a == nil:
		case a.HostedZoneID == g.in.zone.ID:
			m.branch = g.in.groups[zone.Key{Name: a.DNSName, Type: g.key.Type}]
			if m.branch != nil && !slices.Contains(m.branch.parents, g) {
				m.branch.parents = append(m.branch.parents, g)
			}
		default:
			m.target = w.target(a)
			if m.target != nil {
				m.target.members = append(m.target.members, m)
			}
		}
	}
}

// target returns what an alias outside its zone stands for; nil when there cannot be such a thing.
func (w *world) target(a *zone.AliasTarget) *target {
	name := plain(a.DNSName)
	if t := w.targets[name]; t != nil {
		if t.zoneID != a.HostedZoneID {
			return nil
		}
		return t
	}
	t := &target{name: name, zoneID: a.HostedZoneID, balancer: zone.IsServiceZone(a.HostedZoneID)}
	for i := range w.in.LoadBalancers {
		if lb := &w.in.LoadBalancers[i]; plain(lb.DNSName) == name {
			t.fact = lb
		}
	}
	switch {
	case t.fact != nil:
		if t.fact.HostedZoneID != a.HostedZoneID {
			return nil
		}
		t.balancer = true
	case t.balancer && (w.in.AllLoadBalancers || !zone.InLoadBalancerZone(a.HostedZoneID, a.DNSName)):
		return nil
	case slices.ContainsFunc(w.hosted, func(h *hosted) bool { return name.In(h.zone.Name) }):
		return nil // ordinary zones cannot point at each other. r53: A.9
	}
	w.targets[name] = t
	return t
}

// compile makes the view that a zone is judged by.
func (w *world) compile(h *hosted) {
	groups := slices.DeleteFunc(slices.Clone(w.groups), func(g *group) bool { return g.in != h })
	e := steer.NewView(w.atlas(groups)).Edit()
	e.PutZone(h.zone)
	for _, c := range w.in.Collections {
		// A collection that is not valid has no blocks: its members go by their default.
		_ = e.PutCIDRCollection(c.ID, c.Locations)
	}
	put := map[*target]bool{}
	for _, g := range groups {
		sets := make([]*zone.ResourceRecordSet, len(g.members))
		for i, m := range g.members {
			sets[i] = m.set
			if m.target != nil && !put[m.target] {
				put[m.target] = true
				// Which addresses stand for it does not matter: the trace tells who was picked.
				err := e.PutLoadBalancer(zone.LoadBalancer{DNSName: m.target.name, HostedZoneID: m.target.zoneID,
					Addresses: []netip.Addr{netip.AddrFrom4([4]byte{240, 0, 0, 1}), netip.IPv6Unspecified()}})
				if err != nil {
					g.problem = err
				}
			}
		}
		if err := e.SetGroup(h.zone.ID, g.key.Name, g.key.Type, sets); err != nil {
			g.problem = err
		}
	}
	h.view = e.Commit()
}

// walk calls f for every member below a group, at any depth and each once, the group's own first.
func (g *group) walk(f func(*member)) { g.walkOnce(f, map[*group]bool{}) }

func (g *group) walkOnce(f func(*member), seen map[*group]bool) {
	if g == nil || seen[g] {
		return
	}
	seen[g] = true
	for _, m := range g.members {
		f(m)
		m.branch.walkOnce(f, seen)
	}
}

// walk calls f for a member and everything below it.
func (m *member) walk(f func(*member)) {
	f(m)
	m.branch.walk(f)
}

// roots are the groups that no alias leads to and from which aliases lead to this one: those that users ask. A group
// that only a loop leads to is its own.
func (g *group) roots() []*group {
	var roots []*group
	seen := map[*group]bool{}
	var climb func(*group)
	climb = func(g *group) {
		if seen[g] {
			return
		}
		seen[g] = true
		if len(g.parents) == 0 {
			roots = append(roots, g)
		}
		for _, p := range g.parents {
			climb(p)
		}
	}
	climb(g)
	if roots == nil {
		return []*group{g}
	}
	return roots
}

// hostnames are the names by which users come to a group.
func (g *group) hostnames() []string {
	var names []string
	for _, r := range g.roots() {
		names = append(names, host(r.key.Name))
	}
	return sortedUnique(names)
}

// zoneOf returns the public zone that holds a name, nil when there is none here.
func (w *world) zoneOf(n zone.Name) *hosted {
	var best *hosted
	for _, h := range w.hosted {
		if !h.zone.PrivateZone && n.In(h.zone.Name) && (best == nil || len(h.zone.Name) > len(best.zone.Name)) {
			best = h
		}
	}
	return best
}

// describeAll names several record sets.
func describeAll(members []*member) []string {
	var names []string
	for _, m := range members {
		names = append(names, m.String())
	}
	return sortedUnique(names)
}

// hostnamesOf are the hostnames of several record sets.
func hostnamesOf(members []*member) []string {
	var names []string
	for _, m := range members {
		names = append(names, m.group.hostnames()...)
	}
	return sortedUnique(names)
}

// atlas places a client wherever these groups tell clients apart, and notes the clients with the groups.
func (w *world) atlas(groups []*group) *geo.Atlas {
	s := surveyor{places: map[string]netip.Addr{}}
	for _, g := range groups {
		g.clients, g.draws = []client{{"anywhere else", netip.AddrFrom4([4]byte{255, 0, 0, 1})}}, 1
		g.walk(func(m *member) {
			if c, ok := s.client(m.set, w.in.Collections); ok && !slices.Contains(g.clients, c) {
				g.clients = append(g.clients, c)
			}
			if m.group.policy == zone.Weighted || m.group.policy == zone.MultiValue {
				g.draws = draws
			}
		})
	}
	atlas, err := geo.New(geo.Options{Places: s.list})
	if err != nil {
		// Places that are right by themselves may still contradict each other. Then nobody's place is known.
		atlas, _ = geo.New(geo.Options{})
	}
	return atlas
}
