package plan

import (
	"maps"
	"slices"
	"strings"

	"github.com/bulkhead-dns/bulkhead/tagging"
)

// TagCluster is the tag of a check that says which cluster looks after it: Guard.Cluster, and behind a space
// Guard.ClusterName.
const TagCluster = "bulkhead.dev/cluster"

// Two clusters in one Region want the same check and the same record set. Whose tag the check bears looks after both;
// the other one is refused, and neither changes nor deletes them, until it is told to take over. What bears no such tag
// belongs to the first that comes.

// ClusterOf returns which cluster looks after a check with these tags, empty when they do not say; name is empty when
// it has none.
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

// takesOver reports whether a policy of the plan takes over what another cluster looks after.
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

// sortClusters notes which checks of the guard's Regions other clusters look after, and which of them the plan takes
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
	// Whoever has the check that record sets cite has what else there is of its key: the rest of a run that was
	// interrupted.
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

// clusterTitle is how people are told of a cluster.
func clusterTitle(id, name string) string {
	if name == "" {
		return id
	}
	return name + " (" + id + ")"
}

// mine reports whether the plan may touch a check of ours that has a key.
func (d *differ) mayTouchCheck(id, key string) bool {
	return d.inReach(key) && d.otherClusters[id] == ""
}

// reaches reports whether the plan may touch a record set.
func (d *differ) mayTouch(r *Record) bool { return d.mayTouchCheck(r.Set.HealthCheckID, d.owner(r)) }

// refuseHeldByCluster says which cluster looks after something that is wanted.
func (d *differ) refuseHeldByCluster(policy, object, id string) {
	d.refuseAs(Finding{Kind: HeldByCluster, Policy: policy, Object: object, Holder: d.otherClusters[id],
		Checks: []string{id}, Text: "is looked after by the cluster " +
			d.otherClusters[id] + ", and this is another one: it stays as it is until that cluster gives it up, or this one " +
			"is told to take it over"})
}

// reportKeptForCluster tells, when policies are destroyed, what stays because another cluster looks after it.
func (d *differ) reportKeptForCluster() {
	for id, title := range d.otherClusters {
		key := d.owned[id]
		if policy := PolicyOf(key); d.destroyed[policy] && d.inReach(key) {
			d.plan.Reports = append(d.plan.Reports, Finding{Kind: HeldByCluster, Policy: policy, Object: key, Holder: title,
				Text: "health check " + id + " is looked after by the cluster " + title + " and stays, with its record sets"})
		}
	}
}

// scope is what Apply holds right before it writes: that no other cluster has come to look after what the plan changes.
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

// Foreign returns the cluster that looks after a check of ours with these tags when the plan must not touch it, else
// "".
func (s *Scope) Foreign(check string, tags []tagging.Tag) string {
	id, name := ClusterOf(tags)
	here := Guard{Regions: s.Regions}.covers(RegionOf(tagged(tags, TagKey)))
	if id == "" || id == s.Cluster || !here || slices.Contains(s.Seized, check) {
		return ""
	}
	return clusterTitle(id, name)
}
