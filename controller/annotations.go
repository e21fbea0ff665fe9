package controller

import (
	"fmt"

	networkingv1 "k8s.io/api/networking/v1"

	"github.com/bulkhead-dns/bulkhead/api/v1alpha1"
	"github.com/bulkhead-dns/bulkhead/failover"
)

// annotated are the candidates of an Ingress that asks for failover by annotation: one a host, or none. What becomes of them is told
// by events on the Ingress; nothing is written to it.
//
// Where an annotation is wrong all hosts are refused. They are there nevertheless: what is programmed for them stays.
func (g *gatherer) annotated(in *networkingv1.Ingress) []candidate {
	ask := failover.AnnotatedIngress{Namespace: in.Namespace, Name: in.Name, Annotations: in.Annotations}
	for _, rule := range in.Spec.Rules {
		ask.Hosts = append(ask.Hosts, rule.Host)
	}
	if length, long := in.Annotations[tooLong]; long {
		return refusedHosts(in, ask, fmt.Errorf("the annotations %s… have %s bytes together: at most %d are read", ownPrefix, length, maxAnnotations))
	}
	policies, err := failover.FromAnnotations(ask)
	if err != nil {
		return refusedHosts(in, ask, err)
	}
	var list []candidate
	for _, p := range policies {
		c := candidate{object: in, policy: p}
		g.decide(&c, &v1alpha1.FailoverPolicyStatus{})
		list = append(list, c)
	}
	return list
}

// refusedHosts are the candidates of an Ingress with a wrong annotation: those of all its hosts, for which of them are meant may be
// what is wrong. An Ingress without hosts gives one candidate without a hostname.
func refusedHosts(in *networkingv1.Ingress, ask failover.AnnotatedIngress, wrong error) []candidate {
	refused := &refusal{v1alpha1.ReasonAnnotationInvalid, said(wrong)}
	policies := failover.AnnotatedHosts(ask)
	if len(policies) == 0 {
		policies = []failover.Policy{{
			APIVersion: failover.APIVersion,
			Kind:       failover.PolicyKind,
			Metadata:   failover.Metadata{Namespace: in.Namespace, Name: nameless(in.Name, "")},
		}}
	}
	var list []candidate
	for _, p := range policies {
		list = append(list, candidate{object: in, policy: p, refusal: refused})
	}
	return list
}
