package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bulkhead-dns/bulkhead/apply"
	"github.com/bulkhead-dns/bulkhead/failover"
)

func newDestroy() *cobra.Command {
	cmd := &cobra.Command{
		Use:        "destroy {-f FILE... | NAMESPACE/NAME...}",
		SuggestFor: []string{"delete", "remove", "rm"},
		Short:      "Remove the health checks and record sets of policies",
		Long: `Remove the health checks and record sets that Bulkhead made for policies: those of the files, and those that are named.

The policies themselves need not exist any more, nor be valid: what was made for them is known by the tags of health checks.
Everything else in the zones stays as it is. Names may go without an answer by this.

The plan is shown and executed after a yes. A plan that makes everything again is kept in the rollback directory.

Exit status: 0 done, nothing to do, or only looked at (--dry-run); 1 failed or refused; 2 wrong call. With --dry-run
--detailed-exitcode 3 when there are changes.`,
		Example: `  bulkhead destroy -f examples/article
  bulkhead destroy team-a/app1 team-b/app2
  bulkhead destroy team-a/app1 --region eu-west-1 --dry-run
  bulkhead destroy -f policies/ --force --yes`,
	}
	c := addChangeFlags(cmd)
	cmd.Args = func(_ *cobra.Command, args []string) error {
		for _, name := range args {
			if namespace, policy, ok := strings.Cut(name, "/"); !ok || namespace == "" || policy == "" || strings.Contains(policy, "/") {
				return usageError{fmt.Errorf("%q: name a policy as NAMESPACE/NAME, such as team-a/app1", name)}
			}
		}
		return nil
	}
	cmd.ValidArgsFunction = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return keysOf(c.policies()), cobra.ShellCompDirectiveNoFileComp
	}
	cmd.RunE = func(cmd *cobra.Command, names []string) error {
		if len(names) == 0 && len(*c.files) == 0 {
			return usageError{errors.New("say what to destroy: policies as NAMESPACE/NAME, or their files with -f")}
		}
		if err := c.check(); err != nil {
			return err
		}
		var groups []apply.Group
		if len(*c.files) > 0 {
			var err error
			if _, groups, err = c.read(cmd.InOrStdin()); err != nil {
				return err
			}
			for _, g := range groups {
				names = append(names, keysOf(g.Policies)...)
			}
		}
		if err := c.mayAsk(cmd); err != nil {
			return err
		}
		slices.Sort(names)
		names = slices.Compact(names)
		applier, provider, err := c.account.open(cmd.Context(), apply.Account(groups), c.options(cmd))
		if err != nil {
			return err
		}
		stop := sayReading(cmd.Context(), cmd.ErrOrStderr(), applier)
		prepared, err := applier.PrepareDestroy(cmd.Context(), names, c.guard())
		stop()
		r := &planned{Prepared: prepared, applier: applier, provider: provider}
		return c.execute(cmd, r, err, "Destroy?", c.account.endpointFlag(groups))
	}
	return cmd
}

func keysOf(policies []failover.Policy) []string {
	keys := make([]string, len(policies))
	for i, p := range policies {
		keys[i] = p.Key()
	}
	return keys
}
