package geo_test

import (
	"math"
	"net/netip"
	"strings"
	"testing"

	"github.com/bulkhead-dns/bulkhead/geo"
)

func prefixes(ss ...string) []netip.Prefix {
	var ps []netip.Prefix
	for _, s := range ss {
		ps = append(ps, netip.MustParsePrefix(s))
	}
	return ps
}

func mustNew(t testing.TB, o geo.Options) *geo.Atlas {
	t.Helper()
	a, err := geo.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// twoRegions is the world of two places with prefixes of every kind.
func twoRegions(t testing.TB) *geo.Atlas {
	return mustNew(t, geo.Options{
		Places: []geo.Place{
			{Region: "eu-west-1", ClientSubnets: prefixes("10.1.0.0/16", "2001:db8:1::/48"),
				Sources: prefixes("127.10.1.0/24", "10.0.0.0/8")},
			{Region: "eu-central-1", ClientSubnets: prefixes("10.2.0.0/16", "10.1.128.0/17"),
				Sources: prefixes("127.10.2.0/24", "172.16.0.0/12")},
		},
	})
}

func TestLocate(t *testing.T) {
	a := twoRegions(t)
	for _, c := range []struct {
		why   string
		addr  string
		ecs   bool
		place string
		scope int
	}{
		{"client subnet, nothing nested", "10.2.3.4", true, "near eu-central-1", 16},
		{"client subnet with a longer one inside it", "10.1.3.4", true, "near eu-west-1", 32},
		{"the longer one", "10.1.200.1", true, "near eu-central-1", 17},
		{"IPv6 client subnet", "2001:db8:1:2::3", true, "near eu-west-1", 48},
		{"client subnets do not place packets", "2001:db8:1:2::3", false, "unknown", 128},
		{"source", "127.10.1.1", false, "near eu-west-1", 24},
		{"source table for a client subnet that its own table lacks", "127.10.2.9", true, "near eu-central-1", 24},
		{"source, nothing nested for packets", "10.9.9.9", false, "near eu-west-1", 8},
		{"the same for a client subnet: 10.1.0.0/16 would say otherwise", "10.9.9.9", true, "near eu-west-1", 32},
		{"none matched", "192.0.2.1", true, "unknown", 32},
		{"IPv4-mapped source", "::ffff:127.10.1.1", false, "near eu-west-1", 120},
		{"IPv4-mapped, none matched", "::ffff:192.0.2.1", false, "unknown", 128},
	} {
		t.Run(c.why, func(t *testing.T) {
			p, scope := a.Locate(netip.MustParseAddr(c.addr), c.ecs)
			if name := a.Place(p).Name; name != c.place || scope != c.scope {
				t.Errorf("Locate(%s, %v) = %s, %d; want %s, %d", c.addr, c.ecs, name, scope, c.place, c.scope)
			}
		})
	}
	if p, scope := a.Locate(netip.Addr{}, true); p != 0 || scope != 0 {
		t.Errorf("Locate of no address = %d, %d; want 0, 0", p, scope)
	}
}

// RFC 7871 section 7.2.1: every address that shares the first scope bits must get the same place.
func TestScopeHoldsForTheWholePrefix(t *testing.T) {
	a := twoRegions(t)
	for _, s := range []string{"10.1.3.4", "10.1.200.1", "10.2.3.4", "10.9.9.9", "127.10.1.1", "172.20.1.1",
		"2001:db8:1:2::3"} {
		for _, ecs := range []bool{true, false} {
			addr := netip.MustParseAddr(s)
			p, scope := a.Locate(addr, ecs)
			cell, err := addr.Prefix(scope)
			if err != nil {
				t.Fatal(err)
			}
			for _, other := range []netip.Addr{cell.Addr(), last(cell)} {
				if q, _ := a.Locate(other, ecs); q != p {
					t.Errorf("%s ecs=%v: place %d with scope %d, but %s is in place %d", s, ecs, p, scope, other, q)
				}
			}
		}
	}
}

func last(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := p.Bits(); i < 8*len(b); i++ {
		b[i/8] |= 1 << (7 - i%8)
	}
	addr, _ := netip.AddrFromSlice(b)
	return addr
}

func TestArea(t *testing.T) {
	a := mustNew(t, geo.Options{Places: []geo.Place{
		{Country: "US", Subdivision: "VA"}, {Country: "DE"}, {Continent: "EU"}, {Region: "eu-west-1"},
	}})
	for p, want := range []string{"", "US-VA", "DE", "continent EU", "", ""} {
		if got := a.Area(geo.PlaceID(p)).String(); got != want {
			t.Errorf("the area of place %d is %q; want %q", p, got, want)
		}
	}
}

func TestLatency(t *testing.T) {
	a := mustNew(t, geo.Options{
		Regions: []geo.Region{{Name: "dc-oslo", Coordinates: geo.Coordinates{Latitude: 59.91, Longitude: 10.75}}},
		Places: []geo.Place{
			{Name: "dublin", Region: "eu-west-1"},
			{Name: "virginia", Coordinates: &geo.Coordinates{Latitude: 39.04, Longitude: -77.49},
				Latencies: map[string]float64{"eu-west-1": 67.5}},
			{Name: "lab", Region: "rack-7", Coordinates: &geo.Coordinates{Latitude: 50, Longitude: 8}},
			{Name: "table only", Latencies: map[string]float64{"dc-oslo": 3}},
		},
	})
	const ms = 1000
	for _, c := range []struct {
		place    geo.PlaceID
		region   string
		min, max uint32
		measured bool
	}{
		{1, "eu-west-1", 1 * ms, 1 * ms, false},
		{1, "eu-central-1", 15 * ms, 25 * ms, false},
		{1, "us-east-1", 65 * ms, 90 * ms, false},
		{1, "ap-southeast-2", 240 * ms, 300 * ms, false},
		{1, "dc-oslo", 15 * ms, 25 * ms, false},
		{2, "eu-west-1", 67500, 67500, true},
		{2, "us-west-2", 45 * ms, 75 * ms, false},
		{3, "rack-7", 1 * ms, 1 * ms, false},
		{3, "eu-central-1", 1 * ms, 3 * ms, false},
		{4, "dc-oslo", 3 * ms, 3 * ms, true},
		{4, "eu-west-1", math.MaxUint32, math.MaxUint32, false}, // nothing is known
		{0, "eu-west-1", math.MaxUint32, math.MaxUint32, false}, // unknown place
		{1, "nowhere", math.MaxUint32, math.MaxUint32, false},   // unknown Region
		{9, "eu-west-1", math.MaxUint32, math.MaxUint32, false}, // no such place
	} {
		r := a.Region(c.region)
		got, measured := a.Latency(c.place, r), a.Measured(c.place, r)
		if got < c.min || got > c.max || measured != c.measured {
			t.Errorf("%s to %s: %d µs, measured %v; want %d..%d, %v", a.Place(c.place).Name, c.region, got, measured, c.min,
				c.max, c.measured)
		}
		if r != 0 && a.RegionName(r) != c.region {
			t.Errorf("RegionName(%d) = %q; want %q", r, a.RegionName(r), c.region)
		}
	}
}

func TestDistance(t *testing.T) {
	a := mustNew(t, geo.Options{Places: []geo.Place{
		{Region: "eu-west-1"}, {Coordinates: &geo.Coordinates{Latitude: 0, Longitude: 0}}, {Country: "DE"},
	}})
	dublin, _ := a.RegionCoordinates("eu-west-1")
	for _, c := range []struct {
		place geo.PlaceID
		to    geo.Coordinates
		km    float64
		ok    bool
	}{
		{1, dublin, 0, true},
		{1, geo.Coordinates{Latitude: 50.11, Longitude: 8.68}, 1087, true},
		{1, geo.Coordinates{Latitude: 53.35, Longitude: -6.27}, 0.664, true},
		{2, geo.Coordinates{Longitude: 180}, math.Pi * 6371, true},
		{2, geo.Coordinates{Longitude: -90}, math.Pi * 6371 / 2, true},
		{2, geo.Coordinates{Latitude: 90, Longitude: 77}, math.Pi * 6371 / 2, true},
		{3, dublin, 0, false}, // a country is no point
		{0, dublin, 0, false}, // unknown
		{9, dublin, 0, false}, // no such place
	} {
		km, ok := a.Distance(c.place, c.to.Point())
		if math.Abs(km-c.km) > 0.005*c.km || ok != c.ok {
			t.Errorf("from place %d to %v: %v km, %v; want %v, %v", c.place, c.to, km, ok, c.km, c.ok)
		}
	}
	if at, ok := a.RegionCoordinates("mars-1"); ok {
		t.Errorf("mars-1 is at %v", at)
	}
}

func TestLocalZoneGroup(t *testing.T) {
	for _, c := range []struct {
		group, region string
		latitude      float64
		known         bool
	}{
		{"us-east-1-bue-1", "us-east-1", -34.6, true}, // r53: A.7
		{"us-west-2-lax-1", "us-west-2", 34.05, true},
		{"us-east-1-nyc-2", "us-east-1", 40.71, true},
		{"us-east-1-xyz-1", "us-east-1", 0, false},
		{"us-gov-west-1-xyz-1", "us-gov-west-1", 0, false},
		{"lax-1", "", 0, false},
		{"lax", "", 0, false},
		{"", "", 0, false},
	} {
		at, ok := geo.LocalZoneGroup(c.group)
		if region := geo.LocalZoneRegion(c.group); at.Latitude != c.latitude || ok != c.known || region != c.region {
			t.Errorf("%q is at latitude %v (known %v) in Region %q; want %v, %v, %q", c.group, at.Latitude, ok, region,
				c.latitude, c.known, c.region)
		}
	}
}

// The atlas has every AWS Region that latency records may have, and each is nearest to itself.
func TestAWSRegions(t *testing.T) {
	names := strings.Fields(`af-south-1 ap-east-1 ap-east-2 ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-south-1
		ap-south-2 ap-southeast-1 ap-southeast-2 ap-southeast-3 ap-southeast-4 ap-southeast-5
		ap-southeast-6 ap-southeast-7 ca-central-1 ca-west-1 cn-north-1 cn-northwest-1
		eu-central-1 eu-central-2 eu-north-1 eu-south-1 eu-south-2 eu-west-1 eu-west-2 eu-west-3
		eusc-de-east-1 il-central-1 me-central-1 me-south-1 mx-central-1 sa-east-1 us-east-1
		us-east-2 us-gov-east-1 us-gov-west-1 us-west-1 us-west-2`)
	var o geo.Options
	for _, n := range names {
		o.Places = append(o.Places, geo.Place{Region: n})
	}
	a := mustNew(t, o)
	for i, home := range names {
		own := a.Latency(geo.PlaceID(i+1), a.Region(home))
		if own != 1000 {
			t.Errorf("%s to itself: %d µs; want 1000", home, own)
		}
		for _, other := range names {
			if d := a.Latency(geo.PlaceID(i+1), a.Region(other)); d < own || d > 350_000 {
				t.Errorf("%s to %s: %d µs; want between its own 1000 and 350000", home, other, d)
			}
		}
	}
}

func TestNewRefuses(t *testing.T) {
	at := &geo.Coordinates{Latitude: 1, Longitude: 2}
	for _, c := range []struct {
		want string
		o    geo.Options
	}{
		{`place "b": clientSubnets: 10.1.0.0/16 is used already, by place "a"`, geo.Options{Places: []geo.Place{
			{Name: "a", Region: "eu-west-1", ClientSubnets: prefixes("10.1.0.0/16")},
			{Name: "b", Region: "eu-west-2", ClientSubnets: prefixes("10.1.0.0/16")}}}},
		{`sources: ::ffff:10.0.0.0/104 is used already`, geo.Options{Places: []geo.Place{
			{Region: "eu-west-1", Sources: prefixes("10.0.0.0/8", "::ffff:10.0.0.0/104")}}}},
		{`write 10.1.0.0/16`, geo.Options{Places: []geo.Place{{Region: "eu-west-1", Sources: prefixes("10.1.2.3/16")}}}},
		{`is not a prefix`, geo.Options{Places: []geo.Place{{Region: "eu-west-1", Sources: []netip.Prefix{{}}}}}},
		{`place "near mars-1": region: "mars-1" is not a known Region`, geo.Options{Places: []geo.Place{{Region: "mars-1"}}}},
		{`place "place 1": needs a region, coordinates, latencies, a country or a continent`,
			geo.Options{Places: []geo.Place{{}}}},
		{`country: "usa" is not two letters`, geo.Options{Places: []geo.Place{{Country: "usa"}}}},
		{`country: "de" is not two letters`, geo.Options{Places: []geo.Place{{Country: "de"}}}},
		{`subdivision: needs the country`, geo.Options{Places: []geo.Place{{Region: "us-east-1", Subdivision: "VA"}}}},
		{`subdivision: "Virginia" is not a code`, geo.Options{Places: []geo.Place{{Country: "US", Subdivision: "Virginia"}}}},
		{`continent: "Europe" is none of AF AN AS EU NA OC SA`, geo.Options{Places: []geo.Place{{Continent: "Europe"}}}},
		{`latitude 91 is not in -90..90`, geo.Options{Places: []geo.Place{{Coordinates: &geo.Coordinates{Latitude: 91}}}}},
		{`longitude NaN is not in -180..180`, geo.Options{Regions: []geo.Region{{Name: "x",
			Coordinates: geo.Coordinates{Longitude: math.NaN()}}}}},
		{`latencies: "mars-1" is not a known Region`, geo.Options{Places: []geo.Place{{Coordinates: at,
			Latencies: map[string]float64{"mars-1": 1}}}}},
		{`latencies: -1 ms to eu-west-1 is not in 0..60000`, geo.Options{Places: []geo.Place{{Coordinates: at,
			Latencies: map[string]float64{"eu-west-1": -1}}}}},
		{`region 1 ("eu-west-1"): name: there is a Region of this name already`,
			geo.Options{Regions: []geo.Region{{Name: "eu-west-1"}}}},
		{`region 1 (""): name: empty`, geo.Options{Regions: []geo.Region{{}}}},
	} {
		if _, err := geo.New(c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("New: %v; want an error with %q", err, c.want)
		}
	}
}

func TestLookupsAllocateNothing(t *testing.T) {
	a := twoRegions(t)
	addrs := []netip.Addr{netip.MustParseAddr("10.1.2.3"), netip.MustParseAddr("2001:db8:1::1"),
		netip.MustParseAddr("192.0.2.1")}
	r := a.Region("eu-central-1")
	var sum uint64
	allocs := testing.AllocsPerRun(100, func() {
		for _, addr := range addrs {
			p, _ := a.Locate(addr, true)
			sum += uint64(a.Latency(p, r))
		}
	})
	if allocs != 0 || sum == 0 {
		t.Errorf("%v allocations per run (sum %d); want 0", allocs, sum)
	}
}

func BenchmarkLocate(b *testing.B) {
	a := twoRegions(b)
	addr := netip.MustParseAddr("10.1.2.3")
	b.ReportAllocs()
	for b.Loop() {
		if p, _ := a.Locate(addr, true); p == 0 {
			b.Fatal("not found")
		}
	}
}
