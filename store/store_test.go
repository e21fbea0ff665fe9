package store_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/bulkhead-dns/bulkhead/etcd/etcdtest"
	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/store"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// The tests wait most of their time: more of them run at once than there are processors.
func TestMain(m *testing.M) {
	if os.Getenv(childScenario) != "" {
		os.Exit(runChild())
	}
	flag.Parse()
	if err := flag.Set("test.parallel", "16"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

// run runs a store until the test ends; stop ends it earlier. It does not wait for Ready.
func run(t testing.TB, o store.Options) (s *store.Store, stop func()) {
	t.Helper()
	o.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	return runAs(t, o)
}

// runAs is run with the options as they are.
func runAs(t testing.TB, o store.Options) (s *store.Store, stop func()) {
	t.Helper()
	s, err := store.New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(stop)
	return s, stop
}

// start runs a store named node and waits until it is connected.
func start(t testing.TB, endpoint, node string) *store.Store {
	t.Helper()
	s, _ := run(t, store.Options{Endpoints: []string{endpoint}, Node: node, LeaseTTL: time.Second})
	connected(t, s)
	return s
}

func connected(t testing.TB, s *store.Store) {
	t.Helper()
	await(t, "etcd to be followed", func() bool {
		ok, _ := s.Connected()
		select {
		case <-s.Ready():
			return ok
		default:
			return false
		}
	})
}

// await polls for something that other goroutines bring about.
func await(t testing.TB, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func createZone(t testing.TB, s *store.Store, name, reference string) zone.HostedZone {
	t.Helper()
	z, _, err := s.CreateHostedZone(t.Context(), zone.HostedZone{Name: zone.MustParseName(name), CallerReference: reference})
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func record(name, value string) zone.ResourceRecordSet {
	ttl := int64(60)
	return zone.ResourceRecordSet{Name: zone.MustParseName(name), Type: zone.A, TTL: &ttl, ResourceRecords: []string{value}}
}

func create(sets ...zone.ResourceRecordSet) []zone.Change { return batch(zone.Create, sets) }

func batch(action zone.Action, sets []zone.ResourceRecordSet) []zone.Change {
	changes := make([]zone.Change, len(sets))
	for i, set := range sets {
		changes[i] = zone.Change{Action: action, ResourceRecordSet: set}
	}
	return changes
}

func change(t testing.TB, s *store.Store, zoneID string, changes ...zone.Change) store.ChangeInfo {
	t.Helper()
	info, err := s.ChangeRecords(t.Context(), zoneID, "", changes)
	if err != nil {
		t.Fatal(err)
	}
	return info
}

func checkConfig(t testing.TB, name string) health.Config {
	t.Helper()
	c, err := health.Normalize(health.Config{Type: health.HTTP, FullyQualifiedDomainName: name}, health.Rules{})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func createCheck(t testing.TB, s *store.Store, reference string) health.Check {
	t.Helper()
	c, err := s.CreateHealthCheck(t.Context(), reference, checkConfig(t, "example.com"))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// contents lists the record sets of a zone, in order.
func contents(st *store.State, zoneID string) []zone.ResourceRecordSet {
	var sets []zone.ResourceRecordSet
	for set := range st.Records(zoneID).From(zone.Key{}) {
		sets = append(sets, *set)
	}
	return sets
}

func keys(st *store.State, zoneID string) []string {
	var keys []string
	for _, set := range contents(st, zoneID) {
		keys = append(keys, fmt.Sprint(set.Name, " ", set.Type))
	}
	return keys
}

func wantError(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
}

func TestWriteIsReadBack(t *testing.T) {
	t.Parallel()
	s := start(t, etcdtest.Start(t), "n")
	z := createZone(t, s, "example.com", "r1")
	// Listing order by reversed labels with the trailing dot. r53: C.7, G.1 rule 14
	change(t, s, z.ID, create(record("www.example.com", "192.0.2.1"), record("*.example.com", "192.0.2.2"),
		record("a-b.example.com", "192.0.2.3"), record("x.a.example.com", "192.0.2.4"))...)
	want := []string{
		"example.com. NS", "example.com. SOA", `\052.example.com. A`, "a-b.example.com. A", "x.a.example.com. A", "www.example.com. A",
	}
	if diff := cmp.Diff(want, keys(s.State(), z.ID)); diff != "" {
		t.Errorf("record sets (-want +got):\n%s", diff)
	}

	change(t, s, z.ID, append(batch(zone.Delete, []zone.ResourceRecordSet{record("www.example.com", "192.0.2.1")}),
		batch(zone.Upsert, []zone.ResourceRecordSet{record("a-b.example.com", "192.0.2.9")})...)...)
	if _, ok := s.State().Records(z.ID).Get(zone.Key{Name: "www.example.com.", Type: zone.A}); ok {
		t.Error("a deleted record set is still there")
	}
	got, _ := s.State().Records(z.ID).Get(zone.Key{Name: "a-b.example.com.", Type: zone.A})
	if got == nil || got.ResourceRecords[0] != "192.0.2.9" {
		t.Errorf("after an UPSERT the record set is %+v", got)
	}
}

func TestZoneHasApexRecordsAndNameServers(t *testing.T) {
	t.Parallel()
	s := start(t, etcdtest.Start(t), "n")
	z := createZone(t, s, "example.com", "r1")
	private, _, err := s.CreateHostedZone(t.Context(),
		zone.HostedZone{Name: "example.com.", CallerReference: "r2", PrivateZone: true, Comment: "inside"})
	if err != nil {
		t.Fatal(err)
	}
	// r53: A.13
	if diff := cmp.Diff([]string{
		"ns-0.awsdns-00.com", "ns-512.awsdns-00.net", "ns-1024.awsdns-00.org", "ns-1536.awsdns-00.co.uk",
	}, private.NameServers); diff != "" {
		t.Errorf("name servers of a private zone (-want +got):\n%s", diff)
	}
	if len(z.NameServers) != 4 || len(z.ID) != 21 || z.ID[0] != 'Z' {
		t.Errorf("zone %+v: want four name servers and an id of Z and 20 characters", z)
	}
	for i, domain := range []string{"com", "net", "org", "co.uk"} {
		var n, m int
		if _, err := fmt.Sscanf(z.NameServers[i], "ns-%d.awsdns-%02d."+domain, &n, &m); err != nil {
			t.Fatalf("name server %q: %v", z.NameServers[i], err)
		}
		if n/512 != i || m != n%512/8 {
			t.Errorf("name server %q is not numbered as Route 53's", z.NameServers[i])
		}
	}
	var records []zone.ResourceRecordSet
	for _, set := range zone.NewApexRecords(z) {
		records = append(records, *set)
	}
	if diff := cmp.Diff(records, contents(s.State(), z.ID)); diff != "" {
		t.Errorf("a new zone's record sets (-want +got):\n%s", diff)
	}
	var byName []string
	for z := range s.State().ZonesByName() {
		byName = append(byName, z.ID)
	}
	want := []string{z.ID, private.ID}
	slices.Sort(want)
	if diff := cmp.Diff(want, byName); diff != "" {
		t.Errorf("zones of one name are listed by id (-want +got):\n%s", diff)
	}
	got, _ := s.State().Zone(private.ID)
	if diff := cmp.Diff(private, got); diff != "" {
		t.Errorf("zone (-created +state):\n%s", diff)
	}
}

func TestZonesByNameFollowRoute53sOrder(t *testing.T) {
	t.Parallel()
	s := start(t, etcdtest.Start(t), "n")
	for _, name := range []string{"b.example.com", "example.org", "a-example.com", "example.com", "example-x.com"} {
		createZone(t, s, name, name)
	}
	var names []string
	for z := range s.State().ZonesByName() {
		names = append(names, string(z.Name))
	}
	// r53: C.7
	want := []string{"a-example.com.", "example-x.com.", "example.com.", "b.example.com.", "example.org."}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("zones by name (-want +got):\n%s", diff)
	}
	if n := s.State().ZoneCount(); n != len(want) {
		t.Errorf("ZoneCount is %d, want %d", n, len(want))
	}
}

func TestCallerReferenceOfAZoneIsNeverReused(t *testing.T) { // r53: C.2
	s := start(t, etcdtest.Start(t), "n")
	z := createZone(t, s, "example.com", "r1")
	again := func() error {
		_, _, err := s.CreateHostedZone(t.Context(), zone.HostedZone{Name: "example.com.", CallerReference: "r1"})
		return err
	}
	wantError(t, again(), store.ErrHostedZoneAlreadyExists)
	if _, err := s.DeleteHostedZone(t.Context(), z.ID, time.Now()); err != nil {
		t.Fatal(err)
	}
	wantError(t, again(), store.ErrHostedZoneAlreadyExists)
}

func TestZoneIsDeletedOnlyWhenEmpty(t *testing.T) { // r53: C.2
	s := start(t, etcdtest.Start(t), "n")
	z := createZone(t, s, "example.com", "r1")
	set := record("www.example.com", "192.0.2.1")
	change(t, s, z.ID, create(set)...)
	_, err := s.DeleteHostedZone(t.Context(), z.ID, time.Now())
	wantError(t, err, store.ErrHostedZoneNotEmpty)
	change(t, s, z.ID, batch(zone.Delete, []zone.ResourceRecordSet{set})...)
	info, err := s.DeleteHostedZone(t.Context(), z.ID, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := s.State().Zone(z.ID); ok || s.State().ZoneCount() != 0 || s.State().Records(z.ID).Len() != 0 {
		t.Error("a deleted zone is still there")
	}
	await(t, "the deletion to be in sync", func() bool { return inSync(t, s, info.ID) })
	_, err = s.DeleteHostedZone(t.Context(), z.ID, time.Now())
	wantError(t, err, store.ErrNoSuchHostedZone)
	_, err = s.ChangeRecords(t.Context(), z.ID, "", create(set))
	wantError(t, err, store.ErrNoSuchHostedZone)
}

func TestCommentOfAZoneCanBeChanged(t *testing.T) {
	t.Parallel()
	s := start(t, etcdtest.Start(t), "n")
	z := createZone(t, s, "example.com", "r1")
	got, err := s.UpdateHostedZoneComment(t.Context(), z.ID, "new")
	if err != nil {
		t.Fatal(err)
	}
	z.Comment = "new"
	inState, _ := s.State().Zone(z.ID)
	if diff := cmp.Diff([]zone.HostedZone{z, z}, []zone.HostedZone{got, inState}); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRefusedBatchChangesNothing(t *testing.T) { // r53: C.6 "Atomic"
	s := start(t, etcdtest.Start(t), "n")
	z := createZone(t, s, "example.com", "r1")
	before := contents(s.State(), z.ID)
	missing := []zone.ResourceRecordSet{record("x.example.com", "192.0.2.1")}
	_, err := s.ChangeRecords(t.Context(), z.ID, "",
		append(create(record("www.example.com", "192.0.2.1")), batch(zone.Delete, missing)...))
	var refused *zone.InvalidChangeBatch
	if !errors.As(err, &refused) {
		t.Errorf("error %v, want *zone.InvalidChangeBatch", err)
	}
	if diff := cmp.Diff(before, contents(s.State(), z.ID)); diff != "" {
		t.Errorf("a refused batch changed the zone (-before +after):\n%s", diff)
	}
}

func TestLargestBatchIsOneTransaction(t *testing.T) { // r53: C.6 "Batch size"
	s := start(t, etcdtest.Start(t), "n")
	z := createZone(t, s, "example.com", "r1")
	sets := make([]zone.ResourceRecordSet, 1000)
	for i := range sets {
		sets[i] = record(fmt.Sprintf("host-%d.example.com", i), "192.0.2.1")
	}
	change(t, s, z.ID, create(sets...)...)
	if n := s.State().Records(z.ID).Len(); n != 1002 {
		t.Errorf("the zone has %d record sets, want 1002", n)
	}
}

func TestAliasToALoadBalancerNeedsIt(t *testing.T) {
	t.Parallel()
	s := start(t, etcdtest.Start(t), "n")
	z := createZone(t, s, "example.com", "r1")
	lb := zone.LoadBalancer{DNSName: "lb-1.eu-west-1.elb.local.", HostedZoneID: "ZLAB"}
	alias := zone.ResourceRecordSet{Name: "www.example.com.", Type: zone.A, AliasTarget: &zone.AliasTarget{
		HostedZoneID: lb.HostedZoneID, DNSName: "dualstack.lb-1.eu-west-1.elb.local.", EvaluateTargetHealth: true,
	}}
	if _, err := s.ChangeRecords(t.Context(), z.ID, "", create(alias)); err == nil {
		t.Error("an alias to an unknown load balancer was taken")
	}
	if err := s.PutLoadBalancer(t.Context(), lb); err != nil {
		t.Fatal(err)
	}
	change(t, s, z.ID, create(alias)...)
	got, ok := s.State().LoadBalancer("dualstack.lb-1.eu-west-1.elb.local.")
	if diff := cmp.Diff(lb, got); !ok || diff != "" {
		t.Errorf("load balancer (-want +got):\n%s", diff)
	}
	if err := s.DeleteLoadBalancer(t.Context(), lb.DNSName); err != nil {
		t.Fatal(err)
	}
	if err := s.DeleteLoadBalancer(t.Context(), lb.DNSName); err != nil {
		t.Errorf("deleting it twice: %v", err)
	}
	if _, ok := s.State().LoadBalancer(lb.DNSName); ok {
		t.Error("a deleted load balancer is still there")
	}
}

func TestWritesAreTakenOnceReady(t *testing.T) {
	t.Parallel()
	endpoint := etcdtest.Start(t)
	for i := range 5 {
		s, stop := run(t, store.Options{Endpoints: []string{endpoint}, Node: "n"})
		<-s.Ready()
		createZone(t, s, "example.com", fmt.Sprint(i))
		stop()
	}
}

func TestOptionsThatCannotWork(t *testing.T) {
	t.Parallel()
	for _, o := range []store.Options{
		{Node: "n"},
		{Endpoints: []string{"unix:///x"}},
		{Endpoints: []string{"unix:///x"}, Node: "n", LeaseTTL: time.Millisecond},
	} {
		if _, err := store.New(o); err == nil {
			t.Errorf("New took %+v", o)
		}
	}
}
