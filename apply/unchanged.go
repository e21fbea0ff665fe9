package apply

import (
	"context"

	"github.com/bulkhead-dns/bulkhead/plan"
)

// Unchanged compares everything that a plan changes with what there is now. The error is *Changed when something is not
// as the plan saw it, also when a part of the plan was executed already. Apply compares each step for itself; this is
// for a plan that was kept, so that nothing of it is begun when some of it cannot be done. It writes nothing.
func (a *Applier) Unchanged(ctx context.Context, p plan.Plan) error {
	r := &run{a: a, p: p}
	if err := r.check(); err != nil {
		return err
	}
	if p.Empty() {
		return nil
	}
	checks, err := a.checks(ctx)
	if err != nil {
		return err
	}
	byID, references := make(map[string]*plan.Check, len(checks)), make(map[string]*plan.Check, len(checks))
	for i := range checks {
		byID[checks[i].ID], references[checks[i].CallerReference] = &checks[i], &checks[i]
	}
	for _, s := range p.Steps {
		switch {
		case s.Batch != nil:
			err = r.unchanged(ctx, s.Batch)
		case s.Check != nil:
			err = sameCheck(s, byID[s.Check.ID], references[s.Check.CallerReference])
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// sameCheck compares one step with the check that has its id, and the one that has its caller reference.
func sameCheck(s plan.Step, now, made *plan.Check) error {
	c := s.Check
	object := "health check " + c.Key
	switch {
	case s.Kind == plan.CreateCheck && made != nil:
		return &Changed{Object: object, What: "it exists now, as " + made.ID}
	case s.Kind == plan.CreateCheck:
		return nil
	case now == nil:
		return &Changed{Object: named(c), What: "it is gone"}
	case c.Old != nil && !plan.SameConfig(now.Config, *c.Old):
		return &Changed{Object: named(c), What: "it has other settings"}
	}
	return nil
}
