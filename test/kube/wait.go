package kube

import (
	"context"
	"fmt"
	"time"
)

// pollInterval is how often a condition is looked at: the API server answers a read in about a millisecond.
const pollInterval = 25 * time.Millisecond

// Await calls check until it returns nil, and no longer than the limit or the context lasts. Its error is the last one of check
// with what was waited for. A condition that stands forever costs a call each 25 ms.
func Await(ctx context.Context, what string, limit time.Duration, check func(context.Context) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("not within %s", limit))
	defer cancel()
	return await(ctx, what, func(ctx context.Context) (bool, error) { return true, check(ctx) })
}

// await calls check until it returns no error, or says that trying again is of no use.
func await(ctx context.Context, what string, check func(context.Context) (again bool, err error)) error {
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	var last error
	for {
		again, err := check(ctx)
		if err == nil {
			return nil
		}
		if !again {
			return err
		}
		// An error that the end of the context has caused says less than the one before.
		if ctx.Err() == nil || last == nil {
			last = err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: %w: %w", what, context.Cause(ctx), last)
		case <-tick.C:
		}
	}
}

// await is Await for what a process is to bring about: it gives up when the process ends.
func (p *process) await(ctx context.Context, check func(context.Context) error) error {
	return await(ctx, "wait for "+p.name, func(ctx context.Context) (bool, error) {
		err := check(ctx)
		if err == nil {
			return true, nil
		}
		if gone := p.failed(); gone != nil {
			return false, gone
		}
		return true, err
	})
}
