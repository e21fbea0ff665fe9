package audit

import (
	"slices"
	"strings"

	"github.com/bulkhead-dns/bulkhead/whatif"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// zonePrefix is what the name of a zone begins with in findings.
const zonePrefix = "zone "

// judged reports whether the findings of a zone are wanted.
func (a *auditor) judged(z *whatif.Zone) bool {
	return len(a.in.Judged) == 0 || slices.Contains(a.in.Judged, z.ID)
}

// concerns reports whether a finding is wanted: one about a zone that is judged, or about none.
func (a *auditor) concerns(f Finding) bool {
	if name, about := strings.CutPrefix(f.Objects[0], zonePrefix); about {
		return slices.ContainsFunc(a.Zones, func(z *whatif.Zone) bool { return whatif.Host(z.Name) == name && a.judged(z) })
	}
	return len(f.Hostnames) == 0 || slices.ContainsFunc(f.Hostnames, func(hostname string) bool {
		owners := a.owners(hostname)
		return len(owners) == 0 || slices.ContainsFunc(owners, a.judged)
	})
}

// owners are the zones with the longest name that a hostname lies in: several where a private zone has the name of a
// public one.
func (a *auditor) owners(hostname string) (owners []*whatif.Zone) {
	name, err := zone.ParseName(hostname)
	if err != nil {
		return nil
	}
	for _, z := range a.Zones {
		switch {
		case !name.In(z.Name):
		case owners == nil || len(z.Name) > len(owners[0].Name):
			owners = []*whatif.Zone{z}
		case z.Name == owners[0].Name:
			owners = append(owners, z)
		}
	}
	return owners
}
