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

// setUp makes the load balancers known and the objects in Route 53, then keeps publishing health.
func (l *Lab) setUp(ctx context.Context) error {
	l.surroundings.settled(ctx, l.changed)
	select {
	case <-l.node.Ready():
	case <-ctx.Done():
		return nil
	}
	for _, lb := range l.balancers {
		if err := l.putLoadBalancer(ctx, lb.facts); err != nil {
			return fmt.Errorf("make load balancer %s known: %w", lb.facts.DNSName, err)
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

// putLoadBalancer makes a load balancer known as soon as etcd takes it: a node answers DNS from its snapshot before
// that.
func (l *Lab) putLoadBalancer(ctx context.Context, lb zone.LoadBalancer) error {
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		err := l.node.Store().PutLoadBalancer(ctx, lb)
		if !errors.Is(err, store.ErrUnavailable) {
			return err
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return err
		}
	}
}

// republish is how often health is tried again that the store did not take. What it took it keeps published by itself.
const republish = 10 * time.Second

// keepPublishing tells the engine the health of each load balancer as it changes, until ctx ends.
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

// publishHealth publishes what differs from what was published, and returns what now is. A load balancer that could not
// be published is tried again at the next turn.
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
