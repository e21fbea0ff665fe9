package controller

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/bulkhead-dns/bulkhead/failover"
)

// A readiness knows how many endpoints of each Service are ready, by EndpointSlice.
type readiness map[types.NamespacedName]map[string]int

// put takes in what an EndpointSlice says; of one without a Service, nothing.
func (r readiness) put(s *discoveryv1.EndpointSlice) {
	service, of := serviceOf(s)
	if !of {
		return
	}
	if r[service] == nil {
		r[service] = make(map[string]int)
	}
	ready := 0
	for _, e := range s.Endpoints {
		if e.Conditions.Ready == nil || *e.Conditions.Ready { // unknown counts as ready, as everywhere in Kubernetes
			ready++
		}
	}
	r[service][s.Name] = ready
}

// remove takes back what an EndpointSlice has said.
func (r readiness) remove(s *discoveryv1.EndpointSlice) {
	service, _ := serviceOf(s)
	delete(r[service], s.Name)
	if len(r[service]) == 0 {
		delete(r, service)
	}
}

func serviceOf(s *discoveryv1.EndpointSlice) (types.NamespacedName, bool) {
	name := s.Labels[discoveryv1.LabelServiceName]
	return types.NamespacedName{Namespace: s.Namespace, Name: name}, name != ""
}

// slim keeps of an EndpointSlice in the cache what is read of it.
func slim(o any) (any, error) {
	s, ok := o.(*discoveryv1.EndpointSlice)
	if !ok {
		return o, nil
	}
	kept := &discoveryv1.EndpointSlice{ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace, Name: s.Name, UID: s.UID,
		ResourceVersion: s.ResourceVersion, Labels: s.Labels}}
	for _, e := range s.Endpoints {
		kept.Endpoints = append(kept.Endpoints, discoveryv1.Endpoint{Conditions: e.Conditions})
	}
	return kept, nil
}

// A signal is whether anything behind policies was ready when it was looked at last, by policy. What was never seen is not in it.
type signal map[string]bool

// judge looks at the Services behind policies, and returns the policies that have turned: from some ready endpoint to none, or back.
// Services that no EndpointSlice has ever told of, such as those of type ExternalName, say nothing.
func (s signal) judge(backends map[string][]types.NamespacedName, r readiness) (turned []string) {
	for _, key := range slices.Sorted(maps.Keys(backends)) {
		ready, told := 0, false
		for _, service := range backends[key] {
			counts, known := r[service]
			told = told || known
			for _, n := range counts {
				ready += n
			}
		}
		before, known := s[key]
		if !known && !told {
			continue
		}
		s[key] = ready > 0
		if known && before != s[key] {
			turned = append(turned, key)
		}
	}
	for key := range s {
		if _, there := backends[key]; !there {
			delete(s, key)
		}
	}
	return turned
}

// backendsOf are the Services behind those candidates whose class wants the signal, by policy.
func backendsOf(s snapshot, candidates []candidate) map[string][]types.NamespacedName {
	ingresses, routes := byName(s.ingresses), byName(s.routes)
	all := make(map[string][]types.NamespacedName)
	for _, c := range candidates {
		ref := c.policy.Spec.TargetRef
		if c.refusal != nil || c.class == nil || !c.class.Spec.ReadinessSignal || ref == nil {
			continue
		}
		at := types.NamespacedName{Namespace: c.policy.Metadata.Namespace, Name: ref.Name}
		var services []types.NamespacedName
		switch ref.Kind {
		case failover.ServiceTarget:
			services = []types.NamespacedName{at}
		case failover.IngressTarget:
			if in := ingresses[at]; in != nil {
				services = ingressBackends(in, c.policy.Spec.Hostname)
			}
		case failover.HTTPRouteTarget:
			if r := routes[at]; r != nil {
				services = routeBackends(r)
			}
		case failover.GatewayTarget:
			for i := range s.routes {
				if r := &s.routes[i]; takenBy(r, at) && carries(r, c.policy.Spec.Hostname) {
					services = append(services, routeBackends(r)...)
				}
			}
		}
		if len(services) > 0 {
			slices.SortFunc(services, func(a, b types.NamespacedName) int {
				return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name))
			})
			all[c.policy.Key()] = slices.Compact(services)
		}
	}
	return all
}

// ingressBackends are the Services that requests for a host go to: those of the host's own rules; without any, of a wildcard's; without
// any, of rules for every host and the default.
func ingressBackends(in *networkingv1.Ingress, host string) []types.NamespacedName {
	var services []types.NamespacedName
	add := func(b *networkingv1.IngressBackend) {
		if b != nil && b.Service != nil {
			services = append(services, types.NamespacedName{Namespace: in.Namespace, Name: b.Service.Name})
		}
	}
	_, parent, _ := strings.Cut(host, ".")
	for _, rule := range []string{host, "*." + parent, ""} {
		for _, r := range in.Spec.Rules {
			if r.Host != rule || r.HTTP == nil {
				continue
			}
			for i := range r.HTTP.Paths {
				add(&r.HTTP.Paths[i].Backend)
			}
		}
		if len(services) > 0 {
			return services
		}
	}
	add(in.Spec.DefaultBackend)
	return services
}

// routeBackends are the Services of all rules of a route.
func routeBackends(r *gatewayv1.HTTPRoute) (services []types.NamespacedName) {
	for _, rule := range r.Spec.Rules {
		for _, b := range rule.BackendRefs {
			if value(b.Group) == "" && cmp.Or(value(b.Kind), "Service") == "Service" {
				services = append(services, types.NamespacedName{Namespace: string(cmp.Or(value(b.Namespace), gatewayv1.Namespace(r.Namespace))), Name: string(b.Name)})
			}
		}
	}
	return services
}

// takenBy reports whether a Gateway has accepted a route.
func takenBy(r *gatewayv1.HTTPRoute, gateway types.NamespacedName) bool {
	return slices.ContainsFunc(r.Spec.ParentRefs, func(ref gatewayv1.ParentReference) bool {
		return cmp.Or(value(ref.Group), gatewayv1.GroupName) == gatewayv1.GroupName && cmp.Or(value(ref.Kind), "Gateway") == "Gateway" &&
			string(ref.Name) == gateway.Name && string(cmp.Or(value(ref.Namespace), gatewayv1.Namespace(r.Namespace))) == gateway.Namespace && accepted(r, ref)
	})
}

// carries reports whether a route is for a host.
func carries(r *gatewayv1.HTTPRoute, host string) bool {
	from := origin{all: len(r.Spec.Hostnames) == 0}
	for _, h := range r.Spec.Hostnames {
		from.hosts = append(from.hosts, string(h))
	}
	return from.takes(host)
}
