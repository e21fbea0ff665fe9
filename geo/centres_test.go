package geo_test

import (
	"testing"

	"github.com/bulkhead-dns/bulkhead/geo"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// Every location of geolocation routing has a centre, and the Region nearest to it is plausible.
func TestCentres(t *testing.T) {
	for l := range zone.GeoLocations(zone.GeoLocation{}) {
		_, ok := geo.Centre(geo.Area{Country: l.CountryCode, Subdivision: l.SubdivisionCode, Continent: l.ContinentCode})
		if want := l.CountryCode != "*"; ok != want {
			t.Errorf("%+v: a centre is known: %t", l, ok)
		}
	}
	for _, c := range []struct {
		area geo.Area
		near string
	}{
		{geo.Area{Country: "DE"}, "eu-central-1"}, {geo.Area{Country: "JP"}, "ap-northeast-1"},
		{geo.Area{Country: "BR"}, "sa-east-1"},
		{geo.Area{Country: "IE"}, "eu-west-1"}, {geo.Area{Country: "US", Subdivision: "VA"}, "us-east-1"},
		{geo.Area{Continent: "EU"}, "eu-central-1"},
	} {
		at, _ := geo.Centre(c.area)
		atlas, err := geo.New(geo.Options{Places: []geo.Place{{Coordinates: &at}}})
		if err != nil {
			t.Fatal(err)
		}
		for _, other := range []string{"us-west-2", "ap-southeast-2", "eu-south-2"} {
			if atlas.Latency(1, atlas.Region(c.near)) >= atlas.Latency(1, atlas.Region(other)) {
				t.Errorf("%s is nearer to %s than to %s", c.area, other, c.near)
			}
		}
	}
}
