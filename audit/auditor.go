package audit

import (
	"slices"

	"github.com/bulkhead-dns/bulkhead/steer"
	"github.com/bulkhead-dns/bulkhead/whatif"
)

// An auditor is the input, linked as a Graph and ready for questions.
type auditor struct {
	*whatif.Graph
	in     Input
	groups []*group // of all zones, in listing order
	facts  map[*target]*LoadBalancer

	promises map[string]promise   // of policies, by hostname
	hurts    map[*member][]string // what hurt has found
	calm     map[*group][]reply   // what ask has found while nothing fails
}

type (
	group  = whatif.Group
	member = whatif.Member
	target = whatif.Target
	// A failure is what is made to fail while all else is well.
	failure = whatif.Supposition
)

func newAuditor(in Input) *auditor {
	known := whatif.Input{State: in.State, Collections: in.Collections, AllLoadBalancers: in.AllLoadBalancers}
	for _, lb := range in.LoadBalancers {
		known.LoadBalancers = append(known.LoadBalancers,
			whatif.LoadBalancer{DNSName: lb.DNSName, HostedZoneID: lb.HostedZoneID,
				Addresses: lb.Addresses})
	}
	a := &auditor{Graph: whatif.New(known), in: in, facts: map[*target]*LoadBalancer{},
		promises: promisesOf(in.Policies), hurts: map[*member][]string{}, calm: map[*group][]reply{}}
	for _, z := range a.Zones {
		a.groups = append(a.groups, z.Groups...)
		_ = a.Compile(z) // errors are about GeoIP databases, and there is none
	}
	for i := range in.LoadBalancers {
		if t := a.Targets[whatif.Plain(in.LoadBalancers[i].DNSName)]; t != nil {
			a.facts[t] = &in.LoadBalancers[i]
		}
	}
	return a
}

// well is the supposition that nothing fails.
func well() failure { return failure{Well: true} }

// now is the supposition that checks are as they are known to be, and all else is well.
func (a *auditor) now() failure {
	now := failure{Well: true, Known: map[string]bool{}, Targets: map[*target]bool{}}
	for id, c := range a.Checks {
		if c.Healthy != nil {
			now.Known[id] = *c.Healthy
		}
	}
	return now
}

// healthyNow reports whether a check is known to be healthy: by its checkers, or by those of all its children.
func (a *auditor) healthyNow(id string) bool {
	c := a.Checks[id]
	if c == nil || c.Healthy != nil {
		return c != nil && *c.Healthy
	}
	children := c.Config.ChildHealthChecks
	unknown := func(child string) bool { return a.Checks[child] == nil || a.Checks[child].Healthy == nil }
	return len(children) > 0 && !slices.ContainsFunc(children, unknown) && a.Verdict(id, a.now())
}

// fail is the failure of everything that members listen to, and what is below them.
func (a *auditor) fail(members ...*member) failure { return a.Fail(well(), members...) }

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
		names = append(names, m.Group.Hostnames()...)
	}
	return sortedUnique(names)
}

// A reply is how one client was answered.
type reply struct {
	whatif.Reply
	client whatif.Client
}

// mostWays bounds the outcomes of chance that are asked for: weighted groups that are nested in one another multiply. A
// name has at most 100 weighted record sets. r53: C.8.
const mostWays = 200

// ask asks a group for every client after a failure, with every outcome that chance can have. Of a group that cannot be
// judged nothing is said. The replies are not to be changed.
func (a *auditor) ask(g *group, f failure) []reply {
	if g.Problem != nil {
		return nil
	}
	calm := f.Well && len(f.Checks)+len(f.Targets)+len(f.Known)+len(f.Unhealthy) == 0
	if replies, known := a.calm[g]; calm && known {
		return replies
	}
	clients, open := a.Clients(g)
	if len(clients) == 0 && !open {
		clients = append(clients, whatif.Everyone())
	} else {
		clients = append([]whatif.Client{whatif.Elsewhere()}, clients...)
	}
	supposed := a.Suppose(g.Zone, f)
	replies := make([]reply, 0, len(clients))
	for _, c := range clients {
		for _, r := range supposed.Ask(g, c, mostWays) {
			replies = append(replies, reply{r, c})
		}
	}
	if calm {
		a.calm[g] = replies
	}
	return replies
}

// picked lists the members of the group itself that answer, by SetIdentifier.
func (r reply) picked() (list []string) {
	for _, p := range r.Picks {
		if p.Step == 0 && !p.None {
			list = append(list, p.SetIdentifier)
		}
	}
	return list
}

// is reports whether a member was picked.
func (r reply) is(m *member) bool {
	return slices.ContainsFunc(r.Picks, func(p steer.Pick) bool {
		return p.Step == 0 && !p.None && p.SetIdentifier == m.Set.SetIdentifier
	})
}

// serves reports whether any client is answered with a member.
func serves(replies []reply, m *member) bool {
	return slices.ContainsFunc(replies, func(r reply) bool { return r.is(m) })
}

// places lists whose replies are so.
func places(replies []reply, such func(reply) bool) []string {
	var list []string
	for _, r := range replies {
		if such(r) && !slices.Contains(list, r.client.Place) {
			list = append(list, r.client.Place)
		}
	}
	return list
}

// who words clients by their places: "clients in DE and near eu-west-1", "all clients".
func who(places []string) string {
	if slices.Equal(places, []string{whatif.Everyone().Place}) {
		return "all clients"
	}
	return "clients " + few(places)
}

// changed reports whether a failure changes anybody's answer.
func (a *auditor) changed(g *group, f failure) bool {
	return !slices.EqualFunc(a.ask(g, well()), a.ask(g, f), func(a, b reply) bool {
		return a.Outcome == b.Outcome && slices.Equal(a.Picks, b.Picks)
	})
}

// moved reports whether a failure sends anybody to other members of a group.
func (a *auditor) moved(g *group, f failure) bool {
	return !slices.EqualFunc(a.ask(g, well()), a.ask(g, f), func(a, b reply) bool {
		return slices.Equal(a.picked(), b.picked())
	})
}
