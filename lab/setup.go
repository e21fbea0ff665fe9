package lab

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/bulkhead-dns/bulkhead/store"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// setUp stores the load balancers, makes the objects in Route 53, and then keeps publishing health.
func (l *Lab) setUp(ctx context.Context) error {
	l.surroundings.settled(ctx, l.changed)
	select {
	case <-l.node.Ready():
	case <-ctx.Done():
		return nil
	}
	for _, lb := range l.balancers {
		if err := l.putLoadBalancer(ctx, lb.facts); err != nil {
			return fmt.Errorf("store load balancer %s: %w", lb.facts.DNSName, err)
		}
	}
	published := l.publishHealth(ctx, nil)
	if err := l.makeObjects(ctx); err != nil {
		return err
	}
	close(l.ready)
	return l.keepPublishing(ctx, published)
}

// makeObjects makes the hosted zones with their health checks and records, as far as the options want them.
func (l *Lab) makeObjects(ctx context.Context) error {
	if l.options.Empty {
		return nil
	}
	var made []ZoneRecords
	for _, name := range l.options.Definition.Zones {
		o := ZoneRecordsOptions{
			Zone:             name + ".",
			RequestInterval:  l.options.Interval,
			FailureThreshold: l.options.Threshold,
		}
		if !l.options.ZoneOnly {
			o.Placements = l.placements(name)
		}
		one, err := EnsureZoneRecords(ctx, l.route53, o)
		if err != nil {
			return err
		}
		made = append(made, one)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.records = made
	return nil
}

// placements are the applications of a hosted zone in their Regions, by application, then Region.
func (l *Lab) placements(zoneName string) []Placement {
	facts := l.LoadBalancers()
	var all []Placement
	for _, a := range l.options.Definition.Applications {
		if z, _ := l.options.Definition.zoneOf(a.Hostname); z != zoneName {
			continue
		}
		for _, r := range a.Regions {
			at := slices.IndexFunc(facts, func(f LoadBalancerFacts) bool {
				return f.Region == r.Name && f.Name == r.LoadBalancer
			})
			all = append(all, Placement{a.application(), facts[at]})
		}
	}
	return all
}

// putLoadBalancer stores a load balancer. It retries until etcd is up: a node answers DNS from its snapshot before
// that.
func (l *Lab) putLoadBalancer(ctx context.Context, lb zone.LoadBalancer) error {
	retry := time.NewTicker(20 * time.Millisecond)
	defer retry.Stop()
	for {
		err := l.node.Store().PutLoadBalancer(ctx, lb)
		if !errors.Is(err, store.ErrUnavailable) {
			return err
		}
		select {
		case <-retry.C:
		case <-ctx.Done():
			return err
		}
	}
}

// republish is the interval of retries for health that the store did not take. The store renews what it has.
const republish = 10 * time.Second

// keepPublishing publishes the health of each load balancer when it changes, until ctx ends.
func (l *Lab) keepPublishing(ctx context.Context, published map[zone.Name]bool) error {
	ticker := time.NewTicker(republish)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-l.changed:
		case <-ticker.C:
		}
		published = l.publishHealth(ctx, published)
	}
}

// publishHealth publishes each health that differs from the published one, and returns what is published now. If the
// store does not take one, the next call tries again.
func (l *Lab) publishHealth(ctx context.Context, published map[zone.Name]bool) map[zone.Name]bool {
	now := map[zone.Name]bool{}
	for _, lb := range l.balancers {
		name := lb.facts.DNSName
		healthy, reason := lb.Healthy()
		if before, ok := published[name]; !ok || before != healthy {
			if err := l.node.Store().PutTargetHealth(ctx, name, healthy); err != nil {
				l.options.Logger.Warn("publish target health", "loadBalancer", name, "error", err)
				continue
			}
			if ok {
				l.options.Logger.Info("load balancer health", "loadBalancer", name, "healthy", healthy, "reason", reason)
			}
		}
		now[name] = healthy
	}
	return now
}
