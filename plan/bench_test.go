package plan

import "testing"

// A thousand applications in three Regions: to create, to leave alone, to change.
func BenchmarkDiff(b *testing.B) {
	path := func(int) string { return "/health" }
	desired := manyApps(1000, path)
	guard := Guard{Force: true, Engine: true}
	existing := newWorld(exampleZone())
	empty := existing.state()
	for i, c := range desired.Checks {
		id := CallerReference(c.Key, 1)
		existing.checks[id] = &Check{Key: c.Key, ID: id, Config: asEchoed(c.Config), Tags: marks(&c)}
		set := desired.Records[i].Set
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
		steps            int
	}{
		{"create", empty, desired, 3000 + 1 + 4}, // 333 names of three members fit into a batch
		{"unchanged", full, desired, 0},
		{"change", full, changed, 1500 + 7},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p, err := Diff(c.current, c.desired, guard)
				if err != nil || len(p.Steps) != c.steps {
					b.Fatalf("%d steps, want %d: %v", len(p.Steps), c.steps, err)
				}
			}
		})
	}
}
