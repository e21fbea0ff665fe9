package awslike_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/aws/smithy-go"
	"go.uber.org/goleak"

	"github.com/bulkhead-dns/bulkhead/node"
	"github.com/bulkhead-dns/bulkhead/sigv4"
	"github.com/bulkhead-dns/bulkhead/test/awslike"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// An account is an engine behind a front, with the zone example.com.
type account struct {
	*awslike.Front
	url    string
	engine *node.Node
	zoneID string
}

// public is an address that AWS would probe; it stands for one of this machine.
const public = "52.95.110.1"

func open(t *testing.T, o awslike.Options) *account {
	t.Helper()
	t.Parallel()
	n, err := node.New(node.Options{DataDir: t.TempDir(), HTTPAddr: "127.0.0.1:0", DNSAddr: "127.0.0.1:0",
		ProbeAllow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	select {
	case <-n.Ready():
	case <-time.After(time.Minute):
		t.Fatal("the node is not ready after a minute")
	}
	o.Engine, o.Credentials = "http://"+n.HTTPAddr().String(), n.Credentials()
	o.Endpoints = map[string]string{public: "127.0.0.1"}
	a := &account{Front: awslike.New(o), engine: n}
	server := httptest.NewServer(a.Front)
	a.url = server.URL
	t.Cleanup(func() {
		server.Close()
		a.Close()
	})
	direct := client(t, o.Engine, n.Credentials())
	out, err := direct.CreateHostedZone(t.Context(),
		&route53.CreateHostedZoneInput{Name: aws.String("example.com"), CallerReference: aws.String("zone")})
	if err != nil {
		t.Fatal(err)
	}
	a.zoneID = strings.TrimPrefix(*out.HostedZone.Id, "/hostedzone/")
	return a
}

// client is one that does not try again.
func client(t *testing.T, url string, c sigv4.Credentials) *route53.Client {
	t.Helper()
	h := &transport{}
	t.Cleanup(h.CloseIdleConnections)
	return route53.New(route53.Options{BaseEndpoint: &url, Region: "us-east-1", Retryer: aws.NopRetryer{},
		HTTPClient:  h.client(),
		Credentials: credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey, "")})
}

// admin is the administrator's client.
func (a *account) admin(t *testing.T) *route53.Client {
	return client(t, a.url, a.engine.Credentials())
}

func (a *account) createCheck(t *testing.T, c *route53.Client, reference, address string, interval int32) (string,
	error) {
	t.Helper()
	out, err := c.CreateHealthCheck(t.Context(),
		&route53.CreateHealthCheckInput{CallerReference: &reference, HealthCheckConfig: &types.HealthCheckConfig{
			Type: types.HealthCheckTypeTcp, IPAddress: &address, Port: aws.Int32(80), RequestInterval: &interval,
			FailureThreshold: aws.Int32(1)}})
	if err != nil {
		return "", err
	}
	if got := aws.ToInt32(out.HealthCheck.HealthCheckConfig.RequestInterval); got != interval {
		t.Errorf("a check of %d s is answered as one of %d s", interval, got)
	}
	return *out.HealthCheck.Id, nil
}

func (a *account) change(t *testing.T, c *route53.Client, name string, action types.ChangeAction) (*types.ChangeInfo,
	error) {
	t.Helper()
	out, err := c.ChangeResourceRecordSets(t.Context(), &route53.ChangeResourceRecordSetsInput{HostedZoneId: &a.zoneID,
		ChangeBatch: &types.ChangeBatch{Changes: []types.Change{{Action: action, ResourceRecordSet: &types.ResourceRecordSet{
			Name: &name, Type: types.RRTypeA, TTL: aws.Int64(60),
			ResourceRecords: []types.ResourceRecord{{Value: aws.String("192.0.2.1")}}}}}}})
	if err != nil {
		return nil, err
	}
	return out.ChangeInfo, nil
}

// code is the code of an API error, "" when there is none.
func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

// within asks until an answer is right.
func within(t *testing.T, limit time.Duration, what string, right func() bool) {
	t.Helper()
	for deadline := time.Now().Add(limit); !right(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("after %v: %s", limit, what)
		}
	}
}
