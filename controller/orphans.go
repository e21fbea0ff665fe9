package controller

import (
	"context"
	"slices"
	"time"

	networkingv1 "k8s.io/api/networking/v1"

	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// An annotated Ingress has no finalizer of ours: when it is gone, nothing in the cluster tells what it had. The checks that were
// made for it bear the identity of the cluster and the class, by which they are found again, whoever else uses the account and the
// Region.
const tagIngress = "bulkhead.dev/ingress-of"

// mark says of the checks of an annotated Ingress whose they are.
func (t *task) mark(c candidate, cluster string) {
	if _, is := c.object.(*networkingv1.Ingress); !is || cluster == "" || c.class == nil {
		return
	}
	for i := range t.desired.Checks {
		check := &t.desired.Checks[i]
		check.Tags = append(check.Tags, zone.Tag{Key: tagIngress, Value: ownerOf(cluster, c.class)})
	}
}

// ownerOf is who looks after the annotated Ingresses of a class.
func ownerOf(cluster string, class *failover.Class) string {
	return cluster + "/" + class.Metadata.Name
}

// orphans are tasks for what Ingresses have asked for and do not any more: this Region goes after the hold period, which begins
// when it is first seen, unless it is the last one.
func (p *passing) orphans(ctx context.Context, tasks []task) ([]task, error) {
	if len(p.owners) == 0 {
		return nil, nil
	}
	if err := p.read(ctx); err != nil {
		return nil, err
	}
	asked := make(map[string]bool, len(tasks))
	for _, t := range tasks {
		asked[t.key] = true
	}
	var orphans []task
	there := make(map[string]bool)
	for _, c := range p.state.Checks {
		key := plan.PolicyOf(c.Key)
		if !c.Owned() || asked[key] || there[key] || plan.RegionOf(c.Key) != p.region || !p.owns(c) {
			continue
		}
		there[key] = true
		since, known := p.missing[key]
		if !known {
			since = p.now
			p.missing[key] = since
		}
		t := task{key: key, until: since.Add(p.hold)}
		if !p.now.Before(t.until) {
			t.intent, t.until = withdraw, time.Time{}
		}
		orphans = append(orphans, t)
	}
	for key := range p.missing {
		if !there[key] {
			delete(p.missing, key)
		}
	}
	if len(orphans) == 0 {
		return nil, nil
	}
	// Nothing tells which zone their records are in.
	p.zones = p.allowed
	p.fresh = false
	return orphans, nil
}

// owns reports whether a check was made for an annotated Ingress of the worker's classes.
func (w *worker) owns(c plan.Check) bool {
	return slices.ContainsFunc(c.Tags, func(t zone.Tag) bool { return t.Key == tagIngress && slices.Contains(w.owners, t.Value) })
}
