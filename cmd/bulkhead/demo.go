package main

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/bulkhead-dns/bulkhead/demo"
)

// errExpectations ends the demo with exit code 1; the table has said why.
var errExpectations = errors.New("an expectation is not met")

func newDemo() *cobra.Command {
	var (
		asJSON, stay        bool
		interval, threshold int
	)
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Watch app1 fail over alone, on this machine, in about a minute",
		Long: `Watch app1 fail over alone, on this machine.

An engine and a lab of two Regions start in this process, with a temporary data directory. Zone, health checks and records are
created through the Route 53 API. Then app1 is scaled to 0 in eu-west-1: app1's users move, app2's users stay. Afterwards the same
is shown with EvaluateTargetHealth and without checks, where app2's users move too.

Exit code 0 means that every expectation is met.`,
		Example: `  bulkhead demo
  bulkhead demo --interval 10 --threshold 3
  bulkhead demo --json > demo.json
  bulkhead demo --stay`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkTimers(interval, threshold); err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			talk := out
			if asJSON {
				talk = cmd.ErrOrStderr() // stdout is for the document alone
			}
			display := &demo.Display{Out: talk, Live: isTerminal(talk), Color: wantsColor(talk)}
			return demo.Run(cmd.Context(), demo.Options{
				Interval:  interval,
				Threshold: threshold,
				Stay:      stay,
				Display:   display,
				Finished: func(r *demo.Result) error {
					display.Result(r)
					if asJSON {
						enc := json.NewEncoder(out)
						enc.SetIndent("", "  ")
						if err := enc.Encode(r); err != nil {
							return err
						}
					}
					if !r.Held {
						return errExpectations
					}
					return nil
				},
			})
		},
	}
	f := cmd.Flags()
	f.BoolVar(&asJSON, "json", false, "print the result as one JSON document; the story goes to stderr")
	f.BoolVar(&stay, "stay", false, "keep everything running afterwards")
	addTimers(cmd, &interval, &threshold, 1)
	return cmd
}

// addTimers adds the two flags that set every health check's timers.
func addTimers(cmd *cobra.Command, interval, threshold *int, defaultInterval int) {
	cmd.Flags().IntVar(interval, "interval", defaultInterval, "RequestInterval of the health checks in `seconds`: 1 to 10, or 30")
	cmd.Flags().IntVar(threshold, "threshold", 3, "FailureThreshold of the health checks, consecutive `probes`: 1 to 10")
}

func checkTimers(interval, threshold int) error {
	if (interval < 1 || interval > 10) && interval != 30 {
		return usageError{fmt.Errorf("--interval %d: use 1 to 10, or 30 seconds", interval)}
	}
	if threshold < 1 || threshold > 10 {
		return usageError{fmt.Errorf("--threshold %d: use 1 to 10 probes", threshold)}
	}
	return nil
}
