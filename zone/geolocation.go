package zone

import (
	"cmp"
	"iter"

	"github.com/bulkhead-dns/bulkhead/country"
)

// A GeoLocation is where geolocation routing's clients are: a continent, a country, or a state of the United States.
// The country "*" is the default location: everywhere that no other member covers. r53: A.6.
type GeoLocation struct {
	ContinentCode   string `json:"continentCode,omitempty"`   // AF AN AS EU NA OC SA; never beside a country
	CountryCode     string `json:"countryCode,omitempty"`     // ISO 3166-1 alpha-2 in upper case, or "*"
	SubdivisionCode string `json:"subdivisionCode,omitempty"` // of a US state or DC; only beside the country US
}

// GeoLocationDetails is a location with the names of its parts. What the location leaves out has no name.
type GeoLocationDetails struct {
	GeoLocation
	ContinentName, CountryName, SubdivisionName string
}

// anyCountry is the country code of the default location.
const anyCountry = "*"

// GeoLocationByCode returns the details of a location; ok is false when it does not exist or its codes do not go
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

// GeoLocations yields every location at or after start as ListGeoLocations does: countries by code, the default "*" as
// the first of them, the states of the United States right behind it, and continents last. The zero GeoLocation starts
// at the beginning; one with a continent yields continents only. A start need not exist. That the order within a kind
// is by code, not by name, is how the API's start parameters read (unconfirmed). r53: C.3.
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

// compare orders locations as they are listed. A location without a continent comes before all that have one.
func (l GeoLocation) compare(o GeoLocation) int {
	return cmp.Or(
		cmp.Compare(l.ContinentCode, o.ContinentCode),
		cmp.Compare(l.CountryCode, o.CountryCode),
		cmp.Compare(l.SubdivisionCode, o.SubdivisionCode),
	)
}
