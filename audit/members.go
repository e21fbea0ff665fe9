package audit

import (
	"fmt"
	"slices"

	"github.com/bulkhead-dns/bulkhead/steer"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// routed lists the groups of addresses and names that a routing policy rules. Others, such as the TXT records that
// external-dns keeps beside its own (r53: E.5), lead nobody anywhere.
func (a *auditor) routed() []*group {
	return slices.DeleteFunc(slices.Clone(a.groups), func(g *group) bool {
		return g.Problem != nil || g.Policy == zone.Simple ||
			g.Key.Type != zone.A && g.Key.Type != zone.AAAA && g.Key.Type != zone.CNAME
	})
}

// listens reports whether anything can make a member unhealthy: its own health check, or the evaluated health of what
// it is an alias of. Whether it does is asked of steer.
func (a *auditor) listens(m *member) bool { return a.listensBelow(m, map[*group]bool{}) }

func (a *auditor) listensBelow(m *member, seen map[*group]bool) bool {
	switch {
	case a.Checks[m.Set.HealthCheckID] != nil:
		return true
	case m.Set.AliasTarget == nil || !m.Set.AliasTarget.EvaluateTargetHealth:
		return false
	case m.Target != nil:
		return m.Target.Balancer
	case m.Branch == nil || seen[m.Branch]:
		return false
	}
	seen[m.Branch] = true
	return slices.ContainsFunc(m.Branch.Members, func(inner *member) bool { return a.listensBelow(inner, seen) })
}

// dead reports whether a member is an alias without a target; aliasTargets tells of it.
func dead(m *member) bool { return m.Set.AliasTarget != nil && m.Branch == nil && m.Target == nil }

// dangles reports whether a member cites a check that does not exist; danglingChecks tells of it.
func (a *auditor) dangles(m *member) bool {
	return m.Set.HealthCheckID != "" && a.Checks[m.Set.HealthCheckID] == nil
}

// uncheckedGroups finds groups that nothing can make anybody leave, and members that nothing can make anybody leave in
// groups where others can be left. Whom it hurts is asked of steer: those who would be sent to somebody healthy if the
// member had a check. r53: A.3, D.1.
func uncheckedGroups(a *auditor, add func(Finding)) {
	for _, g := range a.routed() {
		deaf := a.deaf(g)
		switch {
		case len(deaf) == 0:
		case len(deaf) == len(g.Members) && (a.watchedFromAbove(g) || a.toldAbove(g, map[*group]bool{})):
		case len(deaf) == len(g.Members):
			a.unchecked(g, add)
		default:
			for _, m := range deaf {
				if !a.dangles(m) && m.Set.Failover != zone.Secondary { // failoverRoles tells of secondaries
					a.uncheckedMember(m, add)
				}
			}
		}
	}
}

// deaf are the members of a group that nothing can make anybody leave.
func (a *auditor) deaf(g *group) (deaf []*member) {
	if len(g.Members) < 2 {
		return nil
	}
	for _, m := range g.Members {
		if !a.listens(m) && !dead(m) {
			deaf = append(deaf, m)
		}
	}
	return deaf
}

// watchedFromAbove reports whether every alias that leads to a group has a health of its own.
func (a *auditor) watchedFromAbove(g *group) bool {
	for _, p := range g.Parents {
		for _, m := range p.Members {
			if m.Branch == g && a.Checks[m.Set.HealthCheckID] == nil {
				return false
			}
		}
	}
	return len(g.Parents) > 0
}

// toldAbove reports whether all that lead to a group are told of: the cure there makes clients leave this group too.
func (a *auditor) toldAbove(g *group, seen map[*group]bool) bool {
	seen[g] = true
	for _, p := range g.Parents {
		deaf := a.deaf(p)
		for _, m := range p.Members {
			told := slices.Contains(deaf, m) && m.Set.Failover != zone.Secondary && len(a.hurt(m)) > 0
			if m.Branch == g && !told && (seen[p] || !a.toldAbove(p, seen)) {
				return false
			}
		}
	}
	return len(g.Parents) > 0
}

// hurt lists the clients who are sent to a member when everything behind it is down, and would be sent to somebody
// healthy if it had a check. That is asked with all else well, and with all down who answer while nothing fails.
func (a *auditor) hurt(m *member) []string {
	list, known := a.hurts[m]
	if known {
		return list
	}
	before := a.ask(m.Group, well())
	first := []*member{m}
	for _, o := range m.Group.Members {
		if o != m && serves(before, o) {
			first = append(first, o)
		}
	}
	for _, down := range [][]*member{{m}, first} {
		list = append(list, a.couldLeave(m, a.fail(down...))...)
	}
	list = sortedUnique(list)
	a.hurts[m] = list
	return list
}

// couldLeave lists the clients who are sent to a member after a failure, and would be sent to somebody healthy if the
// member counted as unhealthy.
func (a *auditor) couldLeave(m *member, f failure) (list []string) {
	sent := places(a.ask(m.Group, f), func(r reply) bool { return r.is(m) })
	if len(sent) == 0 {
		return nil
	}
	f.Unhealthy = map[*member]bool{m: true}
	without := a.ask(m.Group, f)
	for _, place := range sent {
		if !slices.ContainsFunc(without, func(r reply) bool { return r.client.Place == place && (r.is(m) || r.FailOpen) }) {
			list = append(list, place)
		}
	}
	return list
}

func (a *auditor) unchecked(g *group, add func(Finding)) {
	if slices.ContainsFunc(g.Members, a.dangles) || a.moved(g, a.fail(g.Members...)) ||
		!slices.ContainsFunc(g.Members, func(m *member) bool { return len(a.hurt(m)) > 0 }) {
		return
	}
	severity := Critical
	if g.Policy == zone.Weighted || g.Policy == zone.Geolocation {
		severity = Warning // may be there to share load or to tell countries apart
	}
	add(Finding{ID: "group-unchecked", Severity: severity, Objects: []string{g.String()}, Hostnames: g.Hostnames(),
		Why: fmt.Sprintf("None of the %d members of this %s group has a health: whatever fails, every client is sent "+
			"to the member it was sent to before.",
			len(g.Members), g.Policy),
		Fix: fmt.Sprintf("Set HealthCheckId on every member: %s.%s", few(describeAll(g.Members)),
			evaluateToo(g.Members)),
		Reference: "r53: A.3"})
}

// evaluateToo is the other way to give members a health, where they lead to groups.
func evaluateToo(members []*member) string {
	if slices.ContainsFunc(members,
		func(m *member) bool { return m.Branch != nil && !m.Set.AliasTarget.EvaluateTargetHealth }) {
		return " Or set EvaluateTargetHealth to true, so that the health of the record sets behind the alias counts."
	}
	return ""
}

func (a *auditor) uncheckedMember(m *member, add func(Finding)) {
	hurt := a.hurt(m)
	if len(hurt) == 0 {
		return // there is nobody else for those who are sent to it
	}
	why := fmt.Sprintf("This member has no health while others of its group have: it counts as healthy for ever. With "+
		"everything behind it down, %s are still sent to it.", who(hurt))
	if above := a.stuckAbove(m); len(above) > 0 {
		why += fmt.Sprintf(" And as a branch is healthy while anything in it is, clients never leave %s either.",
			few(describeAll(above)))
	}
	add(Finding{ID: "member-unchecked", Severity: Critical, Objects: []string{m.String()}, Hostnames: m.Group.Hostnames(),
		Why:       why,
		Fix:       fmt.Sprintf("Set HealthCheckId on %s.%s", m, evaluateToo([]*member{m})),
		Reference: "r53: A.3"})
}

// stuckAbove lists the members of other groups that are not left because of one that counts as healthy for ever.
func (a *auditor) stuckAbove(m *member) (list []*member) {
	for _, g := range m.Group.Up()[1:] {
		for _, above := range g.Members {
			if len(a.stuck(above)) > 0 && slices.Contains(a.deafBelow(above), m) {
				list = append(list, above)
			}
		}
	}
	return list
}

// stuckMembers finds members that have a health and are not left when everything behind them fails: because something
// below is healthy for ever. r53: A.3.
func stuckMembers(a *auditor, add func(Finding)) {
	for _, g := range a.routed() {
		for _, m := range g.Members {
			still, below := a.stuck(m), a.deafBelow(m)
			if len(still) == 0 || a.toldBelow(below) {
				continue
			}
			add(Finding{ID: "branch-stuck", Severity: Critical, Objects: append([]string{m.String()}, describeAll(below)...),
				Hostnames: g.Hostnames(),
				Why: fmt.Sprintf("Behind this member something counts as healthy for ever (%s), so its branch always does: with "+
					"everything there down, %s are still sent to it.", few(describeAll(below)), who(still)),
				Fix:       fmt.Sprintf("Set HealthCheckId on %s.", few(describeAll(below))),
				Reference: "r53: A.3"})
		}
	}
}

// stuck lists the clients who are sent to a member when everything behind it is down, because something below is
// healthy for ever, although others could answer them.
func (a *auditor) stuck(m *member) []string {
	g := m.Group
	if len(g.Members) < 2 || g.Policy == zone.Simple || g.Problem != nil || !a.listens(m) || a.dangles(m) ||
		a.constant(m.Set.HealthCheckID) ||
		len(a.deafBelow(m)) == 0 || !serves(a.ask(g, well()), m) {
		return nil
	}
	return a.couldLeave(m, a.fail(m))
}

// toldBelow reports whether uncheckedGroups tells of all members that keep a branch healthy.
func (a *auditor) toldBelow(deaf []*member) bool {
	return !slices.ContainsFunc(deaf, func(m *member) bool {
		return len(a.deaf(m.Group)) == len(m.Group.Members) || m.Set.Failover == zone.Secondary || a.dangles(m) ||
			len(a.hurt(m)) == 0
	})
}

// isDefault reports whether a member is for clients of every place.
func isDefault(m *member) bool {
	s := m.Set
	return s.GeoLocation != nil && s.GeoLocation.CountryCode == "*" ||
		s.CidrRoutingConfig != nil && s.CidrRoutingConfig.LocationName == zone.DefaultLocation
}

// deafBelow are the first members on every way below one that nothing can make unhealthy.
func (a *auditor) deafBelow(m *member) []*member { return a.deafIn(m.Branch, nil, map[*group]bool{}) }

func (a *auditor) deafIn(g *group, deaf []*member, seen map[*group]bool) []*member {
	if g == nil || seen[g] {
		return deaf
	}
	seen[g] = true
	for _, m := range g.Members {
		if a.listens(m) {
			deaf = a.deafIn(m.Branch, deaf, seen)
		} else {
			deaf = append(deaf, m)
		}
	}
	return deaf
}

// missingDefaults finds clients without an answer. r53: A.6, A.8.
func missingDefaults(a *auditor, add func(Finding)) {
	for _, g := range a.routed() {
		if g.Policy != zone.Geolocation && g.Policy != zone.IPBased || slices.ContainsFunc(g.Members, isDefault) {
			continue
		}
		none := places(a.ask(g, well()), func(r reply) bool { return r.Outcome == steer.NoData })
		if len(none) == 0 {
			continue
		}
		why := fmt.Sprintf("This %s group has no default: %s get no address, and neither do those whose place is not known.",
			g.Policy, who(none))
		if alone := a.alone(g); len(alone) > 0 {
			why += fmt.Sprintf(" Clients %s have one member only, and are still sent to it when it is down.", few(alone))
		}
		add(Finding{ID: "default-missing", Severity: Warning, Objects: []string{g.String()}, Hostnames: g.Hostnames(),
			Why:       why,
			Fix:       "Add a member for the default location (CountryCode or LocationName *), with a health check.",
			Reference: "r53: A.6, A.8"})
	}
}

// alone lists the clients who are still sent to their member when all behind it fails, because there is no other for
// them.
func (a *auditor) alone(g *group) []string {
	var alone []string
	for _, m := range g.Members {
		alone = append(alone, places(a.ask(g, a.fail(m)), func(r reply) bool {
			return r.FailOpen && r.is(m)
		})...)
	}
	return sortedUnique(alone)
}

// failOpenSurprise finds members that were taken out and come back when all others are down. r53: A.4, B.6.
func failOpenSurprise(a *auditor, add func(Finding)) {
	for _, g := range a.routed() {
		if len(g.Members) < 2 {
			continue
		}
		var out []*member
		for _, m := range g.Members {
			if id := m.Set.HealthCheckID; a.Checks[id] != nil && a.constant(id) && !a.Verdict(id, well()) {
				out = append(out, m)
			}
		}
		if len(out) == 0 {
			continue
		}
		down := a.ask(g, a.fail(g.Members...))
		for _, m := range out {
			back := places(down, func(r reply) bool { return r.FailOpen && r.is(m) })
			if len(back) == 0 {
				continue
			}
			add(Finding{ID: "fail-open", Severity: Warning, Objects: []string{m.String()}, Hostnames: g.Hostnames(),
				Why: fmt.Sprintf("This member is held unhealthy by its check, and yet when all others are down too every member "+
					"counts as healthy: %s are then sent to it.", who(back)),
				Fix:       "If nobody may ever be sent there, delete the record set; else enable its check again.",
				Reference: "r53: A.4, B.6"})
		}
	}
}

// nothingHealthy finds groups that fail open now, by the verdicts and target groups that are known. r53: A.4.
func nothingHealthy(a *auditor, add func(Finding)) {
	now := a.now()
	for _, t := range a.Targets {
		if fact := a.facts[t]; fact != nil && len(without(fact)) > 0 {
			now.Targets[t] = true
		}
	}
	for _, g := range a.routed() {
		replies := a.ask(g, now)
		open := places(replies, func(r reply) bool { return r.FailOpen })
		if len(open) == 0 || len(g.Members) < 2 {
			continue
		}
		var sent []string
		for _, r := range replies {
			if r.FailOpen {
				sent = append(sent, r.picked()...)
			}
		}
		add(Finding{ID: "nothing-healthy", Severity: Critical, Objects: []string{g.String()}, Hostnames: g.Hostnames(),
			Why: fmt.Sprintf("Nothing that %s could be sent to is healthy now: every member counts as healthy, and they are "+
				"sent to %s.", who(open), few(sortedUnique(sent))),
			Fix:       "Mend the endpoints, or the checks if the endpoints are well.",
			Reference: "r53: A.4"})
	}
}
