package apply

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"

	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/tagging"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// maxReferences is how many references are tried: behind the planned one, each has a nonce of its own.
const maxReferences = 5

// create makes a check and marks it as ours. The reference makes it idempotent: one that an interrupted run made with
// the same settings is found again. r53: B.8.
func (r *run) create(ctx context.Context, c *plan.CheckChange) error {
	r.tell(c.Key, "creating")
	do := call[*route53.CreateHealthCheckInput, *route53.CreateHealthCheckOutput]{name: "CreateHealthCheck",
		do: r.a.o.Route53.CreateHealthCheck}
	reference := c.CallerReference
	for range maxReferences {
		out, err := do.send(ctx, r.a, &route53.CreateHealthCheckInput{CallerReference: &reference,
			HealthCheckConfig: sdkConfig(c.New)})
		line := LogLine{Operation: do.name, Object: c.Key}
		if err == nil {
			line.ID = aws.ToString(out.HealthCheck.Id)
			r.ids[c.Key], r.result.Created[c.Key] = line.ID, line.ID
			r.a.wroteCheck(checkOf(out.HealthCheck))
			if err := r.wrote(line, nil); err != nil {
				return err
			}
			return r.tagNew(ctx, &plan.CheckChange{Key: c.Key, ID: line.ID, Tags: c.Tags})
		}
		err = r.wrote(line, checkError(c.Key, fmt.Errorf("create health check %s: %w", c.Key, err)))
		var taken *types.HealthCheckAlreadyExists
		if !errors.As(err, &taken) {
			return err
		}
		if reference, err = r.nextReference(ctx, c.Key, reference); err != nil {
			return err
		}
	}
	return fmt.Errorf("create health check %s: %d caller references are taken, the last is %s: try again", c.Key,
		maxReferences, reference)
}

// nextReference is what follows a reference that a deleted check holds, for days: one that nobody has had. One that an
// existing check holds with other settings is the work of another run, which is not to be doubled. When the run ends
// before it marks the check, the next one knows it by its reference and goes on with it.
func (r *run) nextReference(ctx context.Context, key, reference string) (string, error) {
	if r.live == nil {
		checks, err := r.a.listChecks(ctx)
		if err != nil {
			return "", err
		}
		r.live = make(map[string]bool, len(checks))
		for _, c := range checks {
			r.live[c.CallerReference] = true
		}
	}
	if r.live[reference] {
		return "", &Changed{Object: "health check " + key, What: "another run has created it with other settings"}
	}
	next, err := plan.FreshReference(key, reference, fmt.Sprintf("%08x", rand.Uint32()))
	if err != nil {
		return "", fmt.Errorf("create health check %s: %w", key, err)
	}
	return next, nil
}

// unseen is how long a check that was just created may be unknown to the next call: what answers that can be a moment
// behind. Neither AWS nor an engine promises a time (unconfirmed).
const unseen = 10 * time.Second

// tagNew sets the tags of a check that was just created. A check that stays without is found by its reference in the
// next run.
func (r *run) tagNew(ctx context.Context, c *plan.CheckChange) error {
	for created, delay := time.Now(), firstPause; ; delay *= 2 {
		err := r.tag(ctx, c)
		var unknown *types.NoSuchHealthCheck
		if !errors.As(err, &unknown) || time.Since(created) > unseen || pause(ctx, delay) != nil {
			return err
		}
	}
}

// tag sets tags, ten a call, and removes those that are to go in the first one. Others stay. r53: C.8.
func (r *run) tag(ctx context.Context, c *plan.CheckChange) error {
	r.tell(c.Key, "marking")
	r.a.forgetTags(c.ID)
	do := call[*route53.ChangeTagsForResourceInput, *route53.ChangeTagsForResourceOutput]{
		name: "ChangeTagsForResource", do: r.a.o.Route53.ChangeTagsForResource}
	calls := slices.Collect(slices.Chunk(c.Tags, tagsPerCall))
	if len(calls) == 0 && len(c.Untag) > 0 {
		calls = [][]tagging.Tag{nil}
	}
	for i, tags := range calls {
		in := &route53.ChangeTagsForResourceInput{ResourceType: types.TagResourceTypeHealthcheck, ResourceId: &c.ID,
			AddTags: sdkTags(tags)}
		var untag []string
		if i == 0 {
			untag = c.Untag
			in.RemoveTagKeys = untag
		}
		_, err := do.send(ctx, r.a, in)
		if err != nil {
			err = fmt.Errorf("set the tags of health check %s (%s): %w", c.Key, c.ID, err)
		}
		if err := r.wrote(LogLine{Operation: do.name, Object: c.Key, ID: c.ID}, err); err != nil {
			return err
		}
		r.a.wroteTags(c.ID, tags, untag)
	}
	return nil
}

// update changes a check that is as the plan saw it, and leaves alone one that an interrupted run changed already.
func (r *run) update(ctx context.Context, c *plan.CheckChange) error {
	r.tell(c.Key, "updating")
	now, version, err := r.a.check(ctx, c.ID)
	switch {
	case err != nil:
		return fmt.Errorf("update health check %s: %w", c.Key, err)
	case plan.SameConfig(now, *c.New):
		return nil
	case !plan.SameConfig(now, *c.Old):
		return &Changed{Object: named(c), What: "it has other settings"}
	}
	do := call[*route53.UpdateHealthCheckInput, *route53.UpdateHealthCheckOutput]{
		name: "UpdateHealthCheck", do: r.a.o.Route53.UpdateHealthCheck, once: true}
	_, err = do.send(ctx, r.a, sdkUpdate(c.ID, version, c.Update()))
	if err != nil {
		err = checkError(c.Key, fmt.Errorf("update health check %s (%s): %w", c.Key, c.ID, err))
	}
	return r.wrote(LogLine{Operation: do.name, Object: c.Key, ID: c.ID}, err)
}

// sdkUpdate is a request that is refused when somebody changed the check since that version. r53: B.8.
func sdkUpdate(id string, version *int64, u health.Update) *route53.UpdateHealthCheckInput {
	c := sdkConfig(&u.Config)
	in := &route53.UpdateHealthCheckInput{
		HealthCheckId:            &id,
		HealthCheckVersion:       version,
		IPAddress:                c.IPAddress,
		Port:                     c.Port,
		ResourcePath:             c.ResourcePath,
		FullyQualifiedDomainName: c.FullyQualifiedDomainName,
		SearchString:             c.SearchString,
		FailureThreshold:         c.FailureThreshold,
		Inverted:                 c.Inverted,
		Disabled:                 c.Disabled,
		HealthThreshold:          c.HealthThreshold,
		ChildHealthChecks:        c.ChildHealthChecks,
		EnableSNI:                c.EnableSNI,
		Regions:                  c.Regions,
	}
	for _, element := range u.ResetElements {
		in.ResetElements = append(in.ResetElements, types.ResettableElementName(element))
	}
	return in
}

// check reads one check.
func (a *Applier) check(ctx context.Context, id string) (health.Config, *int64, error) {
	do := call[*route53.GetHealthCheckInput, *route53.GetHealthCheckOutput]{name: "GetHealthCheck",
		do: a.o.Route53.GetHealthCheck}
	out, err := do.send(ctx, a, &route53.GetHealthCheckInput{HealthCheckId: &id})
	if err != nil {
		return health.Config{}, nil, fmt.Errorf("read health check %s: %w", id, err)
	}
	return configOf(out.HealthCheck.HealthCheckConfig), out.HealthCheck.HealthCheckVersion, nil
}

// sortedNames lists the names of a batch as zones list them, each once.
func sortedNames(b *plan.Batch) []zone.Name {
	names := make([]zone.Name, len(b.Changes))
	for i := range b.Changes {
		names[i] = b.Changes[i].Set.Name
	}
	slices.SortFunc(names, zone.Compare)
	return slices.Compact(names)
}
