package apply

import (
	"errors"

	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/whatif"
)

// Diff is plan.Diff, and refuses besides a plan after which clients of some place, who are answered now, would not be.
func Diff(current, desired plan.State, guard plan.Guard) (plan.Plan, error) {
	p, refusal := plan.Diff(current, desired, guard)
	p, err := guarded(current, p, refusal, guard.Force, nil)
	if err == nil || refusal != nil || guard.KeepRouting {
		return p, err
	}
	// Where one Region leaves clients alone, another one may be about to answer them: this is asked for, and waits.
	guard.KeepRouting = true
	kept, refusal := plan.Diff(current, desired, guard)
	if kept, refusal = guarded(current, kept, refusal, guard.Force, nil); refusal == nil {
		return kept, nil
	}
	return p, err
}

// Destroy is plan.Destroy, and refuses besides a plan that leaves a part of a name, or another name that leads to it,
// without an answer.
func Destroy(current plan.State, policies []string, guard plan.Guard) (plan.Plan, error) {
	p, err := plan.Destroy(current, policies, guard)
	return guarded(current, p, err, guard.Force, policies)
}

func guarded(current plan.State, p plan.Plan, err error, force bool, destroyed []string) (plan.Plan, error) {
	if refused := (*plan.Refused)(nil); err != nil && !errors.As(err, &refused) {
		return p, err
	}
	return whatif.Guard(current, p, force, destroyed)
}
