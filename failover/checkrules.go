package failover

import (
	"fmt"
	"slices"
	"strings"

	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// check judges the complete health check of a Region. What it shares with the policy's check is told at the policy's,
// and once. r53: B.2.
func (v *validator) check(at string, i int) {
	r := v.p.Spec.Regions[i]
	h := *r.HealthCheck
	refuse := func(field string, value any, format string, args ...any) {
		v.refuse(v.p.checkPath(at, r, field), value, format, args...)
	}
	t := health.Type(h.Type)
	if !t.IsEndpoint() {
		refuse("type", h.Type, "must be HTTP, HTTPS, HTTP_STR_MATCH, HTTPS_STR_MATCH or TCP")
		return
	}
	switch {
	case h.Port == nil:
		refuse("port", nil, "is missing: a TCP check has no default")
	case *h.Port < 1 || *h.Port > 65535:
		refuse("port", *h.Port, "must be 1 to 65535")
	}
	v.request(refuse, h)
	v.timers(refuse, h)
	checkerRegions(refuse, h.CheckerRegions)
	v.hostHeader(refuse, i)
}

// refusal notes a problem with a field of a health check.
type refusal func(field string, value any, format string, args ...any)

// request judges what is asked over HTTP.
func (v *validator) request(refuse refusal, h HealthCheck) {
	t := health.Type(h.Type)
	switch {
	case t == health.TCP && h.Path != "":
		refuse("path", h.Path, "a TCP check asks for no path")
	case t == health.TCP:
	case !strings.HasPrefix(h.Path, "/") || tooLong(h.Path):
		refuse("path", h.Path, "must begin with / and have at most %d characters", maxText)
	case strings.ContainsFunc(h.Path, func(r rune) bool { return r <= ' ' || r >= 0x7f }):
		refuse("path", h.Path, "must have ASCII characters only, no spaces and no control characters: use percent encoding")
	}
	switch {
	case t.MatchesString() && h.SearchString == "":
		refuse("searchString", nil, "is missing: %s looks for it in the first 5120 bytes of the answer", h.Type)
	case !t.MatchesString() && h.SearchString != "":
		refuse("searchString", h.SearchString, "a %s check reads no body", h.Type)
	case tooLong(h.SearchString):
		refuse("searchString", h.SearchString, "must have at most %d characters", maxText)
	case !health.IsXMLText(h.SearchString) || strings.Contains(h.SearchString, "\r") ||
		strings.TrimFunc(h.SearchString, isSpace) != h.SearchString:
		// XML has no control characters; where a carriage return is not escaped it comes back as a line feed. Whether Route
		// 53 keeps white space at the ends is (unconfirmed).
		refuse("searchString", h.SearchString, "must have no control characters but tab and line feed, none of U+FFFE and "+
			"U+FFFF, and no white space at its ends: Route 53 would not give it back as it is")
	}
}

func isSpace(r rune) bool { return r <= ' ' }

// timers judges interval and threshold against provider and class.
func (v *validator) timers(refuse refusal, h HealthCheck) {
	interval, threshold, fastest := h.interval(), h.threshold(), v.class.Fastest
	accepted := intervals(v.facts.Provider)
	switch {
	case !slices.Contains(accepted, interval) && v.facts.Provider == AWS && slices.Contains(intervals(Engine), interval):
		refuse("requestInterval", interval, "must be 10 or 30 on AWS: intervals of 1 to 9 seconds are the engine's alone")
	case !slices.Contains(accepted, interval):
		refuse("requestInterval", interval, "must be one of %s seconds", listed(accepted))
	case interval < fastest.RequestInterval:
		refuse("requestInterval", interval, "the class %s allows %d seconds or more", v.className, fastest.RequestInterval)
	}
	switch {
	case threshold < 1 || threshold > maxThreshold:
		refuse("failureThreshold", threshold, "must be 1 to %d", maxThreshold)
	case threshold < fastest.FailureThreshold:
		refuse("failureThreshold", threshold, "the class %s allows %d or more", v.className, fastest.FailureThreshold)
	}
}

// hostHeader judges the name that checkers use. Without an address they resolve it, so beside a load balancer it
// decides what is probed: the hostname itself would follow the failover it controls, and a name shared by Regions would
// give them one fate. r53: B.3.
func (v *validator) hostHeader(refuse refusal, i int) {
	r := v.p.Spec.Regions[i]
	h := *r.HealthCheck
	if h.HostHeader == "" {
		return
	}
	name, err := zone.ParseName(h.HostHeader)
	switch {
	case h.isTCP() && r.LoadBalancer == nil:
		refuse("hostHeader", h.HostHeader, "a TCP check of an address sends no name")
	case err != nil || !isHostname(name):
		refuse("hostHeader", h.HostHeader, "must be a host name")
	case v.className != "" && name != hostnameOf(v.p) && !v.class.Targets.allowsHostHeader(v.p.Metadata.Namespace, name):
		v.forbid(v.p.checkPath(fmt.Sprintf("spec.regions[%d]", i), r, "hostHeader"),
			Problem{Value: show(h.HostHeader), Reason: fmt.Sprintf(
				"the class %s does not allow it: it is neither the hostname nor in spec.targets.hostHeaders", v.className)})
	case r.LoadBalancer == nil:
	case name == hostnameOf(v.p):
		refuse("hostHeader", h.HostHeader, "is the hostname itself: beside a load balancer checkers resolve this name, and "+
			"the check would follow the failover it controls; use a name that leads to this Region alone")
	default:
		for _, other := range v.p.Spec.Regions[:i] {
			if other.LoadBalancer != nil && strings.EqualFold(other.HealthCheck.HostHeader, h.HostHeader) {
				refuse("hostHeader", h.HostHeader, "is also that of %s: beside a load balancer checkers resolve this name, and "+
					"both checks would probe one endpoint; give every Region a name of its own", other.Name)
				return
			}
		}
	}
}

// checkPath is where a field of a Region's health check is said: in the Region (at) if its value is not the policy's.
func (p Policy) checkPath(at string, r Region, field string) string {
	if r.HealthCheck.values()[field] == p.Spec.HealthCheck.values()[field] {
		return "spec.healthCheck." + field
	}
	return at + ".healthCheck." + field
}

// values lists what a check says, by field.
func (h HealthCheck) values() map[string]string {
	pointed := func(p *int) string {
		if p == nil {
			return ""
		}
		return fmt.Sprint(*p)
	}
	return map[string]string{
		"type": h.Type, "port": pointed(h.Port), "path": h.Path, "hostHeader": h.HostHeader, "searchString": h.SearchString,
		"requestInterval": pointed(h.RequestInterval), "failureThreshold": pointed(h.FailureThreshold),
		"checkerRegions": strings.Join(h.CheckerRegions, " "), "inverted": fmt.Sprint(*h.Inverted),
	}
}
