package apply

import (
	"testing"

	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/tagging"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// located wants app.example.com in Regions that answer clients of countries.
func located(countries map[string]string) plan.State {
	s := plan.State{Zones: []zone.HostedZone{{ID: "ZEXAMPLE", Name: "example.com."}}}
	for _, region := range sortedKeys(countries) {
		key := "team/app/" + region
		s.Checks = append(s.Checks, plan.Check{Key: key,
			Config: health.Config{Type: health.HTTP, FullyQualifiedDomainName: region + ".example.com"}})
		s.Records = append(s.Records, plan.Record{ZoneID: "ZEXAMPLE", CheckKey: key,
			Set: zone.ResourceRecordSet{Name: "app.example.com.", Type: zone.A,
				SetIdentifier: region, TTL: new(int64(60)), ResourceRecords: []string{"192.0.2.1"},
				GeoLocation: &zone.GeoLocation{CountryCode: countries[region]}}})
	}
	return s
}

// A Region that is to leave clients alone which another one is to answer waits until that one asks for them. The one
// that hears of it last changes both.
func TestClientsAreHandedOverWithoutAGap(t *testing.T) {
	from, to := map[string]string{"eu-west-1": "*", "eu-central-1": "DE"},
		map[string]string{"eu-west-1": "US", "eu-central-1": "*"}
	current := located(from)
	for i := range current.Checks {
		c := &current.Checks[i]
		c.ID, c.CallerReference = "id-"+plan.RegionOf(c.Key), plan.CallerReference(c.Key, 1)
		c.Tags = []tagging.Tag{{Key: plan.TagManagedBy, Value: plan.TagValue}, {Key: plan.TagKey, Value: c.Key},
			{Key: plan.TagHostnames, Value: "app.example.com"}}
		current.Records[i].Set.HealthCheckID, current.Records[i].CheckKey = c.ID, ""
	}
	west := plan.Guard{Regions: []string{"eu-west-1"}, Engine: true}
	p, err := Diff(current, located(to), west)
	if err != nil || len(p.Steps) != 1 || p.Steps[0].Kind != plan.TagCheck || len(p.Reports) != 1 ||
		p.Reports[0].Kind != plan.RoutingWaits {
		t.Fatalf("%v, want that it is asked for alone:\n%s", err, p.Text(false))
	}
	for i := range current.Checks {
		if c := &current.Checks[i]; c.ID == p.Steps[0].Check.ID {
			c.Tags = append(c.Tags, p.Steps[0].Check.Tags...)
		}
	}
	if again, err := Diff(current, located(to), west); err != nil || !again.Empty() {
		t.Fatalf("while it waits there is to do: %v\n%s", err, again.Text(false))
	}
	p, err = Diff(current, located(to), plan.Guard{Regions: []string{"eu-central-1"}, Engine: true})
	if err != nil || p.Counts.Objects.Change != 2 {
		t.Fatalf("%v, want both changed:\n%s", err, p.Text(false))
	}
}
