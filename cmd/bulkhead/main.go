// Command bulkhead is the engine, the lab and the demo.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// Exit codes, the same for every command.
const (
	exitFailure  = 1
	exitUsage    = 2
	exitFindings = 3 // differences or findings, where a flag asks to be told by the exit code, and for audit
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// usageError is a wrong call: exit code 2 and a hint at --help.
type usageError struct{ error }

// exitWith ends a command with an exit code and without a message: what there is to say has been printed.
type exitWith int

func (e exitWith) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// run executes one command line and returns the exit code.
func run(args []string, stdout, stderr io.Writer) int {
	// The first interrupt ends the command in good order, a second one at once.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)

	root := newRoot()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return 0
	}
	if code := exitWith(0); errors.As(err, &code) {
		return int(code)
	}
	if usage := (usageError{}); errors.As(err, &usage) {
		fmt.Fprintf(stderr, "bulkhead: %v\nSee '%s --help'.\n", err, cmd.CommandPath())
		return exitUsage
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) { // what was being done when it came is of no use
		err = errors.New("interrupted")
	}
	if !errors.Is(err, errExpectations) {
		fmt.Fprintf(stderr, "bulkhead: %v\n", plainly(err))
	}
	return exitFailure
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "bulkhead",
		Short: "Per-application DNS failover for multi-Region, multi-tenant platforms",
		Long: `Bulkhead gives every application on a shared load balancer its own DNS failover.

When app1 fails in one Region, only app1's users move. app2, on the same cluster and the same load balancer, stays.`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Version:       readBuild().Version,
		Args:          noArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetVersionTemplate("bulkhead {{.Version}}\n")
	root.SetFlagErrorFunc(flagError)
	root.AddCommand(newDemo(), newLab(), newServe(), newPlan(), newApply(), newDestroy(), newAdopt(), newStatus(), newExplain(), newAudit(),
		newVersion(), newCompletion())
	root.SetHelpCommand(newHelp())
	return root
}

// newHelp is cobra's help command, but that a topic which is not there is a wrong call.
func newHelp() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Help about any command",
		ValidArgsFunction: func(cmd *cobra.Command, args []string, _ string) (names []string, _ cobra.ShellCompDirective) {
			if at, _, err := cmd.Root().Find(args); err == nil {
				for _, c := range at.Commands() {
					names = append(names, c.Name())
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			about, rest, err := cmd.Root().Find(args)
			if err != nil {
				return usageError{err}
			}
			if len(rest) > 0 {
				return unknownCommand(about, rest[0])
			}
			about.InitDefaultHelpFlag()
			return about.Help()
		},
	}
}

// noArgs refuses positional arguments and says which one was too many.
func noArgs(cmd *cobra.Command, args []string) error {
	switch {
	case len(args) == 0:
		return nil
	case cmd.HasSubCommands():
		return unknownCommand(cmd, args[0])
	}
	return usageError{fmt.Errorf("%s takes no arguments, got %q", cmd.CommandPath(), args[0])}
}

// newLogger writes to stderr: talk goes there, answers to stdout.
func newLogger(w io.Writer, level slog.Level) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level}))
}

// isTerminal reports whether w is a terminal that understands cursor movement and colour.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb"
}

// wantsColor follows the NO_COLOR convention.
func wantsColor(w io.Writer) bool { return isTerminal(w) && os.Getenv("NO_COLOR") == "" }
