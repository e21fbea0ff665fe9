// Package failover answers what an application needs at Route 53 to fail over by itself: it reads FailoverPolicy and
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

// A PolicySpec says which name fails over between which Regions, and how their health is told.
//
// +kubebuilder:object:generate=true
// +kubebuilder:validation:XValidation:rule="has(self.targetRef) || (has(self.regions) && size(self.regions) > 0)",message="must have a targetRef, or at least one of regions"
// +kubebuilder:validation:XValidation:rule="has(self.targetRef) || !has(self.regions) || self.regions.all(r, has(r.loadBalancer) || (has(r.addresses) && size(r.addresses) > 0))",message="without a targetRef, every one of regions must have a loadBalancer or addresses"
// +kubebuilder:validation:XValidation:rule="!has(self.regions) || !has(self.routing) || !has(self.routing.policy) || self.routing.policy == 'Weighted' || self.regions.all(r, !has(r.weight))",message="the weight of one of regions goes with the routing policy Weighted only"
// +kubebuilder:validation:XValidation:rule="!has(self.regions) || !has(self.routing) || !has(self.routing.policy) || self.routing.policy == 'Geolocation' || self.regions.all(r, !has(r.location))",message="the location of one of regions goes with the routing policy Geolocation only"
// +kubebuilder:validation:XValidation:rule="!has(self.regions) || !has(self.routing) || !has(self.routing.policy) || self.routing.policy != 'Multivalue' || self.regions.all(r, !has(r.loadBalancer))",message="Multivalue routing needs addresses: Route 53 has no multivalue aliases"
// +kubebuilder:validation:XValidation:rule="!has(self.routing) || !has(self.routing.policy) || self.routing.policy != 'Failover' || (has(self.routing.order) && size(self.routing.order) > 0) || (has(self.regions) && size(self.regions) == 2)",message="Failover routing needs routing.order: the primary Region, then the secondary"
// +kubebuilder:validation:XValidation:rule="!has(self.regions) || !has(self.routing) || !has(self.routing.order) || size(self.routing.order) == 0 || self.regions.all(r, r.name in self.routing.order)",message="every one of regions must be in routing.order"
// +kubebuilder:validation:XValidation:rule="!has(self.healthCheck) || !has(self.healthCheck.type) || self.healthCheck.type != 'TCP' || has(self.healthCheck.port) || (has(self.regions) && size(self.regions) > 0 && self.regions.all(r, has(r.healthCheck) && (has(r.healthCheck.port) || (has(r.healthCheck.type) && r.healthCheck.type != 'TCP'))))",message="a TCP check has no default port: give healthCheck.port"
// +kubebuilder:validation:XValidation:rule="!has(self.healthCheck) || !has(self.healthCheck.type) || !self.healthCheck.type.endsWith('_STR_MATCH') || has(self.healthCheck.searchString) || (has(self.regions) && size(self.regions) > 0 && self.regions.all(r, has(r.healthCheck) && (has(r.healthCheck.searchString) || (has(r.healthCheck.type) && !r.healthCheck.type.endsWith('_STR_MATCH')))))",message="a check of type HTTP_STR_MATCH or HTTPS_STR_MATCH needs a healthCheck.searchString"
// +kubebuilder:validation:XValidation:rule="!has(self.healthCheck) || !has(self.healthCheck.hostHeader) || self.healthCheck.hostHeader.lowerAscii() != self.hostname || !has(self.regions) || self.regions.all(r, !has(r.loadBalancer) || (has(r.healthCheck) && has(r.healthCheck.hostHeader)))",message="healthCheck.hostHeader is the hostname itself: beside a load balancer the check would follow the failover it controls"
type PolicySpec struct {
	// Hostname is the application's name in a hosted zone, such as app1.example.com. In a cluster it is written in lower
	// case without a dot at the end, and it never changes: another name is another policy.
	//
	// +kubebuilder:validation:MinLength=3
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?[.])+[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$')",message="must be one host name in lower case, such as app1.example.com, without a dot at the end; a wildcard is not accepted"
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="cannot be changed: make another policy for another hostname"
	Hostname string `json:"hostname" yaml:"hostname"`

	// ClassRef names the FailoverClass of the policy. In a cluster it may be left out where there is one class, or a
	// default one.
	//
	// +optional
	ClassRef *ClassRef `json:"classRef,omitempty" yaml:"classRef,omitempty"`

	// HealthCheck says how the application's health is told.
	//
	// +optional
	HealthCheck HealthCheck `json:"healthCheck,omitzero" yaml:"healthCheck,omitempty"`

	// Routing says how clients are spread over healthy Regions.
	//
	// +optional
	Routing Routing `json:"routing,omitzero" yaml:"routing,omitempty"`

	// IPFamilies are the record types wanted: IPv4 is A, IPv6 is AAAA. Empty means every family that all Regions have;
	// where only one Region is compiled, IPv4, and IPv6 where its AAAA record is there already.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=2
	IPFamilies []IPFamily `json:"ipFamilies,omitempty" yaml:"ipFamilies,omitempty"`

	// Objectives are what a failover may cost. A policy whose timers cannot meet them is refused.
	//
	// +optional
	Objectives Objective `json:"objectives,omitzero" yaml:"objectives,omitempty"`

	// TargetRef names what a cluster reads its Region's load balancer from; outside a cluster it is kept and not read.
	//
	// +optional
	TargetRef *TargetRef `json:"targetRef,omitempty" yaml:"targetRef,omitempty"`

	// Regions are the places the application runs in. They may be left out where TargetRef is resolved.
	//
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=100
	Regions []Region `json:"regions,omitempty" yaml:"regions,omitempty"`
}

// A ClassRef names the FailoverClass that a policy is made for.
//
// +kubebuilder:object:generate=true
type ClassRef struct {
	// Name of the FailoverClass.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
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
// +kubebuilder:validation:XValidation:rule="!has(self.apiVersion) || self.apiVersion == (self.kind == 'Ingress' ? 'networking.k8s.io/v1' : self.kind == 'Service' ? 'v1' : 'gateway.networking.k8s.io/v1')",message="apiVersion must be networking.k8s.io/v1 for an Ingress, v1 for a Service, gateway.networking.k8s.io/v1 for a Gateway or a route, or left out"
// +kubebuilder:validation:XValidation:rule="!has(self.parent) || self.kind.endsWith('Route')",message="parent goes with an HTTPRoute, GRPCRoute or TLSRoute only"
type TargetRef struct {
	// APIVersion may be left out: the kind tells it.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=63
	APIVersion string `json:"apiVersion,omitempty" yaml:"apiVersion,omitempty"`

	// Kind is Ingress, Gateway, HTTPRoute, GRPCRoute, TLSRoute or Service.
	//
	// +kubebuilder:validation:Enum=Ingress;Gateway;HTTPRoute;GRPCRoute;TLSRoute;Service
	Kind string `json:"kind" yaml:"kind"`

	// Name of the object.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name" yaml:"name"`

	// Parent chooses one of the parents of a route that has several. Without it, a parent counts that has accepted the route and
	// has an address, and of these the first whose listener takes the hostname.
	//
	// +optional
	Parent *ParentRef `json:"parent,omitempty" yaml:"parent,omitempty"`
}

// A ParentRef chooses among the spec.parentRefs of a route. What is left out fits any of them.
//
// +kubebuilder:object:generate=true
// +kubebuilder:validation:XValidation:rule="has(self.kind) || has(self.namespace) || has(self.name) || has(self.sectionName)",message="must have at least one of kind, namespace, name and sectionName"
type ParentRef struct {
	// Kind is Gateway or ListenerSet.
	//
	// +optional
	// +kubebuilder:validation:Enum=Gateway;ListenerSet
	Kind string `json:"kind,omitempty" yaml:"kind,omitempty"`

	// Namespace of the parent.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Namespace string `json:"namespace,omitempty" yaml:"namespace,omitempty"`

	// Name of the parent.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty" yaml:"name,omitempty"`

	// SectionName is the name of a listener, as the route's parentRef has it.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	SectionName string `json:"sectionName,omitempty" yaml:"sectionName,omitempty"`
}

// A HealthCheck says how the application's health is told in one Region. r53: B.2.
//
// +kubebuilder:object:generate=true
// +kubebuilder:validation:XValidation:rule="!has(self.type) || self.type != 'TCP' || (!has(self.path) && !has(self.searchString))",message="a TCP check asks for no path and reads no body: leave out path and searchString"
type HealthCheck struct {
	// Type is HTTP, HTTPS, HTTP_STR_MATCH, HTTPS_STR_MATCH or TCP; default HTTP. With a SearchString, HTTP and HTTPS
	// mean the _STR_MATCH type.
	//
	// +optional
	// +kubebuilder:validation:Enum=HTTP;HTTPS;HTTP_STR_MATCH;HTTPS_STR_MATCH;TCP
	Type string `json:"type,omitempty" yaml:"type,omitempty"`

	// Port is 1 to 65535; default 80, 443 for HTTPS, none for TCP.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	Port *int `json:"port,omitempty" yaml:"port,omitempty"`

	// Path begins with "/" and has 1 to 255 characters of ASCII, no spaces; default "/".
	//
	// +optional
	// +kubebuilder:validation:MaxLength=255
	// +kubebuilder:validation:XValidation:rule="self.matches('^/[!-~]*$')",message="must begin with / and have ASCII characters only, no spaces and no control characters: use percent encoding"
	Path string `json:"path,omitempty" yaml:"path,omitempty"`

	// HostHeader is the name in the Host header and in TLS. Beside addresses it is default the hostname. Beside a load
	// balancer it is also the name that checkers resolve, so it must lead to that Region alone; default the load
	// balancer's DNS name. r53: B.3, H.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[A-Za-z0-9._-]+$`
	HostHeader string `json:"hostHeader,omitempty" yaml:"hostHeader,omitempty"`

	// SearchString is what the first 5120 bytes of an answer must contain; 1 to 255 characters, of control characters tab and line feed
	// only, no white space at its ends.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=255
	// +kubebuilder:validation:XValidation:rule=`self.matches(r'(?s)^[^\x00-\x20\x{fffe}\x{ffff}]([^\x00-\x08\x0b-\x1f\x{fffe}\x{ffff}]*[^\x00-\x20\x{fffe}\x{ffff}])?$')`,message="must have no control characters but tab and line feed, none of U+FFFE and U+FFFF, and no white space at its ends: Route 53 would not give it back as it is"
	SearchString string `json:"searchString,omitempty" yaml:"searchString,omitempty"`

	// RequestInterval is 10 or 30 seconds, on the engine also 1 to 9; default 30.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:XValidation:rule="self <= 10 || self == 30",message="must be 10 or 30 seconds, on the engine also 1 to 9"
	RequestInterval *int `json:"requestInterval,omitempty" yaml:"requestInterval,omitempty"`

	// FailureThreshold is how many probes in a row must fail, or succeed, to change a checker's opinion: 1 to 10; default 3.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10
	FailureThreshold *int `json:"failureThreshold,omitempty" yaml:"failureThreshold,omitempty"`

	// Inverted takes what fails as healthy; default false.
	//
	// +optional
	Inverted *bool `json:"inverted,omitempty" yaml:"inverted,omitempty"`

	// CheckerRegions are where probes come from: none, which means all, or at least 3.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=8
	// +kubebuilder:validation:items:Enum=us-east-1;us-west-1;us-west-2;eu-west-1;ap-southeast-1;ap-southeast-2;ap-northeast-1;sa-east-1
	// +kubebuilder:validation:XValidation:rule="size(self) == 0 || size(self) >= 3",message="must be at least 3 Regions, or none for all"
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
// +kubebuilder:validation:XValidation:rule="!has(self.order) || size(self.order) == 0 || !has(self.policy) || self.policy == 'Failover'",message="order goes with the policy Failover only"
// +kubebuilder:validation:XValidation:rule="!has(self.weights) || size(self.weights) == 0 || !has(self.policy) || self.policy == 'Weighted'",message="weights go with the policy Weighted only"
// +kubebuilder:validation:XValidation:rule="!has(self.locations) || size(self.locations) == 0 || !has(self.policy) || self.policy == 'Geolocation'",message="locations go with the policy Geolocation only"
type Routing struct {
	// Policy is Latency, Failover, Weighted, Geolocation or Multivalue; default Latency.
	//
	// +optional
	// +kubebuilder:validation:Enum=Latency;Failover;Weighted;Geolocation;Multivalue
	Policy string `json:"policy,omitempty" yaml:"policy,omitempty"`

	// Order is for Failover: the primary Region, then the secondary; default the order of the regions.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=2
	// +kubebuilder:validation:items:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="size(self) == 0 || (size(self) == 2 && self[0] != self[1])",message="must be two Regions: the primary, then the secondary"
	Order []string `json:"order,omitempty" yaml:"order,omitempty"`

	// Weights (0..255) are for Weighted, by Region. What a Region says itself wins.
	//
	// +optional
	// +kubebuilder:validation:MaxProperties=100
	// +kubebuilder:validation:XValidation:rule="self.all(region, self[region] >= 0 && self[region] <= 255)",message="every weight must be 0 to 255"
	Weights map[string]int64 `json:"weights,omitempty" yaml:"weights,omitempty"`

	// Locations are for Geolocation, by Region. What a Region says itself wins.
	//
	// +optional
	// +kubebuilder:validation:MaxProperties=100
	Locations map[string]Location `json:"locations,omitempty" yaml:"locations,omitempty"`
}

// A Location is where clients are: a continent, a country, or a state of the United States. The country "*" is everywhere
// else. r53: A.6.
//
// +kubebuilder:object:generate=true
// +kubebuilder:validation:XValidation:rule="has(self.continent) != has(self.country)",message="must have a continent, or a country"
// +kubebuilder:validation:XValidation:rule="!has(self.subdivision) || (has(self.country) && self.country == 'US')",message="a subdivision goes with the country US only"
type Location struct {
	// Continent is AF, AN, AS, EU, NA, OC or SA.
	//
	// +optional
	// +kubebuilder:validation:Enum=AF;AN;AS;EU;NA;OC;SA
	Continent string `json:"continent,omitempty" yaml:"continent,omitempty"`

	// Country is two letters of ISO 3166-1 in upper case, or "*" for everywhere else.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=2
	// +kubebuilder:validation:Pattern=`^([A-Z]{2}|\*)$`
	Country string `json:"country,omitempty" yaml:"country,omitempty"`

	// Subdivision is a state of the United States, in two letters.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=2
	// +kubebuilder:validation:Pattern=`^[A-Z]{2}$`
	Subdivision string `json:"subdivision,omitempty" yaml:"subdivision,omitempty"`
}

// A Region is one place the application runs in: a load balancer, or addresses.
//
// +kubebuilder:object:generate=true
// +kubebuilder:validation:XValidation:rule="!has(self.loadBalancer) || !has(self.addresses) || size(self.addresses) == 0",message="must have a loadBalancer or addresses, not both"
// +kubebuilder:validation:XValidation:rule="!has(self.ttl) || !has(self.loadBalancer)",message="a ttl goes with addresses only: answers for a load balancer always have 60 s"
type Region struct {
	// Name is the SetIdentifier of the Region's records, such as eu-west-1; for Latency on AWS an AWS Region.
	//
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$`
	Name string `json:"name" yaml:"name"`

	// LoadBalancer is where this Region's clients are sent to.
	//
	// +optional
	LoadBalancer *LoadBalancer `json:"loadBalancer,omitempty" yaml:"loadBalancer,omitempty"`

	// Addresses are literal IPv4 and IPv6 addresses. Failover and Geolocation take several of a family, other policies one.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MaxLength=45
	// +kubebuilder:validation:XValidation:rule="self.all(a, isIP(a))",message="every one must be an IPv4 or IPv6 address"
	Addresses []string `json:"addresses,omitempty" yaml:"addresses,omitempty"`

	// TTL is how many seconds resolvers keep the answer, of addresses only; default 60.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=2147483647
	TTL *int64 `json:"ttl,omitempty" yaml:"ttl,omitempty"`

	// Weight is 0 to 255, for Weighted; default 100.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=255
	Weight *int64 `json:"weight,omitempty" yaml:"weight,omitempty"`

	// Location is whose clients this Region answers, for Geolocation.
	//
	// +optional
	Location *Location `json:"location,omitempty" yaml:"location,omitempty"`

	// HealthCheck replaces, element by element, what the policy's says. After Default it is complete.
	//
	// +optional
	HealthCheck *HealthCheck `json:"healthCheck,omitempty" yaml:"healthCheck,omitempty"`
}

// A LoadBalancer is named by exactly one of name, arn and dnsName.
//
// +kubebuilder:object:generate=true
// +kubebuilder:validation:XValidation:rule="[has(self.name), has(self.arn), has(self.dnsName)].filter(given, given).size() == 1",message="must have exactly one of name, arn and dnsName"
// +kubebuilder:validation:XValidation:rule="!has(self.hostedZoneId) || has(self.dnsName)",message="a hostedZoneId goes with dnsName only: it is looked up otherwise"
// +kubebuilder:validation:XValidation:rule="!has(self.dnsName) || has(self.hostedZoneId) || self.dnsName.lowerAscii().matches('[.][a-z0-9-]+[.]elb[.]amazonaws[.]com([.]cn)?[.]?$')",message="hostedZoneId is missing: only the name of an Application Load Balancer tells it"
type LoadBalancer struct {
	// Name of a load balancer in the Region.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[A-Za-z0-9-]+$`
	Name string `json:"name,omitempty" yaml:"name,omitempty"`

	// ARN of a load balancer in the Region.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=2048
	// +kubebuilder:validation:Pattern=`^arn:aws[a-z-]*:elasticloadbalancing:[a-z0-9-]+:[0-9]*:loadbalancer/[A-Za-z0-9/_-]+$`
	ARN string `json:"arn,omitempty" yaml:"arn,omitempty"`

	// DNSName is the load balancer's own name.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=255
	// +kubebuilder:validation:Pattern=`^[A-Za-z0-9._-]+$`
	DNSName string `json:"dnsName,omitempty" yaml:"dnsName,omitempty"`

	// HostedZoneID goes with DNSName: the canonical id of the load balancer's zone. It may be left out for an Application
	// Load Balancer of AWS, whose name tells it. r53: E.2.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^Z[A-Z0-9]*$`
	HostedZoneID string `json:"hostedZoneId,omitempty" yaml:"hostedZoneId,omitempty"`
}

// An Objective is what a failover may cost in time and data. RTO is compared with the worst case of Objectives; RPO is
// kept for reports, as DNS moves clients and no data.
//
// +kubebuilder:object:generate=true
type Objective struct {
	// RTO is the longest time that a failover may take in the worst case, such as 3m.
	//
	// +optional
	RTO Duration `json:"rto,omitempty" yaml:"rto,omitempty"`

	// RPO is how much data may be lost, such as 30s. It is kept for reports.
	//
	// +optional
	RPO Duration `json:"rpo,omitempty" yaml:"rpo,omitempty"`
}

// An IPFamily is an address family as Kubernetes names it.
//
// +kubebuilder:validation:Enum=IPv4;IPv6
type IPFamily string

// The two address families.
const (
	IPv4 IPFamily = "IPv4"
	IPv6 IPFamily = "IPv6"
)

// A Provider is the kind of place where records live.
//
// +kubebuilder:validation:Enum=aws;engine
type Provider string

// The two providers.
const (
	AWS    Provider = "aws"
	Engine Provider = "engine"
)

// A Duration is a time.Duration that is written as text, such as 1m30s.
//
// +kubebuilder:validation:MaxLength=32
// +kubebuilder:validation:Pattern=`^([0-9]+([.][0-9]+)?(ns|us|µs|ms|s|m|h))+$`
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
