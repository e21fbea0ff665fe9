package geo

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// An Area is what is known about the country of a place. Every part may be empty.
type Area struct {
	Continent   string // AF AN AS EU NA OC SA; empty too if it follows from the country
	Country     string // ISO 3166-1 alpha-2, such as DE
	Subdivision string // ISO 3166-2 without the country: the state VA of the US
}

// String returns an area in the form "US-VA", "DE", "continent EU" or "".
func (a Area) String() string {
	switch {
	case a.Subdivision != "":
		return a.Country + "-" + a.Subdivision
	case a.Country != "":
		return a.Country
	case a.Continent != "":
		return "continent " + a.Continent
	}
	return ""
}

// validate checks the form of the codes. It does not check that the country or state exists.
func (a Area) validate() error {
	if a.Continent != "" && !slices.Contains(strings.Fields("AF AN AS EU NA OC SA"), a.Continent) {
		return fmt.Errorf("continent: %q is none of AF AN AS EU NA OC SA", a.Continent)
	}
	if a.Country != "" && (len(a.Country) != 2 || !isCode(a.Country)) {
		return fmt.Errorf("country: %q is not two letters of ISO 3166-1 in upper case, such as DE", a.Country)
	}
	if !isSubdivision(a.Subdivision) {
		return fmt.Errorf("subdivision: %q is not a code of ISO 3166-2 without the country, such as VA", a.Subdivision)
	}
	if a.Subdivision != "" && a.Country == "" {
		return errors.New("subdivision: needs the country it is in")
	}
	return nil
}

func isSubdivision(s string) bool { return len(s) <= 3 && isCode(s) }

func isCode(s string) bool {
	for _, c := range []byte(s) {
		if (c < 'A' || c > 'Z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

// Area returns the area of a place, empty if it has none. It allocates nothing.
func (a *Atlas) Area(p PlaceID) Area {
	if r, ok := a.found(p); ok {
		return r.area
	}
	if int(p) >= len(a.places) {
		return Area{}
	}
	at := &a.places[p]
	return Area{at.Continent, at.Country, at.Subdivision}
}

// Countries returns the countries that have places, in order.
func (a *Atlas) Countries() []string { return slices.Sorted(maps.Keys(a.countries)) }
