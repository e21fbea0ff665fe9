package node

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

	"github.com/bulkhead-dns/bulkhead/store"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// outside keeps the addresses of alias targets that are not the engine's own: a real load balancer's name. They are resolved
// in the background, asked again when their TTL is over, and kept when the resolver fails, for as long as it does. A query never
// waits for it.
type outside struct {
	resolver stubResolver
	path     string // file of what was known, for starts without a resolver
	put      func([]zone.LoadBalancer)
	log      *slog.Logger

	mu      sync.Mutex
	targets map[zone.Name]*target
	cited   map[store.Group][]zone.Name // what each group cites, to count citations
	wake    chan struct{}               // a target is new
}

type target struct {
	zone.LoadBalancer
	citations int
	due       time.Time
	failed    bool // the last attempt, so that a failure is said once
}

// The wait between two questions for one name follows its TTL within these bounds; after a failure it is the lower one.
const (
	minOutsideTTL = 5 * time.Second
	maxOutsideTTL = 5 * time.Minute

	outsideConcurrency = 16
)

func newOutside(resolvers []string, path string, put func([]zone.LoadBalancer), log *slog.Logger) (*outside, error) {
	o := &outside{
		resolver: stubResolver{resolvers}, path: path, put: put, log: log,
		targets: map[zone.Name]*target{}, cited: map[store.Group][]zone.Name{}, wake: make(chan struct{}, 1),
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return o, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read addresses of alias targets: %w", err)
	}
	var known []zone.LoadBalancer
	if err := json.Unmarshal(data, &known); err != nil {
		return nil, fmt.Errorf("read addresses of alias targets in %s: %w", path, err)
	}
	for _, lb := range known {
		o.targets[lb.DNSName] = &target{LoadBalancer: lb}
	}
	return o, nil
}

// cite takes note of the targets outside that a group cites now, and returns the known ones of those that were not cited before. They
// are to be put into the view.
func (o *outside) cite(g store.Group, targets []zone.LoadBalancer) (known []zone.LoadBalancer) {
	o.mu.Lock()
	defer o.mu.Unlock()
	before := o.cited[g]
	delete(o.cited, g)
	for _, lb := range targets {
		t := o.targets[lb.DNSName]
		if t == nil {
			t = &target{LoadBalancer: lb}
			o.targets[lb.DNSName] = t
			select {
			case o.wake <- struct{}{}:
			default:
			}
		}
		t.citations++
		o.cited[g] = append(o.cited[g], lb.DNSName)
		if len(t.Addresses) > 0 {
			known = append(known, t.LoadBalancer)
		}
	}
	for _, n := range before {
		o.targets[n].citations--
	}
	return known
}

// forgetCitations starts counting anew; addresses are kept.
func (o *outside) forgetCitations() {
	o.mu.Lock()
	defer o.mu.Unlock()
	clear(o.cited)
	for _, t := range o.targets {
		t.citations = 0
	}
}

// run asks for what is due until ctx ends.
func (o *outside) run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		case <-o.wake:
		}
		o.refresh(ctx, time.Now())
		timer.Reset(o.rest(time.Now()))
	}
}

// refresh resolves every cited target that is due, and forgets those that nothing cites any more.
func (o *outside) refresh(ctx context.Context, now time.Time) {
	o.mu.Lock()
	var due []zone.LoadBalancer
	for n, t := range o.targets {
		switch {
		case t.citations == 0 && !t.due.IsZero():
			delete(o.targets, n)
		case t.citations > 0 && !t.due.After(now):
			due = append(due, t.LoadBalancer)
		}
	}
	o.mu.Unlock()
	if len(due) == 0 {
		return
	}
	var (
		mu      sync.Mutex
		changed []zone.LoadBalancer
		g       errgroup.Group
	)
	g.SetLimit(outsideConcurrency)
	for _, lb := range due {
		g.Go(func() error {
			addresses, ttl, err := o.resolver.lookup(ctx, lb.DNSName)
			if ctx.Err() != nil {
				return nil
			}
			if next, differs := o.learn(lb, addresses, ttl, err); differs {
				mu.Lock()
				defer mu.Unlock()
				changed = append(changed, next)
			}
			return nil
		})
	}
	_ = g.Wait() // the functions return no error
	if len(changed) > 0 {
		o.put(changed)
		o.save()
	}
}

// learn takes in one answer and reports whether the addresses differ. A failure changes none: the old ones are served stale.
func (o *outside) learn(lb zone.LoadBalancer, addresses []netip.Addr, ttl time.Duration, err error) (next zone.LoadBalancer, differs bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	t := o.targets[lb.DNSName]
	if t == nil {
		return lb, false
	}
	if err != nil {
		t.due = time.Now().Add(minOutsideTTL)
		if !t.failed {
			t.failed = true
			o.log.Warn("alias target not resolved: going on with the addresses known", "name", lb.DNSName, "known", len(t.Addresses), "err", err)
		}
		return lb, false
	}
	if t.failed {
		t.failed = false
		o.log.Info("alias target resolved again", "name", lb.DNSName)
	}
	t.due = time.Now().Add(min(max(ttl, minOutsideTTL), maxOutsideTTL))
	slices.SortFunc(addresses, netip.Addr.Compare)
	if slices.Equal(addresses, t.Addresses) {
		return lb, false
	}
	t.Addresses = addresses
	return t.LoadBalancer, true
}

// rest is how long nothing is due.
func (o *outside) rest(now time.Time) time.Duration {
	o.mu.Lock()
	defer o.mu.Unlock()
	rest := maxOutsideTTL
	for _, t := range o.targets {
		if t.citations > 0 {
			rest = min(rest, max(t.due.Sub(now), 0))
		}
	}
	return rest
}

// save writes what is known; without it a start without a resolver has no addresses.
func (o *outside) save() {
	o.mu.Lock()
	var known []zone.LoadBalancer
	for _, n := range slices.Sorted(maps.Keys(o.targets)) {
		if t := o.targets[n]; len(t.Addresses) > 0 {
			known = append(known, t.LoadBalancer)
		}
	}
	o.mu.Unlock()
	data, err := json.MarshalIndent(known, "", "  ")
	if err == nil {
		err = replaceFile(o.path, append(data, '\n'))
	}
	if err != nil {
		o.log.Warn("addresses of alias targets not saved", "err", err)
	}
}

// replaceFile writes a file so that it is there whole or as it was.
func replaceFile(path string, data []byte) error {
	next := path + ".new"
	if err := os.WriteFile(next, data, 0o600); err != nil {
		return err
	}
	return os.Rename(next, path)
}
