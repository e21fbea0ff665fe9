package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// A format is what -o says: table for people, json or yaml for programs.
type format string

// addOutput adds -o.
func addOutput(cmd *cobra.Command) *format {
	f := format("table")
	cmd.Flags().VarP(&f, "output", "o", "`format`: table, json or yaml")
	cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"table", "json", "yaml"}, cobra.ShellCompDirectiveNoFileComp))
	return &f
}

func (f *format) String() string { return string(*f) }

func (f *format) Type() string { return "format" }

// Set refuses what is no format.
func (f *format) Set(s string) error {
	switch s {
	case "table", "json", "yaml":
		*f = format(s)
		return nil
	}
	return fmt.Errorf("use table, json or yaml")
}

// write writes v as a document, or table's text. Both forms of a document have the names of the JSON form.
func (f *format) write(w io.Writer, v any, table func() string) error {
	switch *f {
	case "json":
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(v)
	case "yaml":
		return writeYAML(w, v)
	}
	_, err := io.WriteString(w, table())
	return err
}
