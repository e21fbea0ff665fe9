package controller

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/bulkhead-dns/bulkhead/api/v1alpha1"
	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// A site is what one round is about: an account and a Region of it. The zero site is that of policies without a class.
type site struct {
	provider failover.Provider
	endpoint string
	region   string
}

// siteOf is where the policies of a class go.
func siteOf(class *failover.Class, region string) site {
	return site{class.Spec.Provider, class.Spec.Endpoint, cmp.Or(region, class.Spec.Region)}
}

// An account is a site at work: its worker, which one round at a time uses, and what rounds and polls have found out.
type account struct {
	site   site
	worker *worker

	mu       sync.Mutex // guards what follows
	zones    []zone.HostedZone
	zonesAt  time.Time
	board    board
	verdicts map[string]verdicts // by id of the check
	polling  bool
	measured time.Time // when CloudWatch was read last
	// unmeasured is why it could not be; empty: it could, or was not yet.
	unmeasured string
	rotation   time.Duration                     // how long it takes until all checks that need it were asked for
	silent     string                            // what is told of checks without a current verdict
	fresh      *reading                          // by a poll, for the next round; nil: none
	nudged     map[string]bool                   // policies for which something has changed that they may wait for
	placed     map[string]zone.Name              // hostnames by policy, for which the zones were read
	backends   map[string][]types.NamespacedName // Services by policy, of classes with the readiness signal
	signal     signal

	publishing sync.Mutex // guards what follows
	written    map[types.UID]v1alpha1.FailoverPolicyStatus
	told       map[types.UID]map[string][sha256.Size]byte // what events said last, by object and what it is about
}

// A board is what the last round has left for statuses.
type board struct {
	candidates []candidate
	outcomes   map[string]outcome // by policy
	refused    []string
	abandoned  []string // policies that are gone without a trace, and have checks
	unmeasured string   // why verdicts cannot be read from CloudWatch
	state      plan.State
	zones      []zone.HostedZone // that the state was read of
	readAt     time.Time
	writes     uint64 // of the worker by then
}

// A reading is what a poll has read of the account.
type reading struct {
	state  plan.State
	at     time.Time
	writes uint64 // of the worker when it began
}

// account returns the account of a site, and opens it the first time.
func (c *Controller) account(ctx context.Context, s site, class *failover.Class) (*account, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if a := c.accounts[s]; a != nil {
		return a, nil
	}
	applier, provider, err := c.o.Open(ctx, *class)
	if err != nil {
		return nil, fmt.Errorf("open the account of the class %s: %w", class.Metadata.Name, err)
	}
	a := &account{
		site: s,
		worker: &worker{region: s.region, provider: provider, applier: applier, resync: c.o.Resync, clusterName: c.o.Cluster,
			log: c.o.Log.With(slog.String("endpoint", s.endpoint))},
		verdicts: make(map[string]verdicts),
		nudged:   make(map[string]bool),
		placed:   make(map[string]zone.Name),
		signal:   make(signal),
		written:  make(map[types.UID]v1alpha1.FailoverPolicyStatus),
		told:     make(map[types.UID]map[string][sha256.Size]byte),
	}
	c.accounts[s] = a
	return a, nil
}

// known are the accounts that were opened, in an order of their own.
func (c *Controller) known() []*account {
	c.mu.Lock()
	defer c.mu.Unlock()
	var list []*account
	for _, a := range c.accounts {
		list = append(list, a)
	}
	slices.SortFunc(list, func(a, b *account) int {
		return cmp.Or(cmp.Compare(a.site.endpoint, b.site.endpoint), cmp.Compare(a.site.region, b.site.region), cmp.Compare(a.site.provider, b.site.provider))
	})
	return list
}

// readZones reads the hosted zones of the account when what is known is older than that.
func (a *account) readZones(ctx context.Context, old time.Duration) error {
	a.mu.Lock()
	fresh := !a.zonesAt.IsZero() && time.Since(a.zonesAt) < old
	a.mu.Unlock()
	if fresh {
		return nil
	}
	zones, err := a.worker.applier.Zones(ctx)
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.zones, a.zonesAt = zones, time.Now()
	return nil
}

// facts are what is known of the account.
func (a *account) facts() failover.Facts {
	a.mu.Lock()
	defer a.mu.Unlock()
	return failover.Facts{Provider: a.worker.provider, Zones: a.zones, Region: a.site.region}
}

// retire forgets the account of a site that no class is of any more.
func (c *Controller) retire(s site) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.accounts, s)
	delete(c.troubles, s)
	c.metrics.retire(s)
}
