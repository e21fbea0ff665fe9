package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/bulkhead-dns/bulkhead/apply"
	"github.com/bulkhead-dns/bulkhead/plan"
)

func newPlan() *cobra.Command {
	var keep string
	cmd := &cobra.Command{
		Use:        "plan -f FILE...",
		SuggestFor: []string{"diff", "preview"},
		Short:      "Show what apply would change at Route 53, and what that takes",
		Long: `Show what apply would change at Route 53 (AWS or an engine), and what that takes. Nothing is written.

  +  is created    ~  is changed    -  is deleted
  !  is refused    i  good to know    .  must be true before the plan continues

Below the changes are the calls that the plan makes, the account's quotas, the monthly cost of health checks, and for each
application how long a failover takes.

A policy uses the FailoverClass that its classRef names; this class must be in the files. Without classRef it uses the class
"default", if the files have one. All public zones that the classes allow are read.

Exit codes: 0 planned, with or without changes; 1 failed or refused; 2 wrong call. With --detailed-exitcode: 3 if there are
changes.`,
		Example: `  bulkhead plan -f examples/twoapps
  bulkhead plan -f policies/ --region eu-west-1
  bulkhead plan -f app1.yaml --out app1.plan && bulkhead apply --plan app1.plan
  bulkhead plan -f policies/ --detailed-exitcode
  bulkhead plan -f app1.yaml -o json | jq .plan.counts
  bulkhead plan -f app1.yaml --endpoint-url http://127.0.0.1:8053`,
		Args: noArgs,
	}
	p := addPlanFlags(cmd)
	p.addRelease(cmd)
	cmd.Flags().StringVar(&keep, "out", "", "write the plan to a `file`, for apply --plan")
	p.addDetailedExitCode(cmd, "exit with 3 if there are changes")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := p.check(); err != nil {
			return err
		}
		objects, groups, err := p.read(cmd.InOrStdin())
		if err != nil {
			return err
		}
		r, err := p.prepare(cmd, objects, groups, p.guard(), apply.Options{})
		if refused := (*plan.Refused)(nil); err != nil && !errors.As(err, &refused) {
			return adviseEarly(cmd.Context(), err)
		}
		if err := r.writeTo(cmd.OutOrStdout(), p.output); err != nil {
			return err
		}
		if err != nil {
			return p.refusedAsShown(err)
		}
		if keep != "" {
			if err := keepPlan(keep, r.Plan); err != nil {
				return err
			}
			if !r.Plan.Empty() {
				fmt.Fprintf(cmd.ErrOrStderr(), "Saved. To execute exactly this plan: bulkhead apply --plan %s%s\n", quoted(keep), p.account.endpointFlag(groups))
			}
		}
		return p.exit(r.Plan)
	}
	return cmd
}

// keepPlan writes a plan to a file for its owner alone: it shows how an account is laid out.
func keepPlan(name string, p plan.Plan) error {
	data, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(name, append(data, '\n'), 0o600)
}

// readPlan reads what keepPlan, or an execution before its batches, has written.
func readPlan(name string) (plan.Plan, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return plan.Plan{}, err
	}
	p, err := plan.Parse(data)
	if err != nil {
		return plan.Plan{}, fmt.Errorf("%s: %w", name, err)
	}
	return p, nil
}
