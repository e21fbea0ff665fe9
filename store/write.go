package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// A write waits until this node's State contains it and OnChange has returned (read your writes), or ctx ends, or etcd
// is lost after it has the write. A write that etcd has is never reported as failed. Without etcd a write fails with
// ErrUnavailable. It may have been made all the same when etcd was lost in the middle of it.

const (
	// attempts is how often a write is decided again when another node's write came first.
	attempts = 8

	// catchUp is how long a write waits to see the change that it lost against, or for its turn.
	catchUp = 5 * time.Second
)

// A ChangeInfo is the receipt of a change.
type ChangeInfo struct {
	ID          string    `json:"id"` // "C…"
	Comment     string    `json:"comment,omitempty"`
	SubmittedAt time.Time `json:"submittedAt"`
	InSync      bool      `json:"-"` // every live node has applied it; always false in the receipt of a write
}

func newChangeInfo(comment string) ChangeInfo {
	return ChangeInfo{ID: newID("C"), Comment: comment, SubmittedAt: time.Now().UTC().Truncate(time.Millisecond)}
}

// newID returns a random id of the form that Route 53 gives zones and changes.
func newID(prefix string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	id := []byte(prefix)
	for len(id) < len(prefix)+20 {
		var b [32]byte
		rand.Read(b[:]) // never fails
		for _, c := range b {
			if int(c) < 256/len(alphabet)*len(alphabet) && len(id) < len(prefix)+20 { // every letter equally likely
				id = append(id, alphabet[int(c)%len(alphabet)])
			}
		}
	}
	return string(id)
}

// etcd returns the client if State follows etcd: a write decided on an old picture would be refused anyway.
func (s *Store) etcd() (*clientv3.Client, error) {
	connected, since := s.Connected()
	client := s.client.Load()
	if client == nil || !connected {
		return nil, fmt.Errorf("%w since %s", ErrUnavailable, since.UTC().Format(time.RFC3339))
	}
	return client, nil
}

// A transaction is one guarded write.
type transaction struct {
	guards   []clientv3.Cmp
	then     []clientv3.Op
	orElse   []clientv3.Op
	expiring []expiring
	cited    []string // health checks that must exist
	used     []string // what is used, by its key below usePrefix
	// outdated report whether a State has the change for which this transaction was refused.
	outdated []func(*State) bool
}

// An expiring value is kept for some days.
type expiring struct{ key, value string }

func (t *transaction) guard(c clientv3.Cmp)     { t.guards = append(t.guards, c) }
func (t *transaction) put(key, value string)    { t.then = append(t.then, clientv3.OpPut(key, value)) }
func (t *transaction) keep(key, value string)   { t.expiring = append(t.expiring, expiring{key, value}) }
func (t *transaction) delete(key string)        { t.then = append(t.then, clientv3.OpDelete(key)) }
func (t *transaction) readOnRefusal(key string) { t.orElse = append(t.orElse, clientv3.OpGet(key)) }
func (t *transaction) deletePrefix(prefix string) {
	t.then = append(t.then, clientv3.OpDelete(prefix, clientv3.WithPrefix()))
}

// expect guards that a key has the revision that it has in st. rev returns the key's revision in a State, 0 for a key
// that does not exist.
func (t *transaction) expect(st *State, key string, rev func(*State) int64) {
	now := rev(st)
	t.guard(unchanged(key, now))
	t.outdated = append(t.outdated, func(st *State) bool { return rev(st) != now })
}

// use records that something is used from now on. expectUses guards that no new use of it was recorded since st.
func (t *transaction) use(kind, id string) {
	t.used = append(t.used, kind+"/"+id)
	t.put(usePrefix+kind+"/"+id, encode(""))
}

func (t *transaction) uses(kind, id string) bool { return slices.Contains(t.used, kind+"/"+id) }

func (t *transaction) expectUses(st *State, kind, id string) {
	t.expect(st, usePrefix+kind+"/"+id, func(st *State) int64 {
		rev, _ := st.uses.Get(kind + "/" + id)
		return rev
	})
}

// outdatedBy reports whether a State has the change for which the transaction was refused.
func (t *transaction) outdatedBy(st *State) bool {
	return slices.ContainsFunc(t.outdated, func(outdated func(*State) bool) bool { return outdated(st) })
}

// decide commits the transaction that f makes of State. When another write came first, it calls f again with the new
// State. After some attempts it returns ErrConcurrentModification. It returns an error of f as it is.
func (s *Store) decide(ctx context.Context, what string, f func(*State, *transaction) error) error {
	for range attempts {
		st := s.State()
		var t transaction
		if err := f(st, &t); err != nil {
			return err
		}
		r, err := s.commit(ctx, &t)
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		if r.Succeeded {
			s.settle(ctx, r.Header.Revision)
			return nil
		}
		s.awaitNewer(ctx, t.outdatedBy)
	}
	return fmt.Errorf("%s: %w", what, ErrConcurrentModification)
}

func unchanged(key string, rev int64) clientv3.Cmp {
	return clientv3.Compare(clientv3.ModRevision(key), "=", rev)
}
func absent(key string) clientv3.Cmp { return clientv3.Compare(clientv3.CreateRevision(key), "=", 0) }
func exists(key string) clientv3.Cmp { return clientv3.Compare(clientv3.CreateRevision(key), ">", 0) }

// commit runs a transaction. A refusal by its guards is no error: see Succeeded of the response.
func (s *Store) commit(ctx context.Context, t *transaction) (*clientv3.TxnResponse, error) {
	client, err := s.etcd()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	r, err := s.try(ctx, client, t)
	if errors.Is(err, rpctypes.ErrLeaseNotFound) { // of the receipts, of another cluster
		s.receipts.drop()
		r, err = s.try(ctx, client, t)
	}
	if err != nil {
		return nil, refusal(err, len(t.then)+len(t.expiring))
	}
	return r, nil
}

func (s *Store) try(ctx context.Context, client *clientv3.Client, t *transaction) (*clientv3.TxnResponse, error) {
	then := t.then
	if len(t.expiring) > 0 {
		lease, err := s.receipts.get(ctx, client)
		if err != nil {
			return nil, err
		}
		for _, a := range t.expiring {
			then = append(then, clientv3.OpPut(a.key, a.value, clientv3.WithLease(lease)))
		}
	}
	return client.Txn(ctx).If(t.guards...).Then(then...).Else(t.orElse...).Commit()
}

// refusal adds to an error of etcd what an operator can do about it.
func refusal(err error, ops int) error {
	switch {
	case errors.Is(err, rpctypes.ErrTooManyOps):
		return fmt.Errorf("etcd refuses a transaction of %d operations: run it with --max-txn-ops=10000", ops)
	case errors.Is(err, rpctypes.ErrRequestTooLarge):
		return fmt.Errorf("etcd refuses a transaction of this size: run it with --max-request-bytes=10485760")
	case errors.Is(err, rpctypes.ErrNoSpace):
		return fmt.Errorf("%w: its database is full: %w", ErrUnavailable, err)
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}

// awaitNewer waits until newer finds this node's State to be newer, and reports whether it did.
func (s *Store) awaitNewer(ctx context.Context, newer func(*State) bool) bool {
	ctx, cancel := context.WithTimeout(ctx, catchUp)
	defer cancel()
	return s.await(ctx, func() bool { return newer(s.state.Load()) })
}

// zoneLocks let this node's writes to a zone wait for each other, so that none is refused because of another. Zones
// share locks by hash.
type zoneLocks struct {
	seed  maphash.Seed
	locks [64]chan struct{}
}

func newZoneLocks() zoneLocks {
	l := zoneLocks{seed: maphash.MakeSeed()}
	for i := range l.locks {
		l.locks[i] = make(chan struct{}, 1)
	}
	return l
}

// lock waits for the lock of a zone. r53: C.6 "Concurrency": requests for one zone are processed one at
// a time.
func (l *zoneLocks) lock(ctx context.Context, zoneID string) (unlock func(), err error) {
	lock := l.locks[maphash.String(l.seed, zoneID)%uint64(len(l.locks))]
	timer := time.NewTimer(catchUp)
	defer timer.Stop()
	select {
	case lock <- struct{}{}:
		return func() { <-lock }, nil
	case <-timer.C:
		return nil, ErrPriorRequestNotComplete
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
