package zone

import (
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// model is a zone's content as plainly as it can be put: Apply is compared with it. It judges a batch by walking
// through it on a map of what is in the way, set by set.
type model map[Key]ResourceRecordSet

// apply returns the content after a well-formed batch, or false when a rule of r53: C.6 refuses it.
func (m model) apply(z HostedZone, changes []Change) (model, bool) {
	there := maps.Clone(m)
	for _, c := range changes {
		if c.Action == Upsert { // out of the way from the start of the batch
			delete(there, c.ResourceRecordSet.Key())
		}
	}
	used := map[Key][]Action{}
	for _, c := range changes {
		s := c.ResourceRecordSet
		stored, exists := m[s.Key()]
		before := used[s.Key()]
		used[s.Key()] = append(before, c.Action)
		again := len(before) > 0
		if again && !(slices.Equal(before, []Action{Delete}) && c.Action != Delete) {
			return nil, false
		}
		if c.Action == Delete {
			if !exists || !sameButOrder(s, stored) {
				return nil, false
			}
			delete(there, s.Key())
			continue
		}
		if _, inTheWay := there[s.Key()]; inTheWay {
			return nil, false
		}
		for _, other := range there {
			if clash(s, other) {
				return nil, false
			}
		}
		if c.Action == Upsert && !again && exists && sameButOrder(s, stored) && len(changes) > 1 {
			s = stored
		}
		there[s.Key()] = s
		if s.AliasTarget != nil && !there.has(s.AliasTarget.DNSName, s.Type) {
			return nil, false
		}
	}
	for _, c := range changes {
		s := c.ResourceRecordSet
		if c.Action != Delete && s.AliasTarget != nil && !there.has(s.AliasTarget.DNSName, s.Type) {
			return nil, false
		}
	}
	return there, there.valid(z) && there.has(z.Name, NS) && there.has(z.Name, SOA)
}

// clash reports whether two record sets with different keys cannot stand in a zone together.
func clash(a, b ResourceRecordSet) bool {
	if a.Name != b.Name {
		return false
	}
	if a.Type != b.Type {
		return a.Type == CNAME || b.Type == CNAME
	}
	policy := a.Policy()
	switch {
	case policy != b.Policy(), policy == Simple,
		policy == Weighted && a.TTL != nil && b.TTL != nil && *a.TTL != *b.TTL,
		policy == Latency && a.Region == b.Region,
		policy == FailoverRouting && a.Failover == b.Failover,
		policy == Geolocation && *a.GeoLocation == *b.GeoLocation,
		policy == IPBased && a.CidrRoutingConfig.CollectionID != b.CidrRoutingConfig.CollectionID,
		policy == IPBased && a.CidrRoutingConfig.LocationName == b.CidrRoutingConfig.LocationName:
		return true
	}
	return false
}

func sameButOrder(a, b ResourceRecordSet) bool {
	a.ResourceRecords, b.ResourceRecords = slices.Sorted(slices.Values(a.ResourceRecords)),
		slices.Sorted(slices.Values(b.ResourceRecords))
	return cmp.Equal(a, b)
}

func (m model) has(n Name, t RRType) bool {
	for key := range m {
		if key.Name == n && key.Type == t {
			return true
		}
	}
	return false
}

// valid judges a whole content: every set by itself and every pair of members. The sets come from randomSet, so that
// only what it can produce need be judged.
func (m model) valid(z HostedZone) bool {
	for key, s := range m {
		policy := s.Policy()
		switch {
		case !s.Name.In(z.Name),
			s.Type == CNAME && s.Name == z.Name,
			s.Type == NS && (s.Name.IsWildcard() || policy != Simple || s.AliasTarget != nil),
			s.Type == CNAME && policy == MultiValue,
			s.AliasTarget != nil && policy == MultiValue,
			s.HealthCheckID != "" && policy == Simple,
			s.Failover == Primary && s.HealthCheckID == "" && !(s.AliasTarget != nil && s.AliasTarget.EvaluateTargetHealth),
			len(s.ResourceRecords) > 1 && s.Type == CNAME,
			slices.Contains(s.ResourceRecords, "bad value"),
			s.GeoLocation != nil && s.GeoLocation.CountryCode == "BV",
			s.GeoProximityLocation != nil && s.GeoProximityLocation.AWSRegion == "home",
			s.CidrRoutingConfig != nil && *s.CidrRoutingConfig == CidrRoutingConfig{"c2", "eu"},
			z.PrivateZone && (policy == Geoproximity || policy == IPBased),
			m.leadsTo(s, s.Name, len(m)):
			return false
		}
		for otherKey, other := range m {
			if key != otherKey && clash(s, other) {
				return false
			}
		}
	}
	return true
}

// leadsTo reports whether an alias leads to a name in at most so many steps.
func (m model) leadsTo(s ResourceRecordSet, n Name, steps int) bool {
	if s.AliasTarget == nil || steps == 0 {
		return false
	}
	if s.AliasTarget.DNSName == n {
		return true
	}
	for key, target := range m {
		if key.Name == s.AliasTarget.DNSName && key.Type == s.Type && m.leadsTo(target, n, steps-1) {
			return true
		}
	}
	return false
}

// randomSet makes a well-formed record set out of few parts, so that record sets meet.
func randomSet(r *rand.Rand) ResourceRecordSet {
	pick := func(s ...string) string { return s[r.IntN(len(s))] }
	types := []RRType{A, A, A, A, CNAME, NS, TXT}
	s := set(pick("@", "a", "a", "b", "b", "c", "c", "d", "e", "f", "*", "x.example.net."), types[r.IntN(len(types))],
		ttl(int64(r.IntN(2))))
	if r.IntN(4) == 0 {
		alias(ownZone, pick("a", "b", "c", "x.y")+".example.com", r.IntN(2) == 0)(&s)
	} else {
		s.ResourceRecords = slices.Clone(map[RRType][]string{
			A: {"192.0.2.1", "192.0.2.2"}, CNAME: {"a.", "b."}, NS: {"a.", "b."}, TXT: {`"a"`, `"b"`},
		}[s.Type])
		switch r.IntN(12) {
		case 0:
			s.ResourceRecords = []string{"bad value"}
		case 1:
			slices.Reverse(s.ResourceRecords)
		default:
			s.ResourceRecords = s.ResourceRecords[:1]
		}
	}
	id := pick("1", "2", "3")
	policies := []func(*ResourceRecordSet){
		func(*ResourceRecordSet) {}, // simple
		weight(id, 1),
		region(id, pick("eu-west-1", "us-east-1")),
		failover(id, Failover(pick("PRIMARY", "SECONDARY"))),
		multi(id),
		inCountry(id, pick("US", "DE", "*", "BV")),
		near(id, GeoProximityLocation{AWSRegion: pick("eu-west-1", "us-east-1", "home")}),
		clients(id, pick("c1", "c1", "c2"), pick("eu", "*")),
	}
	p := r.IntN(len(policies))
	// mostly one policy each, so that groups grow
	if i := strings.Index("a.b.c.d.e.", string(s.Name[:2])); i >= 0 && r.IntN(5) > 0 {
		p = []int{1, 5, 7, 2, 6}[i/2]
	}
	policies[p](&s)
	if s.Failover == Primary || r.IntN(10) == 0 {
		s.HealthCheckID = pick("", "hc1", "hc1", "hc1")
	}
	return s
}

// randomBatch makes a few changes in any order. Now and then it takes up a whole group, because little that changes a
// group is accepted otherwise.
func randomBatch(r *rand.Rand, stored []*ResourceRecordSet) []Change {
	var changes []Change
	if r.IntN(3) == 0 {
		like := randomSet(r)
		of := stored[r.IntN(len(stored))]
		for _, s := range stored {
			if s.Name != of.Name || s.Type != of.Type {
				continue
			}
			next := *s
			next.Weight, next.Region, next.Failover, next.MultiValueAnswer = like.Weight, "", "", like.MultiValueAnswer
			next.GeoLocation, next.GeoProximityLocation, next.CidrRoutingConfig = nil, like.GeoProximityLocation, nil
			if s.SetIdentifier == "" || next.Policy() == Simple {
				next = *s
			}
			if like.TTL != nil && s.TTL != nil {
				next.TTL = like.TTL
			}
			switch r.IntN(4) {
			case 0:
				changes = append(changes, Change{Upsert, next})
			case 1:
				changes = append(changes, Change{Delete, *s})
			default:
				changes = append(changes, Change{Delete, *s}, Change{[]Action{Create, Upsert}[r.IntN(2)], next})
			}
		}
	}
	for range 1 + r.IntN(3) {
		action := []Action{Create, Upsert, Delete}[r.IntN(3)]
		s := randomSet(r)
		if action == Delete && r.IntN(6) > 0 {
			s = *stored[r.IntN(len(stored))]
		}
		changes = append(changes, Change{action, s})
	}
	if r.IntN(3) == 0 {
		r.Shuffle(len(changes), func(i, j int) { changes[i], changes[j] = changes[j], changes[i] })
	}
	return changes
}

// runBatches applies random batches to Records and to the model at the same time.
func runBatches(t *testing.T, seed uint64) (accepted int) {
	r := rand.New(rand.NewPCG(seed, 0))
	z := exampleZone()
	z.PrivateZone = seed%8 == 0
	records, m := NewRecords(), model{}
	for _, s := range NewApexRecords(z) {
		records.Put(s)
		m[s.Key()] = *s
	}
	for range 60 {
		before := slices.Collect(records.From(Key{}))
		changes := randomBatch(r, before)
		next, effects, err := records.Apply(z, changes, locatedFacts())
		want, ok := m.apply(z, changes)
		if ok != (err == nil) {
			t.Fatalf("seed %d: batch accepted %v, model %v: %v\n%+v", seed, err == nil, ok, err, changes)
		}
		if diff := cmp.Diff(before, slices.Collect(records.From(Key{}))); diff != "" {
			t.Fatalf("seed %d: Apply changed the content it was given\n%s", seed, diff)
		}
		if err != nil {
			var refused *InvalidChangeBatch
			if !errors.As(err, &refused) || len(refused.Messages) == 0 {
				t.Fatalf("seed %d: error %#v, want InvalidChangeBatch with messages", seed, err)
			}
			continue
		}
		accepted++
		compareContent(t, seed, next, want)
		compareContent(t, seed, replay(t, records, effects), want)
		records, m = next, want
	}
	return accepted
}

func compareContent(t *testing.T, seed uint64, got *Records, want model) {
	t.Helper()
	sorted := slices.SortedFunc(maps.Values(want), func(a, b ResourceRecordSet) int { return a.Key().Compare(b.Key()) })
	var listed []ResourceRecordSet
	for s := range got.From(Key{}) {
		listed = append(listed, *s)
	}
	if diff := cmp.Diff(sorted, listed); diff != "" {
		t.Fatalf("seed %d: content want -, got +\n%s", seed, diff)
	}
}

// replay puts effects into effect one by one, and checks that each says what was there.
func replay(t *testing.T, r *Records, effects []Delta) *Records {
	t.Helper()
	r = r.Copy()
	for _, d := range effects {
		if d.Old == nil && d.New == nil || cmp.Equal(d.Old, d.New) {
			t.Fatalf("an effect without effect: %+v", d)
		}
		if d.Old != nil {
			stored, _ := r.Get(d.Old.Key())
			if diff := cmp.Diff(stored, d.Old); diff != "" {
				t.Fatalf("effect tells another old content\n%s", diff)
			}
			r.Delete(d.Old.Key())
		}
		if d.New != nil {
			if _, exists := r.Get(d.New.Key()); exists {
				t.Fatalf("effect creates what exists: %+v", d.New)
			}
			r.Put(d.New)
		}
	}
	return r
}

func TestApplyAgreesWithModel(t *testing.T) {
	accepted := 0
	for seed := range uint64(200) {
		accepted += runBatches(t, seed)
	}
	if accepted < 1000 {
		t.Errorf("only %d of 12000 batches were accepted: the test says little", accepted)
	}
}

func FuzzApply(f *testing.F) {
	f.Add(uint64(1 << 40))
	f.Fuzz(func(t *testing.T, seed uint64) {
		if runBatches(t, seed) > 60 {
			t.Fatal("more batches accepted than were sent")
		}
	})
}
