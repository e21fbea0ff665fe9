package zone

import (
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// AppendRData parses one value in Route 53's presentation form and appends its RDATA in wire format, with names
// uncompressed and in lower case. The error is a *Problem in Route 53's terms; dst is then returned unchanged. r53:
// A.14.
//
// Only four of Route 53's codes are recorded (ARRDATAIllegalIPv4Address, DomainNameEmpty, UnsupportedCharacter,
// DomainNameTooLong); the others follow their pattern (unconfirmed).
func AppendRData(dst []byte, t RRType, value string) ([]byte, error) {
	if n := utf8.RuneCountInString(value); n > maxValueCharacters {
		text := fmt.Sprintf("Value has %d characters, at most %d are allowed", n, maxValueCharacters)
		return dst, &Problem{"ValueTooLong", text, value}
	}
	p := rdataParser{rrtype: t, value: value, out: dst}
	switch t {
	case A:
		p.ipv4()
	case AAAA:
		p.ipv6()
	case CNAME, NS, PTR:
		p.name(value)
	case MX:
		p.mx()
	case SRV:
		p.srv()
	case TXT, SPF:
		p.text()
	case CAA:
		p.caa()
	case NAPTR:
		p.naptr()
	case DS:
		p.ds()
	case TLSA:
		p.tlsa()
	case SSHFP:
		p.sshfp()
	case SVCB, HTTPS:
		p.svcb()
	case SOA:
		p.soa()
	default:
		p.refuse("UnsupportedType", fmt.Sprintf("%s is not a type Route 53 has", t))
	}
	if p.err != nil {
		return dst, p.err
	}
	return p.out, nil
}

// rdataParser turns one value into RDATA. It keeps the first error; later steps then have no effect.
type rdataParser struct {
	rrtype RRType
	value  string
	out    []byte
	err    *Problem
}

func (p *rdataParser) refuse(code, text string) { p.fail(&Problem{code, text, p.value}) }

func (p *rdataParser) fail(problem *Problem) {
	if p.err == nil {
		p.err = problem
	}
}

// typed records an error whose code begins with the record type, such as ARRDATAIllegalIPv4Address.
func (p *rdataParser) typed(code, text string) { p.refuse(p.rrtype.String()+"RRDATA"+code, text) }

func (p *rdataParser) ipv4() {
	a, err := netip.ParseAddr(p.value)
	if err != nil || !a.Is4() {
		p.typed("IllegalIPv4Address", "Value is not a valid IPv4 address")
		return
	}
	p.out = append(p.out, a.AsSlice()...)
}

func (p *rdataParser) ipv6() {
	a, err := netip.ParseAddr(p.value)
	if err != nil || !a.Is6() || a.Zone() != "" {
		p.typed("IllegalIPv6Address", "Value is not a valid IPv6 address")
		return
	}
	p.out = append(p.out, a.AsSlice()...)
}

func (p *rdataParser) mx() {
	f, ok := p.fields(2, "preference host")
	if !ok {
		return
	}
	p.uint16("Preference", f[0], 65535)
	p.name(f[1])
}

func (p *rdataParser) srv() {
	f, ok := p.fields(4, "priority weight port host")
	if !ok {
		return
	}
	p.uint16("Priority", f[0], 65535)
	p.uint16("Weight", f[1], 65535)
	p.uint16("Port", f[2], 65535)
	p.name(f[3])
}

func (p *rdataParser) text() {
	strs := splitFields(p.value)
	if len(strs) == 0 {
		p.refuse("InvalidCharacterString", "Value should be enclosed in quotation marks")
	}
	for _, s := range strs {
		p.charString(s)
	}
}

func (p *rdataParser) caa() {
	f, ok := p.fields(3, `flags tag "value"`)
	if !ok {
		return
	}
	p.uint8("Flags", f[0], 0, 255)
	// issuemail and newer tags were refused when last seen (unconfirmed). r53: A.14.
	if !slices.Contains([]string{"issue", "issuewild", "iodef"}, f[1]) {
		p.typed("IllegalTag", "Tag is not one of issue, issuewild, iodef")
		return
	}
	p.out = append(p.out, byte(len(f[1])))
	p.out = append(p.out, f[1]...)
	p.out = append(p.out, p.unquote(f[2])...)
}

func (p *rdataParser) naptr() {
	f, ok := p.fields(6, `order preference "flags" "service" "regexp" replacement`)
	if !ok {
		return
	}
	p.uint16("Order", f[0], 65535)
	p.uint16("Preference", f[1], 65535)
	p.charString(f[2])
	p.charString(f[3])
	p.charString(f[4])
	p.name(f[5])
	if (f[4] == `""`) == (f[5] == ".") {
		p.typed("RegexpAndReplacement", `Exactly one of regexp and replacement must be given, the other as "" or .`)
	}
}

func (p *rdataParser) ds() {
	f, ok := p.fields(4, "keytag algorithm digesttype digest")
	if !ok {
		return
	}
	p.uint16("KeyTag", f[0], 65535)
	p.uint8("Algorithm", f[1], 0, 255)
	p.uint8("DigestType", f[2], 0, 255)
	p.hex("Digest", f[3])
}

func (p *rdataParser) tlsa() {
	f, ok := p.fields(4, "usage selector matching data")
	if !ok {
		return
	}
	p.uint8("Usage", f[0], 0, 3)
	p.uint8("Selector", f[1], 0, 1)
	p.uint8("MatchingType", f[2], 0, 2)
	p.hex("Data", f[3])
}

func (p *rdataParser) sshfp() {
	f, ok := p.fields(3, "algorithm type fingerprint")
	if !ok {
		return
	}
	p.uint8("Algorithm", f[0], 0, 255)
	p.uint8("Type", f[1], 1, 2)
	p.hex("Fingerprint", f[2])
}

func (p *rdataParser) soa() {
	f, ok := p.fields(7, "mname rname serial refresh retry expire minimum")
	if !ok {
		return
	}
	p.name(f[0])
	p.name(f[1])
	for i, field := range [...]string{"Serial", "Refresh", "Retry", "Expire", "Minimum"} {
		n, _ := p.number(field, f[2+i], 0, 1<<32-1)
		p.out = binary.BigEndian.AppendUint32(p.out, uint32(n))
	}
}

// fields splits the value into exactly n fields.
func (p *rdataParser) fields(n int, grammar string) ([]string, bool) {
	f := splitFields(p.value)
	if len(f) != n {
		p.typed("IllegalFieldCount", fmt.Sprintf("Value has %d fields, expected %d: %s", len(f), n, grammar))
		return nil, false
	}
	return f, true
}

func (p *rdataParser) number(field, s string, low, high uint64) (uint64, bool) {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil || n < low || n > high {
		p.typed("Illegal"+field, fmt.Sprintf("%s '%s' is not a number from %d to %d", field, s, low, high))
		return 0, false
	}
	return n, true
}

func (p *rdataParser) uint8(field, s string, low, high uint64) {
	n, _ := p.number(field, s, low, high)
	p.out = append(p.out, byte(n))
}

func (p *rdataParser) uint16(field, s string, high uint64) {
	n, _ := p.number(field, s, 0, high)
	p.out = binary.BigEndian.AppendUint16(p.out, uint16(n))
}

func (p *rdataParser) hex(field, s string) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) == 0 {
		p.typed("Illegal"+field, field+" is not an even number of hexadecimal digits")
		return
	}
	p.out = append(p.out, b...)
}

// name appends a domain name. The name is absolute, with or without the trailing dot.
func (p *rdataParser) name(s string) {
	n, problem := parseName(s)
	if problem != nil {
		p.fail(problem)
		return
	}
	p.out = n.AppendWire(p.out)
}

// charString appends a quoted <character-string> of RFC 1035 section 3.3.
func (p *rdataParser) charString(s string) {
	b := p.unquote(s)
	if len(b) > 255 {
		p.refuse("CharacterStringTooLong", "Value is too long")
		return
	}
	p.out = append(p.out, byte(len(b)))
	p.out = append(p.out, b...)
}

// unquote returns the bytes of a quoted string.
func (p *rdataParser) unquote(s string) []byte {
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		p.refuse("InvalidCharacterString", "Value should be enclosed in quotation marks")
		return nil
	}
	b, problem := unescape(s[1 : len(s)-1])
	if problem != nil {
		problem.Value = cmp.Or(problem.Value, p.value)
		p.fail(problem)
	}
	return b
}

// unescape decodes the inside of a quoted string. A backslash and three octal digits are one byte, as in Route 53; RFC
// 1035 section 5.1 has decimal digits. A backslash before any other character stands for that character. A quotation
// mark, control bytes and bytes from 177 up must be escaped. r53: A.14 (that a raw byte from 177 up is refused is
// unconfirmed).
func unescape(s string) ([]byte, *Problem) {
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '"' {
			return nil, &Problem{Code: "InvalidCharacterString", Text: "Value should be enclosed in quotation marks"}
		}
		if c == '\\' {
			v, ok := octal(s[i+1:])
			if ok {
				b = append(b, v)
				i += 3
				continue
			}
			i++
			if i == len(s) || '0' <= s[i] && s[i] <= '7' {
				return nil, &Problem{Code: "InvalidCharacterString",
					Text: `A backslash must begin three octal digits from \000 to \377, or stand before any other character`}
			}
			c = s[i]
		}
		if c < ' ' || c >= 0x7f {
			return nil, unsupported(s[i:])
		}
		b = append(b, c)
	}
	return b, nil
}

// splitFields splits a value at spaces and tabs outside quotation marks, and between two quoted strings. The fields
// keep their quotation marks.
func splitFields(value string) []string {
	var fields []string
	start, quoted := -1, false
	for i := 0; i < len(value); i++ {
		c := value[i]
		if !quoted && (c == ' ' || c == '\t') {
			if start >= 0 {
				fields = append(fields, value[start:i])
				start = -1
			}
			continue
		}
		if !quoted && c == '"' && start >= 0 && value[start] == '"' {
			fields = append(fields, value[start:i])
			start = -1
		}
		if start < 0 {
			start = i
		}
		switch c {
		case '"':
			quoted = !quoted
		case '\\':
			i++ // what follows is not a delimiter
		}
	}
	if start >= 0 {
		fields = append(fields, value[start:])
	}
	return fields
}

// sameValues reports whether two lists have the same values of a type as sets, in any spelling. r53: C.6 DELETE.
func sameValues(t RRType, a, b []string) bool {
	wireA, okA := wireSet(t, a)
	wireB, okB := wireSet(t, b)
	return okA && okB && slices.Equal(wireA, wireB)
}

// wireSet returns the RDATA of the values, sorted and without duplicates.
func wireSet(t RRType, values []string) ([]string, bool) {
	set := make([]string, 0, len(values))
	for _, v := range values {
		b, err := AppendRData(nil, t, v)
		if err != nil {
			return nil, false
		}
		set = append(set, string(b))
	}
	slices.SortFunc(set, strings.Compare)
	return slices.Compact(set), true
}
