package zone

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

// ParseRRType reads a type by its mnemonic ("AAAA"); ok is false for a type Route 53 does not have.
func ParseRRType(s string) (t RRType, ok bool) { panic("contract") }

// String returns the mnemonic, or TYPEn for an unknown number (RFC 3597).
func (t RRType) String() string { panic("contract") }

// MarshalText and UnmarshalText use the mnemonic, so JSON shows "AAAA".
func (t RRType) MarshalText() ([]byte, error)     { panic("contract") }
func (t *RRType) UnmarshalText(text []byte) error { panic("contract") }

// AppendRData parses one value in presentation form and appends its wire-format RDATA, names uncompressed. The error says what
// is wrong in Route 53's terms. r53: A.14.
func AppendRData(dst []byte, t RRType, value string) ([]byte, error) { panic("contract") }
