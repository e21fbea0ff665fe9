package controller

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/bulkhead-dns/bulkhead/failover"
)

// A sourceKind is a kind of objects that tell load balancers.
type sourceKind struct {
	name   string // as a targetRef, or a route, names it
	source Source
	since  string // the release of the Gateway API whose v1 has it; "" for what every cluster has
	object client.Object
	when   predicate.Predicate
	list   func(*snapshot) (into client.ObjectList, taken func())
}

// sourceKinds are all of them.
func sourceKinds() []sourceKind {
	when := altered()
	return []sourceKind{
		{failover.IngressTarget, IngressSource, "", &networkingv1.Ingress{}, when, func(s *snapshot) (client.ObjectList, func()) {
			var l networkingv1.IngressList
			return &l, func() { s.ingresses = l.Items }
		}},
		{failover.ServiceTarget, ServiceSource, "", &corev1.Service{}, predicate.And(balanced(), when), func(s *snapshot) (client.ObjectList, func()) {
			var l corev1.ServiceList
			return &l, func() { s.services = l.Items }
		}},
		{failover.GatewayTarget, GatewaySource, "v1.0", &gatewayv1.Gateway{}, when, func(s *snapshot) (client.ObjectList, func()) {
			var l gatewayv1.GatewayList
			return &l, func() { s.gateways = l.Items }
		}},
		{failover.ListenerSetParent, GatewaySource, "v1.5", &gatewayv1.ListenerSet{}, when, func(s *snapshot) (client.ObjectList, func()) {
			var l gatewayv1.ListenerSetList
			return &l, func() { s.listenerSets = l.Items }
		}},
		{failover.HTTPRouteTarget, GatewaySource, "v1.0", &gatewayv1.HTTPRoute{}, when, func(s *snapshot) (client.ObjectList, func()) {
			var l gatewayv1.HTTPRouteList
			return &l, func() { s.routes = l.Items }
		}},
		{failover.GRPCRouteTarget, GatewaySource, "v1.1", &gatewayv1.GRPCRoute{}, when, func(s *snapshot) (client.ObjectList, func()) {
			var l gatewayv1.GRPCRouteList
			return &l, func() { s.grpcRoutes = l.Items }
		}},
		{failover.TLSRouteTarget, GatewaySource, "v1.5", &gatewayv1.TLSRoute{}, when, func(s *snapshot) (client.ObjectList, func()) {
			var l gatewayv1.TLSRouteList
			return &l, func() { s.tlsRoutes = l.Items }
		}},
	}
}

// altered is for objects of which something has changed that is read: the cache keeps nothing else. What only others read may change as
// often as anybody likes.
func altered() predicate.Predicate {
	read := func(o client.Object) client.Object {
		o = o.DeepCopyObject().(client.Object)
		o.SetResourceVersion("")
		o.SetGeneration(0)
		return o
	}
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		return !equality.Semantic.DeepEqual(read(e.ObjectOld), read(e.ObjectNew))
	}}
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

// kinds is which kinds are read.
type kinds struct {
	mu      sync.Mutex
	without map[string]string // why a kind is not read
	watched map[string]bool   // has a watch, which lasts as long as the process
}

// unread are the kinds that are not read, with the reason.
func (k *kinds) unread() map[string]string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return maps.Clone(k.without)
}

// set notes whether a kind is read, "", or why not, and reports whether that is new.
func (k *kinds) set(name, why string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	before, was := k.without[name]
	if why == "" {
		delete(k.without, name)
		return was
	}
	k.without[name] = why
	return !was || before != why
}

// startKinds watches the kinds that the options ask for and the cluster has.
func (c *Controller) startKinds(ctx context.Context) error {
	c.kinds.without, c.kinds.watched = map[string]string{}, map[string]bool{}
	for _, k := range sourceKinds() {
		why, err := c.readable(ctx, k)
		if err != nil {
			return err
		}
		c.kinds.set(k.name, why)
		if why != "" {
			continue
		}
		if err := c.watchKind(k); err != nil {
			return err
		}
		c.kinds.watched[k.name] = true
	}
	return nil
}

// followKinds begins to read kinds whose CustomResourceDefinition is installed while the controller runs, and takes what a kind tells
// for unknown when its definition is taken away. It looks every tenth time that verdicts are read, every 30 s by default.
func (c *Controller) followKinds(ctx context.Context) error {
	period := 10 * c.o.Poll
	ticker := time.NewTicker(period)
	defer ticker.Stop()
	for {
		for _, k := range sourceKinds() {
			if k.since == "" || c.o.Sources != nil && !slices.Contains(c.o.Sources, k.source) {
				continue
			}
			if err := c.followKind(ctx, k, period); err != nil && ctx.Err() == nil {
				c.o.Log.Warn("not known whether a kind can be read", "kind", k.name, "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

func (c *Controller) followKind(ctx context.Context, k sourceKind, patience time.Duration) error {
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	why, err := c.readable(limited, k)
	if err != nil {
		return err
	}
	if why == "" && !c.kinds.watched[k.name] {
		if err := c.watchKind(k); err != nil {
			return err
		}
		c.kinds.watched[k.name] = true
	}
	if why == "" { // before it is complete, a cache would tell of objects that they are not there
		if _, err := c.cache.GetInformer(limited, k.object); err != nil {
			return err
		}
	}
	if !c.kinds.set(k.name, why) {
		return nil
	}
	if why == "" {
		c.o.Log.Info("a kind is read from now on", "kind", k.name)
	} else {
		c.o.Log.Warn("a kind is not read any more: what it told stays as it is", "kind", k.name, "reason", why)
	}
	for _, s := range c.sites(ctx) {
		c.wake(s)
	}
	return nil
}

// readable says why a kind cannot be read, "" where it can. The error is that nobody knows.
func (c *Controller) readable(ctx context.Context, k sourceKind) (why string, err error) {
	if c.o.Sources != nil && !slices.Contains(c.o.Sources, k.source) {
		return fmt.Sprintf("the controller runs without --sources=%s", k.source), nil
	}
	list, _ := k.list(&snapshot{})
	err = c.reader.List(ctx, list, client.Limit(1))
	switch {
	case err == nil:
		return "", nil
	case meta.IsNoMatchError(err) || apierrors.IsNotFound(err):
		return fmt.Sprintf("this cluster has no %s of gateway.networking.k8s.io/v1: the Gateway API is to be installed, %s or later", k.name, k.since), nil
	case apierrors.IsForbidden(err):
		return "the controller has no right to list them", nil
	}
	return "", fmt.Errorf("list %s objects: %w", k.name, err)
}
