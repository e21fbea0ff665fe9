package audit

import (
	"fmt"
	"slices"

	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/whatif"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// belowDelegations finds record sets of a public zone that nobody is answered with, because the zone delegates their
// name. Addresses of the name servers themselves are glue, and served. RFC 1034 section 4.2.1.
func belowDelegations(a *auditor, add func(Finding)) {
	for _, z := range a.Zones {
		if z.PrivateZone {
			continue
		}
		below := map[*group][]*group{}
		for _, g := range z.Groups {
			cut := z.Delegation(g.Key.Name)
			if cut == nil || cut.Key.Name == g.Key.Name && (g.Key.Type == zone.NS || g.Key.Type == zone.DS) || isGlue(cut, g) {
				continue
			}
			below[cut] = append(below[cut], g)
		}
		for _, cut := range z.Groups {
			if len(below[cut]) == 0 {
				continue
			}
			f := Finding{ID: "below-delegation", Severity: Critical, Reference: "r53: A.2"}
			for _, g := range below[cut] {
				for _, m := range g.Members {
					f.Objects = append(f.Objects, m.String())
				}
				f.Hostnames = append(f.Hostnames, g.Hostnames()...)
			}
			f.Why = fmt.Sprintf("Nobody is answered with these: %s delegates %s to %s, and clients ask there.",
				whatif.Host(z.Name),
				whatif.Host(cut.Key.Name), few(nameServers(cut)))
			f.Fix = fmt.Sprintf("Create them in the zone %s and delete them here, or delete %s if that zone is not used.",
				whatif.Host(cut.Key.Name), cut)
			if child := a.ZoneOf(cut.Key.Name); child != nil && child != z {
				f.Fix = fmt.Sprintf("Create them in the zone %s (%s) of this account, and delete them here.",
					whatif.Host(child.Name), child.ID)
			}
			add(f)
		}
	}
}

// nameServers are those that a delegation names.
func nameServers(cut *group) (names []string) {
	for _, m := range cut.Members {
		for _, value := range m.Set.ResourceRecords {
			if name, err := zone.ParseName(value); err == nil {
				names = append(names, whatif.Host(name))
			}
		}
	}
	return names
}

func isGlue(cut, g *group) bool {
	return (g.Key.Type == zone.A || g.Key.Type == zone.AAAA) && slices.Contains(nameServers(cut), whatif.Host(g.Key.Name))
}

// borrowedChecks finds record sets that cite a check which Bulkhead made for another name.
func borrowedChecks(a *auditor, add func(Finding)) {
	owners := plan.NewOwners(a.in.State)
	for _, c := range a.used() {
		for _, m := range a.Cited[c.ID] {
			if owners.Borrows(m.Set) == "" {
				continue
			}
			add(Finding{ID: "check-borrowed", Severity: Warning, Objects: []string{m.String(), named(c.ID)},
				Hostnames: m.Group.Hostnames(),
				Why: fmt.Sprintf("The health check is that of %s in %s, and is changed with that policy. This record set is not "+
					"Bulkhead's: it stays as it is, and the check stays as long as it is cited.", plan.PolicyOf(c.Key),
					plan.RegionOf(c.Key)),
				Fix:       fmt.Sprintf("Create a health check of this endpoint and set it as HealthCheckId on %s.", m),
				Reference: "r53: A.10"})
		}
	}
}
