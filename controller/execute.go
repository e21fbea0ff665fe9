package controller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bulkhead-dns/bulkhead/api/v1alpha1"
	"github.com/bulkhead-dns/bulkhead/apply"
	"github.com/bulkhead-dns/bulkhead/plan"
)

// slice brings some units about, as far as that needs no waiting.
func (r *round) slice(ctx context.Context, units []*unit) error {
	for _, p := range r.proposals(units) {
		r.keepLast(p.tasks)
		if err := r.bring(ctx, p); err != nil {
			return err
		}
	}
	r.repeat(units)
	return nil
}

// bring plans and executes until nothing is left to do for some tasks but those that are left out.
func (r *round) bring(ctx context.Context, p proposal) error {
	for range maxPlans {
		planned, live, err := r.propose(ctx, p)
		var refused *plan.Refused
		switch {
		case errors.As(err, &refused) && len(live) > 1:
			return r.halve(ctx, p, live)
		case errors.As(err, &refused):
			r.leave(live[0], firstPause, outcome{reason: v1alpha1.ReasonProviderRefused, message: refused.Error()})
			return nil
		case err != nil || len(live) == 0:
			return err
		}
		if planned, err = r.permit(ctx, live, planned); err != nil {
			return err
		}
		if planned.Empty() && len(r.live(live)) < len(live) {
			continue // without those that there is no room for
		}
		if planned.Empty() {
			r.leaveHeld(planned)
			allowed := r.leaveWaiting(p, live, planned)
			switch {
			case allowed == nil && len(live) < len(r.live(p.tasks)):
				continue // the plan was for those that need no health check, and the others have not had their turn
			case allowed == nil:
				return nil
			}
			live = []*task{allowed}
			if planned, err = p.diff(live, r.loose()); err != nil {
				return err
			}
			if planned, err = r.permit(ctx, live, planned); err != nil || planned.Empty() {
				return err
			}
		}
		if err := r.execute(ctx, live, planned); err != nil {
			var batch *apply.BatchError
			if errors.As(err, &batch) {
				return r.halve(ctx, p, r.inZone(live, planned, batch.Zone))
			}
			return err
		}
	}
	// Somebody changes the same records at the same time, or Route 53 does not keep what it is given.
	for _, t := range r.live(p.tasks) {
		r.leave(t, firstPause, outcome{reason: v1alpha1.ReasonPending, message: fmt.Sprintf("it is not as wanted after %d plans: something else changes it at "+
			"the same time", maxPlans)})
	}
	return nil
}

// permit returns what may be executed of a plan now, also of one that somebody has allowed: what there is room for, and no deletion that
// has to wait. It is empty when tasks were left out, for a plan without them.
func (r *round) permit(ctx context.Context, live []*task, planned plan.Plan) (plan.Plan, error) {
	planned, err := r.room(ctx, live, planned)
	if err != nil {
		return planned, err
	}
	return r.deletionsLater(ctx, planned)
}

// halve goes on with each half of some tasks by itself, until what cannot be done stands alone. A batch is refused as a whole, and the
// reasons do not always tell whose they are. r53: C.5.
func (r *round) halve(ctx context.Context, p proposal, tasks []*task) error {
	half := (len(tasks) + 1) / 2
	for _, part := range [][]*task{tasks[:half], tasks[half:]} {
		if len(part) == 0 {
			continue
		}
		if err := r.bring(ctx, proposal{part, p.diff, p.judged}); err != nil {
			return err
		}
	}
	return nil
}

// inZone are those of some tasks whose records a plan changes in a zone.
func (r *round) inZone(live []*task, planned plan.Plan, name string) []*task {
	var keys []string
	for _, s := range planned.Steps {
		if s.Batch != nil && string(s.Batch.ZoneName) == name {
			keys = append(keys, policiesOf(s)...)
		}
	}
	return slices.DeleteFunc(slices.Clone(live), func(t *task) bool { return !slices.Contains(keys, t.key) })
}

// execute executes a plan as far as that needs no waiting. Tasks that it fails for are left out. The error is *apply.BatchError where
// several may be meant, or about the account as a whole.
func (r *round) execute(ctx context.Context, live []*task, planned plan.Plan) error {
	r.log.Info("plan", "region", r.region, "plan", short(planned.Hash), "steps", len(planned.Steps), "policies", len(policiesIn(planned)))
	result, err := r.applier.Advance(ctx, planned)
	r.executed(planned.Steps[:result.Steps], result)
	if err == nil {
		return nil
	}
	r.log.Warn("plan not completed", "region", r.region, "plan", short(planned.Hash), "error", err)
	r.stale = true
	var (
		changed *apply.Changed
		verdict *apply.VerdictError
		batch   *apply.BatchError
		check   *apply.CheckError
	)
	fault := r.applier.Fault()
	switch {
	case ctx.Err() != nil || apply.Unanswered(err):
		return err
	case errors.As(err, &changed):
		return r.readState(ctx)
	case errors.As(err, &verdict):
		r.stale = len(result.Created) > 0 && result.Steps == 0
		r.leaveKeys(live, verdict.Policies, r.verdictPause(), func(key string) outcome {
			return outcome{reason: v1alpha1.ReasonPending, message: "it waits for its health check: " + strings.Join(verdict.ByPolicy[key], "; "), awaits: true}
		})
		return nil
	case errors.As(err, &check):
		r.leaveKeys(live, []string{plan.PolicyOf(check.Key)}, firstPause, func(string) outcome {
			return outcome{reason: v1alpha1.ReasonProviderRefused, message: check.Error()}
		})
		return r.readState(ctx)
	case errors.As(err, &batch) && len(r.inZone(live, planned, batch.Zone)) > 1:
		return err
	case errors.As(err, &batch):
		r.leaveKeys(live, policiesIn(planned), firstPause, func(string) outcome {
			return outcome{reason: v1alpha1.ReasonProviderRefused, message: batch.Error()}
		})
		return r.readState(ctx)
	case fault != nil && !fault.Denied:
		return err
	}
	// Whoever the step was for comes back later. The others go on.
	step := planned.Steps[min(result.Steps, len(planned.Steps)-1)]
	r.leaveKeys(live, policiesOf(step), time.Second, func(string) outcome {
		return outcome{reason: v1alpha1.ReasonPending, message: "Route 53 did not take it, and it is tried again: " + reasonOfCall(err, fault)}
	})
	return r.readState(ctx)
}

// reasonOfCall says why a call failed, with the right that is missing.
func reasonOfCall(err error, fault *apply.Fault) string {
	if fault != nil && apply.Denied(err) {
		return fault.Error()
	}
	return err.Error()
}

// executed notes the effect of steps.
func (r *round) executed(steps []plan.Step, result apply.Result) {
	if len(steps) == 0 && len(result.Created) == 0 {
		return
	}
	r.writes++
	r.state = r.state.After(steps, result.Created)
	r.open = append(r.open, result.Open...)
	for _, s := range steps {
		r.report.steps[s.Kind]++
		if s.Kind == plan.WaitVerdicts || s.Kind == plan.DeleteCheck {
			continue
		}
		for _, key := range policiesOf(s) {
			r.wrote[key] = true
		}
	}
	r.counted(steps)
}

// leaveKeys leaves those of some tasks out that are named. Where none is, all are.
func (r *round) leaveKeys(live []*task, keys []string, first time.Duration, o func(key string) outcome) {
	named := slices.DeleteFunc(slices.Clone(live), func(t *task) bool { return !slices.Contains(keys, t.key) })
	if len(named) == 0 {
		named = live
	}
	for _, t := range named {
		r.leave(t, first, o(t.key))
	}
}

// leaveHeld leaves those out of which something waits for an operator, when everything else is done.
func (r *round) leaveHeld(planned plan.Plan) {
	for _, h := range planned.Held {
		if h.Waits != "" {
			key := plan.PolicyOf(h.Key)
			r.left[key], r.first[key] = outcome{reason: v1alpha1.ReasonPending, message: h.String(), held: true}, firstPause
		}
	}
}

// deletionsLater returns a plan without the deletions of health checks that have to wait: until name servers have forgotten the record sets,
// what they answer must not come to depend on nothing.
func (r *round) deletionsLater(ctx context.Context, planned plan.Plan) (plan.Plan, error) {
	if !slices.ContainsFunc(planned.Steps, func(s plan.Step) bool { return s.Kind == plan.DeleteCheck }) {
		return planned, nil
	}
	for len(r.open) > 0 && !r.now.Before(r.quiet) {
		synced, err := r.applier.InSync(ctx, r.open[0])
		if err != nil {
			return planned, err
		}
		if !synced {
			break
		}
		r.open = r.open[1:]
	}
	if len(r.open) == 0 && !r.now.Before(r.quiet) {
		return planned, nil
	}
	for _, s := range planned.Steps {
		if s.Kind == plan.DeleteCheck {
			r.later[plan.PolicyOf(s.Check.Key)] = true
		}
	}
	return planned.WithoutDeletions(), nil
}

// repeat sets those units aside for which something is written again and again: what is read afterwards is never what was written.
func (r *round) repeat(units []*unit) {
	for _, u := range units {
		if !slices.ContainsFunc(u.tasks, func(t *task) bool { return r.wrote[t.key] }) {
			continue
		}
		if u.repeats++; u.repeats < mostRepeats {
			continue
		}
		for _, t := range r.live(u.tasks) {
			r.leave(t, longestPause, outcome{reason: v1alpha1.ReasonProviderRefused, message: "Route 53 gives back something else than what it is given, " +
				"so that it is never as wanted. It is tried again later"})
		}
	}
}
