package apply

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// writeRollback keeps the plan that undoes a batch, before the batch is sent, when it deletes or adopts something.
// Checks that the plan deletes later, and that the record sets referred to, are part of it: they would have to be made
// again.
func (r *run) writeRollback(b *plan.Batch) error {
	if r.a.o.RollbackDir == "" || !slices.ContainsFunc(b.Changes, func(c plan.RecordChange) bool {
		return c.Adopted || c.Action == zone.Delete
	}) {
		return nil
	}
	referred := make(map[string]bool)
	for i := range b.Changes {
		c := &b.Changes[i]
		if c.Old != nil {
			referred[c.Old.HealthCheckID] = true
		}
		referred[c.Set.HealthCheckID] = true
	}
	part := plan.Plan{Steps: []plan.Step{{Kind: plan.ChangeRecords, Batch: b}}, Counts: r.p.Counts, Zones: r.p.Zones}
	part.Counts.Zones = slices.DeleteFunc(slices.Clone(part.Counts.Zones),
		func(z plan.ZoneUsage) bool { return z.ID != b.ZoneID })
	for _, s := range r.p.Steps {
		if s.Kind == plan.DeleteCheck && referred[s.Check.ID] {
			part.Steps = append(part.Steps, s)
		}
	}
	inverse, err := part.Inverse(r.known())
	if err != nil {
		return err
	}
	data, err := json.MarshalIndent(inverse, "", "  ")
	if err != nil {
		return err
	}
	path := filepath.Join(r.a.o.RollbackDir, fmt.Sprintf("rollback-%.12s-%d.json", r.p.Hash, r.step+1))
	if err := writeFile(path, append(data, '\n')); err != nil {
		return fmt.Errorf("keep what the batch of %s replaces, before it is sent: %w", b.ZoneName, err)
	}
	r.result.Rollbacks = append(r.result.Rollbacks, path)
	return nil
}

// writeFile writes a file that is whole and on disk when it returns.
func writeFile(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".rollback-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
