package r53server

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/bulkhead-dns/bulkhead/zone"
)

// printRData returns RDATA as the value of a record set. It is the reverse of zone.AppendRData. Incomplete RDATA is an
// error. r53: A.14.
func printRData(t zone.RRType, rdata []byte) (string, error) {
	p := rdataPrinter{rest: rdata}
	switch t {
	case zone.A, zone.AAAA:
		addr, ok := netip.AddrFromSlice(p.bytes(len(p.rest)))
		if !ok {
			p.short = true
		}
		p.field(addr.String())
	case zone.CNAME, zone.NS, zone.PTR:
		p.name()
	case zone.MX:
		p.uint16()
		p.name()
	case zone.SRV:
		p.uint16()
		p.uint16()
		p.uint16()
		p.name()
	case zone.TXT, zone.SPF:
		for len(p.rest) > 0 && !p.short {
			p.string()
		}
	case zone.CAA:
		p.uint8()
		p.field(string(p.bytes(int(p.byte()))))
		p.field(quote(p.bytes(len(p.rest))))
	case zone.NAPTR:
		p.uint16()
		p.uint16()
		p.string()
		p.string()
		p.string()
		p.name()
	case zone.DS:
		p.uint16()
		p.uint8()
		p.uint8()
		p.hex()
	case zone.TLSA:
		p.uint8()
		p.uint8()
		p.uint8()
		p.hex()
	case zone.SSHFP:
		p.uint8()
		p.uint8()
		p.hex()
	case zone.SOA:
		p.name()
		p.name()
		for range 5 {
			p.field(strconv.FormatUint(uint64(binary.BigEndian.Uint32(p.bytes(4))), 10))
		}
	case zone.SVCB, zone.HTTPS:
		p.uint16()
		p.name()
		for len(p.rest) > 0 && !p.short {
			key := binary.BigEndian.Uint16(p.bytes(2))
			p.field(serviceParameter(key, p.bytes(int(binary.BigEndian.Uint16(p.bytes(2))))))
		}
	default:
		return "", fmt.Errorf("records of type %s have no values in Route 53", t)
	}
	if p.short || len(p.rest) > 0 {
		return "", errors.New("the record is incomplete")
	}
	return strings.Join(p.fields, " "), nil
}

// An rdataPrinter takes RDATA apart, field by field.
type rdataPrinter struct {
	rest   []byte
	fields []string
	short  bool // a field was longer than the rest
}

func (p *rdataPrinter) field(s string) { p.fields = append(p.fields, s) }

// bytes takes n bytes. It returns zeros if fewer are left.
func (p *rdataPrinter) bytes(n int) []byte {
	if n > len(p.rest) {
		p.short, p.rest = true, nil
		return make([]byte, n)
	}
	taken := p.rest[:n]
	p.rest = p.rest[n:]
	return taken
}

func (p *rdataPrinter) byte() byte { return p.bytes(1)[0] }
func (p *rdataPrinter) uint8()     { p.field(strconv.Itoa(int(p.byte()))) }
func (p *rdataPrinter) uint16()    { p.field(strconv.Itoa(int(binary.BigEndian.Uint16(p.bytes(2))))) }
func (p *rdataPrinter) hex()       { p.field(strings.ToUpper(hex.EncodeToString(p.bytes(len(p.rest))))) }
func (p *rdataPrinter) string()    { p.field(quote(p.bytes(int(p.byte())))) }

func (p *rdataPrinter) name() {
	n, length, err := zone.NameFromWire(p.rest)
	if err != nil {
		p.short, p.rest = true, nil
		return
	}
	p.bytes(length)
	p.field(string(n))
}

// quote writes a string in quotation marks, with the escapes of r53: A.14.
func quote(s []byte) string { return `"` + escape(s) + `"` }

func escape(s []byte) string {
	var b strings.Builder
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' || c >= 0x7f:
			fmt.Fprintf(&b, `\%03o`, c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// serviceParameter writes one parameter of SVCB and HTTPS records (RFC 9460 section 14.3.2).
func serviceParameter(key uint16, value []byte) string {
	name := serviceKey(key)
	var parts []string
	switch p := (rdataPrinter{rest: value}); key {
	case 0: // mandatory
		for len(p.rest) > 0 {
			parts = append(parts, serviceKey(binary.BigEndian.Uint16(p.bytes(2))))
		}
	case 1: // alpn: a comma or backslash inside an id is escaped once more (RFC 9460 appendix A.1)
		for len(p.rest) > 0 {
			id := p.bytes(int(p.byte()))
			parts = append(parts, strings.NewReplacer(`\`, `\\`, `,`, `\,`).Replace(string(id)))
		}
		return name + "=" + quote([]byte(strings.Join(parts, ",")))
	case 2: // no-default-alpn
		return name
	case 3: // port
		return name + "=" + strconv.Itoa(int(binary.BigEndian.Uint16(p.bytes(2))))
	case 4, 6: // ipv4hint, ipv6hint
		size := map[uint16]int{4: 4, 6: 16}[key]
		for len(p.rest) > 0 {
			addr, _ := netip.AddrFromSlice(p.bytes(size)) // both sizes are valid
			parts = append(parts, addr.String())
		}
	case 5: // ech
		return name + "=" + quote([]byte(base64.StdEncoding.EncodeToString(value)))
	default:
		if len(value) == 0 {
			return name
		}
		return name + "=" + quote(value)
	}
	return name + "=" + strings.Join(parts, ",")
}

func serviceKey(key uint16) string {
	names := [...]string{"mandatory", "alpn", "no-default-alpn", "port", "ipv4hint", "ech", "ipv6hint"}
	if int(key) < len(names) {
		return names[key]
	}
	return "key" + strconv.Itoa(int(key))
}
