package apply

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
	"go.uber.org/goleak"

	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/node"
	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// Tests wait for probes most of the time: more of them run at once than there are processors.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "32"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

// An engine is a running node, and an application that its checkers probe.
type engine struct {
	*node.Node
	port    string       // of the application, on 127.0.0.1
	failing atomic.Value // path prefix that the application answers 503 to
	number  atomic.Int64 // of zones made so far
}

// startEngine runs a node with an etcd of its own until the test ends.
func startEngine(t testing.TB, o node.Options) *engine {
	t.Helper()
	e := &engine{}
	e.failing.Store("/broken")
	application := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, e.failing.Load().(string)) {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(application.Close)
	address, err := url.Parse(application.URL)
	if err != nil {
		t.Fatal(err)
	}
	e.port = address.Port()

	o.DataDir, o.HTTPAddr, o.DNSAddr = t.TempDir(), "127.0.0.1:0", "127.0.0.1:0"
	o.ProbeAllow = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	if e.Node, err = node.New(o); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	select {
	case <-e.Ready():
	case <-time.After(2 * time.Minute):
		t.Fatal("the node is not ready after 2 minutes")
	}
	return e
}

// A wire carries requests to the engine and can lose them.
type wire struct {
	http.Transport
	mu           sync.Mutex
	seen, writes int // requests, and those of them that write
	// lose is asked for each request before it is sent; executed says that only the answer is lost.
	lose    func(seen, writes int) (lost, executed bool)
	refused atomic.Int64 // answers with status 400
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	w.seen++
	if r.Method != http.MethodGet && !strings.HasSuffix(r.URL.Path, "/tags/healthcheck") { // which reads
		w.writes++
	}
	seen, writes := w.seen, w.writes
	w.mu.Unlock()
	lost, executed := false, true
	if w.lose != nil {
		lost, executed = w.lose(seen, writes)
	}
	if !executed {
		return nil, errors.New("the connection is cut")
	}
	response, err := w.Transport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if response.StatusCode == http.StatusBadRequest {
		w.refused.Add(1)
	}
	if lost {
		response.Body.Close()
		return nil, errors.New("the connection is cut")
	}
	return response, nil
}

// client returns a client of the engine's API over a wire.
func (e *engine) client(t testing.TB, w *wire) *route53.Client {
	t.Cleanup(w.CloseIdleConnections)
	c := e.Credentials()
	return route53.New(route53.Options{
		BaseEndpoint: aws.String("http://" + e.HTTPAddr().String()),
		Region:       "us-east-1",
		Credentials:  credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey, ""),
		HTTPClient:   &http.Client{Transport: w},
	})
}

// applier returns an Applier over a wire; its waits are short.
func (e *engine) applier(t testing.TB, w *wire, o Options) *Applier {
	t.Helper()
	o.Route53, o.Provider = e.client(t, w), failover.Engine
	if o.VerdictTimeout == 0 {
		o.VerdictTimeout = time.Minute
	}
	a, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// createZone makes a hosted zone.
func (e *engine) createZone(t testing.TB, name string) zone.HostedZone {
	t.Helper()
	out, err := e.client(t, &wire{}).CreateHostedZone(t.Context(),
		&route53.CreateHostedZoneInput{Name: &name, CallerReference: &name})
	if err != nil {
		t.Fatal(err)
	}
	return zone.HostedZone{ID: bareID(out.HostedZone.Id), Name: zone.MustParseName(name)}
}

// put makes record sets by hand.
func (e *engine) put(t testing.TB, z zone.HostedZone, sets ...zone.ResourceRecordSet) {
	t.Helper()
	var changes []types.Change
	for i := range sets {
		changes = append(changes, types.Change{Action: types.ChangeActionUpsert, ResourceRecordSet: sdkSet(&sets[i])})
	}
	_, err := e.client(t, &wire{}).ChangeResourceRecordSets(t.Context(), &route53.ChangeResourceRecordSetsInput{
		HostedZoneId: &z.ID, ChangeBatch: &types.ChangeBatch{Changes: changes}})
	if err != nil {
		t.Fatal(err)
	}
}

// want is what a test asks for: applications in two Regions on the test's own server.
type want struct {
	namespace string
	zone      zone.HostedZone
	apps      []string
	path      string // prefix of the health path; "" means /health
	interval  int    // 0 means 1
	threshold int    // 0 means 1
}

// policies are those of the two applications: one name in two Regions, by latency.
func (e *engine) policies(t testing.TB, w want) []failover.Policy {
	t.Helper()
	var text strings.Builder
	for _, app := range w.apps {
		fmt.Fprintf(&text, `---
apiVersion: bulkhead.dev/v1alpha1
kind: FailoverPolicy
metadata: {name: %s, namespace: %s}
spec:
  hostname: %s.%s
  healthCheck: {port: %s, path: %s/%s, requestInterval: %d, failureThreshold: %d}
  routing: {policy: Latency}
  regions:
    - {name: eu-west-1, addresses: [127.0.0.1]}
    - {name: eu-central-1, addresses: [127.0.0.1]}
`, app, w.namespace, app, w.zone.Name, e.port, or(w.path, "/health"), app, max(1, w.interval), max(1, w.threshold))
	}
	objects, err := failover.Parse("policies.yaml", []byte(text.String()))
	if err != nil {
		t.Fatal(err)
	}
	var policies []failover.Policy
	for _, o := range objects {
		policies = append(policies, *o.Policy)
	}
	return policies
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// plan reads and plans; with nothing wanted, what the namespace has is destroyed.
func (e *engine) plan(ctx context.Context, t testing.TB, a *Applier, w want, guard plan.Guard) (plan.Plan, error) {
	t.Helper()
	policies := e.policies(t, w)
	facts, err := a.Facts(ctx, failover.Lookups(policies, ""))
	if err != nil {
		return plan.Plan{}, err
	}
	current, err := a.Read(ctx, []zone.HostedZone{w.zone})
	if err != nil {
		return plan.Plan{}, err
	}
	guard.Engine = true
	if len(policies) == 0 {
		return plan.Destroy(current, []string{w.namespace + "/app1", w.namespace + "/app2"}, guard)
	}
	desired, _, err := failover.Compile(policies, nil, facts)
	if err != nil {
		t.Fatal(err)
	}
	return plan.Diff(current, desired, guard)
}

// reach reads, plans and applies.
func (e *engine) reach(ctx context.Context, t testing.TB, a *Applier, w want, guard plan.Guard) (plan.Plan, Result,
	error) {
	t.Helper()
	p, err := e.plan(ctx, t, a, w, guard)
	if err != nil {
		return p, Result{}, err
	}
	result, err := a.Apply(ctx, p)
	return p, result, err
}

// mustReach is reach that succeeds, and leaves nothing to do.
func (e *engine) mustReach(t testing.TB, a *Applier, w want, guard plan.Guard) (plan.Plan, Result) {
	t.Helper()
	p, result, err := e.reach(t.Context(), t, a, w, guard)
	if err != nil {
		t.Fatal(err)
	}
	e.wantNothingToDo(t, a, w)
	return p, result
}

// wantNothingToDo plans again.
func (e *engine) wantNothingToDo(t testing.TB, a *Applier, w want) {
	t.Helper()
	p, err := e.plan(t.Context(), t, a, w, plan.Guard{})
	if err != nil {
		t.Fatal(err)
	}
	if !p.Empty() {
		t.Fatalf("there is something to do still:\n%s", p.Text(false))
	}
}

// objects returns the keys of a namespace's checks, and what the zone holds beside its apex.
func (e *engine) objects(t testing.TB, w want) (keys []string, records []zone.ResourceRecordSet) {
	t.Helper()
	s, err := e.applier(t, &wire{}, Options{}).Read(t.Context(), []zone.HostedZone{w.zone})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range s.Checks {
		if strings.HasPrefix(c.Key, w.namespace+"/") || strings.HasPrefix(c.CallerReference, "bulkhead/"+w.namespace+"/") {
			keys = append(keys, c.Key)
		}
	}
	for _, r := range s.Records {
		if r.Set.Name != w.zone.Name {
			records = append(records, r.Set)
		}
	}
	slices.Sort(keys)
	return keys, records
}

// writes counts the calls that write.
func writes(calls map[string]int) (n int) {
	for operation, count := range calls {
		if !strings.HasPrefix(operation, "List") && !strings.HasPrefix(operation, "Get") &&
			!strings.HasPrefix(operation, "Describe") {
			n += count
		}
	}
	return n
}

func simple(name, address string) zone.ResourceRecordSet {
	return zone.ResourceRecordSet{Name: zone.MustParseName(name), Type: zone.A, TTL: new(int64(60)),
		ResourceRecords: []string{address}}
}
