package audit

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/quota"
	"github.com/bulkhead-dns/bulkhead/whatif"
)

// orphanedChecks finds checks that nothing cites. It lists those that have to do with a zone that is judged, and counts
// the others.
func orphanedChecks(a *auditor, add func(Finding)) {
	var objects, texts []string
	var sum failover.Cost
	others := 0
	for i := range a.in.State.Checks {
		c := &a.in.State.Checks[i]
		if len(a.Cited[c.ID]) > 0 || len(a.Above[c.ID]) > 0 {
			continue
		}
		if !a.related(c) {
			others++
			continue
		}
		objects = append(objects, named(c.ID))
		texts = append(texts, fmt.Sprintf("%s (%s)", c.ID, looksAt(c.Config)))
		sum += failover.CheckCost(c.Config)
	}
	f := Finding{ID: "check-orphaned", Severity: Info, Objects: objects, Reference: "r53: B.8, F",
		Fix: "Delete each, unless an alarm or another account uses it."}
	slices.Sort(texts)
	switch {
	case len(objects) == 0 && others == 0:
		return
	case len(objects) == 0:
		f.Objects = []string{"account"}
		f.Why = fmt.Sprintf("%s no record set and no calculated check. None of them looks at anything of the zones that "+
			"are judged.",
			cited(others))
		f.Fix = "Nothing for these zones; judge all zones to have the checks listed."
	default:
		f.Why = fmt.Sprintf("%s no record set and no calculated check: %s.", cited(len(objects)), few(texts))
		if a.in.provider() == failover.AWS {
			f.Why += fmt.Sprintf(" %s up to %s a month.", cost(len(objects)), sum)
		}
		if others > 0 {
			f.Why += fmt.Sprintf(" There are %d more in the account, which look at nothing of the zones that are judged.",
				others)
		}
	}
	add(f)
}

func cost(checks int) string {
	if checks == 1 {
		return "It costs"
	}
	return "Together they cost"
}

func cited(checks int) string {
	if checks == 1 {
		return "1 health check is cited by"
	}
	return fmt.Sprintf("%d health checks are cited by", checks)
}

// related reports whether a check has to do with a zone that is judged: it looks at a name or an endpoint of it, or is
// that of a policy for one of its names. All are related where all zones are judged.
func (a *auditor) related(c *plan.Check) bool {
	if len(a.in.Judged) == 0 {
		return true
	}
	names := []string{c.Config.FullyQualifiedDomainName}
	for _, p := range a.in.Policies {
		if c.Owned() && p.Key() == plan.PolicyOf(c.Key) {
			names = append(names, p.Spec.Hostname)
		}
	}
	if slices.ContainsFunc(names, func(name string) bool { return slices.ContainsFunc(a.owners(name), a.judged) }) {
		return true
	}
	probed := a.Probed(c)
	return slices.ContainsFunc(a.groups, func(g *group) bool {
		return a.judged(g.Zone) && slices.ContainsFunc(g.Members,
			func(m *member) bool { return overlap(probed, a.Endpoints(m)) })
	}) || slices.ContainsFunc(a.Leaves(c.ID), func(leaf *plan.Check) bool { return leaf != c && a.related(leaf) })
}

// looksAt words what a check looks at.
func looksAt(c health.Config) string {
	switch {
	case c.Type == health.Calculated:
		return "calculated from " + childCount(len(c.ChildHealthChecks))
	case !c.Type.IsEndpoint():
		return string(c.Type)
	}
	at := cmp.Or(c.FullyQualifiedDomainName, c.IPAddress)
	if c.Type.IsHTTP() {
		at += c.Path()
	}
	return string(c.Type) + " " + at
}

// nearLimit is the share of a quota in percent from which it is told.
const nearLimit = 80

// quotas finds quotas that are nearly used up. r53: C.8.
func quotas(a *auditor, add func(Finding)) {
	limits := a.in.Limits
	if limits == (quota.Limits{}) && a.in.provider() == failover.AWS {
		limits = quota.Default()
	}
	note := func(object, what string, n, limit int) {
		if limit > 0 && n*100 >= limit*nearLimit {
			add(Finding{ID: "quota", Severity: Info, Objects: []string{object}, Reference: "r53: C.8",
				Why: fmt.Sprintf("%d of %d %s are used: what goes over is refused, and with it the change it is in.", n, limit,
					what),
				Fix: "Ask AWS for a higher quota before the next applications come."})
		}
	}
	use := failover.Usage(a.in.State)
	note("account", "health checks", use.HealthChecks, limits.HealthChecks)
	for _, h := range a.Zones {
		note(zonePrefix+whatif.Host(h.Name), "record sets", use.RecordSets[h.ID],
			cmp.Or(a.in.RecordSetLimits[h.ID], limits.RecordSetsPerZone))
	}
}

// costs tells what health checks cost beyond the free ones. r53: F.
func costs(a *auditor, add func(Finding)) {
	cost := failover.StateCost(a.in.State)
	if a.in.provider() != failover.AWS || cost == 0 {
		return
	}
	add(Finding{ID: "cost", Severity: Info, Objects: []string{"account"}, Reference: "r53: F",
		Why: fmt.Sprintf("%s cost %s a month beyond the first 50 of AWS endpoints, which are free: for endpoints elsewhere, "+
			"and for options such as HTTPS, string matching and an interval of 10 seconds.",
			plural(len(a.in.State.Checks), "health check"), cost),
		Fix: "Nothing, if these options are wanted everywhere."})
}
