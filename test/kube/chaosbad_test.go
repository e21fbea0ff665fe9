//go:build kube

package kube

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/bulkhead-dns/bulkhead/api/v1alpha1"
	"github.com/bulkhead-dns/bulkhead/failover"
)

// A badTenant does what the rights to edit one namespace allow.
type badTenant struct {
	*chaos
	namespace string
	r         *rand.Rand
}

// misbehave lets a tenant do harm.
func (c *chaos) misbehave(ctx context.Context, namespace string, r *rand.Rand) {
	b := &badTenant{c, namespace, r}
	actions := []struct {
		often int
		do    func(context.Context, *site)
	}{
		{10, b.create}, {6, b.change}, {5, b.delete}, {3, b.rename}, {3, b.loosen}, {2, b.retain}, {3, b.reclass}, {3, b.stay}, {2, b.annotate},
		{1, b.scale}, {1, b.burst}, {1, b.deleteAll}, {1, b.swell},
	}
	total := 0
	for _, a := range actions {
		total += a.often
	}
	for ctx.Err() == nil {
		n := r.IntN(total)
		for _, a := range actions {
			if n -= a.often; n >= 0 {
				continue
			}
			for _, s := range c.shuffled(r)[:1+r.IntN(2)] {
				a.do(ctx, s)
			}
			break
		}
		pause(ctx, time.Duration(50+r.IntN(500))*time.Millisecond)
	}
}

func (b *badTenant) say(s *site, err error, format string, args ...any) {
	text := fmt.Sprintf(format, args...) + " in " + s.Name
	if err != nil {
		message := err.Error()
		text += ": " + message[:min(len(message), 120)]
	}
	b.journal.add(b.namespace, "%s", text)
}

func (b *badTenant) name() string { return fmt.Sprintf("h%d", b.r.IntN(10)) }

func (b *badTenant) own(name string) string { return name + "." + b.namespace + ".example.com" }

// hostname is mostly one that the tenant may have.
func (b *badTenant) hostname(name string) string {
	others := []string{
		"app0.good-0.example.com", "app1.good-1.example.com", "app.moving.example.com", "h0.bad-0.example.com", "h1.bad-1.example.com",
		"example.com", b.namespace + ".example.com", "app.example.org", "deep.down." + b.namespace + ".example.com",
		strayPrefix + "." + b.namespace + ".example.com", strings.Repeat("a", 63) + "." + b.namespace + ".example.com",
	}
	if b.r.IntN(3) == 0 {
		return others[b.r.IntN(len(others))]
	}
	return b.own(name)
}

// odd makes something of a policy that the tenant should not ask for, or nothing.
func (b *badTenant) odd() policyOption {
	check := func(f func(*failover.HealthCheck)) policyOption {
		return func(p *v1alpha1.FailoverPolicy) { f(&p.Spec.HealthCheck) }
	}
	options := []policyOption{
		func(*v1alpha1.FailoverPolicy) {},
		func(*v1alpha1.FailoverPolicy) {},
		func(*v1alpha1.FailoverPolicy) {},
		withPath("/none"),
		withPath("/" + b.namespace + "/" + strings.Repeat("x", 200)),
		withTarget("Ingress", "none"),
		withTarget("Service", "web"),
		withTarget("HTTPRoute", "none"),
		withClass("nope"),
		withRouting(failover.Routing{Policy: "Weighted"}),
		withRouting(failover.Routing{Policy: "Failover", Order: []string{"eu-west-1", "eu-central-1"}}),
		withRouting(failover.Routing{Policy: "Failover", Order: []string{"eu-central-1", "eu-west-1"}}),
		withRouting(failover.Routing{Policy: "Failover", Order: []string{"us-east-1", "us-east-2"}}),
		withRouting(failover.Routing{Policy: "Geolocation", Locations: map[string]failover.Location{"eu-west-1": {Country: "DE"}, "eu-central-1": {Country: "DE"}}}),
		check(func(h *failover.HealthCheck) { h.SearchString = "a\u0001" }),
		check(func(h *failover.HealthCheck) { h.SearchString = "nowhere" }),
		check(func(h *failover.HealthCheck) { h.Type = "TCP"; h.Path = "" }),
		check(func(h *failover.HealthCheck) { h.Type = "HTTPS" }),
		check(func(h *failover.HealthCheck) { h.HostHeader = "localhost" }),
		check(func(h *failover.HealthCheck) { n := 1 + b.r.IntN(10); h.RequestInterval = &n }),
		check(func(h *failover.HealthCheck) { n := 1 + b.r.IntN(65535); h.Port = &n }),
		check(func(h *failover.HealthCheck) { n := 1 + b.r.IntN(10); h.FailureThreshold = &n }),
		func(p *v1alpha1.FailoverPolicy) {
			p.Spec.Objectives = failover.Objective{RTO: failover.Duration(time.Second)}
		},
		func(p *v1alpha1.FailoverPolicy) {
			p.Spec.TargetRef, p.Spec.Regions = nil, []failover.Region{{Name: "eu-west-1", Addresses: []string{"127.0.0.1"}}, {Name: "eu-central-1", Addresses: []string{"169.254.169.254"}}}
		},
		func(p *v1alpha1.FailoverPolicy) { p.Spec.Regions = []failover.Region{{Name: "ap-southeast-2"}} },
		func(p *v1alpha1.FailoverPolicy) { p.Labels = map[string]string{"a": "b"} },
	}
	return options[b.r.IntN(len(options))]
}

func (b *badTenant) create(ctx context.Context, s *site) {
	name := b.name()
	p := b.city.policy(b.namespace, name, b.hostname(name), b.odd(), b.odd())
	err := s.client.Create(ctx, p)
	b.say(s, err, "makes %s for %s: %s", name, p.Spec.Hostname, spec(p))
}

// change gives a policy that is there another spec.
func (b *badTenant) change(ctx context.Context, s *site) {
	name := b.name()
	there, err := s.get(ctx, b.namespace, name)
	if err == nil {
		p := b.city.policy(b.namespace, name, there.Spec.Hostname, b.odd(), b.odd())
		there.Spec = p.Spec
		err = s.client.Update(ctx, there)
	}
	b.say(s, err, "changes %s: %s", name, spec(there))
}

func spec(p *v1alpha1.FailoverPolicy) string {
	return fmt.Sprintf("%+v %+v %+v", p.Spec.Routing, p.Spec.TargetRef, p.Spec.HealthCheck.Path)
}

func (b *badTenant) delete(ctx context.Context, s *site) {
	name := b.name()
	b.say(s, s.client.Delete(ctx, b.city.policy(b.namespace, name, "any.example.com")), "deletes %s", name)
}

// rename lets another policy ask for the hostname of one that goes.
func (b *badTenant) rename(ctx context.Context, s *site) {
	from, to := b.name(), b.name()
	there, err := s.get(ctx, b.namespace, from)
	if err != nil {
		return
	}
	p := b.city.policy(b.namespace, to, there.Spec.Hostname, b.odd())
	if b.r.IntN(2) == 0 {
		err = s.client.Delete(ctx, there)
		b.say(s, err, "deletes %s", from)
	}
	b.say(s, s.client.Create(ctx, p), "makes %s for %s of %s", to, p.Spec.Hostname, from)
}

func (b *badTenant) patch(ctx context.Context, s *site, name, patch string) {
	err := s.client.Patch(ctx, b.city.policy(b.namespace, name, "any.example.com"), client.RawPatch("application/merge-patch+json", []byte(patch)))
	b.say(s, err, "patches %s with %s", name, patch)
}

// loosen takes all finalizers off, and mostly deletes the policy then.
func (b *badTenant) loosen(ctx context.Context, s *site) {
	name := b.name()
	if b.r.IntN(2) == 0 {
		b.say(s, s.client.Delete(ctx, b.city.policy(b.namespace, name, "any.example.com")), "deletes %s", name)
	}
	b.patch(ctx, s, name, `{"metadata":{"finalizers":null}}`)
}

// retain asks for what the class does not allow: that a deleted policy's check and record stay.
func (b *badTenant) retain(ctx context.Context, s *site) {
	name := b.name()
	b.patch(ctx, s, name, fmt.Sprintf(`{"metadata":{"annotations":{%q:%q}}}`, v1alpha1.DeletionPolicyAnnotation, v1alpha1.Retain))
	b.say(s, s.client.Delete(ctx, b.city.policy(b.namespace, name, "any.example.com")), "deletes %s", name)
}

func (b *badTenant) reclass(ctx context.Context, s *site) {
	classes := []string{`{"name":"nope"}`, `{"name":"default"}`, "null"}
	b.patch(ctx, s, b.name(), fmt.Sprintf(`{"spec":{"classRef":%s}}`, classes[b.r.IntN(len(classes))]))
}

// stay keeps a policy in deletion, or lets it go.
func (b *badTenant) stay(ctx context.Context, s *site) {
	finalizers := []string{fmt.Sprintf("[%q,%q]", v1alpha1.Finalizer, strayFinalizer), fmt.Sprintf("[%q]", v1alpha1.Finalizer)}
	b.patch(ctx, s, b.name(), fmt.Sprintf(`{"metadata":{"finalizers":%s}}`, finalizers[b.r.IntN(2)]))
}

// annotatedPrefix begins the names of Ingresses that ask for failover by annotation, and those of what is made for them.
const annotatedPrefix = "i"

// annotate has an Ingress ask for failover, in order or not, or goes back on it.
func (b *badTenant) annotate(ctx context.Context, s *site) {
	name := fmt.Sprintf("%s%d", annotatedPrefix, b.r.IntN(3))
	host := b.own(b.name())
	annotations := []string{
		`bulkhead.dev/failover: "true", bulkhead.dev/path: /` + b.namespace + fmt.Sprintf(`, bulkhead.dev/port: "%d"`, b.west.loadBalancer.Port),
		`bulkhead.dev/failover: "true", bulkhead.dev/path: /none`,
		`bulkhead.dev/failover: "` + strings.Repeat("x.example.com,", 30) + `"`,
		`bulkhead.dev/failover: "true", bulkhead.dev/search-string: "a\u0001"`,
		`bulkhead.dev/failover: "maybe", bulkhead.dev/request-interval: never`,
		``,
	}
	chosen := annotations[b.r.IntN(len(annotations))]
	err := s.Apply(ctx, fmt.Sprintf(`
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: %s, namespace: %s, annotations: {%s}}
spec:
  ingressClassName: alb
  rules: [{host: %s, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]
`, name, b.namespace, chosen, host))
	b.say(s, err, "applies the Ingress %s for %s: %s", name, host, chosen)
}

func (b *badTenant) scale(ctx context.Context, s *site) {
	replicas := fmt.Sprintf("--replicas=%d", b.r.IntN(2))
	_, err := s.Kubectl(ctx, "-n", b.namespace, "scale", "deployment", "web", replicas)
	b.say(s, err, "scales: %s", replicas)
}

// burst asks for more than the quota at once.
func (b *badTenant) burst(ctx context.Context, s *site) {
	for i := range 10 {
		name := fmt.Sprintf("h%d", i)
		b.say(s, s.client.Create(ctx, b.city.policy(b.namespace, name, b.own(name))), "makes %s", name)
	}
}

func (b *badTenant) deleteAll(ctx context.Context, s *site) {
	b.say(s, s.client.DeleteAllOf(ctx, &v1alpha1.FailoverPolicy{}, client.InNamespace(b.namespace)), "deletes all")
}

// swell gives an object that concerns nobody a large annotation.
func (b *badTenant) swell(ctx context.Context, s *site) {
	patch := fmt.Sprintf(`{"metadata":{"annotations":{"example.com/large":%q}}}`, strings.Repeat("x", 200_000))
	web := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: b.namespace, Name: "web"}}
	b.say(s, s.client.Patch(ctx, web, client.RawPatch("application/merge-patch+json", []byte(patch))), "gives the Service web a large annotation")
}

// The faults of Route 53 that callers meet. r53: C.8
var (
	throttled = &fault{http.StatusBadRequest, "Throttling", "Rate exceeded"}
	broken    = &fault{http.StatusInternalServerError, "InternalFailure", "We encountered an internal error. Please try again."}
	silent    = &fault{}
)

// disturb breaks what controllers need, one thing at a time, with quiet in between.
func (c *chaos) disturb(ctx context.Context, r *rand.Rand) {
	for pause(ctx, time.Duration(5+r.IntN(20))*time.Second); ctx.Err() == nil; pause(ctx, time.Duration(15+r.IntN(20))*time.Second) {
		sites := c.shuffled(r)[:1+r.IntN(2)]
		switch r.IntN(4) {
		case 0:
			c.breakAPI(ctx, []apiMode{apiHangs, apiFails, apiCuts}[r.IntN(3)], time.Duration(1+r.IntN(8))*time.Second, sites)
		case 1:
			f := []*fault{throttled, broken, silent}[r.IntN(3)]
			c.breakRoute53(ctx, f, 1+r.IntN(100), time.Duration(2+r.IntN(8))*time.Second, sites)
		default:
			c.killController(ctx, time.Duration(r.IntN(3000))*time.Millisecond, sites)
		}
	}
}

// How long a controller may take until it works again: the API machinery's own pauses between attempts grow to thirty seconds, and a call
// of Route 53 that was not answered is given up after twenty.
const (
	noticeAPI     = 20 * time.Second
	noticeRoute53 = 25 * time.Second
	noticeStart   = 10 * time.Second
)

func (c *chaos) breakAPI(ctx context.Context, mode apiMode, lasts time.Duration, sites []*site) {
	c.outages.begin(sites...)
	for _, s := range sites {
		c.journal.add("OUTAGE", "the API server in %s %s for %s", s.Name, mode, lasts)
		c.apis[s].set(mode)
	}
	pause(ctx, lasts)
	for _, s := range sites {
		c.apis[s].set(apiAnswers)
	}
	c.journal.add("OUTAGE", "API servers answer")
	c.outages.end(noticeAPI, sites...)
}

func (c *chaos) breakRoute53(ctx context.Context, f *fault, percent int, lasts time.Duration, sites []*site) {
	c.outages.begin(sites...)
	for _, s := range sites {
		c.journal.add("OUTAGE", "Route 53 answers %d %% of the calls of %s with %d %s for %s", percent, s.Name, f.status, f.code, lasts)
		s.route53.misbehave(func(string) *fault {
			if rand.IntN(100) < percent {
				return f
			}
			return nil
		})
	}
	pause(ctx, lasts)
	for _, s := range sites {
		s.route53.misbehave(nil)
	}
	c.journal.add("OUTAGE", "Route 53 answers")
	c.outages.end(noticeRoute53, sites...)
}

func (c *chaos) killController(ctx context.Context, lasts time.Duration, sites []*site) {
	c.outages.begin(sites...)
	for _, s := range sites {
		c.journal.add("OUTAGE", "the controller in %s is killed, for %s", s.Name, lasts)
		c.did(ctx, c.controller(s).kill())
	}
	pause(ctx, lasts)
	for _, s := range sites {
		if err := c.boot(s); err != nil {
			c.violated("controllers", "start the controller: %v", err)
		}
	}
	c.journal.add("OUTAGE", "controllers run")
	c.outages.end(noticeStart, sites...)
}
