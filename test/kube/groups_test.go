//go:build kube

package kube

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/bulkhead-dns/bulkhead/api/v1alpha1"
	"github.com/bulkhead-dns/bulkhead/failover"
)

// What all record sets of a hostname must have in common, two clusters change together, although each speaks for its own Region alone.
func (c *city) groups() map[string]func(*testing.T) {
	const agreement = 45 * time.Second
	order := func(first, second string) policyOption {
		return withRouting(failover.Routing{Policy: "Failover", Order: []string{first, second}})
	}
	weights := func(west, central int64) policyOption {
		return withRouting(failover.Routing{Policy: "Weighted", Weights: map[string]int64{"eu-west-1": west, "eu-central-1": central}})
	}
	return map[string]func(*testing.T){
		"PRIMARY and SECONDARY change places": func(t *testing.T) {
			const host = "app.swap.example.com"
			west, central := c.west.Name, c.central.Name
			c.established(t, "swap", "app", host, order(west, central))
			for _, s := range c.sites() {
				s.put(t, c.policy("swap", "app", host, order(central, west)))
			}
			c.agree(t, agreement, "swap", "app", host, func(r types.ResourceRecordSet) error {
				if (aws.ToString(r.SetIdentifier) == central) != (r.Failover == types.ResourceRecordSetFailoverPrimary) {
					return fmt.Errorf("want %s as PRIMARY", central)
				}
				return nil
			})
		},
		"the TTL of a weighted group": func(t *testing.T) {
			const host = "app.ttl.example.com"
			weighted := func(ttl int64) *v1alpha1.FailoverPolicy {
				return c.policy("ttl", "app", host, weights(99, 1), func(p *v1alpha1.FailoverPolicy) {
					p.Spec.TargetRef = nil
					for _, s := range c.sites() {
						p.Spec.Regions = append(p.Spec.Regions, failover.Region{Name: s.Name, Addresses: []string{s.address}, TTL: &ttl})
					}
				})
			}
			c.establish(t, weighted(60))
			for _, s := range c.sites() {
				s.put(t, weighted(30))
			}
			c.agree(t, agreement, "ttl", "app", host, func(r types.ResourceRecordSet) error {
				if aws.ToInt64(r.TTL) != 30 {
					return fmt.Errorf("want a TTL of 30")
				}
				return nil
			})
		},
		"another routing policy, in one cluster before the other": func(t *testing.T) {
			const host = "app.reroute.example.com"
			c.established(t, "reroute", "app", host)
			c.established(t, "reroute", "neighbour", "neighbour.reroute.example.com")
			before, err := c.sets(t.Context(), c.zone, host)
			must(t, err)
			c.west.put(t, c.policy("reroute", "app", host, weights(100, 50)))
			within(t, 20*time.Second, "west says who has not followed", func(ctx context.Context) error {
				if err := c.west.condition(ctx, "reroute", "app", v1alpha1.ConditionProgrammed, metav1.ConditionFalse); err != nil {
					return err
				}
				return c.west.tells(ctx, "reroute", "app", c.central.Name)
			})
			c.quick(t, c.west, c.policy("reroute", "neighbour", "neighbour.reroute.example.com"))
			c.unchanged(t, 5*time.Second, host, before)
			c.central.put(t, c.policy("reroute", "app", host, weights(100, 50)))
			c.agree(t, agreement, "reroute", "app", host, func(r types.ResourceRecordSet) error {
				if r.Weight == nil {
					return fmt.Errorf("%s is not weighted", aws.ToString(r.SetIdentifier))
				}
				return nil
			})
		},
		"two clusters in one Region: the newcomer waits": func(t *testing.T) {
			const host = "app.blue.example.com"
			blue := c.policy("blue", "app", host, withClass("one-region"))
			c.west.put(t, blue)
			c.programmed(t, time.Minute, "blue", "app", c.west)
			c.answers(t, host)
			before, err := c.sets(t.Context(), c.zone, host)
			must(t, err)
			c.central.put(t, c.policy("blue", "app", host, withClass("one-region"), func(p *v1alpha1.FailoverPolicy) {
				// What another cluster's application has: its own load balancer in the Region.
				p.Spec.TargetRef = nil
				p.Spec.Regions = []failover.Region{{Name: "eu-west-1", LoadBalancer: &failover.LoadBalancer{
					DNSName: "green-1234567890.eu-west-1.elb.amazonaws.com"}}}
			}))
			within(t, 30*time.Second, "the newcomer is told that the Region is taken", func(ctx context.Context) error {
				return c.central.condition(ctx, "blue", "app", v1alpha1.ConditionProgrammed, metav1.ConditionFalse)
			})
			c.unchanged(t, 12*time.Second, host, before) // more than a resync
			must(t, c.west.condition(t.Context(), "blue", "app", v1alpha1.ConditionProgrammed, metav1.ConditionTrue))
			must(t, c.central.condition(t.Context(), "blue", "app", v1alpha1.ConditionProgrammed, metav1.ConditionFalse))
			c.central.remove(t, "blue", "app")
			c.central.gone(t, time.Minute, "blue", "app")
			c.unchanged(t, 3*time.Second, host, before)
			c.neverEmpty(t, host)
		},
	}
}

// unchanged sees that the record sets of a hostname stay as they were for a time.
func (c *city) unchanged(t *testing.T, d time.Duration, host string, before []types.ResourceRecordSet) {
	t.Helper()
	stays(t, d, "the records of "+host, func(ctx context.Context) error {
		now, err := c.sets(ctx, c.zone, host)
		if err == nil && told(now) != told(before) {
			err = fmt.Errorf("they are\n%swant as before\n%s", told(now), told(before))
		}
		return err
	})
}

// agree waits until both clusters are programmed and every record set of a hostname is as wanted, and sees that nobody was answered with
// nothing.
func (c *city) agree(t *testing.T, limit time.Duration, namespace, name, host string, wanted func(types.ResourceRecordSet) error) {
	t.Helper()
	took := within(t, limit, host+" is as both clusters ask", func(ctx context.Context) error {
		sets, err := c.sets(ctx, c.zone, host)
		if err != nil {
			return err
		}
		if len(sets) != 2 {
			return fmt.Errorf("there are %d record sets:\n%s", len(sets), told(sets))
		}
		for _, r := range sets {
			if err := wanted(r); err != nil {
				return fmt.Errorf("%w\n%s", err, told(sets))
			}
		}
		return nil
	})
	t.Logf("%s is as both clusters ask after %s", host, took)
	c.programmed(t, limit, namespace, name, c.sites()...)
	c.neverEmpty(t, host)
}

// promptly is within what a change of a policy is at Route 53 on an engine, whatever other policies do. It takes less than three seconds
// where nothing else runs, which the chaos measures; here several suites share the machine. Waiting for others took 12 s and more.
const promptly = 10 * time.Second

// quick changes a policy that is programmed, and waits until Route 53 has the change.
func (c *city) quick(t *testing.T, s *site, p *v1alpha1.FailoverPolicy) time.Duration {
	t.Helper()
	there, err := s.get(t.Context(), p.Namespace, p.Name)
	must(t, err)
	threshold := 3
	if n := there.Spec.HealthCheck.FailureThreshold; n != nil && *n == 3 {
		threshold = 4
	}
	p.Spec.HealthCheck.FailureThreshold = &threshold
	s.put(t, p)
	took := within(t, promptly, fmt.Sprintf("the change of %s/%s is at Route 53", p.Namespace, p.Name), func(ctx context.Context) error {
		return c.thresholdIs(ctx, s, p.Spec.Hostname, threshold)
	})
	t.Logf("the change of %s/%s is at Route 53 after %s", p.Namespace, p.Name, took)
	return took
}

// thresholdIs is an error unless the health check that a hostname's record of a Region cites has a failure threshold.
func (c *city) thresholdIs(ctx context.Context, s *site, hostname string, want int) error {
	sets, err := c.sets(ctx, c.zone, hostname)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(sets, func(r types.ResourceRecordSet) bool { return aws.ToString(r.SetIdentifier) == s.Name })
	if i < 0 {
		return fmt.Errorf("%s has no record of %s:\n%s", hostname, s.Name, told(sets))
	}
	check, err := c.lab.Route53().GetHealthCheck(ctx, &route53.GetHealthCheckInput{HealthCheckId: sets[i].HealthCheckId})
	if err != nil {
		return err
	}
	if got := aws.ToInt32(check.HealthCheck.HealthCheckConfig.FailureThreshold); got != int32(want) {
		return fmt.Errorf("the threshold of %s is %d in %s, want %d", hostname, got, s.Name, want)
	}
	return nil
}
