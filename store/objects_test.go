package store_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"github.com/bulkhead-dns/bulkhead/cidr"
	"github.com/bulkhead-dns/bulkhead/etcd/etcdtest"
	"github.com/bulkhead-dns/bulkhead/quota"
	"github.com/bulkhead-dns/bulkhead/store"
	"github.com/bulkhead-dns/bulkhead/tagging"
	"github.com/bulkhead-dns/bulkhead/zone"
)

func put(location string, blocks ...string) []cidr.Change {
	return []cidr.Change{{LocationName: location, Action: cidr.Put, CIDRList: blocks}}
}

func remove(location string, blocks ...string) []cidr.Change {
	return []cidr.Change{{LocationName: location, Action: cidr.DeleteIfExists, CIDRList: blocks}}
}

func createCollection(t testing.TB, s *store.Store, name string) cidr.Collection {
	t.Helper()
	c, err := s.CreateCIDRCollection(t.Context(), name, name)
	if err != nil {
		t.Fatal(err)
	}
	if c, err = s.ChangeCIDRCollection(t.Context(), c.ID, 1, put("here", "192.0.2.0/24")); err != nil {
		t.Fatal(err)
	}
	return c
}

func byLocation(name, collection, location string) zone.ResourceRecordSet {
	set := record(name, "192.0.2.1")
	set.SetIdentifier, set.CidrRoutingConfig = location, &zone.CidrRoutingConfig{CollectionID: collection, LocationName: location}
	return set
}

func TestCIDRCollectionReferences(t *testing.T) { // r53: C.3
	s := start(t, etcdtest.Start(t), "n")
	c := createCollection(t, s, "a")
	again, err := s.CreateCIDRCollection(t.Context(), "a", "a")
	if diff := cmp.Diff(c, again, cmp.Comparer(func(a, b cidr.Collection) bool { return a.ID == b.ID && a.Version == b.Version })); err != nil || diff != "" {
		t.Errorf("the same request again: %v (-first +again):\n%s", err, diff)
	}
	_, err = s.CreateCIDRCollection(t.Context(), "a", "other")
	wantError(t, err, store.ErrCIDRCollectionExists)
	_, err = s.CreateCIDRCollection(t.Context(), "other", "a")
	wantError(t, err, store.ErrCIDRCollectionExists)
	if _, err := s.ChangeCIDRCollection(t.Context(), c.ID, 0, remove("here", "192.0.2.0/24")); err != nil {
		t.Fatal(err)
	}
	if err := s.DeleteCIDRCollection(t.Context(), c.ID); err != nil {
		t.Fatal(err)
	}
	_, err = s.CreateCIDRCollection(t.Context(), "a", "a")
	wantError(t, err, store.ErrCIDRCollectionExists)
	if _, err := s.CreateCIDRCollection(t.Context(), "a", "new"); err != nil {
		t.Errorf("the name is not free again: %v", err)
	}
}

func TestUsedLocationStays(t *testing.T) { // r53: A.8, C.3
	s := start(t, etcdtest.Start(t), "n")
	z, c := createZone(t, s, "example.com", "r1"), createCollection(t, s, "a")
	set := byLocation("www.example.com", c.ID, "here")
	change(t, s, z.ID, create(set)...)
	_, err := s.ChangeCIDRCollection(t.Context(), c.ID, 0, remove("here", "192.0.2.0/24"))
	var used *cidr.BlockInUse
	if !errors.As(err, &used) {
		t.Errorf("error %v, want *cidr.BlockInUse", err)
	}
	change(t, s, z.ID, batch(zone.Delete, []zone.ResourceRecordSet{set})...)
	if _, err := s.ChangeCIDRCollection(t.Context(), c.ID, 0, remove("here", "192.0.2.0/24")); err != nil {
		t.Errorf("a location that nobody uses: %v", err)
	}
}

// A record set and the deletion of its location, through two nodes at the same moment: one of them is refused.
func TestLocationIsNotTakenFromUnderARecordSet(t *testing.T) {
	t.Parallel()
	endpoint := etcdtest.Start(t)
	a, b := start(t, endpoint, "a"), start(t, endpoint, "b")
	z := createZone(t, a, "example.com", "r1")
	for i := range 10 {
		c := createCollection(t, a, fmt.Sprint("c", i))
		await(t, "b to have the collection", func() bool { got, _ := b.State().CIDRCollection(c.ID); return got.Version == 2 })
		var group errgroup.Group
		var created, deleted error
		group.Go(func() error {
			_, created = a.ChangeRecords(t.Context(), z.ID, "", create(byLocation(fmt.Sprintf("n%d.example.com", i), c.ID, "here")))
			return nil
		})
		group.Go(func() error {
			_, deleted = b.ChangeCIDRCollection(t.Context(), c.ID, 0, remove("here", "192.0.2.0/24"))
			return nil
		})
		if err := group.Wait(); err != nil {
			t.Fatal(err)
		}
		if (created == nil) == (deleted == nil) {
			t.Errorf("record set: %v; deletion of its location: %v: want one of them refused", created, deleted)
		}
	}
}

func TestTagsGoWithTheirResource(t *testing.T) { // r53: C.3
	s := start(t, etcdtest.Start(t), "n")
	z, c := createZone(t, s, "example.com", "r1"), createCheck(t, s, "ref")
	tags := []tagging.Tag{{Key: "a", Value: "b"}}
	for kind, id := range map[store.ResourceType]string{store.HostedZoneTags: z.ID, store.HealthCheckTags: c.ID} {
		if err := s.ChangeTags(t.Context(), kind, id, tags, nil); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tags, s.State().Tags(kind, id)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", kind, diff)
		}
	}
	if _, err := s.DeleteHostedZone(t.Context(), z.ID, time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := s.DeleteHealthCheck(t.Context(), c.ID); err != nil {
		t.Fatal(err)
	}
	if s.State().Tags(store.HostedZoneTags, z.ID) != nil || s.State().Tags(store.HealthCheckTags, c.ID) != nil {
		t.Error("tags are left")
	}
	wantError(t, s.ChangeTags(t.Context(), store.HostedZoneTags, z.ID, tags, nil), store.ErrNoSuchHostedZone)
	wantError(t, s.ChangeTags(t.Context(), store.HealthCheckTags, c.ID, tags, nil), store.ErrNoSuchHealthCheck)
}

func TestLimits(t *testing.T) { // r53: C.8
	limits := quota.Limits{HostedZones: 2, HealthChecks: 1, CIDRCollections: 1, ReusableDelegationSets: 1, ZonesPerDelegationSet: 1, RecordSetsPerZone: 2}
	s, _ := run(t, store.Options{Endpoints: []string{etcdtest.Start(t)}, Node: "n", Limits: limits})
	connected(t, s)
	set, err := s.CreateDelegationSet(t.Context(), "1", "")
	if err != nil {
		t.Fatal(err)
	}
	z, _, err := s.CreateHostedZoneOn(t.Context(), set.ID, zone.HostedZone{Name: "example.com.", CallerReference: "1"})
	if err != nil {
		t.Fatal(err)
	}
	exceeded := func(what string, err error) {
		t.Helper()
		var over *quota.LimitsExceeded
		if !errors.As(err, &over) {
			t.Errorf("%s: error %v, want *quota.LimitsExceeded", what, err)
		}
	}
	_, _, err = s.CreateHostedZoneOn(t.Context(), set.ID, zone.HostedZone{Name: "example.org.", CallerReference: "2"})
	exceeded("zones on a delegation set", err)
	_, err = s.CreateDelegationSet(t.Context(), "2", "")
	exceeded("delegation sets", err)
	createCollection(t, s, "a")
	_, err = s.CreateCIDRCollection(t.Context(), "b", "b")
	exceeded("CIDR collections", err)
	createZone(t, s, "example.net", "3")
	_, _, err = s.CreateHostedZone(t.Context(), zone.HostedZone{Name: "example.edu.", CallerReference: "4"})
	wantError(t, err, store.ErrTooManyHostedZones)
	first := createCheck(t, s, "ref")
	if again := createCheck(t, s, "ref"); again.ID != first.ID {
		t.Errorf("the same request at the limit made check %s, want %s", again.ID, first.ID)
	}
	_, err = s.CreateHealthCheck(t.Context(), "other", checkConfig(t, "example.com"))
	wantError(t, err, store.ErrTooManyHealthChecks)
	if _, err := s.ChangeRecords(t.Context(), z.ID, "", create(record("www.example.com", "192.0.2.1"))); err == nil {
		t.Error("a record set more than the limit was taken")
	}
}

// A node that starts without etcd still knows collections, delegation sets and tags.
func TestSnapshotHasEverythingThatIsListed(t *testing.T) {
	t.Parallel()
	server := etcdtest.StartIn(t, etcdtest.Dir(t))
	path := filepath.Join(t.TempDir(), "snapshot")
	o := store.Options{Endpoints: []string{server.Endpoint()}, Node: "n", SnapshotPath: path}
	s, stop := run(t, o)
	connected(t, s)
	z, c := createZone(t, s, "example.com", "r1"), createCollection(t, s, "a")
	set, err := s.CreateDelegationSet(t.Context(), "1", z.ID)
	if err != nil {
		t.Fatal(err)
	}
	tags := []tagging.Tag{{Key: "a", Value: "b"}}
	if err := s.ChangeTags(t.Context(), store.HostedZoneTags, z.ID, tags, nil); err != nil {
		t.Fatal(err)
	}
	stop()
	server.Close()
	cold, _ := run(t, o)
	<-cold.Ready()
	st := cold.State()
	gotC, _ := st.CIDRCollection(c.ID)
	gotSet, _ := st.DelegationSetOf(z)
	if gotC.Version != c.Version || len(gotC.Locations["here"]) != 1 {
		t.Errorf("collection %+v, want %+v", gotC, c)
	}
	if diff := cmp.Diff(set, gotSet); diff != "" {
		t.Errorf("delegation set (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(tags, st.Tags(store.HostedZoneTags, z.ID)); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
}
