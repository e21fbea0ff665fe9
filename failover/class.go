package failover

import (
	"path"
	"slices"
	"strings"

	"github.com/bulkhead-dns/bulkhead/zone"
)

// A Class is what the platform team allows and prefers.
type Class struct {
	APIVersion string    `json:"apiVersion" yaml:"apiVersion"`
	Kind       string    `json:"kind" yaml:"kind"`
	Metadata   Metadata  `json:"metadata" yaml:"metadata"`
	Spec       ClassSpec `json:"spec" yaml:"spec"`
}

// A ClassSpec says where records live and what policies may ask for. Its zero value allows everything.
type ClassSpec struct {
	Provider Provider `json:"provider,omitempty" yaml:"provider,omitempty"` // aws or engine; empty means either
	// Endpoint is the URL of the Route 53 API; empty means what the AWS SDK chooses.
	Endpoint string `json:"endpoint,omitempty" yaml:"endpoint,omitempty"`
	// Region is the Region of the cluster that the class is in, for its controller to pass on in Facts; empty elsewhere.
	Region    string         `json:"region,omitempty" yaml:"region,omitempty"`
	Zones     []string       `json:"zones,omitempty" yaml:"zones,omitempty"` // names or ids of hosted zones; empty means all
	Defaults  ClassDefaults  `json:"defaults,omitzero" yaml:"defaults,omitempty"`
	Hostnames []HostnameRule `json:"hostnames,omitempty" yaml:"hostnames,omitempty"` // empty means any hostname to anybody
	Limits    ClassLimits    `json:"limits,omitzero" yaml:"limits,omitempty"`
	Fastest   Fastest        `json:"fastest,omitzero" yaml:"fastest,omitempty"`
}

// ClassDefaults stand where a policy leaves something out.
type ClassDefaults struct {
	RequestInterval  *int     `json:"requestInterval,omitempty" yaml:"requestInterval,omitempty"`   // seconds
	FailureThreshold *int     `json:"failureThreshold,omitempty" yaml:"failureThreshold,omitempty"` // 1..10
	CheckerRegions   []string `json:"checkerRegions,omitempty" yaml:"checkerRegions,omitempty"`
	RoutingPolicy    string   `json:"routingPolicy,omitempty" yaml:"routingPolicy,omitempty"`
	TTL              *int64   `json:"ttl,omitempty" yaml:"ttl,omitempty"` // seconds
}

// A HostnameRule allows hostnames to namespaces. A namespace is meant when Namespaces or NamespaceSelector says so.
type HostnameRule struct {
	Namespaces        []string          `json:"namespaces,omitempty" yaml:"namespaces,omitempty"` // names, * for any characters
	NamespaceSelector map[string]string `json:"namespaceSelector,omitempty" yaml:"namespaceSelector,omitempty"`
	// Hostnames are names; a leading "*." stands for one label, {namespace} for the namespace's name.
	Hostnames []string `json:"hostnames" yaml:"hostnames"`
}

// ClassLimits bound what tenants take; 0 means no limit.
type ClassLimits struct {
	PoliciesPerNamespace int `json:"policiesPerNamespace,omitempty" yaml:"policiesPerNamespace,omitempty"`
	RegionsPerPolicy     int `json:"regionsPerPolicy,omitempty" yaml:"regionsPerPolicy,omitempty"`
}

// Fastest bounds the timers from below, as fast checks cost money and load; 0 means no bound.
type Fastest struct {
	RequestInterval  int `json:"requestInterval,omitempty" yaml:"requestInterval,omitempty"` // seconds
	FailureThreshold int `json:"failureThreshold,omitempty" yaml:"failureThreshold,omitempty"`
}

// allowsHostname reports whether a namespace may have a hostname. labels are the namespace's; where they are not known, a
// rule with a selector allows nothing by it.
func (s ClassSpec) allowsHostname(namespace string, labels map[string]string, hostname zone.Name) bool {
	return len(s.Hostnames) == 0 || slices.ContainsFunc(s.allowedPatterns(namespace, labels), func(pattern string) bool {
		return matchesHostname(pattern, hostname)
	})
}

// allowedPatterns lists what a namespace may have.
func (s ClassSpec) allowedPatterns(namespace string, labels map[string]string) []string {
	var patterns []string
	for _, rule := range s.Hostnames {
		if rule.selects(namespace, labels) {
			for _, h := range rule.Hostnames {
				patterns = append(patterns, strings.ReplaceAll(h, "{namespace}", namespace))
			}
		}
	}
	return patterns
}

func (r HostnameRule) selects(namespace string, labels map[string]string) bool {
	for _, pattern := range r.Namespaces {
		if ok, err := path.Match(pattern, namespace); ok && err == nil {
			return true
		}
	}
	for key, value := range r.NamespaceSelector {
		if has, ok := labels[key]; !ok || has != value {
			return false
		}
	}
	return len(r.NamespaceSelector) > 0
}

func matchesHostname(pattern string, hostname zone.Name) bool {
	below, wild := strings.CutPrefix(pattern, "*.")
	want, err := zone.ParseName(below)
	if err != nil {
		return false
	}
	if !wild {
		return want == hostname
	}
	parent, ok := hostname.Parent()
	return ok && parent == want
}

// allowsZone reports whether a class lets policies write to a hosted zone.
func (s ClassSpec) allowsZone(z zone.HostedZone) bool {
	return len(s.Zones) == 0 || slices.ContainsFunc(s.Zones, func(want string) bool {
		name, err := zone.ParseName(want)
		return want == z.ID || err == nil && name == z.Name
	})
}
