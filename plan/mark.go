package plan

import (
	"slices"
	"strings"

	"github.com/bulkhead-dns/bulkhead/tagging"
)

// Mark returns the plan that adds tags to the checks of policies within the guard's Regions. tags has them by
// "<namespace>/<policy>". A check that an interrupted run created without tags is marked as the policy's too, if no
// record set cites it. Checks that another cluster owns get no tags. The plan changes no answer.
func Mark(current State, tags map[string][]tagging.Tag, guard Guard) Plan {
	made := make(map[string]string) // key by what stands in a caller reference
	for policy := range tags {
		for _, region := range guard.Regions {
			key := policy + "/" + region
			made[key], made[hashed(key)] = key, key
		}
	}
	cited := make(map[string]bool)
	for i := range current.Records {
		cited[current.Records[i].Set.HealthCheckID] = true
	}
	var p Plan
	for i := range current.Checks {
		c := &current.Checks[i]
		key, own := c.Key, []tagging.Tag(nil)
		if !c.Owned() && len(c.Tags) == 0 && !cited[c.ID] {
			reference, _, _ := parseReference(c.CallerReference)
			if key = made[reference]; key != "" {
				own = guard.ownership(key)
			}
		}
		cluster, _ := ClusterOf(c.Tags)
		if key == "" || !guard.covers(RegionOf(key)) || guard.Cluster != "" && cluster != "" && cluster != guard.Cluster {
			continue
		}
		if missing := missingTags(slices.Concat(own, tags[PolicyOf(key)]), c.Tags); len(tags[PolicyOf(key)]) > 0 &&
			len(missing) > 0 {
			p.Steps = append(p.Steps, Step{Kind: TagCheck,
				Check: &CheckChange{Key: key, ID: c.ID, CallerReference: c.CallerReference, Tags: missing}})
		}
	}
	slices.SortFunc(p.Steps, func(a,
		b Step) int {
		return strings.Compare(a.Check.Key+a.Check.ID, b.Check.Key+b.Check.ID)
	})
	p.seal()
	return p
}

// ownership returns the tags that say a check belongs to a key, and to the guard's cluster.
func (g Guard) ownership(key string) []tagging.Tag {
	tags := []tagging.Tag{{Key: TagManagedBy, Value: TagValue}, {Key: TagKey, Value: key}}
	if g.Cluster != "" {
		tags = append(tags, g.cluster())
	}
	return tags
}
