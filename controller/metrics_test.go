package controller

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	"github.com/bulkhead-dns/bulkhead/api/v1alpha1"
	"github.com/bulkhead-dns/bulkhead/apply"
	"github.com/bulkhead-dns/bulkhead/explain"
	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/plan"
)

func TestMetricsAreNamedAsPrometheusWants(t *testing.T) {
	registry := prometheus.NewRegistry()
	c, err := New(Options{Config: &rest.Config{}, Metrics: registry,
		Open: func(context.Context, failover.Class) (*apply.Applier, failover.Provider, error) {
			return nil, "", errors.New("unused")
		}})
	if err != nil {
		t.Fatal(err)
	}
	at := site{region: west}
	c.metrics.passed(at, roundReport{steps: map[plan.Kind]int{plan.CreateCheck: 2}}, time.Second, nil)
	c.metrics.passed(at, roundReport{idle: true}, time.Second, nil)
	c.metrics.passed(at, roundReport{}, time.Second, errors.New("unreachable"))
	c.metrics.failovers.WithLabelValues(west, central).Inc()
	p := &v1alpha1.FailoverPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "app", UID: "1"}}
	status := v1alpha1.FailoverPolicyStatus{ClassName: "default", Conditions: []metav1.Condition{{Type: "Accepted", Status: "True", Reason: "Accepted"}}}
	for range 2 { // twice is not twice as many
		c.metrics.observe(at, board{candidates: []candidate{{object: p}}}, map[types.UID]v1alpha1.FailoverPolicyStatus{"1": status},
			map[string]*explain.Application{"team-a/app": app(both(explain.Healthy, explain.Unhealthy), west)})
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	for _, m := range []struct {
		metric prometheus.Metric
		want   float64
	}{
		{c.metrics.passes.WithLabelValues(west, "", "idle"), 1},
		{c.metrics.passes.WithLabelValues(west, "", "done"), 1},
		{c.metrics.passes.WithLabelValues(west, "", "failed"), 1},
		{c.metrics.steps.WithLabelValues(west, "", "create-check"), 2},
		{c.metrics.failovers.WithLabelValues(west, central), 1},
		{c.metrics.policies.WithLabelValues(west, "", "default", "Accepted", "true", "Accepted"), 1},
		{c.metrics.healthy.WithLabelValues("team-a/app", west), 1},
		{c.metrics.healthy.WithLabelValues("team-a/app", central), 0},
	} {
		var got dto.Metric
		if err := m.metric.Write(&got); err != nil {
			t.Fatal(err)
		}
		if v := got.GetCounter().GetValue() + got.GetGauge().GetValue(); v != m.want {
			t.Errorf("%s is %v, want %v", m.metric.Desc(), v, m.want)
		}
	}
}

// Nothing of a deleted policy, or of a class that is gone, is measured any more.
func TestWhatIsGoneIsNotMeasured(t *testing.T) {
	m, at := newMetrics(), site{region: west}
	samples := func(c prometheus.Collector) int { return testutil.CollectAndCount(c) }
	m.observe(at, board{}, nil, map[string]*explain.Application{"team-a/app": app(both(explain.Healthy, explain.Healthy), west),
		"team-a/other": app(both(explain.Healthy, explain.Healthy), west)})
	if n := samples(m.healthy); n != 4 {
		t.Fatalf("%d samples of two policies, want 4", n)
	}
	m.observe(at, board{}, nil, map[string]*explain.Application{"team-a/app": app(both(explain.Healthy, explain.Healthy), west)})
	if n := samples(m.healthy); n != 2 {
		t.Errorf("%d samples when one is deleted, want 2", n)
	}
	m.retire(at)
	if n := samples(m.healthy) + samples(m.policies) + samples(m.refused); n != 0 {
		t.Errorf("%d samples when the class is gone, want none", n)
	}
}

func TestNewRefusesWhatIsMissing(t *testing.T) {
	open := func(context.Context, failover.Class) (*apply.Applier, failover.Provider, error) {
		return nil, "", errors.New("unused")
	}
	for _, c := range []struct {
		o    Options
		want string
	}{
		{Options{Open: open}, "controller: Options.Config is missing"},
		{Options{Config: &rest.Config{}}, "controller: Options.Open is missing"},
		{Options{Config: &rest.Config{}, Open: open, Poll: -time.Second}, "controller: Options.Poll is -1s, want 0 or more"},
	} {
		if _, err := New(c.o); err == nil || err.Error() != c.want {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
}
