package zone

import "reflect"

// repeats reports whether a DELETE repeats the stored record set in every attribute: TTL, values as a set after
// normalisation, alias target with EvaluateTargetHealth, the attributes of the routing policy, and HealthCheckId.
// Reports from users disagree about the last two. Several have logged that Route 53 refuses a DELETE without the health
// check. r53: C.6.
func repeats(s, stored *ResourceRecordSet) bool {
	switch {
	case !reflect.DeepEqual(attributes(s), attributes(stored)):
		return false
	case s.AliasTarget != nil && stored.AliasTarget != nil:
		return *s.AliasTarget == *stored.AliasTarget
	case s.AliasTarget != nil || stored.AliasTarget != nil:
		return false
	}
	return *s.TTL == *stored.TTL && sameValues(s.Type, s.ResourceRecords, stored.ResourceRecords)
}

// attributes returns a record set without its answer. A bias of 0 equals no bias.
func attributes(s *ResourceRecordSet) ResourceRecordSet {
	a := *s
	a.TTL, a.ResourceRecords, a.AliasTarget = nil, nil, nil
	if p := a.GeoProximityLocation; p != nil && p.Bias != nil && *p.Bias == 0 {
		unbiased := *p
		unbiased.Bias = nil
		a.GeoProximityLocation = &unbiased
	}
	return a
}
