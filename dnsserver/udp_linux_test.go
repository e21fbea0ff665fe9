package dnsserver

import (
	"encoding/binary"
	"net"
	"net/netip"
	"testing"
	"unsafe"

	"github.com/miekg/dns"
	"golang.org/x/sys/unix"
)

// received is a batch that has received these packets from these addresses, as the kernel would have left it.
func received(t *testing.T, packets [][]byte, from []netip.AddrPort) *batch {
	t.Helper()
	e := &batch{turn: newTurn(), received: len(packets)}
	for i, b := range packets {
		e.prepare(i, false)
		copy(e.slots[i].buf[:], b)
		e.rx[i].len = uint32(len(b))
		sa := (*unix.RawSockaddrInet4)(unsafe.Pointer(&e.slots[i].src))
		sa.Family, sa.Addr = unix.AF_INET, from[i].Addr().As4()
		binary.BigEndian.PutUint16((*[2]byte)(unsafe.Pointer(&sa.Port))[:], from[i].Port())
		e.rx[i].hdr.Namelen = unix.SizeofSockaddrInet4
	}
	return e
}

func query(t *testing.T, id uint16) []byte {
	t.Helper()
	q := ask("two.example.com.", dns.TypeA)
	q.Id = id
	return pack(t, q)
}

// Nobody listens on port 0: a query from there is a forgery.
func TestSourcePortZeroIsDropped(t *testing.T) {
	client := netip.MustParseAddrPort("127.0.0.1:5353")
	e := received(t, [][]byte{query(t, 1), query(t, 2), query(t, 3)},
		[]netip.AddrPort{client, netip.AddrPortFrom(client.Addr(), 0), client})
	e.answer(&published{view: world(t)})
	if len(e.sending) != 2 {
		t.Errorf("%d replies, want 2", len(e.sending))
	}
	if got := e.turn.tally; got[udpQueries] != 3 || got[answers] != 2 || got[dropped] != 1 {
		t.Errorf("counted %v", got)
	}
}

func TestARefusedSendSkipsExactlyThatPacket(t *testing.T) {
	s, err := New(Options{Addr: "127.0.0.1:0", Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	client, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	good := client.LocalAddr().(*net.UDPAddr).AddrPort()
	bad := netip.MustParseAddrPort("192.0.2.1:53") // no way leads there from 127.0.0.1
	from := []netip.AddrPort{bad, good, bad, bad, good, bad}
	var packets [][]byte
	for id := range from {
		packets = append(packets, query(t, uint16(id)))
	}
	e := received(t, packets, from)
	e.answer(&published{view: world(t)})
	fd, err := s.udp[0].SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := e.sendAll(fd, e.send, &s.udpTotals[0]); err != nil {
		t.Fatal(err)
	}
	for _, want := range []uint16{1, 4} {
		b := make([]byte, 512)
		n, err := client.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		m := new(dns.Msg)
		if err := m.Unpack(b[:n]); err != nil || m.Id != want {
			t.Errorf("reply %v, error %v, want the one to query %d", m, err, want)
		}
	}
	if got := s.Counters().SendErrors; got != 4 {
		t.Errorf("%d send errors, want 4", got)
	}
}

// The kernel says at which interface a packet came in; to send out there whatever the routes say is right for
// link-local addresses only.
func TestRepliesLeaveByTheRoutes(t *testing.T) {
	v4 := control{hdr: unix.Cmsghdr{Level: unix.IPPROTO_IP, Type: unix.IP_PKTINFO},
		data: [20]byte{7, 0, 0, 0, 192, 0, 2, 1}}
	v6 := control{hdr: unix.Cmsghdr{Level: unix.IPPROTO_IPV6, Type: unix.IPV6_PKTINFO}, data: [20]byte{0: 0x20, 16: 7}}
	local := control{hdr: unix.Cmsghdr{Level: unix.IPPROTO_IPV6, Type: unix.IPV6_PKTINFO},
		data: [20]byte{0: 0xfe, 1: 0x80, 16: 7}}
	v4.anyInterface()
	v6.anyInterface()
	local.anyInterface()
	if want := [20]byte{4: 192, 6: 2, 7: 1}; v4.data != want {
		t.Errorf("IPv4: %v, want %v", v4.data, want)
	}
	if want := [20]byte{0: 0x20}; v6.data != want {
		t.Errorf("IPv6: %v, want %v", v6.data, want)
	}
	if want := [20]byte{0: 0xfe, 1: 0x80, 16: 7}; local.data != want {
		t.Errorf("link-local: %v, want %v", local.data, want)
	}
}

func TestAnUnspecifiedAddressRepliesFromTheAddressThatWasAsked(t *testing.T) {
	for _, tt := range []struct{ listen, ask string }{{"0.0.0.0", "127.0.0.2"}, {"[::]", "127.0.0.2"}, {"[::]", "[::1]"}} {
		t.Run(tt.ask+" of "+tt.listen, func(t *testing.T) {
			s := start(t, Options{Addr: tt.listen + ":0"}, nil)
			s.Publish(world(t), nil)
			_, port, err := net.SplitHostPort(s.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			for _, network := range []string{"udp", "tcp"} {
				// The client's socket is connected: a reply from another address would not reach it. 127.0.0.0/8 and
				// ::1 are near eu-central-1, in whatever form a dual-stack socket tells them.
				reply := exchange(t, network, tt.ask+":"+port, ask("app1.example.com.", dns.TypeA))
				if got := reply.Answer[0].(*dns.A).A.String(); got != centralAddr {
					t.Errorf("%s: answer %s, want %s", network, got, centralAddr)
				}
			}
		})
	}
}

func TestPacketByPacketRepliesFromTheAddressThatWasAsked(t *testing.T) {
	packetByPacket(t, "0.0.0.0:0", "127.0.0.2")
}
