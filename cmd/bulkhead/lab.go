package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"github.com/bulkhead-dns/bulkhead/lab"
	"github.com/bulkhead-dns/bulkhead/node"
	"github.com/bulkhead-dns/bulkhead/sigv4"
)

const defaultDataDir = "bulkhead-data"

func newLab() *cobra.Command {
	var (
		o       lab.Options
		dataDir string
		verbose bool
	)
	cmd := &cobra.Command{
		Use:   "lab",
		Short: "Keep two Regions, two applications and an engine running on this machine",
		Long: `Keep two Regions, two applications and an engine running on this machine, for your own AWS CLI, dig and curl.

The zone example.com, four health checks and four latency alias records are there from the first start. State is kept in the
data directory across restarts.`,
		Example: `  bulkhead lab
  bulkhead lab --interval 1
  bulkhead lab --empty
  bulkhead lab scale app1 --region eu-west-1 --replicas 0
  eval "$(bulkhead lab env)"`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkTimers(o.Interval, o.Threshold); err != nil {
				return err
			}
			level := slog.LevelWarn
			if verbose {
				level = slog.LevelDebug
			}
			o.DataDir = dataDir
			o.Logger = newLogger(cmd.ErrOrStderr(), level)
			return runLab(cmd.Context(), cmd.OutOrStdout(), o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.HTTPAddr, "http", node.DefaultHTTPAddr, "`address` of the Route 53 API")
	f.StringVar(&o.DNSAddr, "dns", node.DefaultDNSAddr, "`address` of DNS, UDP and TCP")
	f.BoolVar(&o.Empty, "empty", false, "leave out zone, checks and records, to make them yourself")
	f.BoolVar(&o.AnyPort, "any-port", false, "take free ports where the defaults are taken")
	f.StringToStringVar(&o.Kubeconfig, "kubeconfig", nil, "`REGION=FILE` of a cluster to attach, for aws eks list-clusters; may be repeated")
	f.BoolVarP(&verbose, "verbose", "v", false, "log more")
	addTimers(cmd, &o.Interval, &o.Threshold, 10)
	cmd.PersistentFlags().StringVar(&dataDir, "data-dir", defaultDataDir, "`directory` of the lab's state")
	cmd.AddCommand(newLabScale(&dataDir), newLabFail(&dataDir), newLabHeal(&dataDir), newLabStatus(&dataDir), newLabEnv(&dataDir))
	return cmd
}

func runLab(ctx context.Context, out io.Writer, o lab.Options) error {
	l, err := lab.New(o)
	if err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx) }()
	select {
	case <-l.Ready():
	case err := <-ended:
		return err
	}
	printLab(out, l.Status(), l.Node().Credentials(), o)
	return <-ended
}

// labClient reaches the running lab. The data directory's credentials win: the environment's may be for AWS.
func labClient(dataDir, endpoint string) (*lab.Client, error) {
	c, err := node.ReadCredentials(dataDir)
	if err != nil {
		c = sigv4.Credentials{
			AccessKeyID:     os.Getenv("AWS_ACCESS_KEY_ID"),
			SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"),
			SessionToken:    os.Getenv("AWS_SESSION_TOKEN"),
		}
		if c.AccessKeyID == "" {
			return nil, fmt.Errorf("%w; is `bulkhead lab` running with another --data-dir?", err)
		}
	}
	return &lab.Client{BaseURL: endpoint, Credentials: c}, nil
}

// addEndpoint adds the flag that says where the lab is.
func addEndpoint(cmd *cobra.Command) *string {
	endpoint := os.Getenv("AWS_ENDPOINT_URL_ROUTE_53")
	if endpoint == "" {
		endpoint = "http://" + node.DefaultHTTPAddr
	}
	return cmd.Flags().String("endpoint-url", endpoint, "`URL` of the lab")
}

// needs refuses a call without a flag; what says what the flag tells.
func needs(cmd *cobra.Command, flag, what string) {
	args := cmd.Args
	cmd.Args = func(cmd *cobra.Command, given []string) error {
		if err := args(cmd, given); err != nil {
			return err
		}
		if !cmd.Flags().Changed(flag) {
			return usageError{fmt.Errorf("--%s is missing: say %s", flag, what)}
		}
		return nil
	}
}

func newLabScale(dataDir *string) *cobra.Command {
	var replicas int
	cmd := newLabChange("scale APPLICATION", "Set the number of an application's pods in a Region", `  bulkhead lab scale app1 --region eu-west-1 --replicas 0
  bulkhead lab scale app1 --region eu-west-1 --replicas 2`, dataDir,
		func(ctx context.Context, c *lab.Client, application, region string) (lab.Status, error) {
			return c.Scale(ctx, application, region, replicas)
		})
	cmd.Flags().IntVar(&replicas, "replicas", 0, "`number` of pods, 0 to "+fmt.Sprint(lab.MaxReplicas))
	needs(cmd, "replicas", "how many pods")
	return cmd
}

func newLabFail(dataDir *string) *cobra.Command {
	return newLabChange("fail APPLICATION", "Make an application's pods in a Region answer 500; they stay registered",
		"  bulkhead lab fail app1 --region eu-west-1", dataDir,
		func(ctx context.Context, c *lab.Client, application, region string) (lab.Status, error) {
			return c.Fail(ctx, application, region)
		})
}

func newLabHeal(dataDir *string) *cobra.Command {
	return newLabChange("heal APPLICATION", "End what fail began",
		"  bulkhead lab heal app1 --region eu-west-1", dataDir,
		func(ctx context.Context, c *lab.Client, application, region string) (lab.Status, error) {
			return c.Heal(ctx, application, region)
		})
}

// newLabChange is a command that changes one application in one Region and shows it afterwards.
func newLabChange(use, short, example string, dataDir *string, do func(context.Context, *lab.Client, string, string) (lab.Status, error)) *cobra.Command {
	var region string
	cmd := &cobra.Command{
		Use: use, Short: short, Example: example,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageError{fmt.Errorf("%s takes one application, got %d arguments", cmd.CommandPath(), len(args))}
			}
			return nil
		},
	}
	endpoint := addEndpoint(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := labClient(*dataDir, *endpoint)
		if err != nil {
			return err
		}
		status, err := do(cmd.Context(), c, args[0], region)
		if err != nil {
			return err
		}
		return printApplication(cmd.OutOrStdout(), status, args[0], region)
	}
	cmd.Flags().StringVar(&region, "region", "", "`Region` of the lab: eu-west-1 or eu-central-1")
	needs(cmd, "region", "in which Region")
	return cmd
}

func newLabStatus(dataDir *string) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use: "status", Short: "Show Regions, load balancers, target health and applications",
		Example: "  bulkhead lab status\n  bulkhead lab status -o json",
		Args:    noArgs,
	}
	endpoint := addEndpoint(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if output != "table" && output != "json" && output != "yaml" {
			return usageError{fmt.Errorf("-o %s: use table, json or yaml", output)}
		}
		c, err := labClient(*dataDir, *endpoint)
		if err != nil {
			return err
		}
		status, err := c.Status(cmd.Context())
		if err != nil {
			return err
		}
		return printStatus(cmd.OutOrStdout(), status, output)
	}
	cmd.Flags().StringVarP(&output, "output", "o", "table", "`format`: table, json or yaml")
	return cmd
}

func newLabEnv(dataDir *string) *cobra.Command {
	cmd := &cobra.Command{
		Use: "env", Short: "Print the lab's credentials and endpoint as export lines",
		Example: `  eval "$(bulkhead lab env)"`,
		Args:    noArgs,
	}
	endpoint := addEndpoint(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := node.ReadCredentials(*dataDir)
		if err != nil {
			return err
		}
		printEnv(cmd.OutOrStdout(), c, *endpoint)
		return nil
	}
	return cmd
}
