package alb

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"
)

// A TargetGroup is a named set of targets that are probed alike. Targets are registered apart, with SetTargets.
type TargetGroup struct {
	Name        string      `json:"name"`
	HealthCheck HealthCheck `json:"healthCheck"`
	// DeregistrationDelay is how long a deregistered target is shown as draining; 0 means 300 s.
	DeregistrationDelay time.Duration `json:"deregistrationDelay"`

	// Resource is the value of the tag ingress.k8s.aws/resource: "<namespace>/<ingress>-<service>:<port>". "" means that
	// no Ingress made the group. r53: E.3.
	Resource string `json:"-"`
}

// Limits of Elastic Load Balancing.
const (
	MaxTargets      = 1000
	MaxTargetGroups = 100
)

func (g TargetGroup) withDefaults() TargetGroup {
	g.HealthCheck = g.HealthCheck.withDefaults()
	if g.DeregistrationDelay == 0 {
		g.DeregistrationDelay = 300 * time.Second
	}
	return g
}

// A targetGroup is a target group at work. Its load balancer's lock guards it.
type targetGroup struct {
	TargetGroup
	inUse   bool
	targets []*target // registered, in order of registration
	drained []*target // deregistered and still shown
	turn    int       // of the round robin
}

// setTargets makes the registered targets exactly these and returns those that are new and those that had to go.
func (g *targetGroup) setTargets(want []Target, now time.Time) (added, removed []*target) {
	old := make(map[netip.AddrPort]*target, len(g.targets))
	for _, t := range g.targets {
		old[t.Address] = t
	}
	next := make([]*target, 0, len(want))
	for _, w := range want {
		t, ok := old[w.Address]
		if ok && t.Target == w {
			delete(old, w.Address)
		} else { // also another pod at the address of an earlier one
			t = &target{Target: w}
			g.start(t)
			added = append(added, t)
		}
		next = append(next, t)
	}
	for _, t := range g.targets {
		if old[t.Address] == t {
			t.leave(Draining, ReasonDeregistering, "Target deregistration is in progress")
			t.drainedBy = now.Add(g.DeregistrationDelay)
			removed = append(removed, t)
		}
	}
	g.targets = next
	g.drained = append(g.drained, removed...)
	g.drained = g.stillDraining(now)
	return added, removed
}

// start sets the first state of a registered target: initial, or unused if no rule forwards to the group.
func (g *targetGroup) start(t *target) {
	if g.inUse {
		t.enter()
		return
	}
	t.leave(Unused, ReasonNotInUse, "Target group is not configured to receive traffic from the load balancer")
}

// setInUse says whether a listener action forwards to the group, and returns the targets to probe from now on. r53: A.9
// rule 4.
func (g *targetGroup) setInUse(inUse bool) (started []*target) {
	if g.inUse == inUse {
		return nil
	}
	g.inUse = inUse
	for _, t := range g.targets {
		g.start(t)
	}
	if !inUse {
		return nil
	}
	return g.targets
}

// stillDraining returns the deregistered targets that are still shown, except those that are registered again.
func (g *targetGroup) stillDraining(now time.Time) []*target {
	return slices.DeleteFunc(g.drained, func(t *target) bool {
		registered := slices.ContainsFunc(g.targets, func(o *target) bool { return o.Address == t.Address })
		return registered || !now.Before(t.drainedBy)
	})
}

// pick returns the target whose turn it is: among the healthy ones, or among all when none is healthy, for a load
// balancer fails open too (r53: A.9 rule 7). Targets that are not judged yet wait while another is healthy. ok is false
// for a group without targets.
func (g *targetGroup) pick() (t *target, ok bool) {
	candidates := make([]*target, 0, len(g.targets))
	for _, t := range g.targets {
		if t.state == Healthy {
			candidates = append(candidates, t)
		}
	}
	if len(candidates) == 0 {
		candidates = g.targets
	}
	if len(candidates) == 0 {
		return nil, false
	}
	g.turn = (g.turn + 1) % len(candidates)
	return candidates[g.turn], true
}

// healthyTargets counts the targets that take requests in normal operation.
func (g *targetGroup) healthyTargets() (n int) {
	for _, t := range g.targets {
		if t.state == Healthy {
			n++
		}
	}
	return n
}

// checkGroups reports every fault of a set of target groups at once, and returns their names.
func checkGroups(groups []TargetGroup) (names map[string]bool, err error) {
	if len(groups) > MaxTargetGroups {
		return nil, fmt.Errorf("%d target groups: a load balancer takes up to %d", len(groups), MaxTargetGroups)
	}
	names = make(map[string]bool, len(groups))
	for _, g := range groups {
		if g.Name == "" || len(g.Name) > 32 {
			return nil, fmt.Errorf("target group name %.40q has %d characters: use 1 to 32", g.Name, len(g.Name))
		}
		if names[g.Name] {
			return nil, fmt.Errorf("target group name %q is used twice", g.Name)
		}
		if err := g.HealthCheck.check(); err != nil {
			return nil, fmt.Errorf("target group %s: %w", g.Name, err)
		}
		names[g.Name] = true
	}
	return names, nil
}

// checkTargets refuses targets without an address, and two targets with the same address.
func checkTargets(targets []Target) error {
	if len(targets) > MaxTargets {
		return fmt.Errorf("%d targets: a target group takes up to %d", len(targets), MaxTargets)
	}
	seen := make(map[netip.AddrPort]string, len(targets))
	for _, t := range targets {
		if !t.Address.IsValid() || t.Address.Port() == 0 {
			return fmt.Errorf("target %q has address %s: give an IP address and a port", t.ID, t.Address)
		}
		if other, ok := seen[t.Address]; ok {
			return fmt.Errorf("targets %q and %q have the same address %s", other, t.ID, t.Address)
		}
		seen[t.Address] = t.ID
	}
	return nil
}

// groupNames lists the names of groups for error texts.
func groupNames(groups map[string]*targetGroup) []string { return slices.Sorted(maps.Keys(groups)) }
