package r53server

import (
	"sync"
	"time"

	"github.com/bulkhead-dns/bulkhead/zone"
)

// A rate is the size and the speed of a token bucket. interval is how long one token takes to come back.
type rate struct {
	capacity int
	interval time.Duration
}

// The rates of r53: C.8, counted per account; an engine is one account, and every node counts for itself.
func accountRate() rate { return rate{50, time.Second / 10} }

// changeRate is for changes of records and zones rather than for requests.
func changeRate() rate { return rate{1500, time.Second / 100} }

// actionRate is the rate of one operation. The rows that begin with "Upd" are (unconfirmed): the rate of an operation that
// is not listed holds for them too.
func actionRate(operation string) rate {
	switch operation {
	case "AssociateVPCWithHostedZone":
		return rate{20, time.Second / 5}
	case "DisassociateVPCFromHostedZone":
		return rate{10, time.Second / 5}
	case "ChangeCidrCollection", "CreateCidrCollection", "DeleteCidrCollection":
		return rate{40, time.Second / 5}
	case "CreateHealthCheck":
		return rate{50, 2 * time.Second}
	case "DeleteHealthCheck":
		return rate{15, time.Second / 3}
	case "CreateHostedZone", "CreateReusableDelegationSet":
		return rate{40, time.Second / 2}
	case "DeleteHostedZone", "DeleteReusableDelegationSet":
		return rate{40, time.Second / 5}
	case "CreateTrafficPolicyInstance", "DeleteTrafficPolicyInstance":
		return rate{1, time.Second}
	case "GetHealthCheckStatus", "GetHealthCheckLastFailureReason":
		return rate{4, time.Second}
	}
	return rate{50, time.Second / 10}
}

// What changes cost. r53: C.8.
const (
	zoneCost   = 2 // to create or to delete a hosted zone
	upsertCost = 2 // both a deletion and a creation, as in the limits of a batch (r53: C.6)
	recordCost = 1 // CREATE and DELETE
)

func batchCost(changes []zone.Change) int {
	cost := 0
	for _, c := range changes {
		if c.Action == zone.Upsert {
			cost += upsertCost
		} else {
			cost += recordCost
		}
	}
	return cost
}

// A bucket holds up to capacity tokens. It is one point in time: the one at which it was, or would have been, empty.
type bucket struct {
	rate
	empty time.Time
}

// take removes n tokens and reports whether they were there. Asking for more than fit asks for a full bucket: such a request
// has another fault, and its sender should hear of that instead of trying for ever.
func (b *bucket) take(n int, now time.Time) bool {
	if !b.has(n, now) {
		return false
	}
	b.empty = b.fill(now).Add(time.Duration(min(n, b.capacity)) * b.interval)
	return true
}

func (b *bucket) has(n int, now time.Time) bool {
	return !b.fill(now).Add(time.Duration(min(n, b.capacity)) * b.interval).After(now)
}

// fill returns when the bucket was empty, given that tokens beyond its capacity are lost.
func (b *bucket) fill(now time.Time) time.Time {
	if full := now.Add(-time.Duration(b.capacity) * b.interval); b.empty.Before(full) {
		return full
	}
	return b.empty
}

// A Throttle is Route 53's two limits: of requests, for the account and for each operation, and of changes. A nil Throttle
// lets everything pass. It never grows: every operation has its bucket from the start.
type Throttle struct {
	mu      sync.Mutex
	account bucket
	actions map[string]*bucket
	changes bucket
}

// NewThrottle returns a Throttle with full buckets. Its clock is that of the times it is given.
func NewThrottle() *Throttle {
	t := &Throttle{account: bucket{rate: accountRate()}, changes: bucket{rate: changeRate()}, actions: map[string]*bucket{}}
	for _, r := range routes() {
		t.actions[r.operation] = &bucket{rate: actionRate(r.operation)}
	}
	return t
}

// Request lets a request of an operation pass or refuses it. One that is refused costs nothing in either bucket
// (unconfirmed): clients that retry would never get through otherwise.
func (t *Throttle) Request(operation string, now time.Time) error {
	if t == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	action := t.actions[operation]
	if !t.account.has(1, now) || !action.take(1, now) {
		return rateExceeded()
	}
	t.account.take(1, now)
	return nil
}

// Change lets changes of that cost pass or refuses them. What the store refuses afterwards has cost all the same
// (unconfirmed).
func (t *Throttle) Change(cost int, now time.Time) error {
	if t == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.changes.take(cost, now) {
		return rateExceeded()
	}
	return nil
}
