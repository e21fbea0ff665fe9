package node_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/aws/smithy-go"
	"github.com/miekg/dns"
	"go.uber.org/goleak"

	"github.com/bulkhead-dns/bulkhead/etcd/etcdtest"
	"github.com/bulkhead-dns/bulkhead/node"
	"github.com/bulkhead-dns/bulkhead/users"
)

// The tests wait most of their time: more of them run at once than there are processors.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "16"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

// engine is a running node and a client of its API.
type engine struct {
	*node.Node
	api  *route53.Client
	stop func() error
}

// start runs a node on free ports until the test ends or stop is called.
func start(t *testing.T, o node.Options) *engine {
	t.Helper()
	o.HTTPAddr, o.DNSAddr = "127.0.0.1:0", "127.0.0.1:0"
	if o.ProbeAllow == nil {
		o.ProbeAllow = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	}
	n, err := node.New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	var result error
	stopped := false
	e := &engine{Node: n}
	transport := &http.Transport{}
	e.stop = func() error {
		if !stopped {
			stopped = true
			cancel()
			result = <-ended
			transport.CloseIdleConnections()
		}
		return result
	}
	t.Cleanup(func() {
		if err := e.stop(); err != nil {
			t.Error(err)
		}
	})
	select {
	case <-n.Ready():
	case <-time.After(2 * time.Minute):
		t.Fatal("the node is not ready after 2 minutes")
	}
	c := n.Credentials()
	e.api = route53.New(route53.Options{
		BaseEndpoint:     aws.String("http://" + n.HTTPAddr().String()),
		Region:           "us-east-1",
		Credentials:      credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey, ""),
		HTTPClient:       &http.Client{Transport: transport},
		RetryMaxAttempts: 1,
	})
	return e
}

func (e *engine) createZone(t *testing.T) string {
	t.Helper()
	out, err := e.api.CreateHostedZone(t.Context(), &route53.CreateHostedZoneInput{Name: aws.String("example.com"), CallerReference: aws.String("z")})
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimPrefix(*out.HostedZone.Id, "/hostedzone/")
}

func (e *engine) change(t *testing.T, zoneID string, sets ...types.ResourceRecordSet) {
	t.Helper()
	var changes []types.Change
	for i := range sets {
		changes = append(changes, types.Change{Action: types.ChangeActionUpsert, ResourceRecordSet: &sets[i]})
	}
	out, err := e.api.ChangeResourceRecordSets(t.Context(), &route53.ChangeResourceRecordSetsInput{HostedZoneId: &zoneID, ChangeBatch: &types.ChangeBatch{Changes: changes}})
	if err != nil {
		t.Fatal(err)
	}
	waiter := route53.NewResourceRecordSetsChangedWaiter(e.api, func(o *route53.ResourceRecordSetsChangedWaiterOptions) {
		o.MinDelay, o.MaxDelay = 10*time.Millisecond, 100*time.Millisecond
	})
	if err := waiter.Wait(t.Context(), &route53.GetChangeInput{Id: out.ChangeInfo.Id}, 2*time.Minute); err != nil {
		t.Fatal(err)
	}
}

// check creates a health check of a test server, every second, once enough to turn.
func (e *engine) check(t *testing.T, reference, url string) string {
	t.Helper()
	host := netip.MustParseAddrPort(strings.TrimPrefix(url, "http://"))
	out, err := e.api.CreateHealthCheck(t.Context(), &route53.CreateHealthCheckInput{CallerReference: &reference, HealthCheckConfig: &types.HealthCheckConfig{
		Type: types.HealthCheckTypeHttp, IPAddress: aws.String(host.Addr().String()), Port: aws.Int32(int32(host.Port())),
		RequestInterval: aws.Int32(1), FailureThreshold: aws.Int32(1),
	}})
	if err != nil {
		t.Fatal(err)
	}
	return *out.HealthCheck.Id
}

// ask returns the answer section as dig +short shows it.
func (e *engine) ask(t *testing.T, name string, rrtype uint16) string {
	t.Helper()
	m := new(dns.Msg).SetQuestion(name, rrtype)
	reply, err := dns.Exchange(m, e.DNSAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	if reply.Rcode != dns.RcodeSuccess {
		return dns.RcodeToString[reply.Rcode]
	}
	var values []string
	for _, rr := range reply.Answer {
		values = append(values, strings.TrimPrefix(rr.String(), rr.Header().String()))
	}
	return strings.Join(values, " ")
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(2 * time.Minute)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-deadline:
			t.Fatalf("%s: not within 2 minutes", what)
		case <-tick.C:
		}
	}
}

// switchable answers 200, or 503 once broken.
func switchable(t *testing.T) (url string, broken *atomic.Bool) {
	t.Helper()
	broken = new(atomic.Bool)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if broken.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL, broken
}

func failover(role types.ResourceRecordSetFailover, value, check string) types.ResourceRecordSet {
	s := types.ResourceRecordSet{
		Name: aws.String("app.example.com"), Type: types.RRTypeA, SetIdentifier: aws.String(string(role)), Failover: role,
		TTL: aws.Int64(60), ResourceRecords: []types.ResourceRecord{{Value: &value}},
	}
	if check != "" {
		s.HealthCheckId = &check
	}
	return s
}

// What one node is told, the other answers; what one node's checkers see, both show and judge by.
func TestTwoNodesOnOneEtcd(t *testing.T) {
	t.Parallel()
	endpoints := []string{etcdtest.Start(t)}
	one := start(t, node.Options{DataDir: t.TempDir(), Name: "one", EtcdEndpoints: endpoints})
	two := start(t, node.Options{DataDir: t.TempDir(), Name: "two", EtcdEndpoints: endpoints})
	url, broken := switchable(t)

	zoneID := one.createZone(t)
	check := one.check(t, "c", url)
	one.change(t, zoneID, failover(types.ResourceRecordSetFailoverPrimary, "192.0.2.1", check), failover(types.ResourceRecordSetFailoverSecondary, "192.0.2.2", ""))
	// INSYNC means applied by every live node: no waiting here.
	for name, e := range map[string]*engine{"one": one, "two": two} {
		if got := e.ask(t, "app.example.com.", dns.TypeA); got != "192.0.2.1" {
			t.Errorf("node %s answers %q after INSYNC, want 192.0.2.1", name, got)
		}
	}
	for name, e := range map[string]*engine{"one": one, "two": two} {
		eventually(t, "node "+name+" shows the observations of both nodes' checkers", func() bool {
			out, err := e.api.GetHealthCheckStatus(t.Context(), &route53.GetHealthCheckStatusInput{HealthCheckId: &check})
			return err == nil && len(out.HealthCheckObservations) == 2
		})
	}
	broken.Store(true)
	for name, e := range map[string]*engine{"one": one, "two": two} {
		eventually(t, "node "+name+" fails over", func() bool { return e.ask(t, "app.example.com.", dns.TypeA) == "192.0.2.2" })
	}
	broken.Store(false)
	for name, e := range map[string]*engine{"one": one, "two": two} {
		eventually(t, "node "+name+" fails back", func() bool { return e.ask(t, "app.example.com.", dns.TypeA) == "192.0.2.1" })
	}
}

// Without etcd every node fails over by its own checkers: what the others said last ends with their leases. Back again,
// etcd changes nothing.
func TestNodesFailOverWithoutEtcd(t *testing.T) {
	t.Parallel()
	dir := etcdtest.Dir(t)
	shared := etcdtest.StartIn(t, dir)
	nodes := map[string]*engine{}
	for _, name := range []string{"one", "two"} {
		nodes[name] = start(t, node.Options{DataDir: t.TempDir(), Name: name, EtcdEndpoints: []string{shared.Endpoint()}})
	}
	url, broken := switchable(t)
	one := nodes["one"]
	zoneID := one.createZone(t)
	check := one.check(t, "c", url)
	one.change(t, zoneID, failover(types.ResourceRecordSetFailoverPrimary, "192.0.2.1", check), failover(types.ResourceRecordSetFailoverSecondary, "192.0.2.2", ""))
	votes := func(e *engine) int { s, _ := e.Verdict(check); return s.Checkers }
	for name, e := range nodes {
		eventually(t, "node "+name+" counts both nodes' checkers", func() bool { return votes(e) == 2 })
	}
	shared.Close()
	broken.Store(true)
	for name, e := range nodes {
		eventually(t, "node "+name+" fails over", func() bool { return e.ask(t, "app.example.com.", dns.TypeA) == "192.0.2.2" })
	}
	shared = etcdtest.StartIn(t, dir)
	t.Cleanup(shared.Close)
	for name, e := range nodes {
		eventually(t, "node "+name+" counts both nodes' checkers again", func() bool { return votes(e) == 2 })
		if got := e.ask(t, "app.example.com.", dns.TypeA); got != "192.0.2.2" {
			t.Errorf("with etcd back node %s answers %q, want the secondary's", name, got)
		}
	}
}

// A failure that was known before a restart is known at the first query after it.
func TestAVerdictSurvivesARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e := start(t, node.Options{DataDir: dir})
	url, broken := switchable(t)
	broken.Store(true)
	zoneID := e.createZone(t)
	e.change(t, zoneID, failover(types.ResourceRecordSetFailoverPrimary, "192.0.2.1", e.check(t, "c", url)), failover(types.ResourceRecordSetFailoverSecondary, "192.0.2.2", ""))
	eventually(t, "failover", func() bool { return e.ask(t, "app.example.com.", dns.TypeA) == "192.0.2.2" })
	if err := e.stop(); err != nil {
		t.Fatal(err)
	}
	e = start(t, node.Options{DataDir: dir})
	if got := e.ask(t, "app.example.com.", dns.TypeA); got != "192.0.2.2" {
		t.Errorf("the first answer after a restart is %q, want the secondary's", got)
	}
}

// With its etcd directory destroyed, a node answers from its snapshot, fails over by its own probes, and refuses
// changes.
func TestADeadEtcdDirectoryLeavesDNSAnswering(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e := start(t, node.Options{DataDir: dir})
	url, broken := switchable(t)
	zoneID := e.createZone(t)
	check := e.check(t, "c", url)
	e.change(t, zoneID, failover(types.ResourceRecordSetFailoverPrimary, "192.0.2.1", check), failover(types.ResourceRecordSetFailoverSecondary, "192.0.2.2", ""))
	if err := e.stop(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "etcd", "member", "snap", "db"), []byte("this is not a database"), 0o600); err != nil {
		t.Fatal(err)
	}
	e = start(t, node.Options{DataDir: dir})
	if got := e.ask(t, "app.example.com.", dns.TypeA); got != "192.0.2.1" {
		t.Errorf("without etcd the node answers %q, want 192.0.2.1", got)
	}
	_, err := e.api.DeleteHealthCheck(t.Context(), &route53.DeleteHealthCheckInput{HealthCheckId: &check})
	if apiErr := smithy.APIError(nil); !errors.As(err, &apiErr) || apiErr.ErrorCode() != "ServiceUnavailable" {
		t.Errorf("a change without etcd: %v, want ServiceUnavailable", err)
	}
	broken.Store(true)
	eventually(t, "failover without etcd", func() bool { return e.ask(t, "app.example.com.", dns.TypeA) == "192.0.2.2" })
	broken.Store(false)
	eventually(t, "failback without etcd", func() bool { return e.ask(t, "app.example.com.", dns.TypeA) == "192.0.2.1" })
}

// Without a snapshot there is nothing to answer from: the node says what is wrong and does not start.
func TestADeadEtcdDirectoryWithoutASnapshotIsAnError(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "etcd"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := node.New(node.Options{DataDir: dir, HTTPAddr: "127.0.0.1:0", DNSAddr: "127.0.0.1:0"})
	if err == nil || !strings.Contains(err.Error(), filepath.Join(dir, "etcd")) {
		t.Errorf("New = %v, want an error that names the directory", err)
	}
}

// A name that the node serves itself is probed at the address the node answers.
func TestChecksByNameFollowTheNodesOwnZones(t *testing.T) {
	t.Parallel()
	e := start(t, node.Options{DataDir: t.TempDir()})
	hosts := make(chan string, 16)
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case hosts <- r.Host:
		default:
		}
	}))
	t.Cleanup(s.Close)
	_, port, err := net.SplitHostPort(strings.TrimPrefix(s.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	var portNumber int32
	fmt.Sscan(port, &portNumber)
	zoneID := e.createZone(t)
	e.change(t, zoneID, types.ResourceRecordSet{Name: aws.String("origin.example.com"), Type: types.RRTypeA, TTL: aws.Int64(5), ResourceRecords: []types.ResourceRecord{{Value: aws.String("127.0.0.1")}}})
	_, err = e.api.CreateHealthCheck(t.Context(), &route53.CreateHealthCheckInput{CallerReference: aws.String("c"), HealthCheckConfig: &types.HealthCheckConfig{
		Type: types.HealthCheckTypeHttp, FullyQualifiedDomainName: aws.String("origin.example.com"), Port: &portNumber, RequestInterval: aws.Int32(1),
	}})
	if err != nil {
		t.Fatal(err)
	}
	select {
	case got := <-hosts:
		if want := "origin.example.com:" + port; got != want {
			t.Errorf("the probe's Host is %q, want %q", got, want)
		}
	case <-time.After(2 * time.Minute):
		t.Error("no probe arrived in 2 minutes")
	}
}

func TestHTTPEndpoints(t *testing.T) {
	t.Parallel()
	e := start(t, node.Options{DataDir: t.TempDir()})
	e.ask(t, "example.org.", dns.TypeA)
	get := func(path string) (int, string) {
		resp, err := http.Get("http://" + e.HTTPAddr().String() + path)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(body)
	}
	eventually(t, "the query is counted", func() bool {
		_, body := get("/metrics")
		return strings.Contains(body, `bulkhead_dns_responses_total{outcome="refused"} 1`)
	})
	for _, c := range []struct {
		path   string
		status int
		want   string
	}{
		{"/healthz", 200, "ok"},
		{"/readyz", 200, "ok"},
		{"/metrics", 200, "bulkhead_store_connected 1"},
		{"/2013-04-01/hostedzone", 403, "MissingAuthenticationToken"},
		{"/nothing", 404, "404"},
	} {
		status, body := get(c.path)
		if status != c.status || !strings.Contains(body, c.want) {
			t.Errorf("GET %s = %d, want %d with %q:\n%s", c.path, status, c.status, c.want, body)
		}
	}
	http.DefaultClient.CloseIdleConnections()
}

// Credentials are made once, for their owner's eyes only, and kept.
func TestCredentialsAreKept(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e := start(t, node.Options{DataDir: dir})
	first := e.Credentials()
	if err := e.stop(); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(dir, "credentials.json"))
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("credentials.json has mode %v", info.Mode().Perm())
	}
	if got, err := users.ReadAdministrator(dir); err != nil || got != first {
		t.Errorf("ReadCredentials = %v, %v", got, err)
	}
	if e = start(t, node.Options{DataDir: dir}); e.Credentials() != first {
		t.Error("a restart made new credentials")
	}
}
