package alb

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/net/netutil"

	"github.com/bulkhead-dns/bulkhead/zone"
)

// Options of New.
type Options struct {
	Name         string     // "demoalb"
	DNSName      string     // "demoalb-….eu-west-1.elb.amazonaws.com"
	HostedZoneID string     // the Region's canonical hosted zone id
	Address      netip.Addr // its own address on this machine
	Port         int        // 0 means any free one
	// OnHealth is called when the load balancer's health as Route 53 sees it may have changed. It must not block.
	OnHealth func()
	Logger   *slog.Logger // nil discards
}

// A Config is what a load balancer routes by. Targets are not part of it: they come and go with SetTargets.
type Config struct {
	Rules         []Rule        `json:"rules"`
	DefaultAction Action        `json:"defaultAction"` // zero means a fixed response with status 404
	TargetGroups  []TargetGroup `json:"targetGroups"`
}

// A LoadBalancer is an Application Load Balancer with one HTTP listener.
type LoadBalancer struct {
	options   Options
	logger    *slog.Logger
	listener  net.Listener
	forwarder *http.Transport // to targets, for clients
	prober    *http.Transport // to targets, for target health

	mu       sync.Mutex
	rules    []Rule // by priority
	fallback Action
	groups   map[string]*targetGroup
	running  context.Context // nil before Run: probes start with it
	probes   sync.WaitGroup
}

// Bounds of a load balancer. Time-outs are an ALB's.
const (
	maxConnections  = 4096
	maxHeaderBytes  = 64 << 10
	IdleTimeout     = 60 * time.Second
	connectTimeout  = 10 * time.Second
	shutdownTimeout = 3 * time.Second
)

// New opens the listener, so that the port is known; Run serves.
func New(o Options) (*LoadBalancer, error) {
	listener, err := listen(o.Address, o.Port)
	if err != nil {
		return nil, fmt.Errorf("open load balancer %s: %w", o.DNSName, err)
	}
	dialer := &net.Dialer{Timeout: connectTimeout}
	return newLoadBalancer(o, listener, dialer.DialContext), nil
}

// newLoadBalancer makes a load balancer that reaches its targets through dial.
func newLoadBalancer(o Options, l net.Listener,
	dial func(context.Context, string, string) (net.Conn, error)) *LoadBalancer {
	logger := o.Logger
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	return &LoadBalancer{
		options:  o,
		logger:   logger.With("loadBalancer", o.DNSName),
		listener: l,
		forwarder: &http.Transport{
			DialContext:           dial,
			DisableCompression:    true,
			ResponseHeaderTimeout: IdleTimeout,
			IdleConnTimeout:       IdleTimeout,
			MaxIdleConnsPerHost:   16,
		},
		prober:   &http.Transport{DialContext: dial, DisableCompression: true, DisableKeepAlives: true},
		fallback: notFound(),
	}
}

func listen(address netip.Addr, port int) (net.Listener, error) {
	l, err := net.Listen("tcp", netip.AddrPortFrom(address, uint16(port)).String())
	if errors.Is(err, syscall.EADDRNOTAVAIL) {
		err = fmt.Errorf("%w: only Linux gives every address of 127.0.0.0/8; elsewhere add %s to the loopback interface", err,
			address)
	}
	return l, err
}

// DNSName returns the name an Application Load Balancer of this name could have in a Region. The number is derived from
// both, so that it is the same in every run.
func DNSName(name, region string) string {
	sum := sha256.Sum256([]byte(name + "/" + region))
	number := 1_000_000_000 + binary.BigEndian.Uint64(sum[:])%9_000_000_000
	p, _ := zone.PartitionOfRegion(region)
	return fmt.Sprintf("%s-%010d.%s.elb.%s", name, number, region, p.DNSSuffix)
}

// Address is where the load balancer listens.
func (lb *LoadBalancer) Address() netip.AddrPort {
	return lb.listener.Addr().(*net.TCPAddr).AddrPort()
}

// Run serves and probes until ctx ends, then lets requests in flight finish for a moment. It returns when every
// connection and probe is gone.
func (lb *LoadBalancer) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	server := &http.Server{
		Handler:           lb,
		ReadHeaderTimeout: IdleTimeout,
		IdleTimeout:       IdleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(lb.logger.Handler(), slog.LevelDebug),
	}
	lb.startProbes(ctx)
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(netutil.LimitListener(lb.listener, maxConnections)) }()
	var err error
	select {
	case <-ctx.Done():
		err = stopServer(ctx, server)
		<-failed
	case err = <-failed:
	}
	lb.stopProbes(cancel)
	lb.forwarder.CloseIdleConnections()
	lb.prober.CloseIdleConnections()
	if err != nil {
		return fmt.Errorf("serve load balancer %s: %w", lb.options.DNSName, err)
	}
	return nil
}

// stopServer lets requests finish for shutdownTimeout, then cuts them off. It does so also when ctx has ended.
func stopServer(ctx context.Context, s *http.Server) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	if s.Shutdown(ctx) == nil {
		return nil
	}
	return s.Close()
}

// Configure replaces rules and target groups in one step, or changes nothing and reports every fault. A group that
// keeps its name keeps its targets and their health.
func (lb *LoadBalancer) Configure(c Config) error {
	c, err := c.complete()
	if err != nil {
		return fmt.Errorf("configure load balancer %s: %w", lb.options.DNSName, err)
	}
	lb.mu.Lock()
	lb.rules, lb.fallback = c.Rules, c.DefaultAction
	lb.setGroups(c.TargetGroups)
	lb.mu.Unlock()
	lb.healthMayHaveChanged()
	return nil
}

// Check reports every fault that Configure would refuse.
func (c Config) Check() error {
	_, err := c.complete()
	return err
}

// complete fills in what c leaves open and sorts its rules by priority, or reports every fault. c stays as it is.
func (c Config) complete() (Config, error) {
	if c.DefaultAction == (Action{}) {
		c.DefaultAction = notFound()
	}
	groups := make([]TargetGroup, 0, len(c.TargetGroups))
	for _, g := range c.TargetGroups {
		groups = append(groups, g.withDefaults())
	}
	c.TargetGroups = groups
	names, err := checkGroups(groups)
	if err == nil {
		err = checkRules(c.Rules, c.DefaultAction, names)
	}
	if err != nil {
		return Config{}, err
	}
	c.Rules = slices.Clone(c.Rules)
	slices.SortFunc(c.Rules, func(a, b Rule) int { return cmp.Compare(a.Priority, b.Priority) })
	return c, nil
}

// setGroups replaces the target groups and starts and stops probing as the rules use them.
func (lb *LoadBalancer) setGroups(groups []TargetGroup) {
	used := map[string]bool{lb.fallback.TargetGroup: true}
	for _, r := range lb.rules {
		used[r.Action.TargetGroup] = true
	}
	old := lb.groups
	lb.groups = make(map[string]*targetGroup, len(groups))
	for _, spec := range groups {
		g, ok := old[spec.Name]
		if !ok {
			g = &targetGroup{}
		}
		g.TargetGroup = spec
		lb.groups[spec.Name] = g
		delete(old, spec.Name)
		for _, t := range g.setInUse(used[spec.Name]) {
			lb.probe(g, t)
		}
	}
	for _, g := range old {
		g.setInUse(false)
	}
}

// SetTargets makes these the registered targets of a group. New targets are probed at once. Targets that are left out
// drain: they get no further request. drained is closed when the requests that they had in flight are answered.
func (lb *LoadBalancer) SetTargets(group string, targets []Target) (drained <-chan struct{}, err error) {
	if err := checkTargets(targets); err != nil {
		return nil, fmt.Errorf("register targets of %s: %w", group, err)
	}
	lb.mu.Lock()
	g, ok := lb.groups[group]
	if !ok {
		defer lb.mu.Unlock()
		return nil, fmt.Errorf("there is no target group %q: there are %s", group, strings.Join(groupNames(lb.groups), ", "))
	}
	added, removed := g.setTargets(targets, time.Now())
	for _, t := range added {
		lb.probe(g, t)
	}
	lb.mu.Unlock()
	lb.healthMayHaveChanged()

	done := make(chan struct{})
	go func() {
		defer close(done)
		for _, t := range removed {
			t.inFlight.Wait()
		}
	}()
	return done, nil
}

// Healthy reports the load balancer's health as Route 53 sees it through an alias that evaluates target health, and
// why. r53: A.9.
func (lb *LoadBalancer) Healthy() (healthy bool, reason string) {
	lb.mu.Lock()
	defer lb.mu.Unlock()
	return healthAsRoute53Sees(slices.Collect(maps.Values(lb.groups)))
}

func (lb *LoadBalancer) healthMayHaveChanged() {
	if lb.options.OnHealth != nil {
		lb.options.OnHealth()
	}
}

// Name is the load balancer's name, unique in its Region.
func (lb *LoadBalancer) Name() string { return lb.options.Name }

// DNSName is its name in DNS, without a final dot.
func (lb *LoadBalancer) DNSName() string { return lb.options.DNSName }

// HostedZoneID is the canonical hosted zone id that alias records to it carry.
func (lb *LoadBalancer) HostedZoneID() string { return lb.options.HostedZoneID }

// Close frees the port of a load balancer that never ran.
func (lb *LoadBalancer) Close() error { return lb.listener.Close() }
