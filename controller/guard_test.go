package controller

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/bulkhead-dns/bulkhead/api/v1alpha1"
)

// townsfolk are policies of n namespaces, each with so many.
func (e *engine) townsfolk(t testing.TB, n, each int) []candidate {
	t.Helper()
	var list []candidate
	for i := range n {
		for k := range each {
			c := e.candidate(t, fmt.Sprintf("app%d-%d", i, k), west)
			namespace := fmt.Sprintf("team-%d", i)
			c.policy.Metadata.Namespace = namespace
			c.object.SetNamespace(namespace)
			list = append(list, c)
		}
	}
	return list
}

// Teams change what they have, one after the other, all within the time that the guard looks back on. That is nobody's mistake.
func TestChangesOfManyTeamsOneAfterTheOtherWaitForNobody(t *testing.T) {
	e := startEngine(t)
	now := time.Now()
	w, list := e.worker(t, west, &wire{}), e.townsfolk(t, 8, 2)
	e.mustPass(t, w, list, now)
	for i := range list {
		list[i].policy.Spec.HealthCheck.FailureThreshold = new(2)
		now = now.Add(time.Second)
		e.mustPass(t, w, list, now)
		wantEqual(t, "outcomes", map[string]int{v1alpha1.ReasonProgrammed: len(list)}, reasons(w))
	}
	if refused := w.refusedPlans(); refused != nil {
		t.Errorf("refused: %q, want nothing", refused)
	}
}

// What changes in many namespaces at the same time waits for a word, but for the little that is below the limit. Who asks for something
// meanwhile does not wait with it.
func TestChangesOfManyTeamsAtOnceNeedAWord(t *testing.T) {
	e := startEngine(t)
	now := time.Now()
	w, list := e.worker(t, west, &wire{}), e.townsfolk(t, 8, 2)
	neighbour := e.candidate(t, "neighbour", west)
	list = append(list, neighbour)
	e.mustPass(t, w, list, now)
	for i := range list[:len(list)-1] {
		list[i].policy.Spec.HealthCheck.FailureThreshold = new(2)
	}
	waiting := func() int { return reasons(w)[v1alpha1.ReasonPending] }
	e.mustPass(t, w, list, now)
	if n := waiting(); n < 5 || n > 15 || len(w.refusedPlans()) != 1 {
		t.Fatalf("%d of 16 wait, refused %q; want some of them, and one plan", n, w.refusedPlans())
	}
	n := waiting()

	list[len(list)-1].policy.Spec.HealthCheck.FailureThreshold = new(2)
	now = now.Add(time.Second)
	e.mustPass(t, w, list, now)
	if got := w.outcomes()[neighbour.policy.Key()]; !got.done || waiting() != n {
		t.Errorf("the neighbour is %+v, and %d wait, %d before: want it served and the others waiting", got, waiting(), n)
	}

	now = now.Add(guardWindow)
	e.mustPass(t, w, list, now)
	if got := waiting(); got != n {
		t.Errorf("after %s %d wait, want %d still: no part of it goes by itself", guardWindow, got, n)
	}
	e.mustPass(t, w, list, now, hashIn(t, w.refusedPlans()[0]))
	if !slices.Equal(w.refusedPlans(), nil) || waiting() > 0 {
		t.Errorf("%d wait after the word, refused %q", waiting(), w.refusedPlans())
	}
}

// Who asks for little is served beside others that ask for much, also when it has changed a lot before.
func TestLittleOfOneTeamIsServedBesideMuchOfOthers(t *testing.T) {
	e := startEngine(t)
	now := time.Now()
	w, list := e.worker(t, west, &wire{}), e.townsfolk(t, 8, 4)
	e.mustPass(t, w, list, now)
	for i := range 4 {
		list[i].policy.Spec.HealthCheck.FailureThreshold = new(2)
		now = now.Add(time.Second)
		e.mustPass(t, w, list, now)
	}
	list[0].policy.Spec.HealthCheck.FailureThreshold = new(4)
	for i := 4; i < 16; i++ {
		list[i].policy.Spec.HealthCheck.FailureThreshold = new(2)
	}
	e.mustPass(t, w, list, now.Add(time.Second))
	if got := w.outcomes()[list[0].policy.Key()]; !got.done || len(w.refusedPlans()) != 1 {
		t.Errorf("it is %+v, refused %q: want it served, and one plan refused", got, w.refusedPlans())
	}
}
