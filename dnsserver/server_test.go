package dnsserver

import (
	"context"
	"encoding/hex"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"
)

func TestQueriesOverUDPAndTCP(t *testing.T) {
	s := start(t, Options{}, nil)
	s.Publish(world(t), nil)
	const nsLines = "\nauthority: example.com. 172800 IN NS ns-1.awsdns-00.com.\nauthority: example.com. 172800 IN NS " +
		"ns-512.awsdns-00.net."
	const soaLine = "\nauthority: example.com. 900 IN SOA ns-1.awsdns-00.com. awsdns-hostmaster.amazon.com. 1 7200 900 " +
		"1209600 86400"
	tests := []struct {
		name  string
		rule  string
		query *dns.Msg
		want  string
	}{
		{"latency by source", "r53: A.2", ask("app1.example.com.", dns.TypeA),
			"NOERROR aa\nanswer: app1.example.com. 60 IN A 192.0.2.2" + nsLines},
		{"latency by client subnet", "r53: A.2", withSubnet(ask("app1.example.com.", dns.TypeA), "10.1.2.0/24"),
			"NOERROR aa\nanswer: app1.example.com. 60 IN A 192.0.2.1" + nsLines},
		{"CNAME into the zone", "r53: A.12", ask("www.example.com.", dns.TypeA),
			"NOERROR aa\nanswer: www.example.com. 300 IN CNAME app1.example.com.\nanswer: app1.example.com. 60 IN A 192.0.2.2" +
				nsLines},
		{"CNAME to elsewhere", "r53: A.12", ask("away.example.com.", dns.TypeA),
			"NOERROR aa\nanswer: away.example.com. 300 IN CNAME example.net." + nsLines},
		{"case of the question comes back", "r53: A.12 0x20", ask("wWW.eXaMple.COM.", dns.TypeCNAME),
			"NOERROR aa\nanswer: wWW.eXaMple.COM. 300 IN CNAME app1.example.com." +
				strings.ReplaceAll(nsLines, "example.com", "eXaMple.COM")},
		{"wildcard", "r53: A.12", ask("a.b.wild.example.com.", dns.TypeTXT),
			"NOERROR aa\nanswer: a.b.wild.example.com. 300 IN TXT \"wild\"" + nsLines},
		{"NODATA", "r53: A.12", ask("two.example.com.", dns.TypeAAAA), "NOERROR aa" + soaLine},
		{"empty non-terminal", "r53: A.12", ask("wild.example.com.", dns.TypeA), "NOERROR aa" + soaLine},
		{"NXDOMAIN", "r53: A.12", ask("nope.example.com.", dns.TypeA), "NXDOMAIN aa" + soaLine},
		{"delegation", "r53: A.12", ask("a.sub.example.com.", dns.TypeA),
			"NOERROR\nauthority: sub.example.com. 300 IN NS ns1.sub.example.com.\nadditional: ns1.sub.example.com. 300 IN A " +
				"192.0.2.53"},
		{"apex NS", "r53: A.13", ask("example.com.", dns.TypeNS),
			"NOERROR aa" + strings.ReplaceAll(nsLines, "authority", "answer")},
		{"a zone that is not ours", "r53: A.12", ask("example.org.", dns.TypeA), "REFUSED"},
		{"the root", "r53: A.12", ask(".", dns.TypeNS), "REFUSED"},
		{"a zone transfer", "r53: A.12", ask("example.com.", dns.TypeAXFR), "REFUSED"},
	}
	for _, tt := range tests {
		for _, network := range []string{"udp", "tcp"} {
			t.Run(tt.name+" over "+network, func(t *testing.T) {
				reply := exchange(t, network, s.Addr().String(), tt.query)
				// Values come in random order. r53: A.1
				if diff := cmp.Diff(slices.Sorted(strings.SplitSeq(tt.want, "\n")),
					slices.Sorted(strings.SplitSeq(render(reply), "\n"))); diff != "" {
					t.Errorf("%s:\n%s", tt.rule, diff)
				}
			})
		}
	}
}

func TestPublishedVerdictChangesTheNextAnswer(t *testing.T) {
	s := start(t, Options{}, nil)
	v := world(t)
	s.Publish(v, nil)
	query := withSubnet(ask("app1.example.com.", dns.TypeA), "10.1.0.0/16")
	answer := func() string { return exchange(t, "udp", s.Addr().String(), query).Answer[0].(*dns.A).A.String() }
	if got := answer(); got != westAddr {
		t.Errorf("both healthy: %s, want %s", got, westAddr)
	}
	s.Publish(v, tableOf(v, false, true))
	if got := answer(); got != centralAddr {
		t.Errorf("west unhealthy: %s, want %s", got, centralAddr)
	}
	s.Publish(v, tableOf(v, false, false))
	if got := answer(); got != westAddr {
		t.Errorf("both unhealthy: %s, want %s (r53: A.4)", got, westAddr)
	}
	if got := s.Counters().FailOpen; got != 1 {
		t.Errorf("%d fail-open answers counted, want 1", got)
	}
}

// A client whose prefix is shorter than a block is not in the block. r53: A.8.
func TestClientSubnetLengthDecidesAboutBlocks(t *testing.T) {
	s := start(t, Options{}, nil)
	s.Publish(world(t), nil)
	for _, tt := range []struct {
		subnet, want string
		scope        uint8
	}{
		{"10.7.1.0/24", officeAddr, 20},
		{"10.7.0.0/20", officeAddr, 20},
		{"10.7.0.0/19", elsewhereAddr, 19}, // it contains the block
		{"10.8.0.0/24", elsewhereAddr, 20},
		{"0.0.0.0/0", elsewhereAddr, 0}, // opted out: the source address, which is in no block
	} {
		reply := exchange(t, "udp", s.Addr().String(), withSubnet(ask("blocks.example.com.", dns.TypeA), tt.subnet))
		if len(reply.Answer) != 1 || reply.Answer[0].(*dns.A).A.String() != tt.want {
			t.Errorf("%s: %v; want %s", tt.subnet, reply.Answer, tt.want)
		}
		if got := reply.IsEdns0().Option[0].(*dns.EDNS0_SUBNET).SourceScope; got != tt.scope {
			t.Errorf("%s: scope %d, want %d", tt.subnet, got, tt.scope)
		}
	}
}

// The scope is exactly the network of an answer (RFC 7871 section 7.2.1): all clients in it get this answer, and the
// clients beside it get another.
func TestScopeIsTheNetworkOfTheAnswer(t *testing.T) {
	s := start(t, Options{}, nil)
	s.Publish(world(t), nil)
	answer := func(name string, network netip.Prefix) (string, int) {
		reply := exchange(t, "udp", s.Addr().String(), withSubnet(ask(name, dns.TypeA), network.String()))
		if len(reply.Answer) != 1 {
			t.Fatalf("%s from %s: %v; want one address", name, network, reply)
		}
		return reply.Answer[0].(*dns.A).A.String(), int(reply.IsEdns0().Option[0].(*dns.EDNS0_SUBNET).SourceScope)
	}
	for _, tt := range []struct {
		name, subnet string
		scope        int
	}{
		{"app1.example.com.", "10.1.2.0/24", 16},
		{"blocks.example.com.", "10.7.1.0/24", 20},
	} {
		network := netip.MustParsePrefix(tt.subnet)
		want, scope := answer(tt.name, network)
		if scope != tt.scope {
			t.Errorf("%s from %s: scope %d, want %d", tt.name, network, scope, tt.scope)
		}
		for bit := range network.Bits() {
			addr := network.Addr().As4()
			addr[bit/8] ^= 1 << (7 - bit%8)
			other := netip.PrefixFrom(netip.AddrFrom4(addr), network.Bits())
			got, _ := answer(tt.name, other)
			switch {
			case bit >= scope && got != want:
				t.Errorf("%s: %s gets %s with scope %d, but %s gets %s", tt.name, network, want, scope, other, got)
			case bit == scope-1 && got == want:
				t.Errorf("%s: %s gets %s with scope %d, and so does %s", tt.name, network, want, scope, other)
			}
		}
	}
}

// RFC 7871 section 7.2.1.
func TestClientSubnetScope(t *testing.T) {
	s := start(t, Options{}, nil)
	s.Publish(world(t), nil)
	tests := []struct {
		name, rrname, subnet string
		want                 uint8
	}{
		{"by place", "app1.example.com.", "10.1.2.0/24", 16},
		{"client prefix shorter than the place's prefix", "app1.example.com.", "10.0.0.0/8", 8},
		{"same for everybody", "two.example.com.", "10.1.2.0/24", 0},
		{"opted out", "app1.example.com.", "0.0.0.0/0", 0},
		{"refused", "example.org.", "10.1.2.0/24", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			reply := exchange(t, "udp", s.Addr().String(), withSubnet(ask(tt.rrname, dns.TypeA), tt.subnet))
			opt := reply.IsEdns0()
			if opt == nil || len(opt.Option) != 1 {
				t.Fatalf("reply without the option: %v", reply)
			}
			if got := opt.Option[0].(*dns.EDNS0_SUBNET).SourceScope; got != tt.want {
				t.Errorf("scope %d, want %d", got, tt.want)
			}
		})
	}
}

// r53: A.12 "then TC=1 and TCP".
func TestTruncatedAnswerIsWholeOverTCP(t *testing.T) {
	s := start(t, Options{}, nil)
	s.Publish(world(t), nil)
	query := ask("many.example.com.", dns.TypeA)
	for _, size := range []uint16{0, 1232, 65535} {
		q := query.Copy()
		if size != 0 {
			q.SetEdns0(size, false)
		}
		if reply := exchange(t, "udp", s.Addr().String(), q); !reply.Truncated || len(reply.Answer) != 0 {
			t.Errorf("UDP size %d: truncated %v with %d records, want true with 0", size, reply.Truncated, len(reply.Answer))
		}
	}
	reply := exchange(t, "tcp", s.Addr().String(), query)
	if reply.Truncated || len(reply.Answer) != 400 {
		t.Errorf("TCP: truncated %v with %d records, want false with 400", reply.Truncated, len(reply.Answer))
	}
}

func TestValuesRotate(t *testing.T) {
	s := start(t, Options{}, nil)
	s.Publish(world(t), nil)
	first := make(map[string]int)
	for range 100 {
		first[exchange(t, "udp", s.Addr().String(), ask("two.example.com.", dns.TypeA)).Answer[0].(*dns.A).A.String()]++
	}
	if first["192.0.2.7"] < 10 || first["192.0.2.8"] < 10 {
		t.Errorf("first values %v, want both often (r53: A.1 order randomised)", first)
	}
}

func TestBeforePublishEveryQueryGetsServFail(t *testing.T) {
	s := start(t, Options{}, nil)
	for _, network := range []string{"udp", "tcp"} {
		if got := render(exchange(t, network, s.Addr().String(), ask("app1.example.com.", dns.TypeA))); got != "SERVFAIL" {
			t.Errorf("%s: %s, want SERVFAIL", network, got)
		}
	}
}

// Each packet is followed by a good query on the same socket: whatever reply is missing or too much shows there.
func TestMalformedPackets(t *testing.T) {
	const question = "0461707031 076578616d706c65 03636f6d 00 0001 0001" // app1.example.com. A IN
	tests := []struct {
		name, packet string // in hexadecimal
		want         string // the reply's rcode, "" for none
	}{
		{"empty", "", ""},
		{"short", "1234 0100 00", ""},
		{"a response", "1234 8180 0001 0000 0000 0000" + question, ""},
		{"NOTIFY", "1234 2000 0001 0000 0000 0000" + question, "NOTIMP"},
		{"UPDATE", "1234 2800 0001 0000 0000 0000" + question, "NOTIMP"},
		{"no question", "1234 0100 0000 0000 0000 0000", "FORMERR"},
		{"cut off", "1234 0100 0001 0000 0000 0000" + question[:21], "FORMERR"},
		{"trailing byte", "1234 0100 0001 0000 0000 0000" + question + "00", "FORMERR"},
		{"pointer in QNAME", "1234 0100 0001 0000 0000 0000 c00c 0001 0001", "FORMERR"},
		{"two OPT", "1234 0100 0001 0000 0000 0002" + question + "00 0029 04d0 00000000 0000 00 0029 04d0 00000000 0000",
			"FORMERR"},
		{"client subnet with bits beyond its prefix", "1234 0100 0001 0000 0000 0001" + question +
			"00 0029 04d0 00000000 000b 0008 0007 0001 17 00 c00003", "FORMERR"},
		{"CHAOS", "1234 0100 0001 0000 0000 0000" + question[:len(question)-4] + "0003", "REFUSED"},
		{"EDNS version 1", "1234 0100 0001 0000 0000 0001" + question + "00 0029 04d0 00010000 0000", "BADVERS"},
	}
	s := start(t, Options{Workers: 1}, nil)
	s.Publish(world(t), nil)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			packet, err := hex.DecodeString(strings.ReplaceAll(tt.packet, " ", ""))
			if err != nil {
				t.Fatal(err)
			}
			conn := dial(t, "udp", s.Addr().String())
			send(t, conn, packet)
			sentinel := ask("two.example.com.", dns.TypeA)
			sentinel.Id = 0x4321
			send(t, conn, pack(t, sentinel))
			got := ""
			m := receive(t, conn)
			if m.Id == 0x1234 {
				got = rcodeText(m)
				m = receive(t, conn)
			}
			if m.Id != 0x4321 {
				t.Errorf("reply %v, want the one to the next query", m)
			}
			if got != tt.want {
				t.Errorf("rcode %q, want %q", got, tt.want)
			}
		})
	}
}

// An answer for a zone that is not ours is no longer than the question: nothing to amplify with.
func TestRefusedIsNotLongerThanTheQuery(t *testing.T) {
	s := start(t, Options{}, nil)
	s.Publish(world(t), nil)
	for _, q := range []*dns.Msg{ask("example.org.", dns.TypeANY),
		withSubnet(ask("example.org.", dns.TypeA), "10.1.2.0/24")} {
		b := pack(t, q)
		conn := dial(t, "udp", s.Addr().String())
		send(t, conn, b)
		reply := make([]byte, 4096)
		n, err := conn.Read(reply)
		if err != nil || n > len(b) {
			t.Errorf("%d bytes in reply to %d, error %v", n, len(b), err)
		}
	}
}

func TestBurstsOfQueriesAreAllAnswered(t *testing.T) {
	s := start(t, Options{Workers: 2}, nil)
	s.Publish(world(t), nil)
	conn := dial(t, "udp", s.Addr().String())
	const burst = 200 // several batches
	for id := range burst {
		q := ask("two.example.com.", dns.TypeA)
		q.Id = uint16(id)
		b := pack(t, q)
		send(t, conn, b)
	}
	seen := make(map[uint16]bool)
	for range burst {
		m := receive(t, conn)
		if len(m.Answer) != 2 || seen[m.Id] {
			t.Fatalf("reply %v (seen before: %v)", m, seen[m.Id])
		}
		seen[m.Id] = true
	}
}

func TestEveryQueryIsCountedOnceAsWhatBecameOfIt(t *testing.T) {
	s := start(t, Options{Workers: 1}, nil)
	s.Publish(world(t), nil)
	addr := s.Addr().String()
	conn := dial(t, "udp", addr)
	send(t, conn, []byte("junk"))
	for _, q := range []*dns.Msg{
		ask("two.example.com.", dns.TypeA), ask("two.example.com.", dns.TypeMX), ask("nope.example.com.", dns.TypeA),
		ask("a.sub.example.com.", dns.TypeA), ask("example.org.", dns.TypeA), ask("many.example.com.", dns.TypeA),
		ask("example.com.", dns.TypeMAILA),
	} {
		exchange(t, "udp", addr, q)
	}
	exchange(t, "tcp", addr, ask("many.example.com.", dns.TypeA))
	send(t, conn, append(pack(t, ask("two.example.com.", dns.TypeA)), 0))
	receive(t, conn)
	old := ask("two.example.com.", dns.TypeA).SetEdns0(1232, false)
	old.IsEdns0().SetVersion(1)
	exchange(t, "udp", addr, old)
	want := Counters{UDPQueries: 10, TCPQueries: 1, Dropped: 1, Answers: 3, Referrals: 1, NoData: 1, NXDomain: 1,
		FormErr: 1, NotImp: 1,
		Refused: 1, BadVers: 1, Truncated: 1}
	if diff := cmp.Diff(want, s.Counters()); diff != "" {
		t.Error(diff)
	}
}

// Publishing while queries come in: every answer is one that some published pair explains.
func TestPublishWhileAnswering(t *testing.T) {
	s := start(t, Options{Workers: 2}, nil)
	v := world(t)
	s.Publish(v, nil)
	var clients sync.WaitGroup
	stop := make(chan struct{})
	for _, network := range []string{"udp", "udp", "tcp"} {
		clients.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				m := exchange(t, network, s.Addr().String(), ask("app1.example.com.", dns.TypeA))
				if got := render(m); !strings.Contains(got, westAddr) && !strings.Contains(got, centralAddr) {
					t.Errorf("answer %s", got)
				}
			}
		})
	}
	for i := range 2000 {
		s.Publish(v, tableOf(v, i%2 == 0, i%3 == 0))
	}
	close(stop)
	clients.Wait()
	if c := s.Counters(); c.Answers != c.UDPQueries+c.TCPQueries {
		t.Errorf("counters %+v: want nothing but answers", c)
	}
}

func TestNewRefuses(t *testing.T) {
	taken := start(t, Options{}, nil).Addr().String()
	tests := []struct {
		name    string
		options Options
		want    string
	}{
		{"a name", Options{Addr: "localhost:53"},
			`DNS address "localhost:53" is not an IP address with a port, such as "127.0.0.1:5300"`},
		{"no port", Options{Addr: "127.0.0.1"},
			`DNS address "127.0.0.1" is not an IP address with a port, such as "127.0.0.1:5300"`},
		{"negative workers", Options{Addr: "127.0.0.1:0", Workers: -1},
			"-1 DNS workers: 0 (one for every CPU) to 1024 are accepted"},
		{"an address in use", Options{Addr: taken}, "listen for DNS on " + taken + ": listen tcp4 " + taken +
			": bind: address already in use"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := New(tt.options)
			if err == nil {
				s.Close()
				t.Fatal("accepted")
			}
			if err.Error() != tt.want {
				t.Errorf("error %q, want %q", err, tt.want)
			}
		})
	}
}

func TestRunEndsWithItsContextAndFreesThePort(t *testing.T) {
	s, err := New(Options{Addr: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	open := dial(t, "tcp", s.Addr().String()) // an open connection does not hold it up
	send(t, open, frame(t, ask(".", dns.TypeA)))
	readFrame(t, open)
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Run: %v", err)
	}
	again, err := New(Options{Addr: s.Addr().String()})
	if err != nil {
		t.Fatalf("the port is still in use: %v", err)
	}
	again.Close()
}

func TestCloseEndsRun(t *testing.T) {
	s, err := New(Options{Addr: "127.0.0.1:0", Workers: 3})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Run(context.Background()) }()
	exchange(t, "udp", s.Addr().String(), ask(".", dns.TypeA))
	s.Close()
	if err := <-done; err != nil {
		t.Errorf("Run: %v", err)
	}
}

// dial opens a client's connection that the test's end closes; nothing on it waits longer than a minute.
func dial(t *testing.T, network, addr string) net.Conn {
	t.Helper()
	conn, err := net.Dial(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(time.Minute))
	return conn
}

func send(t *testing.T, conn net.Conn, b []byte) {
	t.Helper()
	if _, err := conn.Write(b); err != nil {
		t.Fatal(err)
	}
}

// receive reads one UDP reply.
func receive(t *testing.T, conn net.Conn) *dns.Msg {
	t.Helper()
	b := make([]byte, dns.MaxMsgSize)
	n, err := conn.Read(b)
	if err != nil {
		t.Fatalf("no reply: %v", err)
	}
	m := new(dns.Msg)
	if err := m.Unpack(b[:n]); err != nil {
		t.Fatalf("reply %x: %v", b[:n], err)
	}
	return m
}
