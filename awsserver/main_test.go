package awsserver

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/bulkhead-dns/bulkhead/alb"
	"github.com/bulkhead-dns/bulkhead/sigv4"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var rewrite = flag.Bool("rewrite", false, "rewrite golden files")

var administrator = sigv4.Credentials{AccessKeyID: "AKIAEXAMPLE", SecretAccessKey: "secret"}

func lookup(id string) (sigv4.Credentials, bool) {
	return administrator, id == administrator.AccessKeyID
}

// A world is eu-west-1 with the load balancer demoalb, and two applications of two targets each behind it.
type world struct {
	balancer *alb.LoadBalancer
	failing  atomic.Bool // every target of app1 answers 500
}

func (w *world) region() Region {
	return Region{Name: "eu-west-1", LoadBalancers: []*alb.LoadBalancer{w.balancer}}
}

// newWorld opens the load balancer on 127.10.<number>.1 and its targets beside it.
func newWorld(t testing.TB, number byte) *world {
	t.Helper()
	address := func(host byte) netip.Addr { return netip.AddrFrom4([4]byte{127, 10, number, host}) }
	balancer, err := alb.New(alb.Options{
		Name:         "demoalb",
		DNSName:      alb.DNSName("demoalb", "eu-west-1"),
		HostedZoneID: "Z32O12XQLNTSW2",
		Address:      address(1),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { balancer.Close() })
	w := &world{balancer: balancer}
	var config alb.Config
	forward := func(application string) alb.Action { return alb.Action{TargetGroup: application} }
	for i, application := range []string{"app1", "app2"} {
		config.Rules = append(config.Rules,
			alb.Rule{Priority: i + 1, Hosts: []string{application + ".example.com"}, Action: forward(application)},
			alb.Rule{Priority: i + 3, Paths: []string{"/" + application + "health"}, Action: forward(application)})
		config.TargetGroups = append(config.TargetGroups, alb.TargetGroup{
			Name:                application,
			HealthCheck:         alb.HealthCheck{Path: "/" + application + "health", Interval: 100 * time.Millisecond},
			DeregistrationDelay: 10 * time.Second,
		})
	}
	if err := balancer.Configure(config); err != nil {
		t.Fatal(err)
	}
	for _, application := range []string{"app1", "app2"} {
		var targets []alb.Target
		for i, host := range []byte{33, 65} {
			targets = append(targets, alb.Target{
				ID:               fmt.Sprintf("%s-%d", application, i),
				Address:          w.serve(t, address(host), application),
				AvailabilityZone: fmt.Sprintf("eu-west-1%c", 'a'+i),
			})
		}
		if _, err := balancer.SetTargets(application, targets); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// serve runs one target of an application on a free port.
func (w *world) serve(t testing.TB, address netip.Addr, application string) netip.AddrPort {
	t.Helper()
	listener, err := net.Listen("tcp", netip.AddrPortFrom(address, 0).String())
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(reply http.ResponseWriter, _ *http.Request) {
		if application == "app1" && w.failing.Load() {
			reply.WriteHeader(http.StatusInternalServerError)
		}
	}))
	server.Listener.Close()
	server.Listener = listener
	server.Start()
	t.Cleanup(server.Close)
	return listener.Addr().(*net.TCPAddr).AddrPort()
}

// apiOf serves the query APIs of a world.
func apiOf(w *world) http.Handler {
	return Handlers(Options{
		Regions: []Region{w.region()},
		Created: time.Date(2026, 11, 22, 15, 30, 38, 186e6, time.UTC),
		Lookup:  lookup,
		Logger:  slog.New(slog.DiscardHandler),
	})["POST /{$}"]
}

// startQueryAPI serves the query APIs of a running world.
func startQueryAPI(t *testing.T, number byte) (awsClient, *world) {
	t.Helper()
	w := newWorld(t, number)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.balancer.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	server := httptest.NewServer(apiOf(w))
	t.Cleanup(server.Close)
	return awsClient{server.URL, "eu-west-1", administrator}, w
}

// visitor is a client that opens a connection for every request.
func visitor() *http.Client {
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 2 * time.Minute}
}

// waitFor waits until a condition of the running world holds.
func waitFor(t *testing.T, what string, condition func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("waited 2 minutes for: %s", what)
		}
	}
}
