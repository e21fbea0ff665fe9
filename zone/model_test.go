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

// model is a zone's content as plainly as it can be put: Apply is compared with it. It judges a batch by walking through
// it on a map and then judging the whole of the map.
type model map[Key]ResourceRecordSet

// apply returns the content after a well-formed batch, or false when a rule of r53: C.6 refuses it.
func (m model) apply(z HostedZone, changes []Change) (model, bool) {
	next := maps.Clone(m)
	used := map[Key][]Action{}
	for _, c := range changes {
		s := c.ResourceRecordSet
		used[s.Key()] = append(used[s.Key()], c.Action)
		stored, exists := next[s.Key()]
		if c.Action == Create && exists || c.Action == Delete && (!exists || !sameContent(s, stored)) {
			return nil, false
		}
		if c.Action == Delete {
			if s.Name == z.Name && (s.Type == NS || s.Type == SOA) {
				return nil, false
			}
			delete(next, s.Key())
			continue
		}
		for other := range next {
			if other.Name == s.Name && (other.Type == CNAME) != (s.Type == CNAME) {
				return nil, false
			}
		}
		next[s.Key()] = s
	}
	for key, actions := range used {
		if len(actions) > 1 && !slices.Equal(actions, []Action{Delete, Create}) {
			return nil, false
		}
		if s, ok := next[key]; ok && s.AliasTarget != nil && !next.has(s.AliasTarget.DNSName, s.Type) {
			return nil, false
		}
	}
	return next, next.valid(z)
}

func sameContent(a, b ResourceRecordSet) bool {
	sorted := func(v []string) []string { return slices.Sorted(slices.Values(v)) }
	return cmp.Equal(a.TTL, b.TTL) && cmp.Equal(sorted(a.ResourceRecords), sorted(b.ResourceRecords)) &&
		cmp.Equal(a.AliasTarget, b.AliasTarget)
}

func (m model) has(n Name, t RRType) bool {
	for key := range m {
		if key.Name == n && key.Type == t {
			return true
		}
	}
	return false
}

// valid judges a whole content: every set by itself and every pair of members. The sets come from randomSet, so that only
// what it can produce need be judged.
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
			len(s.ResourceRecords) > 1 && (policy == Weighted || policy == Latency || s.Type == CNAME),
			slices.Contains(s.ResourceRecords, "bad value"),
			s.GeoLocation != nil && s.GeoLocation.CountryCode == "BV",
			s.GeoProximityLocation != nil && s.GeoProximityLocation.AWSRegion == "home",
			s.CidrRoutingConfig != nil && *s.CidrRoutingConfig == CidrRoutingConfig{"c2", "eu"},
			z.PrivateZone && (policy == Geoproximity || policy == IPBased),
			m.leadsTo(s, s.Name, len(m)):
			return false
		}
		for otherKey, other := range m {
			if key == otherKey || s.Name != other.Name || s.Type != other.Type {
				continue
			}
			switch {
			case policy != other.Policy(), policy == Simple,
				policy == Weighted && s.TTL != nil && other.TTL != nil && *s.TTL != *other.TTL,
				policy == Latency && s.Region == other.Region,
				policy == FailoverPolicy && s.Failover == other.Failover,
				policy == Geolocation && *s.GeoLocation == *other.GeoLocation,
				policy == IPBased && s.CidrRoutingConfig.CollectionID != other.CidrRoutingConfig.CollectionID,
				policy == IPBased && s.CidrRoutingConfig.LocationName == other.CidrRoutingConfig.LocationName:
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
	s := set(pick("@", "a", "a", "b", "b", "c", "c", "d", "e", "f", "*", "x.example.net."), types[r.IntN(len(types))], ttl(int64(r.IntN(2))))
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
		country(id, pick("US", "DE", "*", "BV")),
		near(id, GeoProximityLocation{AWSRegion: pick("eu-west-1", "us-east-1", "home")}),
		clients(id, pick("c1", "c1", "c2"), pick("eu", "*")),
	}
	p := r.IntN(len(policies))
	if i := strings.Index("a.b.c.d.e.", string(s.Name[:2])); i >= 0 && r.IntN(5) > 0 { // mostly one policy each, so that groups grow
		p = []int{1, 5, 7, 2, 6}[i/2]
	}
	policies[p](&s)
	if s.Failover == Primary || r.IntN(10) == 0 {
		s.HealthCheckID = pick("", "hc1", "hc1", "hc1")
	}
	return s
}

func randomBatch(r *rand.Rand, stored []*ResourceRecordSet) []Change {
	changes := make([]Change, 1+r.IntN(3))
	for i := range changes {
		action := []Action{Create, Upsert, Delete}[r.IntN(3)]
		s := randomSet(r)
		if action == Delete && r.IntN(6) > 0 {
			s = *stored[r.IntN(len(stored))]
		}
		changes[i] = Change{action, s}
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
