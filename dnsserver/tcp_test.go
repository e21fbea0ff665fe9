package dnsserver

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"
)

// frame is a query with its length prefix.
func frame(t *testing.T, q *dns.Msg) []byte {
	t.Helper()
	b := pack(t, q)
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...)
}

// readFrame reads one reply with its length prefix.
func readFrame(t *testing.T, conn net.Conn) *dns.Msg {
	t.Helper()
	var prefix [2]byte
	if _, err := io.ReadFull(conn, prefix[:]); err != nil {
		t.Fatalf("no reply: %v", err)
	}
	b := make([]byte, binary.BigEndian.Uint16(prefix[:]))
	if _, err := io.ReadFull(conn, b); err != nil {
		t.Fatalf("reply cut off: %v", err)
	}
	m := new(dns.Msg)
	if err := m.Unpack(b); err != nil {
		t.Fatal(err)
	}
	return m
}

// expectEnd demands that the server ends the connection without sending more.
func expectEnd(t *testing.T, conn net.Conn) {
	t.Helper()
	n, err := conn.Read(make([]byte, 1))
	if n != 0 || err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("read %d bytes and error %v, want the connection's end", n, err)
	}
}

// RFC 7766 section 6.2.1.1.
func TestTCPQueriesMayBeSentWithoutWaiting(t *testing.T) {
	s := start(t, Options{}, nil)
	s.Publish(world(t), nil)
	conn := dial(t, "tcp", s.Addr().String())
	var all []byte
	for id := range 50 {
		q := ask("two.example.com.", dns.TypeA)
		q.Id = uint16(id)
		all = append(all, frame(t, q)...)
	}
	// The last query arrives in two parts, the first of them with everything before.
	send(t, conn, all[:len(all)-7])
	for id := range 49 {
		if m := readFrame(t, conn); m.Id != uint16(id) || len(m.Answer) != 2 {
			t.Fatalf("reply %v, want the one to query %d", m, id)
		}
	}
	send(t, conn, all[len(all)-7:])
	if m := readFrame(t, conn); m.Id != 49 {
		t.Errorf("reply %v, want the one to query 49", m)
	}
}

func TestTCPConnectionEndsAfterItsQueryLimit(t *testing.T) {
	s := start(t, Options{}, func(s *Server) { s.limits.queries = 2 })
	s.Publish(world(t), nil)
	conn := dial(t, "tcp", s.Addr().String())
	for range 2 {
		send(t, conn, frame(t, ask("two.example.com.", dns.TypeA)))
		readFrame(t, conn)
	}
	expectEnd(t, conn)
}

func TestTCPEndsConnectionsThatDoNotSpeakDNS(t *testing.T) {
	s := start(t, Options{}, nil)
	for name, b := range map[string][]byte{
		"short message":   {0, 4, 1, 2, 3, 4},
		"a response":      {0, 12, 0x12, 0x34, 0x81, 0x80, 0, 0, 0, 0, 0, 0, 0, 0},
		"a length of 0":   {0, 0},
		"an HTTP request": append([]byte("GET / HTTP/1.1\r\n\r\n"), make([]byte, maxTCPQuery)...),
	} {
		t.Run(name, func(t *testing.T) {
			conn := dial(t, "tcp", s.Addr().String())
			send(t, conn, b)
			expectEnd(t, conn)
		})
	}
}

func TestTCPLimitsConnections(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Server)
	}{
		{"of one client", func(s *Server) { s.limits.perClient = 2 }},
		{"in all", func(s *Server) { s.limits.connections = 2 }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, Options{}, tt.change)
			query := frame(t, ask(".", dns.TypeA))
			open := func() net.Conn {
				conn := dial(t, "tcp", s.Addr().String())
				send(t, conn, query)
				return conn
			}
			first, second := open(), open()
			readFrame(t, first)
			readFrame(t, second)
			expectEnd(t, dial(t, "tcp", s.Addr().String()))
			// A connection that ends makes room, as soon as the server has seen it.
			first.Close()
			for deadline := time.Now().Add(time.Minute); ; {
				conn := open()
				if _, err := conn.Read(make([]byte, 2)); err == nil {
					break
				}
				if time.Now().After(deadline) {
					t.Fatal("no connection after one was closed")
				}
			}
		})
	}
}

func TestTCPLimitOfOneClientLeavesOthersAlone(t *testing.T) {
	c := clientCount{open: make(map[netip.Addr]int)}
	limits := tcpLimits{connections: 4, perClient: 2}
	steps := []struct {
		client string
		want   bool
	}{
		{"192.0.2.1", true}, {"192.0.2.1", true}, {"192.0.2.1", false},
		{"2001:db8::1", true}, {"2001:db8::2", true}, // one /64
		{"2001:db8::3", false}, {"192.0.2.2", false}, // four in all
	}
	for i, step := range steps {
		if got := c.enter(netip.MustParseAddr(step.client), &limits); got != step.want {
			t.Errorf("step %d: %s taken %v, want %v", i, step.client, got, step.want)
		}
	}
	for _, client := range []string{"192.0.2.1", "192.0.2.1", "2001:db8::1", "2001:db8::2"} {
		c.leave(netip.MustParseAddr(client))
	}
	if c.all != 0 || len(c.open) != 0 {
		t.Errorf("%d connections, %d clients are left, want none", c.all, len(c.open))
	}
}

// serving runs serveConn over a pipe inside a synctest bubble, where time passes only when everybody waits.
func serving(t *testing.T, test func(ctx context.Context, client net.Conn, ended <-chan time.Duration)) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		s := &Server{limits: defaultTCPLimits}
		s.scratch.New = func() any { return &tcpScratch{turn: newTurn()} }
		client, server := net.Pipe()
		defer client.Close()
		begin := time.Now()
		ended := make(chan time.Duration, 1)
		go func() {
			s.serveConn(ctx, server, netip.MustParseAddr("192.0.2.1"))
			ended <- time.Since(begin)
		}()
		test(ctx, client, ended)
		cancel()
		synctest.Wait()
	})
}

// RFC 7766 section 6.2.3.
func TestTCPIdleConnectionEnds(t *testing.T) {
	serving(t, func(_ context.Context, _ net.Conn, ended <-chan time.Duration) {
		if got := <-ended; got != 10*time.Second {
			t.Errorf("ended after %v, want 10s", got)
		}
	})
}

func TestTCPTimeOutIsForTheWholeQuery(t *testing.T) {
	serving(t, func(_ context.Context, client net.Conn, ended <-chan time.Duration) {
		query := frame(t, ask("two.example.com.", dns.TypeA))
		// One byte every three seconds keeps no connection alive.
		for _, b := range query[:4] {
			if _, err := client.Write([]byte{b}); err != nil {
				break
			}
			<-time.After(3 * time.Second)
		}
		if got := <-ended; got != 10*time.Second {
			t.Errorf("ended after %v, want 10s", got)
		}
	})
}

func TestTCPQueryRenewsTheTimeOut(t *testing.T) {
	serving(t, func(_ context.Context, client net.Conn, ended <-chan time.Duration) {
		<-time.After(9 * time.Second)
		send(t, client, frame(t, ask("two.example.com.", dns.TypeA)))
		readFrame(t, client)
		if got := <-ended; got != 19*time.Second {
			t.Errorf("ended after %v, want 19s", got)
		}
	})
}

func TestTCPSlowReaderIsGivenUp(t *testing.T) {
	serving(t, func(_ context.Context, client net.Conn, ended <-chan time.Duration) {
		send(t, client, frame(t, ask("two.example.com.", dns.TypeA)))
		if got := <-ended; got != 5*time.Second {
			t.Errorf("ended after %v, want 5s", got)
		}
	})
}
