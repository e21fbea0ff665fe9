package plan

import (
	"cmp"
	"slices"
)

// A hostname has a record set in each Region, and each Region may belong to another cluster. Clusters learn of a
// policy, or of its new name, at different times. So a plan that is limited to its own Regions leaves the record sets
// of other Regions as they are, whichever policy owns them. Only the first record set of a Region must be entitled to
// join.

// holderElsewhere returns the policy that owns a name which this plan's policy must not join: record sets of ours exist
// in other Regions and none here, and none of them is related to the policy.
func (d *differ) holderElsewhere(at *nameDiff) (holder string, checks []string) {
	if !slices.ContainsFunc(at.want, func(w *Record) bool { return w.CheckKey != "" }) {
		return "", nil
	}
	for _, r := range at.here {
		key := d.owner(r)
		if key == "" {
			continue
		}
		if d.mayTouch(r) || d.guard.covers(RegionOf(key)) || d.related(at.policy, r, key) {
			return "", nil
		}
		holder = cmp.Or(holder, PolicyOf(key))
		checks = append(checks, r.Set.HealthCheckID)
	}
	return holder, checks
}

// related reports whether a record set of another Region lets a policy join its group: it is the policy's own, or of
// one in the same namespace, or one of the two has taken over from the other.
func (d *differ) related(policy string, r *Record, key string) bool {
	other := PolicyOf(key)
	if other == policy || namespaceOf(other) == namespaceOf(policy) || d.guard.Successors[other] == policy {
		return true
	}
	c := d.byID[r.Set.HealthCheckID]
	before := policy + "/" + RegionOf(key)
	made, _, ok := parseReference(c.CallerReference)
	return ok && (made == before || made == hashed(before))
}

// reportOther reports a record set of another Region that belongs to another policy.
func (d *differ) reportOther(at *nameDiff, r *Record, key string) {
	if other := PolicyOf(key); other != at.policy {
		d.plan.Reports = append(d.plan.Reports, Finding{Kind: OtherPolicy, Policy: at.policy, Object: Describe(&r.Set),
			Holder: other,
			Text:   "belongs to " + other + " and stays: it is another Region's"})
	}
}
