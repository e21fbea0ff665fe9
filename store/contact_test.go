package store

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// Other nodes are doubted once when etcd was silent for a lease's time, and trusted again when a session has lasted so long that a dead
// node's lease would have ended in it.
func TestContactDoubtsAndTrusts(t *testing.T) {
	now := time.Unix(0, 0)
	c := contact{ttl: 10 * time.Second, heard: now}
	for _, step := range []struct {
		name  string
		after time.Duration
		event string // "begin", "hear" or "silent"
		turns bool   // doubt, or trust
		wait  time.Duration
	}{
		{"before etcd answered", 4 * time.Second, "silent", false, 6 * time.Second},
		{"the first session", time.Second, "begin", false, 0},
		{"a minute of it", time.Minute, "hear", false, 0},
		{"no answer yet", 9 * time.Second, "silent", false, time.Second},
		{"an answer late, but in time", 900 * time.Millisecond, "hear", false, 0},
		{"a session that follows at once", 0, "begin", false, 0},
		{"silent for a lease's time", 10 * time.Second, "silent", true, 10 * time.Second},
		{"doubted once", 10 * time.Second, "silent", false, 10 * time.Second},
		{"etcd is back", 0, "begin", false, 0},
		{"a dead node's lease may still be there", 11 * time.Second, "hear", false, 0},
		{"another session: a lease may have been given its time again", 0, "begin", false, 0},
		{"a dead node's lease may still be there", 11999 * time.Millisecond, "hear", false, 0},
		{"nobody dead can have a lease now", time.Millisecond, "hear", true, 0},
		{"trusted once", time.Second, "hear", false, 0},
		{"silent again", 10 * time.Second, "silent", true, 10 * time.Second},
	} {
		now = now.Add(step.after)
		var turns bool
		var wait time.Duration
		switch step.event {
		case "begin":
			c.begin(now)
		case "hear":
			turns = c.hear(now)
		case "silent":
			turns, wait = c.silent(now)
		}
		if turns != step.turns || wait != step.wait {
			t.Errorf("%s: %v, wait %v; want %v, %v", step.name, turns, wait, step.turns, step.wait)
		}
	}
}

// What is doubted does not count, but is not forgotten: what its author writes anew counts, and so does everything when nothing is
// doubted any more. OnChange is told of the checks and load balancers that this concerns.
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
		e.addReport(&reportEntry{health.Report{Check: "c", Checker: checker, Healthy: healthy}, rev})
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
		e.addReport(&reportEntry{health.Report{Check: "c", Checker: "other", Healthy: true}, 5})
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
		time.Sleep(s.o.LeaseTTL + leaseSlack)
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
		want      int64
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
