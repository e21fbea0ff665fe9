package apply

import (
	"cmp"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/route53"

	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// An Endpoint says where the APIs of an account are called: at AWS, or at an engine and the services beside it.
type Endpoint struct {
	Provider failover.Provider

	given       string // the URL of a flag or a class; empty when there is none
	environment string // the URL of the SDK's own variables; empty for AWS
	getenv      func(string) string
}

// EndpointAt returns the endpoint of a Route 53 API. given is the URL of a flag or a class, or empty: then the SDK's
// variables decide (AWS_ENDPOINT_URL_ROUTE_53, AWS_ENDPOINT_URL), and without these it is AWS. An empty provider is
// told by the URL. getenv reads the environment.
func EndpointAt(given string, provider failover.Provider, getenv func(string) string) Endpoint {
	e := Endpoint{given: given, getenv: getenv,
		environment: cmp.Or(getenv("AWS_ENDPOINT_URL_ROUTE_53"), getenv("AWS_ENDPOINT_URL"))}
	e.Provider = cmp.Or(provider, failover.ProviderAt(e.route53()))
	return e
}

// route53 is the URL that Route 53 is called at; empty for AWS.
func (e Endpoint) route53() string { return cmp.Or(e.given, e.environment) }

// Route53 returns the client of the Route 53 API.
func (e Endpoint) Route53(cfg aws.Config) *route53.Client {
	return route53.NewFromConfig(cfg, func(o *route53.Options) {
		o.Region = route53Region(e.route53(), cfg.Region)
		if e.given != "" {
			o.BaseEndpoint = aws.String(e.given)
		}
	})
}

// CloudWatch returns the client of the CloudWatch that has the verdicts of Route 53's health checks.
func (e Endpoint) CloudWatch(cfg aws.Config) *cloudwatch.Client {
	return cloudwatch.NewFromConfig(cfg, func(o *cloudwatch.Options) {
		o.Region = cloudWatchRegion(e.route53(), cfg.Region)
		if url := e.beside("AWS_ENDPOINT_URL_CLOUDWATCH"); url != "" {
			o.BaseEndpoint = aws.String(url)
		}
	})
}

// ELBv2 returns the client of a Region's load balancers.
func (e Endpoint) ELBv2(cfg aws.Config, region string) *elasticloadbalancingv2.Client {
	return elasticloadbalancingv2.NewFromConfig(cfg, func(o *elasticloadbalancingv2.Options) {
		o.Region = region
		if url := e.beside("AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2"); url != "" {
			o.BaseEndpoint = aws.String(url)
		}
	})
}

// beside is the URL of another service than Route 53; empty for what the SDK chooses. variable is the SDK's own
// variable for that service, which decides when it is set. A given URL that is not AWS's serves the other services too,
// whatever provider the account is said to have. A URL of the environment does so for an engine only: of AWS the SDK
// knows the other services.
func (e Endpoint) beside(variable string) string {
	switch {
	case e.getenv(variable) != "":
		return ""
	case e.given != "" && failover.ProviderAt(e.given) != failover.AWS:
		return e.given
	case e.given != "" || e.Provider == failover.AWS:
		return ""
	}
	return e.environment
}

// IsURL reports whether s can be the URL of an API: http or https with a host.
func IsURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https")
}

// route53Region is the Region that requests to a Route 53 API are signed for. An endpoint of AWS decides by its
// partition, whatever Region is configured, because a partition has one Route 53. Otherwise it is the configured
// Region, from which the SDK finds the partition. r53: C.1.
func route53Region(endpoint, configured string) string {
	if u, err := url.Parse(endpoint); err == nil {
		if p, aws := zone.PartitionOfHost(u.Hostname()); aws {
			return p.Route53Region
		}
	}
	return cmp.Or(configured, "us-east-1")
}

// cloudWatchRegion is the Region whose CloudWatch has the verdicts of health checks: that of Route 53 in its partition.
func cloudWatchRegion(endpoint, configured string) string {
	region := route53Region(endpoint, configured)
	if p, aws := zone.PartitionOfRegion(region); aws {
		return p.Route53Region
	}
	return region
}
