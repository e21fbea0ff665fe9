package controller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/bulkhead-dns/bulkhead/api/v1alpha1"
	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// publishClasses writes the statuses of classes that are not what they were.
func (c *Controller) publishClasses(ctx context.Context, a *account, s snapshot, classes []failover.Class) error {
	a.mu.Lock()
	b := a.board
	b.unmeasured = a.unmeasured
	zones := a.zones
	a.mu.Unlock()
	var problems []error
	for i := range s.classes {
		class := &s.classes[i]
		at := slices.IndexFunc(classes, func(o failover.Class) bool { return o.Metadata.Name == class.Name })
		if at < 0 {
			continue
		}
		after := classStatus(class, &classes[at], b, zones)
		after.Classes = classNames(s.classes)
		if equality.Semantic.DeepEqual(class.Status, after) {
			continue
		}
		if err := c.write(ctx, "FailoverClass", class, after); err != nil {
			problems = append(problems, err)
			continue
		}
		old, now := meta.FindStatusCondition(class.Status.Conditions, v1alpha1.ConditionPlanRefused), meta.FindStatusCondition(after.Conditions, v1alpha1.ConditionPlanRefused)
		if now != nil && now.Status == metav1.ConditionTrue && (old == nil || old.Message != now.Message) {
			c.event(class, eventWarning, v1alpha1.EventRefused, now.Message)
		}
	}
	return errors.Join(problems...)
}

// classNames lists the classes of a cluster, for admission to know which are there. Where they are too many nobody knows.
func classNames(classes []v1alpha1.FailoverClass) []string {
	const most = 500
	if len(classes) > most {
		return nil
	}
	var names []string
	for i := range classes {
		names = append(names, classes[i].Name)
	}
	slices.Sort(names)
	return names
}

// classStatus is the status of a class.
func classStatus(o *v1alpha1.FailoverClass, class *failover.Class, b board, zones []zone.HostedZone) v1alpha1.FailoverClassStatus {
	s := v1alpha1.FailoverClassStatus{ObservedGeneration: o.Generation, Conditions: o.Status.DeepCopy().Conditions}
	for _, c := range b.candidates {
		if c.class != nil && c.class.Metadata.Name == o.Name {
			s.Policies++
		}
	}
	reachable := metav1.Condition{Type: v1alpha1.ConditionReachable, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonReachable}
	if b.unmeasured != "" {
		reachable.Message = shortened("verdicts are read one check a second and become old: " + b.unmeasured)
	}
	abandoned := metav1.Condition{Type: v1alpha1.ConditionAbandoned, Status: metav1.ConditionFalse, Reason: v1alpha1.ReasonNothingAbandoned}
	if len(b.abandoned) > 0 {
		abandoned.Status, abandoned.Reason = metav1.ConditionTrue, v1alpha1.ReasonPolicyGone
		abandoned.Message = shortened(fmt.Sprintf("health checks and records of this cluster whose policy is gone without a trace: %s. Make the policy again, remove them "+
			"with bulkhead destroy, or set spec.deletion.abandoned to Remove", someOf(b.abandoned)))
	}
	const most = 500
	for _, z := range zones {
		if !z.PrivateZone && class.Spec.AllowsZone(z) && len(s.Zones) < most {
			s.Zones = append(s.Zones, v1alpha1.ZoneStatus{ID: z.ID, Name: strings.TrimSuffix(string(z.Name), ".")})
		}
	}
	accepted := metav1.Condition{Type: v1alpha1.ConditionAccepted, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonAccepted}
	if err := failover.ValidateClass(*class); err != nil {
		accepted.Status, accepted.Reason, accepted.Message = metav1.ConditionFalse, v1alpha1.ReasonInvalid, shortened(err.Error())
	}
	refused := metav1.Condition{Type: v1alpha1.ConditionPlanRefused, Status: metav1.ConditionFalse, Reason: v1alpha1.ReasonNothingRefused}
	if len(b.refused) > 0 {
		refused.Status, refused.Reason, refused.Message = metav1.ConditionTrue, v1alpha1.ReasonTooManyChanges, shortened(strings.Join(b.refused, "; "))
	}
	for _, condition := range []metav1.Condition{accepted, refused, reachable, abandoned} {
		condition.ObservedGeneration = o.Generation
		meta.SetStatusCondition(&s.Conditions, condition)
	}
	return s
}
