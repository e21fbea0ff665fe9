package failover

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// ValidateClass judges a class by itself. The error is Problems: everything that is wrong.
func ValidateClass(c Class) error {
	var problems Problems
	refuse := func(path string, value any, format string, args ...any) {
		problems.add(c.Metadata.Name, path, value, format, args...)
	}
	if c.APIVersion != APIVersion {
		refuse("apiVersion", c.APIVersion, "must be %s", APIVersion)
	}
	if c.Kind != ClassKind {
		refuse("kind", c.Kind, "must be %s", ClassKind)
	}
	if !isObjectName(c.Metadata.Name) {
		refuse("metadata.name", c.Metadata.Name, "must be 1 to %d of a-z 0-9 - . and begin and end with a letter or digit",
			maxName)
	}
	s := c.Spec
	if s.Provider != "" && s.Provider != AWS && s.Provider != Engine {
		refuse("spec.provider", string(s.Provider), "must be %s or %s", AWS, Engine)
	}
	if u, err := url.Parse(s.Endpoint); s.Endpoint != "" &&
		(err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		refuse("spec.endpoint", s.Endpoint, "must be an http or https URL, such as http://127.0.0.1:8053")
	}
	if s.Region != "" && !isObjectName(s.Region) {
		refuse("spec.region", s.Region, "must be a Region's name, such as eu-west-1")
	}
	for i, z := range s.Zones {
		if _, err := zone.ParseName(z); err != nil {
			refuse(index("spec.zones", i), z, "is neither a zone's name nor its id")
		}
	}
	classDefaults(refuse, s)
	classHostnames(refuse, s.Hostnames)
	classTargets(refuse, s.Targets)
	classDeletion(refuse, s)
	for _, n := range []struct {
		path  string
		value int
	}{
		{"spec.limits.policiesPerNamespace", s.Limits.PoliciesPerNamespace},
		{"spec.limits.regionsPerPolicy", s.Limits.RegionsPerPolicy},
		{"spec.fastest.requestInterval", s.Fastest.RequestInterval},
		{"spec.fastest.failureThreshold", s.Fastest.FailureThreshold},
	} {
		if n.value < 0 {
			refuse(n.path, n.value, "must be 0, which is no bound, or more")
		}
	}
	if hold := s.Hold(); hold < minHold || hold > maxHold {
		refuse("spec.holdPeriod", hold, "must be %s to %s", short(minHold), short(maxHold))
	}
	if s.ReadinessSignal && s.Provider != Engine {
		refuse("spec.readinessSignal", s.ReadinessSignal, "needs the provider %s: AWS takes no word of ours for the "+
			"health of an endpoint", Engine)
	}
	return problems.err()
}

// isNamespacePattern accepts what a namespace's name is made of, and *.
func isNamespacePattern(s string) bool {
	return s != "" && len(s) <= maxName && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '*'
	})
}

// classDefaults judges what would be filled into policies: they are not to blame for it.
func classDefaults(refuse refusal, s ClassSpec) {
	d := s.Defaults
	provider := or(s.Provider, Engine) // the wider of the two
	if d.RequestInterval != nil && !slices.Contains(intervals(provider), *d.RequestInterval) {
		refuse("spec.defaults.requestInterval", *d.RequestInterval, "must be one of %s seconds", listed(intervals(provider)))
	}
	if n := *or(d.RequestInterval, new(defaultRequestInterval)); n < s.Fastest.RequestInterval {
		refuse("spec.defaults.requestInterval", n, "is faster than spec.fastest.requestInterval, %d",
			s.Fastest.RequestInterval)
	}
	threshold := *or(d.FailureThreshold, new(defaultFailureThreshold))
	if threshold < 1 || threshold > maxThreshold {
		refuse("spec.defaults.failureThreshold", threshold, "must be 1 to %d", maxThreshold)
	}
	if threshold < s.Fastest.FailureThreshold {
		refuse("spec.defaults.failureThreshold", threshold, "is less than spec.fastest.failureThreshold, %d",
			s.Fastest.FailureThreshold)
	}
	if d.TTL != nil && (*d.TTL < 0 || *d.TTL > maxTTL) {
		refuse("spec.defaults.ttl", *d.TTL, "must be 0 to %d seconds", maxTTL)
	}
	if d.RoutingPolicy != "" && !slices.Contains(routingPolicies(), d.RoutingPolicy) {
		refuse("spec.defaults.routingPolicy", d.RoutingPolicy, "must be one of %s", strings.Join(routingPolicies(), ", "))
	}
	checkerRegions(func(_ string, value any, format string, args ...any) {
		refuse("spec.defaults.checkerRegions", value, format, args...)
	}, d.CheckerRegions)
}

func classHostnames(refuse refusal, rules []HostnameRule) {
	for i, rule := range rules {
		at := index("spec.hostnames", i)
		if len(rule.Namespaces) == 0 && len(rule.NamespaceSelector) == 0 {
			refuse(at, nil, `must have namespaces or a namespaceSelector; "*" means every namespace`)
		}
		for j, pattern := range rule.Namespaces {
			if !isNamespacePattern(pattern) {
				refuse(index(at+".namespaces", j), pattern, "must be a namespace's name, with * for any characters")
			}
		}
		if len(rule.Hostnames) == 0 {
			refuse(at+".hostnames", nil, "is missing")
		}
		for j, pattern := range rule.Hostnames {
			hostnamePattern(refuse, index(at+".hostnames", j), pattern)
		}
	}
}

// hostnamePattern judges a name that may begin with "*." and have {namespace} in it.
func hostnamePattern(refuse refusal, path, pattern string) {
	name, err := zone.ParseName(strings.TrimPrefix(strings.ReplaceAll(pattern, "{namespace}", "namespace"), "*."))
	if err != nil || !isHostname(name) {
		refuse(path, pattern, `must be a host name, with "*." before it for any one label`)
	}
}

// checkerRegions judges a selection of Route 53's checkers. r53: B.2, B.4.
func checkerRegions(refuse refusal, regions []string) {
	if n := len(regions); n > 0 && n < minCheckers {
		refuse("checkerRegions", regions, "must be at least %d Regions, or none for all", minCheckers)
	}
	for i, region := range regions {
		if !slices.Contains(health.CheckerRegions(), region) || slices.Contains(regions[:i], region) {
			refuse("checkerRegions", region, "must be different Regions of %s", strings.Join(health.CheckerRegions(), " "))
		}
	}
}

func routingPolicies() []string {
	return []string{Latency, Failover, Weighted, Geolocation, Multivalue}
}

func listed(numbers []int) string { return strings.Trim(fmt.Sprint(numbers), "[]") }
