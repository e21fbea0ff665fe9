//go:build kube

package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/bulkhead-dns/bulkhead/api/v1alpha1"
	"github.com/bulkhead-dns/bulkhead/failover"
)

// arrives is within what a new policy with a healthy application is programmed, whatever other policies do. It takes three seconds.
const arrives = 30 * time.Second

// What one tenant does, with nothing but the rights to edit objects of one namespace, is nobody else's delay, refusal or text.
func (c *city) neighbours() map[string]func(*testing.T) {
	return map[string]func(*testing.T){
		"characters that XML cannot carry": func(t *testing.T) {
			for _, odd := range []string{"a\u0001", "a\ufffe", "a\uffff"} {
				err := c.west.client.Create(t.Context(), c.policy("odd", "search", "search.odd.example.com", func(p *v1alpha1.FailoverPolicy) {
					p.Spec.HealthCheck.SearchString = odd
				}))
				if !apierrors.IsInvalid(err) {
					t.Errorf("searchString %q: error %v, want it refused by the schema", odd, err)
				}
				err = c.west.client.Create(t.Context(), c.policy("odd", "path", "path.odd.example.com", withPath("/odd/"+odd)))
				if !apierrors.IsInvalid(err) {
					t.Errorf("path %q: error %v, want it refused by the schema", "/odd/"+odd, err)
				}
			}
			odd, err := json.Marshal(map[string]any{"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": map[string]any{
				"name": "odd", "namespace": "odd", "annotations": map[string]string{
					"bulkhead.dev/failover": "true", "bulkhead.dev/path": "/odd", "bulkhead.dev/search-string": "a\u0001"}},
				"spec": map[string]any{"ingressClassName": "alb", "rules": []any{map[string]any{"host": "annotated.odd.example.com", "http": map[string]any{
					"paths": []any{map[string]any{"path": "/", "pathType": "Prefix", "backend": map[string]any{"service": map[string]any{
						"name": "web", "port": map[string]any{"number": 80}}}}}}}}}})
			must(t, err)
			must(t, c.west.Apply(t.Context(), string(odd)))
			happened(t, c.west, v1alpha1.EventRefused, "odd")
			c.west.put(t, c.policy("odd-neighbour", "app", "app.odd-neighbour.example.com"))
			took := c.programmed(t, arrives, "odd-neighbour", "app", c.west)
			t.Logf("a neighbour's policy is programmed after %s", took)
			c.quick(t, c.west, c.policy("odd-neighbour", "app", "app.odd-neighbour.example.com"))
		},
		"an application that is never healthy": func(t *testing.T) {
			c.west.put(t, c.policy("slow", "never", "never.slow.example.com", withPath("/none")))
			c.west.put(t, c.policy("slow-neighbour", "app", "app.slow-neighbour.example.com"))
			c.programmed(t, arrives, "slow-neighbour", "app", c.west)
			for range 3 {
				c.west.put(t, c.policy("slow", "never", "never.slow.example.com", withPath("/none/"+time.Now().Format(time.TimeOnly))))
				c.quick(t, c.west, c.policy("slow-neighbour", "app", "app.slow-neighbour.example.com"))
			}
		},
		"clusters that disagree about a neighbour": func(t *testing.T) {
			routing := func(policy string) policyOption { return withRouting(failover.Routing{Policy: policy}) }
			c.west.put(t, c.policy("evil", "app", "app.evil.example.com", routing("Latency")))
			c.programmed(t, time.Minute, "evil", "app", c.west)
			c.central.put(t, c.policy("evil", "app", "app.evil.example.com", routing("Weighted")))
			c.central.put(t, c.policy("evil-neighbour", "app", "app.evil-neighbour.example.com"))
			c.programmed(t, arrives, "evil-neighbour", "app", c.central)
			c.quick(t, c.central, c.policy("evil-neighbour", "app", "app.evil-neighbour.example.com"))
		},
		"a status speaks of its own policy alone": func(t *testing.T) {
			c.west.put(t, c.policy("launch", "secret", "secret.launch.example.com", withPath("/none")))
			c.west.put(t, c.policy("rival", "other", "other.rival.example.com", withPath("/none")))
			for _, p := range []struct{ namespace, name, foreign string }{{"launch", "secret", "rival"}, {"rival", "other", "launch"}} {
				within(t, 30*time.Second, "a word on "+p.name, func(ctx context.Context) error {
					return c.west.condition(ctx, p.namespace, p.name, v1alpha1.ConditionProgrammed, metav1.ConditionFalse)
				})
				stays(t, 8*time.Second, "what "+p.name+" is told", func(ctx context.Context) error {
					there, err := c.west.get(ctx, p.namespace, p.name)
					if err == nil && strings.Contains(describe(there), p.foreign) {
						err = fmt.Errorf("it speaks of %s: %s", p.foreign, describe(there))
					}
					return err
				})
				events, err := c.west.Kubectl(t.Context(), "get", "events.events.k8s.io", "-n", p.namespace, "-o", "jsonpath={.items[*].note}")
				if err != nil || strings.Contains(events, p.foreign) {
					t.Errorf("events of %s (%v) speak of %s: %s", p.namespace, err, p.foreign, events)
				}
			}
		},
		"retained records count": func(t *testing.T) {
			for round := range 3 {
				for i := range 5 {
					c.west.put(t, c.policy("retain", fmt.Sprintf("p%d-%d", round, i), fmt.Sprintf("p%d-%d.retain.example.com", round, i), withClass("five")))
				}
				stays(t, 8*time.Second, "five checks at most", c.atMost("retain", 5))
				var list v1alpha1.FailoverPolicyList
				must(t, c.west.client.List(t.Context(), &list, client.InNamespace("retain")))
				for _, p := range list.Items {
					kubectl(t, c.west.Region, "retain", "annotate", "--overwrite", "failoverpolicy", p.Name, v1alpha1.DeletionPolicyAnnotation+"="+v1alpha1.Retain)
					c.west.remove(t, "retain", p.Name)
				}
			}
			stays(t, 5*time.Second, "five checks at most", c.atMost("retain", 5))
		},
		"an unknown class makes no room": func(t *testing.T) {
			name := func(i int) (string, string) { return fmt.Sprintf("u%d", i), fmt.Sprintf("u%d.unknown.example.com", i) }
			for i := range 5 {
				name, host := name(i)
				c.west.put(t, c.policy("unknown", name, host, withClass("five")))
			}
			for i := range 5 {
				name, _ := name(i)
				c.programmed(t, time.Minute, "unknown", name, c.west)
			}
			for i := range 5 {
				name, host := name(i)
				c.west.put(t, c.policy("unknown", name, host, withClass("nope")))
			}
			for i := 5; i < 10; i++ {
				name, host := name(i)
				c.west.put(t, c.policy("unknown", name, host, withClass("five")))
			}
			stays(t, 15*time.Second, "five checks at most", c.atMost("unknown", 5))
			first, host := name(0)
			c.west.remove(t, "unknown", first)
			c.west.gone(t, time.Minute, "unknown", first)
			within(t, time.Minute, "no record of a policy that was deleted without its class", func(ctx context.Context) error {
				sets, err := c.sets(ctx, c.zone, host)
				if err == nil && len(sets) > 0 {
					err = fmt.Errorf("there is\n%s", told(sets))
				}
				return err
			})
		},
		"a finalizer that is taken off makes no room": func(t *testing.T) {
			for round := range 2 {
				for i := range 5 {
					c.west.put(t, c.policy("loose", fmt.Sprintf("p%d-%d", round, i), fmt.Sprintf("p%d-%d.loose.example.com", round, i), withClass("five")))
				}
				stays(t, 6*time.Second, "five checks at most", c.atMost("loose", 5))
				var list v1alpha1.FailoverPolicyList
				must(t, c.west.client.List(t.Context(), &list, client.InNamespace("loose")))
				for _, p := range list.Items {
					c.west.remove(t, "loose", p.Name)
					err := c.west.client.Patch(t.Context(), &p, client.RawPatch("application/merge-patch+json", []byte(`{"metadata":{"finalizers":null}}`)))
					must(t, client.IgnoreNotFound(err))
				}
			}
			stays(t, 5*time.Second, "five checks at most", c.atMost("loose", 5))
		},
	}
}

// atMost is an error when a namespace has more health checks in west than it may have.
func (c *city) atMost(namespace string, most int) func(context.Context) error {
	return func(ctx context.Context) error {
		checks, err := c.checks(ctx, namespace, c.west.Name)
		if err == nil && len(checks) > most {
			err = fmt.Errorf("%s has %d health checks in %s, its class allows %d", namespace, len(checks), c.west.Name, most)
		}
		return err
	}
}
