package zone

import (
	"fmt"
	"strconv"
	"strings"
)

// An RRType is a DNS record type by its number on the wire (IANA DNS parameters).
type RRType uint16

// The seventeen types Route 53 knows. r53: A.14.
const (
	A     RRType = 1
	NS    RRType = 2
	CNAME RRType = 5
	SOA   RRType = 6
	PTR   RRType = 12
	MX    RRType = 15
	TXT   RRType = 16
	AAAA  RRType = 28
	SRV   RRType = 33
	NAPTR RRType = 35
	DS    RRType = 43
	SSHFP RRType = 44
	TLSA  RRType = 52
	SVCB  RRType = 64
	HTTPS RRType = 65
	SPF   RRType = 99
	CAA   RRType = 257
)

// ParseRRType reads a type by its mnemonic in upper case ("AAAA"); ok is false for a type Route 53 does not have.
func ParseRRType(s string) (t RRType, ok bool) {
	switch s {
	case "A":
		return A, true
	case "NS":
		return NS, true
	case "CNAME":
		return CNAME, true
	case "SOA":
		return SOA, true
	case "PTR":
		return PTR, true
	case "MX":
		return MX, true
	case "TXT":
		return TXT, true
	case "AAAA":
		return AAAA, true
	case "SRV":
		return SRV, true
	case "NAPTR":
		return NAPTR, true
	case "DS":
		return DS, true
	case "SSHFP":
		return SSHFP, true
	case "TLSA":
		return TLSA, true
	case "SVCB":
		return SVCB, true
	case "HTTPS":
		return HTTPS, true
	case "SPF":
		return SPF, true
	case "CAA":
		return CAA, true
	}
	return 0, false
}

// String returns the mnemonic, or TYPEn for a type Route 53 does not have (RFC 3597 section 5).
func (t RRType) String() string {
	switch t {
	case A:
		return "A"
	case NS:
		return "NS"
	case CNAME:
		return "CNAME"
	case SOA:
		return "SOA"
	case PTR:
		return "PTR"
	case MX:
		return "MX"
	case TXT:
		return "TXT"
	case AAAA:
		return "AAAA"
	case SRV:
		return "SRV"
	case NAPTR:
		return "NAPTR"
	case DS:
		return "DS"
	case SSHFP:
		return "SSHFP"
	case TLSA:
		return "TLSA"
	case SVCB:
		return "SVCB"
	case HTTPS:
		return "HTTPS"
	case SPF:
		return "SPF"
	case CAA:
		return "CAA"
	}
	return "TYPE" + strconv.Itoa(int(t))
}

// MarshalText returns the text of String, so that JSON has "AAAA". It never fails.
func (t RRType) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads a mnemonic or TYPEn.
func (t *RRType) UnmarshalText(text []byte) error {
	s := string(text)
	if known, ok := ParseRRType(s); ok {
		*t = known
		return nil
	}
	number, ok := strings.CutPrefix(s, "TYPE")
	n, err := strconv.ParseUint(number, 10, 16)
	if !ok || err != nil {
		return fmt.Errorf("record type %q: want a Route 53 type such as A, or TYPE0 to TYPE65535", s)
	}
	*t = RRType(n)
	return nil
}
