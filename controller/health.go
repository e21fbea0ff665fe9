package controller

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/plan"
)

// How old what is known of an account's checks and records may be before it is read again, beside rounds: other Regions' controllers
// change theirs.
const (
	engineRefresh = 10 * time.Second
	awsRefresh    = time.Minute
)

// poll asks for verdicts until the context ends. An account that does not answer holds no other up.
func (c *Controller) poll(ctx context.Context) error {
	var polls sync.WaitGroup
	defer polls.Wait()
	ticker := time.NewTicker(c.o.Poll)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		for _, a := range c.known() {
			if !a.beginPoll() {
				continue
			}
			polls.Go(func() {
				defer a.endPoll()
				changed, err := a.ask(ctx, c.o.Poll, c.o.Verdicts)
				if a.hasNews() {
					c.wake(a.site)
				}
				if a.fallenSilent(time.Now()) || changed {
					err = errors.Join(err, c.publish(ctx, a, nil))
				}
				if err != nil && ctx.Err() == nil {
					c.o.Log.Warn("verdicts not read", "region", a.site.region, "endpoint", a.site.endpoint, "error", err)
				}
			})
		}
	}
}

func (a *account) beginPoll() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.polling {
		return false
	}
	a.polling = true
	return true
}

func (a *account) endPoll() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.polling = false
}

// post puts up what a round has found.
func (a *account) post(b board) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.board = b
}

// ask reads the account again when that is due, the verdicts of its checks, and the reports of some of them. It reports whether a
// status may be another one. poll is how often it is called, interval how often CloudWatch is read at AWS.
func (a *account) ask(ctx context.Context, poll, interval time.Duration) (changed bool, err error) {
	if changed, err = a.refresh(ctx); err != nil {
		return false, err
	}
	if a.worker.provider != failover.AWS { // an engine charges nothing, and is asked each time
		interval = poll / 2
	}
	measured, unread := a.measure(ctx, interval, time.Now())
	changed = changed || measured
	for _, id := range a.turn(poll, interval, time.Now()) {
		reports, err := a.worker.applier.Reports(ctx, id)
		if err != nil {
			return changed, errors.Join(unread, err)
		}
		changed = a.heard(id, reports, time.Now()) || changed
	}
	return changed, unread
}

// refresh reads the account's checks and records, which other controllers change, when what is known of them is old.
func (a *account) refresh(ctx context.Context) (changed bool, err error) {
	a.mu.Lock()
	known := a.board
	a.mu.Unlock()
	if len(known.zones) == 0 || time.Since(known.readAt) < a.worker.refresh() {
		return false, nil
	}
	at := time.Now()
	state, err := a.worker.applier.Read(ctx, known.zones)
	if err != nil {
		return false, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.board.readAt.Equal(known.readAt) && a.board.writes == known.writes { // else a round has put up something newer
		a.board.state, a.board.readAt = state, at
		a.fresh = &reading{state, at, known.writes}
		a.released()
	}
	return true, nil
}

// nudge has a policy, if it is not done, looked at again in the next round.
func (a *account) nudge(policy string) {
	if o, known := a.board.outcomes[policy]; known && !o.done {
		a.nudged[policy] = true
	}
}

// released nudges the policies whose changes waited until an operator undid what he had made of a check, when he has.
func (a *account) released() {
	for key, o := range a.board.outcomes {
		if o.held && !slices.ContainsFunc(a.board.state.Checks, func(c plan.Check) bool {
			return c.Owned() && plan.PolicyOf(c.Key) == key && plan.RegionOf(c.Key) == a.site.region && c.Hold() != plan.NotHeld
		}) {
			a.nudge(key)
		}
	}
}

func (a *account) hasNews() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.nudged) > 0
}

// advise gives the worker what polls have found. A verdict that is old does not count: it is asked for again where it matters.
func (a *account) advise(now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	w := a.worker
	if f := a.fresh; f != nil && f.writes == w.writes && f.at.After(w.readAt) {
		w.state, w.readAt, w.read, w.stale = f.state, f.at, w.writes, false
	}
	a.fresh = nil
	known := make(map[string]*bool, len(a.verdicts))
	for i := range w.state.Checks {
		c := &w.state.Checks[i]
		if healthy, at := a.verdicts[c.ID].verdict(c.Config); now.Sub(at) < w.refresh() {
			known[c.ID] = healthy
		}
	}
	w.healthy = func(check string) *bool { return known[check] }
	w.nudge(a.nudged, now)
	clear(a.nudged)
}
