package steer

import (
	"fmt"

	"github.com/bulkhead-dns/bulkhead/country"
	"github.com/bulkhead-dns/bulkhead/geo"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// An area is a location of geolocation routing in four bytes: a country, and for the US a state behind it; or two zeros
// and a continent. 0 is the default location.
type area uint32

func packArea(code, within string) (a area) {
	var b [4]byte
	copy(b[:2], code)
	copy(b[2:], within)
	for _, c := range b {
		a = a<<8 | area(c)
	}
	return a
}

// compileArea refuses locations that there are not. r53: A.6.
func compileArea(l *zone.GeoLocation) (area, error) {
	if _, ok := zone.GeoLocationByCode(*l); !ok {
		return 0, fmt.Errorf("geolocation %+v: there is no such continent, country or US state", *l)
	}
	if l.CountryCode == "*" {
		return 0, nil
	}
	return packArea(l.CountryCode, l.SubdivisionCode+l.ContinentCode), nil // only one of the two is there
}

// String names an area as a trace does.
func (a area) String() string {
	code := func(a area) string { return string([]byte{byte(a >> 8), byte(a)}) }
	switch {
	case a == 0:
		return "default location"
	case a>>16 == 0:
		return "continent " + code(a)
	case a&0xffff != 0:
		return "state " + code(a>>16) + "-" + code(a)
	}
	return "country " + code(a>>16)
}

// A ladder is what a client's location is part of, the smallest first: a US state, a country, a continent. 0 is not
// known. r53: A.6.
type ladder [3]area

const (
	stateRung = iota
	countryRung
	continentRung
	defaultRung
)

// ladder returns the areas of a place. A subdivision counts in the US only: elsewhere Route 53 has none.
func (v *View) ladder(p geo.PlaceID) (l ladder) {
	at := v.atlas.Area(p)
	if at.Country != "" {
		l[countryRung] = packArea(at.Country, "")
		l[continentRung] = v.continents[l[countryRung]]
	}
	if at.Country == "US" && len(at.Subdivision) == 2 {
		l[stateRung] = packArea(at.Country, at.Subdivision)
	}
	if at.Continent != "" {
		l[continentRung] = packArea("", at.Continent)
	}
	return l
}

// rung tells how near to the client an area is: 0 for its state, and so on up to the default location, which is
// everywhere; ok is false for areas elsewhere.
func (l ladder) rung(a area) (rung int, ok bool) {
	if a == 0 {
		return defaultRung, true
	}
	for i, mine := range l {
		if mine == a {
			return i, true
		}
	}
	return 0, false
}

// chinese reports whether a Region comes first whatever the latency: cn-north-1 for clients in China. r53: A.7.
func (d *decision) chinese(l ladder, r geo.RegionID) bool {
	return l[countryRung] == packArea("CN", "") && d.v.atlas.RegionName(r) == "cn-north-1"
}

// continentsOf tells the continents of the countries that an atlas knows places in, as Route 53 has them.
func continentsOf(atlas *geo.Atlas) map[area]area {
	continents := map[area]area{}
	for _, code := range atlas.Countries() {
		if c := country.Continent(code); c != "" {
			continents[packArea(code, "")] = packArea("", c)
		}
	}
	return continents
}

// locate finds the client for a group whose answer depends on where it is: in the atlas, once, or in the group's CIDR
// collection.
func (d *decision) locate(g *group) {
	switch {
	case !g.asksPlace():
	case g.policy == zone.IPBased:
		var scope int
		d.location, scope = d.v.blocks(g).Locate(d.q.Client)
		d.narrow(scope)
	case !d.placed:
		var scope int
		d.a.Place, scope = d.v.atlas.Locate(d.q.Client.Addr(), d.q.ECS)
		d.ladder = d.v.ladder(d.a.Place)
		d.placed = true
		d.narrow(scope)
	}
}

// blocks returns the CIDR collection of a group; nil while the view does not have it.
func (v *View) blocks(g *group) *geo.Blocks {
	id := v.labels.value(g.collection)
	blocks, _ := v.collections.get(v.hashString(id), []byte(id))
	return blocks
}

// narrow says that the answer depends on so many bits of the client's address.
func (d *decision) narrow(scope int) {
	d.a.Located = true
	d.a.Scope = max(d.a.Scope, scope)
}

// asksPlace reports whether the pick depends on the client's place. Where one member answers everybody it does not; a
// single member of geolocation or IP-based routing answers everybody only in the default location.
func (g *group) asksPlace() bool {
	switch g.policy {
	case zone.Latency, zone.Geoproximity:
		return len(g.members) > 1
	case zone.Geolocation, zone.IPBased:
		return len(g.members) > 1 || g.members[0].value != 0
	}
	return false
}

// rank says how well a member suits the client by the group's policy, least being best; ok is false when it does not
// apply to this client at all.
func (d *decision) rank(g *group, m *member) (rank float64, ok bool) {
	switch g.policy {
	case zone.Latency:
		r := geo.RegionID(m.value)
		if d.chinese(d.ladder, r) {
			return -1, true
		}
		return float64(d.v.atlas.Latency(d.a.Place, r)), true
	case zone.Geoproximity:
		return d.nearness(m), true
	case zone.Geolocation:
		rung, ok := d.ladder.rung(area(m.value))
		return float64(rung), ok
	case zone.IPBased:
		// The longest block decides the location once and for all: where its member is missing or unhealthy, the default
		// answers, not the location of a shorter block (unconfirmed). r53: A.8.
		if m.value == 0 {
			return 1, true
		}
		return 0, d.v.labels.value(m.value) == d.location
	}
	return float64(m.value), true
}
