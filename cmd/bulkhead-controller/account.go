package main

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/route53"

	"github.com/bulkhead-dns/bulkhead/apply"
	"github.com/bulkhead-dns/bulkhead/failover"
)

// How often a call is made, and how long a connection may take to be made, before others have their turn and somebody is told.
const (
	attempts = 3
	dialTime = 2 * time.Second
)

// statusShare leaves half of an account's GetHealthCheckStatus, one a second, to other clusters and to people. Verdicts come from
// CloudWatch, so that a controller asks for the statuses of changed checks only.
const statusShare = 0.5

// accounts returns what opens the account of a class. endpoint, if there is one, stands before what classes say. What o leaves open
// follows from the class.
func accounts(endpoint string, o apply.Options) (func(context.Context, failover.Class) (*apply.Applier, failover.Provider, error), error) {
	if endpoint != "" && !isURL(endpoint) {
		return nil, usageError{fmt.Errorf("--endpoint-url %s: use a URL such as http://127.0.0.1:8053", endpoint)}
	}
	return func(ctx context.Context, class failover.Class) (*apply.Applier, failover.Provider, error) {
		at := cmp.Or(endpoint, class.Spec.Endpoint)
		if at != "" && !isURL(at) {
			return nil, "", fmt.Errorf("the class %s: endpoint %s: use a URL such as http://127.0.0.1:8053", class.Metadata.Name, at)
		}
		cfg, err := awsconfig.LoadDefaultConfig(ctx, awsconfig.WithHTTPClient(awshttp.NewBuildableClient().WithDialerOptions(func(d *net.Dialer) {
			d.Timeout = dialTime
		})))
		if err != nil {
			return nil, "", fmt.Errorf("AWS configuration: %w", err)
		}
		called := cmp.Or(at, os.Getenv("AWS_ENDPOINT_URL_ROUTE_53"), os.Getenv("AWS_ENDPOINT_URL"))
		o := o
		o.Provider = cmp.Or(class.Spec.Provider, failover.ProviderAt(called))
		o.Route53 = route53.NewFromConfig(cfg, func(r *route53.Options) {
			r.Region = apply.Route53Region(called, cfg.Region)
			if at != "" {
				r.BaseEndpoint = aws.String(at)
			}
		})
		o.CloudWatch = cloudwatch.NewFromConfig(cfg, func(m *cloudwatch.Options) {
			m.Region = apply.CloudWatchRegion(called, cfg.Region)
			if url := metricsURL(at, o.Provider); url != "" {
				m.BaseEndpoint = aws.String(url)
			}
		})
		applier, err := apply.New(o)
		return applier, o.Provider, err
	}, nil
}

// metricsURL is where CloudWatch is called, empty for AWS or what the SDK's own variable says. An endpoint of Route 53 that is not AWS's
// stands for its surroundings too, whatever kind of account it is said to be; of the environment's, only an engine's does.
func metricsURL(endpoint string, provider failover.Provider) string {
	switch {
	case os.Getenv("AWS_ENDPOINT_URL_CLOUDWATCH") != "":
		return ""
	case endpoint != "" && failover.ProviderAt(endpoint) != failover.AWS:
		return endpoint
	case endpoint != "" || provider == failover.AWS:
		return ""
	}
	return cmp.Or(os.Getenv("AWS_ENDPOINT_URL_ROUTE_53"), os.Getenv("AWS_ENDPOINT_URL"))
}

func isURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https")
}
