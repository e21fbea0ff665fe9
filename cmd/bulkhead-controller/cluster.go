package main

import (
	"fmt"
	"io"
	"log/slog"

	"github.com/spf13/cobra"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// A cluster says which cluster a command works in, and how it speaks about it.
type cluster struct {
	kubeconfig string
	logLevel   string
	logFormat  string
}

// addCluster adds the flags that every command has.
func addCluster(cmd *cobra.Command) *cluster {
	c := &cluster{}
	f := cmd.Flags()
	f.StringVar(&c.kubeconfig, "kubeconfig", "", "`file` that says how to reach the cluster; without it, KUBECONFIG, the pod's service account, ~/.kube/config")
	f.StringVar(&c.logLevel, "log-level", "info", "least `level` of log lines: debug, info, warn or error")
	f.StringVar(&c.logFormat, "log-format", "json", "`format` of log lines: json or text")
	cmd.RegisterFlagCompletionFunc("log-level", cobra.FixedCompletions([]string{"debug", "info", "warn", "error"}, cobra.ShellCompDirectiveNoFileComp))
	cmd.RegisterFlagCompletionFunc("log-format", cobra.FixedCompletions([]string{"json", "text"}, cobra.ShellCompDirectiveNoFileComp))
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
