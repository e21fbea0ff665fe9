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

// claim gives every hostname to the policy that was created first, and to every namespace as many as its class allows. Only
// policies that may have their hostname claim it, so that nobody is kept from a name by somebody who cannot have it; one whose source
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
			a.object.GetCreationTimestamp().Compare(b.object.GetCreationTimestamp().Time),
			strings.Compare(string(a.object.GetUID()), string(b.object.GetUID())),
			strings.Compare(a.policy.Spec.Hostname, b.policy.Spec.Hostname),
		)
	})
	hostnames, names, shares := map[claimed]*candidate{}, map[string]*candidate{}, map[share]int{}
	for _, c := range order {
		name, _ := zone.ParseName(c.policy.Spec.Hostname) // is one: the policy has been judged
		wanted := claimed{strings.TrimSuffix(c.class.Spec.Endpoint, "/"), name}
		of, limit := share{c.class.Metadata.Name, c.policy.Metadata.Namespace}, c.class.Spec.Limits.PoliciesPerNamespace
		if first := hostnames[wanted]; first != nil {
			c.lose(first)
			continue
		}
		if first := names[c.policy.Key()]; first != nil {
			c.refusal = &refusal{v1alpha1.ReasonInvalid, fmt.Sprintf("metadata.name: %s stands for %s of %s, which was created first: choose another name",
				c.policy.Metadata.Name, first.policy.Spec.Hostname, first.title())}
			c.vanished = time.Time{}
			continue
		}
		if limit > 0 && shares[of] >= limit {
			c.refusal = &refusal{v1alpha1.ReasonQuotaExceeded, fmt.Sprintf("the class %s allows namespace %s %d %s, and older ones have them",
				of.class, of.namespace, limit, plural(limit, "hostname"))}
			c.vanished = time.Time{}
			continue
		}
		hostnames[wanted], names[c.policy.Key()] = c, c
		shares[of]++
	}
}

// leavesClaim reports whether a policy with this refusal, or without any, has its hostname.
func (r *refusal) leavesClaim() bool {
	return r == nil || r.reason == v1alpha1.ReasonTargetNotFound || r.reason == v1alpha1.ReasonTargetNotReady
}

// lose tells a candidate who has its hostname, and no more of the other than its name and age.
func (c *candidate) lose(first *candidate) {
	since := first.object.GetCreationTimestamp()
	c.heldBy = &v1alpha1.Holder{Namespace: first.object.GetNamespace(), Name: first.object.GetName(), Since: &since}
	c.refusal = &refusal{v1alpha1.ReasonHostnameHeld, fmt.Sprintf("spec.hostname: %s belongs to %s, which was created first, at %s",
		c.policy.Spec.Hostname, first.title(), since.UTC().Format(time.RFC3339))}
	c.vanished = time.Time{}
}

// title is how others are told of a candidate.
func (c *candidate) title() string {
	kind := "FailoverPolicy"
	if _, ok := c.object.(*networkingv1.Ingress); ok {
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
