package plan

import (
	"fmt"
	"maps"
	"slices"

	"github.com/bulkhead-dns/bulkhead/zone"
)

// A nameDiff is what exists at one name of a zone, what is wanted there, and what the plan changes. All changes of a
// name are made in one batch.
type nameDiff struct {
	NameInZone
	policy string // who wants something there, or had something there
	here   []*Record
	want   []*Record
	after  []member

	routing nameRouting
	changes []RecordChange
}

// A member is a record set as it is after the plan.
type member struct {
	set    *zone.ResourceRecordSet
	key    string // of the check it awaits
	awaits bool   // it comes to depend on a check without a verdict
}

// wantedRecords returns the wanted record sets in reach.
func (d *differ) wantedRecords(desired State, checks map[string]*Check) []*Record {
	var wanted []*Record
	for i := range desired.Records {
		r := &desired.Records[i]
		object, policy := Describe(&r.Set), PolicyOf(r.CheckKey)
		// Without a check, the SetIdentifier says which Region a record set belongs to.
		if r.CheckKey == "" && !d.guard.covers(r.Set.SetIdentifier) || r.CheckKey != "" &&
			!d.guard.covers(RegionOf(r.CheckKey)) {
			continue
		}
		z, known := d.zones[r.ZoneID]
		switch {
		case !known:
			d.refuse(policy, object, "is wanted in the zone %q, which does not exist", r.ZoneID)
		case !r.Set.Name.In(z.Name):
			d.refuse(policy, object, "does not lie in the zone %s (%s)", z.Name, z.ID)
		case r.CheckKey != "" && checks[r.CheckKey] == nil:
			d.refuse(policy, object, "is bound to the health check %s, which is not wanted", r.CheckKey)
		default:
			d.refuseDelegated(r, policy)
			wanted = append(wanted, r)
		}
	}
	return wanted
}

// nameDiffs gathers what exists and what is wanted at every name that the plan may change, in the order of zones and
// names.
func (d *differ) nameDiffs(wanted []*Record) []*nameDiff {
	bySite := make(map[NameInZone]*nameDiff)
	at := func(s NameInZone) *nameDiff {
		if bySite[s] == nil {
			bySite[s] = &nameDiff{NameInZone: s}
		}
		return bySite[s]
	}
	for _, r := range wanted {
		p := at(NameInZone{r.ZoneID, r.Set.Name})
		p.want = append(p.want, r)
	}
	for i := range d.current.Records {
		if r := &d.current.Records[i]; d.mayTouch(r) {
			at(NameInZone{r.ZoneID, r.Set.Name})
		}
	}
	for i := range d.current.Records {
		r := &d.current.Records[i]
		if p := bySite[NameInZone{r.ZoneID, r.Set.Name}]; p != nil {
			p.here = append(p.here, r)
		}
	}
	places := slices.SortedFunc(maps.Values(bySite), func(a, b *nameDiff) int {
		if a.ZoneID != b.ZoneID {
			return compareZones(d.zones[a.ZoneID], d.zones[b.ZoneID])
		}
		return zone.Compare(a.Name, b.Name)
	})
	byKey := func(a, b *Record) int { return a.Set.Key().Compare(b.Set.Key()) }
	for _, p := range places {
		slices.SortFunc(p.here, byKey)
		slices.SortStableFunc(p.want, byKey)
		p.policy = d.policyAt(p)
	}
	return places
}

// policyAt returns the policy that a name belongs to: the one that wants it, or else the one that has it.
func (d *differ) policyAt(at *nameDiff) string {
	for _, r := range at.want {
		if r.CheckKey != "" {
			return PolicyOf(r.CheckKey)
		}
	}
	for _, r := range at.here {
		if d.mayTouch(r) {
			return PolicyOf(d.owner(r))
		}
	}
	return ""
}

// matchRecords plans the changes of record sets and packs them into batches.
func (d *differ) matchRecords(places []*nameDiff) {
	for _, at := range places {
		d.policyNames[at.policy] = append(d.policyNames[at.policy], at.NameInZone)
		if d.contradictory(at) {
			continue
		}
		d.diffName(at)
		if len(at.changes) == 0 || d.delegated(at.NameInZone) != nil {
			continue // nobody is answered there, before or after
		}
		d.guardAnswers(at)
		for _, t := range at.typesAfter() {
			d.guardHealth(at, t)
		}
	}
	d.batch(places)
}

// contradictory refuses a record set that two policies want, or that one policy wants twice.
func (d *differ) contradictory(at *nameDiff) bool {
	for i, r := range at.want {
		if i > 0 && at.want[i-1].Set.Key() == r.Set.Key() {
			d.refuse(at.policy, Describe(&r.Set), "is wanted twice: a SetIdentifier tells members apart")
			return true
		}
		if other := PolicyOf(r.CheckKey); r.CheckKey != "" && other != at.policy {
			d.refuse(at.policy, string(at.Name), "is wanted by %s as well: a name belongs to one policy", other)
			return true
		}
	}
	return false
}

// diffName plans the changes at one name.
func (d *differ) diffName(at *nameDiff) {
	if holder, checks := d.holderElsewhere(at); holder != "" {
		d.refuseAs(Finding{Kind: HeldByPolicy, Policy: at.policy, Object: string(at.Name), Holder: holder, Checks: checks,
			Text: "belongs to " + holder +
				", which has record sets of it in other Regions: a name belongs to one policy. This Region joins when they are " +
				"of this policy, or of another one of its namespace"})
		return
	}
	wanted := make(map[zone.Key]*Record, len(at.want))
	for _, w := range at.want {
		wanted[w.Set.Key()] = w
	}
	replaced := make(map[zone.Key]*Record) // what stands where something is wanted, and may be changed
	adopted := slices.Contains(d.guard.Adopt, at.Name)
	for _, r := range at.here {
		key := d.owner(r)
		w := wanted[r.Set.Key()]
		var foreign bool
		switch {
		case d.mayTouch(r):
			d.reportHandover(at, r, key)
		case d.mends(w, r):
			d.report(at.policy, Describe(&r.Set), "cites health check %s, which does not exist: it counts as healthy for ever "+
				"until this is mended", r.Set.HealthCheckID)
		case w != nil && w.CheckKey == "" && key == "" && sameSet(&r.Set, &w.Set): // made by us or not: it is as wanted
		// another Region's, which has its own plan
		case key != "" && w == nil && (PolicyOf(key) == at.policy || !d.guard.covers(RegionOf(key))):
			d.reportOther(at, r, key)
			d.matchPeer(at, r)
			continue
		case !d.inTheWay(at, r, adopted):
			d.reportBeside(at, r)
			at.keep(r)
			continue
		case key != "" || !adopted || !adoptable(at, r):
			d.refuseHeld(at, r, key)
			at.keep(r)
			delete(wanted, r.Set.Key())
			continue
		default:
			foreign = true
		}
		if w != nil {
			replaced[r.Set.Key()] = r
			continue
		}
		policy := at.policy
		if key != "" {
			policy = PolicyOf(key)
		}
		at.changes = append(at.changes, RecordChange{Action: zone.Delete, Policy: policy, Set: r.Set, Adopted: foreign,
			Dangling: d.dangling(r)})
		if !foreign {
			d.changed(policy)
		}
	}
	for _, w := range at.want {
		if wanted[w.Set.Key()] != nil {
			d.matchRecord(at, w, replaced[w.Set.Key()])
		}
	}
}

// mends reports whether a wanted record set replaces one of ours whose check somebody deleted. Such a record set has
// the policy's hostname and the Region as its SetIdentifier.
func (d *differ) mends(w, r *Record) bool {
	return w != nil && w.CheckKey != "" && r.Set.SetIdentifier == RegionOf(w.CheckKey) && d.dangling(r)
}

// dangling reports whether a record set refers to a check that does not exist. r53: A.10.
func (d *differ) dangling(r *Record) bool {
	return r.Set.HealthCheckID != "" && d.byID[r.Set.HealthCheckID] == nil
}

func (at *nameDiff) keep(r *Record) { at.after = append(at.after, member{set: &r.Set}) }

// changed counts a changed record set of ours. Record sets of a destroyed policy do not count: their removal was asked
// for.
func (d *differ) changed(policy string) {
	if !d.destroyed[policy] {
		d.recordBlast.changed++
	}
}

// matchRecord plans the changes for one wanted record set. old is the existing one with the same key, or nil.
func (d *differ) matchRecord(at *nameDiff, w, old *Record) {
	if at.routing.stay[w.Set.Key()] {
		if old != nil {
			at.keep(old)
		}
		return
	}
	set, waits := at.routing.own[w.Set.Key()]
	if !waits {
		set = w.Set
	}
	if w.CheckKey != "" {
		set.HealthCheckID = d.bound[w.CheckKey]
	}
	if old != nil && d.waitsForRelease[w.CheckKey] {
		set = withCurrentTarget(set, old)
	}
	if old != nil && d.held[old.Set.HealthCheckID] != NotHeld && d.owned[old.Set.HealthCheckID] != w.CheckKey {
		d.holdRecord(at, old, w.CheckKey)
		return
	}
	change := RecordChange{Action: zone.Create, Policy: at.policy, Set: set}
	if w.CheckKey != "" && set.HealthCheckID == "" {
		change.CheckKey = w.CheckKey
	}
	m := member{set: &set}
	rebound := old == nil || old.Set.HealthCheckID != set.HealthCheckID || change.CheckKey != ""
	if w.CheckKey != "" && rebound && (change.CheckKey != "" || d.held[set.HealthCheckID] == NotHeld &&
		d.needsVerdict(set.HealthCheckID)) {
		m.awaits, m.key = true, w.CheckKey
		d.wait.Checks = append(d.wait.Checks, w.CheckKey)
		d.replaces(w.CheckKey, old)
	}
	at.after = append(at.after, m)
	if old == nil {
		at.changes = append(at.changes, change)
		return
	}
	if !rebound && sameSet(&old.Set, &set) {
		return
	}
	if w.CheckKey != "" && !rebound && moves(&old.Set, &set) {
		d.report(at.policy, Describe(&set), "its target changes and its health check does not, so that checkers do not "+
			"verify it first: %s",
			content(&set))
	}
	mended := d.mends(w, old)
	change.Adopted = d.owner(old) == "" && !mended
	if !change.Adopted && !mended {
		d.changed(at.policy)
	}
	if inPlace(&old.Set, &set) {
		change.Action, change.Old, change.Dangling = zone.Upsert, &old.Set, d.dangling(old)
		at.changes = append(at.changes, change)
		return
	}
	remove := RecordChange{Action: zone.Delete, Policy: at.policy, Set: old.Set, Adopted: change.Adopted,
		Dangling: d.dangling(old)}
	change.Adopted = false
	at.changes = append(at.changes, remove, change)
}

// moves reports whether a change sends clients to other targets.
func moves(from, to *zone.ResourceRecordSet) bool {
	if from.AliasTarget == nil || to.AliasTarget == nil {
		return from.AliasTarget != to.AliasTarget || !sameValues(to.Type, from.ResourceRecords, to.ResourceRecords)
	}
	return from.AliasTarget.DNSName != to.AliasTarget.DNSName
}

// replaces requires a healthy verdict on a check that replaces another one of ours, unless the old one is unhealthy: a
// working Region is not replaced by one that does not work.
func (d *differ) replaces(key string, old *Record) {
	if old == nil || d.owner(old) == "" || d.healthOf(old.Set.HealthCheckID) == isUnhealthy || d.guard.Force {
		return
	}
	r := Replacement{Check: key, ID: old.Set.HealthCheckID}
	if !slices.Contains(d.wait.Replaces, r) {
		d.wait.Replaces = append(d.wait.Replaces, r)
	}
}

// inTheWay reports whether a foreign record set cannot exist beside the wanted ones: it is in the same group, or one of
// both is a CNAME. Where nothing is wanted any more, only an adopted record set is removed, with the group it belongs
// to.
func (d *differ) inTheWay(at *nameDiff, r *Record, adopted bool) bool {
	if len(at.want) == 0 {
		return adopted && d.besideOurs(at, r)
	}
	return slices.ContainsFunc(at.want, func(w *Record) bool {
		return w.Set.Type == r.Set.Type || w.Set.Type == zone.CNAME || r.Set.Type == zone.CNAME
	})
}

// besideOurs reports whether a record set is in one group with one of ours.
func (d *differ) besideOurs(at *nameDiff, r *Record) bool {
	return slices.ContainsFunc(at.here, func(o *Record) bool { return o.Set.Type == r.Set.Type && d.mayTouch(o) })
}

// adoptable reports whether a foreign record set may be replaced when its name is adopted: an A, AAAA or CNAME, or one
// of the wanted type. A TXT or MX is not deleted to make room for a CNAME.
func adoptable(at *nameDiff, r *Record) bool {
	t := r.Set.Type
	return t == zone.A || t == zone.AAAA || t == zone.CNAME ||
		slices.ContainsFunc(at.want, func(w *Record) bool { return w.Set.Type == t })
}

// refuseHeld refuses a record set that is in the way, and names its owner.
func (d *differ) refuseHeld(at *nameDiff, r *Record, key string) {
	const advice = "Adopt the name to replace it"
	held := "it has no health check, so Bulkhead cannot tell that it owns the record set. " + advice
	switch _, exists := d.byID[r.Set.HealthCheckID]; {
	case d.owners.Borrows(&r.Set) != "":
		held = "it is not Bulkhead's, although it cites the health check of " + d.owners.Borrows(&r.Set) + ". " + advice
	case d.otherClusters[r.Set.HealthCheckID] != "":
		if len(d.plan.Refusals) == 0 ||
			!slices.ContainsFunc(d.plan.Refusals,
				func(f Finding) bool { return f.Kind == HeldByCluster && f.Policy == at.policy }) {
			d.refuseHeldByCluster(at.policy, Describe(&r.Set), r.Set.HealthCheckID)
		}
		return
	case key != "":
		d.refuseAs(Finding{Kind: HeldByPolicy, Policy: at.policy, Object: Describe(&r.Set), Holder: PolicyOf(key),
			Text: fmt.Sprintf(
				"is in the way (%s): it is held by %s, which is not part of this plan: a name belongs to one policy",
				content(&r.Set), PolicyOf(key))})
		return
	case !adoptable(at, r):
		held = "it is not Bulkhead's, and nothing may stand beside a CNAME. Remove it by hand, or use addresses or an alias"
	case r.Set.HealthCheckID != "" && exists:
		held = "it is held by health check " + r.Set.HealthCheckID + ", which Bulkhead did not make. " + advice
	case r.Set.HealthCheckID != "":
		held = "it is held by health check " + r.Set.HealthCheckID + ", which does not exist. " + advice
	}
	d.refuse(at.policy, Describe(&r.Set), "is in the way (%s): %s", content(&r.Set), held)
}

// reportBeside reports addresses at a wanted name that do not fail over with it, and foreign members that stay when
// ours are removed.
func (d *differ) reportBeside(at *nameDiff, r *Record) {
	t := r.Set.Type
	switch {
	case len(at.want) == 0 && d.owner(r) == "" && d.besideOurs(at, r):
		d.report(at.policy, Describe(&r.Set), "is not known to be Bulkhead's and stays: adopt the name to remove it too")
	case len(at.want) > 0 && (t == zone.A || t == zone.AAAA):
		d.report(at.policy, Describe(&r.Set), "is not Bulkhead's and stays: clients that ask for %s do not fail over", t)
	}
}

// compareZones orders zones by name, then by id.
func compareZones(a, b zone.HostedZone) int {
	if c := zone.Compare(a.Name, b.Name); c != 0 {
		return c
	}
	return slices.Compare([]byte(a.ID), []byte(b.ID))
}

// typesAfter lists the record types that exist at the name after the plan.
func (at *nameDiff) typesAfter() []zone.RRType {
	var types []zone.RRType
	for _, m := range at.after {
		types = append(types, m.set.Type)
	}
	slices.Sort(types)
	return slices.Compact(types)
}

// describe names a record set: name, type and SetIdentifier.
func Describe(s *zone.ResourceRecordSet) string {
	if s.SetIdentifier == "" {
		return fmt.Sprintf("%s %s", s.Name, s.Type)
	}
	return fmt.Sprintf("%s %s %s", s.Name, s.Type, s.SetIdentifier)
}
