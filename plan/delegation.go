package plan

import (
	"strings"

	"github.com/bulkhead-dns/bulkhead/zone"
)

// delegations are the NS record sets by which public zones give names away. RFC 1034 section 4.2.1.
func (d *differ) delegations() map[NameInZone]*zone.ResourceRecordSet {
	found := make(map[NameInZone]*zone.ResourceRecordSet)
	for i := range d.current.Records {
		r := &d.current.Records[i]
		if z := d.zones[r.ZoneID]; r.Set.Type == zone.NS && r.Set.Name != z.Name && !z.PrivateZone {
			found[NameInZone{r.ZoneID, r.Set.Name}] = &r.Set
		}
	}
	return found
}

// delegated returns the NS record set by which a zone gives a name away, the highest where there are several; nil when
// the zone answers for the name itself. Nobody is answered with what the zone holds at such a name.
func (d *differ) delegated(at NameInZone) (cut *zone.ResourceRecordSet) {
	apex := d.zones[at.ZoneID].Name
	for name := at.Name; name != apex && name.In(apex); {
		if set := d.cuts[NameInZone{at.ZoneID, name}]; set != nil {
			cut = set
		}
		parent, ok := name.Parent()
		if !ok {
			break
		}
		name = parent
	}
	return cut
}

// refuseDelegated refuses to put a record set where nobody is answered with it.
func (d *differ) refuseDelegated(r *Record, policy string) {
	cut := d.delegated(NameInZone{r.ZoneID, r.Set.Name})
	if cut == nil {
		return
	}
	d.refuse(policy, Describe(&r.Set), "nobody would be answered with it: the zone %s (%s) delegates %s to %s, and the "+
		"account has no public zone of that name. Make that zone in this account, or choose another hostname",
		d.zones[r.ZoneID].Name, r.ZoneID,
		cut.Name,
		strings.Join(cut.ResourceRecords, ", "))
}
