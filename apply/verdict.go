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

	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/rate"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// A verdict is what the checkers together say about a check; the zero value is none.
type verdict struct {
	known   bool
	healthy bool
	united  bool   // all checkers say the same
	reason  string // what one of the checkers that fail says
}

// VerdictError says why record sets do not come to depend on health checks. No record set was changed by this step or
// after.
type VerdictError struct {
	Reasons []string
	// Policies are those that the reasons are about, sorted, "<namespace>/<policy>". A plan without them does not wait for
	// what they wait for.
	Policies []string
	// ByPolicy are the reasons of each policy by itself. What is said to one policy's owner says nothing of another's.
	ByPolicy map[string][]string
}

// Error returns all reasons.
func (e *VerdictError) Error() string {
	return "no record set is changed: " + strings.Join(e.Reasons, "; ")
}

// A candidate is a check whose verdict is waited for.
type candidate struct {
	key, id  string
	config   health.Config
	verdict  verdict
	replaces string // id of the check that it takes the place of, which has to be worse for that
}

// waitVerdicts waits until every check has a verdict, and not the one that all checkers fail, which is what a wrong
// path or port looks like; until every check that takes the place of another one is healthy, as long as that is; and
// until every group that has to keep a healthy member gets one. What has not come about in time is an error. Force
// waives all but the verdict.
func (r *run) waitVerdicts(ctx context.Context, w *plan.Wait) error {
	waiting, err := r.candidates(ctx, w)
	if err != nil {
		return err
	}
	timeout := r.a.o.VerdictTimeout
	if r.a.pacer != nil {
		timeout += time.Duration(2*len(waiting)) * rate.Operation("GetHealthCheckStatus").Interval
	}
	if r.hasty {
		timeout = -1 // whatever is there when it asks
	}
	deadline := time.Now().Add(timeout)
	for delay := 20 * time.Millisecond; ; delay = min(2*delay, 2*time.Second) {
		var objections []objection
		late := time.Now().After(deadline)
		for _, c := range waiting {
			if !c.verdict.healthy && !(r.hasty && r.result.Created[c.key] != "") { // one that has just been made has none
				if c.verdict, err = r.a.verdict(ctx, c.id, c.config); err != nil {
					return fmt.Errorf("wait for a verdict on %s: %w", c.key, err)
				}
			}
			if late && c.verdict.known && !c.verdict.healthy {
				if err := r.compare(ctx, c); err != nil {
					return err
				}
			}
			if reason := c.objection(r.a.o.Force); reason != "" {
				objections = append(objections, objection{reason, []string{c.key}})
			}
		}
		objections = append(objections, withoutHealth(w, waiting, objections)...)
		if len(objections) == 0 {
			return nil
		}
		r.tell("", "waiting for verdicts: %s", objections[0].reason)
		if late {
			return verdictError(objections)
		}
		if err := pause(ctx, delay); err != nil {
			return err
		}
	}
}

// objection says why record sets must not depend on a check yet; empty when they may.
func (c *candidate) objection(force bool) string {
	switch v := c.verdict; {
	case !v.known:
		return fmt.Sprintf("health check %s (%s) has no verdict", c.key, c.id)
	case v.healthy || force:
		return ""
	case v.united && c.replaces != "":
		return fmt.Sprintf("the new health check %s (%s) is unhealthy at every checker (%s): record sets go on citing %s, "+
			"which it was to replace. Correct it, or force it", c.key, c.id, v.reason, c.replaces)
	case v.united:
		return fmt.Sprintf("health check %s (%s) is unhealthy at every checker (%s): correct it, or force it", c.key, c.id,
			v.reason)
	case c.replaces != "":
		return fmt.Sprintf("the new health check %s (%s) is unhealthy (%s), and %s, which it was to replace, is not: "+
			"record sets go on citing that. Correct it, or force it", c.key, c.id, v.reason, c.replaces)
	}
	return ""
}

// compare lets a check take the place of one that is no better.
func (r *run) compare(ctx context.Context, c *candidate) error {
	if c.replaces == "" || c.verdict.united {
		return nil
	}
	config, _, err := r.a.check(ctx, c.replaces)
	var gone *types.NoSuchHealthCheck
	if errors.As(err, &gone) {
		c.replaces = ""
		return nil
	}
	if err != nil {
		return err
	}
	old, err := r.a.verdict(ctx, c.replaces, config)
	if err != nil {
		return fmt.Errorf("compare %s with what it replaces: %w", c.key, err)
	}
	if old.known && !old.healthy {
		c.replaces = ""
	}
	return nil
}

// policiesOf are the policies of keys, each once.
// An objection is a reason why record sets must not change yet, and the keys of the checks that it is about.
type objection struct {
	reason string
	keys   []string
}

// verdictError returns the error that objections make.
func verdictError(objections []objection) *VerdictError {
	e := &VerdictError{ByPolicy: make(map[string][]string)}
	for _, o := range objections {
		e.Reasons = append(e.Reasons, o.reason)
		var policies []string
		for _, key := range o.keys {
			policies = append(policies, plan.PolicyOf(key))
		}
		slices.Sort(policies)
		for _, policy := range slices.Compact(policies) {
			e.ByPolicy[policy] = append(e.ByPolicy[policy], o.reason)
		}
	}
	e.Policies = sortedKeys(e.ByPolicy)
	return e
}

// withoutHealth objects to the groups that no check is healthy of, unless each of their checks was objected to already.
func withoutHealth(w *plan.Wait, waiting []*candidate, before []objection) (objections []objection) {
	healthy, told := make(map[string]bool), make(map[string]bool)
	for _, c := range waiting {
		healthy[c.key] = c.verdict.healthy
	}
	for _, o := range before {
		for _, key := range o.keys {
			told[key] = true
		}
	}
	for _, g := range w.Healthy {
		if !slices.ContainsFunc(g.Checks, func(key string) bool { return healthy[key] }) &&
			slices.ContainsFunc(g.Checks, func(key string) bool { return !told[key] }) {
			objections = append(objections, objection{fmt.Sprintf("%s %s answers with something healthy now and would not "+
				"any more: none of %s is healthy",
				g.Name, g.Type, strings.Join(g.Checks, ", ")), g.Checks})
		}
	}
	return objections
}

// candidates finds the checks of the keys: those that this run created or changed, and existing ones, which the plan's
// record sets refer to by id.
func (r *run) candidates(ctx context.Context, w *plan.Wait) ([]*candidate, error) {
	configs := make(map[string]health.Config)
	var referred []string
	for _, s := range r.p.Steps {
		if s.Check != nil && s.Check.New != nil {
			configs[s.Check.Key] = *s.Check.New
		}
		if s.Batch == nil {
			continue
		}
		for _, c := range s.Batch.Changes {
			if c.Action != zone.Delete && c.Set.HealthCheckID != "" {
				referred = append(referred, c.Set.HealthCheckID)
			}
		}
	}
	ids := r.known()
	if slices.ContainsFunc(w.Checks, func(key string) bool { return ids[key] == "" }) {
		slices.Sort(referred)
		tags, err := r.a.tags(ctx, slices.Compact(referred))
		if err != nil {
			return nil, err
		}
		for id, list := range tags {
			for _, t := range list {
				if t.Key == plan.TagKey && ids[t.Value] == "" {
					ids[t.Value] = id
				}
			}
		}
	}
	var found []*candidate
	for _, key := range w.Checks {
		c := &candidate{key: key, id: ids[key]}
		for _, x := range w.Replaces {
			if x.Check == key {
				c.replaces = x.ID
			}
		}
		if c.id == "" {
			return nil, &Changed{Object: "health check " + key, What: "its tags are gone"}
		}
		var known bool
		if c.config, known = configs[key]; !known {
			var err error
			if c.config, _, err = r.a.check(ctx, c.id); err != nil {
				return nil, err
			}
		}
		found = append(found, c)
	}
	return found, nil
}

// verdict asks all checkers of a check. There is no API for the verdict: whoever asks counts. r53: B.7.
func (a *Applier) verdict(ctx context.Context, id string, config health.Config) (verdict, error) {
	if config.Disabled != nil && *config.Disabled { // whoever disabled it has said what it is to be. r53: B.6
		s, _ := health.Aggregate(config, nil, nil)
		return verdict{known: true, healthy: s.Healthy}, nil
	}
	do := call[*route53.GetHealthCheckStatusInput, *route53.GetHealthCheckStatusOutput]{
		name: "GetHealthCheckStatus", do: a.o.Route53.GetHealthCheckStatus}
	out, err := do.send(ctx, a, &route53.GetHealthCheckStatusInput{HealthCheckId: &id})
	if err != nil {
		return verdict{}, fmt.Errorf("read the status of health check %s: %w", id, err)
	}
	var reports []health.Report
	reason := "no checker fails"
	for _, o := range out.HealthCheckObservations {
		if o.StatusReport == nil || aws.ToString(o.StatusReport.Status) == "" {
			continue // has not probed yet
		}
		status := aws.ToString(o.StatusReport.Status)
		report := health.Report{Check: id, Healthy: strings.HasPrefix(status, "Success")}
		if !report.Healthy {
			reason = status
		}
		reports = append(reports, report)
	}
	if len(reports) == 0 {
		return verdict{}, nil
	}
	s, _ := health.Aggregate(config, reports, nil)
	return verdict{known: true, healthy: s.Healthy, united: s.For == 0 || s.For == s.Checkers, reason: reason}, nil
}

// Judge reads the verdicts of existing checks that the changes of a plan touch, into the state that it was made from. A
// plan that is made from it again knows which members are healthy, so that it refuses to remove the last of them, and
// does not wait for what is known. The statuses of an account are read one a second: it is for plans that change record
// sets, and makes no call for others, nor for checks whose verdict the state has. A check that somebody has deleted
// meanwhile is taken out of the state.
func (a *Applier) Judge(ctx context.Context, state *plan.State, p plan.Plan) error {
	type site struct {
		zoneID string
		name   zone.Name
	}
	touched, wanted := make(map[site]bool), make(map[string]bool)
	for _, s := range p.Steps {
		if s.Batch != nil {
			for i := range s.Batch.Changes {
				touched[site{s.Batch.ZoneID, s.Batch.Changes[i].Set.Name}] = true
				wanted[s.Batch.Changes[i].Set.HealthCheckID] = true
			}
		}
	}
	for i := range state.Records {
		if r := &state.Records[i]; touched[site{r.ZoneID, r.Set.Name}] {
			wanted[r.Set.HealthCheckID] = true
		}
	}
	var deleted []string
	for i := range state.Checks {
		c := &state.Checks[i]
		// others have no status that could be read. r53: B.7
		if !wanted[c.ID] || c.Healthy != nil || !c.Config.Type.IsEndpoint() {
			continue
		}
		v, err := a.verdict(ctx, c.ID, c.Config)
		var gone *types.NoSuchHealthCheck
		switch {
		case errors.As(err, &gone):
			deleted = append(deleted, c.ID)
		case err != nil:
			return err
		case v.known:
			c.Healthy = &v.healthy
		}
	}
	if len(deleted) > 0 {
		state.Checks = slices.DeleteFunc(slices.Clone(state.Checks),
			func(c plan.Check) bool { return slices.Contains(deleted, c.ID) })
	}
	return nil
}
