package health

import "time"

// leaseSlack is how much longer than its time etcd may take to end a lease.
const leaseSlack = 2 * time.Second

// A Contact decides whether the leases of other nodes can be believed. A checker whose lease has ended is an absent
// vote, and a node learns of that end through etcd. After a lease's time without etcd the node knows no other node to
// be live, and their last reports must not outvote what it sees itself: it doubts them.
//
// An etcd that was down gives every lease its full time again, so the reports that it still holds prove little. A
// report counts again when its author writes it after the outage (each node that lost etcd publishes everything again),
// or when a session with etcd has lasted so long that the lease of a dead node would have ended in it.
type Contact struct {
	ttl   time.Duration
	heard time.Time // when etcd last answered
	began time.Time // when the present session with etcd began
	lost  bool      // other nodes' reports are doubted
}

// NewContact begins at now; ttl is how long a lease lasts.
func NewContact(ttl time.Duration, now time.Time) Contact { return Contact{ttl: ttl, heard: now} }

// Begin records that a session with etcd begins at now.
func (c *Contact) Begin(now time.Time) { c.began, c.heard = now, now }

// Hear records that etcd answered at now. It returns true once, when other nodes' reports count again.
func (c *Contact) Hear(now time.Time) (trust bool) {
	c.heard = now
	if !c.lost || now.Sub(c.began) < c.ttl+leaseSlack {
		return false
	}
	c.lost = false
	return true
}

// Silent asks at now whether etcd has been silent for a lease's time. doubt is true once, when it has; wait is the time
// until the next question.
func (c *Contact) Silent(now time.Time) (doubt bool, wait time.Duration) {
	if c.lost {
		return false, c.ttl
	}
	if wait = c.ttl - now.Sub(c.heard); wait > 0 {
		return false, wait
	}
	c.lost = true
	return true, c.ttl
}

// Lost reports whether other nodes' reports are doubted.
func (c *Contact) Lost() bool { return c.lost }

// A Doubt is an etcd revision: what other nodes wrote at it or before does not count. 0 doubts nothing.
type Doubt int64

// Counts reports whether the author of what was written at an etcd revision is known to be live. Revision 0 is this
// node's own word, which needs no etcd.
func (d Doubt) Counts(revision int64) bool { return revision == 0 || revision > int64(d) }
