package apply

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"

	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// A Result is what an execution has done, also when it ended early.
type Result struct {
	Steps int `json:"steps"` // that were completed
	// id by key of checks that were created, or found again after an interrupted creation
	Created   map[string]string `json:"created,omitempty"`
	Changes   []string          `json:"changes,omitempty"`   // ids of change batches that were accepted
	Open      []string          `json:"open,omitempty"`      // those of them that not all name servers answer by yet
	Rollbacks []string          `json:"rollbacks,omitempty"` // paths of the plans that undo them
}

// Apply executes a plan: every step as it was shown, in order. It returns when all name servers answer by the changes,
// and deletes health checks only then.
//
// Right before a batch, the record sets that it changes must be as the plan saw them, and right before an update or a
// deletion, so must the check: otherwise the error is *Changed, and nothing of that step was written. A check that
// record sets have come to cite is not deleted, which is *Changed in the end. The error is *plan.Refused for a plan
// that has refusals, *CheckError when Route 53 refuses a check, *VerdictError when checks have no verdict or the wrong
// one, and *BatchError when Route 53 refuses a batch. After any error, and after the end of the process at any point,
// reading and planning anew gives the plan that completes what was begun.
func (a *Applier) Apply(ctx context.Context, p plan.Plan) (Result, error) {
	return a.newRun(p).all(ctx)
}

func (a *Applier) newRun(p plan.Plan) *run {
	return &run{a: a, p: p, ids: make(map[string]string), result: Result{Created: make(map[string]string)}}
}

// all executes the steps in order.
func (r *run) all(ctx context.Context) (Result, error) {
	if err := r.check(); err != nil {
		return r.result, err
	}
	if err := r.inScope(ctx, r.p.Steps); err != nil {
		return r.result, err
	}
	for i, s := range r.p.Steps {
		r.step = i
		kept := len(r.deletions.kept)
		err := r.execute(ctx, s)
		if errors.Is(err, errLater) {
			break
		}
		if err != nil {
			return r.settle(), err
		}
		if len(r.deletions.kept) == kept {
			r.result.Steps++
		}
	}
	if err := r.sync(ctx); err != nil && !errors.Is(err, errLater) {
		return r.settle(), err
	}
	return r.settle(), r.lookAgain(ctx)
}

// settle returns the result with the changes that are open.
func (r *run) settle() Result {
	r.result.Open = nil
	for _, change := range r.open {
		r.result.Open = append(r.result.Open, change.id)
	}
	return r.result
}

// A run is one execution of a plan.
type run struct {
	a      *Applier
	p      plan.Plan
	step   int
	ids    map[string]string // id by key of the checks that are known so far
	live   map[string]bool   // caller references of existing checks, read when one is found to be taken
	open   []pendingChange   // changes that are not known to be in sync
	result Result
	hasty  bool // it waits for nothing, see Advance

	deletions deletions
}

type pendingChange struct{ id, zone string }

// check refuses what must not be executed: refusals, and steps that are not those that the hash was made of.
func (r *run) check() error {
	if len(r.p.Refusals) > 0 {
		return &plan.Refused{Findings: r.p.Refusals}
	}
	data, err := json.Marshal(r.p)
	if err != nil {
		return err
	}
	_, err = plan.Parse(data)
	return err
}

func (r *run) execute(ctx context.Context, s plan.Step) error {
	switch s.Kind {
	case plan.CreateCheck:
		return r.create(ctx, s.Check)
	case plan.TagCheck:
		if r.binds(s.Check.ID) { // others of the key are marked as well when they are taken over
			r.ids[s.Check.Key] = s.Check.ID
		}
		return r.tag(ctx, s.Check)
	case plan.UpdateCheck:
		r.ids[s.Check.Key] = s.Check.ID
		return r.update(ctx, s.Check)
	case plan.WaitVerdicts:
		return r.waitVerdicts(ctx, s.Wait)
	case plan.ChangeRecords:
		return r.change(ctx, s.Batch)
	case plan.DeleteCheck:
		// Until name servers have forgotten the record sets, what they answer must not come to depend on nothing.
		if err := r.sync(ctx); err != nil {
			return err
		}
		return r.remove(ctx, s.Check)
	}
	return fmt.Errorf("step %d is of the unknown kind %q", r.step+1, s.Kind)
}

// binds reports whether the plan's record sets are to cite an existing check.
func (r *run) binds(id string) bool {
	return slices.ContainsFunc(r.p.Steps, func(s plan.Step) bool {
		return s.Batch != nil && slices.ContainsFunc(s.Batch.Changes, func(c plan.RecordChange) bool {
			return c.Action != zone.Delete && c.Set.HealthCheckID == id
		})
	})
}

func (r *run) tell(object, format string, args ...any) {
	if r.a.o.Progress != nil {
		r.a.o.Progress(Progress{r.step + 1, len(r.p.Steps), r.p.Steps[r.step].Kind, object, fmt.Sprintf(format, args...)})
	}
}

// wrote logs a call and returns its error.
func (r *run) wrote(line LogLine, err error) error {
	line.Plan = r.p.Hash
	return errors.Join(err, r.a.log(line, err))
}

// Changed is the error of a step whose object is no longer as the plan saw it.
type Changed struct {
	Object string // a record set, or a check's key and id
	What   string // what is there now
	Late   bool   // the step was executed all the same
}

// Error says what to do.
func (e *Changed) Error() string {
	if e.Late {
		return fmt.Sprintf("%s: %s. Plan again, that mends it", e.Object, e.What)
	}
	return fmt.Sprintf("%s changed since the plan was made: %s. Nothing was written for this step; plan again", e.Object,
		e.What)
}

// change sends one batch.
func (r *run) change(ctx context.Context, b *plan.Batch) error {
	r.tell(string(b.ZoneName), "%d changes", len(b.Changes))
	if err := r.unchanged(ctx, b); err != nil {
		return err
	}
	if err := r.unheld(ctx, b); err != nil {
		return err
	}
	if waits(r.p) && !r.hasty {
		if err := r.inScope(ctx, []plan.Step{{Batch: b}}); err != nil {
			return err
		}
	}
	changes, err := r.changes(b)
	if err != nil {
		return err
	}
	if err := r.writeRollback(b); err != nil {
		return err
	}
	c := call[*route53.ChangeResourceRecordSetsInput, *route53.ChangeResourceRecordSetsOutput]{
		name: "ChangeResourceRecordSets", do: r.a.o.Route53.ChangeResourceRecordSets, once: true, changes: len(changes)}
	out, err := c.send(ctx, r.a, &route53.ChangeResourceRecordSetsInput{
		HostedZoneId: &b.ZoneID,
		ChangeBatch:  &types.ChangeBatch{Changes: changes, Comment: aws.String("bulkhead plan " + r.p.Hash)},
	})
	line := LogLine{Operation: c.name, Object: string(b.ZoneName), Changes: len(b.Changes)}
	if err != nil {
		err = batchError(string(b.ZoneName), err)
		if transient(err) {
			err = fmt.Errorf("%w (no answer: the batch may have been executed, plan again to see)", err)
		}
		return r.wrote(line, err)
	}
	line.ID = bareID(out.ChangeInfo.Id)
	r.result.Changes = append(r.result.Changes, line.ID)
	if out.ChangeInfo.Status != types.ChangeStatusInsync {
		r.open = append(r.open, pendingChange{line.ID, string(b.ZoneName)})
	}
	return r.wrote(line, nil)
}

// changes returns a batch as it is sent. An UPSERT is sent as DELETE and CREATE, which cost the same: a DELETE is
// refused unless the set is still what the plan saw, so that of two runs at once, or a run and a person, one is refused
// instead of undoing what the other did after unchanged looked. r53: C.6, C.8.
func (r *run) changes(b *plan.Batch) ([]types.Change, error) {
	var removed, made []types.Change
	for _, c := range b.Changes {
		if c.CheckKey != "" {
			c.Set.HealthCheckID = r.ids[c.CheckKey]
			if c.Set.HealthCheckID == "" {
				return nil, fmt.Errorf("%s: the health check %s is not created by this plan", plan.Describe(&c.Set), c.CheckKey)
			}
		}
		switch {
		case c.Action == zone.Delete:
			removed = append(removed, types.Change{Action: types.ChangeActionDelete, ResourceRecordSet: sdkSet(&c.Set)})
			continue
		case c.Old != nil:
			removed = append(removed, types.Change{Action: types.ChangeActionDelete, ResourceRecordSet: sdkSet(c.Old)})
		}
		made = append(made, types.Change{Action: types.ChangeActionCreate, ResourceRecordSet: sdkSet(&c.Set)})
	}
	return slices.Concat(removed, made), nil
}

// unheld wants the checks that record sets are to cite no longer to be as the plan saw them: somebody may have forced
// an endpoint out while the verdict on its new check was waited for, and must not find it back in.
func (r *run) unheld(ctx context.Context, b *plan.Batch) error {
	made, left := make(map[zone.Key]bool), make(map[string]bool)
	for i := range b.Changes {
		if c := &b.Changes[i]; c.Action == zone.Create {
			made[c.Set.Key()] = true
		}
	}
	for i := range b.Changes {
		switch c := &b.Changes[i]; {
		case c.Old != nil:
			left[c.Old.HealthCheckID] = true
		case c.Action == zone.Delete && made[c.Set.Key()]:
			left[c.Set.HealthCheckID] = true
		}
	}
	for _, s := range r.p.Steps {
		if s.Kind != plan.DeleteCheck || !left[s.Check.ID] || s.Check.Old == nil {
			continue
		}
		now, _, err := r.a.check(ctx, s.Check.ID)
		var gone *types.NoSuchHealthCheck
		switch {
		case errors.As(err, &gone):
		case err != nil:
			return err
		case !plan.SameConfig(now, *s.Check.Old):
			return &Changed{Object: named(s.Check), What: "it has other settings"}
		}
	}
	return nil
}

// unchanged reads what a batch changes and compares. Names are in order, so that a page often holds the next ones too,
// and what lies between them is left out by beginning the next page at the next name.
func (r *run) unchanged(ctx context.Context, b *plan.Batch) error {
	here, err := r.read(ctx, b)
	if err != nil {
		return err
	}
	deleted := make(map[zone.Key]bool)
	for i := range b.Changes {
		c := &b.Changes[i]
		key := c.Set.Key()
		before := c.Old
		switch c.Action {
		case zone.Delete:
			deleted[key] = true
			before = &c.Set
		case zone.Create:
			if deleted[key] {
				continue // compared with the deletion before it
			}
		}
		now, exists := here[key]
		switch {
		case before == nil && exists:
			return &Changed{Object: plan.Describe(&now), What: "it exists now"}
		case before != nil && !exists:
			return &Changed{Object: plan.Describe(before), What: "it is gone"}
		case before != nil && !identicalSets(before, &now):
			return &Changed{Object: plan.Describe(before), What: "it has other contents"}
		}
	}
	return nil
}

// read returns the record sets that stand at the names of a batch.
func (r *run) read(ctx context.Context, b *plan.Batch) (map[zone.Key]zone.ResourceRecordSet, error) {
	here := make(map[zone.Key]zone.ResourceRecordSet)
	z := zone.HostedZone{ID: b.ZoneID, Name: b.ZoneName}
	var from *pageStart
	for names := sortedNames(b); len(names) > 0; {
		if from == nil {
			from = &pageStart{name: aws.String(string(names[0]))}
		}
		page, next, err := r.a.records(ctx, z, from)
		if err != nil {
			return nil, err
		}
		for _, set := range page {
			here[set.Key()] = set
		}
		if next == nil {
			return here, nil
		}
		end, err := zone.ParseName(aws.ToString(next.name))
		if err != nil {
			return nil, fmt.Errorf("read the record sets of %s: %w", z.Name, err)
		}
		if end == names[0] { // a page that ends within a name is gone on with until the name ends
			from = next
			continue
		}
		from, names = nil, names[1:]
		for len(names) > 0 && zone.Compare(names[0], end) < 0 { // the page had it
			names = names[1:]
		}
	}
	return here, nil
}

// sync waits until all name servers answer by the changes that were made.
func (r *run) sync(ctx context.Context) error {
	if len(r.open) == 0 {
		return nil
	}
	deadline := time.Now().Add(r.a.o.SyncTimeout)
	if r.hasty {
		deadline = time.Now().Add(r.a.haste())
	}
	for delay := 10 * time.Millisecond; ; delay = min(2*delay, 5*time.Second) {
		first := r.open[0]
		r.tell(first.zone, "waiting until name servers answer by the changes")
		synced, err := r.a.changeInSync(ctx, first.id)
		var forgotten *types.NoSuchChange
		if errors.As(err, &forgotten) { // as when Route 53 has moved its control plane to another Region. r53: D.5
			return fmt.Errorf("the change %s of %s was accepted and is not known any more, so it may be lost: run again, "+
				"which makes what is missing: %w", first.id, first.zone, err)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", first.zone, err)
		}
		if synced {
			if r.open = r.open[1:]; len(r.open) == 0 {
				return nil
			}
			delay = 10 * time.Millisecond
			continue
		}
		if r.hasty && time.Now().After(deadline) {
			return errLater
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the change %s of %s is not in sync after %v: it is accepted, and no health check is deleted "+
				"before name servers have it; run again later", first.id, first.zone, r.a.o.SyncTimeout)
		}
		if err := pause(ctx, delay); err != nil {
			return err
		}
	}
}

// identicalSets compares two readings of one record set. They are compared exactly, unlike in a plan, because any
// difference is somebody's change.
func identicalSets(a, b *zone.ResourceRecordSet) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

// known returns a copy of the ids by key.
func (r *run) known() map[string]string { return maps.Clone(r.ids) }
