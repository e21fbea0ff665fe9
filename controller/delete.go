package controller

import (
	"fmt"
	"slices"
	"time"

	"github.com/bulkhead-dns/bulkhead/plan"
)

// Deletions within a time count together: a namespace that is deleted by accident, or all policies with their definition, do
// not all go in one pass.
const (
	deletionWindow  = 10 * time.Minute
	deletionPercent = 30
	deletionFrom    = 10 // policies; of fewer, a share means nothing
)

// guardDeletions refuses to destroy more than 30 % of the Region's policies within ten minutes.
func (p *passing) guardDeletions(planned plan.Plan) error {
	if planned.Empty() {
		return nil
	}
	p.gone = slices.DeleteFunc(p.gone, func(at time.Time) bool { return p.now.Sub(at) >= deletionWindow })
	owned := make(map[string]bool)
	for _, c := range p.state.Checks {
		if c.Owned() && plan.RegionOf(c.Key) == p.region {
			owned[plan.PolicyOf(c.Key)] = true
		}
	}
	all, gone := len(owned)+len(p.gone), len(policiesIn(planned))+len(p.gone)
	if all < deletionFrom || gone*100 <= all*deletionPercent {
		return nil
	}
	return &plan.Refused{Findings: []plan.Finding{{Text: fmt.Sprintf("deletes %d of %d policies of %s within %s, more than %d %%", gone, all, p.region,
		deletionWindow, deletionPercent)}}}
}
