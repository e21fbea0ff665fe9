package rate

import (
	"math/rand/v2"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// The rows of r53: C.8.
func TestRates(t *testing.T) {
	for _, tt := range []struct {
		name      string
		rate      Rate
		capacity  int
		perSecond float64
	}{
		{"all actions together", Account(), 50, 10},
		{"any action not listed", Operation("ListResourceRecordSets"), 50, 10},
		{"ChangeResourceRecordSets", Operation("ChangeResourceRecordSets"), 50, 10},
		{"UpdateHealthCheck", Operation("UpdateHealthCheck"), 50, 10}, // (unconfirmed)
		{"AssociateVPCWithHostedZone", Operation("AssociateVPCWithHostedZone"), 20, 5},
		{"DisassociateVPCFromHostedZone", Operation("DisassociateVPCFromHostedZone"), 10, 5},
		{"ChangeCidrCollection", Operation("ChangeCidrCollection"), 40, 5},
		{"CreateCidrCollection", Operation("CreateCidrCollection"), 40, 5},
		{"DeleteCidrCollection", Operation("DeleteCidrCollection"), 40, 5},
		{"CreateHealthCheck", Operation("CreateHealthCheck"), 50, 0.5},
		{"DeleteHealthCheck", Operation("DeleteHealthCheck"), 15, 3},
		{"CreateHostedZone", Operation("CreateHostedZone"), 40, 2},
		{"DeleteHostedZone", Operation("DeleteHostedZone"), 40, 5},
		{"CreateReusableDelegationSet", Operation("CreateReusableDelegationSet"), 40, 2},
		{"DeleteReusableDelegationSet", Operation("DeleteReusableDelegationSet"), 40, 5},
		{"CreateTrafficPolicyInstance", Operation("CreateTrafficPolicyInstance"), 1, 1},
		{"DeleteTrafficPolicyInstance", Operation("DeleteTrafficPolicyInstance"), 1, 1},
		{"GetHealthCheckStatus", Operation("GetHealthCheckStatus"), 4, 1},
		{"GetHealthCheckLastFailureReason", Operation("GetHealthCheckLastFailureReason"), 4, 1},
		{"change throughput", Changes(), 1500, 100},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := NewBucket(tt.rate, 1)
			taken := func(at time.Time) (n int) {
				for b.Take(1, at) {
					n++
				}
				return n
			}
			if got := taken(noon); got != tt.capacity {
				t.Errorf("a full bucket gives %d tokens, want %d", got, tt.capacity)
			}
			// A minute fills whichever bucket is smaller than what a minute brings.
			want := min(int(tt.perSecond*60), tt.capacity)
			if got := taken(noon.Add(time.Minute)); got != want {
				t.Errorf("a minute later it gives %d tokens, want %d", got, want)
			}
			back := time.Duration(float64(time.Second) / tt.perSecond).Truncate(time.Nanosecond)
			later := noon.Add(time.Minute + tt.rate.Interval*time.Duration(tt.capacity)) // full again, then emptied
			taken(later)
			if b.Take(1, later.Add(back-time.Microsecond)) {
				t.Errorf("a token is back before %v", back)
			}
			if !b.Take(1, later.Add(back)) {
				t.Errorf("no token is back after %v", back)
			}
		})
	}
}

// Over any time a bucket gives no more than its capacity and what came back, and it refuses only when it must: compared
// with counting the nanoseconds of every token by hand.
func TestBucketAgreesWithCounting(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		r := Rate{1 + rnd.IntN(50), time.Duration(1+rnd.IntN(2000)) * time.Millisecond}
		b := NewBucket(r, 1)
		now, parts := noon, int64(r.Capacity)*int64(r.Interval) // a token is interval parts, a nanosecond brings one
		for range 200 {
			step := time.Duration(rnd.IntN(3000)) * time.Millisecond
			now = now.Add(step)
			parts = min(parts+int64(step), int64(r.Capacity)*int64(r.Interval))
			n := 1 + rnd.IntN(r.Capacity)
			want := parts >= int64(n)*int64(r.Interval)
			if got := b.Take(n, now); got != want {
				t.Fatalf("take(%d) of %+v at %v is %v, want %v", n, r, now.Sub(noon), got, want)
			}
			if want {
				parts -= int64(n) * int64(r.Interval)
			}
		}
	}
}

// What is borrowed comes back at the share of the rate that the borrower takes, and a share of the capacity is at least
// one token.
func TestBorrowing(t *testing.T) {
	statuses := Operation("GetHealthCheckStatus") // 4, one a second
	for _, tt := range []struct {
		name  string
		held  float64 // share of the capacity
		back  float64 // share of the speed
		n     int
		after time.Duration // of a bucket that is empty since noon
		want  time.Duration // the wait for n tokens
	}{
		{"a token of an empty bucket", 1, 1, 1, 0, time.Second},
		{"at half the speed", 1, 0.5, 1, 0, 2 * time.Second},
		{"one has come back", 1, 1, 1, time.Second, 0},
		{"half of one has come back", 1, 0.5, 1, time.Second, time.Second},
		{"no more come back than fit", 1, 1, 6, time.Hour, 2 * time.Second},
		{"no more come back than the share", 0.5, 1, 6, time.Hour, 4 * time.Second},
		{"one token at least", 0.01, 1, 1, time.Hour, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := NewBucket(statuses, tt.held)
			b.Has(1, noon)
			b.Drain()
			if got := b.Borrow(tt.n, tt.back, noon.Add(tt.after)); got != tt.want {
				t.Errorf("Borrow(%d) waits %v, want %v", tt.n, got, tt.want)
			}
		})
	}
	b := NewBucket(statuses, 1)
	b.Borrow(6, 1, noon)
	b.Drain()
	if got := b.Borrow(1, 1, noon); got != 3*time.Second {
		t.Errorf("after Drain a debt of two tokens is %v with one more, want 3s", got)
	}
}
