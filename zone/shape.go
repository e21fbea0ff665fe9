package zone

import (
	"fmt"
	"unicode/utf8"

	"github.com/bulkhead-dns/bulkhead/validation"
)

// Limits of a batch and of its members. r53: C.6, C.8.
const (
	maxBatchRecords     = 1000
	maxBatchCharacters  = 32000
	maxValues           = 400
	maxValueCharacters  = 4000
	maxMembers          = 100
	maxProximityMembers = 30 // of a geoproximity group
	maxTTL              = 1<<31 - 1
)

// checkShape refuses changes that are malformed whatever the zone contains. It reports all broken constraints of the
// API model at once; if there are none, it reports the first change whose elements do not belong together. r53: C.6.
func checkShape(changes []Change) error {
	var v validation.Violations
	v.Check(len(changes) > 0, "[]", "changeBatch.changes", "Member must have length greater than or equal to 1")
	for i := range changes {
		checkConstraints(&v, fmt.Sprintf("changeBatch.changes.%d.member", i+1), &changes[i])
	}
	if err := v.Err(); err != nil {
		return err
	}
	for i := range changes {
		if text := misfit(&changes[i]); text != "" {
			return &validation.InvalidInput{Message: fmt.Sprintf("Invalid request: %s in Change with %s", text,
				changeIdentity(&changes[i]))}
		}
	}
	return nil
}

func checkConstraints(v *validation.Violations, path string, c *Change) {
	s := &c.ResourceRecordSet
	v.Check(c.Action == Create || c.Action == Upsert || c.Action == Delete, c.Action, path+".action",
		"Member must satisfy enum value set: [CREATE, DELETE, UPSERT]")
	path += ".resourceRecordSet"
	v.Check(s.Name != "", s.Name, path+".name", "Member must not be null")
	_, known := ParseRRType(s.Type.String())
	v.Check(known, s.Type, path+".type",
		"Member must satisfy enum value set: [SOA, A, TXT, NS, CNAME, MX, NAPTR, PTR, SRV, "+
			"SPF, AAAA, CAA, DS, TLSA, SSHFP, SVCB, HTTPS]")
	v.AtMost(128, s.SetIdentifier, path+".setIdentifier")
	v.AtMost(64, s.Region, path+".region")
	v.AtMost(64, s.HealthCheckID, path+".healthCheckId")
	if s.Weight != nil {
		v.Within(*s.Weight, 0, 255, path+".weight")
	}
	if s.TTL != nil {
		v.Within(*s.TTL, 0, maxTTL, path+".tTL")
	}
	v.Check(s.Failover == "" || s.Failover == Primary || s.Failover == Secondary, s.Failover, path+".failover",
		"Member must satisfy enum value set: [PRIMARY, SECONDARY]")
	checkLocationConstraints(v, path, s)
	for i, value := range s.ResourceRecords {
		v.AtMost(maxValueCharacters, value, fmt.Sprintf("%s.resourceRecords.%d.member.value", path, i+1))
	}
	if t := s.AliasTarget; t != nil {
		v.Check(t.HostedZoneID != "", "", path+".aliasTarget.hostedZoneId", "Member must not be null")
		v.AtMost(32, t.HostedZoneID, path+".aliasTarget.hostedZoneId")
		v.Check(t.DNSName != "", "", path+".aliasTarget.dNSName", "Member must not be null")
	}
}

// misfit says which elements of a change do not belong together. It is empty if all do. r53: C.6.
func misfit(c *Change) string {
	const (
		content = "Expected exactly one of [AliasTarget, all of [TTL, and ResourceRecords], or TrafficPolicyInstanceId]"
		policy  = "Expected exactly one of [Weight, Region, Failover, GeoLocation, MultiValueAnswer, GeoProximityLocation, " +
			"or " +
			"CidrRoutingConfig]"
	)
	s := &c.ResourceRecordSet
	// An empty list of values counts as given: it is an error beside an alias target, and it is not enough without one.
	if s.AliasTarget != nil && (s.TTL != nil || s.ResourceRecords != nil) {
		return content + ", but found more than one"
	}
	if s.AliasTarget == nil && (s.TTL == nil || len(s.ResourceRecords) == 0) {
		return content + ", but found none"
	}
	policies := count(s.Weight != nil, s.Region != "", s.Failover != "", s.MultiValueAnswer, s.GeoLocation != nil,
		s.GeoProximityLocation != nil, s.CidrRoutingConfig != nil)
	switch {
	case policies > 1:
		return policy + ", but found more than one"
	case policies == 0 && s.SetIdentifier != "":
		return policy + ", but found none"
	case policies == 1 && s.SetIdentifier == "":
		return "Missing field 'SetIdentifier'"
	}
	return misfitLocation(s)
}

func changeIdentity(c *Change) string {
	s := &c.ResourceRecordSet
	identifier := s.SetIdentifier
	if identifier == "" {
		identifier = "null"
	}
	return fmt.Sprintf("[Action=%s, Name=%s, Type=%s, SetIdentifier=%s]", c.Action, s.Name, s.Type, identifier)
}

// checkHealthChecks refuses record sets that cite a health check that does not exist. r53: A.10.
func checkHealthChecks(changes []Change, facts Facts) error {
	for i := range changes {
		id := changes[i].ResourceRecordSet.HealthCheckID
		if id == "" || changes[i].Action == Delete {
			continue
		}
		if facts.HealthCheckExists == nil || !facts.HealthCheckExists(id) {
			return &NoSuchHealthCheck{id}
		}
	}
	return nil
}

// checkSize checks the size of a batch. UPSERT counts twice, an alias counts as one record. r53: C.6.
func checkSize(changes []Change) []string {
	records, characters := 0, 0
	for i := range changes {
		s := &changes[i].ResourceRecordSet
		times := 1
		if changes[i].Action == Upsert {
			times = 2
		}
		records += times * max(1, len(s.ResourceRecords))
		for _, value := range s.ResourceRecords {
			characters += times * utf8.RuneCountInString(value)
		}
	}
	var messages []string
	if records > maxBatchRecords {
		messages = append(messages, fmt.Sprintf("Number of records limit of %d exceeded.", maxBatchRecords))
	}
	if characters > maxBatchCharacters {
		messages = append(messages, fmt.Sprintf("RDATA character limit of %d exceeded.", maxBatchCharacters))
	}
	return messages
}

// count returns how many of the conditions hold.
func count(conditions ...bool) int {
	n := 0
	for _, c := range conditions {
		if c {
			n++
		}
	}
	return n
}
