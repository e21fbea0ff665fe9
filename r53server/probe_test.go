package r53server_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"

	"github.com/bulkhead-dns/bulkhead/etcd/etcdtest"
	"github.com/bulkhead-dns/bulkhead/store"
)

// The extension ProbeHealthCheck: every node is told, and what is refused tells nobody.
func TestProbeHealthCheck(t *testing.T) {
	endpoint := etcdtest.Start(t)
	n := startNode(t, endpoint, nil)
	told := make(chan string, 10)
	startStore(t, endpoint, "node2", func(_ *store.State, c store.Change) {
		for _, id := range c.Hints {
			told <- id
		}
	})
	create := func(reference string, config types.HealthCheckConfig) string {
		out, err := n.client().CreateHealthCheck(t.Context(), &route53.CreateHealthCheckInput{CallerReference: &reference,
			HealthCheckConfig: &config})
		if err != nil {
			t.Fatal(err)
		}
		return *out.HealthCheck.Id
	}
	check := create("1", types.HealthCheckConfig{Type: types.HealthCheckTypeHttp, IPAddress: aws.String("8.8.8.8")})
	disabled := create("2", types.HealthCheckConfig{Type: types.HealthCheckTypeHttp, IPAddress: aws.String("8.8.8.8"),
		Disabled: aws.Bool(true)})
	calculated := create("3", types.HealthCheckConfig{Type: types.HealthCheckTypeCalculated, HealthThreshold: aws.Int32(1),
		ChildHealthChecks: []string{check}})
	for _, tt := range []struct {
		name, id, body string
		status         int
		says           string
	}{
		{"unknown", "none", "", 404, "<Code>NoSuchHealthCheck</Code>"},
		{"disabled", disabled, "", 400, "<Code>InvalidInput</Code>"},
		{"calculated", calculated, "", 400, "type CALCULATED"},
		{"with a body", check, "<a/>", 400, "must be empty"},
		{"as it should be", check, "", 200, "ProbeHealthCheckResponse"},
	} {
		response, body := n.do(t, n.request(t, "POST", "/2013-04-01/healthcheck/"+tt.id+"/probe", tt.body))
		if response.StatusCode != tt.status || !strings.Contains(body, tt.says) {
			t.Errorf("%s: %d %s, want %d and %s", tt.name, response.StatusCode, body, tt.status, tt.says)
		}
	}
	unsigned := n.request(t, "POST", "/2013-04-01/healthcheck/"+check+"/probe", "")
	unsigned.Header.Del("Authorization")
	if response, body := n.do(t, unsigned); response.StatusCode != 403 {
		t.Errorf("without a signature: %d %s", response.StatusCode, body)
	}
	last := create("4", types.HealthCheckConfig{Type: types.HealthCheckTypeHttp, IPAddress: aws.String("8.8.8.8")})
	response, body := n.do(t, n.request(t, "POST", "/2013-04-01/healthcheck/"+last+"/probe", ""))
	if response.StatusCode != 200 {
		t.Fatalf("%d %s", response.StatusCode, body)
	}
	for _, want := range []string{check, last} {
		select {
		case got := <-told:
			if got != want {
				t.Errorf("the other node is told to probe %s, want %s", got, want)
			}
		case <-time.After(2 * time.Minute):
			t.Fatalf("the other node is not told to probe %s", want)
		}
	}
}
