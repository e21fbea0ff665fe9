package plan

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// A field is one thing about an object, as people read it.
type field struct{ name, value string }

// differences writes the fields in which two lists of the same fields differ.
func differences(from, to []field) string {
	var changes []string
	for i, f := range from {
		if t := to[i]; f.value != t.value {
			changes = append(changes, fmt.Sprintf("%s %s → %s", f.name, orNone(f.value), orNone(t.value)))
		}
	}
	return strings.Join(changes, ", ")
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// configFields lists the elements of a check in the schema's order. r53: B.2.
func configFields(c health.Config) []field {
	return []field{
		{"IPAddress", c.IPAddress},
		{"Port", optional(c.Port)},
		{"Type", string(c.Type)},
		{"ResourcePath", c.ResourcePath},
		{"FullyQualifiedDomainName", c.FullyQualifiedDomainName},
		{"SearchString", c.SearchString},
		{"RequestInterval", optional(c.RequestInterval)},
		{"FailureThreshold", optional(c.FailureThreshold)},
		{"MeasureLatency", optional(c.MeasureLatency)},
		{"Inverted", optional(c.Inverted)},
		{"Disabled", optional(c.Disabled)},
		{"HealthThreshold", optional(c.HealthThreshold)},
		{"ChildHealthChecks", strings.Join(sorted(c.ChildHealthChecks), " ")},
		{"EnableSNI", optional(c.EnableSNI)},
		{"Regions", strings.Join(sorted(c.Regions), " ")},
	}
}

func optional[T int | int64 | bool](p *T) string {
	if p == nil {
		return ""
	}
	return fmt.Sprint(*p)
}

// summary says what a check does: "HTTP demoalb.example.:80/health every 30 s, 3 in a row".
func summary(c health.Config) string {
	if !c.Type.IsEndpoint() {
		return fmt.Sprintf("%s of %d children, %s healthy", c.Type, len(c.ChildHealthChecks),
			orNone(optional(c.HealthThreshold)))
	}
	host := c.FullyQualifiedDomainName
	switch {
	case host == "":
		host = c.IPAddress
	case c.IPAddress != "":
		host = c.IPAddress + " as " + host
	}
	if port := c.PortNumber(); port != 0 {
		host += ":" + strconv.Itoa(port)
	}
	if c.Type.IsHTTP() {
		host += c.Path()
	}
	if c.Type.MatchesString() {
		host += fmt.Sprintf(" with %q", c.SearchString)
	}
	text := fmt.Sprintf("%s %s every %d s, %d in a row", c.Type, host, int(c.Interval().Seconds()), c.Threshold())
	if c.Inverted != nil && *c.Inverted {
		text += ", inverted"
	}
	if c.Disabled != nil && *c.Disabled {
		text += ", disabled"
	}
	return text
}

// setFields lists what a record set says; check names its health check.
func setFields(s *zone.ResourceRecordSet, check string) []field {
	ttl, values, target, evaluate := optional(s.TTL), strings.Join(s.ResourceRecords, " "), "", ""
	if t := s.AliasTarget; t != nil {
		target, evaluate = string(t.DNSName)+" ("+t.HostedZoneID+")", strconv.FormatBool(t.EvaluateTargetHealth)
	}
	return []field{{"routing", routing(s)}, {"TTL", ttl}, {"values", values}, {"alias", target},
		{"EvaluateTargetHealth", evaluate}, {"check", check}}
}

// routing says by what a member is chosen; empty for simple routing.
func routing(s *zone.ResourceRecordSet) string {
	switch s.Policy() {
	case zone.Weighted:
		return fmt.Sprintf("weight %d", *s.Weight)
	case zone.Latency:
		return "latency " + s.Region
	case zone.FailoverRouting:
		return strings.ToLower(string(s.Failover))
	case zone.MultiValue:
		return "multivalue"
	case zone.Geolocation:
		l := s.GeoLocation
		return "location " + strings.Trim(l.ContinentCode+" "+l.CountryCode+" "+l.SubdivisionCode, " ")
	case zone.Geoproximity:
		l := s.GeoProximityLocation
		near := l.AWSRegion + l.LocalZoneGroup
		if l.Coordinates != nil {
			near = l.Coordinates.Latitude + " " + l.Coordinates.Longitude
		}
		return fmt.Sprintf("near %s bias %d", near, bias(s))
	case zone.IPBased:
		return "clients at " + s.CidrRoutingConfig.LocationName
	}
	return ""
}

// content says what a record set answers with.
func content(s *zone.ResourceRecordSet) string {
	if t := s.AliasTarget; t != nil {
		if t.EvaluateTargetHealth {
			return "alias " + string(t.DNSName) + " while that is healthy"
		}
		return "alias " + string(t.DNSName)
	}
	const shown = 3
	values := s.ResourceRecords
	text := strings.Join(values[:min(shown, len(values))], " ")
	if more := len(values) - shown; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text + " TTL " + optional(s.TTL)
}

// shortID is enough of a health check's id to recognise it.
func shortID(id string) string {
	const shown = 8
	if len(id) > shown+1 {
		return id[:shown] + "…"
	}
	return id
}
