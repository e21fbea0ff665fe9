package lab

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkhead-dns/bulkhead/alb"
)

const app1Host, app2Host = "app1.example.com", "app2.example.com"

// alone puts one Region into surroundings that keep their state in a file of the test.
func alone(t *testing.T, r *region) *surroundings {
	t.Helper()
	return &surroundings{regions: []*region{r}, statePath: filepath.Join(t.TempDir(), "lab.json")}
}

func TestRequestsGoRoundThePodsOfBothAvailabilityZones(t *testing.T) {
	r := startRegion(t, 201)
	served := map[string]int{}
	for range 10 {
		response := getResponse(t, r.balancers[0].LoadBalancer, app1Host, "/", http.Header{"Accept": {"application/json"}})
		var info podInfo
		err := json.NewDecoder(response.Body).Decode(&info)
		response.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if info.Application != "app1" || info.Region != "eu-west-1" {
			t.Errorf("answer of %+v, want app1 in eu-west-1", info)
		}
		served[info.AvailabilityZone]++
	}
	if diff := cmp.Diff(map[string]int{"eu-west-1a": 5, "eu-west-1b": 5}, served); diff != "" {
		t.Errorf("answers by Availability Zone (-want +got):\n%s", diff)
	}
}

func TestScaleToZeroEmptiesOneApplicationOnly(t *testing.T) {
	r := startRegion(t, 202)
	s := alone(t, r)
	scale := func(n int) {
		t.Helper()
		if err := s.scale(t.Context(), "app1", "eu-west-1", n); err != nil {
			t.Fatal(err)
		}
	}
	expect := func(host, path string, want int) {
		t.Helper()
		if status, body := get(t, r.balancers[0].LoadBalancer, host, path); status != want {
			t.Errorf("%s%s: %d %s, want %d", host, path, status, body, want)
		}
	}
	scale(0)
	expect(app1Host, "/", 503)
	expect("checker", "/app1health", 503) // what Route 53's checkers see
	expect(app2Host, "/", 200)
	expect("checker", "/app2health", 200)
	if healthy, reason := r.balancers[0].Healthy(); !healthy {
		t.Errorf("load balancer unhealthy because %q: an empty group beside a full one is ignored, r53: A.9 rule 3", reason)
	}
	scale(3)
	expect(app1Host, "/", 200)
	if got := len(r.deployments[0].pods); got != 3 {
		t.Errorf("%d pods, want 3", got)
	}
	var refused *Refusal
	if err := s.scale(t.Context(), "app1", "eu-west-1", MaxReplicas+1); !asRefusal(err, &refused) ||
		refused.Code != "InvalidReplicas" {
		t.Errorf("scale beyond the limit: %v, want InvalidReplicas", err)
	}
}

func TestFailingApplicationTakesTheLoadBalancerOutButNotItsNeighbour(t *testing.T) {
	r := startRegion(t, 203)
	s := alone(t, r)
	if err := s.setFailing("app1", "eu-west-1", true); err != nil {
		t.Fatal(err)
	}
	if status, _ := get(t, r.balancers[0].LoadBalancer, app1Host, "/"); status != 500 {
		t.Errorf("failing application answers %d, want 500", status)
	}
	waitFor(t, "an unhealthy load balancer, r53: A.9 rule 2",
		func() bool { healthy, _ := r.balancers[0].Healthy(); return !healthy })
	for _, target := range r.balancers[0].Status().TargetGroups[0].Targets {
		if target.State != alb.Unhealthy && target.State != alb.Healthy ||
			target.State == alb.Unhealthy && target.Reason != alb.ReasonMismatch {
			t.Errorf("target %s is %s %s, want unhealthy %s", target.ID, target.State, target.Reason, alb.ReasonMismatch)
		}
	}
	if status, _ := get(t, r.balancers[0].LoadBalancer, app1Host, "/"); status != 500 {
		t.Errorf("with every target unhealthy the answer is %d, want the targets' 500, r53: A.9 rule 7", status)
	}
	if status, _ := get(t, r.balancers[0].LoadBalancer, app2Host, "/"); status != 200 {
		t.Errorf("the neighbour answers %d, want 200", status)
	}
	if err := s.setFailing("app1", "eu-west-1", false); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "a healthy load balancer", func() bool { healthy, _ := r.balancers[0].Healthy(); return healthy })
	if status, _ := get(t, r.balancers[0].LoadBalancer, app1Host, "/"); status != 200 {
		t.Errorf("healed application answers %d, want 200", status)
	}
}

func TestScalingDownLosesNoRequest(t *testing.T) {
	r := startRegion(t, 204)
	s := alone(t, r)
	ctx, cancel := context.WithCancel(t.Context())
	lost := make(chan []int)
	go func() {
		var statuses []int
		client := visitor()
		for ctx.Err() == nil {
			request, _ := http.NewRequest("GET", "http://"+r.balancers[0].Address().String()+"/", nil)
			request.Host = app1Host
			response, err := client.Do(request)
			if err != nil {
				statuses = append(statuses, 0)
				continue
			}
			io.Copy(io.Discard, response.Body)
			response.Body.Close()
			if response.StatusCode != 200 {
				statuses = append(statuses, response.StatusCode)
			}
		}
		lost <- statuses
	}()
	for _, n := range []int{5, 1, 4, 2} {
		if err := s.scale(t.Context(), "app1", "eu-west-1", n); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	if got := <-lost; len(got) > 0 {
		t.Errorf("requests answered with %v while scaling, want all 200", got)
	}
}

func TestLoadBalancerTellsTargetsAboutTheClient(t *testing.T) {
	r := startRegion(t, 205)
	headers := make(chan http.Header, 10)
	echo := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/page" {
			r.Header.Set("Host", r.Host)
			headers <- r.Header
		}
	}))
	defer echo.Close()
	own := alb.Target{ID: "echo", Address: netip.MustParseAddrPort(echo.Listener.Addr().String())}
	if _, err := r.balancers[0].SetTargets("app1", []alb.Target{own}); err != nil {
		t.Fatal(err)
	}
	getResponse(t, r.balancers[0].LoadBalancer, app1Host, "/page", http.Header{
		"X-Forwarded-For":   {"192.0.2.7"},
		"X-Forwarded-Proto": {"https"},
		"X-Amzn-Trace-Id":   {"Root=1-67891233-abcdef012345678912345678"},
	}).Body.Close()
	got := <-headers
	want := map[string]string{
		"Host":              app1Host,
		"X-Forwarded-For":   "192.0.2.7, 127.0.0.1",
		"X-Forwarded-Proto": "http",
		"X-Forwarded-Port":  fmt.Sprint(r.balancers[0].Address().Port()),
		"X-Forwarded-Host":  "",
	}
	for name, value := range want {
		if got.Get(name) != value {
			t.Errorf("%s: %q, want %q", name, got.Get(name), value)
		}
	}
	trace := regexp.MustCompile(`^Self=1-[0-9a-f]{8}-[0-9a-f]{24};Root=1-67891233-abcdef012345678912345678$`)
	if id := got.Get("X-Amzn-Trace-Id"); !trace.MatchString(id) {
		t.Errorf("X-Amzn-Trace-Id: %q, want the form %s", id, trace)
	}
}

// Users find load balancers on one port in every Region, also when another lab has taken the usual ones in some.
func TestEveryRegionHasTheSamePort(t *testing.T) {
	used := map[uint16]bool{}
	for range 4 {
		l := &Lab{options: Options{AnyPort: true}.withDefaults(), surroundings: &surroundings{}}
		if err := l.openRegions(); err != nil {
			t.Fatal(err)
		}
		defer l.surroundings.close()
		port := l.surroundings.regions[0].balancers[0].Address().Port()
		if used[port] {
			t.Errorf("port %d is used twice", port)
		}
		used[port] = true
		for _, r := range l.surroundings.regions {
			if got := r.balancers[0].Address().Port(); got != port {
				t.Errorf("%s has port %d, the first Region %d", r.name, got, port)
			}
		}
	}
}

func TestATakenPortIsSaid(t *testing.T) {
	address := netip.MustParseAddr("127.10.206.1")
	first, err := alb.New(alb.Options{Address: address})
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	_, err = alb.New(alb.Options{Address: address, Port: int(first.Address().Port())})
	if err == nil || !strings.Contains(err.Error(), first.Address().String()) {
		t.Errorf("a taken port: %v, want an error that names %s", err, first.Address())
	}
}

func TestReplicasAndFailuresSurviveARestart(t *testing.T) {
	r := startRegion(t, 207)
	s := alone(t, r)
	if err := s.restore(); err != nil {
		t.Fatalf("first start: %v", err)
	}
	if err := s.scale(t.Context(), "app1", "eu-west-1", 0); err != nil {
		t.Fatal(err)
	}
	if err := s.setFailing("app2", "eu-west-1", true); err != nil {
		t.Fatal(err)
	}
	again, err := newRegion(regionOptions{definition: smallWorld(208).Regions[0],
		applications: smallWorld(208).Applications, interval: 100_000_000, logger: r.logger})
	if err != nil {
		t.Fatal(err)
	}
	restored := &surroundings{regions: []*region{again}, statePath: s.statePath}
	defer restored.close()
	if err := restored.restore(); err != nil {
		t.Fatal(err)
	}
	want := []deploymentState{{"app1", "eu-west-1", 0, false}, {"app2", "eu-west-1", 2, true}}
	if diff := cmp.Diff(want, restored.state()); diff != "" {
		t.Errorf("restored state (-want +got):\n%s", diff)
	}
	if err := os.WriteFile(s.statePath, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := restored.restore(); err == nil || !strings.Contains(err.Error(), "remove the file") {
		t.Errorf("broken state file: %v, want a hint", err)
	}
}
