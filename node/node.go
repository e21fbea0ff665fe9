// Package node is one engine process: the store's picture compiled into a steer.View, served by dnsserver, judged by probers, changed
// through the Route 53 API.
package node

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net/http"
	"net/netip"

	"github.com/bulkhead-dns/bulkhead/geo"
	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/sigv4"
	"github.com/bulkhead-dns/bulkhead/steer"
	"github.com/bulkhead-dns/bulkhead/store"
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
	// RefusePrivateAddresses refuses checks of addresses that AWS's checkers refuse (r53: B.5). The engine allows them by default: it is
	// made for networks of its owner.
	RefusePrivateAddresses bool
	// SlowConfirmation turns fast confirmation off: a failing endpoint is probed at the plain interval only.
	SlowConfirmation bool
	// OnReport sees every probe of this node's checkers, and whether the checker's state changed.
	OnReport func(r health.Report, changed bool)
	// Handlers are mounted beside the API by path prefix ("/lab/").
	Handlers map[string]http.Handler
	Logger   *slog.Logger
}

// A Node is a running engine.
type Node struct{}

// New opens the data directory and the sockets, so that addresses are known; Run serves.
func New(o Options) (*Node, error) { panic("contract") }

// Run serves until ctx ends.
func (n *Node) Run(ctx context.Context) error { panic("contract") }

// Ready is closed when the node answers DNS from a loaded state and accepts API calls.
func (n *Node) Ready() <-chan struct{} { panic("contract") }

// HTTPAddr and DNSAddr are the addresses in use.
func (n *Node) HTTPAddr() netip.AddrPort { panic("contract") }
func (n *Node) DNSAddr() netip.AddrPort  { panic("contract") }

// Credentials are the administrator's, generated on first start and kept in DataDir.
func (n *Node) Credentials() sigv4.Credentials { panic("contract") }

// Store is the node's shared state.
func (n *Node) Store() *store.Store { panic("contract") }

// View and Table are what DNS answers by now.
func (n *Node) View() (*steer.View, *steer.Table) { panic("contract") }

// Verdict is the current verdict of a health check.
func (n *Node) Verdict(checkID string) health.Status { panic("contract") }
