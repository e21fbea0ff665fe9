package apply

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/google/go-cmp/cmp"

	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/node"
	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/quota"
)

// A plan for AWS keeps the quotas that the account has: raised ones allow what the first ones would not, and small ones
// refuse before the first call. Quotas are read where something is to be changed. r53: C.8.
func TestPlansKeepTheAccountsQuotas(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		limits  quota.Limits
		apps    int
		refused string
		read    []int // calls of GetAccountLimit and GetHostedZoneLimit
	}{
		{"none", quota.Limits{}, 101, "", []int{1, 1}},
		{"few checks", quota.Limits{HealthChecks: 1}, 1, "needs 2 health checks at its height, the account may have 1",
			[]int{1, 1}},
		{"few record sets", quota.Limits{RecordSetsPerZone: 3}, 1, "would hold 4 record sets, at most 3 are allowed",
			[]int{1, 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e := startEngine(t, node.Options{Limits: c.limits})
			e.createZone(t, "example.com")
			a, err := New(Options{Route53: e.client(t, &wire{}), Provider: failover.AWS})
			if err != nil {
				t.Fatal(err)
			}
			prepared, err := a.Prepare(t.Context(), Request{Groups: []Group{{Policies: balanced(t, c.apps)}}})
			var refused *plan.Refused
			switch {
			case c.refused == "" && err != nil:
				t.Error(err)
			case c.refused != "" && (!errors.As(err, &refused) || !strings.Contains(err.Error(), c.refused)):
				t.Errorf("error %v, want %s", err, c.refused)
			case prepared.Plan.Empty():
				t.Error("the plan is empty")
			}
			// An engine without a quota has no word for that; what it tells instead is not shown as one.
			use := prepared.Plan.Counts
			if use.Checks.Limit != c.limits.HealthChecks || use.Zones[0].Limit != c.limits.RecordSetsPerZone {
				t.Errorf("the plan tells of quotas of %d health checks and %d record sets, want those of %+v", use.Checks.Limit,
					use.Zones[0].Limit, c.limits)
			}
			// Who makes the plan again for a part of the policies, as adopt does, keeps the same quotas.
			if again, _ := Diff(prepared.Current, prepared.Desired,
				prepared.Guard); again.Counts.Checks.Limit != use.Checks.Limit ||
				again.Hash != prepared.Plan.Hash {
				t.Errorf("made again, the plan is %s with a quota of %d health checks", again.Hash, again.Counts.Checks.Limit)
			}
			calls := a.Calls()
			if diff := cmp.Diff(c.read, []int{calls["GetAccountLimit"], calls["GetHostedZoneLimit"]}); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

// An endpoint where nobody has ever answered is a wrong one: that is told at once, and not after the minute and a half
// that an engine gets to come back.
func TestAnEndpointThatWasNeverReached(t *testing.T) {
	t.Parallel()
	client := route53.New(route53.Options{Region: "us-east-1", BaseEndpoint: aws.String("http://127.0.0.1:1"),
		Credentials: credentials.NewStaticCredentialsProvider("AKIAEXAMPLE", "secret", "")})
	a, err := New(Options{Route53: client, Provider: failover.Engine})
	if err != nil {
		t.Fatal(err)
	}
	_, err = a.Zones(t.Context())
	if calls := a.Calls()["ListHostedZones"]; err == nil || calls != strangerAttempts {
		t.Errorf("%d calls, want %d; error %v", calls, strangerAttempts, err)
	}
}

// A deaf transport is refused the account's quotas, as by IAM.
type deaf struct{ http.RoundTripper }

func (d deaf) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.Contains(r.URL.Path, "limit/") {
		return d.RoundTripper.RoundTrip(r)
	}
	const body = `<ErrorResponse xmlns="https://route53.amazonaws.com/doc/2013-04-01/"><Error>` +
		`<Code>AccessDenied</Code></Error></ErrorResponse>`
	return &http.Response{StatusCode: http.StatusForbidden, Header: http.Header{},
		Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

// Who may not read quotas plans by those that an account has at first.
func TestQuotasThatMayNotBeRead(t *testing.T) {
	t.Parallel()
	e := startEngine(t, node.Options{})
	e.createZone(t, "example.com")
	client := route53.New(e.client(t, &wire{}).Options(), func(o *route53.Options) {
		transport := &http.Transport{}
		t.Cleanup(transport.CloseIdleConnections)
		o.HTTPClient = &http.Client{Transport: deaf{transport}}
	})
	a, err := New(Options{Route53: client, Provider: failover.AWS})
	if err != nil {
		t.Fatal(err)
	}
	_, err = a.Prepare(t.Context(), Request{Groups: []Group{{Policies: balanced(t, 101)}}})
	if err == nil || !strings.Contains(err.Error(), "needs 202 health checks at its height, the account may have 200") {
		t.Errorf("error %v", err)
	}
}

// balanced are applications on load balancers that nobody has to look up.
func balanced(t *testing.T, n int) (policies []failover.Policy) {
	t.Helper()
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, `---
apiVersion: bulkhead.dev/v1alpha1
kind: FailoverPolicy
metadata: {name: app%d, namespace: team}
spec:
  hostname: app%[1]d.example.com
  healthCheck: {path: /health}
  routing: {policy: Latency}
  regions:
    - {name: eu-west-1, loadBalancer: {dnsName: lb-1.eu-west-1.elb.amazonaws.com}}
    - {name: eu-central-1, loadBalancer: {dnsName: lb-2.eu-central-1.elb.amazonaws.com}}
`, i)
	}
	objects, err := failover.Parse("policies.yaml", []byte(text.String()))
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range objects {
		policies = append(policies, *o.Policy)
	}
	return policies
}
