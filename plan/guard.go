package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/bulkhead-dns/bulkhead/quota"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// A Guard says what a plan may do. The zero value is the strictest one, for a whole application on AWS.
type Guard struct {
	// Regions limits the plan to the checks and record sets of these Regions. A cluster sets its own Region. Empty means
	// all Regions.
	Regions []string
	// Adopt lists names that Bulkhead may take over although it did not make their record sets. Every record set of such a
	// name that is in the way of a wanted one is replaced, in one batch.
	Adopt []zone.Name
	// Force lets a plan change more than 30 % of what Bulkhead owns, and leave a group without a healthy member. It does
	// not let a name go without an answer.
	Force bool
	// Many lets a plan change more than 30 % of what Bulkhead owns. Unlike Force, it does not ignore verdicts.
	Many bool
	// Successors are policies that take the place of others of the same hostname, because somebody renamed or moved them:
	// the follower's "<namespace>/<policy>" by that of the predecessor, which is not in the plan itself. What the
	// predecessor has in the guard's Regions at names where the follower wants record sets is the follower's: its health
	// check goes on with other tags, and its record sets stay as they are as far as they are wanted. Once this is done the
	// plans of the follower need no Successors any more, and Destroy finds nothing of the predecessor.
	Successors map[string]string
	// Cluster is the identity of the cluster that the plan is made for, without spaces. ClusterName is the name that
	// people use. Checks get both as TagCluster. What another cluster owns in the guard's Regions stays as it is, and a
	// plan that wants to change it is refused with the kind HeldByCluster. When Cluster is empty, as for a person at a
	// terminal, the plan may change what any cluster owns, and sets no tag.
	Cluster, ClusterName string
	// TakeOver are the clusters, by identity or name, from which a policy, "<namespace>/<policy>", takes over what it has
	// in the guard's Regions, or what its predecessor of the same namespace has: checks get the tag of Cluster, and record
	// sets move to its target as they do to a new generation.
	TakeOver map[string][]string
	// KeepRouting keeps the routing of record sets where other Regions would have to change theirs too, as if those
	// Regions had not asked for it yet.
	KeepRouting bool
	// Lead lets the plan change the routing that all Regions of a group have agreed on, although another Region is the
	// leader. It is for a Region that has waited in vain for the leader. Two that do it at once do no harm, because Route
	// 53 refuses one of them.
	Lead bool
	// Release names policies, "<namespace>/<policy>", whose held checks are set to what the policy says again. See Hold.
	Release []string
	// Engine says that the provider is an engine. It accepts intervals of 1 to 9 seconds and private addresses, and health
	// checks cost nothing.
	Engine bool
	// Limits are the account's quotas; nil means quota.Default on AWS and none on an engine.
	Limits *quota.Limits
}

func (g Guard) limits() quota.Limits {
	switch {
	case g.Limits != nil:
		return *g.Limits
	case g.Engine:
		return quota.Limits{}
	}
	return quota.Default()
}

// covers reports whether a Region is within the plan's reach.
func (g Guard) covers(region string) bool {
	return len(g.Regions) == 0 || slices.Contains(g.Regions, region)
}

// A plan may change at most blastPercent of what Bulkhead owns without Force. The limit applies from blastFrom objects
// on.
const (
	blastPercent = 30
	blastFrom    = 10
)

// blast counts the objects that Bulkhead owns, and those that the plan changes.
type blast struct{ owned, changed int }

func (d *differ) guardBlast() {
	for _, b := range []struct {
		blast
		what string
	}{{d.recordBlast, "record sets"}, {d.checkBlast, "health checks"}} {
		if d.guard.Force || d.guard.Many || b.owned < blastFrom || b.changed*100 <= b.owned*blastPercent {
			continue
		}
		d.refuse("", "", "changes or deletes %d of the %d %s that Bulkhead owns, more than %d %%: change fewer at a time, "+
			"or force it", b.changed, b.owned, b.what, blastPercent)
	}
}

// guardAnswers refuses to leave a name without an answer that it has: add before you remove. Destroyed policies are the
// exception, and clients that lose AAAA but keep A go on by IPv4. A Region does not leave a former hostname of its
// policy either, although other Regions answer: they are about to follow, and the last one could not.
func (d *differ) guardAnswers(at *nameDiff) {
	after := make(map[zone.RRType]bool)
	for _, m := range at.after {
		after[m.set.Type] = true
	}
	told := make(map[zone.RRType]bool)
	for i := range at.here {
		r := at.here[i]
		t := r.Set.Type
		answered := after[t] || after[zone.CNAME] || t == zone.AAAA && after[zone.A] ||
			t == zone.CNAME && (after[zone.A] || after[zone.AAAA])
		key := d.owner(r)
		policy := at.policy // what was adopted goes with those who adopted it
		if key != "" {
			policy = PolicyOf(key)
		}
		former := key != "" && len(at.want) == 0 && len(d.wantedAt[policy]) > 0 && !d.wantedAt[policy][hostnameEntry(at.Name)]
		leaves := former && len(d.guard.Regions) > 0 && d.mayTouch(r) && !d.guard.Force
		if answered && !leaves || told[t] || d.destroyed[policy] {
			continue
		}
		told[t] = true
		object := fmt.Sprintf("%s %s", at.Name, t)
		if former {
			d.refuse(policy, object, "would be left without an answer, because its policy has another hostname now: give this "+
				"policy its former hostname back and make another one for the new hostname, or first serve the former one by "+
				"another policy")
			continue
		}
		d.refuse(policy, object, "would be left without an answer: serve it by another policy first, or destroy this one")
	}
}

// memberHealth is the health of a member, as far as it is known.
type memberHealth uint8

const (
	unknownHealth memberHealth = iota
	isHealthy
	isUnhealthy
)

// healthOf returns the health by a check's id. A member without a check is healthy (r53: A.3). A check that does not
// exist gives unknown.
func (d *differ) healthOf(id string) memberHealth {
	if id == "" {
		return isHealthy
	}
	c, ok := d.byID[id]
	switch {
	case !ok || c.Healthy == nil:
		return unknownHealth
	case *c.Healthy:
		return isHealthy
	}
	return isUnhealthy
}

// guardHealth ensures that a name with a healthy answer for a type keeps one. If the answer will depend on checks
// without a verdict, one of them must be healthy before the batch. If everything that remains is unhealthy, the plan is
// refused.
func (d *differ) guardHealth(at *nameDiff, t zone.RRType) {
	alive := slices.ContainsFunc(at.here, func(r *Record) bool {
		return answersFor(r.Set.Type, t) && d.healthOf(r.Set.HealthCheckID) != isUnhealthy
	})
	if !alive || d.guard.Force {
		return
	}
	var awaited, remaining []string
	for _, m := range at.after {
		if m.set.Type != t {
			continue
		}
		remaining = append(remaining, m.set.SetIdentifier)
		if m.awaits {
			awaited = append(awaited, m.key)
		} else if d.healthOf(m.set.HealthCheckID) != isUnhealthy {
			return // healthy, or nobody knows
		}
	}
	if len(awaited) > 0 {
		d.wait.Healthy = append(d.wait.Healthy, HealthyGroup{at.Name, t, sorted(awaited)})
		return
	}
	d.refuse(at.policy, fmt.Sprintf("%s %s", at.Name, t), "would lose its last healthy member, what remains is "+
		"unhealthy: %s. Wait until that has changed, or force it", strings.Join(sorted(remaining), ", "))
}

// answersFor reports whether clients that get a type after the plan may have got their answer by another type before:
// the same type, or a CNAME before or after.
func answersFor(before, after zone.RRType) bool {
	return before == after || before == zone.CNAME || after == zone.CNAME && (before == zone.A || before == zone.AAAA)
}

// guardQuotas refuses a plan that the account's quotas do not allow, before the first call. r53: C.8.
func (d *differ) guardQuotas() {
	use := d.plan.Counts
	if c := use.Checks; exceeds(c.Limit, c.Before, c.Peak) {
		d.refuse("", "", "needs %d health checks at its height, the account may have %d and has %d: ask AWS for more, or "+
			"delete some", c.Peak, c.Limit, c.Before)
	}
	for _, z := range use.Zones {
		if exceeds(z.Limit, z.Before, z.Peak) {
			d.refuse("", string(z.Name), "would hold %d record sets, at most %d are allowed and it has %d", z.Peak, z.Limit,
				z.Before)
		}
	}
}

// exceeds reports whether growing from one number to another breaks a limit. A limit of 0 means none.
func exceeds(limit, from, to int) bool { return limit > 0 && to > limit && to > from }
