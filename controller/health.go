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
// it is read again, beside rounds: other Regions' controllers change theirs.
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
				if a.hasNews() {
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

// post puts up what a round has found.
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
	}
	return changed, nil
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

// heard keeps what checkers say, and reports whether that is something else than before. Where the verdict is another one, whoever may
// wait for it is looked at again.
func (a *account) heard(id string, reports []health.Report) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	before, known := a.verdicts[id]
	a.verdicts[id] = verdicts{reports, time.Now()}
	if i := slices.IndexFunc(a.board.state.Checks, func(c plan.Check) bool { return c.ID == id }); i >= 0 {
		c := &a.board.state.Checks[i]
		if !sameVerdict(verdictOf(c.Config, before.reports), verdictOf(c.Config, reports)) {
			a.nudge(plan.PolicyOf(c.Key))
		}
	}
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

// verdictOf is what reports together say about a check, nil without any.
func verdictOf(config health.Config, reports []health.Report) *bool {
	if len(reports) == 0 {
		return nil
	}
	s, _ := health.Aggregate(config, reports, nil)
	return &s.Healthy
}

func sameVerdict(a, b *bool) bool { return (a == nil) == (b == nil) && (a == nil || *a == *b) }

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
		if v, ok := a.verdicts[c.ID]; ok && now.Sub(v.asked) < w.refresh() {
			known[c.ID] = verdictOf(c.Config, v.reports)
		}
	}
	w.healthy = func(check string) *bool { return known[check] }
	w.nudge(a.nudged, now)
	clear(a.nudged)
}
