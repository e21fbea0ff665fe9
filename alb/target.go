package alb

import (
	"fmt"
	"net/netip"
	"sync"
	"time"
)

// A Target is one address that a target group sends requests to.
type Target struct {
	ID               string         `json:"id"` // what people call it: the pod's name
	Address          netip.AddrPort `json:"address"`
	AvailabilityZone string         `json:"availabilityZone"`
}

// A TargetState is the health of a target as DescribeTargetHealth names it. r53: E.1.
type TargetState string

// The states a target goes through.
const (
	Initial   TargetState = "initial"   // registered, not yet judged
	Healthy   TargetState = "healthy"   // takes requests
	Unhealthy TargetState = "unhealthy" // takes requests only when no target of the group is healthy
	Unused    TargetState = "unused"    // no rule forwards to its group; it is not probed
	Draining  TargetState = "draining"  // deregistered: finishes what it has, takes nothing new
)

// Reasons of target states, in Elastic Load Balancing's own codes. A healthy target has none. r53: E.1.
const (
	ReasonInitial       = "Elb.InitialHealthChecking"
	ReasonMismatch      = "Target.ResponseCodeMismatch"
	ReasonTimeout       = "Target.Timeout"
	ReasonFailed        = "Target.FailedHealthChecks"
	ReasonNotInUse      = "Target.NotInUse"
	ReasonNotRegistered = "Target.NotRegistered"
	ReasonDeregistering = "Target.DeregistrationInProgress"
)

// A HealthCheck says how a target group probes its targets. Zero fields take what the AWS Load Balancer Controller sets
// for an Ingress. r53: E.3.
type HealthCheck struct {
	Path     string        `json:"path"`     // "" means /
	Interval time.Duration `json:"interval"` // between probes of one target; 0 means 15 s
	Timeout  time.Duration `json:"timeout"`  // of one probe; 0 means 5 s, or the interval if that is shorter
	// HealthyThreshold is the number of passed probes in a row that make an unhealthy target healthy; 0 means 2.
	HealthyThreshold int `json:"healthyThreshold"`
	// UnhealthyThreshold is the number of failed probes in a row that make a target unhealthy; 0 means 2.
	UnhealthyThreshold int `json:"unhealthyThreshold"`
}

// withDefaults fills in what is left open.
func (c HealthCheck) withDefaults() HealthCheck {
	if c.Path == "" {
		c.Path = "/"
	}
	if c.Interval == 0 {
		c.Interval = 15 * time.Second
	}
	if c.Timeout == 0 {
		c.Timeout = min(5*time.Second, c.Interval)
	}
	if c.HealthyThreshold == 0 {
		c.HealthyThreshold = 2
	}
	if c.UnhealthyThreshold == 0 {
		c.UnhealthyThreshold = 2
	}
	return c
}

// check refuses settings that cannot work. AWS's shortest interval is 5 s; here it is 100 ms, so that tests and
// demonstrations are quick.
func (c HealthCheck) check() error {
	switch {
	case c.Path[0] != '/':
		return fmt.Errorf("health check path %q: begin with /", c.Path)
	case c.Interval < 100*time.Millisecond || c.Interval > 300*time.Second:
		return fmt.Errorf("health check interval %s: use 100ms to 300s", c.Interval)
	case c.Timeout < 0 || c.Timeout > c.Interval:
		return fmt.Errorf("health check timeout %s: use up to the interval, %s", c.Timeout, c.Interval)
	case c.HealthyThreshold < 1 || c.HealthyThreshold > 10:
		return fmt.Errorf("healthy threshold %d: use 1 to 10", c.HealthyThreshold)
	case c.UnhealthyThreshold < 1 || c.UnhealthyThreshold > 10:
		return fmt.Errorf("unhealthy threshold %d: use 1 to 10", c.UnhealthyThreshold)
	}
	return nil
}

// A probeResult is what one probe of a target found. A passed probe has no reason.
type probeResult struct{ reason, description string }

func (r probeResult) passed() bool { return r.reason == "" }

// A target is a registered or draining target with its history.
type target struct {
	Target
	state               TargetState
	reason, description string
	passes, failures    int            // in a row
	stop                chan struct{}  // closed when it shall no longer be probed; nil while it is not probed
	drainedBy           time.Time      // when a draining target is forgotten
	inFlight            sync.WaitGroup // requests; none is added once the target drains
}

func (t *target) set(s TargetState, reason, description string) {
	t.state, t.reason, t.description = s, reason, description
}

// enter makes the target an unjudged one.
func (t *target) enter() {
	t.passes, t.failures = 0, 0
	t.stop = make(chan struct{})
	t.set(Initial, ReasonInitial, "Initial health checks in progress")
}

// leave ends its probing.
func (t *target) leave(s TargetState, reason, description string) {
	if t.stop != nil {
		close(t.stop)
		t.stop = nil
	}
	t.set(s, reason, description)
}

// probed reports whether the target has been probed since it was registered or came into use.
func (t *target) probed() bool { return t.passes+t.failures > 0 }

// observe takes the result of a probe. The first pass makes a new target healthy; an unhealthy one needs
// HealthyThreshold passes in a row; UnhealthyThreshold failures in a row make any target unhealthy. r53: E.1.
func (t *target) observe(r probeResult, c HealthCheck) {
	if r.passed() {
		t.passes, t.failures = t.passes+1, 0
		if t.state == Initial || t.passes >= c.HealthyThreshold {
			t.set(Healthy, "", "")
		}
		return
	}
	t.passes, t.failures = 0, t.failures+1
	if t.state == Unhealthy || t.failures >= c.UnhealthyThreshold {
		t.set(Unhealthy, r.reason, r.description)
	}
}
