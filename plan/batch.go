package plan

import (
	"fmt"
	"unicode/utf8"

	"github.com/bulkhead-dns/bulkhead/zone"
)

// Limits of one batch. r53: C.6.
const (
	maxBatchRecords    = 1000
	maxBatchCharacters = 32000
)

// size is how much a batch has, in the units of its limits.
type size struct{ records, characters int }

func (s size) plus(o size) size { return size{s.records + o.records, s.characters + o.characters} }

func (s size) fits() bool { return s.records <= maxBatchRecords && s.characters <= maxBatchCharacters }

// sizeOf counts an alias as one record, and an UPSERT twice. Of the old and the new record set it counts the larger
// one, so that the inverse of a batch fits too. r53: C.6.
func sizeOf(changes []RecordChange) size {
	var sum size
	for i := range changes {
		need := sizeOfSet(&changes[i].Set)
		if old := changes[i].Old; old != nil {
			before := sizeOfSet(old)
			need = size{max(need.records, before.records), max(need.characters, before.characters)}
		}
		sum = sum.plus(need)
		if changes[i].Action == zone.Upsert {
			sum = sum.plus(need)
		}
	}
	return sum
}

func sizeOfSet(s *zone.ResourceRecordSet) size {
	n := size{records: max(1, len(s.ResourceRecords))}
	for _, value := range s.ResourceRecords {
		n.characters += utf8.RuneCountInString(value)
	}
	return n
}

// batch packs the changes of names into batches by first fit. It checks every batch by the provider's rules, unless the
// plan is refused already.
func (d *differ) batch(places []*nameDiff) {
	packed := make(map[string][]*Batch) // by zone
	for len(places) > 0 {
		n := 1
		for n < len(places) && places[n].ZoneID == places[0].ZoneID {
			n++
		}
		id := places[0].ZoneID
		packed[id] = d.pack(d.zones[id], places[:n])
		places = places[n:]
		for _, b := range packed[id] {
			d.batches = append(d.batches, Step{Kind: ChangeRecords, Batch: b})
			d.countRefs(b)
		}
	}
	if d.plan.Refusals != nil {
		return
	}
	for id, batches := range packed {
		if len(batches) > 0 {
			d.validate(d.zones[id], batches)
		}
	}
}

// pack puts the changes of a zone into batches.
func (d *differ) pack(z zone.HostedZone, places []*nameDiff) []*Batch {
	var batches []*Batch
	var sizes []size
	from := 0 // the first batch that the next unit may be in
	for _, u := range units(z.ID, places) {
		need := sizeOf(u.changes)
		if !need.fits() {
			d.refuse(u.changes[0].Policy, string(u.changes[0].Set.Name), "needs %d records and %d characters changed at once, "+
				"a batch takes %d and %d", need.records, need.characters, maxBatchRecords, maxBatchCharacters)
		}
		if !u.follows {
			from = 0
		}
		for from < len(sizes) && !sizes[from].plus(need).fits() {
			from++
		}
		if from == len(batches) {
			batches = append(batches, &Batch{ZoneID: z.ID, ZoneName: z.Name})
			sizes = append(sizes, size{})
		}
		batches[from].Changes = append(batches[from].Changes, u.changes...)
		sizes[from] = sizes[from].plus(need)
	}
	for _, b := range batches {
		inOrder(z.ID, b.Changes)
	}
	return batches
}

// countRefs updates the number of references to checks to what it is after the batch.
func (d *differ) countRefs(b *Batch) {
	for i := range b.Changes {
		c := &b.Changes[i]
		if c.Action == zone.Delete {
			d.refs[c.Set.HealthCheckID]--
			continue
		}
		d.refs[c.Set.HealthCheckID]++
		if c.Old != nil {
			d.refs[c.Old.HealthCheckID]--
		}
	}
}

// pending stands for the id of a check that does not exist yet.
const pending = "to-be-created"

// validate applies the batches of a zone to its content as the provider would, so that a batch which the provider would
// refuse is refused before the first call. It reads only the names that the batches change or point at. The provider
// alone checks targets of services, Regions and locations of CIDR collections.
func (d *differ) validate(z zone.HostedZone, batches []*Batch) {
	names := make(map[zone.Name]bool)
	for _, b := range batches {
		for i := range b.Changes {
			names[b.Changes[i].Set.Name] = true
			if t := b.Changes[i].Set.AliasTarget; t != nil && t.HostedZoneID == z.ID {
				names[t.DNSName] = true
			}
		}
	}
	content := zone.NewRecords()
	for i := range d.current.Records {
		if r := &d.current.Records[i]; r.ZoneID == z.ID && names[r.Set.Name] {
			content.Put(&r.Set)
		}
	}
	facts := zone.Facts{
		HealthCheckExists: func(id string) bool { return id == pending || d.byID[id] != nil },
		ServiceTarget:     func(id string, _ zone.Name) (exists, knownZone bool) { return d.zones[id].ID == "", false },
		CIDRLocation:      func(string, string) (collection, location bool) { return true, true },
		OwnRegion:         func(string) bool { return true },
	}
	for i, b := range batches {
		next, _, err := content.Apply(z, b.changes(), facts)
		if err != nil {
			object := string(z.Name)
			if len(batches) > 1 {
				object = fmt.Sprintf("%s batch %d", z.Name, i+1)
			}
			d.refuse("", object, "Route 53 would not accept the changes: %v", err)
			return
		}
		content = next
	}
}

// changes returns the batch in Route 53's form.
func (b *Batch) changes() []zone.Change {
	changes := make([]zone.Change, len(b.Changes))
	for i, c := range b.Changes {
		if c.CheckKey != "" {
			c.Set.HealthCheckID = pending
		}
		changes[i] = zone.Change{Action: c.Action, ResourceRecordSet: c.Set}
	}
	return changes
}
