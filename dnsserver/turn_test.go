package dnsserver

import (
	"encoding/binary"
	"net/netip"
	"testing"

	"github.com/miekg/dns"

	"github.com/bulkhead-dns/bulkhead/wire"
)

var loopback = netip.AddrFrom4([4]byte{127, 0, 0, 1})

// pack encodes a query.
func pack(t testing.TB, q *dns.Msg) []byte {
	t.Helper()
	b, err := q.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Whatever comes in: a reply is a response to it within its limit, and miekg/dns can read it.
func FuzzTurn(f *testing.F) {
	for _, name := range []string{"app1.example.com.", "www.example.com.", "many.example.com.", "a.sub.example.com.",
		"nope.example.com.", "."} {
		f.Add(pack(f, ask(name, dns.TypeA)), false)
		f.Add(pack(f, withSubnet(ask(name, dns.TypeANY), "10.1.2.0/24")), true)
	}
	p := &published{view: world(f)}
	tn := newTurn()
	buf := make([]byte, wire.MaxMessage)
	f.Fuzz(func(t *testing.T, pkt []byte, overTCP bool) {
		by, size := udp, wire.MaxUDP
		if overTCP {
			by, size = tcp, wire.MaxMessage
		}
		if len(pkt) > wire.MaxUDP {
			return
		}
		reply := tn.run(p, buf[:copy(buf, pkt):size], loopback, by)
		if reply == nil {
			if len(pkt) >= wire.HeaderLen && pkt[2]&0x80 == 0 {
				t.Fatal("a query got no reply")
			}
			return
		}
		if by == udp && len(reply) > tn.query.UDPLimit() {
			t.Fatalf("%d bytes, limit %d", len(reply), tn.query.UDPLimit())
		}
		m := new(dns.Msg)
		if err := m.Unpack(reply); err != nil {
			t.Fatalf("miekg/dns cannot read the reply %x: %v", reply, err)
		}
		if !m.Response || m.Id != binary.BigEndian.Uint16(pkt) || m.RecursionAvailable {
			t.Errorf("header %v", m.MsgHdr)
		}
		if m.Truncated && len(m.Answer) != 0 {
			t.Error("truncated, with records in the answer section")
		}
		if (m.IsEdns0() != nil) != tn.query.EDNS {
			t.Errorf("EDNS in the query %v, in the reply %v", tn.query.EDNS, m.IsEdns0())
		}
	})
}

// BenchmarkUDPTurn is the CPU time from a packet to its reply, without the system calls.
func BenchmarkUDPTurn(b *testing.B) {
	for _, bm := range []struct {
		name  string
		query *dns.Msg
	}{
		{"latency", ask("app1.example.com.", dns.TypeA)},
		{"latency by client subnet", withSubnet(ask("app1.example.com.", dns.TypeA), "10.1.2.0/24")},
		{"simple", ask("two.example.com.", dns.TypeA)},
		{"NXDOMAIN", ask("nope.example.com.", dns.TypeA)},
		{"REFUSED", ask("example.org.", dns.TypeA)},
	} {
		b.Run(bm.name, func(b *testing.B) {
			p := &published{view: world(b)}
			tn := newTurn()
			pkt := pack(b, bm.query)
			buf := make([]byte, wire.MaxUDP)
			b.ReportAllocs()
			for b.Loop() {
				if tn.run(p, buf[:copy(buf, pkt)], loopback, udp) == nil {
					b.Fatal("no reply")
				}
			}
		})
	}
}
