package lab

import "github.com/bulkhead-dns/bulkhead/alb"

// An Application is one tenant of the shared load balancers.
type Application struct {
	Name       string `json:"name"`
	Hostname   string `json:"hostname"`   // what its users ask for
	HealthPath string `json:"healthPath"` // what its health check asks for, on any host name
	Hue        int    `json:"-"`          // colour of its page, degrees
}

// Applications returns the two applications of the lab without a definition file.
func Applications() []Application {
	var all []Application
	for _, a := range DefaultDefinition().Applications {
		all = append(all, a.application())
	}
	return all
}

func (a ApplicationDefinition) application() Application {
	return Application{Name: a.Name, Hostname: a.Hostname, HealthPath: a.HealthPath, Hue: a.Hue}
}

// in returns what the application is in a Region; ok is false where it is not.
func (a ApplicationDefinition) in(region string) (placed ApplicationRegion, ok bool) {
	for _, r := range a.Regions {
		if r.Name == region {
			return r, true
		}
	}
	return ApplicationRegion{}, false
}

// rulesOf are what the AWS Load Balancer Controller makes of the applications' Ingress: users reach an application by
// its host name. Route 53's checkers reach its health path by the load balancer's name, so that rule names no host.
// Rules that name a host come before those that name none, so that no path of one application takes the users of
// another. r53: H.
func rulesOf(applications []ApplicationDefinition) []alb.Rule {
	var rules []alb.Rule
	for _, withHost := range []bool{true, false} {
		for _, a := range applications {
			for _, r := range a.Rules {
				if (r.Host != "") == withHost {
					rules = append(rules, r.rule(a.Name, len(rules)+1))
				}
			}
		}
	}
	return rules
}
