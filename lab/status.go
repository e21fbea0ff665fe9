package lab

import (
	"slices"
	"time"
)

// Status is the lab as it is now.
type Status struct {
	API     string         `json:"api"` // address of the engine's HTTP server: "127.0.0.1:8053"
	DNS     string         `json:"dns"` // address of the engine's DNS server
	Regions []RegionStatus `json:"regions"`
}

// RegionStatus is one Region.
type RegionStatus struct {
	Region       string              `json:"region"`
	LoadBalancer LoadBalancerStatus  `json:"loadBalancer"` // the first; most Regions have no other
	Applications []ApplicationStatus `json:"applications"`
	// FurtherLoadBalancers are those after the first.
	FurtherLoadBalancers []LoadBalancerStatus `json:"furtherLoadBalancers,omitempty"`
	Ingresses            []IngressStatus      `json:"ingresses,omitempty"` // as SetIngresses answered
}

// LoadBalancers are all load balancers of the Region, in the order of the definition.
func (r RegionStatus) LoadBalancers() []LoadBalancerStatus {
	return append([]LoadBalancerStatus{r.LoadBalancer}, r.FurtherLoadBalancers...)
}

// LoadBalancerStatus is what the AWS console shows of a load balancer, and its health as Route 53 sees it.
type LoadBalancerStatus struct {
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

// ApplicationStatus is one application in one Region.
type ApplicationStatus struct {
	Application
	LoadBalancer string       `json:"loadBalancer"` // its name
	HealthAnswer HealthAnswer `json:"healthAnswer"`
	Replicas     int          `json:"replicas"`
	Failing      bool         `json:"failing"`
}

// Status shows the load balancer, its rules and its targets.
func (lb *LoadBalancer) Status() LoadBalancerStatus {
	healthy, reason := lb.Healthy()
	lb.mu.Lock()
	defer lb.mu.Unlock()
	s := LoadBalancerStatus{
		Name:          lb.options.Name,
		DNSName:       lb.options.DNSName,
		HostedZoneID:  lb.options.HostedZoneID,
		Address:       lb.Address().Addr().String(),
		Port:          int(lb.Address().Port()),
		Healthy:       healthy,
		Reason:        reason,
		Rules:         slices.Clone(lb.rules),
		DefaultAction: lb.fallback,
		TargetGroups:  []TargetGroupStatus{},
	}
	for _, name := range groupNames(lb.groups) {
		s.TargetGroups = append(s.TargetGroups, lb.groups[name].status(time.Now()))
	}
	return s
}

func (g *targetGroup) status(now time.Time) TargetGroupStatus {
	g.drained = g.stillDraining(now)
	s := TargetGroupStatus{
		Name:            g.Name,
		HealthCheckPath: g.HealthCheck.Path,
		IntervalSeconds: g.HealthCheck.Interval.Seconds(),
		Targets:         []TargetStatus{},
	}
	for _, t := range slices.Concat(g.targets, g.drained) {
		s.Targets = append(s.Targets, TargetStatus{t.Target, t.state, t.reason, t.description})
	}
	return s
}

func (s *surroundings) status() []RegionStatus {
	var all []RegionStatus
	for _, r := range s.regions {
		one := RegionStatus{Region: r.name, LoadBalancer: r.balancers[0].Status(), Applications: []ApplicationStatus{}, Ingresses: r.ingresses.status()}
		for _, b := range r.balancers[1:] {
			one.FurtherLoadBalancers = append(one.FurtherLoadBalancers, b.Status())
		}
		for _, d := range r.deployments {
			one.Applications = append(one.Applications, ApplicationStatus{
				Application:  d.Application,
				LoadBalancer: d.balancer.options.Name,
				HealthAnswer: d.answer,
				Replicas:     int(d.replicas.Load()),
				Failing:      d.failing.Load(),
			})
		}
		all = append(all, one)
	}
	return all
}
