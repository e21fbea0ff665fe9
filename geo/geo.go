// Package geo says where a client is, and how far each Region is from there.
//
// It finds the place of a client's address in prefix tables, then in a GeoIP database. The latency between a place and
// a Region is measured, or estimated from the great-circle distance. An Atlas is immutable and has no sockets or files.
package geo

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/netip"
	"slices"
)

// Coordinates are degrees; Latitude -90..90, Longitude -180..180.
type Coordinates struct{ Latitude, Longitude float64 }

// A Place is a location of clients. It needs a Region, Coordinates, Latencies, a Country or a Continent.
type Place struct {
	// Name is for display ("near eu-west-1"). The default is "near " and the Region, or the area, or the number of the
	// place.
	Name string
	// Region is the Region of the place's clients. Coordinates then default to those of the Region. A name that is not a
	// Region yet becomes one, at the Coordinates of the place.
	Region      string
	Coordinates *Coordinates
	// Geolocation routing uses Country (ISO 3166-1 alpha-2 in upper case), Subdivision (of that country by ISO 3166-2, for
	// the US its states) and Continent (AF AN AS EU NA OC SA). Set Continent only if there is no Country, or if it differs
	// from the continent that Route 53 gives to the Country.
	Country, Subdivision, Continent string
	// Latencies are measured round trips in milliseconds (0..60000) by Region. They replace estimates.
	Latencies map[string]float64
	// ClientSubnets match the EDNS Client Subnet of a query, Sources match its source address. A prefix may be in each of
	// the two tables only once.
	ClientSubnets, Sources []netip.Prefix
}

// A Region is a name with its location. The AWS Regions are built in.
type Region struct {
	Name        string
	Coordinates Coordinates
}

// Options of New. The zero value is an atlas with the AWS Regions and no places.
type Options struct {
	Places  []Place
	Regions []Region

	// GeoIP is the content of a MaxMind DB, for the clients that no prefix matches: GeoLite2 or GeoIP2, Country or City,
	// or another one with records of their form or of ipinfo's form. The atlas keeps it, so it must not be changed. Every
	// location in it becomes a place with a country, a US state and coordinates, as far as they are known. A Country
	// database has no coordinates, and so no latencies. Empty means no database.
	GeoIP []byte
}

// PlaceID and RegionID are indexes in an Atlas. Place 0 is "unknown": all Regions are equally far from it, so the
// SetIdentifier decides. Region 0 is "unknown": it is farther than any other Region.
type (
	PlaceID  uint32
	RegionID uint32
)

// An Atlas maps client addresses to places, and pairs of place and Region to latencies.
type Atlas struct {
	places  []Place // by PlaceID
	names   []string
	coords  []Coordinates // by RegionID, as names
	regions map[string]RegionID

	countries map[string]bool

	points       []*Point // by PlaceID; nil if it is not known
	regionPoints []Point  // by RegionID

	latency  []uint32 // microseconds at place*len(names)+region
	measured []bool   // same index

	prefixes prefixes
	geoIP    *geoIP // nil if there is no database
}

// New returns an atlas. An error names the place and the field, such as a prefix that is used twice, or an unknown
// Region without coordinates.
func New(o Options) (*Atlas, error) {
	a := &Atlas{
		places:  []Place{{Name: "unknown"}},
		names:   []string{""},
		coords:  []Coordinates{{}},
		regions: map[string]RegionID{},

		countries: map[string]bool{},
	}
	for _, r := range awsRegions() {
		a.addRegion(r)
	}
	for i, r := range o.Regions {
		if err := a.checkRegion(r); err != nil {
			return nil, fmt.Errorf("region %d (%q): %w", i+1, r.Name, err)
		}
		a.addRegion(r)
	}
	for i, p := range o.Places {
		p.Name = cmp.Or(p.Name, nameOf(p, i+1))
		if err := a.addPlace(p); err != nil {
			return nil, fmt.Errorf("place %q: %w", p.Name, err)
		}
	}
	if err := a.fillLatencies(); err != nil {
		return nil, err
	}
	a.prefixes.setScopes()
	if len(o.GeoIP) > 0 {
		if err := a.addGeoIP(o.GeoIP); err != nil {
			return nil, &GeoIPError{err}
		}
	}
	return a, nil
}

func nameOf(p Place, number int) string {
	if p.Region != "" {
		return "near " + p.Region
	}
	if area := (Area{p.Continent, p.Country, p.Subdivision}); area != (Area{}) {
		return area.String()
	}
	return fmt.Sprintf("place %d", number)
}

func (a *Atlas) checkRegion(r Region) error {
	if r.Name == "" {
		return errors.New("name: empty")
	}
	if a.regions[r.Name] != 0 {
		return errors.New("name: there is a Region of this name already")
	}
	if err := r.Coordinates.validate(); err != nil {
		return fmt.Errorf("coordinates: %w", err)
	}
	return nil
}

func (a *Atlas) addRegion(r Region) {
	a.regions[r.Name] = RegionID(len(a.names))
	a.names = append(a.names, r.Name)
	a.coords = append(a.coords, r.Coordinates)
}

// addPlace validates a place and adds it with its prefixes. It does not check Latencies, because they may cite Regions
// of later places.
func (a *Atlas) addPlace(p Place) error {
	if p.Coordinates != nil {
		if err := p.Coordinates.validate(); err != nil {
			return fmt.Errorf("coordinates: %w", err)
		}
	}
	area := Area{p.Continent, p.Country, p.Subdivision}
	if err := area.validate(); err != nil {
		return err
	}
	switch known := a.regions[p.Region] != 0; {
	case p.Region == "" && p.Coordinates == nil && len(p.Latencies) == 0 && area == (Area{}):
		return errors.New("needs a region, coordinates, latencies, a country or a continent")
	case p.Region != "" && !known && p.Coordinates == nil:
		return fmt.Errorf("region: %q is not a known Region; give its coordinates", p.Region)
	case p.Region != "" && !known:
		a.addRegion(Region{p.Region, *p.Coordinates})
	}
	if p.Country != "" {
		a.countries[p.Country] = true
	}
	id := PlaceID(len(a.places))
	a.places = append(a.places, p)
	for _, prefix := range p.ClientSubnets {
		if err := a.prefixes.subnets.add(prefix, id); err != nil {
			return fmt.Errorf("clientSubnets: %w", a.nameOther(err))
		}
	}
	for _, prefix := range p.Sources {
		if err := a.prefixes.sources.add(prefix, id); err != nil {
			return fmt.Errorf("sources: %w", a.nameOther(err))
		}
	}
	return nil
}

// nameOther names the place that already has a prefix.
func (a *Atlas) nameOther(err error) error {
	var taken *prefixTaken
	if errors.As(err, &taken) {
		return fmt.Errorf("%s is used already, by place %q", taken.prefix, a.places[taken.by].Name)
	}
	return err
}

// fillLatencies computes the round trip of every pair of place and Region.
func (a *Atlas) fillLatencies() error {
	regions := len(a.names)
	for _, at := range a.coords {
		a.regionPoints = append(a.regionPoints, at.Point())
	}
	a.latency = slices.Repeat([]uint32{math.MaxUint32}, len(a.places)*regions)
	a.measured = make([]bool, len(a.latency))
	for i, p := range a.places {
		home := a.regions[p.Region]
		at := a.pointOf(p)
		a.points = append(a.points, at)
		for r := 1; r < regions && at != nil; r++ {
			a.latency[i*regions+r] = estimate(*at, a.regionPoints[r])
		}
		if home != 0 {
			a.latency[i*regions+int(home)] = micros(baseMs)
		}
		for _, name := range slices.Sorted(maps.Keys(p.Latencies)) {
			ms, r := p.Latencies[name], a.regions[name]
			if r == 0 {
				return fmt.Errorf("place %q: latencies: %q is not a known Region; add it to the Regions with its coordinates",
					p.Name, name)
			}
			if !(ms >= 0 && ms <= maxLatencyMs) {
				return fmt.Errorf("place %q: latencies: %v ms to %s is not in 0..%d", p.Name, ms, name, maxLatencyMs)
			}
			a.latency[i*regions+int(r)] = micros(ms)
			a.measured[i*regions+int(r)] = true
		}
	}
	return nil
}

// pointOf returns the point of a place, or nil if neither its Region nor its coordinates are known.
func (a *Atlas) pointOf(p Place) *Point {
	var at Point
	switch home := a.regions[p.Region]; {
	case p.Coordinates != nil:
		at = p.Coordinates.Point()
	case home != 0:
		at = a.regionPoints[home]
	default:
		return nil
	}
	return &at
}

// Distance returns the great-circle distance from a place in kilometres. ok is false if the location of the place is
// not known. It allocates nothing.
func (a *Atlas) Distance(p PlaceID, to Point) (km float64, ok bool) {
	if found, ok := a.found(p); ok {
		return distanceKm(found.point, to), found.located
	}
	if int(p) >= len(a.points) || a.points[p] == nil {
		return 0, false
	}
	return distanceKm(*a.points[p], to), true
}

// RegionCoordinates returns the location of a Region. ok is false for an unknown Region.
func (a *Atlas) RegionCoordinates(name string) (at Coordinates, ok bool) {
	r := a.regions[name]
	return a.coords[r], r != 0
}

// Region returns the id of a Region. It is 0 if the name is neither an AWS Region nor configured.
func (a *Atlas) Region(name string) RegionID { return a.regions[name] }

// RegionName returns the name of a Region, for display. It is empty for 0 and for ids of another atlas.
func (a *Atlas) RegionName(r RegionID) string {
	if int(r) >= len(a.names) {
		return ""
	}
	return a.names[r]
}

// Latency returns the round trip between a place and a Region in microseconds, or math.MaxUint32 if it is unknown. It
// allocates nothing.
func (a *Atlas) Latency(p PlaceID, r RegionID) uint32 {
	if i, ok := a.index(p, r); ok {
		return a.latency[i]
	}
	if found, ok := a.found(p); ok && found.located && r != 0 && int(r) < len(a.names) {
		return estimate(found.point, a.regionPoints[r])
	}
	return math.MaxUint32
}

// Measured reports whether the Latency of this pair is measured, not estimated.
func (a *Atlas) Measured(p PlaceID, r RegionID) bool {
	i, ok := a.index(p, r)
	return ok && a.measured[i]
}

func (a *Atlas) index(p PlaceID, r RegionID) (int, bool) {
	return int(p)*len(a.names) + int(r), int(p) < len(a.places) && int(r) < len(a.names)
}

// Place returns the place of an id, for display. Its maps and slices belong to the atlas. For an id of another atlas it
// returns the place "unknown".
func (a *Atlas) Place(p PlaceID) Place {
	if found, ok := a.found(p); ok {
		return found.place()
	}
	if int(p) >= len(a.places) {
		p = 0
	}
	return a.places[p]
}
