package lab

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/bulkhead-dns/bulkhead/alb"
)

// An Ingress is one Kubernetes Ingress of class alb, with the Services that it leads to. All Ingresses on one load
// balancer share its listener, as those of an IngressGroup do.
type Ingress struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	// LoadBalancer is the name of the Region's load balancer that it is for: alb.ingress.kubernetes.io/load-balancer-name.
	// "" means the Region's first.
	LoadBalancer string `json:"loadBalancer,omitempty"`
	// Order is alb.ingress.kubernetes.io/group.order: the rules of a lower one come first. Ties go by namespace, then
	// name. r53: E.3.
	Order int           `json:"order,omitempty"`
	Rules []IngressRule `json:"rules"` // spec.rules, in their order
	// DefaultBackend is spec.defaultBackend: what no rule of the listener matches. One Ingress on a load balancer may have
	// it; without it the answer is 404.
	DefaultBackend *IngressBackend `json:"defaultBackend,omitempty"`
	// all that the rules name; one that is missing is answered for with 503
	Services []IngressService `json:"services"`
}

// An IngressRule is one of spec.rules.
type IngressRule struct {
	Host  string        `json:"host,omitempty"` // "" means any; "*.example.com" any below
	Paths []IngressPath `json:"paths"`          // http.paths
}

// An IngressPath is one of http.paths.
type IngressPath struct {
	Path     string         `json:"path,omitempty"`
	PathType string         `json:"pathType"` // Exact, Prefix or ImplementationSpecific: there * and ? are wildcards
	Backend  IngressBackend `json:"backend"`
}

// An IngressBackend names a Service of the Ingress's namespace by its port number.
type IngressBackend struct {
	Service string `json:"service"`
	Port    int    `json:"port"`
}

// An IngressService is a Service with its ready endpoints: those of its EndpointSlices whose condition ready is not
// false.
type IngressService struct {
	IngressBackend
	// HealthPath is alb.ingress.kubernetes.io/healthcheck-path: what the load balancer asks targets for. "" means /.
	HealthPath string `json:"healthPath,omitempty"`
	// Application is what the stand-ins of its pods call themselves. "" means the Service's name.
	Application string     `json:"application,omitempty"`
	Endpoints   []Endpoint `json:"endpoints"` // none: the load balancer answers 503
}

// An Endpoint is one ready pod.
type Endpoint struct {
	Pod string `json:"pod"` // its name, unique in the Service
	// Address is where the pod listens. The zero value means that nothing does, as with KWOK's pods: then the lab runs a
	// stand-in, which answers every path with 200 and says which application, pod and Region it is.
	Address          netip.AddrPort `json:"address,omitzero"`
	AvailabilityZone string         `json:"availabilityZone,omitempty"` // "" means one of the Region's
}

// An IngressStatus is the load balancer that an Ingress has got. DNSName is for
// status.loadBalancer.ingress[0].hostname.
type IngressStatus struct {
	Namespace    string `json:"namespace"`
	Name         string `json:"name"`
	LoadBalancer string `json:"loadBalancer"` // its name
	DNSName      string `json:"dnsName"`
	Address      string `json:"address"` // on this machine
	Port         int    `json:"port"`
}

// A traffic is what the Ingresses of one load balancer want of it.
type traffic struct {
	config alb.Config
	groups []serviceGroup
}

// A serviceGroup is the target group of a Service.
type serviceGroup struct {
	name      string
	service   IngressService
	endpoints []Endpoint
}

// trafficOf turns the Ingresses of one load balancer into rules and target groups, or reports every fault.
func trafficOf(all []Ingress) (traffic, error) {
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b Ingress) int {
		return cmp.Or(cmp.Compare(a.Order, b.Order), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	var (
		t         traffic
		faults    []error
		defaultOf string
	)
	for i, g := range all {
		title := g.Namespace + "/" + g.Name
		if i > 0 && all[i-1].Namespace == g.Namespace && all[i-1].Name == g.Name {
			faults = append(faults, fmt.Errorf("ingress %s is there twice", title))
		}
		if err := t.add(g); err != nil {
			faults = append(faults, fmt.Errorf("ingress %s: %w", title, err))
		}
		if g.DefaultBackend == nil {
			continue
		}
		if defaultOf != "" {
			faults = append(faults, fmt.Errorf("ingresses %s and %s both have a default backend: one on a load balancer may",
				defaultOf, title))
		}
		defaultOf = title
		t.config.DefaultAction = g.action(*g.DefaultBackend)
	}
	return t, errors.Join(faults...)
}

// add appends the rules and Services of one Ingress.
func (t *traffic) add(g Ingress) error {
	var faults []error
	if g.Namespace == "" || g.Name == "" {
		faults = append(faults, errors.New("give namespace and name"))
	}
	for _, s := range g.Services {
		if err := s.check(); err != nil {
			faults = append(faults, fmt.Errorf("service %s:%d: %w", s.Service, s.Port, err))
			continue
		}
		group := serviceGroup{name: g.groupName(s.IngressBackend), service: s, endpoints: s.Endpoints}
		if slices.ContainsFunc(t.groups, func(other serviceGroup) bool { return other.name == group.name }) {
			faults = append(faults, fmt.Errorf("service %s:%d is there twice", s.Service, s.Port))
			continue
		}
		t.groups = append(t.groups, group)
		t.config.TargetGroups = append(t.config.TargetGroups, alb.TargetGroup{
			Name:                group.name,
			HealthCheck:         alb.HealthCheck{Path: s.HealthPath},
			DeregistrationDelay: drainTime,
			Resource:            fmt.Sprintf("%s/%s-%s:%d", g.Namespace, g.Name, s.Service, s.Port),
		})
	}
	for _, r := range g.Rules {
		for _, p := range sortedPaths(r.Paths) {
			patterns, err := p.patterns()
			if err != nil {
				faults = append(faults, err)
				continue
			}
			rule := alb.Rule{Priority: len(t.config.Rules) + 1, Paths: patterns, Action: g.action(p.Backend)}
			if r.Host != "" {
				rule.Hosts = []string{r.Host}
			}
			if len(rule.Hosts)+len(rule.Paths) == 0 {
				rule.Paths = []string{"/*"}
			}
			t.config.Rules = append(t.config.Rules, rule)
		}
	}
	return errors.Join(faults...)
}

func (s IngressService) check() error {
	if s.Service == "" || s.Port < 1 || s.Port > 65535 {
		return errors.New("give its name, and a port of 1 to 65535")
	}
	if len(s.Endpoints) > alb.MaxTargets {
		return fmt.Errorf("%d endpoints: a target group takes up to %d", len(s.Endpoints), alb.MaxTargets)
	}
	seen, taken := map[string]bool{}, map[netip.AddrPort]bool{}
	for _, e := range s.Endpoints {
		switch {
		case e.Pod == "":
			return errors.New("an endpoint has no pod: give the pod's name")
		case seen[e.Pod]:
			return fmt.Errorf("pod %q is there twice", e.Pod)
		case e.Address.IsValid() && e.Address.Port() == 0:
			return fmt.Errorf("pod %q has address %s: give a port, or no address for a stand-in", e.Pod, e.Address)
		}
		if e.Address.IsValid() && taken[e.Address] {
			return fmt.Errorf("pod %q has the address of another, %s", e.Pod, e.Address)
		}
		seen[e.Pod], taken[e.Address] = true, true
	}
	return nil
}

// action forwards to a Service's target group. Of a Service that there is not, the AWS Load Balancer Controller makes
// an answer.
func (g Ingress) action(b IngressBackend) alb.Action {
	if slices.ContainsFunc(g.Services, func(s IngressService) bool { return s.IngressBackend == b }) {
		return alb.Action{TargetGroup: g.groupName(b)}
	}
	return alb.Action{FixedResponse: &alb.FixedResponse{StatusCode: 503, ContentType: "text/plain",
		MessageBody: "Backend service does not exist"}}
}

// groupName is a target group's name in the controller's form, k8s-<namespace>-<service>-<hash>. r53: E.3.
func (g Ingress) groupName(b IngressBackend) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s/%s/%s:%d", g.Namespace, g.Name, b.Service, b.Port))
	other := regexp.MustCompile(`[^A-Za-z0-9]`)
	short := func(s string) string {
		s = other.ReplaceAllString(s, "")
		return s[:min(len(s), 8)]
	}
	return fmt.Sprintf("k8s-%s-%s-%s", short(g.Namespace), short(b.Service), hex.EncodeToString(sum[:])[:10])
}

// sortedPaths puts the paths of a rule into the order of the AWS Load Balancer Controller: Exact, then Prefix with the
// longest first, then ImplementationSpecific as they are written.
func sortedPaths(paths []IngressPath) []IngressPath {
	class := func(p IngressPath) int {
		return slices.Index([]string{"Exact", "Prefix", "ImplementationSpecific"}, p.PathType)
	}
	sorted := slices.Clone(paths)
	slices.SortStableFunc(sorted, func(a, b IngressPath) int {
		if c := cmp.Compare(class(a), class(b)); c != 0 || a.PathType != "Prefix" {
			return c
		}
		return cmp.Compare(len(b.Path), len(a.Path))
	})
	return sorted
}

// patterns are the path conditions of a path; none when it matches every path.
func (p IngressPath) patterns() ([]string, error) {
	if p.Path != "" && p.Path[0] != '/' {
		return nil, fmt.Errorf("path %q: begin with /", p.Path)
	}
	wild := strings.ContainsAny(p.Path, "*?")
	switch p.PathType {
	case "Exact", "Prefix":
		switch {
		case wild:
			return nil, fmt.Errorf("path %q of type %s: * and ? are for ImplementationSpecific", p.Path, p.PathType)
		case p.Path == "":
			return nil, fmt.Errorf("a path of type %s is empty: begin with /", p.PathType)
		case p.PathType == "Exact":
			return []string{p.Path}, nil
		case p.Path == "/":
			return []string{"/*"}, nil
		}
		// A prefix counts by whole elements: /pay matches /pay and /pay/now, not /payments.
		stem := strings.TrimSuffix(p.Path, "/")
		return []string{stem, stem + "/*"}, nil
	case "ImplementationSpecific":
		if p.Path == "" {
			return nil, nil
		}
		return []string{p.Path}, nil
	}
	return nil, fmt.Errorf("pathType %q: use Exact, Prefix or ImplementationSpecific", p.PathType)
}
