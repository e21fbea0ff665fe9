package controller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/bulkhead-dns/bulkhead/api/v1alpha1"
	"github.com/bulkhead-dns/bulkhead/apply"
	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// plan makes the next plan for those of a set that are not left out, and leaves out those that a plan is refused for. Policies
// that nobody waits for go before those whose checks have no verdict yet, and those that have their checks before those whose
// checks are to be made, marked or changed, which may be impossible while records can be changed (r53: D.5). What is deleted goes
// last.
func (p *passing) plan(ctx context.Context, set []*task) (plan.Plan, error) {
	for judged := false; ; {
		p.keepLast(set)
		live := slices.DeleteFunc(slices.Clone(set), func(t *task) bool { _, left := p.left[t.key]; return left })
		planned, err := p.diff(live, false)
		var refused *plan.Refused
		switch {
		case p.limits == nil && p.provider == failover.AWS && !planned.Empty() && (err == nil || errors.As(err, &refused)):
			limits, err := p.applier.Limits(ctx, planned)
			if err != nil {
				return planned, err
			}
			p.limits = &limits
			continue
		case errors.As(err, &refused):
			if p.leaveRefused(live, refused.Findings) {
				continue
			}
			forced, err := p.whole(live, refused.Findings)
			if err != nil || !forced.Empty() {
				return forced, err
			}
			continue
		case err != nil || planned.Empty():
			return planned, err
		case !judged && removes(planned):
			// A plan that knows the verdicts does not take the last healthy member away.
			if err := p.applier.Judge(ctx, &p.state, planned); err != nil {
				return planned, err
			}
			judged = true
			continue
		}
		for _, later := range [][]string{waitedFor(planned), making(planned)} {
			if len(later) == 0 {
				continue
			}
			others := slices.DeleteFunc(slices.Clone(live), func(t *task) bool { return slices.Contains(later, t.key) })
			if before, err := p.diff(others, false); err == nil && !before.Empty() {
				return before, nil
			}
		}
		return planned, nil
	}
}

// making lists the policies of a plan whose checks it makes, marks or changes.
func making(planned plan.Plan) []string {
	var keys []string
	for _, s := range planned.Steps {
		switch s.Kind {
		case plan.CreateCheck, plan.TagCheck, plan.UpdateCheck:
			keys = append(keys, plan.PolicyOf(s.Check.Key))
		}
	}
	return keys
}

// diff compares what exists with what tasks want. Deletions are planned by themselves when nothing else is to do.
// many says that it may be any share of what there is; what checkers say counts all the same.
func (p *passing) diff(tasks []*task, many bool) (plan.Plan, error) {
	guard := plan.Guard{Regions: []string{p.region}, Engine: p.provider == failover.Engine, Many: many,
		Limits: p.limits}
	desired := plan.State{Zones: p.state.Zones}
	var deleted []string
	sixes, owners := p.ipv6(), plan.NewOwners(p.state)
	for _, t := range tasks {
		switch t.intent {
		case program:
			desired.Checks = append(desired.Checks, t.desired.Checks...)
			desired.Records = append(desired.Records, t.records(sixes, owners, p.region)...)
		case withdraw:
			desired.Checks = append(desired.Checks, p.elsewhere(t.key)...)
		case destroy:
			deleted = append(deleted, t.key)
		}
	}
	planned, err := apply.Diff(p.state, desired, guard)
	if err != nil || !planned.Empty() || len(deleted) == 0 {
		return planned, err
	}
	if planned, err = apply.Destroy(p.state, deleted, guard); err != nil {
		return planned, err
	}
	for _, key := range policiesIn(planned) {
		p.destroyed[key] = true
	}
	if !many {
		err = p.guardDeletions(planned)
	}
	return planned, err
}

// ipv6 are the AAAA records that this Region's SetIdentifier has.
func (p *passing) ipv6() []plan.Record {
	return slices.DeleteFunc(slices.Clone(p.state.Records), func(r plan.Record) bool {
		return r.Set.Type != zone.AAAA || r.Set.SetIdentifier != p.region
	})
}

// keepLast leaves those out whose Region is to go and is the only one.
func (p *passing) keepLast(set []*task) {
	for _, t := range set {
		if t.intent == withdraw && p.has(t.key) && len(p.elsewhere(t.key)) == 0 {
			p.left[t.key] = outcome{reason: v1alpha1.ReasonLastRecordKept, message: "its source has vanished and the hold period is over; this Region's record stays, " +
				"because no other Region has one of this hostname. To remove it, delete the policy"}
		}
	}
}

// has reports whether a policy has a check in this Region.
func (p *passing) has(key string) bool {
	return slices.ContainsFunc(p.state.Checks, func(c plan.Check) bool {
		return c.Owned() && plan.PolicyOf(c.Key) == key && plan.RegionOf(c.Key) == p.region
	})
}

// elsewhere are the checks of a policy in other Regions. A plan that wants them, and cannot reach them, knows the policy as
// one that goes on: it takes this Region's record away, but not the last answer.
func (p *passing) elsewhere(key string) []plan.Check {
	var others []plan.Check
	for _, c := range p.state.Checks {
		if c.Owned() && plan.PolicyOf(c.Key) == key && plan.RegionOf(c.Key) != p.region {
			others = append(others, c)
		}
	}
	return others
}

// leaveRefused leaves the tasks out that findings name, and reports whether there are any.
func (p *passing) leaveRefused(live []*task, findings []plan.Finding) bool {
	texts := make(map[string][]string)
	for _, f := range findings {
		text := f.Text
		if f.Object != "" {
			text = f.Object + " " + text
		}
		texts[f.Policy] = append(texts[f.Policy], text)
	}
	found := false
	for _, t := range live {
		if len(texts[t.key]) == 0 {
			continue
		}
		found = true
		o := outcome{reason: v1alpha1.ReasonProviderRefused, message: strings.Join(texts[t.key], "; ")}
		switch {
		case t.intent == withdraw:
			o.reason = v1alpha1.ReasonLastRecordKept
		case t.intent == destroy:
			o.reason = v1alpha1.ReasonPending
		case p.foreign(t):
			o.reason = v1alpha1.ReasonForeignRecord
		}
		p.left[t.key] = o
	}
	return found
}

// foreign reports whether the hostname of a task has an address record that is not the policy's.
func (p *passing) foreign(t *task) bool {
	owners := plan.NewOwners(p.state)
	return slices.ContainsFunc(p.state.Records, func(r plan.Record) bool {
		address := r.Set.Type == zone.A || r.Set.Type == zone.AAAA || r.Set.Type == zone.CNAME
		return address && r.Set.Name == t.hostname && plan.PolicyOf(owners.Key(&r.Set)) != t.key
	})
}

// whole deals with a plan that is refused as a whole: because it changes too much, or because a quota is too small. It is
// returned when somebody has given its hash. Otherwise those are left out that change what exists, or all when that is
// nobody, and the plan is empty.
func (p *passing) whole(live []*task, findings []plan.Finding) (plan.Plan, error) {
	forced, err := p.diff(live, true)
	var refused *plan.Refused
	if err != nil && !errors.As(err, &refused) {
		return plan.Plan{}, err
	}
	keys := changing(forced)
	if len(keys) == 0 {
		keys = policiesIn(forced)
	}
	concerned := slices.DeleteFunc(slices.Clone(live), func(t *task) bool { return !slices.Contains(keys, t.key) })
	if len(concerned) == 0 {
		return plan.Plan{}, &plan.Refused{Findings: findings}
	}
	texts := make([]string, len(findings))
	for i, f := range findings {
		texts[i] = f.Text
	}
	message := strings.Join(texts, "; ")
	// The hash is of the changes in question alone, so that it stays the same when the others are made.
	if forced, err = p.diff(concerned, true); err == nil {
		keys := policiesIn(forced)
		rest := len(keys) > 0 && !slices.ContainsFunc(keys, func(key string) bool { return !p.granted[key] })
		if rest || slices.Contains(p.force, forced.Hash) {
			for _, key := range keys {
				p.granted[key] = true
			}
			return forced, nil
		}
		message = fmt.Sprintf("%s. Nothing of it is done. To do it all the same, annotate the class with %s=%s, which stands for this plan alone", message,
			v1alpha1.ForcePlanAnnotation, forced.Hash)
	}
	for _, t := range concerned {
		p.left[t.key] = outcome{reason: v1alpha1.ReasonPending, message: "it is part of a plan that is refused: " + message}
	}
	p.refused = append(p.refused, message)
	p.log.Warn("plan refused", "region", p.region, "plan", forced.Hash, "reason", message)
	return plan.Plan{}, nil
}

// isolate leaves those tasks out that a plan failed for. It returns errors that are nobody's.
func (p *passing) isolate(ctx context.Context, set []*task, planned plan.Plan, err error) error {
	var (
		verdict *apply.VerdictError
		batch   *apply.BatchError
		check   *apply.CheckError
	)
	switch {
	case errors.As(err, &verdict):
		return p.leave(set, verdict.Policies, outcome{reason: v1alpha1.ReasonPending, message: verdict.Error(), awaits: true}, err)
	case errors.As(err, &check):
		return p.leave(set, []string{plan.PolicyOf(check.Key)}, outcome{reason: v1alpha1.ReasonProviderRefused, message: check.Error()}, err)
	case !errors.As(err, &batch):
		return err
	}
	var suspects []*task
	for _, t := range set {
		if slices.Contains(policiesOfZone(planned, batch.Zone), t.key) {
			suspects = append(suspects, t)
		}
	}
	if len(suspects) <= 1 {
		return p.leave(suspects, policiesOfZone(planned, batch.Zone), outcome{reason: v1alpha1.ReasonProviderRefused, message: batch.Error()}, err)
	}
	// A batch is refused as a whole, and the reasons do not always tell whose they are. r53: C.5
	if err := p.bring(ctx, suspects[:len(suspects)/2]); err != nil {
		return err
	}
	return p.bring(ctx, suspects[len(suspects)/2:])
}

// leave leaves tasks out for a while. Where none of the set is concerned, the error stands.
func (p *passing) leave(set []*task, keys []string, o outcome, err error) error {
	found := false
	for _, t := range set {
		if slices.Contains(keys, t.key) {
			p.wait(t, o)
			found = true
		}
	}
	if !found {
		return err
	}
	return nil
}

// policiesOfZone are the policies whose records a plan changes in a zone.
func policiesOfZone(planned plan.Plan, name string) (keys []string) {
	for _, s := range planned.Steps {
		if s.Batch != nil && string(s.Batch.ZoneName) == name {
			for _, c := range s.Batch.Changes {
				keys = append(keys, c.Policy)
			}
		}
	}
	return keys
}

// waitedFor are the policies whose checks need a verdict before the records of a plan change.
func waitedFor(planned plan.Plan) (keys []string) {
	for _, s := range planned.Steps {
		if s.Wait != nil {
			for _, key := range s.Wait.Checks {
				keys = append(keys, plan.PolicyOf(key))
			}
		}
	}
	return keys
}

// removes reports whether a plan takes a record set away or replaces one.
func removes(planned plan.Plan) bool {
	return slices.ContainsFunc(planned.Steps, func(s plan.Step) bool {
		return s.Batch != nil && slices.ContainsFunc(s.Batch.Changes, func(c plan.RecordChange) bool { return c.Action != zone.Create })
	})
}

// changing are the policies of which a plan changes or deletes what exists.
func changing(planned plan.Plan) (keys []string) {
	for _, s := range planned.Steps {
		switch {
		case s.Kind == plan.UpdateCheck || s.Kind == plan.DeleteCheck:
			keys = append(keys, plan.PolicyOf(s.Check.Key))
		case s.Batch != nil:
			for _, c := range s.Batch.Changes {
				if c.Action != zone.Create {
					keys = append(keys, c.Policy)
				}
			}
		}
	}
	return keys
}
