package main

import (
	"errors"

	"github.com/spf13/cobra"
)

func newApply() *cobra.Command {
	var kept string
	cmd := &cobra.Command{
		Use:        "apply {-f FILE... | --plan FILE}",
		SuggestFor: []string{"deploy", "push"},
		Short:      "Make Route 53 serve what policies ask for",
		Long: `Make Route 53 (AWS or an engine) serve what policies ask for.

The command shows the plan, as bulkhead plan does, and asks. Then it works in this order: it creates health checks, waits for
their verdicts, changes record sets in one atomic batch for each zone (or each thousand record sets), and deletes health checks
that nothing refers to.

A changed path, load balancer or other setting of a health check creates a new check beside the old one. Record sets move to it
when it is healthy. If it is not healthy in time, they stay at the old one and the exit code is 1.

A health check that an operator holds by hand (with Disabled or Inverted) is shown and not changed. To release it, undo this by
hand, or name its policy with --release-holds.

What Bulkhead did not make is not changed. Right before each batch, the record sets must be as the plan saw them. So two runs at
once do not undo each other's work: one of them ends and says so. If a run is interrupted, run it again to complete it.

Files in the rollback directory: log.jsonl has one JSON line for each call that writes (see --log). undo-PLAN.json is the plan
that undoes the run. Before each batch that deletes something, a plan that undoes this batch is written.

With --plan, a saved plan is executed: one of "bulkhead plan --out", or one that undoes a run. It is executed only if the things
that it changes are still as the plan saw them.

Exit codes: 0 done, nothing to do, or only shown (--dry-run); 1 failed or refused; 2 wrong call. With --dry-run
--detailed-exitcode: 3 if there are changes.`,
		Example: `  bulkhead apply -f examples/twoapps
  bulkhead apply -f policies/ --yes -o json
  bulkhead apply -f app1.yaml --dry-run
  bulkhead apply -f app1.yaml --release-holds team-a/app1
  bulkhead apply --plan app1.plan
  bulkhead apply --plan bulkhead-rollback/undo-85520f0ff2cb.json`,
		Args: noArgs,
	}
	c := addChangeFlags(cmd)
	c.addRelease(cmd)
	cmd.Flags().StringVar(&kept, "plan", "", "execute the plan in this `file`, and make no other")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		switch {
		case kept == "" && len(*c.files) == 0:
			return usageError{errors.New("nothing to apply: give policies with -f, or a saved plan with --plan")}
		case kept != "" && (len(*c.files) > 0 || len(c.regions) > 0 || len(c.release) > 0):
			return usageError{errors.New("--plan does not go with -f, --region or --release-holds: the plan already says what to do")}
		}
		if err := c.check(); err != nil {
			return err
		}
		if kept != "" {
			return c.executeKept(cmd, kept)
		}
		objects, groups, err := c.read(cmd.InOrStdin())
		if err != nil {
			return err
		}
		if err := c.mayAsk(cmd); err != nil {
			return err
		}
		r, err := c.prepare(cmd, objects, groups, c.guard(), c.options(cmd))
		return c.execute(cmd, r, err, "Apply?", c.account.endpointFlag(groups))
	}
	return cmd
}
