package audit

import (
	"encoding/binary"
	"net/netip"
	"slices"

	"github.com/bulkhead-dns/bulkhead/geo"
	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/steer"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// draws is how many random seeds stand for all where chance decides. A member of less than about a twentieth of the
// weight may stay unseen.
const draws = 64

// A client asks from one place.
type client struct {
	place string
	addr  netip.Addr
}

// A surveyor gives every place an address of the reserved block 240/4, which is in no CIDR collection.
type surveyor struct {
	list   []geo.Place
	places map[string]netip.Addr
}

// client returns a client whom a record set is for.
func (s *surveyor) client(set *zone.ResourceRecordSet, collections []zone.CIDRCollection) (client, bool) {
	switch {
	case set.Region != "":
		return s.near(set.Region)
	case set.GeoLocation != nil && set.GeoLocation.CountryCode != "*":
		l := set.GeoLocation
		name := "in " + l.CountryCode + l.ContinentCode
		if l.SubdivisionCode != "" {
			name += "-" + l.SubdivisionCode
		}
		return s.put(geo.Place{Name: name, Country: l.CountryCode, Subdivision: l.SubdivisionCode, Continent: l.ContinentCode})
	case set.GeoProximityLocation != nil && set.GeoProximityLocation.AWSRegion != "":
		return s.near(set.GeoProximityLocation.AWSRegion)
	case set.GeoProximityLocation != nil && set.GeoProximityLocation.Coordinates != nil:
		c := set.GeoProximityLocation.Coordinates
		if latitude, longitude, ok := c.Degrees(); ok {
			return s.put(geo.Place{Name: "at " + c.Latitude + "," + c.Longitude,
				Coordinates: &geo.Coordinates{Latitude: latitude, Longitude: longitude}})
		}
	case set.CidrRoutingConfig != nil:
		for _, c := range collections {
			blocks := c.Locations[set.CidrRoutingConfig.LocationName]
			if c.ID == set.CidrRoutingConfig.CollectionID && len(blocks) > 0 {
				return client{"in " + blocks[0].String(), blocks[0].Addr()}, true
			}
		}
	}
	return client{}, false
}

// near is a client next to a Region: 0 ms away, other Regions by their distance. A label that is no Region of AWS is
// put in the middle of nowhere.
func (s *surveyor) near(region string) (client, bool) {
	p := geo.Place{Name: "near " + region, Region: region, Latencies: map[string]float64{region: 0}}
	if _, ok := zone.CanonicalHostedZoneID(region); !ok {
		p.Coordinates = &geo.Coordinates{}
	}
	return s.put(p)
}

// put places a client; false where there cannot be such a place.
func (s *surveyor) put(p geo.Place) (client, bool) {
	addr, known := s.places[p.Name]
	if !known {
		var b [4]byte
		binary.BigEndian.PutUint32(b[:], 0xf0000100+uint32(len(s.list))<<8)
		addr = netip.AddrFrom4(b)
		p.ClientSubnets = []netip.Prefix{netip.PrefixFrom(addr, 24)}
		if _, err := geo.New(geo.Options{Places: []geo.Place{p}}); err != nil {
			return client{}, false
		}
		s.places[p.Name] = addr
		s.list = append(s.list, p)
	}
	return client{p.Name, addr}, true
}

// A failure is what is made to fail: what checks look at, and load balancers as Route 53 sees them. known are verdicts
// that need no judging.
type failure struct {
	checks  map[string]bool
	targets map[*target]bool
	known   map[string]bool
}

// fail is the failure of everything that members listen to, and what is below them.
func (w *world) fail(members ...*member) failure {
	f := failure{checks: map[string]bool{}, targets: map[*target]bool{}}
	for _, m := range members {
		m.walk(func(m *member) { w.failOne(&f, m) })
	}
	return f
}

func (w *world) failOne(f *failure, m *member) {
	if c := w.checks[m.set.HealthCheckID]; c != nil {
		f.checks[c.ID] = true
		for _, child := range c.Config.ChildHealthChecks {
			f.checks[child] = true
		}
	}
	if m.target != nil && m.target.balancer {
		f.targets[m.target] = true
	}
}

// verdict is what health makes of a check when f has failed and everything else is well.
func (w *world) verdict(id string, f failure) bool {
	c := w.checks[id]
	known, ok := f.known[id]
	switch {
	case ok:
		return known
	case c == nil:
		return true // a reference that dangles counts as healthy. r53: A.10
	case c.Config.Type == health.Calculated:
		return health.Calculate(c.Config, func(child string) bool {
			cc := w.checks[child]
			return cc == nil || cc.Config.Type == health.Calculated || w.verdict(child, f) // calculated ones are no children
		}).Healthy
	}
	s, _ := health.Aggregate(c.Config, []health.Report{{Check: id, Healthy: !f.checks[id]}}, nil)
	return s.Healthy
}

// table is the verdicts after a failure, as one zone's view has them.
func (w *world) table(h *hosted, f failure) *steer.Table {
	t := h.well
	for id := range f.checks {
		t = w.with(h, t, id, f)
		for _, above := range w.above[id] {
			t = w.with(h, t, above, f)
		}
	}
	for id := range f.known {
		t = w.with(h, t, id, f)
	}
	for target := range f.targets {
		t = t.With(h.view.TargetHealth(target.name), false)
	}
	return t
}

func (w *world) with(h *hosted, t *steer.Table, id string, f failure) *steer.Table {
	return t.With(h.view.Check(id), w.verdict(id, f))
}

// A reply is how one client was answered.
type reply struct {
	client client
	answer steer.Outcome
	open   bool     // fail-open
	picked []string // SetIdentifiers of the group itself
	path   string   // everything that was picked on the way
}

// ask asks a group for every client and draw after a failure. Of a group that cannot be judged nothing is said.
func (w *world) ask(g *group, f failure) []reply {
	if g.problem != nil {
		return nil
	}
	t := w.table(g.in, f)
	q := steer.Query{Name: g.key.Name.AppendWire(nil), Type: g.key.Type, ECS: true}
	var a steer.Answer
	replies := make([]reply, 0, len(g.clients))
	for _, c := range g.clients {
		for draw := range g.draws {
			q.Client, q.Rand = c.addr, draw*0x9e3779b97f4a7c15
			replies = append(replies, read(c, &a, steer.Explain(g.in.view, t, &q, &a)))
		}
	}
	return replies
}

func read(c client, a *steer.Answer, trace *steer.Trace) reply {
	r := reply{client: c, answer: a.Outcome, open: a.FailOpen}
	for i, step := range trace.Steps {
		for _, m := range step.Members {
			if !m.Picked {
				continue
			}
			r.path += step.Name + " " + m.SetIdentifier + "\n"
			if i == 0 {
				r.picked = append(r.picked, m.SetIdentifier)
			}
		}
	}
	return r
}

// is reports whether a member was picked.
func (r reply) is(m *member) bool { return slices.Contains(r.picked, m.set.SetIdentifier) }

// serves reports whether any client is answered with a member.
func serves(replies []reply, m *member) bool {
	return slices.ContainsFunc(replies, func(r reply) bool { return r.is(m) })
}

// places lists whose replies are so.
func places(replies []reply, such func(reply) bool) []string {
	var list []string
	for _, r := range replies {
		if such(r) && !slices.Contains(list, r.client.place) {
			list = append(list, r.client.place)
		}
	}
	return list
}

// changed reports whether a failure changes anybody's answer.
func (w *world) changed(g *group, f failure) bool {
	return !slices.EqualFunc(w.ask(g, failure{}), w.ask(g, f), func(a, b reply) bool {
		return a.path == b.path && a.answer == b.answer
	})
}

// moved reports whether a failure sends anybody to other members of a group.
func (w *world) moved(g *group, f failure) bool {
	return !slices.EqualFunc(w.ask(g, failure{}), w.ask(g, f), func(a, b reply) bool {
		return slices.Equal(a.picked, b.picked)
	})
}
