package controller

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/bulkhead-dns/bulkhead/api/v1alpha1"
	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// routedBy is the policy app01 with routing, as the controller of a Region sees it.
func (e *engine) routedBy(t testing.TB, region string, routing failover.Routing, ttl int64) []candidate {
	c := e.candidate(t, "app01", region)
	c.policy.Spec.Routing, c.policy.Spec.Regions[0].TTL = routing, &ttl
	return []candidate{c}
}

// group returns the record sets of app01 by Region.
func (e *engine) group(t testing.TB) map[string]*zone.ResourceRecordSet {
	t.Helper()
	state, err := e.worker(t, west, &wire{}).applier.Read(t.Context(), e.zones)
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]*zone.ResourceRecordSet)
	for _, r := range state.Records {
		if r.Set.Name == "app01.example.com." {
			all[r.Set.SetIdentifier] = &r.Set
		}
	}
	return all
}

// outcomeOf is that of a policy of a worker.
func outcomeOf(t testing.TB, w *worker, key string) outcome {
	t.Helper()
	o, known := w.outcomes()[key]
	if !known {
		t.Fatalf("nothing is known of %s: %v", key, w.outcomes())
	}
	return o
}

// Routing that a group can only change as a whole changes when the controllers of all its Regions have heard of it. Until then each status
// says who has not followed, and the answers stay as they are.
func TestRoutingChangesWhenAllRegionsAskForIt(t *testing.T) {
	e := startEngine(t)
	workers := map[string]*worker{west: e.worker(t, west, &wire{}), central: e.worker(t, central, &wire{})}
	now := time.Now()
	look := func(region string, routing failover.Routing, ttl int64) outcome {
		t.Helper()
		now = now.Add(time.Minute)
		e.mustPass(t, workers[region], e.routedBy(t, region, routing, ttl), now)
		return outcomeOf(t, workers[region], "team-a/app01")
	}
	latency := failover.Routing{Policy: failover.Latency}
	look(west, latency, 60)
	look(central, latency, 60)
	weights := failover.Routing{Policy: failover.Weighted, Weights: map[string]int64{west: 90, central: 10}}
	order := []string{west, central}
	for _, next := range []struct {
		routing failover.Routing
		ttl     int64
	}{
		{weights, 60},
		{weights, 30},
		{failover.Routing{Policy: failover.Failover, Order: []string{west, central}}, 30},
		{failover.Routing{Policy: failover.Failover, Order: []string{central, west}}, 30},
		{failover.Routing{Policy: failover.Geolocation, Locations: map[string]failover.Location{west: {Continent: "EU"}, central: {Country: "*"}}}, 30},
		{failover.Routing{Policy: failover.Geolocation, Locations: map[string]failover.Location{west: {Country: "*"}, central: {Continent: "EU"}}}, 30},
		{latency, 30},
	} {
		before := e.group(t)
		o := look(order[0], next.routing, next.ttl)
		if o.done || o.reason != v1alpha1.ReasonWaitsForRegions || !strings.Contains(o.message, order[1]+" asks for ") {
			t.Fatalf("%+v in %s alone: %+v", next, order[0], o)
		}
		if diff := cmp.Diff(before, e.group(t)); diff != "" {
			t.Fatalf("%+v in %s alone: before -, after +\n%s", next, order[0], diff)
		}
		first := look(order[1], next.routing, next.ttl)
		if !first.done && (first.reason != v1alpha1.ReasonWaitsForRegions || !strings.Contains(first.message, central+" changes all")) {
			t.Fatalf("%+v in both: %+v", next, first)
		}
		for _, region := range []string{central, west} {
			if o := look(region, next.routing, next.ttl); !o.done {
				t.Fatalf("%+v in both, %s: %+v", next, region, o)
			}
		}
		after := e.group(t)
		if diff := cmp.Diff(before, after); diff == "" || after[west].Policy() != after[central].Policy() || after[west].HealthCheckID != before[west].HealthCheckID {
			t.Fatalf("%+v: before -, after +\n%s", next, diff)
		}
		order[0], order[1] = order[1], order[0]
	}
}

// When the Region that is to make the change is gone after all have asked for it, another one makes it.
func TestRoutingDoesNotWaitForALostCluster(t *testing.T) {
	e := startEngine(t)
	west1, central1 := e.worker(t, west, &wire{}), e.worker(t, central, &wire{})
	first, swapped := failover.Routing{Policy: failover.Failover, Order: []string{west, central}}, failover.Routing{Policy: failover.Failover, Order: []string{central, west}}
	now := time.Now()
	e.mustPass(t, west1, e.routedBy(t, west, first, 60), now)
	e.mustPass(t, central1, e.routedBy(t, central, first, 60), now)
	e.mustPass(t, central1, e.routedBy(t, central, swapped, 60), now.Add(time.Minute)) // and ends
	for _, after := range []time.Duration{2 * time.Minute, 3 * time.Minute} {
		if e.provider == failover.AWS {
			break // rounds there are a minute apart, and take the time that is given to the other Region
		}
		e.mustPass(t, west1, e.routedBy(t, west, swapped, 60), now.Add(after))
		if o := outcomeOf(t, west1, "team-a/app01"); o.reason != v1alpha1.ReasonWaitsForRegions || !strings.Contains(o.message, central+" changes all") {
			t.Fatalf("after %v: %+v", after, o)
		}
	}
	e.mustPass(t, west1, e.routedBy(t, west, swapped, 60), now.Add(5*time.Minute))
	if o := outcomeOf(t, west1, "team-a/app01"); !o.done || e.group(t)[central].Failover != zone.Primary {
		t.Errorf("%+v, %+v", o, e.group(t))
	}
}

// Of two clusters in one Region the second waits and says for whom. It takes over when it is told to, moves the record set when its own
// check is healthy, and the end of the first removes nothing.
func TestSecondClusterOfARegionWaits(t *testing.T) {
	e := startEngine(t)
	cluster := func(name string) *worker {
		w := e.worker(t, west, &wire{})
		w.cluster, w.clusterName = "uid-"+name, name
		return w
	}
	blue, green := cluster("blue"), cluster("green")
	now := time.Now()
	asks := func(path string) []candidate {
		c := e.candidate(t, "app01", west)
		c.policy.Spec.HealthCheck.Path = path
		return []candidate{c}
	}
	e.mustPass(t, blue, asks("/blue"), now)
	before := e.group(t)
	for range 2 {
		now = now.Add(10 * time.Minute)
		e.mustPass(t, green, asks("/green"), now)
		if o := outcomeOf(t, green, "team-a/app01"); o.reason != v1alpha1.ReasonRegionHeld || !strings.Contains(o.message, "the cluster blue (uid-blue)") {
			t.Fatalf("%+v", o)
		}
	}
	if diff := cmp.Diff(before, e.group(t)); diff != "" {
		t.Fatalf("before -, after +\n%s", diff)
	}
	told := asks("/green")
	told[0].object.SetAnnotations(map[string]string{v1alpha1.TakeOverAnnotation: "blue"})
	e.mustPass(t, green, told, now)
	if o := outcomeOf(t, green, "team-a/app01"); !o.done || e.group(t)[west].HealthCheckID == before[west].HealthCheckID {
		t.Fatalf("told to take over: %+v", o)
	}
	taken := e.group(t)
	e.mustPass(t, blue, asks("/blue2"), now.Add(time.Second)) // it has the tags of its checks still
	if o := outcomeOf(t, blue, "team-a/app01"); o.reason != v1alpha1.ReasonRegionHeld || !strings.Contains(o.message, "green (uid-green)") {
		t.Errorf("the first: %+v", o)
	}
	e.remove(t, blue, asks("/blue2"), nil, now.Add(time.Minute))
	if diff := cmp.Diff(taken, e.group(t)); diff != "" {
		t.Errorf("at the end of the first: before -, after +\n%s", diff)
	}
}

// A policy moves to another namespace, and the clusters hear of it one long after the other. The Regions stay in one group, and neither
// waits for the other one.
func TestRegionsMoveToAnotherNamespaceOneByOne(t *testing.T) {
	e := startEngine(t)
	west1, central1 := e.worker(t, west, &wire{}), e.worker(t, central, &wire{})
	now := time.Now()
	list := map[string][]candidate{west: e.candidates(t, west, 1), central: e.candidates(t, central, 1)}
	e.mustPass(t, west1, list[west], now)
	e.mustPass(t, central1, list[central], now)
	before := e.group(t)
	moved := func(region string) []candidate {
		old := deleted(e.candidate(t, "app01", region), now)
		old.succeeded = true
		next := e.candidate(t, "app01", region)
		next.policy.Metadata.Namespace = "team-b"
		next.object = &v1alpha1.FailoverPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: "team-b", Name: "app01"}}
		return []candidate{old, next}
	}
	e.mustPass(t, west1, moved(west), now)
	apps, err := applications(board{candidates: moved(west)[1:], state: west1.state}, nil, failover.Engine, west)
	if err != nil || apps["team-b/app01"] == nil || len(apps["team-b/app01"].Regions) != 2 {
		t.Errorf("%v, %+v, want both Regions in the status", err, apps)
	}
	now = now.Add(time.Hour)
	changed := e.candidates(t, central, 1)
	changed[0].policy.Spec.HealthCheck.FailureThreshold = new(2)
	e.mustPass(t, central1, changed, now) // has not heard of it, and goes on
	if o := outcomeOf(t, central1, "team-a/app01"); !o.done {
		t.Errorf("the other Region: %+v", o)
	}
	e.mustPass(t, west1, moved(west)[1:], now)
	e.mustPass(t, central1, moved(central), now.Add(time.Minute))
	for region, w := range map[string]*worker{west: west1, central: central1} {
		if o := outcomeOf(t, w, "team-b/app01"); !o.done {
			t.Errorf("%s: %+v", region, o)
		}
	}
	if diff := cmp.Diff(before, e.group(t)); diff != "" {
		t.Errorf("record sets: before -, after +\n%s", diff)
	}
	state, err := e.applier(t, &wire{}).Read(t.Context(), e.zones)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range state.Checks {
		if plan.PolicyOf(c.Key) != "team-b/app01" {
			t.Errorf("there is a check of %s", c.Key)
		}
	}
}

// Two clusters of one Region stand side by side, by weight, where each has a name of its own as its Region. The end of one leaves the other.
func TestClustersOfARegionShareByWeight(t *testing.T) {
	const green = west + "-green"
	e := startEngine(t)
	blue1, green1 := e.worker(t, west, &wire{}), e.worker(t, green, &wire{})
	now := time.Now()
	shares := func(blue, share int64) {
		t.Helper()
		now = now.Add(time.Minute)
		routing := failover.Routing{Policy: failover.Weighted, Weights: map[string]int64{west: blue, green: share}}
		for region, w := range map[string]*worker{west: blue1, green: green1} {
			e.mustPass(t, w, e.routedBy(t, region, routing, 60), now)
			if o := outcomeOf(t, w, "team-a/app01"); !o.done {
				t.Fatalf("%s: %+v", region, o)
			}
		}
		if got := e.group(t); *got[west].Weight != blue || *got[green].Weight != share {
			t.Fatalf("%+v, want %d to %d", got, blue, share)
		}
	}
	shares(90, 10)
	shares(10, 90)
	e.remove(t, blue1, e.routedBy(t, west, failover.Routing{Policy: failover.Weighted}, 60), nil, now)
	if got := e.group(t); len(got) != 1 || got[green] == nil {
		t.Errorf("at the end of the first: %+v", got)
	}
}
