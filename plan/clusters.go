package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/bulkhead-dns/bulkhead/tagging"
)

// TagCluster is the tag of a check that says which cluster owns it: Guard.Cluster, a space, and Guard.ClusterName.
const TagCluster = "bulkhead.dev/cluster"

// Two clusters in one Region can want the same check and the same record set. The cluster in the check's tag owns both.
// The other one is refused, and neither changes nor deletes them until it is told to take over. A check without the tag
// belongs to the first cluster that comes.

// ClusterOf returns the cluster that owns a check with these tags. id is empty when the tags do not say; name is empty
// when the cluster has none.
func ClusterOf(tags []tagging.Tag) (id, name string) {
	id, name, _ = strings.Cut(tagged(tags, TagCluster), " ")
	return id, name
}

// cluster returns the tag of the plan's cluster.
func (g Guard) cluster() tagging.Tag {
	// r53: C.3 does not list what a value may have; these characters are allowed in tags of all services.
	plain := strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("-._:/=+@", c) {
			return c
		}
		return '-'
	}, g.ClusterName)
	value := strings.TrimSpace(g.Cluster + " " + plain)
	return tagging.Tag{Key: TagCluster, Value: value[:min(len(value), maxTagValue)]}
}

// takesOver reports whether a policy of the plan takes over a check that another cluster owns.
func (d *differ) takesOver(c *Check) bool {
	id, name := ClusterOf(c.Tags)
	may := func(policy string) bool {
		from := d.guard.TakeOver[policy]
		return d.managed[policy] && (slices.Contains(from, id) || name != "" && slices.Contains(from, name))
	}
	policy := PolicyOf(c.Key)
	next := d.guard.Successors[policy]
	return may(policy) || namespaceOf(next) == namespaceOf(policy) && may(next)
}

// sortClusters finds the checks in the guard's Regions that other clusters own, and those of them that the plan takes
// over.
func (d *differ) sortClusters() {
	if d.guard.Cluster == "" {
		return
	}
	for i := range d.current.Checks {
		c := &d.current.Checks[i]
		id, name := ClusterOf(c.Tags)
		switch {
		case !c.Owned() || id == "" || id == d.guard.Cluster || !d.guard.covers(RegionOf(c.Key)):
		case d.takesOver(c):
			d.seized[c.ID] = clusterTitle(id, name)
		default:
			d.otherClusters[c.ID] = clusterTitle(id, name)
		}
	}
	if len(d.otherClusters) == 0 {
		return
	}
	// The owner of the check that record sets cite also owns the other checks of its key. They are the rest of an
	// interrupted run.
	cited, ours := make(map[string]bool), make(map[string]bool)
	for i := range d.current.Records {
		set := &d.current.Records[i].Set
		c := d.byID[set.HealthCheckID]
		if c == nil || !c.Owned() || set.SetIdentifier != RegionOf(c.Key) {
			continue
		}
		cited[c.ID] = true
		if d.otherClusters[c.ID] == "" {
			ours[c.Key] = true
		}
	}
	for id, title := range d.otherClusters {
		key := d.byID[id].Key
		switch first := d.heldKeys[key]; {
		case ours[key] && !cited[id]:
			delete(d.otherClusters, id)
			d.seized[id] = title
		case first == "" || id < first:
			d.heldKeys[key] = id
		}
	}
}

// clusterTitle returns how messages name a cluster.
func clusterTitle(id, name string) string {
	if name == "" {
		return id
	}
	return name + " (" + id + ")"
}

// mayTouchCheck reports whether the plan may change a check of ours that has a key.
func (d *differ) mayTouchCheck(id, key string) bool {
	return d.inReach(key) && d.otherClusters[id] == ""
}

// mayTouch reports whether the plan may change a record set.
func (d *differ) mayTouch(r *Record) bool { return d.mayTouchCheck(r.Set.HealthCheckID, d.owner(r)) }

// refuseHeldByCluster refuses something wanted that another cluster owns.
func (d *differ) refuseHeldByCluster(policy, object, id string) {
	text := fmt.Sprintf("belongs to the cluster %s, and this is another cluster: it stays as it is until that cluster "+
		"releases it, or this one is told to take it over", d.otherClusters[id])
	d.refuseAs(Finding{Kind: HeldByCluster, Policy: policy, Object: object, Holder: d.otherClusters[id],
		Checks: []string{id}, Text: text})
}

// reportKeptForCluster reports, when policies are destroyed, the checks that stay because another cluster owns them.
func (d *differ) reportKeptForCluster() {
	for id, title := range d.otherClusters {
		key := d.owned[id]
		if policy := PolicyOf(key); d.destroyed[policy] && d.inReach(key) {
			d.plan.Reports = append(d.plan.Reports, Finding{Kind: HeldByCluster, Policy: policy, Object: key, Holder: title,
				Text: "health check " + id + " belongs to the cluster " + title + " and stays, with its record sets"})
		}
	}
}

// scope returns what an execution verifies right before it writes: no other cluster has become the owner of what the
// plan changes.
func (d *differ) scope() *Scope {
	if d.guard.Cluster == "" {
		return nil
	}
	return &Scope{Cluster: d.guard.Cluster, Regions: d.guard.Regions, Seized: slices.Sorted(maps.Keys(d.seized))}
}

// A Scope says which cluster a plan was made for.
type Scope struct {
	Cluster string   `json:"cluster"`
	Regions []string `json:"regions,omitempty"`
	Seized  []string `json:"seized,omitempty"` // ids of the checks that it takes over from other clusters
}

// Foreign returns the cluster that owns a check of ours with these tags if the plan must not change the check, else "".
func (s *Scope) Foreign(check string, tags []tagging.Tag) string {
	id, name := ClusterOf(tags)
	here := Guard{Regions: s.Regions}.covers(RegionOf(tagged(tags, TagKey)))
	if id == "" || id == s.Cluster || !here || slices.Contains(s.Seized, check) {
		return ""
	}
	return clusterTitle(id, name)
}
