package controller

import (
	"context"
	"slices"
	"testing"
	"time"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/bulkhead-dns/bulkhead/api/v1alpha1"
	"github.com/bulkhead-dns/bulkhead/failover"
)

// contextUntil ends when a wire is cut: what calls over it does not try for minutes.
func contextUntil(t testing.TB, w *wire) (context.Context, func()) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(5 * time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
			w.mu.Lock()
			cut := w.cut > 0 && w.writes >= w.cut
			w.mu.Unlock()
			if cut {
				cancel()
				return
			}
		}
	}()
	return ctx, func() { cancel(); <-ended }
}

// deleted is a candidate that somebody deletes.
func deleted(c candidate, at time.Time) candidate {
	o := c.object.(*v1alpha1.FailoverPolicy).DeepCopy()
	o.DeletionTimestamp = &metav1.Time{Time: at}
	c.object = o
	return c
}

func TestDeletedPolicyLeavesOtherRegionsAlone(t *testing.T) {
	e := startEngine(t)
	now := time.Now()
	here, there := e.candidates(t, west, 2), e.candidates(t, central, 2)
	w := e.worker(t, west, &wire{})
	e.mustPass(t, w, here, now)
	e.mustPass(t, e.worker(t, central, &wire{}), there, now)

	report := e.mustPass(t, w, []candidate{deleted(here[0], now), here[1]}, now)
	wantEqual(t, "in the grace period", names(here, west, central), e.have(t))
	wantEqual(t, "outcomes", map[string]int{v1alpha1.ReasonRemoved: 1, v1alpha1.ReasonProgrammed: 1}, reasons(w))
	if !w.outcomes()["team-a/app01"].done {
		t.Error("the deletion is not done: the finalizer would stay")
	}
	report = e.mustPass(t, w, here[1:], now.Add(time.Second))
	// At AWS a round comes a minute after the one before, when the grace period is over.
	if end := now.Add(10 * time.Second); e.provider == failover.Engine && (report.next.Before(now.Add(5*time.Second)) || report.next.After(end)) {
		t.Errorf("the next round is %s after the deletion, want the end of the grace period", report.next.Sub(now))
	}
	e.mustPass(t, w, here[1:], now.Add(10*time.Second))
	wantEqual(t, "left", []string{"app01 eu-central-1", "app02 eu-central-1", "app02 eu-west-1"}, e.have(t))
	// Also the last Region's goes when the policy is deleted: somebody asked for it.
	e.remove(t, e.worker(t, central, &wire{}), there[:1], there[1:], now)
	wantEqual(t, "left", []string{"app02 eu-central-1", "app02 eu-west-1"}, e.have(t))
}

func TestDeletedNamespaceNeedsAWord(t *testing.T) {
	e := startEngine(t)
	now := time.Now()
	w, list := e.worker(t, west, &wire{}), e.candidates(t, west, 12)
	e.mustPass(t, w, list, now)
	// A few at a time are as many in the end.
	now = e.remove(t, w, list[:3], list[3:], now)
	wantEqual(t, "left", names(list[3:], west), e.have(t))
	both := []candidate{deleted(list[3], now), deleted(list[4], now)}
	e.mustPass(t, w, append(slices.Clone(both), list[5:]...), now.Add(time.Minute))
	e.mustPass(t, w, append(slices.Clone(both), list[5:]...), now.Add(2*time.Minute))
	wantEqual(t, "left", names(list[3:], west), e.have(t))
	wantEqual(t, "outcomes", map[string]int{v1alpha1.ReasonPending: 2, v1alpha1.ReasonProgrammed: 7}, reasons(w))
	// But not later.
	now = e.remove(t, w, list[3:5], list[5:], now.Add(time.Hour))
	wantEqual(t, "left", names(list[5:], west), e.have(t))

	list = e.candidates(t, west, 12)
	now = now.Add(2 * time.Hour)
	e.mustPass(t, w, list, now)
	now = e.remove(t, w, list, nil, now.Add(time.Hour))
	wantEqual(t, "left", names(list, west), e.have(t))
	gone := make([]candidate, len(list))
	for i := range list {
		gone[i] = deleted(list[i], now)
	}
	e.mustPass(t, w, gone, now)
	hash := hashIn(t, w.refusedPlans()[0])
	e.mustPass(t, w, gone, now, hash)
	e.mustPass(t, w, nil, now.Add(11*time.Second), hash)
	wantEqual(t, "left", nil, e.have(t))
}

func TestNoPolicyIsNoReasonToDelete(t *testing.T) {
	e := startEngine(t)
	now := time.Now()
	w, list := e.worker(t, west, &wire{}), e.candidates(t, west, 2)
	e.mustPass(t, w, list, now)
	e.mustPass(t, w, nil, now)
	e.mustPass(t, w, list[:1], now)
	wantEqual(t, "left", names(list, west), e.have(t))
}

func TestVanishedSourceIsHeldThenWithdrawnButNotTheLast(t *testing.T) {
	e := startEngine(t)
	now := time.Now()
	here, there := e.candidates(t, west, 2), e.candidates(t, central, 1)
	w := e.worker(t, west, &wire{})
	e.mustPass(t, w, here, now)
	e.mustPass(t, e.worker(t, central, &wire{}), there, now)
	for i := range here {
		here[i].vanished = now
		here[i].policy.Spec.Regions = []failover.Region{{Name: west}}
	}

	report := e.mustPass(t, w, here, now.Add(9*time.Minute))
	wantEqual(t, "held", map[string]int{v1alpha1.ReasonHolding: 2}, reasons(w))
	wantEqual(t, "left", []string{"app01 eu-central-1", "app01 eu-west-1", "app02 eu-west-1"}, e.have(t))
	if !report.next.Equal(now.Add(10 * time.Minute)) {
		t.Errorf("the next pass is at %s, want the end of the hold period", report.next)
	}

	e.mustPass(t, w, here, now.Add(10*time.Minute))
	wantEqual(t, "outcomes", map[string]int{v1alpha1.ReasonRemoved: 1, v1alpha1.ReasonLastRecordKept: 1}, reasons(w))
	wantEqual(t, "left", []string{"app01 eu-central-1", "app02 eu-west-1"}, e.have(t))
}

func TestAnnotatedIngressThatIsGoneIsWithdrawnByItsOwnClusterAlone(t *testing.T) {
	e := startEngine(t)
	now := time.Now()
	annotated := e.candidates(t, west, 2)
	for i := range annotated {
		annotated[i].object = &networkingv1.Ingress{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "demo"}}
	}
	pass := func(w *worker, cluster string, list []candidate, now time.Time) {
		t.Helper()
		w.cluster, w.classes, w.zones = cluster, map[string]classRule{"default": {hold: 10 * time.Minute}}, e.zones
		var tasks []task
		for _, c := range list {
			tasks = append(tasks, taskOf(c, failover.Facts{Provider: failover.Engine, Zones: e.zones, Region: w.region}, now))
			tasks[len(tasks)-1].mark(c.object, "default", cluster)
		}
		if _, err := e.rounds(t.Context(), w, tasks, nil, now); err != nil {
			t.Fatal(err)
		}
	}
	blue, green := e.worker(t, west, &wire{}), e.worker(t, west, &wire{})
	pass(blue, "blue", annotated, now)
	pass(e.worker(t, central, &wire{}), "elsewhere", e.candidates(t, central, 1), now)
	all := []string{"app01 eu-central-1", "app01 eu-west-1", "app02 eu-west-1"}
	wantEqual(t, "programmed", all, e.have(t))

	pass(blue, "blue", nil, now)
	pass(green, "green", nil, now)
	pass(green, "green", e.candidates(t, west, 1)[:0], now.Add(time.Hour))
	wantEqual(t, "another cluster", all, e.have(t))
	pass(blue, "blue", nil, now.Add(9*time.Minute))
	wantEqual(t, "held", all, e.have(t))
	pass(blue, "blue", nil, now.Add(20*time.Minute))
	wantEqual(t, "gone, but not the last of a hostname", []string{"app01 eu-central-1", "app02 eu-west-1"}, e.have(t))
}

func TestWhatIsToBeDone(t *testing.T) {
	e := &engine{port: "80"}
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	plain := e.candidate(t, "app", west)
	retained := deleted(plain, now)
	retained.object.SetAnnotations(map[string]string{v1alpha1.DeletionPolicyAnnotation: v1alpha1.Retain})
	allowed := retained
	allowed.class = &failover.Class{Metadata: failover.Metadata{Name: "default"}, Spec: failover.ClassSpec{Deletion: failover.ClassDeletion{Retain: true}}}
	unclassed := deleted(plain, now)
	unclassed.class = nil
	vanished := plain
	vanished.vanished = now.Add(-time.Minute)
	longGone := plain
	longGone.vanished = now.Add(-time.Hour)
	refused := plain
	refused.refusal = &refusal{v1alpha1.ReasonHostnameHeld, "by another"}
	revoked := func(since time.Duration) candidate {
		c := plain
		c.class = &failover.Class{Metadata: failover.Metadata{Name: "default"},
			Spec: failover.ClassSpec{Revocation: failover.ClassRevocation{GracePeriod: failover.Duration(time.Hour)}}}
		c.refusal = &refusal{v1alpha1.ReasonHostnameRefused, "not allowed"}
		c.object = &v1alpha1.FailoverPolicy{Status: v1alpha1.FailoverPolicyStatus{Conditions: []metav1.Condition{{Type: v1alpha1.ConditionAccepted,
			Reason: v1alpha1.ReasonHostnameRefused, LastTransitionTime: metav1.NewTime(now.Add(-since))}}}}
		return c
	}

	for _, c := range []struct {
		name      string
		candidate candidate
		intent    intent
		reason    string
		until     time.Time
		retained  bool
	}{
		{"refused", refused, leave, v1alpha1.ReasonHostnameHeld, time.Time{}, false},
		{"no zone", plain, leave, v1alpha1.ReasonHostnameRefused, time.Time{}, false},
		{"deleted", deleted(plain, now), release, "", time.Time{}, false},
		{"deleted, and the class does not let it retain", retained, release, "", time.Time{}, false},
		{"deleted and retained", allowed, release, "", time.Time{}, true},
		{"deleted without a class", unclassed, leave, v1alpha1.ReasonNoClass, time.Time{}, true},
		{"held", vanished, leave, v1alpha1.ReasonHolding, now.Add(9 * time.Minute), false},
		{"vanished", longGone, withdraw, "", time.Time{}, false},
		{"not allowed any more", revoked(time.Minute), leave, v1alpha1.ReasonHostnameRefused, now.Add(59 * time.Minute), false},
		{"not allowed for long", revoked(time.Hour), destroy, v1alpha1.ReasonHostnameRefused, time.Time{}, false},
	} {
		got := taskOf(c.candidate, failover.Facts{Provider: failover.Engine, Region: west}, now)
		reason := ""
		if got.refusal != nil {
			reason = got.refusal.reason
		}
		if got.intent != c.intent || reason != c.reason || !got.until.Equal(c.until) || got.retained != c.retained {
			t.Errorf("%s: intent %d, reason %q until %s, retained %t, want %d, %q, %s, %t", c.name, got.intent, reason, got.until, got.retained, c.intent, c.reason,
				c.until, c.retained)
		}
	}
}

// A policy is deleted in a Region while another Region's health check of it is gone already, and this Region has not heard of that. Nobody
// else's change waits for it.
func TestCheckOfAnotherRegionIsGoneMeanwhile(t *testing.T) {
	e := startEngine(t)
	west1, central1 := e.worker(t, west, &wire{}), e.worker(t, central, &wire{})
	now := time.Now()
	here, there := e.candidates(t, west, 2), e.candidates(t, central, 2)
	e.mustPass(t, west1, here, now)
	e.mustPass(t, central1, there, now)
	now = now.Add(time.Minute)
	here[1].policy.Spec.HealthCheck.FailureThreshold = new(6)
	e.mustPass(t, west1, here, now) // it reads what the other Region has
	e.remove(t, central1, there[:1], there[1:], now)
	here[1].policy.Spec.HealthCheck.FailureThreshold = new(7)
	e.mustPass(t, west1, []candidate{deleted(here[0], now), here[1]}, now.Add(time.Second))
	for _, key := range []string{"team-a/app01", "team-a/app02"} {
		if o := outcomeOf(t, west1, key); !o.done {
			t.Errorf("%s: %+v", key, o)
		}
	}
}
