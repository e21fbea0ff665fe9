package main

import (
	"context"
	"fmt"
	"os"

	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/smithy-go/logging"
	"github.com/spf13/cobra"

	"github.com/bulkhead-dns/bulkhead/apply"
	"github.com/bulkhead-dns/bulkhead/failover"
)

// An account says where a command finds Route 53: AWS, or an engine, which differs by its URL alone. Credentials come
// from the AWS SDK's usual chain: environment, shared files, SSO, roles.
type account struct {
	endpoint string
	profile  string
	provider string // empty: by the endpoint
}

// addAccount adds the flags that say which account a command works on.
func addAccount(cmd *cobra.Command) *account {
	a := &account{}
	f := cmd.Flags()
	f.StringVar(&a.endpoint, "endpoint-url", "", "`URL` of an engine, for Route 53 and load balancers; without it the AWS SDK chooses (AWS_ENDPOINT_URL_ROUTE_53)")
	f.StringVar(&a.profile, "profile", "", "`name` of a profile in the AWS configuration files")
	f.StringVar(&a.provider, "provider", "", "`kind` of the account, aws or engine; without it, the endpoint says which")
	cmd.RegisterFlagCompletionFunc("provider", cobra.FixedCompletions([]string{"aws", "engine"}, cobra.ShellCompDirectiveNoFileComp))
	return a
}

// check refuses flags that name no account.
func (a *account) check() error {
	switch failover.Provider(a.provider) {
	case "", failover.AWS, failover.Engine:
	default:
		return usageError{fmt.Errorf("--provider %s: use aws or engine", a.provider)}
	}
	if a.endpoint != "" && !apply.IsURL(a.endpoint) {
		return usageError{fmt.Errorf("--endpoint-url %s: use a URL such as http://127.0.0.1:8053", a.endpoint)}
	}
	for _, variable := range []string{"AWS_ENDPOINT_URL_ROUTE_53", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2"} {
		if value := os.Getenv(variable); value != "" && !apply.IsURL(value) {
			return usageError{fmt.Errorf("%s is %s: use a URL such as http://127.0.0.1:8053, or unset it", variable, value)}
		}
	}
	return nil
}

// open makes the clients, and fills in what o lacks of them. class may be nil; what it says of provider and endpoint is
// taken where no flag does.
func (a *account) open(ctx context.Context, class *failover.Class, o apply.Options) (*apply.Applier, failover.Provider, error) {
	if err := a.check(); err != nil {
		return nil, "", err
	}
	endpoint := a.endpoint
	if endpoint == "" && class != nil {
		endpoint = class.Spec.Endpoint
	}
	if endpoint != "" && !apply.IsURL(endpoint) {
		return nil, "", fmt.Errorf("spec.endpoint of the class is %s: use a URL such as http://127.0.0.1:8053", endpoint)
	}
	provider := failover.Provider(a.provider)
	if provider == "" && class != nil {
		provider = class.Spec.Provider
	}
	e := apply.EndpointAt(endpoint, provider, os.Getenv)
	options := []func(*awsconfig.LoadOptions) error{awsconfig.WithSharedConfigProfile(a.profile),
		awsconfig.WithLogger(logging.Nop{})} // what matters comes back as an error
	cfg, err := awsconfig.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, "", configError(err)
	}
	if err := checkRegion(cfg.Region); err != nil {
		return nil, "", err
	}
	if err := a.hasCredentials(ctx, cfg, e.Provider); err != nil {
		return nil, "", err
	}
	o.Provider, o.Route53 = e.Provider, e.Route53(cfg)
	o.ELBv2 = func(region string) *elasticloadbalancingv2.Client { return e.ELBv2(cfg, region) }
	applier, err := apply.New(o)
	return applier, e.Provider, err
}
