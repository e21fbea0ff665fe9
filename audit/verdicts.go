package audit

import (
	"fmt"
	"slices"
	"strings"

	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/whatif"
)

// blindChecks finds TCP checks of load balancers, which accept connections however the application is.
func blindChecks(a *auditor, add func(Finding)) {
	for _, c := range a.used() {
		for _, m := range a.Cited[c.ID] {
			balancers := balancers(m)
			if c.Config.Type != health.TCP || len(balancers) == 0 {
				continue
			}
			add(Finding{ID: "check-blind", Severity: Critical, Objects: []string{m.String(), named(c.ID)},
				Hostnames: m.Group.Hostnames(),
				Why: fmt.Sprintf("A TCP check sees that %s accepts connections, which it does without a single healthy target "+
					"behind it: the application can be down and the check healthy.", balancers[0]),
				Fix: "Create an HTTP check of the application's health path at the same name, and set it as HealthCheckId (the " +
					"type of a check cannot be changed).", Reference: "r53: B.1, A.9"})
		}
	}
}

// greenTargetless finds checks that are healthy while no target of the application is: the load balancer has nobody
// well to send clients to, and they are sent to it all the same. r53: B.1, E.1.
func greenTargetless(a *auditor, add func(Finding)) {
	for _, c := range a.used() {
		if !a.healthyNow(c.ID) {
			continue
		}
		for _, m := range a.Cited[c.ID] {
			for _, t := range balancers(m) {
				fact := a.facts[t]
				if fact == nil {
					continue
				}
				for _, hostname := range m.Group.Hostnames() {
					groups := fact.Targetless(hostname, c.Config)
					if len(groups) == 0 {
						continue
					}
					add(Finding{ID: "check-green-without-targets", Severity: Critical, Objects: []string{m.String(), named(c.ID)},
						Hostnames: []string{hostname}, Reference: "r53: B.1, E.1",
						Why: fmt.Sprintf("%s: clients are still sent there, and no failover happens.",
							failover.GreenWithoutTargets(t.String(), groups)),
						Fix: "Find out which of both is wrong. Where the application is down, let the check probe a path that the " +
							"application itself answers, by a rule that leads to its target group. Where it is well, correct the health " +
							"check of the target group."})
				}
			}
		}
	}
}

// constant reports whether a check has the same verdict whatever happens, as health decides.
func (a *auditor) constant(id string) bool {
	if a.Checks[id] == nil {
		return false
	}
	return a.Verdict(id, well()) == a.Verdict(id, a.FailCheck(well(), id))
}

// reason says why a check's verdict never changes.
func (a *auditor) reason(c *plan.Check) string {
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
		return fmt.Sprintf("HealthThreshold is %d of %s", *c.Config.HealthThreshold,
			childCount(len(c.Config.ChildHealthChecks)))
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
func constantChecks(a *auditor, add func(Finding)) {
	for _, c := range a.used() {
		members := a.Cited[c.ID]
		f := Finding{Objects: append(describeAll(members), named(c.ID)), Hostnames: hostnamesOf(members),
			Reference: "r53: B.2, B.6"}
		switch {
		case !a.constant(c.ID):
			a.answeredWithout(c, add)
			continue
		case a.Verdict(c.ID, well()):
			f.ID, f.Severity = "check-cannot-fail", Critical
			f.Why = fmt.Sprintf("The check is healthy whatever happens (%s).", a.reason(c))
			if still := a.sentAnyway(members); len(still) > 0 {
				f.Why += fmt.Sprintf(" With everything behind its %s down, %s are still sent there.", noun(members), who(still))
			}
			f.Fix = "Give it back what makes it fail: Disabled false, or a HealthThreshold of 1 to the number of children."
		default:
			f.ID, f.Severity = "check-cannot-succeed", Warning
			f.Why = fmt.Sprintf("The check is unhealthy whatever happens (%s), so its %s held out of the group while any other "+
				"is healthy.", a.reason(c), are(members))
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
func (a *auditor) sentAnyway(members []*member) []string {
	var still []string
	for _, m := range members {
		still = append(still, places(a.ask(m.Group, a.fail(m)), func(r reply) bool { return r.is(m) })...)
	}
	return sortedUnique(still)
}

// answeredWithout finds checks that something else than the application answers: a fixed response or a redirect of the
// load balancer, by its rules, or a redirect by what checkers saw. 2xx and 3xx are success. r53: B.1.
func (a *auditor) answeredWithout(c *plan.Check, add func(Finding)) {
	if !c.Config.Type.IsHTTP() {
		return
	}
	for _, m := range a.Cited[c.ID] {
		f := Finding{Objects: []string{m.String(), named(c.ID)}, Hostnames: m.Group.Hostnames(), Reference: "r53: B.1"}
		lb := a.probedBalancer(c, m)
		var self failover.SelfAnswer
		known, answered := lb != nil && failover.ProbeRoute(lb.Rules, c.Config) != nil, false
		if lb != nil {
			self, answered = failover.AnsweredByBalancer(c.Config, lb.Rules)
		}
		switch {
		case answered:
			f.ID, f.Severity = "check-cannot-fail", Critical
			if !self.Healthy {
				f.ID = "check-cannot-succeed"
			}
			f.Why, f.Fix = fmt.Sprintf("At %s, %s.", whatif.Host(lb.DNSName), self.Why), sentence(self.Fix)
			if self.NewType {
				f.Fix += anew
			}
		case !known && a.sawRedirect(c.ID):
			f.ID, f.Severity = "check-redirected", Warning
			f.Why = fmt.Sprintf("Probes of %s are answered with a redirect, which is success and is not followed: what it "+
				"leads to may be down.", c.Config.Path())
			f.Fix = "Probe what the redirect leads to, HTTPS on port 443 for instance, at a path that the application itself " +
				"answers with 200 when it is well." + anew
		default:
			continue
		}
		add(f)
	}
}

// anew is what a person has to know who changes the type of a check. r53: B.2.
const anew = " The type of a check cannot be changed: where it changes, create the check anew."

// sentence writes a clause as a sentence.
func sentence(clause string) string { return strings.ToUpper(clause[:1]) + clause[1:] + "." }

func (a *auditor) sawRedirect(id string) bool {
	return slices.ContainsFunc(a.in.Reports[id], func(r health.Report) bool {
		return strings.HasPrefix(r.Status, "Success: HTTP Status Code 3") // r53: B.7
	})
}

// invertedChecks finds checks that are healthy while their endpoint fails. r53: B.6.
func invertedChecks(a *auditor, add func(Finding)) {
	for _, c := range a.used() {
		if c.Config.Inverted == nil || !*c.Config.Inverted || a.constant(c.ID) {
			continue
		}
		members := a.Cited[c.ID]
		add(Finding{ID: "check-inverted", Severity: Warning, Objects: append(describeAll(members), named(c.ID)),
			Hostnames: hostnamesOf(members),
			Why: "The check is inverted: clients are sent here when what it probes fails, and away from here when it " +
				"is well.",
			Fix:       "Set Inverted to false, unless it probes a switch by which the standby Region keeps clients away.",
			Reference: "r53: B.6"})
	}
}
