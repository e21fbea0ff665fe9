package controller

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"
	rtcontroller "sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/source"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/bulkhead-dns/bulkhead/api/v1alpha1"
	"github.com/bulkhead-dns/bulkhead/failover"
)

// watch lets every change of what a round looks at lead to a round, those within the debounce time to one.
func (c *Controller) watch(m manager.Manager, rounds rtcontroller.TypedController[site]) error {
	spec := predicate.Or(predicate.GenerationChangedPredicate{}, predicate.AnnotationChangedPredicate{}, unheld())
	kinds := []struct {
		object client.Object
		when   predicate.Predicate
	}{
		{&v1alpha1.FailoverPolicy{}, spec},
		{&v1alpha1.FailoverClass{}, spec},
		{&corev1.Namespace{}, predicate.LabelChangedPredicate{}},
	}
	anything := predicate.Funcs{}
	for _, s := range c.sources {
		switch s {
		case IngressSource:
			kinds = append(kinds, struct {
				object client.Object
				when   predicate.Predicate
			}{&networkingv1.Ingress{}, anything})
		case ServiceSource:
			kinds = append(kinds, struct {
				object client.Object
				when   predicate.Predicate
			}{&corev1.Service{}, balanced()})
		case GatewaySource:
			for _, object := range []client.Object{&gatewayv1.Gateway{}, &gatewayv1.HTTPRoute{}} {
				kinds = append(kinds, struct {
					object client.Object
					when   predicate.Predicate
				}{object, anything})
			}
		}
	}
	for _, k := range kinds {
		if err := rounds.Watch(source.TypedKind(m.GetCache(), k.object, c.enqueue(), k.when)); err != nil {
			return err
		}
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

// balanced is for Services that have a load balancer, or had one.
func balanced() predicate.Predicate {
	is := func(o client.Object) bool {
		s, ok := o.(*corev1.Service)
		return ok && s.Spec.Type == corev1.ServiceTypeLoadBalancer
	}
	return predicate.Funcs{
		CreateFunc: func(e event.CreateEvent) bool { return is(e.Object) },
		UpdateFunc: func(e event.UpdateEvent) bool { return is(e.ObjectOld) || is(e.ObjectNew) },
		DeleteFunc: func(e event.DeleteEvent) bool { return is(e.Object) },
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

// available are the sources that the options ask for and the cluster has, and those that are left out.
func (c *Controller) available(mapper meta.RESTMapper) (watched, unread []Source, err error) {
	for _, s := range []Source{IngressSource, GatewaySource, ServiceSource} {
		if c.o.Sources != nil && !slices.Contains(c.o.Sources, s) {
			unread = append(unread, s)
			continue
		}
		if s == GatewaySource {
			there, err := installed(mapper)
			if err != nil {
				return nil, nil, err
			}
			if !there {
				unread = append(unread, s)
				continue
			}
		}
		watched = append(watched, s)
	}
	return watched, unread, nil
}

// installed reports whether the cluster has Gateways and HTTPRoutes.
func installed(mapper meta.RESTMapper) (bool, error) {
	for _, kind := range []string{"Gateway", "HTTPRoute"} {
		_, err := mapper.RESTMapping(schema.GroupKind{Group: gatewayv1.GroupName, Kind: kind}, gatewayv1.GroupVersion.Version)
		if meta.IsNoMatchError(err) {
			return false, nil
		}
		if err != nil {
			return false, fmt.Errorf("look for the Gateway API: %w", err)
		}
	}
	return true, nil
}

// snapshot reads the cluster from the cache.
func (c *Controller) snapshot(ctx context.Context) (snapshot, error) {
	var (
		s          = snapshot{unread: c.unread, accounts: map[string]failover.Facts{}}
		policies   v1alpha1.FailoverPolicyList
		classes    v1alpha1.FailoverClassList
		namespaces corev1.NamespaceList
		ingresses  networkingv1.IngressList
		services   corev1.ServiceList
		gateways   gatewayv1.GatewayList
		routes     gatewayv1.HTTPRouteList
	)
	lists := []client.ObjectList{&policies, &classes, &namespaces}
	for _, source := range c.sources {
		switch source {
		case IngressSource:
			lists = append(lists, &ingresses)
		case ServiceSource:
			lists = append(lists, &services)
		case GatewaySource:
			lists = append(lists, &gateways, &routes)
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
	s.ingresses, s.services, s.gateways, s.routes = ingresses.Items, services.Items, gateways.Items, routes.Items
	for i := range s.classes {
		class := s.classes[i].Class()
		c.mu.Lock()
		a := c.accounts[siteOf(&class, c.o.Region)]
		c.mu.Unlock()
		if a != nil {
			s.accounts[s.classes[i].Name] = a.facts()
		}
	}
	return s, nil
}
