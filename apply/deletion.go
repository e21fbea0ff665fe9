package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"

	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// deletions are what a run knows about the health checks that it deletes. Route 53 deletes a check that record sets
// cite, and answers by them as if they were healthy from then on (r53: A.10, B.8). Its batches are in sync by then, but
// since the plan was made another run, or a person, may have bound the check again: so all zones of the plan are looked
// through before the first deletion, the names of the policy right before each, and all zones again after the last.
type deletions struct {
	citing map[string][]string // record sets by the check that they cite, before the first deletion; nil: not read yet
	gone   map[string]string   // "health check KEY (ID)" by id, of what was deleted
	kept   []error             // *Changed, of what record sets cite by now
}

// remove deletes a check that is as the plan saw it and that no record set cites; one that is gone already is what was
// wanted.
func (r *run) remove(ctx context.Context, c *plan.CheckChange) error {
	r.tell(c.Key, "deleting")
	r.a.forgetTags(c.ID)
	if r.deletions.citing == nil {
		var err error
		if r.deletions.citing, err = r.citations(ctx); err != nil {
			return err
		}
		r.deletions.gone = make(map[string]string)
	}
	now, _, err := r.a.check(ctx, c.ID)
	var gone *types.NoSuchHealthCheck
	switch {
	case errors.As(err, &gone):
		return nil
	case err != nil:
		return fmt.Errorf("delete health check %s: %w", c.Key, err)
	case c.Old != nil && !plan.SameConfig(now, *c.Old):
		return &Changed{Object: named(c), What: "it has other settings"}
	}
	by := r.deletions.citing[c.ID]
	for _, at := range c.Names {
		if by != nil {
			break
		}
		if by, err = r.citedAt(ctx, at, c.ID); err != nil {
			return err
		}
	}
	if by != nil {
		r.deletions.kept = append(r.deletions.kept,
			&Changed{Object: named(c), What: strings.Join(by, ", ") + " cites it now, so that it is kept"})
		return nil
	}
	do := call[*route53.DeleteHealthCheckInput, *route53.DeleteHealthCheckOutput]{name: "DeleteHealthCheck",
		do: r.a.o.Route53.DeleteHealthCheck}
	_, err = do.send(ctx, r.a, &route53.DeleteHealthCheckInput{HealthCheckId: &c.ID})
	if errors.As(err, &gone) { // by a call that was not answered
		err = nil
	}
	if err != nil {
		err = fmt.Errorf("delete health check %s (%s): %w", c.Key, c.ID, err)
	} else {
		r.deletions.gone[c.ID] = named(c)
	}
	return r.wrote(LogLine{Operation: do.name, Object: c.Key, ID: c.ID}, err)
}

// lookAgain tells of record sets that cite what was deleted, and of what was kept. Between the look and the deletion is
// one call.
func (r *run) lookAgain(ctx context.Context) error {
	problems := r.deletions.kept
	if len(r.deletions.gone) == 0 {
		return errors.Join(problems...)
	}
	citing, err := r.citations(ctx)
	if err != nil {
		return errors.Join(append(problems, err)...)
	}
	for _, id := range sortedKeys(r.deletions.gone) {
		if by := citing[id]; by != nil {
			problems = append(problems, &Changed{Object: r.deletions.gone[id], Late: true, What: strings.Join(by, ", ") +
				" came to cite it while it was deleted, and would count as healthy for ever"})
		}
	}
	return errors.Join(problems...)
}

// citations reads the zones of the plan and returns the record sets that cite health checks, by the check's id.
func (r *run) citations(ctx context.Context) (map[string][]string, error) {
	citing := make(map[string][]string)
	for _, z := range r.zones() {
		records, err := r.a.Records(ctx, zone.HostedZone{ID: z.ID, Name: z.Name})
		if err != nil {
			return nil, err
		}
		for i := range records {
			if set := &records[i].Set; set.HealthCheckID != "" {
				citing[set.HealthCheckID] = append(citing[set.HealthCheckID], plan.Describe(set))
			}
		}
	}
	return citing, nil
}

// citedAt returns the record sets of a name that cite a check.
func (r *run) citedAt(ctx context.Context, at plan.NameInZone, id string) (by []string, err error) {
	b := plan.Batch{ZoneID: at.ZoneID, Changes: []plan.RecordChange{{Set: zone.ResourceRecordSet{Name: at.Name}}}}
	for _, z := range r.zones() {
		if z.ID == at.ZoneID {
			b.ZoneName = z.Name
		}
	}
	here, err := r.read(ctx, &b)
	if err != nil {
		return nil, err
	}
	for _, set := range here {
		if set.HealthCheckID == id {
			by = append(by, plan.Describe(&set))
		}
	}
	slices.Sort(by)
	return by, nil
}

// zones are those of the plan; of one that was kept by an older version, those that it changes.
func (r *run) zones() []plan.ZoneRef {
	zones := slices.Clone(r.p.Zones)
	for _, s := range r.p.Steps {
		if b := s.Batch; b != nil && !slices.ContainsFunc(zones, func(z plan.ZoneRef) bool { return z.ID == b.ZoneID }) {
			zones = append(zones, plan.ZoneRef{ID: b.ZoneID, Name: b.ZoneName})
		}
	}
	return zones
}

// named is how a check is told of.
func named(c *plan.CheckChange) string { return fmt.Sprintf("health check %s (%s)", c.Key, c.ID) }
