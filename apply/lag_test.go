package apply

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/route53"

	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/node"
	"github.com/bulkhead-dns/bulkhead/plan"
)

// A lagging wire answers lists of health checks, and of their tags, as before anything was made, as often as it is
// told.
type lagging struct {
	http.Transport
	lists, tags atomic.Int64 // answers that are still old
}

func (l *lagging) RoundTrip(r *http.Request) (*http.Response, error) {
	old := ""
	switch {
	case r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/healthcheck") && l.lists.Add(-1) >= 0:
		old = "<ListHealthChecksResponse><HealthChecks/><Marker/><IsTruncated>false</IsTruncated>" +
			"<MaxItems>1000</MaxItems></ListHealthChecksResponse>"
	case r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/tags/healthcheck") && l.tags.Add(-1) >= 0:
		old = "<ListTagsForResourcesResponse><ResourceTagSets/></ListTagsForResourcesResponse>"
	default:
		return l.Transport.RoundTrip(r)
	}
	if r.Body != nil {
		r.Body.Close()
	}
	return &http.Response{StatusCode: http.StatusOK, Request: r, Header: http.Header{"Content-Type": {"text/xml"}},
		Body: io.NopCloser(bytes.NewReader([]byte(old)))}, nil
}

// behind returns an Applier whose lists lag.
func (e *engine) behind(t *testing.T, lists, tags int64) *Applier {
	t.Helper()
	l := &lagging{}
	l.lists.Store(lists)
	l.tags.Store(tags)
	t.Cleanup(l.CloseIdleConnections)
	c := e.Credentials()
	a, err := New(Options{Provider: failover.Engine, Lag: time.Minute, VerdictTimeout: time.Minute,
		Route53: route53.New(route53.Options{
			BaseEndpoint: aws.String("http://" + e.HTTPAddr().String()),
			Region:       "us-east-1",
			Credentials:  credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey, ""),
			HTTPClient:   &http.Client{Transport: l},
		})})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// What has just been made is nobody else's and is not made again, although lists and tags do not have it yet: neither
// for the process that made it, nor for the next one.
func TestListsThatLag(t *testing.T) {
	t.Parallel()
	e := startEngine(t, node.Options{})
	w := want{namespace: "team", zone: e.createZone(t, "example.com"), apps: both}
	const never = 1 << 40
	first := e.behind(t, never, never)
	if _, _, err := e.reach(t.Context(), t, first, w, plan.Guard{}); err != nil {
		t.Fatal(err)
	}
	for name, a := range map[string]*Applier{
		"the process that made it":         first,
		"another, with old lists":          e.behind(t, 1, 0),
		"another, with old tags":           e.behind(t, 0, 2),
		"another, with old lists and tags": e.behind(t, 2, 5),
	} {
		t.Run(name, func(t *testing.T) { e.wantNothingToDo(t, a, w) })
	}
	keys, records := e.objects(t, w)
	if len(keys) != 4 || len(records) != 4 {
		t.Errorf("checks %v, %d record sets: want 4 of each", keys, len(records))
	}
	// What is really deleted is missed at once, also by the process that made it.
	if _, err := e.client(t, &wire{}).DeleteHealthCheck(t.Context(),
		&route53.DeleteHealthCheckInput{HealthCheckId: &records[0].HealthCheckID}); err != nil {
		t.Fatal(err)
	}
	p, err := e.plan(t.Context(), t, first, w, plan.Guard{})
	if err != nil || p.Counts.Calls.CreateHealthCheck != 1 {
		t.Errorf("%v\n%s", err, p.Text(false))
	}
}
