package controller

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bulkhead-dns/bulkhead/apply"
	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/plan"
)

// Verdicts come from CloudWatch, which AWS and engines serve: all of them with a call or two. The reports of a check's checkers are asked
// for where that is too slow or says too little. AWS gives those of one check a second to a whole account.

// verdicts are what is known of the health of one check.
type verdicts struct {
	reports  []health.Report // what its checkers said when they were asked last
	asked    time.Time
	metric   *bool     // what CloudWatch has; nil: nothing
	metricAt time.Time // what time that is of
	unclear  bool      // why it became unhealthy is to be asked
	seen     time.Time // when the check was first known of
}

// verdict is the newer of what CloudWatch and the checkers say, and what time it is of; nil when neither says anything.
func (v verdicts) verdict(config health.Config) (*bool, time.Time) {
	reported := verdictOf(config, v.reports)
	if v.metric != nil && (reported == nil || v.metricAt.After(v.asked)) {
		return v.metric, v.metricAt
	}
	if reported == nil {
		return nil, time.Time{}
	}
	return reported, v.asked
}

// words are the reports, unless something newer says otherwise.
func (v verdicts) words(config health.Config) []health.Report {
	healthy, _ := v.verdict(config)
	if !sameVerdict(healthy, verdictOf(config, v.reports)) {
		return nil
	}
	return v.reports
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

// watched are the checks of the cluster's policies, of all Regions; what is known of others is forgotten. a.mu is held.
func (a *account) watched(now time.Time) []*plan.Check {
	mine := make(map[string]bool, len(a.board.candidates))
	for _, c := range a.board.candidates {
		mine[c.policy.Key()] = true
	}
	var checks []*plan.Check
	there := make(map[string]bool)
	for i := range a.board.state.Checks {
		c := &a.board.state.Checks[i]
		if !c.Owned() || !mine[plan.PolicyOf(c.Key)] || !c.Config.Probed() {
			continue
		}
		checks = append(checks, c)
		there[c.ID] = true
		if _, known := a.verdicts[c.ID]; !known {
			a.verdicts[c.ID] = verdicts{seen: now}
		}
	}
	for id := range a.verdicts {
		if !there[id] {
			delete(a.verdicts, id)
		}
	}
	return checks
}

// measureTime is how long CloudWatch may take before checkers are asked instead.
const measureTime = 20 * time.Second

// inverted reports whether a check's verdict is turned round. What CloudWatch says of one is (unconfirmed), so it is not read there.
func inverted(c *plan.Check) bool { return c.Config.Inverted != nil && *c.Config.Inverted }

// measure reads the verdicts of all checks from CloudWatch when that is due, and reports whether one is another than before.
func (a *account) measure(ctx context.Context, interval time.Duration, now time.Time) (changed bool, err error) {
	a.mu.Lock()
	checks := make(map[string]*plan.Check)
	if now.Sub(a.measured) >= interval {
		for _, c := range a.watched(now) {
			if !inverted(c) {
				checks[c.ID] = c
			}
		}
	}
	a.mu.Unlock()
	if len(checks) == 0 {
		return false, nil
	}
	var ids []string
	for id := range checks {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	ctx, cancel := context.WithTimeout(ctx, measureTime)
	defer cancel()
	found, err := a.worker.applier.Verdicts(ctx, ids)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.measured, a.unmeasured = now, ""
	if err != nil {
		// It is tried again as if it had gone well: whoever lets it be read needs to tell nobody.
		a.unmeasured = err.Error()
		if errors.Is(err, apply.ErrNoCloudWatch) {
			return false, nil
		}
		return false, fmt.Errorf("verdicts cannot be read from CloudWatch, so that checkers are asked for one check after another: %w", err)
	}
	for id, m := range found {
		v, c := a.verdicts[id], checks[id]
		before, _ := v.verdict(c.Config)
		if v.metric == nil || *v.metric != m.Healthy {
			v.unclear = !m.Healthy || a.worker.provider != failover.AWS
		}
		v.metric, v.metricAt = &m.Healthy, m.At
		a.verdicts[id] = v
		if after, _ := v.verdict(c.Config); !sameVerdict(before, after) {
			a.nudge(plan.PolicyOf(c.Key))
			changed = true
		}
	}
	return changed, nil
}

// How many checks' reports are asked for at a time. AWS grants one a second to all clusters and people of an account. r53: C.8.
const (
	engineStatuses = 200
	awsStatusTime  = 2 * time.Second
)

// turn are the checks whose reports are to be asked for, most urgent first, then those that were asked for longest ago, this Region's
// before others'.
func (a *account) turn(poll, interval time.Duration, now time.Time) []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	checks, n := a.watched(now), engineStatuses
	if a.worker.provider == failover.AWS {
		n = max(1, int(poll/awsStatusTime))
	}
	checks = slices.DeleteFunc(checks, func(c *plan.Check) bool { return a.need(c, poll, interval, now) == noNeed })
	abroad := func(c *plan.Check) int {
		if plan.RegionOf(c.Key) == a.site.region {
			return 0
		}
		return 1
	}
	slices.SortFunc(checks, func(x, y *plan.Check) int {
		return cmp.Or(cmp.Compare(a.need(x, poll, interval, now), a.need(y, poll, interval, now)), a.verdicts[x.ID].asked.Compare(a.verdicts[y.ID].asked),
			cmp.Compare(abroad(x), abroad(y)), strings.Compare(x.Key, y.Key))
	})
	a.rotation = max(interval, poll*time.Duration((len(checks)+n-1)/n))
	var ids []string
	for _, c := range checks[:min(n, len(checks))] {
		ids = append(ids, c.ID)
		if a.need(c, poll, interval, now) == explainedBefore {
			break // one at a time: a policy may stay unhealthy for ever
		}
	}
	return ids
}

// Why the reports of a check are asked for, most urgent first.
const (
	awaited         = iota // a policy waits for its verdict
	unexplained            // it has become unhealthy, and nobody knows why
	unknown                // there is no verdict of it
	turnedRound            // CloudWatch is not to be relied on
	unmeasured             // CloudWatch cannot be read
	explainedBefore        // it is still unhealthy, and the reason may be another one by now
	noNeed
)

// need is why a check's reports are asked for. a.mu is held.
func (a *account) need(c *plan.Check, poll, interval time.Duration, now time.Time) int {
	v := a.verdicts[c.ID]
	healthy, at := v.verdict(c.Config)
	old := now.Sub(v.asked) >= interval
	switch {
	case a.worker.provider == failover.AWS && a.board.outcomes[plan.PolicyOf(c.Key)].awaits && plan.RegionOf(c.Key) == a.site.region &&
		now.Sub(v.asked) >= poll:
		return awaited // an engine's CloudWatch is never late
	case v.unclear:
		return unexplained
	case at.IsZero() && old:
		return unknown
	case inverted(c) && old:
		return turnedRound
	case a.unmeasured != "":
		return unmeasured
	case a.worker.provider != failover.AWS && healthy != nil && !*healthy && now.Sub(v.asked) >= engineRefresh:
		return explainedBefore
	}
	return noNeed
}

// heard keeps what checkers say, and reports whether that is something else than before. Where the verdict is another one, whoever may
// wait for it is looked at again.
func (a *account) heard(id string, reports []health.Report, now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	before, known := a.verdicts[id]
	after := before
	after.reports, after.asked, after.unclear = reports, now, false
	a.verdicts[id] = after
	if i := slices.IndexFunc(a.board.state.Checks, func(c plan.Check) bool { return c.ID == id }); i >= 0 {
		c := &a.board.state.Checks[i]
		was, _ := before.verdict(c.Config)
		is, _ := after.verdict(c.Config)
		if !sameVerdict(was, is) {
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
	return !known || before.asked.IsZero() || !slices.Equal(said(before.reports), said(reports))
}
