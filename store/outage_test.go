package store_test

import (
	"bytes"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"github.com/bulkhead-dns/bulkhead/etcd/etcdtest"
	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/store"
	"github.com/bulkhead-dns/bulkhead/zone"
)

func disconnected(t *testing.T, s *store.Store) {
	t.Helper()
	await(t, "the loss of etcd to be noticed", func() bool { ok, _ := s.Connected(); return !ok })
}

func TestStoreLivesThroughARestartOfEtcd(t *testing.T) {
	t.Parallel()
	dir := etcdtest.Dir(t)
	server := etcdtest.StartIn(t, dir)
	s := start(t, server.Endpoint(), "n")
	z, c := createZone(t, s, "example.com", "r1"), createCheck(t, s, "ref")
	report := health.Report{Check: c.ID, Checker: "n/local", Healthy: true}
	put := func() {
		t.Helper()
		if err := s.PutReport(t.Context(), report); err != nil {
			t.Fatal(err)
		}
	}
	put()
	before := contents(s.State(), z.ID)
	server.Close()
	disconnected(t, s)

	if diff := cmp.Diff(before, contents(s.State(), z.ID)); diff != "" {
		t.Errorf("record sets without etcd (-before +now):\n%s", diff)
	}
	_, err := s.ChangeRecords(t.Context(), z.ID, "", create(record("www.example.com", "192.0.2.1")))
	wantError(t, err, store.ErrUnavailable)
	_, _, err = s.CreateHostedZone(t.Context(), zone.HostedZone{Name: "example.org.", CallerReference: "r2"})
	wantError(t, err, store.ErrUnavailable)
	_, err = s.GetChange(t.Context(), "C1")
	wantError(t, err, store.ErrUnavailable)
	report.Healthy = false // a transition while etcd is away
	put()
	if diff := cmp.Diff([]health.Report{report}, s.State().Reports(c.ID)); diff != "" {
		t.Errorf("own report without etcd (-want +got):\n%s", diff)
	}

	server = etcdtest.StartIn(t, dir)
	t.Cleanup(server.Close)
	connected(t, s)
	info := change(t, s, z.ID, create(record("www.example.com", "192.0.2.1"))...)
	await(t, "the change to be in sync", func() bool { return inSync(t, s, info.ID) })
	other := start(t, server.Endpoint(), "other")
	await(t, "the report to reach another node", func() bool {
		return cmp.Equal([]health.Report{report}, other.State().Reports(c.ID))
	})
}

func etcdClient(t *testing.T, endpoint string) *clientv3.Client {
	t.Helper()
	c, err := clientv3.New(clientv3.Config{Endpoints: []string{endpoint}, Logger: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestLostLeaseIsTakenAnewWithAllThatWasSaid(t *testing.T) {
	t.Parallel()
	endpoint := etcdtest.Start(t)
	s, other := start(t, endpoint, "n"), start(t, endpoint, "other")
	z, c := createZone(t, s, "example.com", "r1"), createCheck(t, s, "ref")
	report := health.Report{Check: c.ID, Checker: "n/local", Healthy: true}
	if err := s.PutReport(t.Context(), report); err != nil {
		t.Fatal(err)
	}
	said := func() bool { return cmp.Equal([]health.Report{report}, other.State().Reports(c.ID)) }
	await(t, "the report on the other node", said)
	client := etcdClient(t, endpoint)
	leases, err := client.Leases(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, lease := range leases.Leases { // those of the receipts of changes too
		if _, err := client.Revoke(t.Context(), lease.ID); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]health.Report{report}, s.State().Reports(c.ID)); diff != "" {
		t.Errorf("the node forgot its own report (-want +got):\n%s", diff)
	}
	await(t, "the report to be under another lease", func() bool {
		r, err := client.Get(t.Context(), "/bulkhead/report/"+c.ID+"/n/local")
		return err == nil && len(r.Kvs) == 1 && !slices.ContainsFunc(leases.Leases, func(l clientv3.LeaseStatus) bool {
			return l.ID == clientv3.LeaseID(r.Kvs[0].Lease)
		})
	})
	await(t, "the report to come back", said)
	info := change(t, s, z.ID, create(record("www.example.com", "192.0.2.1"))...)
	await(t, "a change to be in sync", func() bool { return inSync(t, s, info.ID) })
}

// What is kept for some days only is under a lease, so that etcd does not fill up; what must stay is under none.
func TestReceiptsExpire(t *testing.T) {
	t.Parallel()
	endpoint := etcdtest.Start(t)
	s, client := start(t, endpoint, "n"), etcdClient(t, endpoint)
	z := createZone(t, s, "example.com", "kept")
	info := change(t, s, z.ID, create(record("www.example.com", "192.0.2.1"))...)
	gone := createZone(t, s, "example.org", "gone")
	deleted, err := s.DeleteHostedZone(t.Context(), gone.ID, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for key, kept := range map[string]bool{
		"/bulkhead/change/" + info.ID: false, "/bulkhead/change/" + deleted.ID: false, "/bulkhead/caller/zone/gone": false,
		"/bulkhead/caller/zone/kept": true, "/bulkhead/zone/" + z.ID: true, "/bulkhead/rr/" + z.ID + "/com.example.www.,A,": true,
	} {
		r, err := client.Get(t.Context(), key)
		if err != nil || len(r.Kvs) != 1 {
			t.Fatalf("%s: %v, %v", key, r, err)
		}
		lease := clientv3.LeaseID(r.Kvs[0].Lease)
		if kept {
			if lease != 0 {
				t.Errorf("%s is under lease %x and would be lost", key, lease)
			}
			continue
		}
		ttl, err := client.TimeToLive(t.Context(), lease)
		if err != nil {
			t.Fatal(err)
		}
		const day = 24 * 60 * 60
		if ttl.TTL < 2*day || ttl.TTL > 4*day { // r53: B.8 "for some days"
			t.Errorf("%s expires in %d s, want some days", key, ttl.TTL)
		}
	}
}

// A node that was away for longer than etcd remembers reads everything anew, deletions included.
func TestNodeThatMissedCompactedHistoryStartsOver(t *testing.T) {
	t.Parallel()
	endpoint := etcdtest.Start(t)
	w := newWire(t, endpoint)
	far := start(t, w.endpoint, "far")
	near := start(t, endpoint, "near")
	z := createZone(t, near, "example.com", "r1")
	change(t, near, z.ID, create(record("old.example.com", "192.0.2.1"))...)
	await(t, "the record set on the far node", func() bool { return far.State().Records(z.ID).Len() == 3 })

	w.cut()
	disconnected(t, far)
	change(t, near, z.ID, batch(zone.Delete, []zone.ResourceRecordSet{record("old.example.com", "192.0.2.1")})...)
	change(t, near, z.ID, create(record("new.example.com", "192.0.2.1"))...)
	if _, err := etcdClient(t, endpoint).Compact(t.Context(), near.State().Revision()); err != nil {
		t.Fatal(err)
	}
	w.mend(t)
	await(t, "the far node to be level", func() bool { return far.State().Revision() >= near.State().Revision() })
	if diff := cmp.Diff(contents(near.State(), z.ID), contents(far.State(), z.ID)); diff != "" {
		t.Errorf("record sets (-near +far):\n%s", diff)
	}
}

// A wire leads to a server and can be cut.
type wire struct {
	endpoint, to string
	mu           sync.Mutex
	listener     net.Listener
	conns        []net.Conn
	copies       sync.WaitGroup
}

func newWire(t *testing.T, to string) *wire {
	path := filepath.Join(etcdtest.Dir(t), "wire")
	w := &wire{endpoint: "unix://" + path, to: strings.TrimPrefix(to, "unix://")}
	w.mend(t)
	t.Cleanup(w.cut)
	return w
}

func (w *wire) mend(t *testing.T) {
	l, err := net.Listen("unix", strings.TrimPrefix(w.endpoint, "unix://"))
	if err != nil {
		t.Fatal(err)
	}
	w.listener = l
	w.copies.Go(func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("unix", w.to)
			if err != nil {
				near.Close()
				continue
			}
			w.mu.Lock()
			w.conns = append(w.conns, near, far)
			w.mu.Unlock()
			w.copies.Go(func() { io.Copy(near, far); near.Close() })
			w.copies.Go(func() { io.Copy(far, near); far.Close() })
		}
	})
}

func (w *wire) cut() {
	w.listener.Close()
	w.mu.Lock()
	for _, c := range w.conns {
		c.Close()
	}
	w.conns = nil
	w.mu.Unlock()
	w.copies.Wait()
}

// snapshotOf runs a store with a snapshot over an etcd that it then stops, and returns the snapshot's path, what it
// should hold, and the endpoint that nobody serves any more.
func snapshotOf(t *testing.T) (path, endpoint string, z zone.HostedZone, c health.Check, sets []zone.ResourceRecordSet) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "snapshot")
	server := etcdtest.StartIn(t, etcdtest.Dir(t))
	var checkID string
	var mu sync.Mutex
	s, stop := run(t, store.Options{Endpoints: []string{server.Endpoint()}, Node: "n", SnapshotPath: path,
		Verdicts: func() map[string]bool {
			mu.Lock()
			defer mu.Unlock()
			return map[string]bool{checkID: false}
		}})
	connected(t, s)
	z, c = createZone(t, s, "example.com", "r1"), createCheck(t, s, "ref")
	mu.Lock()
	checkID = c.ID
	mu.Unlock()
	if err := s.PutLoadBalancer(t.Context(), zone.LoadBalancer{DNSName: "lb.elb.local.", HostedZoneID: "ZLAB"}); err != nil {
		t.Fatal(err)
	}
	change(t, s, z.ID, create(record("www.example.com", "192.0.2.1"))...)
	sets = contents(s.State(), z.ID)
	stop()
	server.Close()
	return path, server.Endpoint(), z, c, sets
}

func TestColdStartFromTheSnapshot(t *testing.T) {
	t.Parallel()
	path, endpoint, z, c, sets := snapshotOf(t)
	synctest.Test(t, func(t *testing.T) { // time passes only when everybody waits, however slow the machine is
		var mu sync.Mutex
		var told []store.Change
		s, _ := run(t, store.Options{Endpoints: []string{endpoint}, Node: "n", SnapshotPath: path,
			OnChange: func(_ *store.State, c store.Change) {
				mu.Lock()
				defer mu.Unlock()
				told = append(told, c)
			}})
		began := time.Now()
		<-s.Ready()
		if d := time.Since(began); d >= 2*time.Second {
			t.Errorf("an etcd that refuses connections delayed the start by %v", d)
		}
		mu.Lock()
		defer mu.Unlock()
		if diff := cmp.Diff([]store.Change{{Full: true}}, told); diff != "" {
			t.Errorf("OnChange (-want +got):\n%s", diff)
		}
		if ok, _ := s.Connected(); ok {
			t.Error("Connected without etcd")
		}
		st := s.State()
		gotZone, _ := st.Zone(z.ID)
		gotCheck, _ := st.Check(c.ID)
		if diff := cmp.Diff(z, gotZone); diff != "" {
			t.Errorf("zone (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(sets, contents(st, z.ID)); diff != "" {
			t.Errorf("record sets (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(c, gotCheck); diff != "" {
			t.Errorf("check (-want +got):\n%s", diff)
		}
		if healthy, ok := st.Verdict(c.ID); healthy || !ok {
			t.Errorf("verdict %v, %v: want unhealthy", healthy, ok)
		}
		if _, ok := st.LoadBalancer("lb.elb.local."); !ok {
			t.Error("the load balancer is missing")
		}
		_, err := s.ChangeRecords(t.Context(), z.ID, "", create(record("x.example.com", "192.0.2.1")))
		wantError(t, err, store.ErrUnavailable)
	})
}

// A snapshot that the disk does not take must not replace the one that is there. fsync of /dev/null fails.
func TestSnapshotThatIsNotOnDiskReplacesNothing(t *testing.T) {
	t.Parallel()
	path, endpoint, _, _, _ := snapshotOf(t)
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(os.DevNull, path+".tmp"); err != nil {
		t.Fatal(err)
	}
	var log syncBuffer
	s, stop := runLogged(t, store.Options{Endpoints: []string{endpoint}, Node: "n", SnapshotPath: path}, &log)
	await(t, "the snapshot to be served", func() bool { return s.State().ZoneCount() > 0 })
	stop()
	after, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(before, after) {
		t.Errorf("the snapshot was replaced: %d bytes, then %d, %v", len(before), len(after), err)
	}
	if !strings.Contains(log.String(), "the snapshot cannot be written") {
		t.Errorf("the log does not say that the snapshot cannot be written:\n%s", log.String())
	}
}

func TestDamagedSnapshotIsRefused(t *testing.T) {
	t.Parallel()
	path, endpoint, _, _, _ := snapshotOf(t)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Clone(whole)
	flipped[len(flipped)/2] ^= 1
	for name, content := range map[string][]byte{
		"a bit flipped": flipped,
		"cut short":     whole[:len(whole)-40],
		"empty":         {},
		"no gzip":       []byte("{}\n"),
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			var log syncBuffer
			s, stop := runLogged(t, store.Options{Endpoints: []string{endpoint}, Node: "n", SnapshotPath: path}, &log)
			await(t, "the refusal in the log", func() bool { return strings.Contains(log.String(), "the snapshot is refused") })
			stop()
			if s.State().ZoneCount() != 0 {
				t.Error("a damaged snapshot was served")
			}
			if n := strings.Count(log.String(), "level=ERROR"); n != 1 {
				t.Errorf("%d errors are logged, want one:\n%s", n, log.String())
			}
		})
	}
}

// An empty source never means delete all.
func TestEtcdThatComesBackEmptyIsRefused(t *testing.T) {
	t.Parallel()
	path, endpoint, z, _, sets := snapshotOf(t)
	var log syncBuffer
	s, _ := runLogged(t, store.Options{Endpoints: []string{endpoint}, Node: "n", SnapshotPath: path}, &log)
	<-s.Ready()
	dir := filepath.Dir(strings.TrimPrefix(endpoint, "unix://"))
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	server := etcdtest.StartIn(t, dir)
	t.Cleanup(server.Close)
	await(t, "the refusal in the log", func() bool { return strings.Contains(log.String(), "etcd is refused") })
	if diff := cmp.Diff(sets, contents(s.State(), z.ID)); diff != "" {
		t.Errorf("record sets (-before +now):\n%s", diff)
	}
	_, _, err := s.CreateHostedZone(t.Context(), zone.HostedZone{Name: "example.org.", CallerReference: "r"})
	wantError(t, err, store.ErrUnavailable)
	if n := strings.Count(log.String(), "level=ERROR"); n != 1 {
		t.Errorf("%d errors are logged, want one:\n%s", n, log.String())
	}

	// Once there is something in it, it is believed.
	createZone(t, start(t, endpoint, "other"), "example.net", "r")
	connected(t, s)
	if _, ok := s.State().Zone(z.ID); ok || s.State().ZoneCount() != 1 {
		t.Error("the restored etcd was not taken over")
	}
}

// A node that starts while etcd is empty serves its snapshot, and keeps it.
func TestEmptyEtcdAtTheStartIsRefused(t *testing.T) {
	t.Parallel()
	path, endpoint, z, _, sets := snapshotOf(t)
	dir := filepath.Dir(strings.TrimPrefix(endpoint, "unix://"))
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	server := etcdtest.StartIn(t, dir)
	for _, etcd := range []string{"empty", "away"} {
		var log syncBuffer
		s, stop := runLogged(t, store.Options{Endpoints: []string{endpoint}, Node: "n", SnapshotPath: path}, &log)
		<-s.Ready()
		if etcd == "empty" {
			await(t, "the refusal in the log", func() bool { return strings.Contains(log.String(), "etcd is refused") })
		}
		if diff := cmp.Diff(sets, contents(s.State(), z.ID)); diff != "" {
			t.Errorf("etcd is %s: record sets (-before +now):\n%s", etcd, diff)
		}
		stop()
		server.Close()
	}
}

// runLogged is run with the log in a buffer.
func runLogged(t *testing.T, o store.Options, log *syncBuffer) (s *store.Store, stop func()) {
	t.Helper()
	o.Logger = slog.New(slog.NewTextHandler(log, nil))
	return runAs(t, o)
}

// A syncBuffer is a buffer that may be read while it is written.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
