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
		Use:        "destroy {-f FILE... | NAMESPACE/NAME... | --cluster ID --region REGION}",
		SuggestFor: []string{"delete", "remove", "rm"},
		Short:      "Remove the health checks and record sets of policies",
		Long: `Remove the health checks and record sets that Bulkhead made for policies: those of the files, and those that are named.

The policies themselves need not exist any more, nor be valid: what was made for them is known by the tags of health checks.
Everything else in the zones stays as it is. Names may go without an answer by this.

--cluster removes all that the controller of one cluster has made in a Region: of a cluster that is lost, say. Its id is the UID of its
namespace kube-system; with an id that is not there the error lists those that are. This is refused where a name would be left without
an answer, unless it is forced. A cluster that is there has 'bulkhead-controller remove' for it.

The plan is shown and executed after a yes. A plan that makes everything again is kept in the rollback directory.

Exit status: 0 done, nothing to do, or only looked at (--dry-run); 1 failed or refused; 2 wrong call. With --dry-run
--detailed-exitcode 3 when there are changes.`,
		Example: `  bulkhead destroy -f examples/twoapps
  bulkhead destroy team-a/app1 team-b/app2
  bulkhead destroy team-a/app1 --region eu-west-1 --dry-run
  bulkhead destroy -f policies/ --force --yes
  bulkhead destroy --cluster 5a1c6c1e-7f0e-4c5e-9d0b-2f5a3a1f9a11 --region eu-west-1 --allow-many`,
	}
	c := addChangeFlags(cmd)
	cluster := cmd.Flags().String("cluster", "", "`id` of the cluster of which everything is removed, with --region")
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
		switch named := len(names) > 0 || len(*c.files) > 0; {
		case !named && *cluster == "":
			return usageError{errors.New("say what to destroy: policies as NAMESPACE/NAME, their files with -f, or all of a cluster with --cluster")}
		case named && *cluster != "":
			return usageError{errors.New("--cluster means all of a cluster: name no policies beside it")}
		case *cluster != "" && len(c.regions) != 1:
			return usageError{errors.New("--cluster goes with one --region: the Region of that cluster")}
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
		var prepared apply.Prepared
		if *cluster != "" {
			prepared, err = applier.PrepareRemoval(cmd.Context(), apply.Removal{Cluster: *cluster, Guard: c.guard()})
		} else {
			prepared, err = applier.PrepareDestroy(cmd.Context(), names, c.guard())
		}
		stop()
		r := &planned{Prepared: prepared, applier: applier, provider: provider, notes: prepared.Notes}
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
