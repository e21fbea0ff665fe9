package controller

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"

	networkingv1 "k8s.io/api/networking/v1"

	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/health"
)

// Annotations of the AWS Load Balancer Controller that decide what listeners do. r53: E.3.
const (
	sslRedirect    = "alb.ingress.kubernetes.io/ssl-redirect"
	listenPorts    = "alb.ingress.kubernetes.io/listen-ports"
	certificateARN = "alb.ingress.kubernetes.io/certificate-arn"
)

// redirected says that the load balancer of this Region answers the policy's probes by a redirect, "" where nothing tells so. A cluster
// reads no listeners: it goes by the annotations of all Ingresses that share the load balancer, because one ssl-redirect is for the
// whole group. What an IngressClassParams sets is not seen.
func (g *gatherer) redirected(c *candidate, own failover.Region) string {
	complete := failover.Default(c.policy, c.class)
	i := slices.IndexFunc(complete.Spec.Regions, func(r failover.Region) bool { return r.Name == own.Name })
	if i < 0 || own.LoadBalancer == nil {
		return ""
	}
	h := complete.Spec.Regions[i].HealthCheck
	config := health.Config{Type: health.Type(h.Type), Port: h.Port, ResourcePath: h.Path,
		FullyQualifiedDomainName: cmp.Or(h.HostHeader, own.LoadBalancer.DNSName)}
	var rules []failover.ListenerRule
	for _, in := range g.ingresses {
		if slices.ContainsFunc(in.Status.LoadBalancer.Ingress, func(p networkingv1.IngressLoadBalancerIngress) bool {
			return bare(p.Hostname) == bare(own.LoadBalancer.DNSName)
		}) {
			rules = append(rules, redirectsOf(in.Annotations)...)
		}
	}
	if self, answered := failover.AnsweredByBalancer(config, rules); answered {
		return self.Why + "; " + self.Fix
	}
	return ""
}

// redirectsOf are the redirects that the annotations of an Ingress ask for: with ssl-redirect, of every listener for HTTP, of which
// there is one on port 80 unless listen-ports or a certificate says otherwise.
func redirectsOf(annotations map[string]string) []failover.ListenerRule {
	to, err := strconv.Atoi(annotations[sslRedirect])
	if err != nil {
		return nil
	}
	ports := []map[string]int{{"HTTP": 80}}
	if text := annotations[listenPorts]; text != "" {
		ports = nil
		if json.Unmarshal([]byte(text), &ports) != nil {
			return nil
		}
	} else if annotations[certificateARN] != "" {
		return nil
	}
	var rules []failover.ListenerRule
	for _, p := range ports {
		if port := p["HTTP"]; port > 0 {
			rules = append(rules, failover.ListenerRule{Port: port, Status: 301, RedirectTo: "HTTPS:" + strconv.Itoa(to)})
		}
	}
	return rules
}
