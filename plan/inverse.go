package plan

import (
	"fmt"
	"slices"

	"github.com/bulkhead-dns/bulkhead/zone"
)

// Inverse returns the plan that undoes this one after its execution. It creates again what was deleted, restores what
// was adopted, and deletes what was created. created holds the ids of the checks that the plan creates, by key. They
// are known once those steps are done, before the first change of records. The error names a check without an id. Tags
// stay. A check that is created again has a new id and a caller reference of the next generation, and the plan waits
// for its first verdict.
func (p Plan) Inverse(created map[string]string) (Plan, error) {
	inv := inverse{created: created, deleted: make(map[string]*CheckChange), recreate: make(map[string]string),
		policyNames: make(map[string][]NameInZone)}
	var update, batches, remove []Step
	for _, s := range slices.Backward(p.Steps) {
		switch s.Kind {
		case DeleteCheck:
			inv.deleted[s.Check.ID] = s.Check
		case CreateCheck:
			id := created[s.Check.Key]
			if id == "" {
				return Plan{}, fmt.Errorf("inverse: no id given for the health check %s that the plan creates", s.Check.Key)
			}
			undone := CheckChange{Key: s.Check.Key, ID: id, CallerReference: s.Check.CallerReference, Old: s.Check.New}
			remove = append(remove, Step{Kind: DeleteCheck, Check: &undone})
		case UpdateCheck:
			undone := *s.Check
			undone.Old, undone.New = s.Check.New, s.Check.Old
			update = append(update, Step{Kind: UpdateCheck, Check: &undone})
		case ChangeRecords:
			batches = append(batches, Step{Kind: ChangeRecords, Batch: inv.batch(s.Batch)})
		}
	}
	for _, s := range remove {
		s.Check.Names = inv.policyNames[PolicyOf(s.Check.Key)]
	}
	create, keys := inv.recreated(p)
	steps := slices.Concat(create, update)
	if len(keys) > 0 {
		steps = append(steps, Step{Kind: WaitVerdicts, Wait: &Wait{Checks: keys}})
	}
	out := Plan{Steps: slices.Concat(steps, batches, remove), Zones: p.Zones}
	out.Counts = p.Counts.reversed(len(create), len(remove))
	out.seal()
	return out, nil
}

// An inverse makes the plan that undoes another.
type inverse struct {
	created     map[string]string
	deleted     map[string]*CheckChange // checks that the plan deletes, by id
	policyNames map[string][]NameInZone // names that the plan changes, by policy
	recreate    map[string]string       // key by id of those that have to be created again
}

func (inv *inverse) batch(b *Batch) *Batch {
	out := &Batch{ZoneID: b.ZoneID, ZoneName: b.ZoneName}
	for _, c := range b.Changes {
		if c.CheckKey != "" {
			c.Set.HealthCheckID = inv.created[c.CheckKey]
		}
		undone := RecordChange{Policy: c.Policy, Set: c.Set}
		switch c.Action {
		case zone.Create:
			undone.Action = zone.Delete
		case zone.Delete:
			undone.Action = zone.Create
			inv.rebind(&undone, c.Dangling)
		case zone.Upsert:
			now := c.Set
			undone.Action, undone.Set, undone.Old = zone.Upsert, *c.Old, &now
			inv.rebind(&undone, c.Dangling)
		}
		out.Changes = append(out.Changes, undone)
		if at := (NameInZone{b.ZoneID, c.Set.Name}); !slices.Contains(inv.policyNames[c.Policy], at) {
			inv.policyNames[c.Policy] = append(inv.policyNames[c.Policy], at)
		}
	}
	inOrder(b.ZoneID, out.Changes)
	return out
}

// rebind makes a record set refer to a check by key when its check was deleted. A record set whose check did not exist
// gets none: the provider answered as if it were healthy, and would not accept the reference again. r53: A.10.
func (inv *inverse) rebind(c *RecordChange, dangling bool) {
	if dangling {
		c.Set.HealthCheckID = ""
		return
	}
	if gone := inv.deleted[c.Set.HealthCheckID]; gone != nil {
		inv.recreate[gone.ID] = gone.Key
		c.CheckKey, c.Set.HealthCheckID = gone.Key, ""
	}
}

// recreated returns the steps that create the checks which record sets need again, and their keys. Two deleted checks
// of one key are created again as one.
func (inv *inverse) recreated(p Plan) (steps []Step, keys []string) {
	for _, s := range p.Steps {
		if s.Kind != DeleteCheck || inv.recreate[s.Check.ID] == "" || slices.Contains(keys, s.Check.Key) {
			continue
		}
		config := *s.Check.Old
		key := s.Check.Key
		keys = append(keys, key)
		steps = append(steps, Step{Kind: CreateCheck, Check: &CheckChange{Key: key, New: &config,
			CallerReference: CallerReference(key, p.lastGeneration(key)+1),
			Tags:            ownershipTags(&Check{Key: key, Tags: s.Check.Tags}),
			Why:             "replaces " + s.Check.ID + ", which was deleted",
		}})
	}
	return steps, keys
}

// lastGeneration returns the highest generation of a key's caller references in the plan.
func (p Plan) lastGeneration(key string) int {
	last := 0
	for _, s := range p.Steps {
		if s.Check != nil && s.Check.Key == key {
			_, n, _ := parseReference(s.Check.CallerReference)
			last = max(last, n)
		}
	}
	return last
}

// reversed returns the usage of quotas for the inverse, which creates and removes the given numbers of checks.
func (c Counts) reversed(creates, removes int) Counts {
	from := c.Checks.After
	c.Checks = Usage{Before: from, Peak: from + creates, After: from + creates - removes, Limit: c.Checks.Limit}
	c.Zones = slices.Clone(c.Zones)
	for i := range c.Zones {
		z := &c.Zones[i]
		z.Before, z.After = z.After, z.Before
	}
	c.Monthly = Cost{c.Monthly.AfterCents, c.Monthly.BeforeCents}
	return c
}
