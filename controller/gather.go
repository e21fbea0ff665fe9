package controller

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/bulkhead-dns/bulkhead/api/v1alpha1"
	"github.com/bulkhead-dns/bulkhead/failover"
)

// A snapshot is what a pass sees of the cluster.
type snapshot struct {
	// accounts is what is known of the account of a class, by the class's name: Provider and Zones. A class that is missing is
	// judged without zones.
	accounts map[string]failover.Facts
	// unread are sources that are not watched here: switched off, or not installed. What they tell is unknown, not gone.
	unread []Source

	policies   []v1alpha1.FailoverPolicy
	classes    []v1alpha1.FailoverClass
	ingresses  []networkingv1.Ingress
	services   []corev1.Service
	gateways   []gatewayv1.Gateway // nil when the API is not installed
	routes     []gatewayv1.HTTPRoute
	namespaces []corev1.Namespace
}

// A candidate is a policy of the cluster and what may become of it.
type candidate struct {
	object   client.Object    // the FailoverPolicy, or the annotated Ingress
	policy   failover.Policy  // with this Region's load balancer or addresses; its other Regions' left out
	class    *failover.Class  // nil when there is none
	refusal  *refusal         // nil: accepted
	vanished time.Time        // zero, or since when its source is gone
	heldBy   *v1alpha1.Holder // of the hostname, where another has it
	notes    []string         // what an accepted policy's owner should know, one sentence each
}

// A refusal is why a candidate is not programmed: reason is one of v1alpha1's, of Accepted or Programmed.
type refusal struct{ reason, message string }

// gather decides what each policy of the cluster asks for in a Region; region "" means what each class says.
func gather(s snapshot, region string, now time.Time) []candidate {
	var list []candidate
	for i := range s.policies {
		p := &s.policies[i]
		c := candidate{object: p, policy: p.Policy()}
		if len(s.classes) != 1 {
			c.refusal = &refusal{v1alpha1.ReasonNoClass, "there is not one class"}
			list = append(list, c)
			continue
		}
		class := s.classes[0].Class()
		c.class = &class
		at := region
		if at == "" {
			at = class.Spec.Region
		}
		c.source(s, at, now)
		list = append(list, c)
	}
	return list
}

// source finds the load balancer of an Ingress.
func (c *candidate) source(s snapshot, region string, now time.Time) {
	ref := c.policy.Spec.TargetRef
	if ref == nil {
		return
	}
	for i := range s.ingresses {
		in := &s.ingresses[i]
		if in.Namespace != c.policy.Metadata.Namespace || in.Name != ref.Name {
			continue
		}
		r := failover.Region{Name: region}
		for _, at := range in.Status.LoadBalancer.Ingress {
			if at.Hostname != "" {
				r.LoadBalancer = &failover.LoadBalancer{DNSName: at.Hostname}
			} else if at.IP != "" {
				r.Addresses = append(r.Addresses, at.IP)
			}
		}
		if r.LoadBalancer == nil && r.Addresses == nil {
			c.refusal = &refusal{v1alpha1.ReasonTargetNotReady, "the status of the Ingress has no load balancer yet"}
			return
		}
		c.policy.Spec.Regions = []failover.Region{r}
		return
	}
	c.vanished = now
}
