//go:build kube

package kube

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
)

// The stand-in for the AWS Load Balancer Controller: an Ingress gets a load balancer that leads to the ready endpoints of its Services and
// answers 503 without any. An Ingress that cannot work is told so and harms no other.
func TestLoadBalancerFollowsTheCluster(t *testing.T) {
	t.Parallel()
	w := startWorld(t, Options{Nodes: 1})
	s := w.west
	s.startIngresses(t, w)
	s.apply(t, "twoapps.yaml")
	s.loads(t, "app1.example.com", "/", http.StatusOK)
	s.loads(t, "app2.example.com", "/", http.StatusOK)
	s.loads(t, s.loadBalancer.DNSName, "/app1health", http.StatusOK)
	s.loads(t, s.loadBalancer.DNSName, "/", http.StatusNotFound)
	eventually(t, "the Ingress has a load balancer", func(ctx context.Context) error {
		out, err := s.Kubectl(ctx, "get", "ingress", "demoingress", "-o", "jsonpath={.status.loadBalancer.ingress[*].hostname}")
		if err == nil && out != s.loadBalancer.DNSName {
			err = fmt.Errorf("its status says %q, want %s", out, s.loadBalancer.DNSName)
		}
		return err
	})

	must(t, s.Apply(t.Context(), `
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: wrong}
spec:
  ingressClassName: alb
  rules: [{host: wrong.example.com, http: {paths: [{path: "/img*", pathType: Prefix, backend: {service: {name: demoapp1, port: {number: 80}}}}]}}]
`))
	happened(t, s, "FailedDeployModel", "wrong")
	kubectl(t, s.Region, "default", "scale", "deployment", "demoapp1", "--replicas=0")
	s.loads(t, s.loadBalancer.DNSName, "/app1health", http.StatusServiceUnavailable)
	s.loads(t, s.loadBalancer.DNSName, "/app2health", http.StatusOK)
	kubectl(t, s.Region, "default", "scale", "deployment", "demoapp1", "--replicas=1")
	s.loads(t, "app1.example.com", "/", http.StatusOK)

	kubectl(t, s.Region, "default", "delete", "ingress", "demoingress")
	s.loads(t, "app1.example.com", "/", http.StatusNotFound)
	out := kubectl(t, s.Region, "default", "get", "ingress", "wrong", "-o", "jsonpath={.status.loadBalancer}")
	if strings.Contains(out, "hostname") {
		t.Errorf("an Ingress that was refused has a load balancer: %s", out)
	}
}

// loads waits until the Region's load balancer answers a request with a status.
func (s *site) loads(t *testing.T, host, path string, want int) {
	t.Helper()
	url := "http://" + net.JoinHostPort(s.address, fmt.Sprint(s.loadBalancer.Port)) + path
	eventually(t, host+path, func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		request.Host = host
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		if response.StatusCode != want {
			return fmt.Errorf("answered with %s, want %d", response.Status, want)
		}
		return nil
	})
}
