//go:build kube

package kube

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// A gateway passes the calls of one cluster on to Route 53 and counts them.
type gateway struct {
	url string

	mu    sync.Mutex
	calls map[string]int                // by operation, with the status behind it when that is not 2xx
	fault func(operation string) *fault // what to answer instead; nil passes everything on
}

// A fault is what a caller gets instead of an answer of Route 53.
type fault struct {
	status        int // 0: no answer before the caller gives up
	code, message string
}

// denied is what a caller without rights gets.
var denied = &fault{http.StatusForbidden, "AccessDenied", "User: arn:aws:iam::000000000000:user/test is not authorized to perform this action"}

// misbehave has calls answered by what f returns; those for which it is nil are passed on. A nil f ends it.
func (g *gateway) misbehave(f func(operation string) *fault) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.fault = f
}

// refused answers a call that the gateway does not pass on, and reports whether it has.
func (g *gateway) refused(w http.ResponseWriter, r *http.Request, operation string) (status int, refused bool) {
	g.mu.Lock()
	var f *fault
	if g.fault != nil {
		f = g.fault(operation)
	}
	g.mu.Unlock()
	switch {
	case f == nil:
		return 0, false
	case f.status == 0:
		io.Copy(io.Discard, r.Body) // only then the end of the connection is noticed
		<-r.Context().Done()
		return http.StatusGatewayTimeout, true
	}
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(f.status)
	fmt.Fprintf(w, `<?xml version="1.0"?><ErrorResponse xmlns="https://route53.amazonaws.com/doc/2013-04-01/"><Error><Type>Sender</Type>`+
		`<Code>%s</Code><Message>%s</Message></Error><RequestId>0</RequestId></ErrorResponse>`, f.code, f.message)
	return f.status, true
}

func newGateway(t *testing.T, api string) *gateway {
	t.Helper()
	g := &gateway{calls: map[string]int{}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		called := operation(r.Method, r.URL.Path)
		status, refused := g.refused(w, r, called)
		if !refused {
			var err error
			if status, err = pass(w, r, api); err != nil { // one of both ends is gone
				g.count(called, http.StatusBadGateway)
				panic(http.ErrAbortHandler) // closes the connection
			}
		}
		g.count(called, status)
	}))
	t.Cleanup(server.Close)
	g.url = server.URL
	return g
}

// pass sends a request on as a whole, with the host that was signed, and answers it as a whole.
func pass(w http.ResponseWriter, r *http.Request, api string) (status int, err error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return 0, err
	}
	onward, err := http.NewRequestWithContext(r.Context(), r.Method, api+r.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	onward.Header, onward.Host = r.Header.Clone(), r.Host
	response, err := http.DefaultClient.Do(onward)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	if body, err = io.ReadAll(response.Body); err != nil {
		return 0, err
	}
	maps.Copy(w.Header(), response.Header)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(response.StatusCode)
	_, err = w.Write(body)
	return response.StatusCode, err
}

func (g *gateway) count(operation string, status int) {
	if status >= 300 {
		operation += fmt.Sprintf(" (%d)", status)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.calls[operation]++
}

// took returns the calls since the last call of took.
func (g *gateway) took() calls {
	g.mu.Lock()
	defer g.mu.Unlock()
	c := g.calls
	g.calls = map[string]int{}
	return c
}

// counted returns the calls since the last call of took, and goes on counting.
func (g *gateway) counted() calls {
	g.mu.Lock()
	defer g.mu.Unlock()
	return maps.Clone(g.calls)
}

// called is how often an operation was called since the last call of took.
func (g *gateway) called(operation string) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.calls[operation]
}

// writing is how many calls since the last call of took change something.
func (g *gateway) writing() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return calls(g.calls).writes().sum()
}

// calls are numbers of calls by operation.
type calls map[string]int

// writes are the calls that change something.
func (c calls) writes() calls {
	w := calls{}
	for operation, n := range c {
		if !strings.HasPrefix(operation, "List") && !strings.HasPrefix(operation, "Get") {
			w[operation] = n
		}
	}
	return w
}

func (c calls) sum() (sum int) {
	for _, n := range c {
		sum += n
	}
	return sum
}

func (c calls) String() string {
	var all []string
	for _, operation := range slices.Sorted(maps.Keys(c)) {
		all = append(all, fmt.Sprintf("%s %d", operation, c[operation]))
	}
	return fmt.Sprintf("%d calls: %s", c.sum(), strings.Join(all, ", "))
}

// operation names a call of the Route 53 API. r53: C.2.
func operation(method, path string) string {
	part := strings.Split(strings.Trim(path, "/"), "/")[1:] // without the version
	if len(part) > 1 && part[0] != "tags" {
		part[1] = "ID"
	}
	if len(part) > 2 && part[0] == "tags" {
		part[2] = "ID"
	}
	switch call := method + " " + strings.Join(part, "/"); call {
	case "POST GraniteServiceVersion20100801/ID/GetMetricData":
		return "GetMetricData"
	case "GET hostedzone":
		return "ListHostedZones"
	case "GET hostedzone/ID/rrset":
		return "ListResourceRecordSets"
	case "POST hostedzone/ID/rrset":
		return "ChangeResourceRecordSets"
	case "GET change/ID":
		return "GetChange"
	case "GET healthcheck":
		return "ListHealthChecks"
	case "GET healthcheck/ID":
		return "GetHealthCheck"
	case "GET healthcheck/ID/status":
		return "GetHealthCheckStatus"
	case "GET healthcheck/ID/lastfailurereason":
		return "GetHealthCheckLastFailureReason"
	case "POST healthcheck":
		return "CreateHealthCheck"
	case "POST healthcheck/ID":
		return "UpdateHealthCheck"
	case "POST healthcheck/ID/probe":
		return "ProbeHealthCheck"
	case "DELETE healthcheck/ID":
		return "DeleteHealthCheck"
	case "GET tags/healthcheck/ID":
		return "ListTagsForResource"
	case "POST tags/healthcheck":
		return "ListTagsForResources"
	case "POST tags/healthcheck/ID":
		return "ChangeTagsForResource"
	default:
		return call
	}
}
