package plan

import (
	"runtime"
	"testing"

	"github.com/bulkhead-dns/bulkhead/tagging"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// A thousand applications in three Regions: to create, to leave alone, to change. heap-MB is what is live with both
// states and the plan; B/op bounds what is added on the way.
func BenchmarkDiff(b *testing.B) {
	path := func(int) string { return "/health" }
	desired := manyApps(1000, path)
	guard := Guard{Force: true, Engine: true}
	existing := newWorld(exampleZone())
	empty := existing.state()
	for i, c := range desired.Checks {
		id := CallerReference(c.Key, 1)
		set := desired.Records[i].Set
		names, _ := hostnamesTag(nil, []zone.Name{set.Name})
		existing.checks[id] = &Check{Key: c.Key, ID: id, Config: asEchoed(c.Config),
			Tags: append(ownershipTags(&c), names, tagging.Tag{Key: TagCluster, Value: "uid-" + RegionOf(c.Key)})}
		set.HealthCheckID = id
		existing.put(set)
	}
	full := existing.state()
	changed := manyApps(1000, func(i int) string { return []string{"/health", "/new"}[i%2] })
	for i := range changed.Records {
		changed.Records[i].Set.Region, changed.Records[i].Set.Weight = "", new(int64(1))
	}
	for _, c := range []struct {
		name             string
		current, desired State
		guard            Guard
		steps            int
	}{
		{"create", empty, desired, guard, 3000 + 1 + 4}, // 333 names of three members fit into a batch
		{"unchanged", full, desired, guard, 0},
		{"change", full, changed, guard, 1500 + 1 + 7 + 1500},
		{"region", full, desired, Guard{Engine: true, Regions: []string{"eu-west-1"}, Cluster: "uid-eu-west-1"}, 0},
		{"region, routing waits", full, changed, Guard{Force: true, Engine: true, Regions: []string{"eu-west-1"},
			Cluster: "uid-eu-west-1"}, 4*500 + 2},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			var p Plan
			for b.Loop() {
				var err error
				if p, err = Diff(c.current, c.desired, c.guard); err != nil || len(p.Steps) != c.steps {
					b.Fatalf("%d steps, want %d: %v", len(p.Steps), c.steps, err)
				}
			}
			var memory runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&memory)
			b.ReportMetric(float64(memory.HeapAlloc)/1e6, "heap-MB")
			runtime.KeepAlive(p)
		})
	}
}
