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

// All writes wait until this node's State contains them and OnChange was told (read your writes), or ctx ends, or etcd
// is lost after it took them: a write that etcd has is never reported as failed. With etcd away they fail with
// ErrUnavailable; such a write may have been made all the same if etcd went away in the middle of it.

const (
	// attempts is how often a write is decided anew when another node's write came first.
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
	guards  []clientv3.Cmp
	then    []clientv3.Op
	orElse  []clientv3.Op
	archive []archived
	cited   []string // health checks that must exist
	used    []string // what is used, by its key below usePrefix
	// outdated tell of a State whether it has what this transaction lost against, if it is refused.
	outdated []func(*State) bool
}

// An archived value is one that is kept for some days.
type archived struct{ key, value string }

func (t *transaction) guard(c clientv3.Cmp)     { t.guards = append(t.guards, c) }
func (t *transaction) put(key, value string)    { t.then = append(t.then, clientv3.OpPut(key, value)) }
func (t *transaction) keep(key, value string)   { t.archive = append(t.archive, archived{key, value}) }
func (t *transaction) delete(key string)        { t.then = append(t.then, clientv3.OpDelete(key)) }
func (t *transaction) otherwiseRead(key string) { t.orElse = append(t.orElse, clientv3.OpGet(key)) }
func (t *transaction) deletePrefix(prefix string) {
	t.then = append(t.then, clientv3.OpDelete(prefix, clientv3.WithPrefix()))
}

// expect guards that a key is as it is in st. rev reads the key's revision out of a State, 0 for a key that is not there.
func (t *transaction) expect(st *State, key string, rev func(*State) int64) {
	now := rev(st)
	t.guard(unchanged(key, now))
	t.outdated = append(t.outdated, func(st *State) bool { return rev(st) != now })
}

// use notes that something is used from now on; expectUses guards that nobody has come to use it since st.
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

// overtaken reports whether a State shows why a transaction was refused.
func (t *transaction) overtaken(st *State) bool {
	return slices.ContainsFunc(t.outdated, func(outdated func(*State) bool) bool { return outdated(st) })
}

// decide commits what f makes of State, and decides anew when another write came first; ErrConcurrentModification when
// that does not end. An error of f is returned as it is.
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
		s.seen(ctx, t.overtaken)
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
	if errors.Is(err, rpctypes.ErrLeaseNotFound) { // of the archive, of another cluster
		s.archive.drop()
		r, err = s.try(ctx, client, t)
	}
	if err != nil {
		return nil, refusal(err, len(t.then)+len(t.archive))
	}
	return r, nil
}

func (s *Store) try(ctx context.Context, client *clientv3.Client, t *transaction) (*clientv3.TxnResponse, error) {
	then := t.then
	if len(t.archive) > 0 {
		lease, err := s.archive.get(ctx, client)
		if err != nil {
			return nil, err
		}
		for _, a := range t.archive {
			then = append(then, clientv3.OpPut(a.key, a.value, clientv3.WithLease(lease)))
		}
	}
	return client.Txn(ctx).If(t.guards...).Then(then...).Else(t.orElse...).Commit()
}

// refusal tells what a person must know about an error of etcd.
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

// seen waits until this node's State has something newer, as newer finds, and reports whether it came.
func (s *Store) seen(ctx context.Context, newer func(*State) bool) bool {
	ctx, cancel := context.WithTimeout(ctx, catchUp)
	defer cancel()
	return s.await(ctx, func() bool { return newer(s.state.Load()) })
}

// zoneLocks make this node's writes to a zone wait for each other instead of refusing each other. Zones share locks by
// hash.
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

// lock waits for its turn and returns how to end it. r53: C.6 "Concurrency": requests for one zone are processed one at
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
