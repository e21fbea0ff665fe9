package apply

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"

	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/node"
	"github.com/bulkhead-dns/bulkhead/plan"
)

// An impaired provider is an engine as Route 53 is after a failover of its control plane, with accelerated recovery:
// records can be changed, and what makes or marks health checks answers 503. It can forget the next batch that it
// accepts (r53: D.5), and not know a new health check when its tags are set.
type impaired struct {
	http.Transport
	impaired, forget atomic.Bool
	refusals         atomic.Int64
	unknown          atomic.Int64 // times that a health check is not known
}

func (p *impaired) RoundTrip(r *http.Request) (*http.Response, error) {
	reply := func(status int, root, body string) (*http.Response, error) {
		text := `<?xml version="1.0"?><` + root + ` xmlns="https://route53.amazonaws.com/doc/2013-04-01/">` + body + `</` +
			root + `>`
		return &http.Response{StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
			Header: http.Header{"Content-Type": {"text/xml"}},
			Body:   io.NopCloser(bytes.NewBufferString(text)), Request: r}, nil
	}
	post := r.Method == http.MethodPost
	switch {
	case p.impaired.Load() && post && (strings.HasSuffix(r.URL.Path, "/2013-04-01/healthcheck") ||
		strings.Contains(r.URL.Path, "/tags/healthcheck/")):
		p.refusals.Add(1)
		return reply(503, "ErrorResponse", "<Error><Type>Receiver</Type><Code>ServiceUnavailable</Code><Message>try "+
			"later</Message></Error><RequestId>r</RequestId>")
	case post && strings.Contains(r.URL.Path, "/tags/healthcheck/") && p.unknown.Add(-1) >= 0:
		return reply(404, "ErrorResponse",
			"<Error><Type>Sender</Type><Code>NoSuchHealthCheck</Code><Message>unknown</Message></Error><RequestId>r</RequestId>")
	case post && strings.HasSuffix(r.URL.Path, "/rrset") && p.forget.CompareAndSwap(true, false):
		return reply(200, "ChangeResourceRecordSetsResponse",
			"<ChangeInfo><Id>/change/C0STRANDED</Id><Status>PENDING</Status>"+
				"<SubmittedAt>2026-11-29T10:00:00.000Z</SubmittedAt></ChangeInfo>")
	}
	return p.Transport.RoundTrip(r)
}

// While health checks cannot be made, records of policies that have theirs are changed all the same. A policy that
// needs a new check is not half applied, and is completed when it can be.
func TestRecordsChangeWhileChecksCannotBeMade(t *testing.T) {
	t.Parallel()
	e := startEngine(t, node.Options{})
	w := want{namespace: "impaired", zone: e.createZone(t, "impaired.test"), apps: []string{"app1"}}
	a, p := e.impairedApplier(t)
	e.mustReach(t, a, w, plan.Guard{})
	_, before := e.objects(t, w)

	p.impaired.Store(true)
	other := int64(17)
	drifted := slices.Clone(before)
	for i := range drifted { // all members of a group have one TTL
		drifted[i].TTL = &other
	}
	e.put(t, w.zone, drifted...)
	e.mustReach(t, a, w, plan.Guard{})
	if _, after := e.objects(t, w); len(after) != len(before) || *after[0].TTL == other {
		t.Errorf("the record sets are %+v, want them as they were", after)
	}
	if n := p.refusals.Load(); n != 0 {
		t.Errorf("%d calls about health checks were made for records alone", n)
	}

	w.apps = append(w.apps, "app2")
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, _, err := e.reach(ctx, t, a, w, plan.Guard{}); err == nil || p.refusals.Load() == 0 {
		t.Errorf("a new check while none can be made: %v after %d refusals, want an error", err, p.refusals.Load())
	}
	if _, after := e.objects(t, w); len(after) != len(before) {
		t.Errorf("the record sets are %+v: app2 has some without a check", after)
	}
	p.impaired.Store(false)
	e.mustReach(t, a, w, plan.Guard{})
}

// A health check that was just created may be unknown to the next call for a moment: its tags are set all the same.
func TestNewCheckIsMarkedThoughItIsNotKnownAtOnce(t *testing.T) {
	t.Parallel()
	e := startEngine(t, node.Options{})
	w := want{namespace: "unseen", zone: e.createZone(t, "unseen.test"), apps: []string{"app1"}}
	a, p := e.impairedApplier(t)
	p.unknown.Store(3)
	e.mustReach(t, a, w, plan.Guard{})
	checks, sets := e.objects(t, w)
	if len(checks) == 0 || len(sets) == 0 || p.unknown.Load() >= 0 {
		t.Errorf("%d health checks and %d record sets, %d refusals left: want all made after three refusals", len(checks),
			len(sets), p.unknown.Load())
	}
}

// A batch that was accepted and forgotten is told, and the next run puts it back.
func TestForgottenChangeIsPutBack(t *testing.T) {
	t.Parallel()
	e := startEngine(t, node.Options{})
	w := want{namespace: "stranded", zone: e.createZone(t, "stranded.test"), apps: []string{"app1"}}
	a, p := e.impairedApplier(t)
	p.forget.Store(true)
	_, _, err := e.reach(t.Context(), t, a, w, plan.Guard{})
	var forgotten *types.NoSuchChange
	if !errors.As(err, &forgotten) || !strings.Contains(fmt.Sprint(err), "run again, which makes what is missing") {
		t.Errorf("the run ended with %v, want it to say that the change is lost", err)
	}
	if _, records := e.objects(t, w); len(records) != 0 {
		t.Fatalf("there are %+v, although the batch was forgotten", records)
	}
	e.mustReach(t, a, w, plan.Guard{})
	if _, records := e.objects(t, w); len(records) != 2 {
		t.Errorf("there are %+v, want the two Regions", records)
	}
}

func (e *engine) impairedApplier(t *testing.T) (*Applier, *impaired) {
	p := &impaired{}
	t.Cleanup(p.CloseIdleConnections)
	options := e.client(t, &wire{}).Options()
	options.HTTPClient = &http.Client{Transport: p}
	a, err := New(Options{Route53: route53.New(options), Provider: failover.Engine, VerdictTimeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	return a, p
}
