//go:build kube

package kube

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/bulkhead-dns/bulkhead/api/v1alpha1"
	"github.com/bulkhead-dns/bulkhead/failover"
)

// What is owed to a tenant whose policies are in order, on an engine, without outages.
const (
	changeBound    = 3 * time.Second  // a change of a health check is at Route 53
	agreementBound = time.Minute      // clusters that ask for another routing have it
	successorBound = 30 * time.Second // a successor is programmed
	arrivalBound   = 20 * time.Second // a new policy is: its check must be found healthy first
	deletionBound  = time.Minute      // what a deleted policy had is gone, after the grace that a successor has
)

// A goodPolicy is one whose owner does nothing wrong. Only its owner changes it.
type goodPolicy struct {
	namespace, name, host string
	threshold             int
	weights               int64 // of west; 0 means Latency
}

func (p *goodPolicy) policy(c *chaos) *v1alpha1.FailoverPolicy {
	made := c.city.policy(p.namespace, p.name, p.host)
	made.Spec.HealthCheck.FailureThreshold = &p.threshold
	if p.weights > 0 {
		made.Spec.Routing = failover.Routing{Policy: "Weighted", Weights: map[string]int64{c.west.Name: p.weights, c.central.Name: 100}}
	}
	return made
}

// right is an error unless the account has the policy's record and check in a Region as it asks for.
func (p *goodPolicy) right(a *account, s *site) error {
	var sets []types.ResourceRecordSet
	for _, r := range a.sets {
		if aws.ToString(r.Name) == p.host+"." && r.Type == types.RRTypeA {
			sets = append(sets, r)
		}
	}
	i := slices.IndexFunc(sets, func(r types.ResourceRecordSet) bool { return aws.ToString(r.SetIdentifier) == s.Name })
	if i < 0 {
		return fmt.Errorf("no record of %s:\n%s", s.Name, told(sets))
	}
	id := aws.ToString(sets[i].HealthCheckId)
	k := slices.IndexFunc(a.checks, func(h types.HealthCheck) bool { return aws.ToString(h.Id) == id })
	switch {
	case len(sets) != 2:
		return fmt.Errorf("want a record of each Region:\n%s", told(sets))
	case (sets[i].Weight != nil) != (p.weights > 0):
		return fmt.Errorf("want the weight %d in west, 0 for latency:\n%s", p.weights, told(sets))
	case p.weights > 0 && s.Name == "eu-west-1" && *sets[i].Weight != p.weights:
		return fmt.Errorf("want the weight %d in west:\n%s", p.weights, told(sets))
	case k < 0:
		return fmt.Errorf("its check is not there:\n%s", told(sets))
	}
	if got := aws.ToInt32(a.checks[k].HealthCheckConfig.FailureThreshold); got != int32(p.threshold) {
		return fmt.Errorf("the threshold is %d, want %d", got, p.threshold)
	}
	return nil
}

// rightIn waits for right.
func (c *chaos) rightIn(ctx context.Context, what string, bound time.Duration, p *goodPolicy, sites ...*site) bool {
	return c.bounded(ctx, fmt.Sprintf("%s of %s/%s (%s)", what, p.namespace, p.name, p.host), bound, func(ctx context.Context) error {
		a, err := c.account(ctx)
		if err != nil {
			return err
		}
		for _, s := range sites {
			if err := p.right(a, s); err != nil {
				return fmt.Errorf("%w; %s", err, c.said(ctx, s, p))
			}
		}
		return nil
	}, sites...)
}

// said is what a policy is told, for failures.
func (c *chaos) said(ctx context.Context, s *site, p *goodPolicy) string {
	there, err := s.get(ctx, p.namespace, p.name)
	if err != nil {
		return err.Error()
	}
	return s.Name + " says " + describe(there)
}

// behave lets a tenant change its policies one after the other, each time until both clusters have followed.
func (c *chaos) behave(ctx context.Context, namespace string, r *rand.Rand) {
	var mine []*goodPolicy
	for _, p := range c.good {
		if p.namespace == namespace {
			mine = append(mine, p)
		}
	}
	whole := context.WithoutCancel(ctx) // what is begun is carried out
	// Two names for each policy, and two more: a guard counts from ten on.
	for n := 0; ctx.Err() == nil; n++ {
		p := mine[r.IntN(len(mine))]
		other := p.host[:4]
		if p.name == other {
			other += "-next"
		}
		switch do := r.IntN(20); {
		case do < 10:
			c.retime(whole, p, c.sites()[r.IntN(2)], r)
		case do < 13:
			c.succeed(whole, p, goodPolicy{namespace: p.namespace, name: other}, r)
		case do < 15:
			c.reroute(whole, p, r)
		case do < 17:
			c.appear(whole, namespace, n%2)
		case do < 19:
			c.flip(whole, namespace, c.sites()[r.IntN(2)], r)
		}
		pause(ctx, time.Duration(200+r.IntN(1500))*time.Millisecond)
	}
}

// move lets a tenant carry a policy from one of its namespaces to the other and back.
func (c *chaos) move(ctx context.Context, r *rand.Rand) {
	p, whole := c.good[len(c.good)-1], context.WithoutCancel(ctx)
	for ctx.Err() == nil {
		c.retime(whole, p, c.sites()[r.IntN(2)], r)
		pause(ctx, time.Duration(1+r.IntN(5))*time.Second)
		to := movers[0]
		if p.namespace == to {
			to = movers[1]
		}
		c.succeed(whole, p, goodPolicy{namespace: to, name: "app"}, r)
		pause(ctx, time.Duration(1+r.IntN(8))*time.Second)
	}
}

// retime gives a policy another threshold in one cluster, waits, and then in the other.
func (c *chaos) retime(ctx context.Context, p *goodPolicy, first *site, r *rand.Rand) {
	p.threshold = p.threshold%8 + 2
	for _, s := range []*site{first, c.other(first)} {
		c.journal.add(p.namespace, "threshold of %s is %d in %s", p.name, p.threshold, s.Name)
		if !c.did(ctx, s.putPolicy(ctx, p.policy(c))) {
			return
		}
		c.bounded(ctx, fmt.Sprintf("change of %s/%s in %s", p.namespace, p.name, s.Name), changeBound, func(ctx context.Context) error {
			err := c.thresholdIs(ctx, s, p.host, p.threshold)
			if err != nil {
				err = fmt.Errorf("%w; %s", err, c.said(ctx, s, p))
			}
			return err
		}, s)
		pause(ctx, time.Duration(r.IntN(500))*time.Millisecond)
	}
}

// succeed makes another policy for the hostname of one, and deletes that, in either order; one cluster may follow later.
func (c *chaos) succeed(ctx context.Context, p *goodPolicy, by goodPolicy, r *rand.Rand) {
	old := *p
	p.namespace, p.name = by.namespace, by.name
	createFirst, later := r.IntN(2) == 0, time.Duration(0)
	if r.IntN(3) == 0 {
		later = time.Duration(r.IntN(15)) * time.Second
	}
	for i, s := range c.shuffled(r) {
		if i > 0 {
			pause(ctx, later)
		}
		c.journal.add(old.namespace, "%s/%s becomes %s/%s in %s, made first: %t", old.namespace, old.name, p.namespace, p.name, s.Name, createFirst)
		remove := func() bool {
			gone := &v1alpha1.FailoverPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: old.namespace, Name: old.name}}
			return c.did(ctx, client.IgnoreNotFound(s.client.Delete(ctx, gone)))
		}
		if !createFirst && !remove() || !c.did(ctx, s.putPolicy(ctx, p.policy(c))) || createFirst && !remove() {
			return
		}
	}
	c.programmedIn(ctx, "successor", successorBound, p)
	c.rightIn(ctx, "records after a succession", successorBound, p, c.sites()...)
}

// programmedIn waits until a policy is programmed in both clusters.
func (c *chaos) programmedIn(ctx context.Context, what string, bound time.Duration, p *goodPolicy) bool {
	return c.bounded(ctx, fmt.Sprintf("%s of %s/%s (%s)", what, p.namespace, p.name, p.host), bound, func(ctx context.Context) error {
		for _, s := range c.sites() {
			if err := s.condition(ctx, p.namespace, p.name, v1alpha1.ConditionProgrammed, metav1.ConditionTrue); err != nil {
				return err
			}
		}
		return nil
	}, c.sites()...)
}

// reroute gives a policy another routing in both clusters.
func (c *chaos) reroute(ctx context.Context, p *goodPolicy, r *rand.Rand) {
	p.weights = []int64{0, 50, 100, 200}[r.IntN(4)]
	later := time.Duration(r.IntN(5)) * time.Second
	for i, s := range c.shuffled(r) {
		if i > 0 {
			pause(ctx, later)
		}
		c.journal.add(p.namespace, "%s has the weight %d in %s, 0 is latency", p.name, p.weights, s.Name)
		if !c.did(ctx, s.putPolicy(ctx, p.policy(c))) {
			return
		}
	}
	c.rightIn(ctx, "routing", agreementBound, p, c.sites()...)
}

// appear makes a new policy, and deletes it when it is answered with.
func (c *chaos) appear(ctx context.Context, namespace string, n int) {
	p := &goodPolicy{namespace: namespace, name: fmt.Sprintf("new%d", n), host: fmt.Sprintf("new%d.%s.example.com", n, namespace), threshold: 2}
	for _, s := range c.sites() {
		c.journal.add(namespace, "%s is new in %s", p.name, s.Name)
		if !c.did(ctx, s.putPolicy(ctx, p.policy(c))) {
			return
		}
	}
	if c.programmedIn(ctx, "arrival", arrivalBound, p) {
		c.watcher.add(c.world, p.host)
		pause(ctx, 3*time.Second)
	}
	c.watcher.forget(p.host)
	for _, s := range c.sites() {
		c.journal.add(namespace, "%s is deleted in %s", p.name, s.Name)
		gone := &v1alpha1.FailoverPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: p.name}}
		if !c.did(ctx, client.IgnoreNotFound(s.client.Delete(ctx, gone))) {
			return
		}
	}
	c.bounded(ctx, fmt.Sprintf("deletion of %s/%s", namespace, p.name), deletionBound, func(ctx context.Context) error {
		for _, s := range c.sites() {
			there, err := s.get(ctx, namespace, p.name)
			if err == nil {
				return fmt.Errorf("there is %s", describe(there))
			}
			if !apierrors.IsNotFound(err) {
				return err
			}
		}
		a, err := c.account(ctx)
		if err != nil {
			return err
		}
		for id, key := range a.keys {
			if strings.HasPrefix(key, namespace+"/"+p.name+"/") {
				return fmt.Errorf("the health check %s, %s, is there", id, key)
			}
		}
		return nil
	}, c.sites()...)
}

// flip takes the application of a tenant down in one cluster, and up again.
func (c *chaos) flip(ctx context.Context, namespace string, s *site, r *rand.Rand) {
	for _, replicas := range []string{"0", "1"} {
		c.journal.add(namespace, "%s replicas in %s", replicas, s.Name)
		_, err := s.Kubectl(ctx, "-n", namespace, "scale", "deployment", "web", "--replicas="+replicas)
		c.did(ctx, err)
		if replicas == "0" {
			pause(ctx, time.Duration(3+r.IntN(6))*time.Second)
		}
	}
	// Checks that are replaced wait for a healthy verdict.
	pause(ctx, 6*time.Second)
}

// did notes an error of an API server that nobody has broken, and reports whether there is none.
func (c *chaos) did(ctx context.Context, err error) bool {
	if err != nil && ctx.Err() == nil {
		c.violated("API", "the API server: %v", err)
	}
	return err == nil
}

func (c *chaos) other(s *site) *site {
	if s == c.west {
		return c.central
	}
	return c.west
}

func (c *chaos) shuffled(r *rand.Rand) []*site {
	if r.IntN(2) == 0 {
		return []*site{c.west, c.central}
	}
	return []*site{c.central, c.west}
}
