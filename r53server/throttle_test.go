package r53server

import (
	"errors"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/bulkhead-dns/bulkhead/zone"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// The rows of r53: C.8.
func TestRates(t *testing.T) {
	for _, tt := range []struct {
		name      string
		rate      rate
		capacity  int
		perSecond float64
	}{
		{"all actions together", accountRate(), 50, 10},
		{"any action not listed", actionRate("ListResourceRecordSets"), 50, 10},
		{"ChangeResourceRecordSets", actionRate("ChangeResourceRecordSets"), 50, 10},
		{"UpdateHealthCheck", actionRate("UpdateHealthCheck"), 50, 10}, // (unconfirmed)
		{"AssociateVPCWithHostedZone", actionRate("AssociateVPCWithHostedZone"), 20, 5},
		{"DisassociateVPCFromHostedZone", actionRate("DisassociateVPCFromHostedZone"), 10, 5},
		{"ChangeCidrCollection", actionRate("ChangeCidrCollection"), 40, 5},
		{"CreateCidrCollection", actionRate("CreateCidrCollection"), 40, 5},
		{"DeleteCidrCollection", actionRate("DeleteCidrCollection"), 40, 5},
		{"CreateHealthCheck", actionRate("CreateHealthCheck"), 50, 0.5},
		{"DeleteHealthCheck", actionRate("DeleteHealthCheck"), 15, 3},
		{"CreateHostedZone", actionRate("CreateHostedZone"), 40, 2},
		{"DeleteHostedZone", actionRate("DeleteHostedZone"), 40, 5},
		{"CreateReusableDelegationSet", actionRate("CreateReusableDelegationSet"), 40, 2},
		{"DeleteReusableDelegationSet", actionRate("DeleteReusableDelegationSet"), 40, 5},
		{"CreateTrafficPolicyInstance", actionRate("CreateTrafficPolicyInstance"), 1, 1},
		{"DeleteTrafficPolicyInstance", actionRate("DeleteTrafficPolicyInstance"), 1, 1},
		{"GetHealthCheckStatus", actionRate("GetHealthCheckStatus"), 4, 1},
		{"GetHealthCheckLastFailureReason", actionRate("GetHealthCheckLastFailureReason"), 4, 1},
		{"change throughput", changeRate(), 1500, 100},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := bucket{rate: tt.rate}
			taken := func(at time.Time) (n int) {
				for b.take(1, at) {
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
			later := noon.Add(time.Minute + tt.rate.interval*time.Duration(tt.capacity)) // full again, then emptied
			taken(later)
			if b.take(1, later.Add(back-time.Microsecond)) {
				t.Errorf("a token is back before %v", back)
			}
			if !b.take(1, later.Add(back)) {
				t.Errorf("no token is back after %v", back)
			}
		})
	}
}

// Over any time a bucket gives no more than its capacity and what came back, and it refuses only when it must: compared with
// counting the nanoseconds of every token by hand.
func TestBucketAgreesWithCounting(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		b := bucket{rate: rate{1 + rnd.IntN(50), time.Duration(1+rnd.IntN(2000)) * time.Millisecond}}
		now, parts := noon, int64(b.capacity)*int64(b.interval) // a token is interval parts, a nanosecond brings one
		for range 200 {
			step := time.Duration(rnd.IntN(3000)) * time.Millisecond
			now = now.Add(step)
			parts = min(parts+int64(step), int64(b.capacity)*int64(b.interval))
			n := 1 + rnd.IntN(b.capacity)
			want := parts >= int64(n)*int64(b.interval)
			if got := b.take(n, now); got != want {
				t.Fatalf("take(%d) of %+v at %v is %v, want %v", n, b.rate, now.Sub(noon), got, want)
			}
			if want {
				parts -= int64(n) * int64(b.interval)
			}
		}
	}
}

// Both request buckets must have a token, whatever mixture of operations is asked for.
func TestThrottleOfRequests(t *testing.T) {
	limit := NewThrottle()
	if len(limit.actions) != len(routes()) {
		t.Errorf("%d buckets for %d operations", len(limit.actions), len(routes()))
	}
	ask := func(operation string, times int, at time.Time) (passed int) {
		for range times {
			if limit.Request(operation, at) == nil {
				passed++
			}
		}
		return passed
	}
	for _, step := range []struct {
		operation  string
		times      int
		after      time.Duration
		want       int
		whyAllowed string
	}{
		{"GetHealthCheckStatus", 1000, 0, 4, "the action's bucket; what it refuses costs the account nothing"},
		{"GetHealthCheckLastFailureReason", 10, 0, 4, "a bucket of its own"},
		{"GetHostedZone", 30, 0, 30, "the account's bucket has 42 left"},
		{"ListHostedZones", 30, 0, 12, "what is left in the account's bucket"},
		{"ListHostedZones", 1, 99 * time.Millisecond, 0, "not a tenth of a second yet"},
		{"ListHostedZones", 2, 100 * time.Millisecond, 1, "10 a second for the account"},
		{"GetHealthCheckStatus", 5, time.Second, 1, "1 a second"},
		{"ListHostedZones", 50, time.Second, 8, "9 came back, 1 was taken"},
	} {
		if got := ask(step.operation, step.times, noon.Add(step.after)); got != step.want {
			t.Errorf("%d × %s after %v: %d pass, want %d (%s)", step.times, step.operation, step.after, got, step.want, step.whyAllowed)
		}
	}
	var refusal *apiError
	err := limit.Request("GetHealthCheckStatus", noon.Add(time.Second))
	if !errors.As(err, &refusal) || *refusal != (apiError{"Throttling", 400, "Rate exceeded"}) {
		t.Errorf("refusal is %v, want 400 Throttling: Rate exceeded", err) // r53: C.8
	}
}

// CREATE and DELETE cost 1, UPSERT 2; a batch of 500 UPSERTs takes 10 s to come back. r53: C.8.
func TestThrottleOfChanges(t *testing.T) {
	batch := func(creates, deletes, upserts int) (changes []zone.Change) {
		for action, n := range map[zone.Action]int{zone.Create: creates, zone.Delete: deletes, zone.Upsert: upserts} {
			for range n {
				changes = append(changes, zone.Change{Action: action})
			}
		}
		return changes
	}
	limit := NewThrottle()
	for _, step := range []struct {
		name  string
		cost  int
		after time.Duration
		pass  bool
	}{
		{"500 UPSERT", batchCost(batch(0, 0, 500)), 0, true}, // 500 left
		{"another 500 UPSERT", batchCost(batch(0, 0, 500)), 0, false},
		{"300 CREATE, 198 DELETE", batchCost(batch(300, 198, 0)), 0, true}, // 2 left
		{"a zone", zoneCost, 0, true},                                      // 0 left
		{"one CREATE", batchCost(batch(1, 0, 0)), 0, false},
		{"one CREATE, a hundredth later", batchCost(batch(1, 0, 0)), 10 * time.Millisecond, true},
		{"500 UPSERT before 10 s", batchCost(batch(0, 0, 500)), 10 * time.Second, false},
		{"500 UPSERT 10 s later", batchCost(batch(0, 0, 500)), 10*time.Second + 10*time.Millisecond, true},
		{"more than fits, not full", batchCost(batch(0, 0, 5000)), 20 * time.Second, false},
		{"more than fits, full", batchCost(batch(0, 0, 5000)), 60 * time.Second, true}, // to be told what is wrong with it
		{"and is empty then", batchCost(batch(1, 0, 0)), 60 * time.Second, false},
	} {
		if err := limit.Change(step.cost, noon.Add(step.after)); (err == nil) != step.pass {
			t.Errorf("%s (cost %d): %v", step.name, step.cost, err)
		}
	}
}

func TestClientOf(t *testing.T) {
	for _, tt := range []struct{ address, client string }{
		{"192.0.2.1:4711", "192.0.2.1/32"},
		{"[::ffff:192.0.2.1]:4711", "192.0.2.1/32"},
		{"[2001:db8:1:2:3:4:5:6]:4711", "2001:db8:1:2::/64"},
		{"[fe80::1%eth0]:4711", "fe80::/64"},
		{"@", "invalid Prefix"},
		{"", "invalid Prefix"},
		{"name:80", "invalid Prefix"},
	} {
		if got := clientOf(tt.address); got.String() != tt.client {
			t.Errorf("clientOf(%q) = %v, want %s", tt.address, got, tt.client)
		}
	}
}

// A client has its own bound, and one that has left is not remembered.
func TestPerClient(t *testing.T) {
	c := NewPerClient(2)
	var leave []func()
	for i, want := range []bool{true, true, false} {
		l, ok := c.Enter("192.0.2.1:1")
		if ok != want {
			t.Fatalf("entry %d is %v", i, ok)
		}
		if ok {
			leave = append(leave, l)
		}
	}
	other, ok := c.Enter("192.0.2.2:1")
	if !ok {
		t.Fatal("another client is refused")
	}
	leave[0]()
	if again, ok := c.Enter("192.0.2.1:9"); !ok {
		t.Error("refused although one has left")
	} else {
		again()
	}
	leave[1]()
	other()
	if n := len(c.busy); n != 0 {
		t.Errorf("%d clients are remembered: %v", n, c.busy[netip.MustParsePrefix("192.0.2.1/32")])
	}
}
