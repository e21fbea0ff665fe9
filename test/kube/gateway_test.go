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
	calls map[string]int // by operation, with the status behind it when that is not 2xx
}

func newGateway(t *testing.T, api string) *gateway {
	t.Helper()
	g := &gateway{calls: map[string]int{}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status, err := pass(w, r, api)
		if err != nil { // one of both ends is gone
			status = http.StatusBadGateway
			w.WriteHeader(status)
		}
		g.count(operation(r.Method, r.URL.Path), status)
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
	sum := 0
	for _, n := range calls(g.calls).writes() {
		sum += n
	}
	return sum
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

func (c calls) String() string {
	var all []string
	sum := 0
	for _, operation := range slices.Sorted(maps.Keys(c)) {
		all = append(all, fmt.Sprintf("%s %d", operation, c[operation]))
		sum += c[operation]
	}
	return fmt.Sprintf("%d calls: %s", sum, strings.Join(all, ", "))
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
