//go:build kube

package kube

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/bulkhead-dns/bulkhead/api/v1alpha1"
	"github.com/bulkhead-dns/bulkhead/failover"
)

// A city is two clusters in which many tenants live: in each a controller, load balancers for Ingresses, and a class that lets namespaces
// have the names below their own.
type city struct {
	*world
	watcher *watcher
	apis    map[*site]*apiProxy // what controllers have between them and the API server
	zone    string              // id of example.com
	hurried bool                // verdicts are read every second, which is three times as often as by default, and do not count as work
}

// startCity starts one with what a file of testdata says about classes, and tenants.
func startCity(t *testing.T, o Options, classes string, tenants ...string) *city {
	t.Helper()
	o.Nodes = 1
	c := &city{world: startWorld(t, o), apis: map[*site]*apiProxy{}, hurried: true}
	c.watcher, c.zone = c.watch(t), c.zoneID(t)
	var starting sync.WaitGroup
	for _, s := range c.sites() {
		c.apis[s] = s.proxyAPI(t)
		s.startIngresses(t, c.world)
		s.apply(t, classes)
		starting.Go(func() {
			if err := s.Apply(t.Context(), tenantManifests(t, tenants...)); err != nil {
				t.Error(err)
			}
		})
	}
	starting.Wait()
	if t.Failed() {
		t.FailNow()
	}
	for _, s := range c.sites() {
		eventually(t, "load balancers of Ingresses in "+s.Name, func(ctx context.Context) error {
			for _, tenant := range tenants {
				out, err := s.Kubectl(ctx, "-n", tenant, "get", "ingress", "web", "-o", "jsonpath={.status.loadBalancer.ingress[*].hostname}")
				if err != nil {
					return err
				}
				if out == "" {
					return fmt.Errorf("%s/web has none", tenant)
				}
			}
			return nil
		})
	}
	return c
}

// zoneID is the id of the lab's hosted zone.
func (w *world) zoneID(t *testing.T) string {
	t.Helper()
	zones, err := w.lab.Route53().ListHostedZones(t.Context(), &route53.ListHostedZonesInput{})
	must(t, err)
	return aws.ToString(zones.HostedZones[0].Id)
}

// tenantManifests are what every tenant has: a namespace, an application and an Ingress.
func tenantManifests(t *testing.T, tenants ...string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", "tenant.yaml"))
	must(t, err)
	var all []string
	for _, tenant := range tenants {
		all = append(all, strings.ReplaceAll(string(content), "$TENANT", tenant))
	}
	return strings.Join(all, "\n---\n")
}

// startController starts the controller of a cluster with short pauses.
func (c *city) startController(t *testing.T, s *site, args ...string) *replica {
	t.Helper()
	return s.startReplica(t, c.world, "controller", append([]string{"--kubeconfig=" + c.apis[s].kubeconfig, "--resync=10s"}, args...)...)
}

// quiet waits until clusters write nothing, and call Route 53 less than once a second, for ten seconds.
func (c *city) quiet(t *testing.T, limit time.Duration, sites ...*site) {
	t.Helper()
	const lasts = 10 * time.Second
	busy := func() error {
		for _, s := range sites {
			writes, made := c.apis[s].counted(), s.route53.counted()
			maps.DeleteFunc(writes, func(what string, _ int) bool { return strings.HasSuffix(what, " leases") })
			if c.hurried {
				maps.DeleteFunc(made, func(call string, _ int) bool {
					return call == "GetHealthCheckStatus" || strings.HasSuffix(call, "GetMetricData")
				})
			}
			if len(writes) > 0 || made.sum() >= int(lasts/time.Second) {
				return fmt.Errorf("%s has written %v, and called Route 53: %s", s.Name, writes, made)
			}
		}
		return nil
	}
	last := errors.New("nothing is known")
	for end := time.Now().Add(limit); time.Now().Before(end); {
		for _, s := range sites {
			s.route53.took()
			c.apis[s].took()
		}
		began := time.Now()
		err := Await(t.Context(), "something is done", lasts, func(context.Context) error {
			if busy() == nil {
				return errors.New("nothing is done")
			}
			return nil
		})
		if err != nil && t.Context().Err() == nil {
			for _, s := range sites {
				t.Logf("%s, in ten seconds without changes: %s", s.Name, s.route53.took())
			}
			return
		}
		last = fmt.Errorf("within %s %w", time.Since(began).Round(time.Millisecond), busy())
	}
	t.Fatalf("something is done although nothing changes: not quiet within %s: %v", limit, last)
}

var forcePlan = regexp.MustCompile(regexp.QuoteMeta(v1alpha1.ForcePlanAnnotation) + `=(\w+)`)

// force gives the word that a refused plan of the default class waits for.
func (s *site) force(ctx context.Context) error {
	var class v1alpha1.FailoverClass
	if err := s.client.Get(ctx, client.ObjectKey{Name: "default"}, &class); err != nil {
		return err
	}
	for _, condition := range class.Status.Conditions {
		found := forcePlan.FindStringSubmatch(condition.Message)
		if condition.Type != v1alpha1.ConditionPlanRefused || condition.Status != metav1.ConditionTrue || found == nil ||
			class.Annotations[v1alpha1.ForcePlanAnnotation] == found[1] {
			continue
		}
		patch := fmt.Appendf(nil, `{"metadata":{"annotations":{%q:%q}}}`, v1alpha1.ForcePlanAnnotation, found[1])
		return s.client.Patch(ctx, &class, client.RawPatch("application/merge-patch+json", patch))
	}
	return nil
}

// A policyOption changes a policy before it is made.
type policyOption func(*v1alpha1.FailoverPolicy)

// policy is one that is in order: for the Ingress of its namespace, with a health check that succeeds.
func (c *city) policy(namespace, name, hostname string, options ...policyOption) *v1alpha1.FailoverPolicy {
	port := c.west.loadBalancer.Port
	p := &v1alpha1.FailoverPolicy{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: failover.PolicySpec{
			Hostname:    hostname,
			TargetRef:   &failover.TargetRef{Kind: failover.IngressTarget, Name: "web"},
			HealthCheck: failover.HealthCheck{Port: &port, Path: "/" + namespace + "/" + hostname},
		},
	}
	for _, o := range options {
		o(p)
	}
	return p
}

func withPath(path string) policyOption {
	return func(p *v1alpha1.FailoverPolicy) { p.Spec.HealthCheck.Path = path }
}

func withClass(name string) policyOption {
	return func(p *v1alpha1.FailoverPolicy) { p.Spec.ClassRef = &failover.ClassRef{Name: name} }
}

func withRouting(r failover.Routing) policyOption {
	return func(p *v1alpha1.FailoverPolicy) { p.Spec.Routing = r }
}

func withTarget(kind, name string) policyOption {
	return func(p *v1alpha1.FailoverPolicy) { p.Spec.TargetRef = &failover.TargetRef{Kind: kind, Name: name} }
}

// put makes a policy, or gives one that exists the spec and the annotations.
func (s *site) put(t *testing.T, p *v1alpha1.FailoverPolicy) {
	t.Helper()
	must(t, s.putPolicy(t.Context(), p))
}

func (s *site) putPolicy(ctx context.Context, p *v1alpha1.FailoverPolicy) error {
	for {
		err := s.client.Create(ctx, p.DeepCopy())
		if !apierrors.IsAlreadyExists(err) {
			return err
		}
		var there v1alpha1.FailoverPolicy
		if err := s.client.Get(ctx, client.ObjectKeyFromObject(p), &there); err != nil {
			if apierrors.IsNotFound(err) {
				continue
			}
			return err
		}
		there.Spec, there.Annotations = p.Spec, p.Annotations
		if err := s.client.Update(ctx, &there); !apierrors.IsConflict(err) {
			return err
		}
	}
}

// remove deletes policies and does not wait.
func (s *site) remove(t *testing.T, namespace string, names ...string) {
	t.Helper()
	for _, name := range names {
		err := s.client.Delete(t.Context(), &v1alpha1.FailoverPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}})
		must(t, client.IgnoreNotFound(err))
	}
}

// get reads a policy.
func (s *site) get(ctx context.Context, namespace, name string) (*v1alpha1.FailoverPolicy, error) {
	var p v1alpha1.FailoverPolicy
	err := s.client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, &p)
	return &p, err
}

// describe tells a policy's status in one line, for failures.
func describe(p *v1alpha1.FailoverPolicy) string {
	var all []string
	for _, c := range p.Status.Conditions {
		all = append(all, fmt.Sprintf("%s=%s %s %q", c.Type, c.Status, c.Reason, c.Message))
	}
	if p.DeletionTimestamp != nil {
		all = append(all, "in deletion since "+p.DeletionTimestamp.Format(time.TimeOnly))
	}
	return fmt.Sprintf("%s/%s: %s", p.Namespace, p.Name, strings.Join(all, "; "))
}

// within is eventually with a limit that is part of what is promised.
func within(t *testing.T, limit time.Duration, what string, check func(context.Context) error) time.Duration {
	t.Helper()
	began := time.Now()
	if err := Await(t.Context(), what, limit, check); err != nil {
		t.Fatal(err)
	}
	return time.Since(began).Round(10 * time.Millisecond)
}

// stays sees that a condition is met all the time.
func stays(t *testing.T, d time.Duration, what string, check func(context.Context) error) {
	t.Helper()
	tick := time.NewTicker(4 * pollInterval)
	defer tick.Stop()
	for end := time.After(d); ; {
		if err := check(t.Context()); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		select {
		case <-end:
			return
		case <-tick.C:
		}
	}
}

// condition is an error unless a policy's condition is what is given, for its spec as it is now.
func (s *site) condition(ctx context.Context, namespace, name, kind string, status metav1.ConditionStatus, reasons ...string) error {
	p, err := s.get(ctx, namespace, name)
	if err != nil {
		return err
	}
	c := meta.FindStatusCondition(p.Status.Conditions, kind)
	if c == nil || c.Status != status || c.ObservedGeneration != p.Generation || len(reasons) > 0 && !slices.Contains(reasons, c.Reason) {
		return fmt.Errorf("want %s=%s %v of generation %d in %s: %s", kind, status, reasons, p.Generation, s.Name, describe(p))
	}
	return nil
}

// programmed waits until a policy is programmed, as it is now, in clusters.
func (c *city) programmed(t *testing.T, limit time.Duration, namespace, name string, sites ...*site) time.Duration {
	t.Helper()
	began := time.Now()
	for _, s := range sites {
		within(t, limit-time.Since(began), fmt.Sprintf("%s/%s programmed in %s", namespace, name, s.Name), func(ctx context.Context) error {
			return s.condition(ctx, namespace, name, v1alpha1.ConditionProgrammed, metav1.ConditionTrue)
		})
	}
	return time.Since(began).Round(10 * time.Millisecond)
}

// gone waits until policies are no more in a cluster.
func (s *site) gone(t *testing.T, limit time.Duration, namespace string, names ...string) time.Duration {
	t.Helper()
	return within(t, limit, fmt.Sprintf("%s %v are gone in %s", namespace, names, s.Name), func(ctx context.Context) error {
		for _, name := range names {
			p, err := s.get(ctx, namespace, name)
			if err == nil {
				return fmt.Errorf("there is %s", describe(p))
			}
			if !apierrors.IsNotFound(err) {
				return err
			}
		}
		return nil
	})
}

// sets are the record sets of type A of a hostname, ordered by SetIdentifier.
func (c *city) sets(ctx context.Context, zone, hostname string) ([]types.ResourceRecordSet, error) {
	var sets []types.ResourceRecordSet
	pages := route53.NewListResourceRecordSetsPaginator(c.lab.Route53(), &route53.ListResourceRecordSetsInput{
		HostedZoneId: aws.String(zone), StartRecordName: aws.String(hostname), StartRecordType: types.RRTypeA,
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, r := range page.ResourceRecordSets {
			switch {
			case aws.ToString(r.Name) != hostname+".":
				return sets, nil
			case r.Type == types.RRTypeA:
				sets = append(sets, r)
			}
		}
	}
	return sets, nil
}

// told shows record sets, one a line.
func told(sets []types.ResourceRecordSet) string {
	var all strings.Builder
	for _, r := range sets {
		target := ""
		if r.AliasTarget != nil {
			target = aws.ToString(r.AliasTarget.DNSName)
		}
		for _, v := range r.ResourceRecords {
			target += aws.ToString(v.Value)
		}
		routing := string(r.Region) + string(r.Failover)
		if r.Weight != nil {
			routing = "weight " + strconv.FormatInt(*r.Weight, 10)
		}
		fmt.Fprintf(&all, "%s %s %s -> %s ttl %d check %s\n", aws.ToString(r.Name), aws.ToString(r.SetIdentifier), routing, target,
			aws.ToInt64(r.TTL), aws.ToString(r.HealthCheckId))
	}
	return all.String()
}

// checks are the health checks that a namespace has at Route 53 in a Region, "" for all, as Bulkhead's caller references tell.
func (c *city) checks(ctx context.Context, namespace, region string) ([]types.HealthCheck, error) {
	var found []types.HealthCheck
	pages := route53.NewListHealthChecksPaginator(c.lab.Route53(), &route53.ListHealthChecksInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, h := range page.HealthChecks {
			reference := aws.ToString(h.CallerReference)
			if strings.HasPrefix(reference, "bulkhead/"+namespace+"/") && (region == "" || strings.Contains(reference, "/"+region)) {
				found = append(found, h)
			}
		}
	}
	return found, nil
}

// answers adds names to what is asked, and waits until users near both Regions get an answer.
func (c *city) answers(t *testing.T, names ...string) {
	t.Helper()
	c.watcher.add(c.world, names...)
	for _, name := range names {
		for _, s := range c.sites() {
			within(t, time.Minute, fmt.Sprintf("an answer for %s near %s", name, s.Name), func(context.Context) error {
				if c.watcher.answer(question{name, s.users}) == "" {
					return fmt.Errorf("there is none")
				}
				return nil
			})
		}
	}
}

// neverEmpty reports answers of names that were empty after they had not been.
func (c *city) neverEmpty(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		if lost := c.watcher.emptied(name); len(lost) > 0 {
			t.Errorf("%s was answered with nothing %d times: %s", name, len(lost), strings.Join(lost, "; "))
		}
	}
}

// resident is the resident memory of a process in MiB.
func (p *process) resident() (int, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(rest), " kB"))
			return kib / 1024, err
		}
	}
	return 0, fmt.Errorf("process %d has no resident memory: it has ended", p.cmd.Process.Pid)
}

// processor is how much time of processors a process has had.
func (p *process) processor() (time.Duration, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0, fmt.Errorf("process %d: %q", p.cmd.Process.Pid, b)
	}
	var ticks int
	for _, f := range fields[11:13] { // utime and stime, in hundredths of a second
		n, err := strconv.Atoi(f)
		if err != nil {
			return 0, err
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond, nil
}

// tells is an error unless a policy's status says something, in any of its conditions.
func (s *site) tells(ctx context.Context, namespace, name string, words ...string) error {
	p, err := s.get(ctx, namespace, name)
	if err != nil {
		return err
	}
	said := describe(p)
	for _, w := range words {
		if !strings.Contains(said, w) {
			return fmt.Errorf("no word of %q: %s", w, said)
		}
	}
	return nil
}

// cases runs tests at the same time, each with a namespace of its own. They wait most of the time, so that their number does not count
// among the tests that run in parallel.
func cases(t *testing.T, all map[string]func(*testing.T)) {
	t.Helper()
	var running sync.WaitGroup
	for name, run := range all {
		running.Go(func() { t.Run(name, run) })
	}
	running.Wait()
}

// strayFinalizer keeps a policy in deletion, as a tenant may.
const strayFinalizer = "example.com/stay"

// pause waits, or until a context ends.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
