package lab

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/bulkhead-dns/bulkhead/alb"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// waitFor waits until a condition of the running lab holds.
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

// visitor is a client that opens a connection for every request.
func visitor() *http.Client {
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 2 * time.Minute}
}

// get asks a load balancer for a path of a host and returns status and body.
func get(t *testing.T, lb *alb.LoadBalancer, host, path string) (int, string) {
	t.Helper()
	response := getResponse(t, lb, host, path, nil)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

func getResponse(t *testing.T, lb *alb.LoadBalancer, host, path string, header http.Header) *http.Response {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+lb.Address().String()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = host
	if header != nil {
		request.Header = header
	}
	response, err := visitor().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	return response
}

// smallWorld is eu-west-1 alone, with the two applications, on a network of its own.
func smallWorld(number byte) Definition {
	d := DefaultDefinition()
	return Definition{
		Regions: []RegionDefinition{{
			Name:          "eu-west-1",
			Address:       netip.AddrFrom4([4]byte{127, 10, number, 1}),
			LoadBalancers: []LoadBalancerDefinition{{Name: "demoalb"}},
		}},
		Applications: d.Applications,
	}
}

// startRegion runs a Region on a network of its own, with target health checks every 100 ms, until the test ends.
func startRegion(t *testing.T, number byte) *region {
	t.Helper()
	changed := make(chan struct{}, 1)
	d := smallWorld(number)
	r, err := newRegion(regionOptions{
		definition:   d.Regions[0],
		applications: d.Applications,
		hostedZoneID: "Z32O12XQLNTSW2",
		interval:     100 * time.Millisecond,
		onHealth: func() {
			select {
			case changed <- struct{}{}:
			default:
			}
		},
		logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	run(t, r.run)
	(&surroundings{regions: []*region{r}}).settled(t.Context(), changed)
	return r
}

// run runs something until the test ends, and fails the test with its error.
func run(t *testing.T, f func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error, 1)
	go func() { failed <- f(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-failed; err != nil {
			t.Error(err)
		}
	})
}
