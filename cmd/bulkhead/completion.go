package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

var shells = []string{"bash", "zsh", "fish", "powershell"}

func newCompletion() *cobra.Command {
	var plain bool
	cmd := &cobra.Command{
		Use:   "completion {" + strings.Join(shells, " | ") + "}",
		Short: "Print the script by which a shell completes commands, flags and names",
		Long: `Print the script by which a shell completes commands, flags, and names from an account or from the files of -f: policies,
hostnames, Regions, zones, and the applications of a lab.

  bash        needs the package bash-completion; save the script as /etc/bash_completion.d/bulkhead
  zsh         save the script as _bulkhead in a directory of $fpath, before compinit runs
  fish        save the script as ~/.config/fish/completions/bulkhead.fish
  powershell  add the script to $PROFILE`,
		Example: `  source <(bulkhead completion bash)
  bulkhead completion zsh > "${fpath[1]}/_bulkhead"
  bulkhead completion fish > ~/.config/fish/completions/bulkhead.fish
  bulkhead completion powershell | Out-String | Invoke-Expression`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageError{fmt.Errorf("completion takes one shell, got %d arguments: use %s", len(args), strings.Join(shells, ", "))}
			}
			return nil
		},
		ValidArgs:             shells,
		DisableFlagsInUseLine: true,
	}
	cmd.Flags().BoolVar(&plain, "no-descriptions", false, "complete without a description beside each word")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		root, out := cmd.Root(), cmd.OutOrStdout()
		switch args[0] {
		case "bash":
			return root.GenBashCompletionV2(out, !plain)
		case "zsh":
			if plain {
				return root.GenZshCompletionNoDesc(out)
			}
			return root.GenZshCompletion(out)
		case "fish":
			return root.GenFishCompletion(out, !plain)
		case "powershell":
			if plain {
				return root.GenPowerShellCompletion(out)
			}
			return root.GenPowerShellCompletionWithDesc(out)
		}
		return usageError{fmt.Errorf("completion %s: use %s", args[0], strings.Join(shells, ", "))}
	}
	return cmd
}
