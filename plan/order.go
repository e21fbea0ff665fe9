package plan

import (
	"slices"

	"github.com/bulkhead-dns/bulkhead/zone"
)

// Route 53 handles the changes of a batch one after the other. Record sets that the batch UPSERTs do not conflict from
// its start. Every other record set exists until its DELETE. So a DELETE that makes room at a name comes before the
// CREATE that needs it, and the target of an alias before the alias. It is not confirmed whether a target may be
// deleted while an alias for it exists, so the alias is deleted first wherever the other rules allow it. r53: A.6, C.6.

// inOrder sorts the changes of a batch into an order that Route 53 accepts: deletes first, then by name, as far as
// aliases allow. Route 53 refuses aliases in a circle in any order; they keep this one.
func inOrder(zoneID string, changes []RecordChange) {
	slices.SortStableFunc(changes, func(a, b RecordChange) int {
		if first := a.Action == zone.Delete; first != (b.Action == zone.Delete) {
			if first {
				return -1
			}
			return 1
		}
		return a.Set.Key().Compare(b.Set.Key())
	})
	o := newOrdering(len(changes))
	made, gone := groupsOf(changes)
	removed := make(map[zone.Name][]int)
	for i := range changes {
		if c := &changes[i]; c.Action == zone.Delete {
			removed[c.Set.Name] = append(removed[c.Set.Name], i)
		}
	}
	for i := range changes {
		before, now := changes[i].sides()
		if now != nil {
			for _, j := range removed[now.Name] {
				if t := changes[j].Set.Type; t == now.Type || t == zone.CNAME || now.Type == zone.CNAME {
					o.must(j, i)
				}
			}
		}
		if target, ok := targetOf(zoneID, now); ok {
			for _, j := range made[target] {
				o.must(j, i)
			}
		}
		if target, ok := targetOf(zoneID, before); ok {
			for _, j := range gone[target] {
				o.should(i, j)
			}
		}
	}
	sorted := make([]RecordChange, 0, len(changes))
	for range changes {
		i, _ := o.next()
		sorted = append(sorted, changes[i])
	}
	copy(changes, sorted)
}

// sides returns the record set before and after a change. A set that is created has no before.
func (c *RecordChange) sides() (before, now *zone.ResourceRecordSet) {
	if c.Action == zone.Delete {
		return &c.Set, nil
	}
	return c.Old, &c.Set
}

// A group is the record sets of one name and type.
type group struct {
	name zone.Name
	t    zone.RRType
}

// groupsOf returns, by group, the changes that create or change a member, and those that delete one.
func groupsOf(changes []RecordChange) (made, gone map[group][]int) {
	made, gone = make(map[group][]int), make(map[group][]int)
	for i := range changes {
		g := group{changes[i].Set.Name, changes[i].Set.Type}
		if changes[i].Action == zone.Delete {
			gone[g] = append(gone[g], i)
		} else {
			made[g] = append(made[g], i)
		}
	}
	return made, gone
}

// targetOf returns the group in its own zone that a record set is an alias for.
func targetOf(zoneID string, s *zone.ResourceRecordSet) (target group, ok bool) {
	if s == nil || s.AliasTarget == nil || s.AliasTarget.HostedZoneID != zoneID {
		return group{}, false
	}
	return group{s.AliasTarget.DNSName, s.Type}, true
}

// An ordering returns numbered things one by one, each after those that it waits for.
type ordering struct {
	musts, shoulds  [][]int // who waits for a thing
	mustWait, waits []int   // how many a thing waits for: those it must wait for, and all
	done            []bool
	first           int // everything before it is taken
}

func newOrdering(n int) *ordering {
	return &ordering{make([][]int, n), make([][]int, n), make([]int, n), make([]int, n), make([]bool, n), 0}
}

// must makes second wait for first.
func (o *ordering) must(first, second int) {
	o.musts[first] = append(o.musts[first], second)
	o.mustWait[second]++
	o.waits[second]++
}

// should makes second wait for first, unless they wait for each other.
func (o *ordering) should(first, second int) {
	o.shoulds[first] = append(o.shoulds[first], second)
	o.waits[second]++
}

// next returns the first thing that waits for nothing, or else the first that need not wait. When all remaining things
// must wait for each other, it returns the first and reports a circle.
func (o *ordering) next() (i int, circle bool) {
	for o.done[o.first] {
		o.first++
	}
	chosen := -1
	for i := o.first; i < len(o.done); i++ {
		if o.done[i] || o.mustWait[i] > 0 {
			continue
		}
		if o.waits[i] == 0 {
			chosen = i
			break
		}
		if chosen < 0 {
			chosen = i
		}
	}
	if circle = chosen < 0; circle {
		chosen = o.first
	}
	o.done[chosen] = true
	for _, j := range o.musts[chosen] {
		o.mustWait[j]--
		o.waits[j]--
	}
	for _, j := range o.shoulds[chosen] {
		o.waits[j]--
	}
	return chosen, circle
}
