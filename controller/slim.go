package controller

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/bulkhead-dns/bulkhead/api/v1alpha1"
	"github.com/bulkhead-dns/bulkhead/failover"
)

// Bounds of what is kept of annotations, in bytes. What is meant to be read is much shorter.
const (
	maxAnnotation  = 8 << 10  // of one, with its key
	maxAnnotations = 64 << 10 // of all that an object has for one reader: the AWS Load Balancer Controller, or Bulkhead
)

// ownPrefix is that of the annotations of Bulkhead itself.
const ownPrefix = "bulkhead.dev/"

// tooLong stands for annotations of Bulkhead that are longer than is read; its value is their length. Users cannot have it: it is no
// valid key.
const tooLong = ownPrefix + "?"

// slimmed keeps of an object in the cache what is read of it. Tenants write these objects, and a cluster has many more of them than
// policies name.
func slimmed(o any) (any, error) {
	switch o := o.(type) {
	case *v1alpha1.FailoverPolicy:
		slimOwn(o)
	case *v1alpha1.FailoverClass:
		slimOwn(o)
	case *corev1.Namespace:
		slimNamespace(o)
	case *networkingv1.Ingress:
		slimIngress(o)
	case *corev1.Service:
		slimService(o)
	case *discoveryv1.EndpointSlice:
		slimEndpointSlice(o)
	case *gatewayv1.Gateway:
		slimGateway(o)
	case *gatewayv1.ListenerSet:
		slimListenerSet(o)
	case *gatewayv1.HTTPRoute:
		slimHTTPRoute(o)
	case *gatewayv1.GRPCRoute:
		slimGRPCRoute(o)
	case *gatewayv1.TLSRoute:
		slimTLSRoute(o)
	}
	return o, nil // anything else is what the cache makes of deletions that it has missed
}

// metadataOf is what is kept of any object's metadata: who it is, and which version, and the annotations that are read.
func metadataOf(m metav1.ObjectMeta, read func(key string) bool) metav1.ObjectMeta {
	kept := metav1.ObjectMeta{Namespace: m.Namespace, Name: m.Name, UID: m.UID, ResourceVersion: m.ResourceVersion, Generation: m.Generation,
		CreationTimestamp: m.CreationTimestamp, DeletionTimestamp: m.DeletionTimestamp}
	all := 0
	for _, key := range slices.Sorted(maps.Keys(m.Annotations)) {
		if v := m.Annotations[key]; read(key) {
			if all += len(key) + len(v); all > maxAnnotations || len(key)+len(v) > maxAnnotation {
				if !strings.HasPrefix(key, conditionsOf) {
					continue
				}
				v = unreadable
			}
			if kept.Annotations == nil {
				kept.Annotations = map[string]string{}
			}
			kept.Annotations[strings.Clone(key)] = strings.Clone(v) // not a part of what is thrown away
		}
	}
	return kept
}

// unreadable stands for conditions that are longer than is read: that there are some is told, and not which.
const unreadable = "too long"

// ownAnnotations are those of Bulkhead, or only how long they are.
func ownAnnotations(annotations map[string]string) map[string]string {
	own, all := map[string]string{}, 0
	for key, v := range annotations {
		if strings.HasPrefix(key, ownPrefix) {
			own[strings.Clone(key)] = strings.Clone(v)
			all += len(key) + len(v)
		}
	}
	if all > maxAnnotations {
		return map[string]string{tooLong: strconv.Itoa(all)}
	}
	return own
}

func nothing(string) bool { return false }

// slimOwn leaves out what only other programs read. The rest stays: policies are patched, and a patch is made of what has changed.
func slimOwn(o client.Object) {
	o.SetManagedFields(nil)
	o.SetAnnotations(ownAnnotations(o.GetAnnotations()))
}

func slimNamespace(n *corev1.Namespace) {
	labels := n.Labels
	*n = corev1.Namespace{TypeMeta: n.TypeMeta, ObjectMeta: metadataOf(n.ObjectMeta, nothing)}
	n.Labels = labels
}

func slimIngress(in *networkingv1.Ingress) {
	full := *in
	*in = networkingv1.Ingress{TypeMeta: full.TypeMeta, ObjectMeta: metadataOf(full.ObjectMeta, ingressReads)}
	if own := ownAnnotations(full.Annotations); failover.Asked(full.Annotations) {
		maps.Copy(own, in.Annotations)
		in.Annotations = own
	}
	in.Spec.Rules, in.Spec.DefaultBackend = full.Spec.Rules, full.Spec.DefaultBackend
	for _, p := range full.Status.LoadBalancer.Ingress {
		in.Status.LoadBalancer.Ingress = append(in.Status.LoadBalancer.Ingress, networkingv1.IngressLoadBalancerIngress{Hostname: p.Hostname, IP: p.IP})
	}
}

// ingressReads are the annotations of Ingresses that are read.
func ingressReads(key string) bool {
	switch key {
	case sslRedirect, listenPorts, certificateARN, groupName, groupOrder, enableFrontendNLB, frontendNLBScheme, frontendNLBPorts:
		return true
	}
	return strings.HasPrefix(key, conditionsOf)
}

// slimService keeps next to nothing of Services without a load balancer, which are nearly all.
func slimService(s *corev1.Service) {
	full := *s
	*s = corev1.Service{TypeMeta: full.TypeMeta, ObjectMeta: metadataOf(full.ObjectMeta, func(key string) bool {
		return full.Spec.Type == corev1.ServiceTypeLoadBalancer && (key == serviceScheme || key == serviceInternal)
	})}
	s.Spec.Type = full.Spec.Type
	if full.Spec.Type != corev1.ServiceTypeLoadBalancer {
		return
	}
	for _, p := range full.Spec.Ports {
		s.Spec.Ports = append(s.Spec.Ports, corev1.ServicePort{Protocol: p.Protocol, Port: p.Port})
	}
	for _, p := range full.Status.LoadBalancer.Ingress {
		s.Status.LoadBalancer.Ingress = append(s.Status.LoadBalancer.Ingress, corev1.LoadBalancerIngress{Hostname: p.Hostname, IP: p.IP})
	}
}

// slimEndpointSlice keeps whose endpoints they are, and whether they are ready.
func slimEndpointSlice(s *discoveryv1.EndpointSlice) {
	full := *s
	*s = discoveryv1.EndpointSlice{TypeMeta: full.TypeMeta, ObjectMeta: metadataOf(full.ObjectMeta, nothing)}
	s.Labels = full.Labels
	for _, e := range full.Endpoints {
		s.Endpoints = append(s.Endpoints, discoveryv1.Endpoint{Conditions: e.Conditions})
	}
}

func slimGateway(gw *gatewayv1.Gateway) {
	full := *gw
	*gw = gatewayv1.Gateway{TypeMeta: full.TypeMeta, ObjectMeta: metadataOf(full.ObjectMeta, nothing)}
	for _, l := range full.Spec.Listeners {
		gw.Spec.Listeners = append(gw.Spec.Listeners, gatewayv1.Listener{Name: l.Name, Hostname: l.Hostname, Port: l.Port, Protocol: l.Protocol, AllowedRoutes: l.AllowedRoutes})
	}
	gw.Status.Addresses = full.Status.Addresses
	for _, l := range full.Status.Listeners {
		gw.Status.Listeners = append(gw.Status.Listeners, gatewayv1.ListenerStatus{Name: l.Name, Conditions: slimConditions(l.Conditions)})
	}
}

func slimListenerSet(set *gatewayv1.ListenerSet) {
	full := *set
	*set = gatewayv1.ListenerSet{TypeMeta: full.TypeMeta, ObjectMeta: metadataOf(full.ObjectMeta, nothing)}
	set.Spec.ParentRef = full.Spec.ParentRef
	for _, l := range full.Spec.Listeners {
		set.Spec.Listeners = append(set.Spec.Listeners, gatewayv1.ListenerEntry{Name: l.Name, Hostname: l.Hostname, Port: l.Port, Protocol: l.Protocol, AllowedRoutes: l.AllowedRoutes})
	}
	set.Status.Conditions = slimConditions(full.Status.Conditions)
	for _, l := range full.Status.Listeners {
		set.Status.Listeners = append(set.Status.Listeners, gatewayv1.ListenerEntryStatus{Name: l.Name, Conditions: slimConditions(l.Conditions)})
	}
}

func slimHTTPRoute(r *gatewayv1.HTTPRoute) {
	full := *r
	*r = gatewayv1.HTTPRoute{TypeMeta: full.TypeMeta, ObjectMeta: metadataOf(full.ObjectMeta, nothing)}
	r.Spec.CommonRouteSpec, r.Spec.Hostnames, r.Status.RouteStatus = full.Spec.CommonRouteSpec, full.Spec.Hostnames, slimParents(full.Status.RouteStatus)
	for _, rule := range full.Spec.Rules {
		kept := gatewayv1.HTTPRouteRule{Matches: slimMatches(rule.Matches)}
		for _, f := range rule.Filters {
			if f.RequestRedirect != nil {
				kept.Filters = append(kept.Filters, gatewayv1.HTTPRouteFilter{Type: f.Type, RequestRedirect: &gatewayv1.HTTPRequestRedirectFilter{
					Scheme: f.RequestRedirect.Scheme, Port: f.RequestRedirect.Port, StatusCode: f.RequestRedirect.StatusCode}})
			}
		}
		for _, b := range rule.BackendRefs {
			kept.BackendRefs = append(kept.BackendRefs, gatewayv1.HTTPBackendRef{BackendRef: slimBackend(b.BackendRef)})
		}
		r.Spec.Rules = append(r.Spec.Rules, kept)
	}
}

// slimMatches keeps the paths of matches, and that there are conditions of other kinds.
func slimMatches(matches []gatewayv1.HTTPRouteMatch) (kept []gatewayv1.HTTPRouteMatch) {
	for _, m := range matches {
		k := gatewayv1.HTTPRouteMatch{Path: m.Path}
		if conditional(m) {
			k.Headers = []gatewayv1.HTTPHeaderMatch{{}}
		}
		kept = append(kept, k)
	}
	return kept
}

func slimGRPCRoute(r *gatewayv1.GRPCRoute) {
	full := *r
	*r = gatewayv1.GRPCRoute{TypeMeta: full.TypeMeta, ObjectMeta: metadataOf(full.ObjectMeta, nothing)}
	r.Spec.CommonRouteSpec, r.Spec.Hostnames, r.Status.RouteStatus = full.Spec.CommonRouteSpec, full.Spec.Hostnames, slimParents(full.Status.RouteStatus)
	for _, rule := range full.Spec.Rules {
		var kept gatewayv1.GRPCRouteRule
		for _, b := range rule.BackendRefs {
			kept.BackendRefs = append(kept.BackendRefs, gatewayv1.GRPCBackendRef{BackendRef: slimBackend(b.BackendRef)})
		}
		r.Spec.Rules = append(r.Spec.Rules, kept)
	}
}

func slimTLSRoute(r *gatewayv1.TLSRoute) {
	full := *r
	*r = gatewayv1.TLSRoute{TypeMeta: full.TypeMeta, ObjectMeta: metadataOf(full.ObjectMeta, nothing)}
	r.Spec.CommonRouteSpec, r.Spec.Hostnames, r.Status.RouteStatus = full.Spec.CommonRouteSpec, full.Spec.Hostnames, slimParents(full.Status.RouteStatus)
	for _, rule := range full.Spec.Rules {
		var kept gatewayv1.TLSRouteRule
		for _, b := range rule.BackendRefs {
			kept.BackendRefs = append(kept.BackendRefs, slimBackend(b))
		}
		r.Spec.Rules = append(r.Spec.Rules, kept)
	}
}

func slimBackend(b gatewayv1.BackendRef) gatewayv1.BackendRef {
	return gatewayv1.BackendRef{BackendObjectReference: gatewayv1.BackendObjectReference{Group: b.Group, Kind: b.Kind, Namespace: b.Namespace, Name: b.Name}}
}

func slimParents(s gatewayv1.RouteStatus) (kept gatewayv1.RouteStatus) {
	for _, p := range s.Parents {
		kept.Parents = append(kept.Parents, gatewayv1.RouteParentStatus{ParentRef: p.ParentRef, Conditions: slimConditions(p.Conditions)})
	}
	return kept
}

// slimConditions leaves out the texts of conditions.
func slimConditions(conditions []metav1.Condition) (kept []metav1.Condition) {
	for _, c := range conditions {
		kept = append(kept, metav1.Condition{Type: c.Type, Status: c.Status})
	}
	return kept
}
