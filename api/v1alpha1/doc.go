// Package v1alpha1 answers how a cluster holds policies and classes: it has the custom resources FailoverPolicy and
// FailoverClass of bulkhead.dev/v1alpha1, which are Kubernetes metadata and a status around the plain types of
// failover.
//
//   - The Go types say which fields there are. The files of schema/ say what the fields accept: ranges, patterns and
//     CEL rules. They also hold kubectl's columns. scripts/generate writes deploy/crds from both, and the deep copies.
//   - An API server cannot check everything: classes, zones, objectives and other policies are outside the object. The
//     controller checks them with failover.Validate and reports the result in the status.
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
