package geo_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/bulkhead-dns/bulkhead/geo"
)

func TestBlocks(t *testing.T) {
	b, err := geo.NewBlocks(map[string][]netip.Prefix{
		"office":  prefixes("10.1.0.0/16", "2001:db8::/32"),
		"lab":     prefixes("10.1.2.0/24", "::ffff:192.0.2.0/120"),
		"partner": prefixes("172.16.0.0/12"),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		addr     string
		bits     int
		location string
		block    string
		scope    int
	}{
		{"10.1.2.3", 0, "lab", "10.1.2.0/24", 24},
		{"10.1.2.3", 32, "lab", "10.1.2.0/24", 24},
		{"10.1.2.0", 24, "lab", "10.1.2.0/24", 24},
		{"10.1.2.0", 23, "office", "10.1.0.0/16", 24}, // r53: A.8
		{"10.1.0.0", 16, "office", "10.1.0.0/16", 24},
		{"10.1.0.0", 15, "", "", 24},
		{"10.1.2.3", -1, "lab", "10.1.2.0/24", 24}, // no such length: all of it
		{"10.1.2.3", 33, "lab", "10.1.2.0/24", 24},
		{"172.16.9.9", 0, "partner", "172.16.0.0/12", 12},
		{"192.0.2.7", 0, "lab", "192.0.2.0/24", 24},
		{"203.0.113.1", 0, "", "", 24},
		{"2001:db8::1", 0, "office", "2001:db8::/32", 32},
		{"2001:db9::1", 0, "", "", 32},
		{"::ffff:10.1.2.3", 0, "lab", "10.1.2.0/24", 120},
		{"::ffff:10.1.2.0", 119, "office", "10.1.0.0/16", 120},
		{"::ffff:10.1.2.0", 7, "", "", 120},
		{"fe80::1%eth0", 0, "", "", 32},
	} {
		addr := netip.MustParseAddr(c.addr)
		location, scope := b.Locate(addr, c.bits)
		block := ""
		if p := b.Block(addr, c.bits); p.IsValid() {
			block = p.String()
		}
		if location != c.location || scope != c.scope || block != c.block {
			t.Errorf("Locate(%s, %d) = %q by %q, scope %d; want %q by %q, %d", c.addr, c.bits, location, block, scope, c.location, c.block, c.scope)
		}
	}
}

func TestNoBlocks(t *testing.T) {
	empty, err := geo.NewBlocks(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range []*geo.Blocks{nil, empty} {
		for _, addr := range []netip.Addr{{}, netip.MustParseAddr("10.1.2.3"), netip.MustParseAddr("2001:db8::1")} {
			location, scope := b.Locate(addr, 0)
			if block := b.Block(addr, 0); location != "" || scope != 0 || block.IsValid() {
				t.Errorf("%s is in %q by %s, scope %d; want nothing, for everybody", addr, location, block, scope)
			}
		}
	}
}

func TestNewBlocksRefuses(t *testing.T) {
	for want, locations := range map[string]map[string][]netip.Prefix{
		"location b: block 10.1.0.0/16 is in location a already": {"a": prefixes("10.1.0.0/16"), "b": prefixes("10.1.0.0/16")},
		"location a: 10.1.2.3/16 is not a CIDR block":            {"a": prefixes("10.1.2.3/16")},
	} {
		if _, err := geo.NewBlocks(locations); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("NewBlocks: %v; want an error with %q", err, want)
		}
	}
}
