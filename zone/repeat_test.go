package zone

import (
	"errors"
	"fmt"
	"testing"
)

// A DELETE has to repeat every attribute of what is stored. r53: C.6.
func TestDeleteRepeatsEveryAttribute(t *testing.T) {
	v := values("192.0.2.1")
	check := func(id string) func(*ResourceRecordSet) {
		return func(s *ResourceRecordSet) { s.HealthCheckID = id }
	}
	region := func(name string) func(*ResourceRecordSet) {
		return func(s *ResourceRecordSet) { s.SetIdentifier, s.Region = "m", name }
	}
	role := func(f Failover) func(*ResourceRecordSet) {
		return func(s *ResourceRecordSet) { s.SetIdentifier, s.Failover = "m", f }
	}
	multivalue := func(s *ResourceRecordSet) { s.SetIdentifier, s.MultiValueAnswer = "m", true }
	bias := func(n *int64) func(*ResourceRecordSet) {
		return near("m", GeoProximityLocation{AWSRegion: "eu-west-1", Bias: n})
	}
	for _, c := range []struct {
		attribute       string
		stored, deleted ResourceRecordSet
		accepted        bool
	}{
		{"nothing", set("n", A, v, weight("m", 1), check("hc1")), set("n", A, v, weight("m", 1), check("hc1")), true},
		{"HealthCheckId", set("n", A, v, weight("m", 1), check("hc1")), set("n", A, v, weight("m", 1)), false},
		{"another HealthCheckId", set("n", A, v, weight("m", 1), check("hc1")), set("n", A, v, weight("m", 1), check("hc2")),
			false},
		{"a HealthCheckId too many", set("n", A, v, weight("m", 1)), set("n", A, v, weight("m", 1), check("hc1")), false},
		{"HealthCheckId of an alias", set("n", A, alias(ownZone, "www.example.com", false), weight("m", 1), check("hc1")),
			set("n", A, alias(ownZone, "www.example.com", false), weight("m", 1)), false},
		{"Weight", set("n", A, v, weight("m", 1)), set("n", A, v, weight("m", 2)), false},
		{"Region", set("n", A, v, region("eu-west-1")), set("n", A, v, region("eu-west-2")), false},
		{"Failover", set("n", A, v, role(Secondary)), set("n", A, v, role(Primary), check("hc1")), false},
		{"MultiValueAnswer", set("n", A, v, multivalue), set("n", A, v, weight("m", 1)), false},
		{"GeoLocation", set("n", A, v, inCountry("m", "DE")), set("n", A, v, inCountry("m", "FR")), false},
		{"GeoLocation as it is", set("n", A, v, inCountry("m", "DE")), set("n", A, v, inCountry("m", "DE")), true},
		{"Bias", set("n", A, v, bias(new(int64(10)))), set("n", A, v, bias(nil)), false},
		{"Bias of 0", set("n", A, v, bias(new(int64(0)))), set("n", A, v, bias(nil)), true},
		{"CidrRoutingConfig", set("n", A, v, clients("m", "c1", "here")), set("n", A, v, clients("m", "c1", "*")), false},
		{"TTL", set("n", A, v, weight("m", 1)), set("n", A, v, weight("m", 1), ttl(1)), false},
	} {
		t.Run(c.attribute, func(t *testing.T) {
			records := NewRecords()
			records.Put(&c.stored)
			_, _, err := records.Apply(exampleZone(), []Change{remove(c.deleted)}, exampleFacts())
			if c.accepted {
				if err != nil {
					t.Error(err)
				}
				return
			}
			want := fmt.Sprintf(
				"[Tried to delete resource record set %s but the values provided do not match the current values]",
				identity(&c.stored))
			var refused *InvalidChangeBatch
			if !errors.As(err, &refused) || err.Error() != want {
				t.Errorf("got %v, want %s", err, want)
			}
		})
	}
}

// A latency record has a Region of AWS or of the engine. The error has AWS's words. A stored record can be deleted.
func TestLatencyRegionsAreKnown(t *testing.T) {
	facts := exampleFacts()
	facts.OwnRegion = func(name string) bool { return name == "dc-1" }
	member := func(region string) ResourceRecordSet {
		return set("n", A, values("192.0.2.1"), func(s *ResourceRecordSet) { s.SetIdentifier, s.Region = "m", region })
	}
	if n := len(awsRegions()); n != 39 {
		t.Errorf("there are %d Regions, and 39 in the API model", n)
	}
	for region, known := range map[string]bool{"eu-west-1": true, "eusc-de-east-1": true, "us-gov-west-1": true,
		"dc-1":      true,
		"eu-wset-1": false, "EU-WEST-1": false, "eu-west-1a": false, "dc-2": false} {
		for _, action := range []Action{Create, Upsert} {
			_, _, err := NewRecords().Apply(exampleZone(), []Change{{action, member(region)}}, facts)
			want := fmt.Sprintf("[Cannot find region '%s'. No changes made.]", region)
			if known && err != nil || !known && (err == nil || err.Error() != want) {
				t.Errorf("%s of %s: %v, known is %v", action, region, err, known)
			}
		}
	}
	records, old := NewRecords(), member("eu-wset-1")
	records.Put(&old)
	if _, _, err := records.Apply(exampleZone(), []Change{remove(old)}, facts); err != nil {
		t.Errorf("delete what an older engine took: %v", err)
	}
	if _, _, err := NewRecords().Apply(exampleZone(), []Change{create(member("dc-1"))}, exampleFacts()); err == nil {
		t.Error("without facts dc-1 is taken")
	}
}
