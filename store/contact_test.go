package store

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// What is doubted does not count, but is not forgotten: what its author writes anew counts, and so does everything when
// nothing is doubted any more. OnChange is told of the checks and load balancers that this concerns.
func TestDoubtedReportsAreAbsentVotes(t *testing.T) {
	st := newState()
	var changed pending
	in := func(f func(*edit)) Change {
		t.Helper()
		changed = pending{}
		e := st.edit(&changed, func(string) bool { return false })
		f(e)
		st = e.done()
		c, _, _ := changed.take()
		return c
	}
	say := func(e *edit, checker string, healthy bool, rev int64) {
		e.addReport(&health.Vote{Report: health.Report{Check: "c", Checker: checker, Healthy: healthy}, Revision: rev})
	}
	voters := func() (names []string) {
		for _, r := range st.Reports("c") {
			names = append(names, r.Checker)
		}
		return names
	}
	type told struct {
		Reports       []string
		LoadBalancers []zone.Name
	}
	const lb, foreign = "lb.example.", "other.example."
	for _, step := range []struct {
		name    string
		do      func(*edit)
		voters  []string
		told    told
		lb      bool
		foreign bool
	}{
		{"all live", func(e *edit) {
			say(e, "me", true, 0)
			say(e, "dead", true, 5)
			say(e, "live", true, 6)
			e.setTargetHealth(lb+"/me", targetEntry{false, 0})
			e.setTargetHealth(lb+"/dead", targetEntry{true, 5})
			e.setTargetHealth(foreign+"/dead", targetEntry{false, 5})
		}, []string{"dead", "live", "me"}, told{[]string{"c"}, []zone.Name{lb, foreign}}, true, false},
		{"etcd is lost", func(e *edit) { e.doubt(6) }, []string{"me"}, told{[]string{"c"}, []zone.Name{lb, foreign}}, false, false},
		{"lost still", func(e *edit) { e.doubt(6) }, []string{"me"}, told{}, false, false},
		{"my own word goes on", func(e *edit) { say(e, "me", false, 0) }, []string{"me"}, told{[]string{"c"}, nil}, false, false},
		{"etcd is back: one speaks anew, of the same mind", func(e *edit) { say(e, "live", true, 7) },
			[]string{"live", "me"}, told{[]string{"c"}, nil}, false, false},
		{"and again", func(e *edit) { say(e, "live", true, 8) }, []string{"live", "me"}, told{}, false, false},
		{"everybody else's lease has outlived it", func(e *edit) { e.doubt(0) },
			[]string{"dead", "live", "me"}, told{[]string{"c"}, []zone.Name{lb, foreign}}, true, false},
	} {
		c := in(step.do)
		if diff := cmp.Diff(step.told, told{c.Reports, c.LoadBalancers}); diff != "" {
			t.Errorf("%s: told (-want +got):\n%s", step.name, diff)
		}
		if diff := cmp.Diff(step.voters, voters()); diff != "" {
			t.Errorf("%s: votes (-want +got):\n%s", step.name, diff)
		}
		if st.TargetHealth(lb) != step.lb || st.TargetHealth(foreign) != step.foreign {
			t.Errorf("%s: load balancers %v and %v, want %v and %v", step.name, st.TargetHealth(lb), st.TargetHealth(foreign), step.lb, step.foreign)
		}
	}
}

// A store without etcd doubts after a lease's time, however its sessions fail.
func TestStoreDoubtsAfterALease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := New(Options{Endpoints: []string{"unix:///nowhere"}, Node: "me", LeaseTTL: 10 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		e := s.state.Load().edit(&s.pending, s.leased.holds)
		e.next.revision, e.next.cluster = 6, 1
		e.addReport(&health.Vote{Report: health.Report{Check: "c", Checker: "other", Healthy: true}, Revision: 5})
		s.state.Store(e.done())
		s.beginContact()
		go s.watchContact(t.Context())
		time.Sleep(5 * time.Second)
		s.hear()
		time.Sleep(9999 * time.Millisecond)
		synctest.Wait()
		if len(s.State().Reports("c")) != 1 {
			t.Error("doubted before a lease's time was over")
		}
		time.Sleep(time.Millisecond)
		synctest.Wait()
		if got := s.State().Reports("c"); got != nil {
			t.Errorf("after a lease's time %v counts", got)
		}
		s.beginContact()
		time.Sleep(s.o.LeaseTTL + 2*time.Second) // etcd may end a lease two seconds late
		s.hear()
		if len(s.State().Reports("c")) != 1 {
			t.Error("a report that outlived its author's lease does not count")
		}
	})
}

// Read anew after an outage, the same etcd is doubted as far as before; another one altogether.
func TestStateReadAfterAnOutageIsDoubted(t *testing.T) {
	for _, tt := range []struct {
		name      string
		old, read State
		want      health.Doubt
	}{
		{"the same etcd", State{cluster: 1, revision: 7, doubted: 7}, State{cluster: 1, revision: 12}, 7},
		{"the same from a backup", State{cluster: 1, revision: 7, doubted: 7}, State{cluster: 1, revision: 5}, 5},
		{"another", State{cluster: 1, revision: 7, doubted: 7}, State{cluster: 2, revision: 12}, 12},
		{"the first", State{}, State{cluster: 1, revision: 12}, 12},
		{"the first after a snapshot", State{cluster: 1, revision: 7}, State{cluster: 1, revision: 12}, 12},
	} {
		if got := doubtedOf(&tt.old, &tt.read); got != tt.want {
			t.Errorf("%s: doubted up to %d, want %d", tt.name, got, tt.want)
		}
	}
}
