package node_test

import (
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"

	"github.com/bulkhead-dns/bulkhead/etcd/etcdtest"
	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/node"
	"github.com/bulkhead-dns/bulkhead/sigv4"
)

// A hint to one node has the checkers of all probe at once. The interval is so long that they would not for a while
// otherwise.
func TestAHintReachesTheCheckersOfEveryNode(t *testing.T) {
	t.Parallel()
	endpoints := []string{etcdtest.Start(t)}
	var mu sync.Mutex
	probes := map[string][]time.Time{} // when they ended, by checker
	observe := func(r health.Report, _ bool) {
		mu.Lock()
		defer mu.Unlock()
		probes[r.Checker] = append(probes[r.Checker], r.CheckedTime)
	}
	seen := func(n int) func() bool {
		return func() bool {
			mu.Lock()
			defer mu.Unlock()
			return len(probes["one/local"]) >= n && len(probes["two/local"]) >= n
		}
	}
	one := start(t, node.Options{DataDir: t.TempDir(), Name: "one", EtcdEndpoints: endpoints, OnReport: observe})
	start(t, node.Options{DataDir: t.TempDir(), Name: "two", EtcdEndpoints: endpoints, OnReport: observe})
	url, _ := switchable(t)
	host := netip.MustParseAddrPort(strings.TrimPrefix(url, "http://"))
	created, err := one.api.CreateHealthCheck(t.Context(), &route53.CreateHealthCheckInput{CallerReference: aws.String("c"),
		HealthCheckConfig: &types.HealthCheckConfig{Type: types.HealthCheckTypeTcp, IPAddress: aws.String("127.0.0.1"), Port: aws.Int32(int32(host.Port())),
			RequestInterval: aws.Int32(30), FailureThreshold: aws.Int32(3)}})
	if err != nil {
		t.Fatal(err)
	}
	probe := func() {
		t.Helper()
		path := "/2013-04-01/healthcheck/" + *created.HealthCheck.Id + "/probe"
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+one.HTTPAddr().String()+path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		sigv4.Sign(&sigv4.Request{Method: r.Method, Path: path, Host: r.Host, Header: r.Header}, one.Credentials(), "us-east-1", "route53", time.Now())
		transport := &http.Transport{}
		defer transport.CloseIdleConnections()
		response, err := transport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusOK {
			t.Fatalf("probe: %s", response.Status)
		}
	}
	// Node two may know of the check a moment later than node one: whoever misses a hint waits for its turn, as ever.
	eventually(t, "both checkers probe because of the hints", func() bool {
		probe()
		return seen(2)()
	})
	mu.Lock()
	defer mu.Unlock()
	for checker, at := range probes {
		if gap := at[1].Sub(at[0]); gap >= 28*time.Second {
			t.Errorf("%s probed %v apart, which no hint has brought about", checker, gap)
		}
	}
}
