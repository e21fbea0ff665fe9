package audit

import (
	"cmp"
	"fmt"

	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/whatif"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// orphanedChecks finds checks that nothing cites.
func orphanedChecks(w *world, add func(Finding)) {
	for i := range w.in.State.Checks {
		c := &w.in.State.Checks[i]
		if len(w.Cited[c.ID]) > 0 || len(w.Above[c.ID]) > 0 {
			continue
		}
		why := "No record set of these zones and no calculated check cites this check."
		if w.in.provider() == failover.AWS {
			why += fmt.Sprintf(" It costs up to %s a month.", failover.CheckCost(c.Config))
		}
		add(Finding{ID: "check-orphaned", Severity: Info, Objects: []string{named(c.ID)}, Why: why,
			Fix: "Delete it, unless an alarm or another zone uses it.", Reference: "r53: B.8, F"})
	}
}

// nearLimit is the share of a quota in percent from which it is told.
const nearLimit = 80

// quotas finds quotas that are nearly used up. r53: C.8.
func quotas(w *world, add func(Finding)) {
	limits := w.in.Limits
	if limits == (zone.Limits{}) && w.in.provider() == failover.AWS {
		limits = zone.DefaultLimits()
	}
	note := func(object, what string, n, limit int) {
		if limit > 0 && n*100 >= limit*nearLimit {
			add(Finding{ID: "quota", Severity: Info, Objects: []string{object}, Reference: "r53: C.8",
				Why: fmt.Sprintf("%d of %d %s are used: what goes over is refused, and with it the change it is in.", n, limit, what),
				Fix: "Ask AWS for a higher quota before the next applications come."})
		}
	}
	use := failover.Usage(w.in.State)
	note("account", "health checks", use.HealthChecks, limits.HealthChecks)
	for _, h := range w.Zones {
		note("zone "+whatif.Host(h.Name), "record sets", use.RecordSets[h.ID],
			cmp.Or(w.in.RecordSetLimits[h.ID], limits.RecordSetsPerZone))
	}
}

// costs tells what health checks cost beyond the free ones. r53: F.
func costs(w *world, add func(Finding)) {
	cost := failover.StateCost(w.in.State)
	if w.in.provider() != failover.AWS || cost == 0 {
		return
	}
	add(Finding{ID: "cost", Severity: Info, Objects: []string{"account"}, Reference: "r53: F",
		Why: fmt.Sprintf("%s cost %s a month beyond the first 50 of AWS endpoints, which are free: for endpoints elsewhere, "+
			"and for options such as HTTPS, string matching and an interval of 10 seconds.", plural(len(w.in.State.Checks), "health check"), cost),
		Fix: "Nothing, if these options are wanted everywhere."})
}
