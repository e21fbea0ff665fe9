package plan

import (
	"testing"

	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/zone"
)

func TestChecksInOneLine(t *testing.T) {
	for _, c := range []struct {
		config health.Config
		want   string
	}{
		{httpCheck("www.example.com", "health"), "HTTP www.example.com:80/health every 30 s, 3 in a row"},
		{health.Config{Type: health.HTTPSStrMatch, IPAddress: "192.0.2.1", FullyQualifiedDomainName: "www.example.com",
			SearchString: "ok", RequestInterval: new(10), FailureThreshold: new(1)},
			`HTTPS_STR_MATCH 192.0.2.1 as www.example.com:443/ with "ok" every 10 s, 1 in a row`},
		{health.Config{Type: health.TCP, IPAddress: "192.0.2.1", Port: new(25), Inverted: new(true), Disabled: new(true)},
			"TCP 192.0.2.1:25 every 30 s, 3 in a row, inverted, disabled"},
		{health.Config{Type: health.Calculated, HealthThreshold: new(1), ChildHealthChecks: []string{"a", "b"}},
			"CALCULATED of 2 children, 1 healthy"},
	} {
		if got := summary(c.config); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}

// r53: A.1.
func TestRoutingInOneLine(t *testing.T) {
	for _, c := range []struct {
		set  zone.ResourceRecordSet
		want string
	}{
		{zone.ResourceRecordSet{}, ""},
		{zone.ResourceRecordSet{Weight: new(int64(0))}, "weight 0"},
		{zone.ResourceRecordSet{Region: "eu-west-1"}, "latency eu-west-1"},
		{zone.ResourceRecordSet{Failover: zone.Primary}, "primary"},
		{zone.ResourceRecordSet{MultiValueAnswer: true}, "multivalue"},
		{zone.ResourceRecordSet{GeoLocation: &zone.GeoLocation{ContinentCode: "EU"}}, "location EU"},
		{zone.ResourceRecordSet{GeoLocation: &zone.GeoLocation{CountryCode: "US", SubdivisionCode: "NY"}}, "location US NY"},
		{zone.ResourceRecordSet{GeoProximityLocation: &zone.GeoProximityLocation{AWSRegion: "eu-west-1",
			Bias: new(int64(-5))}},
			"near eu-west-1 bias -5"},
		{zone.ResourceRecordSet{GeoProximityLocation: &zone.GeoProximityLocation{
			Coordinates: &zone.Coordinates{Latitude: "1", Longitude: "-2"}}},
			"near 1 -2 bias 0"},
		{zone.ResourceRecordSet{CidrRoutingConfig: &zone.CidrRoutingConfig{CollectionID: "c", LocationName: "office"}},
			"clients at office"},
	} {
		if got := routing(&c.set); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

// Which differences an UPSERT settles, and which are for DELETE and CREATE. r53: C.6.
func TestDifferencesOfRecordSets(t *testing.T) {
	near := func(region string, bias *int64) *zone.GeoProximityLocation {
		return &zone.GeoProximityLocation{AWSRegion: region, Bias: bias}
	}
	base := func(edit func(*zone.ResourceRecordSet)) zone.ResourceRecordSet {
		s := simple("app1.example.com", zone.A, "192.0.2.1", "192.0.2.2")
		s.SetIdentifier = "a"
		edit(&s)
		return s
	}
	type edit = func(*zone.ResourceRecordSet)
	for _, c := range []struct {
		name          string
		from, to      edit
		same, inPlace bool
	}{
		{"order of values", func(s *zone.ResourceRecordSet) {},
			func(s *zone.ResourceRecordSet) { s.ResourceRecords = []string{"192.0.2.2", "192.0.2.1"} }, true, true},
		{"a value", func(s *zone.ResourceRecordSet) {},
			func(s *zone.ResourceRecordSet) { s.ResourceRecords = []string{"192.0.2.1", "192.0.2.3"} }, false, true},
		{"a value that is none", func(s *zone.ResourceRecordSet) { s.ResourceRecords[0] = "x" },
			func(s *zone.ResourceRecordSet) { s.ResourceRecords[0] = "y" }, false, true},
		{"TTL", func(s *zone.ResourceRecordSet) {}, func(s *zone.ResourceRecordSet) { s.TTL = new(int64(1)) }, false, true},
		{"health check", func(s *zone.ResourceRecordSet) {}, func(s *zone.ResourceRecordSet) { s.HealthCheckID = "a" }, false,
			true},
		{"no bias and bias 0", func(s *zone.ResourceRecordSet) { s.GeoProximityLocation = near("a", nil) },
			func(s *zone.ResourceRecordSet) { s.GeoProximityLocation = near("a", new(int64(0))) }, true, true},
		{"bias", func(s *zone.ResourceRecordSet) { s.GeoProximityLocation = near("a", nil) },
			func(s *zone.ResourceRecordSet) { s.GeoProximityLocation = near("a", new(int64(9))) }, false, true},
		{"place", func(s *zone.ResourceRecordSet) { s.GeoProximityLocation = near("a", nil) },
			func(s *zone.ResourceRecordSet) { s.GeoProximityLocation = near("b", nil) }, false, false},
		{"role", func(s *zone.ResourceRecordSet) { s.Failover = zone.Primary },
			func(s *zone.ResourceRecordSet) { s.Failover = zone.Secondary }, false, false},
		{"location", func(s *zone.ResourceRecordSet) { s.GeoLocation = &zone.GeoLocation{CountryCode: "DE"} },
			func(s *zone.ResourceRecordSet) { s.GeoLocation = &zone.GeoLocation{CountryCode: "FR"} }, false, false},
		{"policy", func(s *zone.ResourceRecordSet) { s.Region = "eu-west-1" },
			func(s *zone.ResourceRecordSet) { s.Weight = new(int64(1)) }, false, false},
	} {
		from, to := base(c.from), base(c.to)
		if got := sameSet(&from, &to); got != c.same {
			t.Errorf("%s: the same: %v, want %v", c.name, got, c.same)
		}
		if got := inPlace(&from, &to); got != c.inPlace {
			t.Errorf("%s: in place: %v, want %v", c.name, got, c.inPlace)
		}
	}
}
