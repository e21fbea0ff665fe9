//go:build kube

package kube

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/bulkhead-dns/bulkhead/api/v1alpha1"
)

// How long the chaos lasts, and what its actions follow from; the README says how to set both.
const (
	chaosTimeVariable = "BULKHEAD_CHAOS"
	chaosSeedVariable = "BULKHEAD_CHAOS_SEED"
	chaosTime         = 4 * time.Minute
)

// The tenants. A class gives each the names below its own, and six policies.
var (
	goodTenants = []string{"good-0", "good-1", "good-2"}
	movers      = []string{"mover-0", "mover-1"} // one tenant with two namespaces that may have the same names
	badTenants  = []string{"bad-0", "bad-1", "bad-2"}
)

const chaosQuota = 6 // policies for a namespace, as the class of testdata says

// A chaos is two clusters with good and bad tenants, controllers that are killed, API servers that fail, and a Route 53 that throttles.
type chaos struct {
	*city
	seed    uint64
	journal *journal
	outages *outages
	stray   string // what Route 53 has that is not Bulkhead's, at first

	mu      sync.Mutex
	running map[*site]*process
	good    []*goodPolicy
	broken  []string // what was not as it must be
	slowest map[string]time.Duration
	memory  map[*site]int // MiB, the most
}

// Whatever tenants do and whatever fails, nothing that was promised is broken: see the invariants. In the end everything is what the
// objects ask for, and nothing is done when nothing changes.
func TestChaosOfTenantsAndOutages(t *testing.T) {
	t.Parallel()
	lasts, seed := chaosTime, rand.Uint64()
	if v := os.Getenv(chaosTimeVariable); v != "" {
		d, err := time.ParseDuration(v)
		must(t, err)
		lasts = d
	}
	if v := os.Getenv(chaosSeedVariable); v != "" {
		n, err := strconv.ParseUint(v, 10, 64)
		must(t, err)
		seed = n
	}
	t.Logf("%s of chaos; to repeat: %s=%d", lasts, chaosSeedVariable, seed)

	c := &chaos{
		city: startCity(t, Options{}, "chaosclass.yaml", slices.Concat(goodTenants, movers, badTenants)...),
		seed: seed, journal: newJournal(), outages: newOutages(),
		running: map[*site]*process{}, slowest: map[string]time.Duration{}, memory: map[*site]int{},
	}
	c.hurried = false
	c.makeStray(t)
	for _, s := range c.sites() {
		must(t, c.boot(s))
		t.Cleanup(func() {
			c.mu.Lock()
			defer c.mu.Unlock()
			if t.Failed() {
				t.Log(c.running[s].tail())
			}
			must(t, c.running[s].kill())
		})
	}
	c.settleIn(t)
	c.run(t, lasts)
	c.calmDown(t)
	c.clearUp(t)
	c.report(t)
}

// boot starts the controller of a cluster.
func (c *chaos) boot(s *site) error {
	log := s.file("controller.log")
	args := slices.Concat(c.environment, []string{c.program, "--kubeconfig=" + c.apis[s].kubeconfig, "--metrics-bind-address=",
		"--health-probe-bind-address=", "--debounce=300ms", "--resync=30s"})
	p, err := startProcess("env", log, args...)
	if err != nil {
		return err
	}
	p.name = "controller in " + s.Name
	c.mu.Lock()
	defer c.mu.Unlock()
	c.running[s] = p
	return nil
}

// controller is the process that runs now.
func (c *chaos) controller(s *site) *process {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.running[s]
}

// settleIn makes the policies of the good tenants and waits until they are answered with.
func (c *chaos) settleIn(t *testing.T) {
	t.Helper()
	for _, namespace := range goodTenants {
		for i := range 3 {
			c.good = append(c.good, &goodPolicy{namespace: namespace, name: fmt.Sprintf("app%d", i),
				host: fmt.Sprintf("app%d.%s.example.com", i, namespace), threshold: 2, weights: 0})
		}
	}
	c.good = append(c.good, &goodPolicy{namespace: movers[0], name: "app", host: "app.moving.example.com", threshold: 2})
	var hosts []string
	for _, p := range c.good {
		hosts = append(hosts, p.host)
		for _, s := range c.sites() {
			s.put(t, p.policy(c))
		}
	}
	for _, p := range c.good {
		c.programmed(t, time.Minute, p.namespace, p.name, c.sites()...)
	}
	c.answers(t, hosts...)
}

// run lets everybody act for a time.
func (c *chaos) run(t *testing.T, lasts time.Duration) {
	ctx, stop := context.WithTimeout(t.Context(), lasts)
	defer stop()
	var acting sync.WaitGroup
	source := func(n uint64) *rand.Rand { return rand.New(rand.NewPCG(c.seed, n)) }
	for i, namespace := range goodTenants {
		acting.Go(func() { c.behave(ctx, namespace, source(uint64(i))) })
	}
	acting.Go(func() { c.move(ctx, source(10)) })
	for i, namespace := range badTenants {
		acting.Go(func() { c.misbehave(ctx, namespace, source(uint64(20+i))) })
	}
	acting.Go(func() { c.disturb(ctx, source(30)) })
	watched, unwatch := context.WithCancel(t.Context())
	var watching sync.WaitGroup
	for _, watch := range []func(context.Context){c.watchAnswers, c.watchAccount, c.watchProcesses} {
		watching.Go(func() { watch(watched) })
	}
	acting.Wait()
	unwatch()
	watching.Wait()
	c.show(t)
}

// calmDown waits until the good tenants have what they ask for, beside all that the bad ones have left, and nothing is done any more.
func (c *chaos) calmDown(t *testing.T) {
	t.Helper()
	for _, p := range c.good {
		c.programmed(t, 2*time.Minute, p.namespace, p.name, c.sites()...)
	}
	c.quiet(t, 3*time.Minute, c.sites()...)
}

// clearUp takes away all that the bad tenants have, as an administrator who forces what a guard keeps and has removed what was abandoned, and
// compares what is left with what the good ones ask for.
func (c *chaos) clearUp(t *testing.T) {
	t.Helper()
	for _, s := range c.sites() {
		kubectl(t, s.Region, "", "patch", "failoverclass", "default", "--type=merge", "-p", `{"spec":{"deletion":{"abandoned":"Remove"}}}`)
		for _, namespace := range badTenants {
			var ingresses networkingv1.IngressList
			must(t, s.client.List(t.Context(), &ingresses, client.InNamespace(namespace)))
			for _, in := range ingresses.Items {
				if in.Name != "web" {
					must(t, client.IgnoreNotFound(s.client.Delete(t.Context(), &in)))
				}
			}
		}
	}
	within(t, 3*time.Minute, "the policies of bad tenants are gone", func(ctx context.Context) error {
		var left []string
		for _, s := range c.sites() {
			list, err := c.evict(ctx, s)
			if err != nil {
				return err
			}
			left = append(left, list...)
		}
		if len(left) > 0 {
			pause(ctx, time.Second)
			return fmt.Errorf("%d are left, such as %s", len(left), left[0])
		}
		return nil
	})
	took := within(t, 3*time.Minute, "what Route 53 has is what the good tenants ask for", func(ctx context.Context) error {
		for _, s := range c.sites() {
			if err := s.force(ctx); err != nil {
				return err
			}
		}
		err := c.right(ctx)
		if err != nil {
			pause(ctx, time.Second)
		}
		return err
	})
	t.Logf("nothing of the bad tenants is left after %s", took)
}

// evict deletes what policies bad tenants have in a cluster, and gives the words that deletions wait for. It returns what is left.
func (c *chaos) evict(ctx context.Context, s *site) (left []string, err error) {
	var list v1alpha1.FailoverPolicyList
	if err := s.client.List(ctx, &list); err != nil {
		return nil, err
	}
	for _, p := range list.Items {
		if !slices.Contains(badTenants, p.Namespace) {
			continue
		}
		left = append(left, s.Name+" "+describe(&p))
		before := p.DeepCopy()
		p.Finalizers = slices.DeleteFunc(p.Finalizers, func(f string) bool { return f == strayFinalizer })
		if word := forcePlan.FindStringSubmatch(describe(&p)); p.DeletionTimestamp != nil && word != nil {
			metav1.SetMetaDataAnnotation(&p.ObjectMeta, v1alpha1.ForcePlanAnnotation, word[1])
		}
		if err := s.client.Patch(ctx, &p, client.MergeFrom(before)); client.IgnoreNotFound(err) != nil {
			return nil, err
		}
		if p.DeletionTimestamp == nil {
			if err := s.client.Delete(ctx, &p); client.IgnoreNotFound(err) != nil {
				return nil, err
			}
		}
	}
	return left, s.force(ctx)
}

// right is an error unless Route 53 has exactly what the good policies ask for, and what is not Bulkhead's.
func (c *chaos) right(ctx context.Context) error {
	a, err := c.account(ctx)
	if err != nil {
		return err
	}
	if now := a.stray(); now != c.stray {
		return fmt.Errorf("what is not Bulkhead's: was\n%s\nis\n%s", c.stray, now)
	}
	for _, p := range c.good {
		for _, s := range c.sites() {
			if err := p.right(a, s); err != nil {
				return fmt.Errorf("%s of %s: %w", p.host, s.Name, err)
			}
		}
	}
	for id, key := range a.keys {
		if !slices.ContainsFunc(badTenants, func(namespace string) bool { return strings.HasPrefix(key, namespace+"/") }) {
			continue
		}
		tags, err := c.tags(ctx, id)
		if err != nil {
			return err
		}
		// Of what annotated Ingresses had, or have taken over, the last record of a hostname stays.
		if _, name, _ := strings.Cut(tags["bulkhead.dev/check"], "/"); !strings.HasPrefix(name, annotatedPrefix) {
			return fmt.Errorf("the health check %s, %s, is left, with the tags %v", id, key, tags)
		}
	}
	if got, want := a.ofTenants(slices.Concat(goodTenants, movers)), 2*len(c.good); got != want {
		return fmt.Errorf("the good tenants have %d health checks, want %d: %v", got, want, a.keys)
	}
	return nil
}

// tags are those of a health check.
func (c *chaos) tags(ctx context.Context, id string) (map[string]string, error) {
	list, err := c.lab.Route53().ListTagsForResource(ctx, &route53.ListTagsForResourceInput{ResourceType: types.TagResourceTypeHealthcheck, ResourceId: &id})
	if err != nil {
		return nil, err
	}
	tags := make(map[string]string)
	for _, t := range list.ResourceTagSet.Tags {
		tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return tags, nil
}

// violated notes what was not as it must be, with what had happened before: of those whom it concerns, as words of the journal tell, and of
// everybody.
func (c *chaos) violated(concerned string, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	c.journal.add("VIOLATED", "%s", text)
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.broken) < 10 {
		c.broken = append(c.broken, fmt.Sprintf("%s: %s\nwhat had happened to %s:\n%s\nand all that happened:\n%s", c.journal.since(), text, concerned,
			c.journal.about(12, concerned), c.journal.last(10)))
	}
}

// show reports what was not as it must be.
func (c *chaos) show(t *testing.T) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, text := range c.broken {
		t.Error(text)
	}
	if len(c.broken) > 0 {
		journal := filepath.Join(os.TempDir(), fmt.Sprintf("bulkhead-chaos-%d.log", c.seed))
		must(t, c.journal.write(journal))
		t.Logf("to repeat: %s=%d; all actions are in %s", chaosSeedVariable, c.seed, journal)
		for _, s := range c.sites() {
			log := strings.TrimSuffix(journal, ".log") + "-" + s.Name + ".log"
			data, err := os.ReadFile(s.file("controller.log"))
			must(t, errors.Join(err, os.WriteFile(log, data, 0o600)))
			t.Logf("the controller's log is in %s", log)
		}
	}
}

func (c *chaos) report(t *testing.T) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	t.Logf("%d actions, %d questions; slowest: %v", c.journal.count(), c.watcher.asked, c.slowest)
	for _, s := range c.sites() {
		t.Logf("%s: the controller has had %d MiB at most", s.Name, c.memory[s])
	}
}
