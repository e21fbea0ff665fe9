package health

import "net/netip"

// Restricted says that AWS's checkers refuse to probe the address: loopback, private, link-local, shared, documentation,
// benchmark, multicast and reserved space. An IPv4 address mapped into IPv6 is judged as IPv4. r53: B.5.
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
	case 192: // IETF protocol assignments 192.0.0/24, documentation 192.0.2/24, 6to4 relay 192.88.99/24
		return b[1] == 0 && (b[2] == 0 || b[2] == 2) || b[1] == 88 && b[2] == 99
	case 198: // benchmark 198.18/15, documentation 198.51.100/24
		return b[1]&0xfe == 18 || b[1] == 51 && b[2] == 100
	case 203: // documentation 203.0.113/24
		return b[1] == 0 && b[2] == 113
	}
	return b[0] >= 240 // reserved 240/4 with broadcast
}

// restricted6 leaves global unicast space 2000::/3, less documentation, benchmark, ORCHID and tunnels whose IPv4 end may
// be anything. ULA is private for netip.
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

// NeverEndpoint says that no place can have the address as the other end of a TCP connection: unspecified, multicast and
// broadcast addresses.
func NeverEndpoint(a netip.Addr) bool {
	a = a.Unmap()
	return !a.IsValid() || a.IsUnspecified() || a.IsMulticast() || a == netip.AddrFrom4([4]byte{255, 255, 255, 255})
}
