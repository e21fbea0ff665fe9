package apply

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"

	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/tagging"
)

// The lists of health checks and the tags that AWS gives can be some seconds old. What has just been made must not pass
// for somebody else's then, nor for deleted: what this process has written is remembered for a while, a check that
// record sets cite and no list has is asked for by itself, and tags that are not there yet are waited for.

// awsLag is how old the lists of AWS are taken to be at most. It is not documented (unconfirmed).
const awsLag = time.Minute

// lag is how old lists may be.
func (a *Applier) lag() time.Duration {
	if a.o.Lag == 0 && a.o.Provider == failover.AWS {
		return awsLag
	}
	return a.o.Lag
}

// A written is a check that this process has made or marked.
type written struct {
	check plan.Check // its tags are those that were set
	gone  []string   // keys of tags that were removed
	at    time.Time
}

// wroteCheck remembers a check that was created.
func (a *Applier) wroteCheck(c plan.Check) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.written[c.ID] = written{check: c, at: time.Now()}
}

// wroteTags remembers tags that were set, and keys of those that were removed.
func (a *Applier) wroteTags(id string, tags []tagging.Tag, gone []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	w := a.written[id]
	w.check.ID, w.at = id, time.Now()
	w.check.Tags = plan.MergeTags(w.check.Tags, tags, gone)
	w.gone = slices.Concat(w.gone, gone)
	w.gone = slices.DeleteFunc(w.gone, func(key string) bool {
		return slices.ContainsFunc(tags, func(t tagging.Tag) bool { return t.Key == key })
	})
	a.written[id] = w
}

// disown drops what is remembered of a check that another process looks after by now: its tags are what they are read
// as.
func (a *Applier) disown(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.written, id)
}

// justWritten returns what this process has written lately, by id.
func (a *Applier) justWritten() map[string]written {
	a.mu.Lock()
	defer a.mu.Unlock()
	lately := make(map[string]written)
	for id, w := range a.written {
		if time.Since(w.at) < a.lag() {
			lately[id] = w
		} else {
			delete(a.written, id)
		}
	}
	return lately
}

// complete adds to a state what its lists may not have yet.
func (a *Applier) complete(ctx context.Context, state *plan.State) error {
	if a.lag() == 0 {
		return nil
	}
	lately := a.justWritten()
	listed := make(map[string]bool, len(state.Checks))
	for i := range state.Checks {
		listed[state.Checks[i].ID] = true
	}
	cited := make(map[string]bool)
	var unlisted []string
	for i := range state.Records {
		if id := state.Records[i].Set.HealthCheckID; id != "" && !cited[id] {
			cited[id] = true
			if !listed[id] {
				unlisted = append(unlisted, id)
			}
		}
	}
	for id, w := range lately {
		if !listed[id] && !cited[id] && w.check.CallerReference != "" {
			unlisted = append(unlisted, id)
		}
	}
	for _, id := range unlisted {
		if err := a.addUnlisted(ctx, state, id); err != nil {
			return err
		}
	}
	for i := range state.Checks {
		c := &state.Checks[i]
		if w, ok := lately[c.ID]; ok && len(w.check.Tags) > 0 {
			c.Tags = plan.MergeTags(c.Tags, w.check.Tags, w.gone)
			c.Key = plan.KeyOf(c.CallerReference, c.Tags)
		}
	}
	return a.awaitTags(ctx, state, cited)
}

// addUnlisted adds a check that exists although no list has it. Without the right to ask, the list is believed.
func (a *Applier) addUnlisted(ctx context.Context, state *plan.State, id string) error {
	do := call[*route53.GetHealthCheckInput, *route53.GetHealthCheckOutput]{name: "GetHealthCheck",
		do: a.o.Route53.GetHealthCheck}
	out, err := do.send(ctx, a, &route53.GetHealthCheckInput{HealthCheckId: &id})
	var gone *types.NoSuchHealthCheck
	switch {
	case errors.As(err, &gone) || err != nil && Denied(err):
		return nil
	case err != nil:
		return err
	}
	c := checkOf(out.HealthCheck)
	if mayBeOurs(&c) {
		tags, err := a.tags(ctx, []string{id})
		if err != nil {
			return err
		}
		c.Tags, c.Key = tags[id], plan.KeyOf(c.CallerReference, tags[id])
	}
	state.Checks = append(state.Checks, c)
	return nil
}

// awaitTags waits until checks that were made by Bulkhead and that record sets cite have tags: without, they may be
// new, or somebody has taken the tags off to keep them from Bulkhead. Of one that stays without for the time of the
// lag, the latter is true, and it is not waited for again.
func (a *Applier) awaitTags(ctx context.Context, state *plan.State, cited map[string]bool) error {
	begun := time.Now()
	for {
		var ids []string
		for i := range state.Checks {
			if c := &state.Checks[i]; cited[c.ID] && len(c.Tags) == 0 && mayBeOurs(c) && a.untaggedSince(c.ID, begun) < a.lag() {
				ids = append(ids, c.ID)
			}
		}
		if len(ids) == 0 {
			return nil
		}
		if err := pause(ctx, min(2*time.Second, a.lag()/20)); err != nil {
			return err
		}
		tags, err := a.tags(ctx, ids)
		if err != nil {
			return err
		}
		for i := range state.Checks {
			if c := &state.Checks[i]; len(tags[c.ID]) > 0 {
				c.Tags, c.Key = tags[c.ID], plan.KeyOf(c.CallerReference, tags[c.ID])
			}
		}
	}
}

// untaggedSince returns how long a check has been known to have no tags.
func (a *Applier) untaggedSince(id string, now time.Time) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, known := a.untagged[id]; !known {
		a.untagged[id] = now
	}
	return time.Since(a.untagged[id])
}
