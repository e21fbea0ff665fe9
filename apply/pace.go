package apply

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/bulkhead-dns/bulkhead/rate"
)

// A bucket takes a part of a rate, from leastShare to most. Others may call the same account and know nothing of us:
// only AWS's refusals tell of them. A refusal halves the part, and time adds to it again. Everybody does the same, so
// that those who share an account come to equal parts.
type bucket struct {
	*rate.Bucket
	most  float64   // the greatest part
	share float64   // the part at the time since
	since time.Time // of the last refusal that counted, or of the beginning
	// contended says that a call was refused once: others take from the same account.
	contended bool
}

const (
	leastShare = 1.0 / 32
	// mostStatuses leaves some of the scarce GetHealthCheckStatus to others from the beginning: a process that took all
	// would never be refused, and so never learn of them.
	mostStatuses = 0.9
	// regain is how long it takes from nothing to the whole rate.
	regain = 200 * time.Second
	// refusalsApart is how far apart refusals have to be to count: several of one moment are one piece of news.
	refusalsApart = 2 * time.Second
)

func (b *bucket) part(now time.Time) float64 {
	return min(b.most, b.share+float64(now.Sub(b.since))/float64(regain))
}

// take takes tokens and returns when they have come back.
func (b *bucket) take(n int, now time.Time) time.Time {
	wait := b.Borrow(n, b.part(now), now)
	if b.contended {
		// Processes that wait in step would take turns in which the same one always comes first.
		wait = time.Duration(float64(wait) * (0.5 + rand.Float64()))
	}
	return now.Add(wait)
}

// refused takes note that the account has none of the tokens that are here.
func (b *bucket) refused(now time.Time) {
	b.Drain()
	b.contended = true
	if now.Sub(b.since) >= refusalsApart {
		b.share, b.since = max(leastShare, b.part(now)/2), now
	}
}

// A pacer keeps an account within its rates, and within a part of them where others call it too; a nil pacer lets
// everything pass.
type pacer struct {
	statuses float64 // the greatest part of the rate of GetHealthCheckStatus
	mu       sync.Mutex
	buckets  map[string]*bucket // by operation; "" is the account's, "changes" that of changes
}

func newPacer(statuses float64) *pacer {
	return &pacer{statuses: statuses, buckets: make(map[string]*bucket)}
}

// wait returns when a call may be made that costs so many changes.
func (p *pacer) wait(ctx context.Context, operation string, changes int) error {
	if p == nil {
		return context.Cause(ctx)
	}
	return pause(ctx, time.Until(p.next(operation, changes, time.Now())))
}

// next takes the tokens of a call and returns when it may be made. A request passes all of its buckets. r53: C.8.
func (p *pacer) next(operation string, changes int, now time.Time) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := p.take("", rate.Account(), 1, now)
	if other := p.take(operation, rate.Operation(operation), 1, now); other.After(at) {
		at = other
	}
	if changes > 0 {
		if other := p.take("changes", rate.Changes(), changes, now); other.After(at) {
			at = other
		}
	}
	return at
}

func (p *pacer) take(name string, r rate.Rate, n int, now time.Time) time.Time {
	b := p.buckets[name]
	if b == nil {
		most := 1.0
		if name == "GetHealthCheckStatus" {
			most = min(p.statuses, mostStatuses)
		}
		b = &bucket{Bucket: rate.NewBucket(r, most), most: most, share: most, since: now.Add(-refusalsApart)}
		p.buckets[name] = b
	}
	return b.take(n, now)
}

// throttled notes that AWS refused a call for its rate.
func (p *pacer) throttled(operation string, now time.Time) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.buckets[operation].refused(now)
}
