package dnsserver

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/bulkhead-dns/bulkhead/wire"
)

// tcpLimits bound what one client, and all clients together, can hold of the server over TCP (RFC 7766 section 10).
type tcpLimits struct {
	connections int           // open at one time; one more is closed at once
	perClient   int           // of these from one IPv4 address or one IPv6 /64
	queries     int           // answered over one connection before it is closed
	idle        time.Duration // from a connection's start or last reply to the end of its next query
	write       time.Duration // for a client to take one reply
}

// defaultTCPLimits are generous to a resolver, which uses few connections and gives them up, and tight for who hoards
// them.
var defaultTCPLimits = tcpLimits{
	connections: 2048,
	perClient:   256,
	queries:     1 << 16,
	idle:        10 * time.Second,
	write:       5 * time.Second,
}

// acceptBackoff is the pause after accept failed, mostly for lack of file descriptors: connections that end give some
// back.
const acceptBackoff = 50 * time.Millisecond

// maxTCPQuery is the longest query taken over TCP, in bytes: a name and an OPT record with options need far less. An
// idle connection costs one buffer of it.
const maxTCPQuery = 4096

// tcpScratch is what a query over TCP needs while it is answered; an idle connection holds none.
type tcpScratch struct {
	turn turn
	buf  [2 + wire.MaxMessage]byte // the length prefix and the message (RFC 1035 section 4.2.2)
}

// serveTCP accepts connections until the listener is closed, and waits for the last of them to end.
func (s *Server) serveTCP(ctx context.Context) error {
	var conns sync.WaitGroup
	defer conns.Wait()
	for {
		conn, err := s.tcp.AcceptTCP()
		if errors.Is(err, net.ErrClosed) {
			return err
		}
		if err != nil {
			s.log.Warn("accept a DNS connection", "err", err)
			select {
			case <-ctx.Done():
			case <-time.After(acceptBackoff):
			}
			continue
		}
		src := conn.RemoteAddr().(*net.TCPAddr).AddrPort().Addr().Unmap()
		if !s.clients.enter(src, &s.limits) {
			conn.Close()
			continue
		}
		conns.Go(func() {
			defer s.clients.leave(src)
			s.serveConn(ctx, conn, src)
		})
	}
}

// serveConn answers the queries of one connection, in their order, until the client is done, too slow or over its
// limit. Queries may be sent without waiting for replies (RFC 7766 section 6.2.1.1).
func (s *Server) serveConn(ctx context.Context, conn net.Conn, src netip.Addr) {
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	defer conn.Close()
	in := bufio.NewReaderSize(conn, 2+maxTCPQuery)
	for range s.limits.queries {
		if conn.SetReadDeadline(time.Now().Add(s.limits.idle)) != nil {
			return
		}
		prefix, err := in.Peek(2)
		if err != nil {
			return
		}
		// Peek holds the whole query before anything is taken from the pool, and refuses one that is too long.
		query, err := in.Peek(2 + int(binary.BigEndian.Uint16(prefix)))
		if err != nil || !s.serveQuery(conn, query[2:], src) {
			return
		}
		in.Discard(len(query))
	}
}

// serveQuery answers one query. False ends the connection: it broke, or carried what no DNS client sends.
func (s *Server) serveQuery(conn net.Conn, query []byte, src netip.Addr) bool {
	m := s.scratch.Get().(*tcpScratch)
	defer s.scratch.Put(m)
	n := copy(m.buf[2:], query)
	reply := m.turn.run(s.latest.Load(), m.buf[2:2+n], src, tcp)
	s.tcpTotals.add(&m.turn.tally)
	if reply == nil || conn.SetWriteDeadline(time.Now().Add(s.limits.write)) != nil {
		return false
	}
	binary.BigEndian.PutUint16(m.buf[:], uint16(len(reply)))
	_, err := conn.Write(m.buf[:2+len(reply)]) // prefix and message in one segment (RFC 7766 section 8)
	return err == nil
}

// clientCount counts open connections.
type clientCount struct {
	mu   sync.Mutex
	open map[netip.Addr]int // by client; an absent client has none
	all  int
}

// enter counts a connection in, unless a limit is reached.
func (c *clientCount) enter(src netip.Addr, limits *tcpLimits) bool {
	client := clientOf(src)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.all >= limits.connections || c.open[client] >= limits.perClient {
		return false
	}
	c.all++
	c.open[client]++
	return true
}

// leave counts it out.
func (c *clientCount) leave(src netip.Addr) {
	client := clientOf(src)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all--
	if c.open[client]--; c.open[client] == 0 {
		delete(c.open, client)
	}
}

// clientOf is what connections are counted by: an IPv6 client has a whole /64 of addresses to itself.
func clientOf(src netip.Addr) netip.Addr {
	if src.Is4() {
		return src
	}
	p, err := src.WithZone("").Prefix(64)
	if err != nil {
		return src
	}
	return p.Addr()
}
