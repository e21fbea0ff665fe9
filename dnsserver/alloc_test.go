//go:build !race

package dnsserver

import (
	"testing"

	"github.com/miekg/dns"

	"github.com/bulkhead-dns/bulkhead/wire"
)

// From the packet to its reply no memory is allocated, whatever the outcome.
func TestUDPTurnDoesNotAllocate(t *testing.T) {
	v := world(t)
	bad := pack(t, ask("app1.example.com.", dns.TypeA))
	bad = append(bad, 0)
	for name, pkt := range map[string][]byte{
		"latency":       pack(t, ask("app1.example.com.", dns.TypeA)),
		"client subnet": pack(t, withSubnet(ask("app1.example.com.", dns.TypeA), "10.1.2.0/24")),
		"CNAME":         pack(t, ask("www.example.com.", dns.TypeA)),
		"wildcard":      pack(t, ask("a.b.wild.example.com.", dns.TypeTXT)),
		"truncated":     pack(t, ask("many.example.com.", dns.TypeA)),
		"NODATA":        pack(t, ask("two.example.com.", dns.TypeMX)),
		"NXDOMAIN":      pack(t, ask("nope.example.com.", dns.TypeA)),
		"delegation":    pack(t, ask("a.sub.example.com.", dns.TypeA)),
		"REFUSED":       pack(t, ask("example.org.", dns.TypeA)),
		"FORMERR":       bad,
		"drop":          {1, 2, 3},
	} {
		t.Run(name, func(t *testing.T) {
			tn := newTurn()
			buf := make([]byte, wire.MaxUDP)
			for _, p := range []*published{{view: v}, {view: v, table: tableOf(v, false, false)}, nil} {
				n := testing.AllocsPerRun(100, func() { tn.run(p, buf[:copy(buf, pkt)], loopback, udp) })
				if n != 0 {
					t.Errorf("%v allocations, want 0", n)
				}
			}
		})
	}
}
