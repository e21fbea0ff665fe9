package controller

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/bulkhead-dns/bulkhead/api/v1alpha1"
	"github.com/bulkhead-dns/bulkhead/explain"
	"github.com/bulkhead-dns/bulkhead/failover"
)

// endpointSlice is one of a Service in the namespace team-a with an endpoint for each letter: r is ready, n not, and ? does not say.
func endpointSlice(service, name, endpoints string) *discoveryv1.EndpointSlice {
	s := &discoveryv1.EndpointSlice{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: name, Labels: map[string]string{discoveryv1.LabelServiceName: service},
		Annotations: map[string]string{"a": "b"}}}
	for _, e := range endpoints {
		conditions := discoveryv1.EndpointConditions{}
		if e != '?' {
			conditions.Ready = new(e == 'r')
		}
		s.Endpoints = append(s.Endpoints, discoveryv1.Endpoint{Addresses: []string{"192.0.2.1"}, Conditions: conditions})
	}
	return s
}

func service(name string) types.NamespacedName {
	return types.NamespacedName{Namespace: "team-a", Name: name}
}

// A policy turns with the last ready endpoint that goes and the first that comes, of all Services behind it, and with nothing else.
func TestASignalTurnsWithTheLastEndpointAndTheFirst(t *testing.T) {
	type step struct {
		put    string // "service slice endpoints", or "service slice -" for a slice that goes
		turned string
	}
	for name, steps := range map[string][]step{
		"to none and back":                       {{"a a-1 rr", ""}, {"a a-1 r", ""}, {"a a-1 ", "team-a/app"}, {"a a-1 ", ""}, {"a a-1 r", "team-a/app"}, {"a a-1 rr", ""}},
		"not ready is none":                      {{"a a-1 rn", ""}, {"a a-1 nn", "team-a/app"}},
		"what does not say is ready":             {{"a a-1 ?", ""}, {"a a-1 n", "team-a/app"}, {"a a-1 ?", "team-a/app"}},
		"what is none from the start is no turn": {{"a a-1 ", ""}, {"a a-1 n", ""}, {"a a-1 r", "team-a/app"}},
		"several slices":                         {{"a a-1 r", ""}, {"a a-2 r", ""}, {"a a-1 -", ""}, {"a a-2 n", "team-a/app"}},
		"several Services":                       {{"a a-1 r", ""}, {"b b-1 r", ""}, {"a a-1 ", ""}, {"b b-1 ", "team-a/app"}, {"a a-1 r", "team-a/app"}},
		"a Service that is deleted":              {{"a a-1 r", ""}, {"a a-1 -", "team-a/app"}},
		"another application's":                  {{"a a-1 r", ""}, {"other o-1 r", ""}, {"other o-1 ", ""}},
	} {
		s, r := make(signal), make(readiness)
		backends := map[string][]types.NamespacedName{"team-a/app": {service("a"), service("b")}, "team-a/unseen": {service("external")}}
		for i, step := range steps {
			part := strings.SplitN(step.put, " ", 3)
			slice := endpointSlice(part[0], part[1], strings.Trim(part[2], "-"))
			if part[2] == "-" {
				r.remove(slice)
			} else {
				r.put(slice)
			}
			if got := strings.Join(s.judge(backends, r), " "); got != step.turned {
				t.Errorf("%s: after %d, %q, turned %q, want %q", name, i, step.put, got, step.turned)
			}
		}
		if _, known := s["team-a/unseen"]; known {
			t.Errorf("%s: a Service without EndpointSlices says something", name)
		}
		s.judge(nil, r)
		if len(s) > 0 {
			t.Errorf("%s: after the policies have gone, %v is left", name, s)
		}
	}
}

func TestOnlyWhatIsReadOfAnEndpointSliceIsKept(t *testing.T) {
	full := endpointSlice("a", "a-1", "rn?")
	kept, err := slimmed(full.DeepCopy())
	if err != nil {
		t.Fatal(err)
	}
	before, after := make(readiness), make(readiness)
	before.put(full)
	after.put(kept.(*discoveryv1.EndpointSlice))
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("readiness (-full +slim):\n%s", diff)
	}
	if s := kept.(*discoveryv1.EndpointSlice); s.Annotations != nil || s.Endpoints[0].Addresses != nil {
		t.Errorf("kept is %+v", s)
	}
}

func TestServicesBehindAPolicy(t *testing.T) {
	backend := func(name string) networkingv1.IngressBackend {
		return networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{Name: name}}
	}
	rule := func(host string, services ...string) networkingv1.IngressRule {
		r := networkingv1.IngressRule{Host: host}
		r.HTTP = &networkingv1.HTTPIngressRuleValue{}
		for _, s := range services {
			r.HTTP.Paths = append(r.HTTP.Paths, networkingv1.HTTPIngressPath{Backend: backend(s)})
		}
		return r
	}
	fallback := backend("fallback")
	ingress := func(name string, rules ...networkingv1.IngressRule) networkingv1.Ingress {
		return networkingv1.Ingress{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: name},
			Spec: networkingv1.IngressSpec{DefaultBackend: &fallback, Rules: rules}}
	}
	parent := gatewayv1.ParentReference{Name: "edge"}
	route := func(name, host string, taken bool, services ...string) gatewayv1.HTTPRoute {
		r := gatewayv1.HTTPRoute{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: name}}
		r.Spec.ParentRefs, r.Spec.Hostnames = []gatewayv1.ParentReference{parent}, []gatewayv1.Hostname{gatewayv1.Hostname(host)}
		if taken {
			r.Status.Parents = []gatewayv1.RouteParentStatus{{ParentRef: parent, Conditions: []metav1.Condition{
				{Type: string(gatewayv1.RouteConditionAccepted), Status: metav1.ConditionTrue}}}}
		}
		for _, s := range services {
			ref := gatewayv1.HTTPBackendRef{}
			ref.Name = gatewayv1.ObjectName(s)
			r.Spec.Rules = append(r.Spec.Rules, gatewayv1.HTTPRouteRule{BackendRefs: []gatewayv1.HTTPBackendRef{ref}})
		}
		return r
	}
	s := snapshot{
		ingresses: []networkingv1.Ingress{
			ingress("own", rule("app.example.com", "web", "api", "web"), rule("*.example.com", "wild"), rule("", "any")),
			ingress("wildcard", rule("*.example.com", "wild"), rule("", "any")),
			ingress("any", rule("other.example.com", "other"), rule("", "any")),
			ingress("default", rule("other.example.com", "other")),
		},
		routes: []gatewayv1.HTTPRoute{
			route("mine", "app.example.com", true, "web", "api"), route("others", "other.example.com", true, "other"),
			route("refused", "app.example.com", false, "refused"),
		},
	}
	for _, c := range []struct {
		kind, name, want string
	}{
		{failover.IngressTarget, "own", "api web"},
		{failover.IngressTarget, "wildcard", "wild"},
		{failover.IngressTarget, "any", "any"},
		{failover.IngressTarget, "default", "fallback"},
		{failover.IngressTarget, "gone", ""},
		{failover.ServiceTarget, "direct", "direct"},
		{failover.HTTPRouteTarget, "mine", "api web"},
		{failover.GatewayTarget, "edge", "api web"},
	} {
		x := candidate{class: &failover.Class{Spec: failover.ClassSpec{Provider: failover.Engine, ReadinessSignal: true}}}
		x.policy.Metadata = failover.Metadata{Namespace: "team-a", Name: "app"}
		x.policy.Spec = failover.PolicySpec{Hostname: "app.example.com", TargetRef: &failover.TargetRef{Kind: c.kind, Name: c.name}}
		var got []string
		for _, s := range backendsOf(s, []candidate{x})["team-a/app"] {
			if s.Namespace != "team-a" {
				t.Errorf("%s %s: a Service in %s", c.kind, c.name, s.Namespace)
			}
			got = append(got, s.Name)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s %s: Services %v, want %s", c.kind, c.name, got, c.want)
		}
		x.class.Spec.ReadinessSignal = false
		if off := backendsOf(s, []candidate{x}); len(off) > 0 {
			t.Errorf("%s %s: without the signal there are %v", c.kind, c.name, off)
		}
	}
}

// An unhealthy Region says that it has no endpoint; the signal itself is no verdict.
func TestTheConditionNamesServicesWithoutEndpoints(t *testing.T) {
	for _, c := range []struct {
		health  explain.Health
		idle    string
		reason  string
		message string
	}{
		{explain.Unhealthy, "web", v1alpha1.ReasonNoEndpoint, "no endpoint of Service web is ready: as unhealthy"},
		{explain.Unhealthy, "", v1alpha1.ReasonUnhealthy, "as unhealthy"},
		{explain.Healthy, "web", v1alpha1.ReasonHealthy, "as healthy"},
	} {
		f := finding{app: app(both(c.health, explain.Healthy), west), region: west, idle: c.idle}
		_, reason, message := f.healthy(&v1alpha1.FailoverPolicyStatus{})
		if reason != c.reason || message != c.message {
			t.Errorf("%s, idle %q: %s, %q; want %s, %q", c.health, c.idle, reason, message, c.reason, c.message)
		}
	}
}
