package whatif

import (
	"cmp"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/steer"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// A Loss is clients of a name and type who are answered before a plan and not after it.
type Loss struct {
	Policy  string // whose change it is
	Name    zone.Name
	Type    zone.RRType
	Through zone.Name     // the changed name that Name is an alias or CNAME for; empty when Name is changed itself
	Gone    bool          // nothing is left at the changed name: all of its clients lose
	Places  []string      // of the clients: "in DE", "anywhere else"
	Outcome steer.Outcome // what they would get
}

// String says who loses what.
func (l Loss) String() string {
	through := ""
	if l.Through != "" {
		through = fmt.Sprintf(", because this leads to %s", Host(l.Through))
	}
	return fmt.Sprintf("clients %s are answered now and would get %s%s", strings.Join(l.Places, ", "), l.Outcome, through)
}

// Guard refuses a plan after which clients of some place, who are answered now, would not be: it asks for every place
// before and after the changes, supposing that everything is well. With force it reports them instead. What is
// destroyed, by policy, may take all of its names' answers along, and nobody else's.
func Guard(current plan.State, p plan.Plan, force bool, destroyed []string) (plan.Plan, error) {
	var findings []plan.Finding
	for _, l := range Losses(current, p) {
		object := string(l.Name) + " " + l.Type.String()
		known := slices.ContainsFunc(p.Refusals, func(f plan.Finding) bool { return f.Object == object })
		if known || l.Gone && l.Through == "" && slices.Contains(destroyed, l.Policy) {
			continue
		}
		advice := ". Keep a record set for them, or force it"
		if force {
			advice = ", as was forced"
		}
		findings = append(findings, plan.Finding{Policy: l.Policy, Object: object, Text: l.String() + advice})
	}
	switch {
	case force:
		p = p.WithReports(findings...)
	case len(findings) > 0:
		p = p.WithRefusals(findings...)
	}
	if len(p.Refusals) > 0 {
		return p, &plan.Refused{Findings: p.Refusals}
	}
	return p, nil
}

// Losses lists who is answered before a plan and not after it. The names that it changes are asked, and those that lead
// to them by alias or CNAME; nothing else of the zones is compiled. Losing AAAA is none where A is still answered.
func Losses(current plan.State, p plan.Plan) []Loss {
	changes := map[string][]plan.RecordChange{}
	for _, s := range p.Steps {
		if s.Batch != nil {
			changes[s.Batch.ZoneID] = append(changes[s.Batch.ZoneID], s.Batch.Changes...)
		}
	}
	var losses []Loss
	for _, z := range current.Zones {
		if len(changes[z.ID]) > 0 {
			c := newComparison(z, current, changes[z.ID])
			losses = append(losses, c.losses()...)
		}
	}
	return losses
}

// A comparison is the part of a zone that changes concern, before and after them.
type comparison struct {
	zone    zone.HostedZone
	origin  map[zone.Name]plan.RecordChange // by name to ask: a change at it, or at the name that it leads to
	asked   []zone.Name                     // those that may be answered before
	records []zone.ResourceRecordSet        // of the zone, that matter
	changes []plan.RecordChange
}

func newComparison(z zone.HostedZone, current plan.State, changes []plan.RecordChange) *comparison {
	c := &comparison{zone: z, origin: map[zone.Name]plan.RecordChange{}, changes: changes}
	there := map[zone.Name][]*zone.ResourceRecordSet{}
	leading := map[zone.Name][]zone.Name{} // names by what they lead to
	for i := range current.Records {
		if r := &current.Records[i]; r.ZoneID == z.ID {
			there[r.Set.Name] = append(there[r.Set.Name], &r.Set)
			for _, to := range leadsTo(z, &r.Set) {
				leading[to] = append(leading[to], r.Set.Name)
			}
		}
	}
	var next []zone.Name
	for _, change := range changes {
		if _, known := c.origin[change.Set.Name]; !known {
			c.origin[change.Set.Name] = change
			next = append(next, change.Set.Name)
		}
	}
	for ; len(next) > 0; next = next[1:] {
		for _, from := range leading[next[0]] {
			if _, known := c.origin[from]; !known {
				c.origin[from] = c.origin[next[0]]
				next = append(next, from)
			}
		}
	}
	needed := map[zone.Name]bool{}
	for name := range c.origin {
		answered := len(there[name]) > 0
		for parent, ok := name.Parent(); ok && parent.In(z.Name); parent, ok = parent.Parent() {
			wildcard := zone.Name(`\052.` + string(parent))
			if len(there[wildcard]) > 0 {
				answered = true
				next = append(next, wildcard)
			}
		}
		if answered {
			c.asked = append(c.asked, name)
			next = append(next, name)
		}
	}
	if len(c.asked) == 0 {
		return c
	}
	slices.SortFunc(c.asked, zone.Compare)
	for _, change := range changes { // what they lead to afterwards
		next = append(next, leadsTo(z, &change.Set)...)
	}
	for ; len(next) > 0; next = next[1:] {
		if name := next[0]; !needed[name] {
			needed[name] = true
			for _, set := range there[name] {
				next = append(next, leadsTo(z, set)...)
			}
		}
	}
	for name, sets := range there {
		_, concerned := c.origin[name]
		for _, set := range sets {
			// Names below keep a name from being covered by a wildcard, and delegations lead clients away.
			if needed[name] || concerned || set.Type == zone.NS || below(name, z.Name, c.origin) {
				c.records = append(c.records, *set)
			}
		}
	}
	return c
}

// below reports whether a name lies below one of those that are asked.
func below(name, apex zone.Name, asked map[zone.Name]plan.RecordChange) bool {
	for parent, ok := name.Parent(); ok && parent != apex && parent.In(apex); parent, ok = parent.Parent() {
		if _, is := asked[parent]; is {
			return true
		}
	}
	return false
}

// leadsTo lists the names of the same zone that a record set leads clients to.
func leadsTo(z zone.HostedZone, s *zone.ResourceRecordSet) (names []zone.Name) {
	switch {
	case s.AliasTarget != nil && s.AliasTarget.HostedZoneID == z.ID:
		return []zone.Name{s.AliasTarget.DNSName}
	case s.AliasTarget == nil && s.Type == zone.CNAME:
		for _, value := range s.ResourceRecords {
			if name, err := zone.ParseName(value); err == nil && name.In(z.Name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// A side is the zone before or after the changes.
type side struct {
	world *Graph
	zone  *Zone
	well  Case
}

// sides compiles both; they have their places in common.
func (c *comparison) sides() (before, after side, ok bool) {
	now := map[zone.Key]zone.ResourceRecordSet{}
	for _, s := range c.records {
		now[s.Key()] = s
	}
	for _, change := range c.changes {
		if change.Action == zone.Delete {
			delete(now, change.Set.Key())
			continue
		}
		now[change.Set.Key()] = change.Set
	}
	then := make([]zone.ResourceRecordSet, 0, len(now))
	for _, s := range now {
		then = append(then, s)
	}
	before, after = c.side(c.records), c.side(then)
	after.zone.places = before.zone.places
	for _, s := range []side{before, after} {
		for _, g := range s.zone.Groups {
			for _, m := range g.Members {
				s.zone.places.of(m.Set, nil)
			}
		}
	}
	for _, s := range []*side{&before, &after} {
		if err := s.world.Compile(s.zone); err != nil { // there is no GeoIP database to be wrong
			return before, after, false
		}
		s.well = s.world.Suppose(s.zone, Supposition{Well: true})
	}
	return before, after, true
}

// side links one side. What aliases outside the zone stand for is taken to be there.
func (c *comparison) side(sets []zone.ResourceRecordSet) side {
	in := Input{State: plan.State{Zones: []zone.HostedZone{c.zone}}}
	seen := map[zone.Name]bool{}
	for _, s := range sets {
		in.State.Records = append(in.State.Records, plan.Record{ZoneID: c.zone.ID, Set: s})
		if a := s.AliasTarget; a != nil && a.HostedZoneID != c.zone.ID && !seen[Plain(a.DNSName)] {
			seen[Plain(a.DNSName)] = true
			in.LoadBalancers = append(in.LoadBalancers, LoadBalancer{DNSName: a.DNSName, HostedZoneID: a.HostedZoneID})
		}
	}
	gr := New(in)
	return side{world: gr, zone: gr.Zones[0]}
}

func (c *comparison) losses() (losses []Loss) {
	if len(c.asked) == 0 {
		return nil
	}
	before, after, ok := c.sides()
	if !ok {
		return nil
	}
	for _, name := range c.asked {
		clients := []Client{}
		types := []zone.RRType{}
		before.tells(name, &clients, &types, 0)
		after.tells(name, &clients, nil, 0)
		clients = append(clients, Elsewhere())
		slices.Sort(types)
		origin := c.origin[name]
		for _, t := range slices.Compact(types) {
			lost := map[steer.Outcome][]string{}
			for _, client := range clients {
				outcome, missed := after.ask(name, t, client)
				if _, missedBefore := before.ask(name, t, client); missed.Cmp(missedBefore) <= 0 {
					continue
				}
				if _, without := after.ask(name, zone.A, client); t == zone.AAAA && without.Sign() == 0 {
					continue
				}
				lost[outcome] = append(lost[outcome], client.Place)
			}
			for outcome, places := range lost {
				l := Loss{Policy: origin.Policy, Name: name, Type: t, Places: places, Outcome: outcome,
					Gone: after.zone.Group(name, t) == nil && after.zone.Group(name, zone.CNAME) == nil}
				if origin.Set.Name != name {
					l.Through = origin.Set.Name
				}
				losses = append(losses, l)
			}
		}
	}
	slices.SortFunc(losses, func(a, b Loss) int {
		return cmp.Or(zone.Compare(a.Name, b.Name), cmp.Compare(a.Type, b.Type), cmp.Compare(a.Outcome, b.Outcome))
	})
	return losses
}

// tells adds the clients that a name tells apart, and the types that it is asked for; types may be nil.
func (s side) tells(name zone.Name, clients *[]Client, types *[]zone.RRType, depth int) {
	const enough = 8 // CNAMEs in a row
	if depth > enough {
		return
	}
	groups := s.groupsAt(name)
	for _, g := range groups {
		switch {
		case types == nil || g.Key.Type == zone.NS || g.Key.Type == zone.SOA:
		case g.Key.Type == zone.CNAME:
			*types = append(*types, zone.A, zone.AAAA)
		default:
			*types = append(*types, g.Key.Type)
		}
		list, _ := s.world.Clients(g)
		for _, c := range list {
			if !slices.Contains(*clients, c) {
				*clients = append(*clients, c)
			}
		}
		for _, m := range g.Members {
			if g.Key.Type == zone.CNAME {
				for _, to := range leadsTo(s.zone.HostedZone, m.Set) {
					s.tells(to, clients, nil, depth+1)
				}
			}
		}
	}
}

// groupsAt are those of a name, else of the wildcard above it.
func (s side) groupsAt(name zone.Name) (groups []*Group) {
	at := func(n zone.Name) {
		first, _ := slices.BinarySearchFunc(s.zone.Groups, zone.Key{Name: n},
			func(g *Group, k zone.Key) int { return g.Key.Compare(k) })
		for _, g := range s.zone.Groups[first:] {
			if g.Key.Name != n {
				break
			}
			groups = append(groups, g)
		}
	}
	at(name)
	for parent, ok := name.Parent(); ok && len(groups) == 0 && parent.In(s.zone.Name); parent, ok = parent.Parent() {
		at(zone.Name(`\052.` + string(parent)))
	}
	return groups
}

// mostWays bounds what is asked where chance decides: weighted groups that are nested in one another multiply.
const mostWays = 10000

// ask asks a name, and returns how likely there is no answer, and what there is instead.
func (s side) ask(name zone.Name, t zone.RRType, client Client) (instead steer.Outcome, missed *big.Rat) {
	missed = new(big.Rat)
	for _, way := range s.well.Ask(&Group{Key: zone.Key{Name: name, Type: t}, wire: name.AppendWire(nil)}, client,
		mostWays) {
		if way.Outcome != steer.Answered {
			instead = way.Outcome
			missed.Add(missed, way.Chance)
		}
	}
	return instead, missed
}
