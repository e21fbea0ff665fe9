package plan

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkhead-dns/bulkhead/tagging"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// disorder draws a world in which runs were interrupted, people made record sets in the way and beside, took tags away
// or set them, deleted checks in use, and checkers have said this and that.
func disorder(t *testing.T, r *rand.Rand) *world {
	t.Helper()
	w := newWorld(exampleZone(), otherZone())
	strangers(w)
	w.foreign["tagged"], w.foreign["borrowed"] = true, true
	w.checks["tagged"] = &Check{ID: "tagged", CallerReference: "terraform-2", Config: httpCheck("www.example.com", "/"),
		Tags: []tagging.Tag{{Key: TagManagedBy, Value: TagValue}, {Key: TagKey, Value: "team/app1/eu-west-1"}}}
	w.checks["borrowed"] = &Check{ID: "borrowed", CallerReference: "bulkhead/team/app2/eu-west-1/1",
		Config: httpCheck("x.example.com", "/"),
		Tags:   []tagging.Tag{{Key: "owner", Value: "somebody"}}}
	w.used["bulkhead/team/app2/eu-west-1/1"] = true
	if r.IntN(2) == 0 {
		w.byHand(r)
	}
	for range r.IntN(3) {
		if p, err := Diff(w.state(), randomState(r), Guard{Force: true}); err == nil {
			w.execute(t, p, r.IntN(40))
		}
	}
	w.byHand(r)
	for _, id := range slices.Sorted(maps.Keys(w.checks)) {
		c := w.checks[id]
		switch r.IntN(30) {
		case 0: // disowned
			c.Tags, c.Key = nil, ""
			w.foreign[id] = w.refers(id)
		case 1: // deleted, and record sets refer to it still. r53: A.10
			if !w.foreign[id] {
				delete(w.checks, id)
			}
		}
		c.Healthy = []*bool{nil, new(true), new(true), new(false)}[r.IntN(4)]
		if r.IntN(20) == 0 && c.Owned() { // an operator takes an endpoint out. r53: B.6
			c.Config.Disabled, c.Config.Inverted = new(true), new(true)
		}
	}
	return w
}

// byHand makes record sets of several kinds at the applications' names, as far as Route 53 accepts them.
func (w *world) byHand(r *rand.Rand) {
	for app := range 5 {
		for _, z := range w.zones {
			if r.IntN(3) > 0 {
				continue
			}
			name := zone.Name(fmt.Sprintf("app%d.%s", app, z.Name))
			set := simple(string(name), []zone.RRType{zone.A, zone.A, zone.AAAA, zone.CNAME, zone.TXT}[r.IntN(5)])
			set.ResourceRecords = map[zone.RRType][]string{zone.A: {"203.0.113.9", "203.0.113.10"}, zone.AAAA: {"2001:db8::9"},
				zone.CNAME: {"lb.example.net."}, zone.TXT: {`"heritage"`}}[set.Type]
			if set.Type != zone.TXT && r.IntN(2) == 0 {
				set.SetIdentifier = []string{"blue", "eu-west-1"}[r.IntN(2)]
				set.HealthCheckID = []string{"", "foreign", "tagged"}[r.IntN(3)]
				if set.Type != zone.CNAME && r.IntN(2) == 0 {
					set.Region = "sa-east-1"
				} else {
					set.Weight = new(int64(1))
				}
			}
			facts := zone.Facts{HealthCheckExists: func(id string) bool { return w.checks[id] != nil }}
			if next, _, err := w.records[z.ID].Apply(z, []zone.Change{{Action: zone.Create, ResourceRecordSet: set}},
				facts); err == nil {
				w.records[z.ID] = next
			}
		}
	}
}

func (w *world) refers(id string) bool {
	return slices.ContainsFunc(w.state().Records, func(r Record) bool { return r.Set.HealthCheckID == id })
}

func randomGuard(r *rand.Rand) Guard {
	g := Guard{Force: r.IntN(4) > 0}
	for app := range 5 {
		if r.IntN(3) > 0 {
			g.Adopt = append(g.Adopt, zone.Name(fmt.Sprintf("app%d.example.com.", app)),
				zone.Name(fmt.Sprintf("app%d.example.org.", app)))
		}
	}
	return g
}

// promises are what must hold of a world at any moment, given how it was.
type promises struct {
	start *world
	guard Guard
	mends map[string]bool   // record sets of ours whose check is gone
	held  map[string]string // checks that an operator holds, by id, and what cites them
	bytes map[string]string // of what is not ours and not adopted
}

func promise(w *world, guard Guard, desired State) *promises {
	for id, c := range w.checks { // what was disowned is ours again when all names that use it are adopted
		if made, _, ok := parseReference(c.CallerReference); ok && made != "" && c.Tags == nil {
			w.foreign[id] = slices.ContainsFunc(w.state().Records, func(r Record) bool {
				return r.Set.HealthCheckID == id && !slices.Contains(guard.Adopt, r.Set.Name)
			})
		}
	}
	p := &promises{start: w.clone(), guard: guard, mends: make(map[string]bool), held: make(map[string]string)}
	wanted := make(map[string]bool)
	for _, r := range desired.Records {
		wanted[r.CheckKey] = true
		if now, ok := w.records[r.ZoneID].Get(r.Set.Key()); ok && now.HealthCheckID != "" &&
			w.checks[now.HealthCheckID] == nil &&
			now.SetIdentifier == RegionOf(r.CheckKey) {
			p.mends[r.ZoneID+" "+Describe(now)] = true
		}
	}
	for _, r := range w.state().Records {
		if c := w.checks[r.Set.HealthCheckID]; c != nil && wanted[p.keyOf(c)] && c.Hold() != NotHeld &&
			r.Set.SetIdentifier == RegionOf(c.Key) {
			p.held[c.ID] = asJSON(c.Config)
		}
	}
	p.bytes = p.foreign(w)
	return p
}

// keyOf is the key of a check once its policy has been followed.
func (p *promises) keyOf(c *Check) string {
	if next := p.guard.Successors[PolicyOf(c.Key)]; next != "" {
		return next + "/" + RegionOf(c.Key)
	}
	return c.Key
}

// holding checks that what an operator holds is as it was and is cited, as far as anything is: of two that are held,
// one.
func (p *promises) holding(t *testing.T, w *world, when string) {
	t.Helper()
	for id, config := range p.held {
		c := w.checks[id]
		if c != nil && asJSON(c.Config) != config {
			t.Fatalf("%s: %s is held as %s and is %s now", when, c.Key, config, asJSON(c.Config))
		}
		key := p.keyOf(p.start.checks[id])
		if !slices.ContainsFunc(w.state().Records, func(r Record) bool {
			now := w.checks[r.Set.HealthCheckID]
			return now != nil && p.keyOf(now) == key && now.Hold() != NotHeld
		}) {
			t.Fatalf("%s: %s was held, and nothing is that is cited", when, key)
		}
	}
}

// release undoes what operators did.
func (w *world) release() {
	for _, c := range w.checks {
		if c.Owned() {
			c.Config.Disabled, c.Config.Inverted = new(false), new(false)
		}
	}
}

// foreign returns what may not change: checks of others, and record sets that are bound to none of ours and not
// adopted.
func (p *promises) foreign(w *world) map[string]string {
	all := make(map[string]string)
	for id := range w.foreign {
		if w.foreign[id] {
			all[id] = asJSON(w.checks[id])
		}
	}
	for _, r := range p.start.state().Records {
		if c := p.start.checks[r.Set.HealthCheckID]; c != nil && c.Key != "" {
			continue
		}
		if slices.Contains(p.guard.Adopt, r.Set.Name) && r.Set.Type != zone.TXT {
			continue
		}
		if p.mends[r.ZoneID+" "+Describe(&r.Set)] {
			continue
		}
		now, _ := w.records[r.ZoneID].Get(r.Set.Key())
		all[r.ZoneID+" "+Describe(&r.Set)] = asJSON(now)
	}
	return all
}

func asJSON(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(data)
}

// kept checks the promises.
func (p *promises) kept(t *testing.T, w *world, when string) {
	t.Helper()
	if diff := cmp.Diff(p.bytes, p.foreign(w)); diff != "" {
		t.Fatalf("%s: what is not ours: before -, after +\n%s", when, diff)
	}
	for id, records := range p.start.records {
		for set := range records.From(zone.Key{}) {
			var members []*zone.ResourceRecordSet
			for _, kind := range []zone.RRType{set.Type, zone.CNAME, zone.A, zone.AAAA} {
				for m := range w.records[id].From(zone.Key{Name: set.Name, Type: kind}) {
					if m.Name != set.Name || m.Type != kind {
						break
					}
					if kind == set.Type || kind == zone.CNAME || kind == zone.A && set.Type == zone.AAAA || set.Type == zone.CNAME {
						members = append(members, m)
					}
				}
			}
			if len(members) == 0 {
				t.Fatalf("%s: %s has no answer", when, Describe(set))
			}
			c := w.checks[set.HealthCheckID] // what its checkers say by now
			if c == nil {
				c = p.start.checks[set.HealthCheckID]
			}
			if p.guard.Force || c != nil && c.Healthy != nil && !*c.Healthy {
				continue
			}
			if now, ok := w.records[id].Get(set.Key()); ok && c != nil && c.Owned() && now.HealthCheckID != c.ID {
				if other := w.checks[now.HealthCheckID]; other != nil && (other.Healthy == nil || !*other.Healthy) &&
					other.Hold() == NotHeld {
					t.Fatalf("%s: %s gives a check that is not unhealthy up for one that is not healthy", when, Describe(set))
				}
			}
			if !slices.ContainsFunc(members, func(m *zone.ResourceRecordSet) bool {
				c := w.checks[m.HealthCheckID]
				return c == nil || c.Healthy == nil || *c.Healthy
			}) {
				t.Fatalf("%s: %s was served by something that is not known to be unhealthy, and is no more", when, Describe(set))
			}
		}
	}
}

// carryOut executes a plan as apply does, verdicts included, at most so many calls of it, and checks the promises after
// each.
func (p *promises) carryOut(t *testing.T, w *world, plan Plan, calls int, r *rand.Rand, when string) (done bool) {
	t.Helper()
	w.created = make(map[string]string)
	for i, s := range plan.Steps {
		if s.Kind == WaitVerdicts && !w.verdicts(plan, s.Wait, r) && !p.guard.Force {
			return false
		}
		for _, call := range w.calls(t, s) {
			if calls == 0 {
				return false
			}
			calls--
			call()
			p.kept(t, w, fmt.Sprintf("%s, step %d", when, i+1))
		}
	}
	return true
}

// verdicts has the checkers speak, and reports whether every group that has to keep something healthy does.
func (w *world) verdicts(p Plan, wait *Wait, r *rand.Rand) bool {
	bound := make(map[string]*Check) // by key: the checks that record sets will refer to
	for _, s := range p.Steps {
		if s.Batch == nil {
			continue
		}
		for _, change := range s.Batch.Changes {
			id := change.Set.HealthCheckID
			if change.CheckKey != "" {
				id = w.created[change.CheckKey]
			}
			c := w.checks[id]
			if change.Action != zone.Delete && c != nil {
				bound[c.Key] = c
			}
		}
	}
	healthy := make(map[string]bool)
	for _, key := range wait.Checks {
		c := bound[key]
		if c.Healthy == nil {
			c.Healthy = new(r.IntN(4) > 0)
		}
		healthy[key] = *c.Healthy
	}
	if slices.ContainsFunc(wait.Replaces, func(x Replacement) bool {
		old := w.checks[x.ID]
		return !healthy[x.Check] && (old.Healthy == nil || *old.Healthy)
	}) {
		return false
	}
	return !slices.ContainsFunc(wait.Healthy, func(g HealthyGroup) bool {
		return !slices.ContainsFunc(g.Checks, func(key string) bool { return healthy[key] })
	})
}

// tryChaos plays one case: plan and apply with an end at some call, again to the end, nothing to do, destroy. It
// reports whether the first plan could be executed.
func tryChaos(t *testing.T, seed uint64) bool {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 5))
	w, desired, guard := disorder(t, r), randomState(r), randomGuard(r)
	if r.IntN(4) == 0 {
		desired, guard.Successors = renamedPolicies(desired)
	}
	p, err := Diff(w.state(), desired, guard)
	if err != nil {
		var refused *Refused
		if !errors.As(err, &refused) || len(refused.Findings) == 0 {
			t.Fatalf("seed %d: %v", seed, err)
		}
		return false
	}
	holds := promise(w, guard, desired)
	holds.carryOut(t, w, p, r.IntN(30), r, fmt.Sprintf("seed %d, first run", seed))

	// The second run is forced where verdicts that came in the meantime would stop it, and nobody is healthy for sure
	// then.
	rest, err := Diff(w.state(), desired, guard)
	if err != nil || !holds.carryOut(t, w, rest, -1, r, fmt.Sprintf("seed %d, second run", seed)) {
		guard.Force, holds.guard.Force = true, true
		if rest, err = Diff(w.state(), desired, guard); err != nil {
			t.Fatalf("seed %d, forced: %v", seed, err)
		}
		holds.carryOut(t, w, rest, -1, r, fmt.Sprintf("seed %d, forced run", seed))
	}
	holds.holding(t, w, fmt.Sprintf("seed %d", seed))
	if w.release(); len(holds.held) > 0 {
		rest, err := Diff(w.state(), desired, guard)
		if err != nil || !holds.carryOut(t, w, rest, -1, r, fmt.Sprintf("seed %d, released", seed)) {
			guard.Force, holds.guard.Force = true, true
			if rest, err = Diff(w.state(), desired, guard); err != nil {
				t.Fatalf("seed %d, released: %v", seed, err)
			}
			holds.carryOut(t, w, rest, -1, r, fmt.Sprintf("seed %d, released and forced", seed))
		}
	}
	inState(t, w, desired)
	if again, err := Diff(w.state(), desired, Guard{}); err != nil || !again.Empty() {
		t.Fatalf("seed %d: there is something to do still: %v\n%s", seed, err, again.Text(false))
	}

	policies := make(map[string]bool)
	for _, c := range desired.Checks {
		policies[PolicyOf(c.Key)] = true
	}
	gone, err := Destroy(w.state(), slices.Sorted(maps.Keys(policies)), Guard{})
	if err != nil {
		t.Fatalf("seed %d, destroy: %v", seed, err)
	}
	w.execute(t, gone, -1)
	if diff := cmp.Diff(holds.bytes, holds.foreign(w)); diff != "" {
		t.Fatalf("seed %d, destroyed: what is not ours: before -, after +\n%s", seed, diff)
	}
	for id, c := range w.checks {
		if policies[PolicyOf(c.Key)] {
			t.Fatalf("seed %d, destroyed: check %s of %s is left", seed, id, c.Key)
		}
	}
	return true
}

// renamedPolicies wants the same by policies of another namespace, and says which follows which.
func renamedPolicies(s State) (renamed State, successors map[string]string) {
	renamed, successors = both(s), make(map[string]string)
	renamed.Zones = s.Zones
	rename := func(key *string) {
		next := "next" + strings.TrimPrefix(*key, "team")
		successors[PolicyOf(*key)] = PolicyOf(next)
		*key = next
	}
	for i := range renamed.Checks {
		rename(&renamed.Checks[i].Key)
	}
	for i := range renamed.Records {
		rename(&renamed.Records[i].CheckKey)
	}
	return renamed, successors
}

// In whatever state an account is: what is planned and applied is reached in the end, nothing of others changes, no
// name loses its answer or its last healthy member at any moment, and what is destroyed leaves the rest.
func TestNothingIsHarmedOnTheWay(t *testing.T) {
	const cases = 2000
	executed := 0
	for seed := range uint64(cases) {
		if tryChaos(t, seed) {
			executed++
		}
	}
	t.Logf("%d of %d plans could be executed", executed, cases)
	if executed < cases/4 {
		t.Errorf("%d of %d plans could be executed: the worlds are drawn badly", executed, cases)
	}
}

// FuzzDiff plays cases of any seed.
func FuzzDiff(f *testing.F) {
	for _, seed := range []uint64{0, 1 << 20, 1<<63 + 5} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) { tryChaos(t, seed) })
}
