package controller

import (
	"slices"
	"strings"
	"time"

	networkingv1 "k8s.io/api/networking/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/tagging"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// What was made for a cluster bears its identity (plan.TagCluster) and the class, so that it is found again when no object of the cluster asks for it:
// an annotated Ingress has no finalizer of ours, a policy's can be taken off, and a deleted policy is gone before its record is.
const (
	tagClass   = "bulkhead.dev/class"      // the FailoverClass
	tagIngress = "bulkhead.dev/ingress-of" // "<cluster>/<class>", of annotated Ingresses
	// tagRemoval says of what belonged to a deleted policy when it goes: an RFC 3339 time, or never. It is empty where a policy has it
	// again. forcedRemoval behind the time says that it goes although the plan is refused.
	tagRemoval    = "bulkhead.dev/remove-after"
	never         = "never"
	forcedRemoval = " forced"
)

// mark says of the checks of a task whose they are.
func (t *task) mark(o client.Object, class, cluster string) {
	if cluster == "" || class == "" {
		return
	}
	tags := []tagging.Tag{{Key: tagClass, Value: class}}
	if _, is := o.(*networkingv1.Ingress); is {
		tags = append(tags, tagging.Tag{Key: tagIngress, Value: cluster + "/" + class})
	}
	for i := range t.desired.Checks {
		t.desired.Checks[i].Tags = append(t.desired.Checks[i].Tags, tags...)
	}
}

// withLeftovers returns tasks with one more for each policy that has something here and that no object asks for. Where a policy that is
// there has the hostname, it takes that over, so that nothing is removed.
func (w *worker) withLeftovers(tasks []task, now time.Time) []task {
	w.abandoned = nil
	if w.cluster == "" || w.readAt.IsZero() {
		return tasks
	}
	asked, claimed, objects := make(map[string]bool, len(tasks)), make(map[zone.Name]bool, len(tasks)), 0
	for i := range tasks {
		asked[tasks[i].key] = true
		if tasks[i].claims {
			claimed[tasks[i].hostname] = true
		}
		if !tasks[i].annotated {
			objects++
		}
	}
	followed := make(map[string]bool) // policies whose hostname somebody who is there has
	for name, holders := range w.holders(plan.NewOwners(w.state)) {
		for _, key := range holders {
			followed[key] = followed[key] || claimed[name]
		}
	}
	there := make(map[string]bool)
	all := slices.Clone(tasks)
	for i := range w.state.Checks {
		c := &w.state.Checks[i]
		key := plan.PolicyOf(c.Key)
		class := tagValue(c, tagClass)
		if !c.Owned() || asked[key] || there[key] || plan.RegionOf(c.Key) != w.region {
			continue
		}
		if cluster, _ := plan.ClusterOf(c.Tags); cluster != w.cluster && !w.ofIngress(c) {
			continue
		}
		if w.ofIngress(c) {
			_, class, _ = strings.Cut(tagValue(c, tagIngress), "/")
		}
		rule, served := w.classes[class]
		if !served {
			continue
		}
		there[key] = true
		t := task{key: key, namespace: namespaceOf(key), leftover: true}
		if !followed[key] {
			w.leftover(&t, c, rule, objects > 0, now)
		}
		all = append(all, t)
	}
	for key := range w.missing {
		if !there[key] {
			delete(w.missing, key)
		}
	}
	return all
}

// leftover decides what becomes of a check that nobody asks for.
func (w *worker) leftover(t *task, c *plan.Check, rule classRule, objects bool, now time.Time) {
	removal, forced := strings.CutSuffix(tagValue(c, tagRemoval), forcedRemoval)
	at, err := time.Parse(time.RFC3339, removal)
	intended := withdraw
	switch {
	case removal == never:
		return
	case removal != "" && err == nil:
		intended, t.asked, t.force = destroy, true, forced
	case w.ofIngress(c):
		at = w.missedSince(t.key, now).Add(rule.hold)
	default:
		w.abandoned = append(w.abandoned, t.key)
		if !rule.removeAbandoned || !objects { // no policy at all is more likely a mistake than everybody's wish
			return
		}
		intended, at = destroy, w.missedSince(t.key, now).Add(rule.hold)
	}
	if now.Before(at) {
		t.until = at
		return
	}
	t.intent = intended
}

// missedSince is since when nobody asks for a policy.
func (w *worker) missedSince(key string, now time.Time) time.Time {
	if _, known := w.missing[key]; !known {
		w.missing[key] = now
	}
	return w.missing[key]
}

// ofIngress reports whether a check was made for an annotated Ingress of this cluster.
func (w *worker) ofIngress(c *plan.Check) bool {
	cluster, _, _ := strings.Cut(tagValue(c, tagIngress), "/")
	return cluster == w.cluster
}

// zonesToRead are those that tasks may have records in. Nothing tells in which zone leftovers have theirs.
func (r *round) zonesToRead() []zone.HostedZone {
	zones := zonesOf(r.tasks)
	leftover := false
	for _, u := range r.units {
		leftover = leftover || u.tasks[0].leftover
	}
	if !leftover {
		return zones
	}
	return zonesOf(append(slices.Clone(r.tasks), task{zones: r.worker.zones}))
}

// tagValue is the value of a tag of a check, empty where there is none.
func tagValue(c *plan.Check, key string) string {
	for _, t := range c.Tags {
		if t.Key == key {
			return t.Value
		}
	}
	return ""
}

func namespaceOf(key string) string {
	namespace, _, _ := strings.Cut(key, "/")
	return namespace
}
