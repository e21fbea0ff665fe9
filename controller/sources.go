package controller

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/bulkhead-dns/bulkhead/api/v1alpha1"
	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// An origin is what the cluster says about a load balancer.
type origin struct {
	title     string     // of the object that has it, such as Ingress demoingress
	points    []point    // of its status
	hosts     []host     // that its rules are for
	listeners []listener // on which the hostname is served; nil: not known
	deaf      string     // that no listener takes the hostname; "" where one does
	gateway   *gatewayv1.Gateway
	notes     []string
}

// A point is one entry of a status: a load balancer's name or an address.
type point struct {
	hostname, ip string
	reach        reach
}

// reach is whether checkers outside of the cluster's network reach a load balancer, the better the lower.
type reach int

const (
	public reach = iota
	unsure
	private
)

// source completes this Region of a policy with the load balancer that its targetRef names, or says why it cannot. The candidate is
// told when a source that was there has gone, and what is odd about one that is there.
func (g *gatherer) source(c *candidate, own *failover.Region, status *v1alpha1.FailoverPolicyStatus) *refusal {
	from, refused := g.origin(c.policy, status.Target)
	if refused == nil && from.deaf != "" && !wasProgrammed(status) {
		refused = notReady("%s", from.deaf)
	}
	if refused != nil {
		if refused.reason == v1alpha1.ReasonTargetNotFound && wasProgrammed(status) {
			c.vanished = goneSince(status, c.class.Spec.Hold(), g.now)
			return nil
		}
		return kept(refused, status)
	}
	chosen, refused := from.target(own, status.Target)
	if refused == nil {
		refused = from.misplaced(own, c.class.Metadata.Name)
	}
	if refused == nil {
		refused = from.forbidden(own, c.class)
	}
	if refused != nil {
		return kept(refused, status)
	}
	g.note(c, own, from, chosen)
	return nil
}

// note tells the candidate what is odd about its source.
func (g *gatherer) note(c *candidate, own *failover.Region, from origin, chosen reach) {
	name := c.policy.Spec.Hostname
	switch {
	case from.deaf != "":
		c.notes = append(c.notes, from.deaf)
	case !takes(from.hosts, name):
		note := fmt.Sprintf("%s has no rule for %s: requests may reach another application, or none", from.title, name)
		if i := slices.IndexFunc(from.hosts, func(h host) bool { return h.form == oneLabel && host{h.text, someLabels}.takes(name) }); i >= 0 {
			note += fmt.Sprintf(" (%s stands for one label; an Application Load Balancer takes more, others do not)", from.hosts[i].text)
		}
		c.notes = append(c.notes, note)
	}
	if c.class.Spec.Provider == failover.AWS && own.LoadBalancer != nil && c.policy.Spec.HealthCheck.HostHeader == "" && chosen == private {
		c.notes = append(c.notes, fmt.Sprintf("%s is internal: checkers of AWS are outside any network and cannot reach it", own.LoadBalancer.DNSName))
	}
	c.notes = append(c.notes, from.notes...)
	check, known := checkOf(c, own)
	if !known {
		return
	}
	unheard := from.unheard(check, own)
	onPort := slices.ContainsFunc(from.listeners, func(l listener) bool { return l.port == value(check.Port) })
	if !onPort && from.gateway != nil && len(g.routesFor(from.gateway, value(check.Port), bare(cmp.Or(check.HostHeader, value(own.LoadBalancer).DNSName)))) > 0 {
		unheard = "" // another route is there, such as one for the health path alone
	}
	for _, note := range []string{g.redirected(check, own), g.redirectedByRoute(check, own, from.gateway), unheard, g.claimedByOthers(c, check, own), mismatched(c, check, own)} {
		if note != "" {
			c.notes = append(c.notes, note)
		}
	}
}

// checkOf is the complete health check of a candidate's Region.
func checkOf(c *candidate, own *failover.Region) (failover.HealthCheck, bool) {
	complete := failover.Default(c.policy, c.class)
	i := slices.IndexFunc(complete.Spec.Regions, func(r failover.Region) bool { return r.Name == own.Name })
	if i < 0 || complete.Spec.Regions[i].HealthCheck == nil {
		return failover.HealthCheck{}, false
	}
	return *complete.Spec.Regions[i].HealthCheck, true
}

// kept adds to a refusal what stays at the provider meanwhile.
func kept(r *refusal, status *v1alpha1.FailoverPolicyStatus) *refusal {
	if len(status.Records) == 0 {
		return r
	}
	var records []string
	for _, record := range status.Records {
		records = append(records, strings.TrimSpace(record.Type+" "+record.Value))
	}
	return &refusal{r.reason, fmt.Sprintf("%s; until this is settled the record of this Region stays as it is: %s", r.message, strings.Join(records, ", "))}
}

// origin finds the object that the targetRef of a policy names. A namespace names only objects of its own.
func (g *gatherer) origin(p failover.Policy, before string) (origin, *refusal) {
	ref := *p.Spec.TargetRef
	at := types.NamespacedName{Namespace: p.Metadata.Namespace, Name: ref.Name}
	if why, unread := g.unread[ref.Kind]; unread {
		return origin{}, notReady("%s %s cannot be read: %s", ref.Kind, ref.Name, why)
	}
	switch ref.Kind {
	case failover.IngressTarget:
		if in := g.ingresses[at]; in != nil {
			return g.ingressOrigin(in), nil
		}
	case failover.ServiceTarget:
		if s := g.services[at]; s != nil {
			return serviceOrigin(s)
		}
	case failover.GatewayTarget:
		if gw := g.gateways[at]; gw != nil {
			return g.gatewayOrigin(gw, p.Spec.Hostname), nil
		}
	case failover.HTTPRouteTarget, failover.GRPCRouteTarget, failover.TLSRouteTarget:
		if r := g.routes[routeKey{ref.Kind, at}]; r != nil {
			return g.routeOrigin(r, p, before)
		}
	default:
		return origin{}, nil // Validate says what is wrong
	}
	return origin{}, notFound(ref.Kind, ref.Name, at.Namespace)
}

func notFound(kind, name, namespace string) *refusal {
	return &refusal{v1alpha1.ReasonTargetNotFound, fmt.Sprintf("there is no %s %s in namespace %s", kind, name, namespace)}
}

func notReady(format string, args ...any) *refusal {
	return &refusal{v1alpha1.ReasonTargetNotReady, fmt.Sprintf(format, args...)}
}

// Annotations of a Service by which its load balancer is internal: those of the AWS Load Balancer Controller and of cloud-provider-aws.
const (
	serviceScheme   = "service.beta.kubernetes.io/aws-load-balancer-scheme"
	serviceInternal = "service.beta.kubernetes.io/aws-load-balancer-internal"
)

func serviceOrigin(s *corev1.Service) (origin, *refusal) {
	from := origin{title: "Service " + s.Name, hosts: []host{{}}}
	if s.Spec.Type != corev1.ServiceTypeLoadBalancer {
		return from, notReady("%s is of type %s: its type must be %s", from.title, cmp.Or(s.Spec.Type, corev1.ServiceTypeClusterIP), corev1.ServiceTypeLoadBalancer)
	}
	reach := public
	if s.Annotations[serviceScheme] == "internal" || s.Annotations[serviceInternal] == "true" {
		reach = private
	}
	for _, p := range s.Status.LoadBalancer.Ingress {
		from.points = append(from.points, point{p.Hostname, p.IP, reach})
	}
	for _, p := range s.Spec.Ports {
		if cmp.Or(p.Protocol, corev1.ProtocolTCP) == corev1.ProtocolTCP {
			from.listeners = append(from.listeners, listener{"TCP", int(p.Port)})
		}
	}
	return from, nil
}

// reaches is whether checkers reach a point: an Application Load Balancer without public addresses has a name that begins with
// internal-, of a Network Load Balancer the name does not tell. r53: B.5.
func (p point) reaches() reach {
	if strings.HasPrefix(strings.TrimPrefix(bare(p.hostname), "dualstack."), "internal-") {
		return private
	}
	if a, err := netip.ParseAddr(p.ip); err == nil && (a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast()) {
		return private
	}
	return p.reach
}

// target completes a Region. Of several load balancers one that checkers reach is taken, and of equal ones that which was taken
// before, so that an order that changes moves no client. r53: E.1, E.2.
func (o *origin) target(own *failover.Region, before string) (reach, *refusal) {
	type balancer struct {
		failover.LoadBalancer
		reach reach
	}
	var balancers []balancer
	var others []string
	var addresses []point
	for _, p := range o.points {
		switch {
		case p.hostname != "":
			name, err := zone.ParseName(p.hostname)
			id, known := zone.LoadBalancerZone(name)
			if err != nil || !known {
				others = append(others, p.hostname)
				continue
			}
			balancers = append(balancers, balancer{failover.LoadBalancer{DNSName: strings.TrimSuffix(string(name), "."), HostedZoneID: id}, p.reaches()})
		case p.ip != "":
			addresses = append(addresses, p)
		}
	}
	slices.SortFunc(balancers, func(a, b balancer) int {
		return cmp.Or(cmp.Compare(a.reach, b.reach), boolFirst(a.DNSName == bare(before), b.DNSName == bare(before)), strings.Compare(a.DNSName, b.DNSName))
	})
	switch {
	case len(balancers) > 0:
		own.LoadBalancer = &balancers[0].LoadBalancer
		return balancers[0].reach, nil
	case len(addresses) > 0:
		own.Addresses = reachable(addresses)
		return public, nil
	case len(others) > 0:
		return public, notReady("%s: %s is not the name of a load balancer of AWS whose hosted zone is known: say both as "+
			"loadBalancer of %s in spec.regions", o.title, shortText(others[0]), own.Name)
	}
	return public, notReady("%s has no load balancer in its status yet: the controller of its class writes it there", o.title)
}

// reachable are the addresses of a status, without those that checkers cannot reach where the family has others.
func reachable(points []point) []string {
	best := map[bool]reach{}
	family := func(p point) bool { return strings.Contains(p.ip, ":") }
	for _, p := range points {
		if r, seen := best[family(p)]; !seen || p.reaches() < r {
			best[family(p)] = p.reaches()
		}
	}
	var list []string
	for _, p := range points {
		if p.reaches() == best[family(p)] {
			list = append(list, p.ip)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// misplaced refuses a load balancer of another AWS Region than the class says this cluster is in: two clusters that take
// themselves for one Region would overwrite each other's record.
func (o *origin) misplaced(own *failover.Region, class string) *refusal {
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

// forbidden refuses what a status says and the class does not allow: whoever may write the status could forge it.
func (o *origin) forbidden(own *failover.Region, class *failover.Class) *refusal {
	err := failover.TargetAllowed(class, *own)
	if err == nil {
		return nil
	}
	own.LoadBalancer, own.Addresses = nil, nil
	what := said(err)
	var problems failover.Problems
	if errors.As(err, &problems) && len(problems) > 0 { // the field is none that the policy has
		what = problems[0].Value + ": " + problems[0].Reason
	}
	return &refusal{v1alpha1.ReasonTargetRefused, fmt.Sprintf("%s: its status has %s", o.title, what)}
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

// shortText keeps what others have written within a bound that a status can have.
func shortText(s string) string {
	const most = 253 // what a name has at most
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

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
