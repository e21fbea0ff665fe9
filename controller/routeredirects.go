package controller

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/health"
)

// A ruleMatch is how closely a rule of a route fits a request, compared as the Gateway API does: the host, then the path.
type ruleMatch struct {
	host, path  int
	redirect    *gatewayv1.HTTPRequestRedirectFilter
	conditional bool
}

// redirectedByRoute says that a Gateway answers the probes of a check by a redirect, as an HTTPRoute asks for; "" where nothing tells so.
func (g *gatherer) redirectedByRoute(check failover.HealthCheck, own *failover.Region, gw *gatewayv1.Gateway) string {
	if gw == nil || own.LoadBalancer == nil || check.Port == nil || !health.Type(check.Type).IsHTTP() {
		return ""
	}
	asked := bare(cmp.Or(check.HostHeader, own.LoadBalancer.DNSName))
	path, _, _ := strings.Cut(check.Path, "?")
	var matches []ruleMatch
	for _, r := range g.routesFor(gw, *check.Port, asked) {
		matches = append(matches, r.matching(asked, path)...)
	}
	if len(matches) == 0 {
		return ""
	}
	closer := func(a, b ruleMatch) int { return cmp.Or(cmp.Compare(b.host, a.host), cmp.Compare(b.path, a.path)) }
	best := slices.MinFunc(matches, closer)
	for _, m := range matches { // of equal ones the age decides, or a condition that a probe may not meet
		if closer(m, best) == 0 && (m.redirect == nil || m.conditional) {
			return ""
		}
	}
	rule := failover.ListenerRule{Status: int(cmp.Or(value(best.redirect.StatusCode), 302))}
	if to := strings.ToUpper(value(best.redirect.Scheme)); to != "" {
		port := map[string]int{"HTTP": 80, "HTTPS": 443}[to]
		rule.RedirectTo = fmt.Sprintf("%s:%d", to, cmp.Or(int(value(best.redirect.Port)), port))
	}
	config := health.Config{Type: health.Type(check.Type), Port: check.Port, ResourcePath: check.Path, FullyQualifiedDomainName: asked}
	if self, answered := failover.AnsweredByBalancer(config, []failover.ListenerRule{rule}); answered {
		return self.Why + "; " + self.Fix
	}
	return ""
}

// routesFor are the HTTPRoutes that a Gateway may send requests for a host to.
func (g *gatherer) routesFor(gw *gatewayv1.Gateway, port int, name string) []*route {
	key := routesKey{nameOf(gw), port, name}
	list, seen := g.seen.routes[key]
	if seen {
		return list
	}
	entries := entriesOf(gw)
	for _, r := range g.routes {
		if r.kind == failover.HTTPRouteTarget && r.carries(name) && g.listensOn(r, nameOf(gw), entries, port, name) {
			list = append(list, r)
		}
	}
	g.seen.routes[key] = list
	return list
}

// listensOn reports whether a route is attached to a listener of a Gateway with a port that takes a host.
func (g *gatherer) listensOn(r *route, gateway types.NamespacedName, entries []entry, port int, name string) bool {
	for _, ref := range r.parents {
		at := r.parent(ref)
		if at.kind != failover.GatewayParent || at.at != gateway || !r.accepted(at) {
			continue
		}
		if slices.ContainsFunc(g.open(slices.Clone(entries), r, at), func(e entry) bool { return e.port == port && gatewayHost(e.hostname).takes(name) }) {
			return true
		}
	}
	return false
}

// matching are the rules of a route that a request falls under.
func (r *route) matching(name, path string) (list []ruleMatch) {
	hostFit := -1
	if len(r.hostnames) == 0 {
		hostFit = 0
	}
	for _, h := range r.hosts() {
		if h.takes(name) {
			hostFit = max(hostFit, len(h.text))
		}
	}
	if hostFit < 0 {
		return nil
	}
	for _, rule := range r.rules {
		m := ruleMatch{host: hostFit, path: -1}
		for _, f := range rule.Filters {
			m.redirect = cmp.Or(m.redirect, f.RequestRedirect)
		}
		if len(rule.Matches) == 0 {
			m.path = 0
		}
		for _, match := range rule.Matches {
			if fit := pathFit(match.Path, path); fit > m.path {
				m.path, m.conditional = fit, conditional(match)
			}
		}
		if m.path >= 0 {
			list = append(list, m)
		}
	}
	return list
}

// conditional reports whether more than the path decides.
func conditional(m gatewayv1.HTTPRouteMatch) bool {
	return len(m.Headers) > 0 || len(m.QueryParams) > 0 || m.Method != nil
}

// pathFit is how closely a path fits a match, -1 where it does not; exact ones are closer than all others. What a regular expression
// takes differs between implementations: it fits closest, so that nothing is said.
func pathFit(m *gatewayv1.HTTPPathMatch, path string) int {
	const exact = 1 << 20
	if m == nil {
		return 0
	}
	want := cmp.Or(value(m.Value), "/")
	switch cmp.Or(value(m.Type), gatewayv1.PathMatchPathPrefix) {
	case gatewayv1.PathMatchExact:
		if path == want {
			return exact
		}
	case gatewayv1.PathMatchPathPrefix:
		if below := strings.TrimSuffix(want, "/"); path == below || strings.HasPrefix(path, below+"/") {
			return len(below)
		}
	default:
		return exact
	}
	return -1
}
