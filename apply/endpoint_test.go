package apply

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/bulkhead-dns/bulkhead/failover"
)

// Requests are signed for the Region that the partition of the endpoint wants. r53: C.1.
func TestRoute53Region(t *testing.T) {
	for _, c := range []struct{ endpoint, configured, want string }{
		{"", "", "us-east-1"},
		{"", "cn-north-1", "cn-north-1"},
		{"http://127.0.0.1:8053", "", "us-east-1"},
		{"http://127.0.0.1:8053", "eu-west-1", "eu-west-1"},
		{"https://route53.amazonaws.com", "eu-west-1", "us-east-1"},
		{"https://route53.global.api.aws", "", "us-east-1"},
		{"https://route53.amazonaws.com.cn", "cn-north-1", "cn-northwest-1"},
		{"https://route53.us-gov.amazonaws.com", "", "us-gov-west-1"},
		{"https://route53.amazonaws.eu", "", "eusc-de-east-1"},
	} {
		if got := route53Region(c.endpoint, c.configured); got != c.want {
			t.Errorf("%q with %q: signed for %s, want %s", c.endpoint, c.configured, got, c.want)
		}
	}
}

// What a flag, a class and the environment say decides where each service is called and what the account is.
func TestEndpointAt(t *testing.T) {
	const (
		engine, other = "http://127.0.0.1:8053", "http://127.0.0.1:9000"
		atAWS         = "https://route53.amazonaws.com"
		forRoute53    = "AWS_ENDPOINT_URL_ROUTE_53"
		forAll        = "AWS_ENDPOINT_URL"
		forCloudWatch = "AWS_ENDPOINT_URL_CLOUDWATCH"
		forELB        = "AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2"
	)
	type env map[string]string
	for _, tt := range []struct {
		name                     string
		given                    string
		provider                 failover.Provider
		env                      env
		want                     failover.Provider
		route53, cloudWatch, elb string // base endpoints of the clients; empty for what the SDK chooses
	}{
		{"nothing", "", "", nil, failover.AWS, "", "", ""},
		{"an engine", engine, "", nil, failover.Engine, engine, engine, engine},
		{"an engine called AWS", engine, failover.AWS, nil, failover.AWS, engine, engine, engine},
		{"AWS's own URL", atAWS, "", nil, failover.AWS, atAWS, "", ""},
		{"AWS's own URL called an engine", atAWS, failover.Engine, nil, failover.Engine, atAWS, "", ""},
		{"an engine in the environment", "", "", env{forRoute53: engine}, failover.Engine, "", engine, engine},
		{"an engine for all services", "", "", env{forAll: engine}, failover.Engine, "", engine, engine},
		{"the variable of Route 53 before that of all", "", "", env{forRoute53: engine, forAll: other},
			failover.Engine, "", engine, engine},
		{"an engine in the environment called AWS", "", failover.AWS, env{forRoute53: engine}, failover.AWS, "", "", ""},
		{"a URL before the environment", engine, "", env{forRoute53: other}, failover.Engine, engine, engine, engine},
		{"CloudWatch elsewhere", engine, "", env{forCloudWatch: other}, failover.Engine, engine, "", engine},
		{"load balancers elsewhere", engine, "", env{forELB: other}, failover.Engine, engine, engine, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := EndpointAt(tt.given, tt.provider, func(name string) string { return tt.env[name] })
			if e.Provider != tt.want {
				t.Errorf("provider is %q, want %q", e.Provider, tt.want)
			}
			cfg := aws.Config{Region: "eu-west-1"}
			for _, c := range []struct {
				service string
				got     *string
				want    string
			}{
				{"Route 53", e.Route53(cfg).Options().BaseEndpoint, tt.route53},
				{"CloudWatch", e.CloudWatch(cfg).Options().BaseEndpoint, tt.cloudWatch},
				{"Elastic Load Balancing", e.ELBv2(cfg, "eu-west-1").Options().BaseEndpoint, tt.elb},
			} {
				if got := aws.ToString(c.got); got != c.want {
					t.Errorf("%s is called at %q, want %q", c.service, got, c.want)
				}
			}
		})
	}
}
