package plan

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkhead-dns/bulkhead/tagging"
	"github.com/bulkhead-dns/bulkhead/zone"
)

const (
	westRegion    = "eu-west-1"
	centralRegion = "eu-central-1"
)

// here limits a plan to a Region, as a cluster does, with a policy that takes the place of another.
func here(region string, renamed ...string) Guard {
	g := Guard{Regions: []string{region}}
	if len(renamed) == 2 {
		g.Successors = map[string]string{renamed[0]: renamed[1]}
	}
	return g
}

// A renamed or moved policy goes on with the check and the record set of its Region: one call sets tags, and nothing
// else changes.
func TestSuccessorGoesOnWithTheCheck(t *testing.T) {
	long := "team/" + strings.Repeat("a", 60)
	for _, c := range []struct{ name, old, next string }{
		{"renamed", "team/old", "team/new"},
		{"moved", "team-a/app", "team-b/app"},
		{"to a long name", "team/old", long},
		{"from a long name", long, "team/new"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := build(t, latency(c.old, "app.example.com", westRegion, centralRegion))
			before, id := w.state().Records, w.check(t, c.old+"/"+westRegion)
			desired := latency(c.next, "app.example.com", westRegion)
			p, err := Diff(w.state(), desired, here(westRegion, c.old, c.next))
			wantSteps(t, p, err, "tag-check "+c.next+"/"+westRegion)
			if got := p.Steps[0].Check; got.ID != id || got.Why != "taken over from "+c.old {
				t.Errorf("marks %s (%s), want the check that is there, %s", got.ID, got.Why, id)
			}
			w.execute(t, p, -1)
			byKey := func(a, b Record) int { return a.Set.Key().Compare(b.Set.Key()) }
			slices.SortFunc(before, byKey)
			if diff := cmp.Diff(before, slices.SortedFunc(slices.Values(w.state().Records), byKey)); diff != "" {
				t.Errorf("record sets: before -, after +\n%s", diff)
			}
			for name, guard := range map[string]Guard{"with": here(westRegion, c.old, c.next), "without": here(westRegion)} {
				again, err := Diff(w.state(), desired, guard)
				if err != nil || !again.Empty() {
					t.Errorf("the next plan, %s successors: %v\n%s", name, err, again.Text(false))
				}
			}
			gone, err := Destroy(w.state(), []string{c.old}, here(westRegion))
			if err != nil || !gone.Empty() {
				t.Errorf("of the predecessor there is: %v\n%s", err, gone.Text(false))
			}
			// And back: it has the name that it was made with, and no trace of the other one.
			w.reach(t, latency(c.old, "app.example.com", westRegion), here(westRegion, c.next, c.old))
			if got := w.checks[id]; got.Key != c.old+"/"+westRegion || tagged(got.Tags, TagTakenOver) != "" {
				t.Errorf("it is called %s by the tags %v", got.Key, got.Tags)
			}
		})
	}
}

// A predecessor's check that stays until the follower's own is healthy has all tags of the follower at once: it is
// known to be the follower's when that goes before.
func TestCheckThatIsTakenOverForAWhileTellsWhose(t *testing.T) {
	w := build(t, latency("team/old", "app.example.com", westRegion, centralRegion))
	desired := latency("team/new", "app.example.com", westRegion)
	desired.Checks[0].Config.ResourcePath = "/ready"
	desired.Checks[0].Tags = append(desired.Checks[0].Tags, tagging.Tag{Key: "bulkhead.dev/class", Value: "public"})
	p, err := Diff(w.state(), desired, here(westRegion, "team/old", "team/new"))
	if err != nil {
		t.Fatal(err)
	}
	id := w.check(t, "team/old/"+westRegion)
	w.execute(t, p, 1)
	if got := w.checks[id]; got.Key != "team/new/"+westRegion || tagged(got.Tags, "bulkhead.dev/class") != "public" {
		t.Errorf("after the first call it is %s with the tags %v", got.Key, got.Tags)
	}
}

// What the follower asks for is checked before record sets cite it, and the predecessor's check is marked before
// anything else, so that nothing is left behind wherever a run ends, also when nobody knows of the predecessor any
// more.
func TestSuccessorWithAnotherCheckIsInterruptedAnywhere(t *testing.T) {
	start := build(t, latency("team/old", "app.example.com", westRegion, centralRegion))
	desired := latency("team/new", "app.example.com", westRegion)
	desired.Checks[0].Config.ResourcePath = "/ready"
	p, err := Diff(start.state(), desired, here(westRegion, "team/old", "team/new"))
	wantSteps(t, p, err, "tag-check team/new/eu-west-1", "create-check team/new/eu-west-1", "wait team/new/eu-west-1",
		"change-records",
		"  UPSERT app.example.com. A eu-west-1", "delete-check team/new/eu-west-1")
	if got := waitOf(p).Replaces; len(got) != 1 || got[0].ID != start.check(t, "team/old/eu-west-1") {
		t.Errorf("has to be healthy instead of %v", got)
	}
	for calls, done := 0, false; !done; calls++ {
		w := start.clone()
		done = w.execute(t, p, calls)
		guard := here(westRegion)
		if calls < 1 { // until the predecessor's check is marked, the next run has to know of it
			guard = here(westRegion, "team/old", "team/new")
		}
		rest, err := Diff(w.state(), desired, guard)
		if err != nil {
			t.Fatalf("after %d calls: %v", calls, err)
		}
		w.execute(t, rest, -1)
		inState(t, w, both(desired, latency("team/old", "app.example.com", centralRegion)))
		for _, other := range []Guard{here(westRegion), here(westRegion, "team/old", "team/new")} {
			if again, err := Diff(w.state(), desired, other); err != nil || !again.Empty() {
				t.Fatalf("after %d calls: %v\n%s", calls, err, again.Text(false))
			}
		}
		if gone, err := Destroy(w.state(), []string{"team/old"}, here(westRegion)); err != nil || !gone.Empty() {
			t.Fatalf("after %d calls, of the predecessor there is: %v\n%s", calls, err, gone.Text(false))
		}
		if len(w.checks) != 2 {
			t.Fatalf("after %d calls there are %d checks, want 2", calls, len(w.checks))
		}
	}
}

// Tags that the predecessor's policy asked for go, unless they are wanted, if with another value or none.
func TestTagsOfThePredecessorGo(t *testing.T) {
	old := latency("team/old", "app.example.com", westRegion)
	old.Checks[0].Tags = []tagging.Tag{{Key: "Name", Value: "old"}, {Key: tagPrefix + "ingress-of", Value: "x"},
		{Key: tagPrefix + "remove-after", Value: "now"}}
	w := build(t, old)
	desired := latency("team/new", "app.example.com", westRegion)
	desired.Checks[0].Tags = []tagging.Tag{{Key: "Name", Value: "new"}, {Key: tagPrefix + "remove-after"}}
	p := w.reach(t, desired, here(westRegion, "team/old", "team/new"))
	if diff := cmp.Diff([]string{tagPrefix + "ingress-of"}, p.Steps[0].Check.Untag); diff != "" {
		t.Errorf("tags that go: want -, got +\n%s", diff)
	}
	tags := w.checks[w.check(t, "team/new/eu-west-1")].Tags
	if !slices.Contains(tags, tagging.Tag{Key: tagPrefix + "remove-after"}) || tagged(tags, "Name") != "new" ||
		tagged(tags, tagPrefix+"ingress-of") != "" {
		t.Errorf("tags %v", tags)
	}
}

// What an operator holds stays held.
func TestSuccessorKeepsTheHold(t *testing.T) {
	w := build(t, latency("team/old", "app.example.com", westRegion))
	id := w.check(t, "team/old/eu-west-1")
	w.checks[id].Config.Disabled, w.checks[id].Config.Inverted = new(true), new(true)
	desired := latency("team/new", "app.example.com", westRegion)
	desired.Checks[0].Config.ResourcePath = "/ready"
	p, err := Diff(w.state(), desired, here(westRegion, "team/old", "team/new"))
	wantSteps(t, p, err, "tag-check team/new/eu-west-1")
	if len(p.Held) != 1 || p.Held[0].Hold != ForcedOut {
		t.Errorf("held: %+v", p.Held)
	}
}

// A predecessor that lives on under another hostname keeps its check there, also while that is made.
func TestPredecessorWithAnotherHostnameKeepsItsCheck(t *testing.T) {
	w := build(t, latency("team/old", "app.example.com", westRegion, centralRegion))
	moved := latency("team/old", "other.example.com", westRegion)
	forced := here(westRegion)
	forced.Force = true // the other Region answers by the former name still
	p, err := Diff(w.state(), moved, forced)
	if err != nil {
		t.Fatal(err)
	}
	w.execute(t, p, 1) // the check lists the other name, and its record sets come later
	desired := latency("team/new", "app.example.com", westRegion)
	p, err = Diff(w.state(), desired, here(westRegion, "team/old", "team/new"))
	if err != nil {
		t.Fatal(err)
	}
	w.execute(t, p, -1)
	w.reach(t, moved, here(westRegion))
	inState(t, w, both(desired, moved, latency("team/old", "app.example.com", centralRegion)))
}

// Tags that belong together name another key on their own, or on another check, in vain.
func TestTakenOverChecksCannotBePassedOff(t *testing.T) {
	const old, next = "team/old/eu-west-1", "team/new/eu-west-1"
	mark := func(key, from string) []tagging.Tag {
		return []tagging.Tag{{Key: TagKey, Value: key}, {Key: TagManagedBy, Value: TagValue},
			{Key: TagTakenOver, Value: from}}
	}
	for _, c := range []struct {
		name, reference string
		tags            []tagging.Tag
		want            string
	}{
		{"taken over", CallerReference(old, 2), mark(next, takenOver(old, next)), next},
		{"taken back", CallerReference(old, 2), mark(old, takenOver(old, next)), old},
		{"another name", CallerReference(old, 2), mark("team/other/eu-west-1", takenOver(old, next)), ""},
		{"another Region", CallerReference(old, 2), mark("team/new/eu-central-1", takenOver(old, next)), ""},
		{"another check", CallerReference("team/app1/eu-west-1", 2), mark(next, takenOver(old, next)), ""},
		{"a check that is not ours", "terraform-1", mark(next, takenOver(old, next)), ""},
		{"by the name alone", CallerReference(old, 2), mark(next, old), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := KeyOf(c.reference, c.tags); got != c.want {
				t.Errorf("KeyOf(%q) is %q, want %q", c.reference, got, c.want)
			}
		})
	}
}

// A hostname in use is not joined from another Region by a policy of another namespace; once a Region has taken over,
// it is.
func TestOnlyRelatedPoliciesJoinAHostname(t *testing.T) {
	start := build(t, latency("team-a/app", "app.example.com", centralRegion))
	join := func(w *world, policy string, guard Guard) (Plan, error) {
		return Diff(w.state(), latency(policy, "app.example.com", westRegion), guard)
	}
	p, err := join(start, "team-b/app", here(westRegion))
	if err == nil || len(p.Refusals) != 1 || p.Refusals[0].Kind != HeldByPolicy || p.Refusals[0].Holder != "team-a/app" ||
		p.Refusals[0].Policy != "team-b/app" {
		t.Errorf("%v, %+v", err, p.Refusals)
	}
	if p, err = join(start, "team-a/next", here(westRegion)); err != nil || len(p.Reports) != 1 ||
		p.Reports[0].Kind != OtherPolicy {
		t.Errorf("a policy of the namespace: %v, %+v", err, p.Reports)
	}
	if _, err = join(start, "team-b/app", here(westRegion, "team-a/app", "team-b/app")); err != nil {
		t.Errorf("its follower: %v", err)
	}
	start.reach(t, latency("team-b/app", "app.example.com", centralRegion),
		here(centralRegion, "team-a/app", "team-b/app"))
	if _, err = join(start, "team-b/app", here(westRegion)); err != nil {
		t.Errorf("when the other Region has taken over: %v", err)
	}
	if _, err = join(start, "team-a/app", here(westRegion)); err != nil {
		t.Errorf("the predecessor, in a cluster that has not heard of it: %v", err)
	}
}

// A policy is renamed or moved, and every cluster hears of it when it does, creation or deletion first, and ends in the
// middle of what it does: each Region is answered all the time, nobody waits for another Region, and in the end there
// is what the follower wants.
func TestClustersTakeOverInAnyOrder(t *testing.T) {
	regions := []string{westRegion, centralRegion, "us-east-1"}
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 11))
		old, next := "team/old", []string{"team/new", "team-b/old"}[r.IntN(2)]
		w := build(t, latency(old, "app.example.com", regions...))
		ids := make(map[string]string)
		for _, region := range regions {
			ids[region] = w.check(t, old+"/"+region)
		}
		differs := r.IntN(2) == 0
		wants := func(policy, region string) State {
			s := latency(policy, "app.example.com", region)
			if policy == next && differs {
				s.Checks[0].Config.ResourcePath = "/ready"
			}
			return s
		}
		step := func(region, policy string, guard Guard, calls int) {
			when := fmt.Sprintf("seed %d, %s in %s", seed, policy, region)
			p, err := Diff(w.state(), wants(policy, region), guard)
			if err != nil {
				t.Fatalf("%s: %v", when, err)
			}
			for n, done := 0, false; !done; n++ {
				trial := w.clone()
				done = trial.execute(t, p, n)
				if answer := len(trial.records["ZEXAMPLE"].Group("app.example.com.", zone.A)); answer != len(regions) {
					t.Fatalf("%s, after %d calls: %d Regions answer, want %d", when, n, answer, len(regions))
				}
			}
			w.execute(t, p, calls)
		}
		heard := make(map[string]bool)
		for len(heard) < len(regions) || r.IntN(6) > 0 {
			region := regions[r.IntN(len(regions))]
			if !heard[region] && r.IntN(2) == 0 { // not synced yet: it looks after its own as before
				step(region, old, here(region), -1)
				continue
			}
			heard[region] = true
			step(region, next, here(region, old, next), r.IntN(6)-1)
		}
		desired := State{Zones: []zone.HostedZone{exampleZone()}}
		for _, region := range regions {
			step(region, next, here(region, old, next), -1)
			desired = both(desired, wants(next, region))
			if gone, err := Destroy(w.state(), []string{old}, here(region)); err != nil || !gone.Empty() {
				t.Fatalf("seed %d: of the predecessor there is: %v\n%s", seed, err, gone.Text(false))
			}
			if p, err := Diff(w.state(), wants(next, region), here(region)); err != nil || !p.Empty() {
				t.Fatalf("seed %d: something to do in %s: %v\n%s", seed, region, err, p.Text(false))
			}
			if id := w.check(t, next+"/"+region); !differs && id != ids[region] {
				t.Fatalf("seed %d: %s has the check %s, want %s, which was healthy", seed, region, id, ids[region])
			}
		}
		inState(t, w, desired)
		if len(w.checks) != len(regions) {
			t.Fatalf("seed %d: %d checks are left, want %d", seed, len(w.checks), len(regions))
		}
	}
}
