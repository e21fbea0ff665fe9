package alb

import (
	"slices"
	"time"
)

// A Snapshot is a load balancer's listener and target groups at one moment.
type Snapshot struct {
	Rules         []Rule // by priority
	DefaultAction Action
	TargetGroups  []TargetGroupSnapshot // by name
}

// A TargetGroupSnapshot is one target group at that moment.
type TargetGroupSnapshot struct {
	TargetGroup
	InUse   bool           // an action of the listener forwards to it
	Targets []TargetStatus // registered targets first, then draining ones
}

// Snapshot returns the listener and the target groups as they are now.
func (lb *LoadBalancer) Snapshot() Snapshot {
	lb.mu.Lock()
	defer lb.mu.Unlock()
	s := Snapshot{Rules: slices.Clone(lb.rules), DefaultAction: lb.fallback}
	for _, name := range groupNames(lb.groups) {
		g := lb.groups[name]
		s.TargetGroups = append(s.TargetGroups, TargetGroupSnapshot{g.TargetGroup, g.inUse, g.statuses(time.Now())})
	}
	return s
}

// statuses returns the targets that are shown: the registered ones, then those that drain.
func (g *targetGroup) statuses(now time.Time) []TargetStatus {
	g.drained = g.stillDraining(now)
	all := []TargetStatus{}
	for _, t := range slices.Concat(g.targets, g.drained) {
		all = append(all, TargetStatus{t.Target, t.state, t.reason, t.description})
	}
	return all
}

// Status is what the AWS console shows of a load balancer, and its health as Route 53 sees it.
type Status struct {
	Name          string              `json:"name"`
	DNSName       string              `json:"dnsName"`
	HostedZoneID  string              `json:"hostedZoneId"`
	Address       string              `json:"address"`
	Port          int                 `json:"port"`
	Healthy       bool                `json:"healthy"` // r53: A.9
	Reason        string              `json:"reason"`
	Rules         []Rule              `json:"rules"` // by priority
	DefaultAction Action              `json:"defaultAction"`
	TargetGroups  []TargetGroupStatus `json:"targetGroups"` // by name
}

// TargetGroupStatus is one target group with everything that was registered in it lately.
type TargetGroupStatus struct {
	Name            string         `json:"name"`
	HealthCheckPath string         `json:"healthCheckPath"`
	IntervalSeconds float64        `json:"intervalSeconds"`
	Targets         []TargetStatus `json:"targets"`
}

// TargetStatus is one target as DescribeTargetHealth shows it. r53: E.1.
type TargetStatus struct {
	Target
	State       TargetState `json:"state"`
	Reason      string      `json:"reason,omitempty"`
	Description string      `json:"description,omitempty"`
}

// Status returns the load balancer with its rules, its targets and its health.
func (lb *LoadBalancer) Status() Status {
	healthy, reason := lb.Healthy()
	now := lb.Snapshot()
	s := Status{
		Name:          lb.options.Name,
		DNSName:       lb.options.DNSName,
		HostedZoneID:  lb.options.HostedZoneID,
		Address:       lb.Address().Addr().String(),
		Port:          int(lb.Address().Port()),
		Healthy:       healthy,
		Reason:        reason,
		Rules:         now.Rules,
		DefaultAction: now.DefaultAction,
		TargetGroups:  []TargetGroupStatus{},
	}
	for _, g := range now.TargetGroups {
		s.TargetGroups = append(s.TargetGroups, TargetGroupStatus{
			Name:            g.Name,
			HealthCheckPath: g.HealthCheck.Path,
			IntervalSeconds: g.HealthCheck.Interval.Seconds(),
			Targets:         g.Targets,
		})
	}
	return s
}
