package controller

import (
	"cmp"
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/bulkhead-dns/bulkhead/failover"
)

// A route is what is read of an HTTPRoute, a GRPCRoute or a TLSRoute.
type route struct {
	kind      string // as a targetRef names it
	at        types.NamespacedName
	hostnames []gatewayv1.Hostname // none: those of the listeners. Of a TLSRoute they are compared with the name in SNI.
	parents   []gatewayv1.ParentReference
	status    []gatewayv1.RouteParentStatus
	backends  []gatewayv1.BackendRef
	rules     []gatewayv1.HTTPRouteRule // of an HTTPRoute
}

// attachable are all routes of a snapshot.
func (s *snapshot) attachable() []route {
	var list []route
	add := func(kind string, at types.NamespacedName, hostnames []gatewayv1.Hostname, spec gatewayv1.CommonRouteSpec, status gatewayv1.RouteStatus,
		backends []gatewayv1.BackendRef) {
		list = append(list, route{kind: kind, at: at, hostnames: hostnames, parents: spec.ParentRefs, status: status.Parents, backends: backends})
	}
	for i := range s.routes {
		r := &s.routes[i]
		var backends []gatewayv1.BackendRef
		for _, rule := range r.Spec.Rules {
			for _, b := range rule.BackendRefs {
				backends = append(backends, b.BackendRef)
			}
		}
		add(failover.HTTPRouteTarget, nameOf(r), r.Spec.Hostnames, r.Spec.CommonRouteSpec, r.Status.RouteStatus, backends)
		list[len(list)-1].rules = r.Spec.Rules
	}
	for i := range s.grpcRoutes {
		r := &s.grpcRoutes[i]
		var backends []gatewayv1.BackendRef
		for _, rule := range r.Spec.Rules {
			for _, b := range rule.BackendRefs {
				backends = append(backends, b.BackendRef)
			}
		}
		add(failover.GRPCRouteTarget, nameOf(r), r.Spec.Hostnames, r.Spec.CommonRouteSpec, r.Status.RouteStatus, backends)
	}
	for i := range s.tlsRoutes {
		r := &s.tlsRoutes[i]
		var backends []gatewayv1.BackendRef
		for _, rule := range r.Spec.Rules {
			backends = append(backends, rule.BackendRefs...)
		}
		add(failover.TLSRouteTarget, nameOf(r), r.Spec.Hostnames, r.Spec.CommonRouteSpec, r.Status.RouteStatus, backends)
	}
	return list
}

// title is how a route is called in texts.
func (r *route) title() string { return r.kind + " " + r.at.Name }

// hosts are those that a route names.
func (r *route) hosts() []host {
	var list []host
	for _, h := range r.hostnames {
		list = append(list, gatewayHost(string(h)))
	}
	return list
}

// carries reports whether a route is for a host.
func (r *route) carries(name string) bool { return len(r.hostnames) == 0 || takes(r.hosts(), name) }

// services are the Services of all rules of a route.
func (r *route) services() (services []types.NamespacedName) {
	for _, b := range r.backends {
		if value(b.Group) == "" && cmp.Or(value(b.Kind), "Service") == "Service" {
			services = append(services, types.NamespacedName{Namespace: string(cmp.Or(value(b.Namespace), gatewayv1.Namespace(r.at.Namespace))), Name: string(b.Name)})
		}
	}
	return services
}

// A parent is one of a route's spec.parentRefs with its defaults in place.
type parent struct {
	kind    string // Gateway, ListenerSet, or "" for what has no load balancer, such as a Service of a mesh
	at      types.NamespacedName
	section string // the listener's name; "" means any
	port    int    // 0 means any
}

func (r *route) parent(ref gatewayv1.ParentReference) parent {
	p := parent{
		at:      types.NamespacedName{Namespace: string(cmp.Or(value(ref.Namespace), gatewayv1.Namespace(r.at.Namespace))), Name: string(ref.Name)},
		section: string(value(ref.SectionName)),
		port:    int(value(ref.Port)),
	}
	kind := string(cmp.Or(value(ref.Kind), failover.GatewayParent))
	if cmp.Or(value(ref.Group), gatewayv1.GroupName) == gatewayv1.GroupName && (kind == failover.GatewayParent || kind == failover.ListenerSetParent) {
		p.kind = kind
	}
	return p
}

// title names a parent as the route does.
func (p parent) title() string { return p.kind + " " + p.at.String() }

// chosen reports whether a targetRef means this parent.
func (p parent) chosen(by *failover.ParentRef) bool {
	fits := func(want, got string) bool { return want == "" || want == got }
	return by == nil || fits(by.Kind, p.kind) && fits(by.Namespace, p.at.Namespace) && fits(by.Name, p.at.Name) && fits(by.SectionName, p.section)
}

// accepted reports whether the status says that a parent has accepted a route.
func (r *route) accepted(by parent) bool {
	return slices.ContainsFunc(r.status, func(s gatewayv1.RouteParentStatus) bool {
		return r.parent(s.ParentRef) == by && meta.IsStatusConditionTrue(s.Conditions, string(gatewayv1.RouteConditionAccepted))
	})
}

// acceptedBy reports whether a Gateway has accepted a route.
func (r *route) acceptedBy(gateway types.NamespacedName) bool {
	return slices.ContainsFunc(r.parents, func(ref gatewayv1.ParentReference) bool {
		p := r.parent(ref)
		return p.kind == failover.GatewayParent && p.at == gateway && r.accepted(p)
	})
}

// value is what p points at, or the zero value.
func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}
