package main

import (
	"fmt"
	"io"
	"log/slog"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/client"
	crlog "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/bulkhead-dns/bulkhead/api/v1alpha1"
)

// A cluster says which cluster a command works in, and how it speaks about it.
type cluster struct {
	kubeconfig string
	logLevel   string
	logFormat  string
}

// addCluster adds the flags of commands that run until they are stopped.
func addCluster(cmd *cobra.Command) *cluster {
	c := addKubeconfig(cmd)
	f := cmd.Flags()
	f.StringVar(&c.logLevel, "log-level", "info", "least `level` of log lines: debug, info, warn or error")
	f.StringVar(&c.logFormat, "log-format", "json", "`format` of log lines: json or text")
	cmd.RegisterFlagCompletionFunc("log-level", cobra.FixedCompletions([]string{"debug", "info", "warn", "error"},
		cobra.ShellCompDirectiveNoFileComp))
	cmd.RegisterFlagCompletionFunc("log-format", cobra.FixedCompletions([]string{"json", "text"},
		cobra.ShellCompDirectiveNoFileComp))
	return c
}

// addKubeconfig adds the flag that every command has.
func addKubeconfig(cmd *cobra.Command) *cluster {
	c := &cluster{}
	cmd.Flags().StringVar(&c.kubeconfig, "kubeconfig", "",
		"`file` that says how to reach the cluster; without it, KUBECONFIG, the pod's service account, ~/.kube/config")
	return c
}

// config is how the cluster is reached.
func (c *cluster) config() (*rest.Config, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = c.kubeconfig
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, nil).ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("find the cluster: %w", err)
	}
	// Statuses are written by passes over all policies: the server's own fairness is the limit, not the client's.
	config.QPS = -1
	return config, nil
}

// connect returns a client of the cluster for Kubernetes' own kinds and Bulkhead's.
func (c *cluster) connect() (*rest.Config, client.Client, error) {
	// What libraries log is not for those who have typed a command; its errors are.
	klog.SetLogger(logr.Discard())
	crlog.SetLogger(logr.Discard())
	config, err := c.config()
	if err != nil {
		return nil, nil, err
	}
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			return nil, nil, err
		}
	}
	cl, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		return nil, nil, fmt.Errorf("reach the cluster: %w", err)
	}
	return config, cl, nil
}

// logger writes to w as the flags say.
func (c *cluster) logger(w io.Writer) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.logLevel)); err != nil {
		return nil, usageError{fmt.Errorf("--log-level %s: use debug, info, warn or error", c.logLevel)}
	}
	options := &slog.HandlerOptions{Level: level}
	switch c.logFormat {
	case "json":
		return slog.New(slog.NewJSONHandler(w, options)), nil
	case "text":
		return slog.New(slog.NewTextHandler(w, options)), nil
	}
	return nil, usageError{fmt.Errorf("--log-format %s: use json or text", c.logFormat)}
}
