package r53server_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"go.uber.org/goleak"

	"github.com/bulkhead-dns/bulkhead/etcd/etcdtest"
	"github.com/bulkhead-dns/bulkhead/geo"
	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/r53server"
	"github.com/bulkhead-dns/bulkhead/sigv4"
	"github.com/bulkhead-dns/bulkhead/steer"
	"github.com/bulkhead-dns/bulkhead/store"
	"github.com/bulkhead-dns/bulkhead/users"
	"github.com/bulkhead-dns/bulkhead/zone"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var key = sigv4.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}

// A node is a Route 53 endpoint over a store of its own on an etcd.
type node struct {
	store *store.Store
	url   string
	http  *http.Client
}

// startStore runs a store on an etcd until the test ends and waits until it follows it.
func startStore(t *testing.T, endpoint, name string, onChange func(*store.State, store.Change)) *store.Store {
	t.Helper()
	s, err := store.New(store.Options{
		Endpoints: []string{endpoint}, Node: name, OnChange: onChange, Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("store ended: %v", err)
		}
	})
	for deadline := time.After(2 * time.Minute); ; {
		if connected, _ := s.Connected(); connected {
			return s
		}
		select {
		case <-time.After(time.Millisecond):
		case <-deadline:
			t.Fatal("the store does not follow etcd after 2 minutes")
		}
	}
}

// startNode serves the API on an etcd. observations may be nil.
func startNode(t *testing.T, endpoint string, observations func(string) []health.Report) *node {
	t.Helper()
	s := startStore(t, endpoint, "node1", nil)
	handler, err := r53server.New(r53server.Options{
		Store: s,
		Lookup: func(id string) (users.User, bool) {
			return users.User{Credentials: key, Name: "administrator", Role: users.RoleAdministrator}, id == key.AccessKeyID
		},
		Rules:        health.Rules{MinRequestInterval: 1},
		Observations: observations,
		Answer:       func() (*steer.View, *steer.Table) { return compile(t, s.State()), nil },
		Logger:       slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return &node{store: s, url: server.URL, http: server.Client()}
}

// compile makes the view that a node has of a State.
func compile(t *testing.T, state *store.State) *steer.View {
	t.Helper()
	atlas, err := geo.New(geo.Options{})
	if err != nil {
		t.Error(err)
		return nil
	}
	e := steer.NewView(atlas).Edit()
	for c := range state.CIDRCollections() {
		err = errors.Join(err, e.PutCIDRCollection(c.ID, c.Locations))
	}
	for z := range state.Zones() {
		e.PutZone(z)
		for set := range state.Records(z.ID).From(zone.Key{}) {
			err = errors.Join(err, e.SetGroup(z.ID, set.Name, set.Type, state.Records(z.ID).Group(set.Name, set.Type)))
		}
	}
	if err != nil {
		t.Error(err)
	}
	return e.Commit()
}

// client is the AWS SDK's, pointed here with the Region of its user, as --region does. r53: H.
func (n *node) client() *route53.Client {
	return route53.New(route53.Options{
		Region:       "eu-west-1",
		BaseEndpoint: aws.String(n.url),
		Credentials:  credentials.NewStaticCredentialsProvider(key.AccessKeyID, key.SecretAccessKey, ""),
		HTTPClient:   n.http,
	})
}

// request makes a signed request as botocore sends it: no Content-Type, nothing signed but Host and the date. r53: H.
func (n *node) request(t *testing.T, method, target, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, n.url+target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "route53.test"
	path, query, _ := strings.Cut(target, "?")
	signed := sigv4.Request{Method: method, Path: path, RawQuery: query, Host: r.Host, Header: r.Header,
		Body: []byte(body)}
	sigv4.Sign(&signed, key, "eu-west-1", "route53", time.Now())
	return r
}

// do sends a request and returns the reply with its body.
func (n *node) do(t *testing.T, r *http.Request) (*http.Response, string) {
	t.Helper()
	response, err := n.http.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(body)
}

func TestNewNeedsStoreAndLookup(t *testing.T) {
	if _, err := r53server.New(r53server.Options{}); err == nil {
		t.Error("New without Store and Lookup succeeds")
	}
}

func TestRefusalsBeforeAnyOperation(t *testing.T) {
	n := startNode(t, etcdtest.Start(t), nil)
	const path = "/2013-04-01/hostedzone"
	for _, tt := range []struct {
		name    string
		request func() *http.Request
		status  int
		code    string
	}{
		{"not signed", func() *http.Request {
			r := n.request(t, "GET", path, "")
			r.Header.Del("Authorization")
			return r
		}, 403, "MissingAuthenticationToken"},
		{"another key", func() *http.Request {
			r := n.request(t, "GET", path, "")
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "AKID", "AKIX", 1))
			return r
		}, 403, "InvalidClientTokenId"},
		{"half a signature", func() *http.Request {
			r := n.request(t, "GET", path, "")
			r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=a")
			return r
		}, 400, "IncompleteSignature"},
		{"query changed on the way", func() *http.Request {
			r := n.request(t, "GET", path, "")
			r.URL.RawQuery = "maxitems=1"
			return r
		}, 403, "SignatureDoesNotMatch"},
		{"signed for another service", func() *http.Request {
			r := n.request(t, "GET", path, "")
			signed := sigv4.Request{Method: "GET", Path: path, Host: r.Host, Header: r.Header}
			sigv4.Sign(&signed, key, "eu-west-1", "sts", time.Now())
			return r
		}, 403, "SignatureDoesNotMatch"},
		{"no such operation", func() *http.Request { return n.request(t, "PATCH", path, "") }, 404,
			"UnknownOperationException"},
		{"bad query", func() *http.Request { return n.request(t, "GET", path+"?marker=%zz", "") }, 400, "InvalidInput"},
		{"too large", func() *http.Request {
			return n.request(t, "POST", path, strings.Repeat(" ", 4<<20+1))
		}, 413, "RequestEntityTooLarge"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			response, body := n.do(t, tt.request())
			if response.StatusCode != tt.status || !strings.Contains(body, "<Code>"+tt.code+"</Code>") {
				t.Errorf("reply is %d %s, want %d with code %s", response.StatusCode, body, tt.status, tt.code)
			}
			id := response.Header.Get("x-amzn-RequestId")
			if id == "" || !strings.HasSuffix(body, "<RequestId>"+id+"</RequestId></ErrorResponse>") {
				t.Errorf("request id %q is not in the body: %s", id, body)
			}
			if got := response.Header.Get("Content-Type"); got != "text/xml" {
				t.Errorf("Content-Type is %q", got)
			}
		})
	}
}

// An id that must be escaped is signed with its path encoded once more (r53: C.1): the SDK's client gets through, as
// ours.
func TestEscapedPathVerifies(t *testing.T) {
	n := startNode(t, etcdtest.Start(t), nil)
	_, err := n.client().GetHealthCheck(t.Context(), &route53.GetHealthCheckInput{HealthCheckId: aws.String("a b'c/d")})
	if err == nil || !strings.Contains(err.Error(), "A health check with id d does not exist.") {
		t.Errorf("SDK: %v, want NoSuchHealthCheck", err)
	}
	response, body := n.do(t, n.request(t, "GET", "/2013-04-01/healthcheck/a%20b%27c%2Fd", ""))
	if response.StatusCode != 404 || !strings.Contains(body, "A health check with id d does not exist.") {
		t.Errorf("reply is %d %s", response.StatusCode, body)
	}
}

// Without etcd, reads go on and changes are refused with a status that clients retry. r53: C.5.
func TestStoreUnavailable(t *testing.T) {
	server := etcdtest.StartIn(t, etcdtest.Dir(t))
	n := startNode(t, server.Endpoint(), nil)
	server.Close()
	const create = `<CreateHostedZoneRequest><Name>example.com</Name><CallerReference>1</CallerReference>` +
		`</CreateHostedZoneRequest>`
	response, body := n.do(t, n.request(t, "POST", "/2013-04-01/hostedzone", create))
	if response.StatusCode != 503 || !strings.Contains(body, "<Type>Receiver</Type><Code>ServiceUnavailable</Code>") {
		t.Errorf("create: %d %s, want 503 ServiceUnavailable", response.StatusCode, body)
	}
	response, body = n.do(t, n.request(t, "GET", "/2013-04-01/hostedzonecount", ""))
	if response.StatusCode != 200 || !strings.Contains(body, "<HostedZoneCount>0</HostedZoneCount>") {
		t.Errorf("count: %d %s, want 200 and 0", response.StatusCode, body)
	}
}
