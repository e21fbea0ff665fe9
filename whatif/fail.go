package whatif

import (
	"slices"

	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/plan"
)

// Fail is the failure of the endpoints that members send clients to, at any depth: their load balancers are unhealthy,
// and so is every check that looks at one of them, whichever record set cites it. What the failure does to calculated
// checks, and to other members, is then told by health and steer.
//
// Where a check looks is told by its address or name. Where that is not known, a check is taken to look at the members
// that cite it; or, when only calculated checks count it, at those that cite these.
func (gr *Graph) Fail(s Supposition, members ...*Member) Supposition {
	s.Checks, s.Targets = map[string]bool{}, map[*Target]bool{}
	f := failing{Graph: gr, inside: map[*Member]bool{}, family: map[*Member]bool{}}
	for _, m := range members {
		m.Walk(func(m *Member) {
			f.inside[m] = true
			f.down = append(f.down, gr.Endpoints(m)...)
			if m.Target != nil && m.Target.Balancer {
				s.Targets[m.Target] = true
			}
		})
		for _, root := range m.Group.Roots() {
			root.Walk(func(m *Member) { f.family[m] = true })
		}
	}
	for m := range f.family {
		for _, c := range gr.Leaves(m.Set.HealthCheckID) {
			if !s.Checks[c.ID] && f.fails(c) {
				s.Checks[c.ID] = true
			}
		}
	}
	return s
}

// Leaves are the checks by which a check comes to its verdict: itself, or the children of a calculated one. Those that
// do not exist are left out. r53: B.2.
func (gr *Graph) Leaves(id string) []*plan.Check {
	c := gr.Checks[id]
	switch {
	case c == nil:
		return nil
	case c.Config.Type != health.Calculated:
		return []*plan.Check{c}
	}
	var list []*plan.Check
	for _, child := range c.Config.ChildHealthChecks {
		if leaf := gr.Checks[child]; leaf != nil && leaf.Config.Type != health.Calculated {
			list = append(list, leaf)
		}
	}
	return list
}

// A failing is endpoints that fail.
type failing struct {
	*Graph
	down   []string         // the endpoints
	inside map[*Member]bool // who sends clients there
	family map[*Member]bool // all members of the trees of aliases that these are in
}

// fails reports whether a check looks at the endpoints. One that looks at a name with several endpoints goes by who
// cites it where only some of these fail.
func (f *failing) fails(c *plan.Check) bool {
	probed := f.Probed(c)
	hit := overlap(probed, f.down)
	if hit && !slices.ContainsFunc(probed, func(e string) bool { return !slices.Contains(f.down, e) }) {
		return true
	}
	var citing []*Member
	for m := range f.family {
		if !hit && !f.inside[m] && overlap(probed, f.Endpoints(m)) {
			return false // it looks at another one
		}
		if m.Set.HealthCheckID == c.ID {
			citing = append(citing, m)
		}
	}
	if citing == nil {
		for _, above := range f.Above[c.ID] {
			citing = append(citing, f.Cited[above]...)
		}
	}
	return slices.ContainsFunc(citing, func(m *Member) bool { return f.inside[m] })
}

func overlap(a, b []string) bool {
	return slices.ContainsFunc(a, func(s string) bool { return slices.Contains(b, s) })
}
