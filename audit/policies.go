package audit

import (
	"fmt"
	"slices"

	"github.com/bulkhead-dns/bulkhead/zone"
)

// failoverRoles finds failover groups that have nowhere to go, or go there blindly. r53: A.11.
func failoverRoles(a *auditor, add func(Finding)) {
	for _, g := range a.routed() {
		if g.Policy != zone.FailoverRouting {
			continue
		}
		primary := slices.IndexFunc(g.Members, func(m *member) bool { return m.Set.Failover == zone.Primary })
		secondary := slices.IndexFunc(g.Members, func(m *member) bool { return m.Set.Failover == zone.Secondary })
		f := Finding{Objects: []string{g.String()}, Hostnames: g.Hostnames(), Reference: "r53: A.11"}
		switch {
		case secondary < 0:
			f.ID, f.Severity = "failover-alone", Critical
			f.Why = fmt.Sprintf("There is no SECONDARY: with everything behind the PRIMARY down, clients are still sent to %s.",
				few(a.pickedAfter(g, a.fail(g.Members...))))
			f.Fix = fmt.Sprintf("Create %s with Failover SECONDARY and a health check, in another Region.", g)
		case primary < 0:
			f.ID, f.Severity = "failover-alone", Warning
			f.Why = fmt.Sprintf("There is no PRIMARY: all clients are sent to %s, whatever its health.",
				few(a.pickedAfter(g, a.fail(g.Members...))))
			f.Fix = fmt.Sprintf("Create %s with Failover PRIMARY and a health check.", g)
		case !a.listens(g.Members[secondary]) && !a.dangles(g.Members[secondary]) && !dead(g.Members[secondary]):
			m := g.Members[secondary]
			if !serves(a.ask(g, a.fail(g.Members...)), m) {
				continue // the primary cannot be left: another finding
			}
			f.ID, f.Severity, f.Objects, f.Reference = "secondary-unchecked", Warning, []string{m.String()}, "r53: A.11"
			f.Why = "The SECONDARY has no health and counts as healthy for ever: when both are down, clients are sent to it " +
				"and not to the PRIMARY."
			f.Fix = fmt.Sprintf("Set HealthCheckId on %s, unless it is a page that says that the service is down.", m)
		default:
			continue
		}
		add(f)
	}
}

// pickedAfter lists the members that are answered after a failure.
func (a *auditor) pickedAfter(g *group, f failure) []string {
	var list []string
	for _, r := range a.ask(g, f) {
		list = append(list, r.picked()...)
	}
	return sortedUnique(list)
}

// zeroWeights finds weights of 0, which mean nothing where all are 0, and standby where others are not. r53: A.5.
func zeroWeights(a *auditor, add func(Finding)) {
	for _, g := range a.routed() {
		var zero, others []*member
		for _, m := range g.Members {
			switch {
			case m.Set.Weight == nil:
			case *m.Set.Weight == 0:
				zero = append(zero, m)
			default:
				others = append(others, m)
			}
		}
		if len(zero) == 0 || len(g.Members) < 2 {
			continue
		}
		served := slices.DeleteFunc(slices.Clone(zero), func(m *member) bool {
			return !serves(a.ask(g, a.fail(others...)), m)
		})
		f := Finding{Severity: Warning, Objects: describeAll(zero), Hostnames: g.Hostnames(), Reference: "r53: A.5"}
		switch {
		case len(others) == 0:
			f.ID = "weights-zero"
			f.Why = fmt.Sprintf("All %d weights are 0, which Route 53 takes as all equal: clients are sent to %s.", len(zero),
				few(a.pickedAfter(g, well())))
			f.Fix = "Set weights above 0; to send nobody to a member, delete it."
		case len(served) == 0:
			f.ID = "weight-unused"
			f.Why = "Nobody is ever sent to these members of weight 0: with everything behind the others down, the others are " +
				"still answered."
			f.Fix = fmt.Sprintf("Set HealthCheckId on the members with a weight (%s), or delete those without.",
				few(describeAll(others)))
		default:
			f.ID, f.Severity = "weight-standby", Info
			f.Why = "These members of weight 0 are a standby: they get all clients at once when the members with a weight " +
				"are down."
			f.Fix = "Nothing, if they can carry all clients; else give them a small weight, so that they are warm."
		}
		add(f)
	}
}

// singleRegions finds latency and geoproximity groups with one member.
func singleRegions(a *auditor, add func(Finding)) {
	for _, g := range a.routed() {
		if len(g.Members) != 1 || g.Policy != zone.Latency && g.Policy != zone.Geoproximity {
			continue
		}
		add(Finding{ID: "single-region", Severity: Warning, Objects: []string{g.String()}, Hostnames: g.Hostnames(),
			Why: fmt.Sprintf("This %s group has one member: with everything behind it down, all clients are still sent to %s.",
				g.Policy,
				few(a.pickedAfter(g, a.fail(g.Members...)))),
			Fix: "Add a member of another Region, with a health check.", Reference: "r53: A.4"})
	}
}
