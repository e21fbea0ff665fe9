package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bulkhead-dns/bulkhead/explain"
	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/zone"
)

func newStatus() *cobra.Command {
	s := &statusFlags{}
	cmd := &cobra.Command{
		Use:        "status [APP...]",
		SuggestFor: []string{"get", "list", "health"},
		Short:      "Show every application in every Region: health, who is served from where, how long a failover takes",
		Long: `Show every application that Bulkhead owns in every Region: what its checkers say, which clients are answered with it now,
and how long a failover takes. Nothing is written.

APP is a hostname, the name of a policy, or its namespace/name. Without APP, all applications are shown. Policies of -f that are
not applied are shown too. The clients are one near each Region, or one of each location that the records tell apart. The rules of
DNS decide who gets which answer.

  ok         every Region is healthy; clients get the answers that they get while nothing fails
  degraded   a Region is unhealthy; its clients are answered with another one
  down       some clients are answered with an unhealthy Region, because no Region is healthy
  partial    a Region of the policy is not applied
  unknown    checkers were not asked (--no-health), have not reported, or do not see the application: the load balancer
             answers their probes itself, or has no healthy target for the application

Each health check takes one call, and AWS allows one a second. Only the checks of the shown applications are read.

Exit codes: 0, also if applications are down; 1 failed; 2 wrong call. With --exit-status: 3 if an application is not ok.`,
		Example: `  bulkhead status
  bulkhead status app1.example.com --endpoint-url http://127.0.0.1:8053
  bulkhead status team-a/app1 -f policies/ --last-failures
  bulkhead status --exit-status -o json | jq '.[] | select(.condition != "ok") | .policy'
  bulkhead status --watch 5s`,
		RunE: func(cmd *cobra.Command, args []string) error { return s.run(cmd, args) },
	}
	s.look = addLookFlags(cmd)
	cmd.Flags().BoolVar(&s.exitStatus, "exit-status", false, "exit with 3 if an application is not ok, or a client gets another answer than while nothing fails")
	cmd.Flags().DurationVar(&s.watch, "watch", 0, "repeat after this `time`, at least 1s, until interrupted")
	cmd.ValidArgsFunction = func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		return s.names(cmd), cobra.ShellCompDirectiveNoFileComp
	}
	return cmd
}

type statusFlags struct {
	look       *lookFlags
	exitStatus bool
	watch      time.Duration
}

func (s *statusFlags) run(cmd *cobra.Command, args []string) error {
	switch {
	case s.watch != 0 && s.watch < time.Second:
		return usageError{fmt.Errorf("--watch %s: use 1s or more", s.watch)}
	case s.watch != 0 && s.exitStatus:
		return usageError{errors.New("--watch and --exit-status: use one of them")}
	}
	ctx := cmd.Context()
	in, err := s.look.open(ctx, cmd.InOrStdin())
	if err != nil {
		return err
	}
	for {
		list, err := s.applications(ctx, cmd, in, args)
		if err != nil && s.watch != 0 && ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		out := cmd.OutOrStdout()
		if s.watch != 0 && isTerminal(out) {
			fmt.Fprint(out, "\x1b[H\x1b[2J")
		}
		if err := s.look.output.write(out, list, func() string {
			return explain.ApplicationsText(list, wantsColor(out), widthOf(out))
		}); err != nil {
			return err
		}
		if s.exitStatus && slices.ContainsFunc(list, func(a explain.Application) bool { return !a.Well() }) {
			return exitWith(exitFindings)
		}
		if s.watch == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(s.watch):
		}
	}
}

// applications reads the account, finds what is asked for, and asks its checkers alone.
func (s *statusFlags) applications(ctx context.Context, cmd *cobra.Command, in *look, args []string) ([]explain.Application, error) {
	if err := s.look.read(ctx, cmd.ErrOrStderr(), in, nil); err != nil {
		return nil, err
	}
	in.Reports = nil
	list, err := explain.Applications(in.Input)
	if err != nil {
		return nil, err
	}
	if list, err = namedApplications(list, args); err != nil {
		return nil, err
	}
	shown := map[string]bool{}
	for _, a := range list {
		shown[a.Policy] = true
	}
	if err := s.look.ask(ctx, cmd.ErrOrStderr(), in, func(c *plan.Check) bool { return c.Owned() && shown[plan.PolicyOf(c.Key)] }); err != nil {
		return nil, err
	}
	if !s.look.noHealth {
		if err := readBalancersOf(ctx, cmd.ErrOrStderr(), in, shown); err != nil {
			return nil, err
		}
	}
	if list, err = explain.Applications(in.Input); err != nil {
		return nil, err
	}
	return namedApplications(list, args)
}

// namedApplications are those of a hostname, policy name, or namespace/name; all where nothing is named.
func namedApplications(list []explain.Application, names []string) ([]explain.Application, error) {
	if len(names) == 0 {
		return list, nil
	}
	found := []explain.Application{}
	for _, n := range names {
		any := false
		for _, a := range list {
			if !isNamed(a, n) {
				continue
			}
			any = true
			if !slices.ContainsFunc(found, func(o explain.Application) bool { return o.Policy == a.Policy }) {
				found = append(found, a)
			}
		}
		if !any {
			return nil, fmt.Errorf("no application is called %s: use a hostname, a policy's name or its namespace/name; there are: %s",
				n, strings.Join(applicationNames(list), ", "))
		}
	}
	return found, nil
}

func isNamed(a explain.Application, name string) bool {
	_, policy, _ := strings.Cut(a.Policy, "/")
	return name == a.Policy || name == policy || slices.ContainsFunc(a.Hostnames, func(h string) bool {
		return strings.EqualFold(strings.TrimSuffix(name, "."), h)
	})
}

func applicationNames(list []explain.Application) []string {
	names := make([]string, len(list))
	for i, a := range list {
		names[i] = a.Policy
	}
	return names
}

// names are the account's applications, for completions.
func (s *statusFlags) names(cmd *cobra.Command) []string {
	in, err := s.look.open(cmd.Context(), strings.NewReader(""))
	if err != nil {
		return nil
	}
	nothing := func(zones []zone.HostedZone) []zone.HostedZone { return nil }
	if s.look.read(cmd.Context(), cmd.ErrOrStderr(), in, nothing) != nil {
		return nil
	}
	list, err := explain.Applications(in.Input)
	if err != nil {
		return nil
	}
	return applicationNames(list)
}
