package plan

import (
	"cmp"
	"slices"
)

// A hostname has a record set in each Region, and each Region may be looked after by another cluster, which may hear of
// a policy, or of its new name, at another time. So a plan that is limited to its own Regions leaves the record sets of
// the others as they are, whosever they are: they are those Regions' business. It is the first record set of a Region
// that has to belong there.

// holderElsewhere returns the policy that has a name which this plan's policy must not join: there are record sets of
// ours in other Regions, none here, and none of those has anything to do with the policy.
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

// reportOther tells of a record set of another Region that another policy has.
func (d *differ) reportOther(at *nameDiff, r *Record, key string) {
	if other := PolicyOf(key); other != at.policy {
		d.plan.Reports = append(d.plan.Reports, Finding{Kind: OtherPolicy, Policy: at.policy, Object: Describe(&r.Set),
			Holder: other,
			Text:   "belongs to " + other + " and stays: it is another Region's"})
	}
}
