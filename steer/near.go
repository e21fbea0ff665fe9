package steer

import (
	"errors"
	"fmt"
	"math"

	"github.com/bulkhead-dns/bulkhead/geo"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// A spot is where a geoproximity member is, and its bias.
type spot struct {
	name  string
	at    geo.Point
	known bool // a Region's label may be unknown to the atlas: then the member is farther than all others
	bias  float64
}

// compileSpot numbers the spot of a member. r53: A.7.
func (e *Edit) compileSpot(l *zone.GeoProximityLocation) (uint32, error) {
	s := spot{known: true}
	var at geo.Coordinates
	switch {
	case l.AWSRegion != "":
		s.name = "AWS Region " + l.AWSRegion
		at, s.known = e.v.atlas.RegionCoordinates(l.AWSRegion)
	case l.LocalZoneGroup != "":
		s.name = "Local Zone group " + l.LocalZoneGroup
		var ok bool
		if at, ok = geo.LocalZoneGroup(l.LocalZoneGroup); !ok {
			region := geo.LocalZoneRegion(l.LocalZoneGroup)
			at, s.known = e.v.atlas.RegionCoordinates(region)
			s.name += " (taken to be where its Region is)"
		}
	case l.Coordinates != nil:
		s.name = "coordinates " + l.Coordinates.Latitude + "," + l.Coordinates.Longitude
		var ok bool
		if at.Latitude, at.Longitude, ok = l.Coordinates.Degrees(); !ok {
			return 0, fmt.Errorf("%s are not within -90..90 and -180..180 in at most two decimals", s.name)
		}
	default:
		return 0, errors.New("a geoproximity location needs an AWS Region, a Local Zone group or coordinates")
	}
	s.at = at.Point()
	if l.Bias != nil && *l.Bias != 0 {
		if *l.Bias < -99 || *l.Bias > 99 {
			return 0, fmt.Errorf("bias %d is not in -99..99", *l.Bias)
		}
		s.bias = float64(*l.Bias)
		s.name += fmt.Sprintf(" with bias %+d", *l.Bias)
	}
	return e.v.spots.add(e.owner, e.v.hashString(s.name), s.name, s), nil
}

// nearness is a member's distance with its bias. Where the client is not known all are equally near, whatever their
// biases (unconfirmed).
func (d *decision) nearness(m *member) float64 {
	s := d.v.spots.value(m.value)
	km, ok := d.v.atlas.Distance(d.a.Place, s.at)
	switch {
	case !ok:
		return 0
	case !s.known:
		return math.Inf(1)
	}
	return biased(km, s.bias)
}

// biased is the arithmetic of the current page on geoproximity routing, one formula for every bias: a positive bias
// shortens distances, a negative one lengthens them, to 199 % at most. Older pages divided by 1 + bias/100 where the bias is
// negative; which of the two Route 53 does is unconfirmed. r53: A.7.
func biased(km, bias float64) float64 { return km * (100 - bias) / 100 }

// distance words what a member's spot is to the client.
func (d *decision) distance(m *member) string {
	s := d.v.spots.value(m.value)
	place, _ := d.v.atlas.Locate(d.q.Client.Addr(), d.q.ECS)
	km, ok := d.v.atlas.Distance(place, s.at)
	switch {
	case !ok || !s.known:
		return s.name + ", distance unknown"
	case s.bias != 0:
		return fmt.Sprintf("%s, %.0f km count as %.0f km", s.name, km, biased(km, s.bias))
	}
	return fmt.Sprintf("%s, %.0f km", s.name, km)
}
