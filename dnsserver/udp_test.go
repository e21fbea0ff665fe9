package dnsserver

import (
	"errors"
	"net"
	"testing"

	"github.com/miekg/dns"
)

// The engine for systems without batches, which any system can run.
func TestPacketByPacket(t *testing.T) {
	for _, listen := range []string{"127.0.0.1:0", "[::1]:0", "0.0.0.0:0"} {
		t.Run(listen, func(t *testing.T) {
			s, err := New(Options{Addr: listen, Workers: 1})
			if err != nil {
				t.Fatal(err)
			}
			s.Publish(world(t), nil)
			done := make(chan error, 1)
			go func() { done <- s.servePackets(s.udp[0], &s.udpTotals[0]) }()
			_, port, err := net.SplitHostPort(s.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			host := "127.0.0.2"
			if ip := s.Addr().Addr(); !ip.IsUnspecified() {
				host = ip.String()
			}
			conn := dial(t, "udp", net.JoinHostPort(host, port))
			send(t, conn, []byte("junk"))
			for range 3 {
				b, err := ask("app1.example.com.", dns.TypeA).Pack()
				if err != nil {
					t.Fatal(err)
				}
				send(t, conn, b)
				if got := receive(t, conn).Answer[0].(*dns.A).A.String(); got != centralAddr {
					t.Errorf("answer %s, want %s", got, centralAddr)
				}
			}
			if c := s.Counters(); c.UDPQueries != 4 || c.Answers != 3 || c.Dropped != 1 {
				t.Errorf("counters %+v, want 4 queries, 3 answered, 1 dropped", c)
			}
			s.Close()
			if err := <-done; !errors.Is(err, net.ErrClosed) {
				t.Errorf("ended with %v, want the closed socket", err)
			}
		})
	}
}
