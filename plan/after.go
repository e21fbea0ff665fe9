package plan

import (
	"slices"

	"github.com/bulkhead-dns/bulkhead/tagging"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// After returns the state that executed steps of a plan lead to from s. created holds the ids of the checks that were
// made, by key. s is not changed. It saves reading everything again; whoever plans from it is told by the next
// execution where it is not so.
func (s State) After(steps []Step, created map[string]string) State {
	after := State{Zones: s.Zones, Checks: slices.Clone(s.Checks), Records: s.Records}
	for _, step := range steps {
		switch step.Kind {
		case CreateCheck:
			after.addCheck(step.Check, created[step.Check.Key])
		case TagCheck:
			after.changeCheck(step.Check.ID, func(c *Check) {
				c.Tags = MergeTags(c.Tags, step.Check.Tags, step.Check.Untag)
				c.Key = KeyOf(c.CallerReference, c.Tags)
			})
		case UpdateCheck:
			after.changeCheck(step.Check.ID, func(c *Check) { c.Config, c.Healthy = *step.Check.New, nil })
		case DeleteCheck:
			after.Checks = slices.DeleteFunc(after.Checks, func(c Check) bool { return c.ID == step.Check.ID })
		case ChangeRecords:
			after.applyBatch(step.Batch, created)
		}
	}
	return after
}

// WithoutDeletions returns the plan without the deletions of health checks. What it leaves out is in the next plan.
func (p Plan) WithoutDeletions() Plan {
	p.Steps = slices.DeleteFunc(slices.Clone(p.Steps), func(s Step) bool { return s.Kind == DeleteCheck })
	p.seal()
	return p
}

// created adds a check that was made, or found again.
func (s *State) addCheck(c *CheckChange, id string) {
	if id == "" {
		return
	}
	s.Checks = slices.DeleteFunc(s.Checks, func(old Check) bool { return old.ID == id })
	s.Checks = append(s.Checks, Check{Key: c.Key, ID: id, Config: *c.New, Tags: c.Tags,
		CallerReference: c.CallerReference})
}

func (s *State) changeCheck(id string, change func(*Check)) {
	if i := slices.IndexFunc(s.Checks, func(c Check) bool { return c.ID == id }); i >= 0 {
		change(&s.Checks[i])
	}
}

// batch changes the record sets as one batch has.
func (s *State) applyBatch(b *Batch, created map[string]string) {
	gone := make(map[zone.Key]bool)
	var made []Record
	for i := range b.Changes {
		c := &b.Changes[i]
		gone[c.Set.Key()] = true
		if c.Action == zone.Delete {
			continue
		}
		set := c.Set
		if c.CheckKey != "" {
			set.HealthCheckID = created[c.CheckKey]
		}
		made = append(made, Record{ZoneID: b.ZoneID, Set: set})
	}
	records := make([]Record, 0, len(s.Records)+len(made))
	for _, r := range s.Records {
		if r.ZoneID != b.ZoneID || !gone[r.Set.Key()] {
			records = append(records, r)
		}
	}
	s.Records = append(records, made...)
}

// Overlaid returns tags without some, and with others in the place of those with their keys: what a tag call leads to.
func MergeTags(tags, others []tagging.Tag, gone []string) []tagging.Tag {
	kept := slices.DeleteFunc(slices.Clone(tags), func(t tagging.Tag) bool {
		return slices.Contains(gone, t.Key) || slices.ContainsFunc(others, func(o tagging.Tag) bool { return o.Key == t.Key })
	})
	return append(kept, others...)
}
