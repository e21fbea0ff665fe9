package zone

import (
	"fmt"
	"strings"

	"github.com/bulkhead-dns/bulkhead/cidr"
	"github.com/bulkhead-dns/bulkhead/country"
	"github.com/bulkhead-dns/bulkhead/validation"
)

// A GeoProximityLocation is the location of a member of geoproximity routing. Exactly one of AWSRegion, LocalZoneGroup
// and Coordinates is set. r53: A.1, A.7.
type GeoProximityLocation struct {
	AWSRegion      string       `json:"awsRegion,omitempty"`
	LocalZoneGroup string       `json:"localZoneGroup,omitempty"` // such as us-east-1-bue-1
	Coordinates    *Coordinates `json:"coordinates,omitempty"`

	// Bias enlarges (positive) or shrinks (negative) the area for which the member answers, -99..99; nil means 0.
	Bias *int64 `json:"bias,omitempty"`
}

// Coordinates are degrees with at most two decimals. They are text, because the API returns them as they were given.
// r53: A.7.
type Coordinates struct {
	Latitude  string `json:"latitude"`  // -90..90
	Longitude string `json:"longitude"` // -180..180
}

// Degrees returns the coordinates as numbers. ok is false if they are out of range or not in the form that Route 53
// accepts.
func (c Coordinates) Degrees() (latitude, longitude float64, ok bool) {
	latitude, latOK := degrees(c.Latitude, 2)
	longitude, lonOK := degrees(c.Longitude, 3)
	inRange := -90 <= latitude && latitude <= 90 && -180 <= longitude && longitude <= 180
	return latitude, longitude, latOK && lonOK && inRange
}

// degrees reads [-+]?[0-9]{1,digits}(\.[0-9]{0,2})?, the form of the API model.
func degrees(s string, digits int) (value float64, ok bool) {
	text := strings.TrimPrefix(s, "-")
	if text == s {
		text = strings.TrimPrefix(s, "+")
	}
	whole, fraction, _ := strings.Cut(text, ".")
	if len(whole) < 1 || len(whole) > digits || len(fraction) > 2 {
		return 0, false
	}
	hundredths := 0
	for _, c := range []byte((whole + fraction + "00")[:len(whole)+2]) {
		if c < '0' || c > '9' {
			return 0, false
		}
		hundredths = hundredths*10 + int(c-'0')
	}
	if s[0] == '-' {
		hundredths = -hundredths
	}
	return float64(hundredths) / 100, true
}

// A CidrRoutingConfig is the location of a CIDR collection for whose clients a member of IP-based routing answers. r53:
// A.8.
type CidrRoutingConfig struct {
	CollectionID string `json:"collectionId"`
	LocationName string `json:"locationName"` // "*" is the default location
}

// DefaultLocation is the LocationName of the member that answers for clients in no block of the collection.
const DefaultLocation = "*"

// checkLocationConstraints checks the constraints of the API model for the location of a member.
func checkLocationConstraints(v *validation.Violations, path string, s *ResourceRecordSet) {
	if g := s.GeoLocation; g != nil {
		v.Check(g.ContinentCode == "" || len(g.ContinentCode) >= 2, g.ContinentCode, path+".geoLocation.continentCode",
			"Member must have length greater than or equal to 2")
		v.AtMost(2, g.ContinentCode, path+".geoLocation.continentCode")
		v.AtMost(2, g.CountryCode, path+".geoLocation.countryCode")
		v.AtMost(3, g.SubdivisionCode, path+".geoLocation.subdivisionCode")
	}
	if p := s.GeoProximityLocation; p != nil {
		path := path + ".geoProximityLocation"
		v.AtMost(64, p.AWSRegion, path+".aWSRegion")
		v.AtMost(64, p.LocalZoneGroup, path+".localZoneGroup")
		if p.Bias != nil {
			v.Within(*p.Bias, -99, 99, path+".bias")
		}
		if c := p.Coordinates; c != nil {
			_, ok := degrees(c.Latitude, 2)
			v.Check(ok, c.Latitude, path+".coordinates.latitude",
				`Member must satisfy regular expression pattern: [-+]?[0-9]{1,2}(\.[0-9]{0,2})?`)
			_, ok = degrees(c.Longitude, 3)
			v.Check(ok, c.Longitude, path+".coordinates.longitude",
				`Member must satisfy regular expression pattern: [-+]?[0-9]{1,3}(\.[0-9]{0,2})?`)
		}
	}
	if c := s.CidrRoutingConfig; c != nil {
		path := path + ".cidrRoutingConfig"
		v.Check(c.CollectionID != "", "", path+".collectionId", "Member must not be null")
		v.AtMost(64, c.CollectionID, path+".collectionId")
		v.AtMost(cidr.MaxLocationName, c.LocationName, path+".locationName")
		v.Check(c.LocationName == DefaultLocation || cidr.IsName(c.LocationName), c.LocationName, path+".locationName",
			"Member must be * or satisfy regular expression pattern: "+cidr.NamePattern)
	}
}

// misfitLocation says which parts of a member's location do not belong together. It is empty if all do. The texts
// follow the text about policies (unconfirmed). r53: A.6, A.7.
func misfitLocation(s *ResourceRecordSet) string {
	if g := s.GeoLocation; g != nil {
		const area = "Expected exactly one of [ContinentCode, or CountryCode]"
		switch {
		case g.ContinentCode != "" && g.CountryCode != "":
			return area + ", but found more than one"
		case g.ContinentCode == "" && g.CountryCode == "":
			return area + ", but found none"
		case g.SubdivisionCode != "" && g.CountryCode != country.UnitedStates:
			return fmt.Sprintf("SubdivisionCode '%s' needs CountryCode '%s'", g.SubdivisionCode, country.UnitedStates)
		}
	}
	if p := s.GeoProximityLocation; p != nil {
		const place = "Expected exactly one of [AWSRegion, LocalZoneGroup, or Coordinates]"
		switch given := count(p.AWSRegion != "", p.LocalZoneGroup != "", p.Coordinates != nil); {
		case given == 0:
			return place + ", but found none"
		case given > 1:
			return place + ", but found more than one"
		}
		if c := p.Coordinates; c != nil {
			if _, _, ok := c.Degrees(); !ok {
				return fmt.Sprintf("Coordinates '%s, %s' are not within -90 to 90 and -180 to 180", c.Latitude, c.Longitude)
			}
		}
	}
	return ""
}

// checkLocation checks that a member's location exists and may be used in the zone.
func (b *batch) checkLocation(s *ResourceRecordSet) []string {
	policy := s.Policy()
	if b.zone.PrivateZone && (policy == Geoproximity || policy == IPBased) { // r53: A.1 (wording unconfirmed)
		return []string{fmt.Sprintf("%s cannot be created with %s routing, as zone %s is private", describe(s), policy,
			b.zone.Name)}
	}
	switch policy {
	case Latency: // as AWS was logged to say; an unknown Region would be the farthest from everybody
		if !IsRegion(s.Region) && (b.facts.OwnRegion == nil || !b.facts.OwnRegion(s.Region)) {
			return []string{fmt.Sprintf("Cannot find region '%s'. No changes made.", s.Region)}
		}
	case Geolocation: // r53: A.6 (recorded are the first three words)
		if _, ok := GeoLocationByCode(*s.GeoLocation); !ok {
			return []string{fmt.Sprintf("Cannot find location %s for %s", routing(s), describe(s))}
		}
	case Geoproximity: // wording unconfirmed
		p := s.GeoProximityLocation
		if p.AWSRegion != "" && !IsRegion(p.AWSRegion) {
			return []string{fmt.Sprintf("%s cannot be created as '%s' is not an AWS Region", describe(s), p.AWSRegion)}
		}
		if p.LocalZoneGroup != "" && !isLocalZoneGroup(p.LocalZoneGroup) {
			return []string{fmt.Sprintf("%s cannot be created as '%s' is not a Local Zone group: the name of an AWS Region and "+
				"more behind it, such as us-east-1-bue-1", describe(s), p.LocalZoneGroup)}
		}
	case IPBased: // wording unconfirmed
		c := s.CidrRoutingConfig
		var collection, location bool
		if b.facts.CIDRLocation != nil {
			collection, location = b.facts.CIDRLocation(c.CollectionID, c.LocationName)
		}
		switch {
		case !collection:
			return []string{fmt.Sprintf("%s cannot be created as no CIDR collection has the id %s", describe(s), c.CollectionID)}
		case !location && c.LocationName != DefaultLocation:
			return []string{fmt.Sprintf("%s cannot be created as CIDR collection %s has no location named %s", describe(s),
				c.CollectionID, c.LocationName)}
		}
	}
	return nil
}

// routing returns a member's location in the form of Route 53's messages, with their unequal brackets. Only the form
// for a country is recorded. The others follow it (unconfirmed). r53: C.6.
func routing(s *ResourceRecordSet) string {
	switch s.Policy() {
	case Geolocation:
		d, _ := GeoLocationByCode(*s.GeoLocation)
		part := func(kind, code, name string) string {
			if name == "" {
				return fmt.Sprintf("%s = (%s)", kind, code)
			}
			return fmt.Sprintf("%s = (%s, %s)", kind, code, name)
		}
		switch {
		case d.ContinentCode != "":
			return "[" + part("continent", d.ContinentCode, d.ContinentName) + "}"
		case d.SubdivisionCode != "":
			return "[" + part("country", d.CountryCode, d.CountryName) + ", " +
				part("subdivision", d.SubdivisionCode, d.SubdivisionName) + "}"
		}
		return "[" + part("country", d.CountryCode, d.CountryName) + "}"
	case Geoproximity:
		p := s.GeoProximityLocation
		if p.Coordinates != nil {
			return fmt.Sprintf("[coordinates = (%s, %s)}", p.Coordinates.Latitude, p.Coordinates.Longitude)
		}
		return fmt.Sprintf("[location = (%s)}", p.AWSRegion+p.LocalZoneGroup)
	}
	c := s.CidrRoutingConfig
	return fmt.Sprintf("[collection = (%s), location = (%s)}", c.CollectionID, c.LocationName)
}
