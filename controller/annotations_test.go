package controller

import (
	"fmt"
	"strings"
	"testing"
)

// annotatedShop asks for failover without a policy.
const annotatedShop = `
kind: Ingress
metadata:
  name: shop
  namespace: team-a
  uid: i1
  creationTimestamp: "2026-03-01T11:00:00Z"
  annotations: {bulkhead.dev/failover: "true", bulkhead.dev/request-interval: "10", bulkhead.dev/app2.example.com.path: /app2health}
spec: {rules: [{host: app2.example.com}, {host: app1.example.com}, {}]}
status: {loadBalancer: {ingress: [{hostname: k8s-shop-1.eu-west-1.elb.amazonaws.com}]}}
`

func TestAnnotatedIngressIsOneCandidateAHost(t *testing.T) {
	got := wantDecided(t, clusterOf(t, openClass, annotatedShop),
		"team-a/shop.app1.example.com: accepted eu-west-1 k8s-shop-1.eu-west-1.elb.amazonaws.com Z32O12XQLNTSW2",
		"team-a/shop.app2.example.com: accepted eu-west-1 k8s-shop-1.eu-west-1.elb.amazonaws.com Z32O12XQLNTSW2",
	)
	for i, path := range []string{"", "/app2health"} {
		h := got[i].policy.Spec.HealthCheck
		if h.Path != path || h.RequestInterval == nil || *h.RequestInterval != 10 || got[i].object.GetName() != "shop" {
			t.Errorf("%s: %+v of %s", got[i].policy.Key(), h, got[i].object.GetName())
		}
	}
}

func TestIngressWithoutAnnotationIsNone(t *testing.T) {
	wantDecided(t, clusterOf(t, openClass, shopIngress))
	wantDecided(t, clusterOf(t, openClass, strings.Replace(annotatedShop, `"true"`, `"false"`, 1)))
}

// A misspelt annotation must not look as if nothing were asked for any more: hosts that are programmed stay.
func TestWrongAnnotationRefusesEveryHost(t *testing.T) {
	for _, c := range []struct {
		name, old, new string
		want           []string
	}{
		{"setting", "bulkhead.dev/request-interval", "bulkhead.dev/request-intervall", []string{
			`team-a/shop.app1.example.com: AnnotationInvalid: metadata.annotations["bulkhead.dev/request-intervall"]: unknown setting, did you mean request-interval?`,
			`team-a/shop.app2.example.com: AnnotationInvalid: metadata.annotations["bulkhead.dev/request-intervall"]: unknown setting, did you mean request-interval?`,
		}},
		{"host", `"true"`, `"app1.example.com,app3.example.com"`, []string{
			`team-a/shop.app1.example.com: AnnotationInvalid: metadata.annotations["bulkhead.dev/failover"]: "app3.example.com": must be true, false, or hosts of the Ingress: app1.example.com, app2.example.com`,
			`team-a/shop.app2.example.com: AnnotationInvalid: metadata.annotations["bulkhead.dev/failover"]: "app3.example.com": must be true, false, or hosts of the Ingress: app1.example.com, app2.example.com`,
		}},
		{"no host", "[{host: app2.example.com}, {host: app1.example.com}, {}]", "[{}]", []string{
			`team-a/Ingress shop: AnnotationInvalid: metadata.annotations["bulkhead.dev/failover"]: "true": no rule of the Ingress has a host; one without *. is needed, such as app1.example.com`,
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantDecided(t, clusterOf(t, openClass, strings.Replace(annotatedShop, c.old, c.new, 1)), c.want...)
		})
	}
}

func TestAnnotatedIngressIsATenantLikeAnyOther(t *testing.T) {
	t.Run("hostnames", func(t *testing.T) {
		wantDecided(t, clusterOf(t, strict(), annotatedShop),
			"team-a/shop.app1.example.com: accepted eu-west-1 k8s-shop-1.eu-west-1.elb.amazonaws.com Z32O12XQLNTSW2",
			`team-a/shop.app2.example.com: HostnameRefused: spec.hostname: "app2.example.com": the class default does not allow it to namespace team-a; allowed: app1.example.com, shared.example.com, example.com`,
		)
	})
	// When an Ingress was annotated is not known: its age gives it nothing.
	t.Run("claims", func(t *testing.T) {
		got := wantDecided(t, clusterOf(t, openClass, annotatedShop, asked("team-b", "q", "app2.example.com", 1, "")),
			"team-b/q: accepted eu-west-1 3.5.140.1",
			"team-a/shop.app1.example.com: accepted eu-west-1 k8s-shop-1.eu-west-1.elb.amazonaws.com Z32O12XQLNTSW2",
			"team-a/shop.app2.example.com: HostnameHeld: app2.example.com belongs to FailoverPolicy team-b/q, and a policy comes before an annotation",
		)
		if h := got[2].heldBy; h == nil || h.Namespace != "team-b" || h.Name != "q" {
			t.Errorf("held by %+v", h)
		}
	})
	t.Run("claims among Ingresses", func(t *testing.T) {
		other := strings.NewReplacer("name: shop", "name: other", "i1", "i2", "11:00", "11:30", "team-a", "team-b").Replace(annotatedShop)
		const held = ".example.com belongs to Ingress team-a/shop, which was created first, at 2026-03-01T11:00:00Z"
		wantDecided(t, clusterOf(t, openClass, other, annotatedShop),
			"team-b/other.app1.example.com: HostnameHeld: app1"+held,
			"team-b/other.app2.example.com: HostnameHeld: app2"+held,
			"team-a/shop.app1.example.com: accepted eu-west-1 k8s-shop-1.eu-west-1.elb.amazonaws.com Z32O12XQLNTSW2",
			"team-a/shop.app2.example.com: accepted eu-west-1 k8s-shop-1.eu-west-1.elb.amazonaws.com Z32O12XQLNTSW2",
		)
	})
	// Checks are known by namespace and name: a policy that has the name of an Ingress's host would share one with it.
	t.Run("names", func(t *testing.T) {
		wantDecided(t, clusterOf(t, openClass, annotatedShop, asked("team-a", "shop.app1.example.com", "app3.example.com", 1, "")),
			"team-a/shop.app1.example.com: accepted eu-west-1 3.5.140.1",
			"team-a/Ingress shop app1.example.com: Invalid: health checks for app1.example.com would be named team-a/shop.app1.example.com, "+
				"as those of FailoverPolicy team-a/shop.app1.example.com are: rename the policy, or the Ingress",
			"team-a/shop.app2.example.com: accepted eu-west-1 k8s-shop-1.eu-west-1.elb.amazonaws.com Z32O12XQLNTSW2",
		)
	})
	// Keys of candidates are unique, or one would be told what is about the other.
	t.Run("keys", func(t *testing.T) {
		s := clusterOf(t, openClass, strings.Replace(annotatedShop, "[{host: app2.example.com}, {host: app1.example.com}, {}]", "[{}]", 1),
			asked("team-a", "shop", "app3.example.com", 1, ""))
		keys := map[string]bool{}
		for _, c := range gather(s, "", noon()) {
			if keys[c.policy.Key()] {
				t.Errorf("%s is there twice", c.policy.Key())
			}
			keys[c.policy.Key()] = true
		}
	})
}

// An Ingress that grows beyond the bound is refused in few words, and no host is forgotten: what is programmed stays.
func TestTooManyHostsAreRefusedAndKept(t *testing.T) {
	rules := make([]string, 101)
	for i := range rules {
		rules[i] = fmt.Sprintf("{host: h%03d.example.com}", i)
	}
	list := gather(clusterOf(t, openClass, strings.Replace(annotatedShop, "[{host: app2.example.com}, {host: app1.example.com}, {}]",
		"["+strings.Join(rules, ", ")+"]", 1)), "", noon())
	if len(list) != 101 || list[100].policy.Metadata.Name != "shop.h100.example.com" {
		t.Fatalf("%d candidates", len(list))
	}
	for _, c := range list {
		if c.refusal != list[0].refusal || c.refusal == nil || len(c.refusal.message) > 200 {
			t.Fatalf("%s: %+v", c.policy.Key(), c.refusal)
		}
	}
}
