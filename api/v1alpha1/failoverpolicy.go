package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/bulkhead-dns/bulkhead/failover"
)

// A FailoverPolicy lets one application, by its hostname, fail over between Regions by itself. The same object goes to
// every cluster that runs the application; each cluster keeps the record of its own Region.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName={fp,fpol},categories=bulkhead
type FailoverPolicy struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec is what the application team asks for.
	Spec failover.PolicySpec `json:"spec"`

	// Status is what the controller of this cluster has seen and done.
	Status FailoverPolicyStatus `json:"status,omitzero"`
}

// A FailoverPolicyList is a list of policies.
//
// +kubebuilder:object:root=true
type FailoverPolicyList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []FailoverPolicy `json:"items"`
}

// Policy returns the policy without what is Kubernetes' own. It shares nothing with p.
func (p *FailoverPolicy) Policy() failover.Policy {
	c := p.DeepCopy()
	return failover.Policy{
		APIVersion: failover.APIVersion, Kind: failover.PolicyKind,
		Metadata: failover.Metadata{Name: c.Name, Namespace: c.Namespace, Labels: c.Labels, Annotations: c.Annotations},
		Spec:     c.Spec,
	}
}

// The health of an application in one Region, as FailoverPolicyStatus.Health says it.
const (
	Healthy   = "Healthy"
	Unhealthy = "Unhealthy"
	Unknown   = "Unknown" // no check, or no verdict yet
)

// A FailoverPolicyStatus is what the controller of one cluster has seen and done. Only Regions says anything about
// others, and that is read from the provider.
type FailoverPolicyStatus struct {
	// ObservedGeneration is the generation of the spec that this status is about.
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// Conditions are Accepted, Programmed, Healthy and Degraded.
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// ClassName is the FailoverClass that was taken.
	ClassName string `json:"className,omitempty"`

	// Hostname is the name that is programmed, or held.
	Hostname string `json:"hostname,omitempty"`

	// HostedZoneID is the zone that holds the hostname.
	HostedZoneID string `json:"hostedZoneId,omitempty"`

	// Region is the Region of this cluster.
	Region string `json:"region,omitempty"`

	// Target is where this Region's clients are sent to: a load balancer's name, or addresses.
	Target string `json:"target,omitempty"`

	// Health of the application in this Region.
	Health string `json:"health,omitempty"`

	// ServedHere says whether clients near this Region are answered with it now. It is left out where nobody knows.
	ServedHere *bool `json:"servedHere,omitempty"`

	// ServedFrom is the Region that clients near this one are answered with now.
	ServedFrom string `json:"servedFrom,omitempty"`

	// Regions is every Region of the application as the provider has it, ordered by SetIdentifier.
	Regions []RegionStatus `json:"regions,omitempty"`

	// Records are the record sets of this Region, one an address family.
	Records []RecordStatus `json:"records,omitempty"`

	// RTO is how long a failover takes with the timers of the policy.
	RTO *RTOStatus `json:"rto,omitempty"`

	// HeldBy is the policy that has the hostname, where another claimed it first.
	HeldBy *Holder `json:"heldBy,omitempty"`

	// LastFailover is the last time that clients near this Region were moved.
	LastFailover *FailoverStatus `json:"lastFailover,omitempty"`

	// HoldUntil is when this Region's record is removed, because its source has vanished.
	HoldUntil *metav1.Time `json:"holdUntil,omitempty"`
}

// A RegionStatus is one Region of the application as the provider has it.
type RegionStatus struct {
	// SetIdentifier of the record sets: the Region's name.
	SetIdentifier string `json:"setIdentifier"`

	// Target is where clients are sent to: a load balancer's name, or addresses.
	Target string `json:"target,omitempty"`

	// HealthCheckID is the provider's.
	HealthCheckID string `json:"healthCheckId,omitempty"`

	// Healthy is the verdict of all checkers. It is left out where there is no check, or no verdict.
	Healthy *bool `json:"healthy,omitempty"`

	// Reason is why the Region is healthy or not, in the checkers' words.
	Reason string `json:"reason,omitempty"`

	// NoVerdictSince is the time of the last verdict when it is more than five minutes old: healthy is left out then, and
	// reason has what it was. AWS has verdicts a minute or more late.
	NoVerdictSince *metav1.Time `json:"noVerdictSince,omitempty"`

	// ServedHere says whether clients near this cluster's Region are answered with this one.
	ServedHere bool `json:"servedHere,omitempty"`
}

// A RecordStatus is one record set of this Region.
type RecordStatus struct {
	// Type is A or AAAA.
	Type string `json:"type"`

	// Value is the alias target, or the addresses.
	Value string `json:"value,omitempty"`

	// HealthCheckID is the check that the record set depends on.
	HealthCheckID string `json:"healthCheckId,omitempty"`
}

// An RTOStatus is how long a failover takes, such as 1m30s.
type RTOStatus struct {
	Typical failover.Duration `json:"typical"`
	Worst   failover.Duration `json:"worst"`
}

// A Holder is the policy that has a hostname. Who it is, is told to everybody who claims the same hostname.
type Holder struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`

	// Since is when it was created.
	Since *metav1.Time `json:"since,omitempty"`
}

// A FailoverStatus is one move of the clients near this Region.
type FailoverStatus struct {
	Time metav1.Time `json:"time"`
	From string      `json:"from"` // a Region
	To   string      `json:"to"`   // a Region

	// Reason is why, in a few words.
	Reason string `json:"reason,omitempty"`
}
