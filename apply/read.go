package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"

	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/tagging"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// The largest pages that are given. r53: C.7, C.3.
const (
	zonesPerPage   = 100
	recordsPerPage = 300
	checksPerPage  = 1000
	tagsPerCall    = 10 // resources to read, and tags to set
)

// Read returns all health checks of the account and all record sets of the zones, as they are listed, for plan.Diff. It
// makes one call a page, and one for every ten checks that may be Bulkhead's, for their tags. Verdicts are not read:
// Judge does that for those that matter.
func (a *Applier) Read(ctx context.Context, zones []zone.HostedZone) (plan.State, error) {
	state := plan.State{Zones: slices.Clone(zones)}
	var err error
	if state.Checks, err = a.checks(ctx); err != nil {
		return plan.State{}, err
	}
	for _, z := range zones {
		for from := (&pageStart{}); from != nil; {
			var page []zone.ResourceRecordSet
			if page, from, err = a.records(ctx, z, from); err != nil {
				return plan.State{}, err
			}
			for _, set := range page {
				state.Records = append(state.Records, plan.Record{ZoneID: z.ID, Set: set})
			}
		}
	}
	return state, a.complete(ctx, &state)
}

// A pageStart is where a page of record sets begins. Its zero value is the beginning of the zone.
type pageStart struct {
	name       *string
	recordType types.RRType
	identifier *string
}

// records returns the page of a zone's record sets that begins at from, and the start of the next page, nil after the
// last.
func (a *Applier) records(ctx context.Context, z zone.HostedZone, from *pageStart) ([]zone.ResourceRecordSet,
	*pageStart, error) {
	c := call[*route53.ListResourceRecordSetsInput, *route53.ListResourceRecordSetsOutput]{
		name: "ListResourceRecordSets", do: a.o.Route53.ListResourceRecordSets}
	out, err := c.send(ctx, a, &route53.ListResourceRecordSetsInput{
		HostedZoneId:          &z.ID,
		StartRecordName:       from.name,
		StartRecordType:       from.recordType,
		StartRecordIdentifier: from.identifier,
		MaxItems:              aws.Int32(recordsPerPage),
	})
	if err != nil {
		return nil, nil, fmt.Errorf("read the record sets of %s (%s): %w", z.Name, z.ID, err)
	}
	sets := make([]zone.ResourceRecordSet, 0, len(out.ResourceRecordSets))
	for i := range out.ResourceRecordSets {
		set, known, err := setOf(&out.ResourceRecordSets[i])
		if err != nil {
			return nil, nil, fmt.Errorf("read the record sets of %s (%s): %w", z.Name, z.ID, err)
		}
		if known {
			sets = append(sets, set)
		}
	}
	if !out.IsTruncated {
		return sets, nil, nil
	}
	return sets, &pageStart{out.NextRecordName, out.NextRecordType, out.NextRecordIdentifier}, nil
}

// checks reads all health checks of the account, and the tags of those that may be ours. One that is deleted in
// between, as by another cluster's run, does not exist.
func (a *Applier) checks(ctx context.Context) ([]plan.Check, error) {
	checks, err := a.listChecks(ctx)
	if err != nil {
		return nil, err
	}
	var ids []string
	for i := range checks {
		if mayBeOurs(&checks[i]) {
			ids = append(ids, checks[i].ID)
		}
	}
	tags, err := a.tags(ctx, ids)
	if err != nil {
		return nil, err
	}
	checks = slices.DeleteFunc(checks, func(c plan.Check) bool {
		_, exists := tags[c.ID]
		return mayBeOurs(&c) && !exists
	})
	for i := range checks {
		c := &checks[i]
		c.Tags, c.Key = tags[c.ID], plan.KeyOf(c.CallerReference, tags[c.ID])
	}
	return checks, nil
}

func (a *Applier) listChecks(ctx context.Context) ([]plan.Check, error) {
	c := call[*route53.ListHealthChecksInput, *route53.ListHealthChecksOutput]{name: "ListHealthChecks",
		do: a.o.Route53.ListHealthChecks}
	var checks []plan.Check
	for marker, more := (*string)(nil), true; more; {
		out, err := c.send(ctx, a, &route53.ListHealthChecksInput{Marker: marker, MaxItems: aws.Int32(checksPerPage)})
		if err != nil {
			return nil, fmt.Errorf("read the health checks: %w", err)
		}
		for _, h := range out.HealthChecks {
			checks = append(checks, checkOf(&h))
		}
		marker, more = out.NextMarker, out.IsTruncated
	}
	return checks, nil
}

func checkOf(h *types.HealthCheck) plan.Check {
	return plan.Check{ID: aws.ToString(h.Id), Config: configOf(h.HealthCheckConfig),
		CallerReference: aws.ToString(h.CallerReference)}
}

// mayBeOurs is decided by the caller reference, which stays with a check for ever. One that was made by other means and
// bears our tags is not looked at: nothing but this room makes checks that are ours.
func mayBeOurs(c *plan.Check) bool {
	prefix, _, _ := strings.Cut(plan.CallerReference("", 1), "/")
	return strings.HasPrefix(c.CallerReference, prefix+"/")
}

// tags reads the tags of health checks, those that are not kept; one that does not exist has no entry. A call is
// refused for one of those, so that the others are then asked for by halves.
func (a *Applier) tags(ctx context.Context, ids []string) (map[string][]tagging.Tag, error) {
	tags, ids := a.keptTags(ids, time.Now())
	for group := range slices.Chunk(ids, tagsPerCall) {
		if err := a.readTags(ctx, group, tags); err != nil {
			return nil, err
		}
	}
	a.keepTags(ids, tags, time.Now())
	return tags, nil
}

func (a *Applier) readTags(ctx context.Context, ids []string, tags map[string][]tagging.Tag) error {
	c := call[*route53.ListTagsForResourcesInput, *route53.ListTagsForResourcesOutput]{
		name: "ListTagsForResources", do: a.o.Route53.ListTagsForResources}
	out, err := c.send(ctx, a, &route53.ListTagsForResourcesInput{ResourceType: types.TagResourceTypeHealthcheck,
		ResourceIds: ids})
	var gone *types.NoSuchHealthCheck
	switch {
	case errors.As(err, &gone) && len(ids) == 1:
		return nil
	case errors.As(err, &gone):
		if err := a.readTags(ctx, ids[:len(ids)/2], tags); err != nil {
			return err
		}
		return a.readTags(ctx, ids[len(ids)/2:], tags)
	case err != nil:
		return fmt.Errorf("read the tags of %d health checks: %w", len(ids), err)
	}
	for _, id := range ids {
		tags[id] = nil // also of those that have none
	}
	for _, set := range out.ResourceTagSets {
		tags[bareID(set.ResourceId)] = tagsOf(set.Tags)
	}
	return nil
}
