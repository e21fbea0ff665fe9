package controller

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/bulkhead-dns/bulkhead/api/v1alpha1"
	"github.com/bulkhead-dns/bulkhead/failover"
)

// Reconcile makes a pass: it looks at the whole cluster, and brings about what concerns one site.
func (c *Controller) Reconcile(ctx context.Context, s site) (reconcile.Result, error) {
	if s == (site{}) {
		return reconcile.Result{}, c.unclassed(ctx)
	}
	begun := time.Now()
	report, err := c.pass(ctx, s, begun)
	c.metrics.passed(s, report, time.Since(begun), err)
	switch {
	case err != nil && ctx.Err() == nil:
		c.o.Log.Error("pass", "region", s.region, "endpoint", s.endpoint, "error", err)
		return reconcile.Result{}, err
	case err != nil || report.next.IsZero():
		return reconcile.Result{}, err
	}
	return reconcile.Result{RequeueAfter: max(time.Until(report.next), 10*time.Millisecond)}, nil
}

// pass brings the policies of a site about, and tells them what became of them.
func (c *Controller) pass(ctx context.Context, s site, now time.Time) (passReport, error) {
	snapshot, err := c.snapshot(ctx)
	if err != nil {
		return passReport{}, err
	}
	c.watchEndpoints(ctx, c.signalled(snapshot))
	var classes []failover.Class
	for i := range snapshot.classes {
		if class := snapshot.classes[i].Class(); c.serves(&class) && siteOf(&class, c.o.Region) == s {
			classes = append(classes, class)
		}
	}
	if len(classes) == 0 {
		return passReport{idle: true}, nil
	}
	a, err := c.account(ctx, s, &classes[0])
	if err != nil {
		return passReport{}, err
	}
	if err := a.readZones(ctx, c.o.Resync); err != nil {
		return passReport{}, err
	}
	if snapshot, err = c.snapshot(ctx); err != nil {
		return passReport{}, err
	}
	candidates, tasks := c.tasks(a, snapshot, classes, now)
	if a.asksForZone(candidates, tasks) {
		// A zone that nobody has may have been made since the zones were read.
		if err := a.readZones(ctx, c.o.Debounce); err != nil {
			return passReport{}, err
		}
		if snapshot, err = c.snapshot(ctx); err != nil {
			return passReport{}, err
		}
		candidates, tasks = c.tasks(a, snapshot, classes, now)
	}
	c.hold(ctx, candidates, tasks)
	a.prepare(snapshot, classes)
	a.comfort()
	report, err := a.worker.pass(ctx, tasks, forced(classes), now)
	if err != nil {
		return report, err
	}
	board := board{candidates: candidates, outcomes: a.worker.outcomes, refused: a.worker.refused, state: a.worker.state,
		zones: zonesOf(tasks), readAt: a.worker.readAt}
	a.post(board)
	a.expect(backendsOf(snapshot, candidates))
	if err := c.release(ctx, candidates, tasks, a.worker.outcomes); err != nil {
		return report, err
	}
	if err := c.publish(ctx, a, report.drifted); err != nil {
		return report, err
	}
	return report, c.publishClasses(ctx, a, snapshot, classes)
}

// tasks are the candidates of classes, and what is to be done about each.
func (c *Controller) tasks(a *account, s snapshot, classes []failover.Class, now time.Time) ([]candidate, []task) {
	mine := func(class *failover.Class) bool {
		return class != nil && slices.ContainsFunc(classes, func(o failover.Class) bool { return o.Metadata.Name == class.Metadata.Name })
	}
	var deleted time.Time
	for i := range s.policies {
		if at := s.policies[i].DeletionTimestamp; at != nil && at.After(deleted) {
			deleted = at.Time
		}
	}
	facts := a.facts()
	facts.NamespaceLabels = make(map[string]map[string]string, len(s.namespaces))
	for i := range s.namespaces {
		facts.NamespaceLabels[s.namespaces[i].Name] = s.namespaces[i].Labels
	}
	var candidates []candidate
	var tasks []task
	for _, x := range gather(s, c.o.Region, now) {
		if x.class == nil {
			x.class = lastClass(x.object, classes)
		}
		if mine(x.class) {
			t := taskOf(x, facts, deleted, c.o.Settle, now)
			t.mark(x, identity(s))
			candidates, tasks = append(candidates, x), append(tasks, t)
		}
	}
	return candidates, tasks
}

// prepare tells the worker about the cluster and its classes.
func (a *account) prepare(s snapshot, classes []failover.Class) {
	w := a.worker
	w.owners, w.hold, w.allowed = nil, 0, nil
	for _, class := range classes {
		if cluster := identity(s); cluster != "" {
			w.owners = append(w.owners, ownerOf(cluster, &class))
		}
		w.hold = max(w.hold, class.Spec.Hold())
	}
	for _, z := range a.facts().Zones {
		if !z.PrivateZone && slices.ContainsFunc(classes, func(class failover.Class) bool { return class.Spec.AllowsZone(z) }) {
			w.allowed = append(w.allowed, z)
		}
	}
}

// identity is what tells a cluster from every other: the UID of its first namespace.
func identity(s snapshot) string {
	for i := range s.namespaces {
		if n := &s.namespaces[i]; n.Name == metav1.NamespaceSystem {
			return string(n.UID)
		}
	}
	return ""
}

// lastClass is the class that a deleted policy was made for when it was programmed, nil when it is not among those.
func lastClass(o client.Object, classes []failover.Class) *failover.Class {
	p, ok := o.(*v1alpha1.FailoverPolicy)
	if !ok || p.DeletionTimestamp == nil {
		return nil
	}
	for i := range classes {
		if classes[i].Metadata.Name == p.Status.ClassName {
			return &classes[i]
		}
	}
	return nil
}

// asksForZone reports whether a policy that the last pass did not know lacks a zone.
func (a *account) asksForZone(candidates []candidate, tasks []task) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i, t := range tasks {
		if t.refusal == nil || t.refusal.reason != v1alpha1.ReasonZoneRefused {
			continue
		}
		if !slices.ContainsFunc(a.board.candidates, func(known candidate) bool {
			return known.object.GetUID() == candidates[i].object.GetUID() && known.object.GetGeneration() == candidates[i].object.GetGeneration()
		}) {
			return true
		}
	}
	return false
}

// forced are the hashes that classes name.
func forced(classes []failover.Class) (hashes []string) {
	for _, class := range classes {
		for hash := range strings.SplitSeq(class.Metadata.Annotations[v1alpha1.ForcePlanAnnotation], ",") {
			if hash = strings.TrimSpace(hash); hash != "" {
				hashes = append(hashes, hash)
			}
		}
	}
	return hashes
}

// hold puts the finalizer on policies that are about to be programmed. One that cannot be held is left for the next pass.
func (c *Controller) hold(ctx context.Context, candidates []candidate, tasks []task) {
	for i := range tasks {
		p, ok := candidates[i].object.(*v1alpha1.FailoverPolicy)
		if !ok || tasks[i].intent != program || controllerutil.ContainsFinalizer(p, v1alpha1.Finalizer) {
			continue
		}
		held := p.DeepCopy()
		controllerutil.AddFinalizer(held, v1alpha1.Finalizer)
		if err := c.client.Patch(ctx, held, client.MergeFromWithOptions(p, client.MergeFromWithOptimisticLock{})); err != nil {
			c.o.Log.Info("policy not held yet", "policy", tasks[i].key, "error", err)
			tasks[i].intent = leave
			tasks[i].refusal = &refusal{v1alpha1.ReasonPending, "it changes right now"}
			tasks[i].until = time.Now().Add(c.o.Debounce)
		}
	}
}

// release takes the finalizer off deleted policies of which nothing is left, or nothing is to be removed.
func (c *Controller) release(ctx context.Context, candidates []candidate, tasks []task, outcomes map[string]outcome) error {
	var problems []error // of one that changes right now; the others need not wait for it
	for i, t := range tasks {
		p, ok := candidates[i].object.(*v1alpha1.FailoverPolicy)
		if !ok || p.DeletionTimestamp == nil || !controllerutil.ContainsFinalizer(p, v1alpha1.Finalizer) {
			continue
		}
		retained := p.Annotations[v1alpha1.DeletionPolicyAnnotation] == v1alpha1.Retain
		if !retained && (t.intent != destroy || !outcomes[t.key].done) {
			continue
		}
		free := p.DeepCopy()
		controllerutil.RemoveFinalizer(free, v1alpha1.Finalizer)
		err := c.client.Patch(ctx, free, client.MergeFromWithOptions(p, client.MergeFromWithOptimisticLock{}))
		if err != nil && !apierrors.IsNotFound(err) {
			problems = append(problems, err)
		}
		if err == nil && !retained {
			c.event(p, eventNormal, v1alpha1.EventRemoved, "this Region's health check and records are removed")
		}
	}
	return errors.Join(problems...)
}

// unclassed tells policies that no class is there for them. Those that are deleted and want to keep their records go.
func (c *Controller) unclassed(ctx context.Context) error {
	s, err := c.snapshot(ctx)
	if err != nil {
		return err
	}
	var (
		classes    []failover.Class
		candidates []candidate
		tasks      []task
	)
	for i := range s.classes {
		classes = append(classes, s.classes[i].Class())
	}
	for _, x := range gather(s, c.o.Region, time.Now()) {
		if x.class == nil && lastClass(x.object, classes) == nil {
			candidates = append(candidates, x)
			tasks = append(tasks, taskOf(x, failover.Facts{}, time.Time{}, 0, time.Now()))
		}
	}
	outcomes := make(map[string]outcome, len(tasks))
	for _, t := range tasks {
		if t.refusal != nil {
			outcomes[t.key] = outcome{reason: t.refusal.reason, message: t.refusal.message}
		}
	}
	if err := c.release(ctx, candidates, tasks, outcomes); err != nil {
		return err
	}
	c.orphans.post(board{candidates: candidates, outcomes: outcomes})
	return c.publish(ctx, c.orphans, nil)
}
