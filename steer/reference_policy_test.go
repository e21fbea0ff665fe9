package steer_test

import (
	"math"
	"slices"

	"github.com/bulkhead-dns/bulkhead/country"
	"github.com/bulkhead-dns/bulkhead/geo"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// The policies of the reference: which members of a group answer a client, and with which probability.

// pick gives every member its probability: choose by policy, test, drop the unhealthy and choose again; with none left,
// choose among all as if healthy. r53: A.2 steps 4 to 6, A.4.
func (e *refEvaluation) pick(members []*zone.ResourceRecordSet, depth int) (shares []float64, open bool) {
	shares = make([]float64, len(members))
	var all []int
	for i, m := range members {
		if e.nearness(m) < nowhere {
			all = append(all, i)
		}
	}
	var draw func(left []int, p float64)
	draw = func(left []int, p float64) {
		if len(left) == 0 {
			open = true
			return
		}
		for at, share := range e.byPolicy(members, left) {
			switch i := left[at]; {
			case share == 0:
			case e.healthy(members[i], depth):
				shares[i] += p * share
			default:
				draw(slices.Delete(slices.Clone(left), at, at+1), p*share)
			}
		}
	}
	draw(all, 1)
	if open {
		for at, share := range e.byPolicy(members, all) {
			shares[all[at]] = share
		}
	}
	return shares, open && len(all) > 0
}

// cidrLocation is the location of the longest block that holds all of the client's prefix. r53: A.8.
func (e *refEvaluation) cidrLocation(collection string) (location string) {
	client := e.q.Client.Addr().Unmap()
	bits := e.q.Client.Bits() - (e.q.Client.Addr().BitLen() - client.BitLen())
	longest := -1
	for name, blocks := range e.w.collections[collection] {
		for _, b := range blocks {
			if b.Contains(client) && b.Bits() <= bits && b.Bits() > longest {
				location, longest = name, b.Bits()
			}
		}
	}
	return location
}

// nowhere is farther than everything that answers a client.
const nowhere = 4

// asksPlace reports whether a group's answer is not the same for all clients.
func asksPlace(members []*zone.ResourceRecordSet) bool {
	switch members[0].Policy() {
	case zone.Latency, zone.Geoproximity:
		return len(members) > 1
	case zone.Geolocation:
		return slices.ContainsFunc(members, func(m *zone.ResourceRecordSet) bool { return m.GeoLocation.CountryCode != "*" })
	case zone.IPBased:
		return slices.ContainsFunc(members,
			func(m *zone.ResourceRecordSet) bool { return m.CidrRoutingConfig.LocationName != "*" })
	}
	return false
}

// nearness is the order of the ladder of r53: A.6, and of the blocks and the default of r53: A.8; 0 for every member of
// other policies.
func (e *refEvaluation) nearness(m *zone.ResourceRecordSet) float64 {
	if c := m.CidrRoutingConfig; c != nil {
		switch c.LocationName {
		case "*":
			return 3
		case e.cidrLocation(c.CollectionID):
			return 0
		}
		return nowhere
	}
	if m.GeoLocation == nil {
		return 0
	}
	id, _ := e.atlas.Locate(e.q.Client.Addr(), e.q.ECS)
	p := e.atlas.Place(id)
	continent := p.Continent
	if continent == "" {
		continent = country.Continent(p.Country)
	}
	switch l := *m.GeoLocation; {
	case l.CountryCode == "*":
		return 3
	case l.ContinentCode != "" && l.ContinentCode == continent:
		return 2
	case l.ContinentCode != "" || l.CountryCode != p.Country:
		return nowhere
	case l.SubdivisionCode == "":
		return 1
	case l.SubdivisionCode == p.Subdivision:
		return 0
	}
	return nowhere
}

// byPolicy gives the probability of each of the members that are left.
func (e *refEvaluation) byPolicy(members []*zone.ResourceRecordSet, left []int) []float64 {
	shares := make([]float64, len(left))
	best := func(rank func(*zone.ResourceRecordSet) float64) []float64 {
		if len(left) == 0 {
			return shares
		}
		first := 0
		for at, i := range left {
			if rank(members[i]) < rank(members[left[first]]) {
				first = at
			}
		}
		shares[first] = 1
		return shares
	}
	switch members[0].Policy() {
	case zone.Weighted: // r53: A.5
		sum := 0.0
		for _, i := range left {
			sum += float64(*members[i].Weight)
		}
		for at, i := range left {
			if shares[at] = float64(*members[i].Weight) / sum; sum == 0 {
				shares[at] = 1 / float64(len(left))
			}
		}
		return shares
	case zone.FailoverRouting: // r53: A.11
		return best(func(s *zone.ResourceRecordSet) float64 {
			if s.Failover == zone.Primary {
				return 0
			}
			return 1
		})
	case zone.Latency: // r53: A.7; equally far ones in the order of their SetIdentifiers, as they are listed
		place, _ := e.atlas.Locate(e.q.Client.Addr(), e.q.ECS)
		return best(func(s *zone.ResourceRecordSet) float64 {
			if e.atlas.Place(place).Country == "CN" && s.Region == "cn-north-1" {
				return -1
			}
			return float64(e.atlas.Latency(place, e.atlas.Region(s.Region)))
		})
	case zone.Geoproximity: // r53: A.7
		place, _ := e.atlas.Locate(e.q.Client.Addr(), e.q.ECS)
		return best(func(s *zone.ResourceRecordSet) float64 { return e.biasedDistance(place, s.GeoProximityLocation) })
	case zone.Geolocation, zone.IPBased:
		return best(e.nearness)
	}
	shares[0] = 1
	return shares
}

// biasedDistance is in whole metres, so that equal distances are equal however they are computed.
func (e *refEvaluation) biasedDistance(place geo.PlaceID, l *zone.GeoProximityLocation) float64 {
	from := e.atlas.Place(place).Coordinates
	if at, ok := e.atlas.RegionCoordinates(e.atlas.Place(place).Region); ok && from == nil {
		from = &at
	}
	if from == nil {
		return 0
	}
	var to geo.Coordinates
	known := true
	switch {
	case l.Coordinates != nil:
		to.Latitude, to.Longitude, known = l.Coordinates.Degrees()
	case l.AWSRegion != "":
		to, known = e.atlas.RegionCoordinates(l.AWSRegion)
	default:
		if to, known = geo.LocalZoneGroup(l.LocalZoneGroup); !known {
			to, known = e.atlas.RegionCoordinates(geo.LocalZoneRegion(l.LocalZoneGroup))
		}
	}
	if !known {
		return math.Inf(1)
	}
	radians := func(degrees float64) float64 { return degrees * math.Pi / 180 }
	haversine := func(angle float64) float64 { return math.Pow(math.Sin(angle/2), 2) }
	h := haversine(radians(to.Latitude-from.Latitude)) +
		math.Cos(radians(from.Latitude))*math.Cos(radians(to.Latitude))*haversine(radians(to.Longitude-from.Longitude))
	distance := math.Round(2 * 6_371_000 * math.Asin(math.Sqrt(min(h, 1))))
	bias := 0.0
	if l.Bias != nil {
		bias = float64(*l.Bias)
	}
	return distance * (100 - bias) / 100
}
