package controller

import (
	"cmp"
	"strconv"

	"k8s.io/apimachinery/pkg/types"

	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/health"
)

// probeRoutes are what is known of where probes lead, by the load balancer and the host that they ask for: policies that share a load
// balancer ask the same of it.
type probeRoutes struct {
	redirects map[string][]failover.ListenerRule
	claims    map[[2]string][]claimedPath
	routes    map[routesKey][]*route
	listeners map[listenersKey][]listener
}

type routesKey struct {
	gateway types.NamespacedName
	port    int
	host    string
}

type listenersKey struct{ namespace, balancers string }

func newProbeRoutes() probeRoutes {
	return probeRoutes{map[string][]failover.ListenerRule{}, map[[2]string][]claimedPath{}, map[routesKey][]*route{}, map[listenersKey][]listener{}}
}

// redirected says that the load balancer of this Region answers the policy's probes by a redirect, "" where nothing tells so. A cluster
// reads no listeners: it goes by the annotations of all Ingresses that share the load balancer, because one ssl-redirect is for the
// whole group. What an IngressClassParams sets is not seen.
func (g *gatherer) redirected(check failover.HealthCheck, own *failover.Region) string {
	if own.LoadBalancer == nil {
		return ""
	}
	config := health.Config{Type: health.Type(check.Type), Port: check.Port, ResourcePath: check.Path,
		FullyQualifiedDomainName: cmp.Or(check.HostHeader, own.LoadBalancer.DNSName)}
	name := bare(own.LoadBalancer.DNSName)
	rules, seen := g.seen.redirects[name]
	if !seen {
		for _, in := range g.sharing[name] {
			rules = append(rules, redirectsOf(in.Annotations)...)
		}
		g.seen.redirects[name] = rules
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
