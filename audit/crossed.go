package audit

import (
	"fmt"
	"slices"

	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/plan"
)

// crossedChecks finds calculated checks that count the endpoint of another member: the member is left when that one
// fails, or is not left when its own does. What clients get is asked of steer. r53: B.2, A.4.
func crossedChecks(a *auditor, add func(Finding)) {
	for _, g := range a.routed() {
		for _, m := range g.Members {
			if c := a.Checks[m.Set.HealthCheckID]; c != nil && c.Config.Type == health.Calculated {
				a.crossed(m, c, add)
			}
		}
	}
}

// crossed tells of one member.
func (a *auditor) crossed(m *member, c *plan.Check, add func(Finding)) {
	kept := a.couldLeave(m, a.fail(m))
	var children, others []string
	why := ""
	for _, o := range m.Group.Members {
		counted := a.counted(c, m, o)
		if len(counted) == 0 {
			continue
		}
		left, to := a.sentAway(m, o)
		if len(left) == 0 && len(kept) == 0 {
			continue
		}
		children, others = append(children, counted...), append(others, identifiers([]*member{o})...)
		if len(left) > 0 {
			why += fmt.Sprintf(" When %s fails, this member counts as unhealthy although its own endpoint is well, and %s "+
				"are sent to %s.",
				o.Set.SetIdentifier, who(left), to)
		}
	}
	if len(others) == 0 {
		return
	}
	if len(kept) > 0 {
		why += fmt.Sprintf(" When the endpoint of this member itself fails, its check stays healthy, and %s are still "+
			"sent to it.", who(kept))
	}
	children = sortedUnique(children)
	add(Finding{ID: "check-counts-other", Severity: Critical, Objects: []string{m.String(), named(c.ID)},
		Hostnames: m.Group.Hostnames(),
		Why: fmt.Sprintf("The calculated check of this member counts %s, which looks at the endpoint of %s.%s", few(children),
			few(sortedUnique(others)), why),
		Fix: fmt.Sprintf("Take %s out of ChildHealthChecks, and set HealthThreshold to at most the number of children "+
			"that are left.",
			few(children)), Reference: "r53: B.2, A.4"})
}

// counted names the children of a member's check that look at another member's endpoint, and not at its own. Where it
// is not known where a child looks, it is taken to look at the member that cites it.
func (a *auditor) counted(c *plan.Check, m, other *member) (children []string) {
	if other == m {
		return nil
	}
	for _, leaf := range a.Leaves(c.ID) {
		probed := a.Probed(leaf)
		known := slices.ContainsFunc(m.Group.Members, func(o *member) bool { return overlap(a.Endpoints(o), probed) })
		switch {
		case overlap(a.Endpoints(m), probed):
		case overlap(a.Endpoints(other), probed), !known && other.Set.HealthCheckID == leaf.ID:
			children = append(children, named(leaf.ID))
		}
	}
	return children
}

// sentAway lists the clients of a member who are sent elsewhere when another one's endpoint fails, and says where.
func (a *auditor) sentAway(m, other *member) (left []string, to string) {
	var sent []string
	after := a.ask(m.Group, a.fail(other))
	for _, place := range places(a.ask(m.Group, well()), func(r reply) bool { return r.is(m) }) {
		there := slices.DeleteFunc(slices.Clone(after), func(r reply) bool { return r.client.Place != place })
		if !serves(there, m) {
			left = append(left, place)
			for _, r := range there {
				sent = append(sent, r.picked()...)
			}
		}
	}
	sent = sortedUnique(sent)
	if to = few(sent); slices.Equal(sent, identifiers([]*member{other})) {
		to += ", which has failed"
	}
	return left, to
}
