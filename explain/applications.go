package explain

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/whatif"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// A Condition is how an application is, in one word.
type Condition string

// The conditions. An application is OK when all of its Regions are healthy and everybody is answered as while nothing
// fails; Degraded when a Region is unhealthy and somebody healthy answers all the same; Down when somebody is answered
// with what is unhealthy, for want of anything better. Unknown is one whose checkers have not been asked or say
// nothing, or whose load balancer tells something else than they do. Partial is one with a Region that is not applied,
// Planned one of which nothing is.
const (
	OK       Condition = "ok"
	Degraded Condition = "degraded"
	Down     Condition = "down"
	Unsure   Condition = "unknown"
	Partial  Condition = "partial"
	Planned  Condition = "not applied"
)

// An Application is what Bulkhead owns under one policy, or a policy that is not applied.
type Application struct {
	Policy    string        `json:"policy"` // "<namespace>/<name>"
	Hostnames []string      `json:"hostnames"`
	Routing   string        `json:"routing,omitempty"` // "latency", as Route 53's guide writes it
	Condition Condition     `json:"condition"`
	Regions   []Region      `json:"regions"`
	Clients   []Movement    `json:"clients"`
	RTO       *failover.RTO `json:"rto,omitempty"` // of what is applied; of the policy where nothing is
	Problems  []string      `json:"problems,omitempty"`
}

// A Region is an application in one Region.
type Region struct {
	Name    string   `json:"name"`
	Applied bool     `json:"applied"`
	Check   Check    `json:"check"`
	Targets []string `json:"targets"` // load balancers or addresses
	Serves  []string `json:"serves"`  // clients who are answered with it now: "near eu-west-1", "90 % of everyone"
}

// A Movement is what one client of a hostname gets now, and what while nothing fails.
type Movement struct {
	Hostname string `json:"hostname"`
	Answer
	Home  string `json:"home"` // who answers while nothing fails
	Moved bool   `json:"moved"`
}

// Well reports whether an application is as it should be: applied, every Region healthy, and everybody at home.
func (a Application) Well() bool {
	return a.Condition == OK && !slices.ContainsFunc(a.Clients, func(m Movement) bool { return m.Moved })
}

// Applications returns every application that Bulkhead owns by the tags of its checks, and those policies that are not
// applied, sorted by policy. The error is about Input.GeoIP.
func Applications(in Input) ([]Application, error) {
	x := newExplainer(in)
	owned := map[string][]*plan.Check{}
	for i := range in.State.Checks {
		if c := &in.State.Checks[i]; c.Owned() {
			owned[plan.PolicyOf(c.Key)] = append(owned[plan.PolicyOf(c.Key)], c)
		}
	}
	policies := map[string]*failover.Policy{}
	for i := range in.Policies {
		policies[in.Policies[i].Key()] = &in.Policies[i]
		if _, ok := owned[in.Policies[i].Key()]; !ok {
			owned[in.Policies[i].Key()] = nil
		}
	}
	asked := map[*hostedZone]cases{}
	list := []Application{}
	for _, key := range slices.Sorted(maps.Keys(owned)) {
		b := &builder{w: x, policy: policies[key], a: Application{Policy: key, Clients: []Movement{}}}
		for _, c := range owned[key] {
			for _, m := range x.Cited[c.ID] {
				if x.owners.Key(m.Set) != "" {
					b.members = append(b.members, m)
				} else {
					b.problem("%s %s", m, plan.Borrowed(c.Key, c.ID))
				}
			}
		}
		for _, g := range b.groups() {
			if _, ok := asked[g.Zone]; ok {
				continue
			}
			c, err := x.cases(g.Zone)
			if err != nil {
				return nil, err
			}
			asked[g.Zone] = c
		}
		list = append(list, b.build(b.bound(owned[key]), asked))
	}
	return list, nil
}

// cases are a zone as it is, and while nothing fails.
type cases struct{ now, well whatif.Case }

func (x *explainer) cases(h *hostedZone) (cases, error) {
	if err := x.Compile(h); err != nil {
		return cases{}, err
	}
	return cases{x.Suppose(h, scenario{}), x.Suppose(h, scenario{Well: true})}, nil
}

// A builder makes one application.
type builder struct {
	w       *explainer
	policy  *failover.Policy // nil when it is not known
	members []*member        // that cite its checks
	// doubtful says that a check is healthy and says nothing of the application.
	doubtful bool
	a        Application
}

// bound leaves out the checks of Regions whose record sets cite another one: a changed check that waits for a healthy
// verdict, or what an interrupted run has left.
func (b *builder) bound(checks []*plan.Check) []*plan.Check {
	cited := map[string]bool{}
	for _, c := range checks {
		cited[c.Key] = cited[c.Key] || len(b.w.Cited[c.ID]) > 0
	}
	return slices.DeleteFunc(slices.Clone(checks), func(c *plan.Check) bool {
		waits := cited[c.Key] && len(b.w.Cited[c.ID]) == 0
		if waits {
			b.problem("%s has another health check, %s, that no record set cites: a change waits until it is healthy, or "+
				"apply removes it (%s)",
				plan.RegionOf(c.Key), c.ID, b.w.status[c.ID].Reason)
		}
		return waits
	})
}

// groups are those that the application's record sets are in, in listing order.
func (b *builder) groups() []*group {
	var groups []*group
	for _, m := range b.members {
		if !slices.Contains(groups, m.Group) {
			groups = append(groups, m.Group)
		}
	}
	slices.SortFunc(groups, func(x, y *group) int { return x.Key.Compare(y.Key) })
	return groups
}

func (b *builder) build(checks []*plan.Check, asked map[*hostedZone]cases) Application {
	groups := b.groups()
	for _, g := range groups {
		if name := whatif.Host(g.Key.Name); !slices.Contains(b.a.Hostnames, name) {
			b.a.Hostnames = append(b.a.Hostnames, name)
		}
		b.a.Routing = g.Members[0].Set.Policy().String()
		b.ask(g, asked[g.Zone])
		b.judge(g)
	}
	b.regions(checks)
	b.wanted()
	b.rto(checks)
	b.a.Condition = b.condition()
	return b.a
}

// ask asks a group for all of its clients. Both address families are asked, and what they have in common is told once.
func (b *builder) ask(g *group, t cases) {
	if g.Problem != nil {
		b.problem("%s %s cannot be judged: %v", whatif.Host(g.Key.Name), g.Key.Type, g.Problem)
		return
	}
	for _, c := range b.w.clients(g) {
		now, home := ask(t.now, g, c), ask(t.well, g, c)
		m := Movement{Hostname: whatif.Host(g.Key.Name), Answer: now, Home: home.String(), Moved: !now.same(home)}
		if !slices.ContainsFunc(b.a.Clients, func(o Movement) bool {
			return o.Hostname == m.Hostname && o.Client == m.Client && o.String() == m.String() && o.Home == m.Home
		}) {
			b.a.Clients = append(b.a.Clients, m)
		}
	}
}

// judge finds what is wrong with a group beside health.
func (b *builder) judge(g *group) {
	name := whatif.Host(g.Key.Name) + " " + g.Key.Type.String()
	if len(g.Members) == 1 {
		b.problem("%s has one member: there is nowhere to fail over to", name)
	}
	for _, m := range g.Members {
		c := b.w.Checks[m.Set.HealthCheckID]
		switch {
		case m.Set.HealthCheckID == "":
			b.problem("%s %s has no health check: its clients stay whatever happens", name, m.Set.SetIdentifier)
		case c == nil:
			b.problem("%s %s cites a health check that does not exist, which counts as healthy", name, m.Set.SetIdentifier)
		case plan.PolicyOf(c.Key) != b.a.Policy:
			b.problem("%s %s is not of this policy", name, m.Set.SetIdentifier)
		}
	}
}

func (b *builder) regions(checks []*plan.Check) {
	for _, c := range checks {
		cite := slices.DeleteFunc(slices.Clone(b.members), func(m *member) bool { return m.Set.HealthCheckID != c.ID })
		r := Region{Name: plan.RegionOf(c.Key), Applied: len(cite) > 0, Check: b.w.status[c.ID], Targets: []string{},
			Serves: []string{}}
		if !r.Applied {
			b.problem("%s has a health check and no record set", r.Name)
		}
		for _, m := range cite {
			if target := targetOf(m); !slices.Contains(r.Targets, target) {
				r.Targets = append(r.Targets, target)
			}
			b.behind(c, m, r)
			for _, client := range b.a.Clients {
				if client.Hostname == whatif.Host(m.Group.Key.Name) {
					r.serve(client, m.Set.SetIdentifier)
				}
			}
		}
		b.a.Regions = append(b.a.Regions, r)
	}
	slices.SortStableFunc(b.a.Regions, func(x, y Region) int { return strings.Compare(x.Name, y.Name) })
	if b.policy != nil { // the policy's order says more than the alphabet
		slices.SortStableFunc(b.a.Regions, func(x, y Region) int { return b.regionRank(x.Name) - b.regionRank(y.Name) })
	}
}

// behind finds what a healthy check of a Region does not see: a load balancer that answers the probes itself, and one
// that has no healthy target for the application.
func (b *builder) behind(c *plan.Check, m *member, r Region) {
	if m.Target == nil {
		return
	}
	i := slices.IndexFunc(b.w.in.LoadBalancers, func(lb failover.Balancer) bool { return lb.DNSName == m.Target.Name })
	if i < 0 {
		return
	}
	lb := &b.w.in.LoadBalancers[i]
	if self, answered := failover.AnsweredByBalancer(c.Config, lb.Rules); answered &&
		slices.Contains(b.w.Probed(c), m.Target.String()) {
		b.doubtful = b.doubtful || self.Healthy
		b.problem("%s: %s; %s", r.Name, self.Why, self.Fix)
	}
	if groups := lb.Targetless(whatif.Host(m.Group.Key.Name), c.Config); len(groups) > 0 && r.Check.Health == Healthy {
		b.doubtful = true
		b.problem("%s: %s: clients are still sent there", r.Name, failover.GreenWithoutTargets(m.Target.String(), groups))
	}
}

func (b *builder) regionRank(region string) int {
	i := slices.IndexFunc(b.policy.Spec.Regions, func(r failover.Region) bool { return r.Name == region })
	if i < 0 {
		return len(b.policy.Spec.Regions)
	}
	return i
}

// serve notes a client who gets this Region.
func (r *Region) serve(m Movement, setIdentifier string) {
	for _, s := range m.Shares {
		if len(s.Path) == 0 || s.Path[0] != setIdentifier {
			continue
		}
		text := m.Client
		if s.Fraction < 1 {
			text = s.percent() + " of " + m.Client
		}
		if !slices.Contains(r.Serves, text) {
			r.Serves = append(r.Serves, text)
		}
	}
}

// wanted adds what the policy asks for and nobody has applied.
func (b *builder) wanted() {
	if b.policy == nil {
		return
	}
	if name, err := zone.ParseName(b.policy.Spec.Hostname); err == nil &&
		!slices.Contains(b.a.Hostnames, whatif.Host(name)) {
		if len(b.a.Hostnames) > 0 {
			b.problem("the policy's hostname %s is not applied", whatif.Host(name))
		}
		b.a.Hostnames = append(b.a.Hostnames, whatif.Host(name))
	}
	if b.a.Routing == "" {
		b.a.Routing = strings.ToLower(b.policy.Spec.Routing.Policy)
	}
	for _, r := range b.policy.Spec.Regions {
		if slices.ContainsFunc(b.a.Regions, func(have Region) bool { return have.Name == r.Name }) {
			continue
		}
		b.a.Regions = append(b.a.Regions, Region{Name: r.Name, Check: Check{Health: Missing, Reason: "not applied"},
			Targets: []string{}, Serves: []string{}})
	}
}

// rto computes how long a failover takes with the checks that there are, else with those that are wanted. r53: D.1.
func (b *builder) rto(checks []*plan.Check) {
	var p failover.Policy
	for _, c := range checks {
		if !c.Config.Type.IsEndpoint() {
			continue
		}
		r := failover.Region{Name: plan.RegionOf(c.Key), HealthCheck: &failover.HealthCheck{Type: string(c.Config.Type),
			RequestInterval: new(int(c.Config.Interval() / time.Second)), FailureThreshold: new(c.Config.Threshold()),
			CheckerRegions: c.Config.Regions}}
		for _, m := range b.members {
			if ttl := m.Set.TTL; m.Set.HealthCheckID == c.ID && ttl != nil && (r.TTL == nil || *ttl > *r.TTL) {
				r.TTL = ttl
			}
		}
		p.Spec.Regions = append(p.Spec.Regions, r)
	}
	if len(p.Spec.Regions) == 0 && b.policy != nil {
		p = *b.policy
	}
	if len(p.Spec.Regions) == 0 {
		return
	}
	rto := failover.Objectives(p, b.w.in.provider())
	b.a.RTO = &rto
	if b.policy == nil {
		return
	}
	if want := time.Duration(b.policy.Spec.Objectives.RTO); want > 0 && rto.Worst > want {
		b.problem("the worst failover takes %s, and the policy asks for %s", short(rto.Worst), short(want))
	}
}

func (b *builder) condition() Condition {
	applied := func(r Region) bool { return r.Applied }
	is := func(h Health) bool {
		return slices.ContainsFunc(b.a.Regions, func(r Region) bool { return r.Applied && r.Check.Health == h })
	}
	switch {
	case !slices.ContainsFunc(b.a.Regions, applied):
		return Planned
	case slices.ContainsFunc(b.a.Clients, func(m Movement) bool { return m.FailOpen }):
		return Down
	case is(Unhealthy):
		return Degraded
	case is(Unknown) || b.doubtful:
		return Unsure
	case slices.ContainsFunc(b.a.Regions, func(r Region) bool { return !r.Applied }):
		return Partial
	}
	return OK
}

func (b *builder) problem(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if !slices.Contains(b.a.Problems, text) {
		b.a.Problems = append(b.a.Problems, text)
	}
}
