package controller

import (
	"strings"
	"testing"
	"time"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/bulkhead-dns/bulkhead/api/v1alpha1"
	"github.com/bulkhead-dns/bulkhead/failover"
)

// An Ingress whose load balancer redirects HTTP is told of, for every Ingress of its group. r53: B.1.
func TestRedirectsOfIngressesAreTold(t *testing.T) {
	const both = `[{"HTTP": 80}, {"HTTPS":443}]`
	for _, c := range []struct {
		what      string
		own, peer map[string]string // annotations
		check     failover.HealthCheck
		told      string
	}{
		{"no redirect", map[string]string{listenPorts: both}, nil, failover.HealthCheck{}, ""},
		{"HTTP to HTTPS", map[string]string{listenPorts: both, sslRedirect: "443"}, nil, failover.HealthCheck{}, "set type HTTPS and port 443"},
		{"by another Ingress of the group", nil, map[string]string{listenPorts: both, sslRedirect: "443"}, failover.HealthCheck{}, "set type HTTPS and port 443"},
		{"the default listener", map[string]string{sslRedirect: "8443"}, nil, failover.HealthCheck{}, "set type HTTPS and port 8443"},
		{"HTTPS is probed", map[string]string{listenPorts: both, sslRedirect: "443"}, nil, failover.HealthCheck{Type: "HTTPS"}, ""},
		{"another port is probed", map[string]string{listenPorts: both, sslRedirect: "443"}, nil, failover.HealthCheck{Port: new(8080)}, ""},
		{"no sense", map[string]string{listenPorts: "80", sslRedirect: "443"}, nil, failover.HealthCheck{}, ""},
	} {
		ingress := func(name string, annotations map[string]string) networkingv1.Ingress {
			in := networkingv1.Ingress{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: name, Annotations: annotations}}
			in.Spec.Rules = []networkingv1.IngressRule{{Host: name + ".example.com"}}
			in.Status.LoadBalancer.Ingress = []networkingv1.IngressLoadBalancerIngress{{Hostname: "shared-1.eu-west-1.elb.amazonaws.com"}}
			return in
		}
		policy := v1alpha1.FailoverPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "shop"}, Spec: failover.PolicySpec{
			Hostname: "shop.example.com", HealthCheck: c.check, TargetRef: &failover.TargetRef{Kind: failover.IngressTarget, Name: "shop"}}}
		class := v1alpha1.FailoverClass{ObjectMeta: metav1.ObjectMeta{Name: "default"}, Spec: failover.ClassSpec{Provider: failover.AWS, Region: "eu-west-1",
			Zones: []string{"example.com"}, Hostnames: []failover.HostnameRule{{Namespaces: []string{"*"}, Hostnames: []string{"*.example.com"}}}}}
		list := gather(snapshot{policies: []v1alpha1.FailoverPolicy{policy}, classes: []v1alpha1.FailoverClass{class},
			ingresses: []networkingv1.Ingress{ingress("shop", c.own), ingress("peer", c.peer)}}, "", time.Now())
		if len(list) == 0 || list[0].refusal != nil {
			t.Fatalf("%s: %+v", c.what, list[0].refusal)
		}
		notes := strings.Join(list[0].notes, "; ")
		if c.told == "" && strings.Contains(notes, "redirect") || !strings.Contains(notes, c.told) {
			t.Errorf("%s: %q, want %q", c.what, notes, c.told)
		}
	}
}
