package store

import (
	"context"
	"time"

	"github.com/bulkhead-dns/bulkhead/health"
)

// beginContact records that a session with etcd begins.
func (s *Store) beginContact() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.contact.Begin(time.Now())
}

// hear records that etcd answered.
func (s *Store) hear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.contact.Hear(time.Now()) {
		return
	}
	e := s.state.Load().edit(&s.pending, s.leased.holds)
	n := e.doubt(0)
	s.publishOwn(e, true)
	if n > 0 {
		s.o.Logger.Info("etcd has answered for longer than a lease: other nodes' reports count again", "reports", n)
	}
}

// watchContact doubts other nodes' reports whenever etcd is silent for a lease's time, until ctx ends.
func (s *Store) watchContact(ctx context.Context) {
	for wait := s.o.LeaseTTL; sleep(ctx, wait) == nil; {
		wait = s.silent()
	}
}

func (s *Store) silent() (wait time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	doubt, wait := s.contact.Silent(time.Now())
	if !doubt {
		return wait
	}
	st := s.state.Load()
	e := st.edit(&s.pending, s.leased.holds)
	n := e.doubt(health.Doubt(st.revision))
	s.publishOwn(e, true)
	s.leased.retryAll() // published as soon as etcd is back: it shows the others that this node is live
	if n > 0 {
		s.o.Logger.Warn("etcd has not answered for the time of a lease: other nodes' reports do not count until it does",
			"reports", n)
	}
	return wait
}

// doubtedOf returns the doubt in a State that was read after etcd had been lost: the same as before, or everything when
// the revisions are those of another etcd.
func doubtedOf(old, read *State) health.Doubt {
	if old.cluster == read.cluster && old.revision <= read.revision && old.doubted > 0 {
		return old.doubted
	}
	return health.Doubt(read.revision)
}
