package controller

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/bulkhead-dns/bulkhead/api/v1alpha1"
	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// An origin is what the cluster says about a load balancer.
type origin struct {
	title  string  // of the object that has it, such as Ingress demoingress
	points []point // of its status
	hosts  []string
	all    bool // every host is taken
}

// A point is one entry of a status: a load balancer's name or an address.
type point struct{ hostname, ip string }

// source completes this Region of a policy with the load balancer that its targetRef names, or says why it cannot. The candidate is
// told when a source that was there has gone, and what is odd about one that is there.
func (g *gatherer) source(c *candidate, own *failover.Region, status *v1alpha1.FailoverPolicyStatus) *refusal {
	from, refused := g.origin(c.policy.Metadata.Namespace, *c.policy.Spec.TargetRef)
	if refused != nil {
		if refused.reason == v1alpha1.ReasonTargetNotFound && wasProgrammed(status) {
			c.vanished = goneSince(status, c.class.Spec.Hold(), g.now)
			return nil
		}
		return refused
	}
	if host := c.policy.Spec.Hostname; !from.takes(host) {
		c.notes = append(c.notes, fmt.Sprintf("%s has no rule for %s: requests may reach another application, or none", from.title, host))
	}
	if refused := from.target(own, status.Target); refused != nil {
		return refused
	}
	if c.class.Spec.Provider == failover.AWS && own.LoadBalancer != nil && c.policy.Spec.HealthCheck.HostHeader == "" && internal(own.LoadBalancer.DNSName) {
		c.notes = append(c.notes, fmt.Sprintf("%s is internal: checkers of AWS are outside any network and cannot reach it", own.LoadBalancer.DNSName))
	}
	if note := g.redirected(c, *own); note != "" {
		c.notes = append(c.notes, note)
	}
	return from.misplaced(own, c.class.Metadata.Name)
}

// internal reports whether a name is that of an Application Load Balancer that has private addresses only. r53: B.5.
func internal(name string) bool {
	return strings.HasPrefix(strings.TrimPrefix(name, "dualstack."), "internal-")
}

// origin finds the object that a targetRef names. A namespace names only objects of its own.
func (g *gatherer) origin(namespace string, ref failover.TargetRef) (origin, *refusal) {
	at := types.NamespacedName{Namespace: namespace, Name: ref.Name}
	sources := map[string]Source{
		failover.IngressTarget: IngressSource, failover.ServiceTarget: ServiceSource,
		failover.GatewayTarget: GatewaySource, failover.HTTPRouteTarget: GatewaySource,
	}
	if slices.Contains(g.unread, sources[ref.Kind]) {
		return origin{}, &refusal{v1alpha1.ReasonTargetNotReady, fmt.Sprintf("%s %s cannot be read: the controller does not read objects of this kind here", ref.Kind, ref.Name)}
	}
	switch ref.Kind {
	case failover.IngressTarget:
		if in := g.ingresses[at]; in != nil {
			return ingressOrigin(in), nil
		}
	case failover.ServiceTarget:
		if s := g.services[at]; s != nil {
			return serviceOrigin(s)
		}
	case failover.GatewayTarget:
		if gw := g.gateways[at]; gw != nil {
			return gatewayOrigin(gw), nil
		}
	case failover.HTTPRouteTarget:
		if r := g.routes[at]; r != nil {
			return g.routeOrigin(r)
		}
	default:
		return origin{}, nil // Validate says what is wrong
	}
	return origin{}, notFound(ref.Kind, ref.Name, namespace)
}

func notFound(kind, name, namespace string) *refusal {
	return &refusal{v1alpha1.ReasonTargetNotFound, fmt.Sprintf("there is no %s %s in namespace %s", kind, name, namespace)}
}

func notReady(format string, args ...any) *refusal {
	return &refusal{v1alpha1.ReasonTargetNotReady, fmt.Sprintf(format, args...)}
}

func ingressOrigin(in *networkingv1.Ingress) origin {
	from := origin{title: "Ingress " + in.Name, all: in.Spec.DefaultBackend != nil}
	for _, p := range in.Status.LoadBalancer.Ingress {
		from.points = append(from.points, point{p.Hostname, p.IP})
	}
	for _, r := range in.Spec.Rules {
		from.hosts = append(from.hosts, r.Host)
	}
	return from
}

func serviceOrigin(s *corev1.Service) (origin, *refusal) {
	from := origin{title: "Service " + s.Name, all: true}
	if s.Spec.Type != corev1.ServiceTypeLoadBalancer {
		return from, notReady("%s is of type %s: its type must be %s", from.title, cmp.Or(s.Spec.Type, corev1.ServiceTypeClusterIP), corev1.ServiceTypeLoadBalancer)
	}
	for _, p := range s.Status.LoadBalancer.Ingress {
		from.points = append(from.points, point{p.Hostname, p.IP})
	}
	return from, nil
}

// takes reports whether a rule is for a host. A leading "*." stands for one label or more: Ingress means one and Gateway more, and
// this is for a note only.
func (o origin) takes(host string) bool {
	return o.all || slices.ContainsFunc(o.hosts, func(rule string) bool {
		below, wild := strings.CutPrefix(strings.ToLower(rule), "*")
		return rule == "" || below == host || wild && strings.HasSuffix(host, below)
	})
}

// target completes a Region. Of several load balancers the one that was taken before is taken again, so that an order that
// changes moves no client. r53: E.1, E.2.
func (o origin) target(own *failover.Region, before string) *refusal {
	var balancers []failover.LoadBalancer
	var others, addresses []string
	for _, p := range o.points {
		switch {
		case p.hostname != "":
			name, err := zone.ParseName(p.hostname)
			id, known := zone.LoadBalancerZone(name)
			if err != nil || !known {
				others = append(others, p.hostname)
				continue
			}
			balancers = append(balancers, failover.LoadBalancer{DNSName: strings.TrimSuffix(string(name), "."), HostedZoneID: id})
		case p.ip != "":
			addresses = append(addresses, p.ip)
		}
	}
	slices.SortFunc(balancers, func(a, b failover.LoadBalancer) int {
		return cmp.Or(boolFirst(a.DNSName == bare(before), b.DNSName == bare(before)), strings.Compare(a.DNSName, b.DNSName))
	})
	slices.Sort(addresses)
	switch {
	case len(balancers) > 0:
		own.LoadBalancer = &balancers[0]
	case len(addresses) > 0:
		own.Addresses = slices.Compact(addresses)
	case len(others) > 0:
		return notReady("%s: %s is not the name of a load balancer of AWS whose hosted zone is known: say both as "+
			"loadBalancer of %s in spec.regions", o.title, others[0], own.Name)
	default:
		return notReady("%s has no load balancer in its status yet: the controller of its class writes it there", o.title)
	}
	return nil
}

// misplaced refuses a load balancer of another AWS Region than the class says this cluster is in: two clusters that take
// themselves for one Region would overwrite each other's record.
func (o origin) misplaced(own *failover.Region, class string) *refusal {
	if own.LoadBalancer == nil {
		return nil
	}
	in, _ := zone.LoadBalancerRegion(own.LoadBalancer.HostedZoneID)
	if _, aws := zone.CanonicalHostedZoneID(own.Name); !aws || in == own.Name {
		return nil
	}
	name := own.LoadBalancer.DNSName
	own.LoadBalancer = nil
	return notReady("%s: %s is in %s, but the Region of this cluster is %s: correct spec.region of the class %s, or the controller's --region",
		o.title, name, in, own.Name, class)
}

// wasProgrammed reports whether a policy has had records, which its source has left behind.
func wasProgrammed(status *v1alpha1.FailoverPolicyStatus) bool {
	return status.HoldUntil != nil || len(status.Records) > 0 || slices.ContainsFunc(status.Conditions, func(c metav1.Condition) bool {
		return c.Type == v1alpha1.ConditionProgrammed && (c.Status == metav1.ConditionTrue || withoutSource(c.Reason))
	})
}

// withoutSource reports whether a reason of Programmed says that the source was gone already.
func withoutSource(reason string) bool {
	return reason == v1alpha1.ReasonHolding || reason == v1alpha1.ReasonLastRecordKept || reason == v1alpha1.ReasonRemoved
}

// goneSince is when a source was first missed. The end of the hold period is kept in the status: a controller that starts anew does not
// begin it again.
func goneSince(status *v1alpha1.FailoverPolicyStatus, hold time.Duration, now time.Time) time.Time {
	if status.HoldUntil != nil {
		return status.HoldUntil.Add(-hold)
	}
	for _, c := range status.Conditions {
		if c.Type == v1alpha1.ConditionProgrammed && withoutSource(c.Reason) {
			return c.LastTransitionTime.Time
		}
	}
	return now
}

func bare(name string) string { return strings.TrimSuffix(strings.ToLower(name), ".") }

// boolFirst orders what is so before what is not.
func boolFirst(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}
