package main

import (
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

// A build is what is known of how this program was built.
type build struct {
	Version  string `json:"version"`            // of the module, "development" where the go command did not know it
	Commit   string `json:"commit,omitempty"`   // of the checkout
	Time     string `json:"time,omitempty"`     // of the commit, RFC 3339
	Modified bool   `json:"modified,omitempty"` // the checkout had changes that were not committed
	Go       string `json:"go"`                 // version of Go
	Platform string `json:"platform"`           // GOOS/GOARCH
}

func readBuild() build {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	return buildOf(info)
}

func buildOf(info *debug.BuildInfo) build {
	b := build{Version: info.Main.Version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if b.Version == "" || b.Version == "(devel)" {
		b.Version = "development"
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value
		case "vcs.time":
			b.Time = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	return b
}

func (b build) text() string {
	lines := []string{"bulkhead " + b.Version}
	if b.Commit != "" {
		commit := "commit   " + b.Commit
		if b.Modified {
			commit += ", with changes that are not committed"
		}
		lines = append(lines, commit, "time     "+b.Time)
	}
	lines = append(lines, "go       "+b.Go, "platform "+b.Platform)
	return strings.Join(lines, "\n") + "\n"
}

func newVersion() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version of this program, its commit, and its version of Go",
		Long: `Print the version of this program, its commit, and the version of Go that built it. --version prints only the first line.

A program that was built without its Git checkout has no commit.`,
		Example: `  bulkhead version
  bulkhead version -o json | jq -r .commit`,
		Args: noArgs,
	}
	output := addOutput(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		b := readBuild()
		return output.write(cmd.OutOrStdout(), b, b.text)
	}
	return cmd
}
