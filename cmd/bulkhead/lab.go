package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bulkhead-dns/bulkhead/apply"
	"github.com/bulkhead-dns/bulkhead/lab"
	"github.com/bulkhead-dns/bulkhead/node"
	"github.com/bulkhead-dns/bulkhead/sigv4"
	"github.com/bulkhead-dns/bulkhead/users"
)

const defaultDataDir = "bulkhead-data"

func newLab() *cobra.Command {
	var (
		o          lab.Options
		dataDir    string
		definition string
		probeAllow []string
		verbose    bool
	)
	cmd := &cobra.Command{
		Use:   "lab",
		Short: "Keep two Regions, two applications and an engine running on this machine",
		Long: `Keep two Regions, two applications and an engine running on this machine, for your own AWS CLI, dig and curl.

The first start creates the zone example.com, four health checks and four latency alias records. With --zone-only it creates only
the zone, so that ` + "`bulkhead apply`" + ` can fill it. With --empty it creates nothing. The data directory keeps the state
across restarts.

--definition describes your own Regions, load balancers, applications and faults. docs/lab.md shows the format.`,
		Example: `  bulkhead lab
  bulkhead lab --interval 1
  bulkhead lab --zone-only
  bulkhead lab --definition examples/bank/lab.yaml
  bulkhead lab scale app1 --region eu-west-1 --replicas 0
  eval "$(bulkhead lab env)"`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cmp.Or(checkTimers(o.Interval, o.Threshold), checkListen("http", o.HTTPAddr), checkListen("dns", o.DNSAddr)); err != nil {
				return err
			}
			if o.Empty && o.ZoneOnly {
				return usageError{errors.New("--empty and --zone-only: use one of them")}
			}
			if definition != "" {
				data, err := readFile(cmd.InOrStdin(), definition)
				if err != nil {
					return err
				}
				if o.Definition, err = lab.ParseDefinition(definition, data); err != nil {
					return err
				}
			}
			var err error
			if o.ProbeAllow, err = parseProbeAllow(probeAllow); err != nil {
				return usageError{err}
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
	f.StringVarP(&definition, "definition", "c", "", "YAML `file` of Regions, load balancers and applications, or - for standard input (docs/lab.md)")
	f.StringVar(&o.HTTPAddr, "http", node.DefaultHTTPAddr, "`address` of the Route 53 API")
	f.StringVar(&o.DNSAddr, "dns", node.DefaultDNSAddr, "`address` of DNS, UDP and TCP")
	f.BoolVar(&o.Empty, "empty", false, "create no zone, checks or records")
	f.BoolVar(&o.ZoneOnly, "zone-only", false, "create the zone, and no checks or records")
	f.BoolVar(&o.AnyPort, "any-port", false, "use free ports if the default ports are in use")
	f.StringToStringVar(&o.Kubeconfig, "kubeconfig", nil, "`REGION=FILE` of a cluster to attach, for aws eks list-clusters; may be repeated")
	f.StringSliceVar(&probeAllow, "probe-allow", nil, "internal `addresses` that health checks may probe, with the lab's own, as CIDRs")
	f.BoolVarP(&verbose, "verbose", "v", false, "log more")
	addTimers(cmd, &o.Interval, &o.Threshold, 10)
	cmd.MarkFlagFilename("definition", "yaml", "yml")
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
	printLab(out, l, o)
	return <-ended
}

// labURL is where the lab of a data directory is reached: where a flag says, else where that lab listens, else where
// the AWS clients of this environment ask, else at the default address.
func labURL(dataDir, flag string) (string, error) {
	if flag != "" {
		if !apply.IsURL(flag) {
			return "", usageError{fmt.Errorf("--endpoint-url %s: use a URL such as http://127.0.0.1:8053", flag)}
		}
		return flag, nil
	}
	addresses, err := lab.ReadAddresses(dataDir)
	switch {
	case err == nil:
		return addresses.URL(), nil
	case !errors.Is(err, fs.ErrNotExist):
		return "", err
	}
	return cmp.Or(os.Getenv("AWS_ENDPOINT_URL_ROUTE_53"), "http://"+node.DefaultHTTPAddr), nil
}

// labCommand is a command of the lab as it is written for a data directory.
func labCommand(command, dataDir string) string {
	text := strings.TrimSpace("bulkhead lab " + command)
	if dataDir != defaultDataDir {
		text += " --data-dir " + quoted(dataDir)
	}
	return text
}

// labClient reaches the running lab. The data directory's credentials win: the environment's may be for AWS.
func labClient(dataDir, endpoint string) (*lab.Client, error) {
	url, err := labURL(dataDir, endpoint)
	if err != nil {
		return nil, err
	}
	c, err := users.ReadAdministrator(dataDir)
	if err != nil {
		c = sigv4.Credentials{
			AccessKeyID:     os.Getenv("AWS_ACCESS_KEY_ID"),
			SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"),
			SessionToken:    os.Getenv("AWS_SESSION_TOKEN"),
		}
		if c.AccessKeyID == "" {
			return nil, noLab(dataDir)
		}
	}
	return &lab.Client{BaseURL: url, Credentials: c}, nil
}

// noLab says that a data directory is no lab's.
func noLab(dataDir string) error {
	return fmt.Errorf("no lab has run with the data directory %s: start one with %s, or give its directory with --data-dir",
		dataDir, labCommand("", dataDir))
}

// addEndpoint adds the flag that says where the lab is.
func addEndpoint(cmd *cobra.Command) *string {
	return cmd.Flags().String("endpoint-url", "", "`URL` of the lab; without it, the address of the lab that uses the data directory")
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
	return newLabChange("fail APPLICATION", "Make an application's pods in a Region answer 500; they stay targets of the load balancer",
		"  bulkhead lab fail app1 --region eu-west-1\n  bulkhead lab fail app2 --region eu-central-1\n  bulkhead lab heal app1 --region eu-west-1", dataDir,
		func(ctx context.Context, c *lab.Client, application, region string) (lab.Status, error) {
			return c.Fail(ctx, application, region)
		})
}

func newLabHeal(dataDir *string) *cobra.Command {
	return newLabChange("heal APPLICATION", "Make an application's pods in a Region answer 200 again",
		"  bulkhead lab heal app1 --region eu-west-1\n  bulkhead lab heal app2 --region eu-central-1\n  bulkhead lab status", dataDir,
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
	cmd.Flags().StringVar(&region, "region", "", "`Region` of the lab, such as eu-west-1")
	needs(cmd, "region", "in which Region")
	cmd.ValidArgsFunction = func(cmd *cobra.Command, given []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(given) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		_, applications := labNames(cmd.Context(), *dataDir, *endpoint)
		return applications, cobra.ShellCompDirectiveNoFileComp
	}
	cmd.RegisterFlagCompletionFunc("region", func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		regions, _ := labNames(cmd.Context(), *dataDir, *endpoint)
		return regions, cobra.ShellCompDirectiveNoFileComp
	})
	return cmd
}

// labNames are what a running lab has, for the shell to complete; nothing when none answers.
func labNames(ctx context.Context, dataDir, endpoint string) (regions, applications []string) {
	c, err := labClient(dataDir, endpoint)
	if err != nil {
		return nil, nil
	}
	status, err := c.Status(ctx)
	if err != nil {
		return nil, nil
	}
	for _, r := range status.Regions {
		regions = append(regions, r.Region)
		for _, a := range r.Applications {
			if !slices.Contains(applications, a.Name) {
				applications = append(applications, a.Name)
			}
		}
	}
	return regions, applications
}

func newLabStatus(dataDir *string) *cobra.Command {
	cmd := &cobra.Command{
		Use: "status", Short: "Show Regions, load balancers, target health and applications",
		Example: "  bulkhead lab status\n  bulkhead lab status -o json\n  bulkhead lab status -o yaml",
		Args:    noArgs,
	}
	endpoint, output := addEndpoint(cmd), addOutput(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := labClient(*dataDir, *endpoint)
		if err != nil {
			return err
		}
		status, err := c.Status(cmd.Context())
		if err != nil {
			return err
		}
		return output.write(cmd.OutOrStdout(), status, func() string { return statusTable(status) })
	}
	return cmd
}

func newLabEnv(dataDir *string) *cobra.Command {
	cmd := &cobra.Command{
		Use: "env", Short: "Print the lab's credentials and endpoints as export lines",
		Long: `Print the lab's credentials and endpoints as export lines, for bulkhead and the AWS CLI: Route 53, and Elastic Load Balancing for
the load balancers. The endpoint is the address of the lab that uses the data directory.`,
		Example: `  eval "$(bulkhead lab env)"
  eval "$(bulkhead lab env --data-dir mine)"
  eval "$(bulkhead lab env)" && aws elbv2 describe-load-balancers --region eu-west-1`,
		Args: noArgs,
	}
	endpoint := addEndpoint(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		url, err := labURL(*dataDir, *endpoint)
		if err != nil {
			return err
		}
		c, err := users.ReadAdministrator(*dataDir)
		if errors.Is(err, fs.ErrNotExist) {
			return noLab(*dataDir)
		}
		if err != nil {
			return err
		}
		printLabEnv(cmd.OutOrStdout(), c, url)
		return nil
	}
	return cmd
}
