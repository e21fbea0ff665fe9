package lab

import (
	"flag"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkhead-dns/bulkhead/alb"
)

var rewrite = flag.Bool("rewrite", false, "rewrite golden files")

func testPod(t *testing.T) (serve func(path, accept string) *httptest.ResponseRecorder, failing *atomic.Bool) {
	t.Helper()
	failing = new(atomic.Bool)
	info := podInfo{"app1", "demoapp1-7c9d5f6b84-x2v4q", "eu-west-1", "eu-west-1a", 214}
	handler, err := podHandler(info, podHealth{"/app1health", HealthHonest, failing})
	if err != nil {
		t.Fatal(err)
	}
	return func(path, accept string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("GET", path, nil)
		r.Header.Set("Accept", accept)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		return w
	}, failing
}

func TestApplicationPageIsGolden(t *testing.T) {
	serve, _ := testPod(t)
	got := serve("/", "text/html,*/*").Body.Bytes()
	const golden = "testdata/page.golden.html"
	if *rewrite {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("page (-want +got):\n%s", diff)
	}
}

func TestPodAnswersAsAskedTo(t *testing.T) {
	serve, failing := testPod(t)
	for _, c := range []struct {
		name, path, accept string
		failing            bool
		status             int
		contentType, body  string // body is a part of it
	}{
		{"browser", "/", "text/html", false, 200, "text/html; charset=utf-8", "<h1>app1</h1>"},
		{"no wish", "/", "*/*", false, 200, "text/html; charset=utf-8", "<h1>app1</h1>"},
		{"json", "/", "application/json", false, 200, "application/json",
			`{"application":"app1","pod":"demoapp1-7c9d5f6b84-x2v4q","region":"eu-west-1","availabilityZone":"eu-west-1a"}`},
		{"text", "/", "text/plain", false, 200, "text/plain; charset=utf-8",
			"app1 from eu-west-1 (eu-west-1a, pod demoapp1-7c9d5f6b84-x2v4q)\n"},
		{"health path", "/app1health", "*/*", false, 200, "text/plain; charset=utf-8", "healthy\n"},
		{"health path of another", "/app2health", "*/*", false, 404, "text/plain; charset=utf-8", "not found"},
		{"failing page", "/", "application/json", true, 500, "text/plain; charset=utf-8", "app1 is failing in eu-west-1\n"},
		{"failing health path", "/app1health", "*/*", true, 500, "text/plain; charset=utf-8",
			"app1 is failing in eu-west-1\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			failing.Store(c.failing)
			w := serve(c.path, c.accept)
			if w.Code != c.status || w.Header().Get("Content-Type") != c.contentType ||
				!strings.Contains(w.Body.String(), c.body) {
				t.Errorf("%d %q\n%s\nwant %d %q with\n%s",
					w.Code, w.Header().Get("Content-Type"), w.Body, c.status, c.contentType, c.body)
			}
		})
	}
}

func TestPodsAreNamedAsADeploymentNamesThem(t *testing.T) {
	a, b := podName("app1", "eu-west-1"), podName("app1", "eu-west-1")
	form := regexp.MustCompile(`^demoapp1-[b-df-hj-np-tv-xz2456789]{10}-[b-df-hj-np-tv-xz2456789]{5}$`)
	if !form.MatchString(a) {
		t.Errorf("pod name %q, want the form %s", a, form)
	}
	if a[:19] != b[:19] || a == b {
		t.Errorf("pods %q and %q of one deployment: want one template hash and different endings", a, b)
	}
	if other := podName("app1", "eu-central-1"); other[:19] == a[:19] {
		t.Errorf("pods %q and %q of two clusters share the template hash", a, other)
	}
}

func TestLoadBalancerNamesStayTheSame(t *testing.T) {
	form := regexp.MustCompile(`^demoalb-[1-9][0-9]{9}\.eu-west-1\.elb\.amazonaws\.com$`)
	a := alb.DNSName("demoalb", "eu-west-1")
	if !form.MatchString(a) || a != alb.DNSName("demoalb", "eu-west-1") {
		t.Errorf("name %q, want always the same of the form %s", a, form)
	}
}
