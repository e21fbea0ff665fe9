package controller

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/bulkhead-dns/bulkhead/api/v1alpha1"
	"github.com/bulkhead-dns/bulkhead/failover"
)

// An entry is a listener of a Gateway or of a ListenerSet.
type entry struct {
	namespace string // of the object that has it
	name      string
	hostname  string
	port      int
	protocol  gatewayv1.ProtocolType
	allowed   *gatewayv1.AllowedRoutes
}

func entriesOf(gw *gatewayv1.Gateway) (list []entry) {
	for _, l := range gw.Spec.Listeners {
		i := slices.IndexFunc(gw.Status.Listeners, func(s gatewayv1.ListenerStatus) bool { return s.Name == l.Name })
		if i >= 0 && rejected(gw.Status.Listeners[i].Conditions) {
			continue
		}
		list = append(list, entry{gw.Namespace, string(l.Name), string(value(l.Hostname)), int(l.Port), l.Protocol, l.AllowedRoutes})
	}
	return list
}

func entriesOfSet(set *gatewayv1.ListenerSet) (list []entry) {
	for _, l := range set.Spec.Listeners {
		i := slices.IndexFunc(set.Status.Listeners, func(s gatewayv1.ListenerEntryStatus) bool { return s.Name == l.Name })
		if i >= 0 && rejected(set.Status.Listeners[i].Conditions) {
			continue
		}
		list = append(list, entry{set.Namespace, string(l.Name), string(value(l.Hostname)), int(l.Port), l.Protocol, l.AllowedRoutes})
	}
	return list
}

// rejected reports whether the conditions of a listener say that it does not work.
func rejected(conditions []metav1.Condition) bool {
	return meta.IsStatusConditionFalse(conditions, string(gatewayv1.ListenerConditionAccepted)) ||
		meta.IsStatusConditionTrue(conditions, string(gatewayv1.ListenerConditionConflicted))
}

// gatewayPoints are the addresses of a Gateway's status.
func gatewayPoints(gw *gatewayv1.Gateway) (points []point) {
	for _, a := range gw.Status.Addresses {
		switch cmp.Or(value(a.Type), gatewayv1.IPAddressType) {
		case gatewayv1.IPAddressType:
			points = append(points, point{ip: a.Value})
		case gatewayv1.HostnameAddressType:
			points = append(points, point{hostname: a.Value})
		}
	}
	return points
}

// gatewayOrigin is what a Gateway says, with the listeners of the ListenerSets that are attached to it.
func (g *gatherer) gatewayOrigin(gw *gatewayv1.Gateway, name string) origin {
	from := origin{title: "Gateway " + gw.Name, points: gatewayPoints(gw), hosts: []host{{}}, gateway: gw}
	entries := entriesOf(gw)
	for i := range g.listenerSets {
		set := &g.listenerSets[i]
		if gatewayOf(set) == nameOf(gw) && meta.IsStatusConditionTrue(set.Status.Conditions, string(gatewayv1.ListenerSetConditionAccepted)) {
			entries = append(entries, entriesOfSet(set)...)
		}
	}
	from.hear(entries, name, from.title, true)
	return from
}

// gatewayOf is the Gateway that a ListenerSet names.
func gatewayOf(set *gatewayv1.ListenerSet) types.NamespacedName {
	ref := set.Spec.ParentRef
	return types.NamespacedName{Namespace: string(cmp.Or(value(ref.Namespace), gatewayv1.Namespace(set.Namespace))), Name: string(ref.Name)}
}

// hear notes which listeners take a hostname, or that none does. Which hostnames they are for instead is told only to those who may read
// the listeners.
func (o *origin) hear(entries []entry, name, whose string, readable bool) {
	var others []string
	for _, e := range entries {
		if !gatewayHost(e.hostname).takes(name) {
			others = append(others, e.hostname)
			continue
		}
		o.listeners = append(o.listeners, listener{string(e.protocol), e.port})
	}
	if len(o.listeners) > 0 {
		return
	}
	o.deaf = fmt.Sprintf("no listener of %s takes %s: requests for it get no answer of the application", whose, name)
	if readable && len(others) > 0 {
		const most = 5
		slices.Sort(others)
		if others = slices.Compact(others); len(others) > most {
			others = append(others[:most], "…")
		}
		o.deaf += "; its listeners are for " + strings.Join(others, ", ")
	}
}

// stage is how far a parent of a route got.
type stage int

const (
	missing stage = iota
	unaccepted
	addressless
	usable
)

// routeOrigin is the parent of a route that has accepted it and has an address. Of several, one whose listener takes the hostname comes
// first, then one that checkers reach, then the one that was taken before, then the order of spec.parentRefs. A parent may be in another
// namespace, which has allowed it: it has accepted the route.
func (g *gatherer) routeOrigin(r *route, p failover.Policy, before string) (origin, *refusal) {
	by := p.Spec.TargetRef.Parent
	refused, far := notReady("%s names no Gateway in spec.parentRefs", r.title()), stage(-1)
	if by != nil {
		refused = notReady("%s names no parent in spec.parentRefs that is as spec.targetRef.parent says", r.title())
	}
	var origins []origin
	for _, ref := range r.parents {
		at := r.parent(ref)
		if at.kind == "" || !at.chosen(by) {
			continue
		}
		from, no, got := g.parentOrigin(r, at, p.Spec.Hostname)
		switch {
		case got == usable:
			origins = append(origins, from)
		case got > far:
			refused, far = no, got
		}
	}
	if len(origins) == 0 {
		return origin{}, refused
	}
	slices.SortStableFunc(origins, func(a, b origin) int {
		return cmp.Or(boolFirst(a.deaf == "", b.deaf == ""), cmp.Compare(a.reaches(), b.reaches()), boolFirst(a.leadsTo(before), b.leadsTo(before)))
	})
	from := origins[0]
	if i := slices.IndexFunc(origins, func(o origin) bool { return o.deaf == "" && !slices.Equal(o.points, from.points) }); i >= 0 && by == nil {
		from.notes = append(from.notes, fmt.Sprintf("%s has several parents with load balancers: that of %s is taken; spec.targetRef.parent chooses another", r.title(), strings.TrimPrefix(from.title, r.title()+": ")))
	}
	for _, o := range origins[1:] { // such as a listener for HTTP and one for HTTPS of one Gateway
		if o.deaf == "" && slices.Equal(o.points, from.points) {
			from.listeners = append(from.listeners, o.listeners...)
		}
	}
	if len(r.hostnames) > 0 {
		from.title = r.title()
	}
	return from, nil
}

// reaches is the best reach of an origin's points.
func (o *origin) reaches() reach {
	best := private
	for _, p := range o.points {
		best = min(best, p.reaches())
	}
	return best
}

// leadsTo reports whether a load balancer is one of an origin's.
func (o *origin) leadsTo(balancer string) bool {
	return balancer != "" && slices.ContainsFunc(o.points, func(p point) bool { return bare(p.hostname) == bare(balancer) })
}

// parentOrigin is what a parent of a route says. Of a parent in another namespace that has not accepted the route it is not told whether
// it is there.
func (g *gatherer) parentOrigin(r *route, at parent, name string) (origin, *refusal, stage) {
	if why, unread := g.unread[at.kind]; unread {
		return origin{}, notReady("%s: %s cannot be read: %s", r.title(), at.title(), why), unaccepted
	}
	gw, set := g.gateways[at.at], g.sets[at.at]
	there := at.kind == failover.GatewayParent && gw != nil || at.kind == failover.ListenerSetParent && set != nil
	own := at.at.Namespace == r.at.Namespace
	switch {
	case !there && (own || r.accepted(at)):
		return origin{}, &refusal{v1alpha1.ReasonTargetNotFound, fmt.Sprintf("%s names %s, which is not there", r.title(), at.title())}, missing
	case !there || !r.accepted(at):
		return origin{}, notReady("%s is not accepted by %s in its status", r.title(), at.title()), unaccepted
	}
	from := origin{title: fmt.Sprintf("%s: %s", r.title(), at.title()), hosts: r.hosts()}
	if len(from.hosts) == 0 {
		from.hosts = []host{{}}
	}
	var entries []entry
	if at.kind == failover.ListenerSetParent {
		if meta.IsStatusConditionFalse(set.Status.Conditions, string(gatewayv1.ListenerSetConditionAccepted)) {
			return origin{}, notReady("%s: %s is not accepted by its Gateway", r.title(), at.title()), unaccepted
		}
		if why, unread := g.unread[failover.GatewayParent]; unread {
			return origin{}, notReady("%s: the Gateway of %s cannot be read: %s", r.title(), at.title(), why), unaccepted
		}
		entries = entriesOfSet(set)
		if gw = g.gateways[gatewayOf(set)]; gw == nil {
			return origin{}, notReady("%s: the Gateway of %s has no address in its status yet: the controller of its class writes it there", r.title(), at.title()), addressless
		}
	} else {
		entries = entriesOf(gw)
	}
	if from.points = gatewayPoints(gw); len(from.points) == 0 {
		whose := at.title()
		if at.kind == failover.ListenerSetParent {
			whose = "the Gateway of " + whose
		}
		return origin{}, notReady("%s: %s has no address in its status yet: the controller of its class writes it there", r.title(), whose), addressless
	}
	from.gateway = gw
	from.hear(g.open(entries, r, at), name, at.title(), own)
	return from, nil, usable
}

// open are the listeners that a route is attached to. That it is attached, its status says; the rules below only tell which of several
// listeners may have it, and where they leave none, all count that the route names.
func (g *gatherer) open(entries []entry, r *route, at parent) []entry {
	named := slices.DeleteFunc(entries, func(e entry) bool {
		return at.section != "" && e.name != at.section || at.port != 0 && e.port != at.port
	})
	var open []entry
	for _, e := range named {
		if e.takesKind(r.kind) && e.takesNamespace(r.at.Namespace, g.labels[r.at.Namespace]) {
			open = append(open, e)
		}
	}
	if len(open) == 0 {
		return named
	}
	return open
}

// takesKind reports whether routes of a kind may be attached to a listener: those it says, or those of its protocol.
func (e entry) takesKind(kind string) bool {
	if e.allowed != nil && len(e.allowed.Kinds) > 0 {
		return slices.ContainsFunc(e.allowed.Kinds, func(k gatewayv1.RouteGroupKind) bool { return string(k.Kind) == kind })
	}
	switch e.protocol {
	case gatewayv1.HTTPProtocolType, gatewayv1.HTTPSProtocolType:
		return kind != failover.TLSRouteTarget
	case gatewayv1.TLSProtocolType:
		return kind == failover.TLSRouteTarget
	case gatewayv1.UDPProtocolType:
		return false
	}
	return true
}

// takesNamespace reports whether routes of a namespace may be attached to a listener.
func (e entry) takesNamespace(namespace string, has map[string]string) bool {
	from, selector := gatewayv1.NamespacesFromSame, (*metav1.LabelSelector)(nil)
	if e.allowed != nil && e.allowed.Namespaces != nil {
		from, selector = cmp.Or(value(e.allowed.Namespaces.From), from), e.allowed.Namespaces.Selector
	}
	switch from {
	case gatewayv1.NamespacesFromAll:
		return true
	case gatewayv1.NamespacesFromSelector:
		s, err := metav1.LabelSelectorAsSelector(selector)
		all := labels.Set{corev1.LabelMetadataName: namespace}
		for key, v := range has {
			all[key] = v
		}
		return err == nil && s.Matches(all)
	}
	return namespace == e.namespace
}
