package audit

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/bulkhead-dns/bulkhead/steer"
	"github.com/bulkhead-dns/bulkhead/whatif"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// unjudged finds groups that no answer can be computed for; Route 53 would not have accepted them.
func unjudged(a *auditor, add func(Finding)) {
	for _, g := range a.groups {
		f := Finding{ID: "group-not-judged", Severity: Warning, Objects: []string{g.String()}, Hostnames: g.Hostnames(),
			Reference: "r53: C.6",
			Fix:       "Write the record sets as Route 53 would accept them."}
		switch {
		case g.Loops:
			f.Why = fmt.Sprintf("No answer can be computed: the aliases lead round in a loop (%s), and nobody who comes "+
				"there gets an address.",
				few(loop(g)))
			f.Fix = "Point one of these aliases at a record set with an address, or at a load balancer."
			add(f)
		case g.Problem != nil:
			f.Why = fmt.Sprintf("No answer can be computed for this group, so nothing else is said of it: %s.", g.Problem)
			add(f)
		}
	}
}

// loop names the groups of the loop that a group's aliases lead into.
func loop(g *group) []string {
	var way []*group
	for !slices.Contains(way, g) {
		way = append(way, g)
		next := slices.IndexFunc(g.Members, func(m *member) bool { return m.Branch != nil && m.Branch.Loops })
		g = g.Members[next].Branch
	}
	var names []string
	for _, at := range way[slices.Index(way, g):] {
		names = append(names, at.String())
	}
	return sortedUnique(names)
}

// aliasTargets finds aliases of what does not exist. r53: A.9.
func aliasTargets(a *auditor, add func(Finding)) {
	for _, g := range a.groups {
		for _, m := range g.Members {
			alias := m.Set.AliasTarget
			if alias == nil || m.Branch != nil || m.Target != nil {
				continue
			}
			f := Finding{ID: "alias-target-missing", Severity: Critical, Objects: []string{m.String()}, Hostnames: g.Hostnames(),
				Reference: "r53: A.9"}
			name := whatif.Host(alias.DNSName)
			switch {
			case alias.HostedZoneID == g.Zone.ID:
				f.Why = fmt.Sprintf("The alias target %s %s does not exist in this zone", name, g.Key.Type)
				f.Fix = fmt.Sprintf("Create %s %s, or point the alias at a record set of this zone that exists, of type %s.", name,
					g.Key.Type, g.Key.Type)
			case zone.IsServiceZone(alias.HostedZoneID) && !zone.InLoadBalancerZone(alias.HostedZoneID, alias.DNSName):
				f.Why = fmt.Sprintf("The alias target %s does not lie in the load balancer zone %s", name, alias.HostedZoneID)
				f.Fix = "Set AliasTarget.HostedZoneId to the CanonicalHostedZoneId of the load balancer."
			case a.ZoneOf(alias.DNSName) != nil:
				f.Why = fmt.Sprintf("The alias target %s is in another hosted zone than the alias says (%s); aliases lead into "+
					"their own zone or to a service of AWS", name, alias.HostedZoneID)
				f.Fix = fmt.Sprintf("Make it a CNAME of %s, or copy that record set to this zone and set HostedZoneId to %s.", name,
					g.Zone.ID)
			default:
				f.Why = fmt.Sprintf("The load balancer %s does not exist (zone %s)", name, alias.HostedZoneID)
				f.Fix = "Point the alias at a load balancer that exists, or delete the record set."
			}
			f.Why += a.whatClientsGet(m)
			add(f)
		}
	}
}

// whatClientsGet says what becomes of those who are sent to an alias without a target.
func (a *auditor) whatClientsGet(m *member) string {
	empty := places(a.ask(m.Group, well()), func(r reply) bool { return r.Outcome != steer.Answered })
	if len(empty) == 0 {
		return ": other members answer for it, and it can never take clients over."
	}
	return fmt.Sprintf(": %s get no address.", who(empty))
}

// sharedFate finds load balancers whose evaluated health joins applications: it is bad as soon as one target group has
// no healthy target. r53: A.9, E.4.
func sharedFate(a *auditor, add func(Finding)) {
	for _, name := range slices.Sorted(maps.Keys(a.Targets)) {
		t := a.Targets[name]
		listening := slices.DeleteFunc(slices.Clone(t.Members),
			func(m *member) bool { return !m.Set.AliasTarget.EvaluateTargetHealth })
		if !t.Balancer || len(listening) == 0 {
			continue
		}
		down := failure{Well: true, Targets: map[*target]bool{t: true}}
		var moved, hostnames []string
		var objects []*member
		for _, m := range listening {
			for _, root := range m.Group.Roots() {
				if a.changed(root, down) {
					moved = append(moved, whatif.Host(root.Key.Name))
					hostnames = append(hostnames, m.Group.Hostnames()...)
					objects = append(objects, m)
				}
			}
		}
		moved = sortedUnique(moved)
		why, joined := a.joins(t, moved)
		if len(moved) == 0 || !joined {
			continue
		}
		add(Finding{ID: "shared-fate", Severity: Critical, Objects: append(describeAll(objects), t.String()),
			Hostnames: hostnames,
			Why:       why, Fix: a.parted(t, objects), Reference: "r53: A.9, E.4"})
	}
}

// parted is the cure of record sets that share the fate of a load balancer: those that have a check of their own need
// no other.
func (a *auditor) parted(t *target, members []*member) string {
	var checked, unchecked []*member
	for _, m := range members {
		if a.Checks[m.Set.HealthCheckID] != nil {
			checked = append(checked, m)
		} else {
			unchecked = append(unchecked, m)
		}
	}
	create := fmt.Sprintf("create a health check of the application's own health path at %s, set it as HealthCheckId, "+
		"and set EvaluateTargetHealth to false.", t)
	switch {
	case len(checked) == 0:
		return "For each of these record sets " + create
	case len(unchecked) == 0:
		return "Set EvaluateTargetHealth to false: each of these record sets has a health check of its own."
	}
	return fmt.Sprintf("Set EvaluateTargetHealth to false on those that have a health check of their own (%s). For "+
		"each of the others (%s) %s",
		few(describeAll(checked)), few(describeAll(unchecked)), create)
}

// applications joins names that lead to one another: of each application the names, sorted.
func applications(members []*member) [][]string {
	var apps [][]string
	for _, m := range members {
		names := m.Group.Hostnames()
		apps = slices.DeleteFunc(apps, func(have []string) bool {
			if !overlap(have, names) {
				return false
			}
			names = sortedUnique(append(names, have...))
			return true
		})
		apps = append(apps, names)
	}
	return apps
}

// joins says which applications a load balancer's evaluated health joins, given the hostnames that it moves; false when
// there is only one.
func (a *auditor) joins(t *target, moved []string) (why string, joined bool) {
	all := hostnamesOf(t.Members)
	fact := a.facts[t]
	if fact == nil || len(fact.TargetGroups) == 0 {
		return fmt.Sprintf("Evaluate target health is on for %s, which serves %s (%s). As soon as one target group there "+
				"has no healthy target, %s.", t, plural(len(all), "hostname"), few(all), leaves(moved)),
			len(applications(t.Members)) > 1
	}
	down := without(fact)
	var takes []string
	for _, tg := range counting(fact) {
		takes = append(takes, tg.Name)
	}
	why = fmt.Sprintf("Evaluate target health is on for %s. When any one of its %s (%s) has no healthy target, %s.", t,
		plural(len(takes), "target group"), few(takes), leaves(moved))
	if len(down) > 0 {
		why += fmt.Sprintf(" That is so now: %s.", few(down))
	}
	return why, len(takes) > 1
}

func leaves(moved []string) string {
	if len(moved) == 1 {
		return moved[0] + " leaves it"
	}
	return fmt.Sprintf("all of %s leave it together", few(moved))
}

// counting lists the target groups whose health is the load balancer's: those that rules refer to and that have
// targets. r53: A.9, 3 and 4.
func counting(lb *LoadBalancer) []TargetGroup {
	return slices.DeleteFunc(slices.Clone(lb.TargetGroups), func(tg TargetGroup) bool {
		return tg.Registered == 0 || !uses(lb, tg.Name)
	})
}

// without names those of them that have no healthy target, and so make the load balancer unhealthy.
func without(lb *LoadBalancer) []string {
	var down []string
	for _, tg := range counting(lb) {
		if tg.Healthy == 0 {
			down = append(down, tg.Name)
		}
	}
	return down
}

// uses reports whether a rule refers to a target group; where no rules are known, all are used.
func uses(lb *LoadBalancer, targetGroup string) bool {
	return len(lb.Rules) == 0 || slices.ContainsFunc(lb.Rules, func(r Rule) bool { return r.TargetGroup == targetGroup })
}

// sameTargets finds groups whose members end at one endpoint.
func sameTargets(a *auditor, add func(Finding)) {
	for _, g := range a.routed() {
		ends := map[string][]*member{}
		for _, m := range g.Members {
			if e := a.Endpoints(m); len(e) > 0 {
				ends[few(e)] = append(ends[few(e)], m)
			}
		}
		for _, end := range slices.Sorted(maps.Keys(ends)) {
			members := ends[end]
			if len(members) < 2 || g.Policy == zone.Geolocation || g.Policy == zone.IPBased {
				continue // several locations may well be served from one place
			}
			add(Finding{ID: "same-target", Severity: Warning, Objects: describeAll(members), Hostnames: g.Hostnames(),
				Why: fmt.Sprintf("%s of %s send clients to %s: when it fails, all of them fail.", plural(len(members), "member"),
					g, end),
				Fix: "Point each member at an endpoint of its own, or keep only one of them.", Reference: "r53: A.1"})
		}
	}
}

// few writes a list, with a count in place of what would be too long to read.
func few(list []string) string {
	const most = 4
	if len(list) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(list[:most-1], ", "), len(list)-most+1)
	}
	return listed(list)
}

// listed writes a list in full.
func listed(list []string) string {
	if len(list) < 2 {
		return strings.Join(list, "")
	}
	return strings.Join(list[:len(list)-1], ", ") + " and " + list[len(list)-1]
}
