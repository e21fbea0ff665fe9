package controller

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
	"go.uber.org/goleak"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/bulkhead-dns/bulkhead/api/v1alpha1"
	"github.com/bulkhead-dns/bulkhead/apply"
	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/node"
	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/test/awslike"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// The tests wait most of their time: more of them run at once than there are processors.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "16"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

const (
	west    = "eu-west-1"
	central = "eu-central-1"
)

// An engine is a running node with the zone example.com, and an application that its checkers probe.
type engine struct {
	*node.Node
	api      string            // URL of Route 53: the node, or a front that behaves as AWS before it
	provider failover.Provider // what the API behaves as
	port     string            // of the application, on 127.0.0.1
	zones    []zone.HostedZone

	mu    sync.Mutex
	down  map[string]bool // paths that the application answers 503 to
	waits map[*worker]time.Duration
	until map[*worker]time.Time // at AWS, when its last round was
}

// startEngine starts one, with a front before it that behaves as AWS when the environment says FRONT=aws.
func startEngine(t *testing.T) *engine {
	t.Helper()
	return startEngineBehind(t, os.Getenv("FRONT") == "aws")
}

// startEngineBehind starts one with or without a front.
func startEngineBehind(t *testing.T, front bool) *engine {
	t.Helper()
	t.Parallel() // waiting for verdicts is most of the time
	e := &engine{down: make(map[string]bool), waits: make(map[*worker]time.Duration), until: make(map[*worker]time.Time)}
	application := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e.mu.Lock()
		defer e.mu.Unlock()
		if e.down[r.URL.Path] {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(application.Close)
	address, err := url.Parse(application.URL)
	if err != nil {
		t.Fatal(err)
	}
	e.port = address.Port()
	if e.Node, err = node.New(node.Options{DataDir: t.TempDir(), HTTPAddr: "127.0.0.1:0", DNSAddr: "127.0.0.1:0",
		ProbeAllow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}); err != nil {
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
	e.api, e.provider = "http://"+e.HTTPAddr().String(), failover.Engine
	if front {
		e.openFront(t)
	}
	if _, err := e.client(t, &wire{}).CreateHostedZone(t.Context(), &route53.CreateHostedZoneInput{Name: aws.String("example.com"),
		CallerReference: aws.String("test")}); err != nil {
		t.Fatal(err)
	}
	if e.zones, err = e.worker(t, west, &wire{}).applier.Zones(t.Context()); err != nil {
		t.Fatal(err)
	}
	return e
}

// endpoint is an address that AWS's checkers probe. Behind a front it stands for 127.0.0.1.
const endpoint = "52.95.110.1"

// openFront puts a front before the node that behaves as AWS, ten times as fast.
func (e *engine) openFront(t *testing.T) {
	t.Helper()
	front := awslike.New(awslike.Options{Engine: e.api, Credentials: e.Credentials(), Speed: 10, HealthChecks: 1000,
		Endpoints: map[string]string{endpoint: "127.0.0.1"}})
	server := httptest.NewServer(front)
	t.Cleanup(func() {
		server.Close()
		front.Close()
	})
	e.api, e.provider = server.URL, failover.AWS
}

// manifest fills a policy in. At AWS it has no internal address and no interval below 10 s. r53: B.2, B.5.
func (e *engine) manifest(format string, args ...any) []byte {
	text := fmt.Sprintf(format, args...)
	if e.provider == failover.AWS {
		text = strings.NewReplacer("127.0.0.1", endpoint, "fd00::", "2a05:d018::", "requestInterval: 1,", "requestInterval: 10,").Replace(text)
	}
	return []byte(text)
}

// set says whether the application answers well at paths.
func (e *engine) set(down bool, paths ...string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, p := range paths {
		e.down[p] = down
	}
}

// A wire carries requests to the engine, and can be cut or answer itself.
type wire struct {
	http.Transport
	mu     sync.Mutex
	writes int
	cut    int    // the write before which it is cut, counted from 1; 0 never
	refuse string // a text in a change batch that is refused
	// noChecks answers 503 to what makes or marks health checks, and forget accepts the next change batch and forgets it: Route 53
	// after a failover of its control plane. r53: D.5.
	noChecks, forget bool
}

// impair sets noChecks and forget.
func (w *wire) impair(noChecks, forget bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.noChecks, w.forget = noChecks, forget
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
		r.Body.Close()
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if r.Method != http.MethodGet && !strings.HasSuffix(r.URL.Path, "/tags/healthcheck") { // which reads
		w.writes++
		if w.cut > 0 && w.writes >= w.cut {
			return nil, errors.New("the connection is cut")
		}
	}
	reply := func(status int, text string) (*http.Response, error) {
		return &http.Response{StatusCode: status, Request: r, Header: http.Header{"Content-Type": {"text/xml"}},
			Body: io.NopCloser(strings.NewReader(text))}, nil
	}
	post := r.Method == http.MethodPost
	if w.noChecks && post && (strings.HasSuffix(r.URL.Path, "/2013-04-01/healthcheck") || strings.Contains(r.URL.Path, "/tags/healthcheck/")) {
		return reply(http.StatusServiceUnavailable, `<ErrorResponse><Error><Type>Receiver</Type><Code>ServiceUnavailable</Code>`+
			`<Message>try later</Message></Error><RequestId>1</RequestId></ErrorResponse>`)
	}
	if w.forget && post && strings.HasSuffix(r.URL.Path, "/rrset") {
		w.forget = false
		return reply(http.StatusOK, `<ChangeResourceRecordSetsResponse xmlns="https://route53.amazonaws.com/doc/2013-04-01/"><ChangeInfo>`+
			`<Id>/change/C0STRANDED</Id><Status>PENDING</Status><SubmittedAt>2026-11-29T10:00:00.000Z</SubmittedAt></ChangeInfo>`+
			`</ChangeResourceRecordSetsResponse>`)
	}
	if w.refuse != "" && r.Method == http.MethodPost && strings.Contains(r.URL.Path, "/rrset") && bytes.Contains(body, []byte(w.refuse)) {
		text := `<InvalidChangeBatch xmlns="https://route53.amazonaws.com/doc/2013-04-01/"><Messages><Message>not this one</Message></Messages>` +
			`<RequestId>1</RequestId></InvalidChangeBatch>`
		return &http.Response{StatusCode: http.StatusBadRequest, Request: r, Header: http.Header{"Content-Type": {"text/xml"}},
			Body: io.NopCloser(strings.NewReader(text))}, nil
	}
	return w.Transport.RoundTrip(r)
}

func (e *engine) client(t testing.TB, w *wire) *route53.Client {
	t.Cleanup(w.CloseIdleConnections)
	c := e.Credentials()
	return route53.New(route53.Options{
		BaseEndpoint: &e.api,
		Region:       "us-east-1",
		Credentials:  credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey, ""),
		HTTPClient:   &http.Client{Transport: w},
	})
}

// worker is that of a Region's controller which has just started.
func (e *engine) worker(t testing.TB, region string, w *wire) *worker {
	t.Helper()
	return e.workerWaiting(t, region, w, time.Minute)
}

// workerWaiting is a worker whose rounds are repeated so long while something waits for a verdict: for tests in which one waits in vain.
func (e *engine) workerWaiting(t testing.TB, region string, w *wire, verdicts time.Duration) *worker {
	t.Helper()
	made := &worker{region: region, provider: e.provider, applier: e.applier(t, w), resync: time.Hour, log: slog.New(slog.DiscardHandler),
		cluster: "cluster-of-" + region, classes: map[string]classRule{"default": {hold: 10 * time.Minute}}, zones: e.zones}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.waits[made] = verdicts
	return made
}

func (e *engine) applier(t testing.TB, w *wire) *apply.Applier {
	t.Helper()
	a, err := apply.New(apply.Options{Route53: e.client(t, w), Provider: e.provider, KeepTags: time.Hour, Attempts: 3})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// candidate is an accepted policy of team-a, for <name>.example.com.
func (e *engine) candidate(t testing.TB, name, region string) candidate {
	t.Helper()
	objects, err := failover.Parse("policy.yaml", e.manifest(`
apiVersion: bulkhead.dev/v1alpha1
kind: FailoverPolicy
metadata: {name: %[1]s, namespace: team-a}
spec:
  hostname: %[1]s.example.com
  healthCheck: {port: %[2]s, path: /%[1]s, requestInterval: 1, failureThreshold: 1}
  regions: [{name: %[3]s, addresses: [127.0.0.1]}]
`, name, e.port, region))
	if err != nil {
		t.Fatal(err)
	}
	return candidate{object: &v1alpha1.FailoverPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: name}},
		policy: *objects[0].Policy, class: &failover.Class{APIVersion: failover.APIVersion, Kind: failover.ClassKind,
			Metadata: failover.Metadata{Name: "default"},
			Spec:     failover.ClassSpec{Targets: failover.ClassTargets{CIDRs: []string{"127.0.0.0/8", "fd00::/8", "52.95.110.0/24", "2a05:d018::/32"}}}}}
}

func (e *engine) candidates(t testing.TB, region string, n int) []candidate {
	t.Helper()
	list := make([]candidate, n)
	for i := range list {
		list[i] = e.candidate(t, fmt.Sprintf("app%02d", i+1), region)
	}
	return list
}

// tasks are what a round is asked for candidates.
func (e *engine) tasks(list []candidate, region string, now time.Time) []task {
	var tasks []task
	for _, c := range list {
		t := taskOf(c, failover.Facts{Provider: e.provider, Zones: e.zones, Region: region}, now)
		t.mark(c.object, "default", "cluster-of-"+region)
		tasks = append(tasks, t)
	}
	return tasks
}

// remove deletes policies: they are judged and released, their objects are gone, and what they had goes after the grace period. It returns
// when that is over. list are the others.
func (e *engine) remove(t testing.TB, w *worker, gone, list []candidate, now time.Time, force ...string) time.Time {
	t.Helper()
	var marked []candidate
	for _, c := range gone {
		marked = append(marked, deleted(c, now))
	}
	e.mustPass(t, w, append(marked, list...), now, force...)
	now = now.Add(11 * time.Second)
	e.mustPass(t, w, list, now, force...)
	return now
}

// mustPass makes rounds without an error, until nothing is to be done at once and nothing waits for a verdict.
func (e *engine) mustPass(t testing.TB, w *worker, list []candidate, now time.Time, force ...string) roundReport {
	t.Helper()
	report, err := e.rounds(t.Context(), w, e.tasks(list, w.region, now), force, now)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// rounds makes rounds from now on, and returns what all of them have done.
func (e *engine) rounds(ctx context.Context, w *worker, tasks []task, force []string, now time.Time) (roundReport, error) {
	e.mu.Lock()
	patience, until := e.waits[w], e.until[w]
	e.mu.Unlock()
	// At AWS what was written is read again after a minute. Nobody waits that long: time is an argument of rounds.
	soon := time.Second
	if e.provider == failover.AWS {
		soon = 70 * time.Second
		if !until.IsZero() {
			now = latest(now, until.Add(61*time.Second)) // its time does not go back, and what others have written meanwhile is read
		}
	}
	begun, sum := time.Now(), roundReport{idle: true, steps: make(map[plan.Kind]int)}
	for at := now; ; {
		report, err := w.round(ctx, tasks, force, at)
		for kind, n := range report.steps {
			sum.steps[kind] += n
		}
		sum.idle, sum.drifted, sum.next = sum.idle && report.idle, append(sum.drifted, report.drifted...), report.next
		if err != nil {
			return sum, err
		}
		e.mu.Lock()
		e.until[w] = at
		e.mu.Unlock()
		var next time.Time
		for _, u := range w.units {
			awaits := false
			for _, o := range u.outcomes {
				awaits = awaits || o.awaits
			}
			if awaits && time.Since(begun) < patience || !u.due.IsZero() && u.due.Before(at.Add(soon)) && !awaits {
				next = earlier(next, u.due)
			}
		}
		if next.IsZero() || at.After(now.Add(10*soon)) && time.Since(begun) > patience { // who waits for others waits for ever
			return sum, nil
		}
		select {
		case <-time.After(min(next.Sub(at), time.Second)):
		case <-ctx.Done():
			return sum, ctx.Err()
		}
		at = latest(next, now.Add(time.Since(begun)))
	}
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// have returns what the engine holds: "app1 eu-west-1" for each record with a check of ours, sorted, and checks without a record.
func (e *engine) have(t testing.TB) []string {
	t.Helper()
	state, err := e.worker(t, west, &wire{}).applier.Read(t.Context(), e.zones)
	if err != nil {
		t.Fatal(err)
	}
	keys := make(map[string]string)
	for _, c := range state.Checks {
		keys[c.ID] = c.Key
	}
	var list []string
	for _, r := range state.Records {
		if key := keys[r.Set.HealthCheckID]; key != "" {
			_, name, _ := strings.Cut(plan.PolicyOf(key), "/")
			list = append(list, name+" "+r.Set.SetIdentifier)
			delete(keys, r.Set.HealthCheckID)
		}
	}
	for _, key := range keys {
		list = append(list, "check only: "+key)
	}
	slices.Sort(list)
	return list
}

// names are what have should return for candidates in Regions.
func names(list []candidate, regions ...string) []string {
	var all []string
	for _, c := range list {
		for _, r := range regions {
			all = append(all, c.policy.Metadata.Name+" "+r)
		}
	}
	slices.Sort(all)
	return all
}

// reasons counts outcomes by reason.
func reasons(w *worker) map[string]int {
	counted := make(map[string]int)
	for o := range maps.Values(w.outcomes()) {
		counted[o.reason]++
	}
	return counted
}

func writes(calls map[string]int) (n int) {
	for operation, count := range calls {
		if !strings.HasPrefix(operation, "List") && !strings.HasPrefix(operation, "Get") {
			n += count
		}
	}
	return n
}

// putForeign makes an address record that nobody of ours has made.
func (e *engine) putForeign(t testing.TB, name string) {
	t.Helper()
	put := &route53.ChangeResourceRecordSetsInput{HostedZoneId: &e.zones[0].ID, ChangeBatch: &types.ChangeBatch{Changes: []types.Change{{
		Action: types.ChangeActionCreate, ResourceRecordSet: &types.ResourceRecordSet{Name: &name, Type: types.RRTypeA,
			TTL: aws.Int64(60), ResourceRecords: []types.ResourceRecord{{Value: aws.String("192.0.2.1")}}}}}}}
	if _, err := e.client(t, &wire{}).ChangeResourceRecordSets(t.Context(), put); err != nil {
		t.Fatal(err)
	}
}

// awaitVerdict waits until the checkers of a Region's only check say that it is healthy, or not.
func (e *engine) awaitVerdict(t testing.TB, w *worker, region string, healthy bool) {
	t.Helper()
	state, err := w.applier.Read(t.Context(), e.zones)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, fmt.Sprintf("a check of %s is healthy: %t", region, healthy), func() bool {
		return slices.ContainsFunc(state.Checks, func(c plan.Check) bool {
			if plan.RegionOf(c.Key) != region {
				return false
			}
			reports, err := w.applier.Reports(t.Context(), c.ID)
			if err != nil {
				t.Fatal(err)
			}
			v := verdictOf(c.Config, reports)
			return v != nil && *v == healthy
		})
	})
}

// eventually waits until something holds.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(time.Minute)
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("not within a minute: %s", what)
		}
	}
}
