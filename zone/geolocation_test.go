package zone

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkhead-dns/bulkhead/country"
)

func TestGeoLocationByCode(t *testing.T) {
	for _, c := range []struct {
		in   GeoLocation
		want GeoLocationDetails // r53: A.6
		ok   bool
	}{
		{GeoLocation{ContinentCode: "AN"}, GeoLocationDetails{ContinentName: "Antarctica"}, true},
		{GeoLocation{CountryCode: "JP"}, GeoLocationDetails{CountryName: "Japan"}, true},
		{GeoLocation{CountryCode: "CI"}, GeoLocationDetails{CountryName: "Côte d'Ivoire"}, true},
		{GeoLocation{CountryCode: "*"}, GeoLocationDetails{CountryName: "Default"}, true},
		{GeoLocation{CountryCode: "US", SubdivisionCode: "DC"},
			GeoLocationDetails{CountryName: "United States", SubdivisionName: "District of Columbia"}, true},
		{GeoLocation{CountryCode: "CA", SubdivisionCode: "VA"}, GeoLocationDetails{}, false},
		{GeoLocation{CountryCode: "*", SubdivisionCode: "VA"}, GeoLocationDetails{}, false},
		{GeoLocation{CountryCode: "US", SubdivisionCode: "PR"}, GeoLocationDetails{}, false},
		{GeoLocation{CountryCode: "HM"}, GeoLocationDetails{}, false},
		{GeoLocation{ContinentCode: "EU", CountryCode: "DE"}, GeoLocationDetails{}, false},
		{GeoLocation{ContinentCode: "XX"}, GeoLocationDetails{}, false},
		{GeoLocation{SubdivisionCode: "VA"}, GeoLocationDetails{}, false},
		{GeoLocation{}, GeoLocationDetails{}, false},
	} {
		got, ok := GeoLocationByCode(c.in)
		c.want.GeoLocation = c.in
		if ok != c.ok || ok && got != c.want {
			t.Errorf("%+v: %+v, %v, want %+v, %v", c.in, got, ok, c.want, c.ok)
		}
	}
}

func TestGeoLocationsListAsRoute53(t *testing.T) {
	all := slices.Collect(GeoLocations(GeoLocation{}))
	if want := 1 + 246 + 51 + 7; len(all) != want {
		t.Errorf("%d locations, want %d: the default, the countries of r53: A.6, 50 states and DC, continents", len(all),
			want)
	}
	perContinent := map[string]int{}
	for _, l := range all {
		if again, ok := GeoLocationByCode(l.GeoLocation); !ok || again != l {
			t.Errorf("%+v is listed, but found as %+v, %v", l, again, ok)
		}
		if name := l.ContinentName + l.CountryName; name == "" || strings.TrimSpace(name) != name {
			t.Errorf("%+v has the name %q", l.GeoLocation, name)
		}
		if l.CountryCode != "" && l.CountryCode != "*" && l.SubdivisionCode == "" {
			perContinent[country.Continent(l.CountryCode)]++
		}
	}
	if diff := cmp.Diff(map[string]int{"AF": 57, "AN": 3, "AS": 50, "EU": 54, "NA": 41, "OC": 27, "SA": 14},
		perContinent); diff != "" {
		t.Errorf("countries per continent (r53: A.6) want -, got +\n%s", diff)
	}
	for _, c := range []struct {
		start GeoLocation
		first []string // r53: C.3
	}{
		{GeoLocation{}, []string{"Default", "Andorra", "United Arab Emirates"}},
		{GeoLocation{CountryCode: "UM"}, []string{"U.S. Minor Outlying Islands", "United States", "United States/Alaska"}},
		{GeoLocation{CountryCode: "US", SubdivisionCode: "WV"},
			[]string{"United States/West Virginia", "United States/Wyoming", "Uruguay"}},
		{GeoLocation{CountryCode: "US", SubdivisionCode: "ZZ"}, []string{"Uruguay", "Uzbekistan", "Vatican City"}},
		{GeoLocation{CountryCode: "ZW"}, []string{"Zimbabwe", "Africa", "Antarctica"}},
		{GeoLocation{CountryCode: "ZZ"}, []string{"Africa", "Antarctica", "Asia"}},
		{GeoLocation{ContinentCode: "OC"}, []string{"Oceania", "South America"}},
		{GeoLocation{ContinentCode: "ZZ"}, nil},
	} {
		var got []string
		for l := range GeoLocations(c.start) {
			name := l.ContinentName + l.CountryName
			if l.SubdivisionName != "" {
				name += "/" + l.SubdivisionName
			}
			if got = append(got, name); len(got) == 3 {
				break
			}
		}
		if diff := cmp.Diff(c.first, got); diff != "" {
			t.Errorf("from %+v want -, got +\n%s", c.start, diff)
		}
	}
}

// Every location can be the start of a page: what is listed from it on is the rest of the whole list.
func TestGeoLocationsPages(t *testing.T) {
	all := slices.Collect(GeoLocations(GeoLocation{}))
	for i, l := range all {
		if rest := slices.Collect(GeoLocations(l.GeoLocation)); !slices.Equal(rest, all[i:]) {
			t.Fatalf("from %+v on there are %d locations, want the last %d", l.GeoLocation, len(rest), len(all)-i)
		}
	}
}
