package failover

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// A Balancer is what its Region says about one load balancer. r53: E.1.
type Balancer struct {
	DNSName      zone.Name      `json:"dnsName"`
	HostedZoneID string         `json:"hostedZoneId"` // canonical
	Addresses    []netip.Addr   `json:"addresses,omitempty"`
	Rules        []ListenerRule `json:"rules,omitempty"` // of all listeners, in the order in which they are tried
	TargetGroups []TargetGroup  `json:"targetGroups,omitempty"`
}

// A ListenerRule says what a load balancer does with a request. A rule with several patterns or target groups is there
// once for each. r53: E.1.
type ListenerRule struct {
	Host string `json:"host,omitempty"` // pattern with * and ?, in any case; empty means any
	Path string `json:"path,omitempty"` // pattern with * and ?; empty means any
	Port int    `json:"port,omitempty"` // of the listener; 0 means any

	// Conditional says that more than host, path and port decides, so that it cannot be told whether a request falls under
	// it: a header, a method, who asks, or whether they are logged in.
	Conditional bool `json:"conditional,omitempty"`

	TargetGroup string `json:"targetGroup,omitempty"` // where requests go
	Status      int    `json:"status,omitempty"`      // of a fixed response or redirect, instead of a target group
	// RedirectTo is the protocol and port that a redirect leads to, "HTTPS:443"; empty where it leads to those that it
	// came from, or is not known.
	RedirectTo string `json:"redirectTo,omitempty"`
}

// A TargetGroup is what serves one application behind a load balancer, counted without the targets that are on their
// way out.
type TargetGroup struct {
	Name       string `json:"name"`
	Registered int    `json:"registered"` // targets
	Healthy    int    `json:"healthy"`    // of these
}

// Route returns the rule that a request falls under, nil when none is known: also where one may apply that has
// conditions of another kind.
func Route(rules []ListenerRule, port int, hostname, path string) *ListenerRule {
	path, _, _ = strings.Cut(path, "?")
	for i := range rules {
		r := &rules[i]
		if (r.Port == 0 || r.Port == port) && (r.Host == "" || matches(strings.ToLower(r.Host), strings.ToLower(hostname))) &&
			(r.Path == "" || matches(r.Path, path)) {
			if r.Conditional {
				return nil
			}
			return r
		}
	}
	return nil
}

// ProbeRoute returns the rule that the probes of a check fall under, when they reach the load balancer whose rules
// these are; nil when none is known. r53: B.3.
func ProbeRoute(rules []ListenerRule, c health.Config) *ListenerRule {
	return Route(rules, c.PortNumber(), strings.TrimSuffix(cmp.Or(c.FullyQualifiedDomainName, c.IPAddress), "."), c.Path())
}

// Serving lists the target groups that rules for a hostname lead to, sorted; nothing where no rule is for that
// hostname.
func (b *Balancer) Serving(hostname string) []string {
	var list []string
	for _, r := range b.Rules {
		if r.Host != "" && r.TargetGroup != "" && matches(strings.ToLower(r.Host), strings.ToLower(hostname)) {
			list = append(list, r.TargetGroup)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// Targetless lists the target groups of an application that have no healthy target, where that is so for all of its
// groups: those that rules for its hostname lead to, else the one that its probes reach. It is empty while one of them
// has a healthy target, and where the groups are not known. The load balancer then has no healthy target to send the
// application's requests to. r53: E.1.
func (b *Balancer) Targetless(hostname string, c health.Config) []string {
	groups := b.Serving(hostname)
	if len(groups) == 0 {
		if r := ProbeRoute(b.Rules, c); r != nil && r.TargetGroup != "" {
			groups = []string{r.TargetGroup}
		}
	}
	for _, name := range groups {
		i := slices.IndexFunc(b.TargetGroups, func(tg TargetGroup) bool { return tg.Name == name })
		if i < 0 || b.TargetGroups[i].Healthy > 0 {
			return nil
		}
	}
	return groups
}

// GreenWithoutTargets is the sentence that is told, without its dot, of checks that are healthy while these target
// groups of a load balancer, the application's, have no healthy target.
func GreenWithoutTargets(balancer string, groups []string) string {
	return fmt.Sprintf("The health check is healthy, and no target of %s at %s is", strings.Join(groups, ", "), balancer)
}

// A SelfAnswer is a load balancer that answers the probes of a check itself, so that they never reach the application.
type SelfAnswer struct {
	// Healthy is what Route 53 takes the answer for: 2xx and 3xx are success, and redirects are not followed. r53: B.1,
	// B.3.
	Healthy bool
	// Why says what happens, and Fix what to set instead; neither begins with a capital letter nor ends with a dot.
	Why, Fix string
	// NewType says that Fix changes the type, which Route 53 takes for a new check only. r53: B.2.
	NewType bool
}

// AnsweredByBalancer reports whether the load balancer whose rules these are answers the probes of a check itself. It
// is the one rule for this, wherever it is told. Of a check that looks for a string nothing is said unless the status
// alone decides.
func AnsweredByBalancer(c health.Config, rules []ListenerRule) (a SelfAnswer, answered bool) {
	if !c.Type.IsHTTP() {
		return a, false
	}
	r := ProbeRoute(rules, c)
	if r == nil || r.TargetGroup != "" || r.Status < 200 || r.Status < 400 && c.Type.MatchesString() {
		return a, false
	}
	protocol := "HTTP"
	if c.Type.IsTLS() {
		protocol = "HTTPS"
	}
	what, redirect := fmt.Sprintf("a fixed response (%d)", r.Status), r.Status >= 300 && r.Status < 400
	if redirect {
		what = fmt.Sprintf("a redirect (%d)", r.Status)
		if r.RedirectTo != "" {
			what += " to " + r.RedirectTo
		}
	}
	a.Why = fmt.Sprintf("%s:%d %s is answered by the load balancer itself with %s", protocol, c.PortNumber(),
		c.Path(), what)
	a.Fix = "probe a path that a rule of the load balancer forwards to the application"
	if a.Healthy = r.Status < 400; !a.Healthy {
		a.Why += ", which Route 53 takes for unhealthy however the application is"
		return a, true
	}
	a.Why += ", which Route 53 takes for healthy: the check never sees the application, and no failover happens when " +
		"it fails"
	if to, port, ok := strings.Cut(r.RedirectTo, ":"); redirect && ok {
		a.Fix, a.NewType = fmt.Sprintf("set type %s and port %s", to, port), to != protocol
	} else if redirect && !c.Type.IsTLS() {
		a.Fix, a.NewType = "set type HTTPS and port 443 where the redirect leads there, or a path that the application "+
			"itself answers with 200", true
	}
	return a, true
}

// matches reports whether a text is of a pattern's form: * stands for any characters, ? for any one.
func matches(pattern, text string) bool {
	star, mark, i := -1, 0, 0
	for t := 0; t < len(text); {
		switch {
		case i < len(pattern) && pattern[i] == '*':
			star, mark = i, t
			i++
		case i < len(pattern) && (pattern[i] == '?' || pattern[i] == text[t]):
			i++
			t++
		case star >= 0:
			mark++
			i, t = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[i:], "*") == ""
}
