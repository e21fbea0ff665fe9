package geo

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/oschwald/maxminddb-golang/v2"
)

// A geoIP is a MaxMind DB with every distinct location in it made a place.
type geoIP struct {
	reader  *maxminddb.Reader
	places  map[uintptr]PlaceID // by the offset of the record
	records []geoIPRecord       // by PlaceID less the number of configured places
}

// A geoIPRecord is what is used of a record; cities and postal codes that share a location become one.
type geoIPRecord struct {
	area    Area
	at      Coordinates
	located bool // at is known
	point   Point
}

// record is the shape that GeoIP2 and GeoLite2 Country and City have in common, as far as it is used.
type record struct {
	Continent struct {
		Code string `maxminddb:"code"`
	} `maxminddb:"continent"`
	Country struct {
		Code string `maxminddb:"iso_code"`
	} `maxminddb:"country"`
	Subdivisions []struct {
		Code string `maxminddb:"iso_code"`
	} `maxminddb:"subdivisions"`
	Location struct {
		Latitude  *float64 `maxminddb:"latitude"`
		Longitude *float64 `maxminddb:"longitude"`
	} `maxminddb:"location"`
}

// openGeoIP reads a whole database, so that no lookup has to decode a record. Places are numbered from first on.
func openGeoIP(data []byte, first PlaceID) (*geoIP, error) {
	reader, err := maxminddb.OpenBytes(data)
	if err != nil {
		return nil, err
	}
	g := &geoIP{reader: reader, places: map[uintptr]PlaceID{}}
	same := map[geoIPRecord]PlaceID{}
	var (
		flat   bool     // the fields of a record are ipinfo's
		fields []string // of the first record
	)
	left := reader.Metadata.NodeCount + 1 // a tree of so many nodes with two branches has no more ends
	for network := range reader.Networks(maxminddb.IncludeNetworksWithoutData()) {
		if err := network.Err(); err != nil {
			return nil, err
		}
		if left == 0 { // nodes with two ways to them make for networks without end
			return nil, errors.New("the search tree is damaged: it has more networks than nodes")
		}
		left--
		if _, ok := g.places[network.Offset()]; ok || !network.Found() {
			continue
		}
		if len(g.places) == 0 {
			if flat, fields, err = isFlat(network.Decode); err != nil {
				return nil, fmt.Errorf("%s: %w", network.Prefix(), err)
			}
		}
		found, err := readRecord(network.Decode, flat)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", network.Prefix(), err)
		}
		if found == (geoIPRecord{}) {
			g.places[network.Offset()] = 0
			continue
		}
		id, ok := same[found]
		if !ok {
			id = first + PlaceID(len(g.records))
			same[found] = id
			g.records = append(g.records, found)
		}
		g.places[network.Offset()] = id
	}
	if len(g.records) == 0 {
		return nil, fmt.Errorf("no record of the database has a country, a continent or coordinates: wanted are the fields "+
			"country.iso_code, continent.code, location.latitude and location.longitude (MaxMind), or country_code or country, "+
			"continent_code or continent, latitude or lat, and longitude or lng (ipinfo); the first record has %s",
			cmp.Or(strings.Join(fields, ", "), "none"))
	}
	return g, nil
}

// A GeoIPError is what is wrong with Options.GeoIP. Who has read it from a file adds the name.
type GeoIPError struct{ err error }

// Error says what is wrong.
func (e *GeoIPError) Error() string { return "GeoIP database: " + e.err.Error() }

// Unwrap returns the error of the reader.
func (e *GeoIPError) Unwrap() error { return e.err }

// addGeoIP puts a database behind the prefix tables.
func (a *Atlas) addGeoIP(data []byte) (err error) {
	if a.geoIP, err = openGeoIP(data, PlaceID(len(a.places))); err != nil {
		return err
	}
	for i := range a.geoIP.records {
		if country := a.geoIP.records[i].area.Country; country != "" {
			a.countries[country] = true
		}
	}
	return nil
}

// convert checks a record. The continent counts only where there is no country: which countries are on a continent is
// Route 53's choice, and differs from MaxMind's for some. r53: A.6.
func (r *record) convert() (found geoIPRecord, err error) {
	if found.area.Country = r.Country.Code; found.area.Country == "" {
		found.area.Continent = r.Continent.Code
	} else if len(r.Subdivisions) > 0 && isSubdivision(r.Subdivisions[0].Code) {
		found.area.Subdivision = r.Subdivisions[0].Code // the largest comes first
	}
	if err := found.area.validate(); err != nil {
		return found, err
	}
	if r.Location.Latitude != nil && r.Location.Longitude != nil {
		found.at, found.located = Coordinates{*r.Location.Latitude, *r.Location.Longitude}, true
		if err := found.at.validate(); err != nil {
			return found, fmt.Errorf("location: %w", err)
		}
		found.point = found.at.Point()
	}
	return found, nil
}

// lookup returns the place of an address, and the network of the database that it shares that place with; place 0 where
// the database says nothing, and no network where that is not known.
func (g *geoIP) lookup(addr netip.Addr) (p PlaceID, network netip.Prefix) {
	if g.reader.Metadata.IPVersion == 4 && addr.Is6() {
		return 0, netip.Prefix{}
	}
	found := g.reader.Lookup(addr)
	if found.Found() {
		p = g.places[found.Offset()]
	}
	if network = found.Prefix(); !network.Contains(addr) { // an IPv4 address in an IPv6 network
		network = netip.Prefix{}
	}
	return p, network
}

// found returns the record that a PlaceID beyond the configured places stands for.
func (a *Atlas) found(p PlaceID) (*geoIPRecord, bool) {
	i := int(p) - len(a.places)
	if a.geoIP == nil || i < 0 || i >= len(a.geoIP.records) {
		return nil, false
	}
	return &a.geoIP.records[i], true
}

// place makes a record a Place for display.
func (r *geoIPRecord) place() Place {
	p := Place{Country: r.area.Country, Subdivision: r.area.Subdivision, Continent: r.area.Continent, Name: "GeoIP"}
	if r.area != (Area{}) {
		p.Name += " " + r.area.String()
	}
	if r.located {
		p.Coordinates = &r.at
		p.Name += fmt.Sprintf(" (%.2f, %.2f)", r.at.Latitude, r.at.Longitude)
	}
	return p
}
