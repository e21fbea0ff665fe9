package plan

import (
	"slices"

	"github.com/bulkhead-dns/bulkhead/tagging"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// After returns the state that s becomes when steps of a plan are executed. created holds the ids of the created
// checks, by key. s is not changed. It saves reading everything again. If the provider's state is another one, the next
// execution finds out and writes nothing.
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

// WithoutDeletions returns the plan without the deletions of health checks. The next plan has them again.
func (p Plan) WithoutDeletions() Plan {
	p.Steps = slices.DeleteFunc(slices.Clone(p.Steps), func(s Step) bool { return s.Kind == DeleteCheck })
	p.seal()
	return p
}

// addCheck adds a check that was created, or found again.
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

// applyBatch changes the record sets as a batch does.
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

// MergeTags returns what a tag call leads to: tags without the keys in gone, and with others, which replace tags of the
// same key.
func MergeTags(tags, others []tagging.Tag, gone []string) []tagging.Tag {
	kept := slices.DeleteFunc(slices.Clone(tags), func(t tagging.Tag) bool {
		return slices.Contains(gone, t.Key) || slices.ContainsFunc(others, func(o tagging.Tag) bool { return o.Key == t.Key })
	})
	return append(kept, others...)
}
