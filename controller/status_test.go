package controller

import (
	"slices"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/bulkhead-dns/bulkhead/api/v1alpha1"
	"github.com/bulkhead-dns/bulkhead/explain"
	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// app is an application of two Regions whose clients are answered as given.
func app(health map[string]explain.Health, answers string) *explain.Application {
	a := &explain.Application{Policy: "team-a/app"}
	for _, region := range []string{west, central} {
		if h, there := health[region]; there {
			a.Regions = append(a.Regions, explain.Region{Name: region, Applied: true, Targets: []string{"192.0.2.1"},
				Check: explain.Check{ID: "check-" + region, Health: h, Reason: "as " + string(h)}})
		}
	}
	a.Clients = []explain.Movement{{Hostname: "app.example.com", Home: west, Answer: explain.Answer{Client: "near " + west, Outcome: "answered",
		Shares: []explain.Share{{Path: []string{answers}, Percent: 100}}}}}
	return a
}

func both(here, there explain.Health) map[string]explain.Health {
	return map[string]explain.Health{west: here, central: there}
}

func TestConditionsSayHowItIs(t *testing.T) {
	e := &engine{port: "80"}
	programmed := outcome{done: true, reason: v1alpha1.ReasonProgrammed, message: "as wanted"}
	for _, c := range []struct {
		name    string
		app     *explain.Application
		outcome outcome
		refusal *refusal
		// want: reasons of the conditions
		accepted, programmed, healthy, degraded string
		served                                  string // "true", "false", or "" where nobody knows
	}{
		{"all is well", app(both(explain.Healthy, explain.Healthy), west), programmed, nil,
			"Accepted", "Programmed", "Healthy", "Redundant", "true"},
		{"failed over", app(both(explain.Unhealthy, explain.Healthy), central), programmed, nil,
			"Accepted", "Programmed", "Unhealthy", "ServedFromAway", "false"},
		{"the other is down", app(both(explain.Healthy, explain.Unhealthy), west), programmed, nil,
			"Accepted", "Programmed", "Healthy", "OthersDown", "true"},
		{"everything is down", app(both(explain.Unhealthy, explain.Unhealthy), west), programmed, nil,
			"Accepted", "Programmed", "Unhealthy", "AllRegionsDown", "true"},
		{"one Region", app(map[string]explain.Health{west: explain.Healthy}, west), programmed, nil,
			"Accepted", "Programmed", "Healthy", "OneRegion", "true"},
		{"nobody was asked", app(both(explain.Unknown, explain.Unknown), west), programmed, nil,
			"Accepted", "Programmed", "NoVerdict", "Redundant", "true"},
		{"not programmed yet", nil, outcome{reason: v1alpha1.ReasonPending, message: "no verdict"}, nil,
			"Accepted", "Pending", "NoVerdict", "NoVerdict", ""},
		{"this Region is not programmed", app(map[string]explain.Health{central: explain.Healthy}, central),
			outcome{reason: v1alpha1.ReasonPending, message: "no verdict"}, nil, "Accepted", "Pending", "NoVerdict", "NoVerdict", "false"},
		{"refused while programmed", app(both(explain.Healthy, explain.Healthy), west), outcome{reason: v1alpha1.ReasonTimersRefused, message: "too fast"},
			&refusal{v1alpha1.ReasonTimersRefused, "too fast"}, "TimersRefused", "NotAccepted", "Healthy", "Redundant", "true"},
		{"the source is not ready", nil, outcome{reason: v1alpha1.ReasonTargetNotReady, message: "no load balancer"},
			&refusal{v1alpha1.ReasonTargetNotReady, "no load balancer"}, "Accepted", "TargetNotReady", "NoVerdict", "NoVerdict", ""},
	} {
		x := e.candidate(t, "app", west)
		x.refusal = c.refusal
		x.object.SetGeneration(7)
		now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
		f := finding{candidate: x, outcome: c.outcome, known: true, app: c.app, state: &plan.State{}, provider: failover.Engine, region: west}
		s := statusOf(f, v1alpha1.FailoverPolicyStatus{}, now)

		got := map[string]string{}
		for _, condition := range s.Conditions {
			got[condition.Type] = condition.Reason
			if condition.ObservedGeneration != 7 {
				t.Errorf("%s: %s is about generation %d, want 7", c.name, condition.Type, condition.ObservedGeneration)
			}
		}
		wantEqual(t, c.name, map[string]string{v1alpha1.ConditionAccepted: c.accepted, v1alpha1.ConditionProgrammed: c.programmed,
			v1alpha1.ConditionHealthy: c.healthy, v1alpha1.ConditionDegraded: c.degraded}, got)
		served := ""
		if s.ServedHere != nil {
			served = map[bool]string{true: "true", false: "false"}[*s.ServedHere]
		}
		wantEqual(t, c.name+": served here", c.served, served)

		// Later nothing is new: no status is written.
		wantEqual(t, c.name+": again", s, statusOf(f, s, now.Add(time.Hour)))
	}
}

func TestStatusShowsRecordsAndRegions(t *testing.T) {
	e := &engine{port: "80"}
	state := &plan.State{Records: []plan.Record{
		{ZoneID: "Z1", Set: zone.ResourceRecordSet{Name: "app.example.com.", Type: zone.AAAA, HealthCheckID: "check-" + west, ResourceRecords: []string{"2001:db8::1"}}},
		{ZoneID: "Z1", Set: zone.ResourceRecordSet{Name: "app.example.com.", Type: zone.A, HealthCheckID: "check-" + west,
			AliasTarget: &zone.AliasTarget{DNSName: "alb.example.net."}}},
		{ZoneID: "Z1", Set: zone.ResourceRecordSet{Name: "app.example.com.", Type: zone.A, HealthCheckID: "check-" + central}},
	}}
	s := statusOf(finding{candidate: e.candidate(t, "app", west), known: true, outcome: outcome{done: true, reason: v1alpha1.ReasonProgrammed, message: ""}, provider: failover.Engine,
		region: west, state: state, app: app(both(explain.Healthy, explain.Unhealthy), west)}, v1alpha1.FailoverPolicyStatus{}, time.Now())
	wantEqual(t, "records", []v1alpha1.RecordStatus{{Type: "A", Value: "alb.example.net", HealthCheckID: "check-" + west},
		{Type: "AAAA", Value: "2001:db8::1", HealthCheckID: "check-" + west}}, s.Records)
	wantEqual(t, "regions", []v1alpha1.RegionStatus{
		{SetIdentifier: central, Target: "192.0.2.1", HealthCheckID: "check-" + central, Healthy: new(false), Reason: "as unhealthy"},
		{SetIdentifier: west, Target: "192.0.2.1", HealthCheckID: "check-" + west, Healthy: new(true), Reason: "as healthy", ServedHere: true},
	}, s.Regions)
	if s.HostedZoneID != "Z1" || s.ServedFrom != west || s.Target != "127.0.0.1" || s.RTO == nil {
		t.Errorf("zone %q, served from %q, target %q, RTO %v", s.HostedZoneID, s.ServedFrom, s.Target, s.RTO)
	}
}

func TestMovesAreFailoversOnlyBetweenRegionsThatStay(t *testing.T) {
	e := &engine{port: "80"}
	x := e.candidate(t, "app", west)
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	status := func(a *explain.Application, before v1alpha1.FailoverPolicyStatus) v1alpha1.FailoverPolicyStatus {
		return statusOf(finding{candidate: x, known: true, outcome: outcome{done: true, reason: v1alpha1.ReasonProgrammed, message: ""}, provider: failover.Engine, region: west,
			state: &plan.State{}, app: a}, before, now)
	}
	alone := status(app(map[string]explain.Health{central: explain.Healthy}, central), v1alpha1.FailoverPolicyStatus{})
	joined := status(app(both(explain.Healthy, explain.Healthy), west), alone)
	if joined.LastFailover != nil {
		t.Errorf("a Region that joins is told as a failover: %+v", joined.LastFailover)
	}
	waiting := alone // a Region whose check is made and whose record is not there yet
	waiting.Regions = append(slices.Clone(alone.Regions), v1alpha1.RegionStatus{SetIdentifier: west, HealthCheckID: "check-" + west})
	if joined := status(app(both(explain.Healthy, explain.Healthy), west), waiting); joined.LastFailover != nil {
		t.Errorf("a Region that gets its record is told as a failover: %+v", joined.LastFailover)
	}
	over := status(app(both(explain.Unhealthy, explain.Healthy), central), joined)
	at := metav1.NewTime(now)
	wantEqual(t, "failed over", &v1alpha1.FailoverStatus{Time: at, From: west, To: central, Reason: "eu-west-1 is unhealthy: as unhealthy"}, over.LastFailover)
	back := status(app(both(explain.Healthy, explain.Healthy), west), over)
	wantEqual(t, "failed back", &v1alpha1.FailoverStatus{Time: at, From: central, To: west, Reason: "eu-west-1 is healthy again"}, back.LastFailover)
	left := status(app(map[string]explain.Health{central: explain.Healthy}, central), back)
	wantEqual(t, "a Region that leaves", back.LastFailover, left.LastFailover)
}

func TestHoldIsTold(t *testing.T) {
	e := &engine{port: "80"}
	x := e.candidate(t, "app", west)
	x.vanished = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	s := statusOf(finding{candidate: x, known: true, outcome: outcome{reason: v1alpha1.ReasonHolding, message: "held"}, provider: failover.Engine, region: west,
		state: &plan.State{}}, v1alpha1.FailoverPolicyStatus{}, x.vanished.Add(time.Minute))
	if s.HoldUntil == nil || !s.HoldUntil.Equal(new(metav1.NewTime(x.vanished.Add(10*time.Minute)))) {
		t.Errorf("held until %v, want ten minutes after it vanished", s.HoldUntil)
	}
	if c := meta.FindStatusCondition(s.Conditions, v1alpha1.ConditionProgrammed); c == nil || c.Reason != v1alpha1.ReasonHolding {
		t.Errorf("Programmed: %+v, want %s", c, v1alpha1.ReasonHolding)
	}
}
