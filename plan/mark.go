package plan

import (
	"slices"
	"strings"

	"github.com/bulkhead-dns/bulkhead/zone"
)

// Mark returns the plan that gives the checks within the guard's Regions a tag: the one that of returns for their policy,
// "<namespace>/<policy>", if any. What another cluster looks after gets none. It changes no answer.
func Mark(current State, of func(policy string) (tag zone.Tag, ok bool), guard Guard) Plan {
	var p Plan
	for i := range current.Checks {
		c := &current.Checks[i]
		if !c.Owned() || !guard.covers(RegionOf(c.Key)) {
			continue
		}
		if cluster, _ := ClusterOf(c.Tags); guard.Cluster != "" && cluster != "" && cluster != guard.Cluster {
			continue
		}
		tag, ok := of(PolicyOf(c.Key))
		if !ok || slices.Contains(c.Tags, tag) {
			continue
		}
		p.Steps = append(p.Steps, Step{Kind: TagCheck, Check: &CheckChange{Key: c.Key, ID: c.ID, CallerReference: c.CallerReference,
			Tags: []zone.Tag{tag}}})
	}
	slices.SortFunc(p.Steps, func(a, b Step) int { return strings.Compare(a.Check.Key+a.Check.ID, b.Check.Key+b.Check.ID) })
	p.seal()
	return p
}
