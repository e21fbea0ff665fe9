package cwserver_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/bulkhead-dns/bulkhead/cwserver"
	"github.com/bulkhead-dns/bulkhead/sigv4"
)

const key, secret = "AKIAEXAMPLE000000000", "a secret of this test alone"

// verdicts are what the server knows.
var verdicts = map[string]bool{"up": true, "down": false}

func handler(t testing.TB) *cwserver.Server {
	s, err := cwserver.New(cwserver.Options{
		Lookup: func(id string) (sigv4.Credentials, bool) {
			return sigv4.Credentials{AccessKeyID: key, SecretAccessKey: secret}, id == key
		},
		Verdict: func(id string) (healthy, known bool) {
			healthy, known = verdicts[id]
			return healthy, known
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// client is the AWS SDK before a server.
func client(t *testing.T, accessKeyID string) *cloudwatch.Client {
	t.Helper()
	server := httptest.NewServer(handler(t))
	t.Cleanup(server.Close)
	return cloudwatch.New(cloudwatch.Options{Region: "us-east-1", BaseEndpoint: &server.URL, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(accessKeyID, secret, "")})
}

func query(id, check string) types.MetricDataQuery {
	return types.MetricDataQuery{Id: &id, MetricStat: &types.MetricStat{Period: aws.Int32(60), Stat: aws.String("Minimum"),
		Metric: &types.Metric{
			Namespace: aws.String("AWS/Route53"), MetricName: aws.String("HealthCheckStatus"),
			Dimensions: []types.Dimension{{Name: aws.String("HealthCheckId"), Value: &check}}}}}
}

func input(queries ...types.MetricDataQuery) *cloudwatch.GetMetricDataInput {
	now := time.Now()
	if queries == nil {
		queries = []types.MetricDataQuery{} // else the SDK refuses it
	}
	return &cloudwatch.GetMetricDataInput{StartTime: aws.Time(now.Add(-10 * time.Minute)),
		EndTime: aws.Time(now.Add(time.Minute)), MetricDataQueries: queries}
}

func TestVerdictsAsCloudWatchHasThem(t *testing.T) {
	c := client(t, key)
	other := query("other", "up")
	other.MetricStat.Metric.MetricName = aws.String("HealthCheckPercentageHealthy")
	hidden := query("hidden", "up")
	hidden.ReturnData = aws.Bool(false)
	count := query("count", "down")
	count.MetricStat.Stat, count.Label = aws.String("SampleCount"), aws.String("mine")
	before := time.Now().Truncate(time.Minute)
	out, err := c.GetMetricData(t.Context(), input(query("a", "up"), query("b", "down"), query("c", "none"), other, hidden,
		count))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range out.MetricDataResults {
		got = append(got, fmt.Sprint(*r.Id, " ", *r.Label, " ", r.StatusCode, " ", r.Values))
		for _, at := range r.Timestamps {
			if at.Before(before) || at.After(time.Now()) || !at.Equal(at.Truncate(time.Minute)) {
				t.Errorf("%s is of %v, want the beginning of this minute", *r.Id, at)
			}
		}
	}
	if diff := cmp.Diff([]string{"a HealthCheckStatus Complete [1]", "b HealthCheckStatus Complete [0]",
		"c HealthCheckStatus Complete []",
		"other HealthCheckPercentageHealthy Complete []", "count mine Complete [1]"}, got); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
	// An engine has no history.
	past := input(query("a", "up"))
	past.EndTime = aws.Time(time.Now().Add(-5 * time.Minute))
	if out, err = c.GetMetricData(t.Context(), past); err != nil || len(out.MetricDataResults) != 1 ||
		len(out.MetricDataResults[0].Values) != 0 {
		t.Errorf("what was five minutes ago: %+v, %v; want a result without values", out, err)
	}
}

func TestFiveHundredMetricsWithOneCall(t *testing.T) {
	c := client(t, key)
	var queries []types.MetricDataQuery
	for i := range 501 {
		queries = append(queries, query(fmt.Sprint("c", i), []string{"up", "down"}[i%2]))
	}
	out, err := c.GetMetricData(t.Context(), input(queries[:500]...))
	if err != nil || len(out.MetricDataResults) != 500 || out.MetricDataResults[498].Values[0] != 1 ||
		out.MetricDataResults[499].Values[0] != 0 {
		t.Fatalf("500 metrics: %v", err)
	}
	_, err = c.GetMetricData(t.Context(), input(queries...))
	refused(t, "501 metrics", err, "ValidationError", "size greater than 500")
}

// refused wants an error in AWS's terms.
func refused(t *testing.T, what string, err error, code, text string) {
	t.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != code || !strings.Contains(api.ErrorMessage(), text) {
		t.Errorf("%s: %v, want %s with %q", what, err, code, text)
	}
}

func TestRefusals(t *testing.T) {
	c := client(t, key)
	changed := func(change func(*types.MetricDataQuery)) types.MetricDataQuery {
		q := query("a", "up")
		change(&q)
		return q
	}
	for what, test := range map[string]struct {
		in   *cloudwatch.GetMetricDataInput
		text string
	}{
		"no metric":    {input(), "MetricDataQueries is required"},
		"one id twice": {input(query("a", "up"), query("a", "down")), "not unique: a"},
		"a bad id":     {input(query("A", "up")), "pattern"},
		"no statistic": {input(changed(func(q *types.MetricDataQuery) { q.MetricStat = nil })), "no MetricStat"},
		"an expression": {input(changed(func(q *types.MetricDataQuery) {
			q.MetricStat, q.Expression = nil, aws.String("a+1")
		})), "expression"},
		"a bad period": {input(changed(func(q *types.MetricDataQuery) { q.MetricStat.Period = aws.Int32(61) })),
			"Period 61"},
		"a percentile": {input(changed(func(q *types.MetricDataQuery) { q.MetricStat.Stat = aws.String("p99") })), `"p99"`},
		"time backwards": {&cloudwatch.GetMetricDataInput{StartTime: aws.Time(time.Now()),
			EndTime: aws.Time(time.Now().Add(-time.Hour)), MetricDataQueries: []types.MetricDataQuery{query("a", "up")}},
			"StartTime must be less"},
	} {
		_, err := c.GetMetricData(t.Context(), test.in)
		refused(t, what, err, "ValidationError", test.text)
	}
	next := input(query("a", "up"))
	next.NextToken = aws.String("x")
	_, err := c.GetMetricData(t.Context(), next)
	refused(t, "a page after the first", err, "InvalidNextToken", "")
	_, err = c.ListMetrics(t.Context(), &cloudwatch.ListMetricsInput{})
	refused(t, "another operation", err, "UnknownOperationException", "GetMetricData")
	_, err = client(t, "AKIASTRANGER00000000").GetMetricData(t.Context(), input(query("a", "up")))
	refused(t, "a stranger", err, "InvalidClientTokenId", "")
}

// Nothing that a client sends makes the server fail, and without a signature nothing is answered.
func FuzzRequest(f *testing.F) {
	s := handler(f)
	f.Add([]byte{0xa1, 0x61, 'a', 0x9f, 0xff}, "", true)
	f.Add([]byte("\xbf\x71MetricDataQueries\x9f\xbf\xff\xff\xff"), "GetMetricData", true)
	f.Add([]byte(nil), "GetMetricData", false)
	f.Fuzz(func(t *testing.T, body []byte, operation string, sign bool) {
		r := httptest.NewRequest(http.MethodPost, cwserver.Prefix, bytes.NewReader(body))
		r.URL.Path += operation
		r.Header.Set("Smithy-Protocol", "rpc-v2-cbor")
		if sign {
			signed := &sigv4.Request{Method: r.Method, Path: r.URL.EscapedPath(), Host: r.Host, Header: r.Header, Body: body}
			sigv4.Sign(signed, sigv4.Credentials{AccessKeyID: key, SecretAccessKey: secret}, "us-east-1", "monitoring",
				time.Now())
			r.Header = signed.Header
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code >= 500 || !sign && w.Code < 400 {
			t.Errorf("%s %q: status %d", operation, body, w.Code)
		}
	})
}
