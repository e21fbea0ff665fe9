package store_test

import (
	"slices"
	"sync"
	"testing"

	"github.com/bulkhead-dns/bulkhead/etcd/etcdtest"
	"github.com/bulkhead-dns/bulkhead/store"
)

// Every node is told, once a hint, and the State is the same with and without.
func TestHintsAreToldToEveryNode(t *testing.T) {
	t.Parallel()
	endpoint := etcdtest.Start(t)
	var mu sync.Mutex
	told := map[string][]string{}
	var nodes []*store.Store
	for _, name := range []string{"one", "two"} {
		s, _ := runAs(t, store.Options{Endpoints: []string{endpoint}, Node: name, OnChange: func(_ *store.State, c store.Change) {
			mu.Lock()
			defer mu.Unlock()
			told[name] = append(told[name], c.Hints...)
		}})
		connected(t, s)
		nodes = append(nodes, s)
	}
	check := createCheck(t, nodes[0], "c").ID
	for n := range 2 {
		if err := nodes[0].HintProbe(t.Context(), check); err != nil {
			t.Fatal(err)
		}
		await(t, "both nodes are told", func() bool {
			mu.Lock()
			defer mu.Unlock()
			want := slices.Repeat([]string{check}, n+1)
			return slices.Equal(told["one"], want) && slices.Equal(told["two"], want)
		})
	}
	wantError(t, nodes[0].HintProbe(t.Context(), "none"), store.ErrNoSuchHealthCheck)

	// A node that comes later has missed nothing that lasts.
	late, _ := runAs(t, store.Options{Endpoints: []string{endpoint}, Node: "three", OnChange: func(_ *store.State, c store.Change) {
		if len(c.Hints) > 0 {
			t.Errorf("a node that started after the hints is told %v", c.Hints)
		}
	}})
	<-late.Ready()
}
