// Package resolver knows the addresses of alias targets that are not the engine's own, such as the name of a load
// balancer at AWS. It resolves them in the background and caches the addresses: it asks again when their TTL is over,
// and keeps stale addresses for as long as no resolver answers. A query never waits for it.
package resolver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"net/netip"
	"os"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/bulkhead-dns/bulkhead/zone"
)

// A Cache holds the targets that groups of record sets cite, with their addresses.
type Cache struct {
	resolver stubResolver
	path     string // the file of the last known addresses, for starts without a resolver
	onChange func([]zone.LoadBalancer)
	log      *slog.Logger

	mu      sync.Mutex
	targets map[zone.Name]*target
	cited   map[Group][]zone.Name // what each group cites, to count citations
	wake    chan struct{}         // holds a token when a target is new
}

// A Group names the record sets of one name and type in a hosted zone.
type Group struct {
	ZoneID string
	Name   zone.Name
	Type   zone.RRType
}

type target struct {
	zone.LoadBalancer
	citations int
	due       time.Time // of the next question
	failed    bool      // the last question, so that a failure is logged once
}

// The time between two questions for one name is its TTL within these bounds. After a failure it is minTTL.
const (
	minTTL = 5 * time.Second
	maxTTL = 5 * time.Minute

	maxInFlight = 16 // questions
)

// New reads the last known addresses from the file at path, if there is one. resolvers are "host:port"; none means
// those of the system. onChange is called from Run with every target whose addresses have changed.
func New(
	resolvers []string, path string, onChange func([]zone.LoadBalancer), log *slog.Logger,
) (*Cache, error) {
	c := &Cache{
		resolver: stubResolver{resolvers}, path: path, onChange: onChange, log: log,
		targets: map[zone.Name]*target{}, cited: map[Group][]zone.Name{}, wake: make(chan struct{}, 1),
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read addresses of alias targets: %w", err)
	}
	var known []zone.LoadBalancer
	if err := json.Unmarshal(data, &known); err != nil {
		return nil, fmt.Errorf("read addresses of alias targets in %s: %w", path, err)
	}
	for _, lb := range known {
		c.targets[lb.DNSName] = &target{LoadBalancer: lb}
	}
	return c, nil
}

// Cite records which targets a group cites now, in place of those that it cited before. It returns the targets whose
// addresses are known.
func (c *Cache) Cite(g Group, targets []zone.LoadBalancer) (known []zone.LoadBalancer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	before := c.cited[g]
	delete(c.cited, g)
	for _, lb := range targets {
		t := c.targets[lb.DNSName]
		if t == nil {
			t = &target{LoadBalancer: lb}
			c.targets[lb.DNSName] = t
			select {
			case c.wake <- struct{}{}:
			default:
			}
		}
		t.citations++
		c.cited[g] = append(c.cited[g], lb.DNSName)
		if len(t.Addresses) > 0 {
			known = append(known, t.LoadBalancer)
		}
	}
	for _, n := range before {
		c.targets[n].citations--
	}
	return known
}

// ResetCitations forgets what the groups cite. It keeps the addresses.
func (c *Cache) ResetCitations() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.cited)
	for _, t := range c.targets {
		t.citations = 0
	}
}

// Run resolves what is due until ctx ends.
func (c *Cache) Run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		case <-c.wake:
		}
		c.refresh(ctx, time.Now())
		timer.Reset(c.untilDue(time.Now()))
	}
}

// refresh resolves every cited target that is due, and forgets those that nothing cites.
func (c *Cache) refresh(ctx context.Context, now time.Time) {
	c.mu.Lock()
	var due []zone.LoadBalancer
	for n, t := range c.targets {
		switch {
		case t.citations == 0 && !t.due.IsZero():
			delete(c.targets, n)
		case t.citations > 0 && !t.due.After(now):
			due = append(due, t.LoadBalancer)
		}
	}
	c.mu.Unlock()
	if len(due) == 0 {
		return
	}
	var (
		mu      sync.Mutex
		changed []zone.LoadBalancer
		g       errgroup.Group
	)
	g.SetLimit(maxInFlight)
	for _, lb := range due {
		g.Go(func() error {
			addresses, ttl, err := c.resolver.lookup(ctx, lb.DNSName)
			if ctx.Err() != nil {
				return nil
			}
			if next, differs := c.learn(lb, addresses, ttl, err); differs {
				mu.Lock()
				defer mu.Unlock()
				changed = append(changed, next)
			}
			return nil
		})
	}
	_ = g.Wait() // the functions return no error
	if len(changed) > 0 {
		c.onChange(changed)
		c.save()
	}
}

// learn applies one answer and reports whether the addresses differ. A failure changes none: the old ones stay, stale.
func (c *Cache) learn(
	lb zone.LoadBalancer, addresses []netip.Addr, ttl time.Duration, err error,
) (next zone.LoadBalancer, differs bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.targets[lb.DNSName]
	if t == nil {
		return lb, false
	}
	if err != nil {
		t.due = time.Now().Add(minTTL)
		if !t.failed {
			t.failed = true
			c.log.Warn("alias target not resolved: its last known addresses stay in use",
				"name", lb.DNSName, "known", len(t.Addresses), "err", err)
		}
		return lb, false
	}
	if t.failed {
		t.failed = false
		c.log.Info("alias target resolved again", "name", lb.DNSName)
	}
	t.due = time.Now().Add(min(max(ttl, minTTL), maxTTL))
	slices.SortFunc(addresses, netip.Addr.Compare)
	if slices.Equal(addresses, t.Addresses) {
		return lb, false
	}
	t.Addresses = addresses
	return t.LoadBalancer, true
}

// untilDue is the time until a target is due.
func (c *Cache) untilDue(now time.Time) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	wait := maxTTL
	for _, t := range c.targets {
		if t.citations > 0 {
			wait = min(wait, max(t.due.Sub(now), 0))
		}
	}
	return wait
}

// save writes the known addresses, for a start without a resolver.
func (c *Cache) save() {
	c.mu.Lock()
	var known []zone.LoadBalancer
	for _, n := range slices.Sorted(maps.Keys(c.targets)) {
		if t := c.targets[n]; len(t.Addresses) > 0 {
			known = append(known, t.LoadBalancer)
		}
	}
	c.mu.Unlock()
	data, err := json.MarshalIndent(known, "", "  ")
	if err == nil {
		err = replaceFile(c.path, append(data, '\n'))
	}
	if err != nil {
		c.log.Warn("addresses of alias targets not saved", "err", err)
	}
}

// replaceFile writes a file at once: a reader finds the old content or the new.
func replaceFile(path string, data []byte) error {
	next := path + ".new"
	if err := os.WriteFile(next, data, 0o600); err != nil {
		return err
	}
	return os.Rename(next, path)
}
