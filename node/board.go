package node

import (
	"slices"

	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/store"
)

// board holds the verdict of every check, by id.
type board map[string]*entry

type entry struct {
	config health.Config
	// measured is the last verdict that reports gave, before Inverted and Disabled; nil until there was a report.
	measured *bool
	status   health.Status
	parents  []string // CALCULATED checks that count this one
}

type verdict struct {
	check   string
	healthy bool
}

// put adds a check or takes its new config.
func (b board) put(c health.Check) *entry {
	e, ok := b[c.ID]
	if !ok {
		e = &entry{}
		b[c.ID] = e
		for id, other := range b { // a parent may be known before its child
			if slices.Contains(other.config.ChildHealthChecks, c.ID) {
				e.parents = append(e.parents, id)
			}
		}
	}
	b.unlink(e, c.ID)
	e.config = c.Config
	for _, child := range e.config.ChildHealthChecks {
		if child, ok := b[child]; ok {
			child.parents = append(child.parents, c.ID)
		}
	}
	return e
}

// remove forgets a check and returns the CALCULATED checks that counted it.
func (b board) remove(id string) (parents []string) {
	e, ok := b[id]
	if !ok {
		return nil
	}
	delete(b, id)
	b.unlink(e, id)
	return e.parents
}

// unlink takes a check out of its children's parents.
func (b board) unlink(e *entry, id string) {
	for _, child := range e.config.ChildHealthChecks {
		if c, ok := b[child]; ok {
			c.parents = slices.DeleteFunc(c.parents, func(parent string) bool { return parent == id })
		}
	}
}

// judge decides the given checks anew, and after them the CALCULATED checks that count them, and returns the verdicts. A
// CALCULATED check is never a child (r53: B.8), so one level of parents is all there is.
func (b board) judge(st *store.State, ids []string) []verdict {
	var out []verdict
	var parents []string
	decide := func(id string) {
		e, ok := b[id]
		if !ok {
			out = append(out, verdict{id, true}) // a record that still cites it has a healthy check (r53: A.10)
			return
		}
		if e.config.Type == health.Calculated {
			e.status = health.Calculate(e.config, b.healthy)
		} else {
			s, measured := health.Aggregate(e.config, st.Reports(id), e.measured)
			e.status = s
			if s.Checkers > 0 {
				e.measured = &measured
			}
		}
		out = append(out, verdict{id, e.status.Healthy})
		parents = append(parents, e.parents...)
	}
	for _, id := range ids {
		decide(id)
	}
	slices.Sort(parents)
	for _, id := range slices.Compact(parents) {
		decide(id)
	}
	return out
}

// healthy is the final status of a child; a missing one counts as healthy. r53: B.4.
func (b board) healthy(id string) bool {
	e, ok := b[id]
	return !ok || e.status.Healthy
}
