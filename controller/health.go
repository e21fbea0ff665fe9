package controller

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/plan"
)

// How many checks an engine is asked for at once, and how old what is known of an account's checks and records may be before
// it is read again, beside passes: other Regions' controllers change theirs.
const (
	engineStatuses = 200
	engineRefresh  = 10 * time.Second
	awsRefresh     = time.Minute
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
				changed, err := a.ask(ctx, c.o.Poll)
				if a.waiting() {
					c.wake(a.site)
				}
				if err == nil && changed {
					err = c.publish(ctx, a, nil)
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

// post puts up what a pass has found.
func (a *account) post(b board) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.board = b
}

// ask reads the account again when that is due, and the verdicts of some of its checks. It reports whether a status may be
// another one.
func (a *account) ask(ctx context.Context, interval time.Duration) (changed bool, err error) {
	if changed, err = a.refresh(ctx); err != nil {
		return false, err
	}
	ids := a.turn(interval)
	for _, id := range ids {
		reports, err := a.worker.applier.Reports(ctx, id)
		if err != nil {
			return changed, err
		}
		changed = a.heard(id, reports) || changed
		a.notice(id, reports)
	}
	return changed, nil
}

// refresh reads the account's checks and records, which other controllers change, when what is known of them is old.
func (a *account) refresh(ctx context.Context) (changed bool, err error) {
	old := engineRefresh
	if a.worker.provider == failover.AWS {
		old = awsRefresh
	}
	a.mu.Lock()
	known := a.board
	a.mu.Unlock()
	if len(known.zones) == 0 || time.Since(known.readAt) < old {
		return false, nil
	}
	at := time.Now()
	state, err := a.worker.applier.Read(ctx, known.zones)
	if err != nil {
		return false, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.board.readAt.Equal(known.readAt) { // else a pass has put up something newer
		a.board.state, a.board.readAt = state, at
		a.released()
	}
	return true, nil
}

// turn are the checks whose turn it is: those that nobody has asked for, then those that were asked longest ago, this Region's
// before others'. AWS is asked for one a second, which all accounts of a cluster share among them. r53: C.8
func (a *account) turn(interval time.Duration) []string {
	n := engineStatuses
	if a.worker.provider == failover.AWS {
		n = max(1, int(interval/time.Second))
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	mine := make(map[string]bool, len(a.board.candidates))
	for _, c := range a.board.candidates {
		mine[c.policy.Key()] = true
	}
	var checks []*plan.Check
	there := make(map[string]bool)
	for i := range a.board.state.Checks {
		if c := &a.board.state.Checks[i]; c.Owned() && mine[plan.PolicyOf(c.Key)] && c.Config.Type.IsEndpoint() {
			checks = append(checks, c)
			there[c.ID] = true
		}
	}
	for id := range a.verdicts {
		if !there[id] {
			delete(a.verdicts, id)
		}
	}
	abroad := func(c *plan.Check) int {
		if plan.RegionOf(c.Key) == a.site.region {
			return 0
		}
		return 1
	}
	slices.SortFunc(checks, func(x, y *plan.Check) int {
		return cmp.Or(a.verdicts[x.ID].asked.Compare(a.verdicts[y.ID].asked), cmp.Compare(abroad(x), abroad(y)), strings.Compare(x.Key, y.Key))
	})
	var ids []string
	for _, c := range checks[:min(n, len(checks))] {
		ids = append(ids, c.ID)
	}
	return ids
}

// heard keeps what checkers say, and reports whether that is something else than before.
func (a *account) heard(id string, reports []health.Report) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	before, known := a.verdicts[id]
	a.verdicts[id] = verdicts{reports, time.Now()}
	said := func(list []health.Report) []string {
		words := make([]string, len(list))
		for i, r := range list {
			words[i] = r.Checker + " " + r.Status
		}
		slices.Sort(words)
		return words
	}
	return !known || !slices.Equal(said(before.reports), said(reports))
}

// notice notes a policy whose records wait for a healthy verdict when there is one, so that it is not left to its patience. What
// records cite already says nothing of the check that is to replace it.
func (a *account) notice(id string, reports []health.Report) {
	if !slices.ContainsFunc(reports, func(r health.Report) bool { return r.Healthy }) {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for i := range a.board.state.Checks {
		c := &a.board.state.Checks[i]
		key := plan.PolicyOf(c.Key)
		if c.ID == id && plan.RegionOf(c.Key) == a.site.region && a.board.outcomes[key].awaits && !a.board.cited(id) {
			a.well[key] = true
		}
	}
}

// cited reports whether a record set cites a check.
func (b *board) cited(id string) bool {
	return slices.ContainsFunc(b.state.Records, func(r plan.Record) bool { return r.Set.HealthCheckID == id })
}

// released notes the policies whose changes waited until an operator undid what he had made of a check, and who has.
func (a *account) released() {
	for key, o := range a.board.outcomes {
		if o.held && !slices.ContainsFunc(a.board.state.Checks, func(c plan.Check) bool {
			return c.Owned() && plan.PolicyOf(c.Key) == key && plan.RegionOf(c.Key) == a.site.region && c.Hold() != plan.NotHeld
		}) {
			a.well[key] = true
		}
	}
}

func (a *account) waiting() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.well) > 0
}

// comfort ends the patience of those whose verdict has come.
func (a *account) comfort() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for key := range a.well {
		delete(a.worker.patience, key)
		a.worker.digest = "" // there is something to do although nobody asks anew
	}
	clear(a.well)
}
