package controller

import (
	"fmt"
	"slices"
	"strings"

	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/health"
)

// A listener is a port of a load balancer, and what it speaks: HTTP, HTTPS, TLS, TCP or UDP, or something of the Gateway's own.
type listener struct {
	protocol string
	port     int
}

func (l listener) String() string { return fmt.Sprintf("%s:%d", l.protocol, l.port) }

// unheard says that probes of a check find no listener, or one of another protocol, and what to set; "" where nothing tells so.
func (o *origin) unheard(check failover.HealthCheck, own *failover.Region) string {
	listeners := slices.DeleteFunc(slices.Clone(o.listeners), func(l listener) bool { return l.protocol == "UDP" })
	// Beside a load balancer, a Host header of one's own is also where the probes go. r53: B.3.
	if len(listeners) == 0 || check.Port == nil || own.LoadBalancer != nil && check.HostHeader != "" && bare(check.HostHeader) != bare(own.LoadBalancer.DNSName) {
		return ""
	}
	kind := health.Type(check.Type)
	speaks := func(l listener) bool {
		switch l.protocol {
		case "HTTP":
			return !kind.IsTLS()
		case "HTTPS", "TLS":
			return kind.IsTLS() || !kind.IsHTTP()
		}
		return true
	}
	onPort := slices.DeleteFunc(slices.Clone(listeners), func(l listener) bool { return l.port != *check.Port })
	if slices.ContainsFunc(onPort, speaks) {
		return ""
	}
	asked := fmt.Sprintf("the check of type %s on port %d", check.Type, *check.Port)
	if len(onPort) > 0 {
		return fmt.Sprintf("%s speaks %s on port %d, and %s does not: %s", o.title, onPort[0].protocol, *check.Port, asked, advice(onPort))
	}
	var there []string
	for _, l := range listeners {
		there = append(there, l.String())
	}
	slices.Sort(there)
	if there = slices.Compact(there); len(there) > 8 {
		there = append(there[:8], "…")
	}
	return fmt.Sprintf("%s has no listener on port %d, so %s does not reach it; it has %s: %s", o.title, *check.Port, asked, strings.Join(there, ", "), advice(listeners))
}

// advice is what to set for a check that one of some listeners answers.
func advice(listeners []listener) string {
	for _, kind := range []struct{ protocol, check string }{{"HTTPS", "HTTPS"}, {"HTTP", "HTTP"}, {"TLS", "TCP"}} {
		if i := slices.IndexFunc(listeners, func(l listener) bool { return l.protocol == kind.protocol }); i >= 0 {
			return fmt.Sprintf("set healthCheck.type %s and port %d", kind.check, listeners[i].port)
		}
	}
	return fmt.Sprintf("set healthCheck.port %d, and the type that is spoken there", listeners[0].port)
}

// mismatched says that probes of a check cannot be answered by what a GRPCRoute or a TLSRoute leads to.
func mismatched(c *candidate, check failover.HealthCheck, own *failover.Region) string {
	if !health.Type(check.Type).IsHTTP() || own.LoadBalancer == nil {
		return ""
	}
	port := value(check.Port)
	switch c.policy.Spec.TargetRef.Kind {
	case failover.GRPCRouteTarget:
		return fmt.Sprintf("checkers speak HTTP/1.1, which gRPC does not answer: have an HTTPRoute on port %d answer %s, or set healthCheck.type TCP", port, check.Path)
	case failover.TLSRouteTarget:
		name := own.LoadBalancer.DNSName
		if check.HostHeader != "" {
			name = check.HostHeader
		}
		return fmt.Sprintf("a TLSRoute goes by the name in SNI, where checkers send %s: set healthCheck.type TCP, unless something answers for that name on port %d", name, port)
	}
	return ""
}
