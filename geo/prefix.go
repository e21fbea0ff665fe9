package geo

import (
	"fmt"
	"net/netip"

	"github.com/gaissmai/bart"
)

// mappedBits is the difference in length between an IPv4-mapped IPv6 prefix (::ffff:0:0/96) and its IPv4 prefix.
const mappedBits = 96

// prefixes are the two tables for a client's address.
type prefixes struct {
	subnets, sources prefixTable
}

// A prefixTable maps prefixes to places.
type prefixTable struct {
	table bart.Table[located]
	list  []netip.Prefix
}

// located is the entry of a prefix. The scopes are the length of the prefix, or the length of the address if a longer
// prefix inside it may have another place. scope is for lookups in this table only. ecsScope is for lookups that try
// the client subnet table first.
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

// setScopes computes the scopes after all prefixes were added.
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

// Locate returns the place of a client. ecs says that addr is from EDNS Client Subnet: then Locate tries the client
// subnet table, the source table and the GeoIP database, in this order. Otherwise it skips the client subnet table. The
// first place found is the result. An IPv4-mapped IPv6 address counts as the IPv4 address. Place 0 means that nothing
// was found or that addr is not valid. Locate allocates nothing.
//
// scope is the prefix length for which the place holds (RFC 7871 section 7.2.1), in bits of addr as it was given. It is
// the length of the matched prefix or of the database's network. It is the full length of the address if longer
// prefixes are nested in the matched one, or if none matched. The caller caps it by the SOURCE PREFIX-LENGTH.
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
	// No prefix of the tables contains the network, because it would contain addr too. So a prefix that overlaps with the
	// network is inside it.
	if !network.IsValid() || a.prefixes.sources.table.OverlapsPrefix(network) ||
		ecs && a.prefixes.subnets.table.OverlapsPrefix(network) {
		return p, given
	}
	return p, mapped + network.Bits()
}
