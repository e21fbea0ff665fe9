package zone

import (
	"cmp"
	"iter"

	"github.com/bulkhead-dns/bulkhead/country"
)

// A GeoLocation is the location of clients in geolocation routing: a continent, a country, or a state of the United
// States. The country "*" is the default location: the clients of no other member. r53: A.6.
type GeoLocation struct {
	ContinentCode   string `json:"continentCode,omitempty"`   // AF AN AS EU NA OC SA; never beside a country
	CountryCode     string `json:"countryCode,omitempty"`     // ISO 3166-1 alpha-2 in upper case, or "*"
	SubdivisionCode string `json:"subdivisionCode,omitempty"` // of a US state or DC; only beside the country US
}

// GeoLocationDetails is a location with the names of its parts. A part without a code has no name.
type GeoLocationDetails struct {
	GeoLocation
	ContinentName, CountryName, SubdivisionName string
}

// anyCountry is the country code of the default location.
const anyCountry = "*"

// GeoLocationByCode returns the details of a location. ok is false if it does not exist or its codes do not belong
// together. Codes are in upper case. r53: A.6.
func GeoLocationByCode(l GeoLocation) (details GeoLocationDetails, ok bool) {
	details.GeoLocation = l
	if l.ContinentCode != "" {
		details.ContinentName, ok = country.ContinentName(l.ContinentCode)
		return details, ok && l.CountryCode == "" && l.SubdivisionCode == ""
	}
	if l.CountryCode == anyCountry {
		details.CountryName, ok = "Default", true
	} else {
		details.CountryName, ok = country.Name(l.CountryCode)
	}
	if l.SubdivisionCode == "" {
		return details, ok
	}
	details.SubdivisionName, ok = country.StateName(l.SubdivisionCode)
	return details, ok && l.CountryCode == country.UnitedStates
}

// GeoLocations yields the locations at or after start in the order of ListGeoLocations: countries by code, with the
// default "*" first and the states right after the United States, then continents. The zero GeoLocation starts at the
// beginning. A start with a continent yields continents only. A start need not exist. The order by code, not by name,
// is read from the start parameters of the API (unconfirmed). r53: C.3.
func GeoLocations(start GeoLocation) iter.Seq[GeoLocationDetails] {
	return func(yield func(GeoLocationDetails) bool) {
		for l := range everyLocation {
			if l.compare(start) < 0 {
				continue
			}
			if details, _ := GeoLocationByCode(l); !yield(details) {
				return
			}
		}
	}
}

func everyLocation(yield func(GeoLocation) bool) {
	if !yield(GeoLocation{CountryCode: anyCountry}) {
		return
	}
	for code := range country.All() {
		if !yield(GeoLocation{CountryCode: code}) {
			return
		}
		if code != country.UnitedStates {
			continue
		}
		for state := range country.States() {
			if !yield(GeoLocation{CountryCode: code, SubdivisionCode: state}) {
				return
			}
		}
	}
	for continent := range country.Continents() {
		if !yield(GeoLocation{ContinentCode: continent}) {
			return
		}
	}
}

// compare orders locations as ListGeoLocations does. A location without a continent comes before those with one.
func (l GeoLocation) compare(o GeoLocation) int {
	return cmp.Or(
		cmp.Compare(l.ContinentCode, o.ContinentCode),
		cmp.Compare(l.CountryCode, o.CountryCode),
		cmp.Compare(l.SubdivisionCode, o.SubdivisionCode),
	)
}
