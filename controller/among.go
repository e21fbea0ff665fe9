package controller

import (
	"slices"
	"strings"
	"time"

	"github.com/bulkhead-dns/bulkhead/api/v1alpha1"
	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// What other clusters do decides in some cases what this one may: they look after another Region of the hostname, or after this one, or
// have the hostname for another policy. The account tells that by tags of health checks, which are read anew while something waits.

const (
	// firstLook is when tags that were kept, and may be old, are read anew.
	firstLook = 500 * time.Millisecond
	// longestAgreement is the longest pause of a hostname that waits for other Regions: they need a moment when they have followed.
	longestAgreement = 30 * time.Second
	// leadAfter is how long this Region leaves the change that all have agreed on to the one that is elected.
	leadAfter = 2 * time.Minute
)

// takeOver returns the clusters, by name or identity, that a policy's object and its class allow to take over from.
func (c *candidate) takeOver() []string {
	from := c.object.GetAnnotations()[v1alpha1.TakeOverAnnotation]
	if c.class != nil {
		from += "," + c.class.Metadata.Annotations[v1alpha1.TakeOverAnnotation]
	}
	return strings.FieldsFunc(from, func(r rune) bool { return r == ',' || r == ' ' })
}

// amongClusters completes a guard with what tasks may take over, and with whether this Region makes a change that another one was
// elected for and does not make.
func (r *round) amongClusters(tasks []*task, guard *plan.Guard) {
	guard.TakeOver = make(map[string][]string)
	for _, t := range tasks {
		if len(t.takeOver) > 0 {
			guard.TakeOver[t.key] = t.takeOver
		}
		if u := r.units[t.unit()]; u != nil && !u.agreed.IsZero() && r.now.Sub(u.agreed) >= leadAfter {
			guard.Lead = true
		}
	}
}

// reasonAmong is the reason of a task that is refused because of other clusters, empty for others.
func reasonAmong(findings []plan.Finding) string {
	for _, f := range findings {
		switch f.Kind {
		case plan.HeldByCluster:
			return v1alpha1.ReasonRegionHeld
		case plan.HeldByPolicy:
			return v1alpha1.ReasonForeignRecord
		case plan.RoutingWaits:
			return v1alpha1.ReasonWaitsForRegions
		}
	}
	return ""
}

// lookAnew notes the checks that findings are about: their tags are read anew before the task is planned again.
func (r *round) lookAnew(t *task, findings []plan.Finding) {
	u := r.units[t.unit()]
	if u == nil {
		return
	}
	u.anew = nil
	for _, f := range findings {
		u.anew = append(u.anew, f.Checks...)
	}
}

// forgetOthers has the tags that other clusters may have changed read anew, when a unit whose time has come depends on them, and
// reports whether the account is to be read for that. One reading is for all such units.
func (r *round) forgetOthers() bool {
	if r.now.Sub(r.asked) < r.refresh()/2 || !slices.ContainsFunc(r.ready(r.now), func(u *unit) bool { return len(u.anew) > 0 }) {
		return false
	}
	for _, u := range r.units {
		r.applier.ForgetTags(u.anew...)
	}
	r.asked = r.now
	return true
}

// leaveWaiting leaves those out whose routing waits for other Regions, when everything else is done. What is only refused because some
// clients would have no answer can be allowed: such a task is returned, for its plan to be made by force.
func (r *round) leaveWaiting(p proposal, live []*task, planned plan.Plan) (allowed *task) {
	for _, f := range planned.Reports {
		i := slices.IndexFunc(live, func(t *task) bool { return t.key == f.Policy })
		if f.Kind != plan.RoutingWaits || i < 0 {
			continue
		}
		t := live[i]
		r.lookAnew(t, []plan.Finding{f})
		if u := r.units[t.unit()]; u != nil {
			u.follows = true
			switch {
			case !f.Agreed:
				u.agreed = time.Time{}
			case u.agreed.IsZero():
				u.agreed = r.now
			}
		}
		if len(f.Regions) == 0 {
			if r.refuse(p, t, f.String(), v1alpha1.ReasonWaitsForRegions) {
				allowed = t
			}
			continue
		}
		r.leave(t, firstLook, outcome{reason: v1alpha1.ReasonWaitsForRegions, message: f.String()})
	}
	return allowed
}

// joinRegions has what other Regions have at a hostname count as that of this Region's policy: they may have it under a former name
// of the policy still, and are where clients are sent to all the same.
func joinRegions(state *plan.State, region string) {
	owners := plan.NewOwners(*state)
	here := make(map[zone.Name]string) // this Region's policy by hostname
	for i := range state.Records {
		set := &state.Records[i].Set
		if key := owners.Key(set); key != "" && plan.RegionOf(key) == region {
			here[set.Name] = plan.PolicyOf(key)
		}
	}
	others := make(map[string]string) // keys that checks get, by id
	for i := range state.Records {
		set := &state.Records[i].Set
		if key := owners.Key(set); key != "" && plan.RegionOf(key) != region && here[set.Name] != "" {
			others[set.HealthCheckID] = here[set.Name] + "/" + plan.RegionOf(key)
		}
	}
	for i := range state.Checks {
		if key := others[state.Checks[i].ID]; key != "" {
			state.Checks[i].Key = key
		}
	}
}
