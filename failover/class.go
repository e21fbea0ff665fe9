package failover

import (
	"path"
	"slices"
	"strings"
	"time"

	"github.com/bulkhead-dns/bulkhead/zone"
)

// A Class is what the platform team allows and prefers.
type Class struct {
	APIVersion string    `json:"apiVersion" yaml:"apiVersion"`
	Kind       string    `json:"kind" yaml:"kind"`
	Metadata   Metadata  `json:"metadata" yaml:"metadata"`
	Spec       ClassSpec `json:"spec" yaml:"spec"`
}

// A ClassSpec says where records live and what policies may ask for. Its zero value allows every hostname and zone, and
// of targets the load balancers of AWS alone.
//
// +kubebuilder:object:generate=true
type ClassSpec struct {
	// Provider is aws or engine; empty means either.
	Provider Provider `json:"provider,omitempty" yaml:"provider,omitempty"`

	// Endpoint is the URL of the Route 53 API; empty means what the AWS SDK chooses.
	Endpoint string `json:"endpoint,omitempty" yaml:"endpoint,omitempty"`

	// Region is the Region of the cluster that the class is in, for its controller to pass on in Facts; empty elsewhere.
	Region string `json:"region,omitempty" yaml:"region,omitempty"`

	// Zones are names or ids of hosted zones; empty means all.
	Zones []string `json:"zones,omitempty" yaml:"zones,omitempty"`

	// Defaults stand where a policy leaves something out.
	Defaults ClassDefaults `json:"defaults,omitzero" yaml:"defaults,omitempty"`

	// Hostnames say which namespace may have which hostnames; empty means any hostname to anybody.
	Hostnames []HostnameRule `json:"hostnames,omitempty" yaml:"hostnames,omitempty"`

	// Limits bound what tenants take.
	Limits ClassLimits `json:"limits,omitzero" yaml:"limits,omitempty"`

	// Fastest bounds the timers from below, as fast checks cost money and load.
	Fastest Fastest `json:"fastest,omitzero" yaml:"fastest,omitempty"`

	// Targets are what policies may point health checks and records at.
	Targets ClassTargets `json:"targets,omitzero" yaml:"targets,omitempty"`

	// Deletion says what happens to health checks and records when their policy goes.
	Deletion ClassDeletion `json:"deletion,omitzero" yaml:"deletion,omitempty"`

	// Revocation says what happens to a hostname that the class no longer allows.
	Revocation ClassRevocation `json:"revocation,omitzero" yaml:"revocation,omitempty"`

	// HoldPeriod is how long a Region's record stays after its source has vanished from the cluster, 1s to 720h; default
	// 10m. Then only this record is removed, and never the last one of the hostname.
	HoldPeriod Duration `json:"holdPeriod,omitempty" yaml:"holdPeriod,omitempty"`

	// ReadinessSignal makes the checkers probe a Region's check at once when the Services behind a policy lose their last
	// ready endpoint, or get the first one back, instead of at the end of the interval. It is a hint: the checkers decide
	// as always, and losing one has no effect. It needs the provider engine; default false. The controller watches
	// EndpointSlices for it.
	ReadinessSignal bool `json:"readinessSignal,omitempty" yaml:"readinessSignal,omitempty"`
}

// ClassDefaults stand where a policy leaves something out.
//
// +kubebuilder:object:generate=true
type ClassDefaults struct {
	// RequestInterval is 10 or 30 seconds, on the engine also 1 to 9.
	RequestInterval *int `json:"requestInterval,omitempty" yaml:"requestInterval,omitempty"`

	// FailureThreshold is 1 to 10.
	FailureThreshold *int `json:"failureThreshold,omitempty" yaml:"failureThreshold,omitempty"`

	// CheckerRegions are where probes come from: none, which means all, or at least 3.
	CheckerRegions []string `json:"checkerRegions,omitempty" yaml:"checkerRegions,omitempty"`

	// RoutingPolicy is Latency, Failover, Weighted, Geolocation or Multivalue.
	RoutingPolicy string `json:"routingPolicy,omitempty" yaml:"routingPolicy,omitempty"`

	// TTL is how many seconds resolvers keep an answer with addresses.
	TTL *int64 `json:"ttl,omitempty" yaml:"ttl,omitempty"`
}

// A HostnameRule allows hostnames to namespaces. It applies to a namespace that Namespaces or NamespaceSelector
// selects.
//
// +kubebuilder:object:generate=true
type HostnameRule struct {
	// Namespaces are names of namespaces, * for any characters.
	Namespaces []string `json:"namespaces,omitempty" yaml:"namespaces,omitempty"`

	// NamespaceSelector are labels that a namespace must have, all of them.
	NamespaceSelector map[string]string `json:"namespaceSelector,omitempty" yaml:"namespaceSelector,omitempty"`

	// Hostnames are names; a leading "*." stands for one label, {namespace} for the namespace's name. The apex of a zone
	// is allowed by its full name only.
	Hostnames []string `json:"hostnames" yaml:"hostnames"`
}

// ClassLimits bound what tenants take; 0 means no limit.
//
// +kubebuilder:object:generate=true
type ClassLimits struct {
	// PoliciesPerNamespace is how many hostnames a namespace may have.
	PoliciesPerNamespace int `json:"policiesPerNamespace,omitempty" yaml:"policiesPerNamespace,omitempty"`

	// RegionsPerPolicy is how many Regions a policy may name.
	RegionsPerPolicy int `json:"regionsPerPolicy,omitempty" yaml:"regionsPerPolicy,omitempty"`
}

// Fastest bounds the timers from below, as fast checks cost money and load; 0 means no bound.
//
// +kubebuilder:object:generate=true
type Fastest struct {
	// RequestInterval in seconds.
	RequestInterval int `json:"requestInterval,omitempty" yaml:"requestInterval,omitempty"`

	// FailureThreshold in probes.
	FailureThreshold int `json:"failureThreshold,omitempty" yaml:"failureThreshold,omitempty"`
}

// Hold bounds of a class, and what stands where it says none.
const (
	defaultHold = 10 * time.Minute
	minHold     = time.Second
	maxHold     = 720 * time.Hour
)

// Hold is how long a Region's record stays after its source has vanished.
func (s ClassSpec) Hold() time.Duration {
	return time.Duration(or(s.HoldPeriod, Duration(defaultHold)))
}

// ServesNamespace reports whether a class has any hostname for a namespace with these labels.
func (s ClassSpec) ServesNamespace(namespace string, labels map[string]string) bool {
	return len(s.Hostnames) == 0 || len(s.allowedPatterns(namespace, labels)) > 0
}

// allowsHostname reports whether a namespace may have a hostname. labels are the namespace's; where they are not known,
// a rule with a selector allows nothing by it.
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
				patterns = append(patterns, forNamespace(h, namespace))
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

// forNamespace is what a pattern of a class means in a namespace.
func forNamespace(pattern, namespace string) string {
	return strings.ReplaceAll(pattern, "{namespace}", namespace)
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

// AllowsZone reports whether a class lets policies write to a hosted zone: Zones has its name or id, or is empty.
func (s ClassSpec) AllowsZone(z zone.HostedZone) bool {
	return len(s.Zones) == 0 || slices.ContainsFunc(s.Zones, func(want string) bool {
		name, err := zone.ParseName(want)
		return want == z.ID || err == nil && name == z.Name
	})
}

// namesApex reports whether a rule of the class for a namespace names a zone's apex in full.
func (s ClassSpec) namesApex(namespace string, labels map[string]string, apex zone.Name) bool {
	return slices.ContainsFunc(s.allowedPatterns(namespace, labels), func(pattern string) bool {
		return !strings.HasPrefix(pattern, "*.") && matchesHostname(pattern, apex)
	})
}
