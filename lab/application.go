package lab

// An Application is one tenant of the shared load balancers.
type Application struct {
	Name       string `json:"name"`
	Hostname   string `json:"hostname"`   // what its users ask for
	HealthPath string `json:"healthPath"` // what its health check asks for, on any host name
	Hue        int    `json:"-"`          // colour of its page, degrees
}

// Applications returns the two applications of the lab.
func Applications() []Application {
	return []Application{
		{Name: "app1", Hostname: "app1.example.com", HealthPath: "/app1health", Hue: 214}, // blue
		{Name: "app2", Hostname: "app2.example.com", HealthPath: "/app2health", Hue: 150}, // green
	}
}

// ingressRules are what the AWS Load Balancer Controller makes of the applications' Ingress: users reach an application by its host name.
// Route 53's checkers reach its health path by the load balancer's name, so that rule names no host. r53: H.
func ingressRules(applications []Application) []Rule {
	var rules []Rule
	for _, a := range applications {
		rules = append(rules, Rule{Priority: len(rules) + 1, Hosts: []string{a.Hostname}, Action: Action{TargetGroup: a.Name}})
	}
	for _, a := range applications {
		rules = append(rules, Rule{Priority: len(rules) + 1, Paths: []string{a.HealthPath}, Action: Action{TargetGroup: a.Name}})
	}
	return rules
}
