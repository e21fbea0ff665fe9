package steer

import (
	"fmt"

	"github.com/bulkhead-dns/bulkhead/country"
	"github.com/bulkhead-dns/bulkhead/geo"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// An area is a location of geolocation routing in four bytes: a country and, in the US, a state; or two zero bytes and
// a continent. 0 is the default location.
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

// compileArea returns the area of a location. It refuses locations that do not exist. r53: A.6.
func compileArea(l *zone.GeoLocation) (area, error) {
	if _, ok := zone.GeoLocationByCode(*l); !ok {
		return 0, fmt.Errorf("geolocation %+v: no continent, country or US state has these codes", *l)
	}
	if l.CountryCode == "*" {
		return 0, nil
	}
	return packArea(l.CountryCode, l.SubdivisionCode+l.ContinentCode), nil // only one of the two is there
}

// String returns the name of an area for a trace.
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

// areas are the areas that contain a client, the smallest first: a US state, a country, a continent. 0 is an unknown
// area. r53: A.6.
type areas [3]area

const (
	stateLevel = iota
	countryLevel
	continentLevel
	defaultLevel
)

// areasOf returns the areas that contain a place. A subdivision counts only in the US, because Route 53 has no others.
func (v *View) areasOf(p geo.PlaceID) (l areas) {
	at := v.atlas.Area(p)
	if at.Country != "" {
		l[countryLevel] = packArea(at.Country, "")
		l[continentLevel] = v.continents[l[countryLevel]]
	}
	if at.Country == "US" && len(at.Subdivision) == 2 {
		l[stateLevel] = packArea(at.Country, at.Subdivision)
	}
	if at.Continent != "" {
		l[continentLevel] = packArea("", at.Continent)
	}
	return l
}

// level returns the level of an area that contains the client, from stateLevel up to defaultLevel. The default location
// contains every client. ok is false for an area that does not contain the client.
func (l areas) level(a area) (level int, ok bool) {
	if a == 0 {
		return defaultLevel, true
	}
	for i, mine := range l {
		if mine == a {
			return i, true
		}
	}
	return 0, false
}

// prefersBeijing reports whether a Region is preferred whatever its latency: cn-north-1 is, for clients in China.
// r53: A.7.
func (d *decision) prefersBeijing(l areas, r geo.RegionID) bool {
	return l[countryLevel] == packArea("CN", "") && d.v.atlas.RegionName(r) == "cn-north-1"
}

// continentsOf returns the continents that Route 53 gives to the countries of an atlas.
func continentsOf(atlas *geo.Atlas) map[area]area {
	continents := map[area]area{}
	for _, code := range atlas.Countries() {
		if c := country.Continent(code); c != "" {
			continents[packArea(code, "")] = packArea("", c)
		}
	}
	return continents
}

// locate finds the client if the answer of a group depends on where the client is. It looks in the group's CIDR
// collection, or in the atlas, there only once for each decision.
func (d *decision) locate(g *group) {
	switch {
	case !g.dependsOnClient():
	case g.policy == zone.IPBased:
		var scope int
		d.location, scope = d.v.blocks(g).Locate(d.q.Client)
		d.narrow(scope)
	case !d.placed:
		var scope int
		d.a.Place, scope = d.v.atlas.Locate(d.q.Client.Addr(), d.q.ECS)
		d.areas = d.v.areasOf(d.a.Place)
		d.placed = true
		d.narrow(scope)
	}
}

// blocks returns the CIDR collection of a group. It is nil while the view does not have the collection.
func (v *View) blocks(g *group) *geo.Blocks {
	id := v.labels.value(g.collection)
	blocks, _ := v.collections.get(v.hashString(id), []byte(id))
	return blocks
}

// narrow records that the answer depends on this many bits of the client's address.
func (d *decision) narrow(scope int) {
	d.a.Located = true
	d.a.Scope = max(d.a.Scope, scope)
}

// dependsOnClient reports whether the pick depends on where the client is. It does not if one member answers every
// client: a single member does, but in geolocation and IP-based routing only if it is for the default location.
func (g *group) dependsOnClient() bool {
	switch g.policy {
	case zone.Latency, zone.Geoproximity:
		return len(g.members) > 1
	case zone.Geolocation, zone.IPBased:
		return len(g.members) > 1 || g.members[0].value != 0
	}
	return false
}

// rank returns how well a member suits the client by the group's policy; the lowest rank is the best. ok is false if
// the member is not for this client.
func (d *decision) rank(g *group, m *member) (rank float64, ok bool) {
	switch g.policy {
	case zone.Latency:
		r := geo.RegionID(m.value)
		if d.prefersBeijing(d.areas, r) {
			return -1, true
		}
		return float64(d.v.atlas.Latency(d.a.Place, r)), true
	case zone.Geoproximity:
		return d.biasedDistance(m), true
	case zone.Geolocation:
		level, ok := d.areas.level(area(m.value))
		return float64(level), ok
	case zone.IPBased:
		// The longest block decides the location. If the member of that location is missing or unhealthy, the default
		// member answers, not the location of a shorter block (unconfirmed). r53: A.8.
		if m.value == 0 {
			return 1, true
		}
		return 0, d.v.labels.value(m.value) == d.location
	}
	return float64(m.value), true
}
