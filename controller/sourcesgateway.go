package controller

import (
	"cmp"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/bulkhead-dns/bulkhead/api/v1alpha1"
)

func gatewayOrigin(gw *gatewayv1.Gateway) origin {
	from := origin{title: "Gateway " + gw.Name}
	for _, l := range gw.Spec.Listeners {
		from.hosts = append(from.hosts, string(value(l.Hostname)))
	}
	for _, a := range gw.Status.Addresses {
		switch cmp.Or(value(a.Type), gatewayv1.IPAddressType) {
		case gatewayv1.IPAddressType:
			from.points = append(from.points, point{ip: a.Value})
		case gatewayv1.HostnameAddressType:
			from.points = append(from.points, point{hostname: a.Value})
		}
	}
	return from
}

// routeOrigin is the first Gateway that a route is attached to and that has an address. The Gateway may be in another namespace,
// which has allowed it: it has accepted the route.
func (g *gatherer) routeOrigin(r *gatewayv1.HTTPRoute) (origin, *refusal) {
	title := "HTTPRoute " + r.Name
	refused := notReady("%s names no Gateway in spec.parentRefs", title)
	for _, ref := range r.Spec.ParentRefs {
		if cmp.Or(value(ref.Group), gatewayv1.GroupName) != gatewayv1.GroupName || cmp.Or(value(ref.Kind), "Gateway") != "Gateway" {
			continue
		}
		at := types.NamespacedName{Namespace: string(cmp.Or(value(ref.Namespace), gatewayv1.Namespace(r.Namespace))), Name: string(ref.Name)}
		gw := g.gateways[at]
		switch {
		case gw == nil:
			refused = &refusal{v1alpha1.ReasonTargetNotFound, fmt.Sprintf("%s names Gateway %s, which is not there", title, at)}
			continue
		case !accepted(r, ref):
			refused = notReady("%s is not accepted by Gateway %s in its status", title, at)
			continue
		}
		from := gatewayOrigin(gw)
		if len(from.points) == 0 {
			refused = notReady("%s: Gateway %s has no address in its status yet: the controller of its class writes it there", title, at)
			continue
		}
		from.title = fmt.Sprintf("%s: Gateway %s", title, at)
		if len(r.Spec.Hostnames) > 0 {
			from.title, from.hosts = title, nil
			for _, h := range r.Spec.Hostnames {
				from.hosts = append(from.hosts, string(h))
			}
		}
		return from, nil
	}
	return origin{}, refused
}

// accepted reports whether the status says that a parent has accepted a route.
func accepted(r *gatewayv1.HTTPRoute, ref gatewayv1.ParentReference) bool {
	return slices.ContainsFunc(r.Status.Parents, func(p gatewayv1.RouteParentStatus) bool {
		return p.ParentRef.Name == ref.Name &&
			cmp.Or(value(p.ParentRef.Namespace), gatewayv1.Namespace(r.Namespace)) == cmp.Or(value(ref.Namespace), gatewayv1.Namespace(r.Namespace)) &&
			value(p.ParentRef.SectionName) == value(ref.SectionName) && value(p.ParentRef.Port) == value(ref.Port) &&
			meta.IsStatusConditionTrue(p.Conditions, string(gatewayv1.RouteConditionAccepted))
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
