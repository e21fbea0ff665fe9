package controller

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/types"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"

	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/plan"
)

// hintTimeout bounds the hints at one account's checks: later than that, probes notice by themselves.
const hintTimeout = 5 * time.Second

// endpoints follow the EndpointSlices of the cluster while a class wants the readiness signal.
type endpoints struct {
	wake chan struct{} // holds a token while something has changed

	mu     sync.Mutex // guards what follows
	ready  readiness
	synced func() bool // whether all there is has been seen; nil when nothing is watched
}

// watchEndpoints begins and ends to follow EndpointSlices. It does not wait: a cluster that refuses them costs the signal and nothing
// else.
func (c *Controller) watchEndpoints(ctx context.Context, wanted bool) {
	e := &c.endpoints
	e.mu.Lock()
	defer e.mu.Unlock()
	if wanted == (e.synced != nil) {
		return
	}
	if !wanted {
		e.ready, e.synced = nil, nil
		if err := c.cache.RemoveInformer(ctx, &discoveryv1.EndpointSlice{}); err != nil {
			c.o.Log.Warn("EndpointSlices are still watched", "error", err)
		}
		return
	}
	informer, err := c.cache.GetInformer(ctx, &discoveryv1.EndpointSlice{}, cache.BlockUntilSynced(false))
	if err != nil {
		c.o.Log.Warn("EndpointSlices are not watched", "error", err)
		return
	}
	ready := make(readiness) // of this watch: what an earlier one still tells does not reach it
	registration, err := informer.AddEventHandler(e.follow(ready))
	if err != nil {
		c.o.Log.Warn("EndpointSlices are not watched", "error", err)
		return
	}
	e.ready, e.synced = ready, registration.HasSynced
}

// follow keeps a readiness like the cluster.
func (e *endpoints) follow(ready readiness) toolscache.ResourceEventHandler {
	change := func(before, after any) {
		e.mu.Lock()
		defer e.mu.Unlock()
		if last, gone := before.(toolscache.DeletedFinalStateUnknown); gone {
			before = last.Obj
		}
		if s, ok := before.(*discoveryv1.EndpointSlice); ok {
			ready.remove(s)
		}
		if s, ok := after.(*discoveryv1.EndpointSlice); ok {
			ready.put(s)
		}
		select {
		case e.wake <- struct{}{}:
		default: // it is going to be looked at already
		}
	}
	return toolscache.ResourceEventHandlerFuncs{
		AddFunc:    func(o any) { change(nil, o) },
		UpdateFunc: func(before, after any) { change(before, after) },
		DeleteFunc: func(o any) { change(o, nil) },
	}
}

// turned are the policies of an account of which the last ready endpoint has gone, or the first has come.
func (e *endpoints) turned(a *account) []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	a.mu.Lock()
	defer a.mu.Unlock()
	if e.synced == nil {
		clear(a.signal)
		return nil
	}
	if !e.synced() {
		return nil
	}
	return a.signal.judge(a.backends, e.ready)
}

// hint tells engines which checks to probe now, until the context ends. The checkers decide as always, so nothing is left of the signal
// when the controller is not there.
func (c *Controller) hint(ctx context.Context) error {
	ticker := time.NewTicker(c.o.Poll) // for policies and EndpointSlices that came to be known without an event
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		case <-c.endpoints.wake:
		}
		var accounts sync.WaitGroup
		for _, a := range c.known() {
			if turned := c.endpoints.turned(a); len(turned) > 0 {
				accounts.Go(func() { c.hintAt(ctx, a, turned) })
			}
		}
		accounts.Wait()
	}
}

// hintAt sends the hints about policies. One that does not arrive is lost: probes come in their own time.
func (c *Controller) hintAt(ctx context.Context, a *account, policies []string) {
	log := c.o.Log.With(slog.String("region", a.site.region), slog.String("endpoint", a.site.endpoint))
	limited, cancel := context.WithTimeout(ctx, hintTimeout)
	defer cancel()
	var lost []error
	for _, check := range a.checksOf(policies) {
		if err := a.worker.applier.ProbeNow(limited, check.ID); err != nil {
			lost = append(lost, err)
			continue
		}
		log.Info("endpoints have gone or come back: its check is probed now", "policy", plan.PolicyOf(check.Key), "check", check.ID)
	}
	if len(lost) > 0 && ctx.Err() == nil {
		log.Warn("hints not sent", "hints", len(lost), "error", lost[0])
	}
	if err := c.publish(ctx, a, nil); err != nil && ctx.Err() == nil {
		log.Warn("statuses not written", "error", err)
	}
}

// checksOf are this Region's checks of policies.
func (a *account) checksOf(policies []string) (checks []plan.Check) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, check := range a.board.state.Checks {
		if check.Owned() && plan.RegionOf(check.Key) == a.site.region && slices.Contains(policies, plan.PolicyOf(check.Key)) && check.Config.Probed() {
			checks = append(checks, check)
		}
	}
	return checks
}

// expect notes the Services behind the policies of an account.
func (a *account) expect(backends map[string][]types.NamespacedName) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.backends = backends
}

// idle names the Services of which no endpoint is ready, by policy. a.mu is held.
func (a *account) idle() map[string]string {
	idle := make(map[string]string)
	for key, ready := range a.signal {
		if ready {
			continue
		}
		var names []string
		for _, service := range a.backends[key] {
			names = append(names, service.Name)
		}
		idle[key] = strings.Join(names, ", ")
	}
	return idle
}

// signalled reports whether a class that is served wants the readiness signal.
func (c *Controller) signalled(s snapshot) bool {
	for i := range s.classes {
		if class := s.classes[i].Class(); c.serves(&class) && class.Spec.ReadinessSignal && class.Spec.Provider == failover.Engine {
			return true
		}
	}
	return false
}
