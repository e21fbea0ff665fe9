package alb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"time"
)

// startProbes starts what was registered before Run.
func (lb *LoadBalancer) startProbes(ctx context.Context) {
	lb.mu.Lock()
	defer lb.mu.Unlock()
	lb.running = ctx
	for _, g := range lb.groups {
		for _, t := range g.targets {
			lb.probe(g, t)
		}
	}
}

// stopProbes ends every probe loop and waits for them. Under the lock none can be starting.
func (lb *LoadBalancer) stopProbes(cancel context.CancelFunc) {
	lb.mu.Lock()
	cancel()
	lb.mu.Unlock()
	lb.probes.Wait()
}

// probe starts probing a target until it stops or Run ends; before Run it leaves that to startProbes. The caller holds
// the lock.
func (lb *LoadBalancer) probe(g *targetGroup, t *target) {
	if lb.running == nil || lb.running.Err() != nil || t.stop == nil {
		return
	}
	lb.probes.Add(1)
	go lb.probeLoop(lb.running, g, t, t.Address, t.stop)
}

// probeLoop probes one target at once and then every interval. Intervals are counted from the start of a probe.
func (lb *LoadBalancer) probeLoop(ctx context.Context, g *targetGroup, t *target, address netip.AddrPort,
	stop <-chan struct{}) {
	defer lb.probes.Done()
	client := &http.Client{
		Transport:     lb.prober,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	for {
		lb.mu.Lock()
		check := g.HealthCheck
		lb.mu.Unlock()
		next := time.NewTimer(check.Interval)
		result := probeTarget(ctx, client, check, address)
		if ctx.Err() != nil || !lb.observed(g, t, stop, result) {
			next.Stop()
			return
		}
		select {
		case <-next.C:
		case <-stop:
			next.Stop()
			return
		case <-ctx.Done():
			next.Stop()
			return
		}
	}
}

// observed gives a result to the target and reports whether it shall be probed again.
func (lb *LoadBalancer) observed(g *targetGroup, t *target, stop <-chan struct{}, r probeResult) bool {
	lb.mu.Lock()
	select {
	case <-stop:
		lb.mu.Unlock()
		return false
	default:
	}
	before, first := t.state, !t.probed()
	t.observe(r, g.HealthCheck)
	after, group := t.state, g.Name // g may be configured anew once the lock is gone
	lb.mu.Unlock()
	if before != after {
		lb.logger.Info("target health", "targetGroup", group, "target", t.ID, "state", after, "reason", r.reason)
	}
	if before != after || first {
		lb.healthMayHaveChanged()
	}
	return true
}

// Probed reports whether every registered target in use has been probed once.
func (lb *LoadBalancer) Probed() bool {
	lb.mu.Lock()
	defer lb.mu.Unlock()
	for _, g := range lb.groups {
		for _, t := range g.targets {
			if g.inUse && !t.probed() {
				return false
			}
		}
	}
	return true
}

// probeTarget sends one health check request, as Elastic Load Balancing's checkers do: a GET with the target's address
// as Host that passes with status 200 only.
func probeTarget(ctx context.Context, client *http.Client, c HealthCheck, address netip.AddrPort) probeResult {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address.String()+c.Path, nil)
	if err != nil {
		return probeResult{ReasonFailed, "Health checks failed: " + err.Error()}
	}
	request.Header.Set("User-Agent", "ELB-HealthChecker/2.0")
	response, err := client.Do(request)
	if err != nil {
		return failedProbe(err)
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(response.Body, 64<<10)); err != nil {
		return failedProbe(err)
	}
	if response.StatusCode != http.StatusOK {
		return probeResult{ReasonMismatch, fmt.Sprintf("Health checks failed with these codes: [%d]", response.StatusCode)}
	}
	return probeResult{}
}

func failedProbe(err error) probeResult {
	if isTimeout(err) {
		return probeResult{ReasonTimeout, "Request timed out"}
	}
	return probeResult{ReasonFailed, "Health checks failed"}
}

// isTimeout reports whether a peer did not answer in time, rather than refuse.
func isTimeout(err error) bool {
	var timeout net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout()
}
