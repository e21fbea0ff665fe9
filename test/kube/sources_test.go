//go:build kube

package kube

import (
	"context"
	"fmt"
	"strings"
	"testing"
)

// Ingresses, Gateways and routes with the statuses that the AWS Load Balancer Controller and others write. The Gateway API is installed
// while the controller runs and taken away again: what it told is unknown then, and the records stay.
func TestSourcesAreReadAsTheirControllersWriteThem(t *testing.T) {
	t.Parallel()
	w := startWorld(t, Options{})
	s := w.west
	s.apply(t, "class.yaml")
	s.startReplica(t, w, "controller")
	s.aim(t, "deep", "a.b.example.com", "{kind: HTTPRoute, name: deep}")
	s.told(t, "deep", "Programmed", "False", "TargetNotReady", "HTTPRoute deep cannot be read: this cluster has no HTTPRoute of gateway.networking.k8s.io/v1")

	must(t, s.InstallCRDs(gatewayCRDs(t)...))
	s.apply(t, "gateways.yaml")
	for _, name := range []string{"wild", "exact"} {
		s.stateOf(t, "gateway/"+name, fmt.Sprintf(`{"status":{"addresses":[{"type":"Hostname","value":%q}]}}`, s.loadBalancer.DNSName))
	}
	for route, parents := range map[string][]string{
		"httproute/deep": {s.parent("wild", "True")}, "httproute/shop": {s.parent("exact", "True")}, "grpcroute/grpc": {s.parent("wild", "True")},
		"tlsroute/tls": {s.parent("wild", "True")}, "httproute/two": {s.parent("exact", "False"), s.parent("wild", "True")},
		"httproute/set": {strings.Replace(s.parent("set", "True"), `{"name"`, `{"kind":"ListenerSet","group":"gateway.networking.k8s.io","name"`, 1)},
	} {
		s.stateOf(t, route, `{"status":{"parents":[`+strings.Join(parents, ",")+`]}}`)
	}
	s.aim(t, "shop", "shop.example.com", "{kind: HTTPRoute, name: shop}")
	s.aim(t, "www", "www.shop.example.com", "{kind: HTTPRoute, name: shop}")
	s.aim(t, "set", "set.example.com", "{kind: HTTPRoute, name: set}")
	s.aim(t, "two", "two.example.com", "{kind: HTTPRoute, name: two}")
	s.aim(t, "grpc", "grpc.example.com", "{kind: GRPCRoute, name: grpc}")
	s.aim(t, "tls", "tls.example.com", "{kind: TLSRoute, name: tls}")
	for _, name := range []string{"deep", "shop", "set", "two", "grpc", "tls"} {
		s.told(t, name, "Programmed", "True", "Programmed", "")
	}
	s.told(t, "www", "Programmed", "False", "TargetNotReady", "no listener of Gateway default/exact takes www.shop.example.com")

	must(t, s.Apply(t.Context(), `
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: front, annotations: {alb.ingress.kubernetes.io/scheme: internal, alb.ingress.kubernetes.io/enable-frontend-nlb: "true", alb.ingress.kubernetes.io/frontend-nlb-scheme: internet-facing}}
spec: {ingressClassName: none, rules: [{host: front.example.com, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]}
`))
	const nlb = "k8s-front-1.elb.eu-west-1.amazonaws.com"
	s.stateOf(t, "ingress/front", `{"status":{"loadBalancer":{"ingress":[{"hostname":"internal-k8s-front-1.eu-west-1.elb.amazonaws.com"},{"hostname":"`+nlb+`"}]}}}`)
	s.aim(t, "front", "front.example.com", "{kind: Ingress, name: front}")
	eventually(t, "the load balancer that checkers reach is taken", func(ctx context.Context) error {
		out, err := s.Kubectl(ctx, "get", "failoverpolicy", "front", "-o", "jsonpath={.status.target}")
		if err == nil && out != nlb {
			err = fmt.Errorf("it is %q, want %s", out, nlb)
		}
		return err
	})

	v := w.watch(t)
	v.add(w, "shop.example.com")
	v.answered(t, "shop.example.com", s, s)
	kubectl(t, s.Region, "default", "delete", "crd", "httproutes.gateway.networking.k8s.io", "--timeout=60s")
	s.told(t, "shop", "Programmed", "False", "TargetNotReady", "until this is settled the record of this Region stays as it is")
	s.told(t, "grpc", "Programmed", "True", "Programmed", "")
	v.swept(t, 3)
	v.check(t)
}

// aim makes a policy for a source, which asks no more of the load balancer than that it listens.
func (s *site) aim(t *testing.T, name, hostname, target string) {
	t.Helper()
	must(t, s.Apply(t.Context(), fmt.Sprintf(`
apiVersion: bulkhead.dev/v1alpha1
kind: FailoverPolicy
metadata: {name: %s}
spec: {hostname: %s, targetRef: %s, healthCheck: {type: TCP, port: %d}}
`, name, hostname, target, s.loadBalancer.Port)))
}

// stateOf gives an object of the namespace default a status.
func (s *site) stateOf(t *testing.T, object, patch string) {
	t.Helper()
	kubectl(t, s.Region, "default", "patch", object, "--subresource=status", "--type=merge", "-p", patch)
}

// parent is what a Gateway's controller says of a route.
func (s *site) parent(name, accepted string) string {
	return fmt.Sprintf(`{"parentRef":{"name":%q},"controllerName":"gateway.example/alb","conditions":[{"type":"Accepted","status":%q,`+
		`"reason":"Accepted","message":"","lastTransitionTime":"2026-01-01T00:00:00Z"}]}`, name, accepted)
}

// told waits until a condition of a policy says something.
func (s *site) told(t *testing.T, policy, condition, status, reason, text string) {
	t.Helper()
	eventually(t, fmt.Sprintf("%s of %s", condition, policy), func(ctx context.Context) error {
		out, err := s.Kubectl(ctx, "get", "failoverpolicy", policy, "-o",
			fmt.Sprintf(`jsonpath={range .status.conditions[?(@.type==%q)]}{.status} {.reason}: {.message}{end}`, condition))
		if err == nil && (!strings.HasPrefix(out, status+" "+reason+": ") || !strings.Contains(out, text)) {
			err = fmt.Errorf("it is %q, want %s %s: … %s", out, status, reason, text)
		}
		return err
	})
}
