package controller

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/bulkhead-dns/bulkhead/api/v1alpha1"
	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// An intent is what a round has to do about a policy.
type intent int

const (
	leave    intent = iota // whatever is there stays
	program                // what is there becomes what is wanted
	withdraw               // this Region goes, unless it is the last
	release                // what is there is marked: it goes after a while, unless another policy has taken it over
	destroy                // this Region goes
)

// A task is a policy with what is to be done about it.
type task struct {
	key       string // "<namespace>/<policy>"
	namespace string
	class     string
	intent    intent
	hostname  zone.Name
	zones     []zone.HostedZone // that the class allows and the hostname is in
	desired   plan.State        // to program
	withIPv6  []plan.Record     // instead of those of desired, where this Region has its AAAA record already; nil when the policy says its families
	refusal   *refusal          // why it is left
	until     time.Time         // when a task that is left by time is something else; zero: never
	limit     int               // hostnames that the class allows the namespace; 0: any number
	forced    []string          // hashes of refused plans that the object allows for itself
	takeOver  []string          // clusters that it takes its Region over from
	claims    bool              // it has its hostname, and keeps or takes what is there
	annotated bool              // it is an Ingress's

	// Of what is released or destroyed:
	removal   time.Time // when what is released goes
	retained  bool      // it stays for good
	succeeded bool      // another policy has the hostname now
	leftover  bool      // no object asks for it
	asked     bool      // its deletion was judged before
	force     bool      // and allowed although it was refused
}

// unit is the name of the unit that a task is worked on in.
func (t *task) unit() string {
	if t.hostname == "" || t.leftover {
		return "policy " + t.key
	}
	return string(t.hostname)
}

// taskOf decides what is to be done about a candidate. facts.Region is the cluster's.
func taskOf(c candidate, facts failover.Facts, now time.Time) task {
	annotations := c.object.GetAnnotations()
	t := task{key: c.policy.Key(), namespace: c.policy.Metadata.Namespace, annotated: c.annotated(),
		forced: strings.FieldsFunc(annotations[v1alpha1.ForcePlanAnnotation], func(r rune) bool { return r == ',' || r == ' ' })}
	if name, err := zone.ParseName(c.policy.Spec.Hostname); err == nil {
		t.hostname = name
	}
	if c.class != nil {
		t.class, t.limit = c.class.Metadata.Name, c.class.Spec.Limits.PoliciesPerNamespace
	}
	for _, z := range facts.Zones {
		if !z.PrivateZone && t.hostname.In(z.Name) && c.class != nil && c.class.Spec.AllowsZone(z) {
			t.zones = append(t.zones, z)
		}
	}
	t.takeOver = c.takeOver()
	t.claims = c.refusal.leavesClaim() && c.object.GetDeletionTimestamp() == nil
	switch {
	case c.object.GetDeletionTimestamp() != nil:
		t.deletion(c)
	case c.refusal != nil:
		t.refusal = c.refusal
		t.revocation(c, now)
	case !c.vanished.IsZero():
		t.withdrawal(c, now)
	default:
		t.compile(c, facts)
	}
	return t
}

// deletion marks what a deleted policy has, to be removed when its grace period is over, or to be kept where the policy says so and the
// class allows it.
func (t *task) deletion(c candidate) {
	if c.class == nil { // nobody knows where its records are; they stay
		t.refusal = &refusal{v1alpha1.ReasonNoClass, "it is deleted, and its class, which says where its records are, is not there: they stay as they are"}
		t.retained = true
		return
	}
	t.intent, t.removal = release, c.object.GetDeletionTimestamp().Add(c.class.Spec.DeletionGracePeriod())
	t.retained = c.kept || c.class.Spec.AllowsRetain() && c.object.GetAnnotations()[v1alpha1.DeletionPolicyAnnotation] == v1alpha1.Retain
	t.succeeded = c.succeeded
}

// revocation removes a hostname that the class does not allow any more, when it says how long such a one stays.
func (t *task) revocation(c candidate, now time.Time) {
	p, is := c.object.(*v1alpha1.FailoverPolicy)
	if !is || c.class == nil || c.refusal.reason != v1alpha1.ReasonHostnameRefused {
		return
	}
	grace, limited := c.class.Spec.RevocationGracePeriod()
	refused := meta.FindStatusCondition(p.Status.Conditions, v1alpha1.ConditionAccepted)
	if !limited || refused == nil || refused.Reason != v1alpha1.ReasonHostnameRefused {
		return
	}
	if t.until = refused.LastTransitionTime.Add(grace); now.Before(t.until) {
		t.refusal = &refusal{c.refusal.reason, fmt.Sprintf("%s. What is at the provider is removed at %s", c.refusal.message, t.until.UTC().Format(time.RFC3339))}
		return
	}
	t.intent, t.until = destroy, time.Time{}
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

// zonesOf are the zones in which tasks may have records, in the order of their ids.
func zonesOf(tasks []task) []zone.HostedZone {
	byID := make(map[string]zone.HostedZone)
	for _, t := range tasks {
		for _, z := range t.zones {
			byID[z.ID] = z
		}
	}
	var zones []zone.HostedZone
	for _, id := range slices.Sorted(maps.Keys(byID)) {
		zones = append(zones, byID[id])
	}
	return zones
}
