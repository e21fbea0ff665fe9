package steer

import (
	"errors"
	"fmt"
	"math"

	"github.com/bulkhead-dns/bulkhead/geo"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// A proximity is the location and the bias of a geoproximity member.
type proximity struct {
	name  string
	at    geo.Point
	known bool // false for a Region that the atlas does not know: the member is then farther than all others
	bias  float64
}

// compileProximity interns the location and bias of a member. r53: A.7.
func (e *Edit) compileProximity(l *zone.GeoProximityLocation) (uint32, error) {
	s := proximity{known: true}
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
	return e.v.proximities.add(e.token, e.v.hashString(s.name), s.name, s), nil
}

// biasedDistance returns the distance of a member after its bias. All members are equally near to a client whose place
// is not known, whatever their biases (unconfirmed).
func (d *decision) biasedDistance(m *member) float64 {
	s := d.v.proximities.value(m.value)
	km, ok := d.v.atlas.Distance(d.a.Place, s.at)
	switch {
	case !ok:
		return 0
	case !s.known:
		return math.Inf(1)
	}
	return biased(km, s.bias)
}

// biased returns a distance after a bias. A positive bias shortens it, a negative bias lengthens it, to 199 % at most.
// This is the one formula on the current page about geoproximity routing. Older pages divide by 1 + bias/100 if the
// bias is negative. Which one Route 53 uses is unconfirmed. r53: A.7.
func biased(km, bias float64) float64 { return km * (100 - bias) / 100 }

// describeDistance says where a member is, and how far from the client.
func (d *decision) describeDistance(m *member) string {
	s := d.v.proximities.value(m.value)
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
