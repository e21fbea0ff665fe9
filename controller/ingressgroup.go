package controller

import (
	"cmp"
	"fmt"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"

	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/health"
)

// claimedByOthers says that an Ingress of another namespace has rules on the same load balancer for what a policy's check asks for. A
// group of Ingresses is one trust domain: whose rules come first decides what the check sees. Of the other no more is told than that.
func (g *gatherer) claimedByOthers(c *candidate, check failover.HealthCheck, own *failover.Region) string {
	if own.LoadBalancer == nil || !health.Type(check.Type).IsHTTP() {
		return ""
	}
	members := g.sharing[bare(own.LoadBalancer.DNSName)]
	asked := cmp.Or(check.HostHeader, own.LoadBalancer.DNSName)
	path, _, _ := strings.Cut(check.Path, "?")
	var first *networkingv1.Ingress // whose rule takes the probes
	also := false                   // another's rule names the same path
	for _, in := range members {
		takesIt, names := g.probed(in, asked, path)
		if takesIt && first == nil {
			first = in
		}
		also = also || names && in.Namespace != c.policy.Metadata.Namespace
	}
	what := fmt.Sprintf("%s on %s", path, own.LoadBalancer.DNSName)
	switch {
	case first != nil && first.Namespace != c.policy.Metadata.Namespace:
		return fmt.Sprintf("%s is answered by a rule of an Ingress of another namespace: the check tells that application's health; "+
			"choose another path, or another group", what)
	case also:
		return fmt.Sprintf("an Ingress of another namespace has a rule for %s too: with a lower group.order it would answer the check; "+
			"choose another path, or another group", what)
	}
	return ""
}

// probed reports whether a rule of an Ingress takes requests for a host and path, and whether it names this very path rather than one
// above it.
func (g *gatherer) probed(in *networkingv1.Ingress, name, path string) (takesIt, names bool) {
	for _, r := range in.Spec.Rules {
		if r.HTTP == nil {
			continue
		}
		for i := range r.HTTP.Paths {
			p := &r.HTTP.Paths[i]
			of := hostsOf(in, r.Host, p)
			if of.conditional || !albTakes(of.hosts, name) {
				continue
			}
			if p.Path == path {
				names = true
			}
			if patterns := append(patternsOf(p), of.paths...); len(patterns) == 0 || pathMatches(patterns, path) {
				takesIt = true
			}
		}
	}
	return takesIt, names && takesIt
}

// albTakes is takes as an Application Load Balancer understands a leading "*.": any characters.
func albTakes(hosts []host, name string) bool {
	for _, h := range hosts {
		if h.form == oneLabel {
			h.form = wildcards
		}
		if h.takes(name) {
			return true
		}
	}
	return false
}

// patternsOf are the patterns that the AWS Load Balancer Controller makes of a path.
func patternsOf(p *networkingv1.HTTPIngressPath) []string {
	switch {
	case p.Path == "":
		return nil
	case value(p.PathType) == networkingv1.PathTypePrefix && p.Path == "/":
		return []string{"/*"}
	case value(p.PathType) == networkingv1.PathTypePrefix:
		below := strings.TrimSuffix(p.Path, "/")
		return []string{below, below + "/*"}
	}
	return []string{p.Path}
}

func pathMatches(patterns []string, path string) bool {
	for _, pattern := range patterns {
		if failover.Route([]failover.ListenerRule{{Path: pattern}}, 0, "", path) != nil {
			return true
		}
	}
	return false
}
