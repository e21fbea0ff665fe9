package whatif

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/bulkhead-dns/bulkhead/cidr"
	"github.com/bulkhead-dns/bulkhead/geo"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// A Client asks from one place.
type Client struct {
	Place string // in words: "near eu-west-1", "in DE"
	Addr  netip.Addr
}

// Real is the client's address, the zero Addr where a place stands for any.
func (c Client) Real() netip.Addr {
	if reserved().Contains(c.Addr) {
		return netip.Addr{}
	}
	return c.Addr
}

// reserved is the block that places get addresses of.
func reserved() netip.Prefix { return netip.PrefixFrom(netip.AddrFrom4([4]byte{240}), 4) }

// Elsewhere is a client of whom nobody knows where it is. The address is reserved and never in a place or CIDR block.
func Elsewhere() Client { return Client{"anywhere else", netip.AddrFrom4([4]byte{255, 0, 0, 1})} }

// Everyone is a client where no place makes a difference.
func Everyone() Client { return Client{"everyone", Elsewhere().Addr} }

// Clients are those whom a group and what is below it tell apart, in the order of its members; none where all are
// treated alike. open says that a client may be in none of these places.
func (gr *Graph) Clients(g *Group) (list []Client, open bool) {
	g.Walk(func(m *Member) {
		c, ok := g.Zone.places.of(m.Set, gr.in.Collections)
		if ok && !slices.Contains(list, c) {
			list = append(list, c)
		}
		// Latency and geoproximity have a member for everybody. r53: A.7
		open = open || m.Set.GeoLocation != nil || m.Set.CidrRoutingConfig != nil
	})
	return list, open
}

// Client reads a client of a zone as people write one: an address, a Region, a country, a US state or a continent.
// labels are Regions beside those of AWS.
func (gr *Graph) Client(z *Zone, text string, labels []string) (Client, error) {
	c, err := z.places.parse(text, labels)
	z.view = nil // the place may be a new one
	return c, err
}

// Guest makes a client of another zone, perhaps of another Graph, known to a zone.
func (z *Zone) Guest(c Client, of *Zone) Client {
	at := slices.IndexFunc(of.places.list, func(p geo.Place) bool { return p.Name == c.Place })
	if at < 0 {
		return c // an address of its own
	}
	p := of.places.list[at]
	p.ClientSubnets = nil
	if guest, ok := z.places.put(p); ok {
		z.view = nil // the place may be a new one
		return guest
	}
	return c
}

// A surveyor gives every place an address of the reserved block 240/4, which is in no CIDR block and no database.
type placeTable struct {
	list   []geo.Place
	places map[string]netip.Addr
}

func newPlaceTable() *placeTable { return &placeTable{places: map[string]netip.Addr{}} }

// of returns a client whom a record set is for; ok is false where a record set is for nobody in particular.
func (s *placeTable) of(set *zone.ResourceRecordSet, collections []cidr.Collection) (Client, bool) {
	switch {
	case set.Region != "":
		return s.near(set.Region)
	case set.GeoLocation != nil && set.GeoLocation.CountryCode != "*":
		return s.in(*set.GeoLocation)
	case set.GeoProximityLocation != nil && set.GeoProximityLocation.AWSRegion != "":
		return s.near(set.GeoProximityLocation.AWSRegion)
	case set.GeoProximityLocation != nil:
		return s.at(set.GeoProximityLocation)
	case set.CidrRoutingConfig != nil:
		for _, c := range collections {
			blocks := c.Locations[set.CidrRoutingConfig.LocationName]
			if c.ID == set.CidrRoutingConfig.CollectionID && len(blocks) > 0 {
				return Client{"in " + blocks[0].String(), blocks[0].Addr()}, true
			}
		}
	}
	return Client{}, false
}

// near is a client next to a Region. One that is no Region of AWS is put in the middle of nowhere, 0 ms from itself.
func (s *placeTable) near(region string) (Client, bool) {
	p := geo.Place{Name: "near " + region, Region: region}
	if _, ok := zone.CanonicalHostedZoneID(region); !ok {
		p.Coordinates, p.Latencies = &geo.Coordinates{}, map[string]float64{region: 0}
	}
	return s.put(p)
}

func (s *placeTable) in(l zone.GeoLocation) (Client, bool) {
	name := "in " + l.CountryCode
	switch {
	case l.SubdivisionCode != "":
		name += "-" + l.SubdivisionCode
	case l.ContinentCode != "":
		name = "in continent " + l.ContinentCode
	}
	p := geo.Place{Name: name, Country: l.CountryCode, Subdivision: l.SubdivisionCode, Continent: l.ContinentCode}
	if at, ok := geo.Centre(geo.Area{Country: l.CountryCode, Subdivision: l.SubdivisionCode,
		Continent: l.ContinentCode}); ok {
		p.Coordinates = &at // for the latencies of groups that an alias leads to, or that take the place of others
	}
	return s.put(p)
}

func (s *placeTable) at(l *zone.GeoProximityLocation) (Client, bool) {
	var at geo.Coordinates
	var ok bool
	name := "near " + l.LocalZoneGroup
	if c := l.Coordinates; c != nil {
		name = "at " + c.Latitude + "," + c.Longitude
		at.Latitude, at.Longitude, ok = c.Degrees()
	} else if at, ok = geo.LocalZoneGroup(l.LocalZoneGroup); !ok {
		return s.near(geo.LocalZoneRegion(l.LocalZoneGroup))
	}
	if !ok {
		return Client{}, false
	}
	return s.put(geo.Place{Name: name, Coordinates: &at})
}

// put places a client; false where there cannot be such a place.
func (s *placeTable) put(p geo.Place) (Client, bool) {
	addr, known := s.places[p.Name]
	if !known {
		var b [4]byte
		binary.BigEndian.PutUint32(b[:], 0xf0000100+uint32(len(s.list))<<8)
		addr = netip.AddrFrom4(b)
		p.ClientSubnets = []netip.Prefix{netip.PrefixFrom(addr, 24)}
		if _, err := geo.New(geo.Options{Places: []geo.Place{p}}); err != nil {
			return Client{}, false
		}
		s.places[p.Name] = addr
		s.list = append(s.list, p)
	}
	return Client{p.Name, addr}, true
}

// parse reads a client as people write one: an address, a Region, a country, a US state or a continent. labels are
// Regions beside those of AWS.
func (s *placeTable) parse(text string, labels []string) (Client, error) {
	refused := fmt.Errorf("client %q: use an address (192.0.2.1), an AWS Region (eu-west-1), a country (DE), a state of "+
		"the US (US-VA) or a continent (EU, or \"continent AF\" where a country has the same code)", text)
	if addr, err := netip.ParseAddr(text); err == nil {
		return Client{text, addr.WithZone("")}, nil
	}
	if text == Everyone().Place || text == Elsewhere().Place {
		return Client{text, Elsewhere().Addr}, nil
	}
	region := strings.TrimPrefix(text, "near ")
	if _, ok := zone.CanonicalHostedZoneID(region); ok || slices.Contains(labels, region) {
		if c, ok := s.near(region); ok {
			return c, nil
		}
	}
	code := strings.ToUpper(strings.TrimPrefix(text, "in "))
	country, state, _ := strings.Cut(code, "-")
	continent := strings.TrimPrefix(code, "CONTINENT ")
	for _, l := range []zone.GeoLocation{{CountryCode: country, SubdivisionCode: state}, {ContinentCode: continent}} {
		if _, ok := zone.GeoLocationByCode(l); ok && l.CountryCode != "*" {
			if c, ok := s.in(l); ok {
				return c, nil
			}
		}
	}
	return Client{}, refused
}

// atlas knows all places that were put. The error is about the database.
func (s *placeTable) atlas(geoIP []byte) (*geo.Atlas, error) {
	if atlas, err := geo.New(geo.Options{Places: s.list, GeoIP: geoIP}); err == nil {
		return atlas, nil
	}
	// Places that are right by themselves may still contradict each other. Then only the database knows places.
	return geo.New(geo.Options{GeoIP: geoIP})
}
