package explain

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/steer"
)

// regions are the Regions that a group and what is below it name, and SetIdentifiers where they name none, in order.
func regions(g *group) []string {
	var list []string
	g.Walk(func(m *member) {
		name := m.Set.Region
		if name == "" {
			name = m.Set.SetIdentifier
		}
		if name != "" && !slices.Contains(list, name) {
			list = append(list, name)
		}
	})
	return list
}

// inRegion are the record sets of a Region: those whose SetIdentifier or Region it is, or whose load balancer is there.
func inRegion(g *group, region string) (list []*member) {
	g.Walk(func(m *member) {
		there := m.Set.SetIdentifier == region || m.Set.Region == region
		if t := m.Target; t != nil && t.Balancer {
			there = there || strings.Contains(string(t.Name), "."+region+".")
		}
		if there {
			list = append(list, m)
		}
	})
	return list
}

// suppose adds what would change the answers: every member by itself, all of them, and what is
// asked for.
func (x *explainer) suppose(e *Explanation, g *group, clients []client, down []string) {
	if g.Problem != nil {
		return
	}
	add := func(what string, members []*member) {
		failure := x.Fail(scenario{}, members...)
		s := Scenario{Fails: what, Noticed: len(failure.Checks)+len(failure.Targets) > 0}
		supposed := x.Suppose(g.Zone, failure)
		var down []string
		for _, m := range members {
			down = append(down, x.Endpoints(m)...)
		}
		fails := func(m *member) bool {
			ends := x.Endpoints(m)
			return len(ends) > 0 && !slices.ContainsFunc(ends, func(end string) bool { return !slices.Contains(down, end) })
		}
		for _, c := range clients {
			s.Answers = append(s.Answers, askFailing(supposed, g, c, fails))
		}
		e.Scenarios = append(e.Scenarios, s)
	}
	if len(down) > 0 {
		var members []*member
		for _, region := range down {
			members = append(members, inRegion(g, region)...)
		}
		add(strings.Join(down, " and "), members)
		return
	}
	units := units(g)
	for _, m := range units {
		add(m.Set.SetIdentifier, []*member{m})
	}
	if len(units) > 1 {
		add(everything, units)
	}
}

// units are what fails together: the members of the group, or of the first one below a simple alias that has several.
func units(g *group) []*member {
	for range g.Zone.Groups { // no longer, if aliases lead round
		switch m := g.Members[0]; {
		case m.Set.SetIdentifier != "":
			return g.Members
		case m.Branch == nil:
			return nil // one answer, whatever happens
		default:
			g = m.Branch
		}
	}
	return nil
}

// note adds what a reader has to know to read the rest rightly.
func (x *explainer) note(e *Explanation, g *group, q Question) {
	add := func(text string) { e.Notes = append(e.Notes, text) }
	var unnoticed []string
	for _, s := range e.Scenarios {
		if !s.Noticed && (s.Fails != everything || len(unnoticed) == 0) {
			unnoticed = append(unnoticed, s.Fails)
		}
	}
	if len(unnoticed) > 0 {
		add("Nothing tells Route 53 of the failure of " + few(unnoticed) + ": there is no health check, and no load " +
			"balancer's health is evaluated.")
	}
	var latency, evaluates, unknown bool
	g.Walk(func(m *member) {
		latency = latency || m.Set.Region != ""
		a := m.Set.AliasTarget
		evaluates = evaluates || a != nil && a.EvaluateTargetHealth && m.Branch == nil
		unknown = unknown || x.status[m.Set.HealthCheckID].Health == Unknown
	})
	if latency && x.in.provider() == failover.AWS {
		add("Latencies are estimated from distances. Route 53 goes by measurements of its own.")
	}
	if evaluates {
		add("The health of load balancers was not read: it counts as good, unless a failure is supposed.")
	}
	if unknown {
		add("Health checks of which nothing is known count as healthy, as at Route 53.")
	}
	for _, a := range e.Answers {
		if len(q.Clients) == 0 || len(x.in.GeoIP) > 0 {
			break
		}
		if _, err := netip.ParseAddr(a.Client); err == nil {
			add("Where " + a.Client + " is, is not known here. Name a place, or give a GeoIP database.")
		} else if a.latencyUnknown() {
			add("How far " + strings.TrimPrefix(a.Client, "in ") + " is from Regions is not known: name an AWS Region as the " +
				"client.")
		}
	}
}

// latencyUnknown says that the order of SetIdentifiers decided, for want of a latency. r53: A.7.
func (r Reasoned) latencyUnknown() bool {
	return slices.ContainsFunc(r.Steps, func(s steer.Step) bool {
		return slices.ContainsFunc(s.Members,
			func(m steer.Member) bool { return m.Picked && strings.HasPrefix(m.Why, "latency unknown,") })
	})
}
