package main

import (
	"cmp"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"

	"github.com/bulkhead-dns/bulkhead/lab"
)

// Annotations of the AWS Load Balancer Controller. r53: E.3.
const (
	albPrefix            = "alb.ingress.kubernetes.io/"
	classAnnotation      = "kubernetes.io/ingress.class"
	balancerAnnotation   = albPrefix + "load-balancer-name"
	groupAnnotation      = albPrefix + "group.name"
	orderAnnotation      = albPrefix + "group.order"
	healthPathAnnotation = albPrefix + "healthcheck-path"
)

// ingressRules turns what a cluster has into what a lab's load balancers are to do.
type ingressRules struct {
	class        string
	podAddresses bool
}

// of lists the Ingresses of the class, ordered by namespace and name, with the Services that they lead to.
func (r ingressRules) of(ingresses []networkingv1.Ingress, services []corev1.Service,
	endpoints []discoveryv1.EndpointSlice) []lab.Ingress {
	byService := map[string][]discoveryv1.EndpointSlice{}
	for _, e := range endpoints {
		title := titleOf(e.Namespace, e.Labels[discoveryv1.LabelServiceName])
		byService[title] = append(byService[title], e)
	}
	known := map[string]*corev1.Service{}
	for i := range services {
		known[titleOf(services[i].Namespace, services[i].Name)] = &services[i]
	}
	var wanted []networkingv1.Ingress
	for _, in := range ingresses {
		if in.DeletionTimestamp == nil && cmp.Or(value(in.Spec.IngressClassName),
			in.Annotations[classAnnotation]) == r.class {
			wanted = append(wanted, in)
		}
	}
	slices.SortFunc(wanted, func(a, b networkingv1.Ingress) int {
		return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name))
	})
	balancers := groupBalancers(wanted)
	list := make([]lab.Ingress, 0, len(wanted))
	for _, in := range wanted {
		order, _ := strconv.Atoi(in.Annotations[orderAnnotation]) // none is 0
		g := &gathering{rules: r, in: &in, services: known, endpoints: byService}
		g.out = lab.Ingress{
			Namespace:    in.Namespace,
			Name:         in.Name,
			LoadBalancer: cmp.Or(in.Annotations[balancerAnnotation], balancers[in.Annotations[groupAnnotation]]),
			Order:        order,
			Rules:        []lab.IngressRule{},
			Services:     []lab.IngressService{},
		}
		list = append(list, g.all())
	}
	return list
}

// groupBalancers is the load balancer that some Ingress of a group names, by group.
func groupBalancers(ingresses []networkingv1.Ingress) map[string]string {
	names := map[string]string{}
	for _, in := range ingresses {
		if group := in.Annotations[groupAnnotation]; group != "" {
			names[group] = cmp.Or(names[group], in.Annotations[balancerAnnotation])
		}
	}
	return names
}

// A gathering is one Ingress being translated.
type gathering struct {
	rules     ingressRules
	in        *networkingv1.Ingress
	services  map[string]*corev1.Service
	endpoints map[string][]discoveryv1.EndpointSlice
	out       lab.Ingress
}

func (g *gathering) all() lab.Ingress {
	if b := g.in.Spec.DefaultBackend; b != nil {
		backend := g.backend(*b)
		g.out.DefaultBackend = &backend
	}
	for _, r := range g.in.Spec.Rules {
		rule := lab.IngressRule{Host: r.Host, Paths: []lab.IngressPath{}}
		if r.HTTP != nil {
			for _, p := range r.HTTP.Paths {
				kind := cmp.Or(value(p.PathType), networkingv1.PathTypeImplementationSpecific)
				rule.Paths = append(rule.Paths, lab.IngressPath{Path: p.Path, PathType: string(kind),
					Backend: g.backend(p.Backend)})
			}
		}
		g.out.Rules = append(g.out.Rules, rule)
	}
	return g.out
}

// backend translates a backend, and adds its Service if there is one. Of one that there is not the lab answers 503.
func (g *gathering) backend(b networkingv1.IngressBackend) lab.IngressBackend {
	if b.Service == nil {
		return lab.IngressBackend{}
	}
	backend := lab.IngressBackend{Service: b.Service.Name, Port: int(b.Service.Port.Number)}
	service := g.services[titleOf(g.in.Namespace, b.Service.Name)]
	if service == nil {
		return backend
	}
	at := slices.IndexFunc(service.Spec.Ports, func(p corev1.ServicePort) bool {
		return p.Name == b.Service.Port.Name && p.Name != "" || p.Port == b.Service.Port.Number
	})
	if at < 0 {
		return backend
	}
	backend.Port = int(service.Spec.Ports[at].Port)
	if !slices.ContainsFunc(g.out.Services, func(s lab.IngressService) bool { return s.IngressBackend == backend }) {
		g.out.Services = append(g.out.Services, lab.IngressService{
			IngressBackend: backend,
			HealthPath:     cmp.Or(service.Annotations[healthPathAnnotation], g.in.Annotations[healthPathAnnotation]),
			Endpoints:      g.ready(service, service.Spec.Ports[at].Name),
		})
	}
	return backend
}

// ready lists the pods of a Service that take requests at a port, ordered by name, each once.
func (g *gathering) ready(service *corev1.Service, port string) []lab.Endpoint {
	list := []lab.Endpoint{}
	for _, slice := range g.endpoints[titleOf(service.Namespace, service.Name)] {
		for _, e := range slice.Endpoints {
			if e.Conditions.Ready != nil && !*e.Conditions.Ready || len(e.Addresses) == 0 {
				continue
			}
			pod := lab.Endpoint{Pod: e.Addresses[0], AvailabilityZone: value(e.Zone)}
			if e.TargetRef != nil {
				pod.Pod = e.TargetRef.Name
			}
			if g.rules.podAddresses {
				pod.Address = address(e.Addresses[0], slice.Ports, port)
			}
			list = append(list, pod)
		}
	}
	slices.SortStableFunc(list, func(a, b lab.Endpoint) int { return strings.Compare(a.Pod, b.Pod) })
	return slices.CompactFunc(list, func(a, b lab.Endpoint) bool { return a.Pod == b.Pod })
}

// address is where a pod listens; the zero value if that is not said.
func address(ip string, ports []discoveryv1.EndpointPort, name string) netip.AddrPort {
	a, err := netip.ParseAddr(ip)
	at := slices.IndexFunc(ports, func(p discoveryv1.EndpointPort) bool { return value(p.Name) == name })
	if err != nil || at < 0 || ports[at].Port == nil {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(a, uint16(*ports[at].Port))
}

// value is what p points at, or the zero value.
func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}
