package main

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/bulkhead-dns/bulkhead/lab"
)

// rulesFor is what the lab is told of a cluster with some objects.
func rulesFor(t *testing.T, r ingressRules, manifests string) []lab.Ingress {
	t.Helper()
	var ingresses []networkingv1.Ingress
	var services []corev1.Service
	var endpoints []discoveryv1.EndpointSlice
	for document := range strings.SplitSeq(manifests, "---\n") {
		var meta metav1.TypeMeta
		if err := yaml.Unmarshal([]byte(document), &meta); err != nil {
			t.Fatal(err)
		}
		switch meta.Kind {
		case "Ingress":
			ingresses = append(ingresses, decode[networkingv1.Ingress](t, document))
		case "Service":
			services = append(services, decode[corev1.Service](t, document))
		case "EndpointSlice":
			endpoints = append(endpoints, decode[discoveryv1.EndpointSlice](t, document))
		default:
			t.Fatalf("kind %q", meta.Kind)
		}
	}
	return r.of(ingresses, services, endpoints)
}

func decode[T any](t *testing.T, document string) T {
	t.Helper()
	var object T
	if err := yaml.UnmarshalStrict([]byte(document), &object); err != nil {
		t.Fatalf("%v in:\n%s", err, document)
	}
	return object
}

const shop = `
kind: Ingress
metadata:
  name: shop
  namespace: team-a
  annotations: {alb.ingress.kubernetes.io/group.order: "7", alb.ingress.kubernetes.io/healthcheck-path: /health}
spec:
  ingressClassName: alb
  defaultBackend: {service: {name: web, port: {number: 80}}}
  rules:
    - host: app1.example.com
      http:
        paths:
          - {path: /, pathType: Prefix, backend: {service: {name: web, port: {name: http}}}}
          - {path: /gone, pathType: Exact, backend: {service: {name: gone, port: {number: 80}}}}
    - http: {paths: [{path: /pay, backend: {service: {name: pay, port: {number: 8080}}}}]}
    - host: idle.example.com
---
kind: Service
metadata: {name: web, namespace: team-a}
spec: {ports: [{name: metrics, port: 9090}, {name: http, port: 80}]}
---
kind: Service
metadata: {name: pay, namespace: team-a, annotations: {alb.ingress.kubernetes.io/healthcheck-path: /payhealth}}
spec: {ports: [{port: 8080}]}
---
kind: Service
metadata: {name: web, namespace: team-b}
spec: {ports: [{port: 80}]}
---
kind: EndpointSlice
metadata: {name: web-1, namespace: team-a, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
ports: [{name: metrics, port: 9999}, {name: http, port: 8000}]
endpoints:
  - {addresses: [10.0.0.2], conditions: {ready: true}, zone: eu-west-1b, targetRef: {kind: Pod, name: web-b}}
  - {addresses: [10.0.0.3], conditions: {ready: false}, targetRef: {kind: Pod, name: web-c}}
---
kind: EndpointSlice
metadata: {name: web-2, namespace: team-a, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
ports: [{name: http, port: 8000}]
endpoints:
  - {addresses: [10.0.0.1], conditions: {}, targetRef: {kind: Pod, name: web-a}}
  - {addresses: [10.0.0.2], conditions: {ready: true}, zone: eu-west-1b, targetRef: {kind: Pod, name: web-b}}
  - {addresses: [10.0.0.9], conditions: {ready: true}}
---
kind: EndpointSlice
metadata: {name: web-1, namespace: team-b, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
ports: [{name: "", port: 8000}]
endpoints: [{addresses: [10.0.0.4], targetRef: {kind: Pod, name: other}}]
`

func TestIngressBecomesRulesAndReadyEndpoints(t *testing.T) {
	want := []lab.Ingress{{
		Namespace: "team-a", Name: "shop", Order: 7,
		DefaultBackend: &lab.IngressBackend{Service: "web", Port: 80},
		Rules: []lab.IngressRule{
			{Host: "app1.example.com", Paths: []lab.IngressPath{
				{Path: "/", PathType: "Prefix", Backend: lab.IngressBackend{Service: "web", Port: 80}},
				{Path: "/gone", PathType: "Exact", Backend: lab.IngressBackend{Service: "gone", Port: 80}},
			}},
			{Paths: []lab.IngressPath{{Path: "/pay", PathType: "ImplementationSpecific",
				Backend: lab.IngressBackend{Service: "pay", Port: 8080}}}},
			{Host: "idle.example.com", Paths: []lab.IngressPath{}},
		},
		Services: []lab.IngressService{
			{IngressBackend: lab.IngressBackend{Service: "web", Port: 80}, HealthPath: "/health",
				Endpoints: []lab.Endpoint{{Pod: "10.0.0.9"}, {Pod: "web-a"}, {Pod: "web-b", AvailabilityZone: "eu-west-1b"}}},
			{IngressBackend: lab.IngressBackend{Service: "pay", Port: 8080}, HealthPath: "/payhealth",
				Endpoints: []lab.Endpoint{}},
		},
	}}
	if diff := cmp.Diff(want, rulesFor(t, ingressRules{class: "alb"}, shop),
		cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b })); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
}

func TestPodAddressesAreThoseOfTheServicesPort(t *testing.T) {
	var got []string
	for _, e := range rulesFor(t, ingressRules{class: "alb", podAddresses: true}, shop)[0].Services[0].Endpoints {
		got = append(got, e.Pod+" "+e.Address.String())
	}
	if diff := cmp.Diff([]string{"10.0.0.9 10.0.0.9:8000", "web-a 10.0.0.1:8000", "web-b 10.0.0.2:8000"},
		got); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
}

// r53: E.3: an Ingress is for a class, and those of a group are on one load balancer.
func TestIngressesOfTheClassGetTheirLoadBalancer(t *testing.T) {
	const manifests = `
kind: Ingress
metadata:
  name: c
  namespace: team-a
  annotations: {kubernetes.io/ingress.class: alb, alb.ingress.kubernetes.io/group.name: shared}
---
kind: Ingress
metadata:
  name: b
  namespace: team-b
  annotations:
    alb.ingress.kubernetes.io/group.name: shared
    alb.ingress.kubernetes.io/load-balancer-name: secondalb
spec: {ingressClassName: alb}
---
kind: Ingress
metadata: {name: a, namespace: team-b, annotations: {alb.ingress.kubernetes.io/group.name: other}}
spec: {ingressClassName: alb}
---
kind: Ingress
metadata: {name: d, namespace: team-b}
spec: {ingressClassName: alb}
---
kind: Ingress
metadata: {name: elsewhere, namespace: team-b}
spec: {ingressClassName: nginx}
---
kind: Ingress
metadata: {name: none, namespace: team-b}
---
kind: Ingress
metadata: {name: going, namespace: team-b, deletionTimestamp: "2026-03-01T12:00:00Z"}
spec: {ingressClassName: alb}
`
	var got []string
	for _, in := range rulesFor(t, ingressRules{class: "alb"}, manifests) {
		got = append(got, in.Namespace+"/"+in.Name+" "+in.LoadBalancer)
	}
	if diff := cmp.Diff([]string{"team-a/c secondalb", "team-b/a ", "team-b/b secondalb", "team-b/d "}, got); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
}
