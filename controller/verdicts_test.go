package controller

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"

	"github.com/bulkhead-dns/bulkhead/apply"
	"github.com/bulkhead-dns/bulkhead/cwserver"
	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/sigv4"
	"github.com/bulkhead-dns/bulkhead/test/awslike"
)

// statuses is AWS as far as it tells the health of checks: GetHealthCheckStatus four times at once and once a second for the whole
// account (r53: C.8), and CloudWatch as late as it is said to be. It is reached without a network, so that time may be a test's own.
type statuses struct {
	metrics http.Handler
	denied  bool // CloudWatch

	mu             sync.Mutex
	down           map[string]bool // checks
	tokens         float64
	at             time.Time
	calls, refused map[string]int
}

var clusterKey = sigv4.Credentials{AccessKeyID: "AKIACLUSTER000000000", SecretAccessKey: "secret"}

func newStatuses(t *testing.T, late time.Duration) *statuses {
	t.Helper()
	s := &statuses{down: make(map[string]bool), tokens: 4, at: time.Now(), calls: make(map[string]int), refused: make(map[string]int)}
	metrics, err := cwserver.New(cwserver.Options{
		Lookup:  func(string) (sigv4.Credentials, bool) { return clusterKey, true },
		Verdict: func(id string) (healthy, known bool) { return !s.isDown(id), true },
		Now:     func() time.Time { return time.Now().Add(-late) },
	})
	if err != nil {
		t.Fatal(err)
	}
	s.metrics = metrics
	return s
}

func (s *statuses) isDown(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.down[id]
}

func (s *statuses) fail(ids ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		s.down[id] = true
	}
}

// RoundTrip answers a request as AWS does.
func (s *statuses) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(cmp.Or(r.Body, io.NopCloser(strings.NewReader(""))))
	if err != nil {
		return nil, err
	}
	w := httptest.NewRecorder()
	if strings.HasPrefix(r.URL.Path, cwserver.Prefix) {
		s.count(s.calls, "GetMetricData")
		if s.denied {
			w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
			w.WriteHeader(http.StatusForbidden)
			w.WriteString("\xa2\x66__type\x6cAccessDenied\x67message\x62no")
		} else {
			in := httptest.NewRequest(r.Method, r.URL.Path, bytes.NewReader(body))
			in.Host, in.Header = r.URL.Host, r.Header.Clone()
			in.Header.Set("Content-Length", fmt.Sprint(len(body)))
			s.metrics.ServeHTTP(w, in)
		}
		return w.Result(), nil
	}
	id := strings.Split(r.URL.Path, "/")[3]
	s.count(s.calls, "GetHealthCheckStatus")
	w.Header().Set("Content-Type", "text/xml")
	if !s.grant() {
		s.count(s.refused, "GetHealthCheckStatus")
		w.WriteHeader(http.StatusBadRequest)
		w.WriteString(`<ErrorResponse><Error><Code>Throttling</Code><Message>Rate exceeded</Message></Error></ErrorResponse>`)
		return w.Result(), nil
	}
	status := "Success: HTTP Status Code 200, OK"
	if s.isDown(id) {
		status = "Failure: HTTP Status Code 503, Service Unavailable"
	}
	fmt.Fprint(w, `<GetHealthCheckStatusResponse><HealthCheckObservations>`)
	for i := range 16 {
		fmt.Fprintf(w, `<HealthCheckObservation><Region>eu-west-1</Region><IPAddress>15.177.2.%d</IPAddress><StatusReport><Status>%s</Status></StatusReport></HealthCheckObservation>`, i, status)
	}
	fmt.Fprint(w, `</HealthCheckObservations></GetHealthCheckStatusResponse>`)
	return w.Result(), nil
}

func (s *statuses) count(counts map[string]int, operation string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	counts[operation]++
}

func (s *statuses) grant() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.tokens, s.at = min(4, s.tokens+now.Sub(s.at).Seconds()), now
	if s.tokens < 1 {
		return false
	}
	s.tokens--
	return true
}

// cluster is a controller's account at AWS, with as many policies as are wanted, each of which has a check in both Regions.
func (s *statuses) cluster(t *testing.T, region string, policies int) *account {
	t.Helper()
	client := &http.Client{Transport: s}
	key := credentials.NewStaticCredentialsProvider(clusterKey.AccessKeyID, clusterKey.SecretAccessKey, "")
	applier, err := apply.New(apply.Options{Provider: failover.AWS, StatusShare: 0.5,
		Route53: route53.New(route53.Options{Region: "us-east-1", Credentials: key, HTTPClient: client}),
		CloudWatch: cloudwatch.New(cloudwatch.Options{Region: "us-east-1", Credentials: key, HTTPClient: client,
			BaseEndpoint: aws.String("https://monitoring.us-east-1.amazonaws.com")})})
	if err != nil {
		t.Fatal(err)
	}
	a := &account{site: site{region: region}, worker: &worker{region: region, provider: failover.AWS, applier: applier},
		verdicts: make(map[string]verdicts), nudged: make(map[string]bool)}
	for i := range policies {
		name := fmt.Sprintf("app%03d", i)
		a.board.candidates = append(a.board.candidates, candidate{policy: failover.Policy{Metadata: failover.Metadata{Namespace: "team", Name: name}}})
		for _, r := range []string{west, central} {
			a.board.state.Checks = append(a.board.state.Checks, plan.Check{ID: name + "-" + r, Key: "team/" + name + "/" + r,
				Config: health.Config{Type: health.HTTP, IPAddress: "8.8.8.8"}})
		}
	}
	return a
}

const (
	testPoll     = 3 * time.Second
	testInterval = 45 * time.Second
)

// run polls as a controller does, until the context ends.
func (a *account) run(ctx context.Context, t *testing.T) {
	ticker := time.NewTicker(testPoll)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if _, err := a.ask(ctx, testPoll, testInterval); err != nil && ctx.Err() == nil && !strings.Contains(err.Error(), "AccessDenied") {
				t.Error(err)
			}
		}
	}
}

// watch runs clusters for a time, looks at them every two seconds, and returns the age of the oldest verdict over all of them in the last
// part of it.
func watch(t *testing.T, clusters []*account, all, last time.Duration, each func(since time.Duration)) (oldest time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), all)
	defer cancel()
	var polls sync.WaitGroup
	for i, a := range clusters {
		polls.Go(func() {
			time.Sleep(time.Duration(i) * 700 * time.Millisecond) // they start by themselves
			a.run(ctx, t)
		})
	}
	for begun := time.Now(); ctx.Err() == nil; time.Sleep(2 * time.Second) {
		each(time.Since(begun))
		if time.Since(begun) < all-last {
			continue
		}
		for _, a := range clusters {
			for _, age := range a.oldest(time.Now()) {
				oldest = max(oldest, age)
			}
		}
	}
	polls.Wait()
	return oldest
}

// Two clusters of one account read the verdicts of 800 checks, 400 of each: none of them is older than a minute, and they do not
// throttle each other.
func TestVerdictsOfTwoClustersAreCurrent(t *testing.T) {
	for _, late := range []time.Duration{0, 90 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			const all = 10 * time.Minute
			s := newStatuses(t, late)
			clusters := []*account{s.cluster(t, west, 400), s.cluster(t, central, 400)}
			oldest := watch(t, clusters, all, all-2*time.Minute, func(time.Duration) {})
			t.Logf("CloudWatch is %v late: oldest verdict %v, calls %v, refused %v", late, oldest, s.calls, s.refused)
			if bound := 58*time.Second + late; oldest >= bound {
				t.Errorf("the oldest verdict is %v old, want less than %v, with two seconds between looks", oldest, bound)
			}
			// Two calls a cluster every 45 s, or rather 45 and what is left of the poll's 3.
			if n := s.calls["GetMetricData"]; n > 2*2*14 {
				t.Errorf("GetMetricData was called %d times in 10 minutes, want 56 at most", n)
			}
			if len(s.refused) > 0 || s.calls["GetHealthCheckStatus"] > 0 {
				t.Errorf("GetHealthCheckStatus: %v calls, %v refused, want none: nothing changes", s.calls, s.refused)
			}
			for _, a := range clusters {
				if a.fallenSilent(time.Now()) {
					t.Errorf("%s tells of verdicts that are not current: %s", a.site.region, a.silent)
				}
			}
		})
	}
}

// A failure of many applications is known to both clusters within a minute, and why a little later: what GetHealthCheckStatus is
// needed for, they share.
func TestAFailureIsKnownAndExplained(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const at, all = 2 * time.Minute, 7 * time.Minute
		s := newStatuses(t, 0)
		clusters := []*account{s.cluster(t, west, 400), s.cluster(t, central, 400)}
		var failed []string
		for i := range 40 {
			failed = append(failed, fmt.Sprintf("app%03d-%s", i, west))
		}
		var known, explained time.Duration
		watch(t, clusters, all, 0, func(since time.Duration) {
			if since >= at && len(s.down) == 0 {
				s.fail(failed...)
			}
			states := 0
			for _, a := range clusters {
				a.mu.Lock()
				for _, id := range failed {
					v, c := a.verdicts[id], health.Config{Type: health.HTTP}
					if healthy, _ := v.verdict(c); healthy != nil && !*healthy {
						states++
						if len(v.words(c)) == 16 {
							states += 1000
						}
					}
				}
				a.mu.Unlock()
			}
			if known == 0 && states%1000 == 2*len(failed) {
				known = since - at
			}
			if explained == 0 && states == 2*len(failed)*1001 {
				explained = since - at
			}
		})
		t.Logf("40 failures are known after %v, explained after %v; calls %v, refused %v", known, explained, s.calls, s.refused)
		if known <= 0 || known > time.Minute {
			t.Errorf("40 failures are known after %v, want a minute at most", known)
		}
		if explained <= 0 || explained > 5*time.Minute {
			t.Errorf("why they failed is known after %v, want five minutes at most", explained)
		}
		if n := s.calls["GetHealthCheckStatus"]; n > 2*40+20 || s.refused["GetHealthCheckStatus"] > n/5 {
			t.Errorf("GetHealthCheckStatus: %d calls, %d refused, want one a failure and cluster", n, s.refused["GetHealthCheckStatus"])
		}
	})
}

// Without the right to read CloudWatch, checkers are asked for one check after another. That is slow, and is told.
func TestVerdictsWithoutCloudWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStatuses(t, 0)
		s.denied = true
		clusters := []*account{s.cluster(t, west, 100), s.cluster(t, central, 100)}
		writes := 0
		oldest := watch(t, clusters, 30*time.Minute, 15*time.Minute, func(time.Duration) {
			if clusters[0].fallenSilent(time.Now()) {
				writes++
			}
		})
		t.Logf("oldest verdict %v, calls %v, refused %v", oldest, s.calls, s.refused)
		if oldest > 15*time.Minute {
			t.Errorf("the oldest of 200 verdicts is %v old, want a quarter of an hour at most", oldest)
		}
		if n := s.calls["GetHealthCheckStatus"]; n < 600 || s.refused["GetHealthCheckStatus"] > n/10 {
			t.Errorf("GetHealthCheckStatus: %d calls, %d refused: the clusters do not share what there is", n, s.refused["GetHealthCheckStatus"])
		}
		if writes > 0 {
			t.Errorf("the age of verdicts is written to statuses %d times, although every check has its turn", writes)
		}
		if !strings.Contains(clusters[0].unmeasured, "AccessDenied") {
			t.Errorf("nobody is told why verdicts are old: %q", clusters[0].unmeasured)
		}
	})
}

// What CloudWatch and the checkers say at different times is put together by what is newer, and the checkers' words are shown for the
// verdict that they explain only.
func TestTheNewerVerdictCounts(t *testing.T) {
	c := health.Config{Type: health.HTTP}
	t0 := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	up, down := []health.Report{{Healthy: true}}, []health.Report{{Healthy: false}}
	for _, x := range []struct {
		what  string
		v     verdicts
		want  *bool
		at    time.Time
		words int
	}{
		{"nothing", verdicts{}, nil, time.Time{}, 0},
		{"asked, and no checker has reported", verdicts{asked: t0}, nil, time.Time{}, 0},
		{"reports alone", verdicts{reports: down, asked: t0}, new(false), t0, 1},
		{"CloudWatch alone", verdicts{metric: new(true), metricAt: t0}, new(true), t0, 0},
		{"CloudWatch, and no checker has reported", verdicts{metric: new(true), metricAt: t0, asked: t0.Add(time.Hour)}, new(true), t0, 0},
		{"both the same", verdicts{reports: down, asked: t0, metric: new(false), metricAt: t0.Add(time.Minute)}, new(false), t0.Add(time.Minute), 1},
		{"CloudWatch is newer", verdicts{reports: down, asked: t0, metric: new(true), metricAt: t0.Add(time.Minute)}, new(true), t0.Add(time.Minute), 0},
		{"reports are newer", verdicts{reports: up, asked: t0.Add(time.Minute), metric: new(false), metricAt: t0}, new(true), t0.Add(time.Minute), 1},
	} {
		got, at := x.v.verdict(c)
		if !sameVerdict(got, x.want) || !at.Equal(x.at) || len(x.v.words(c)) != x.words {
			t.Errorf("%s: %v of %v with %d words, want %v of %v with %d", x.what, got, at, len(x.v.words(c)), x.want, x.at, x.words)
		}
	}
}

// What is told of old verdicts changes at a few ages only: otherwise every policy's status would be written at every reading.
func TestSilenceIsWrittenSeldom(t *testing.T) {
	start := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	s := newStatuses(t, 0)
	a := s.cluster(t, west, 1)
	a.verdicts["app000-"+west] = verdicts{metric: new(true), metricAt: start}
	var told []string
	for now := start; now.Before(start.Add(30 * time.Hour)); now = now.Add(3 * time.Second) {
		if a.fallenSilent(now) {
			told = append(told, fmt.Sprint(now.Sub(start), " ", a.silent))
		}
	}
	id := "app000-" + west + " no verdict for "
	if want := []string{"5m0s " + id + "5 min", "15m0s " + id + "15 min", "1h0m0s " + id + "1 h", "6h0m0s " + id + "6 h", "24h0m0s " + id + "a day"}; !slices.Equal(told, want) {
		t.Errorf("told at\n%s\nwant\n%s", strings.Join(told, "\n"), strings.Join(want, "\n"))
	}
}

// The same against an engine behind a front that is like AWS: what CloudWatch has and why is read with the calls that AWS has.
func TestVerdictsAreReadAsAtAWS(t *testing.T) {
	e := startEngineBehind(t, false) // AWS has no interval of a second
	front := httptest.NewServer(awslike.New(awslike.Options{Engine: e.api, Credentials: e.Credentials(), Speed: 20}))
	t.Cleanup(front.Close)
	key := credentials.NewStaticCredentialsProvider(e.Credentials().AccessKeyID, e.Credentials().SecretAccessKey, "")
	applier, err := apply.New(apply.Options{Provider: failover.AWS, Route53: route53.New(route53.Options{BaseEndpoint: &front.URL, Region: "us-east-1", Credentials: key}),
		CloudWatch: cloudwatch.New(cloudwatch.Options{BaseEndpoint: &front.URL, Region: "us-east-1", Credentials: key})})
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.ParseInt(e.port, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	made, err := e.client(t, &wire{}).CreateHealthCheck(t.Context(), &route53.CreateHealthCheckInput{CallerReference: aws.String("app"), HealthCheckConfig: &types.HealthCheckConfig{
		Type: types.HealthCheckTypeHttp, IPAddress: aws.String("127.0.0.1"), Port: aws.Int32(int32(port)), ResourcePath: aws.String("/app"), RequestInterval: aws.Int32(1),
		FailureThreshold: aws.Int32(1)}})
	if err != nil {
		t.Fatal(err)
	}
	c := plan.Check{ID: *made.HealthCheck.Id, Key: "team/app/" + west, Config: health.Config{Type: health.HTTP}}
	a := &account{site: site{region: west}, worker: &worker{region: west, provider: failover.AWS, applier: applier}, verdicts: make(map[string]verdicts), nudged: make(map[string]bool),
		board: board{candidates: []candidate{{policy: failover.Policy{Metadata: failover.Metadata{Namespace: "team", Name: "app"}}}}, state: plan.State{Checks: []plan.Check{c}}}}
	until := func(what string, holds func(v verdicts) bool) {
		t.Helper()
		eventually(t, what, func() bool {
			if _, err := a.ask(t.Context(), 20*time.Millisecond, 100*time.Millisecond); err != nil {
				t.Fatal(err)
			}
			return holds(a.verdicts[c.ID])
		})
	}
	until("CloudWatch has it healthy", func(v verdicts) bool { return v.metric != nil && *v.metric })
	e.set(true, "/app")
	until("CloudWatch has it unhealthy, and a checker says why", func(v verdicts) bool {
		words := v.words(c.Config)
		return v.metric != nil && !*v.metric && len(words) == 1 && strings.Contains(words[0].Status, "503")
	})
	if calls := applier.Calls(); calls["GetMetricData"] == 0 || calls["GetHealthCheckStatus"] == 0 {
		t.Errorf("calls %v", calls)
	}
}
