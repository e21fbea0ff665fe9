// Package prober probes endpoints as Route 53's checkers do and turns results into reports.
package prober

import (
	"context"
	"log/slog"
	"net/netip"
	"time"

	"github.com/bulkhead-dns/bulkhead/health"
)

// A Checker is one vantage point of this process: it probes every check by itself.
type Checker struct {
	Name      string     // unique among all nodes: "<node>/<region>"
	Region    string     // label shown by GetHealthCheckStatus
	IPAddress netip.Addr // shown by GetHealthCheckStatus; probes leave from it when Bind is set
	Bind      bool
}

// Options of New.
type Options struct {
	Checkers []Checker
	// Resolve returns the IPv4 address of a host name for a probe; it is asked at every probe (r53: B.3).
	Resolve func(ctx context.Context, host string) (netip.Addr, error)
	// AllowPrivateAddresses lets names resolve to addresses that AWS's checkers refuse (r53: B.5).
	AllowPrivateAddresses bool
	// FastConfirmation re-probes after a first failure in a fifth of the interval until the machine turns or a probe succeeds; the
	// number of consecutive failures asked for is still met. An extension of the engine.
	FastConfirmation bool
	// OnReport is called after every probe with the checker's report; changed says that its state turned (or that it is the first report). Called from many goroutines, never
	// twice at once for one check and checker.
	OnReport func(r health.Report, changed bool)
	// MaxInFlight bounds probes at one time over all checks; 0 means 4096.
	MaxInFlight int
	Logger      *slog.Logger
}

// A Prober runs probes for a set of checks.
type Prober struct{}

// New returns a prober; Run starts it.
func New(o Options) (*Prober, error) { panic("contract") }

// Set adds a check or replaces its config. State is kept when only what does not affect the endpoint changes. CALCULATED and Disabled checks are not probed. healthy is the state its machines start in.
func (p *Prober) Set(c health.Check, healthy bool) { panic("contract") }

// Remove stops probing a check.
func (p *Prober) Remove(id string) { panic("contract") }

// Observations returns the latest report of each of this process's checkers for a check; a checker that has not probed yet is absent.
func (p *Prober) Observations(id string) []health.Report { panic("contract") }

// Run probes until ctx ends and every probe in flight has returned.
func (p *Prober) Run(ctx context.Context) error { panic("contract") }

// Time-outs are Route 53's and fixed. r53: B.1.
const (
	ConnectTimeout  = 4 * time.Second // and the TLS handshake
	ResponseTimeout = 2 * time.Second
	BodyTimeout     = 2 * time.Second
	TCPTimeout      = 10 * time.Second
)
