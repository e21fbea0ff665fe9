//go:build kube

package kube

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/bulkhead-dns/bulkhead/api/v1alpha1"
	"github.com/bulkhead-dns/bulkhead/failover"
)

// badTenant is a namespace of the crowd whose policies are all bad, in as many ways as there are in badWays.
const (
	badNamespace = "team-bad"
	badPolicies  = 50
)

// badWays are what makes a policy of the crowd bad, given the site that it is in.
func (c *crowd) badWays(s *site) []policyOption {
	check := func(f func(*failover.HealthCheck)) policyOption {
		return func(p *v1alpha1.FailoverPolicy) { f(&p.Spec.HealthCheck) }
	}
	// Clusters that ask for different things of one hostname.
	routing, order := failover.Routing{Policy: "Latency"}, []string{c.west.Name, c.central.Name}
	if s == c.west {
		routing = failover.Routing{Policy: "Weighted", Weights: map[string]int64{c.west.Name: 1, c.central.Name: 1}}
		slices.Reverse(order)
	}
	return []policyOption{
		withPath("/none"),
		withTarget("Ingress", "none"),
		withTarget("Service", "web"),
		withClass("none"),
		withRouting(routing),
		withRouting(failover.Routing{Policy: "Failover", Order: order}),
		check(func(h *failover.HealthCheck) { h.SearchString = "nowhere" }),
		check(func(h *failover.HealthCheck) { h.Port = aws.Int(9) }),
		func(p *v1alpha1.FailoverPolicy) {
			p.Spec.Objectives = failover.Objective{RTO: failover.Duration(time.Second)}
		},
		func(p *v1alpha1.FailoverPolicy) { p.Spec.Regions = []failover.Region{{Name: "ap-southeast-2"}} },
	}
}

// besideBad makes bad policies in both clusters, and sees that a neighbour's change is at Route 53 as promptly as without them.
func (c *crowd) besideBad(t *testing.T) {
	t.Helper()
	town := c.city()
	for _, s := range c.sites() {
		must(t, s.Apply(t.Context(), tenantManifests(t, badNamespace)))
		ways := c.badWays(s)
		for i := range badPolicies {
			name := fmt.Sprintf("bad%d", i)
			s.put(t, town.policy(badNamespace, name, name+"."+badNamespace+".example.com", ways[i%len(ways)]))
		}
	}
	var slowest time.Duration
	for n := range 10 {
		if _, wanted := c.wanted[n]; !wanted {
			continue
		}
		c.wanted[n] = c.wanted[n]%9 + 2
		for _, s := range c.sites() {
			patch := fmt.Appendf(nil, `{"spec":{"healthCheck":{"failureThreshold":%d}}}`, c.wanted[n])
			must(t, s.client.Patch(t.Context(), c.policy(n), client.RawPatch("application/merge-patch+json", patch)))
			took := within(t, promptly, fmt.Sprintf("the change of %s in %s is at Route 53", hostname(n), s.Name), func(ctx context.Context) error {
				return town.thresholdIs(ctx, s, hostname(n), c.wanted[n])
			})
			slowest = max(slowest, took)
		}
	}
	t.Logf("beside %d bad policies, changes of neighbours are at Route 53 after %s at most", badPolicies, slowest)
	for _, s := range c.sites() {
		must(t, s.client.DeleteAllOf(t.Context(), &v1alpha1.FailoverPolicy{}, client.InNamespace(badNamespace)))
	}
	for _, s := range c.sites() {
		eventually(t, "the bad policies are gone in "+s.Name, func(ctx context.Context) error {
			var list v1alpha1.FailoverPolicyList
			if err := s.client.List(ctx, &list, client.InNamespace(badNamespace)); err != nil {
				return err
			}
			if len(list.Items) == 0 {
				return nil
			}
			// All of a namespace at once waits for a word.
			return errors.Join(s.force(ctx), fmt.Errorf("there are %d, such as %s", len(list.Items), describe(&list.Items[0])))
		})
	}
}

// city is the crowd's world for what is asked of cities.
func (c *crowd) city() *city { return &city{world: c.world, watcher: c.watcher, zone: c.zone} }
