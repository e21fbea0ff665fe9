package r53server

import (
	"github.com/bulkhead-dns/bulkhead/zone"
)

// getGeoLocation names a location. r53: A.6, C.3.
func (s *Server) getGeoLocation(r *request) (reply, error) {
	l := zone.GeoLocation{
		ContinentCode:   r.query.Get("continentcode"),
		CountryCode:     r.query.Get("countrycode"),
		SubdivisionCode: r.query.Get("subdivisioncode"),
	}
	if (l.ContinentCode == "") == (l.CountryCode == "") {
		return reply{}, invalidInput("Exactly one of continentcode and countrycode is expected.")
	}
	if err := checkGeoLocation(l); err != nil {
		return reply{}, err
	}
	details, ok := zone.GeoLocationByCode(l)
	if !ok {
		return reply{}, noSuchGeoLocation(l)
	}
	return reply{body: geoLocationReply{geoLocationDetailsShape(details)}}, nil
}

// listGeoLocations starts at a location, which need not exist. r53: C.3, C.7.
func (s *Server) listGeoLocations(r *request) (reply, error) {
	size, err := pageSize(r.query, maxResultPage)
	if err != nil {
		return reply{}, err
	}
	start := zone.GeoLocation{
		ContinentCode:   r.query.Get("startcontinentcode"),
		CountryCode:     r.query.Get("startcountrycode"),
		SubdivisionCode: r.query.Get("startsubdivisioncode"),
	}
	if start.ContinentCode != "" && start.CountryCode != "" {
		return reply{}, invalidInput("startcontinentcode is not accepted together with startcountrycode.")
	}
	if err := checkGeoLocation(start); err != nil {
		return reply{}, err
	}
	locations, next, truncated := page(zone.GeoLocations(start), func(zone.GeoLocationDetails) bool { return true }, size)
	out := listGeoLocationsReply{
		IsTruncated: truncated, NextContinentCode: next.ContinentCode, NextCountryCode: next.CountryCode,
		NextSubdivisionCode: next.SubdivisionCode, MaxItems: size,
	}
	for _, l := range locations {
		out.GeoLocationDetailsList.GeoLocationDetails = append(out.GeoLocationDetailsList.GeoLocationDetails,
			geoLocationDetailsShape(l))
	}
	return reply{body: out}, nil
}

// checkGeoLocation bounds the codes as the API model does.
func checkGeoLocation(l zone.GeoLocation) error {
	switch {
	case l.ContinentCode != "" && len(l.ContinentCode) < 2:
		return constraint(l.ContinentCode, "ContinentCode", "Member must have length greater than or equal to 2")
	case len(l.ContinentCode) > 2:
		return tooLong(l.ContinentCode, "ContinentCode", 2)
	case len(l.CountryCode) > 2:
		return tooLong(l.CountryCode, "CountryCode", 2)
	case len(l.SubdivisionCode) > 3:
		return tooLong(l.SubdivisionCode, "SubdivisionCode", 3)
	case l.SubdivisionCode != "" && l.CountryCode == "":
		return invalidInput("A subdivision code is accepted together with a country code only.")
	}
	return nil
}

// decodeGeoLocation reads a member of a record set, as the next two functions do. The zone room checks the values.
func decodeGeoLocation(set object) *zone.GeoLocation {
	if !set.has("GeoLocation") {
		return nil
	}
	in := set.object("GeoLocation", "ContinentCode", "CountryCode", "SubdivisionCode")
	return &zone.GeoLocation{
		ContinentCode:   in.filled("ContinentCode"),
		CountryCode:     in.filled("CountryCode"),
		SubdivisionCode: in.filled("SubdivisionCode"),
	}
}

func decodeGeoProximity(set object) *zone.GeoProximityLocation {
	if !set.has("GeoProximityLocation") {
		return nil
	}
	in := set.object("GeoProximityLocation", "AWSRegion", "LocalZoneGroup", "Coordinates", "Bias")
	location := &zone.GeoProximityLocation{
		AWSRegion: in.filled("AWSRegion"), LocalZoneGroup: in.filled("LocalZoneGroup"), Bias: in.int64("Bias"),
	}
	if in.has("Coordinates") {
		degrees := in.object("Coordinates", "Latitude", "Longitude")
		degrees.require("Latitude", "Longitude")
		location.Coordinates = &zone.Coordinates{Latitude: degrees.text("Latitude"), Longitude: degrees.text("Longitude")}
	}
	return location
}

func decodeCidrRouting(set object) *zone.CidrRoutingConfig {
	if !set.has("CidrRoutingConfig") {
		return nil
	}
	in := set.object("CidrRoutingConfig", "CollectionId", "LocationName")
	in.require("CollectionId", "LocationName")
	return &zone.CidrRoutingConfig{CollectionID: in.text("CollectionId"), LocationName: in.text("LocationName")}
}

type geoLocationReply struct{ GeoLocationDetails geoLocationDetails }

type listGeoLocationsReply struct {
	GeoLocationDetailsList struct{ GeoLocationDetails []geoLocationDetails }
	IsTruncated            bool
	NextContinentCode      string `xml:",omitempty"`
	NextCountryCode        string `xml:",omitempty"`
	NextSubdivisionCode    string `xml:",omitempty"`
	MaxItems               int
}

type geoLocationDetails struct {
	ContinentCode   string `xml:",omitempty"`
	ContinentName   string `xml:",omitempty"`
	CountryCode     string `xml:",omitempty"`
	CountryName     string `xml:",omitempty"`
	SubdivisionCode string `xml:",omitempty"`
	SubdivisionName string `xml:",omitempty"`
}

func geoLocationDetailsShape(d zone.GeoLocationDetails) geoLocationDetails {
	return geoLocationDetails{
		d.ContinentCode, d.ContinentName, d.CountryCode, d.CountryName, d.SubdivisionCode, d.SubdivisionName,
	}
}

type geoLocation struct {
	ContinentCode   string `xml:",omitempty"`
	CountryCode     string `xml:",omitempty"`
	SubdivisionCode string `xml:",omitempty"`
}

func geoLocationShape(l *zone.GeoLocation) *geoLocation {
	if l == nil {
		return nil
	}
	return &geoLocation{l.ContinentCode, l.CountryCode, l.SubdivisionCode}
}

type cidrRoutingConfig struct {
	CollectionID string `xml:"CollectionId"`
	LocationName string
}

// geoProximityLocation shows a Bias only when one was given. Clients read a missing Bias as 0. r53: E.5.
type geoProximityLocation struct {
	AWSRegion      string `xml:",omitempty"`
	LocalZoneGroup string `xml:",omitempty"`
	Coordinates    *coordinates
	Bias           *int64
}

type coordinates struct{ Latitude, Longitude string }

func geoProximityShape(l *zone.GeoProximityLocation) *geoProximityLocation {
	if l == nil {
		return nil
	}
	shape := &geoProximityLocation{AWSRegion: l.AWSRegion, LocalZoneGroup: l.LocalZoneGroup, Bias: l.Bias}
	if c := l.Coordinates; c != nil {
		shape.Coordinates = &coordinates{c.Latitude, c.Longitude}
	}
	return shape
}
