package store

import (
	"context"
	"time"

	"github.com/bulkhead-dns/bulkhead/health"
)

// beginContact notes that a session with etcd begins.
func (s *Store) beginContact() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.contact.Begin(time.Now())
}

// hear notes that etcd answered.
func (s *Store) hear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.contact.Hear(time.Now()) {
		return
	}
	e := s.state.Load().edit(&s.pending, s.leased.holds)
	n := e.doubt(0)
	s.say(e, true)
	if n > 0 {
		s.o.Logger.Info("etcd is back for longer than a lease: other nodes' reports count again", "reports", n)
	}
}

// watchContact doubts what other nodes said whenever etcd is silent for a lease's time, until ctx ends.
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
	s.say(e, true)
	s.leased.again() // said as soon as etcd is back, so that the others know this node to live
	if n > 0 {
		s.o.Logger.Warn("etcd is away for longer than a lease: other nodes' reports do not count until it is back", "reports", n)
	}
	return wait
}

// doubtedOf is what is doubted in a State that was read from etcd after it had been away: as much as before, or everything when it
// counts by other revisions.
func doubtedOf(old, read *State) health.Doubt {
	if old.cluster == read.cluster && old.revision <= read.revision && old.doubted > 0 {
		return old.doubted
	}
	return health.Doubt(read.revision)
}
