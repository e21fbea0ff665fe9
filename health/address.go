package health

import (
	"net/netip"
	"slices"
)

// Forbidden says that an address may not be probed: it is never an endpoint, or it is internal (Restricted) and none of
// the allowed prefixes has it. An IPv4 address mapped into IPv6 is judged as IPv4; the prefixes have to be of plain
// IPv4 or IPv6.
func Forbidden(a netip.Addr, allowed []netip.Prefix) bool {
	a = a.Unmap()
	return NeverEndpoint(a) ||
		Restricted(a) && !slices.ContainsFunc(allowed, func(p netip.Prefix) bool { return p.Contains(a.WithZone("")) })
}

// AnyAddress are the prefixes that allow every endpoint, for clients that leave the judgement to the place of the
// check.
func AnyAddress() []netip.Prefix {
	return []netip.Prefix{netip.PrefixFrom(netip.IPv4Unspecified(), 0), netip.PrefixFrom(netip.IPv6Unspecified(), 0)}
}

// Restricted says that an address is internal: loopback, private, link-local, shared, documentation, benchmark,
// multicast and reserved space, translations of IPv4 into IPv6, and addresses where clouds serve their metadata. AWS's
// checkers refuse to probe these. An IPv4 address mapped into IPv6 is judged as IPv4. r53: B.5.
func Restricted(a netip.Addr) bool {
	a = a.Unmap()
	switch {
	case !a.IsValid() || a.IsUnspecified() || a.IsLoopback() || a.IsPrivate() || a.IsLinkLocalUnicast() || a.IsMulticast():
		return true
	case a.Is4():
		return restricted4(a.As4())
	}
	return restricted6(a.As16())
}

// restricted4 knows what netip does not: the IANA special-purpose registry of IPv4 (RFC 6890).
func restricted4(b [4]byte) bool {
	switch b[0] {
	case 0: // this network
		return true
	case 100: // shared address space 100.64/10
		return b[1]&0xc0 == 64
	case 168: // 168.63.129.16 is the host's own service in every machine of Azure, although it is public space
		return b == [4]byte{168, 63, 129, 16}
	case 192: // IETF protocol assignments 192.0.0/24, documentation 192.0.2/24, 6to4 relay 192.88.99/24
		return b[1] == 0 && (b[2] == 0 || b[2] == 2) || b[1] == 88 && b[2] == 99
	case 198: // benchmark 198.18/15, documentation 198.51.100/24
		return b[1]&0xfe == 18 || b[1] == 51 && b[2] == 100
	case 203: // documentation 203.0.113/24
		return b[1] == 0 && b[2] == 113
	}
	return b[0] >= 240 // reserved 240/4 with broadcast
}

// restricted6 leaves global unicast space 2000::/3, less documentation, benchmark, ORCHID and tunnels whose IPv4 end
// may be anything. Translated IPv4 (NAT64 64:ff9b::/96 and 64:ff9b:1::/48, ::a.b.c.d) is outside of it. ULA is private
// for netip.
func restricted6(b [16]byte) bool {
	first, second := uint16(b[0])<<8|uint16(b[1]), uint16(b[2])<<8|uint16(b[3])
	switch {
	case b[0]&0xe0 != 0x20:
		return true
	case first == 0x2001: // IETF assignments 2001::/23, documentation 2001:db8::/32
		return second < 0x200 || second == 0xdb8
	case first == 0x2002: // 6to4
		return true
	case first == 0x3fff: // documentation 3fff::/20
		return second>>12 == 0
	}
	return false
}

// NeverEndpoint says that no place can have the address as the other end of a TCP connection: unspecified, multicast
// and broadcast addresses.
func NeverEndpoint(a netip.Addr) bool {
	a = a.Unmap()
	return !a.IsValid() || a.IsUnspecified() || a.IsMulticast() || a == netip.AddrFrom4([4]byte{255, 255, 255, 255})
}
