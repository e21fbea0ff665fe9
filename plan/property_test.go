package plan

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/tagging"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// randomState wants some policies in some Regions with some settings.
func randomState(r *rand.Rand) State {
	regions := []string{"eu-west-1", "eu-central-1", "us-east-1"}
	s := State{Zones: []zone.HostedZone{exampleZone(), otherZone()}}
	for app := range 5 {
		if r.IntN(4) == 0 {
			continue
		}
		policy := fmt.Sprintf("team/app%d", app)
		z := s.Zones[r.IntN(8)/7]
		name := zone.Name(fmt.Sprintf("app%d.%s", app, z.Name))
		routing, dual, alias := r.IntN(4), r.IntN(3) == 0, r.IntN(2) == 0
		ttl := int64(30 + 30*r.IntN(2))
		chosen := slices.Clone(regions)
		r.Shuffle(len(chosen), func(i, j int) { chosen[i], chosen[j] = chosen[j], chosen[i] })
		if routing == 1 {
			chosen = chosen[:2]
		} else {
			chosen = chosen[:1+r.IntN(3)]
		}
		for i, region := range chosen {
			key := policy + "/" + region
			s.Checks = append(s.Checks, Check{Key: key, Config: randomConfig(r, region),
				Tags: []tagging.Tag{{Key: "Name", Value: fmt.Sprint("app", r.IntN(2))}}})
			for family, t := range []zone.RRType{zone.A, zone.AAAA} {
				if family == 1 && !dual {
					continue
				}
				set := zone.ResourceRecordSet{Name: name, Type: t, SetIdentifier: region}
				switch routing {
				case 0:
					set.Region = region
				case 1:
					set.Failover = []zone.Failover{zone.Primary, zone.Secondary}[i]
				case 2:
					set.Weight = new(int64(r.IntN(3)))
				case 3:
					set.GeoLocation = &zone.GeoLocation{CountryCode: []string{"*", "DE", "FR"}[i]}
				}
				if alias {
					set.AliasTarget = &zone.AliasTarget{HostedZoneID: "ZLB", DNSName: zone.MustParseName(lb(region))}
				} else {
					set.TTL = &ttl
					set.ResourceRecords = []string{[]string{"192.0.2.1", "2001:db8::1"}[family]}
				}
				s.Records = append(s.Records, Record{ZoneID: z.ID, CheckKey: key, Set: set})
			}
		}
	}
	return s
}

func randomConfig(r *rand.Rand, region string) health.Config {
	c := httpCheck(lb(region), []string{"", "/health", "/ready"}[r.IntN(3)])
	switch r.IntN(5) {
	case 0:
		c.Type = health.HTTPS
	case 1:
		c.IPAddress = "52.95.110." + fmt.Sprint(1+r.IntN(2))
	case 2:
		c.RequestInterval = new(10)
	case 3:
		c.FailureThreshold = new(1 + r.IntN(2))
		c.Regions = []string{"us-east-1", "eu-west-1", "sa-east-1"}
	}
	return c
}

// strangers are objects that are not ours; they must never change.
func strangers(w *world) {
	w.foreign["foreign"] = true
	w.checks["foreign"] = &Check{ID: "foreign", Config: httpCheck("www.example.com", "/"), CallerReference: "terraform-1"}
	w.put(simple("www.example.com", zone.A, "203.0.113.7"), simple("app1.example.com", zone.TXT, `"by hand"`),
		zone.ResourceRecordSet{Name: "shop.example.com.", Type: zone.A, SetIdentifier: "a", Weight: new(int64(1)),
			TTL: new(int64(5)), ResourceRecords: []string{"203.0.113.8"}, HealthCheckID: "foreign"})
}

// inState compares what is there with what is wanted: one check for every key, and the record sets bound to them.
func inState(t *testing.T, w *world, desired State) {
	t.Helper()
	policies := make(map[string]bool)
	want, got := make(map[string]zone.ResourceRecordSet), make(map[string]zone.ResourceRecordSet)
	ids := make(map[string]string)
	for _, c := range desired.Checks {
		policies[PolicyOf(c.Key)] = true
		ids[c.Key] = w.check(t, c.Key)
		config, err := health.Normalize(c.Config, w.rules())
		if err != nil {
			t.Fatal(err)
		}
		if got := w.checks[ids[c.Key]].Config; !sameEchoed(got, config) {
			t.Fatalf("check %s is %+v, want %+v", c.Key, got, config)
		}
	}
	for id, c := range w.checks {
		made, _, _ := parseReference(c.CallerReference)
		if c.Key == "" && !w.foreign[id] && policies[PolicyOf(made)] || policies[PolicyOf(c.Key)] && ids[c.Key] != id {
			t.Fatalf("check %s (%q, by %s) is left over", id, c.Key, c.CallerReference)
		}
	}
	for _, r := range desired.Records {
		r.Set.HealthCheckID = ids[r.CheckKey]
		want[r.ZoneID+Describe(&r.Set)] = r.Set
	}
	for _, r := range w.state().Records {
		c := w.checks[r.Set.HealthCheckID]
		if c == nil || !policies[PolicyOf(c.Key)] {
			continue
		}
		got[r.ZoneID+Describe(&r.Set)] = r.Set
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("record sets: want -, got +\n%s", diff)
	}
}

func foreignSets(w *world) []zone.ResourceRecordSet {
	var sets []zone.ResourceRecordSet
	for set := range w.records["ZEXAMPLE"].From(zone.Key{}) {
		if c := w.checks[set.HealthCheckID]; c == nil || c.ID == "foreign" {
			sets = append(sets, *set)
		}
	}
	return sets
}

// transition draws a world, what is in it, and what is wanted next; refused is why it would not do.
func transition(t *testing.T, r *rand.Rand) (w *world, desired State, p Plan, err error) {
	t.Helper()
	w = newWorld(exampleZone(), otherZone())
	strangers(w)
	w.reach(t, randomState(r), Guard{})
	desired = randomState(r)
	p, err = Diff(w.state(), desired, Guard{Force: true})
	return w, desired, p, err
}

// What is executed leads to what is wanted, and then there is nothing more to do.
func TestPlanExecutedLeavesNothingToDo(t *testing.T) {
	executed := 0
	for seed := range uint64(400) {
		w, desired, p, err := transition(t, rand.New(rand.NewPCG(seed, 1)))
		if err != nil {
			var refused *Refused
			if !errors.As(err, &refused) || len(refused.Findings) == 0 {
				t.Fatalf("seed %d: %v", seed, err)
			}
			continue // a policy that moves to another zone would leave its name unanswered
		}
		executed++
		before := foreignSets(w)
		w.execute(t, p, -1)
		inState(t, w, desired)
		if diff := cmp.Diff(before, foreignSets(w)); diff != "" {
			t.Fatalf("seed %d: what is not ours: before -, after +\n%s", seed, diff)
		}
		again, err := Diff(w.state(), desired, Guard{})
		if err != nil || !again.Empty() {
			t.Fatalf("seed %d: second plan: %v\n%s", seed, err, again.Text(false))
		}
	}
	if executed < 100 {
		t.Errorf("%d of 400 plans could be executed: the states are drawn badly", executed)
	}
}

// Whatever the call after which a run ends, the next one gets to the same end and leaves no check behind.
func TestInterruptedRunIsFinishedByTheNext(t *testing.T) {
	for seed := range uint64(60) {
		start, desired, p, err := transition(t, rand.New(rand.NewPCG(seed, 2)))
		if err != nil {
			continue
		}
		for calls, done := 0, false; !done; calls++ {
			w := start.clone()
			done = w.execute(t, p, calls)
			for id, records := range start.records {
				for set := range records.From(zone.Key{}) {
					if w.records[id].Group(set.Name, set.Type) == nil && !answeredBy(w.records[id], set) {
						t.Fatalf("seed %d, after %d calls: %s has no answer", seed, calls, Describe(set))
					}
				}
			}
			rest, err := Diff(w.state(), desired, Guard{Force: true})
			if err != nil {
				t.Fatalf("seed %d, after %d calls: %v", seed, calls, err)
			}
			w.execute(t, rest, -1)
			inState(t, w, desired)
			if again, err := Diff(w.state(), desired, Guard{}); err != nil || !again.Empty() {
				t.Fatalf("seed %d, after %d calls: third plan: %v\n%s", seed, calls, err, again.Text(false))
			}
		}
	}
}

// answeredBy reports whether clients of a lost group of addresses can go on by the other family, which is how dual
// stack is given up.
func answeredBy(records *zone.Records, lost *zone.ResourceRecordSet) bool {
	return lost.Type == zone.AAAA && records.Group(lost.Name, zone.A) != nil
}

// The order in which states list things decides nothing.
func TestPlanDoesNotDependOnOrder(t *testing.T) {
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 3))
		w, desired, p, _ := transition(t, r)
		current := w.state()
		for range 3 {
			r.Shuffle(len(current.Checks), func(i, j int) {
				current.Checks[i], current.Checks[j] = current.Checks[j], current.Checks[i]
			})
			r.Shuffle(len(current.Records), func(i, j int) {
				current.Records[i], current.Records[j] = current.Records[j], current.Records[i]
			})
			r.Shuffle(len(desired.Checks), func(i, j int) {
				desired.Checks[i], desired.Checks[j] = desired.Checks[j], desired.Checks[i]
			})
			r.Shuffle(len(desired.Records), func(i, j int) {
				desired.Records[i], desired.Records[j] = desired.Records[j], desired.Records[i]
			})
			other, _ := Diff(current, desired, Guard{Force: true})
			if diff := cmp.Diff(p, other); diff != "" {
				t.Fatalf("seed %d: in another order +\n%s", seed, diff)
			}
		}
	}
}

// What a plan did, its inverse undoes: every record set answers as before.
func TestInverseBringsBackWhatWas(t *testing.T) {
	for seed := range uint64(100) {
		w, _, p, err := transition(t, rand.New(rand.NewPCG(seed, 4)))
		if err != nil {
			continue
		}
		before := answers(w)
		w.execute(t, p, -1)
		back, err := p.Inverse(w.created)
		if err != nil {
			t.Fatal(err)
		}
		w.execute(t, back, -1)
		if diff := cmp.Diff(before, answers(w)); diff != "" {
			t.Fatalf("seed %d: before -, after the way back +\n%s", seed, diff)
		}
	}
}

// answers returns every record set with the settings of its check instead of its id.
func answers(w *world) map[string]string {
	all := make(map[string]string)
	for _, r := range w.state().Records {
		text := inOneLine(&r.Set, "")
		if c := w.checks[r.Set.HealthCheckID]; c != nil {
			text += fmt.Sprint(" ", c.Key, configFields(c.Config))
		}
		all[r.ZoneID+" "+Describe(&r.Set)] = text
	}
	return all
}
