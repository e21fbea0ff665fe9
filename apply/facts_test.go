package apply

import (
	"context"
	"net/http"
	"reflect"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/route53"

	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/lab"
)

// Load balancers are found by name and by ARN in their Regions; what does not exist is left out, and does not hide the
// others. r53: E.1.
func TestLoadBalancersAreLookedUp(t *testing.T) {
	l, err := lab.New(lab.Options{DataDir: t.TempDir(), HTTPAddr: "127.0.0.1:0", DNSAddr: "127.0.0.1:0", AnyPort: true,
		Empty: true})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	select {
	case <-l.Ready():
	case <-time.After(2 * time.Minute):
		t.Fatal("the lab is not ready after 2 minutes")
	}
	c := l.Node().Credentials()
	key := credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey, "")
	endpoint := aws.String("http://" + l.Node().HTTPAddr().String())
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	client := &http.Client{Transport: transport}
	a, err := New(Options{
		Provider: failover.Engine,
		Route53: route53.New(route53.Options{BaseEndpoint: endpoint, Region: "us-east-1", Credentials: key,
			HTTPClient: client}),
		ELBv2: func(region string) *elasticloadbalancingv2.Client {
			return elasticloadbalancingv2.New(elasticloadbalancingv2.Options{BaseEndpoint: endpoint, Region: region,
				Credentials: key, HTTPClient: client})
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	facts, err := a.Facts(t.Context(), []failover.Lookup{
		{Region: "eu-central-1", Name: "demoalb"}, {Region: "eu-west-1", Name: "demoalb"},
		{Region: "eu-west-1", Name: "none"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(facts.LoadBalancers) != 2 {
		t.Fatalf("found %+v, want the load balancers of two Regions", facts.LoadBalancers)
	}
	first := facts.LoadBalancers[0]
	if first.Region != "eu-central-1" || first.Name != "demoalb" || first.HostedZoneID != "Z215JYRZR1TBD5" ||
		first.Internal || first.DNSName == "" {
		t.Errorf("the first is %+v, want demoalb of eu-central-1", first)
	}
	byARN, err := a.Facts(t.Context(), []failover.Lookup{{Region: "eu-central-1", ARN: first.ARN}})
	if err != nil || len(byARN.LoadBalancers) != 1 || !reflect.DeepEqual(byARN.LoadBalancers[0], first) {
		t.Errorf("by ARN: %+v, %v, want %+v", byARN.LoadBalancers, err, first)
	}
	a.o.ELBv2 = nil
	if _, err := a.Facts(t.Context(), []failover.Lookup{{Region: "eu-west-1", Name: "demoalb"}}); err == nil {
		t.Error("a load balancer is looked up without a client")
	}
}
