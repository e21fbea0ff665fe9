package controller

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/bulkhead-dns/bulkhead/api/v1alpha1"
	"github.com/bulkhead-dns/bulkhead/explain"
	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// A finding is what is known of a policy when its status is written.
type finding struct {
	candidate candidate
	outcome   outcome
	known     bool                 // whether a pass has come to an outcome
	app       *explain.Application // nil where the provider has nothing of it
	state     *plan.State
	provider  failover.Provider
	region    string
	idle      string             // the Services behind it when none has a ready endpoint; needs the readiness signal
	silences  map[string]silence // checks without a current verdict, by id
	unread    bool               // the provider was not read: what was known of it stays
}

// statusOf is the status of a policy, made from the one before: times stay where nothing changed.
func statusOf(f finding, before v1alpha1.FailoverPolicyStatus, now time.Time) v1alpha1.FailoverPolicyStatus {
	s := v1alpha1.FailoverPolicyStatus{Conditions: before.DeepCopy().Conditions, LastFailover: before.LastFailover, Region: f.region,
		HeldBy: f.candidate.heldBy}
	s.ObservedGeneration = f.candidate.object.GetGeneration()
	if f.candidate.class != nil {
		s.ClassName = f.candidate.class.Metadata.Name
	}
	set := func(kind string, status metav1.ConditionStatus, reason, message string) {
		meta.SetStatusCondition(&s.Conditions, metav1.Condition{Type: kind, Status: status, Reason: reason, Message: shortened(message),
			ObservedGeneration: s.ObservedGeneration, LastTransitionTime: metav1.NewTime(now.Truncate(time.Second))})
	}
	refused := f.candidate.refusal
	if f.known && refused == nil && isAcceptance(f.outcome.reason) {
		refused = &refusal{f.outcome.reason, f.outcome.message}
	}
	if refused != nil && isAcceptance(refused.reason) {
		set(v1alpha1.ConditionAccepted, metav1.ConditionFalse, refused.reason, refused.message)
		set(v1alpha1.ConditionProgrammed, metav1.ConditionFalse, v1alpha1.ReasonNotAccepted, "nothing is written; what is at the provider stays as it is")
	} else {
		set(v1alpha1.ConditionAccepted, metav1.ConditionTrue, v1alpha1.ReasonAccepted, strings.Join(f.candidate.notes, "; "))
		s.Hostname = f.candidate.policy.Spec.Hostname
		if f.known {
			set(v1alpha1.ConditionProgrammed, conditionOf(f.outcome.done), f.outcome.reason, f.outcome.message)
		}
		complete := failover.Default(f.candidate.policy, f.candidate.class)
		if len(complete.Spec.Regions) > 0 {
			rto := failover.Objectives(complete, f.provider)
			s.RTO = &v1alpha1.RTOStatus{Typical: failover.Duration(rto.Typical), Worst: failover.Duration(rto.Worst)}
		} else {
			s.RTO = before.RTO
		}
	}
	if !f.candidate.vanished.IsZero() && f.candidate.class != nil {
		until := metav1.NewTime(f.candidate.vanished.Add(f.candidate.class.Spec.Hold()).Truncate(time.Second))
		s.HoldUntil = &until
	}
	s.Target = targetOf(f.candidate.policy)
	if f.unread {
		return f.asBefore(s, before)
	}
	f.regions(&s)
	status, reason, message := f.healthy(&s)
	set(v1alpha1.ConditionHealthy, status, reason, message)
	status, reason, message = f.degraded()
	set(v1alpha1.ConditionDegraded, status, reason, message)
	if status, reason, message := f.held(); status == metav1.ConditionTrue || meta.FindStatusCondition(s.Conditions, v1alpha1.ConditionHeld) != nil {
		set(v1alpha1.ConditionHeld, status, reason, message)
	}
	s.LastFailover = f.moved(&s, before, now)
	return s
}

// asBefore is a status with what was known of the provider: nobody has read it since, and records answer as they did.
func (f *finding) asBefore(s, before v1alpha1.FailoverPolicyStatus) v1alpha1.FailoverPolicyStatus {
	s.HostedZoneID, s.Health, s.ServedHere, s.ServedFrom = before.HostedZoneID, before.Health, before.ServedHere, before.ServedFrom
	s.Regions, s.Records = before.Regions, before.Records
	s.ClassName, s.Target = cmp.Or(s.ClassName, before.ClassName), cmp.Or(s.Target, before.Target)
	s.Region = cmp.Or(s.Region, before.Region)
	return s
}

func conditionOf(b bool) metav1.ConditionStatus {
	if b {
		return metav1.ConditionTrue
	}
	return metav1.ConditionFalse
}

// shortened keeps a message within what a condition may have.
func shortened(message string) string {
	const most = 4096
	if len(message) <= most {
		return message
	}
	return strings.ToValidUTF8(message[:most], "") + " …"
}

// isAcceptance tells the reasons of Accepted from those of Programmed.
func isAcceptance(reason string) bool {
	return !slices.Contains([]string{v1alpha1.ReasonProgrammed, v1alpha1.ReasonTargetNotFound, v1alpha1.ReasonTargetNotReady, v1alpha1.ReasonHolding,
		v1alpha1.ReasonLastRecordKept, v1alpha1.ReasonRemoved, v1alpha1.ReasonPending, v1alpha1.ReasonProviderRefused,
		v1alpha1.ReasonForeignRecord, v1alpha1.ReasonProviderUnavailable, v1alpha1.ReasonRegionHeld, v1alpha1.ReasonWaitsForRegions}, reason)
}

// targetOf is where this Region's clients are to be sent.
func targetOf(p failover.Policy) string {
	if len(p.Spec.Regions) == 0 {
		return ""
	}
	r := p.Spec.Regions[0] // gather has left the others out
	if r.LoadBalancer != nil {
		return cmp.Or(r.LoadBalancer.DNSName, r.LoadBalancer.Name, r.LoadBalancer.ARN)
	}
	return strings.Join(r.Addresses, ", ")
}

// near is what the clients near this Region get: of a policy that does not go by places, what all get.
func (f *finding) near() (explain.Movement, bool) {
	if f.app == nil {
		return explain.Movement{}, false
	}
	for _, m := range f.app.Clients {
		if m.Client == "near "+f.region {
			return m, true
		}
	}
	if len(f.app.Clients) == 1 {
		return f.app.Clients[0], true
	}
	return explain.Movement{}, false
}

// regions fills in every Region as the provider has it, and who is served where.
func (f *finding) regions(s *v1alpha1.FailoverPolicyStatus) {
	if f.app == nil {
		return
	}
	m, told := f.near()
	serves := func(region string) bool {
		return told && slices.ContainsFunc(m.Shares, func(s explain.Share) bool { return len(s.Path) > 0 && s.Path[0] == region })
	}
	for _, r := range f.app.Regions {
		status := v1alpha1.RegionStatus{SetIdentifier: r.Name, Target: strings.Join(r.Targets, ", "), HealthCheckID: r.Check.ID,
			Reason: f.why(r.Check), ServedHere: serves(r.Name)}
		silence, silent := f.silences[r.Check.ID]
		switch {
		case silent: // nobody knows how it is now
			status.NoVerdictSince = new(metav1.NewTime(silence.since))
		case r.Check.Health == explain.Healthy:
			status.Healthy = new(true)
		case r.Check.Health == explain.Unhealthy:
			status.Healthy = new(false)
		}
		s.Regions = append(s.Regions, status)
		if r.Name == f.region && r.Check.ID != "" {
			f.records(s, r.Check.ID)
		}
	}
	s.Regions = onePerRegion(s.Regions)
	slices.SortFunc(s.Regions, func(a, b v1alpha1.RegionStatus) int { return strings.Compare(a.SetIdentifier, b.SetIdentifier) })
	if told && m.Outcome == "answered" {
		s.ServedHere = new(serves(f.region))
		if len(m.Shares) == 1 && len(m.Shares[0].Path) > 0 {
			s.ServedFrom = m.Shares[0].Path[0]
		}
	}
}

// why is the reason of a check's health, with the age of the verdict when it is no current one.
func (f *finding) why(c explain.Check) string {
	if silence, silent := f.silences[c.ID]; silent {
		return fmt.Sprintf("%s; the last one: %s, %s", silence.text, c.Health, c.Reason)
	}
	return c.Reason
}

// onePerRegion keeps one entry of each Region: while a check is replaced there are two, and the one that serves clients is told of.
func onePerRegion(regions []v1alpha1.RegionStatus) []v1alpha1.RegionStatus {
	var kept []v1alpha1.RegionStatus
	for _, r := range regions {
		i := slices.IndexFunc(kept, func(k v1alpha1.RegionStatus) bool { return k.SetIdentifier == r.SetIdentifier })
		switch {
		case i < 0:
			kept = append(kept, r)
		case !kept[i].ServedHere && (r.ServedHere || kept[i].Target == ""):
			kept[i] = r
		}
	}
	return kept
}

// records are the record sets that depend on this Region's check.
func (f *finding) records(s *v1alpha1.FailoverPolicyStatus, check string) {
	for i := range f.state.Records {
		r := &f.state.Records[i]
		if r.Set.HealthCheckID != check || r.Set.Type != zone.A && r.Set.Type != zone.AAAA {
			continue
		}
		value := strings.Join(r.Set.ResourceRecords, ", ")
		if r.Set.AliasTarget != nil {
			value = strings.TrimSuffix(string(r.Set.AliasTarget.DNSName), ".")
		}
		s.HostedZoneID = r.ZoneID
		if !slices.ContainsFunc(s.Records, func(o v1alpha1.RecordStatus) bool { return o.Type == r.Set.Type.String() }) {
			s.Records = append(s.Records, v1alpha1.RecordStatus{Type: r.Set.Type.String(), Value: value, HealthCheckID: check})
		}
	}
	slices.SortFunc(s.Records, func(a, b v1alpha1.RecordStatus) int { return strings.Compare(a.Type, b.Type) })
}

// own is this Region's part of the application, nil when there is none.
func (f *finding) own() *explain.Region {
	if f.app == nil {
		return nil
	}
	for i := range f.app.Regions {
		if r := &f.app.Regions[i]; r.Name == f.region {
			return r
		}
	}
	return nil
}

func (f *finding) healthy(s *v1alpha1.FailoverPolicyStatus) (metav1.ConditionStatus, string, string) {
	own := f.own()
	s.Health = v1alpha1.Unknown
	switch {
	case own == nil:
		return metav1.ConditionUnknown, v1alpha1.ReasonNoVerdict, "there is no health check of this Region"
	case f.silences[own.Check.ID] != silence{}:
		return metav1.ConditionUnknown, v1alpha1.ReasonNoVerdict, f.why(own.Check)
	case own.Check.Health == explain.Healthy:
		s.Health = v1alpha1.Healthy
		return metav1.ConditionTrue, v1alpha1.ReasonHealthy, own.Check.Reason
	case own.Check.Health == explain.Unhealthy:
		s.Health = v1alpha1.Unhealthy
		if f.idle != "" {
			return metav1.ConditionFalse, v1alpha1.ReasonNoEndpoint, fmt.Sprintf("no endpoint of Service %s is ready: %s", f.idle, own.Check.Reason)
		}
		return metav1.ConditionFalse, v1alpha1.ReasonUnhealthy, own.Check.Reason
	}
	return metav1.ConditionUnknown, v1alpha1.ReasonNoVerdict, own.Check.Reason
}

// held says what somebody has made of this Region's check by hand.
func (f *finding) held() (metav1.ConditionStatus, string, string) {
	own := f.own()
	if own == nil || own.Check.Hold == plan.NotHeld {
		return metav1.ConditionFalse, v1alpha1.ReasonNotHeld, ""
	}
	reason := map[plan.Hold]string{plan.ForcedOut: v1alpha1.ReasonForcedOut, plan.ForcedIn: v1alpha1.ReasonForcedIn,
		plan.Turned: v1alpha1.ReasonTurnedRound}[own.Check.Hold]
	return metav1.ConditionTrue, reason, fmt.Sprintf("%s is %s. Bulkhead leaves it so until that is undone: aws route53 update-health-check "+
		"--health-check-id %s --no-disabled, with --no-inverted or --inverted as the policy says", f.region, own.Check.Hold, own.Check.ID)
}

func (f *finding) degraded() (metav1.ConditionStatus, string, string) {
	own := f.own()
	if own == nil || !own.Applied {
		return metav1.ConditionUnknown, v1alpha1.ReasonNoVerdict, "this Region has no record"
	}
	var others, well []string
	for _, r := range f.app.Regions {
		if r.Name == f.region || !r.Applied {
			continue
		}
		others = append(others, r.Name)
		if r.Check.Health != explain.Unhealthy {
			well = append(well, r.Name)
		}
	}
	down := own.Check.Health == explain.Unhealthy
	switch {
	case down && len(well) == 0:
		return metav1.ConditionTrue, v1alpha1.ReasonAllRegionsDown, "every Region is unhealthy: clients are answered as if all were healthy"
	case down:
		return metav1.ConditionTrue, v1alpha1.ReasonServedFromAway, "this Region is unhealthy; its clients can be answered with " + strings.Join(well, ", ")
	case len(others) == 0:
		return metav1.ConditionTrue, v1alpha1.ReasonOneRegion, "the provider has no other Region of the hostname: there is nowhere to fail over to"
	case len(well) == 0:
		return metav1.ConditionTrue, v1alpha1.ReasonOthersDown, "no other Region is healthy: " + strings.Join(others, ", ")
	}
	return metav1.ConditionFalse, v1alpha1.ReasonRedundant, "other Regions: " + strings.Join(well, ", ")
}

// moved is the last time that this Region's clients were moved by a failure or its end. A Region that joins or leaves moves
// them too, and is none.
func (f *finding) moved(s *v1alpha1.FailoverPolicyStatus, before v1alpha1.FailoverPolicyStatus, now time.Time) *v1alpha1.FailoverStatus {
	from, to := before.ServedFrom, s.ServedFrom
	joined := !slices.ContainsFunc(before.Regions, func(r v1alpha1.RegionStatus) bool { return r.SetIdentifier == to && r.Target != "" })
	left := !slices.ContainsFunc(s.Regions, func(r v1alpha1.RegionStatus) bool { return r.SetIdentifier == from })
	if from == "" || to == "" || from == to || joined || left {
		return before.LastFailover
	}
	move := &v1alpha1.FailoverStatus{Time: metav1.NewTime(now.Truncate(time.Second)), From: from, To: to}
	for _, r := range s.Regions {
		switch {
		case r.SetIdentifier == from && r.Healthy != nil && !*r.Healthy:
			move.Reason = fmt.Sprintf("%s is unhealthy: %s", from, r.Reason)
			return move
		case r.SetIdentifier == to && r.Healthy != nil && *r.Healthy:
			move.Reason = to + " is healthy again"
		}
	}
	return move
}
