package r53server

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/bulkhead-dns/bulkhead/rate"
	"github.com/bulkhead-dns/bulkhead/zone"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// Both request buckets must have a token, whatever mixture of operations is asked for.
func TestThrottleOfRequests(t *testing.T) {
	limit := NewThrottle()
	if len(limit.operations) != len(routes()) {
		t.Errorf("%d buckets for %d operations", len(limit.operations), len(routes()))
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
			t.Errorf("%d × %s after %v: %d pass, want %d (%s)", step.times, step.operation, step.after, got, step.want,
				step.whyAllowed)
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
		{"500 UPSERT", rate.BatchCost(batch(0, 0, 500)), 0, true}, // 500 left
		{"another 500 UPSERT", rate.BatchCost(batch(0, 0, 500)), 0, false},
		{"300 CREATE, 198 DELETE", rate.BatchCost(batch(300, 198, 0)), 0, true}, // 2 left
		{"a zone", rate.ZoneCost, 0, true},                                      // 0 left
		{"one CREATE", rate.BatchCost(batch(1, 0, 0)), 0, false},
		{"one CREATE, a hundredth later", rate.BatchCost(batch(1, 0, 0)), 10 * time.Millisecond, true},
		{"500 UPSERT before 10 s", rate.BatchCost(batch(0, 0, 500)), 10 * time.Second, false},
		{"500 UPSERT 10 s later", rate.BatchCost(batch(0, 0, 500)), 10*time.Second + 10*time.Millisecond, true},
		{"more than fits, not full", rate.BatchCost(batch(0, 0, 5000)), 20 * time.Second, false},
		// to be told what is wrong with it
		{"more than fits, full", rate.BatchCost(batch(0, 0, 5000)), 60 * time.Second, true},
		{"and is empty then", rate.BatchCost(batch(1, 0, 0)), 60 * time.Second, false},
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
