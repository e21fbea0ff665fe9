package store_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkhead-dns/bulkhead/etcd/etcdtest"
	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/store"
	"github.com/bulkhead-dns/bulkhead/zone"
)

func inSync(t testing.TB, s *store.Store, id string) bool {
	t.Helper()
	info, err := s.GetChange(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return info.InSync
}

func TestNodesSeeEachOther(t *testing.T) {
	t.Parallel()
	endpoint := etcdtest.Start(t)
	a, b := start(t, endpoint, "a"), start(t, endpoint, "b")
	z, c := createZone(t, a, "example.com", "r1"), createCheck(t, a, "ref")
	change(t, a, z.ID, create(record("www.example.com", "192.0.2.1"))...)
	await(t, "b to have what a wrote", func() bool { return b.State().Revision() >= a.State().Revision() })
	if diff := cmp.Diff(contents(a.State(), z.ID), contents(b.State(), z.ID)); diff != "" {
		t.Errorf("record sets (-a +b):\n%s", diff)
	}
	if got, ok := b.State().Check(c.ID); !ok || !cmp.Equal(got, c) {
		t.Errorf("b has the check %+v, want %+v", got, c)
	}

	now := time.Now().UTC().Truncate(time.Second)
	ra := health.Report{Check: c.ID, Checker: "a/local", Healthy: true, Since: now}
	rb := health.Report{Check: c.ID, Checker: "b/local", Healthy: false, Since: now, Failure: "Failure: connection refused"}
	for s, r := range map[*store.Store]health.Report{a: ra, b: rb} {
		if err := s.PutReport(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(s.State().Reports(c.ID), r) {
			t.Errorf("the State of the checker's own node lacks its report")
		}
	}
	for _, s := range []*store.Store{a, b} {
		await(t, "both reports", func() bool { return slices.Equal(s.State().Reports(c.ID), []health.Report{ra, rb}) })
	}
	// A mere observation reaches the others too, when there is time.
	ra.CheckedTime = now.Add(time.Second)
	if err := a.PutReport(t.Context(), ra); err != nil {
		t.Fatal(err)
	}
	await(t, "the newer observation", func() bool { return slices.Contains(b.State().Reports(c.ID), ra) })
	wantError(t, a.PutReport(t.Context(), health.Report{Check: "none"}), store.ErrNoSuchHealthCheck)
}

func TestTargetHealthLivesAsLongAsItsOwner(t *testing.T) {
	t.Parallel()
	endpoint := etcdtest.Start(t)
	a := start(t, endpoint, "a")
	b, stopB := run(t, store.Options{Endpoints: []string{endpoint}, Node: "b"})
	connected(t, b)
	lb := zone.Name("lb.eu-west-1.elb.local.")
	if !a.State().TargetHealth(lb) {
		t.Error("without anybody's word a load balancer must count as healthy")
	}
	if err := b.PutTargetHealth(t.Context(), lb, false); err != nil {
		t.Fatal(err)
	}
	if b.State().TargetHealth("dualstack." + lb) {
		t.Error("the owner's State does not have its own word")
	}
	await(t, "a to hear of it", func() bool { return !a.State().TargetHealth(lb) })
	stopB()
	await(t, "the word to end with its owner", func() bool { return a.State().TargetHealth(lb) })
}

func TestReportsOfADeadNodeEnd(t *testing.T) {
	t.Parallel()
	endpoint := etcdtest.Start(t)
	a := start(t, endpoint, "a")
	c := createCheck(t, a, "ref")
	dead := startChild(t, endpoint, c.ID)
	await(t, "the report of the other node", func() bool { return len(a.State().Reports(c.ID)) == 1 })
	dead.kill(t)
	await(t, "its lease to end", func() bool { return a.State().Reports(c.ID) == nil })
}

// Route 53 says INSYNC when all name servers answer with the change; here every live node must have applied it.
func TestChangeIsPendingUntilEveryNodeHasAppliedIt(t *testing.T) {
	t.Parallel()
	endpoint := etcdtest.Start(t)
	a := start(t, endpoint, "a")
	z := createZone(t, a, "example.com", "r1")
	var paused sync.Mutex
	b, stopB := run(t, store.Options{Endpoints: []string{endpoint}, Node: "b", OnChange: func(*store.State, store.Change) {
		paused.Lock()
		defer paused.Unlock()
	}})
	connected(t, b)
	first := change(t, a, z.ID, create(record("a.example.com", "192.0.2.1"))...)
	await(t, "the first change to be in sync", func() bool { return inSync(t, a, first.ID) })

	paused.Lock()
	info, err := a.ChangeRecords(t.Context(), z.ID, "why", create(record("b.example.com", "192.0.2.1")))
	if err != nil {
		paused.Unlock()
		t.Fatal(err)
	}
	for range 20 {
		got, err := a.GetChange(t.Context(), info.ID)
		if err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(info, got); diff != "" { // InSync false
			t.Errorf("change (-receipt +got):\n%s", diff)
			break
		}
	}
	paused.Unlock()
	await(t, "the second change to be in sync", func() bool { return inSync(t, a, info.ID) })

	// A node that has left does not hold anything up.
	stopB()
	last := change(t, a, z.ID, create(record("c.example.com", "192.0.2.1"))...)
	await(t, "the last change to be in sync", func() bool { return inSync(t, a, last.ID) })
	_, err = a.GetChange(t.Context(), "CNONE")
	wantError(t, err, store.ErrNoSuchChange)
}

func TestOnChangeTellsWhatChanged(t *testing.T) {
	t.Parallel()
	endpoint := etcdtest.Start(t)
	var mu sync.Mutex
	var told []store.Change
	s, _ := run(t, store.Options{Endpoints: []string{endpoint}, Node: "n", OnChange: func(st *store.State, c store.Change) {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, c)
	}})
	connected(t, s)
	expect := func(what string, want store.Change) {
		t.Helper()
		mu.Lock()
		defer mu.Unlock()
		if diff := cmp.Diff([]store.Change{want}, told); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
		told = nil
	}
	expect("the first call", store.Change{Full: true})
	z := createZone(t, s, "example.com", "r1")
	apex := []store.Group{{ZoneID: z.ID, Name: z.Name, Type: zone.NS}, {ZoneID: z.ID, Name: z.Name, Type: zone.SOA}}
	expect("a new zone", store.Change{Zones: []string{z.ID}, Groups: apex})
	change(t, s, z.ID, create(record("www.example.com", "192.0.2.1"))...)
	expect("a batch", store.Change{Groups: []store.Group{{ZoneID: z.ID, Name: "www.example.com.", Type: zone.A}}})
	c := createCheck(t, s, "ref")
	expect("a new check", store.Change{Checks: []string{c.ID}})
	report := health.Report{Check: c.ID, Checker: "n/local", Healthy: true}
	put := func() {
		t.Helper()
		if err := s.PutReport(t.Context(), report); err != nil {
			t.Fatal(err)
		}
	}
	put()
	heard := func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(told) > 0
	}
	await(t, "the report to be told", heard)
	expect("a first report", store.Change{Reports: []string{c.ID}})
	report.Status = "Success: HTTP Status Code 200, OK"
	put() // the same health: not told
	report.Healthy = false
	put()
	await(t, "the transition to be told", heard)
	expect("a transition", store.Change{Reports: []string{c.ID}})
}

// Every acknowledged change is there, and none was lost to another node that wrote at the same time.
func TestNodesThatWriteToOneZoneLoseNothing(t *testing.T) {
	t.Parallel()
	endpoint := etcdtest.Start(t)
	nodes := []*store.Store{start(t, endpoint, "a"), start(t, endpoint, "b")}
	z := createZone(t, nodes[0], "example.com", "r1")
	await(t, "the zone on both nodes", func() bool { return nodes[1].State().ZoneCount() == 1 })
	const writers, writes = 6, 15
	acknowledged := make([][]string, writers)
	var refusals [writers]int
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range writes {
				name := fmt.Sprintf("w%d-%d.example.com.", w, i)
				for { // as clients do. r53: C.5 "Client retry behaviour"
					_, err := nodes[w%2].ChangeRecords(t.Context(), z.ID, "", create(record(name, "192.0.2.1")))
					if err == nil {
						acknowledged[w] = append(acknowledged[w], name)
						if _, ok := nodes[w%2].State().Records(z.ID).Get(zone.Key{Name: zone.Name(name), Type: zone.A}); !ok {
							t.Errorf("%s is acknowledged, but its node does not have it", name)
						}
						break
					}
					if !errors.Is(err, store.ErrPriorRequestNotComplete) {
						t.Errorf("%s: %v", name, err)
						return
					}
					refusals[w]++
				}
			}
		})
	}
	wg.Wait()
	t.Logf("refused as concurrent: %v", refusals)
	want := []string{"example.com. NS", "example.com. SOA"}
	for _, names := range acknowledged {
		for _, name := range names {
			want = append(want, name+" A")
		}
	}
	slices.Sort(want)
	fresh := start(t, endpoint, "c")
	for _, s := range append(nodes, fresh) {
		await(t, "all nodes to be level", func() bool { return s.State().Records(z.ID).Len() == len(want) })
		got := keys(s.State(), z.ID)
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("record sets (-acknowledged +stored):\n%s", diff)
		}
	}
}

// Of two nodes that create the same record set at the same time, one is told that it exists: each decides on the
// content that the zone has when it writes.
func TestNodesDecideOnTheZoneAsItIs(t *testing.T) {
	t.Parallel()
	endpoint := etcdtest.Start(t)
	nodes := []*store.Store{start(t, endpoint, "a"), start(t, endpoint, "b")}
	z := createZone(t, nodes[0], "example.com", "r1")
	await(t, "the zone on both nodes", func() bool { return nodes[1].State().ZoneCount() == 1 })
	for round := range 20 {
		name := fmt.Sprintf("r%d.example.com.", round)
		errs := make([]error, len(nodes))
		var wg sync.WaitGroup
		begin := make(chan struct{})
		for i, s := range nodes {
			wg.Go(func() {
				<-begin
				set := record(name, fmt.Sprintf("192.0.2.%d", i+1))
				_, errs[i] = s.ChangeRecords(t.Context(), z.ID, "", create(set))
			})
		}
		close(begin)
		wg.Wait()
		winner := slices.Index(errs, nil)
		if winner < 0 {
			t.Fatalf("%s: neither node created it: %v", name, errs)
		}
		if loser := errs[1-winner]; loser == nil || !strings.Contains(loser.Error(), "already exists") {
			t.Errorf("%s: the other node is told %v, want that it already exists", name, loser)
		}
		set, _ := nodes[winner].State().Records(z.ID).Get(zone.Key{Name: zone.Name(name), Type: zone.A})
		if want := fmt.Sprintf("192.0.2.%d", winner+1); set == nil || set.ResourceRecords[0] != want {
			t.Errorf("%s is %+v, want the winner's %s", name, set, want)
		}
	}
}

// A check may be deleted on one node while a batch on another cites it: the batch must not win with a check that is
// gone.
func TestBatchNeverCitesACheckDeletedElsewhere(t *testing.T) {
	t.Parallel()
	endpoint := etcdtest.Start(t)
	a, b := start(t, endpoint, "a"), start(t, endpoint, "b")
	z := createZone(t, a, "example.com", "r1")
	weight := int64(1)
	for i := range 10 {
		c := createCheck(t, a, fmt.Sprint(i))
		await(t, "the check on b", func() bool { _, ok := b.State().Check(c.ID); return ok })
		cites := record("www.example.com", "192.0.2.1")
		cites.Weight, cites.SetIdentifier, cites.HealthCheckID = &weight, fmt.Sprint(i), c.ID
		var wg sync.WaitGroup
		var batchErr error
		wg.Go(func() { _, batchErr = b.ChangeRecords(t.Context(), z.ID, "", create(cites)) })
		if err := a.DeleteHealthCheck(t.Context(), c.ID); err != nil {
			t.Fatal(err)
		}
		wg.Wait()
		var missing *zone.NoSuchHealthCheck
		if batchErr != nil && !errors.As(batchErr, &missing) {
			t.Errorf("the batch failed with %v", batchErr)
		}
		_, there := b.State().Records(z.ID).Get(cites.Key())
		if there != (batchErr == nil) {
			t.Errorf("the batch ended with %v, but its record set being there is %v", batchErr, there)
		}
	}
}
