package controller

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	networkingv1 "k8s.io/api/networking/v1"

	"github.com/bulkhead-dns/bulkhead/api/v1alpha1"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// A hostname belongs to one policy of an account. Classes with one endpoint share an account.
type claimed struct {
	endpoint string
	hostname zone.Name
}

// A share is what a namespace has of a class.
type share struct{ class, namespace string }

// claim gives every hostname to the policy that was created first, and to every namespace as many as its class allows. An annotated
// Ingress comes after all policies: its age says nothing of when it was annotated, and an old one must not take a hostname from those
// who have it. What is deleted comes last of all: it gives way to whoever may have the hostname after it.
//
// Only policies that may have their hostname claim it, so that nobody is kept from a name by somebody who cannot have it; one whose source
// is not ready claims it all the same. What is refused here is decided anew each time: it is accepted once the holder is gone.
func claim(list []candidate) {
	order := make([]*candidate, 0, len(list))
	for i := range list {
		if list[i].refusal.leavesClaim() {
			order = append(order, &list[i])
		}
	}
	slices.SortStableFunc(order, func(a, b *candidate) int {
		return cmp.Or(
			boolFirst(a.object.GetDeletionTimestamp() == nil, b.object.GetDeletionTimestamp() == nil),
			boolFirst(!a.annotated(), !b.annotated()),
			a.object.GetCreationTimestamp().Compare(b.object.GetCreationTimestamp().Time),
			strings.Compare(string(a.object.GetUID()), string(b.object.GetUID())),
			strings.Compare(a.policy.Spec.Hostname, b.policy.Spec.Hostname),
		)
	})
	hostnames, names, shares := map[claimed]*candidate{}, map[string]*candidate{}, map[share]int{}
	for i := range list {
		if !list[i].annotated() {
			names[list[i].policy.Key()] = &list[i]
		}
	}
	for _, c := range order {
		name, _ := zone.ParseName(c.policy.Spec.Hostname) // is one: the policy has been judged
		wanted := claimed{strings.TrimSuffix(c.class.Spec.Endpoint, "/"), name}
		of, limit := share{c.class.Metadata.Name, c.policy.Metadata.Namespace}, c.class.Spec.Limits.PoliciesPerNamespace
		named := names[c.policy.Key()]
		switch first := hostnames[wanted]; {
		case first != nil && c.object.GetDeletionTimestamp() != nil:
			c.succeeded = first.object.GetDeletionTimestamp() == nil
		case first != nil:
			c.lose(first)
		case named != nil && named != c:
			c.refuse(v1alpha1.ReasonInvalid, "health checks for %s would be named %s, as those of %s are: rename the policy, or the Ingress",
				c.policy.Spec.Hostname, c.policy.Key(), named.title())
		case limit > 0 && shares[of] >= limit:
			c.refuse(v1alpha1.ReasonQuotaExceeded, "the class %s allows namespace %s %d %s, and older ones have them",
				of.class, of.namespace, limit, plural(limit, "hostname"))
		default:
			hostnames[wanted], names[c.policy.Key()] = c, c
			shares[of]++
		}
	}
	for i := range list {
		if c := &list[i]; c.annotated() && names[c.policy.Key()] != nil && names[c.policy.Key()] != c {
			c.policy.Metadata.Name = nameless(c.object.GetName(), c.policy.Spec.Hostname)
		}
	}
}

// refuse leaves a candidate out. Its source does not matter any more.
func (c *candidate) refuse(reason, format string, args ...any) {
	c.refusal, c.vanished = &refusal{reason, fmt.Sprintf(format, args...)}, time.Time{}
}

// leavesClaim reports whether a policy with this refusal, or without any, has its hostname.
func (r *refusal) leavesClaim() bool {
	return r == nil || r.reason == v1alpha1.ReasonTargetNotFound || r.reason == v1alpha1.ReasonTargetNotReady
}

// lose tells a candidate who has its hostname, and no more of the other than its name and age.
func (c *candidate) lose(first *candidate) {
	since := first.object.GetCreationTimestamp()
	c.heldBy = &v1alpha1.Holder{Namespace: first.object.GetNamespace(), Name: first.object.GetName(), Since: &since}
	why := "which was created first, at " + since.UTC().Format(time.RFC3339)
	if c.annotated() && !first.annotated() {
		why = "and a policy comes before an annotation"
	}
	field := "spec.hostname: "
	if c.annotated() {
		field = ""
	}
	c.refuse(v1alpha1.ReasonHostnameHeld, "%s%s belongs to %s, %s", field, c.policy.Spec.Hostname, first.title(), why)
}

// annotated tells an annotated Ingress from a policy.
func (c *candidate) annotated() bool {
	_, is := c.object.(*networkingv1.Ingress)
	return is
}

// nameless is the name of a policy that stands for an Ingress and cannot be programmed under a name of its own. No object has it.
func nameless(ingress, hostname string) string {
	return strings.TrimSpace("Ingress " + ingress + " " + hostname)
}

// title is how others are told of a candidate.
func (c *candidate) title() string {
	kind := "FailoverPolicy"
	if c.annotated() {
		kind = "Ingress"
	}
	return kind + " " + c.object.GetNamespace() + "/" + c.object.GetName()
}

func plural(n int, word string) string {
	if n == 1 {
		return word
	}
	return word + "s"
}
