package alb

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// A fakeTarget is an HTTP server on pipes whose answer is switched: a status, 0 for silence, -1 for a closed
// connection.
type fakeTarget struct {
	status   atomic.Int32
	requests atomic.Int32
	last     atomic.Pointer[http.Request]
}

func (f *fakeTarget) serve(c net.Conn) {
	defer c.Close()
	buffered := bufio.NewReader(c)
	for {
		r, err := http.ReadRequest(buffered)
		if err != nil {
			return
		}
		f.requests.Add(1)
		f.last.Store(r)
		switch status := f.status.Load(); status {
		case 0:
			io.Copy(io.Discard, buffered) // until the other side gives up
			return
		case -1:
			return
		default:
			response := http.Response{StatusCode: int(status), ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{},
				Close: r.Close}
			if response.Write(c) != nil || r.Close {
				return
			}
		}
	}
}

// startBalancer runs the probes and the routing of a load balancer with one group "app1" in a bubble; the group's
// targets are pipes.
func startBalancer(t *testing.T, network pipes, targets ...int) *LoadBalancer {
	t.Helper()
	lb := newLoadBalancer(Options{Logger: slog.New(slog.DiscardHandler)}, noListener{}, network.dial)
	if err := lb.Configure(Config{DefaultAction: Action{TargetGroup: "app1"},
		TargetGroups: []TargetGroup{{Name: "app1"}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := lb.SetTargets("app1", someTargets(targets...)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	lb.startProbes(ctx)
	t.Cleanup(func() {
		lb.stopProbes(cancel)
		lb.forwarder.CloseIdleConnections()
		lb.prober.CloseIdleConnections()
		synctest.Wait()
	})
	return lb
}

// noListener stands for a socket where requests are handed over directly.
type noListener struct{ net.Listener }

func (noListener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80} }

func only(lb *LoadBalancer) TargetStatus { return lb.Status().TargetGroups[0].Targets[0] }

// Defaults of the AWS Load Balancer Controller: every 15 s, 2 and 2. r53: E.3.
func TestTargetHealthTakesIntervalTimesThreshold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pod := &fakeTarget{}
		pod.status.Store(200)
		lb := startBalancer(t, pipes{addr(1).String(): pod.serve}, 1)
		expect := func(after time.Duration, want TargetState, wantReason string) {
			t.Helper()
			time.Sleep(after)
			synctest.Wait()
			if got := only(lb); got.State != want || got.Reason != wantReason {
				t.Errorf("target is %s %q, want %s %q", got.State, got.Reason, want, wantReason)
			}
		}
		expect(time.Millisecond, Healthy, "") // the first probe comes at once and is enough
		pod.status.Store(500)
		expect(15*time.Second, Healthy, "")
		expect(15*time.Second, Unhealthy, ReasonMismatch)
		pod.status.Store(200)
		expect(15*time.Second, Unhealthy, ReasonMismatch)
		expect(15*time.Second, Healthy, "")
		pod.status.Store(0)
		expect(35*time.Second, Unhealthy, ReasonTimeout) // the second probe times out after 5 s
		pod.status.Store(-1)
		expect(10*time.Second, Unhealthy, ReasonFailed)
		pod.status.Store(302) // success is 200 only, and redirects are not followed
		expect(15*time.Second, Unhealthy, ReasonMismatch)
		if got := pod.last.Load(); got.Host != addr(1).String() || got.UserAgent() != "ELB-HealthChecker/2.0" || !got.Close {
			t.Errorf("probe has Host %q, User-Agent %q, Connection: close %v", got.Host, got.UserAgent(), got.Close)
		}
	})
}

func TestProbingEndsWithRegistrationAndUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pod := &fakeTarget{}
		pod.status.Store(200)
		lb := startBalancer(t, pipes{addr(1).String(): pod.serve}, 1)
		probesInAMinute := func() int32 {
			synctest.Wait()
			before := pod.requests.Load()
			time.Sleep(time.Minute)
			synctest.Wait()
			return pod.requests.Load() - before
		}
		if got := probesInAMinute(); got != 4 {
			t.Errorf("%d probes in a minute of a target in use, want 4", got)
		}
		unused := Config{TargetGroups: []TargetGroup{{Name: "app1"}}}
		if err := lb.Configure(unused); err != nil {
			t.Fatal(err)
		}
		if got := probesInAMinute(); got != 0 || only(lb).State != Unused {
			t.Errorf("%d probes of a target that is %s, want 0 and unused", got, only(lb).State)
		}
		used := unused
		used.DefaultAction = Action{TargetGroup: "app1"}
		used.TargetGroups = []TargetGroup{{Name: "app1", HealthCheck: HealthCheck{Interval: 5 * time.Second}}}
		if err := lb.Configure(used); err != nil {
			t.Fatal(err)
		}
		if got := probesInAMinute(); got != 12 || only(lb).State != Healthy {
			t.Errorf("%d probes at a new interval of 5 s of a target that is %s, want 12 and healthy", got, only(lb).State)
		}
		if _, err := lb.SetTargets("app1", nil); err != nil {
			t.Fatal(err)
		}
		if got := probesInAMinute(); got != 0 || only(lb).State != Draining {
			t.Errorf("%d probes of a target that is %s, want 0 and draining", got, only(lb).State)
		}
		if err := lb.Configure(Config{}); err != nil {
			t.Fatal(err)
		}
		if _, err := lb.SetTargets("app1", nil); err == nil {
			t.Error("targets of a removed group are accepted")
		}
	})
}

func TestLoadBalancerAnswersForTargetsThatDoNot(t *testing.T) {
	for _, c := range []struct {
		name       string
		target     int32 // as fakeTarget
		registered bool
		status     int
		after      time.Duration
	}{
		{"target answers", 200, true, 200, 0},
		{"target answers with an error", 500, true, 500, 0},
		{"target closes the connection", -1, true, 502, 0},
		{"target is silent for the idle time-out", 0, true, 504, 60 * time.Second},
		{"no target is registered", 200, false, 503, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				pod := &fakeTarget{}
				pod.status.Store(c.target)
				var targets []int
				if c.registered {
					targets = []int{1}
				}
				lb := startBalancer(t, pipes{addr(1).String(): pod.serve}, targets...)
				start := time.Now()
				w := httptest.NewRecorder()
				lb.ServeHTTP(w, httptest.NewRequest("GET", "http://app1.example.com/", nil))
				if w.Code != c.status || time.Since(start) != c.after {
					t.Errorf("status %d after %s, want %d after %s", w.Code, time.Since(start), c.status, c.after)
				}
				if own := w.Header().Get("Server") == "awselb/2.0"; own != (c.status > 500) {
					t.Errorf("answer of the load balancer itself: %v", own)
				}
			})
		})
	}
}

func TestUnsafeRequestsAreSentOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pod := &fakeTarget{}
		pod.status.Store(200)
		lb := startBalancer(t, pipes{addr(1).String(): pod.serve}, 1)
		synctest.Wait()
		lb.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)) // leaves an idle connection
		pod.status.Store(-1)
		before := pod.requests.Load()
		w := httptest.NewRecorder()
		lb.ServeHTTP(w, httptest.NewRequest("POST", "/order", nil))
		if got := pod.requests.Load() - before; got != 1 || w.Code != http.StatusBadGateway {
			t.Errorf("the target got the POST %d times and the client %d, want once and 502", got, w.Code)
		}
	})
}
