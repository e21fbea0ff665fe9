package alb

import "fmt"

// healthAsRoute53Sees decides whether Route 53 takes a load balancer for healthy when an alias record evaluates target
// health, and says why. r53: A.9.
func healthAsRoute53Sees(groups []*targetGroup) (healthy bool, reason string) {
	referenced, filled := 0, 0
	for _, g := range groups {
		if !g.inUse {
			continue // A.9 rule 4: only a group that a listener action refers to counts.
		}
		referenced++
		if len(g.targets) == 0 {
			continue // A.9 rule 3, the reading that only groups "that contain targets" count.
		}
		filled++
		// A.9 rules 1 and 2: every such group needs its minimum of healthy targets; the default count is 1. One application
		// down takes the whole load balancer out of DNS.
		if g.healthyTargets() == 0 {
			return false, fmt.Sprintf("target group %s has no healthy target of %d", g.Name, len(g.targets))
		}
	}
	switch {
	case referenced == 0:
		return true, "no target group is in use" // A.9 rule 5 (unconfirmed): nothing behind it can be down.
	case filled == 0:
		return false, "no target group has a target" // A.9 rule 3 (unconfirmed): the cautious reading.
	}
	return true, "every target group with targets has a healthy one"
}
