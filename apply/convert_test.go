package apply

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// What goes to the SDK's types and comes back is the same: a record set that is deleted must be repeated as it was
// listed. r53: C.6.
func TestConversionsLoseNothing(t *testing.T) {
	alias := &zone.AliasTarget{HostedZoneID: "Z32O12XQLNTSW2", DNSName: "lb.eu-west-1.elb.amazonaws.com.",
		EvaluateTargetHealth: true}
	base := func(change func(*zone.ResourceRecordSet)) zone.ResourceRecordSet {
		s := zone.ResourceRecordSet{Name: "\\052.example.com.", Type: zone.A, SetIdentifier: "one", HealthCheckID: "id",
			TTL: new(int64(0)), ResourceRecords: []string{"192.0.2.1", "192.0.2.2"}}
		change(&s)
		return s
	}
	for name, set := range map[string]zone.ResourceRecordSet{
		"simple":     base(func(s *zone.ResourceRecordSet) { s.SetIdentifier, s.HealthCheckID = "", "" }),
		"alias":      base(func(s *zone.ResourceRecordSet) { s.TTL, s.ResourceRecords, s.AliasTarget = nil, nil, alias }),
		"weighted":   base(func(s *zone.ResourceRecordSet) { s.Weight = new(int64(0)) }),
		"latency":    base(func(s *zone.ResourceRecordSet) { s.Region = "eu-west-1" }),
		"failover":   base(func(s *zone.ResourceRecordSet) { s.Failover = zone.Secondary }),
		"multivalue": base(func(s *zone.ResourceRecordSet) { s.MultiValueAnswer = true }),
		"geolocation": base(func(s *zone.ResourceRecordSet) {
			s.GeoLocation = &zone.GeoLocation{CountryCode: "US", SubdivisionCode: "CA"}
		}),
		"CIDR": base(func(s *zone.ResourceRecordSet) {
			s.CidrRoutingConfig = &zone.CidrRoutingConfig{CollectionID: "c", LocationName: "*"}
		}),
		"geoproximity": base(func(s *zone.ResourceRecordSet) {
			s.GeoProximityLocation = &zone.GeoProximityLocation{Bias: new(int64(-9)),
				Coordinates: &zone.Coordinates{Latitude: "1", Longitude: "2.5"}}
		}),
	} {
		got, known, err := setOf(sdkSet(&set))
		if diff := cmp.Diff(set, got); err != nil || !known || diff != "" {
			t.Errorf("%s: %v, want -, got +\n%s", name, err, diff)
		}
	}
	config := health.Config{IPAddress: "192.0.2.1", Port: new(443), Type: health.HTTPSStrMatch, ResourcePath: "/a",
		FullyQualifiedDomainName: "a.example", SearchString: "ok", RequestInterval: new(10), FailureThreshold: new(2),
		MeasureLatency: new(true), Inverted: new(false), Disabled: new(true), EnableSNI: new(true), HealthThreshold: new(0),
		ChildHealthChecks: []string{"x"}, Regions: []string{"us-east-1", "us-west-1", "eu-west-1"}}
	if diff := cmp.Diff(config, configOf(sdkConfig(&config))); diff != "" {
		t.Errorf("config: want -, got +\n%s", diff)
	}
}
