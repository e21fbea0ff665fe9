package controller

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/bulkhead-dns/bulkhead/api/v1alpha1"
	"github.com/bulkhead-dns/bulkhead/apply"
	"github.com/bulkhead-dns/bulkhead/explain"
	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// A verdict that is no current one is none any more: what it was, and how old it is, is told.
func TestStatusTellsThatAVerdictIsOld(t *testing.T) {
	e := &engine{port: "80"}
	since := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	s := statusOf(finding{candidate: e.candidate(t, "app", west), known: true, outcome: outcome{done: true, reason: v1alpha1.ReasonProgrammed}, provider: failover.AWS,
		region: west, state: &plan.State{}, app: app(both(explain.Healthy, explain.Healthy), west),
		silences: map[string]silence{"check-" + west: {since, "no verdict for 15 min"}}}, v1alpha1.FailoverPolicyStatus{}, since.Add(16*time.Minute))
	wantEqual(t, "regions", []v1alpha1.RegionStatus{
		{SetIdentifier: central, Target: "192.0.2.1", HealthCheckID: "check-" + central, Healthy: new(true), Reason: "as healthy"},
		{SetIdentifier: west, Target: "192.0.2.1", HealthCheckID: "check-" + west, Reason: "no verdict for 15 min; the last one: healthy, as healthy",
			NoVerdictSince: new(metav1.NewTime(since)), ServedHere: true},
	}, s.Regions)
	if c := meta.FindStatusCondition(s.Conditions, v1alpha1.ConditionHealthy); c == nil || c.Status != metav1.ConditionUnknown || c.Reason != v1alpha1.ReasonNoVerdict ||
		c.Message != "no verdict for 15 min; the last one: healthy, as healthy" || s.Health != v1alpha1.Unknown {
		t.Errorf("the condition Healthy is %+v", c)
	}
}

// The class is told when verdicts can only be read one by one.
func TestClassTellsThatCloudWatchCannotBeRead(t *testing.T) {
	s := classStatus(&v1alpha1.FailoverClass{}, &failover.Class{}, board{unmeasured: "AccessDenied: cloudwatch:GetMetricData"}, nil)
	if c := meta.FindStatusCondition(s.Conditions, v1alpha1.ConditionReachable); c == nil || c.Status != metav1.ConditionTrue ||
		!strings.Contains(c.Message, "cloudwatch:GetMetricData") || !strings.Contains(c.Message, "one check") {
		t.Errorf("Reachable is %+v, want it true with what is missing", c)
	}
}

// A verdict that CloudWatch has and no checker was asked about is a verdict.
func TestApplicationsHaveCloudWatchsVerdicts(t *testing.T) {
	s := newStatuses(t, 0)
	a := s.cluster(t, west, 1)
	a.board.state.Zones = []zone.HostedZone{{ID: "Z1", Name: "example.com."}}
	for _, region := range []string{west, central} {
		a.board.state.Records = append(a.board.state.Records, plan.Record{ZoneID: "Z1", Set: zone.ResourceRecordSet{Name: "app.example.com.", Type: zone.A,
			SetIdentifier: region, Weight: new(int64(1)), TTL: new(int64(60)), ResourceRecords: []string{"192.0.2.1"}, HealthCheckID: "app000-" + region}})
	}
	a.board.candidates[0].policy.Spec.Hostname = "app.example.com"
	now := time.Now()
	for _, x := range []struct {
		v      verdicts
		health explain.Health
		reason string
	}{
		{verdicts{}, explain.Unknown, "not asked"},
		{verdicts{metric: new(true), metricAt: now}, explain.Healthy, "healthy as the provider has it"},
		{verdicts{metric: new(false), metricAt: now}, explain.Unhealthy, "unhealthy as the provider has it"},
		{verdicts{metric: new(false), metricAt: now, reports: []health.Report{{Healthy: false, Status: "Failure: HTTP Status Code 503, x"}}, asked: now}, explain.Unhealthy,
			"0 of 1 healthy: 1× HTTP 503"},
	} {
		apps, err := applications(a.board, map[string]verdicts{"app000-" + west: x.v}, failover.AWS, west)
		if err != nil || apps["team/app000"] == nil {
			t.Fatal(apps, err)
		}
		for _, r := range apps["team/app000"].Regions {
			if r.Name == west && (r.Check.Health != x.health || r.Check.Reason != x.reason) {
				t.Errorf("%+v: %s, %q; want %s, %q", x.v, r.Check.Health, r.Check.Reason, x.health, x.reason)
			}
		}
	}
}

func TestAgesOfVerdictsAreMeasured(t *testing.T) {
	registry := prometheus.NewRegistry()
	c, err := New(Options{Config: &rest.Config{}, Metrics: registry,
		Open: func(context.Context, failover.Class) (*apply.Applier, failover.Provider, error) {
			return nil, "", errors.New("unused")
		}})
	if err != nil {
		t.Fatal(err)
	}
	a := newStatuses(t, 0).cluster(t, west, 2)
	c.accounts[a.site] = a
	now := time.Now()
	a.verdicts["app000-"+west] = verdicts{metric: new(true), metricAt: now.Add(-10 * time.Second)}
	a.verdicts["app001-"+west] = verdicts{reports: []health.Report{{Healthy: true}}, asked: now.Add(-time.Minute)}
	a.verdicts["app000-"+central] = verdicts{metric: new(true), metricAt: now}
	a.verdicts["app001-"+central] = verdicts{seen: now.Add(-time.Hour)} // nobody has said anything of it
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	if err != nil || len(problems) > 0 {
		t.Error(problems, err)
	}
	got := map[string]time.Duration{}
	for _, f := range families {
		if f.GetName() == "bulkhead_controller_verdict_age_seconds" {
			for _, m := range f.GetMetric() {
				got[m.GetLabel()[1].GetValue()] = time.Duration(m.GetGauge().GetValue() * float64(time.Second)).Round(10 * time.Second)
			}
		}
	}
	wantEqual(t, "ages", map[string]time.Duration{west: time.Minute, central: time.Hour}, got)
}
