package whatif

import (
	"net/netip"

	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/steer"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// A Supposition is about health; the zero value is what checkers say.
type Supposition struct {
	Well    bool             // everything is, but for what fails
	Checks  map[string]bool  // what these look at fails, by id
	Targets map[*Target]bool // these are unhealthy as Route 53 sees them; all others are well
	Known   map[string]bool  // verdicts that need no judging, by check
	// Unhealthy members are so whatever they have for a health: as if each had a check of its own that fails.
	Unhealthy map[*Member]bool
}

// FailCheck is the failure of what one check looks at, and of its children.
func (gr *Graph) FailCheck(s Supposition, id string) Supposition {
	s.Checks = map[string]bool{id: true}
	if c := gr.Checks[id]; c != nil {
		s.failCheck(c)
	}
	return s
}

func (s Supposition) failCheck(c *plan.Check) {
	s.Checks[c.ID] = true
	for _, child := range c.Config.ChildHealthChecks {
		s.Checks[child] = true
	}
}

// Verdict is what health makes of a check under a supposition.
func (gr *Graph) Verdict(id string, s Supposition) bool {
	c := gr.Checks[id]
	known, ok := s.Known[id]
	switch {
	case ok:
		return known
	case c == nil:
		return true // a reference that dangles counts as healthy. r53: A.10
	case c.Config.Type == health.Calculated:
		return health.Calculate(c.Config, func(child string) bool {
			cc := gr.Checks[child]
			// calculated ones are no children. r53: B.4
			return cc == nil || cc.Config.Type == health.Calculated || gr.Verdict(child, s)
		}).Healthy
	case s.Checks[id] || s.Well:
		return aggregate(c, []health.Report{{Check: id, Healthy: !s.Checks[id]}})
	case len(gr.in.Reports[id]) == 0 && c.Healthy != nil:
		return *c.Healthy
	}
	return aggregate(c, gr.in.Reports[id])
}

func aggregate(c *plan.Check, reports []health.Report) bool {
	status, _ := health.Aggregate(c.Config, reports, nil)
	return status.Healthy
}

// Compile makes the view that a zone answers by, if it is not there. It completes the Problems of its groups. The error
// is about Input.GeoIP, and nothing can be asked then.
func (gr *Graph) Compile(z *Zone) error {
	if z.view != nil {
		return nil
	}
	for _, g := range z.Groups {
		for _, m := range g.Members {
			z.places.of(m.Set, gr.in.Collections) // every place is on the map before it is drawn
		}
	}
	atlas, err := z.places.atlas(gr.in.GeoIP)
	if err != nil {
		return err
	}
	e := steer.NewView(atlas).Edit()
	e.PutZone(z.HostedZone)
	for _, c := range gr.in.Collections {
		// A collection that is not valid has no blocks: its members go by their default.
		_ = e.PutCIDRCollection(c.ID, c.Locations)
	}
	put := map[*Target]bool{}
	for _, g := range z.Groups {
		sets := make([]*zone.ResourceRecordSet, len(g.Members))
		for i, m := range g.Members {
			sets[i] = m.Set
			if m.Target != nil && !put[m.Target] {
				put[m.Target] = true
				// Which addresses stand for it does not matter: what was picked is told.
				g.note(e.PutLoadBalancer(zone.LoadBalancer{DNSName: m.Target.Name, HostedZoneID: m.Target.ZoneID,
					Addresses: []netip.Addr{netip.AddrFrom4([4]byte{240, 0, 0, 1}), netip.IPv6Unspecified()}}))
			}
		}
		g.note(e.SetGroup(z.ID, g.Key.Name, g.Key.Type, sets))
	}
	z.view = e.Commit()
	z.now, z.well = gr.verdicts(z, Supposition{}), gr.verdicts(z, Supposition{Well: true})
	return nil
}

func (g *Group) note(err error) {
	if err != nil {
		g.Problem = err
	}
}

// verdicts are those of all checks that a zone cites.
func (gr *Graph) verdicts(z *Zone, s Supposition) (t *steer.Table) {
	for _, id := range z.cited {
		t = t.With(z.view.Check(id), gr.Verdict(id, s))
	}
	return t
}

// A Case is a zone under a supposition, to be asked.
type Case struct {
	zone  *Zone
	view  *steer.View
	table *steer.Table
}

// Suppose puts a zone that Compile has compiled under a supposition.
func (gr *Graph) Suppose(z *Zone, s Supposition) Case {
	t := z.now
	if s.Well {
		t = z.well
	}
	judge := func(id string) { t = t.With(z.view.Check(id), gr.Verdict(id, s)) }
	for id := range s.Checks {
		judge(id)
		for _, above := range gr.Above[id] {
			judge(above)
		}
	}
	for id := range s.Known {
		judge(id)
	}
	for target := range s.Targets {
		t = t.With(z.view.TargetHealth(target.Name), false)
	}
	c := Case{z, z.view, t}
	if len(s.Unhealthy) > 0 {
		c.hold(s.Unhealthy)
	}
	return c
}

// supposed is the check that members cite which are supposed to be unhealthy. No check has such an id.
const supposed = "supposed to fail"

// hold makes members unhealthy.
func (c *Case) hold(out map[*Member]bool) {
	e := c.view.Edit()
	done := map[*Group]bool{}
	for m := range out {
		g := m.Group
		if done[g] || g.Zone != c.zone || g.Problem != nil {
			continue
		}
		done[g] = true
		sets := make([]*zone.ResourceRecordSet, len(g.Members))
		for i, m := range g.Members {
			sets[i] = m.Set
			if out[m] {
				failed := *m.Set
				failed.HealthCheckID = supposed
				sets[i] = &failed
			}
		}
		_ = e.SetGroup(c.zone.ID, g.Key.Name, g.Key.Type, sets) // the same sets were accepted before
	}
	c.view = e.Commit()
	c.table = c.table.With(c.view.Check(supposed), false)
}

// A Reply is how a client is answered, and with what chance.
type Reply = steer.Way

// Ask asks a group of the zone: one reply, or where chance decides one for every outcome that it can have, but no more
// than most.
func (c Case) Ask(g *Group, client Client, most int) []Reply {
	return c.AskType(g, g.Key.Type, client, most)
}

// AskType asks as Ask does, for a type that a CNAME may stand for.
func (c Case) AskType(g *Group, t zone.RRType, client Client, most int) []Reply {
	q := g.query(client)
	q.Type = t
	return steer.Ways(c.view, c.table, &q, most)
}

// Explain asks as Ask does, and says how one of the replies comes about.
func (c Case) Explain(g *Group, client Client) *steer.Trace {
	var a steer.Answer
	q := g.query(client)
	return steer.Explain(c.view, c.table, &q, &a)
}

func (g *Group) query(client Client) steer.Query {
	return steer.Query{Name: g.wire, Type: g.Key.Type, Client: netip.PrefixFrom(client.Addr, client.Addr.BitLen()),
		ECS: true}
}

// Picked returns the member that a pick is of; nil for a load balancer's own addresses, or where no member is for the
// client.
func (z *Zone) Picked(p steer.Pick) *Member {
	name, _, err := zone.NameFromWire([]byte(p.Name))
	g := z.Group(name, p.Type)
	if err != nil || g == nil || p.None {
		return nil
	}
	for _, m := range g.Members {
		if m.Set.SetIdentifier == p.SetIdentifier {
			return m
		}
	}
	return nil
}
