package controller

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/bulkhead-dns/bulkhead/api/v1alpha1"
	"github.com/bulkhead-dns/bulkhead/apply"
	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// How often a pass reads and plans again before it gives up until the next one.
const maxRounds = 12

// A worker brings the tasks of one account and Region about. It has no state that another worker could not do without: what
// it remembers saves calls and says what to leave alone for a while.
type worker struct {
	region   string
	provider failover.Provider
	applier  *apply.Applier
	log      *slog.Logger
	resync   time.Duration

	// Set before each pass.
	owners  []string          // of annotated Ingresses, by which what was made for them is known again; empty: nothing is
	hold    time.Duration     // how long what an Ingress has asked for stays after it
	allowed []zone.HostedZone // in which there may be something of the cluster's

	digest   string    // of what the last complete pass was asked
	due      time.Time // when the provider is to be read although nothing is asked anew
	outcomes map[string]outcome
	made     map[string]string    // with policies that were brought about, the digest of the task
	refused  []string             // plans that change too much at once, and what to do about them
	recheck  time.Time            // when refused plans are looked at again; zero: there are none
	patience map[string]patience  // with policies that have to wait
	gone     []time.Time          // when policies were destroyed
	missing  map[string]time.Time // since when policies of annotated Ingresses are not asked for any more
	held     time.Time            // when the first of them is removed; zero: there are none
	state    plan.State           // as it was last read
	readAt   time.Time
}

// An outcome is what became of a task: the condition Programmed.
type outcome struct {
	done            bool
	reason, message string
	awaits          bool // a healthy verdict, and nothing else
	held            bool // what changes waits until an operator undoes what he has made of its check by hand
}

// patience is how long a policy is left out after the provider did not take it.
type patience struct {
	digest string // of the task
	until  time.Time
	delay  time.Duration
}

// The first pause of a policy that is left out, and the longest.
const (
	firstPatience   = 5 * time.Second
	longestPatience = 5 * time.Minute
)

// A passReport is what a pass has done.
type passReport struct {
	idle    bool              // nothing was asked of the provider
	steps   map[plan.Kind]int // that were executed
	drifted []string          // policies that were corrected although nothing was asked anew
	next    time.Time         // when to come back although nothing changes
}

// pass brings tasks about as far as possible, and remembers what became of each. force are the hashes of plans that may
// change too much. An error is about the provider as a whole; the next pass goes on where this one ended.
func (w *worker) pass(ctx context.Context, tasks []task, force []string, now time.Time) (passReport, error) {
	active := slices.DeleteFunc(slices.Clone(tasks), func(t task) bool { return t.intent == leave })
	digest := digestOf(active, force)
	if w.missing == nil {
		w.missing = make(map[string]time.Time)
	}
	report := passReport{steps: make(map[plan.Kind]int)}
	if digest == w.digest && now.Before(w.due) && !w.impatient(tasks, now) {
		w.outcomes = w.same(tasks, active)
		report.idle, report.next = true, w.next(tasks)
		return report, nil
	}
	p := &passing{worker: w, force: force, now: now, left: make(map[string]outcome), report: report, destroyed: make(map[string]bool),
		granted: make(map[string]bool), asked: make(map[string]string)}
	w.digest, w.refused = "", nil
	var set []*task
	busy := make(map[string]bool) // of two tasks with one key, only one is more than left alone
	for _, t := range tasks {
		busy[t.key] = busy[t.key] || t.intent != leave
	}
	for i := range tasks {
		t := &tasks[i]
		switch wait, waiting := w.patience[t.key]; {
		case t.intent == leave:
			if t.refusal != nil && !busy[t.key] {
				p.left[t.key] = outcome{reason: t.refusal.reason, message: t.refusal.message}
			}
		case waiting && wait.digest == digestOf([]task{*t}, nil) && now.Before(wait.until):
			p.left[t.key] = w.outcomes[t.key]
		default:
			set = append(set, t)
			p.asked[t.key] = digestOf([]task{*t}, nil)
		}
	}
	p.zones = zonesOf(tasks)
	orphans, err := p.orphans(ctx, tasks)
	if err != nil {
		return p.report, err
	}
	for i := range orphans {
		if orphans[i].intent != leave {
			set = append(set, &orphans[i])
		}
	}
	if err := p.bring(ctx, set); err != nil {
		return p.report, err
	}
	outcomes, made := make(map[string]outcome, len(tasks)), make(map[string]string, len(set))
	for i := range tasks {
		t := &tasks[i]
		if o, left := p.left[t.key]; left {
			outcomes[t.key] = o
			continue
		}
		if t.intent == leave && busy[t.key] {
			continue
		}
		delete(w.patience, t.key)
		outcomes[t.key], made[t.key] = done(t), p.asked[t.key]
	}
	for key := range w.patience {
		if _, there := outcomes[key]; !there {
			delete(w.patience, key)
		}
	}
	w.outcomes, w.made, w.digest, w.recheck, w.held = outcomes, made, digest, time.Time{}, time.Time{}
	if len(w.refused) > 0 {
		w.recheck = now.Add(longestPatience)
	}
	// Controllers that started together do not come back together.
	w.due = now.Add(w.resync - rand.N(w.resync/10+1))
	for _, t := range orphans {
		if t.intent == leave && (w.held.IsZero() || t.until.Before(w.held)) {
			w.held = t.until
		}
	}
	p.report.next = w.next(tasks)
	return p.report, nil
}

// same are the outcomes of a pass that has nothing to do: those that are left alone may be so for another reason than before.
func (w *worker) same(tasks, active []task) map[string]outcome {
	outcomes := make(map[string]outcome, len(tasks))
	for _, t := range tasks {
		if t.refusal != nil {
			outcomes[t.key] = outcome{reason: t.refusal.reason, message: t.refusal.message}
		}
	}
	for _, t := range active {
		outcomes[t.key] = w.outcomes[t.key]
	}
	return outcomes
}

// done is the outcome of a task that was brought about.
func done(t *task) outcome {
	switch t.intent {
	case program:
		return outcome{done: true, reason: v1alpha1.ReasonProgrammed, message: "this Region's health check and records are as wanted"}
	case withdraw:
		return outcome{reason: v1alpha1.ReasonRemoved, message: "its source has vanished, the hold period is over, and this Region's record is removed"}
	case destroy:
		return outcome{done: true, reason: v1alpha1.ReasonRemoved, message: "this Region's health check and records are removed"}
	}
	return outcome{reason: v1alpha1.ReasonPending, message: "nothing was done"}
}

// impatient reports whether something that was left out is to be tried again.
func (w *worker) impatient(tasks []task, now time.Time) bool {
	due := func(at time.Time) bool { return !at.IsZero() && !now.Before(at) }
	return due(w.recheck) || due(w.held) || slices.ContainsFunc(tasks, func(t task) bool {
		wait, waiting := w.patience[t.key]
		return waiting && !now.Before(wait.until)
	})
}

// next is when something is to be done although nothing changes.
func (w *worker) next(tasks []task) time.Time {
	next := w.due
	for _, at := range []time.Time{w.recheck, w.held} {
		if !at.IsZero() && at.Before(next) {
			next = at
		}
	}
	for _, t := range tasks {
		for _, at := range []time.Time{w.patience[t.key].until, t.until} {
			if !at.IsZero() && at.Before(next) {
				next = at
			}
		}
	}
	return next
}

// A passing is one pass at work.
type passing struct {
	*worker
	force     []string
	now       time.Time
	zones     []zone.HostedZone
	left      map[string]outcome // tasks that are left out
	destroyed map[string]bool
	granted   map[string]bool   // policies of a plan that changes too much and whose hash was given: what is left of it may be done
	asked     map[string]string // digests of the tasks that are not left out, by key
	fresh     bool              // the state was read, and nothing was done since
	limits    *zone.Limits      // the account's quotas; nil: not read
	report    passReport
}

// bring reads, plans and applies until nothing is left to do for a set of tasks but those that had to be left out.
func (p *passing) bring(ctx context.Context, set []*task) error {
	var last error
	for range maxRounds {
		if !p.fresh {
			if err := p.read(ctx); err != nil {
				return err
			}
		}
		p.fresh = false
		planned, err := p.plan(ctx, set)
		if err != nil || planned.Empty() {
			p.leaveHeld(planned)
			return err
		}
		p.log.Info("plan", "region", p.region, "plan", planned.Hash, "steps", len(planned.Steps), "policies", len(policiesIn(planned)))
		result, err := p.applier.Apply(ctx, planned)
		for _, s := range planned.Steps[:result.Steps] {
			p.report.steps[s.Kind]++
		}
		if err == nil {
			p.remember(planned)
			continue
		}
		p.log.Warn("plan not completed", "region", p.region, "plan", planned.Hash, "error", err)
		var changed *apply.Changed
		if last = err; !errors.As(err, &changed) {
			if err := p.isolate(ctx, set, planned, err); err != nil {
				return err
			}
		}
	}
	if last == nil {
		last = errors.New("it is never as planned: somebody changes it at the same time")
	}
	return fmt.Errorf("the provider is not as wanted after %d plans: %w", maxRounds, last)
}

// leaveHeld leaves those out of which something waits for an operator, when everything else is done.
func (p *passing) leaveHeld(planned plan.Plan) {
	for _, h := range planned.Held {
		if h.Waits != "" {
			p.left[plan.PolicyOf(h.Key)] = outcome{reason: v1alpha1.ReasonPending, message: h.String(), held: true}
		}
	}
}

func (p *passing) read(ctx context.Context) error {
	state, err := p.applier.Read(ctx, p.zones)
	if err != nil {
		return err
	}
	p.state, p.readAt, p.fresh = state, p.now, true
	return nil
}

// remember notes which policies a plan has destroyed, and which it has corrected.
func (p *passing) remember(planned plan.Plan) {
	for _, key := range policiesIn(planned) {
		// What was brought about and is not asked for in another way now has been changed by somebody else.
		if asked := p.asked[key]; asked != "" && p.made[key] == asked && !slices.Contains(p.report.drifted, key) {
			p.report.drifted = append(p.report.drifted, key)
		}
		if p.destroyed[key] {
			p.gone = append(p.gone, p.now)
			delete(p.destroyed, key)
		}
	}
}

// wait leaves a task out for longer and longer.
func (p *passing) wait(t *task, o outcome) {
	digest := digestOf([]task{*t}, nil)
	delay := firstPatience
	if before, again := p.patience[t.key]; again && before.digest == digest {
		delay = min(2*before.delay, longestPatience)
	}
	if p.patience == nil {
		p.patience = make(map[string]patience)
	}
	p.patience[t.key] = patience{digest, p.now.Add(delay), delay}
	p.left[t.key] = o
}

// zonesOf are the zones in which tasks may have records, in the order of their ids.
func zonesOf(tasks []task) []zone.HostedZone {
	byID := make(map[string]zone.HostedZone)
	for _, t := range tasks {
		for _, z := range t.zones {
			byID[z.ID] = z
		}
	}
	var zones []zone.HostedZone
	for _, id := range slices.Sorted(maps.Keys(byID)) {
		zones = append(zones, byID[id])
	}
	return zones
}

// digestOf is the same for the same tasks.
func digestOf(tasks []task, force []string) string {
	h := sha256.New()
	e := json.NewEncoder(h)
	for _, t := range tasks {
		message := ""
		if t.refusal != nil {
			message = t.refusal.reason + ": " + t.refusal.message
		}
		// Nothing in it fails to encode: names, numbers and pointers to them.
		_ = e.Encode([]any{t.key, t.intent, t.hostname, t.zones, t.desired, message})
	}
	_ = e.Encode(force)
	return hex.EncodeToString(h.Sum(nil))
}

// policiesIn are the policies that the steps of a plan are for, sorted.
func policiesIn(planned plan.Plan) []string {
	var keys []string
	for _, s := range planned.Steps {
		switch {
		case s.Check != nil:
			keys = append(keys, plan.PolicyOf(s.Check.Key))
		case s.Batch != nil:
			for _, c := range s.Batch.Changes {
				keys = append(keys, c.Policy)
			}
		}
	}
	slices.Sort(keys)
	return slices.DeleteFunc(slices.Compact(keys), func(key string) bool { return strings.TrimSpace(key) == "" })
}
