// Package v1alpha1 answers how a cluster holds what failover defines: the custom resources FailoverPolicy and FailoverClass of
// bulkhead.dev/v1alpha1, that is Kubernetes metadata and status around failover's plain types.
//
//   - the schema, its ranges and its CEL rules are markers on the types; scripts/generate writes deploy/crds and the deep
//     copies from them;
//   - what a cluster's API server cannot tell (classes, zones, objectives, other policies) is judged by failover.Validate and
//     reported in the status.
//
// +kubebuilder:object:generate=true
// +groupName=bulkhead.dev
package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Group and Version of the custom resources.
const (
	Group   = "bulkhead.dev"
	Version = "v1alpha1"
)

// GroupVersion returns bulkhead.dev/v1alpha1.
func GroupVersion() schema.GroupVersion { return schema.GroupVersion{Group: Group, Version: Version} }

// AddToScheme registers the custom resources.
func AddToScheme(s *runtime.Scheme) error {
	s.AddKnownTypes(GroupVersion(), &FailoverPolicy{}, &FailoverPolicyList{}, &FailoverClass{}, &FailoverClassList{})
	metav1.AddToGroupVersion(s, GroupVersion())
	return nil
}
