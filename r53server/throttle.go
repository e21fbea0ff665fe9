package r53server

import (
	"sync"
	"time"

	"github.com/bulkhead-dns/bulkhead/rate"
)

// A Throttle refuses what is faster than Route 53's rates: requests, by account and by operation, and changes. Route 53
// counts per account. An engine is one account, and every node counts for itself. A nil Throttle refuses nothing. It
// never grows: every operation has its bucket from the start.
type Throttle struct {
	mu         sync.Mutex
	account    *rate.Bucket
	operations map[string]*rate.Bucket
	changes    *rate.Bucket
}

// NewThrottle returns a Throttle with full buckets. It has no clock: its methods are given the time.
func NewThrottle() *Throttle {
	t := &Throttle{account: rate.NewBucket(rate.Account(), 1), changes: rate.NewBucket(rate.Changes(), 1),
		operations: map[string]*rate.Bucket{}}
	for _, r := range routes() {
		t.operations[r.operation] = rate.NewBucket(rate.Operation(r.operation), 1)
	}
	return t
}

// Request refuses a request that is too fast for its operation or for the account. A refused request costs nothing in
// either bucket (unconfirmed): otherwise clients that retry would never get through.
func (t *Throttle) Request(operation string, now time.Time) error {
	if t == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.account.Has(1, now) || !t.operations[operation].Take(1, now) {
		return rateExceeded()
	}
	t.account.Take(1, now)
	return nil
}

// Change refuses changes of that cost when they are too fast. Changes that the store refuses later have cost the same
// (unconfirmed).
func (t *Throttle) Change(cost int, now time.Time) error {
	if t == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.changes.Take(cost, now) {
		return rateExceeded()
	}
	return nil
}
