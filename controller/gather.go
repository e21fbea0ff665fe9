package controller

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/bulkhead-dns/bulkhead/api/v1alpha1"
	"github.com/bulkhead-dns/bulkhead/failover"
)

// A snapshot is what a pass sees of the cluster.
type snapshot struct {
	// accounts is what is known of the account of a class, by the class's name: Provider and Zones. A class that is missing is
	// judged without zones.
	accounts map[string]failover.Facts
	// unread are the kinds that are not read here, with the reason. What they tell is unknown, not gone.
	unread map[string]string

	policies   []v1alpha1.FailoverPolicy
	classes    []v1alpha1.FailoverClass
	ingresses  []networkingv1.Ingress
	services   []corev1.Service
	namespaces []corev1.Namespace

	// Of the Gateway API, which may not be installed.
	gateways     []gatewayv1.Gateway
	listenerSets []gatewayv1.ListenerSet
	routes       []gatewayv1.HTTPRoute
	grpcRoutes   []gatewayv1.GRPCRoute
	tlsRoutes    []gatewayv1.TLSRoute
}

// A candidate is a policy of the cluster and what may become of it.
type candidate struct {
	object   client.Object    // the FailoverPolicy, or the annotated Ingress
	policy   failover.Policy  // with this Region's load balancer or addresses; its other Regions' left out
	class    *failover.Class  // nil when there is none
	refusal  *refusal         // nil: accepted
	vanished time.Time        // zero, or since when its source is gone
	heldBy   *v1alpha1.Holder // of the hostname, where another has it
	notes    []string         // what an accepted policy's owner should know

	// Of a deleted one:
	succeeded bool // another has its hostname now
	kept      bool // its definition is being deleted, not the policy alone: what it has at the provider stays
}

// A refusal is why a candidate is not programmed: reason is one of v1alpha1's, of Accepted or Programmed.
type refusal struct{ reason, message string }

// gather decides what each policy of the cluster asks for in a Region; region "" means what each class says. Candidates are in
// the order of the snapshot: policies, then the hosts of annotated Ingresses.
//
// A policy is judged as it is written, with all Regions that it names; the candidate's keeps this Region alone. Of the reasons why
// it is not programmed the first is told: its class, what is wrong with it, who has its hostname, the quota, its source.
func gather(s snapshot, region string, now time.Time) []candidate {
	g := gatherer{
		snapshot:  s,
		region:    region,
		now:       now,
		labels:    map[string]map[string]string{},
		ingresses: byName(s.ingresses),
		services:  byName(s.services),
		gateways:  byName(s.gateways),
		sets:      byName(s.listenerSets),
		routes:    map[routeKey]*route{},
		sharing:   sharingOf(s.ingresses),
		seen:      newProbeRoutes(),
	}
	for _, r := range s.attachable() {
		g.routes[routeKey{r.kind, r.at}] = &r
	}
	for _, n := range s.namespaces {
		g.labels[n.Name] = n.Labels
	}
	for i := range s.classes {
		g.classes = append(g.classes, s.classes[i].Class())
	}
	var list []candidate
	for i := range s.policies {
		p := &s.policies[i]
		c := candidate{object: p, policy: p.Policy()}
		g.decide(&c, &p.Status)
		list = append(list, c)
	}
	for i := range s.ingresses {
		list = append(list, g.annotated(&s.ingresses[i])...)
	}
	claim(list)
	return list
}

type gatherer struct {
	snapshot
	region  string
	now     time.Time
	labels  map[string]map[string]string // by namespace
	classes []failover.Class
	// What policies may name.
	ingresses map[types.NamespacedName]*networkingv1.Ingress
	services  map[types.NamespacedName]*corev1.Service
	gateways  map[types.NamespacedName]*gatewayv1.Gateway
	sets      map[types.NamespacedName]*gatewayv1.ListenerSet
	routes    map[routeKey]*route
	sharing   map[string][]*networkingv1.Ingress // by the name of their load balancer, in the order of their rules
	seen      probeRoutes
}

// A routeKey names a route.
type routeKey struct {
	kind string
	at   types.NamespacedName
}

// byName indexes objects.
func byName[T any, P interface {
	*T
	client.Object
}](list []T) map[types.NamespacedName]P {
	index := make(map[types.NamespacedName]P, len(list))
	for i := range list {
		p := P(&list[i])
		index[nameOf(p)] = p
	}
	return index
}

func nameOf(o client.Object) types.NamespacedName { return client.ObjectKeyFromObject(o) }

// decide judges one policy by itself and finds its load balancer. status is what was said about it before.
func (g *gatherer) decide(c *candidate, status *v1alpha1.FailoverPolicyStatus) {
	if c.class, c.refusal = g.classOf(c.policy); c.refusal != nil {
		return
	}
	// A class that a policy has been of is known to its owner, and says what becomes of the policy when it is no more.
	namespace := c.policy.Metadata.Namespace
	if ref := c.policy.Spec.ClassRef; ref != nil && status.ClassName != ref.Name && !c.class.Spec.ServesNamespace(namespace, g.labels[namespace]) {
		c.refusal = unknownClass(ref.Name, namespace)
		if _, is := c.object.(*v1alpha1.FailoverPolicy); is {
			c.class = nil
		} else { // what an Ingress has had is not known: it may have been taken away
			c.refusal.reason = v1alpha1.ReasonHostnameRefused
		}
		return
	}
	region := cmp.Or(g.region, c.class.Spec.Region)
	if region == "" {
		c.refusal = &refusal{v1alpha1.ReasonClassNotAccepted, fmt.Sprintf("the Region of this cluster is not known: spec.region of the class %s says it", c.class.Metadata.Name)}
		return
	}
	spec := &c.policy.Spec
	// The order may be that of the Regions, of which one is left.
	spec.Routing.Order = failover.Default(c.policy, c.class).Spec.Routing.Order
	at := slices.IndexFunc(spec.Regions, func(r failover.Region) bool { return r.Name == region })
	if at < 0 && len(spec.Regions) > 0 {
		c.refusal = &refusal{v1alpha1.ReasonInvalid, fmt.Sprintf("spec.regions: %s, the Region of this cluster, is not among them: add it, or leave the policy out of this cluster", region)}
		return
	}
	if at < 0 {
		spec.Regions, at = []failover.Region{{Name: region}}, 0
	}
	own := &spec.Regions[at]
	if lb := own.LoadBalancer; lb != nil && lb.DNSName == "" && (lb.Name != "" || lb.ARN != "") {
		c.refusal = &refusal{v1alpha1.ReasonInvalid, fmt.Sprintf("spec.regions[%d].loadBalancer: a cluster looks up no load balancer by name or arn: "+
			"give a targetRef instead, or dnsName with hostedZoneId, or addresses", at)}
		return
	}
	var source *refusal
	if own.LoadBalancer == nil && len(own.Addresses) == 0 && spec.TargetRef != nil {
		source = g.source(c, own, status)
	}
	c.refusal = g.judge(c.policy, c.class)
	spec.Regions = []failover.Region{*own}
	if c.refusal == nil {
		c.refusal = source
	}
}

// classOf chooses the class of a policy.
func (g *gatherer) classOf(p failover.Policy) (*failover.Class, *refusal) {
	var defaults []*failover.Class
	for i := range g.classes {
		class := &g.classes[i]
		if class.Metadata.Annotations[v1alpha1.DefaultClassAnnotation] == "true" {
			defaults = append(defaults, class)
		}
	}
	none := func(format string, args ...any) (*failover.Class, *refusal) {
		return nil, &refusal{v1alpha1.ReasonNoClass, fmt.Sprintf(format, args...)}
	}
	var class *failover.Class
	switch ref := p.Spec.ClassRef; {
	case len(g.classes) == 0:
		return none("this cluster has no FailoverClass: the platform team makes one")
	case ref != nil:
		i := slices.IndexFunc(g.classes, func(c failover.Class) bool { return c.Metadata.Name == ref.Name })
		if i < 0 {
			return nil, unknownClass(ref.Name, p.Metadata.Namespace)
		}
		class = &g.classes[i]
	case len(g.classes) == 1:
		class = &g.classes[0]
	case len(defaults) == 1:
		class = defaults[0]
	default:
		return none("spec.classRef: is missing, and %d of the FailoverClasses here are marked as default: name yours, which the platform team knows", len(defaults))
	}
	if err := failover.ValidateClass(*class); err != nil {
		return class, &refusal{v1alpha1.ReasonClassNotAccepted, fmt.Sprintf("the class %s is refused itself: %s", class.Metadata.Name, said(err))}
	}
	return class, nil
}

// unknownClass is said of classes that do not exist and of those that have nothing for a namespace, alike: tenants may not read classes.
func unknownClass(name, namespace string) *refusal {
	return &refusal{v1alpha1.ReasonNoClass, fmt.Sprintf("spec.classRef.name: there is no FailoverClass %s for namespace %s", name, namespace)}
}

// judge says what is wrong with a policy, whatever other policies and its source are like.
func (g *gatherer) judge(p failover.Policy, class *failover.Class) *refusal {
	facts := g.accounts[class.Metadata.Name]
	facts.Provider = cmp.Or(facts.Provider, class.Spec.Provider, failover.Engine) // the engine takes more
	facts.Region, facts.NamespaceLabels = cmp.Or(g.region, class.Spec.Region), g.labels
	if err := failover.Validate(p, class, facts); err != nil {
		return &refusal{reasonOf(err), said(err)}
	}
	if len(facts.Zones) == 0 { // not known, or not yet
		return nil
	}
	if _, err := failover.HostedZone(p, class, facts); err != nil {
		return &refusal{v1alpha1.ReasonZoneRefused, said(err)}
	}
	return nil
}

// reasonOf sums up why a policy is refused: what it may not have comes before what cannot work.
func reasonOf(err error) string {
	reason := v1alpha1.ReasonInvalid
	var problems failover.Problems
	errors.As(err, &problems)
	for _, p := range problems {
		switch field := p.Path[strings.LastIndexByte(p.Path, '.')+1:]; {
		case p.Path == "spec.hostname":
			return v1alpha1.ReasonHostnameRefused
		case p.Target:
			reason = v1alpha1.ReasonTargetRefused
		case reason == v1alpha1.ReasonTargetRefused:
		case field == "requestInterval" || field == "failureThreshold":
			reason = v1alpha1.ReasonTimersRefused
		case field == "rto" && len(problems) == 1:
			reason = v1alpha1.ReasonObjectivesUnmet
		}
	}
	return reason
}

// said is all that is wrong, in one line. Whose it is, the reader knows.
func said(err error) string {
	var problems failover.Problems
	if !errors.As(err, &problems) {
		return err.Error()
	}
	lines := make([]string, len(problems))
	for i, p := range problems {
		p.Where = ""
		lines[i] = p.Error()
	}
	return strings.Join(lines, "; ")
}
