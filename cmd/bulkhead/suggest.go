package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/bulkhead-dns/bulkhead/failover"
)

// nearby is how many letters a mistyped word may differ by from the one that is suggested.
const nearby = 2

// unknownCommand refuses a command that is not there, and suggests the ones that may be meant.
func unknownCommand(parent *cobra.Command, name string) error {
	parent.SuggestionsMinimumDistance = nearby
	return usageError{fmt.Errorf("unknown command %q%s", name, didYouMean(parent.SuggestionsFor(name)))}
}

// flagError makes a wrong flag a usage error, and suggests the flags that may be meant.
func flagError(cmd *cobra.Command, err error) error {
	name, found := strings.CutPrefix(err.Error(), "unknown flag: --")
	if !found {
		return usageError{err}
	}
	var near []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden && (failover.EditDistance(name, f.Name) <= nearby || strings.HasPrefix(f.Name, name)) {
			near = append(near, "--"+f.Name)
		}
	})
	return usageError{fmt.Errorf("%w%s", err, didYouMean(near))}
}

// didYouMean is the end of a sentence about a word that is not known; nothing without a suggestion.
func didYouMean(names []string) string {
	if len(names) == 0 {
		return ""
	}
	slices.Sort(names)
	return ": did you mean " + strings.Join(slices.Compact(names), " or ") + "?"
}
