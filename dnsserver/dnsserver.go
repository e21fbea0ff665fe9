// Package dnsserver answers DNS queries over UDP and TCP from the latest published View and Table.
//
// It asks steer for every decision and adds nothing to it: packets are read and written by wire, and between the two
// stands one atomic pointer. Publishing never waits for queries and queries never wait for anything: with nothing new
// published the last View and Table stay in use. Names of no zone of ours are REFUSED; the server resolves nothing
// for anybody.
//
// Over UDP every worker has its own socket (SO_REUSEPORT) and takes and sends packets in batches on Linux; elsewhere
// one worker reads one socket packet by packet. Answering a packet allocates no memory. Over TCP connections are
// limited in number, in all and for one client, and in time.
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

// DefaultAddr is where a Server listens when Options say nothing.
const DefaultAddr = "127.0.0.1:5300"

// Options of New.
type Options struct {
	// Addr is the IP address and port of both UDP and TCP; empty is DefaultAddr. Port 0 takes one port that is free
	// for both. An unspecified address ("0.0.0.0", "[::]" or nothing before the colon) listens on every address of
	// the machine, and replies leave from the address that was asked; this works on Linux only and is refused
	// elsewhere.
	Addr string
	// Workers is the number of UDP sockets with SO_REUSEPORT, 0 to 1024; 0 is one for every CPU. Outside Linux it is
	// always one.
	Workers int
	// Logger gets what goes wrong with sockets, never queries; nil discards it.
	Logger *slog.Logger
}

// A Server owns the sockets.
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

// published is what queries are answered from; Table indexes belong to that View, so the two change hands together.
type published struct {
	view  *steer.View
	table *steer.Table
}

// maxWorkers keeps a slip of the keyboard from taking all file descriptors.
const maxWorkers = 1024

// New opens the sockets, so that Addr is known; Run serves them. A Server that is never run is closed with Close. The
// error says which option or which address was refused.
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

// listen opens TCP before UDP: SO_REUSEPORT would let a second server of the same user take our UDP port and half of
// our queries without an error, and the TCP port, which is not shared, prevents that.
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
		// A port that is free for TCP may be somebody's over UDP: with the choice being ours, choose again.
		if addr.Port() != 0 || attempt == 20 || !errors.Is(err, syscall.EADDRINUSE) {
			return err
		}
	}
}

// network is proto with the address family that addr means: "0.0.0.0" is IPv4 only, "[::]" is both.
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

// Addr is the address in use.
func (s *Server) Addr() netip.AddrPort { return s.addr }

// Publish makes later queries answer from v and t; a batch that is being answered is finished from what it began
// with. Before the first call every query gets SERVFAIL. A nil t is every check healthy.
func (s *Server) Publish(v *steer.View, t *steer.Table) { s.latest.Store(&published{v, t}) }

// Published returns what queries are answered from now; both are nil before the first call of Publish.
func (s *Server) Published() (*steer.View, *steer.Table) {
	if p := s.latest.Load(); p != nil {
		return p.view, p.table
	}
	return nil, nil
}

// Run serves until ctx ends, then closes the sockets and every connection and returns nil. An error means that a
// socket broke.
func (s *Server) Run(ctx context.Context) error {
	g, running := errgroup.WithContext(ctx)
	defer context.AfterFunc(running, s.Close)()
	for i, conn := range s.udp {
		g.Go(func() error { return s.serveUDP(conn, &s.udpTotals[i]) })
	}
	g.Go(func() error { return s.serveTCP(running) })
	// The first closed socket ends running, and with it all the others.
	if err := g.Wait(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// Close closes the sockets; Run does it by itself. A running Run ends.
func (s *Server) Close() {
	s.shutting.Do(func() {
		for _, conn := range s.udp {
			conn.Close()
		}
		s.tcp.Close()
	})
}
