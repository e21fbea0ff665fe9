//go:build kube

package kube

import (
	"context"
	"fmt"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/bulkhead-dns/bulkhead/api/v1alpha1"
)

// Another object asks for the hostname of one that goes: it takes record and check over, and nobody is answered with nothing.
func (c *city) successors() map[string]func(*testing.T) {
	const takeover = 30 * time.Second
	return map[string]func(*testing.T){
		"a policy is renamed, the old one deleted first": func(t *testing.T) {
			const host = "app.rename-a.example.com"
			c.established(t, "rename-a", "old", host)
			for _, s := range c.sites() {
				s.remove(t, "rename-a", "old")
				s.put(t, c.policy("rename-a", "new", host))
			}
			c.succeeded(t, takeover, "rename-a", "new", host)
		},
		"a policy is renamed, the new one made first": func(t *testing.T) {
			const host = "app.rename-b.example.com"
			c.established(t, "rename-b", "old", host)
			for _, s := range c.sites() {
				s.put(t, c.policy("rename-b", "new", host))
				s.remove(t, "rename-b", "old")
			}
			c.succeeded(t, takeover, "rename-b", "new", host)
		},
		"a policy is renamed, in one cluster long after the other": func(t *testing.T) {
			const host = "app.rename-c.example.com"
			c.established(t, "rename-c", "old", host)
			rename := func(s *site) {
				s.put(t, c.policy("rename-c", "new", host))
				s.remove(t, "rename-c", "old")
			}
			rename(c.west)
			c.programmed(t, takeover, "rename-c", "new", c.west)
			// Longer than the grace of a deleted policy's record.
			stays(t, 20*time.Second, "records of both Regions", func(ctx context.Context) error {
				sets, err := c.sets(ctx, c.zone, host)
				if err == nil && len(sets) != 2 {
					err = fmt.Errorf("there are %d:\n%s", len(sets), told(sets))
				}
				return err
			})
			rename(c.central)
			c.succeeded(t, takeover, "rename-c", "new", host)
		},
		"a policy moves to another namespace": func(t *testing.T) {
			const host = "app.shared.example.com"
			c.established(t, "move-a", "app", host)
			for _, s := range c.sites() {
				s.put(t, c.policy("move-b", "app", host))
				s.remove(t, "move-a", "app")
			}
			c.succeeded(t, takeover, "move-b", "app", host)
			c.nothingLeft(t, "move-a")
		},
		"a policy takes the place of an annotated Ingress": func(t *testing.T) {
			const host = "app.annotated-a.example.com"
			for _, s := range c.sites() {
				must(t, s.Apply(t.Context(), c.annotatedIngress("annotated-a", "app", host, true)))
			}
			c.answers(t, host)
			for _, s := range c.sites() {
				s.put(t, c.policy("annotated-a", "app", host, withTarget("Ingress", "app")))
			}
			c.programmed(t, takeover, "annotated-a", "app", c.sites()...)
			for _, s := range c.sites() {
				must(t, s.Apply(t.Context(), c.annotatedIngress("annotated-a", "app", host, false)))
			}
			for _, s := range c.sites() {
				stays(t, 10*time.Second, "the policy in "+s.Name, func(ctx context.Context) error {
					return s.condition(ctx, "annotated-a", "app", v1alpha1.ConditionProgrammed, metav1.ConditionTrue)
				})
			}
			c.succeeded(t, takeover, "annotated-a", "app", host)
		},
		"an annotated Ingress is renamed": func(t *testing.T) {
			const host = "app.annotated-b.example.com"
			for _, s := range c.sites() {
				must(t, s.Apply(t.Context(), c.annotatedIngress("annotated-b", "old", host, true)))
			}
			c.answers(t, host)
			for _, s := range c.sites() {
				must(t, s.Apply(t.Context(), c.annotatedIngress("annotated-b", "new", host, true)))
				kubectl(t, s.Region, "annotated-b", "delete", "ingress", "old")
			}
			within(t, 2*time.Minute, "only the new Ingress has checks", func(ctx context.Context) error {
				checks, err := c.checks(ctx, "annotated-b", "")
				if err == nil && len(checks) != 2 {
					err = fmt.Errorf("there are %d, want one for each Region", len(checks))
				}
				return err
			})
			c.bothRegions(t, takeover, host)
			c.neverEmpty(t, host)
		},
		"a policy is deleted and applied again at once": func(t *testing.T) {
			const host = "app.again.example.com"
			c.established(t, "again", "app", host)
			for _, s := range c.sites() {
				s.remove(t, "again", "app")
			}
			for _, s := range c.sites() { // as a GitOps tool does: until it is there
				within(t, time.Minute, "the policy is applied in "+s.Name, func(ctx context.Context) error {
					p, err := s.get(ctx, "again", "app")
					if err == nil && p.DeletionTimestamp != nil {
						return fmt.Errorf("it is in deletion")
					}
					if apierrors.IsNotFound(err) {
						err = s.client.Create(ctx, c.policy("again", "app", host))
					}
					return err
				})
			}
			c.succeeded(t, takeover, "again", "app", host)
		},
		"a finalizer that was taken off is put back": func(t *testing.T) {
			const host = "app.replaced.example.com"
			c.established(t, "replaced", "app", host)
			s := c.west
			p, err := s.get(t.Context(), "replaced", "app")
			must(t, err)
			p.Finalizers = nil
			must(t, s.client.Update(t.Context(), p))
			within(t, 5*time.Second, "the finalizer is back", func(ctx context.Context) error {
				p, err := s.get(ctx, "replaced", "app")
				if err == nil && len(p.Finalizers) == 0 {
					err = fmt.Errorf("there is none")
				}
				return err
			})
			s.remove(t, "replaced", "app")
			s.gone(t, time.Minute, "replaced", "app")
			within(t, time.Minute, "no record of "+s.Name, func(ctx context.Context) error {
				sets, err := c.sets(ctx, c.zone, host)
				if err == nil && len(sets) != 1 {
					err = fmt.Errorf("want central's alone:\n%s", told(sets))
				}
				return err
			})
			c.neverEmpty(t, host)
		},
	}
}

// established makes a policy in both clusters and waits until both are programmed and answered with.
func (c *city) established(t *testing.T, namespace, name, host string, options ...policyOption) {
	t.Helper()
	c.establish(t, c.policy(namespace, name, host, options...))
}

func (c *city) establish(t *testing.T, p *v1alpha1.FailoverPolicy) {
	t.Helper()
	for _, s := range c.sites() {
		s.put(t, p)
	}
	c.programmed(t, time.Minute, p.Namespace, p.Name, c.sites()...)
	c.answers(t, p.Spec.Hostname)
	c.bothRegions(t, 10*time.Second, p.Spec.Hostname)
}

// bothRegions waits until a hostname has a record of each Region.
func (c *city) bothRegions(t *testing.T, limit time.Duration, host string) {
	t.Helper()
	within(t, limit, "records of both Regions for "+host, func(ctx context.Context) error {
		sets, err := c.sets(ctx, c.zone, host)
		if err == nil && len(sets) != 2 {
			err = fmt.Errorf("there are %d:\n%s", len(sets), told(sets))
		}
		return err
	})
}

// succeeded waits until a policy is programmed in both clusters and nothing else has the hostname, and sees that nobody was answered with
// nothing.
func (c *city) succeeded(t *testing.T, limit time.Duration, namespace, name, host string) {
	t.Helper()
	took := c.programmed(t, limit, namespace, name, c.sites()...)
	t.Logf("%s/%s is programmed in both clusters after %s", namespace, name, took)
	c.bothRegions(t, limit, host)
	for _, s := range c.sites() {
		within(t, time.Minute, "only the successor is left in "+s.Name, func(ctx context.Context) error {
			var list v1alpha1.FailoverPolicyList
			if err := s.client.List(ctx, &list, client.InNamespace(namespace)); err != nil {
				return err
			}
			if len(list.Items) != 1 || list.Items[0].Name != name {
				return fmt.Errorf("there are %d policies, one is %s", len(list.Items), describe(&list.Items[0]))
			}
			return nil
		})
	}
	c.neverEmpty(t, host)
}

// nothingLeft waits until a namespace has no health check at Route 53.
func (c *city) nothingLeft(t *testing.T, namespace string) {
	t.Helper()
	within(t, time.Minute, "no health check of "+namespace, func(ctx context.Context) error {
		checks, err := c.checks(ctx, namespace, "")
		if err == nil && len(checks) > 0 {
			err = fmt.Errorf("there are %d, such as %s", len(checks), *checks[0].CallerReference)
		}
		return err
	})
}

// annotatedIngress is one that asks for failover by annotation, or does not any more.
func (c *city) annotatedIngress(namespace, name, host string, annotated bool) string {
	annotations := ""
	if annotated {
		annotations = fmt.Sprintf(`bulkhead.dev/failover: "true", bulkhead.dev/path: /%s, bulkhead.dev/port: "%d"`, namespace, c.west.loadBalancer.Port)
	}
	return fmt.Sprintf(`
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: %s
  namespace: %s
  annotations: {%s}
spec:
  ingressClassName: alb
  rules:
    - host: %s
      http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}
`, name, namespace, annotations, host)
}
