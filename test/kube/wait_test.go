package kube

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestAwait(t *testing.T) {
	notYet := errors.New("two of three")
	for _, c := range []struct {
		name  string
		after time.Duration // when the condition holds
		want  string
		took  time.Duration
	}{
		{"at once", 0, "", 0},
		{"later", 60 * time.Millisecond, "", 75 * time.Millisecond},
		{"too late", 11 * time.Second, "three replicas: not within 10s: two of three", 10 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				err := Await(t.Context(), "three replicas", 10*time.Second, func(ctx context.Context) error {
					if time.Since(began) >= c.after {
						return nil
					}
					return notYet
				})
				got := ""
				if err != nil {
					got = err.Error()
				}
				if got != c.want || time.Since(began) != c.took {
					t.Errorf("got %q after %s, want %q after %s", got, time.Since(began), c.want, c.took)
				}
			})
		})
	}
	t.Run("the end of the context is not the last error", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		err := Await(ctx, "three replicas", time.Hour, func(ctx context.Context) error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			cancel()
			return notYet
		})
		if want := "three replicas: context canceled: two of three"; err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	})
}
