package audit

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/whatif"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// checkPrefix is what the name of a check begins with in findings, and no record set's can.
const checkPrefix = "health check "

// named is how findings call a check.
func named(id string) string { return checkPrefix + id }

// used lists the checks that record sets cite, by id.
func (a *auditor) used() []*plan.Check {
	var list []*plan.Check
	for _, id := range slices.Sorted(maps.Keys(a.Cited)) {
		if c := a.Checks[id]; c != nil {
			list = append(list, c)
		}
	}
	return list
}

// speaksFor lists the members that a check speaks for: those that cite it, and those that cite a calculated check above
// it.
func (a *auditor) speaksFor(id string) []*member {
	list := slices.Clone(a.Cited[id])
	for _, above := range a.Above[id] {
		list = append(list, a.Cited[above]...)
	}
	return list
}

// danglingChecks finds record sets that cite a check that is gone. r53: A.10.
func danglingChecks(a *auditor, add func(Finding)) {
	for _, id := range slices.Sorted(maps.Keys(a.Cited)) {
		if a.Checks[id] != nil {
			continue
		}
		members := a.Cited[id]
		why := fmt.Sprintf("The health check %s does not exist; Route 53 does not say what such a record set counts as.", id)
		if stays := a.sentAnyway(members); len(stays) > 0 {
			why += fmt.Sprintf(" Where it counts as healthy, %s are sent there whatever happens.", who(stays))
		}
		add(Finding{ID: "check-missing", Severity: Critical, Objects: describeAll(members), Hostnames: hostnamesOf(members),
			Why: why,
			Fix: "Create a health check of this member's endpoint and set its id as HealthCheckId.", Reference: "r53: A.10"})
	}
}

// followsItself reports whether a check's own verdict changes what its name resolves to, as steer answers, or whether
// its name is that of the members it speaks for. r53: B.3.
func (a *auditor) followsItself(c *plan.Check) bool {
	name, err := zone.ParseName(c.Config.FullyQualifiedDomainName)
	if err != nil || c.Config.IPAddress != "" || !c.Config.Type.IsEndpoint() {
		return false
	}
	if slices.ContainsFunc(a.speaksFor(c.ID), func(m *member) bool { return m.Group.Key.Name == name }) {
		return true
	}
	h := a.ZoneOf(name)
	if h == nil {
		return false
	}
	for _, t := range [...]zone.RRType{zone.A, zone.CNAME} { // checkers ask for IPv4 only
		if g := h.Group(name, t); g != nil && a.changed(g, a.FailCheck(well(), c.ID)) {
			return true
		}
	}
	return false
}

// ownFailover finds checks that follow the failover they control. r53: B.3.
func ownFailover(a *auditor, add func(Finding)) {
	for i := range a.in.State.Checks {
		c := &a.in.State.Checks[i]
		members := a.speaksFor(c.ID)
		if len(members) == 0 || !a.followsItself(c) {
			continue
		}
		fix := "Let it probe the endpoint of its member instead: "
		if m := members[0]; len(balancers(m)) > 0 {
			fix += fmt.Sprintf("set FullyQualifiedDomainName to %s.", balancers(m)[0])
		} else {
			fix += fmt.Sprintf("create a check with IPAddress %s and FullyQualifiedDomainName %s, and set it as HealthCheckId "+
				"(an address cannot be added to an existing check).", few(a.Endpoints(m)), c.Config.FullyQualifiedDomainName)
		}
		add(Finding{ID: "check-follows-itself", Severity: Critical, Objects: append(describeAll(members), named(c.ID)),
			Hostnames: hostnamesOf(members),
			Why: fmt.Sprintf("The check resolves %s, whose answer changes with this very check: once clients have moved, it "+
				"probes where they went, finds that healthy and moves them back.", c.Config.FullyQualifiedDomainName),
			Fix: fix, Reference: "r53: B.3"})
	}
}

// wrongEndpoint finds checks that probe something else than what their member sends clients to.
func wrongEndpoint(a *auditor, add func(Finding)) {
	for _, c := range a.used() {
		if !c.Config.Type.IsEndpoint() || a.followsItself(c) {
			continue
		}
		probed := a.Probed(c)
		for _, m := range a.Cited[c.ID] {
			own := a.Endpoints(m)
			if len(own) == 0 || len(probed) == 0 || overlap(own, probed) {
				continue
			}
			at := slices.IndexFunc(m.Group.Members, func(o *member) bool { return o != m && overlap(a.Endpoints(o), probed) })
			if at >= 0 && m.Group.Members[at].Set.HealthCheckID == c.ID {
				continue // one check for both; sharedChecks tells
			}
			f := Finding{ID: "check-wrong-endpoint", Severity: Critical, Objects: []string{m.String(), named(c.ID)},
				Hostnames: m.Group.Hostnames(), Reference: "r53: A.10"}
			switch {
			case at >= 0:
				f.Why = fmt.Sprintf("The check probes %s, which is where %s sends clients: this member is left when that one "+
					"fails, and not when its own %s fails.", few(probed), m.Group.Members[at].Set.SetIdentifier, few(own))
			case !a.comparable(own, probed):
				continue
			default:
				f.Severity = Warning
				f.Why = fmt.Sprintf("The check probes %s, while this member sends clients to %s: one may fail without the other.",
					few(probed), few(own))
			}
			f.Fix = fmt.Sprintf("Let the check of this member probe %s.", few(own))
			add(f)
		}
	}
}

// comparable reports whether two lists of endpoints that have nothing in common are different places for sure:
// addresses of one family, or load balancers. A name from outside may stand for anything.
func (a *auditor) comparable(x, y []string) bool {
	kinds := func(list []string) map[string]bool {
		kinds := map[string]bool{}
		for _, e := range list {
			switch {
			case a.Targets[zone.Name(e+".")] != nil:
				kinds["target"] = true
			case strings.Contains(e, ":"):
				kinds["IPv6"] = true
			case strings.Trim(e, "0123456789.") == "":
				kinds["IPv4"] = true
			default:
				return nil
			}
		}
		return kinds
	}
	ka, kb := kinds(x), kinds(y)
	return len(ka) > 0 && maps.Equal(ka, kb)
}

func overlap(a, b []string) bool {
	return slices.ContainsFunc(a, func(s string) bool { return slices.Contains(b, s) })
}

// wrongApplication finds checks whose probe a load balancer hands to another application than the member's. r53: H,
// B.3.
func wrongApplication(a *auditor, add func(Finding)) {
	for _, c := range a.used() {
		if !c.Config.Type.IsHTTP() {
			continue
		}
		for _, m := range a.Cited[c.ID] {
			lb := a.probedBalancer(c, m)
			if lb == nil {
				continue
			}
			r := failover.ProbeRoute(lb.Rules, c.Config)
			if r == nil || r.TargetGroup == "" {
				continue
			}
			others := map[string][]string{} // hostnames by the target groups that serve them
			for _, hostname := range m.Group.Hostnames() {
				if own := lb.Serving(hostname); len(own) > 0 && !slices.Contains(own, r.TargetGroup) {
					others[few(own)] = append(others[few(own)], hostname)
				}
			}
			for _, own := range slices.Sorted(maps.Keys(others)) {
				hostnames := few(others[own])
				add(Finding{ID: "check-wrong-application", Severity: Critical, Objects: []string{m.String(), named(c.ID)},
					Hostnames: others[own],
					Why: fmt.Sprintf("%s hands the probe (%s of %s) to target group %s, and requests for %s to %s: the check says "+
						"how another application is.", whatif.Host(lb.DNSName), c.Config.Path(), c.Config.FullyQualifiedDomainName,
						r.TargetGroup,
						hostnames, own),
					Fix: fmt.Sprintf("Add a rule to %s that forwards a health path of %s alone to %s whatever the host, and set "+
						"ResourcePath to that path.", whatif.Host(lb.DNSName), hostnames, own),
					Reference: "r53: B.3, H"})
			}
		}
	}
}

// probedBalancer is the load balancer of a member that its check probes; nil when what it does is not known.
func (a *auditor) probedBalancer(c *plan.Check, m *member) *LoadBalancer {
	for _, t := range balancers(m) {
		if fact := a.facts[t]; fact != nil && slices.Contains(a.Probed(c), t.String()) {
			return fact
		}
	}
	return nil
}

// sharedChecks finds checks that empty a group at once. r53: A.4.
func sharedChecks(a *auditor, add func(Finding)) {
	for _, g := range a.routed() {
		seen := map[string]bool{}
		for _, m := range g.Members {
			id := m.Set.HealthCheckID
			c := a.Checks[id]
			if c == nil || seen[id] || len(g.Members) < 2 || a.constant(id) {
				continue
			}
			seen[id] = true
			with := slices.DeleteFunc(slices.Clone(g.Members), func(o *member) bool { return o.Set.HealthCheckID != id })
			open := places(a.ask(g, a.FailCheck(well(), id)), func(r reply) bool { return r.FailOpen })
			if len(with) < 2 || len(open) == 0 {
				continue
			}
			add(Finding{ID: "check-shared", Severity: Critical, Objects: append(describeAll(with), named(id)),
				Hostnames: g.Hostnames(),
				Why: fmt.Sprintf("One check speaks for %d of %s: when it fails nothing is healthy, every member counts as "+
					"healthy, and %s are answered as if nothing had happened.", len(with), plural(len(g.Members), "member"),
					who(open)),
				Fix:       "Create a check of its own endpoint for each of these members.",
				Reference: "r53: A.4"})
		}
	}
}

// brokenChildren finds calculated checks with children that are gone. r53: B.2, B.8.
func brokenChildren(a *auditor, add func(Finding)) {
	for _, c := range a.used() {
		var gone []string
		for _, child := range c.Config.ChildHealthChecks {
			if a.Checks[child] == nil {
				gone = append(gone, child)
			}
		}
		if len(gone) > 0 {
			add(Finding{ID: "child-missing", Severity: Warning, Objects: []string{named(c.ID)},
				Hostnames: hostnamesOf(a.Cited[c.ID]),
				Why:       fmt.Sprintf("This calculated check counts children that do not exist: %s.", few(gone)),
				Fix:       "Take them out of ChildHealthChecks and lower HealthThreshold with them.", Reference: "r53: B.2"})
		}
	}
}

// splitCheckers finds checks that some checkers cannot reach. r53: B.4, B.9.
func splitCheckers(a *auditor, add func(Finding)) {
	for i := range a.in.State.Checks {
		c := a.in.State.Checks[i]
		s, _ := health.Aggregate(c.Config, a.in.Reports[c.ID], nil)
		if s.For == 0 || s.For == s.Checkers {
			continue
		}
		var against []string
		for _, r := range a.in.Reports[c.ID] {
			if !r.Healthy {
				against = append(against, r.Region)
			}
		}
		add(Finding{ID: "checkers-disagree", Severity: Warning, Objects: []string{named(c.ID)},
			Hostnames: hostnamesOf(a.speaksFor(c.ID)),
			Why: fmt.Sprintf("Checkers in %s say unhealthy, others do not (%s): fewer of the others have to fail for clients "+
				"to be moved.",
				few(sortedUnique(against)), s.Reason),
			Fix: "Let the firewall in front of the endpoint admit every range of GetCheckerIpRanges, or leave these Regions " +
				"out of Regions.", Reference: "r53: B.4, B.9"})
	}
}
