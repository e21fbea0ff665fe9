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
	asked := cmp.Or(check.HostHeader, own.LoadBalancer.DNSName)
	path, _, _ := strings.Cut(check.Path, "?")
	answered, others, also := false, false, false // by whom; and whether another's rule names the same path
	for _, claimed := range g.claims(bare(own.LoadBalancer.DNSName), bare(asked)) {
		if !pathMatches(claimed.patterns, path) {
			continue
		}
		foreign := claimed.namespace != c.policy.Metadata.Namespace
		if !answered {
			answered, others = true, foreign
		}
		also = also || foreign && claimed.path == path
	}
	what := fmt.Sprintf("%s on %s", path, own.LoadBalancer.DNSName)
	switch {
	case others:
		return fmt.Sprintf("%s is answered by a rule of an Ingress of another namespace: the check tells that application's health; "+
			"choose another path, or another group", what)
	case also:
		return fmt.Sprintf("an Ingress of another namespace has a rule for %s too: with a lower group.order it would answer the check; "+
			"choose another path, or another group", what)
	}
	return ""
}

// A claimedPath is a rule of an Ingress that takes requests for a host.
type claimedPath struct {
	namespace string
	path      string   // as it is written
	patterns  []string // none: any path
}

// claims are the rules of all Ingresses at a load balancer that take requests for a host, in the order in which they are tried. Rules
// with conditions that a probe may not meet are left out.
func (g *gatherer) claims(balancer, name string) []claimedPath {
	key := [2]string{balancer, name}
	list, seen := g.seen.claims[key]
	if seen {
		return list
	}
	for _, in := range g.sharing[balancer] {
		for _, r := range in.Spec.Rules {
			if r.HTTP == nil {
				continue
			}
			for i := range r.HTTP.Paths {
				p := &r.HTTP.Paths[i]
				if of := hostsOf(in, r.Host, p); !of.conditional && albTakes(of.hosts, name) {
					list = append(list, claimedPath{in.Namespace, p.Path, append(patternsOf(p), of.paths...)})
				}
			}
		}
	}
	g.seen.claims[key] = list
	return list
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

// pathMatches reports whether one of some patterns is for a path; none is for any.
func pathMatches(patterns []string, path string) bool {
	if len(patterns) == 0 {
		return true
	}
	for _, pattern := range patterns {
		if failover.Route([]failover.ListenerRule{{Path: pattern}}, 0, "", path) != nil {
			return true
		}
	}
	return false
}
