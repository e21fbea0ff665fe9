package wire

import (
	"encoding/binary"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"
)

// pack encodes a message as a client would send it.
func pack(t testing.TB, m *dns.Msg) []byte {
	t.Helper()
	b, err := m.Pack()
	if err != nil {
		t.Fatalf("pack %v: %v", m, err)
	}
	return b
}

// question is a query for app1.example.com, which edit may change.
func question(t testing.TB, edit func(*dns.Msg)) []byte {
	t.Helper()
	m := new(dns.Msg).SetQuestion("app1.example.com.", dns.TypeA)
	m.Id = 0x1234
	if edit != nil {
		edit(m)
	}
	return pack(t, m)
}

// withOption is a query with one EDNS option given by its bytes.
func withOption(t testing.TB, code uint16, data ...byte) []byte {
	t.Helper()
	return question(t, func(m *dns.Msg) {
		m.SetEdns0(4096, false)
		m.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_LOCAL{Code: code, Data: data}}
	})
}

func TestParseReadsTheQuestionFoldedToLowerCase(t *testing.T) {
	pkt := question(t, func(m *dns.Msg) {
		m.Question[0] = dns.Question{Name: `aPP1.E\255xAMPLE[@Z.Com.`, Qtype: dns.TypeAAAA, Qclass: dns.ClassINET}
		m.SetEdns0(1400, true)
	})
	sent := string(pkt)
	var q Query
	if got := Parse(pkt, &q); got != Accept {
		t.Fatalf("verdict %d with rcode %d, want Accept", got, q.RCode)
	}
	if string(pkt) != sent {
		t.Error("Parse changed the packet")
	}
	if got, want := string(q.Name()), "\x04app1\x0be\xffxample[@z\x03com\x00"; got != want {
		t.Errorf("name %q, want %q", got, want)
	}
	type facts struct {
		Type, Class uint16
		EDNS, DO    bool
		UDPSize     uint16
	}
	got := facts{q.Type, q.Class, q.EDNS, q.DO, q.UDPSize}
	if diff := cmp.Diff(facts{dns.TypeAAAA, dns.ClassINET, true, true, 1400}, got); diff != "" {
		t.Error(diff)
	}
}

func TestParseKeepsNothingOfThePacketBefore(t *testing.T) {
	var q Query
	Parse(withOption(t, optionECS, 0, 1, 24, 0, 192, 0, 2), &q)
	if got := Parse(question(t, nil), &q); got != Accept {
		t.Fatalf("verdict %d, want Accept", got)
	}
	if q.EDNS || q.DO || q.Subnet.Present || q.UDPLimit() != 512 {
		t.Errorf("plain query after one with EDNS: %+v", q)
	}
}

func TestParseVerdicts(t *testing.T) {
	plain := question(t, nil)
	end := len(plain) // of the question
	edns := question(t, func(m *dns.Msg) { m.SetEdns0(1232, false) })
	edit := func(pkt []byte, f func(b []byte) []byte) []byte { return f([]byte(string(pkt))) }
	set := func(pkt []byte, at int, bytes ...byte) []byte {
		return edit(pkt, func(b []byte) []byte { copy(b[at:], bytes); return b })
	}
	ofType := func(n uint16) []byte { return set(plain, end-4, byte(n>>8), byte(n)) }
	// named is a query whose name is these bytes.
	named := func(name string) []byte {
		b := []byte("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00" + name)
		return append(b, 0, 1, 0, 1)
	}
	label := func(n int) string { return string(rune(n)) + strings.Repeat("x", n) }
	longest := label(63) + label(63) + label(63) + label(61) + "\x00" // 255 bytes

	tests := []struct {
		name  string
		rule  string
		pkt   []byte
		want  Verdict
		rcode RCode
	}{
		{"plain", "RFC 1035 4.1", plain, Accept, NoError},
		{"with EDNS", "RFC 6891 6.1", edns, Accept, NoError},
		{"root", "RFC 1035 3.1", named("\x00"), Accept, NoError},
		{"longest name", "RFC 1035 2.3.4", named(longest), Accept, NoError},
		{"without RD, with AD and CD", "RFC 4035 3.1.6", set(plain, 2, 0x00, 0x30), Accept, NoError},
		{"type ANY", "RFC 8482 4", ofType(255), Accept, NoError},
		{"type that Route 53 does not have", "r53: A.12", ofType(65280), Accept, NoError},
		{"class ANY", "RFC 1035 3.2.5", set(plain, end-2, 0, 255), Accept, NoError},
		{"unknown option", "RFC 6891 6.1.2", withOption(t, 65001, 1, 2, 3), Accept, NoError},

		{"empty", "no header", nil, Drop, NoError},
		{"11 bytes", "no header", plain[:11], Drop, NoError},
		{"response", "RFC 1035 4.1.1 QR", set(plain, 2, 0x81), Drop, NoError},
		{"response to an update", "RFC 1035 4.1.1 QR", set(plain, 2, 0xA8), Drop, NoError},

		{"IQUERY", "RFC 3425", set(plain, 2, 0x08), Reject, NotImp},
		{"STATUS", "RFC 1035 4.1.1", set(plain, 2, 0x10), Reject, NotImp},
		{"NOTIFY", "r53: A.12", set(plain, 2, 0x20), Reject, NotImp},
		{"UPDATE", "r53: A.12", set(plain, 2, 0x28), Reject, NotImp},
		{"unknown opcode before a broken rest", "RFC 1035 4.1.1", set(plain[:13], 2, 0x78), Reject, NotImp},
		{"truncated query", "RFC 1035 4.1.1 TC", set(plain, 2, 0x03), Reject, FormErr},
		{"query with an rcode", "RFC 1035 4.1.1", set(plain, 3, 0x03), Reject, FormErr},

		{"header only", "RFC 9619", set(plain[:12], 4, 0, 0), Reject, FormErr},
		{"question missing", "RFC 1035 4.1.2", plain[:12], Reject, FormErr},
		{"two questions", "RFC 9619",
			edit(set(plain, 4, 0, 2), func(b []byte) []byte { return append(b, plain[12:]...) }), Reject, FormErr},
		{"name cut off", "RFC 1035 4.1.2", plain[:16], Reject, FormErr},
		{"root label missing", "RFC 1035 4.1.2", plain[:end-5], Reject, FormErr},
		{"type cut off", "RFC 1035 4.1.2", plain[:end-3], Reject, FormErr},
		{"class cut off", "RFC 1035 4.1.2", plain[:end-1], Reject, FormErr},
		{"pointer to itself", "compression in QNAME", named("\xc0\x0c"), Reject, FormErr},
		{"pointer into the header", "compression in QNAME", named("\x01a\xc0\x00"), Reject, FormErr},
		{"extended label type", "RFC 6891 5", named("\x41a\x00"), Reject, FormErr},
		{"abandoned label type", "RFC 1035 4.1.4", named("\x81a\x00"), Reject, FormErr},
		{"name of 256 bytes", "RFC 1035 2.3.4", named(label(63) + label(63) + label(63) + label(62) + "\x00"), Reject,
			FormErr},
		{"name of 319 bytes", "RFC 1035 2.3.4", named(strings.Repeat(label(63), 5) + "\x00"), Reject, FormErr},

		{"trailing byte", "nothing behind the message", append(plain[:end:end], 0), Reject, FormErr},
		{"trailing byte behind OPT", "nothing behind the message", append(edns[:len(edns):len(edns)], 0), Reject, FormErr},
		{"answer record", "a query has no answer", question(t, func(m *dns.Msg) {
			m.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: "a.", Rrtype: dns.TypeA, Class: 1}, A: []byte{1, 2, 3, 4}}}
		}), Reject, FormErr},
		{"authority record", "a query has no authority", question(t, func(m *dns.Msg) {
			m.Ns = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: "a.", Rrtype: dns.TypeA, Class: 1}, A: []byte{1, 2, 3, 4}}}
		}), Reject, FormErr},
		{"ARCOUNT without a record", "RFC 1035 4.1", set(plain, 10, 0, 1), Reject, FormErr},
		{"two OPT", "RFC 6891 6.1.1", question(t, func(m *dns.Msg) { m.SetEdns0(1232, false); m.SetEdns0(1232, false) }),
			Reject, FormErr},
		{"OPT with an owner", "RFC 6891 6.1.2", edit(edns, func(b []byte) []byte {
			return append(append(b[:end:end], 1, 'a'), edns[end:]...)
		}), Reject, FormErr},
		{"OPT cut off", "RFC 6891 6.1.2", edns[:len(edns)-1], Reject, FormErr},
		{"OPT longer than the packet", "RFC 6891 6.1.2", set(edns, len(edns)-1, 1), Reject, FormErr},
		{"another additional record", "only OPT", question(t, func(m *dns.Msg) {
			m.Extra = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeA, Class: 1}, A: []byte{1, 2, 3, 4}}}
		}), Reject, FormErr},
		{"option without length", "RFC 6891 6.1.2",
			edit(set(edns, len(edns)-1, 3), func(b []byte) []byte { return append(b, 0, 8, 0) }), Reject, FormErr},
		{"option longer than OPT", "RFC 6891 6.1.2",
			edit(set(edns, len(edns)-1, 4), func(b []byte) []byte { return append(b, 0, 9, 0, 1) }), Reject, FormErr},
		{"EDNS version 1", "RFC 6891 6.1.3", set(edns, end+6, 1), Reject, BadVers},
		{"EDNS version 1 with options that version 0 does not have", "RFC 6891 6.1.3",
			set(withOption(t, optionECS, 9), end+6, 1), Reject, BadVers},

		{"class CHAOS", "r53: A.12 not served here", set(plain, end-2, 0, 3), Reject, Refused},
		{"class NONE", "RFC 2136 2.4", set(plain, end-2, 0, 254), Reject, Refused},
		{"class 0", "RFC 6895 3.2", set(plain, end-2, 0, 0), Reject, Refused},
		{"AXFR", "r53: A.12", ofType(252), Reject, Refused},
		{"IXFR with its SOA", "r53: A.12", question(t, func(m *dns.Msg) { m.SetIxfr("example.com.", 1, "a.", "b.") }), Reject,
			Refused},
		{"type OPT", "RFC 6895 3.1", ofType(41), Reject, NotImp},
		{"type TKEY", "RFC 6895 3.1", ofType(249), Reject, NotImp},
		{"type TSIG", "RFC 6895 3.1", ofType(250), Reject, NotImp},
		{"type MAILB", "RFC 6895 3.1", ofType(253), Reject, NotImp},
		{"type MAILA", "RFC 6895 3.1", ofType(254), Reject, NotImp},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var q Query
			got := Parse(tt.pkt, &q)
			if got != tt.want || q.RCode != tt.rcode {
				t.Errorf("%s: verdict %d with rcode %d, want %d with %d", tt.rule, got, q.RCode, tt.want, tt.rcode)
			}
		})
	}
}

// RFC 7871 section 6 and 7.1.2.
func TestParseClientSubnet(t *testing.T) {
	tests := []struct {
		name string
		data []byte
		want string // the network, "" for none, "FORMERR"
	}{
		{"IPv4 /24", []byte{0, 1, 24, 0, 192, 0, 2}, "192.0.2.0/24"},
		{"IPv4 /32", []byte{0, 1, 32, 0, 192, 0, 2, 1}, "192.0.2.1/32"},
		{"IPv4 /1", []byte{0, 1, 1, 0, 128}, "128.0.0.0/1"},
		{"IPv4 /23", []byte{0, 1, 23, 0, 192, 0, 2}, "192.0.2.0/23"},
		{"IPv6 /56", []byte{0, 2, 56, 0, 0x20, 0x01, 0x0d, 0xb8, 0, 0, 0x12}, "2001:db8:0:1200::/56"},
		{"IPv6 /128", []byte{0, 2, 128, 0, 0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, "2001:db8::1/128"},
		{"IPv4 /0 opts out", []byte{0, 1, 0, 0}, ""},
		{"IPv6 /0 opts out", []byte{0, 2, 0, 0}, ""},
		{"family 0 opts out", []byte{0, 0, 0, 0}, ""},

		{"no data", nil, "FORMERR"},
		{"cut off", []byte{0, 1, 24}, "FORMERR"},
		{"too few address bytes", []byte{0, 1, 24, 0, 192, 0}, "FORMERR"},
		{"too many address bytes", []byte{0, 1, 24, 0, 192, 0, 2, 0}, "FORMERR"},
		{"bits beyond the prefix", []byte{0, 1, 23, 0, 192, 0, 3}, "FORMERR"},
		{"bits beyond /1", []byte{0, 1, 1, 0, 192}, "FORMERR"},
		{"scope in a query", []byte{0, 1, 24, 24, 192, 0, 2}, "FORMERR"},
		{"IPv4 /33", []byte{0, 1, 33, 0, 192, 0, 2, 1, 128}, "FORMERR"},
		{"IPv6 /129", append([]byte{0, 2, 129, 0}, make([]byte, 17)...), "FORMERR"},
		{"family 0 with a prefix", []byte{0, 0, 8, 0, 10}, "FORMERR"},
		{"family 3", []byte{0, 3, 8, 0, 10}, "FORMERR"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var q Query
			// The options of an earlier query must have no effect.
			Parse(withOption(t, optionECS, append([]byte{0, 2, 128, 0}, []byte(strings.Repeat("\xff", 16))...)...), &q)
			got := ""
			verdict := Parse(withOption(t, optionECS, tt.data...), &q)
			if network, ok := q.Subnet.Prefix(); ok {
				got = network.String()
			}
			if verdict == Reject && q.RCode == FormErr {
				got = "FORMERR"
				if !q.EDNS {
					t.Error("the error would be answered without OPT")
				}
			}
			if got != tt.want {
				t.Errorf("client %q, want %q", got, tt.want)
			}
		})
	}
}

func TestParseRefusesTwoClientSubnets(t *testing.T) {
	pkt := question(t, func(m *dns.Msg) {
		m.SetEdns0(4096, false)
		one := &dns.EDNS0_LOCAL{Code: optionECS, Data: []byte{0, 1, 8, 0, 10}}
		m.IsEdns0().Option = []dns.EDNS0{one, one}
	})
	var q Query
	if got := Parse(pkt, &q); got != Reject || q.RCode != FormErr {
		t.Errorf("verdict %d with rcode %d, want FORMERR", got, q.RCode)
	}
}

// r53: A.12 "512 bytes; with EDNS up to 4096".
func TestUDPLimit(t *testing.T) {
	for offered, want := range map[uint16]int{0: 512, 511: 512, 512: 512, 1232: 1232, 4096: 4096, 65535: 4096} {
		var q Query
		Parse(question(t, func(m *dns.Msg) { m.SetEdns0(offered, false) }), &q)
		if got := q.UDPLimit(); got != want {
			t.Errorf("client offers %d: limit %d, want %d", offered, got, want)
		}
	}
}

// miekg/dns can read every packet that Parse accepts, and finds the same in it.
func FuzzParse(f *testing.F) {
	f.Add(question(f, nil))
	f.Add(question(f, func(m *dns.Msg) { m.SetEdns0(1232, true) }))
	f.Add(withOption(f, optionECS, 0, 1, 24, 0, 192, 0, 2))
	f.Add(withOption(f, optionECS, 0, 2, 56, 0, 0x20, 0x01, 0x0d, 0xb8, 0, 0, 0x12))
	f.Add(question(f, func(m *dns.Msg) { m.SetIxfr("example.com.", 1, "a.", "b.") }))
	f.Add([]byte("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x01a\xc0\x0c\x00\x01\x00\x01"))
	f.Fuzz(func(t *testing.T, pkt []byte) {
		sent := string(pkt)
		var q Query
		verdict := Parse(pkt, &q)
		if string(pkt) != sent {
			t.Fatal("Parse changed the packet")
		}
		if verdict != Accept {
			return
		}
		var m dns.Msg
		if err := m.Unpack(onlyClientSubnet(pkt, q.end)); err != nil {
			t.Fatalf("accepted, but not by miekg/dns: %v", err)
		}
		if diff := cmp.Diff(factsOf(t, &m), factsOfQuery(&q)); diff != "" {
			t.Errorf("miekg/dns reads (-) and we read (+):\n%s", diff)
		}
	})
}

// onlyClientSubnet renames every other option to one without a format: miekg/dns reads what is in known options, we
// pass over it.
func onlyClientSubnet(pkt []byte, end int) []byte {
	b := []byte(string(pkt))
	if len(b) == end {
		return b
	}
	for options := b[end+optFixedLen:]; len(options) != 0; {
		if binary.BigEndian.Uint16(options) != optionECS {
			binary.BigEndian.PutUint16(options, dns.EDNS0LOCALSTART)
		}
		options = options[optionFixedLen+int(binary.BigEndian.Uint16(options[2:])):]
	}
	return b
}

// queryFacts are what both parsers must agree on.
type queryFacts struct {
	Name        string // on the wire, folded
	Type, Class uint16
	EDNS, DO    bool
	UDPSize     uint16
	Subnet      string
}

func factsOfQuery(q *Query) queryFacts {
	f := queryFacts{Name: string(q.Name()), Type: q.Type, Class: q.Class, EDNS: q.EDNS, DO: q.DO, UDPSize: q.UDPSize}
	if network, ok := q.Subnet.Prefix(); ok {
		f.Subnet = network.String()
	}
	return f
}

func factsOf(t *testing.T, m *dns.Msg) queryFacts {
	t.Helper()
	if len(m.Question) != 1 || len(m.Answer)+len(m.Ns) != 0 {
		t.Fatalf("accepted, and is no plain query: %v", m)
	}
	name := make([]byte, 256)
	n, err := dns.PackDomainName(m.Question[0].Name, name, 0, nil, false)
	if err != nil {
		t.Fatalf("pack %q again: %v", m.Question[0].Name, err)
	}
	for i, c := range name[:n] {
		if 'A' <= c && c <= 'Z' {
			name[i] = c - 'A' + 'a'
		}
	}
	f := queryFacts{Name: string(name[:n]), Type: m.Question[0].Qtype, Class: m.Question[0].Qclass}
	opt := m.IsEdns0()
	if opt == nil {
		return f
	}
	f.EDNS, f.DO, f.UDPSize = true, opt.Do(), opt.UDPSize()
	for _, o := range opt.Option {
		if s, ok := o.(*dns.EDNS0_SUBNET); ok && s.SourceNetmask != 0 {
			addr, _ := netip.AddrFromSlice(s.Address)
			if s.Family == familyIPv4 {
				addr = addr.Unmap()
			}
			f.Subnet = netip.PrefixFrom(addr, int(s.SourceNetmask)).String()
		}
	}
	return f
}
