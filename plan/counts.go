package plan

import (
	"fmt"
	"maps"
	"slices"

	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/tagging"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// Counts is what a plan costs to execute, and what is used before and after it.
type Counts struct {
	Objects      Objects     `json:"objects"`
	Calls        Calls       `json:"calls"`
	ChangeTokens int         `json:"changeTokens"` // of the change throughput: CREATE 1, DELETE 1, UPSERT 2. r53: C.8
	Checks       Usage       `json:"checks"`       // health checks in the account
	Zones        []ZoneUsage `json:"zones,omitempty"`
	Monthly      Cost        `json:"monthly"`
}

// Objects is how many health checks and record sets are created, changed and deleted. One that is deleted and created
// again in one batch is changed, and so is a check with new tags.
type Objects struct {
	Create int `json:"create"`
	Change int `json:"change"`
	Delete int `json:"delete"`
}

// String says what is to be done: "2 to create, 1 to change, 0 to delete".
func (o Objects) String() string {
	return fmt.Sprintf("%d to create, %d to change, %d to delete", o.Create, o.Change, o.Delete)
}

// Done says the same of what was done.
func (o Objects) Done() string {
	return fmt.Sprintf("%d created, %d changed, %d deleted", o.Create, o.Change, o.Delete)
}

// CountObjects counts the objects of steps.
func CountObjects(steps []Step) (o Objects) {
	changed := make(map[string]bool) // ids of checks
	for _, s := range steps {
		switch s.Kind {
		case CreateCheck:
			o.Create++
		case TagCheck, UpdateCheck:
			changed[s.Check.ID] = true
		case DeleteCheck:
			o.Delete++
		case ChangeRecords:
			o.add(s.Batch)
		}
	}
	o.Change += len(changed)
	return o
}

// add counts the record sets of a batch.
func (o *Objects) add(b *Batch) {
	deleted := make(map[zone.Key]bool)
	for i := range b.Changes {
		switch c := &b.Changes[i]; {
		case c.Action == zone.Delete:
			deleted[c.Set.Key()] = true
			o.Delete++
		case c.Action == zone.Create && deleted[c.Set.Key()]:
			delete(deleted, c.Set.Key())
			o.Delete--
			o.Change++
		case c.Action == zone.Create || c.Old == nil:
			o.Create++
		default:
			o.Change++
		}
	}
}

// Calls is the number of write calls by kind. Creating checks is the slowest: one in two seconds after the first fifty,
// and at most 1,000 in 24 hours by Route 53's older documentation. r53: C.8.
type Calls struct {
	CreateHealthCheck        int `json:"createHealthCheck"`
	ChangeTagsForResource    int `json:"changeTagsForResource"`
	UpdateHealthCheck        int `json:"updateHealthCheck"`
	ChangeResourceRecordSets int `json:"changeResourceRecordSets"`
	DeleteHealthCheck        int `json:"deleteHealthCheck"`
}

// Total returns the number of all write calls.
func (c Calls) Total() int {
	return c.CreateHealthCheck + c.ChangeTagsForResource + c.UpdateHealthCheck + c.ChangeResourceRecordSets +
		c.DeleteHealthCheck
}

// Usage is how much of a quota is used. Peak is the most at any time while the plan is executed.
type Usage struct {
	Before int `json:"before"`
	Peak   int `json:"peak"`
	After  int `json:"after"`
	Limit  int `json:"limit,omitempty"` // 0: none
}

// ZoneUsage is the record sets of one zone.
type ZoneUsage struct {
	ID   string    `json:"id"`
	Name zone.Name `json:"name"`
	Usage
}

// Cost is what the health checks of the account cost in a month, in US cents; on an engine nothing. Queries and zones
// are not in it. r53: F.
type Cost struct {
	BeforeCents int `json:"beforeCents"`
	AfterCents  int `json:"afterCents"`
}

// maxTagList is how many tags one call sets. r53: C.8.
const maxTagList = 10

// count sets what follows from the steps alone.
func (c *Counts) count(steps []Step) {
	c.Objects, c.Calls, c.ChangeTokens = CountObjects(steps), Calls{}, 0
	for _, s := range steps {
		switch s.Kind {
		case CreateCheck:
			c.Calls.CreateHealthCheck++
			c.Calls.ChangeTagsForResource += tagCalls(s.Check.Tags)
		case TagCheck:
			c.Calls.ChangeTagsForResource += max(tagCalls(s.Check.Tags), min(1, len(s.Check.Untag)))
		case UpdateCheck:
			c.Calls.UpdateHealthCheck++
		case DeleteCheck:
			c.Calls.DeleteHealthCheck++
		case ChangeRecords:
			c.Calls.ChangeResourceRecordSets++
			for _, change := range s.Batch.Changes {
				c.ChangeTokens++
				if change.Action == zone.Upsert {
					c.ChangeTokens++
				}
			}
		}
	}
}

func tagCalls(tags []tagging.Tag) int { return (len(tags) + maxTagList - 1) / maxTagList }

// use sets what the account uses before, during and after the steps.
func (d *differ) countUsage() {
	limits := d.guard.limits()
	after := make(map[string]health.Config, len(d.byID))
	for id, c := range d.byID {
		after[id] = c.Config
	}
	sets := make(map[string]int)
	for i := range d.current.Records {
		sets[d.current.Records[i].ZoneID]++
	}
	counts := Counts{Checks: Usage{Before: len(d.byID), Peak: len(d.byID), Limit: limits.HealthChecks}}
	if !d.guard.Engine {
		counts.Monthly.BeforeCents = MonthlyCents(maps.Values(after))
	}
	for i, s := range d.plan.Steps {
		switch s.Kind {
		case CreateCheck:
			after[fmt.Sprint(pending, i)] = *s.Check.New
			counts.Checks.Peak++
		case UpdateCheck:
			after[s.Check.ID] = *s.Check.New
		case DeleteCheck:
			delete(after, s.Check.ID)
		case ChangeRecords:
			counts.useZone(s.Batch, sets[s.Batch.ZoneID], limits.RecordSetsPerZone)
		}
	}
	counts.Checks.After = len(after)
	if !d.guard.Engine {
		counts.Monthly.AfterCents = MonthlyCents(maps.Values(after))
	}
	d.plan.Counts = counts
}

// useZone adds the effect of a batch on the number of record sets of its zone.
func (c *Counts) useZone(b *Batch, before, limit int) {
	i := slices.IndexFunc(c.Zones, func(z ZoneUsage) bool { return z.ID == b.ZoneID })
	if i < 0 {
		i = len(c.Zones)
		c.Zones = append(c.Zones, ZoneUsage{b.ZoneID, b.ZoneName, Usage{before, before, before, limit}})
	}
	z := &c.Zones[i]
	for _, change := range b.Changes {
		switch change.Action {
		case zone.Create:
			z.After++
		case zone.Delete:
			z.After--
		}
	}
	z.Peak = max(z.Peak, z.After)
}
