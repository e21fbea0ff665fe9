//go:build kube

package kube

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/bulkhead-dns/bulkhead/api/v1alpha1"
	"github.com/bulkhead-dns/bulkhead/failover"
)

// What a tenant takes of what all share: memory and time of the controller, and what may be deleted at once. Each cluster is a story of its own.
func TestTenantsTakeNoMoreThanTheirShare(t *testing.T) {
	t.Parallel()
	c := startCity(t, Options{}, "cityclasses.yaml", "memory", "idle", "denied", "churn", "single", "thirty", "many", "few")
	cases(t, map[string]func(*testing.T){
		"memory and time": func(t *testing.T) {
			r := c.startController(t, c.west)
			t.Run("memory", func(t *testing.T) { c.memoryBounded(t, r) })
			t.Run("refusals are idle", func(t *testing.T) { c.idle(t, r) })
		},
		"rights and deletions": func(t *testing.T) {
			c.central.route53.misbehave(func(string) *fault { return denied })
			r := c.startController(t, c.central)
			t.Run("no rights at Route 53", func(t *testing.T) { c.denied(t, r) })
			t.Run("a neighbour makes and deletes all the time", c.postponed)
			t.Run("a namespace is deleted", c.namespaceDeleted)
			t.Run("many checks are changed at once", c.manyChanged)
		},
	})
}

// memoryBounded lets a tenant make objects that are as large as an API server takes, or ask for many things in one.
func (c *city) memoryBounded(t *testing.T, r *replica) {
	s, most := c.west, 0
	p := r.process
	s.put(t, c.policy("memory", "app", "app.memory.example.com"))
	c.programmed(t, time.Minute, "memory", "app", s)
	before, err := p.resident()
	must(t, err)
	var hosts, names []string
	for i := range 300 {
		hosts = append(hosts, fmt.Sprintf("{host: h%05d.memory.example.com}", i))
	}
	for i := range 150 {
		names = append(names, fmt.Sprintf("%x", i))
	}
	must(t, s.Apply(t.Context(), fmt.Sprintf(`{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: wide, namespace: memory,
		annotations: {bulkhead.dev/failover: "%s"}}, spec: {ingressClassName: none, rules: [%s]}}`, strings.Join(names, ","), strings.Join(hosts, ", "))))
	happened(t, s, v1alpha1.EventRefused, "wide")
	large := strings.Repeat("x", 250_000)
	for i := range 100 {
		must(t, s.client.Create(t.Context(), &corev1.Service{
			ObjectMeta: metav1.ObjectMeta{Namespace: "memory", Name: fmt.Sprintf("large%d", i), Annotations: map[string]string{"example.com/large": large}},
			Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}},
		}))
	}
	stays(t, 10*time.Second, "the memory of the controller", func(context.Context) error {
		now, err := p.resident()
		if most = max(most, now); err == nil && now > before+50 {
			err = fmt.Errorf("%d MiB, %d before", now, before)
		}
		return err
	})
	t.Logf("the controller has had %d MiB, and %d at most with a wide Ingress and 25 MB of annotations", before, most)
	out := kubectl(t, s.Region, "memory", "get", "events.events.k8s.io", "-o", "jsonpath={range .items[*]}{.regarding.name}{\"\\n\"}{end}")
	if n := strings.Count(out, "wide\n"); n > 2 {
		t.Errorf("there are %d events about one Ingress, want one or two", n)
	}
	s.remove(t, "memory", "app")
}

// idle has policies refused for every reason there is, and sees that nothing is done about them.
func (c *city) idle(t *testing.T, r *replica) {
	s := c.west
	wanted := map[string]string{} // Accepted or Programmed, and its reason, by policy
	refuse := func(condition, reason, name, host string, options ...policyOption) {
		wanted[name] = condition + " " + reason
		s.put(t, c.policy("idle", name, host, options...))
	}
	own := func(name string) string { return name + ".idle.example.com" }
	must(t, s.Apply(t.Context(), strings.NewReplacer(s.values...).Replace(`
apiVersion: bulkhead.dev/v1alpha1
kind: FailoverClass
metadata: {name: strict}
spec:
  region: $REGION
  provider: engine
  endpoint: $ENDPOINT
  hostnames: [{namespaces: [idle], hostnames: ["*.idle.example.com", app.example.org]}]
  fastest: {requestInterval: 10, failureThreshold: 3}
  defaults: {requestInterval: 10, failureThreshold: 3}
---
apiVersion: bulkhead.dev/v1alpha1
kind: FailoverClass
metadata: {name: nowhere}
spec:
  provider: engine
  endpoint: $ENDPOINT
  hostnames: [{namespaces: [idle], hostnames: ["*.idle.example.com"]}]
`)))
	_, err := c.lab.Route53().ChangeResourceRecordSets(t.Context(), &route53.ChangeResourceRecordSetsInput{HostedZoneId: aws.String(c.zone),
		ChangeBatch: &types.ChangeBatch{Changes: []types.Change{{Action: types.ChangeActionCreate, ResourceRecordSet: &types.ResourceRecordSet{
			Name: aws.String(own("foreign")), Type: types.RRTypeA, TTL: aws.Int64(60), ResourceRecords: []types.ResourceRecord{{Value: aws.String("192.0.2.1")}}}}}}})
	must(t, err)

	for i := range 12 {
		s.put(t, c.policy("idle", fmt.Sprintf("leaves%d", i), own(fmt.Sprintf("leaves%d", i))))
	}
	s.put(t, c.policy("idle", "holder", own("held")))
	for i := range 12 {
		c.programmed(t, time.Minute, "idle", fmt.Sprintf("leaves%d", i), s)
	}
	c.programmed(t, time.Minute, "idle", "holder", s)
	refuse("Accepted", v1alpha1.ReasonHostnameRefused, "hostname", "app.thirty.example.com")
	refuse("Accepted", v1alpha1.ReasonZoneRefused, "zone", "app.example.org", withClass("strict"))
	refuse("Accepted", v1alpha1.ReasonTimersRefused, "timers", own("timers"), withClass("strict"), func(p *v1alpha1.FailoverPolicy) { p.Spec.HealthCheck.RequestInterval = aws.Int(1) })
	refuse("Accepted", v1alpha1.ReasonObjectivesUnmet, "objectives", own("objectives"), func(p *v1alpha1.FailoverPolicy) {
		p.Spec.Objectives = failover.Objective{RTO: failover.Duration(time.Second)}
	})
	refuse("Accepted", v1alpha1.ReasonHostnameHeld, "held", own("held"))
	refuse("Accepted", v1alpha1.ReasonNoClass, "class", own("class"), withClass("nope"))
	refuse("Accepted", v1alpha1.ReasonClassNotAccepted, "nowhere", own("nowhere"), withClass("nowhere"))
	refuse("Accepted", v1alpha1.ReasonInvalid, "region", own("region"), func(p *v1alpha1.FailoverPolicy) {
		p.Spec.Regions = []failover.Region{{Name: "ap-southeast-2"}}
	})
	for i := range 6 {
		s.put(t, c.policy("idle", fmt.Sprintf("q%d", i), own(fmt.Sprintf("q%d", i)), withClass("five")))
	}
	refuse("Programmed", v1alpha1.ReasonTargetNotFound, "target", own("target"), withTarget("Ingress", "none"))
	refuse("Programmed", v1alpha1.ReasonTargetNotReady, "unready", own("unready"), withTarget("Service", "web"))
	refuse("Programmed", v1alpha1.ReasonForeignRecord, "foreign", own("foreign"))
	refuse("Programmed", v1alpha1.ReasonPending, "never", own("never"), withPath("/none"))
	must(t, s.Apply(t.Context(), c.annotatedIngress("idle", "annotated", own("annotated"), true)))
	kubectl(t, s.Region, "idle", "annotate", "ingress", "annotated", "bulkhead.dev/request-interval=never")

	within(t, time.Minute, "every policy is told why it is refused", func(ctx context.Context) error {
		for name, want := range wanted {
			condition, reason, _ := strings.Cut(want, " ")
			p, err := s.get(ctx, "idle", name)
			if err != nil {
				return err
			}
			if got := meta.FindStatusCondition(p.Status.Conditions, condition); got == nil || got.Reason != reason {
				return fmt.Errorf("want %s of %s: %s", want, name, describe(p))
			}
		}
		return nil
	})
	// Deletions that a guard keeps, and one of a policy that never had a record.
	for i := range 12 {
		s.remove(t, "idle", fmt.Sprintf("leaves%d", i))
	}
	s.remove(t, "idle", "never")
	p := r.process
	busy, err := p.processor()
	must(t, err)
	began := time.Now()
	c.quiet(t, 90*time.Second, s)
	now, err := p.processor()
	must(t, err)
	t.Logf("the controller has used a processor %s of %s", now-busy, time.Since(began).Round(time.Second))
	for i := range 12 {
		s.remove(t, "idle", fmt.Sprintf("leaves%d", i))
	}
}

// denied sees that the cluster tells of a Route 53 that allows nothing; then it allows all.
func (c *city) denied(t *testing.T, r *replica) {
	s := c.central
	health := r.health
	ready := func(ctx context.Context) error {
		return answers(ctx, http.DefaultClient, "http://"+health+"/readyz")
	}
	s.put(t, c.policy("denied", "app", "app.denied.example.com"))
	// Ten seconds after the controller runs.
	within(t, time.Minute, "the controller runs", func(ctx context.Context) error {
		return answers(ctx, http.DefaultClient, "http://"+health+"/healthz")
	})
	words := []string{"AccessDenied", "route53:ListHostedZones"}
	within(t, 10*time.Second, "the policy is told", func(ctx context.Context) error { return s.tells(ctx, "denied", "app", words[1]) })
	within(t, 10*time.Second, "the class is told", func(ctx context.Context) error {
		out, err := s.Kubectl(ctx, "get", "failoverclass", "default", "-o", "jsonpath={.status.conditions}")
		for _, w := range words {
			if err == nil && !strings.Contains(out, w) {
				err = fmt.Errorf("no word of %q: %s", w, out)
			}
		}
		return err
	})
	within(t, 10*time.Second, "an event", func(ctx context.Context) error {
		out, err := s.Kubectl(ctx, "get", "events.events.k8s.io", "--all-namespaces", "-o", "jsonpath={.items[*].note}")
		if err == nil && !strings.Contains(out, words[0]) {
			err = fmt.Errorf("no word of %q: %s", words[0], out)
		}
		return err
	})
	within(t, 10*time.Second, "it is not ready", func(ctx context.Context) error {
		if ready(ctx) == nil {
			return errors.New("it is")
		}
		return nil
	})
	s.route53.misbehave(nil)
	c.programmed(t, time.Minute, "denied", "app", s)
	within(t, 10*time.Second, "it is ready", ready)
}

// postponed deletes a policy while another tenant makes and deletes policies, and keeps them in deletion.
func (c *city) postponed(t *testing.T) {
	s := c.central
	s.put(t, c.policy("single", "tmp", "tmp.single.example.com"))
	c.programmed(t, time.Minute, "single", "tmp", s)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for i := 0; ctx.Err() == nil; i++ {
			p := c.policy("churn", fmt.Sprintf("k%d", i), fmt.Sprintf("k%d.churn.example.com", i), withTarget("Ingress", "none"))
			p.Finalizers = []string{strayFinalizer}
			s.client.Create(ctx, p)
			s.client.Delete(ctx, p)
			if i > 5 {
				old := c.policy("churn", fmt.Sprintf("k%d", i-5), "any.example.com")
				s.client.Patch(ctx, old, client.RawPatch("application/merge-patch+json", []byte(`{"metadata":{"finalizers":null}}`)))
			}
			pause(ctx, 500*time.Millisecond)
		}
	}()
	pause(ctx, 3*time.Second)
	s.remove(t, "single", "tmp")
	took := c.removed(t, 40*time.Second, s, "single", "tmp")
	stop()
	<-ended
	t.Logf("the deletion is carried out after %s", took)
	var list v1alpha1.FailoverPolicyList
	must(t, s.client.List(t.Context(), &list, client.InNamespace("churn")))
	for _, p := range list.Items {
		must(t, client.IgnoreNotFound(s.client.Patch(t.Context(), &p, client.RawPatch("application/merge-patch+json", []byte(`{"metadata":{"finalizers":null}}`)))))
	}
}

// namespaceDeleted deletes all that one tenant has, and sees what becomes of other tenants' deletions, before and after somebody has given
// the word that it waits for.
func (c *city) namespaceDeleted(t *testing.T) {
	s := c.central
	for i := range 30 {
		s.put(t, c.policy("thirty", fmt.Sprintf("p%d", i), fmt.Sprintf("p%d.thirty.example.com", i)))
	}
	for i := range 3 {
		s.put(t, c.policy("single", fmt.Sprintf("p%d", i), fmt.Sprintf("p%d.single.example.com", i)))
	}
	for i := range 30 {
		c.programmed(t, time.Minute, "thirty", fmt.Sprintf("p%d", i), s)
	}
	for i := range 3 {
		c.programmed(t, time.Minute, "single", fmt.Sprintf("p%d", i), s)
	}
	must(t, s.client.DeleteAllOf(t.Context(), &v1alpha1.FailoverPolicy{}, client.InNamespace("thirty")))
	s.remove(t, "single", "p0")
	t.Logf("another tenant's deletion is carried out after %s", c.removed(t, 40*time.Second, s, "single", "p0"))
	within(t, 30*time.Second, "the class says that the deletions wait for a word", func(ctx context.Context) error {
		var class v1alpha1.FailoverClass
		if err := s.client.Get(ctx, client.ObjectKey{Name: "default"}, &class); err != nil {
			return err
		}
		if !slices.ContainsFunc(class.Status.Conditions, func(c metav1.Condition) bool { return forcePlan.MatchString(c.Message) }) {
			return fmt.Errorf("its conditions are %+v", class.Status.Conditions)
		}
		return nil
	})
	stays(t, 12*time.Second, "what waits for a word", func(ctx context.Context) error { // longer than the grace of deleted policies
		checks, err := c.checks(ctx, "thirty", s.Name)
		if err == nil && len(checks) != 30 {
			err = fmt.Errorf("there are %d of 30 health checks", len(checks))
		}
		return err
	})
	must(t, s.force(t.Context()))
	within(t, time.Minute, "all that was forced is gone", func(ctx context.Context) error {
		if left := c.left(t, s, "thirty"); len(left) > 0 {
			return fmt.Errorf("%d are left, such as %s", len(left), left[0])
		}
		checks, err := c.checks(ctx, "thirty", s.Name)
		if err == nil && len(checks) > 0 {
			err = fmt.Errorf("there are %d health checks", len(checks))
		}
		return err
	})
	s.remove(t, "single", "p1")
	t.Logf("after that, another deletion is carried out after %s", c.removed(t, 40*time.Second, s, "single", "p1"))
}

// removed waits until a policy is no more in a cluster, nor is its record: that stays for a while for a successor.
func (c *city) removed(t *testing.T, limit time.Duration, s *site, namespace, name string) time.Duration {
	t.Helper()
	began := time.Now()
	s.gone(t, limit, namespace, name)
	within(t, limit-time.Since(began), "no record of "+name, func(ctx context.Context) error {
		sets, err := c.sets(ctx, c.zone, name+"."+namespace+".example.com")
		if err == nil && slices.ContainsFunc(sets, func(r types.ResourceRecordSet) bool { return aws.ToString(r.SetIdentifier) == s.Name }) {
			err = fmt.Errorf("there is\n%s", told(sets))
		}
		return err
	})
	return time.Since(began).Round(10 * time.Millisecond)
}

// left tells the policies that a namespace has.
func (c *city) left(t *testing.T, s *site, namespace string) (all []string) {
	t.Helper()
	var list v1alpha1.FailoverPolicyList
	must(t, s.client.List(t.Context(), &list, client.InNamespace(namespace)))
	for _, p := range list.Items {
		all = append(all, describe(&p))
	}
	return all
}

// manyChanged changes most checks of the Region at once, all of one tenant.
func (c *city) manyChanged(t *testing.T) {
	s := c.central
	for i := range 20 {
		s.put(t, c.policy("many", fmt.Sprintf("p%d", i), fmt.Sprintf("p%d.many.example.com", i)))
	}
	s.put(t, c.policy("few", "app", "app.few.example.com"))
	for i := range 20 {
		c.programmed(t, time.Minute, "many", fmt.Sprintf("p%d", i), s)
	}
	c.programmed(t, time.Minute, "few", "app", s)
	for i := range 20 {
		s.put(t, c.policy("many", fmt.Sprintf("p%d", i), fmt.Sprintf("p%d.many.example.com", i), func(p *v1alpha1.FailoverPolicy) {
			p.Spec.HealthCheck.FailureThreshold = aws.Int(9)
		}))
	}
	for range 3 {
		c.quick(t, s, c.policy("few", "app", "app.few.example.com"))
	}
	s.put(t, c.policy("few", "new", "new.few.example.com"))
	c.programmed(t, arrives, "few", "new", s)
}
