// Package dnsserver answers DNS queries over UDP and TCP from the latest published View and Table.
//
// A query takes this path:
//
//	UDP socket                        TCP connection
//	    | recvmmsg: up to 32 packets      | length prefix and query
//	    v                                 v
//	wire.Parse ----- not acceptable ----> drop, or reply FORMERR, NOTIMP, REFUSED, BADVERS
//	    | name, type, client
//	    v
//	steer.Decide <-- latest (an atomic pointer) <-- Publish(View, Table)
//	    | Answer
//	    v
//	turn.encode ---- does not fit ------> UDP: reply truncated; TCP: reply SERVFAIL
//	    | reply, in the buffer of the query
//	    v
//	UDP socket: sendmmsg              TCP connection: length prefix and reply
//
// The server adds nothing to the decisions of steer. Publishing never waits for queries, and queries never wait for
// anything: while nothing new is published, the last View and Table stay in use. A name outside the hosted zones is
// REFUSED. The server does not resolve names for clients.
//
// Over UDP on Linux, each worker has its own socket (SO_REUSEPORT), and receives and sends packets in batches. On other
// systems one worker reads one socket, packet by packet. An answer to a packet allocates no memory. Over TCP, the
// number of connections is limited, in all and for each client, and so is their time.
package dnsserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"golang.org/x/sync/errgroup"

	"github.com/bulkhead-dns/bulkhead/steer"
)

// DefaultAddr is the address of a Server whose Options have none.
const DefaultAddr = "127.0.0.1:5300"

// Options of New.
type Options struct {
	// Addr is the IP address and port for UDP and TCP. The default is DefaultAddr. Port 0 takes a port that is free for
	// both. An unspecified address ("0.0.0.0", "[::]" or nothing before the colon) listens on every address of the
	// machine, and each reply leaves from the address that got the query. This works on Linux only; other systems
	// refuse it.
	Addr string
	// Workers is the number of UDP sockets with SO_REUSEPORT, 0 to 1024; 0 means one for each CPU. On systems other
	// than Linux there is always one.
	Workers int
	// Logger gets the errors of sockets, never queries. nil discards them.
	Logger *slog.Logger
}

// A Server listens on UDP and TCP and answers queries.
type Server struct {
	log    *slog.Logger
	limits tcpLimits
	addr   netip.AddrPort
	udp    []*net.UDPConn
	tcp    *net.TCPListener

	latest atomic.Pointer[published]

	udpTotals []totals // one for each socket
	tcpTotals totals

	clients  clientCount
	scratch  sync.Pool // of *tcpScratch
	shutting sync.Once
}

// published has what queries are answered from. The indexes of the Table belong to the View, so both are replaced at
// once.
type published struct {
	view  *steer.View
	table *steer.Table
}

// maxWorkers bounds Options.Workers, so that a typing error does not use up all file descriptors.
const maxWorkers = 1024

// New opens the sockets, so that Addr is known. Run serves them. Close a Server that is never run. The error says which
// option or which address was refused.
func New(o Options) (*Server, error) {
	if o.Addr == "" {
		o.Addr = DefaultAddr
	}
	if strings.HasPrefix(o.Addr, ":") {
		o.Addr = "[::]" + o.Addr
	}
	addr, err := netip.ParseAddrPort(o.Addr)
	if err != nil {
		return nil, fmt.Errorf("DNS address %q is not an IP address with a port, such as %q", o.Addr, DefaultAddr)
	}
	if o.Workers < 0 || o.Workers > maxWorkers {
		return nil, fmt.Errorf("%d DNS workers: 0 (one for every CPU) to %d are accepted", o.Workers, maxWorkers)
	}
	if o.Workers == 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Server{log: o.Logger, limits: defaultTCPLimits}
	if err := s.listen(addr, o.Workers); err != nil {
		return nil, fmt.Errorf("listen for DNS on %s: %w", addr, err)
	}
	s.udpTotals = make([]totals, len(s.udp))
	s.clients.open = make(map[netip.Addr]int)
	s.scratch.New = func() any { return &tcpScratch{turn: newTurn()} }
	return s, nil
}

// listen opens TCP before UDP. With SO_REUSEPORT, a second server of the same user could open our UDP port without an
// error and take half of our queries. The TCP port cannot be shared, so it prevents that.
func (s *Server) listen(addr netip.AddrPort, workers int) error {
	for attempt := 1; ; attempt++ {
		tcp, err := net.ListenTCP(network("tcp", addr), net.TCPAddrFromAddrPort(addr))
		if err != nil {
			return err
		}
		bound := netip.AddrPortFrom(addr.Addr(), tcp.Addr().(*net.TCPAddr).AddrPort().Port())
		udp, err := listenUDP(bound, workers)
		if err == nil {
			s.addr, s.tcp, s.udp = bound, tcp, udp
			return nil
		}
		err = errors.Join(err, tcp.Close())
		// A port that is free for TCP may be in use for UDP. If the port is ours to choose, try another one.
		if addr.Port() != 0 || attempt == 20 || !errors.Is(err, syscall.EADDRINUSE) {
			return err
		}
	}
}

// network returns proto with the address family of addr: "0.0.0.0" is IPv4 only, "[::]" is both.
func network(proto string, addr netip.AddrPort) string {
	switch ip := addr.Addr(); {
	case ip.Is4():
		return proto + "4"
	case ip.IsUnspecified():
		return proto
	default:
		return proto + "6"
	}
}

// Addr returns the address in use.
func (s *Server) Addr() netip.AddrPort { return s.addr }

// Publish makes later queries use v and t. A batch in progress continues with the View and Table that it began with.
// Before the first call, every query gets SERVFAIL. With a nil t every check is healthy.
func (s *Server) Publish(v *steer.View, t *steer.Table) { s.latest.Store(&published{v, t}) }

// Published returns what queries are answered from now; both are nil before the first call of Publish.
func (s *Server) Published() (*steer.View, *steer.Table) {
	if p := s.latest.Load(); p != nil {
		return p.view, p.table
	}
	return nil, nil
}

// Run serves until ctx ends. Then it closes the sockets and all connections and returns nil. An error means that a
// socket failed.
func (s *Server) Run(ctx context.Context) error {
	g, running := errgroup.WithContext(ctx)
	defer context.AfterFunc(running, s.Close)()
	for i, conn := range s.udp {
		g.Go(func() error { return s.serveUDP(conn, &s.udpTotals[i]) })
	}
	g.Go(func() error { return s.serveTCP(running) })
	// The first closed socket ends the context "running", which closes all the others.
	if err := g.Wait(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// Close closes the sockets and makes Run return. Run itself closes them too.
func (s *Server) Close() {
	s.shutting.Do(func() {
		for _, conn := range s.udp {
			conn.Close()
		}
		s.tcp.Close()
	})
}
