package controller

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/bulkhead-dns/bulkhead/api/v1alpha1"
	"github.com/bulkhead-dns/bulkhead/apply"
	"github.com/bulkhead-dns/bulkhead/failover"
)

// ready is the readiness check: it fails while an account cannot be worked with, so that an installation without rights does not look
// like one that works.
func (c *Controller) ready(*http.Request) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var texts []string
	for s, text := range c.troubles {
		texts = append(texts, strings.TrimSpace(s.endpoint+" "+s.region)+": "+text)
	}
	if len(texts) == 0 {
		return nil
	}
	slices.Sort(texts)
	return errors.New(strings.Join(texts, "; "))
}

// trouble notes what is wrong with an account as a whole, empty for nothing.
func (c *Controller) trouble(s site, text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if text == "" {
		delete(c.troubles, s)
		return
	}
	c.troubles[s] = text
}

// publishTrouble tells the classes of a site, and the policies of them that wait, that the account cannot be worked with. What was
// programmed before stays programmed: nobody knows better.
func (c *Controller) publishTrouble(ctx context.Context, s site, err error) {
	full, short, reason := err.Error(), "its account cannot be opened", v1alpha1.ReasonUnreachable
	c.mu.Lock()
	a := c.accounts[s]
	c.mu.Unlock()
	if a != nil {
		fault := a.worker.applier.Fault()
		switch {
		case fault == nil || fault.Denied && !apply.Denied(err):
			return // it is about something else
		case fault.Denied:
			short, reason = "the IAM action "+fault.Action()+" is missing", v1alpha1.ReasonAccessDenied
		default:
			short = fault.Operation + " fails"
		}
		full = fault.Error()
	}
	c.trouble(s, full)
	snapshot, err := c.snapshot(ctx)
	if err != nil {
		c.o.Log.Error("statuses not written", "error", err)
		return
	}
	classes := c.classesOf(s, snapshot)
	for i := range snapshot.classes {
		class := &snapshot.classes[i]
		if !slices.ContainsFunc(classes, func(o failover.Class) bool { return o.Metadata.Name == class.Name }) {
			continue
		}
		after := class.Status.DeepCopy()
		changed := meta.SetStatusCondition(&after.Conditions, metav1.Condition{Type: v1alpha1.ConditionReachable, Status: metav1.ConditionFalse, Reason: reason,
			Message: shortened(full), ObservedGeneration: class.Generation})
		if !changed {
			continue
		}
		if err := c.write(ctx, "FailoverClass", class, after); err != nil {
			c.o.Log.Error("status not written", "class", class.Name, "error", err)
		}
		c.event(class, eventWarning, v1alpha1.EventUnavailable, full)
	}
	c.tellWaiting(ctx, s, snapshot, classes, short)
}

// tellWaiting tells the policies that are not programmed as they are written.
func (c *Controller) tellWaiting(ctx context.Context, s site, snapshot snapshot, classes []failover.Class, why string) {
	var changes []rewrite
	for _, x := range gather(snapshot, c.o.Region, time.Now()) {
		p, is := x.object.(*v1alpha1.FailoverPolicy)
		if x.class == nil || !is || x.refusal != nil || !slices.ContainsFunc(classes, func(o failover.Class) bool { return o.Metadata.Name == x.class.Metadata.Name }) {
			continue
		}
		programmed := meta.FindStatusCondition(p.Status.Conditions, v1alpha1.ConditionProgrammed)
		if programmed != nil && programmed.Status == metav1.ConditionTrue && p.Status.ObservedGeneration == p.Generation {
			continue
		}
		after := statusOf(finding{candidate: x, known: true, region: s.region, unread: true, outcome: outcome{reason: v1alpha1.ReasonProviderUnavailable,
			message: fmt.Sprintf("the controller cannot work at Route 53: %s. The platform team sees why in the FailoverClass %s", why, x.class.Metadata.Name)}},
			p.Status, time.Now())
		if !equality.Semantic.DeepEqual(p.Status, after) {
			changes = append(changes, rewrite{p, p.Status, after, nil})
		}
	}
	c.writeAll(ctx, changes)
	for _, change := range changes {
		if change.err == nil {
			c.tell(change.policy, change.before, change.after)
		}
	}
}
