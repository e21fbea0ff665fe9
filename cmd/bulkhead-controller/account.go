package main

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"os"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"

	"github.com/bulkhead-dns/bulkhead/apply"
	"github.com/bulkhead-dns/bulkhead/failover"
)

// How often a call is made, and how long a connection may take to be made, before others have their turn and somebody
// is told.
const (
	attempts = 3
	dialTime = 2 * time.Second
)

// statusShare leaves half of an account's GetHealthCheckStatus, one a second, to other clusters and to people. Verdicts
// come from CloudWatch, so that a controller asks for the statuses of changed checks only.
const statusShare = 0.5

// accounts returns what opens the account of a class. endpoint, if there is one, stands before what classes say. What o
// leaves open follows from the class.
func accounts(endpoint string, o apply.Options) (func(context.Context, failover.Class) (*apply.Applier,
	failover.Provider, error), error) {
	if endpoint != "" && !apply.IsURL(endpoint) {
		return nil, usageError{fmt.Errorf("--endpoint-url %s: use a URL such as http://127.0.0.1:8053", endpoint)}
	}
	return func(ctx context.Context, class failover.Class) (*apply.Applier, failover.Provider, error) {
		at := cmp.Or(endpoint, class.Spec.Endpoint)
		if at != "" && !apply.IsURL(at) {
			return nil, "", fmt.Errorf("the class %s: endpoint %s: use a URL such as http://127.0.0.1:8053", class.Metadata.Name,
				at)
		}
		cfg, err := awsconfig.LoadDefaultConfig(ctx,
			awsconfig.WithHTTPClient(awshttp.NewBuildableClient().WithDialerOptions(func(d *net.Dialer) {
				d.Timeout = dialTime
			})))
		if err != nil {
			return nil, "", fmt.Errorf("AWS configuration: %w", err)
		}
		e := apply.EndpointAt(at, class.Spec.Provider, os.Getenv)
		o := o
		o.Provider, o.Route53, o.CloudWatch = e.Provider, e.Route53(cfg), e.CloudWatch(cfg)
		applier, err := apply.New(o)
		return applier, o.Provider, err
	}, nil
}
