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
		client   string
		location string
		block    string
		scope    int
	}{
		{"10.1.2.3/32", "lab", "10.1.2.0/24", 24},
		{"10.1.2.0/24", "lab", "10.1.2.0/24", 24},
		{"10.1.2.0/23", "office", "10.1.0.0/16", 24}, // r53: A.8
		{"10.1.0.0/16", "office", "10.1.0.0/16", 24},
		{"10.1.0.0/15", "", "", 24},
		{"172.16.9.9/32", "partner", "172.16.0.0/12", 12},
		{"192.0.2.7/32", "lab", "192.0.2.0/24", 24},
		{"203.0.113.1/32", "", "", 24},
		{"2001:db8::1/128", "office", "2001:db8::/32", 32},
		{"2001:db9::1/128", "", "", 32},
		{"::ffff:10.1.2.3/128", "lab", "10.1.2.0/24", 120},
		{"::ffff:10.1.2.0/119", "office", "10.1.0.0/16", 120},
		{"::ffff:10.1.2.0/7", "", "", 120},
		{"fe80::1/128", "", "", 32},
	} {
		client := netip.MustParsePrefix(c.client)
		location, scope := b.Locate(client)
		block := ""
		if p := b.Block(client); p.IsValid() {
			block = p.String()
		}
		if location != c.location || scope != c.scope || block != c.block {
			t.Errorf("Locate(%s) = %q by %q, scope %d; want %q by %q, %d", c.client, location, block, scope, c.location,
				c.block, c.scope)
		}
	}
}

func TestNoBlocks(t *testing.T) {
	empty, err := geo.NewBlocks(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range []*geo.Blocks{nil, empty} {
		for _, client := range []netip.Prefix{{}, netip.MustParsePrefix("10.1.2.3/32"),
			netip.MustParsePrefix("2001:db8::1/128")} {
			location, scope := b.Locate(client)
			if block := b.Block(client); location != "" || scope != 0 || block.IsValid() {
				t.Errorf("%s is in %q by %s, scope %d; want nothing, for everybody", client, location, block, scope)
			}
		}
	}
}

func TestNewBlocksRefuses(t *testing.T) {
	for want, locations := range map[string]map[string][]netip.Prefix{
		"location b: block 10.1.0.0/16 is in location a already": {"a": prefixes("10.1.0.0/16"),
			"b": prefixes("10.1.0.0/16")},
		"location a: 10.1.2.3/16 is not a CIDR block": {"a": prefixes("10.1.2.3/16")},
	} {
		if _, err := geo.NewBlocks(locations); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("NewBlocks: %v; want an error with %q", err, want)
		}
	}
}
