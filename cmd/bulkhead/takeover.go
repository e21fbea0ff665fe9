package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/bulkhead-dns/bulkhead/apply"
	"github.com/bulkhead-dns/bulkhead/explain"
	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// compareAdopted tells what changes for clients of the names that a plan takes over.
func (r *planned) compareAdopted(ctx context.Context) error {
	names, after := replaced(r.Current, r.Desired, r.Plan)
	if len(names) == 0 || r.Plan.Refusals != nil {
		return nil
	}
	in := explain.Input{State: r.Current, Policies: r.Policies, Provider: r.provider}
	var old []plan.Record
	for _, rec := range r.Current.Records {
		if slices.Contains(names, rec.Set.Name) {
			old = append(old, rec)
		}
	}
	for _, id := range citedCollections(old) {
		c, err := r.applier.Collection(ctx, id)
		switch {
		case err != nil && apply.Denied(err):
			r.notes = append(r.notes, plan.Finding{Text: fmt.Sprintf("CIDR collection %s was not read (%s): changes for its clients are not shown",
				id, brief(err))})
		case err != nil:
			return err
		default:
			in.Collections = append(in.Collections, c)
		}
	}
	var err error
	r.takeovers, err = explain.Takeovers(in, after, names)
	return err
}

// replaced are the names of which a plan takes record sets over, in order, and the state once it is executed.
func replaced(current, desired plan.State, p plan.Plan) (names []zone.Name, after plan.State) {
	type key struct {
		zone string
		set  zone.Key
	}
	after = plan.State{Zones: current.Zones, Checks: slices.Clone(current.Checks)}
	for _, c := range desired.Checks {
		c.ID = cmp.Or(c.ID, c.Key) // nobody has given it an id yet
		after.Checks = append(after.Checks, c)
	}
	changed := map[key]*plan.Record{} // nil: deleted
	var order []key
	for _, s := range p.Steps {
		if s.Batch == nil {
			continue
		}
		for _, c := range s.Batch.Changes {
			k := key{s.Batch.ZoneID, c.Set.Key()}
			if changed[k] = nil; c.Action != zone.Delete {
				set := c.Set
				set.HealthCheckID = cmp.Or(set.HealthCheckID, c.CheckKey)
				changed[k] = &plan.Record{ZoneID: k.zone, Set: set}
				order = append(order, k)
			}
			if c.Adopted && !slices.Contains(names, c.Set.Name) {
				names = append(names, c.Set.Name)
			}
		}
	}
	for _, rec := range current.Records {
		if _, ok := changed[key{rec.ZoneID, rec.Set.Key()}]; !ok {
			after.Records = append(after.Records, rec)
		}
	}
	for _, k := range order {
		if rec := changed[k]; rec != nil {
			after.Records = append(after.Records, *rec)
			changed[k] = nil // each once
		}
	}
	slices.SortFunc(names, zone.Compare)
	return names, after
}

// takeoversShown is how many names are told of on a screen.
const takeoversShown = 10

// changesForClients is the section of a plan about what clients notice of a takeover. It stays short however many names
// and places there are.
func changesForClients(list []explain.Takeover, width int) string {
	if len(list) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("What changes for clients:\n")
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(x, y explain.Takeover) int { return len(y.Lines()) - len(x.Lines()) })
	for _, t := range list[:min(len(list), takeoversShown)] {
		for i, text := range t.Lines() {
			if i == 0 {
				writeBullet(&b, text, width)
			} else {
				writeInner(&b, text, width)
			}
		}
	}
	if more := len(list) - takeoversShown; more > 0 {
		writeBullet(&b, fmt.Sprintf("and %d more names: -o json has all", more), width)
	}
	return b.String()
}

// writeInner writes a paragraph below that of a bullet.
func writeInner(b *strings.Builder, text string, width int) {
	var inner strings.Builder
	writeBullet(&inner, text, max(0, width-4))
	for line := range strings.Lines(inner.String()) {
		b.WriteString("    " + line)
	}
}
