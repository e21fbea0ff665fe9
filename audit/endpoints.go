package audit

import (
	"net/netip"

	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/whatif"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// endpoints lists where a member sends clients in the end, sorted: addresses, names of load balancers and other targets
// outside, and names that a CNAME leads to outside the zones.
func (w *world) endpoints(m *member) []string { return sortedUnique(w.ends(m, nil, map[*group]bool{})) }

func (w *world) ends(m *member, list []string, seen map[*group]bool) []string {
	switch {
	case m.Target != nil:
		list = append(list, m.Target.String())
	case m.Branch != nil:
		return w.endsOf(m.Branch, list, seen)
	}
	for _, value := range m.Set.ResourceRecords {
		switch m.Set.Type {
		case zone.A, zone.AAAA:
			if a, err := netip.ParseAddr(value); err == nil {
				list = append(list, a.String())
			}
		case zone.CNAME:
			if name, err := zone.ParseName(value); err == nil {
				list = w.endsOfName(name, list, seen)
			}
		}
	}
	return list
}

func (w *world) endsOf(g *group, list []string, seen map[*group]bool) []string {
	if g == nil || seen[g] {
		return list
	}
	seen[g] = true
	for _, m := range g.Members {
		list = w.ends(m, list, seen)
	}
	return list
}

// endsOfName adds what a name stands for; a name outside the zones stands for itself.
func (w *world) endsOfName(name zone.Name, list []string, seen map[*group]bool) []string {
	if h := w.ZoneOf(name); h != nil {
		for _, t := range [...]zone.RRType{zone.A, zone.AAAA, zone.CNAME} {
			list = w.endsOf(h.Group(name, t), list, seen)
		}
		return list
	}
	return append(list, whatif.Host(whatif.Plain(name)))
}

// probed lists what a check probes: its address, or what its name stands for. Empty means that this cannot be told.
func (w *world) probed(c health.Config) []string {
	if c.IPAddress != "" {
		a, err := netip.ParseAddr(c.IPAddress)
		if err != nil {
			return nil
		}
		for _, t := range w.Targets {
			if fact := w.facts[t]; fact != nil && containsAddr(fact.Addresses, a) {
				return []string{t.String()}
			}
		}
		return []string{a.String()}
	}
	name, err := zone.ParseName(c.FullyQualifiedDomainName)
	if err != nil {
		return nil
	}
	return sortedUnique(w.endsOfName(name, nil, map[*group]bool{}))
}

func containsAddr(list []netip.Addr, a netip.Addr) bool {
	for _, b := range list {
		if a.Unmap() == b.Unmap() {
			return true
		}
	}
	return false
}

// balancers lists the load balancers that a member sends clients to.
func balancers(m *member) []*target {
	var list []*target
	m.Walk(func(inner *member) {
		if inner.Target != nil && inner.Target.Balancer {
			list = append(list, inner.Target)
		}
	})
	return list
}
