package controller

import (
	"fmt"
	"slices"
	"time"

	"github.com/bulkhead-dns/bulkhead/api/v1alpha1"
	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// An intent is what a pass has to do about a policy.
type intent int

const (
	leave    intent = iota // whatever is there stays
	program                // what is there becomes what is wanted
	withdraw               // this Region goes, unless it is the last
	destroy                // this Region goes
)

// A task is a policy with what is to be done about it.
type task struct {
	key      string // "<namespace>/<policy>"
	intent   intent
	hostname zone.Name
	zones    []zone.HostedZone // that the class allows and the hostname is in
	desired  plan.State        // to program
	withIPv6 []plan.Record     // instead of those of desired, where this Region has its AAAA record already; nil when the policy says its families
	refusal  *refusal          // why it is left
	until    time.Time         // when a task that is left by time is something else; zero: never
}

// taskOf decides what is to be done about a candidate. facts.Region is the cluster's. deleted is when the last policy was
// deleted: deletions wait until that is settle ago, so that those of a whole namespace are seen together.
func taskOf(c candidate, facts failover.Facts, deleted time.Time, settle time.Duration, now time.Time) task {
	t := task{key: c.policy.Key()}
	if name, err := zone.ParseName(c.policy.Spec.Hostname); err == nil {
		t.hostname = name
	}
	for _, z := range facts.Zones {
		if !z.PrivateZone && t.hostname.In(z.Name) && c.class != nil && c.class.Spec.AllowsZone(z) {
			t.zones = append(t.zones, z)
		}
	}
	switch {
	case c.object.GetDeletionTimestamp() != nil:
		t.deletion(c, deleted.Add(settle), now)
	case c.refusal != nil:
		t.refusal = c.refusal
	case !c.vanished.IsZero():
		t.withdrawal(c, now)
	default:
		t.compile(c, facts)
	}
	return t
}

// deletion removes what a deleted policy has, or keeps it where the policy says so.
func (t *task) deletion(c candidate, from, now time.Time) {
	switch {
	case c.object.GetAnnotations()[v1alpha1.DeletionPolicyAnnotation] == v1alpha1.Retain:
	case c.class == nil:
		t.refusal = &refusal{v1alpha1.ReasonNoClass, fmt.Sprintf("it is deleted, and its class, which says where its records are, is not there: "+
			"make the class again, or annotate the policy with %s=%s to leave them", v1alpha1.DeletionPolicyAnnotation, v1alpha1.Retain)}
	case now.Before(from):
		t.refusal, t.until = &refusal{v1alpha1.ReasonPending, "it is deleted, and its record and check go in a moment"}, from
	default:
		t.intent = destroy
	}
}

// withdrawal removes the Region whose source has vanished, when the hold period is over.
func (t *task) withdrawal(c candidate, now time.Time) {
	t.until = c.vanished.Add(c.class.Spec.Hold())
	if now.Before(t.until) {
		t.refusal = &refusal{v1alpha1.ReasonHolding, fmt.Sprintf("its source has vanished; this Region's record stays until %s, and is removed then unless it is the "+
			"last one of the hostname", t.until.UTC().Format(time.RFC3339))}
		return
	}
	t.intent, t.until = withdraw, time.Time{}
}

// compile says what is wanted, one policy at a time: one that is refused is refused alone.
func (t *task) compile(c candidate, facts failover.Facts) {
	desired, _, err := failover.Compile([]failover.Policy{c.policy}, c.class, facts)
	if err != nil {
		t.refusal = &refusal{reasonOf(err), said(err)}
		return
	}
	t.intent, t.desired = program, desired
	if len(c.policy.Spec.IPFamilies) > 0 {
		return
	}
	facts.HasIPv6 = true
	if both, _, err := failover.Compile([]failover.Policy{c.policy}, c.class, facts); err == nil {
		t.withIPv6 = both.Records
	}
}

// records are the record sets that a task to program wants of this Region, given those that are there.
func (t *task) records(current []plan.Record, owners *plan.Owners, region string) []plan.Record {
	has := func(r plan.Record) bool {
		return r.Set.Type == zone.AAAA && r.Set.Name == t.hostname && owners.Key(&r.Set) == t.key+"/"+region
	}
	if len(t.withIPv6) > 0 && slices.ContainsFunc(current, has) {
		return t.withIPv6
	}
	return t.desired.Records
}
