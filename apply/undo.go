package apply

import (
	"encoding/json"
	"fmt"
	"path/filepath"

	"github.com/bulkhead-dns/bulkhead/plan"
)

// WriteUndo keeps the plan that undoes a plan which Apply has completed, in Options.RollbackDir, and returns its path;
// without a directory it keeps nothing and returns "". Unlike the plans that Apply writes before its batches, it has
// all steps.
func (a *Applier) WriteUndo(p plan.Plan, result Result) (path string, err error) {
	if a.o.RollbackDir == "" || p.Empty() {
		return "", nil
	}
	inverse, err := p.Inverse(result.Created)
	if err != nil {
		return "", err
	}
	data, err := json.MarshalIndent(inverse, "", "  ")
	if err != nil {
		return "", err
	}
	path = filepath.Join(a.o.RollbackDir, fmt.Sprintf("undo-%.12s.json", p.Hash))
	if err := writeFile(path, append(data, '\n')); err != nil {
		return "", fmt.Errorf("keep the plan that undoes this one: %w", err)
	}
	return path, nil
}
