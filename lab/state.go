package lab

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// A deploymentState is what survives a restart of one application in one Region.
type deploymentState struct {
	Application string `json:"application"`
	Region      string `json:"region"`
	Replicas    int    `json:"replicas"`
	Failing     bool   `json:"failing"`
}

// loadState reads the state file; none at all is an empty state.
func loadState(path string) ([]deploymentState, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read lab state: %w", err)
	}
	var state []deploymentState
	if err := json.Unmarshal(b, &state); err != nil {
		return nil, fmt.Errorf("read lab state %s: %w (remove the file to start with healthy applications)", path, err)
	}
	return state, nil
}

// replaceFile writes a file of the data directory in one step, so that a crash leaves the old or the new one.
func replaceFile(path string, content any) (err error) {
	b, err := json.MarshalIndent(content, "", "  ")
	if err != nil {
		return fmt.Errorf("write lab state: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".lab-*")
	if err != nil {
		return fmt.Errorf("write lab state: %w", err)
	}
	_, err = f.Write(append(b, '\n'))
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write lab state: %w", errors.Join(err, os.Remove(f.Name())))
	}
	return nil
}
