package zone

import (
	"fmt"
	"strings"
)

// checkGroup compares a record set of the batch with the members of its group that are in its way. r53: C.6.
func (b *batch) checkGroup(i int, s *ResourceRecordSet) {
	group := Key{Name: s.Name, Type: s.Type}
	members := b.content.Group(s.Name, s.Type)
	allowed := maxMembers
	if s.Policy() == Geoproximity {
		allowed = maxProximityMembers
	}
	if len(members) >= allowed && !b.tooMany[group] { // r53: C.8 (recorded for weighted sets)
		b.fault(i, "Exceeded limit on number of %s RRSets for %s, type %s in this zone.", s.Policy(), s.Name, s.Type)
		b.tooMany[group] = true
	}
	for _, other := range members {
		if text := Conflict(s, other); text != "" {
			b.fault(i, "%s", text)
			return
		}
	}
}

// Conflict says why s and other, of the same name and type, cannot be in one group. It is empty if they can. r53: A.5,
// C.6.
func Conflict(s, other *ResourceRecordSet) string {
	if s.Policy() != other.Policy() {
		return policyConflict(s)
	}
	switch s.Policy() {
	case Weighted:
		if s.TTL != nil && other.TTL != nil && *s.TTL != *other.TTL { // an alias has no TTL and is exempt
			return describe(s) + " cannot be created as weighted sets must contain the same TTL."
		}
	case Latency:
		if s.Region == other.Region {
			return fmt.Sprintf("%s, and Region Name=%s cannot be created because a latency RRSet with the same name, type and "+
				"region already exists.", describe(s), s.Region)
		}
	case FailoverRouting:
		if s.Failover == other.Failover { // the text is unconfirmed
			return fmt.Sprintf(
				"%s marked as %s cannot be created because a failover RRSet with the same name, type and failover "+
					"already exists.", describe(s), strings.ToLower(string(s.Failover)))
		}
	case Geolocation:
		if *s.GeoLocation == *other.GeoLocation {
			return duplicateLocation(s, "a GEO")
		}
	case IPBased:
		if s.CidrRoutingConfig.CollectionID != other.CidrRoutingConfig.CollectionID { // r53: A.8 (the text is unconfirmed)
			return fmt.Sprintf("%s, and routing to %s cannot be created because an IP-based RRSet with the same name and type "+
				"uses another CIDR collection, %s.", describe(s), routing(s), other.CidrRoutingConfig.CollectionID)
		}
		// Not documented: two members for one location would give a client two answers (unconfirmed). Geoproximity members
		// may have the same location, because the bias or the SetIdentifier decides between them.
		if *s.CidrRoutingConfig == *other.CidrRoutingConfig {
			return duplicateLocation(s, "an IP-based")
		}
	}
	return ""
}

// duplicateLocation says that another member already routes to the location of s. r53: C.6.
func duplicateLocation(s *ResourceRecordSet, kind string) string {
	at := routing(s)
	return fmt.Sprintf(
		"%s, and routing to %s cannot be created because %s RRSet with the same name, type and routing to %s "+
			"already exists.", describe(s), at, kind, at)
}

// policyConflict says that s has another policy than the rest of its group. The texts for failover (in part),
// geoproximity and IP-based follow the pattern of the recorded ones (unconfirmed).
func policyConflict(s *ResourceRecordSet) string {
	const exists = "RRSet with the same name and type already exists."
	switch s.Policy() {
	case Weighted:
		return describe(s) + " cannot be created as a non-weighted set exists with the same name and type."
	case Latency:
		return fmt.Sprintf("%s, and Region Name=%s cannot be created because a non-latency %s", describe(s), s.Region, exists)
	case FailoverRouting:
		return fmt.Sprintf("%s marked as %s cannot be created because a non-failover %s", describe(s),
			strings.ToLower(string(s.Failover)), exists)
	case MultiValue:
		return describe(s) + " cannot be created because a non multivalue answer rrset exists with the same name and type."
	case Geolocation:
		return fmt.Sprintf("%s, and routing to %s cannot be created because a non-GEO %s", describe(s), routing(s), exists)
	case Geoproximity, IPBased:
		return fmt.Sprintf("%s, and routing to %s cannot be created because a non-%s %s", describe(s), routing(s), s.Policy(),
			exists)
	}
	return describe(s) + " cannot be created as other RRSets exist with the same name and type."
}
