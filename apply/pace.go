package apply

import (
	"context"
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

// A bucket holds tokens; below zero they are borrowed from the time to come.
type bucket struct {
	rate
	tokens float64
	at     time.Time
}

// take takes tokens and returns when they are there.
func (b *bucket) take(n float64, now time.Time) time.Time {
	b.tokens = min(b.capacity, b.tokens+float64(now.Sub(b.at))/float64(b.interval)) - n
	b.at = now
	if b.tokens >= 0 {
		return now
	}
	return now.Add(time.Duration(-b.tokens * float64(b.interval)))
}

// A pacer keeps an account within its rates as far as it alone calls; a nil pacer lets everything pass.
type pacer struct {
	mu      sync.Mutex
	buckets map[string]*bucket // by operation; "" is the account's, "changes" that of changes
}

func newPacer() *pacer { return &pacer{buckets: make(map[string]*bucket)} }

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
		b = &bucket{rate: r, tokens: r.capacity, at: now}
		p.buckets[name] = b
	}
	return b.take(n, now)
}
