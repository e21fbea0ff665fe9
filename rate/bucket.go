package rate

import "time"

// A Bucket is a token bucket. It counts in time: a token is worth the interval in which it comes back. A Bucket is full
// at first. It is not safe for concurrent use.
type Bucket struct {
	interval, full time.Duration
	credit         time.Duration // what is in the bucket; below zero it is borrowed from the time to come
	at             time.Time     // when credit was counted
}

// NewBucket returns a full bucket. share is the part of the rate's capacity that it holds, from 0 to 1, but at least
// one token.
func NewBucket(r Rate, share float64) *Bucket {
	full := time.Duration(share * float64(r.Capacity) * float64(r.Interval))
	full = max(full, r.Interval)
	return &Bucket{interval: r.Interval, full: full, credit: full}
}

// Has reports whether n tokens are there. More than a full bucket holds is there when the bucket is full: such a
// request has another fault, and its sender has to learn of that instead of retrying for ever.
func (b *Bucket) Has(n int, now time.Time) bool {
	b.fill(1, now)
	return b.credit >= b.cost(n)
}

// Take removes n tokens if they are there, and reports whether they were.
func (b *Bucket) Take(n int, now time.Time) bool {
	if !b.Has(n, now) {
		return false
	}
	b.credit -= b.cost(n)
	return true
}

// Borrow removes n tokens whether they are there or not, and returns how long it takes until all have come back. share
// is the part of the rate at which they come back, above 0 and at most 1.
func (b *Bucket) Borrow(n int, share float64, now time.Time) time.Duration {
	b.fill(share, now)
	b.credit -= time.Duration(n) * b.interval
	return time.Duration(float64(max(0, -b.credit)) / share)
}

// Drain removes all tokens. What is borrowed stays borrowed.
func (b *Bucket) Drain() { b.credit = min(b.credit, 0) }

func (b *Bucket) cost(n int) time.Duration { return min(time.Duration(n)*b.interval, b.full) }

// fill adds what has come back since at. What does not fit is lost.
func (b *Bucket) fill(share float64, now time.Time) {
	if back := share * float64(now.Sub(b.at)); back < float64(b.full-b.credit) {
		b.credit += time.Duration(back)
	} else {
		b.credit = b.full
	}
	b.at = now
}
