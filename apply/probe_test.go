package apply

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/node"
)

func TestProbeNow(t *testing.T) {
	e := startEngine(t, node.Options{})
	client := e.client(t, &wire{})
	a, err := New(Options{Route53: client, Provider: failover.Engine})
	if err != nil {
		t.Fatal(err)
	}
	made, err := client.CreateHealthCheck(t.Context(), &route53.CreateHealthCheckInput{CallerReference: aws.String("c"),
		HealthCheckConfig: &types.HealthCheckConfig{Type: types.HealthCheckTypeHttp, IPAddress: aws.String("127.0.0.1"),
			RequestInterval: aws.Int32(30)}})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.ProbeNow(t.Context(), *made.HealthCheck.Id); err != nil {
		t.Error(err)
	}
	err = a.ProbeNow(t.Context(), "none")
	var refused smithy.APIError
	if !errors.As(err, &refused) || refused.ErrorCode() != "NoSuchHealthCheck" ||
		!strings.Contains(refused.ErrorMessage(), "none") {
		t.Errorf("a check that is not there: %v, want NoSuchHealthCheck", err)
	}
	if diff := cmp.Diff(map[string]int{"ProbeHealthCheck": 2}, a.Calls()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

// AWS has no such operation: it is not asked.
func TestProbeNowIsForEnginesOnly(t *testing.T) {
	a, err := New(Options{Route53: route53.New(route53.Options{}), Provider: failover.AWS})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.ProbeNow(t.Context(), "c"); err == nil || !strings.Contains(err.Error(), "only engine can") {
		t.Errorf("ProbeNow on AWS: %v", err)
	}
	if calls := a.Calls(); len(calls) > 0 {
		t.Errorf("calls %v, want none", calls)
	}
}
