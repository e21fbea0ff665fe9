package plan

import (
	"slices"

	"github.com/bulkhead-dns/bulkhead/zone"
)

// A unit is a list of changes that must be made in one batch.
type unit struct {
	changes []RecordChange
	follows bool // not in an earlier batch than the unit before it
}

// units returns the changes of a zone in units. A unit has the changes of a name and of the names in the same zone that
// it is or was an alias for. A unit that is too large for a batch is divided into its names again.
func units(zoneID string, places []*nameDiff) []unit {
	index := make(map[zone.Name]int, len(places))
	leader := make([]int, len(places))
	for i, at := range places {
		index[at.Name] = i
		leader[i] = i
	}
	find := func(i int) int {
		for leader[i] != i {
			i = leader[i]
		}
		return i
	}
	for i, at := range places {
		for j := range at.changes {
			before, now := at.changes[j].sides()
			for _, s := range []*zone.ResourceRecordSet{before, now} {
				target, isAlias := targetOf(zoneID, s)
				if other, changes := index[target.name]; isAlias && changes {
					a, b := find(i), find(other)
					leader[max(a, b)] = min(a, b)
				}
			}
		}
	}
	joined := make([][][]RecordChange, len(places)) // by the first name of a unit, the changes of its names
	for i, at := range places {
		if len(at.changes) > 0 {
			joined[find(i)] = append(joined[find(i)], at.changes)
		}
	}
	var all []unit
	for _, names := range joined {
		changes := slices.Concat(names...)
		switch {
		case len(changes) == 0:
		case len(names) > 1 && !sizeOf(changes).fits():
			all = append(all, divided(zoneID, names)...)
		default:
			all = append(all, unit{changes: changes})
		}
	}
	return all
}

// divided returns a unit for each name: a target is created before its aliases, and deleted after them. Names that wait
// for each other stay together.
func divided(zoneID string, names [][]RecordChange) []unit {
	made, _ := groupsOf(slices.Concat(names...))
	index := make(map[zone.Name]int, len(names))
	for i, changes := range names {
		index[changes[0].Set.Name] = i
	}
	o := newOrdering(len(names))
	for i, changes := range names {
		for j := range changes {
			before, now := changes[j].sides()
			if target, ok := targetOf(zoneID, now); ok && made[target] != nil && index[target.name] != i {
				o.must(index[target.name], i)
			}
			target, ok := targetOf(zoneID, before)
			if other, changes := index[target.name]; ok && changes && made[target] == nil && other != i {
				o.must(i, other)
			}
		}
	}
	var all []unit
	together := false
	for range names {
		i, circle := o.next()
		if together {
			last := &all[len(all)-1]
			last.changes = append(slices.Clip(last.changes), names[i]...)
			continue
		}
		all = append(all, unit{changes: names[i], follows: len(all) > 0})
		together = circle
	}
	return all
}
