package store_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkhead-dns/bulkhead/etcd/etcdtest"
	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/store"
)

// A checker whose lease is gone is an absent vote, also when there is no etcd to tell so. Back again, etcd gives every
// lease its time anew: a node that died meanwhile must not vote because of that.
func TestOtherNodesDoNotVoteWithoutEtcd(t *testing.T) {
	t.Parallel()
	dir := etcdtest.Dir(t)
	server := etcdtest.StartIn(t, dir)
	a := start(t, server.Endpoint(), "a")
	c := createCheck(t, a, "ref")
	var mu sync.Mutex
	var last []health.Report   // what b judged by last
	votes := map[string]bool{} // by checker: whether b has ever judged by it since this was cleared
	b, _ := run(t, store.Options{Endpoints: []string{server.Endpoint()}, Node: "b", LeaseTTL: 5 * time.Second,
		OnChange: func(st *store.State, _ store.Change) {
			mu.Lock()
			defer mu.Unlock()
			last = st.Reports(c.ID)
			for _, r := range last {
				votes[r.Checker] = true
			}
		}})
	connected(t, b)
	ra := health.Report{Check: c.ID, Checker: "a/local", Healthy: true}
	rb := health.Report{Check: c.ID, Checker: "b/local", Healthy: true}
	say := func(s *store.Store, r health.Report) {
		t.Helper()
		if err := s.PutReport(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	say(a, ra)
	say(b, rb)
	dead := startChild(t, server.Endpoint(), c.ID)
	await(t, "all three reports", func() bool { return len(b.State().Reports(c.ID)) == 3 && len(a.State().Reports(c.ID)) == 3 })

	server.Close()
	dead.kill(t)
	await(t, "a to be alone", func() bool { return slices.Equal(a.State().Reports(c.ID), []health.Report{ra}) })
	await(t, "b to be alone", func() bool {
		mu.Lock()
		defer mu.Unlock()
		clear(votes)
		return slices.Equal(last, []health.Report{rb})
	})
	ra.Healthy = false
	say(a, ra)
	if diff := cmp.Diff([]health.Report{ra}, a.State().Reports(c.ID)); diff != "" {
		t.Errorf("votes on a without etcd (-want +got):\n%s", diff)
	}

	server = etcdtest.StartIn(t, dir)
	t.Cleanup(server.Close)
	both := []health.Report{ra, rb}
	await(t, "both to vote on a", func() bool { return slices.Equal(a.State().Reports(c.ID), both) })
	await(t, "both to vote on b", func() bool { return slices.Equal(b.State().Reports(c.ID), both) })
	client := etcdClient(t, server.Endpoint())
	await(t, "the dead node's lease to end", func() bool {
		r, err := client.Get(t.Context(), "/bulkhead/report/"+c.ID+"/child/local")
		return err == nil && r.Count == 0
	})
	createCheck(t, b, "another") // b has followed etcd to here when this is there
	await(t, "b to judge by a", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return slices.Equal(last, both)
	})
	mu.Lock()
	defer mu.Unlock()
	if votes["child/local"] {
		t.Error("a node that died while etcd was away voted again")
	}
}
