package plan

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkhead-dns/bulkhead/quota"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// inListOrder judges a batch as Route 53 reaches its changes, one by one: record sets that the batch UPSERTs are out of
// the way from its start, everything else until its DELETE has been passed, and an alias needs its target when it is
// reached. Beyond that it refuses to delete the target of an alias that the batch changes later, unless the batch makes
// another target.
func inListOrder(zoneID string, content *zone.Records, changes []zone.Change) error {
	stored, visible := content.Copy(), content.Copy()
	for i := range changes {
		if changes[i].Action == zone.Upsert {
			visible.Delete(changes[i].ResourceRecordSet.Key())
		}
	}
	for i := range changes {
		s := changes[i].ResourceRecordSet
		if changes[i].Action == zone.Delete {
			visible.Delete(s.Key())
			stored.Delete(s.Key())
			again := slices.ContainsFunc(changes[i:], func(c zone.Change) bool {
				return c.Action != zone.Delete && c.ResourceRecordSet.Name == s.Name && c.ResourceRecordSet.Type == s.Type
			})
			if again || stored.Group(s.Name, s.Type) != nil {
				continue
			}
			for _, later := range changes[i:] {
				alias, there := stored.Get(later.ResourceRecordSet.Key())
				if !there {
					continue
				}
				if target, ok := targetOf(zoneID, alias); ok && target == (group{s.Name, s.Type}) {
					return fmt.Errorf("%s is deleted, and %s is an alias for it", Describe(&s), Describe(alias))
				}
			}
			continue
		}
		for other := range visible.From(zone.Key{Name: s.Name}) {
			if other.Name != s.Name {
				break
			}
			switch {
			case other.Key() == s.Key():
				return fmt.Errorf("%s is there", Describe(&s))
			case (other.Type == zone.CNAME) != (s.Type == zone.CNAME):
				return fmt.Errorf("%s comes beside %s", Describe(&s), Describe(other))
			case other.Type != s.Type:
			case other.Policy() != s.Policy(), s.Policy() == zone.Simple,
				s.Policy() == zone.Latency && other.Region == s.Region,
				s.Policy() == zone.FailoverRouting && other.Failover == s.Failover,
				s.Policy() == zone.Geolocation && *other.GeoLocation == *s.GeoLocation,
				s.Policy() == zone.Weighted && s.TTL != nil && other.TTL != nil && *s.TTL != *other.TTL:
				return fmt.Errorf("%s does not go with %s", Describe(&s), Describe(other))
			}
		}
		if target, ok := targetOf(zoneID, &s); ok && visible.Group(target.name, target.t) == nil {
			return fmt.Errorf("%s is an alias for %s, which is not there", Describe(&s), target.name)
		}
		visible.Put(&s)
		stored.Put(&s)
	}
	return nil
}

// chained has some applications be aliases for others, which are no alias for one that has a higher number.
func chained(r *rand.Rand, s State) State {
	types := make(map[zone.Name][]zone.RRType)
	for i := range s.Records {
		set := &s.Records[i].Set
		types[set.Name] = append(types[set.Name], set.Type)
	}
	for i := range s.Records {
		set := &s.Records[i].Set
		app := r.IntN(5)
		target := zone.Name(fmt.Sprintf("app%d.%s", app, s.Zones[slices.IndexFunc(s.Zones, func(z zone.HostedZone) bool {
			return z.ID == s.Records[i].ZoneID
		})].Name))
		if set.AliasTarget != nil && target > set.Name && slices.Contains(types[target], set.Type) {
			set.AliasTarget = &zone.AliasTarget{HostedZoneID: s.Records[i].ZoneID, DNSName: target}
		}
	}
	return s
}

// mirrored has the applications trade names, so that an alias and its target do.
func mirrored(s State) State {
	names := map[zone.Name]zone.Name{}
	for _, z := range s.Zones {
		for app := range 5 {
			names[zone.Name(fmt.Sprintf("app%d.%s", app, z.Name))] = zone.Name(fmt.Sprintf("app%d.%s", 4-app, z.Name))
		}
	}
	for i := range s.Records {
		set := &s.Records[i].Set
		set.Name = names[set.Name]
		if t := set.AliasTarget; t != nil && names[t.DNSName] != "" {
			set.AliasTarget = &zone.AliasTarget{HostedZoneID: t.HostedZoneID, DNSName: names[t.DNSName]}
		}
	}
	return s
}

// Every batch of every plan, and of the plan that undoes it, is in an order that Route 53 takes. The world refuses
// others.
func TestBatchesAreInAnOrderThatRoute53Takes(t *testing.T) {
	executed, aliases := 0, 0
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(seed, 11))
		draw := func() State {
			s := chained(r, randomState(r))
			if r.IntN(2) == 0 {
				s = mirrored(s)
			}
			return s
		}
		w := newWorld(exampleZone(), otherZone())
		w.reach(t, draw(), Guard{})
		p, err := Diff(w.state(), draw(), Guard{Force: true})
		if err != nil {
			continue
		}
		executed++
		for _, s := range p.Steps {
			if s.Batch != nil && slices.ContainsFunc(s.Batch.Changes, func(c RecordChange) bool {
				_, ok := targetOf(s.Batch.ZoneID, &c.Set)
				return ok
			}) {
				aliases++
			}
		}
		w.execute(t, p, -1)
		back, err := p.Inverse(w.created)
		if err != nil {
			t.Fatal(err)
		}
		w.execute(t, back, -1)
	}
	if executed < 80 || aliases < 40 {
		t.Errorf("%d plans were executed, and %d batches have aliases: the states are drawn badly", executed, aliases)
	}
}

func TestOrderOfOneBatch(t *testing.T) {
	alias := func(name, target string) zone.ResourceRecordSet {
		return zone.ResourceRecordSet{Name: zone.MustParseName(name), Type: zone.A,
			AliasTarget: &zone.AliasTarget{HostedZoneID: "ZEXAMPLE", DNSName: zone.MustParseName(target)}}
	}
	weighted := func(name string) zone.ResourceRecordSet {
		s := simple(name, zone.A, "192.0.2.2")
		s.SetIdentifier, s.Weight = "blue", new(int64(1))
		return s
	}
	create := func(s zone.ResourceRecordSet) RecordChange { return RecordChange{Action: zone.Create, Set: s} }
	remove := func(s zone.ResourceRecordSet) RecordChange { return RecordChange{Action: zone.Delete, Set: s} }
	upsert := func(old, s zone.ResourceRecordSet) RecordChange {
		return RecordChange{Action: zone.Upsert, Old: &old, Set: s}
	}
	address := func(name string) zone.ResourceRecordSet { return simple(name, zone.A, "192.0.2.1") }
	for _, c := range []struct {
		name    string
		changes []RecordChange
		want    []string
	}{
		{"a new alias comes after its target", []RecordChange{create(alias("a.example.com", "z.example.com")),
			create(address("z.example.com"))}, []string{"CREATE z.example.com.", "CREATE a.example.com."}},
		{"also where the target is changed", []RecordChange{create(alias("a.example.com", "z.example.com")),
			upsert(address("z.example.com"), simple("z.example.com", zone.A, "192.0.2.2"))},
			[]string{"UPSERT z.example.com.", "CREATE a.example.com."}},
		{"an alias goes before its target", []RecordChange{remove(address("a.example.com")),
			remove(alias("z.example.com", "a.example.com"))}, []string{"DELETE z.example.com.", "DELETE a.example.com."}},
		{"an alias is changed before its old target goes", []RecordChange{remove(address("a.example.com")),
			upsert(alias("z.example.com", "a.example.com"), address("z.example.com"))},
			[]string{"UPSERT z.example.com.", "DELETE a.example.com."}},
		{"a chain", []RecordChange{create(alias("a.example.com", "b.example.com")),
			create(alias("b.example.com", "c.example.com")),
			create(address("c.example.com"))},
			[]string{"CREATE c.example.com.", "CREATE b.example.com.", "CREATE a.example.com."}},
		{"an alias and its target trade places", []RecordChange{
			upsert(alias("a.example.com", "z.example.com"), address("a.example.com")),
			upsert(address("z.example.com"), alias("z.example.com", "a.example.com"))},
			[]string{"UPSERT a.example.com.", "UPSERT z.example.com."}},
		{"what makes room comes first, although an alias loses its target for a moment", []RecordChange{
			remove(address("c.example.com")), create(weighted("c.example.com")), remove(alias("b.example.com", "c.example.com")),
			upsert(alias("a.example.com", "b.example.com"), alias("a.example.com", "c.example.com"))},
			[]string{"DELETE b.example.com.", "DELETE c.example.com.", "CREATE c.example.com. blue", "UPSERT a.example.com."}},
		{"aliases in a circle", []RecordChange{create(alias("b.example.com", "a.example.com")),
			create(alias("a.example.com", "b.example.com"))}, []string{"CREATE a.example.com.", "CREATE b.example.com."}},
	} {
		t.Run(c.name, func(t *testing.T) {
			inOrder("ZEXAMPLE", c.changes)
			var got []string
			for _, change := range c.changes {
				text := fmt.Sprint(change.Action, " ", change.Set.Name)
				if change.Set.SetIdentifier != "" {
					text += " " + change.Set.SetIdentifier
				}
				got = append(got, text)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("want -, got +\n%s", diff)
			}
		})
	}
}

// A unit that is too much for a batch is divided: the target comes in an earlier batch than its aliases, or in the
// same, and all changes of one name come in one batch.
func TestAliasesTooManyForABatch(t *testing.T) {
	desired := latency("team/target", "zz.example.com", "eu-west-1")
	for app := range 400 {
		for _, region := range []string{"eu-west-1", "eu-central-1", "us-east-1"} {
			key := fmt.Sprintf("team/app%d/%s", app, region)
			desired.Checks = append(desired.Checks, Check{Key: key, Config: httpCheck(lb(region), "/health")})
			desired.Records = append(desired.Records, Record{ZoneID: "ZEXAMPLE", CheckKey: key, Set: zone.ResourceRecordSet{
				Name: zone.MustParseName(fmt.Sprintf("app%d.example.com", app)), Type: zone.A, SetIdentifier: region,
				Region:      region,
				AliasTarget: &zone.AliasTarget{HostedZoneID: "ZEXAMPLE", DNSName: "zz.example.com."}}})
		}
	}
	w := newWorld(exampleZone())
	p, err := Diff(w.state(), desired, Guard{Limits: &quota.Limits{}})
	if err != nil {
		t.Fatal(err)
	}
	seen := make(map[zone.Name]int)
	for i, s := range p.Steps {
		if s.Batch == nil {
			continue
		}
		for j := range s.Batch.Changes {
			name := s.Batch.Changes[j].Set.Name
			if at, ok := seen[name]; ok && at != i {
				t.Errorf("%s is changed by the steps %d and %d", name, at, i)
			}
			seen[name] = i
		}
	}
	w.execute(t, p, -1)
	back, err := p.Inverse(w.created)
	if err != nil {
		t.Fatal(err)
	}
	w.execute(t, back, -1)
	if n := w.records["ZEXAMPLE"].Len(); n != 0 {
		t.Errorf("%d record sets are left", n)
	}
}
