package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bulkhead-dns/bulkhead/apply"
	"github.com/bulkhead-dns/bulkhead/plan"
)

// changeFlags are what the commands that write have in common.
type changeFlags struct {
	*planFlags
	yes, dryRun    bool
	log, rollback  string
	verdictTimeout time.Duration

	progress *progress
	writes   *writeLog
}

const defaultRollbackDir = "bulkhead-rollback"

func addChangeFlags(cmd *cobra.Command) *changeFlags {
	c := &changeFlags{planFlags: addPlanFlags(cmd)}
	f := cmd.Flags()
	f.BoolVarP(&c.yes, "yes", "y", false, "do not ask")
	f.BoolVar(&c.dryRun, "dry-run", false, "show the plan and end; nothing is written to Route 53 or to files")
	c.addDetailedExitCode(cmd, "with --dry-run, exit with 3 if there are changes")
	f.StringVar(&c.rollback, "rollback-dir", defaultRollbackDir, "`directory` for plans that undo changes")
	f.StringVar(&c.log, "log", "", "`file` for one JSON line for each call that writes, - is stderr; default log.jsonl in the rollback directory")
	f.DurationVar(&c.verdictTimeout, "verdict-timeout", 5*time.Minute, "how long to wait for the first verdict of new health checks")
	cmd.MarkFlagDirname("rollback-dir")
	return c
}

// check refuses a wrong call, before any file is read.
func (c *changeFlags) check() error {
	switch {
	case c.detailed && !c.dryRun:
		return usageError{errors.New("--detailed-exitcode needs --dry-run: a run that changes something ends with 0 when it is done")}
	case c.rollback == "":
		return usageError{errors.New("--rollback-dir is empty: give a directory for the plans that undo changes")}
	case c.verdictTimeout <= 0:
		return usageError{fmt.Errorf("--verdict-timeout %v: use a time such as 5m", c.verdictTimeout)}
	}
	return c.account.check()
}

// mayAsk refuses a call that nobody could confirm, before anything is asked of the account.
func (c *changeFlags) mayAsk(cmd *cobra.Command) error {
	if c.dryRun || c.yes || isInteractive(cmd.InOrStdin()) {
		return nil
	}
	return usageError{errors.New("standard input is no terminal, so nobody can confirm: use --yes, or --dry-run to change nothing")}
}

// options are those of an execution. Its log is opened by execute.
func (c *changeFlags) options(cmd *cobra.Command) apply.Options {
	path := c.log
	if path == "" {
		path = filepath.Join(c.rollback, "log.jsonl")
	}
	c.writes = &writeLog{path: path, stderr: cmd.ErrOrStderr()}
	c.progress = newProgress(cmd.ErrOrStderr())
	return apply.Options{
		Force:          c.force,
		VerdictTimeout: c.verdictTimeout,
		RollbackDir:    c.rollback,
		Log:            c.writes,
		Progress:       c.progress.step,
	}
}

// An outcome is what an execution came to, beside its plan.
type outcome struct {
	planDocument
	DryRun bool           `json:"dryRun,omitempty"`
	Result *apply.Result  `json:"result,omitempty"`
	Calls  map[string]int `json:"calls"`          // by operation, those that read included
	Log    string         `json:"log,omitempty"`  // file
	Undo   string         `json:"undo,omitempty"` // file of the plan that undoes all
	Error  string         `json:"error,omitempty"`
}

// execute shows a plan, asks, and executes it. planErr is what planning came to: a plan that is refused is shown too.
func (c *changeFlags) execute(cmd *cobra.Command, r *planned, planErr error, question, undoFlags string) error {
	ctx := cmd.Context()
	if refused := (*plan.Refused)(nil); planErr != nil && !errors.As(planErr, &refused) {
		return adviseEarly(ctx, planErr)
	}
	o := outcome{planDocument: r.document(), DryRun: c.dryRun}
	if planErr == nil && !r.Plan.Empty() && !c.dryRun && *c.output != "table" {
		o.show(cmd, c) // where stdout is for the document alone, the plan is shown before the question
	}
	if *c.output == "table" {
		o.show(cmd, c)
	}
	if planErr != nil || r.Plan.Empty() || c.dryRun {
		return c.notExecuted(cmd, r, &o, planErr)
	}
	if !c.yes {
		if err := confirm(cmd, question); err != nil {
			return err
		}
	}
	if err := c.writes.open(); err != nil {
		return fmt.Errorf("open the log of writes (--log), nothing was written: %w", err)
	}
	result, err := r.applier.Apply(ctx, r.Plan)
	c.progress.done()
	if err == nil {
		o.Undo, err = r.applier.WriteUndo(r.Plan, result)
	}
	err = errors.Join(err, c.writes.close())
	o.Result, o.Calls, o.Log = &result, r.applier.Calls(), c.writes.path
	err = advise(ctx, err)
	if err != nil {
		o.Error = err.Error()
	}
	printed := c.output.write(cmd.OutOrStdout(), o, func() string { return o.summary(widthOf(cmd.OutOrStdout()), undoFlags) })
	return errors.Join(err, printed)
}

// show shows the plan to people: on stdout, or on stderr when stdout is for a document.
func (o *outcome) show(cmd *cobra.Command, c *changeFlags) {
	out := cmd.OutOrStdout()
	if *c.output != "table" {
		out = cmd.ErrOrStderr()
	}
	fmt.Fprint(out, o.text(wantsColor(out), widthOf(out)))
}

// notExecuted ends a command whose plan is refused, empty or only looked at.
func (c *changeFlags) notExecuted(cmd *cobra.Command, r *planned, o *outcome, planErr error) error {
	o.Calls = r.applier.Calls()
	if planErr != nil {
		o.Error = adviseEarly(cmd.Context(), planErr).Error()
	}
	if *c.output != "table" {
		if err := c.output.write(cmd.OutOrStdout(), o, nil); err != nil {
			return err
		}
	}
	if planErr != nil {
		return c.refusedAsShown(planErr)
	}
	return c.exit(r.Plan)
}

// summary says what was done, by which calls, and how it is undone.
func (o *outcome) summary(width int, undoFlags string) string {
	var b strings.Builder
	done := "Done"
	if o.Error != "" {
		done = "Not completed"
	}
	fmt.Fprintf(&b, "\n%s: %d of %d steps, %s.\n", done, o.Result.Steps, len(o.Plan.Steps), plan.CountObjects(o.Plan.Steps[:o.Result.Steps]).Done())
	var calls []string
	for _, operation := range slices.Sorted(maps.Keys(o.Calls)) {
		calls = append(calls, fmt.Sprintf("%d %s", o.Calls[operation], operation))
	}
	writeBullet(&b, "API calls: "+strings.Join(calls, ", "), width)
	writeBullet(&b, "log: "+o.Log, width)
	switch {
	case o.Undo != "":
		writeBullet(&b, "to undo: bulkhead apply --plan "+quoted(o.Undo)+undoFlags, 0)
	case len(o.Result.Rollbacks) > 0:
		for _, path := range o.Result.Rollbacks {
			writeBullet(&b, "to undo this batch: bulkhead apply --plan "+quoted(path)+undoFlags, 0)
		}
	}
	return b.String()
}

// executeKept executes a plan from a file, if everything that it changes is as it saw it.
func (c *changeFlags) executeKept(cmd *cobra.Command, file string) error {
	kept, err := readPlan(file)
	if err != nil {
		return err
	}
	if err := c.mayAsk(cmd); err != nil {
		return err
	}
	applier, provider, err := c.account.open(cmd.Context(), nil, c.options(cmd))
	if err != nil {
		return err
	}
	r := &planned{Prepared: apply.Prepared{Plan: kept}, applier: applier, provider: provider}
	if err := c.unchanged(cmd.Context(), r); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	var refused error
	if len(kept.Refusals) > 0 {
		refused = &plan.Refused{Findings: kept.Refusals}
	}
	return c.execute(cmd, r, refused, "Execute the kept plan?", c.account.endpointFlag(nil))
}

func (c *changeFlags) unchanged(ctx context.Context, r *planned) error {
	if len(r.Plan.Refusals) > 0 {
		return nil
	}
	return r.applier.Unchanged(ctx, r.Plan)
}
