package main

import (
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
	"k8s.io/klog/v2"
	crlog "sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/bulkhead-dns/bulkhead/apply"
	"github.com/bulkhead-dns/bulkhead/controller"
)

func newController() *cobra.Command {
	f := &controllerFlags{}
	cmd := &cobra.Command{
		Use:   "bulkhead-controller",
		Short: "Keep the DNS failover of a Kubernetes cluster's applications",
		Long: `Keep the DNS failover of a Kubernetes cluster's applications.

The controller reads FailoverPolicies and the load balancers that their targetRef names. For each policy it
keeps one health check and the record sets of the cluster's own Region at Route 53 (AWS or an engine). It
never changes another Region's record sets. The status of each policy says what it found. Failover works
without the controller: health checks and records do not need it.

Credentials come from the AWS SDK's usual chain: Pod Identity, IRSA, environment, shared files.

Run it in every cluster. Of several replicas one is elected, and the others stand by.`,
		Example: `  bulkhead-controller --leader-elect --leader-election-namespace bulkhead-system
  bulkhead-controller --kubeconfig ~/.kube/eu-west-1 --region eu-west-1 --log-format text
  bulkhead-controller --endpoint-url http://127.0.0.1:8053 --metrics-bind-address "" --health-probe-bind-address ""`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	f.cluster = addCluster(cmd)
	s := cmd.Flags()
	s.StringVar(&f.o.Region, "region", "", "`Region` of this cluster; without it, what the FailoverClass says")
	s.StringVar(&f.o.Class, "class", "", "`name` of the one FailoverClass to serve; without it, all")
	s.StringVar(&f.endpoint, "endpoint-url", "", "`URL` of an engine's Route 53 API, instead of what classes say")
	s.StringVar(&f.o.Cluster, "cluster-name", "", "`name` of this cluster in log lines and on its health checks")
	s.StringSliceVar(&f.sources, "sources", []string{"ingress", "gateway", "service"},
		"`kinds` that load balancers are read from: ingress, gateway, service; empty for none")
	s.StringVar(&f.o.MetricsAddress, "metrics-bind-address", ":8443", "`address` of /metrics; empty for none")
	s.BoolVar(&f.o.MetricsSecure, "metrics-secure", true, "serve /metrics by HTTPS, to those whom the cluster lets get "+
		"it; on a loopback address the default is plain HTTP for everybody")
	s.StringVar(&f.o.MetricsCertDir, "metrics-cert-path", "", "`directory` with tls.crt and tls.key for /metrics; "+
		"without it, a certificate signed by itself")
	s.StringVar(&f.o.HealthAddress, "health-probe-bind-address", ":8081",
		"`address` of /healthz and /readyz; empty for none")
	s.BoolVar(&f.o.LeaderElection, "leader-elect", false, "work only while elected among the replicas")
	s.StringVar(&f.o.LeaderElectionNamespace, "leader-election-namespace", "",
		"`namespace` of the Lease; without it, the pod's own")
	s.DurationVar(&f.o.Resync, "resync", 10*time.Minute, "`time` after which Route 53 is read and corrected although "+
		"nothing has changed")
	s.DurationVar(&f.o.Debounce, "debounce", time.Second, "`time` in which changes of the cluster are gathered for one "+
		"round")
	s.DurationVar(&f.o.Poll, "poll", 3*time.Second, "`time` between readings of an engine's verdicts, and of single "+
		"ones at AWS")
	s.DurationVar(&f.o.Verdicts, "verdict-interval", 45*time.Second, "`time` between readings of all verdicts at AWS, "+
		"from CloudWatch, which charges for each")
	cmd.RegisterFlagCompletionFunc("sources", cobra.FixedCompletions(sourceNames(), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

type controllerFlags struct {
	cluster  *cluster
	endpoint string
	sources  []string
	o        controller.Options
}

func sourceNames() []string {
	return []string{string(controller.IngressSource), string(controller.GatewaySource), string(controller.ServiceSource)}
}

func (f *controllerFlags) run(cmd *cobra.Command) error {
	f.o.Sources = []controller.Source{}
	for _, name := range f.sources {
		if !slices.Contains(sourceNames(), name) {
			return usageError{fmt.Errorf("--sources %s: use %v", name, sourceNames())}
		}
		f.o.Sources = append(f.o.Sources, controller.Source(name))
	}
	for _, d := range []struct {
		name  string
		value time.Duration
	}{{"resync", f.o.Resync}, {"debounce", f.o.Debounce}, {"poll", f.o.Poll}, {"verdict-interval", f.o.Verdicts}} {
		if d.value <= 0 {
			return usageError{fmt.Errorf("--%s %s: use a time above 0, such as 1s", d.name, d.value)}
		}
	}
	if err := f.secureMetrics(cmd.Flags().Changed("metrics-secure")); err != nil {
		return err
	}
	open, err := accounts(f.endpoint, apply.Options{KeepTags: f.o.Resync, Attempts: attempts, StatusShare: statusShare})
	if err != nil {
		return err
	}
	log, err := f.cluster.logger(cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	if f.o.Cluster != "" {
		log = log.With(slog.String("cluster", f.o.Cluster))
	}
	if f.o.Config, err = f.cluster.config(); err != nil {
		return err
	}
	crlog.SetLogger(logr.FromSlogHandler(log.Handler()))
	klog.SetLogger(logr.FromSlogHandler(log.Handler()))
	f.o.Log, f.o.Open, f.o.Metrics = log, open, metrics.Registry
	c, err := controller.New(f.o)
	if err != nil {
		return err
	}
	return c.Run(cmd.Context())
}

// secureMetrics refuses to serve names of policies to everybody in the network. said tells whether --metrics-secure was
// given.
func (f *controllerFlags) secureMetrics(said bool) error {
	host, _, err := net.SplitHostPort(f.o.MetricsAddress)
	if f.o.MetricsAddress == "" {
		return nil
	}
	if err != nil {
		return usageError{fmt.Errorf("--metrics-bind-address %s: use an address such as :8443 or 127.0.0.1:8080",
			f.o.MetricsAddress)}
	}
	address, err := netip.ParseAddr(host)
	loopback := err == nil && address.IsLoopback() || host == "localhost"
	switch {
	case loopback && !said:
		f.o.MetricsSecure = false
	case !loopback && !f.o.MetricsSecure:
		return usageError{fmt.Errorf("--metrics-secure=false: the metrics have names of policies: give "+
			"--metrics-bind-address a loopback address, such as 127.0.0.1:8080, not %s", f.o.MetricsAddress)}
	}
	return nil
}
