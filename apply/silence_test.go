package apply

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/route53"

	"github.com/bulkhead-dns/bulkhead/failover"
)

// A silence is an endpoint that does not answer the first requests, and keeps their connections open.
type silence struct{ requests, unanswered int }

func (s *silence) Do(r *http.Request) (*http.Response, error) {
	if s.requests++; s.requests <= s.unanswered {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	return &http.Response{StatusCode: http.StatusOK, Request: r, Header: http.Header{"Content-Type": {"text/xml"}},
		Body: io.NopCloser(strings.NewReader(
			`<ListHostedZonesResponse xmlns="https://route53.amazonaws.com/doc/2013-04-01/"><HostedZones/>` +
				`<IsTruncated>false</IsTruncated><MaxItems>100</MaxItems>` +
				`</ListHostedZonesResponse>`))}, nil
}

// A request that a network has swallowed is made again, instead of being waited for until the process ends.
func TestCallThatIsNotAnsweredIsMadeAgain(t *testing.T) {
	for _, c := range []struct {
		name       string
		unanswered int
		ok         bool
		limit      time.Duration
	}{
		{"once", 1, true, answerTime + time.Second},
		{"always", 100, false, 3*answerTime + time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				endpoint := &silence{unanswered: c.unanswered}
				a, err := New(Options{Provider: failover.Engine, Attempts: 3, Route53: route53.New(route53.Options{
					Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("AKIA", "secret", ""),
					HTTPClient: endpoint})})
				if err != nil {
					t.Fatal(err)
				}
				began := time.Now()
				_, err = a.Zones(t.Context())
				if took := time.Since(began); (err == nil) != c.ok || took > c.limit {
					t.Errorf("error %v after %s, want none: %t, within %s", err, took, c.ok, c.limit)
				}
				if err != nil && (!Unanswered(err) || !strings.Contains(err.Error(), "no answer within")) {
					t.Errorf("error %v, want one that says that there was no answer", err)
				}
			})
		})
	}
}
