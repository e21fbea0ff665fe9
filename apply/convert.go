package apply

import (
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"

	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/tagging"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// bareID is an id without the prefix that answers have and requests need not have. r53: C.2.
func bareID(id *string) string {
	s := aws.ToString(id)
	return s[strings.LastIndexByte(s, '/')+1:]
}

// zoneOf leaves the name servers out: lists do not tell them.
func zoneOf(z *types.HostedZone) (zone.HostedZone, error) {
	name, err := zone.ParseName(aws.ToString(z.Name))
	if err != nil {
		return zone.HostedZone{}, fmt.Errorf("hosted zone %s: %w", bareID(z.Id), err)
	}
	out := zone.HostedZone{ID: bareID(z.Id), Name: name, CallerReference: aws.ToString(z.CallerReference)}
	if c := z.Config; c != nil {
		out.Comment, out.PrivateZone = aws.ToString(c.Comment), c.PrivateZone
	}
	return out, nil
}

// setOf returns a record set as it is listed; ok is false for a type that is not known here, which can be none of ours
// and in no one's way.
func setOf(s *types.ResourceRecordSet) (out zone.ResourceRecordSet, ok bool, err error) {
	name, err := zone.ParseName(aws.ToString(s.Name))
	if err != nil {
		return zone.ResourceRecordSet{}, false, fmt.Errorf("record set: %w", err)
	}
	t, ok := zone.ParseRRType(string(s.Type))
	if !ok {
		return zone.ResourceRecordSet{}, false, nil
	}
	out = zone.ResourceRecordSet{
		Name:             name,
		Type:             t,
		SetIdentifier:    aws.ToString(s.SetIdentifier),
		Weight:           s.Weight,
		Region:           string(s.Region),
		Failover:         zone.Failover(s.Failover),
		MultiValueAnswer: aws.ToBool(s.MultiValueAnswer),
		TTL:              s.TTL,
		HealthCheckID:    aws.ToString(s.HealthCheckId),
	}
	for _, r := range s.ResourceRecords {
		out.ResourceRecords = append(out.ResourceRecords, aws.ToString(r.Value))
	}
	if l := s.GeoLocation; l != nil {
		out.GeoLocation = &zone.GeoLocation{ContinentCode: aws.ToString(l.ContinentCode),
			CountryCode: aws.ToString(l.CountryCode), SubdivisionCode: aws.ToString(l.SubdivisionCode)}
	}
	if l := s.GeoProximityLocation; l != nil {
		out.GeoProximityLocation = &zone.GeoProximityLocation{AWSRegion: aws.ToString(l.AWSRegion),
			LocalZoneGroup: aws.ToString(l.LocalZoneGroup)}
		if l.Bias != nil {
			out.GeoProximityLocation.Bias = new(int64(*l.Bias))
		}
		if c := l.Coordinates; c != nil {
			out.GeoProximityLocation.Coordinates = &zone.Coordinates{Latitude: aws.ToString(c.Latitude),
				Longitude: aws.ToString(c.Longitude)}
		}
	}
	if c := s.CidrRoutingConfig; c != nil {
		out.CidrRoutingConfig = &zone.CidrRoutingConfig{CollectionID: aws.ToString(c.CollectionId),
			LocationName: aws.ToString(c.LocationName)}
	}
	if at := s.AliasTarget; at != nil {
		target, err := zone.ParseName(aws.ToString(at.DNSName))
		if err != nil {
			return zone.ResourceRecordSet{}, false, fmt.Errorf("alias target of %s %s: %w", name, t, err)
		}
		out.AliasTarget = &zone.AliasTarget{HostedZoneID: bareID(at.HostedZoneId), DNSName: target,
			EvaluateTargetHealth: at.EvaluateTargetHealth}
	}
	return out, true, nil
}

// sdkSet is the inverse of setOf.
func sdkSet(s *zone.ResourceRecordSet) *types.ResourceRecordSet {
	out := &types.ResourceRecordSet{
		Name:          aws.String(string(s.Name)),
		Type:          types.RRType(s.Type.String()),
		SetIdentifier: optional(s.SetIdentifier),
		Weight:        s.Weight,
		Region:        types.ResourceRecordSetRegion(s.Region),
		Failover:      types.ResourceRecordSetFailover(s.Failover),
		TTL:           s.TTL,
		HealthCheckId: optional(s.HealthCheckID),
	}
	if s.MultiValueAnswer {
		out.MultiValueAnswer = aws.Bool(true)
	}
	for _, value := range s.ResourceRecords {
		out.ResourceRecords = append(out.ResourceRecords, types.ResourceRecord{Value: aws.String(value)})
	}
	if l := s.GeoLocation; l != nil {
		out.GeoLocation = &types.GeoLocation{ContinentCode: optional(l.ContinentCode), CountryCode: optional(l.CountryCode),
			SubdivisionCode: optional(l.SubdivisionCode)}
	}
	if l := s.GeoProximityLocation; l != nil {
		out.GeoProximityLocation = &types.GeoProximityLocation{AWSRegion: optional(l.AWSRegion),
			LocalZoneGroup: optional(l.LocalZoneGroup)}
		if l.Bias != nil {
			out.GeoProximityLocation.Bias = new(int32(*l.Bias))
		}
		if c := l.Coordinates; c != nil {
			out.GeoProximityLocation.Coordinates = &types.Coordinates{Latitude: aws.String(c.Latitude),
				Longitude: aws.String(c.Longitude)}
		}
	}
	if c := s.CidrRoutingConfig; c != nil {
		out.CidrRoutingConfig = &types.CidrRoutingConfig{CollectionId: aws.String(c.CollectionID),
			LocationName: aws.String(c.LocationName)}
	}
	if t := s.AliasTarget; t != nil {
		out.AliasTarget = &types.AliasTarget{HostedZoneId: aws.String(t.HostedZoneID), DNSName: aws.String(string(t.DNSName)),
			EvaluateTargetHealth: t.EvaluateTargetHealth}
	}
	return out
}

// configOf leaves out what only types have that Bulkhead makes no checks of.
func configOf(c *types.HealthCheckConfig) health.Config {
	if c == nil {
		return health.Config{}
	}
	out := health.Config{
		IPAddress:                aws.ToString(c.IPAddress),
		Port:                     wide(c.Port),
		Type:                     health.Type(c.Type),
		ResourcePath:             aws.ToString(c.ResourcePath),
		FullyQualifiedDomainName: aws.ToString(c.FullyQualifiedDomainName),
		SearchString:             aws.ToString(c.SearchString),
		RequestInterval:          wide(c.RequestInterval),
		FailureThreshold:         wide(c.FailureThreshold),
		MeasureLatency:           c.MeasureLatency,
		Inverted:                 c.Inverted,
		Disabled:                 c.Disabled,
		HealthThreshold:          wide(c.HealthThreshold),
		ChildHealthChecks:        c.ChildHealthChecks,
		EnableSNI:                c.EnableSNI,
	}
	for _, region := range c.Regions {
		out.Regions = append(out.Regions, string(region))
	}
	return out
}

// sdkConfig is the inverse of configOf.
func sdkConfig(c *health.Config) *types.HealthCheckConfig {
	return &types.HealthCheckConfig{
		IPAddress:                optional(c.IPAddress),
		Port:                     narrow(c.Port),
		Type:                     types.HealthCheckType(c.Type),
		ResourcePath:             optional(c.ResourcePath),
		FullyQualifiedDomainName: optional(c.FullyQualifiedDomainName),
		SearchString:             optional(c.SearchString),
		RequestInterval:          narrow(c.RequestInterval),
		FailureThreshold:         narrow(c.FailureThreshold),
		MeasureLatency:           c.MeasureLatency,
		Inverted:                 c.Inverted,
		Disabled:                 c.Disabled,
		HealthThreshold:          narrow(c.HealthThreshold),
		ChildHealthChecks:        c.ChildHealthChecks,
		EnableSNI:                c.EnableSNI,
		Regions:                  sdkRegions(c.Regions),
	}
}

func sdkRegions(regions []string) []types.HealthCheckRegion {
	var out []types.HealthCheckRegion
	for _, region := range regions {
		out = append(out, types.HealthCheckRegion(region))
	}
	return out
}

func tagsOf(tags []types.Tag) []tagging.Tag {
	var out []tagging.Tag
	for _, t := range tags {
		out = append(out, tagging.Tag{Key: aws.ToString(t.Key), Value: aws.ToString(t.Value)})
	}
	return out
}

func sdkTags(tags []tagging.Tag) []types.Tag {
	var out []types.Tag
	for _, t := range tags {
		out = append(out, types.Tag{Key: aws.String(t.Key), Value: aws.String(t.Value)})
	}
	return out
}

// optional is nil for an element that is absent.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func wide(p *int32) *int {
	if p == nil {
		return nil
	}
	return new(int(*p))
}

func narrow(p *int) *int32 {
	if p == nil {
		return nil
	}
	return new(int32(*p))
}
