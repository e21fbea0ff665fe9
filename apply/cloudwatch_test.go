package apply

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/bulkhead-dns/bulkhead/cwserver"
	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/sigv4"
)

// cloudWatch is an Applier before an engine's CloudWatch with these verdicts.
func cloudWatch(t *testing.T, verdict func(id string) (healthy, known bool)) *Applier {
	t.Helper()
	key := sigv4.Credentials{AccessKeyID: "AKIAEXAMPLE000000000", SecretAccessKey: "secret"}
	handler, err := cwserver.New(cwserver.Options{Verdict: verdict,
		Lookup: func(id string) (sigv4.Credentials, bool) { return key, id == key.AccessKeyID }})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	a, err := New(Options{Provider: failover.AWS, Route53: route53.New(route53.Options{}),
		CloudWatch: cloudwatch.New(cloudwatch.Options{Region: "us-east-1", BaseEndpoint: &server.URL,
			Credentials: credentials.NewStaticCredentialsProvider(key.AccessKeyID, key.SecretAccessKey, "")})})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestVerdictsOfManyChecks(t *testing.T) {
	a := cloudWatch(t, func(id string) (healthy, known bool) { return strings.HasSuffix(id, "1"), id != "c7" })
	var ids []string
	for i := range 1100 {
		ids = append(ids, fmt.Sprint("c", i))
	}
	got, err := a.Verdicts(t.Context(), ids)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		v, known := got[id]
		if known != (id != "c7") || v.Healthy != strings.HasSuffix(id, "1") {
			t.Errorf("%s: %+v, known %v", id, v, known)
		}
		if age := time.Since(v.At); known && (age < 0 || age > time.Minute) {
			t.Errorf("%s is %v old, want it to be of this minute", id, age)
		}
	}
	if diff := cmp.Diff(map[string]int{"GetMetricData": 3}, a.Calls()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

// Without the right to read CloudWatch, the error says so and nothing is known.
func TestVerdictsWithoutTheRight(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
		w.WriteHeader(http.StatusForbidden)
		// {"__type": "AccessDenied", "message": "no"}
		w.Write([]byte("\xa2\x66__type\x6cAccessDenied\x67message\x62no"))
	}))
	t.Cleanup(server.Close)
	a, err := New(Options{Provider: failover.AWS, Route53: route53.New(route53.Options{}),
		CloudWatch: cloudwatch.New(cloudwatch.Options{
			Region: "us-east-1", BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider("AKIA", "x",
				"")})})
	if err != nil {
		t.Fatal(err)
	}
	got, err := a.Verdicts(t.Context(), []string{"c1"})
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != "AccessDenied" || len(got) != 0 {
		t.Errorf("verdicts %v, %v; want none, and AccessDenied", got, err)
	}
	if a, err = New(Options{Provider: failover.AWS, Route53: route53.New(route53.Options{})}); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Verdicts(t.Context(), []string{"c1"}); !errors.Is(err, ErrNoCloudWatch) {
		t.Errorf("without a client: %v", err)
	}
}

func TestCloudWatchIsInThePartitionOfRoute53(t *testing.T) {
	for configured, want := range map[string]string{"": "us-east-1", "eu-west-1": "us-east-1",
		"cn-north-1": "cn-northwest-1", "us-gov-east-1": "us-gov-west-1"} {
		if got := cloudWatchRegion("", configured); got != want {
			t.Errorf("configured %q: %s, want %s", configured, got, want)
		}
	}
	if got := cloudWatchRegion("https://route53.amazonaws.com.cn", "eu-west-1"); got != "cn-northwest-1" {
		t.Errorf("the endpoint's partition wins: %s", got)
	}
}
