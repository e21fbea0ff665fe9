package zone

import "cmp"

// A ResourceRecordSet is one Route 53 record set: one name and type and, for routing policies, one SetIdentifier.
// Record sets that share name and type form a group. A record set is immutable once it is part of Records: copy it
// before changing it.
type ResourceRecordSet struct {
	Name Name   `json:"name"`
	Type RRType `json:"type"`

	// SetIdentifier distinguishes the members of a group, 1 to 128 characters; empty for a simple record set.
	SetIdentifier string `json:"setIdentifier,omitempty"`

	// At most one of the next seven is set; none means simple routing. r53: A.1.
	Weight               *int64                `json:"weight,omitempty"` // 0..255
	Region               string                `json:"region,omitempty"` // latency routing
	Failover             Failover              `json:"failover,omitempty"`
	MultiValueAnswer     bool                  `json:"multiValueAnswer,omitempty"`
	GeoLocation          *GeoLocation          `json:"geoLocation,omitempty"`
	GeoProximityLocation *GeoProximityLocation `json:"geoProximityLocation,omitempty"`
	CidrRoutingConfig    *CidrRoutingConfig    `json:"cidrRoutingConfig,omitempty"`

	// TTL in seconds, 0..2147483647; nil exactly when AliasTarget is set.
	TTL             *int64       `json:"ttl,omitempty"`
	ResourceRecords []string     `json:"resourceRecords,omitempty"` // values in presentation form, as given
	AliasTarget     *AliasTarget `json:"aliasTarget,omitempty"`

	// HealthCheckID is the health check of the member; empty means none.
	HealthCheckID string `json:"healthCheckId,omitempty"`
}

// An AliasTarget is the target of an alias record set: a record set of the same zone, or an AWS resource.
type AliasTarget struct {
	HostedZoneID         string `json:"hostedZoneId"` // without the /hostedzone/ prefix
	DNSName              Name   `json:"dnsName"`
	EvaluateTargetHealth bool   `json:"evaluateTargetHealth,omitempty"`
}

// Failover is the role of a member under failover routing; empty for every other policy.
type Failover string

// The two failover roles.
const (
	Primary   Failover = "PRIMARY"
	Secondary Failover = "SECONDARY"
)

// A Policy is a Route 53 routing policy.
type Policy uint8

// The routing policies that the engine answers by. The zero value is simple routing.
const (
	Simple Policy = iota
	Weighted
	Latency
	FailoverRouting
	MultiValue
	Geolocation
	Geoproximity
	IPBased
)

// String returns the policy's name as Route 53's guide writes it inside a sentence.
func (p Policy) String() string {
	return [...]string{"simple", "weighted", "latency", "failover", "multivalue", "geolocation", "geoproximity",
		"IP-based"}[p]
}

// Policy returns the routing policy of the record set.
func (s *ResourceRecordSet) Policy() Policy {
	switch {
	case s.Weight != nil:
		return Weighted
	case s.Region != "":
		return Latency
	case s.Failover != "":
		return FailoverRouting
	case s.MultiValueAnswer:
		return MultiValue
	case s.GeoLocation != nil:
		return Geolocation
	case s.GeoProximityLocation != nil:
		return Geoproximity
	case s.CidrRoutingConfig != nil:
		return IPBased
	}
	return Simple
}

// A Key is the identity of a record set within its zone.
type Key struct {
	Name          Name
	Type          RRType
	SetIdentifier string
}

// Key returns the identity of the record set.
func (s *ResourceRecordSet) Key() Key { return Key{s.Name, s.Type, s.SetIdentifier} }

// Compare orders keys as ListResourceRecordSets does: by name with its labels in reverse order, then by type as text,
// then by SetIdentifier as text. A missing part sorts first. r53: C.7.
func (k Key) Compare(o Key) int {
	if c := Compare(k.Name, o.Name); c != 0 {
		return c
	}
	if k.Type != o.Type {
		switch { // a key without a type stands before every type of its name
		case k.Type == 0:
			return -1
		case o.Type == 0:
			return 1
		}
		return cmp.Compare(k.Type.String(), o.Type.String())
	}
	return cmp.Compare(k.SetIdentifier, o.SetIdentifier)
}
