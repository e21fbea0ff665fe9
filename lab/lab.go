package lab

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"golang.org/x/sync/errgroup"

	"github.com/bulkhead-dns/bulkhead/alb"
	"github.com/bulkhead-dns/bulkhead/awsserver"
	"github.com/bulkhead-dns/bulkhead/geo"
	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/node"
	"github.com/bulkhead-dns/bulkhead/sigv4"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// Options of New. The zero value is the lab on its default addresses with its data in ./bulkhead-data.
type Options struct {
	// Definition is the world; its zero value means DefaultDefinition.
	Definition Definition
	DataDir    string // "" means ./bulkhead-data
	HTTPAddr   string // of the engine; "" means 127.0.0.1:8053
	DNSAddr    string // of the engine; "" means 127.0.0.1:5300, UDP and TCP
	// Empty leaves Route 53 empty: no zone, no health check, no record. Load balancers and applications run all the same.
	Empty bool
	// ZoneOnly makes the hosted zones and leaves checks and records out.
	ZoneOnly bool
	// Interval is the RequestInterval of the health checks in seconds, 1 to 10 or 30; 0 means 10. Target health is checked
	// every 15 s as the AWS Load Balancer Controller sets it, or as often as this when this is more often.
	Interval int
	// Threshold is the FailureThreshold of the health checks, 1 to 10; 0 means 3.
	Threshold int
	// AnyPort takes free ports where the wanted ones are taken.
	AnyPort bool
	// Kubeconfig attaches a Kubernetes cluster to a Region by the path of its kubeconfig, so that the EKS API describes
	// it; the current context counts. Regions without one have no cluster.
	Kubeconfig map[string]string
	// ProbeAllow are internal addresses that health checks may probe beside those of the Regions' networks: see
	// node.Options.
	ProbeAllow []netip.Prefix
	// OnReport sees every probe of the engine's checkers, and whether the checker's state changed. It must not block.
	OnReport func(r health.Report, changed bool)
	Logger   *slog.Logger // nil discards
}

func (o Options) withDefaults() Options {
	if len(o.Definition.Regions) == 0 {
		o.Definition = DefaultDefinition()
	}
	o.Definition = o.Definition.withDefaults()
	o.DataDir = cmp.Or(o.DataDir, "bulkhead-data")
	o.HTTPAddr = cmp.Or(o.HTTPAddr, node.DefaultHTTPAddr)
	o.DNSAddr = cmp.Or(o.DNSAddr, node.DefaultDNSAddr)
	o.Interval = cmp.Or(o.Interval, 10)
	o.Threshold = cmp.Or(o.Threshold, 3)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

func (o Options) check() error {
	faults := o.Definition.check()
	if o.Empty && o.ZoneOnly {
		faults = append(faults, errors.New("both empty and zone only: choose one"))
	}
	if o.Interval < 1 || o.Interval > 10 && o.Interval != 30 {
		faults = append(faults, fmt.Errorf("interval %d: use 1 to 10, or 30 seconds", o.Interval))
	}
	if o.Threshold < 1 || o.Threshold > 10 {
		faults = append(faults, fmt.Errorf("threshold %d: use 1 to 10", o.Threshold))
	}
	for _, region := range slices.Sorted(maps.Keys(o.Kubeconfig)) {
		if !slices.Contains(o.Definition.regionNames(), region) {
			faults = append(faults, fmt.Errorf("kubeconfig for Region %q: there are %s", region,
				strings.Join(o.Definition.regionNames(), ", ")))
		}
	}
	return errors.Join(faults...)
}

// checkerRegions are the vantage points of the lab's one node: three, so that a verdict is a count of votes.
func checkerRegions() []string { return []string{"eu-west-1", "us-east-1", "ap-northeast-1"} }

// places puts clients near a Region by the address they ask from, or by the one they show in EDNS Client Subnet.
func (d Definition) places() []geo.Place {
	var all []geo.Place
	for _, r := range d.Regions {
		all = append(all, geo.Place{
			Name:          "near " + r.Name,
			Region:        r.Name,
			ClientSubnets: []netip.Prefix{r.Clients},
			Sources:       []netip.Prefix{r.network()},
		})
	}
	return all
}

// networks are where load balancers and pods are.
func (d Definition) networks() []netip.Prefix {
	var all []netip.Prefix
	for _, r := range d.Regions {
		all = append(all, r.network())
	}
	return all
}

// A Lab is an engine node with Regions around it.
type Lab struct {
	options      Options
	surroundings *surroundings
	node         *node.Node
	route53      *route53.Client
	transport    *http.Transport // of route53
	balancers    []knownBalancer
	clusters     map[string]awsserver.Cluster // by Region
	changed      chan struct{}                // holds one item when a load balancer's health may have changed
	ready        chan struct{}

	mu      sync.Mutex
	records []ZoneRecords
}

// A knownBalancer is a load balancer as the engine knows it.
type knownBalancer struct {
	*alb.LoadBalancer
	facts zone.LoadBalancer
}

// New opens every socket and the data directory, so that addresses are known; Run serves.
func New(o Options) (l *Lab, err error) {
	o = o.withDefaults()
	if err := o.check(); err != nil {
		return nil, err
	}
	clusters, err := readClusters(o.Kubeconfig)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(o.DataDir, 0o700); err != nil {
		return nil, fmt.Errorf("create data directory: %w", err)
	}
	l = &Lab{
		options:   o,
		clusters:  clusters,
		transport: &http.Transport{MaxIdleConnsPerHost: 4, IdleConnTimeout: alb.IdleTimeout},
		changed:   make(chan struct{}, 1),
		ready:     make(chan struct{}),
	}
	l.surroundings = &surroundings{statePath: filepath.Join(o.DataDir, "lab.json")}
	// The node comes last: it is the one that is costly to open.
	for _, step := range []func() error{l.openRegions, l.surroundings.restore, l.openNode} {
		if err := step(); err != nil {
			return nil, errors.Join(err, l.surroundings.close())
		}
	}
	return l, nil
}

// openRegions opens every load balancer on one port, so that users find the same one in every Region: 80 where it may
// be had, else 8080, else a free one where any will do.
func (l *Lab) openRegions() error {
	candidates := []int{80, 8080}
	if l.options.AnyPort {
		// A port that is free in one Region may be taken in the next.
		candidates = append(candidates, make([]int, 20)...)
	}
	var faults []error
	for _, port := range candidates {
		err := l.openRegionsOn(port)
		if err == nil {
			return nil
		}
		faults = append(faults, err)
		if err := l.surroundings.close(); err != nil {
			return err
		}
		l.surroundings.regions, l.balancers = nil, nil
	}
	return errors.Join(faults...)
}

func (l *Lab) openRegionsOn(port int) error {
	for _, definition := range l.options.Definition.Regions {
		id, ok := zone.CanonicalHostedZoneID(definition.Name)
		if !ok {
			return fmt.Errorf("region %s has no canonical hosted zone of load balancers", definition.Name)
		}
		r, err := newRegion(regionOptions{
			definition:   definition,
			applications: l.options.Definition.Applications,
			hostedZoneID: id,
			port:         port,
			interval:     min(15*time.Second, time.Duration(l.options.Interval)*time.Second),
			onHealth:     l.healthMayHaveChanged,
			logger:       l.options.Logger.With("region", definition.Name),
		})
		if err != nil {
			return err
		}
		l.surroundings.regions = append(l.surroundings.regions, r)
		for _, b := range r.balancers {
			port = int(b.Address().Port())
			dnsName, err := zone.ParseName(b.DNSName())
			if err != nil {
				return fmt.Errorf("name of load balancer %s in %s: %w", b.Name(), r.name, err)
			}
			l.balancers = append(l.balancers, knownBalancer{b.LoadBalancer,
				zone.LoadBalancer{DNSName: dnsName, HostedZoneID: id, Addresses: []netip.Addr{b.Address().Addr()}}})
		}
	}
	return nil
}

func (l *Lab) openNode() (err error) {
	o := l.options
	httpAddr, dnsAddr := o.HTTPAddr, o.DNSAddr
	if o.AnyPort {
		httpAddr, dnsAddr = freeAddress(httpAddr, false), freeAddress(dnsAddr, true)
	}
	l.node, err = node.New(node.Options{
		DataDir:        o.DataDir,
		HTTPAddr:       httpAddr,
		DNSAddr:        dnsAddr,
		CheckerRegions: checkerRegions(),
		Places:         o.Definition.places(),
		ProbeAllow:     append(o.Definition.networks(), o.ProbeAllow...),
		OnReport:       o.OnReport,
		Handlers:       l.handlers(),
		Logger:         o.Logger,
	})
	if err != nil {
		return err
	}
	c := l.node.Credentials()
	l.route53 = route53.New(route53.Options{
		BaseEndpoint: aws.String("http://" + l.node.HTTPAddr().String()),
		Region:       "us-east-1",
		Credentials:  credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey, c.SessionToken),
		HTTPClient:   &http.Client{Transport: l.transport},
	})
	return nil
}

// handlers are what the lab serves beside the engine's own API: its administration, and the other AWS APIs.
func (l *Lab) handlers() map[string]http.Handler {
	handlers := awsserver.Handlers(awsserver.Options{
		Regions: l.awsRegions(),
		Created: time.Now(),
		Lookup:  l.lookup,
		Logger:  l.options.Logger,
	})
	handlers["/lab/"] = &admin{surroundings: l.surroundings, status: l.Status, lookup: l.lookup, logger: l.options.Logger}
	return handlers
}

// awsRegions are the Regions as the AWS APIs describe them.
func (l *Lab) awsRegions() []awsserver.Region {
	var all []awsserver.Region
	for _, r := range l.surroundings.regions {
		region := awsserver.Region{Name: r.name}
		for _, b := range r.balancers {
			region.LoadBalancers = append(region.LoadBalancers, b.LoadBalancer)
		}
		if c, ok := l.clusters[r.name]; ok {
			region.Cluster = &c
		}
		all = append(all, region)
	}
	return all
}

// freeAddress returns the address, or one with any port of the same host when it is taken. Another process may still
// win the race for it; opening it says so then.
func freeAddress(address string, udp bool) string {
	listener, err := net.Listen("tcp", address)
	if err == nil {
		err = listener.Close()
	}
	if err == nil && udp {
		var conn net.PacketConn
		if conn, err = net.ListenPacket("udp", address); err == nil {
			err = conn.Close()
		}
	}
	host, _, badAddress := net.SplitHostPort(address)
	if badAddress != nil || !errors.Is(err, syscall.EADDRINUSE) {
		return address
	}
	return net.JoinHostPort(host, "0")
}

// Run serves until ctx ends: load balancers, pods and the engine, and then the hosted zones, health checks and records,
// made through the API.
func (l *Lab) Run(ctx context.Context) error {
	defer l.transport.CloseIdleConnections()
	g, inner := errgroup.WithContext(ctx)
	g.Go(func() error { return l.surroundings.run(inner) })
	g.Go(func() error { return l.node.Run(inner) })
	g.Go(func() error {
		err := replaceFile(addressesPath(l.options.DataDir), l.Addresses())
		if err == nil {
			err = l.setUp(inner)
		}
		if inner.Err() != nil {
			return nil // the end of everything else is why
		}
		return err
	})
	err := g.Wait()
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil
	}
	return err
}

func (l *Lab) healthMayHaveChanged() {
	select {
	case l.changed <- struct{}{}:
	default:
	}
}

func (l *Lab) lookup(accessKeyID string) (sigv4.Credentials, bool) {
	c := l.node.Credentials()
	return c, c.AccessKeyID == accessKeyID
}

// Ready is closed when the engine answers DNS, load balancers and pods serve, and the hosted zones and their objects
// exist unless Empty.
func (l *Lab) Ready() <-chan struct{} { return l.ready }

// Node is the engine.
func (l *Lab) Node() *node.Node { return l.node }

// Definition is the world of the lab, complete.
func (l *Lab) Definition() Definition { return l.options.Definition }

// Route53 is a client of the engine's API with the administrator's credentials. It is good until Run returns.
func (l *Lab) Route53() *route53.Client { return l.route53 }

// ZoneRecords returns what the lab made at the start, one item a hosted zone: none before Ready, none with Empty.
func (l *Lab) ZoneRecords() []ZoneRecords {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.records
}

// LoadBalancers are the facts of all load balancers, by Region.
func (l *Lab) LoadBalancers() []LoadBalancerFacts {
	var all []LoadBalancerFacts
	for _, r := range l.surroundings.regions {
		for _, b := range r.balancers {
			all = append(all, LoadBalancerFacts{r.name, b.Name(), b.DNSName(), b.HostedZoneID(), int(b.Address().Port())})
		}
	}
	return all
}

// SetIngresses makes these the Kubernetes Ingresses of a Region, as Client.SetIngresses does.
func (l *Lab) SetIngresses(ctx context.Context, region string, all []Ingress) ([]IngressStatus, error) {
	return l.surroundings.setIngresses(ctx, region, all)
}

// Status shows the lab as it is now.
func (l *Lab) Status() Status {
	return Status{API: l.node.HTTPAddr().String(), DNS: l.node.DNSAddr().String(), Regions: l.surroundings.status()}
}

// Scale sets the number of an application's pods in a Region, 0 to MaxReplicas. It returns when they run, or are gone.
func (l *Lab) Scale(ctx context.Context, application, region string, replicas int) error {
	return l.surroundings.scale(ctx, application, region, replicas)
}

// Fail makes an application's pods in a Region answer 500 to everything; they stay registered.
func (l *Lab) Fail(application, region string) error {
	return l.surroundings.setFailing(application, region, true)
}

// Heal ends what Fail began.
func (l *Lab) Heal(application, region string) error {
	return l.surroundings.setFailing(application, region, false)
}
