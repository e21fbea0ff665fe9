package store

import (
	"context"
	"time"
)

// leaseSlack is how much longer than its time etcd may take to end a lease.
const leaseSlack = 2 * time.Second

// A contact knows whether the leases of other nodes can still be believed. A checker whose lease has ended is an absent vote, and that
// news comes through etcd: after a lease's time without etcd, nobody else is known to live, and what the others said last must not
// outvote what this node sees now.
//
// When etcd is back, what it still holds of the others proves little: an etcd that was down gives every lease its full time again. A
// report counts when it is written after that (each node that lost etcd says everything anew), or when its lease has outlived that
// time.
type contact struct {
	ttl   time.Duration
	heard time.Time // when etcd last answered
	began time.Time // when the present session with etcd began
	lost  bool      // other nodes' reports are doubted
}

// begin notes that a session with etcd begins at now.
func (c *contact) begin(now time.Time) { c.began, c.heard = now, now }

// hear notes that etcd answered at now. trust is true when other nodes' reports are to count again, once.
func (c *contact) hear(now time.Time) (trust bool) {
	c.heard = now
	if !c.lost || now.Sub(c.began) < c.ttl+leaseSlack {
		return false
	}
	c.lost = false
	return true
}

// silent notes that it is now. doubt is true when etcd has been silent for a lease's time, once; wait is when to ask again.
func (c *contact) silent(now time.Time) (doubt bool, wait time.Duration) {
	if c.lost {
		return false, c.ttl
	}
	if wait = c.ttl - now.Sub(c.heard); wait > 0 {
		return false, wait
	}
	c.lost = true
	return true, c.ttl
}

// beginContact notes that a session with etcd begins.
func (s *Store) beginContact() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.contact.begin(time.Now())
}

// hear notes that etcd answered.
func (s *Store) hear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.contact.hear(time.Now()) {
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
	doubt, wait := s.contact.silent(time.Now())
	if !doubt {
		return wait
	}
	st := s.state.Load()
	e := st.edit(&s.pending, s.leased.holds)
	n := e.doubt(st.revision)
	s.say(e, true)
	s.leased.again() // said as soon as etcd is back, so that the others know this node to live
	if n > 0 {
		s.o.Logger.Warn("etcd is away for longer than a lease: other nodes' reports do not count until it is back", "reports", n)
	}
	return wait
}

// doubtedOf is what is doubted in a State that was read from etcd after it had been away: as much as before, or everything when it
// counts by other revisions.
func doubtedOf(old, read *State) int64 {
	if old.cluster == read.cluster && old.revision <= read.revision && old.doubted > 0 {
		return old.doubted
	}
	return read.revision
}
