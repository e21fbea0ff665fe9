// Package node is one engine process: the store's picture compiled into a steer.View, served by dnsserver, judged by
// probers, changed through the Route 53 API.
//
// The picture is the only writer of the View and the Table; DNS workers read them through one atomic pointer. Losing
// etcd, the API or the probers leaves the last View and Table answering.
package node

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/bulkhead-dns/bulkhead/cwserver"
	"github.com/bulkhead-dns/bulkhead/dnsserver"
	"github.com/bulkhead-dns/bulkhead/etcd"
	"github.com/bulkhead-dns/bulkhead/geo"
	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/prober"
	"github.com/bulkhead-dns/bulkhead/quota"
	"github.com/bulkhead-dns/bulkhead/r53server"
	"github.com/bulkhead-dns/bulkhead/resolver"
	"github.com/bulkhead-dns/bulkhead/sigv4"
	"github.com/bulkhead-dns/bulkhead/steer"
	"github.com/bulkhead-dns/bulkhead/store"
	"github.com/bulkhead-dns/bulkhead/users"
)

// Options of New. The zero value is a single node on the default ports with its data in ./bulkhead-data.
type Options struct {
	DataDir       string   // "" means ./bulkhead-data
	Name          string   // unique among live nodes; "" means the host name
	HTTPAddr      string   // "" means 127.0.0.1:8053
	DNSAddr       string   // "" means 127.0.0.1:5300, UDP and TCP
	EtcdEndpoints []string // external etcd; empty runs the embedded one in DataDir
	EtcdTLS       *tls.Config
	// CheckerRegions are the labels of this node's checkers, one vantage point each; empty means one called "local".
	CheckerRegions []string
	Places         []geo.Place
	Regions        []geo.Region
	// GeoIPFile is a MaxMind DB (GeoLite2 or GeoIP2, Country or City, or ipinfo's) for clients whom no place's prefix
	// holds; "" means none. It is read once, at the start.
	GeoIPFile string
	// Resolvers answer for alias targets that are not the engine's own ("192.0.2.53:53"); empty means the system's.
	Resolvers []string
	// UsersFile is a YAML file of users beside the administrator; "" means none. It is read again when it changes.
	UsersFile string
	// Throttle refuses API requests beyond Route 53's rates (r53: C.8).
	Throttle bool
	// Limits are the account's quotas (r53: C.8); the zero value sets none. All nodes of an etcd should have the same.
	Limits quota.Limits
	// ProbeAllow are internal addresses (health.Restricted) that checks may have and names of checks may resolve to. Every
	// other internal address is refused, as AWS does (r53: B.5): whoever may make checks would learn what answers there.
	ProbeAllow []netip.Prefix
	// SlowConfirmation turns fast confirmation off: a failing endpoint is probed at the plain interval only.
	SlowConfirmation bool
	// OnReport sees every probe of this node's checkers, and whether the checker's state changed. It must not block.
	OnReport func(r health.Report, changed bool)
	// Handlers are mounted beside the API by path prefix ("/lab/").
	Handlers map[string]http.Handler
	Logger   *slog.Logger // nil discards
}

func (o Options) withDefaults() (Options, error) {
	if o.DataDir == "" {
		o.DataDir = "bulkhead-data"
	}
	if o.HTTPAddr == "" {
		o.HTTPAddr = DefaultHTTPAddr
	}
	if o.DNSAddr == "" {
		o.DNSAddr = DefaultDNSAddr
	}
	if o.Name == "" {
		host, err := os.Hostname()
		if err != nil {
			return o, fmt.Errorf("read the host name to name this node: %w", err)
		}
		o.Name = host
	}
	if strings.ContainsAny(o.Name, "/ \t\n") {
		return o, fmt.Errorf("node name %q: a name may not contain a slash or white space", o.Name)
	}
	if len(o.CheckerRegions) == 0 {
		o.CheckerRegions = []string{"local"}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o, nil
}

// The addresses of a node that is not told otherwise.
const (
	DefaultHTTPAddr = "127.0.0.1:8053"
	DefaultDNSAddr  = "127.0.0.1:5300"
)

// minRequestInterval is the engine's extension of RequestInterval: 1 to 9 seconds beside Route 53's 10 and 30.
const minRequestInterval = 1

// A Node is an engine process.
type Node struct {
	o           Options
	credentials sigv4.Credentials
	users       *users.Directory
	store       *store.Store
	dns         *dnsserver.Server
	prober      *prober.Prober
	api         *r53server.Server
	metrics     *cwserver.Server
	picture     *picture
	http        net.Listener
	etcd        *etcd.Server // nil with external etcd, or while the embedded one is down
}

// New opens the data directory and the sockets and starts the embedded etcd, so that addresses are known; Run serves. A
// data directory whose etcd cannot start is an error only when there is no snapshot to answer from.
func New(o Options) (*Node, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(o.DataDir, 0o700); err != nil {
		return nil, fmt.Errorf("create the data directory: %w", err)
	}
	n := &Node{o: o}
	if err := n.open(); err != nil {
		n.close()
		return nil, err
	}
	return n, nil
}

// open fills the node in; what it opened before an error is for close.
func (n *Node) open() (err error) {
	o := n.o
	if n.credentials, err = users.LoadAdministrator(o.DataDir); err != nil {
		return err
	}
	if n.users, err = users.Open(o.UsersFile, n.credentials, o.Logger); err != nil {
		return err
	}
	atlas, err := newAtlas(o)
	if err != nil {
		return err
	}
	if n.dns, err = dnsserver.New(dnsserver.Options{Addr: o.DNSAddr, Logger: o.Logger}); err != nil {
		return err
	}
	if n.http, err = net.Listen("tcp", o.HTTPAddr); err != nil {
		return fmt.Errorf("listen for HTTP: %w", err)
	}
	if n.prober, err = n.newProber(); err != nil {
		return err
	}
	n.picture = newPicture(atlas, n.prober, n.dns.Publish, o.Logger)
	saved := filepath.Join(o.DataDir, "outside.json")
	n.picture.targets, err = resolver.New(o.Resolvers, saved, n.picture.resolved, o.Logger)
	if err != nil {
		return err
	}
	if err := n.openStore(func(region string) bool { return atlas.Region(region) != 0 }); err != nil {
		return err
	}
	n.api, err = r53server.New(r53server.Options{
		Store:    n.store,
		Lookup:   n.users.Lookup,
		Throttle: o.Throttle,
		Rules: health.Rules{MinRequestInterval: minRequestInterval, AllowedAddresses: o.ProbeAllow,
			AddressHint: "Public addresses are accepted, and internal ones that the engine's setting probeAllow lists."},
		Observations: n.Observations,
		Answer:       n.dns.Published,
		Logger:       o.Logger,
	})
	if err != nil {
		return err
	}
	n.metrics, err = cwserver.New(cwserver.Options{
		Lookup: func(accessKeyID string) (sigv4.Credentials, bool) {
			user, ok := n.users.Lookup(accessKeyID)
			return user.Credentials, ok
		},
		Verdict: n.measured,
		Logger:  o.Logger,
	})
	return err
}

// measured is the verdict of a check that somebody has probed, or that needs no probe.
func (n *Node) measured(checkID string) (healthy, known bool) {
	check, exists := n.store.State().Check(checkID)
	verdict, _ := n.Verdict(checkID)
	return verdict.Healthy, exists && (verdict.Checkers > 0 || !check.Config.Probed())
}

func newAtlas(o Options) (*geo.Atlas, error) {
	g := geo.Options{Places: o.Places, Regions: o.Regions}
	if o.GeoIPFile != "" {
		var err error
		if g.GeoIP, err = os.ReadFile(o.GeoIPFile); err != nil {
			return nil, fmt.Errorf("read the GeoIP database: %w", err)
		}
	}
	atlas, err := geo.New(g)
	if bad := new(geo.GeoIPError); errors.As(err, &bad) {
		return nil, fmt.Errorf("%s: %w", o.GeoIPFile, err)
	}
	return atlas, err
}

// openStore starts the embedded etcd, unless the endpoints of another are given, and prepares the store on it.
func (n *Node) openStore(ownRegion func(string) bool) error {
	snapshot := filepath.Join(n.o.DataDir, "snapshot")
	endpoints := n.o.EtcdEndpoints
	if len(endpoints) == 0 {
		server, err := etcd.Start(context.Background(), n.etcdOptions())
		if err != nil {
			if _, missing := os.Stat(snapshot); missing != nil {
				return err
			}
			n.o.Logger.Error("etcd did not start: answering DNS from the last snapshot, refusing changes", "err", err)
		}
		n.etcd = server
		endpoint, err := etcd.Endpoint(n.etcdOptions().Dir)
		if err != nil {
			return err
		}
		endpoints = []string{endpoint}
	}
	var err error
	n.store, err = store.New(store.Options{
		Endpoints:    endpoints,
		TLS:          n.o.EtcdTLS,
		Node:         n.o.Name,
		SnapshotPath: snapshot,
		Verdicts:     n.picture.measured,
		OnChange:     n.picture.change,
		OwnRegion:    ownRegion,
		Limits:       n.o.Limits,
		Logger:       n.o.Logger,
	})
	return err
}

func (n *Node) etcdOptions() etcd.Options {
	return etcd.Options{Dir: filepath.Join(n.o.DataDir, "etcd"), Logger: n.o.Logger}
}

func (n *Node) newProber() (*prober.Prober, error) {
	checkers := make([]prober.Checker, len(n.o.CheckerRegions))
	for i, region := range n.o.CheckerRegions {
		checkers[i] = prober.Checker{
			Name:      n.checkerName(region),
			Region:    region,
			IPAddress: netip.AddrFrom4([4]byte{127, 0, 0, 1}),
		}
	}
	return prober.New(prober.Options{
		Checkers:         checkers,
		Resolve:          n.resolve,
		AllowedAddresses: n.o.ProbeAllow,
		FastConfirmation: !n.o.SlowConfirmation,
		OnReport:         n.onReport,
		Logger:           n.o.Logger,
	})
}

// Run serves until ctx ends.
func (n *Node) Run(ctx context.Context) error {
	defer n.close()
	server := newHTTPServer(n.handler(), n.o.Logger)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return n.dns.Run(ctx) })
	g.Go(func() error { return n.store.Run(ctx) })
	g.Go(func() error { return n.prober.Run(ctx) })
	g.Go(func() error { return n.picture.targets.Run(ctx) })
	g.Go(func() error { return n.superviseEtcd(ctx) })
	g.Go(func() error {
		if err := server.Serve(limitClients(n.http)); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve HTTP: %w", err)
		}
		return nil
	})
	g.Go(func() error {
		<-ctx.Done()
		// Requests under way get a moment; after that their connections are cut.
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		if err := server.Shutdown(grace); err != nil {
			return server.Close()
		}
		return nil
	})
	return g.Wait()
}

// etcdRetry is how long a stopped embedded etcd rests before it is started again.
const etcdRetry = 10 * time.Second

// superviseEtcd starts the embedded etcd again when it stops by itself (a full disk, for instance). DNS goes on
// meanwhile.
func (n *Node) superviseEtcd(ctx context.Context) error {
	if len(n.o.EtcdEndpoints) > 0 {
		return nil
	}
	for {
		if n.etcd != nil {
			select {
			case <-ctx.Done():
				return nil
			case err := <-n.etcd.Failed():
				n.o.Logger.Error("etcd stopped: answering DNS from what is known, refusing changes", "err", err)
				n.etcd.Close()
				n.etcd = nil
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(etcdRetry):
		}
		server, err := etcd.Start(ctx, n.etcdOptions())
		if err != nil {
			n.o.Logger.Error("etcd still does not start", "err", err)
			continue
		}
		n.o.Logger.Info("etcd started again")
		n.etcd = server
	}
}

// close releases what New opened. DNS and HTTP sockets are closed by their own Run as well; closing twice does no harm.
func (n *Node) close() {
	if n.http != nil {
		n.http.Close()
	}
	if n.dns != nil {
		n.dns.Close()
	}
	if n.etcd != nil {
		n.etcd.Close()
		n.etcd = nil
	}
}

// Ready is closed when the node answers DNS from a loaded state.
func (n *Node) Ready() <-chan struct{} { return n.store.Ready() }

// HTTPAddr is the address of the API and everything else on HTTP.
func (n *Node) HTTPAddr() netip.AddrPort { return n.http.Addr().(*net.TCPAddr).AddrPort() }

// DNSAddr is the address of DNS, UDP and TCP.
func (n *Node) DNSAddr() netip.AddrPort { return n.dns.Addr() }

// Credentials are the administrator's, generated on first start and kept in the data directory.
func (n *Node) Credentials() sigv4.Credentials { return n.credentials }

// Store is the node's shared state.
func (n *Node) Store() *store.Store { return n.store }

// View and Table are what DNS answers by now.
func (n *Node) View() (*steer.View, *steer.Table) { return n.dns.Published() }

// Verdict is the current verdict of a health check; ok is false when there is no such check.
func (n *Node) Verdict(checkID string) (v health.Verdict, ok bool) { return n.picture.verdict(checkID) }

// ReloadUsers reads the file of users now. On an error the users stay as they were.
func (n *Node) ReloadUsers() error { return n.users.Reload() }
