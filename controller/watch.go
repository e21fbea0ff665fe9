package controller

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"
	rtcontroller "sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/bulkhead-dns/bulkhead/api/v1alpha1"
	"github.com/bulkhead-dns/bulkhead/failover"
)

// watch lets every change of what a round looks at lead to a round, those within the debounce time to one.
func (c *Controller) watch(m manager.Manager, rounds rtcontroller.TypedController[site]) error {
	spec := predicate.Or(predicate.GenerationChangedPredicate{}, predicate.AnnotationChangedPredicate{}, unheld())
	for _, k := range []struct {
		object client.Object
		when   predicate.Predicate
	}{
		{&v1alpha1.FailoverPolicy{}, spec},
		{&v1alpha1.FailoverClass{}, spec},
		{&corev1.Namespace{}, predicate.LabelChangedPredicate{}},
	} {
		if err := rounds.Watch(source.TypedKind(m.GetCache(), k.object, c.enqueue(), k.when)); err != nil {
			return err
		}
	}
	c.watchKind = func(k sourceKind) error {
		return rounds.Watch(source.TypedKind(m.GetCache(), k.object, c.enqueue(), k.when))
	}
	return rounds.Watch(source.TypedFunc[site](func(_ context.Context, q workqueue.TypedRateLimitingInterface[site]) error {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.queue = q
		return nil
	}))
}

// unheld is for objects whose finalizers change, as when kubectl replace takes ours off.
func unheld() predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		return !slices.Equal(e.ObjectOld.GetFinalizers(), e.ObjectNew.GetFinalizers())
	}}
}

// wake asks for a round of a site at once.
func (c *Controller) wake(s site) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.queue != nil {
		c.queue.Add(s)
	}
}

// enqueue asks for a round of every account: a change may concern any, and a round that finds nothing to do makes no call.
func (c *Controller) enqueue() handler.TypedEventHandler[client.Object, site] {
	type queue = workqueue.TypedRateLimitingInterface[site]
	all := func(ctx context.Context, q queue) {
		for _, s := range c.sites(ctx) {
			q.AddAfter(s, c.o.Debounce)
		}
	}
	return handler.TypedFuncs[client.Object, site]{
		CreateFunc:  func(ctx context.Context, _ event.CreateEvent, q queue) { all(ctx, q) },
		UpdateFunc:  func(ctx context.Context, _ event.UpdateEvent, q queue) { all(ctx, q) },
		DeleteFunc:  func(ctx context.Context, _ event.DeleteEvent, q queue) { all(ctx, q) },
		GenericFunc: func(ctx context.Context, _ event.GenericEvent, q queue) { all(ctx, q) },
	}
}

// sites are those of the classes that are served, and the one of policies without a class.
func (c *Controller) sites(ctx context.Context) []site {
	var classes v1alpha1.FailoverClassList
	if err := c.client.List(ctx, &classes); err != nil {
		c.o.Log.Error("list the classes", "error", err)
		return nil
	}
	sites := map[site]bool{}
	if c.o.Class == "" {
		sites[site{}] = true
	}
	for i := range classes.Items {
		if class := classes.Items[i].Class(); c.serves(&class) {
			sites[siteOf(&class, c.o.Region)] = true
		}
	}
	return slices.Collect(maps.Keys(sites))
}

func (c *Controller) serves(class *failover.Class) bool {
	return c.o.Class == "" || class.Metadata.Name == c.o.Class
}

// snapshot reads the cluster from the cache.
func (c *Controller) snapshot(ctx context.Context) (snapshot, error) {
	var (
		policies   v1alpha1.FailoverPolicyList
		classes    v1alpha1.FailoverClassList
		namespaces corev1.NamespaceList
	)
	s := snapshot{unread: c.kinds.unread(), accounts: map[string]failover.Facts{}}
	lists := []client.ObjectList{&policies, &classes, &namespaces}
	var take []func()
	for _, k := range sourceKinds() {
		if _, unread := s.unread[k.name]; !unread {
			list, taken := k.list(&s)
			lists, take = append(lists, list), append(take, taken)
		}
	}
	var problems []error
	for _, l := range lists {
		problems = append(problems, c.client.List(ctx, l))
	}
	if err := errors.Join(problems...); err != nil {
		return snapshot{}, fmt.Errorf("read the cluster: %w", err)
	}
	s.policies, s.classes, s.namespaces = policies.Items, classes.Items, namespaces.Items
	for _, taken := range take {
		taken()
	}
	c.addFacts(&s)
	return s, nil
}

// addFacts puts into a snapshot what is known of the accounts of its classes by now.
func (c *Controller) addFacts(s *snapshot) {
	for i := range s.classes {
		class := s.classes[i].Class()
		c.mu.Lock()
		a := c.accounts[siteOf(&class, c.o.Region)]
		c.mu.Unlock()
		if a != nil {
			s.accounts[s.classes[i].Name] = a.facts()
		}
	}
}
