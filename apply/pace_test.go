package apply

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// What an account is granted at once passes at once, and after that what comes back in time. r53: C.8.
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
		{"GetHealthCheckStatus", 0, 10, 6 * time.Second},
		{"ListResourceRecordSets", 0, 60, time.Second},
		{"ChangeResourceRecordSets", 1000, 4, 25 * time.Second}, // 4,000 changes, 1,500 at once
	} {
		synctest.Test(t, func(t *testing.T) {
			p := newPacer()
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
		p := newPacer()
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
