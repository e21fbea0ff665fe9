//go:build kube

package kube

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/bulkhead-dns/bulkhead/api/v1alpha1"
	"github.com/bulkhead-dns/bulkhead/apply"
	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/zone"
)

const (
	tenants  = 10
	policies = 500 // at first, over all tenants
)

// A crowd is many applications of several tenants, with the same policies in both clusters.
type crowd struct {
	*world
	watcher  *watcher
	zone     string // id
	replicas map[*site][]*replica
	wanted   map[int]int // the failure threshold of every application's policy
	next     int         // number of the next application
}

func tenant(n int) string   { return fmt.Sprintf("team-%d", n%tenants) }
func hostname(n int) string { return fmt.Sprintf("app%d.%s.example.com", n, tenant(n)) }

func (c *crowd) policy(n int) *v1alpha1.FailoverPolicy {
	threshold, port := c.wanted[n], c.west.loadBalancer.Port
	return &v1alpha1.FailoverPolicy{
		ObjectMeta: metav1.ObjectMeta{Namespace: tenant(n), Name: fmt.Sprintf("app%d", n)},
		Spec: failover.PolicySpec{
			Hostname:    hostname(n),
			TargetRef:   &failover.TargetRef{Kind: failover.IngressTarget, Name: "web"},
			HealthCheck: failover.HealthCheck{Port: &port, Path: fmt.Sprintf("/%s/app%d", tenant(n), n), FailureThreshold: &threshold},
		},
	}
}

// Controllers of two clusters share one zone. Whatever is killed while policies change, in the end the zone is what the policies ask
// for, nothing was refused for the other's sake, and no answer was empty or another one at any time.
func TestManyPoliciesOfTwoClustersInOneZone(t *testing.T) {
	t.Parallel()
	c := &crowd{world: startWorld(t, Options{Nodes: 1}), replicas: map[*site][]*replica{}, wanted: map[int]int{}}
	c.watcher, c.zone = c.watch(t), c.zoneID(t)
	for _, s := range c.sites() {
		s.startIngresses(t, c.world)
		s.apply(t, "crowdclass.yaml")
		for n := range tenants {
			s.apply(t, "tenant.yaml", "$TENANT", tenant(n))
		}
		for _, name := range []string{"first", "second"} {
			c.replicas[s] = append(c.replicas[s], c.replica(t, s, name))
		}
	}

	began := time.Now()
	change := c.arrive(policies)
	for _, s := range c.sites() {
		change(t, s)
	}
	c.settle(t)
	t.Logf("%d policies in each of two clusters are programmed after %s", policies, time.Since(began).Round(100*time.Millisecond))
	c.report(t)

	c.watcher.restart()
	c.watcher.swept(t, 20)
	for _, s := range c.sites() {
		took := s.route53.took()
		if writes := took.writes(); len(writes) > 0 {
			t.Errorf("%s has written although nothing has changed: %s", s.Name, writes)
		}
		t.Logf("nothing changes: %s: %s", s.Name, took)
	}
	c.watcher.check(t)
	c.besideBad(t)

	c.during(t, "leader killed", func() {
		leader := c.leader(t, c.west)
		must(t, c.replicas[c.west][leader].kill())
		c.replicas[c.west][leader] = c.replica(t, c.west, "third")
	}, func() {})
	c.during(t, "all replicas killed", func() {
		for _, r := range c.replicas[c.central] {
			must(t, r.kill())
		}
	}, func() {
		for i, name := range []string{"fourth", "fifth"} {
			c.replicas[c.central][i] = c.replica(t, c.central, name)
		}
	})
	c.during(t, "API server killed", func() { must(t, c.west.KillAPIServer()) }, func() {
		must(t, c.west.StartAPIServer(t.Context()))
		for i, r := range c.replicas[c.west] {
			if r.failed() != nil { // a leader that cannot keep its Lease ends, and its cluster starts it again
				c.replicas[c.west][i] = c.replica(t, c.west, fmt.Sprintf("after%d", i))
			}
		}
	})
	c.watcher.stop()
	t.Logf("%d questions were asked", c.watcher.asked)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (c *crowd) replica(t *testing.T, s *site, name string) *replica {
	t.Helper()
	return s.startReplica(t, c.world, name, "--resync=5s")
}

// during changes policies in both clusters, lets something happen in the middle of the writes that follow, changes more, lets it be
// repaired, and compares.
func (c *crowd) during(t *testing.T, what string, happen, repair func()) {
	t.Helper()
	for _, s := range c.sites() {
		s.route53.took()
	}
	c.watcher.restart()
	began := time.Now()
	changes := []func(*testing.T, *site){c.retime(t, 60), c.arrive(10), c.leave(10)}
	for _, s := range c.sites() {
		for _, change := range changes {
			change(t, s)
		}
	}
	for _, s := range c.sites() {
		eventually(t, "writes in "+s.Name, func(context.Context) error {
			if s.route53.writing() == 0 {
				return fmt.Errorf("there are none")
			}
			return nil
		})
	}
	happen()
	more := []func(*testing.T, *site){c.retime(t, 60), c.arrive(10), c.leave(10)}
	change := func(s *site) {
		for _, change := range more {
			change(t, s)
		}
	}
	// The cluster that lives changes at once, the other when it is back.
	var later []*site
	for _, s := range c.sites() {
		if s.apiServer.failed() != nil {
			later = append(later, s)
			continue
		}
		change(s)
	}
	repair()
	for _, s := range later {
		change(s)
	}
	c.settle(t)
	t.Logf("%s: everything is right %s after the first change", what, time.Since(began).Round(100*time.Millisecond))
	c.report(t)
	c.watcher.swept(t, 2)
	c.watcher.check(t, c.arrived()...)
}

// arrive adds n applications. What is returned makes their policies in a cluster.
func (c *crowd) arrive(n int) func(*testing.T, *site) {
	var numbers []int
	for range n {
		c.wanted[c.next] = 3
		numbers = append(numbers, c.next)
		c.watcher.add(c.world, hostname(c.next))
		c.next++
	}
	return func(t *testing.T, s *site) {
		t.Helper()
		for _, n := range numbers {
			must(t, s.client.Create(t.Context(), c.policy(n)))
		}
	}
}

// arrived are the hostnames of applications that came after the first ones: they have one Region, and then two.
func (c *crowd) arrived() (names []string) {
	for n := range c.wanted {
		if n >= policies {
			names = append(names, hostname(n))
		}
	}
	return names
}

// retime gives n applications another failure threshold.
func (c *crowd) retime(t *testing.T, n int) func(*testing.T, *site) {
	t.Helper()
	var numbers []int
	for number := range c.wanted {
		if len(numbers) < n {
			c.wanted[number] = c.wanted[number]%9 + 2
			numbers = append(numbers, number)
		}
	}
	return func(t *testing.T, s *site) {
		t.Helper()
		for _, number := range numbers {
			if _, wanted := c.wanted[number]; !wanted {
				continue // gone meanwhile
			}
			p := c.policy(number)
			patch := fmt.Appendf(nil, `{"spec":{"healthCheck":{"failureThreshold":%d}}}`, *p.Spec.HealthCheck.FailureThreshold)
			must(t, s.client.Patch(t.Context(), p, client.RawPatch("application/merge-patch+json", patch)))
		}
	}
}

// leave takes n of the first applications away.
func (c *crowd) leave(n int) func(*testing.T, *site) {
	var gone []*v1alpha1.FailoverPolicy
	for number := range c.wanted {
		if len(gone) < n && number < policies {
			gone = append(gone, c.policy(number))
			c.watcher.forget(hostname(number))
			delete(c.wanted, number)
		}
	}
	return func(t *testing.T, s *site) {
		t.Helper()
		for _, p := range gone {
			must(t, s.client.Delete(t.Context(), p.DeepCopy()))
		}
	}
}

// settle waits until the clusters say that everything is programmed, and the zone is what all policies together ask for. It gives the word that
// plans wait for: most of what a tenant has changes within minutes.
func (c *crowd) settle(t *testing.T) {
	t.Helper()
	for _, s := range c.sites() {
		eventually(t, "policies programmed in "+s.Name, func(ctx context.Context) error {
			if err := s.force(ctx); err != nil {
				return err
			}
			return c.programmed(ctx, s)
		})
	}
	eventually(t, "the zone", c.right)
}

// programmed is an error unless all policies of a cluster are there, and programmed as they are now.
func (c *crowd) programmed(ctx context.Context, s *site) error {
	var list v1alpha1.FailoverPolicyList
	if err := s.client.List(ctx, &list); err != nil {
		return err
	}
	if len(list.Items) != len(c.wanted) {
		return fmt.Errorf("there are %d policies, want %d", len(list.Items), len(c.wanted))
	}
	waiting, example := 0, ""
	for _, p := range list.Items {
		programmed := meta.FindStatusCondition(p.Status.Conditions, v1alpha1.ConditionProgrammed)
		if programmed == nil || programmed.Status != metav1.ConditionTrue || programmed.ObservedGeneration != p.Generation {
			waiting++
			example = fmt.Sprintf("%s/%s: %v", p.Namespace, p.Name, p.Status.Conditions)
		}
	}
	if waiting > 0 {
		return fmt.Errorf("%d are not, such as %s", waiting, example)
	}
	return nil
}

// right is an error unless the account has what all policies ask for in both Regions, and nothing else.
func (c *crowd) right(ctx context.Context) error {
	account, err := apply.New(apply.Options{Route53: c.account, Provider: c.provider})
	if err != nil {
		return err
	}
	var class v1alpha1.FailoverClass
	if err := c.central.client.Get(ctx, client.ObjectKey{Name: "default"}, &class); err != nil {
		return err
	}
	spec := class.Class()
	spec.Spec.Region = "" // not this cluster's alone
	group := apply.Group{Class: &spec}
	for n := range c.wanted {
		p := c.policy(n).Policy()
		for _, s := range c.sites() {
			p.Spec.Regions = append(p.Spec.Regions, failover.Region{Name: s.Name, LoadBalancer: &failover.LoadBalancer{
				DNSName: s.loadBalancer.DNSName, HostedZoneID: s.loadBalancer.HostedZoneID,
			}})
		}
		group.Policies = append(group.Policies, p)
	}
	prepared, err := account.Prepare(ctx, apply.Request{Groups: []apply.Group{group}})
	if err != nil {
		return err
	}
	if !prepared.Plan.Empty() {
		text := prepared.Plan.Text(false)
		return fmt.Errorf("%d steps are missing:\n%s", len(prepared.Plan.Steps), text[:min(len(text), 2000)])
	}
	if got, want := len(prepared.Current.Checks), 2*len(c.wanted); got != want {
		return fmt.Errorf("there are %d health checks, want %d", got, want)
	}
	records := 0
	for _, r := range prepared.Current.Records {
		if r.Set.Type == zone.A {
			records++
		}
	}
	if want := 2 * len(c.wanted); records != want {
		return fmt.Errorf("there are %d record sets of type A, want %d", records, want)
	}
	return nil
}

// report logs the calls of both clusters. That one of them meets the other's work is an error: they share nothing.
func (c *crowd) report(t *testing.T) {
	t.Helper()
	for _, s := range c.sites() {
		took := s.route53.took()
		t.Logf("%s: %s", s.Name, took)
		for operation, n := range took.writes() {
			if strings.Contains(operation, "(4") {
				t.Errorf("%s: %d calls were refused: %s", s.Name, n, operation)
			}
		}
	}
}

// leader waits until one replica of a cluster leads, and returns which.
func (c *crowd) leader(t *testing.T, s *site) (leader int) {
	t.Helper()
	eventually(t, "a leader in "+s.Name, func(ctx context.Context) error {
		for i, r := range c.replicas[s] {
			if leads, err := r.leads(ctx); err == nil && leads {
				leader = i
				return nil
			}
		}
		return fmt.Errorf("no replica says that it leads")
	})
	return leader
}

func (r *replica) leads(ctx context.Context) (bool, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+r.metrics+"/metrics", nil)
	if err != nil {
		return false, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false, err
	}
	defer res.Body.Close()
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		if line := lines.Text(); strings.HasPrefix(line, "leader_election_master_status{") && strings.HasSuffix(line, " 1") {
			return true, nil
		}
	}
	return false, nil
}
