// Package store keeps hosted zones, record sets, health checks and reports in etcd, and gives every node the same
// immutable State of them.
//
// keys.go describes the keys. Every write is one etcd transaction, guarded by the revision on which it was decided. It
// is acknowledged when etcd has it on disk. Reads never ask etcd: they use State, which follows a watch. A snapshot on
// disk holds State for starts without etcd.
//
// A session with etcd (follow.go) lasts until something fails. Then it is retried with a backoff, and State stays:
//
//	         follow: a session after the other
//	                       │
//	probe ── no answer ────┼──► logDisconnected, serve the snapshot, back off, next session
//	                       │
//	load     everything at one revision, unless State is of this etcd and its history goes back so far
//	                       │
//	       ┌───────────────┼────────────────────────────┐
//	       ▼               ▼                            ▼
//	probe each second   watch: applyEvents       keepPublished: renew the lease, put this
//	heard: Contact         │                     node's reports and its applied revision
//	       │               ▼                            │
//	       │           State ──► dispatch ──► OnChange ─┘ acknowledged
//	       │               └───► snapshot on disk
//	       ▼
//	the first of the three that fails ends the session
package store

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/quota"
)

const (
	defaultLeaseTTL = 10 * time.Second
	minLeaseTTL     = time.Second // etcd counts whole seconds

	// snapshotAfter is how long Run waits for etcd before it serves the snapshot. A refusal does not make it wait.
	snapshotAfter = 2 * time.Second

	// requestTimeout bounds one request to etcd.
	requestTimeout = 5 * time.Second
)

// Options of New.
type Options struct {
	// Endpoints of etcd: "unix:///…/client.sock" of the embedded one, or "https://host:2379". A cluster of one's own must
	// run with --max-txn-ops=10000, since a change batch is one transaction.
	Endpoints []string
	TLS       *tls.Config // external etcd with mTLS; nil for the embedded one
	// Node is this node's name. Two live nodes of one name would be taken for one.
	Node string
	// SnapshotPath is the file of the last-good state for starts without etcd; empty keeps none.
	SnapshotPath string
	// LeaseTTL is how long reports of a dead node still count, at least 1 s, in whole seconds; 0 means 10 s.
	LeaseTTL time.Duration
	// Verdicts returns the current measured verdicts by check for the snapshot; nil stores none. It must not call the
	// store's writes.
	Verdicts func() map[string]bool
	// OnChange is called from Run, one call at a time, after every change of State. Changes that happen while it runs come
	// together in the next call. The first call has Full set. When it returns, the node has applied the State's revision
	// and acknowledges it for GetChange. nil does nothing.
	OnChange func(*State, Change)
	// OwnRegion reports whether latency records may have a Region that is not one of AWS; nil accepts none. All nodes
	// should accept the same.
	OwnRegion func(name string) bool
	// Limits are the account's quotas; the zero value sets none. All nodes should have the same.
	Limits quota.Limits
	Logger *slog.Logger // nil discards
}

// A Store is one node's client of the shared state.
type Store struct {
	o      Options
	ready  chan struct{}
	state  atomic.Pointer[State]
	leased *leased
	locks  zoneLocks

	client   atomic.Pointer[clientv3.Client] // while Run runs
	receipts sharedLease
	hints    sharedLease

	mu        sync.Mutex
	pending   pending
	applied   int64         // revision that OnChange has returned for
	moved     chan struct{} // closed and replaced when state or applied moves
	connected bool
	since     time.Time // of connected
	contact   health.Contact

	changed  chan struct{} // holds a token while pending has something for the dispatcher
	unsaved  chan struct{} // holds a token while the snapshot is behind
	verdicts map[string]bool
	cold     *State // the snapshot that this process started with; nil for none
	link     link
}

// New prepares a store; Run connects. The error is about the options.
func New(o Options) (*Store, error) {
	if len(o.Endpoints) == 0 {
		return nil, errors.New("the store needs at least one etcd endpoint")
	}
	if o.Node == "" {
		return nil, errors.New("the store needs the node's name")
	}
	if o.LeaseTTL == 0 {
		o.LeaseTTL = defaultLeaseTTL
	}
	if o.LeaseTTL < minLeaseTTL {
		return nil, fmt.Errorf("the lease of %v is too short: at least %v", o.LeaseTTL, minLeaseTTL)
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Store{
		o:        o,
		ready:    make(chan struct{}),
		leased:   newLeased(),
		locks:    newZoneLocks(),
		receipts: sharedLease{ttl: receiptTTL, renew: receiptRenew},
		hints:    sharedLease{ttl: hintTTL, renew: hintRenew},
		moved:    make(chan struct{}),
		since:    time.Now(),
		contact:  health.NewContact(o.LeaseTTL, time.Now()),
		changed:  make(chan struct{}, 1),
		unsaved:  make(chan struct{}, 1),
	}
	s.state.Store(newState())
	return s, nil
}

// Run loads etcd (or the snapshot, if etcd does not answer within two seconds), follows the watch, keeps the node's
// lease and writes snapshots until ctx ends; then it returns nil. A loss of etcd does not end it: it retries without
// end and logs each loss once. The error is about options that etcd's client refuses. Call Run once only.
func (s *Store) Run(ctx context.Context) error {
	client, err := dial(s.o)
	if err != nil {
		return err
	}
	defer client.Close()
	s.client.Store(client)
	defer s.client.Store(nil)

	s.cold = s.loadSnapshot()
	if s.cold != nil {
		s.verdicts = s.cold.verdicts
	}
	var tasks sync.WaitGroup
	tasks.Go(func() { s.follow(ctx, client) })
	tasks.Go(func() { s.saveSnapshots(ctx) })
	tasks.Go(func() { s.watchContact(ctx) })
	s.dispatch(ctx)
	tasks.Wait()
	s.saveLast()
	return nil
}

// dispatch calls OnChange with what changed, and wakes everyone who waits for that.
func (s *Store) dispatch(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.changed:
		}
		s.mu.Lock()
		st := s.state.Load()
		change, acknowledge, unsaved := s.pending.take()
		s.mu.Unlock()

		if !change.empty() && s.o.OnChange != nil {
			s.o.OnChange(st, change)
		}
		s.mu.Lock()
		s.applied = st.revision
		s.broadcast()
		s.mu.Unlock()
		if acknowledge {
			s.leased.set(nodePrefix+s.o.Node, nodeValue{st.revision}, true)
		}
		if change.Full {
			s.markReady()
		}
		if unsaved {
			token(s.unsaved)
		}
	}
}

func (s *Store) markReady() {
	select {
	case <-s.ready:
	default:
		close(s.ready)
	}
}

// Ready is closed when OnChange has returned for the first State, etcd's or the snapshot's. When it is etcd's, writes
// are accepted from then on.
func (s *Store) Ready() <-chan struct{} { return s.ready }

// Connected reports whether State currently follows etcd, and since when it does or does not.
func (s *Store) Connected() (bool, time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.connected, s.since
}

func (s *Store) setConnected(connected bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.connect(connected)
}

// connect is setConnected with s.mu held.
func (s *Store) connect(connected bool) {
	if s.connected != connected {
		s.connected, s.since = connected, time.Now()
		s.broadcast()
	}
}

// Limits returns the account's quotas, as in Options.
func (s *Store) Limits() quota.Limits { return s.o.Limits }

// State returns the current State; never nil. Before Ready it is empty.
func (s *Store) State() *State { return s.state.Load() }

// publish makes st the current State; s.mu is held.
func (s *Store) publish(st *State) {
	s.state.Store(st)
	s.broadcast()
	token(s.changed)
}

// broadcast wakes everyone in await; s.mu is held.
func (s *Store) broadcast() {
	close(s.moved)
	s.moved = make(chan struct{})
}

// await waits until done returns true, and reports whether it did. It calls done with s.mu held. It gives up when ctx
// ends or etcd is lost.
func (s *Store) await(ctx context.Context, done func() bool) bool {
	for {
		s.mu.Lock()
		ok, connected, moved := done(), s.connected, s.moved
		s.mu.Unlock()
		if ok || !connected {
			return ok
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return false
		}
	}
}

// settle waits until this node has applied a write, so that its author reads it.
func (s *Store) settle(ctx context.Context, rev int64) {
	s.await(ctx, func() bool { return s.applied >= rev })
}

// token puts a token in a channel that holds one.
func token(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
