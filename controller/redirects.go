package controller

import (
	"cmp"
	"strconv"

	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/health"
)

// redirected says that the load balancer of this Region answers the policy's probes by a redirect, "" where nothing tells so. A cluster
// reads no listeners: it goes by the annotations of all Ingresses that share the load balancer, because one ssl-redirect is for the
// whole group. What an IngressClassParams sets is not seen.
func (g *gatherer) redirected(check failover.HealthCheck, own *failover.Region) string {
	if own.LoadBalancer == nil {
		return ""
	}
	config := health.Config{Type: health.Type(check.Type), Port: check.Port, ResourcePath: check.Path,
		FullyQualifiedDomainName: cmp.Or(check.HostHeader, own.LoadBalancer.DNSName)}
	var rules []failover.ListenerRule
	for _, in := range g.sharing[bare(own.LoadBalancer.DNSName)] {
		rules = append(rules, redirectsOf(in.Annotations)...)
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
	var rules []failover.ListenerRule
	listeners, _, _ := portsOf(annotations)
	for _, l := range listeners {
		if l.protocol == "HTTP" && l.port > 0 {
			rules = append(rules, failover.ListenerRule{Port: l.port, Status: 301, RedirectTo: "HTTPS:" + strconv.Itoa(to)})
		}
	}
	return rules
}
