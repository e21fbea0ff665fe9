package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bulkhead-dns/bulkhead/failover"
)

// addFiles adds -f.
func addFiles(cmd *cobra.Command) *[]string {
	files := cmd.Flags().StringArrayP("filename", "f", nil, "`file`, directory, or - for standard input, of FailoverPolicies and FailoverClasses; may be repeated")
	cmd.MarkFlagFilename("filename", "yaml", "yml", "json")
	return files
}

// readObjects reads all files before anything is done: everything that is wrong in any of them is one error. A
// directory means its .yaml, .yml and .json files, not those below it.
func readObjects(stdin io.Reader, files []string) ([]failover.Object, error) {
	var (
		objects  []failover.Object
		problems failover.Problems
	)
	for _, file := range files {
		names, err := filesOf(file)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			data, err := readFile(stdin, name)
			if err != nil {
				return nil, err
			}
			got, err := failover.Parse(name, data)
			var ps failover.Problems
			switch {
			case errors.As(err, &ps):
				problems = append(problems, ps...)
			case err != nil:
				return nil, err
			}
			objects = append(objects, got...)
		}
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return objects, nil
}

func filesOf(name string) ([]string, error) {
	if name == "-" {
		return []string{name}, nil
	}
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return []string{name}, nil
	}
	entries, err := os.ReadDir(name)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if ext := filepath.Ext(e.Name()); !e.IsDir() && slices.Contains([]string{".yaml", ".yml", ".json"}, ext) && !strings.HasPrefix(e.Name(), ".") {
			names = append(names, filepath.Join(name, e.Name()))
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%s: %w: no .yaml, .yml or .json file in the directory", name, fs.ErrNotExist)
	}
	return names, nil
}

func readFile(stdin io.Reader, name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(stdin)
	}
	return os.ReadFile(name)
}
