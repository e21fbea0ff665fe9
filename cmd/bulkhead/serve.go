package main

import (
	"cmp"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/bulkhead-dns/bulkhead/node"
	"github.com/bulkhead-dns/bulkhead/sigv4"
	"github.com/bulkhead-dns/bulkhead/users"
)

func newServe() *cobra.Command {
	var (
		path      string
		flags     config
		endpoints []string
		verbose   bool
	)
	cmd := &cobra.Command{
		Use:        "serve",
		SuggestFor: []string{"server", "run", "start"},
		Short:      "Run an engine node: DNS, health checks and the Route 53 API",
		Long: `Run an engine node: an authoritative DNS server with Route 53's routing rules, its own health checkers, and the Route 53 API.

Without a configuration file it is a single node with its data in ./bulkhead-data. Several nodes share one etcd.
Flags win over the file.`,
		Example: `  bulkhead serve
  bulkhead serve -c engine.yaml
  bulkhead serve --etcd-endpoints https://etcd-1:2379,https://etcd-2:2379 --name eu-1`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cmp.Or(checkListen("http", flags.HTTP), checkListen("dns", flags.DNS)); err != nil {
				return err
			}
			var c config
			if path != "" {
				var err error
				if c, err = readConfig(path); err != nil {
					return usageError{err}
				}
			}
			c = c.override(flags, endpoints)
			o, err := c.options()
			if err != nil {
				return usageError{err}
			}
			level := slog.LevelInfo
			if verbose {
				level = slog.LevelDebug
			}
			o.Logger = newLogger(cmd.ErrOrStderr(), level)
			_, seen := users.ReadAdministrator(cmp.Or(o.DataDir, defaultDataDir))
			n, err := node.New(o)
			if err != nil {
				return err
			}
			defer reloadOnHangup(n, o.Logger)()
			fmt.Fprintf(cmd.OutOrStdout(), "DNS           %s (UDP and TCP)\nRoute 53 API  http://%s\n", n.DNSAddr(), n.HTTPAddr())
			if seen != nil { // a secret is shown once: what a service prints is often kept as a log
				printEnv(cmd.OutOrStdout(), n.Credentials(), "http://"+n.HTTPAddr().String())
			}
			return n.Run(cmd.Context())
		},
	}
	f := cmd.Flags()
	f.StringVarP(&path, "config", "c", "", "the engine's YAML `file`")
	f.StringVar(&flags.DataDir, "data-dir", "", "`directory` of etcd, credentials and snapshot (default ./bulkhead-data)")
	f.StringVar(&flags.Name, "name", "", "this node's name, unique among live nodes (default the host name)")
	f.StringVar(&flags.HTTP, "http", "", "`address` of the Route 53 API (default "+node.DefaultHTTPAddr+")")
	f.StringVar(&flags.DNS, "dns", "", "`address` of DNS, UDP and TCP (default "+node.DefaultDNSAddr+")")
	f.StringSliceVar(&endpoints, "etcd-endpoints", nil, "`URLs` of an external etcd; without them one runs inside the node")
	f.StringSliceVar(&flags.ProbeAllow, "probe-allow", nil, "internal `addresses` that health checks may probe, as CIDRs (10.0.0.0/8); all others are refused")
	f.BoolVar(&flags.Throttle, "throttle", false, "refuse API requests beyond Route 53's rates, as AWS does")
	f.BoolVarP(&verbose, "verbose", "v", false, "log more")
	return cmd
}

// reloadOnHangup reads the node's users again at every SIGHUP, until stop is called.
func reloadOnHangup(n *node.Node, logger *slog.Logger) (stop func()) {
	hangup, done := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(hangup, syscall.SIGHUP)
	go func() {
		for {
			select {
			case <-hangup:
				if err := n.ReloadUsers(); err != nil {
					logger.Error("the file of users is not accepted: users stay as they were", "err", err)
				}
			case <-done:
				return
			}
		}
	}()
	return func() {
		signal.Stop(hangup)
		close(done)
	}
}

// override lets flags win over the file.
func (c config) override(flags config, endpoints []string) config {
	for _, s := range []struct {
		to   *string
		from string
	}{{&c.DataDir, flags.DataDir}, {&c.Name, flags.Name}, {&c.HTTP, flags.HTTP}, {&c.DNS, flags.DNS}} {
		if s.from != "" {
			*s.to = s.from
		}
	}
	c.Throttle = c.Throttle || flags.Throttle
	if len(endpoints) > 0 {
		c.Etcd.Endpoints = endpoints
	}
	if len(flags.ProbeAllow) > 0 {
		c.ProbeAllow = flags.ProbeAllow
	}
	return c
}

// printEnv prints what AWS's clients read from the environment.
func printEnv(w io.Writer, c sigv4.Credentials, endpoint string) {
	fmt.Fprintf(w, "export AWS_ACCESS_KEY_ID=%s\nexport AWS_SECRET_ACCESS_KEY=%s\nexport AWS_DEFAULT_REGION=us-east-1\nexport AWS_ENDPOINT_URL_ROUTE_53=%s\n",
		c.AccessKeyID, c.SecretAccessKey, endpoint)
}
