package dnsserver

import (
	"errors"
	"net"
	"testing"

	"github.com/miekg/dns"
)

// The engine for systems without batches, which any system can run.
func TestPacketByPacket(t *testing.T) {
	for _, host := range []string{"127.0.0.1", "::1"} {
		t.Run(host, func(t *testing.T) { packetByPacket(t, net.JoinHostPort(host, "0"), host) })
	}
}

// packetByPacket listens at one address and asks at a host.
func packetByPacket(t *testing.T, listen, host string) {
	t.Helper()
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
	conn := dial(t, "udp", net.JoinHostPort(host, port))
	send(t, conn, []byte("junk"))
	for range 3 {
		send(t, conn, pack(t, ask("app1.example.com.", dns.TypeA)))
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
}
