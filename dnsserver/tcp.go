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

// tcpLimits bound the resources that one client, and all clients together, can use over TCP (RFC 7766 section 10).
type tcpLimits struct {
	connections int           // open at the same time; further ones are closed at once
	perClient   int           // open at the same time from one IPv4 address or one IPv6 /64
	queries     int           // answered over one connection before it is closed
	idle        time.Duration // from the start or the last reply to the end of the next query
	write       time.Duration // to send one reply
}

// defaultTCPLimits are generous for a resolver, which uses few connections and closes them, and tight for a client that
// keeps many open.
var defaultTCPLimits = tcpLimits{
	connections: 2048,
	perClient:   256,
	queries:     1 << 16,
	idle:        10 * time.Second,
	write:       5 * time.Second,
}

// acceptBackoff is the backoff after a failed accept. Mostly there are no file descriptors left, until connections end.
const acceptBackoff = 50 * time.Millisecond

// maxTCPQuery is the longest query accepted over TCP, in bytes. A name and an OPT record with options need far less.
// Each idle connection has one buffer of this size.
const maxTCPQuery = 4096

// tcpScratch is the memory that one query over TCP needs. An idle connection has none.
type tcpScratch struct {
	turn turn
	buf  [2 + wire.MaxMessage]byte // the length prefix and the message (RFC 1035 section 4.2.2)
}

// serveTCP accepts connections until the listener is closed, then waits until all connections have ended.
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

// serveConn answers the queries of one connection in their order, until the client closes it, is too slow or reaches
// its limit. A client may send queries without waiting for replies (RFC 7766 section 6.2.1.1).
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
		// Peek waits for the whole query before serveQuery takes memory from the pool. It refuses a query that is too long.
		query, err := in.Peek(2 + int(binary.BigEndian.Uint16(prefix)))
		if err != nil || !s.serveQuery(conn, query[2:], src) {
			return
		}
		in.Discard(len(query))
	}
}

// serveQuery answers one query. It returns false if the connection has to end: it failed, or got no DNS query.
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

// clientCount counts the open connections.
type clientCount struct {
	mu   sync.Mutex
	open map[netip.Addr]int // by client
	all  int
}

// enter counts a new connection. It returns false if a limit is reached.
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

// leave counts a closed connection.
func (c *clientCount) leave(src netip.Addr) {
	client := clientOf(src)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all--
	if c.open[client]--; c.open[client] == 0 {
		delete(c.open, client)
	}
}

// clientOf returns the key by which connections are counted. For IPv6 it is the /64, because one client has all of it.
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
