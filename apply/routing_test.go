package apply

import (
	"fmt"
	"testing"
	"time"

	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/node"
	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// Two clusters keep the tags of checks, look after their own Region each, and get every change of routing that their
// group can only make as a whole, whoever hears of it first, in two looks of each.
func TestClustersChangeTheRoutingOfAGroup(t *testing.T) {
	t.Parallel()
	e := startEngine(t, node.Options{})
	z := e.createZone(t, "example.com")
	routings := []string{
		"{policy: Latency}",
		"{policy: Weighted, weights: {eu-west-1: 90, eu-central-1: 10}}",
		"{policy: Failover, order: [eu-west-1, eu-central-1]}",
		"{policy: Failover, order: [eu-central-1, eu-west-1]}",
		"{policy: Geolocation, locations: {eu-west-1: {continent: EU}, eu-central-1: {country: '*'}}}",
		"{policy: Geolocation, locations: {eu-west-1: {country: '*'}, eu-central-1: {continent: EU}}}",
		"{policy: Multivalue}",
	}
	regions := []string{"eu-west-1", "eu-central-1"}
	appliers := make(map[string]*Applier)
	for _, region := range regions {
		appliers[region] = e.applier(t, &wire{}, Options{KeepTags: time.Hour})
	}
	look := func(region, routing string, ttl int) plan.Plan {
		t.Helper()
		objects, err := failover.Parse("policy.yaml", fmt.Appendf(nil, `
apiVersion: bulkhead.dev/v1alpha1
kind: FailoverPolicy
metadata: {name: app, namespace: team}
spec:
  hostname: app.example.com
  healthCheck: {port: %s, path: /health, requestInterval: 1, failureThreshold: 1}
  routing: %s
  regions: [{name: eu-west-1, addresses: [127.0.0.1], ttl: %d}, {name: eu-central-1, addresses: [127.0.0.1], ttl: %d}]
`, e.port, routing, ttl, ttl))
		if err != nil {
			t.Fatal(err)
		}
		a := appliers[region]
		desired, _, err := failover.Compile([]failover.Policy{*objects[0].Policy}, nil,
			failover.Facts{Provider: failover.Engine,
				Zones: []zone.HostedZone{z}, Region: region})
		if err != nil {
			t.Fatal(err)
		}
		current, err := a.Read(t.Context(), []zone.HostedZone{z})
		if err != nil {
			t.Fatal(err)
		}
		p, err := Diff(current, desired, plan.Guard{Regions: []string{region}, Engine: true, Cluster: region})
		if err != nil {
			t.Fatalf("%s in %s: %v", routing, region, err)
		}
		if _, err := a.Apply(t.Context(), p); err != nil {
			t.Fatalf("%s in %s: %v", routing, region, err)
		}
		for _, f := range p.Reports {
			a.ForgetTags(f.Checks...)
		}
		return p
	}
	// The second round has the other Region hear of it first, and another TTL.
	for round, order := range [][]string{{"eu-west-1", "eu-central-1"}, {"eu-central-1", "eu-west-1"}} {
		for _, routing := range routings {
			for range 2 {
				for _, region := range order {
					look(region, routing, 60+round)
				}
			}
			for _, region := range order {
				if p := look(region, routing, 60+round); !p.Empty() || len(p.Reports) > 0 {
					t.Fatalf("%s in %s, round %d, is not reached:\n%s", routing, region, round+1, p.Text(false))
				}
			}
		}
	}
	if keys, records := e.objects(t, want{namespace: "team", zone: z}); len(keys) != 2 || len(records) != 2 {
		t.Errorf("checks %v and %d record sets, want two each", keys, len(records))
	}
}
