package whatif

import (
	"net/netip"
	"slices"

	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// Endpoints lists where a member sends clients in the end, sorted: addresses, names of load balancers and other targets
// outside, and names that a CNAME leads to outside the zones.
func (gr *Graph) Endpoints(m *Member) []string {
	ends, known := gr.ends[m]
	if !known {
		ends = unique(gr.endsOf(m, nil, map[*Group]bool{}))
		gr.ends[m] = ends
	}
	return ends
}

func (gr *Graph) endsOf(m *Member, list []string, seen map[*Group]bool) []string {
	switch {
	case m.Target != nil:
		list = append(list, m.Target.String())
	case m.Branch != nil:
		return gr.endsOfGroup(m.Branch, list, seen)
	}
	for _, value := range m.Set.ResourceRecords {
		switch m.Set.Type {
		case zone.A, zone.AAAA:
			if a, err := netip.ParseAddr(value); err == nil {
				list = append(list, a.String())
			}
		case zone.CNAME:
			if name, err := zone.ParseName(value); err == nil {
				list = gr.endsOfName(name, list, seen)
			}
		}
	}
	return list
}

func (gr *Graph) endsOfGroup(g *Group, list []string, seen map[*Group]bool) []string {
	if seen[g] {
		return list
	}
	seen[g] = true
	for _, m := range g.Members {
		list = gr.endsOf(m, list, seen)
	}
	return list
}

// endsOfName adds what a name stands for; a name outside the zones stands for itself.
func (gr *Graph) endsOfName(name zone.Name, list []string, seen map[*Group]bool) []string {
	if gr.ZoneOf(name) == nil {
		return append(list, Host(Plain(name)))
	}
	for _, g := range gr.addressed(name) {
		list = gr.endsOfGroup(g, list, seen)
	}
	return list
}

// Probed lists the endpoints that a check looks at, sorted: its address, or what its name stands for. Empty means that
// this cannot be told.
func (gr *Graph) Probed(c *plan.Check) []string {
	ends, known := gr.probes[c.ID]
	if !known {
		ends = unique(gr.probedBy(c))
		gr.probes[c.ID] = ends
	}
	return ends
}

func (gr *Graph) probedBy(c *plan.Check) []string {
	if !c.Config.Type.IsEndpoint() {
		return nil
	}
	if c.Config.IPAddress != "" {
		a, err := netip.ParseAddr(c.Config.IPAddress)
		if err != nil {
			return nil
		}
		for _, lb := range gr.in.LoadBalancers {
			if slices.ContainsFunc(lb.Addresses, func(b netip.Addr) bool { return a.Unmap() == b.Unmap() }) {
				return []string{Host(Plain(lb.DNSName))}
			}
		}
		return []string{a.String()}
	}
	name, err := zone.ParseName(c.Config.FullyQualifiedDomainName)
	if err != nil {
		return nil
	}
	return gr.endsOfName(name, nil, map[*Group]bool{})
}

func unique(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}
