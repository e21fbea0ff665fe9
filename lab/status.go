package lab

import "github.com/bulkhead-dns/bulkhead/alb"

// Status is the lab as it is now.
type Status struct {
	API     string         `json:"api"` // address of the engine's HTTP server: "127.0.0.1:8053"
	DNS     string         `json:"dns"` // address of the engine's DNS server
	Regions []RegionStatus `json:"regions"`
}

// RegionStatus is one Region.
type RegionStatus struct {
	Region       string              `json:"region"`
	LoadBalancer alb.Status          `json:"loadBalancer"` // the first; most Regions have no other
	Applications []ApplicationStatus `json:"applications"`
	// FurtherLoadBalancers are those after the first.
	FurtherLoadBalancers []alb.Status    `json:"furtherLoadBalancers,omitempty"`
	Ingresses            []IngressStatus `json:"ingresses,omitempty"` // as SetIngresses answered
}

// LoadBalancers are all load balancers of the Region, in the order of the definition.
func (r RegionStatus) LoadBalancers() []alb.Status {
	return append([]alb.Status{r.LoadBalancer}, r.FurtherLoadBalancers...)
}

// ApplicationStatus is one application in one Region.
type ApplicationStatus struct {
	Application
	LoadBalancer string       `json:"loadBalancer"` // its name
	HealthAnswer HealthAnswer `json:"healthAnswer"`
	Replicas     int          `json:"replicas"`
	Failing      bool         `json:"failing"`
}

func (s *surroundings) status() []RegionStatus {
	var all []RegionStatus
	for _, r := range s.regions {
		one := RegionStatus{Region: r.name, LoadBalancer: r.balancers[0].Status(), Applications: []ApplicationStatus{},
			Ingresses: r.ingresses.status()}
		for _, b := range r.balancers[1:] {
			one.FurtherLoadBalancers = append(one.FurtherLoadBalancers, b.Status())
		}
		for _, d := range r.deployments {
			one.Applications = append(one.Applications, ApplicationStatus{
				Application:  d.Application,
				LoadBalancer: d.balancer.Name(),
				HealthAnswer: d.answer,
				Replicas:     int(d.replicas.Load()),
				Failing:      d.failing.Load(),
			})
		}
		all = append(all, one)
	}
	return all
}
