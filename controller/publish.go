package controller

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/bulkhead-dns/bulkhead/api/v1alpha1"
	"github.com/bulkhead-dns/bulkhead/explain"
	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// fieldOwner owns what the controller writes to objects, and is who events come from.
const fieldOwner = "bulkhead-controller"

const (
	eventNormal  = corev1.EventTypeNormal
	eventWarning = corev1.EventTypeWarning
)

// event tells people who look at an object what happened to it.
func (c *Controller) event(o client.Object, kind, reason, note string) {
	const most = 1024 // characters of a note
	if len(note) > most {
		note = strings.ToValidUTF8(note[:most-4], "") + " …"
	}
	c.recorder.Eventf(o, nil, kind, reason, reason, "%s", note)
}

// publish writes the statuses that are not what they were, and tells what happened. drifted are policies that were corrected.
func (c *Controller) publish(ctx context.Context, a *account, drifted []string) error {
	a.publishing.Lock()
	defer a.publishing.Unlock()
	a.mu.Lock()
	now := time.Now()
	b, idle, silences := a.board, a.idle(), a.silences(now)
	known := maps.Clone(a.verdicts)
	a.mu.Unlock()
	apps, err := applications(b, known, a.worker.provider, a.site.region)
	if err != nil {
		return err
	}
	borrowers := borrowersOf(b)
	there := make(map[types.UID]bool)
	var changes []rewrite
	for _, x := range b.candidates {
		key := x.policy.Key()
		o, known := b.outcomes[key]
		if x.refusal != nil { // of two with one key, only one can be accepted
			o, known = outcome{reason: x.refusal.reason, message: x.refusal.message}, true
		}
		there[x.object.GetUID()] = true
		c.tellBorrowers(a, x, borrowers[key])
		p, isPolicy := x.object.(*v1alpha1.FailoverPolicy)
		if !isPolicy {
			f := finding{app: apps[key], region: a.site.region}
			if held, reason, message := f.held(); held == metav1.ConditionTrue {
				o = outcome{reason: reason, message: message}
			}
			c.tellIngress(a, x, o)
			continue
		}
		before, written := a.written[p.UID]
		if !written {
			before = p.Status
		}
		if o.done && len(borrowers[key]) > 0 {
			o.message += "; " + strings.Join(borrowers[key], "; ")
		}
		after := statusOf(finding{candidate: x, outcome: o, known: known, app: apps[key], state: &b.state, provider: a.worker.provider,
			region: a.site.region, idle: idle[key], silences: silences, unread: a.site == (site{}) || b.readAt.IsZero()}, before, now)
		if equality.Semantic.DeepEqual(before, after) {
			continue
		}
		changes = append(changes, rewrite{p, before, after, nil})
	}
	c.writeAll(ctx, changes)
	var problems []error
	for _, change := range changes {
		switch {
		case apierrors.IsNotFound(change.err):
			continue
		case change.err != nil:
			problems = append(problems, change.err)
			continue
		}
		a.written[change.policy.UID] = change.after
		c.metrics.statusWrites.Inc()
		c.tell(change.policy, change.before, change.after)
	}
	for _, key := range drifted {
		for _, x := range b.candidates {
			if x.policy.Key() == key {
				c.event(x.object, eventNormal, v1alpha1.EventDrift, "this Region's health check or records had been changed, and are as wanted again")
			}
		}
	}
	for uid := range a.written {
		if !there[uid] {
			delete(a.written, uid)
		}
	}
	a.forget(there)
	c.metrics.observe(a.site, b, a.written, apps)
	return errors.Join(problems...)
}

// A rewrite is a status that is another one.
type rewrite struct {
	policy        *v1alpha1.FailoverPolicy
	before, after v1alpha1.FailoverPolicyStatus
	err           error // of writing it
}

// writers is how many statuses are written at once: a round may change many of them.
const writers = 8

// writeAll writes statuses, and notes what went wrong with each.
func (c *Controller) writeAll(ctx context.Context, changes []rewrite) {
	var (
		wait sync.WaitGroup
		next = make(chan *rewrite)
	)
	for range min(writers, len(changes)) {
		wait.Go(func() {
			for change := range next {
				change.err = c.write(ctx, "FailoverPolicy", change.policy, change.after)
			}
		})
	}
	for i := range changes {
		next <- &changes[i]
	}
	close(next)
	wait.Wait()
}

// applications are what the provider has of the policies on a board, by policy. Only what belongs to them is looked at.
func applications(b board, known map[string]verdicts, provider failover.Provider, region string) (map[string]*explain.Application, error) {
	keys, names := make(map[string]bool), make(map[zone.Name]bool)
	for _, c := range b.candidates {
		keys[c.policy.Key()] = true
		if name, err := zone.ParseName(c.policy.Spec.Hostname); err == nil {
			names[name] = true
		}
	}
	in := explain.Input{State: plan.State{Zones: b.state.Zones}, Reports: make(map[string][]health.Report), Provider: provider}
	used := make(map[string]bool)
	for _, r := range b.state.Records {
		if names[r.Set.Name] {
			in.State.Records = append(in.State.Records, r)
			used[r.Set.HealthCheckID] = true
		}
	}
	for _, check := range b.state.Checks {
		if used[check.ID] || check.Owned() && keys[plan.PolicyOf(check.Key)] {
			v := known[check.ID]
			if check.Healthy, _ = v.verdict(check.Config); !v.asked.IsZero() {
				in.Reports[check.ID] = v.words(check.Config)
			}
			in.State.Checks = append(in.State.Checks, check)
		}
	}
	joinRegions(&in.State, region)
	list, err := explain.Applications(in)
	if err != nil {
		return nil, err
	}
	apps := make(map[string]*explain.Application, len(list))
	for i := range list {
		if keys[list[i].Policy] {
			apps[list[i].Policy] = &list[i]
		}
	}
	return apps, nil
}

// write replaces the status of an object by server-side apply: it states all of it, and depends on no version.
func (c *Controller) write(ctx context.Context, kind string, o client.Object, status any) error {
	data, err := json.Marshal(status)
	if err != nil {
		return err
	}
	var fields map[string]any
	if err := json.Unmarshal(data, &fields); err != nil {
		return err
	}
	u := &unstructured.Unstructured{Object: map[string]any{"status": fields}}
	u.SetGroupVersionKind(v1alpha1.GroupVersion().WithKind(kind))
	u.SetNamespace(o.GetNamespace())
	u.SetName(o.GetName())
	u.SetUID(o.GetUID()) // not that of another object of the same name
	err = c.client.Status().Apply(ctx, client.ApplyConfigurationFromUnstructured(u), client.FieldOwner(fieldOwner), client.ForceOwnership)
	if err != nil {
		return fmt.Errorf("write the status of %s %s: %w", kind, client.ObjectKeyFromObject(o), err)
	}
	return nil
}

// tell makes events of what is new in a status.
func (c *Controller) tell(p *v1alpha1.FailoverPolicy, before, after v1alpha1.FailoverPolicyStatus) {
	turned := func(kind string) (metav1.Condition, bool) {
		old, now := meta.FindStatusCondition(before.Conditions, kind), meta.FindStatusCondition(after.Conditions, kind)
		return conditionOrNone(now), now != nil && (old == nil || old.Status != now.Status || old.Reason != now.Reason)
	}
	if accepted, is := turned(v1alpha1.ConditionAccepted); is && accepted.Status == metav1.ConditionFalse {
		c.event(p, eventWarning, v1alpha1.EventRefused, accepted.Reason+": "+accepted.Message)
	}
	if programmed, is := turned(v1alpha1.ConditionProgrammed); is {
		switch {
		case programmed.Status == metav1.ConditionTrue:
			c.event(p, eventNormal, v1alpha1.EventProgrammed, programmed.Message)
		case programmed.Reason == v1alpha1.ReasonHolding:
			c.event(p, eventWarning, v1alpha1.EventHolding, programmed.Message)
		case programmed.Reason == v1alpha1.ReasonPending && meta.IsStatusConditionTrue(before.Conditions, v1alpha1.ConditionProgrammed):
			c.event(p, eventWarning, v1alpha1.EventWaiting, programmed.Message)
		case programmed.Reason == v1alpha1.ReasonRemoved:
			c.event(p, eventWarning, v1alpha1.EventRemoved, programmed.Message)
		case programmed.Reason == v1alpha1.ReasonWaitsForRegions:
			c.event(p, eventWarning, v1alpha1.EventWaiting, programmed.Message)
		case programmed.Reason == v1alpha1.ReasonRegionHeld || programmed.Reason == v1alpha1.ReasonProviderRefused || programmed.Reason == v1alpha1.ReasonForeignRecord:
			c.event(p, eventWarning, v1alpha1.EventRefused, programmed.Reason+": "+programmed.Message)
		}
	}
	if held, is := turned(v1alpha1.ConditionHeld); is {
		if held.Status == metav1.ConditionTrue {
			c.event(p, eventWarning, v1alpha1.EventHeld, held.Message)
		} else {
			c.event(p, eventNormal, v1alpha1.EventReleased, "what an operator had made of this Region's health check by hand is undone")
		}
	}
	if move := after.LastFailover; move != nil && !equality.Semantic.DeepEqual(move, before.LastFailover) {
		reason, kind := v1alpha1.EventFailedOver, eventWarning
		if move.To == after.Region {
			reason, kind = v1alpha1.EventFailedBack, eventNormal
		}
		c.metrics.failovers.WithLabelValues(move.From, move.To).Inc()
		c.o.Log.Info("clients moved", "policy", p.Namespace+"/"+p.Name, "from", move.From, "to", move.To, "reason", move.Reason)
		c.event(p, kind, reason, fmt.Sprintf("clients near %s are answered with %s instead of %s: %s", after.Region, move.To, move.From, move.Reason))
	}
}

func conditionOrNone(c *metav1.Condition) metav1.Condition {
	if c == nil {
		return metav1.Condition{}
	}
	return *c
}

// tellIngress tells of an annotated Ingress, which has no status of ours, what became of one of its hosts. What is wrong with the
// annotations is told once for the object.
func (c *Controller) tellIngress(a *account, x candidate, o outcome) {
	about, prefix := x.policy.Key(), x.policy.Spec.Hostname+": "
	if o.reason == v1alpha1.ReasonAnnotationInvalid {
		about, prefix = "", ""
	}
	text := o.reason + ": " + o.message
	if o.reason == "" || !a.tells(x.object, about, text) {
		return
	}
	kind, reason := eventWarning, v1alpha1.EventRefused
	switch {
	case o.done:
		kind, reason = eventNormal, v1alpha1.EventProgrammed
	case slices.Contains([]string{v1alpha1.ReasonForcedOut, v1alpha1.ReasonForcedIn, v1alpha1.ReasonTurnedRound}, o.reason):
		reason = v1alpha1.EventHeld
	case !isAcceptance(o.reason) && o.reason != v1alpha1.ReasonProviderRefused && o.reason != v1alpha1.ReasonForeignRecord &&
		o.reason != v1alpha1.ReasonRegionHeld:
		kind, reason = eventNormal, o.reason
	}
	c.event(x.object, kind, reason, prefix+text)
}

// tells reports whether a text about something of an object is another one than before, and keeps it. Only a hash is kept, because
// tenants write what is in it.
func (a *account) tells(o client.Object, about, text string) bool {
	of, hash := a.told[o.GetUID()], sha256.Sum256([]byte(text))
	if of == nil {
		of = make(map[string][sha256.Size]byte)
		a.told[o.GetUID()] = of
	}
	if of[about] == hash {
		return false
	}
	of[about] = hash
	return true
}

// forget drops what was told of objects that are gone.
func (a *account) forget(there map[types.UID]bool) {
	for uid := range a.told {
		if !there[uid] {
			delete(a.told, uid)
		}
	}
}
