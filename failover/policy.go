// Package failover answers what an application needs at Route 53 to fail over by itself. It reads FailoverPolicy and
// FailoverClass, fills in defaults, refuses what cannot work, and compiles the rest to health checks and record sets.
//
//   - Parse reads YAML strictly: every error of a file at once, with line and field;
//   - Default and Validate are the only places that know defaults and rules;
//   - Compile gives one health check for an application and Region, and one record set for an application, Region and
//     address family, with the Region as SetIdentifier;
//   - Objectives says how long a failover takes, CheckCost what a check costs, Usage what quotas are needed.
//
// Everything is a function of its arguments. Rules of Route 53 are cited as r53: D.1 and so on.
package failover

import "time"

// What apiVersion and kind say.
const (
	APIVersion = "bulkhead.dev/v1alpha1"
	PolicyKind = "FailoverPolicy"
	ClassKind  = "FailoverClass"
)

// A Policy is what an application team asks for. Default fills in what is left out, Validate says what is accepted.
type Policy struct {
	APIVersion string     `json:"apiVersion" yaml:"apiVersion"`
	Kind       string     `json:"kind" yaml:"kind"`
	Metadata   Metadata   `json:"metadata" yaml:"metadata"`
	Spec       PolicySpec `json:"spec" yaml:"spec"`
}

// Key is the policy's identity: "<namespace>/<name>".
func (p Policy) Key() string { return p.Metadata.namespace() + "/" + p.Metadata.Name }

// Metadata names an object as Kubernetes does. Labels and annotations are kept and never read.
type Metadata struct {
	Name        string            `json:"name" yaml:"name"`                               // 1 to 63 of a-z 0-9 - .
	Namespace   string            `json:"namespace,omitempty" yaml:"namespace,omitempty"` // default "default"
	Labels      map[string]string `json:"labels,omitempty" yaml:"labels,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty" yaml:"annotations,omitempty"`
}

func (m Metadata) namespace() string { return or(m.Namespace, "default") }

// A PolicySpec says which hostname fails over between which Regions, and how their health is checked.
//
// +kubebuilder:object:generate=true
type PolicySpec struct {
	// Hostname is the application's name in a hosted zone, such as app1.example.com. In a cluster it is written in lower
	// case without a dot at the end, and it never changes: another name is another policy.
	Hostname string `json:"hostname" yaml:"hostname"`

	// ClassRef names the FailoverClass of the policy. In a cluster it may be left out where there is one class, or a
	// default one.
	ClassRef *ClassRef `json:"classRef,omitempty" yaml:"classRef,omitempty"`

	// HealthCheck says how the application's health is checked.
	HealthCheck HealthCheck `json:"healthCheck,omitzero" yaml:"healthCheck,omitempty"`

	// Routing says how clients are spread over healthy Regions.
	Routing Routing `json:"routing,omitzero" yaml:"routing,omitempty"`

	// IPFamilies are the record types wanted: IPv4 is A, IPv6 is AAAA. Empty means every family that all Regions have;
	// where only one Region is compiled, IPv4, and IPv6 where its AAAA record is there already.
	IPFamilies []IPFamily `json:"ipFamilies,omitempty" yaml:"ipFamilies,omitempty"`

	// Objectives are what a failover may cost. A policy whose timers cannot meet them is refused.
	Objectives Objective `json:"objectives,omitzero" yaml:"objectives,omitempty"`

	// TargetRef names what a cluster reads its Region's load balancer from; outside a cluster it is kept and not read.
	TargetRef *TargetRef `json:"targetRef,omitempty" yaml:"targetRef,omitempty"`

	// Regions are the places the application runs in. They may be left out where TargetRef is resolved.
	Regions []Region `json:"regions,omitempty" yaml:"regions,omitempty"`
}

// A ClassRef names the FailoverClass that a policy is made for.
//
// +kubebuilder:object:generate=true
type ClassRef struct {
	// Name of the FailoverClass.
	Name string `json:"name" yaml:"name"`
}

// The kinds that a TargetRef may name.
const (
	IngressTarget   = "Ingress"
	GatewayTarget   = "Gateway"
	HTTPRouteTarget = "HTTPRoute"
	GRPCRouteTarget = "GRPCRoute"
	TLSRouteTarget  = "TLSRoute"
	ServiceTarget   = "Service"
)

// The kinds that a ParentRef may name.
const (
	GatewayParent     = "Gateway"
	ListenerSetParent = "ListenerSet"
)

// A TargetRef names an object of the policy's namespace whose status tells a load balancer: an Ingress, a Gateway, a
// Service of type LoadBalancer, or an HTTPRoute, GRPCRoute or TLSRoute, which stands for the Gateway it is attached to.
//
// +kubebuilder:object:generate=true
type TargetRef struct {
	// APIVersion may be left out: the kind tells it.
	APIVersion string `json:"apiVersion,omitempty" yaml:"apiVersion,omitempty"`

	// Kind is Ingress, Gateway, HTTPRoute, GRPCRoute, TLSRoute or Service.
	Kind string `json:"kind" yaml:"kind"`

	// Name of the object.
	Name string `json:"name" yaml:"name"`

	// Parent chooses one of the parents of a route that has several. Without it, a parent counts that has accepted the
	// route and has an address, and of these the first whose listener takes the hostname.
	Parent *ParentRef `json:"parent,omitempty" yaml:"parent,omitempty"`
}

// A ParentRef chooses among the spec.parentRefs of a route. What is left out fits any of them.
//
// +kubebuilder:object:generate=true
type ParentRef struct {
	// Kind is Gateway or ListenerSet.
	Kind string `json:"kind,omitempty" yaml:"kind,omitempty"`

	// Namespace of the parent.
	Namespace string `json:"namespace,omitempty" yaml:"namespace,omitempty"`

	// Name of the parent.
	Name string `json:"name,omitempty" yaml:"name,omitempty"`

	// SectionName is the name of a listener, as the route's parentRef has it.
	SectionName string `json:"sectionName,omitempty" yaml:"sectionName,omitempty"`
}

// A HealthCheck says how the application's health is checked in one Region. r53: B.2.
//
// +kubebuilder:object:generate=true
type HealthCheck struct {
	// Type is HTTP, HTTPS, HTTP_STR_MATCH, HTTPS_STR_MATCH or TCP; default HTTP. With a SearchString, HTTP and HTTPS
	// mean the _STR_MATCH type.
	Type string `json:"type,omitempty" yaml:"type,omitempty"`

	// Port is 1 to 65535; default 80, 443 for HTTPS, none for TCP.
	Port *int `json:"port,omitempty" yaml:"port,omitempty"`

	// Path begins with "/" and has 1 to 255 characters of ASCII, no spaces; default "/".
	Path string `json:"path,omitempty" yaml:"path,omitempty"`

	// HostHeader is the name in the Host header and in TLS. Beside addresses it is default the hostname. Beside a load
	// balancer it is also the name that checkers resolve, so it must lead to that Region alone; default the load
	// balancer's DNS name. r53: B.3, H.
	HostHeader string `json:"hostHeader,omitempty" yaml:"hostHeader,omitempty"`

	// SearchString is the text that the first 5120 bytes of an answer must contain. It has 1 to 255 characters, no control
	// characters except tab and line feed, and no white space at its ends.
	SearchString string `json:"searchString,omitempty" yaml:"searchString,omitempty"`

	// RequestInterval is 10 or 30 seconds, on the engine also 1 to 9; default 30.
	RequestInterval *int `json:"requestInterval,omitempty" yaml:"requestInterval,omitempty"`

	// FailureThreshold is how many probes in a row must fail, or succeed, to change a checker's opinion: 1 to 10; default
	// 3.
	FailureThreshold *int `json:"failureThreshold,omitempty" yaml:"failureThreshold,omitempty"`

	// Inverted counts a failing endpoint as healthy; default false.
	Inverted *bool `json:"inverted,omitempty" yaml:"inverted,omitempty"`

	// CheckerRegions are where probes come from: none, which means all, or at least 3.
	CheckerRegions []string `json:"checkerRegions,omitempty" yaml:"checkerRegions,omitempty"`
}

// The routing policies a FailoverPolicy may ask for. r53: A.1.
const (
	Latency     = "Latency"
	Failover    = "Failover"
	Weighted    = "Weighted"
	Geolocation = "Geolocation"
	Multivalue  = "Multivalue"
)

// Routing says how clients are spread over healthy Regions.
//
// +kubebuilder:object:generate=true
type Routing struct {
	// Policy is Latency, Failover, Weighted, Geolocation or Multivalue; default Latency.
	Policy string `json:"policy,omitempty" yaml:"policy,omitempty"`

	// Order is for Failover: the primary Region, then the secondary; default the order of the regions.
	Order []string `json:"order,omitempty" yaml:"order,omitempty"`

	// Weights (0..255) are for Weighted, by Region. The weight in regions wins.
	Weights map[string]int64 `json:"weights,omitempty" yaml:"weights,omitempty"`

	// Locations are for Geolocation, by Region. The location in regions wins.
	Locations map[string]Location `json:"locations,omitempty" yaml:"locations,omitempty"`
}

// A Location is where clients are: a continent, a country, or a state of the United States. The country "*" is
// everywhere else. r53: A.6.
//
// +kubebuilder:object:generate=true
type Location struct {
	// Continent is AF, AN, AS, EU, NA, OC or SA.
	Continent string `json:"continent,omitempty" yaml:"continent,omitempty"`

	// Country is two letters of ISO 3166-1 in upper case, or "*" for everywhere else.
	Country string `json:"country,omitempty" yaml:"country,omitempty"`

	// Subdivision is a state of the United States, in two letters.
	Subdivision string `json:"subdivision,omitempty" yaml:"subdivision,omitempty"`
}

// A Region is one place the application runs in: a load balancer, or addresses.
//
// +kubebuilder:object:generate=true
type Region struct {
	// Name is the SetIdentifier of the Region's records, such as eu-west-1; for Latency on AWS an AWS Region.
	Name string `json:"name" yaml:"name"`

	// LoadBalancer is where this Region's clients are sent to.
	LoadBalancer *LoadBalancer `json:"loadBalancer,omitempty" yaml:"loadBalancer,omitempty"`

	// Addresses are literal IPv4 and IPv6 addresses. Failover and Geolocation take several of a family, other policies
	// one.
	Addresses []string `json:"addresses,omitempty" yaml:"addresses,omitempty"`

	// TTL is how many seconds resolvers keep the answer, of addresses only; default 60.
	TTL *int64 `json:"ttl,omitempty" yaml:"ttl,omitempty"`

	// Weight is 0 to 255, for Weighted; default 100.
	Weight *int64 `json:"weight,omitempty" yaml:"weight,omitempty"`

	// Location is whose clients this Region answers, for Geolocation.
	Location *Location `json:"location,omitempty" yaml:"location,omitempty"`

	// HealthCheck replaces, element by element, what the policy's says. After Default it is complete.
	HealthCheck *HealthCheck `json:"healthCheck,omitempty" yaml:"healthCheck,omitempty"`
}

// A LoadBalancer is named by exactly one of name, arn and dnsName.
//
// +kubebuilder:object:generate=true
type LoadBalancer struct {
	// Name of a load balancer in the Region.
	Name string `json:"name,omitempty" yaml:"name,omitempty"`

	// ARN of a load balancer in the Region.
	ARN string `json:"arn,omitempty" yaml:"arn,omitempty"`

	// DNSName is the load balancer's own name.
	DNSName string `json:"dnsName,omitempty" yaml:"dnsName,omitempty"`

	// HostedZoneID goes with DNSName: the canonical id of the load balancer's zone. It may be left out for an Application
	// Load Balancer of AWS, whose name tells it. r53: E.2.
	HostedZoneID string `json:"hostedZoneId,omitempty" yaml:"hostedZoneId,omitempty"`
}

// An Objective is what a failover may cost in time and data. RTO is compared with the worst case of Objectives; RPO is
// kept for reports, as DNS moves clients and no data.
//
// +kubebuilder:object:generate=true
type Objective struct {
	// RTO is the longest time that a failover may take in the worst case, such as 3m.
	RTO Duration `json:"rto,omitempty" yaml:"rto,omitempty"`

	// RPO is how much data may be lost, such as 30s. It is kept for reports.
	RPO Duration `json:"rpo,omitempty" yaml:"rpo,omitempty"`
}

// An IPFamily is an address family as Kubernetes names it.
type IPFamily string

// The two address families.
const (
	IPv4 IPFamily = "IPv4"
	IPv6 IPFamily = "IPv6"
)

// A Provider is the kind of place where records live.
type Provider string

// The two providers.
const (
	AWS    Provider = "aws"
	Engine Provider = "engine"
)

// A Duration is a time.Duration that is written as text, such as 1m30s.
type Duration time.Duration

// String returns the shortest form: 3m, not 3m0s.
func (d Duration) String() string { return short(time.Duration(d)) }

// MarshalText returns String.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what time.ParseDuration reads.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil {
		return err
	}
	*d = Duration(v)
	return nil
}
