package plan

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkhead-dns/bulkhead/zone"
)

// by wants app1 in some Regions, by what TagRouting says of each.
func by(routing map[string]string) State {
	s := State{Zones: []zone.HostedZone{exampleZone()}}
	for _, region := range []string{centralRegion, westRegion, "us-east-1"} {
		text, ok := routing[region]
		if !ok {
			continue
		}
		part := latency("team/app1", "app1.example.com", region)
		set := &part.Records[0].Set
		if strings.Contains(text, " ttl ") {
			set.AliasTarget, set.TTL, set.ResourceRecords = nil, new(int64(0)), []string{"192.0.2.1"}
		}
		if *set, ok = parseRouting(*set, text); !ok {
			panic(text)
		}
		s.Checks, s.Records = append(s.Checks, part.Checks...), append(s.Records, part.Records...)
	}
	return s
}

// routings returns what the record sets at app1's name are routed by, by Region.
func routings(w *world) map[string]string {
	all := make(map[string]string)
	for _, set := range w.records["ZEXAMPLE"].Group("app1.example.com.", zone.A) {
		all[set.SetIdentifier] = routingText(set)
	}
	return all
}

// waiting returns what a plan reports of routing that waits.
func waiting(p Plan) (waits []Finding) {
	for _, f := range p.Reports {
		if f.Kind == RoutingWaits {
			waits = append(waits, f)
		}
	}
	return waits
}

// What a group can only change together changes when the clusters of all its Regions ask for it, in one batch of one of
// them, and until then nothing of it changes.
func TestGroupsChangeTogether(t *testing.T) {
	for name, c := range map[string]struct{ from, to map[string]string }{
		"TTL of weighted members": {map[string]string{westRegion: "weighted 90 ttl 60", centralRegion: "weighted 10 ttl 60"},
			map[string]string{westRegion: "weighted 90 ttl 30", centralRegion: "weighted 10 ttl 30"}},
		"routing policy": {map[string]string{westRegion: "latency eu-west-1", centralRegion: "latency eu-central-1"},
			map[string]string{westRegion: "weighted 90", centralRegion: "weighted 10"}},
		"primary and secondary": {map[string]string{westRegion: "failover PRIMARY", centralRegion: "failover SECONDARY"},
			map[string]string{westRegion: "failover SECONDARY", centralRegion: "failover PRIMARY"}},
		"locations": {map[string]string{westRegion: "geolocation continent EU", centralRegion: "geolocation country default"},
			map[string]string{westRegion: "geolocation country default", centralRegion: "geolocation continent EU"}},
		"three Regions": {map[string]string{westRegion: "multivalue ttl 60", centralRegion: "multivalue ttl 60",
			"us-east-1": "multivalue ttl 60"},
			map[string]string{westRegion: "weighted 1 ttl 60", centralRegion: "weighted 0 ttl 60",
				"us-east-1": "weighted 255 ttl 60"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := build(t, by(c.from))
			ids := make(map[string]string)
			for region := range c.from {
				ids[region] = w.check(t, "team/app1/"+region)
			}
			last := centralRegion // the lowest, which makes the change when it has heard of it last
			for _, region := range []string{"us-east-1", westRegion} {
				if c.from[region] == "" {
					continue
				}
				for range 2 {
					p := w.reach(t, by(c.to), here(region))
					if diff := cmp.Diff(routings(w), c.from); diff != "" {
						t.Fatalf("%s alone changes the routing: got -, want +\n%s", region, diff)
					}
					waits := waiting(p)
					if len(waits) != 1 || waits[0].Agreed || !slices.Contains(waits[0].Regions, last) ||
						waits[0].Policy != "team/app1" ||
						!slices.Contains(waits[0].Checks, ids[last]) ||
						!strings.Contains(waits[0].Text, last+" asks for "+c.from[last]) ||
						!strings.Contains(waits[0].Text, "is to become "+c.to[region]) {
						t.Fatalf("%s waits for %+v, want %s", region, waits, last)
					}
				}
				if again, err := Diff(w.state(), by(c.to), here(region)); err != nil || !again.Empty() {
					t.Fatalf("while it waits there is to do: %v\n%s", err, again.Text(false))
				}
			}
			p := w.reach(t, by(c.to), here(last))
			if diff := cmp.Diff(routings(w), c.to); diff != "" || len(waiting(p)) != 0 || p.Counts.Calls.Total() != 1 {
				t.Fatalf("all ask for it: got -, want +\n%s\n%s", diff, p.Text(false))
			}
			for region := range c.to {
				if p, err := Diff(w.state(), by(c.to), here(region)); err != nil || !p.Empty() || len(waiting(p)) > 0 {
					t.Errorf("in %s there is to do: %v\n%s", region, err, p.Text(false))
				}
				if id := w.check(t, "team/app1/"+region); id != ids[region] {
					t.Errorf("%s has another check", region)
				}
			}
			inState(t, w, by(c.to))
		})
	}
}

// When the Region that makes the change hears of it first, the others say who it is, and it does so when it looks
// again.
func TestGroupIsChangedByTheLowestRegion(t *testing.T) {
	from := map[string]string{westRegion: "failover PRIMARY", centralRegion: "failover SECONDARY"}
	to := map[string]string{westRegion: "failover SECONDARY", centralRegion: "failover PRIMARY"}
	w := build(t, by(from))
	w.reach(t, by(to), here(centralRegion))
	p := w.reach(t, by(to), here(westRegion))
	waits := waiting(p)
	if len(waits) != 1 || !waits[0].Agreed || !slices.Equal(waits[0].Regions, []string{centralRegion}) {
		t.Fatalf("waits for %+v, want %s, which makes the change", waits, centralRegion)
	}
	lost := w.clone() // the cluster that was to do it is gone
	guard := here(westRegion)
	guard.Lead = true
	lost.reach(t, by(to), guard)
	w.reach(t, by(to), here(centralRegion))
	for name, w := range map[string]*world{"the lowest": w, "another one, which has waited": lost} {
		if diff := cmp.Diff(routings(w), to); diff != "" {
			t.Errorf("%s: got -, want +\n%s", name, diff)
		}
	}
}

// What a Region changes besides goes on while its routing waits, and its wish is known although record sets cite the
// old check.
func TestOwnChangesGoOnWhileRoutingWaits(t *testing.T) {
	from := map[string]string{westRegion: "weighted 90 ttl 60", centralRegion: "weighted 10 ttl 60"}
	to := map[string]string{westRegion: "weighted 20 ttl 30", centralRegion: "weighted 10 ttl 30"}
	w := build(t, by(from))
	desired := by(to)
	desired.Checks[1].Config.ResourcePath = "/ready"
	desired.Records[1].Set.ResourceRecords = []string{"192.0.2.9"}
	p, err := Diff(w.state(), desired, here(westRegion))
	wantSteps(t, p, err, "create-check team/app1/eu-west-1", "tag-check team/app1/eu-west-1", "wait team/app1/eu-west-1",
		"change-records",
		"  UPSERT app1.example.com. A eu-west-1", "delete-check team/app1/eu-west-1")
	stuck := w.clone()
	stuck.execute(t, p, 3) // and the new check is never healthy
	stuck.reach(t, by(to), here(centralRegion))
	if diff := cmp.Diff(routings(stuck),
		map[string]string{westRegion: "weighted 20 ttl 30", centralRegion: "weighted 10 ttl 30"}); diff != "" {
		t.Errorf("while the check of one is not healthy: got -, want +\n%s", diff)
	}
	w.execute(t, p, -1)
	// a weight is one's own
	want := map[string]string{westRegion: "weighted 20 ttl 60", centralRegion: "weighted 10 ttl 60"}
	if diff := cmp.Diff(routings(w), want); diff != "" {
		t.Errorf("got -, want +\n%s", diff)
	}
	if got := w.records["ZEXAMPLE"].Group("app1.example.com.", zone.A)[1].ResourceRecords[0]; got != "192.0.2.9" {
		t.Errorf("the target is %s", got)
	}
	w.reach(t, by(to), here(centralRegion))
	inState(t, w, both(State{Checks: by(to).Checks[:1], Records: by(to).Records[:1]},
		State{Checks: desired.Checks[1:], Records: desired.Records[1:]}))
}

// No alias is a multivalue answer: a target that waits for other routing stays with its check, until all Regions ask
// for that.
func TestTargetWaitsWhereItsRoutingIsImpossible(t *testing.T) {
	from := map[string]string{westRegion: "multivalue ttl 60", centralRegion: "multivalue ttl 60"}
	to := map[string]string{westRegion: "latency eu-west-1", centralRegion: "latency eu-central-1"} // of load balancers
	w := build(t, by(from))
	desired := by(to)
	desired.Checks[1].Config.ResourcePath = "/ready"
	before := asJSON(w.records["ZEXAMPLE"].Group("app1.example.com.", zone.A))
	p := w.reach(t, desired, here(westRegion))
	if len(waiting(p)) != 1 || asJSON(w.records["ZEXAMPLE"].Group("app1.example.com.", zone.A)) != before {
		t.Fatalf("one Region alone:\n%s", p.Text(false))
	}
	w.reach(t, desired, here(centralRegion))
	w.reach(t, desired, here(westRegion))
	inState(t, w, desired)
}

// A wish that is given up is not known any more.
func TestRoutingThatIsAskedForNoMore(t *testing.T) {
	from := map[string]string{westRegion: "failover PRIMARY", centralRegion: "failover SECONDARY"}
	to := map[string]string{westRegion: "failover SECONDARY", centralRegion: "failover PRIMARY"}
	w := build(t, by(from))
	w.reach(t, by(to), here(westRegion))
	w.reach(t, by(from), here(westRegion))
	p := w.reach(t, by(to), here(centralRegion))
	if waits := waiting(p); len(waits) != 1 || !slices.Equal(waits[0].Regions, []string{westRegion}) {
		t.Errorf("waits for %+v, want %s, which asks for what it has again", waits, westRegion)
	}
	if diff := cmp.Diff(routings(w), from); diff != "" {
		t.Errorf("got -, want +\n%s", diff)
	}
}

// A Region that is new to the group cannot join with other routing.
func TestRegionWithOtherRoutingWaitsToJoin(t *testing.T) {
	from := map[string]string{westRegion: "latency eu-west-1", centralRegion: "latency eu-central-1"}
	to := map[string]string{westRegion: "weighted 1", centralRegion: "weighted 1", "us-east-1": "weighted 1"}
	w := build(t, by(from))
	p, err := Diff(w.state(), by(to), here("us-east-1"))
	if err == nil || len(p.Refusals) != 1 || p.Refusals[0].Kind != RoutingWaits || len(p.Refusals[0].Regions) != 2 {
		t.Fatalf("%v, %+v", err, p.Refusals)
	}
	for _, region := range []string{westRegion, centralRegion, "us-east-1"} {
		w.reach(t, by(to), here(region))
	}
	inState(t, w, by(to))
}

// Clusters change their mind about routing, targets and checks and end in the middle of what they do, in any order: a
// group is never torn, nobody changes another's target or check, and once all ask for what goes together everybody has
// it after a few looks.
func TestClustersAgreeOnRouting(t *testing.T) {
	specs := []map[string]string{
		{westRegion: "latency eu-west-1", centralRegion: "latency eu-central-1", "us-east-1": "latency us-east-1"},
		{westRegion: "weighted 90 ttl 60", centralRegion: "weighted 10 ttl 60", "us-east-1": "weighted 0 ttl 60"},
		{westRegion: "weighted 10 ttl 30", centralRegion: "weighted 80 ttl 30", "us-east-1": "weighted 10 ttl 30"},
		{westRegion: "geolocation continent EU", centralRegion: "geolocation country default",
			"us-east-1": "geolocation country US"},
		{westRegion: "geolocation country default", centralRegion: "geolocation country US subdivision CA",
			"us-east-1": "geolocation continent EU"},
		{westRegion: "multivalue ttl 60", centralRegion: "multivalue ttl 60", "us-east-1": "multivalue ttl 60"},
	}
	regions := []string{westRegion, centralRegion, "us-east-1"}
	for seed := range uint64(1200) {
		r := rand.New(rand.NewPCG(seed, 13))
		now := make(map[string]State) // what each cluster asks for
		for _, region := range regions {
			now[region] = by(specs[0])
		}
		w := build(t, by(specs[0]))
		look := func(region string, calls int) {
			when := fmt.Sprintf("seed %d, %s", seed, region)
			before := w.clone()
			p, err := Diff(w.state(), now[region], here(region))
			if err != nil {
				t.Fatalf("%s: %v", when, err)
			}
			w.execute(t, p, calls)
			for _, set := range before.records["ZEXAMPLE"].Group("app1.example.com.", zone.A) {
				after, ok := w.records["ZEXAMPLE"].Get(set.Key())
				if !ok {
					t.Fatalf("%s: %s has no record set any more", when, set.SetIdentifier)
				}
				if other := *after; set.SetIdentifier != region &&
					(moves(set, &other) || set.HealthCheckID != other.HealthCheckID) {
					t.Fatalf("%s: %s has another target or check", when, set.SetIdentifier)
				}
			}
		}
		draw := func(region string, spec map[string]string) {
			s := by(spec)
			for i := range s.Checks {
				s.Checks[i].Config.ResourcePath = []string{"", "/ready"}[r.IntN(2)]
			}
			now[region] = s
		}
		for range 15 {
			region := regions[r.IntN(3)]
			if r.IntN(2) == 0 {
				draw(region, specs[r.IntN(len(specs))])
			}
			look(region, r.IntN(7)-1)
		}
		final := specs[r.IntN(len(specs))]
		for _, region := range regions {
			draw(region, final)
		}
		for range 3 {
			r.Shuffle(3, func(i, j int) { regions[i], regions[j] = regions[j], regions[i] })
			for _, region := range regions {
				look(region, -1)
			}
		}
		if diff := cmp.Diff(routings(w), final); diff != "" {
			t.Fatalf("seed %d: got -, want +\n%s", seed, diff)
		}
		for _, region := range regions {
			if p, err := Diff(w.state(), now[region], here(region)); err != nil || !p.Empty() || len(waiting(p)) > 0 {
				t.Fatalf("seed %d: in %s there is to do: %v\n%s", seed, region, err, p.Text(false))
			}
		}
		if len(w.checks) != 3 {
			t.Fatalf("seed %d: %d checks are left", seed, len(w.checks))
		}
	}
}

// What a tag says is what it was made of, and anything else is nothing.
func TestRoutingText(t *testing.T) {
	set := zone.ResourceRecordSet{TTL: new(int64(1))}
	for _, text := range []string{"weighted 0 ttl 0", "weighted 255 ttl 60", "latency eu-west-1 ttl 60",
		"failover PRIMARY ttl 5", "multivalue ttl 60",
		"geolocation continent EU ttl 60", "geolocation country default ttl 60",
		"geolocation country US subdivision CA ttl 60"} {
		got, ok := parseRouting(set, text)
		if again := routingText(&got); !ok || again != text {
			t.Errorf("%q is read as %q", text, again)
		}
	}
	alias, ok := parseRouting(zone.ResourceRecordSet{Weight: new(int64(1))}, "latency eu-west-1 ttl 60")
	if !ok || alias.TTL != nil || alias.Weight != nil || routingText(&alias) != "latency eu-west-1" {
		t.Errorf("an alias is routed by %q", routingText(&alias))
	}
	for _, text := range []string{"", "weighted", "weighted x", "latency", "failover", "simple", "weighted 1 ttl x",
		"near eu-west-1"} {
		if got, ok := parseRouting(set, text); ok {
			t.Errorf("%q is taken for %+v", text, got)
		}
	}
}
