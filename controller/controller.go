// Package controller answers how the policies of a cluster get to Route 53 and their health comes back.
//
//   - Each controller writes its own Region's checks and record sets and no other's, so that clusters need not know each other;
//   - the unit of work is one hostname: it is planned, guarded, written, waited for, refused and tried again by itself, and what is odd
//     about it is nobody else's delay, refusal or text;
//   - a round looks at the whole cluster, takes the hostnames whose time has come in turns by namespace, and never waits. It makes no
//     call when nothing has changed;
//   - nothing is kept but the cluster and Route 53 themselves: a controller may end at any moment, and the next one reads and
//     goes on.
//
// Failing over is Route 53's own work and needs no controller.
package controller

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/events"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	rtcontroller "sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/bulkhead-dns/bulkhead/api/v1alpha1"
	"github.com/bulkhead-dns/bulkhead/apply"
	"github.com/bulkhead-dns/bulkhead/failover"
)

// Options of New. Config and Open are required.
type Options struct {
	Config *rest.Config // of the cluster
	// Open makes the Applier of the account that a class says. It is called once for an account.
	Open func(ctx context.Context, class failover.Class) (*apply.Applier, failover.Provider, error)
	// Log receives what happens; nil discards.
	Log *slog.Logger
	// Metrics receives the collectors; nil means that none are kept. The endpoint serves controller-runtime's registry.
	Metrics prometheus.Registerer

	Region  string // of the cluster; empty means what each class says
	Class   string // the one FailoverClass that is served; empty means all
	Cluster string // its name, in log lines and on its health checks; may be empty
	// Sources are the kinds of load balancers that are watched; nil means all that the cluster has.
	Sources []Source

	MetricsAddress string // of /metrics; empty means none
	// MetricsSecure serves /metrics by HTTPS to those whom the API server allows to get it, by their token.
	MetricsSecure  bool
	MetricsCertDir string // has tls.crt and tls.key, which may be replaced; empty means a certificate of its own making
	HealthAddress  string // of /healthz and /readyz; empty means none

	LeaderElection          bool   // several replicas elect the one that works
	LeaderElectionNamespace string // of the Lease; empty means the pod's own

	Debounce time.Duration // how long changes of the cluster are gathered for one round; 0 means 1 s
	Resync   time.Duration // after which the provider is read and corrected although nothing has changed; 0 means 10 min
	Poll     time.Duration // between readings of an engine's verdicts, and of single ones at AWS; 0 means 3 s
	Verdicts time.Duration // between readings of all verdicts at AWS, from CloudWatch; 0 means 45 s
}

// A Source is a group of kinds that tell load balancers.
type Source string

// The sources.
const (
	IngressSource Source = "ingress"
	GatewaySource Source = "gateway" // Gateways, ListenerSets and routes
	ServiceSource Source = "service"
)

// The pauses of an account that cannot be worked with. They are short: when it can be, everybody waits for it.
const (
	firstRetry   = 500 * time.Millisecond
	longestRetry = 15 * time.Second
)

// maxAccounts is how many accounts are worked on at once. One that does not answer holds no other up.
const maxAccounts = 8

// LeaseName is the name of the Lease that replicas elect a leader by.
const LeaseName = "bulkhead-controller"

// A Controller looks after the policies of one cluster.
type Controller struct {
	o       Options
	metrics *metrics

	// Set by Run.
	client    client.Client
	reader    client.Reader // that asks the API server
	cache     cache.Cache
	recorder  events.EventRecorder
	kinds     kinds
	watchKind func(sourceKind) error // lets changes of a kind lead to rounds

	mu       sync.Mutex // guards accounts, queue and troubles
	queue    workqueue.TypedRateLimitingInterface[site]
	accounts map[site]*account
	troubles map[site]string // what is wrong with accounts as a whole
	orphans  *account        // policies without a class

	endpoints endpoints
}

// New returns a Controller. It makes no call.
func New(o Options) (*Controller, error) {
	switch {
	case o.Config == nil:
		return nil, errors.New("controller: Options.Config is missing")
	case o.Open == nil:
		return nil, errors.New("controller: Options.Open is missing")
	}
	for _, d := range []struct {
		name    string
		value   *time.Duration
		initial time.Duration
	}{{"Debounce", &o.Debounce, time.Second}, {"Resync", &o.Resync, 10 * time.Minute}, {"Poll", &o.Poll, 3 * time.Second},
		{"Verdicts", &o.Verdicts, 45 * time.Second}} {
		if *d.value < 0 {
			return nil, fmt.Errorf("controller: Options.%s is %s, want 0 or more", d.name, *d.value)
		}
		if *d.value == 0 {
			*d.value = d.initial
		}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	c := &Controller{o: o, metrics: newMetrics(), accounts: make(map[site]*account), troubles: make(map[site]string),
		endpoints: endpoints{wake: make(chan struct{}, 1)}}
	c.orphans = &account{worker: &worker{}, written: make(map[types.UID]v1alpha1.FailoverPolicyStatus), told: make(map[types.UID]map[string][sha256.Size]byte)}
	if o.Metrics != nil {
		if err := c.register(o.Metrics); err != nil {
			return nil, fmt.Errorf("controller: Options.Metrics: %w", err)
		}
	}
	return c, nil
}

// Run works until the context ends, or leadership is lost, which is an error: the process is to be started again.
func (c *Controller) Run(ctx context.Context) error {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, gatewayv1.Install, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			return err
		}
	}
	m, err := manager.New(c.o.Config, manager.Options{
		Scheme:                        scheme,
		Logger:                        logr.FromSlogHandler(c.o.Log.Handler()),
		Metrics:                       c.o.metricsServer(),
		HealthProbeBindAddress:        orNone(c.o.HealthAddress),
		LeaderElection:                c.o.LeaderElection,
		LeaderElectionID:              LeaseName,
		LeaderElectionNamespace:       c.o.LeaderElectionNamespace,
		LeaderElectionReleaseOnCancel: true,
		Cache:                         cache.Options{DefaultTransform: slimmed},
	})
	if err != nil {
		return fmt.Errorf("prepare the controller: %w", err)
	}
	if err := errors.Join(m.AddHealthzCheck("ping", healthz.Ping), m.AddReadyzCheck("ping", healthz.Ping), m.AddReadyzCheck("route53", c.ready)); err != nil {
		return err
	}
	c.client, c.reader, c.cache, c.recorder = m.GetClient(), m.GetAPIReader(), m.GetCache(), m.GetEventRecorder(fieldOwner)
	rounds, err := rtcontroller.NewTyped("rounds", m, rtcontroller.TypedOptions[site]{
		Reconciler:              c,
		MaxConcurrentReconciles: maxAccounts,
		RateLimiter:             workqueue.NewTypedItemExponentialFailureRateLimiter[site](firstRetry, longestRetry),
		SkipNameValidation:      new(true), // a process may have several
	})
	if err != nil {
		return fmt.Errorf("prepare the controller: %w", err)
	}
	if err := c.watch(m, rounds); err != nil {
		return fmt.Errorf("prepare the controller: %w", err)
	}
	if err := c.startKinds(ctx); err != nil {
		return err
	}
	if err := errors.Join(m.Add(manager.RunnableFunc(c.poll)), m.Add(manager.RunnableFunc(c.hint)), m.Add(manager.RunnableFunc(c.followKinds))); err != nil {
		return err
	}
	c.o.Log.Info("starting", "class", c.o.Class, "region", c.o.Region, "unread", c.kinds.unread())
	return m.Start(ctx)
}

// orNone is how controller-runtime is told to serve nothing.
func orNone(address string) string {
	if address == "" {
		return "0"
	}
	return address
}
