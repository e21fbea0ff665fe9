package controller

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/types"

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
	ingresses, routes := byName(s.ingresses), s.attachable()
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
		case failover.HTTPRouteTarget, failover.GRPCRouteTarget, failover.TLSRouteTarget:
			for i := range routes {
				if r := &routes[i]; r.kind == ref.Kind && r.at == at {
					services = r.services()
				}
			}
		case failover.GatewayTarget:
			for i := range routes {
				if r := &routes[i]; r.acceptedBy(at) && r.carries(c.policy.Spec.Hostname) {
					services = append(services, r.services()...)
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
