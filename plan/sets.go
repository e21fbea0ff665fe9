package plan

import (
	"reflect"
	"slices"

	"github.com/bulkhead-dns/bulkhead/zone"
)

// sameSet reports whether record sets mean the same: values compare as a set after normalisation, as Route 53 does when
// it deletes. r53: C.6.
func sameSet(a, b *zone.ResourceRecordSet) bool {
	return a.HealthCheckID == b.HealthCheckID && sameRouting(a, b) && reflect.DeepEqual(a.Weight, b.Weight) &&
		bias(a) == bias(b) && reflect.DeepEqual(a.TTL, b.TTL) && reflect.DeepEqual(a.AliasTarget, b.AliasTarget) &&
		sameValues(a.Type, a.ResourceRecords, b.ResourceRecords)
}

// inPlace reports whether an UPSERT can turn a record set into another of its identity. What members of a group owe
// each other is changed by DELETE and CREATE, which cost the same and leave no room for judging one member before the
// next: policy, role, Region and location, and the TTL that weighted members share. r53: C.6.
func inPlace(old, set *zone.ResourceRecordSet) bool {
	return sameRouting(old, set) && (set.Policy() != zone.Weighted || reflect.DeepEqual(old.TTL, set.TTL))
}

// sameRouting compares the policy and what is unique within a group.
func sameRouting(a, b *zone.ResourceRecordSet) bool {
	return a.Policy() == b.Policy() && a.Region == b.Region && a.Failover == b.Failover &&
		reflect.DeepEqual(a.GeoLocation, b.GeoLocation) && reflect.DeepEqual(a.CidrRoutingConfig, b.CidrRoutingConfig) &&
		reflect.DeepEqual(withoutBias(a), withoutBias(b))
}

// where is a geoproximity location without its bias.
func withoutBias(s *zone.ResourceRecordSet) zone.GeoProximityLocation {
	if s.GeoProximityLocation == nil {
		return zone.GeoProximityLocation{}
	}
	l := *s.GeoProximityLocation
	l.Bias = nil
	return l
}

func bias(s *zone.ResourceRecordSet) int64 {
	if l := s.GeoProximityLocation; l != nil && l.Bias != nil {
		return *l.Bias
	}
	return 0
}

func sameValues(t zone.RRType, a, b []string) bool {
	return slices.Equal(a, b) || len(a) == len(b) && slices.Equal(wireValues(t, a), wireValues(t, b))
}

// wireValues returns the values as they are on the wire, in order; one that is not valid stands as it is written.
func wireValues(t zone.RRType, values []string) []string {
	wire := make([]string, len(values))
	for i, value := range values {
		rdata, err := zone.AppendRData(nil, t, value)
		if err != nil {
			wire[i] = value
			continue
		}
		wire[i] = string(rdata)
	}
	slices.Sort(wire)
	return wire
}
