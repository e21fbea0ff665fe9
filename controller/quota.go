package controller

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bulkhead-dns/bulkhead/api/v1alpha1"
	"github.com/bulkhead-dns/bulkhead/plan"
)

// limitsAge is how long the account's quotas are taken for what they were.
const limitsAge = 10 * time.Minute

// room leaves those out whose health checks the account has no room for. What fits is made, in turns by namespace.
func (r *round) room(ctx context.Context, live []*task, planned plan.Plan) (plan.Plan, error) {
	if err := r.share(live, planned); err != nil {
		return planned, err
	}
	creates := make(map[string]int)
	for _, s := range planned.Steps {
		if s.Kind == plan.CreateCheck {
			creates[plan.PolicyOf(s.Check.Key)]++
		}
	}
	if len(creates) > 0 && (r.limits == nil || r.now.Sub(r.limited) > limitsAge) {
		limits, err := r.applier.Limits(ctx, planned)
		if err != nil {
			return planned, err
		}
		r.limits, r.limited = &limits, r.now
	}
	if len(creates) == 0 || r.limits.HealthChecks == 0 {
		return r.without(live, planned), nil
	}
	there := len(r.state.Checks)
	for _, t := range r.live(live) {
		if creates[t.key] == 0 {
			continue
		}
		if there+creates[t.key] > r.limits.HealthChecks {
			r.leave(t, firstPause, outcome{reason: v1alpha1.ReasonProviderRefused, message: fmt.Sprintf("the account may have %d health checks and has %d: ask AWS "+
				"for more, or delete some", r.limits.HealthChecks, there)})
			continue
		}
		there += creates[t.key]
	}
	return r.without(live, planned), nil
}

// without returns a plan as it is, or an empty one when tasks that it is for are left out by now, so that it is made again without them.
func (r *round) without(live []*task, planned plan.Plan) plan.Plan {
	if len(r.live(live)) < len(live) {
		return plan.Plan{}
	}
	return planned
}

// share leaves those out whose namespace has as many hostnames at the provider as its class allows. What it has there counts, not
// its objects: records that were kept on purpose, or whose policy is gone, are the namespace's too.
func (r *round) share(live []*task, planned plan.Plan) error {
	creates := make(map[string]bool)
	for _, s := range planned.Steps {
		if s.Kind == plan.CreateCheck {
			creates[plan.PolicyOf(s.Check.Key)] = true
		}
	}
	if len(creates) == 0 {
		return nil
	}
	owned := r.owned()
	for _, t := range live {
		if t.limit == 0 || !creates[t.key] || slices.Contains(owned[t.namespace], t.key) {
			continue
		}
		if has := r.countable(owned[t.namespace], t); len(has) >= t.limit {
			r.leave(t, firstPause, outcome{reason: v1alpha1.ReasonQuotaExceeded, message: fmt.Sprintf("the class allows namespace %s %d %s, and it has %s: delete one, "+
				"or wait until what was deleted is removed", t.namespace, t.limit, plural(t.limit, "hostname"), someOf(has))})
			continue
		}
		owned[t.namespace] = append(owned[t.namespace], t.key)
	}
	return nil
}

// countable are those of a namespace's policies at the provider that count against the class of a task: all but those that are of
// another class.
func (r *round) countable(keys []string, t *task) []string {
	return slices.DeleteFunc(slices.Clone(keys), func(key string) bool {
		class := r.classOf[key]
		return class != "" && class != t.class
	})
}

// owned are the policies that have a check in this Region, by namespace.
func (w *worker) owned() map[string][]string {
	owned := make(map[string][]string)
	for i := range w.state.Checks {
		c := &w.state.Checks[i]
		key := plan.PolicyOf(c.Key)
		if namespace := namespaceOf(key); c.Owned() && plan.RegionOf(c.Key) == w.region && !slices.Contains(owned[namespace], key) {
			owned[namespace] = append(owned[namespace], key)
		}
	}
	return owned
}

// someOf lists a few names.
func someOf(names []string) string {
	const shown = 5
	names = slices.Sorted(slices.Values(names))
	list := strings.Join(names[:min(shown, len(names))], ", ")
	if more := len(names) - shown; more > 0 {
		list += fmt.Sprintf(" and %d more", more)
	}
	return list
}
