package zone

import "fmt"

// checkSet checks the rules that do not depend on the rest of the zone. It returns one message for each rule that the
// record set breaks.
func checkSet(z HostedZone, s *ResourceRecordSet) []string {
	var faults []string
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }

	apex := s.Name == z.Name
	policy := s.Policy()
	switch {
	case s.Type == NS && s.Name.IsWildcard(): // r53: A.12
		fault("Changing wildcard NS record sets are not supported")
	case s.Type == CNAME && apex: // r53: C.6 (wording unconfirmed)
		fault("RRSet of type CNAME with DNS name %s is not permitted at apex in zone %s", s.Name, z.Name)
	case s.Type == DS && apex: // r53: A.14 (wording unconfirmed)
		fault("RRSet of type DS with DNS name %s is not permitted at apex in zone %s", s.Name, z.Name)
	case s.Type == SOA && !apex: // RFC 1034 section 4.2.1 (wording unconfirmed)
		fault("RRSet of type SOA with DNS name %s is not permitted below the apex of zone %s", s.Name, z.Name)
	}

	// NS, SOA and DS can only be simple, and multivalue does not go with CNAME. r53: A.1, C.6 (the text around "this type
	// of RRSet is not supported" is unconfirmed).
	if policy != Simple && (s.Type == NS || s.Type == SOA || s.Type == DS) || policy == MultiValue && s.Type == CNAME {
		fault("%s cannot be created with %s routing, as this type of RRSet is not supported", describe(s), policy)
	}

	if s.AliasTarget != nil {
		switch {
		case s.Type == NS || s.Type == SOA: // r53: A.1, C.6
			fault("RRSet with DNS name %s, type %s contains an alias target, but aliases of that type are forbidden", s.Name,
				s.Type)
		case policy == MultiValue: // r53: A.1 (wording unconfirmed)
			fault("%s cannot be created as a multivalue answer RRSet cannot contain an alias target", describe(s))
		}
	}
	faults = append(faults, checkValues(s)...)
	return append(faults, checkHealth(s)...)
}

// checkValues checks the values of a record set.
func checkValues(s *ResourceRecordSet) []string {
	var faults []string
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }

	// The number of values. The API reference allows one value in a weighted or latency set. The guide allows several, and
	// Route 53 was seen to store them (unconfirmed). r53: A.1, A.14, C.8 (the text about one value is unconfirmed).
	n := len(s.ResourceRecords)
	switch {
	case n > maxValues:
		fault("Cannot have more than %d records in a RRSet.", maxValues)
	case n > 1 && (s.Type == CNAME || s.Type == SOA):
		fault("%s has %d ResourceRecords, but this type must have exactly one", describe(s), n)
	}
	// Values that mean the same are duplicates in any spelling, because they are equal on the wire. Route 53 has this
	// message for values with equal spelling.
	seen := make(map[string]bool, n)
	for _, value := range s.ResourceRecords {
		rdata, err := AppendRData(nil, s.Type, value)
		switch {
		case err != nil: // r53: A.14
			fault("Invalid Resource Record: '%s'", err)
		case seen[string(rdata)]:
			fault("Duplicate Resource Record: '%s'", value)
		}
		seen[string(rdata)] = true
	}
	return faults
}

// checkHealth checks where a record set gets its health from. r53: A.10.
func checkHealth(s *ResourceRecordSet) []string {
	switch {
	case s.HealthCheckID != "" && s.Policy() == Simple:
		return []string{"DNS name must have alternate ResourceRecordSet responses configured via a routing policy (e.g., " +
			"Weight, Region, etc.) if a health check is attached. No changes made."}
	case s.HealthCheckID != "" || s.Failover != Primary:
		return nil
	case s.AliasTarget == nil:
		return []string{"A non-alias primary ResourceRecordSet must have an associated health check. No changes made."}
	case !s.AliasTarget.EvaluateTargetHealth:
		return []string{describe(s) +
			" cannot be a primary without EvaluateTargetHealth set to true or an associated health " +
			"check as a secondary would never be returned."}
	}
	return nil
}
