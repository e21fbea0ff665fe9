package geo_test

import (
	"math"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/bulkhead-dns/bulkhead/geo"
)

// cities is a database of a few networks.
func cities(ipVersion int) []byte {
	networks := []network{
		{"81.0.0.0/8", city("EU", "DE", "BY", 48.14, 11.58)},
		{"82.0.0.0/16", city("NA", "US", "VA", 39.04, -77.49)},
		{"82.1.0.0/16", city("NA", "US", "VA", 39.04, -77.49)},                       // another record that says the same
		{"83.0.0.0/24", city("AS", "TR", "34", 41.01, 28.98)},                        // Europe for Route 53
		{"84.0.0.0/24", city("AN", "", "", -80, 0)},                                  // no country
		{"85.0.0.0/24", map[string]any{"traits": map[string]any{}}},                  // nothing of use
		{"86.0.0.0/24", map[string]any{"country": map[string]any{"iso_code": "FR"}}}, // as a Country database has it
		{"81.9.0.0/16", city("EU", "AT", "9", 48.21, 16.37)},                         // inside the first
		{"87.0.0.0/24", city("AF", "GH", "much too long", 5.6, -0.19)},
	}
	if ipVersion == 6 {
		networks = append(networks, network{"2001:db8::/32", city("OC", "AU", "NSW", -33.87, 151.21)})
	}
	return mmdb(ipVersion, networks...)
}

// withGeoIP has prefixes of all tables, some inside networks of the database.
func withGeoIP(t testing.TB, ipVersion int) *geo.Atlas {
	return mustNew(t, geo.Options{GeoIP: cities(ipVersion), Places: []geo.Place{
		{Name: "by subnet", Region: "eu-west-1", ClientSubnets: prefixes("82.0.7.0/24", "2001:db8:7::/48")},
		{Name: "by source", Region: "eu-west-2", Sources: prefixes("83.0.0.128/25", "10.0.0.0/8")},
	}})
}

func TestGeoIPLocates(t *testing.T) {
	a := withGeoIP(t, 6)
	for _, c := range []struct {
		why   string
		addr  string
		ecs   bool
		place string
		area  string
		scope int
	}{
		{"a network of the database", "82.1.2.3", false, "GeoIP US-VA (39.04, -77.49)", "US-VA", 16},
		{"what another record says too", "82.0.1.3", false, "GeoIP US-VA (39.04, -77.49)", "US-VA", 16},
		{"with a client subnet inside it", "82.0.1.3", true, "GeoIP US-VA (39.04, -77.49)", "US-VA", 32},
		{"that client subnet comes first", "82.0.7.3", true, "by subnet", "", 24},
		{"client subnets do not place packets", "82.0.7.3", false, "GeoIP US-VA (39.04, -77.49)", "US-VA", 16},
		{"with a source inside it", "83.0.0.1", false, "GeoIP TR-34 (41.01, 28.98)", "TR-34", 32},
		{"that source comes first", "83.0.0.129", false, "by source", "", 25},
		{"also for a client subnet", "83.0.0.129", true, "by source", "", 25},
		{"what is left around a smaller network", "81.8.0.1", false, "GeoIP DE-BY (48.14, 11.58)", "DE-BY", 16},
		{"the smaller network", "81.9.0.1", false, "GeoIP AT-9 (48.21, 16.37)", "AT-9", 16},
		{"no country: the continent", "84.0.0.1", false, "GeoIP continent AN (-80.00, 0.00)", "continent AN", 24},
		{"nothing of use", "85.0.0.1", false, "unknown", "", 24},
		{"a country without coordinates", "86.0.0.1", false, "GeoIP FR", "FR", 24},
		{"a code that cannot be one", "87.0.0.1", false, "GeoIP GH (5.60, -0.19)", "GH", 24},
		{"not in the database", "128.0.0.1", false, "unknown", "", 1},
		{"IPv6", "2001:db8::1", false, "GeoIP AU-NSW (-33.87, 151.21)", "AU-NSW", 32},
		{"IPv6 with a client subnet inside it", "2001:db8::1", true, "GeoIP AU-NSW (-33.87, 151.21)", "AU-NSW", 128},
		{"IPv4-mapped", "::ffff:82.1.2.3", false, "GeoIP US-VA (39.04, -77.49)", "US-VA", 112},
	} {
		t.Run(c.why, func(t *testing.T) {
			p, scope := a.Locate(netip.MustParseAddr(c.addr), c.ecs)
			if got := a.Place(p).Name; got != c.place || a.Area(p).String() != c.area || scope != c.scope {
				t.Errorf("Locate(%s, %v) = %s, area %q, scope %d; want %s, %q, %d", c.addr, c.ecs, got, a.Area(p), scope, c.place,
					c.area, c.scope)
			}
		})
	}
	if got, want := a.Countries(), strings.Fields("AT AU DE FR GH TR US"); !slices.Equal(got, want) {
		t.Errorf("the countries are %v; want %v", got, want)
	}
}

func TestGeoIPOfIPv4Only(t *testing.T) {
	a := withGeoIP(t, 4)
	for addr, want := range map[string]string{
		"82.1.2.3": "US-VA", "::ffff:82.1.2.3": "US-VA", "128.0.0.1": "", "2001:db8::1": "",
	} {
		if p, _ := a.Locate(netip.MustParseAddr(addr), true); a.Area(p).String() != want {
			t.Errorf("%s is in %q; want %q", addr, a.Area(p), want)
		}
	}
	if _, scope := a.Locate(netip.MustParseAddr("2001:db8::1"), true); scope != 128 {
		t.Errorf("an IPv6 address has scope %d; want 128", scope)
	}
}

// Equal records are one place.
func TestGeoIPPlacesAreShared(t *testing.T) {
	a := withGeoIP(t, 6)
	p, _ := a.Locate(netip.MustParseAddr("82.0.1.3"), false)
	q, _ := a.Locate(netip.MustParseAddr("82.1.2.3"), false)
	if p != q || p == 0 {
		t.Errorf("two records of one location are places %d and %d; want one", p, q)
	}
}

// RFC 7871 section 7.2.1: every address that shares the first scope bits must get the same place.
func TestGeoIPScopeHoldsForTheWholePrefix(t *testing.T) {
	for _, ipVersion := range []int{4, 6} {
		a := withGeoIP(t, ipVersion)
		for _, s := range strings.Fields(
			"82.0.1.3 82.0.7.3 82.1.2.3 83.0.0.1 83.0.0.129 81.8.0.1 81.9.0.1 80.0.0.1 128.0.0.1 10.1.1.1 2001:db8::1 " +
				"2001:db9::1 ::1") {
			for _, ecs := range []bool{true, false} {
				addr := netip.MustParseAddr(s)
				p, scope := a.Locate(addr, ecs)
				cell, err := addr.Prefix(scope)
				if err != nil {
					t.Fatal(err)
				}
				for _, other := range []netip.Addr{cell.Addr(), last(cell)} {
					if q, _ := a.Locate(other, ecs); q != p {
						t.Errorf("IPv%d database: %s ecs=%v: place %d with scope %d, but %s is in place %d", ipVersion, s, ecs, p, scope,
							other, q)
					}
				}
			}
		}
	}
}

func TestGeoIPLatencyAndDistance(t *testing.T) {
	a := withGeoIP(t, 6)
	virginia, _ := a.Locate(netip.MustParseAddr("82.1.2.3"), false)
	france, _ := a.Locate(netip.MustParseAddr("86.0.0.1"), false)
	dublin, _ := a.RegionCoordinates("eu-west-1")
	if us := a.Latency(virginia, a.Region("us-east-1")); us != 1000 {
		t.Errorf("from Ashburn to us-east-1: %d µs; want 1000", us)
	}
	if us := a.Latency(virginia, a.Region("eu-west-1")); us < 65_000 || us > 90_000 {
		t.Errorf("from Ashburn to eu-west-1: %d µs; want 65 to 90 ms", us)
	}
	if a.Measured(virginia, a.Region("eu-west-1")) {
		t.Error("an estimate passes for a measurement")
	}
	if us := a.Latency(virginia, 0); us != math.MaxUint32 {
		t.Errorf("to an unknown Region: %d µs", us)
	}
	if us := a.Latency(france, a.Region("eu-west-3")); us != math.MaxUint32 {
		t.Errorf("from a country without coordinates: %d µs; want none", us)
	}
	if km, ok := a.Distance(virginia, dublin.Point()); !ok || math.Abs(km-5450) > 50 {
		t.Errorf("from Ashburn to Dublin: %v km, %v; want about 5450", km, ok)
	}
	if km, ok := a.Distance(france, dublin.Point()); ok {
		t.Errorf("from a country without coordinates to Dublin: %v km", km)
	}
}

func TestGeoIPAllocatesNothing(t *testing.T) {
	a := withGeoIP(t, 6)
	r := a.Region("eu-west-1")
	dublin, _ := a.RegionCoordinates("eu-west-1")
	var addrs []netip.Addr
	for _, s := range strings.Fields("82.0.1.3 83.0.0.1 86.0.0.1 128.0.0.1 2001:db8::1 2001:db9::1 ::ffff:82.1.2.3") {
		addrs = append(addrs, netip.MustParseAddr(s))
	}
	for _, ipVersion := range []int{4, 6} {
		a = withGeoIP(t, ipVersion)
		var sum float64
		allocs := testing.AllocsPerRun(100, func() {
			for _, addr := range addrs {
				p, _ := a.Locate(addr, true)
				km, _ := a.Distance(p, dublin.Point())
				sum += km + float64(a.Latency(p, r)) + float64(len(a.Area(p).Country))
			}
		})
		if allocs != 0 || sum == 0 {
			t.Errorf("IPv%d database: %v allocations per run (sum %v); want 0", ipVersion, allocs, sum)
		}
	}
}

func TestNewRefusesGeoIP(t *testing.T) {
	for want, data := range map[string][]byte{
		"GeoIP database: ":                        []byte("not a database"),
		"no record of the database has a country": mmdb(6, network{"10.0.0.0/8", map[string]any{}}),
		"wanted are the fields country.iso_code": mmdb(6, network{"10.0.0.0/8",
			map[string]any{"asn": "AS1", "as_name": "x"}}),
		"the first record has as_name, asn": mmdb(6, network{"10.0.0.0/8",
			map[string]any{"asn": "AS1", "as_name": "x"}}),
		`country: "de" is not two letters`: mmdb(6, network{"10.0.0.0/8", map[string]any{"country": "de"}}),
		`latitude "north" is not a number`: mmdb(6, network{"10.0.0.0/8",
			map[string]any{"country": "DE", "lat": "north"}}),
		`10.0.0.0/8: country: "de" is not two`:     mmdb(6, network{"10.0.0.0/8", city("EU", "de", "", 1, 2)}),
		`10.0.0.0/8: location: latitude 91 is not`: mmdb(4, network{"10.0.0.0/8", city("EU", "DE", "", 91, 2)}),
	} {
		if _, err := geo.New(geo.Options{GeoIP: data}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New: %v; want an error with %q", err, want)
		}
	}
}

// ipinfo's databases have flat fields: of Lite, of Location in two forms, and of Country as it was.
func TestGeoIPOfIPInfo(t *testing.T) {
	a := mustNew(t, geo.Options{GeoIP: mmdb(6,
		network{"81.0.0.0/8", map[string]any{"asn": "AS1", "country_code": "DE", "country": "Germany", "continent_code": "EU",
			"continent": "Europe"}},
		network{"82.0.0.0/16", map[string]any{"city": "Ashburn", "region": "Virginia", "region_code": "VA", "country": "US",
			"lat": "39.04", "lng": "-77.49"}},
		network{"83.0.0.0/16", map[string]any{"country_code": "TR", "country": "Türkiye", "latitude": 41.01,
			"longitude": 28.98}},
		network{"84.0.0.0/16", map[string]any{"country": "", "continent": "AN", "continent_name": "Antarctica", "lat": "",
			"lng": ""}},
		network{"85.0.0.0/16", map[string]any{"country": "FR", "country_name": "France", "continent": "EU"}},
		network{"86.0.0.0/16", map[string]any{"asn": "AS2"}},
	)})
	for addr, want := range map[string]string{
		"81.1.2.3": "GeoIP DE", "82.0.1.2": "GeoIP US-VA (39.04, -77.49)", "83.0.1.2": "GeoIP TR (41.01, 28.98)",
		"84.0.1.2": "GeoIP continent AN", "85.0.1.2": "GeoIP FR", "86.0.1.2": "unknown",
	} {
		p, _ := a.Locate(netip.MustParseAddr(addr), false)
		if got := a.Place(p).Name; got != want {
			t.Errorf("%s is in %q, want %q", addr, got, want)
		}
	}
}

// Any file is either refused or gives answers.
func FuzzGeoIP(f *testing.F) {
	f.Add(cities(4), []byte{82, 1, 2, 3})
	f.Add(cities(6), netip.MustParseAddr("2001:db8::1").AsSlice())
	f.Fuzz(func(t *testing.T, data, client []byte) {
		addr, ok := netip.AddrFromSlice(client)
		if !ok || len(data) == 0 {
			return
		}
		a, err := geo.New(geo.Options{GeoIP: data})
		if err != nil {
			return
		}
		p, scope := a.Locate(addr, true)
		if scope < 0 || scope > addr.BitLen() {
			t.Errorf("%s has scope %d", addr, scope)
		}
		if place := a.Place(p); a.Area(p).Country != place.Country || place.Name == "" {
			t.Errorf("place %d is %+v in %v", p, place, a.Area(p))
		}
	})
}

func BenchmarkLocateGeoIP(b *testing.B) {
	a := withGeoIP(b, 6)
	addr := netip.MustParseAddr("82.1.2.3")
	b.ReportAllocs()
	for b.Loop() {
		if p, _ := a.Locate(addr, true); p == 0 {
			b.Fatal("not found")
		}
	}
}
