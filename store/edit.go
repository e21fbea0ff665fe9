package store

import (
	"fmt"
	"strings"

	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// An edit makes the next State out of keys and values, and records what changes.
type edit struct {
	next    *State
	changed *pending
	fresh   map[string]*zoneEntry // copied already, so they may be written to
	// own reports whether this node publishes a key itself: its own value is newer than the one in etcd.
	own func(key string) bool
	// goneChecks are the ids of health checks that were deleted.
	goneChecks []string
}

func (st *State) edit(changed *pending, own func(string) bool) *edit {
	return &edit{next: st.copy(), changed: changed, fresh: map[string]*zoneEntry{}, own: own}
}

// put applies a key with its value, written at revision rev. Keys that State does not hold are ignored.
func (e *edit) put(key string, value []byte, rev int64) error {
	kind, rest, _ := strings.Cut(strings.TrimPrefix(key, root), "/")
	var err error
	switch kind {
	case "zone":
		err = e.putZone(rest, value)
	case "zonerev":
		e.entry(rest).rev = rev
		e.changed.acknowledge = true
	case "rr":
		err = e.putRecord(rest, value)
	case "check":
		err = e.putCheck(rest, value, rev)
	case "report":
		if !e.own(key) {
			err = e.putReport(rest, value, rev)
		}
	case "hint":
		e.changed.hints.add(rest)
	case "lb":
		err = e.putLoadBalancer(rest, value)
	case "targethealth":
		if !e.own(key) {
			err = e.putTargetHealth(rest, value, rev)
		}
	case "cidr":
		err = e.putCIDRCollection(rest, value, rev)
	case "delegationset":
		err = e.putDelegationSet(rest, value)
	case "use":
		e.next.uses.Set(rest, rev)
	case "tags":
		err = e.putTags(rest, value, rev)
	}
	if err != nil {
		return fmt.Errorf("key %s: %w", key, err)
	}
	return nil
}

// delete applies the deletion of a key.
func (e *edit) delete(key string) error {
	kind, rest, _ := strings.Cut(strings.TrimPrefix(key, root), "/")
	switch kind {
	case "zone":
		e.deleteZone(rest)
	case "zonerev":
		e.entry(rest).rev = 0
		e.changed.acknowledge = true
	case "rr":
		zoneID, k, err := parseRecordKey(rest)
		if err != nil {
			return fmt.Errorf("key %s: %w", key, err)
		}
		e.deleteRecord(zoneID, k)
	case "check":
		e.deleteCheck(rest)
	case "report":
		if !e.own(key) {
			e.deleteReport(rest)
		}
	case "lb":
		e.next.balancers.Delete(rest)
		e.changed.balancers.add(zone.Name(rest))
	case "targethealth":
		if !e.own(key) {
			e.deleteTargetHealth(rest)
		}
	case "cidr":
		e.next.cidrs.Delete(rest)
		e.changed.cidrs.add(rest)
	case "delegationset":
		e.next.delegations.Delete(rest)
		e.changed.unsaved = true
	case "use":
		e.next.uses.Delete(rest)
	case "tags":
		e.next.tags.Delete(rest)
		e.changed.unsaved = true
	}
	return nil
}

// done returns the next State.
func (e *edit) done() *State {
	for id, entry := range e.fresh {
		if entry.zone == nil && entry.rev == 0 && entry.records.Len() == 0 {
			e.next.zones.Delete(id)
		}
	}
	return e.next
}

// entry returns a zone's entry to write to, made if missing.
func (e *edit) entry(zoneID string) *zoneEntry {
	if entry := e.fresh[zoneID]; entry != nil {
		return entry
	}
	entry := &zoneEntry{}
	if old, ok := e.next.zones.Get(zoneID); ok {
		*entry = *old
		entry.records = old.records.Copy()
	} else {
		entry.records = zone.NewRecords()
	}
	e.next.zones.Set(zoneID, entry)
	e.fresh[zoneID] = entry
	return entry
}

func nameKey(z *zone.HostedZone) string { return reversed(z.Name) + "," + z.ID }

func (e *edit) putZone(id string, value []byte) error {
	z, err := decode[zone.HostedZone](value)
	if err != nil {
		return err
	}
	e.addZone(id, z)
	return nil
}

func (e *edit) addZone(id string, z zone.HostedZone) {
	entry := e.entry(id)
	entry.zone = &z
	e.next.names.Set(nameKey(&z), id)
	e.changed.zones.add(id)
	e.changed.acknowledge = true
}

func (e *edit) deleteZone(id string) {
	entry := e.entry(id)
	if entry.zone != nil {
		e.next.names.Delete(nameKey(entry.zone))
	}
	entry.zone = nil
	e.changed.zones.add(id)
	e.changed.acknowledge = true
}

func (e *edit) putRecord(rest string, value []byte) error {
	zoneID, k, err := parseRecordKey(rest)
	if err != nil {
		return err
	}
	set, err := decode[zone.ResourceRecordSet](value)
	if err != nil {
		return err
	}
	if set.Key() != k {
		return fmt.Errorf("the value is of another record set, %s %s %q", set.Name, set.Type, set.SetIdentifier)
	}
	e.addRecord(zoneID, &set)
	return nil
}

func (e *edit) addRecord(zoneID string, set *zone.ResourceRecordSet) {
	e.entry(zoneID).records.Put(set)
	e.changed.groups.add(Group{zoneID, set.Name, set.Type})
	e.changed.acknowledge = true
}

func (e *edit) deleteRecord(zoneID string, k zone.Key) {
	e.entry(zoneID).records.Delete(k)
	e.changed.groups.add(Group{zoneID, k.Name, k.Type})
	e.changed.acknowledge = true
}

func (e *edit) putCheck(id string, value []byte, rev int64) error {
	c, err := decode[health.Check](value)
	if err != nil {
		return err
	}
	e.next.checks.Set(id, &checkEntry{c, rev})
	e.changed.checks.add(id)
	return nil
}

// deleteCheck drops the reports of the check too, this node's own ones among them.
func (e *edit) deleteCheck(id string) {
	e.next.checks.Delete(id)
	e.changed.checks.add(id)
	e.goneChecks = append(e.goneChecks, id)
	var gone []string
	ascend(e.next.reports, id+"/", func(key string, _ *health.Vote) { gone = append(gone, key) })
	for _, key := range gone {
		e.deleteReport(key)
	}
}

func (e *edit) putReport(rest string, value []byte, rev int64) error {
	r, err := decode[health.Report](value)
	if err != nil {
		return err
	}
	if rest != reportID(r.Check, r.Checker) {
		return fmt.Errorf("the value is a report of %q on %q", r.Checker, r.Check)
	}
	if _, ok := e.next.checks.Get(r.Check); !ok {
		return nil // said of a check while it was deleted; its own lease ends it
	}
	e.addReport(&health.Vote{Report: r, Revision: rev})
	return nil
}

func reportID(checkID, checker string) string { return checkID + "/" + checker }

// addReport takes in a report and says whether it differs in more than the observation.
func (e *edit) addReport(r *health.Vote) (turned bool) {
	old, had := e.next.reports.Set(reportID(r.Check, r.Checker), r)
	if had && old.Healthy == r.Healthy && e.next.doubted.Counts(old.Revision) == e.next.doubted.Counts(r.Revision) {
		return false
	}
	e.changed.reports.add(r.Check)
	return true
}

// doubt doubts what other nodes wrote. It returns how many reports count that did not, or the reverse.
func (e *edit) doubt(d health.Doubt) (reports int) {
	before := *e.next
	e.next.doubted = d
	turned := func(rev int64) bool { return before.doubted.Counts(rev) != e.next.doubted.Counts(rev) }
	e.next.reports.Scan(func(_ string, r *health.Vote) bool {
		if turned(r.Revision) {
			e.changed.reports.add(r.Check)
			reports++
		}
		return true
	})
	e.next.targets.Scan(func(key string, t targetEntry) bool {
		if turned(t.rev) {
			e.targetChanged(key)
		}
		return true
	})
	return reports
}

func (e *edit) deleteReport(rest string) {
	if r, had := e.next.reports.Delete(rest); had {
		e.changed.reports.add(r.Check)
	}
}

func (e *edit) putLoadBalancer(name string, value []byte) error {
	lb, err := decode[zone.LoadBalancer](value)
	if err != nil {
		return err
	}
	e.next.balancers.Set(name, &lb)
	e.changed.balancers.add(lb.DNSName)
	return nil
}

func (e *edit) putTargetHealth(rest string, value []byte, rev int64) error {
	healthy, err := decode[bool](value)
	if err != nil {
		return err
	}
	e.setTargetHealth(rest, targetEntry{healthy, rev})
	return nil
}

func (e *edit) setTargetHealth(rest string, t targetEntry) {
	old, had := e.next.targets.Set(rest, t)
	counts := e.next.doubted.Counts
	if !had || old.healthy != t.healthy || counts(old.rev) != counts(t.rev) {
		e.targetChanged(rest)
	}
}

func (e *edit) deleteTargetHealth(rest string) {
	if _, had := e.next.targets.Delete(rest); had {
		e.targetChanged(rest)
	}
}

func (e *edit) targetChanged(rest string) {
	name, _, _ := strings.Cut(rest, "/")
	e.changed.balancers.add(zone.Name(name))
}
