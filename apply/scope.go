package apply

import (
	"context"
	"slices"

	"github.com/bulkhead-dns/bulkhead/plan"
)

// inScope wants no check that steps touch, or whose record sets they change, to be another cluster's by now. Tags that
// are kept may be old, and another cluster may have taken over since: they are read again, ten checks a call.
func (r *run) inScope(ctx context.Context, steps []plan.Step) error {
	if r.p.Scope == nil {
		return nil
	}
	var ids []string
	add := func(id string) {
		if id != "" {
			ids = append(ids, id)
		}
	}
	for _, s := range steps {
		if s.Check != nil {
			add(s.Check.ID)
		}
		if s.Batch == nil {
			continue
		}
		for i := range s.Batch.Changes {
			c := &s.Batch.Changes[i]
			add(c.Set.HealthCheckID)
			if c.Old != nil {
				add(c.Old.HealthCheckID)
			}
		}
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	if len(ids) == 0 {
		return nil
	}
	r.a.ForgetTags(ids...)
	tags, err := r.a.tags(ctx, ids)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if other := r.p.Scope.Foreign(id, tags[id]); other != "" {
			r.a.disown(id)
			return &Changed{Object: "health check " + id, What: "the cluster " + other + " looks after it"}
		}
	}
	return nil
}

// waits reports whether a plan waits for verdicts, for minutes perhaps.
func waits(p plan.Plan) bool {
	return slices.ContainsFunc(p.Steps, func(s plan.Step) bool { return s.Kind == plan.WaitVerdicts })
}
