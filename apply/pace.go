package apply

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// A rate is the capacity of a token bucket and how long one token takes to come back.
type rate struct {
	capacity float64
	interval time.Duration
}

// The rates of an account: of all requests together, and of changes of record sets. r53: C.8.
func accountRate() rate { return rate{50, time.Second / 10} }
func changeRate() rate  { return rate{1500, time.Second / 100} }

// rateOf is the rate of one operation. UpdateHealthCheck is among the rows of which nothing is known (unconfirmed): the rate
// of what is not listed is taken, and a refusal is answered by patience. r53: C.8.
func rateOf(operation string) rate {
	switch operation {
	case "CreateHealthCheck":
		return rate{50, 2 * time.Second}
	case "DeleteHealthCheck":
		return rate{15, time.Second / 3}
	case "GetHealthCheckStatus", "GetHealthCheckLastFailureReason":
		return rate{4, time.Second}
	}
	return rate{50, time.Second / 10}
}

// A bucket holds tokens; below zero they are borrowed from the time to come. It takes a part of its rate, from leastShare to most:
// others may call the same account, who know nothing of us, and what AWS refuses is all that tells of them. A refusal halves the
// part, and time adds to it again, for everybody alike, so that those who share an account come to equal parts.
type bucket struct {
	rate
	tokens float64
	at     time.Time
	most   float64   // the greatest part
	share  float64   // the part at the time since
	since  time.Time // of the last refusal that counted, or of the beginning
	// contended says that a call was refused once: others take from the same account.
	contended bool
}

const (
	leastShare = 1.0 / 32
	// mostStatuses leaves some of the scarce GetHealthCheckStatus to others from the beginning: a process that took all would never
	// be refused, and so never learn of them.
	mostStatuses = 0.9
	// regain is how long it takes from nothing to the whole rate.
	regain = 200 * time.Second
	// refusalsApart is how far apart refusals have to be to count: several of one moment are one piece of news.
	refusalsApart = 2 * time.Second
)

func (b *bucket) part(now time.Time) float64 {
	return min(b.most, b.share+float64(now.Sub(b.since))/float64(regain))
}

// take takes tokens and returns when they are there.
func (b *bucket) take(n float64, now time.Time) time.Time {
	part := b.part(now)
	b.tokens = min(b.capacity, b.tokens+part*float64(now.Sub(b.at))/float64(b.interval)) - n
	b.at = now
	if b.tokens >= 0 {
		return now
	}
	wait := -b.tokens * float64(b.interval) / part
	if b.contended {
		wait *= 0.5 + rand.Float64() // in step with each other, one would always come first
	}
	return now.Add(time.Duration(wait))
}

// refused takes note that the account has none of the tokens that are here.
func (b *bucket) refused(now time.Time) {
	b.tokens, b.contended = min(b.tokens, 0), true
	if now.Sub(b.since) >= refusalsApart {
		b.share, b.since = max(leastShare, b.part(now)/2), now
	}
}

// A pacer keeps an account within its rates, and within a part of them where others call it too; a nil pacer lets everything pass.
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
	at := p.take("", accountRate(), 1, now)
	if other := p.take(operation, rateOf(operation), 1, now); other.After(at) {
		at = other
	}
	if changes > 0 {
		if other := p.take("changes", changeRate(), float64(changes), now); other.After(at) {
			at = other
		}
	}
	return at
}

func (p *pacer) take(name string, r rate, n float64, now time.Time) time.Time {
	b := p.buckets[name]
	if b == nil {
		most := 1.0
		if name == "GetHealthCheckStatus" {
			most = min(p.statuses, mostStatuses)
			r.capacity = max(1, r.capacity*most)
		}
		b = &bucket{rate: r, tokens: r.capacity, at: now, most: most, share: most, since: now.Add(-refusalsApart)}
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
