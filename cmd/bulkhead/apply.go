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

The plan is shown, as by bulkhead plan, and executed after a yes. Health checks come first. When they have a verdict, record sets
change in one atomic batch for each zone, or for each thousand. Health checks that nothing refers to any more go last.

A health check that is to ask for something else, such as another path or load balancer, is made beside the old one. Record sets
cite it when it is healthy; until then, and when it is not in time, the old one stays and the exit status is 1.

A health check that an operator has taken out by hand (Disabled and Inverted), or holds in another way by these two, stays so and
is shown. Undo that by hand, or name its policy with --release-holds.

Nothing is touched that Bulkhead did not make. Right before each batch, what it changes has to be as it was planned; so two runs
at once do not undo each other's work: one of them ends and says so. Whatever interrupts a run, running it again completes it.

One JSON line for every call that writes is appended to log.jsonl in the rollback directory (see --log). The plan that undoes
everything is kept there too, and before each batch that deletes something, one that takes this batch back.

With --plan, a plan that was kept by "bulkhead plan --out" or for undoing is executed, but only if everything that it changes is
still as it saw it.

Exit status: 0 done, nothing to do, or only looked at (--dry-run); 1 failed or refused; 2 wrong call. With --dry-run
--detailed-exitcode 3 when there are changes.`,
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
	cmd.Flags().StringVar(&kept, "plan", "", "execute the plan of this `file` instead of making one")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		switch {
		case kept == "" && len(*c.files) == 0:
			return usageError{errors.New("say what to apply: policies with -f, or a kept plan with --plan")}
		case kept != "" && (len(*c.files) > 0 || len(c.regions) > 0 || len(c.release) > 0):
			return usageError{errors.New("--plan goes without -f, --region and --release-holds: the plan says what is done")}
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
