package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/bulkhead-dns/bulkhead/failover"
)

// A FailoverClass is what the platform team allows and prefers: the Region of this cluster, where records live, and
// which namespaces may have which hostnames.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Cluster,shortName={fc,fclass},categories=bulkhead
type FailoverClass struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec is what the platform team allows and prefers.
	Spec failover.ClassSpec `json:"spec"`

	// Status is what the controller of this cluster has found.
	Status FailoverClassStatus `json:"status,omitzero"`
}

// A FailoverClassList is a list of classes.
//
// +kubebuilder:object:root=true
type FailoverClassList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []FailoverClass `json:"items"`
}

// Class returns the class without what is Kubernetes' own. It shares nothing with c.
func (c *FailoverClass) Class() failover.Class {
	d := c.DeepCopy()
	return failover.Class{
		APIVersion: failover.APIVersion, Kind: failover.ClassKind,
		Metadata: failover.Metadata{Name: d.Name, Labels: d.Labels, Annotations: d.Annotations},
		Spec:     d.Spec,
	}
}

// A FailoverClassStatus is what the controller of one cluster has found.
type FailoverClassStatus struct {
	// ObservedGeneration is the generation of the spec that this status is about.
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// Conditions hold Accepted.
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// Zones are the hosted zones that the class lets policies write to, as the provider has them.
	Zones []ZoneStatus `json:"zones,omitempty"`

	// Classes are the names of all classes of this cluster, sorted. The API server refuses policies that name another one.
	// They are left out where there are more than 500, or where no controller has listed them yet.
	Classes []string `json:"classes,omitempty"`

	// Policies is how many policies of this cluster are of this class.
	//
	// +optional
	Policies int32 `json:"policies"`
}

// A ZoneStatus is a hosted zone.
type ZoneStatus struct {
	// ID is the hosted zone's.
	ID string `json:"id"`
	// Name of the zone.
	Name string `json:"name"`
}
