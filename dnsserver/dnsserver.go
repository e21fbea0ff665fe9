// Package dnsserver answers DNS queries over UDP and TCP from the latest published View and Table.
package dnsserver

import (
	"context"
	"log/slog"
	"net/netip"

	"github.com/bulkhead-dns/bulkhead/steer"
)

// Options of New.
type Options struct {
	Addr    string // "127.0.0.1:5300", UDP and TCP; port 0 takes one port free for both
	Workers int    // UDP sockets with SO_REUSEPORT; 0 means one per CPU
	Logger  *slog.Logger
}

// A Server owns the sockets.
type Server struct{}

// New opens the sockets, so that Addr is known; Run serves them.
func New(o Options) (*Server, error) { panic("contract") }

// Addr is the address in use.
func (s *Server) Addr() netip.AddrPort { panic("contract") }

// Publish makes later queries answer from v and t. Before the first call every query gets SERVFAIL.
func (s *Server) Publish(v *steer.View, t *steer.Table) { panic("contract") }

// Run serves until ctx ends.
func (s *Server) Run(ctx context.Context) error { panic("contract") }

// Counters are totals since start, summed over workers when read.
type Counters struct {
	UDPQueries, TCPQueries, Answers, Dropped, FormErr, NotImp, Refused, NXDomain, NoData, ServFail, Truncated, FailOpen uint64
}

// Counters reads the totals.
func (s *Server) Counters() Counters { panic("contract") }
