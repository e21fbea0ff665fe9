// Package prober probes endpoints as Route 53's checkers do and turns results into reports.
//
// One process has one or more checkers. Each probes every check by itself, over a new connection each time, and keeps
// its own state for it (health.Machine); what they say together is for others to decide. The next probe starts one
// interval after the last one ended; time-outs are Route 53's and fixed (r53: B.1, B.3).
package prober

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/bulkhead-dns/bulkhead/health"
)

const defaultMaxInFlight = 4096

// A Checker is one vantage point of this process: it probes every check by itself.
type Checker struct {
	Name      string     // unique among all nodes: "<node>/<region>"
	Region    string     // label shown by GetHealthCheckStatus
	IPAddress netip.Addr // shown by GetHealthCheckStatus; probes leave from it when Bind is set
	Bind      bool       // probes of endpoints in the other address family leave from the system's choice all the same
}

// Options of New.
type Options struct {
	// Checkers are at least one. A check that lists Regions is probed by the checkers of those Regions; when none of
	// Checkers is in one, by all: a check that nobody probes would stay healthy for ever.
	Checkers []Checker
	// Resolve returns the IPv4 address of a host name for a probe; it is asked at every probe (r53: B.3). nil means the
	// system's resolver and the first address that it gives.
	Resolve func(ctx context.Context, host string) (netip.Addr, error)
	// AllowedAddresses are the internal addresses (health.Restricted) that are probed all the same. Without them a check
	// is no way to learn from outside what answers inside. Judged at every probe, for the address that is dialled.
	AllowedAddresses []netip.Prefix
	// FastConfirmation re-probes after a first failure in a fifth of the interval until the machine turns or a probe
	// succeeds; the number of consecutive failures asked for is still met. An extension of the engine.
	FastConfirmation bool
	// OnReport is called after every probe with the checker's report; changed says that its state turned, or that it is
	// the first report since the check or its endpoint was set. Called from many goroutines, never twice at once for one
	// check and checker. nil means that nobody listens.
	OnReport func(r health.Report, changed bool)
	// MaxInFlight bounds probes at one time over all checks; 0 means 4096. Each needs a file descriptor.
	MaxInFlight int
	// Logger hears of probes that could not be made for want of this process's own resources, and of refused ones; nil
	// means nobody.
	Logger *slog.Logger
}

// A Prober runs probes for a set of checks.
type Prober struct {
	o       Options
	regions []string // of the checkers
	dial    func(ctx context.Context, from netip.Addr, to netip.AddrPort) (net.Conn, error)
	buffers sync.Pool     // *[maxHead]byte
	wake    chan struct{} // the scheduler should look again

	mu       sync.Mutex
	running  bool
	checks   map[string]*entry
	queue    queue // tasks that wait for their time
	inFlight int
	unmade   warning // probes that could not be made
	internal warning // probes refused for their address
}

// New returns a prober; Run starts it. The error says which option cannot be used.
func New(o Options) (*Prober, error) {
	if len(o.Checkers) == 0 {
		return nil, errors.New("a prober needs at least one checker")
	}
	seen := map[string]bool{}
	var regions []string
	for _, c := range o.Checkers {
		switch {
		case c.Name == "" || seen[c.Name]:
			return nil, fmt.Errorf("checker name %q: every checker needs a name of its own", c.Name)
		case c.Bind && !c.IPAddress.IsValid():
			return nil, fmt.Errorf("checker %s is to bind to its address and has none", c.Name)
		}
		seen[c.Name] = true
		regions = append(regions, c.Region)
	}
	if o.MaxInFlight < 0 {
		return nil, fmt.Errorf("at most %d probes in flight: want 0 for the default or a positive number", o.MaxInFlight)
	}
	if o.MaxInFlight == 0 {
		o.MaxInFlight = defaultMaxInFlight
	}
	if o.Resolve == nil {
		o.Resolve = systemResolve
	}
	if o.OnReport == nil {
		o.OnReport = func(health.Report, bool) {}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Prober{
		o:       o,
		regions: regions,
		dial:    dialTCP,
		buffers: sync.Pool{New: func() any { return new([maxHead]byte) }},
		wake:    make(chan struct{}, 1),
		checks:  map[string]*entry{},
	}, nil
}

// An entry is a check and its tasks, one per checker. A removed entry stays until its last probe in flight has ended,
// so that a check set again under its id never has two at once.
type entry struct {
	check   health.Check
	tasks   []*task // as Options.Checkers
	removed bool
	hinted  time.Time // when ProbeNow last took effect
}

// Set adds a check or replaces its config. State is kept when only what does not affect the endpoint changes; with
// another endpoint a machine starts again in the state it has. CALCULATED and Disabled checks are not probed. healthy
// is the state that machines start in which were not probing this check before.
func (p *Prober) Set(c health.Check, healthy bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	e := p.checks[c.ID]
	if e == nil {
		e = &entry{tasks: make([]*task, len(p.o.Checkers))}
		for i := range e.tasks {
			e.tasks[i] = &task{entry: e, checker: i, place: nowhere}
		}
		p.checks[c.ID] = e
	}
	assigned := c.Config.AssignedRegions(p.regions)
	moved := !sameEndpoint(e.check.Config, c.Config)
	e.check, e.removed = c, false
	for _, t := range e.tasks {
		wanted := c.Config.Probed() && slices.Contains(assigned, p.o.Checkers[t.checker].Region)
		switch {
		case wanted && !t.wanted:
			p.start(t, healthy)
		case wanted && moved:
			p.start(t, t.machine.Healthy())
		case wanted:
			t.machine.SetThreshold(c.Config.Threshold())
		case t.wanted:
			p.stop(t)
		}
	}
}

// sameEndpoint says that both configs ask the same of the same place.
func sameEndpoint(a, b health.Config) bool {
	return a.Type == b.Type && a.IPAddress == b.IPAddress && a.PortNumber() == b.PortNumber() && a.Path() == b.Path() &&
		a.FullyQualifiedDomainName == b.FullyQualifiedDomainName && a.SearchString == b.SearchString &&
		a.SendsSNI() == b.SendsSNI()
}

// Remove stops probing a check. The result of a probe in flight is dropped; a report of a probe that has ended before
// may still be delivered while Remove returns.
func (p *Prober) Remove(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	e := p.checks[id]
	if e == nil {
		return
	}
	e.removed = true
	for _, t := range e.tasks {
		if t.wanted {
			p.stop(t)
		}
	}
	p.forget(e)
}

// forget lets go of a removed entry once nothing of it is in flight.
func (p *Prober) forget(e *entry) {
	if e.removed && !slices.ContainsFunc(e.tasks, func(t *task) bool { return t.running }) {
		delete(p.checks, e.check.ID)
	}
}

// Observations returns the latest report of each of this process's checkers for a check, in the order of
// Options.Checkers; a checker that has not probed yet is absent.
func (p *Prober) Observations(id string) []health.Report {
	p.mu.Lock()
	defer p.mu.Unlock()
	e := p.checks[id]
	if e == nil {
		return nil
	}
	var reports []health.Report
	for _, t := range e.tasks {
		if t.reported {
			reports = append(reports, t.report)
		}
	}
	return reports
}
