package controller

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/bulkhead-dns/bulkhead/zone"
)

// Annotations of the AWS Load Balancer Controller that are read. r53: E.3.
const (
	albPrefix         = "alb.ingress.kubernetes.io/"
	sslRedirect       = albPrefix + "ssl-redirect"
	listenPorts       = albPrefix + "listen-ports"
	certificateARN    = albPrefix + "certificate-arn"
	conditionsOf      = albPrefix + "conditions." // and the name of a backend's Service
	groupName         = albPrefix + "group.name"
	groupOrder        = albPrefix + "group.order"
	enableFrontendNLB = albPrefix + "enable-frontend-nlb"
	frontendNLBScheme = albPrefix + "frontend-nlb-scheme"
	frontendNLBPorts  = albPrefix + "frontend-nlb-listener-port-mapping"
)

// ingressOrigin is what an Ingress says. With a frontend NLB its status lists the Application Load Balancer and the Network Load Balancer
// before it, of which either may be internal.
func (g *gatherer) ingressOrigin(in *networkingv1.Ingress) origin {
	from := origin{title: "Ingress " + in.Name, listeners: g.ingressListeners(in)}
	if in.Spec.DefaultBackend != nil {
		from.hosts = []host{{}}
	}
	frontend := g.frontendReach(in)
	for _, p := range in.Status.LoadBalancer.Ingress {
		from.points = append(from.points, point{hostname: p.Hostname, ip: p.IP})
		if last := &from.points[len(from.points)-1]; isNLB(p.Hostname) {
			last.reach = frontend
		}
	}
	for _, r := range in.Spec.Rules {
		if r.HTTP == nil || len(r.HTTP.Paths) == 0 {
			from.hosts = append(from.hosts, ingressHost(r.Host))
			continue
		}
		for i := range r.HTTP.Paths {
			from.hosts = append(from.hosts, hostsOf(in, r.Host, &r.HTTP.Paths[i]).hosts...)
		}
	}
	return from
}

// isNLB reports whether a name is that of a Network Load Balancer. r53: E.1.
func isNLB(hostname string) bool {
	name, err := zone.ParseName(hostname)
	id, known := zone.LoadBalancerZone(name)
	region, _ := zone.LoadBalancerRegion(id)
	alb, _ := zone.CanonicalHostedZoneID(region)
	return err == nil && known && id != alb
}

// frontendReach is whether checkers reach the Network Load Balancer of an Ingress. Any Ingress of the group may say its scheme; without
// one it is what the AWS Load Balancer Controller is configured for, by default internal.
func (g *gatherer) frontendReach(in *networkingv1.Ingress) reach {
	enabled := false
	for _, member := range append([]*networkingv1.Ingress{in}, g.group(in)...) {
		switch member.Annotations[frontendNLBScheme] {
		case "internet-facing":
			return public
		case "internal":
			return private
		}
		enabled = enabled || member.Annotations[enableFrontendNLB] == "true"
	}
	if enabled {
		return unsure
	}
	return public
}

// ingressListeners are the listeners of an Application Load Balancer on which an Ingress has rules, with those of the same namespace that
// share the load balancer; nil where no annotation tells any.
func (g *gatherer) ingressListeners(in *networkingv1.Ingress) []listener {
	key := listenersKey{in.Namespace, ""}
	for _, p := range in.Status.LoadBalancer.Ingress {
		if p.Hostname != "" {
			key.balancers += bare(p.Hostname) + " "
		}
	}
	if key.balancers == "" {
		return listenersOf([]*networkingv1.Ingress{in})
	}
	list, seen := g.seen.listeners[key]
	if !seen {
		list = g.sharedListeners(in)
		g.seen.listeners[key] = list
	}
	return list
}

func (g *gatherer) sharedListeners(in *networkingv1.Ingress) []listener {
	var members []*networkingv1.Ingress
	for _, other := range g.group(in) {
		if other.Namespace == in.Namespace {
			members = append(members, other)
		}
	}
	return listenersOf(members)
}

// listenersOf are the listeners that some Ingresses ask for together; nil where none says any.
func listenersOf(members []*networkingv1.Ingress) (list []listener) {
	told := false
	for _, member := range members {
		if member.Annotations[frontendNLBPorts] != "" {
			return nil
		}
		ports, said, ok := portsOf(member.Annotations)
		if !ok {
			return nil
		}
		told = told || said
		list = append(list, ports...)
	}
	if !told {
		return nil
	}
	slices.SortFunc(list, func(a, b listener) int { return strings.Compare(a.String(), b.String()) })
	return slices.Compact(list)
}

// portsOf are the listeners that annotations ask for: HTTP:80, with a certificate HTTPS:443, unless listen-ports says others. said tells
// whether an annotation says so, ok whether it can be read.
func portsOf(annotations map[string]string) (list []listener, said, ok bool) {
	text := annotations[listenPorts]
	switch {
	case text == "" && annotations[certificateARN] != "":
		return []listener{{"HTTPS", 443}}, true, true
	case text == "":
		return []listener{{"HTTP", 80}}, false, true
	}
	var ports []map[string]int
	if json.Unmarshal([]byte(text), &ports) != nil {
		return nil, true, false
	}
	for _, p := range ports {
		for protocol, port := range p {
			list = append(list, listener{protocol, port})
		}
	}
	return list, true, true
}

// ruleHosts are the hosts of a rule, and whether it has conditions of another kind as well.
type ruleHosts struct {
	hosts       []host
	paths       []string // patterns that an annotation adds to the rule's path
	conditional bool
}

// hostsOf are the hosts that a path of an Ingress's rule is for: the rule's, or one of those that an annotation adds for its Service.
// A rule without a host has only those of the annotation; none at all is any.
func hostsOf(in *networkingv1.Ingress, ruleHost string, path *networkingv1.HTTPIngressPath) (of ruleHosts) {
	if ruleHost != "" {
		of.hosts = append(of.hosts, ingressHost(ruleHost))
	}
	if path.Backend.Service != nil {
		var conditions []struct {
			Field      string
			HostHeader struct{ Values, RegexValues []string } `json:"hostHeaderConfig"`
			Path       struct{ Values, RegexValues []string } `json:"pathPatternConfig"`
		}
		text := in.Annotations[conditionsOf+path.Backend.Service.Name]
		if text != "" && json.Unmarshal([]byte(text), &conditions) != nil {
			return ruleHosts{hosts: []host{{}}, conditional: true}
		}
		for _, c := range conditions {
			switch c.Field {
			case "host-header":
				for _, v := range c.HostHeader.Values {
					of.hosts = append(of.hosts, host{strings.ToLower(v), wildcards})
				}
				for _, v := range c.HostHeader.RegexValues {
					of.hosts = append(of.hosts, host{v, expression})
				}
			case "path-pattern":
				of.paths = append(of.paths, c.Path.Values...)
				of.conditional = of.conditional || len(c.Path.RegexValues) > 0
			default:
				of.conditional = true
			}
		}
	}
	if len(of.hosts) == 0 {
		of.hosts = []host{{}}
	}
	return of
}

// group are the Ingresses that share a load balancer with one, itself among them, in the order in which the AWS Load Balancer Controller
// places their rules.
func (g *gatherer) group(in *networkingv1.Ingress) []*networkingv1.Ingress {
	if points := in.Status.LoadBalancer.Ingress; len(points) == 1 {
		return g.sharing[bare(points[0].Hostname)]
	}
	seen := map[types.NamespacedName]bool{}
	var list []*networkingv1.Ingress
	for _, p := range in.Status.LoadBalancer.Ingress {
		for _, member := range g.sharing[bare(p.Hostname)] {
			if p.Hostname != "" && !seen[nameOf(member)] {
				seen[nameOf(member)] = true
				list = append(list, member)
			}
		}
	}
	return list
}

// sharingOf lists the Ingresses at each load balancer, in the order of their rules: by group.order, then by namespace and name.
func sharingOf(ingresses []networkingv1.Ingress) map[string][]*networkingv1.Ingress {
	all := map[string][]*networkingv1.Ingress{}
	for i := range ingresses {
		in := &ingresses[i]
		for _, p := range in.Status.LoadBalancer.Ingress {
			if name := bare(p.Hostname); name != "" {
				all[name] = append(all[name], in)
			}
		}
	}
	for _, list := range all {
		slices.SortStableFunc(list, func(a, b *networkingv1.Ingress) int {
			if a, b := orderOf(a), orderOf(b); a != b {
				return a - b
			}
			return strings.Compare(nameOf(a).String(), nameOf(b).String())
		})
	}
	return all
}

func orderOf(in *networkingv1.Ingress) int {
	n, err := strconv.Atoi(strings.TrimSpace(in.Annotations[groupOrder]))
	if err != nil || n < -1000 || n > 1000 {
		return 0
	}
	return n
}
