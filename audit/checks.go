package audit

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// named is how findings call a check.
func named(id string) string { return "health check " + id }

// used lists the checks that record sets cite, by id.
func (w *world) used() []*plan.Check {
	var list []*plan.Check
	for _, id := range slices.Sorted(maps.Keys(w.cited)) {
		if c := w.checks[id]; c != nil {
			list = append(list, c)
		}
	}
	return list
}

// speaksFor lists the members that a check speaks for: those that cite it, and those that cite a calculated check above it.
func (w *world) speaksFor(id string) []*member {
	list := slices.Clone(w.cited[id])
	for _, above := range w.above[id] {
		list = append(list, w.cited[above]...)
	}
	return list
}

// danglingChecks finds record sets that cite a check that is gone. r53: A.10.
func danglingChecks(w *world, add func(Finding)) {
	for _, id := range slices.Sorted(maps.Keys(w.cited)) {
		if w.checks[id] != nil {
			continue
		}
		members := w.cited[id]
		why := fmt.Sprintf("The health check %s does not exist; Route 53 does not say what such a record set counts as.", id)
		if stays := w.sentAnyway(members); len(stays) > 0 {
			why += fmt.Sprintf(" Where it counts as healthy, clients %s are sent there whatever happens.", few(stays))
		}
		add(Finding{ID: "check-missing", Severity: Critical, Objects: describeAll(members), Hostnames: hostnamesOf(members), Why: why,
			Fix: "Create a health check of this member's endpoint and set its id as HealthCheckId.", Reference: "r53: A.10"})
	}
}

// followsItself reports whether a check's own verdict changes what its name resolves to, as steer answers, or whether its name
// is that of the members it speaks for. r53: B.3.
func (w *world) followsItself(c *plan.Check) bool {
	name, err := zone.ParseName(c.Config.FullyQualifiedDomainName)
	if err != nil || c.Config.IPAddress != "" || !c.Config.Type.IsEndpoint() {
		return false
	}
	if slices.ContainsFunc(w.speaksFor(c.ID), func(m *member) bool { return m.group.key.Name == name }) {
		return true
	}
	h := w.zoneOf(name)
	if h == nil {
		return false
	}
	for _, t := range [...]zone.RRType{zone.A, zone.CNAME} { // checkers ask for IPv4 only
		if g := h.groups[zone.Key{Name: name, Type: t}]; g != nil && w.changed(g, failure{checks: map[string]bool{c.ID: true}}) {
			return true
		}
	}
	return false
}

// ownFailover finds checks that follow the failover they control. r53: B.3.
func ownFailover(w *world, add func(Finding)) {
	for i := range w.in.State.Checks {
		c := &w.in.State.Checks[i]
		members := w.speaksFor(c.ID)
		if len(members) == 0 || !w.followsItself(c) {
			continue
		}
		fix := "Let it probe the endpoint of its member instead: "
		if m := members[0]; len(m.balancers()) > 0 {
			fix += fmt.Sprintf("set FullyQualifiedDomainName to %s.", m.balancers()[0])
		} else {
			fix += fmt.Sprintf("create a check with IPAddress %s and FullyQualifiedDomainName %s, and set it as HealthCheckId (an "+
				"address cannot be added to an existing check).", few(w.endpoints(m)), c.Config.FullyQualifiedDomainName)
		}
		add(Finding{ID: "check-follows-itself", Severity: Critical, Objects: append(describeAll(members), named(c.ID)),
			Hostnames: hostnamesOf(members),
			Why: fmt.Sprintf("The check resolves %s, whose answer changes with this very check: once clients have moved, it probes "+
				"where they went, finds that healthy and moves them back.", c.Config.FullyQualifiedDomainName),
			Fix: fix, Reference: "r53: B.3"})
	}
}

// wrongEndpoint finds checks that probe something else than what their member sends clients to.
func wrongEndpoint(w *world, add func(Finding)) {
	for _, c := range w.used() {
		if !c.Config.Type.IsEndpoint() || w.followsItself(c) {
			continue
		}
		probed := w.probed(c.Config)
		for _, m := range w.cited[c.ID] {
			own := w.endpoints(m)
			if len(own) == 0 || len(probed) == 0 || overlap(own, probed) {
				continue
			}
			at := slices.IndexFunc(m.group.members, func(o *member) bool { return o != m && overlap(w.endpoints(o), probed) })
			if at >= 0 && m.group.members[at].set.HealthCheckID == c.ID {
				continue // one check for both; sharedChecks tells
			}
			f := Finding{ID: "check-wrong-endpoint", Severity: Critical, Objects: []string{m.String(), named(c.ID)},
				Hostnames: m.group.hostnames(), Reference: "r53: A.10"}
			switch {
			case at >= 0:
				f.Why = fmt.Sprintf("The check probes %s, which is where %s sends clients: this member is left when that one fails, and "+
					"not when its own %s fails.", few(probed), m.group.members[at].set.SetIdentifier, few(own))
			case !w.comparable(own, probed):
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

// comparable reports whether two lists of endpoints that have nothing in common are different places for sure: addresses of one
// family, or load balancers. A name from outside may stand for anything.
func (w *world) comparable(a, b []string) bool {
	kinds := func(list []string) map[string]bool {
		kinds := map[string]bool{}
		for _, e := range list {
			switch {
			case w.targets[zone.Name(e+".")] != nil:
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
	ka, kb := kinds(a), kinds(b)
	return len(ka) > 0 && maps.Equal(ka, kb)
}

func overlap(a, b []string) bool {
	return slices.ContainsFunc(a, func(s string) bool { return slices.Contains(b, s) })
}

// wrongApplication finds checks whose probe a load balancer hands to another application than the member's. r53: H, B.3.
func wrongApplication(w *world, add func(Finding)) {
	for _, c := range w.used() {
		if !c.Config.Type.IsHTTP() {
			continue
		}
		for _, m := range w.cited[c.ID] {
			r, lb := w.probeRule(c.Config, m)
			if r == nil || r.TargetGroup == "" {
				continue
			}
			for _, hostname := range m.group.hostnames() {
				own := lb.serving(hostname)
				if len(own) == 0 || slices.Contains(own, r.TargetGroup) {
					continue
				}
				add(Finding{ID: "check-wrong-application", Severity: Critical, Objects: []string{m.String(), named(c.ID)},
					Hostnames: []string{hostname},
					Why: fmt.Sprintf("%s hands the probe (%s of %s) to target group %s, and requests for %s to %s: the check says how "+
						"another application is.", host(lb.DNSName), c.Config.Path(), c.Config.FullyQualifiedDomainName, r.TargetGroup,
						hostname, few(own)),
					Fix: fmt.Sprintf("Add a rule to %s that forwards a health path of %s alone to %s whatever the host, and set "+
						"ResourcePath to that path.", host(lb.DNSName), hostname, few(own)),
					Reference: "r53: B.3, H"})
			}
		}
	}
}

// probeRule is the load balancer's rule that a probe falls under; nil when it is not known.
func (w *world) probeRule(c health.Config, m *member) (*Rule, *LoadBalancer) {
	for _, t := range m.balancers() {
		if t.fact != nil && slices.Contains(w.probed(c), t.String()) {
			name := c.FullyQualifiedDomainName
			if name == "" {
				name = c.IPAddress
			}
			return t.fact.route(c.PortNumber(), strings.TrimSuffix(name, "."), c.Path()), t.fact
		}
	}
	return nil, nil
}

// blindChecks finds TCP checks of load balancers, which accept connections however the application is.
func blindChecks(w *world, add func(Finding)) {
	for _, c := range w.used() {
		for _, m := range w.cited[c.ID] {
			balancers := m.balancers()
			if c.Config.Type != health.TCP || len(balancers) == 0 {
				continue
			}
			add(Finding{ID: "check-blind", Severity: Critical, Objects: []string{m.String(), named(c.ID)}, Hostnames: m.group.hostnames(),
				Why: fmt.Sprintf("A TCP check sees that %s accepts connections, which it does without a single healthy target behind it: "+
					"the application can be down and the check healthy.", balancers[0]),
				Fix: "Create an HTTP check of the application's health path at the same name, and set it as HealthCheckId (the type " +
					"of a check cannot be changed).", Reference: "r53: B.1, A.9"})
		}
	}
}

// constant reports whether a check has the same verdict whatever happens, as health decides.
func (w *world) constant(id string) bool {
	c := w.checks[id]
	if c == nil {
		return false
	}
	f := failure{checks: map[string]bool{id: true}}
	for _, child := range c.Config.ChildHealthChecks {
		f.checks[child] = true
	}
	return w.verdict(id, failure{}) == w.verdict(id, f)
}

// reason says why a check's verdict never changes.
func (w *world) reason(c *plan.Check) string {
	disabled := c.Config.Disabled != nil && *c.Config.Disabled
	inverted := c.Config.Inverted != nil && *c.Config.Inverted
	switch {
	case disabled && inverted:
		return "it is disabled and inverted"
	case disabled:
		return "it is disabled"
	case c.Config.HealthThreshold != nil && *c.Config.HealthThreshold == 0:
		return "HealthThreshold is 0"
	case c.Config.HealthThreshold != nil && *c.Config.HealthThreshold > len(c.Config.ChildHealthChecks):
		return fmt.Sprintf("HealthThreshold is %d of %s", *c.Config.HealthThreshold, childCount(len(c.Config.ChildHealthChecks)))
	}
	return "none of its children can change it"
}

func childCount(n int) string {
	if n == 1 {
		return "1 child"
	}
	return fmt.Sprintf("%d children", n)
}

// constantChecks finds checks that cannot fail, and checks that cannot succeed. r53: B.1, B.2, B.6.
func constantChecks(w *world, add func(Finding)) {
	for _, c := range w.used() {
		members := w.cited[c.ID]
		f := Finding{Objects: append(describeAll(members), named(c.ID)), Hostnames: hostnamesOf(members), Reference: "r53: B.2, B.6"}
		switch {
		case !w.constant(c.ID):
			w.answeredWithout(c, add)
			continue
		case w.verdict(c.ID, failure{}):
			f.ID, f.Severity = "check-cannot-fail", Critical
			f.Why = fmt.Sprintf("The check is healthy whatever happens (%s).", w.reason(c))
			if still := w.sentAnyway(members); len(still) > 0 {
				f.Why += fmt.Sprintf(" With everything behind its %s down, clients %s are still sent there.", noun(members), few(still))
			}
			f.Fix = "Give it back what makes it fail: Disabled false, or a HealthThreshold of 1 to the number of children."
		default:
			f.ID, f.Severity = "check-cannot-succeed", Warning
			f.Why = fmt.Sprintf("The check is unhealthy whatever happens (%s), so its %s held out of the group while any other "+
				"is healthy.", w.reason(c), are(members))
			f.Fix = "If that is over, set Disabled and Inverted to false, or HealthThreshold to at most the number of children."
		}
		add(f)
	}
}

func are(members []*member) string {
	if len(members) == 1 {
		return noun(members) + " is"
	}
	return noun(members) + " are"
}

func noun(members []*member) string {
	if len(members) == 1 {
		return "member"
	}
	return plural(len(members), "member")
}

// sentAnyway lists the clients who are sent to members behind which everything is down, sorted.
func (w *world) sentAnyway(members []*member) []string {
	var still []string
	for _, m := range members {
		still = append(still, places(w.ask(m.group, w.fail(m)), func(r reply) bool { return slices.Contains(r.picked, m.set.SetIdentifier) })...)
	}
	return sortedUnique(still)
}

// answeredWithout finds checks that something else than the application answers: a fixed response or a redirect of the load
// balancer, by its rules, or a redirect by what checkers saw. 2xx and 3xx are success. r53: B.1.
func (w *world) answeredWithout(c *plan.Check, add func(Finding)) {
	if !c.Config.Type.IsHTTP() {
		return
	}
	for _, m := range w.cited[c.ID] {
		f := Finding{Objects: []string{m.String(), named(c.ID)}, Hostnames: m.group.hostnames(), Reference: "r53: B.1"}
		r, lb := w.probeRule(c.Config, m)
		switch {
		case r != nil && r.TargetGroup == "" && r.Status >= 400:
			f.ID, f.Severity = "check-cannot-succeed", Critical
			f.Why = fmt.Sprintf("%s answers %s of %s itself with status %d: the check is unhealthy however the application is.",
				host(lb.DNSName), c.Config.Path(), c.Config.FullyQualifiedDomainName, r.Status)
		case r != nil && r.TargetGroup == "" && r.Status >= 200 && !c.Config.Type.MatchesString():
			f.ID, f.Severity = "check-cannot-fail", Critical
			f.Why = fmt.Sprintf("%s answers %s of %s itself with status %d, which is success: the check never sees the application.",
				host(lb.DNSName), c.Config.Path(), c.Config.FullyQualifiedDomainName, r.Status)
		case r == nil && w.sawRedirect(c.ID):
			f.ID, f.Severity = "check-redirected", Warning
			f.Why = fmt.Sprintf("Probes of %s are answered with a redirect, which is success and is not followed: what it leads to may "+
				"be down.", c.Config.Path())
		default:
			continue
		}
		f.Fix = "Probe a path that the application itself answers with 200 when it is well: ResourcePath, and Port and Type where " +
			"the redirect leads to HTTPS."
		add(f)
	}
}

func (w *world) sawRedirect(id string) bool {
	return slices.ContainsFunc(w.in.Reports[id], func(r health.Report) bool { return strings.HasPrefix(r.Status, "Success: HTTP Status Code 3") })
}

// invertedChecks finds checks that are healthy while their endpoint fails. r53: B.6.
func invertedChecks(w *world, add func(Finding)) {
	for _, c := range w.used() {
		if c.Config.Inverted == nil || !*c.Config.Inverted || w.constant(c.ID) {
			continue
		}
		members := w.cited[c.ID]
		add(Finding{ID: "check-inverted", Severity: Warning, Objects: append(describeAll(members), named(c.ID)),
			Hostnames: hostnamesOf(members),
			Why:       "The check is inverted: clients are sent here when what it probes fails, and away from here when it is well.",
			Fix:       "Set Inverted to false, unless it probes a switch by which the standby Region keeps clients away.", Reference: "r53: B.6"})
	}
}

// sharedChecks finds checks that empty a group at once. r53: A.4.
func sharedChecks(w *world, add func(Finding)) {
	for _, g := range w.routed() {
		seen := map[string]bool{}
		for _, m := range g.members {
			id := m.set.HealthCheckID
			c := w.checks[id]
			if c == nil || seen[id] || len(g.members) < 2 || w.constant(id) {
				continue
			}
			seen[id] = true
			f := failure{checks: map[string]bool{id: true}}
			for _, child := range c.Config.ChildHealthChecks {
				f.checks[child] = true
			}
			with := slices.DeleteFunc(slices.Clone(g.members), func(o *member) bool { return o.set.HealthCheckID != id })
			open := places(w.ask(g, f), func(r reply) bool { return r.open })
			if len(with) < 2 || len(open) == 0 {
				continue
			}
			add(Finding{ID: "check-shared", Severity: Critical, Objects: append(describeAll(with), named(id)), Hostnames: g.hostnames(),
				Why: fmt.Sprintf("One check speaks for %d of %s: when it fails nothing is healthy, every member counts as healthy, and "+
					"clients %s are answered as if nothing had happened.", len(with), plural(len(g.members), "member"), few(open)),
				Fix:       "Create a check of its own endpoint for each of these members.",
				Reference: "r53: A.4"})
		}
	}
}

// brokenChildren finds calculated checks with children that are gone. r53: B.2, B.8.
func brokenChildren(w *world, add func(Finding)) {
	for _, c := range w.used() {
		var gone []string
		for _, child := range c.Config.ChildHealthChecks {
			if w.checks[child] == nil {
				gone = append(gone, child)
			}
		}
		if len(gone) > 0 {
			add(Finding{ID: "child-missing", Severity: Warning, Objects: []string{named(c.ID)}, Hostnames: hostnamesOf(w.cited[c.ID]),
				Why: fmt.Sprintf("This calculated check counts children that do not exist: %s.", few(gone)),
				Fix: "Take them out of ChildHealthChecks and lower HealthThreshold with them.", Reference: "r53: B.2"})
		}
	}
}

// splitCheckers finds checks that some checkers cannot reach. r53: B.4, B.9.
func splitCheckers(w *world, add func(Finding)) {
	for i := range w.in.State.Checks {
		c := w.in.State.Checks[i]
		s, _ := health.Aggregate(c.Config, w.in.Reports[c.ID], nil)
		if s.For == 0 || s.For == s.Checkers {
			continue
		}
		var against []string
		for _, r := range w.in.Reports[c.ID] {
			if !r.Healthy {
				against = append(against, r.Region)
			}
		}
		add(Finding{ID: "checkers-disagree", Severity: Warning, Objects: []string{named(c.ID)}, Hostnames: hostnamesOf(w.speaksFor(c.ID)),
			Why: fmt.Sprintf("Checkers in %s say unhealthy, others do not (%s): fewer of the others have to fail for clients to be moved.",
				few(sortedUnique(against)), s.Reason),
			Fix: "Let the firewall in front of the endpoint admit every range of GetCheckerIpRanges, or leave these Regions out of " +
				"Regions.", Reference: "r53: B.4, B.9"})
	}
}
