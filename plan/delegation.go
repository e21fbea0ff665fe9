package plan

import (
	"strings"

	"github.com/bulkhead-dns/bulkhead/zone"
)

// delegations returns the NS record sets by which public zones delegate names. RFC 1034 section 4.2.1.
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

// delegated returns the NS record set by which a zone delegates a name, the highest one if there are several. It is nil
// when the zone answers for the name itself. No client is answered with the zone's other record sets at a delegated
// name.
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

// refuseDelegated refuses a record set at a delegated name, because no client would be answered with it.
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
