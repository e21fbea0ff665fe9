package plan

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/bulkhead-dns/bulkhead/tagging"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// in limits a plan to a Region and makes it for a cluster, which takes over from others.
func in(region, cluster string, takeOver ...string) Guard {
	return Guard{Regions: []string{region}, Cluster: "uid-" + cluster, ClusterName: cluster,
		TakeOver: map[string][]string{"team/app1": takeOver}}
}

// at wants app1 in one Region with a load balancer of one's own.
func at(region, balancer string) State {
	s := latency("team/app1", "app1.example.com", region)
	host := balancer + "." + region + ".elb.amazonaws.com"
	s.Checks[0].Config.FullyQualifiedDomainName = host
	s.Records[0].Set.AliasTarget = &zone.AliasTarget{HostedZoneID: "ZLB", DNSName: zone.MustParseName(host)}
	return s
}

// wantHeld wants a plan to be refused because of a cluster, and for nothing else.
func wantHeld(t *testing.T, p Plan, err error, by string) {
	t.Helper()
	var refused *Refused
	if !errors.As(err, &refused) || len(refused.Findings) != 1 || refused.Findings[0].Kind != HeldByCluster ||
		refused.Findings[0].Holder != by || refused.Findings[0].Policy != "team/app1" {
		t.Fatalf("%v, %+v, want refused for %s alone", err, p.Refusals, by)
	}
}

// Of two clusters in one Region the first looks after it, and the other one waits; it is told to take over, and moves
// the record set when its own check is healthy. From then on the first one waits, and its end removes nothing.
func TestClusterTakesARegionOver(t *testing.T) {
	w := newWorld(exampleZone())
	w.reach(t, at(westRegion, "blue"), in(westRegion, "blue"))
	p, err := Diff(w.state(), at(westRegion, "green"), in(westRegion, "green"))
	wantHeld(t, p, err, "blue (uid-blue)")
	if p, err := Destroy(w.state(), []string{"team/app1"}, in(westRegion, "green")); err != nil || !p.Empty() ||
		p.Reports[1].Kind != HeldByCluster {
		t.Fatalf("the end of the cluster that has nothing: %v\n%s", err, p.Text(false))
	}
	start := w.clone()
	p, err = Diff(w.state(), at(westRegion, "green"), in(westRegion, "green", "blue"))
	wantSteps(t, p, err, "tag-check team/app1/eu-west-1", "create-check team/app1/eu-west-1", "wait team/app1/eu-west-1",
		"change-records",
		"  UPSERT app1.example.com. A eu-west-1", "delete-check team/app1/eu-west-1")
	for calls, done := 0, false; !done; calls++ {
		w := start.clone()
		done = w.execute(t, p, calls)
		if calls > 0 {
			blue, err := Diff(w.state(), at(westRegion, "blue"), in(westRegion, "blue"))
			wantHeld(t, blue, err, "green (uid-green)")
			gone, err := Destroy(w.state(), []string{"team/app1"}, in(westRegion, "blue"))
			if err != nil || !gone.Empty() {
				t.Fatalf("after %d calls, the end of the first cluster: %v\n%s", calls, err, gone.Text(false))
			}
		}
		guard := in(westRegion, "green", "uid-blue") // by its identity as well as by its name
		if calls > 0 {
			guard = in(westRegion, "green")
		}
		w.reach(t, at(westRegion, "green"), guard)
		inState(t, w, at(westRegion, "green"))
		if len(w.checks) != 1 {
			t.Fatalf("after %d calls: %d checks are left", calls, len(w.checks))
		}
		again, err := Diff(w.state(), at(westRegion, "green"), in(westRegion, "green", "blue"))
		if err != nil || !again.Empty() {
			t.Fatalf("after %d calls: %v\n%s", calls, err, again.Text(false))
		}
	}
}

// A cluster that asks the same of the same endpoint goes on with the check.
func TestClusterTakesTheCheckOver(t *testing.T) {
	w := newWorld(exampleZone())
	w.reach(t, at(westRegion, "shared"), in(westRegion, "blue"))
	p, err := Diff(w.state(), at(westRegion, "shared"), in(westRegion, "green", "blue"))
	wantSteps(t, p, err, "tag-check team/app1/eu-west-1")
	if got := p.Steps[0].Check.Why; got != "taken over from the cluster blue (uid-blue)" {
		t.Errorf("why %q", got)
	}
}

// A check from before clusters had names gets one; a person at a terminal, and another Region's cluster, are not
// concerned.
func TestChecksWithoutAClusterGetOne(t *testing.T) {
	w := build(t, app1())
	p, err := Diff(w.state(), at(westRegion, "demoalb"), in(westRegion, "blue"))
	wantSteps(t, p, err, "tag-check team/app1/eu-west-1")
	w.execute(t, p, -1)
	if p, err = Diff(w.state(), at(westRegion, "demoalb"), in(westRegion, "blue")); err != nil || !p.Empty() {
		t.Errorf("again: %v\n%s", err, p.Text(false))
	}
	if p, err = Diff(w.state(), app1(), Guard{}); err != nil || !p.Empty() {
		t.Errorf("for nobody in particular: %v\n%s", err, p.Text(false))
	}
	if _, err = Diff(w.state(), at(centralRegion, "demoalb"), in(centralRegion, "other")); err != nil {
		t.Errorf("in another Region: %v", err)
	}
	if p, err = Destroy(w.state(), []string{"team/app1"}, Guard{}); err != nil || p.Counts.Objects.Delete != 4 {
		t.Errorf("destroyed by hand: %v\n%s", err, p.Text(false))
	}
}

// Another policy of the hostname, and a predecessor, are another cluster's just as much.
func TestPredecessorsOfOtherClustersStay(t *testing.T) {
	w := newWorld(exampleZone())
	w.reach(t, latency("team/old", "app1.example.com", westRegion), in(westRegion, "blue"))
	guard := in(westRegion, "green")
	guard.Successors = map[string]string{"team/old": "team/app1"}
	p, err := Diff(w.state(), at(westRegion, "demoalb"), guard)
	wantHeld(t, p, err, "blue (uid-blue)")
	guard.TakeOver["team/app1"] = []string{"blue"}
	p, err = Diff(w.state(), at(westRegion, "demoalb"), guard)
	wantSteps(t, p, err, "tag-check team/app1/eu-west-1")
}

// A policy of another namespace takes over what its own cluster has, and nothing that another one, or nobody in
// particular, made.
func TestNamespacesTakeNothingFromOtherClusters(t *testing.T) {
	for _, c := range []struct {
		maker  Guard
		refuse FindingKind
	}{
		{in(westRegion, "green"), ""},
		{Guard{Regions: []string{westRegion}}, HeldByPolicy},
		{in(westRegion, "blue"), HeldByCluster},
	} {
		w := newWorld(exampleZone())
		w.reach(t, latency("team-b/app", "app1.example.com", westRegion), c.maker)
		guard := in(westRegion, "green", "blue")
		guard.Successors = map[string]string{"team-b/app": "team/app1"}
		p, err := Diff(w.state(), at(westRegion, "demoalb"), guard)
		if c.refuse == "" {
			wantSteps(t, p, err, "tag-check team/app1/eu-west-1")
			continue
		}
		if err == nil || p.Refusals[0].Kind != c.refuse {
			t.Errorf("made by %q: %v, %+v, want %s", c.maker.Cluster, err, p.Refusals, c.refuse)
		}
	}
}

func TestClusterTags(t *testing.T) {
	for _, c := range []struct{ id, name, want string }{
		{"uid", "", "uid"},
		{"uid", "blue", "uid blue"},
		{"uid", "Blue & green", "uid Blue---green"},
	} {
		got := Guard{Cluster: c.id, ClusterName: c.name}.cluster()
		if got.Value != c.want {
			t.Errorf("%q, want %q", got.Value, c.want)
		}
		if id, _ := ClusterOf([]tagging.Tag{got}); id != c.id {
			t.Errorf("%q is of %q, want %q", got.Value, id, c.id)
		}
	}
}

// Two clusters of one Region change what they want, end in the middle, and are told to take over, in any order: no
// cluster touches what bears the other's tag, the name is answered all the time, and the last that was told has it in
// the end.
func TestClustersOfOneRegionDoNotFight(t *testing.T) {
	clusters := []string{"blue", "green"}
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 12))
		w := newWorld(exampleZone())
		w.reach(t, at(westRegion, "blue"), in(westRegion, "blue"))
		holder := "blue"
		for range 12 {
			me := clusters[r.IntN(2)]
			desired := at(westRegion, me)
			desired.Checks[0].Config.ResourcePath = []string{"", "/ready"}[r.IntN(2)]
			guard := in(westRegion, me)
			if me != holder && r.IntN(3) == 0 {
				guard.TakeOver["team/app1"] = []string{holder}
			}
			before := asJSON(w.state().Records)
			var p Plan
			var err error
			if r.IntN(4) == 0 && me != holder && guard.TakeOver["team/app1"] == nil {
				p, err = Destroy(w.state(), []string{"team/app1"}, guard)
			} else {
				p, err = Diff(w.state(), desired, guard)
			}
			calls := r.IntN(6) - 1
			if err == nil {
				w.execute(t, p, calls)
			}
			when := fmt.Sprintf("seed %d, %s while %s has it", seed, me, holder)
			if me != holder && guard.TakeOver["team/app1"] == nil && asJSON(w.state().Records) != before {
				t.Fatalf("%s: the record sets are changed", when)
			}
			if guard.TakeOver["team/app1"] != nil && calls != 0 {
				holder = me
			}
			if n := len(w.records["ZEXAMPLE"].Group("app1.example.com.", zone.A)); n != 1 {
				t.Fatalf("%s: %d answers", when, n)
			}
		}
		w.reach(t, at(westRegion, holder), in(westRegion, holder))
		inState(t, w, at(westRegion, holder))
		if len(w.checks) != 1 {
			t.Fatalf("seed %d: %d checks are left", seed, len(w.checks))
		}
	}
}
