package wire

import (
	"encoding/binary"
	"net/netip"
)

// A Subnet is the EDNS Client Subnet option of a query (RFC 7871 section 6).
type Subnet struct {
	Present bool
	Family  uint16 // 1 is IPv4, 2 is IPv6; 0 comes only with Source 0
	Source  uint8  // SOURCE PREFIX-LENGTH: how many bits of the address the client gives
	address [16]byte
}

// Prefix is the client's network. ok is false when the query has no option, or an option with no bits: then the client
// asks not to be located by its address (RFC 7871 section 7.1.2).
func (s *Subnet) Prefix() (network netip.Prefix, ok bool) {
	switch {
	case !s.Present || s.Source == 0:
		return netip.Prefix{}, false
	case s.Family == familyIPv4:
		return netip.PrefixFrom(netip.AddrFrom4([4]byte(s.address[:4])), int(s.Source)), true
	default:
		return netip.PrefixFrom(netip.AddrFrom16(s.address), int(s.Source)), true
	}
}

const (
	familyIPv4 = 1
	familyIPv6 = 2

	optFixedLen    = 11 // an OPT record without options: root owner, type, payload size, TTL, RDLENGTH
	optionFixedLen = 4  // code and length of an option
	subnetFixedLen = 4  // family and the two prefix lengths
	flagDO         = 0x80
)

// parseOPT reads the OPT record at the start of b and returns what follows it. It sets q.EDNS once the record itself is
// well-formed, so that the reply to an error in an option has an OPT record too (RFC 6891 section 7).
func (q *Query) parseOPT(b []byte) (rest []byte, rcode RCode) {
	if len(b) < optFixedLen || b[0] != 0 || binary.BigEndian.Uint16(b[1:]) != typeOPT {
		return nil, FormErr
	}
	length := int(binary.BigEndian.Uint16(b[9:]))
	if len(b) < optFixedLen+length {
		return nil, FormErr
	}
	options, rest := b[optFixedLen:optFixedLen+length], b[optFixedLen+length:]
	q.EDNS = true
	q.UDPSize = binary.BigEndian.Uint16(b[3:])
	q.DO = b[7]&flagDO != 0
	if b[6] != 0 {
		return nil, BadVers // RFC 6891 section 6.1.3; options of a later version may mean something else
	}
	for len(options) != 0 {
		if len(options) < optionFixedLen {
			return nil, FormErr
		}
		code, n := binary.BigEndian.Uint16(options), int(binary.BigEndian.Uint16(options[2:]))
		if len(options) < optionFixedLen+n {
			return nil, FormErr
		}
		// Unknown options are ignored (RFC 6891 section 6.1.2).
		if code == optionECS && !q.Subnet.parse(options[optionFixedLen:optionFixedLen+n]) {
			return nil, FormErr
		}
		options = options[optionFixedLen+n:]
	}
	return rest, NoError
}

// parse reads the data of the option. It returns false if RFC 7871 section 6 demands FORMERR: too few or too many
// address bytes, bits beyond the prefix, a scope in a query, an unknown family, or a second option.
func (s *Subnet) parse(data []byte) bool {
	if s.Present || len(data) < subnetFixedLen || data[3] != 0 {
		return false
	}
	family, source, addr := binary.BigEndian.Uint16(data), data[2], data[subnetFixedLen:]
	switch family {
	case familyIPv4:
		if source > 32 {
			return false
		}
	case familyIPv6:
		if source > 128 {
			return false
		}
	case 0:
		if source != 0 { // clients opt out with family 0
			return false
		}
	default:
		return false
	}
	n := prefixBytes(source)
	if len(addr) != n {
		return false
	}
	if bits := source % 8; bits != 0 && addr[n-1]<<bits != 0 {
		return false
	}
	s.Present, s.Family, s.Source = true, family, source
	s.address = [16]byte{}
	copy(s.address[:], addr)
	return true
}

// prefixBytes returns the number of bytes of a prefix of this many bits.
func prefixBytes(bits uint8) int { return (int(bits) + 7) / 8 }

// optLen returns the length of the OPT record in the response. It is 0 for a query without one (RFC 6891 section 7).
func (q *Query) optLen() int {
	switch {
	case !q.EDNS:
		return 0
	case !q.Subnet.Present:
		return optFixedLen
	}
	return optFixedLen + optionFixedLen + subnetFixedLen + prefixBytes(q.Subnet.Source)
}

// appendOPT appends the OPT record of the response: our payload size, the DO bit of the query, and the client subnet of
// the query with the scope of the answer (RFC 7871 section 7.2.1).
func (q *Query) appendOPT(msg []byte, rcode RCode, scope uint8) []byte {
	if !q.EDNS {
		return msg
	}
	var do byte
	if q.DO {
		do = flagDO
	}
	msg = append(msg, 0, 0, typeOPT, advertisedUDP>>8, advertisedUDP&0xFF, byte(rcode>>4), 0, do, 0)
	s := &q.Subnet
	if !s.Present {
		return append(msg, 0, 0)
	}
	n := subnetFixedLen + prefixBytes(s.Source)
	msg = append(msg, 0, byte(optionFixedLen+n), 0, optionECS, 0, byte(n), byte(s.Family>>8), byte(s.Family), s.Source,
		scope)
	return append(msg, s.address[:prefixBytes(s.Source)]...)
}
