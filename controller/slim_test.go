package controller

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/bulkhead-dns/bulkhead/api/v1alpha1"
	"github.com/bulkhead-dns/bulkhead/failover"
)

// slimmedBy keeps of an object what the cache keeps.
func slimmedBy[T client.Object](t *testing.T, o T) T {
	t.Helper()
	kept, err := slimmed(o.DeepCopyObject())
	if err != nil {
		t.Fatal(err)
	}
	return kept.(T)
}

// bulky is metadata as kubectl and others leave it behind.
func bulky() metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: "team-a", Name: "web", UID: "1", ResourceVersion: "7", Generation: 3,
		ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "kubectl", FieldsV1: metav1.NewFieldsV1(strings.Repeat("x", 4000))}},
		Annotations: map[string]string{
			corev1.LastAppliedConfigAnnotation: strings.Repeat("x", 100_000),
			"example.com/notes":                strings.Repeat("x", 100_000),
		}}
}

// What is not read of an object is not kept: tenants may write as much as etcd takes.
func TestWhatIsNotReadIsNotKept(t *testing.T) {
	for _, o := range []client.Object{
		&v1alpha1.FailoverPolicy{ObjectMeta: bulky()},
		&v1alpha1.FailoverClass{ObjectMeta: bulky()},
		&corev1.Namespace{ObjectMeta: bulky()},
		&networkingv1.Ingress{ObjectMeta: bulky(), Spec: networkingv1.IngressSpec{TLS: []networkingv1.IngressTLS{{SecretName: strings.Repeat("x", 5000)}}}},
		&corev1.Service{ObjectMeta: bulky(), Spec: corev1.ServiceSpec{Type: corev1.ServiceTypeLoadBalancer, ExternalName: strings.Repeat("x", 5000)}},
		&corev1.Service{ObjectMeta: bulky(), Spec: corev1.ServiceSpec{Type: corev1.ServiceTypeClusterIP, Ports: make([]corev1.ServicePort, 500)}},
		&discoveryv1.EndpointSlice{ObjectMeta: bulky(), Endpoints: []discoveryv1.Endpoint{{Addresses: []string{strings.Repeat("x", 5000)}}}},
		&gatewayv1.Gateway{ObjectMeta: bulky(), Status: gatewayv1.GatewayStatus{Conditions: []metav1.Condition{{Message: strings.Repeat("x", 5000)}}}},
		&gatewayv1.ListenerSet{ObjectMeta: bulky(), Status: gatewayv1.ListenerSetStatus{Conditions: []metav1.Condition{{Message: strings.Repeat("x", 5000)}}}},
		&gatewayv1.HTTPRoute{ObjectMeta: bulky(), Spec: gatewayv1.HTTPRouteSpec{Rules: []gatewayv1.HTTPRouteRule{{Matches: []gatewayv1.HTTPRouteMatch{{
			Headers: []gatewayv1.HTTPHeaderMatch{{Value: strings.Repeat("x", 5000)}}}}}}}},
		&gatewayv1.GRPCRoute{ObjectMeta: bulky(), Spec: gatewayv1.GRPCRouteSpec{Rules: []gatewayv1.GRPCRouteRule{{Matches: make([]gatewayv1.GRPCRouteMatch, 500)}}}},
		&gatewayv1.TLSRoute{ObjectMeta: bulky()},
	} {
		kept := slimmedBy(t, o)
		if kept.GetName() != "web" || kept.GetNamespace() != "team-a" || kept.GetUID() != "1" || kept.GetResourceVersion() != "7" || kept.GetGeneration() != 3 {
			t.Errorf("%T is not known any more: %+v", o, kept)
		}
		fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(kept)
		if err != nil {
			t.Fatal(err)
		}
		if size := len(fmt.Sprint(fields)); size > 1500 {
			t.Errorf("%T: %d bytes are kept", o, size)
		}
	}
}

// A policy tells the same from what is kept as from the whole objects.
func TestWhatIsReadIsKept(t *testing.T) {
	for _, name := range sourceCases(t) {
		c := readSourceCase(t, name)
		s := clusterOf(t, c.manifests)
		whole := gather(s, "", noon())
		for i := range s.ingresses {
			s.ingresses[i] = *slimmedBy(t, &s.ingresses[i])
		}
		for i := range s.services {
			s.services[i] = *slimmedBy(t, &s.services[i])
		}
		for i := range s.gateways {
			s.gateways[i] = *slimmedBy(t, &s.gateways[i])
		}
		for i := range s.listenerSets {
			s.listenerSets[i] = *slimmedBy(t, &s.listenerSets[i])
		}
		for i := range s.routes {
			s.routes[i] = *slimmedBy(t, &s.routes[i])
		}
		for i := range s.grpcRoutes {
			s.grpcRoutes[i] = *slimmedBy(t, &s.grpcRoutes[i])
		}
		for i := range s.tlsRoutes {
			s.tlsRoutes[i] = *slimmedBy(t, &s.tlsRoutes[i])
		}
		for i := range s.namespaces {
			s.namespaces[i] = *slimmedBy(t, &s.namespaces[i])
		}
		for i := range s.policies {
			s.policies[i] = *slimmedBy(t, &s.policies[i])
		}
		slim := gather(s, "", noon())
		if diff := cmp.Diff(toldOf(whole), toldOf(slim)); diff != "" {
			t.Errorf("%s: whole -, kept +\n%s", name, diff)
		}
	}
}

// A patch of what is kept leaves alone what is not: the annotations of others are in neither side of it.
func TestPatchOfAPolicyHasNothingOfOthers(t *testing.T) {
	kept := slimmedBy(t, &v1alpha1.FailoverPolicy{ObjectMeta: bulky()})
	held := kept.DeepCopy()
	held.Finalizers = []string{v1alpha1.Finalizer}
	patch, err := client.MergeFrom(kept).Data(held)
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"metadata":{"finalizers":["` + v1alpha1.Finalizer + `"]}}`; string(patch) != want {
		t.Errorf("the patch is %s, want %s", patch, want)
	}
}

// Annotations of Bulkhead are read up to a bound. Beyond it they are refused for the whole Ingress, in one text, and what is programmed stays.
func TestAnnotationsThatAreTooLongAreRefused(t *testing.T) {
	in := &networkingv1.Ingress{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "shop", Annotations: map[string]string{failover.FailoverAnnotation: "true"}}}
	in.Spec.Rules = []networkingv1.IngressRule{{Host: "app1.example.com"}, {Host: "app2.example.com"}}
	for i := range 2000 {
		in.Annotations[fmt.Sprintf("bulkhead.dev/wrong%d", i)] = strings.Repeat("x", 50)
	}
	s := clusterOf(t, openClass)
	s.ingresses = []networkingv1.Ingress{*slimmedBy(t, in)}
	if size := len(fmt.Sprint(s.ingresses[0])); size > 3000 {
		t.Errorf("%d bytes are kept", size)
	}
	const want = "AnnotationInvalid: the annotations bulkhead.dev/… have 142915 bytes together: at most 65536 are read"
	wantDecided(t, s, "team-a/shop.app1.example.com: "+want, "team-a/shop.app2.example.com: "+want)

	delete(in.Annotations, failover.FailoverAnnotation)
	s.ingresses = []networkingv1.Ingress{*slimmedBy(t, in)}
	if wantDecided(t, s); len(s.ingresses[0].Annotations) > 0 {
		t.Errorf("of an Ingress that does not ask, %v are kept", s.ingresses[0].Annotations)
	}
}

// What only others read of an object may change as often as anybody likes: nothing is looked at again for it.
func TestChangesOfWhatIsNotReadAreNoEvents(t *testing.T) {
	before := &networkingv1.Ingress{ObjectMeta: bulky(), Spec: networkingv1.IngressSpec{Rules: []networkingv1.IngressRule{{Host: "app1.example.com"}}}}
	for what, change := range map[string]func(*networkingv1.Ingress) bool{ // whether it is an event
		"another's annotation":       func(in *networkingv1.Ingress) bool { in.Annotations["example.com/notes"] = "other"; return false },
		"a label":                    func(in *networkingv1.Ingress) bool { in.Labels = map[string]string{"a": "b"}; return false },
		"an annotation that is read": func(in *networkingv1.Ingress) bool { in.Annotations[groupOrder] = "7"; return true },
		"a host":                     func(in *networkingv1.Ingress) bool { in.Spec.Rules[0].Host = "app2.example.com"; return true },
		"the load balancer": func(in *networkingv1.Ingress) bool {
			in.Status.LoadBalancer.Ingress = []networkingv1.IngressLoadBalancerIngress{{Hostname: "lb-1.eu-west-1.elb.amazonaws.com"}}
			return true
		},
	} {
		after := before.DeepCopy()
		want := change(after)
		after.ResourceVersion, after.Generation = "8", 4
		e := event.UpdateEvent{ObjectOld: slimmedBy(t, before), ObjectNew: slimmedBy(t, after)}
		if got := altered().Update(e); got != want {
			t.Errorf("%s: an event is %v, want %v", what, got, want)
		}
	}
}
