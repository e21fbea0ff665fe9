package apply

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/node"
	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// A thousand applications in three Regions on an engine: what is there is read and nothing is written. Making them
// comes first and is reported with its calls.
func BenchmarkThousandApplications(b *testing.B) {
	e := startEngine(b, node.Options{})
	z := e.createZone(b, "example.com")
	port, err := strconv.Atoi(e.port)
	if err != nil {
		b.Fatal(err)
	}
	config := health.Config{Type: health.TCP, IPAddress: "127.0.0.1", Port: &port, RequestInterval: new(10)}
	var desired plan.State
	desired.Zones = []zone.HostedZone{z}
	for i := range 1000 {
		for _, region := range []string{"eu-west-1", "eu-central-1", "us-east-1"} {
			key := fmt.Sprintf("team/app%d/%s", i, region)
			desired.Checks = append(desired.Checks, plan.Check{Key: key, Config: config})
			set := simple(fmt.Sprintf("app%d.example.com", i), "192.0.2.1")
			set.SetIdentifier, set.Region = region, region
			desired.Records = append(desired.Records, plan.Record{ZoneID: z.ID, CheckKey: key, Set: set})
		}
	}
	run := func() (map[string]int, bool) {
		a := e.applier(b, &wire{}, Options{})
		current, err := a.Read(b.Context(), desired.Zones)
		if err != nil {
			b.Fatal(err)
		}
		p, err := plan.Diff(current, desired, plan.Guard{Engine: true})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := a.Apply(b.Context(), p); err != nil {
			b.Fatal(err)
		}
		return a.Calls(), p.Empty()
	}
	calls, _ := run()
	b.Logf("made in %v by %v", b.Elapsed(), calls)
	b.ResetTimer()
	for b.Loop() {
		calls, empty := run()
		if !empty || writes(calls) > 0 {
			b.Fatalf("an unchanged run makes %v", calls)
		}
		b.ReportMetric(float64(calls["ListHealthChecks"]+calls["ListTagsForResources"]+calls["ListResourceRecordSets"]),
			"calls/op")
	}
}
