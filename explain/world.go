package explain

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/steer"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// A world is the input, linked together.
type world struct {
	in     Input
	hosted map[string]*hosted // by zone id
	checks map[string]*plan.Check
	status map[string]Check // by id
}

// A hosted is one zone with a view of its own: a private zone may have the name of a public one.
type hosted struct {
	zone   zone.HostedZone
	groups map[zone.Key]*group // by name and type
	keys   []zone.Key          // of the groups, in listing order
	cited  []string            // ids of checks, sorted

	survey *surveyor
	view   *steer.View
}

// A group is the record sets of one name and type.
type group struct {
	in      *hosted
	key     zone.Key
	members []*member
	problem error // why steer cannot answer it
}

// A member is one record set.
type member struct {
	set    *zone.ResourceRecordSet
	group  *group
	branch *group // target of an alias in the same zone
}

func newWorld(in Input) *world {
	w := &world{in: in, hosted: map[string]*hosted{}, checks: map[string]*plan.Check{}, status: map[string]Check{}}
	for i := range in.State.Checks {
		w.checks[in.State.Checks[i].ID] = &in.State.Checks[i]
	}
	for id := range w.checks {
		w.status[id] = w.check(id)
	}
	for _, z := range in.State.Zones {
		w.hosted[z.ID] = &hosted{zone: z, groups: map[zone.Key]*group{}, survey: newSurveyor()}
	}
	for i := range in.State.Records {
		if h := w.hosted[in.State.Records[i].ZoneID]; h != nil {
			h.add(&in.State.Records[i].Set)
		}
	}
	for _, h := range w.hosted {
		h.link()
	}
	return w
}

func (h *hosted) add(s *zone.ResourceRecordSet) {
	key := zone.Key{Name: s.Name, Type: s.Type}
	g := h.groups[key]
	if g == nil {
		g = &group{in: h, key: key}
		h.groups[key] = g
		h.keys = append(h.keys, key)
	}
	g.members = append(g.members, &member{set: s, group: g})
	if s.HealthCheckID != "" {
		h.cited = append(h.cited, s.HealthCheckID)
	}
}

// link brings everything into order and connects aliases with their targets.
func (h *hosted) link() {
	slices.SortFunc(h.keys, zone.Key.Compare)
	slices.Sort(h.cited)
	h.cited = slices.Compact(h.cited)
	for _, g := range h.groups {
		slices.SortFunc(g.members, func(a, b *member) int { return a.set.Key().Compare(b.set.Key()) })
		for _, m := range g.members {
			if a := m.set.AliasTarget; a != nil && a.HostedZoneID == h.zone.ID {
				m.branch = h.groups[zone.Key{Name: a.DNSName, Type: g.key.Type}]
			}
		}
	}
}

// outside is the name of an alias target outside the zone, empty for other record sets.
func (m *member) outside() zone.Name {
	if a := m.set.AliasTarget; a != nil && a.HostedZoneID != m.group.in.zone.ID {
		return plain(a.DNSName)
	}
	return ""
}

// compile makes the view that a zone answers by. Its clients have been surveyed before.
func (w *world) compile(h *hosted) error {
	atlas, err := h.survey.atlas(w.in.GeoIP)
	if err != nil {
		return err
	}
	e := steer.NewView(atlas).Edit()
	e.PutZone(h.zone)
	for _, c := range w.in.Collections {
		// A collection that is not valid has no blocks: its members go by their default.
		_ = e.PutCIDRCollection(c.ID, c.Locations)
	}
	put := map[zone.Name]bool{}
	for _, key := range h.keys {
		g := h.groups[key]
		sets := make([]*zone.ResourceRecordSet, len(g.members))
		for i, m := range g.members {
			sets[i] = m.set
			target := m.outside()
			if target == "" || put[target] || w.ordinary(target) {
				continue
			}
			put[target] = true
			// Which addresses stand for it does not matter: the trace tells who was picked.
			g.note(e.PutLoadBalancer(zone.LoadBalancer{DNSName: target, HostedZoneID: m.set.AliasTarget.HostedZoneID,
				Addresses: []netip.Addr{netip.AddrFrom4([4]byte{240, 0, 0, 1}), netip.IPv6Unspecified()}}))
		}
		g.note(e.SetGroup(h.zone.ID, key.Name, key.Type, sets))
	}
	h.view = e.Commit()
	return nil
}

func (g *group) note(err error) {
	if err != nil {
		g.problem = err
	}
}

// ordinary says that a name lies in a hosted zone: ordinary zones cannot point at each other. r53: A.9.
func (w *world) ordinary(n zone.Name) bool {
	for _, h := range w.hosted {
		if n.In(h.zone.Name) {
			return true
		}
	}
	return false
}

// walk calls f for every member below a group, at any depth and each group once, the group's own first.
func (g *group) walk(f func(*member)) { g.walkOnce(f, map[*group]bool{}) }

func (g *group) walkOnce(f func(*member), seen map[*group]bool) {
	if g == nil || seen[g] {
		return
	}
	seen[g] = true
	for _, m := range g.members {
		f(m)
	}
	for _, m := range g.members {
		m.branch.walkOnce(f, seen)
	}
}

// walk calls f for a member and everything below it.
func (m *member) walk(f func(*member)) {
	f(m)
	m.branch.walk(f)
}

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
