package store_test

import (
	"errors"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/bulkhead-dns/bulkhead/etcd/etcdtest"
	"github.com/bulkhead-dns/bulkhead/quota"
	"github.com/bulkhead-dns/bulkhead/store"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// Two nodes that switch accelerated recovery of two zones at the same moment: one of them is refused. r53: C.2, D.5.
func TestRecoveryIsSwitchedForOneZoneAtATime(t *testing.T) {
	t.Parallel()
	endpoint := etcdtest.Start(t)
	nodes := []*store.Store{start(t, endpoint, "a"), start(t, endpoint, "b")}
	now := time.Now()
	for round := range 5 {
		var zones []zone.HostedZone
		for i, s := range nodes {
			name := string(rune('a'+round)) + string(rune('a'+i))
			zones = append(zones, createZone(t, s, name+".example", name))
		}
		for _, s := range nodes {
			await(t, "both zones", func() bool { return s.State().ZoneCount() == 2*(round+1) })
		}
		var group errgroup.Group
		var accepted atomic.Int32
		for i, s := range nodes {
			group.Go(func() error {
				err := s.UpdateAcceleratedRecovery(t.Context(), zones[i].ID, true, now)
				if over := new(quota.LimitsExceeded); errors.As(err, &over) {
					return nil
				}
				accepted.Add(1)
				return err
			})
		}
		if err := group.Wait(); err != nil {
			t.Fatal(err)
		}
		if n := accepted.Load(); n != 1 {
			t.Errorf("round %d: %d zones were switched at the same moment, want 1", round, n)
		}
		now = now.Add(zone.RecoveryTransition)
	}
}

// The opposite wish waits until the transition is over, and a zone is deleted only when it is off again. r53: C.2, D.5.
func TestZoneWithRecoveryIsNotDeleted(t *testing.T) {
	t.Parallel()
	s := start(t, etcdtest.Start(t), "n")
	z := createZone(t, s, "example.com", "r1")
	now := time.Now()
	update := func(on bool) error { return s.UpdateAcceleratedRecovery(t.Context(), z.ID, on, now) }
	remove := func() error {
		_, err := s.DeleteHostedZone(t.Context(), z.ID, now)
		return err
	}
	wantError(t, update(false), nil)
	wantError(t, update(true), nil)
	wantError(t, update(true), nil)
	wantError(t, update(false), store.ErrPriorRequestNotComplete)
	wantError(t, remove(), store.ErrAcceleratedRecovery)
	now = now.Add(zone.RecoveryTransition)
	wantError(t, remove(), store.ErrAcceleratedRecovery)
	change(t, s, z.ID, create(record("www.example.com", "192.0.2.1"))...)
	change(t, s, z.ID, batch(zone.Delete, []zone.ResourceRecordSet{record("www.example.com", "192.0.2.1")})...)
	wantError(t, update(false), nil)
	wantError(t, remove(), store.ErrAcceleratedRecovery)
	now = now.Add(zone.RecoveryTransition)
	wantError(t, remove(), nil)
	wantError(t, update(true), store.ErrNoSuchHostedZone)
}

// What was switched is known after a start without etcd.
func TestRecoveryIsInTheSnapshot(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "snapshot")
	o := store.Options{Endpoints: []string{etcdtest.Start(t)}, Node: "n", SnapshotPath: path}
	s, stop := run(t, o)
	connected(t, s)
	z := createZone(t, s, "example.com", "r1")
	now := time.Now()
	wantError(t, s.UpdateAcceleratedRecovery(t.Context(), z.ID, true, now), nil)
	stop()
	o.Endpoints = []string{"unix:///nowhere/client.sock"}
	cold, stop := run(t, o)
	defer stop()
	await(t, "the zone of the snapshot", func() bool { return cold.State().ZoneCount() == 1 })
	again, _ := cold.State().Zone(z.ID)
	if got := again.RecoveryStatus(now.Add(zone.RecoveryTransition)); got != zone.RecoveryEnabled {
		t.Errorf("after the cold start it is %s, want ENABLED", got)
	}
}
