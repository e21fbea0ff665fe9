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
		Long: `Remove the health checks and record sets that Bulkhead made for policies: those of the files, and those that you name.

The policies do not have to exist or be valid any more: tags of the health checks say what was made for them. Everything else in
the zones stays as it is. A name may be without an answer afterwards.

--cluster removes what the controller of one cluster has made in a Region. Use it for a cluster that is lost; if the cluster still
exists, use 'bulkhead-controller remove'. The id is the UID of the cluster's namespace kube-system. If the id is wrong, the error
lists the clusters. It is refused if a name would be without an answer, unless you give --force.

The command shows the plan and asks. A plan that creates everything again is written to the rollback directory.

Exit codes: 0 done, nothing to do, or only shown (--dry-run); 1 failed or refused; 2 wrong call. With --dry-run
--detailed-exitcode: 3 if there are changes.`,
		Example: `  bulkhead destroy -f examples/twoapps
  bulkhead destroy team-a/app1 team-b/app2
  bulkhead destroy team-a/app1 --region eu-west-1 --dry-run
  bulkhead destroy -f policies/ --force --yes
  bulkhead destroy --cluster 5a1c6c1e-7f0e-4c5e-9d0b-2f5a3a1f9a11 --region eu-west-1 --allow-many`,
	}
	c := addChangeFlags(cmd)
	cluster := cmd.Flags().String("cluster", "", "`id` of the cluster whose checks and records are removed, with --region")
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
			return usageError{errors.New("nothing to destroy: give policies as NAMESPACE/NAME, their files with -f, or a cluster with --cluster")}
		case named && *cluster != "":
			return usageError{errors.New("--cluster does not go with policies: it removes all policies of the cluster")}
		case *cluster != "" && len(c.regions) != 1:
			return usageError{errors.New("--cluster needs one --region: the Region of the cluster")}
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
