package geo

import (
	"fmt"
	"net/netip"

	"github.com/gaissmai/bart"
)

// mappedBits is what an IPv4-mapped IPv6 prefix (::ffff:0:0/96) is longer than the IPv4 prefix it stands for.
const mappedBits = 96

// prefixes are the two tables a client's address is looked up in.
type prefixes struct {
	subnets, sources prefixTable
}

// A prefixTable maps prefixes to places.
type prefixTable struct {
	table bart.Table[located]
	list  []netip.Prefix
}

// located is what a prefix says. The scopes are the prefix's own length, or the whole address where a longer prefix
// inside it could say otherwise: scope for lookups in this table alone, ecsScope for lookups that have the client
// subnet table in front of it.
type located struct {
	place           PlaceID
	scope, ecsScope uint8
}

type prefixTaken struct {
	prefix netip.Prefix
	by     PlaceID
}

func (e *prefixTaken) Error() string { return e.prefix.String() + " is used already" }

func (t *prefixTable) add(given netip.Prefix, place PlaceID) error {
	p := unmapPrefix(given)
	if !p.IsValid() {
		return fmt.Errorf("%s is not a prefix", given)
	}
	if p != p.Masked() {
		return fmt.Errorf("%s has bits set beyond its length; write %s", given, p.Masked())
	}
	if other, ok := t.table.Get(p); ok {
		return &prefixTaken{given, other.place}
	}
	t.table.Insert(p, located{place: place})
	t.list = append(t.list, p)
	return nil
}

func unmapPrefix(p netip.Prefix) netip.Prefix {
	if p.Addr().Is4In6() && p.Bits() >= mappedBits {
		return netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-mappedBits)
	}
	return p
}

// hasInside reports whether a table has a prefix inside p other than p itself.
func hasInside[V any](table *bart.Table[V], p netip.Prefix) bool {
	for inside := range table.Subnets(p) {
		if inside != p {
			return true
		}
	}
	return false
}

// setScopes works out the scopes once all prefixes are there.
func (ps *prefixes) setScopes() {
	for _, p := range ps.subnets.list {
		scope := scopeOf(p, hasInside(&ps.subnets.table, p))
		ps.subnets.setScope(p, scope, scope)
	}
	for _, p := range ps.sources.list {
		nested := hasInside(&ps.sources.table, p)
		ps.sources.setScope(p, scopeOf(p, nested), scopeOf(p, nested || hasInside(&ps.subnets.table, p)))
	}
}

func scopeOf(p netip.Prefix, nested bool) uint8 {
	if nested {
		return uint8(p.Addr().BitLen())
	}
	return uint8(p.Bits())
}

func (t *prefixTable) setScope(p netip.Prefix, scope, ecsScope uint8) {
	at, _ := t.table.Get(p)
	t.table.Insert(p, located{at.place, scope, ecsScope})
}

// Locate finds the place of a client without allocating. ecs says that addr came from EDNS Client Subnet (looked up in
// the client subnet table first, then in the source table); otherwise only the source table is used of the two. What
// they do not have is looked up in the GeoIP database; a place is from one of the three as it stands there. An
// IPv4-mapped IPv6 address is looked up as the IPv4 address. Place 0 is returned when nothing is found or addr is not
// valid.
//
// scope is the prefix length the decision holds for (RFC 7871 section 7.2.1), in bits of the address as it was given:
// the length of the matched prefix or of the database's network, or the full address length where more specific
// prefixes are nested in it or none matched. The caller caps it by the SOURCE PREFIX-LENGTH where it must.
func (a *Atlas) Locate(addr netip.Addr, ecs bool) (p PlaceID, scope int) {
	given := addr.BitLen()
	addr = addr.Unmap()
	if !addr.IsValid() {
		return 0, 0
	}
	mapped := given - addr.BitLen() // 96 or 0
	if ecs {
		if at, ok := a.prefixes.subnets.table.Lookup(addr); ok {
			return at.place, mapped + int(at.scope)
		}
	}
	at, ok := a.prefixes.sources.table.Lookup(addr)
	switch {
	case ok && ecs:
		return at.place, mapped + int(at.ecsScope)
	case ok:
		return at.place, mapped + int(at.scope)
	case a.geoIP == nil:
		return 0, given
	}
	p, network := a.geoIP.lookup(addr)
	// No prefix of the tables is around the network, for it would be around addr: one that overlaps lies inside.
	if !network.IsValid() || a.prefixes.sources.table.OverlapsPrefix(network) ||
		ecs && a.prefixes.subnets.table.OverlapsPrefix(network) {
		return p, given
	}
	return p, mapped + network.Bits()
}
