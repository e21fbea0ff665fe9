package main

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/smithy-go/logging"
	"github.com/spf13/cobra"

	"github.com/bulkhead-dns/bulkhead/apply"
	"github.com/bulkhead-dns/bulkhead/failover"
)

// An account says where a command finds Route 53: AWS, or an engine, which differs by its URL alone. Credentials come from the
// AWS SDK's usual chain: environment, shared files, SSO, roles.
type account struct {
	endpoint string
	profile  string
	provider string // empty: by the endpoint
}

// addAccount adds the flags that say which account a command works on.
func addAccount(cmd *cobra.Command) *account {
	a := &account{}
	f := cmd.Flags()
	f.StringVar(&a.endpoint, "endpoint-url", "", "`URL` of an engine's Route 53 API and its surroundings; without it, what the AWS SDK chooses (AWS_ENDPOINT_URL_ROUTE_53)")
	f.StringVar(&a.profile, "profile", "", "`name` of a profile in the AWS configuration files")
	f.StringVar(&a.provider, "provider", "", "`kind` of the account, aws or engine; without it, told by the endpoint")
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
	if a.endpoint != "" && !isURL(a.endpoint) {
		return usageError{fmt.Errorf("--endpoint-url %s: use a URL such as http://127.0.0.1:8053", a.endpoint)}
	}
	for _, variable := range []string{"AWS_ENDPOINT_URL_ROUTE_53", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2"} {
		if value := os.Getenv(variable); value != "" && !isURL(value) {
			return usageError{fmt.Errorf("%s is %s: use a URL such as http://127.0.0.1:8053, or unset it", variable, value)}
		}
	}
	return nil
}

func isURL(endpoint string) bool {
	u, err := url.Parse(endpoint)
	return err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https")
}

// open makes the clients, and fills in what o lacks of them. class may be nil; what it says of provider and endpoint is taken where
// no flag does.
func (a *account) open(ctx context.Context, class *failover.Class, o apply.Options) (*apply.Applier, failover.Provider, error) {
	endpoint := a.endpoint
	if endpoint == "" && class != nil {
		endpoint = class.Spec.Endpoint
	}
	if endpoint != "" && !isURL(endpoint) {
		return nil, "", fmt.Errorf("spec.endpoint of the class is %s: use a URL such as http://127.0.0.1:8053", endpoint)
	}
	provider, err := a.kind(endpoint, class)
	if err != nil {
		return nil, "", err
	}
	options := []func(*awsconfig.LoadOptions) error{awsconfig.WithSharedConfigProfile(a.profile),
		awsconfig.WithLogger(logging.Nop{})} // what matters comes back as an error
	cfg, err := awsconfig.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, "", configError(err)
	}
	if err := checkRegion(cfg.Region); err != nil {
		return nil, "", err
	}
	if err := a.hasCredentials(ctx, cfg, provider); err != nil {
		return nil, "", err
	}
	o.Provider = provider
	o.Route53 = route53.NewFromConfig(cfg, func(r *route53.Options) {
		r.Region = apply.Route53Region(cmp.Or(endpoint, environmentURL()), cfg.Region)
		if endpoint != "" {
			r.BaseEndpoint = aws.String(endpoint)
		}
	})
	o.ELBv2 = func(region string) *elasticloadbalancingv2.Client {
		return elasticloadbalancingv2.NewFromConfig(cfg, func(e *elasticloadbalancingv2.Options) {
			e.Region = region
			if url := balancersURL(endpoint, provider); url != "" {
				e.BaseEndpoint = aws.String(url)
			}
		})
	}
	applier, err := apply.New(o)
	return applier, provider, err
}

// kind says whether an endpoint is AWS or an engine.
func (a *account) kind(endpoint string, class *failover.Class) (failover.Provider, error) {
	switch said := failover.Provider(a.provider); {
	case said == failover.AWS || said == failover.Engine:
		return said, nil
	case said != "":
		return "", usageError{fmt.Errorf("--provider %s: use aws or engine", said)}
	case class != nil && class.Spec.Provider != "":
		return class.Spec.Provider, nil
	}
	return failover.ProviderAt(cmp.Or(endpoint, environmentURL())), nil
}

// balancersURL is where load balancers are described, empty for AWS. An endpoint that was given is called for everything, whatever
// kind of account it is said to be, unless it is Route 53's own at AWS, or the SDK's variable for load balancers says otherwise. An
// endpoint that only the environment has stands for an engine's surroundings; what it says of AWS's services the SDK knows.
func balancersURL(endpoint string, provider failover.Provider) string {
	switch {
	case os.Getenv("AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2") != "":
		return ""
	case endpoint != "" && failover.ProviderAt(endpoint) != failover.AWS:
		return endpoint
	case endpoint != "" || provider == failover.AWS:
		return ""
	}
	return environmentURL()
}

// environmentURL is the Route 53 API that the SDK is told to use by its own variables, empty for AWS.
func environmentURL() string {
	return cmp.Or(os.Getenv("AWS_ENDPOINT_URL_ROUTE_53"), os.Getenv("AWS_ENDPOINT_URL"))
}
