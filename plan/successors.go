package plan

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/bulkhead-dns/bulkhead/tagging"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// A policy that was renamed, moved to another namespace, or written to replace an annotation is another policy for the
// same hostname. The successor takes over what its predecessor has: checks get other tags, in one call each. Every
// change after that is the successor's own. So the next run completes an interrupted one, whether or not it knows the
// predecessor.

// successorKey returns the key that a check gets when the policies of the plan have taken over from their predecessors,
// for what it has at a name. It is the check's own key when there is no successor. A policy of another namespace takes
// over only what the plan's cluster owns.
func (d *differ) successorKey(c *Check, name zone.Name) string {
	if len(d.guard.Successors) == 0 || c.Key == "" {
		return c.Key
	}
	policy := PolicyOf(c.Key)
	next := d.guard.Successors[policy]
	if next == "" || d.managed[policy] || !d.managed[next] || !d.guard.covers(RegionOf(c.Key)) ||
		!d.wantedAt[next][hostnameEntry(name)] {
		return c.Key
	}
	if id, _ := ClusterOf(c.Tags); id != d.guard.Cluster && d.guard.Cluster != "" &&
		namespaceOf(policy) != namespaceOf(next) {
		return c.Key
	}
	return next + "/" + RegionOf(c.Key)
}

// findInherited finds the predecessors' checks that the policies of the plan take over: checks that record sets cite
// only at names that the successor wants, and uncited checks that were made for such a name. Other checks stay with the
// predecessor, which has another hostname now.
func (d *differ) findInherited() {
	if len(d.guard.Successors) == 0 {
		return
	}
	cited := make(map[string][]zone.Name) // names of record sets that may be ours, by the id of their check
	for i := range d.current.Records {
		set := &d.current.Records[i].Set
		if c := d.byID[set.HealthCheckID]; c != nil && c.Owned() && set.SetIdentifier == RegionOf(c.Key) {
			if listedNames := hostnamesOf(c); listedNames == nil || slices.Contains(listedNames, hostnameEntry(set.Name)) {
				cited[c.ID] = append(cited[c.ID], set.Name)
			}
		}
	}
	for i := range d.current.Checks {
		c := &d.current.Checks[i]
		if d.otherClusters[c.ID] != "" {
			continue
		}
		names := cited[c.ID]
		if last := hostnamesOf(c); len(names) == 0 && len(last) > 0 {
			names = []zone.Name{zone.Name(last[0] + ".")} // listed again, it is the same
		}
		if len(names) == 0 {
			continue
		}
		key := d.successorKey(c, names[0])
		if key != c.Key && !slices.ContainsFunc(names, func(n zone.Name) bool { return d.successorKey(c, n) != key }) {
			d.inherited[c.ID] = key
		}
	}
}

// wantedNamesOf returns how the names of wanted record sets are listed, by policy.
func wantedNamesOf(names map[string][]zone.Name) map[string]map[string]bool {
	byPolicy := make(map[string]map[string]bool)
	for key, list := range names {
		policy := PolicyOf(key)
		if byPolicy[policy] == nil {
			byPolicy[policy] = make(map[string]bool, len(list))
		}
		for _, n := range list {
			byPolicy[policy][hostnameEntry(n)] = true
		}
	}
	return byPolicy
}

// takeoverTags returns the tags that make a predecessor's check one of ours, and the predecessor's tags to remove. Both
// go into one call, which is assumed to be atomic (unconfirmed). r53: C.3.
func (d *differ) takeoverTags(c *Check, want []tagging.Tag) (set []tagging.Tag, remove []string) {
	key := d.inherited[c.ID]
	if key == "" {
		return want, nil
	}
	set = slices.Clone(want)
	if made, _, _ := parseReference(c.CallerReference); made != key && made != hashed(key) {
		set = append(set, tagging.Tag{Key: TagTakenOver, Value: takenOver(made, key)})
	}
	slices.SortFunc(set, func(a, b tagging.Tag) int { return strings.Compare(a.Key, b.Key) })
	for _, t := range c.Tags {
		kept := slices.ContainsFunc(set, func(o tagging.Tag) bool { return o.Key == t.Key })
		if strings.HasPrefix(t.Key, tagPrefix) && !kept {
			remove = append(remove, t.Key)
		}
	}
	return set, remove
}

// takeOver plans to mark the checks that are taken over, besides those that wanted keys go on with, which are marked by
// steps, those that record sets cite until their replacement is healthy. The checks that record sets cite come first:
// whose they are decides. They have all tags of whoever takes them over at once: if that goes before its own check is
// healthy, they tell whose it was.
func (d *differ) takeOver(steps []Step, wanted map[string]*Check) []Step {
	for _, key := range slices.Sorted(maps.Keys(d.byKey)) {
		for _, c := range d.byKey[key] {
			from := d.previousHolder(c)
			if from == "" || d.bound[key] == c.ID || d.destroyed[PolicyOf(key)] {
				continue
			}
			tags := []tagging.Tag{{Key: TagManagedBy, Value: TagValue}, {Key: TagKey, Value: key}}
			for _, keep := range []string{TagHostnames, TagInverted, TagCluster} {
				if value := tagged(c.Tags, keep); value != "" && (keep != TagCluster || d.guard.Cluster == "") {
					tags = append(tags, tagging.Tag{Key: keep, Value: value})
				}
			}
			if d.guard.Cluster != "" {
				tags = append(tags, d.guard.cluster())
			}
			if want := wanted[key]; want != nil {
				for _, t := range want.Tags {
					if tagged(tags, t.Key) == "" {
						tags = append(tags, t)
					}
				}
			}
			set, remove := d.takeoverTags(c, tags)
			steps = append(steps, Step{Kind: TagCheck,
				Check: &CheckChange{Key: key, ID: c.ID, CallerReference: c.CallerReference,
					Tags: missingTags(set, c.Tags), Untag: remove, Why: "taken over from " + from}})
		}
	}
	slices.SortStableFunc(steps, func(a, b Step) int {
		return cmp.Or(cmp.Compare(d.ownRefs[b.Check.ID], d.ownRefs[a.Check.ID]), strings.Compare(a.Check.Key, b.Check.Key),
			strings.Compare(a.Check.ID, b.Check.ID))
	})
	return steps
}

// previousHolder returns the policy or cluster that the plan takes a check over from. It is empty for a check that is
// not taken over.
func (d *differ) previousHolder(c *Check) string {
	switch {
	case d.inherited[c.ID] != "":
		return PolicyOf(c.Key)
	case d.seized[c.ID] != "":
		return "the cluster " + d.seized[c.ID]
	}
	return ""
}

// reportHandover reports which policy a record set is taken over from.
func (d *differ) reportHandover(at *nameDiff, r *Record, key string) {
	from := PolicyOf(key)
	if before := d.owners.Key(&r.Set); d.inherited[r.Set.HealthCheckID] != "" {
		from = PolicyOf(d.byID[r.Set.HealthCheckID].Key)
	} else if before != key {
		from = PolicyOf(before)
	}
	if len(at.want) > 0 && from != at.policy {
		d.report(at.policy, Describe(&r.Set), "moves here from %s", from)
	}
}
