package controller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/bulkhead-dns/bulkhead/api/v1alpha1"
	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// Reconcile makes a round: it looks at the whole cluster, and brings about what concerns one site.
func (c *Controller) Reconcile(ctx context.Context, s site) (reconcile.Result, error) {
	if s == (site{}) {
		return c.unclassed(ctx)
	}
	begun := time.Now()
	report, err := c.round(ctx, s, begun)
	c.metrics.passed(s, report, time.Since(begun), err)
	if err == nil {
		c.trouble(s, "")
	}
	switch {
	case err != nil && ctx.Err() == nil:
		c.o.Log.Error("round", "region", s.region, "endpoint", s.endpoint, "error", err)
		c.publishTrouble(ctx, s, err)
		return reconcile.Result{}, err
	case err != nil || report.next.IsZero():
		return reconcile.Result{}, err
	}
	return reconcile.Result{RequeueAfter: max(time.Until(report.next), 10*time.Millisecond)}, nil
}

// round brings the policies of a site about as far as possible without waiting, and tells them what became of them.
func (c *Controller) round(ctx context.Context, s site, now time.Time) (roundReport, error) {
	snapshot, err := c.snapshot(ctx)
	if err != nil {
		return roundReport{}, err
	}
	c.watchEndpoints(ctx, c.signalled(snapshot))
	classes := c.classesOf(s, snapshot)
	if len(classes) == 0 {
		c.retire(s)
		return roundReport{idle: true}, nil
	}
	a, err := c.account(ctx, s, &classes[0])
	if err != nil {
		return roundReport{}, err
	}
	if err := a.readZones(ctx, c.o.Resync); err != nil {
		return roundReport{}, err
	}
	c.addFacts(&snapshot)
	going := c.definitionGoes(ctx, snapshot)
	candidates, tasks := c.tasks(a, snapshot, classes, going, now)
	if a.asksForZone(tasks) {
		// The zone that the hostname belongs in may have been made since the zones were read.
		if err := a.readZones(ctx, c.o.Debounce); err != nil {
			return roundReport{}, err
		}
		c.addFacts(&snapshot)
		candidates, tasks = c.tasks(a, snapshot, classes, going, now)
	}
	c.hold(ctx, candidates, tasks)
	a.prepare(snapshot, classes, candidates)
	report, err := a.worker.round(ctx, tasks, forced(classes), now)
	a.post(board{candidates: candidates, outcomes: a.worker.outcomes(), refused: a.worker.refusedPlans(), abandoned: a.worker.abandoned,
		state: a.worker.state, zones: a.worker.state.Zones, readAt: a.worker.readAt, writes: a.worker.writes})
	if err != nil {
		return report, err
	}
	a.expect(backendsOf(snapshot, candidates))
	released, err := c.release(ctx, candidates, tasks, a.worker.outcomes())
	if !released {
		report.next = earlier(report.next, time.Now().Add(c.o.Debounce))
	}
	return report, errors.Join(err, c.publish(ctx, a, report.drifted), c.publishClasses(ctx, a, snapshot, classes))
}

// classesOf are the classes of a site that are served.
func (c *Controller) classesOf(s site, snapshot snapshot) []failover.Class {
	var classes []failover.Class
	for i := range snapshot.classes {
		if class := snapshot.classes[i].Class(); c.serves(&class) && siteOf(&class, c.o.Region) == s {
			classes = append(classes, class)
		}
	}
	return classes
}

// tasks are the candidates of classes, and what is to be done about each. definitionGoes says that the definition of policies is being
// deleted, and all of them with it: what they have at the provider stays.
func (c *Controller) tasks(a *account, s snapshot, classes []failover.Class, definitionGoes bool, now time.Time) ([]candidate, []task) {
	mine := func(class *failover.Class) bool {
		return class != nil && slices.ContainsFunc(classes, func(o failover.Class) bool { return o.Metadata.Name == class.Metadata.Name })
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
			x.kept = definitionGoes
			t := taskOf(x, facts, now)
			t.mark(x.object, x.class.Metadata.Name, identity(s))
			candidates, tasks = append(candidates, x), append(tasks, t)
		}
	}
	return candidates, tasks
}

// definitionGoes reports whether the CustomResourceDefinition of policies is being deleted. It is asked for when a policy is deleted.
func (c *Controller) definitionGoes(ctx context.Context, s snapshot) bool {
	if !slices.ContainsFunc(s.policies, func(p v1alpha1.FailoverPolicy) bool { return p.DeletionTimestamp != nil }) {
		return false
	}
	var definition metav1.PartialObjectMetadata
	definition.SetGroupVersionKind(schema.GroupVersionKind{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"})
	if err := c.reader.Get(ctx, client.ObjectKey{Name: v1alpha1.PolicyDefinition}, &definition); err != nil {
		c.o.Log.Warn("the definition of policies cannot be read: deleted policies count as deleted one by one", "error", err)
		return apierrors.IsNotFound(err)
	}
	return definition.DeletionTimestamp != nil
}

// prepare tells the worker about the cluster and its classes, and what polls have found.
func (a *account) prepare(s snapshot, classes []failover.Class, candidates []candidate) {
	w := a.worker
	w.cluster, w.classes, w.zones = identity(s), make(map[string]classRule), nil
	for _, class := range classes {
		w.classes[class.Metadata.Name] = classRule{class.Spec.Hold(), class.Spec.RemovesAbandoned()}
	}
	for _, z := range a.facts().Zones {
		if !z.PrivateZone && slices.ContainsFunc(classes, func(class failover.Class) bool { return class.Spec.AllowsZone(z) }) {
			w.zones = append(w.zones, z)
		}
	}
	w.classOf = make(map[string]string, len(candidates))
	for _, c := range candidates {
		w.classOf[c.policy.Key()] = c.class.Metadata.Name
	}
	a.advise(time.Now())
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

// lastClass is the class that a policy was programmed by, nil when it is not among those. A policy that names another class, one that is
// not there, is still that class's.
func lastClass(o client.Object, classes []failover.Class) *failover.Class {
	p, ok := o.(*v1alpha1.FailoverPolicy)
	if !ok {
		return nil
	}
	for i := range classes {
		if classes[i].Metadata.Name == p.Status.ClassName {
			return &classes[i]
		}
	}
	return nil
}

// asksForZone reports whether a policy lacks a zone, or is to be placed in one for the first time.
func (a *account) asksForZone(tasks []task) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	placed, asks := make(map[string]zone.Name, len(a.placed)), false
	for i := range tasks {
		t := &tasks[i]
		lacks := t.refusal != nil && t.refusal.reason == v1alpha1.ReasonZoneRefused
		if !lacks && t.intent != program {
			continue
		}
		placed[t.key] = t.hostname
		asks = asks || a.placed[t.key] != t.hostname && (lacks || !a.worker.has(t.key))
	}
	a.placed = placed
	return asks
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

// release takes the finalizer off deleted policies whose records are marked to go, or stay. It reports whether it is off all of them:
// one that changes right now has to be released later. Nothing else waits for that.
func (c *Controller) release(ctx context.Context, candidates []candidate, tasks []task, outcomes map[string]outcome) (all bool, err error) {
	var problems []error
	all = true
	for i, t := range tasks {
		p, ok := candidates[i].object.(*v1alpha1.FailoverPolicy)
		if !ok || p.DeletionTimestamp == nil || !controllerutil.ContainsFinalizer(p, v1alpha1.Finalizer) {
			continue
		}
		if !(t.intent == leave && t.retained) && (t.intent != release || !outcomes[t.key].done) {
			continue
		}
		free := p.DeepCopy()
		controllerutil.RemoveFinalizer(free, v1alpha1.Finalizer)
		err := c.client.Patch(ctx, free, client.MergeFromWithOptions(p, client.MergeFromWithOptimisticLock{}))
		switch {
		case apierrors.IsConflict(err):
			all = false
		case err != nil && !apierrors.IsNotFound(err):
			problems = append(problems, fmt.Errorf("take the finalizer off FailoverPolicy %s: %w", t.key, err))
		}
		if err == nil && !t.retained {
			c.event(p, eventNormal, v1alpha1.EventRemoved, "this Region's health check and records are removed at "+t.removal.UTC().Format(time.RFC3339)+
				", unless another policy has the hostname by then")
		}
	}
	return all, errors.Join(problems...)
}

// unclassed tells policies that no class is there for them. Those that are deleted and want to keep their records go.
func (c *Controller) unclassed(ctx context.Context) (again reconcile.Result, err error) {
	s, err := c.snapshot(ctx)
	if err != nil {
		return again, err
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
			tasks = append(tasks, taskOf(x, failover.Facts{}, time.Now()))
		}
	}
	outcomes := make(map[string]outcome, len(tasks))
	for _, t := range tasks {
		if t.refusal != nil {
			outcomes[t.key] = outcome{reason: t.refusal.reason, message: t.refusal.message}
		}
	}
	released, err := c.release(ctx, candidates, tasks, outcomes)
	if err != nil {
		return again, err
	}
	if !released {
		again.RequeueAfter = c.o.Debounce
	}
	c.orphans.post(board{candidates: candidates, outcomes: outcomes})
	return again, c.publish(ctx, c.orphans, nil)
}
