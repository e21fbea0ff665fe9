package apply

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bulkhead-dns/bulkhead/rate"
)

// What an account is granted at once passes at once, and after that what comes back in time. Of statuses a tenth is
// left to others. r53: C.8.
func TestPaceIsTheAccountsRate(t *testing.T) {
	for _, tt := range []struct {
		operation string
		changes   int
		calls     int
		want      time.Duration
	}{
		{"CreateHealthCheck", 0, 50, 0},
		{"CreateHealthCheck", 0, 60, 20 * time.Second},
		{"DeleteHealthCheck", 0, 18, time.Second},
		{"GetHealthCheckStatus", 0, 10, 7111 * time.Millisecond},
		{"ListResourceRecordSets", 0, 60, time.Second},
		{"ChangeResourceRecordSets", 1000, 4, 25 * time.Second}, // 4,000 changes, 1,500 at once
	} {
		synctest.Test(t, func(t *testing.T) {
			p := newPacer(1)
			start := time.Now()
			for range tt.calls {
				if err := p.wait(t.Context(), tt.operation, tt.changes); err != nil {
					t.Fatal(err)
				}
			}
			if got := time.Since(start); (got - tt.want).Abs() > 50*time.Millisecond {
				t.Errorf("%d calls of %s take %v, want %v", tt.calls, tt.operation, got, tt.want)
			}
		})
	}
}

// All operations together have a rate too, and waiting ends with the context.
func TestPaceOfAllOperationsTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPacer(1)
		start := time.Now()
		for i := range 70 {
			if err := p.wait(t.Context(), []string{"GetChange", "ListHealthChecks"}[i%2], 0); err != nil {
				t.Fatal(err)
			}
		}
		if got := time.Since(start); (got - 2*time.Second).Abs() > 50*time.Millisecond {
			t.Errorf("70 calls of two operations take %v, want 2s", got)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if err := p.wait(ctx, "GetChange", 0); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("waiting ends with %v, want the end of the context", err)
		}
	})
}

// Processes that know nothing of each other share the one status a second of an account: a refusal halves what one
// takes, and time gives it back.
func TestProcessesShareTheRateOfStatuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const minutes = 20
		account := rate.NewBucket(rate.Operation("GetHealthCheckStatus"), 1) // AWS's own
		ctx, cancel := context.WithTimeout(t.Context(), minutes*time.Minute)
		defer cancel()
		type process struct {
			from             time.Duration // when it starts
			granted, refused int
		}
		processes := []*process{{}, {}, {from: 10 * time.Minute}}
		var mu sync.Mutex
		var all sync.WaitGroup
		for _, one := range processes {
			all.Go(func() {
				p := newPacer(1)
				if pause(ctx, one.from) != nil {
					return
				}
				for p.wait(ctx, "GetHealthCheckStatus", 0) == nil {
					mu.Lock()
					ok := account.Take(1, time.Now())
					mu.Unlock()
					if ok {
						one.granted++
					} else {
						one.refused++
						p.throttled("GetHealthCheckStatus", time.Now())
					}
				}
			})
		}
		all.Wait()
		granted, refused := 0, 0
		for i, one := range processes {
			granted, refused = granted+one.granted, refused+one.refused
			t.Logf("process %d, from %v on: %d granted, %d refused", i, one.from, one.granted, one.refused)
		}
		if least := minutes * 60 * 3 / 4; granted < least {
			t.Errorf("%d calls in %d minutes, want at least %d: the rate is left unused", granted, minutes, least)
		}
		if refused > granted/5 {
			t.Errorf("%d refusals for %d calls, want a fifth at most", refused, granted)
		}
		if a, b := processes[0].granted, processes[1].granted; a > 2*b || b > 2*a {
			t.Errorf("two processes that go on all the time get %d and %d", a, b)
		}
		if late := processes[2].granted; late < minutes*60/2/3/2 {
			t.Errorf("a process that comes later gets %d calls in ten minutes, want half of a third at least", late)
		}
	})
}
