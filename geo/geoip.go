package geo

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/oschwald/maxminddb-golang/v2"
)

// A geoIP is a MaxMind DB. Every distinct location in it is a place.
type geoIP struct {
	reader  *maxminddb.Reader
	places  map[uintptr]PlaceID // by the offset of the record
	records []geoIPRecord       // by PlaceID minus the number of configured places
}

// A geoIPRecord is the part of a record that is used. Cities and postal codes with the same location become one.
type geoIPRecord struct {
	area    Area
	at      Coordinates
	located bool // at is known
	point   Point
}

// record has the fields that are used of GeoIP2 and GeoLite2, Country and City.
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

// openGeoIP reads a whole database, so that a lookup does not have to decode a record. first is the first PlaceID.
func openGeoIP(data []byte, first PlaceID) (*geoIP, error) {
	reader, err := maxminddb.OpenBytes(data)
	if err != nil {
		return nil, err
	}
	g := &geoIP{reader: reader, places: map[uintptr]PlaceID{}}
	byRecord := map[geoIPRecord]PlaceID{}
	var (
		flat   bool     // the records have ipinfo's form
		fields []string // of the first record
	)
	remaining := reader.Metadata.NodeCount + 1 // a binary tree of this many nodes has no more leaves
	for network := range reader.Networks(maxminddb.IncludeNetworksWithoutData()) {
		if err := network.Err(); err != nil {
			return nil, err
		}
		if remaining == 0 { // in a damaged tree, a cycle of nodes has no end
			return nil, errors.New("the search tree is damaged: it has more networks than nodes")
		}
		remaining--
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
		id, ok := byRecord[found]
		if !ok {
			id = first + PlaceID(len(g.records))
			byRecord[found] = id
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

// A GeoIPError is an error in Options.GeoIP. The caller adds the name of the file.
type GeoIPError struct{ err error }

// Error returns the message.
func (e *GeoIPError) Error() string { return "GeoIP database: " + e.err.Error() }

// Unwrap returns the error of the reader.
func (e *GeoIPError) Unwrap() error { return e.err }

// addGeoIP adds a database, which is used after the prefix tables.
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

// convert checks a record. It uses the continent only if there is no country, because Route 53 and MaxMind assign some
// countries to different continents. r53: A.6.
func (r *record) convert() (found geoIPRecord, err error) {
	if found.area.Country = r.Country.Code; found.area.Country == "" {
		found.area.Continent = r.Continent.Code
	} else if len(r.Subdivisions) > 0 && isSubdivision(r.Subdivisions[0].Code) {
		found.area.Subdivision = r.Subdivisions[0].Code // the largest subdivision comes first
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

// lookup returns the place of an address, and the network of the database that has this place. The place is 0 if the
// database has none. The network is the zero Prefix if it is not known.
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

// found returns the record of a PlaceID from the database. ok is false for configured places.
func (a *Atlas) found(p PlaceID) (*geoIPRecord, bool) {
	i := int(p) - len(a.places)
	if a.geoIP == nil || i < 0 || i >= len(a.geoIP.records) {
		return nil, false
	}
	return &a.geoIP.records[i], true
}

// place returns a record as a Place, for display.
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
