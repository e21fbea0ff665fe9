package lab

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkhead-dns/bulkhead/sigv4"
)

func asRefusal(err error, r **Refusal) bool { return errors.As(err, r) }

var administrator = sigv4.Credentials{AccessKeyID: "AKIAEXAMPLE", SecretAccessKey: "secret"}

// startAdmin serves the administration of one running Region.
func startAdmin(t *testing.T, number byte) (*Client, *surroundings) {
	t.Helper()
	s := alone(t, startRegion(t, number))
	server := httptest.NewServer(&admin{
		surroundings: s,
		status:       func() Status { return Status{API: "api", DNS: "dns", Regions: s.status()} },
		lookup: func(id string) (sigv4.Credentials, bool) {
			return administrator, id == administrator.AccessKeyID
		},
		logger: slog.New(slog.DiscardHandler),
	})
	t.Cleanup(server.Close)
	return &Client{BaseURL: server.URL, Credentials: administrator, HTTP: visitor()}, s
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestAdministrationRoundTrip(t *testing.T) {
	client, s := startAdmin(t, 210)
	status, err := client.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(asJSON(t, Status{"api", "dns", s.status()}), asJSON(t, status)); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}
	if lb := status.Regions[0].LoadBalancer; lb.HostedZoneID != "Z32O12XQLNTSW2" || lb.Address != "127.10.210.1" ||
		len(lb.Rules) != 4 {
		t.Errorf("load balancer %+v, want eu-west-1's with four rules", lb)
	}
	application := func(got Status, err error) ApplicationStatus {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return got.Regions[0].Applications[0]
	}
	want := ApplicationStatus{Application: Application{Name: "app1", Hostname: "app1.example.com",
		HealthPath: "/app1health"},
		LoadBalancer: "demoalb", HealthAnswer: HealthHonest, Replicas: 1}
	expect := func(got ApplicationStatus) {
		t.Helper()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("application (-want +got):\n%s", diff)
		}
	}
	expect(application(client.Scale(t.Context(), "app1", "eu-west-1", 1)))
	want.Failing = true
	expect(application(client.Fail(t.Context(), "app1", "eu-west-1")))
	want.Failing = false
	expect(application(client.Heal(t.Context(), "app1", "eu-west-1")))
}

func TestAdministrationRefuses(t *testing.T) {
	client, s := startAdmin(t, 211)
	before := s.state()
	for _, c := range []struct {
		name, method, path, body string
		secret, service          string // "" is the right one
		want                     AdminError
	}{
		{"unknown application", "POST", "/lab/fail", `{"application":"app3","region":"eu-west-1"}`, "", "",
			AdminError{400, "UnknownApplication", `there is no application "app3": use app1, app2`}},
		{"unknown Region", "POST", "/lab/heal", `{"application":"app1","region":"mars-1"}`, "", "",
			AdminError{400, "UnknownRegion", `there is no Region "mars-1": use eu-west-1`}},
		{"too many", "POST", "/lab/scale", `{"application":"app1","region":"eu-west-1","replicas":21}`, "", "",
			AdminError{400, "InvalidReplicas", "21 replicas: use 0 to 20"}},
		{"negative", "POST", "/lab/scale", `{"application":"app1","region":"eu-west-1","replicas":-1}`, "", "",
			AdminError{400, "InvalidReplicas", "-1 replicas: use 0 to 20"}},
		{"scale without a number", "POST", "/lab/scale", `{"application":"app1","region":"eu-west-1"}`, "", "",
			AdminError{400, "InvalidReplicas", "scale needs replicas: 0 to 20"}},
		{"fail with a number", "POST", "/lab/fail", `{"application":"app1","region":"eu-west-1","replicas":0}`, "", "",
			AdminError{400, "InvalidBody", "only scale takes replicas"}},
		{"unknown member", "POST", "/lab/fail", `{"app":"app1"}`, "", "",
			AdminError{400, "InvalidBody", `the body is not {"application", "region"[, "replicas"]}: json: unknown field ` +
				`"app"`}},
		{"two values", "POST", "/lab/fail", `{} {}`, "", "",
			AdminError{400, "InvalidBody", `the body is not {"application", "region"[, "replicas"]}: more than one value`}},
		{"large body", "POST", "/lab/fail", strings.Repeat(" ", maxAdminBody+1), "", "",
			AdminError{413, "BodyTooLarge", "the body has more than 4096 bytes"}},
		{"unknown path", "GET", "/lab/", "", "", "", AdminError{404, "UnknownOperation",
			"there is no /lab/: use GET /lab/status, POST /lab/scale, POST /lab/fail, POST /lab/heal or PUT " +
				"/lab/ingress/REGION"}},
		{"method", "GET", "/lab/scale", "", "", "", AdminError{405, "MethodNotAllowed", "GET /lab/scale: use POST"}},
		{"wrong secret", "POST", "/lab/fail", `{"application":"app1","region":"eu-west-1"}`, "guess", "",
			AdminError{403, "SignatureDoesNotMatch", "*"}},
		{"signed for Route 53", "POST", "/lab/fail", `{"application":"app1","region":"eu-west-1"}`, "", "route53",
			AdminError{403, "SignatureDoesNotMatch", "Credential should be scoped to correct service: 'bulkhead-lab', not " +
				"'route53'."}},
		{"not signed", "GET", "/lab/status", "", "none", "", AdminError{403, "MissingAuthenticationToken", "*"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			request, err := http.NewRequestWithContext(t.Context(), c.method, client.BaseURL+c.path, strings.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			credentials, service := administrator, Service
			if c.secret != "" {
				credentials.SecretAccessKey = c.secret
			}
			if c.service != "" {
				service = c.service
			}
			if c.secret != "none" {
				sigv4.Sign(&sigv4.Request{Method: c.method, Path: c.path, Host: request.URL.Host, Header: request.Header,
					Body: []byte(c.body)},
					credentials, "eu-west-1", service, time.Now())
			}
			response, err := visitor().Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			answer, err := io.ReadAll(response.Body)
			if err != nil {
				t.Fatal(err)
			}
			var got *AdminError
			if !errors.As(readAdminError(response.StatusCode, answer), &got) {
				t.Fatalf("%d %s is no refusal", response.StatusCode, answer)
			}
			if c.want.Message == "*" {
				c.want.Message = got.Message // the text is sigv4's
			}
			if diff := cmp.Diff(&c.want, got); diff != "" {
				t.Errorf("refusal (-want +got):\n%s", diff)
			}
		})
	}
	if diff := cmp.Diff(before, s.state()); diff != "" {
		t.Errorf("refused requests changed the lab (-before +after):\n%s", diff)
	}
}

func TestClientSaysWhenSomethingElseAnswers(t *testing.T) {
	for name, answer := range map[string]string{"html": "<html>", "other json": `{"ok": true}`} {
		err := readAdminError(http.StatusNotFound, []byte(answer))
		if err == nil || !strings.Contains(err.Error(), "is `bulkhead lab` running there?") {
			t.Errorf("%s: error %v, want a hint", name, err)
		}
	}
}

func FuzzDecodeChange(f *testing.F) {
	for _, seed := range []string{`{"application":"app1","region":"eu-west-1","replicas":0}`, `{}`, `[]`,
		`{"replicas":1e9}`, `{"x":1}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		change, err := decodeChange(body)
		if err == nil {
			return
		}
		var refusal *Refusal
		if !errors.As(err, &refusal) || refusal.Code != "InvalidBody" || change != (Change{}) ||
			bytes.Equal(body, []byte("{}")) {
			t.Errorf("decodeChange(%q) = %+v, %v; want InvalidBody and nothing decoded", body, change, err)
		}
	})
}
