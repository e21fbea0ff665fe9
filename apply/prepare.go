package apply

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/quota"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// A Request is what Prepare makes a plan for.
type Request struct {
	Groups []Group
	// Known is what the caller knows and the account does not tell: the Region to compile, labels of namespaces, load
	// balancers. They go to Compile beside what is looked up.
	Known failover.Facts
	// Guard says what the plan may do; whether the provider is an engine is filled in.
	Guard plan.Guard
}

// A Prepared is a plan, and what it was made from.
type Prepared struct {
	Policies []failover.Policy // completed by failover.Default, in the order of their keys
	Facts    failover.Facts
	Desired  plan.State
	Current  plan.State // with the verdicts of the checks that the plan touches
	Guard    plan.Guard // that the plan was made with: the request's, with what is known of the provider
	Plan     plan.Plan
	Warnings []failover.Warning
	Notes    []plan.Finding // what could not be read, and what is therefore not said
}

// Prepare makes the plan that leads to what policies want: it looks load balancers up, compiles, reads what exists, and
// compares. It writes nothing. Read are all public zones that the classes allow, because a policy's former hostname may
// lie in any of them; verdicts are read of the checks alone that a change of record sets concerns, and quotas where
// anything is to be changed at AWS.
//
// The error is ErrNoPolicies, failover.Problems of policies that cannot be compiled, or *plan.Refused; in the last case
// what is returned is complete, and its plan shows why.
func (a *Applier) Prepare(ctx context.Context, r Request) (Prepared, error) {
	p := Prepared{}
	for _, g := range r.Groups {
		for _, policy := range g.Policies {
			p.Policies = append(p.Policies, failover.Default(policy, g.Class))
		}
	}
	if len(p.Policies) == 0 {
		return p, ErrNoPolicies
	}
	slices.SortStableFunc(p.Policies, func(x, y failover.Policy) int { return strings.Compare(x.Key(), y.Key()) })
	found, err := a.Facts(ctx, slices.DeleteFunc(failover.Lookups(p.Policies, r.Known.Region),
		func(l failover.Lookup) bool {
			return isKnown(r.Known.LoadBalancers, l)
		}))
	if err != nil {
		return p, err
	}
	if p.Notes, err = a.listeners(ctx, p.Policies, &found); err != nil {
		return p, err
	}
	found.Region, found.NamespaceLabels = r.Known.Region, r.Known.NamespaceLabels
	found.LoadBalancers = slices.Concat(r.Known.LoadBalancers, found.LoadBalancers)
	p.Facts = found
	if p.Desired, p.Warnings, err = compile(r.Groups, found); err != nil {
		return p, err
	}
	if p.Current, err = a.Read(ctx, zonesToRead(r.Groups, p)); err != nil {
		return p, err
	}
	p.Plan, err = a.judged(ctx, &p.Current, r.Guard, func(g plan.Guard) (plan.Plan, error) {
		p.Guard = g
		return Diff(p.Current, p.Desired, g)
	})
	return p, err
}

// PrepareDestroy makes the plan that removes policies, named "<namespace>/<name>", from the account. It writes nothing.
// All public zones are read, because nothing tells which of them holds record sets of the policies. Of the result
// Current and Plan are set; the error is as for Prepare.
func (a *Applier) PrepareDestroy(ctx context.Context, policies []string, guard plan.Guard) (Prepared, error) {
	p := Prepared{}
	if len(policies) == 0 {
		return p, ErrNoPolicies
	}
	var err error
	if p.Facts, err = a.Facts(ctx, nil); err != nil {
		return p, err
	}
	if p.Current, err = a.Read(ctx, public(p.Facts.Zones)); err != nil {
		return p, err
	}
	if guard.Limits == nil && a.o.Provider == failover.AWS {
		guard.Limits = new(quota.Default()) // nothing grows: the account's own need not be read
	}
	p.Plan, err = a.judged(ctx, &p.Current, guard, func(g plan.Guard) (plan.Plan, error) {
		p.Guard = g
		return Destroy(p.Current, policies, g)
	})
	return p, err
}

// judged makes a plan, and makes it again when it changes something, and the quotas and verdicts that it depends on
// have been read. An engine tells its quotas when they are met.
func (a *Applier) judged(ctx context.Context, current *plan.State, guard plan.Guard,
	diff func(plan.Guard) (plan.Plan, error)) (plan.Plan, error) {
	guard.Engine = a.o.Provider == failover.Engine
	first, err := diff(guard)
	if err == nil && first.Empty() {
		return first, nil
	}
	var refused *plan.Refused // perhaps for quotas that were raised
	if guard.Limits == nil && !guard.Engine && (err == nil || errors.As(err, &refused)) {
		limits, unread := a.Limits(ctx, first)
		if unread != nil {
			return first, unread
		}
		guard.Limits = &limits
		first, err = diff(guard)
	}
	if err != nil {
		return first, err
	}
	if err := a.Judge(ctx, current, first); err != nil {
		return first, err
	}
	return diff(guard)
}

// compile compiles every group by its class, and puts the results together. The error has all problems of all groups.
func compile(groups []Group, facts failover.Facts) (plan.State, []failover.Warning, error) {
	var (
		state    plan.State
		warnings []failover.Warning
		problems failover.Problems
	)
	zones := make(map[string]zone.HostedZone)
	for _, g := range groups {
		part, warned, err := failover.Compile(g.Policies, g.Class, facts)
		if err != nil {
			var ps failover.Problems
			if !errors.As(err, &ps) {
				return plan.State{}, nil, err
			}
			problems = append(problems, ps...)
			continue
		}
		for _, z := range part.Zones {
			zones[z.ID] = z
		}
		state.Checks = append(state.Checks, part.Checks...)
		state.Records = append(state.Records, part.Records...)
		warnings = append(warnings, warned...)
	}
	if len(problems) > 0 {
		return plan.State{}, nil, problems
	}
	for _, id := range sortedKeys(zones) {
		state.Zones = append(state.Zones, zones[id])
	}
	return state, warnings, nil
}

// zonesToRead are the zones in which something of the policies may be.
func zonesToRead(groups []Group, p Prepared) []zone.HostedZone {
	return slices.DeleteFunc(public(p.Facts.Zones), func(z zone.HostedZone) bool {
		wanted := slices.ContainsFunc(p.Desired.Zones, func(d zone.HostedZone) bool { return d.ID == z.ID })
		return !wanted && !slices.ContainsFunc(groups,
			func(g Group) bool { return g.Class == nil || g.Class.Spec.AllowsZone(z) })
	})
}

func public(zones []zone.HostedZone) []zone.HostedZone {
	return slices.DeleteFunc(slices.Clone(zones), func(z zone.HostedZone) bool { return z.PrivateZone })
}

func isKnown(facts []failover.LoadBalancerFact, l failover.Lookup) bool {
	return slices.ContainsFunc(facts, func(f failover.LoadBalancerFact) bool {
		return l.ARN != "" && f.ARN == l.ARN || l.ARN == "" && f.Name == l.Name && f.Region == l.Region
	})
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
