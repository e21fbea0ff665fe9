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
	"github.com/bulkhead-dns/bulkhead/tagging"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// A proposal is what a plan is made for: tasks whose intents go together.
type proposal struct {
	tasks []*task
	diff  func(tasks []*task, guard plan.Guard) (plan.Plan, error)
	// judged is the plan whose verdicts are to be known before diff is asked, where that is not its own.
	judged func(tasks []*task, guard plan.Guard) (plan.Plan, error)
}

// proposals sorts the tasks of units: what is programmed and withdrawn, what is released, what is
// destroyed, and what is destroyed by force.
func (r *round) proposals(units []*unit) []proposal {
	list := []proposal{{diff: r.diff}, {diff: r.releases, judged: r.destroyed}, {diff: r.destroys}, {diff: func(tasks []*task, guard plan.Guard) (plan.Plan, error) {
		guard.Force = true
		return r.destroys(tasks, guard)
	}}}
	for _, u := range units {
		for _, t := range u.tasks {
			switch t.intent {
			case program, withdraw:
				list[0].tasks = append(list[0].tasks, t)
			case release:
				list[1].tasks = append(list[1].tasks, t)
			case destroy:
				i := 2
				if t.force {
					i = 3
				}
				list[i].tasks = append(list[i].tasks, t)
			}
		}
	}
	return list
}

// diff compares what exists with what is programmed and withdrawn.
func (r *round) diff(tasks []*task, guard plan.Guard) (plan.Plan, error) {
	desired := plan.State{Zones: r.state.Zones}
	sixes, owners := r.ipv6(), plan.NewOwners(r.state)
	guard.Successors = make(map[string]string)
	holders := r.holders(owners)
	for _, t := range tasks {
		switch t.intent {
		case program:
			for _, key := range holders[t.hostname] {
				if key != t.key {
					guard.Successors[key] = t.key
				}
			}
			desired.Checks = append(desired.Checks, r.wanted(t)...)
			desired.Records = append(desired.Records, t.records(sixes, owners, r.region)...)
		case withdraw:
			desired.Checks = append(desired.Checks, r.elsewhere(t.key)...)
		}
	}
	r.amongClusters(tasks, &guard)
	return apply.Diff(r.state, desired, guard)
}

// wanted are the checks of a task to program. When its policy was deleted and is there again, it is not to be removed any more.
func (r *round) wanted(t *task) []plan.Check {
	if !slices.ContainsFunc(r.state.Checks, func(c plan.Check) bool {
		return c.Owned() && plan.RegionOf(c.Key) == r.region && plan.PolicyOf(c.Key) == t.key && tagValue(&c, tagRemoval) != ""
	}) {
		return t.desired.Checks
	}
	checks := slices.Clone(t.desired.Checks)
	for i := range checks {
		checks[i].Tags = append(slices.Clone(checks[i].Tags), tagging.Tag{Key: tagRemoval})
	}
	return checks
}

// holders are the policies that have this Region's record sets of a hostname.
func (w *worker) holders(owners *plan.Owners) map[zone.Name][]string {
	holders := make(map[zone.Name][]string)
	for i := range w.state.Records {
		set := &w.state.Records[i].Set
		key := owners.Key(set)
		if policy := plan.PolicyOf(key); key != "" && plan.RegionOf(key) == w.region && !slices.Contains(holders[set.Name], policy) {
			holders[set.Name] = append(holders[set.Name], policy)
		}
	}
	return holders
}

// releases judges whether what deleted policies have here may go, and marks it so. It goes by itself later, unless another policy has
// taken it over by then.
func (r *round) releases(tasks []*task, guard plan.Guard) (plan.Plan, error) {
	if planned, err := r.destroyed(tasks, guard); err != nil {
		return planned, err
	}
	tags := make(map[string][]tagging.Tag) // by policy
	for _, t := range tasks {
		mark := t.removal.UTC().Format(time.RFC3339)
		if guard.Force {
			mark += forcedRemoval
		}
		switch before := r.removalOf(t.key); {
		case t.retained:
			mark = never
		case before != "":
			mark = before
		}
		tags[t.key] = []tagging.Tag{{Key: tagRemoval, Value: mark}, {Key: tagClass, Value: t.class}}
	}
	return plan.Mark(r.state, tags, guard), nil
}

// removalOf is what the checks of a policy are marked with here; empty when one is not marked.
func (r *round) removalOf(key string) (mark string) {
	for i := range r.state.Checks {
		c := &r.state.Checks[i]
		if !c.Owned() || plan.PolicyOf(c.Key) != key || plan.RegionOf(c.Key) != r.region {
			continue
		}
		if mark = tagValue(c, tagRemoval); mark == "" {
			return ""
		}
	}
	return mark
}

// destroyed is the plan that removes what deleted policies have here, but for what is marked already, and for those that another policy
// follows.
func (r *round) destroyed(tasks []*task, guard plan.Guard) (plan.Plan, error) {
	return r.destroys(slices.DeleteFunc(slices.Clone(tasks), func(t *task) bool { return t.retained || t.succeeded || r.isMarked(t.key) }), guard)
}

// destroys is the plan that removes what is to go.
func (r *round) destroys(tasks []*task, guard plan.Guard) (plan.Plan, error) {
	keys := make([]string, len(tasks))
	for i, t := range tasks {
		keys[i] = t.key
	}
	if len(keys) == 0 {
		return plan.Plan{}, nil
	}
	return apply.Destroy(r.state, keys, guard)
}

// propose makes the next plan for those of some tasks that are not left out, and leaves out those that it is refused for. Tasks that need
// no health check to be made or waited for go before the others: Route 53 may be unable to make checks while records can be changed
// (r53: D.5).
func (r *round) propose(ctx context.Context, p proposal) (plan.Plan, []*task, error) {
	guard := r.loose()
	guard.Force = false
	for judged := false; ; {
		live := r.live(p.tasks)
		if len(live) == 0 {
			return plan.Plan{}, nil, nil
		}
		if p.judged != nil && !judged {
			if removal, err := p.judged(live, guard); err == nil {
				if err := r.applier.Judge(ctx, &r.state, removal); err != nil {
					return removal, live, err
				}
			}
			judged = true
		}
		planned, err := p.diff(live, guard)
		var refused *plan.Refused
		switch {
		case errors.As(err, &refused):
			allowed, found := r.leaveRefused(p, live, refused.Findings)
			if allowed != nil {
				forced, err := p.diff([]*task{allowed}, r.loose())
				return forced, []*task{allowed}, err
			}
			if found {
				continue
			}
			return plan.Plan{}, live, err
		case err != nil:
			return planned, live, err
		case !judged && removes(planned):
			// A plan that knows the verdicts does not take the last healthy member away.
			if err := r.applier.Judge(ctx, &r.state, planned); err != nil {
				return planned, live, err
			}
			judged = true
			continue
		}
		slow := append(waitedFor(planned), making(planned)...)
		quick := slices.DeleteFunc(slices.Clone(live), func(t *task) bool { return slices.Contains(slow, t.key) || r.later[t.key] })
		if len(slow) == 0 || len(quick) == 0 {
			return planned, live, nil
		}
		if before, err := p.diff(quick, guard); err == nil && !before.Empty() {
			return before, quick, nil
		}
		return planned, live, nil
	}
}

// live are the tasks that are not left out.
func (r *round) live(tasks []*task) []*task {
	return slices.DeleteFunc(slices.Clone(tasks), func(t *task) bool { _, left := r.left[t.key]; return left })
}

// leave leaves a task out of the round. It comes back after a pause, which begins with first.
func (r *round) leave(t *task, first time.Duration, o outcome) {
	r.left[t.key], r.first[t.key] = o, first
}

// leaveRefused leaves the tasks out that findings name, and reports whether there are any. One whose plan somebody has allowed is
// returned instead: its plan is to be made by force.
func (r *round) leaveRefused(p proposal, live []*task, findings []plan.Finding) (allowed *task, found bool) {
	texts, of := make(map[string][]string), make(map[string][]plan.Finding)
	for _, f := range findings {
		text := f.Text
		if f.Object != "" {
			text = f.Object + " " + text
		}
		texts[f.Policy], of[f.Policy] = append(texts[f.Policy], text), append(of[f.Policy], f)
	}
	for _, t := range live {
		if len(texts[t.key]) == 0 {
			continue
		}
		found = true
		r.lookAnew(t, of[t.key])
		if r.refuse(p, t, strings.Join(texts[t.key], "; "), reasonAmong(of[t.key])) {
			return t, true
		}
	}
	return nil, found
}

// refuse leaves a task out whose plan is refused, or reports that somebody has allowed it. Where it can be allowed, the outcome says how.
// reason is empty where it follows from what the task is.
func (r *round) refuse(p proposal, t *task, why, reason string) (allowed bool) {
	o := outcome{reason: v1alpha1.ReasonProviderRefused, message: why}
	switch {
	case reason != "":
		o.reason = reason
	case t.intent == withdraw:
		o.reason = v1alpha1.ReasonLastRecordKept
	case t.intent == release || t.intent == destroy:
		o.reason = v1alpha1.ReasonPending
	case r.foreign(t):
		o.reason = v1alpha1.ReasonForeignRecord
	}
	if before := r.formerName(t); before != "" {
		o.message += fmt.Sprintf(". A hostname cannot change in place without a gap: put %s back, make another policy for %s, and delete this one when nobody uses it any more",
			strings.TrimSuffix(string(before), "."), strings.TrimSuffix(string(t.hostname), "."))
	}
	if forced, err := p.diff([]*task{t}, r.loose()); err == nil && !forced.Empty() {
		hash := short(hashOf(forced))
		if !r.allowed[t.key] && (slices.Contains(r.force, hash) || slices.Contains(t.forced, hash)) {
			r.allowed[t.key] = true
			return true
		}
		o.message = fmt.Sprintf("%s. To do it all the same, annotate this object, or its class, with %s=%s, which stands for this change alone", o.message,
			v1alpha1.ForcePlanAnnotation, hash)
	}
	r.leave(t, firstPause, o)
	return false
}

// formerName is the hostname that a policy to program has here, where it has another one than it asks for; empty for none.
func (r *round) formerName(t *task) (before zone.Name) {
	if t.intent != program {
		return ""
	}
	for name, holders := range r.holders(plan.NewOwners(r.state)) {
		switch {
		case !slices.Contains(holders, t.key):
		case name == t.hostname:
			return ""
		default:
			before = name
		}
	}
	return before
}

// ipv6 are the AAAA records that this Region's SetIdentifier has.
func (r *round) ipv6() []plan.Record {
	return slices.DeleteFunc(slices.Clone(r.state.Records), func(record plan.Record) bool {
		return record.Set.Type != zone.AAAA || record.Set.SetIdentifier != r.region
	})
}

// keepLast leaves those out whose Region is to go and is the only one.
func (r *round) keepLast(tasks []*task) {
	for _, t := range tasks {
		if t.intent == withdraw && r.has(t.key) && len(r.elsewhere(t.key)) == 0 {
			r.leave(t, longestPause, outcome{reason: v1alpha1.ReasonLastRecordKept, message: "its source has vanished and the hold period is over; this Region's " +
				"record stays, because no other Region has one of this hostname. To remove it, delete the policy"})
		}
	}
}

// has reports whether a policy has a check in this Region.
func (w *worker) has(key string) bool {
	return slices.ContainsFunc(w.state.Checks, func(c plan.Check) bool {
		return c.Owned() && plan.PolicyOf(c.Key) == key && plan.RegionOf(c.Key) == w.region
	})
}

// elsewhere are the checks of a policy in other Regions. A plan that wants them, and cannot reach them, knows the policy as
// one that goes on: it takes this Region's record away, but not the last answer.
func (w *worker) elsewhere(key string) []plan.Check {
	var others []plan.Check
	for _, c := range w.state.Checks {
		if c.Owned() && plan.PolicyOf(c.Key) == key && plan.RegionOf(c.Key) != w.region {
			others = append(others, c)
		}
	}
	return others
}

// foreign reports whether the hostname of a task has an address record that is not Bulkhead's, or another policy's here.
func (w *worker) foreign(t *task) bool {
	owners := plan.NewOwners(w.state)
	return slices.ContainsFunc(w.state.Records, func(r plan.Record) bool {
		address := r.Set.Type == zone.A || r.Set.Type == zone.AAAA || r.Set.Type == zone.CNAME
		return address && r.Set.Name == t.hostname && plan.PolicyOf(owners.Key(&r.Set)) != t.key
	})
}
