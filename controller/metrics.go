package controller

import (
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"

	"github.com/bulkhead-dns/bulkhead/api/v1alpha1"
	"github.com/bulkhead-dns/bulkhead/explain"
)

// metrics are what a controller counts.
type metrics struct {
	passes       *prometheus.CounterVec
	duration     *prometheus.HistogramVec
	steps        *prometheus.CounterVec
	statusWrites prometheus.Counter
	failovers    *prometheus.CounterVec
	succeeded    *prometheus.GaugeVec
	policies     *prometheus.GaugeVec
	refused      *prometheus.GaugeVec
	healthy      *prometheus.GaugeVec

	mu       sync.Mutex               // guards measured
	measured map[site]map[string]bool // policies that have samples of their own
}

func newMetrics() *metrics {
	at := []string{"region", "endpoint"}
	return &metrics{
		measured: make(map[site]map[string]bool),
		passes: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "bulkhead_controller_passes_total",
			Help: "Rounds over the policies of an account: idle ones made no call to the provider."}, append(at, "result")),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "bulkhead_controller_pass_duration_seconds",
			Help: "How long rounds took that were not idle.", Buckets: prometheus.ExponentialBuckets(0.05, 2, 14)}, at),
		steps: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "bulkhead_controller_plan_steps_total",
			Help: "Steps of plans that were executed, by kind."}, append(at, "kind")),
		statusWrites: prometheus.NewCounter(prometheus.CounterOpts{Name: "bulkhead_controller_status_writes_total",
			Help: "Statuses of policies that were written."}),
		failovers: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "bulkhead_controller_failovers_total",
			Help: "Moves of this Region's clients from one Region to another, by a failure or its end."}, []string{"from", "to"}),
		succeeded: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "bulkhead_controller_last_success_timestamp_seconds",
			Help: "When the last round ended without an error."}, at),
		policies: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "bulkhead_controller_policies",
			Help: "Policies by class and condition."}, append(at, "class", "condition", "status", "reason")),
		refused: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "bulkhead_controller_refused_plans",
			Help: "Plans that change too much at once and wait for somebody's word."}, at),
		healthy: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "bulkhead_controller_application_healthy",
			Help: "Verdict on an application in a Region, as the provider has it: 1 healthy, 0 unhealthy; no sample without a verdict."},
			[]string{"policy", "in_region"}),
	}
}

// register adds the collectors, and one for the calls of all accounts.
func (c *Controller) register(r prometheus.Registerer) error {
	m := c.metrics
	var problems []error
	for _, collector := range []prometheus.Collector{m.passes, m.duration, m.steps, m.statusWrites, m.failovers, m.succeeded, m.policies,
		m.refused, m.healthy, calls{c}, ages{c}} {
		problems = append(problems, r.Register(collector))
	}
	return errors.Join(problems...)
}

// calls collects how often each operation of the provider's APIs was called.
type calls struct{ c *Controller }

func (calls) desc() *prometheus.Desc {
	return prometheus.NewDesc("bulkhead_controller_route53_calls_total", "Calls to the provider's APIs by operation, repetitions included.",
		[]string{"region", "endpoint", "operation"}, nil)
}

// Describe is of prometheus.Collector.
func (c calls) Describe(ch chan<- *prometheus.Desc) { ch <- c.desc() }

// Collect is of prometheus.Collector.
func (c calls) Collect(ch chan<- prometheus.Metric) {
	for _, a := range c.c.known() {
		for operation, n := range a.worker.applier.Calls() {
			ch <- prometheus.MustNewConstMetric(c.desc(), prometheus.CounterValue, float64(n), a.site.region, a.site.endpoint, operation)
		}
	}
}

// passed counts a round.
func (m *metrics) passed(s site, r roundReport, took time.Duration, err error) {
	result := "done"
	switch {
	case err != nil:
		result = "failed"
	case r.idle:
		result = "idle"
	}
	m.passes.WithLabelValues(s.region, s.endpoint, result).Inc()
	if !r.idle {
		m.duration.WithLabelValues(s.region, s.endpoint).Observe(took.Seconds())
	}
	if err == nil {
		m.succeeded.WithLabelValues(s.region, s.endpoint).SetToCurrentTime()
	}
	for kind, n := range r.steps {
		m.steps.WithLabelValues(s.region, s.endpoint, string(kind)).Add(float64(n))
	}
}

// observe sets what statuses say.
func (m *metrics) observe(s site, b board, written map[types.UID]v1alpha1.FailoverPolicyStatus, apps map[string]*explain.Application) {
	at := prometheus.Labels{"region": s.region, "endpoint": s.endpoint}
	m.policies.DeletePartialMatch(at)
	for _, c := range b.candidates {
		p, ok := c.object.(*v1alpha1.FailoverPolicy)
		if !ok {
			continue
		}
		status, known := written[p.UID]
		if !known {
			status = p.Status
		}
		for _, condition := range status.Conditions {
			m.policies.WithLabelValues(s.region, s.endpoint, status.ClassName, condition.Type, strings.ToLower(string(condition.Status)), condition.Reason).Inc()
		}
	}
	m.refused.WithLabelValues(s.region, s.endpoint).Set(float64(len(b.refused)))
	for _, key := range m.gone(s, apps) {
		m.healthy.DeletePartialMatch(prometheus.Labels{"policy": key})
	}
	for key, app := range apps {
		m.healthy.DeletePartialMatch(prometheus.Labels{"policy": key})
		for _, r := range app.Regions {
			switch r.Check.Health {
			case explain.Healthy:
				m.healthy.WithLabelValues(key, r.Name).Set(1)
			case explain.Unhealthy:
				m.healthy.WithLabelValues(key, r.Name).Set(0)
			}
		}
	}
}

// gone are the policies of a site that had samples and have none any more.
func (m *metrics) gone(s site, apps map[string]*explain.Application) (keys []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for key := range m.measured[s] {
		if apps[key] == nil {
			keys = append(keys, key)
		}
	}
	m.measured[s] = make(map[string]bool, len(apps))
	for key := range apps {
		m.measured[s][key] = true
	}
	return keys
}

// retire drops what was measured of a site that no class is of any more.
func (m *metrics) retire(s site) {
	at := prometheus.Labels{"region": s.region, "endpoint": s.endpoint}
	m.policies.DeletePartialMatch(at)
	m.refused.DeletePartialMatch(at)
	m.succeeded.DeletePartialMatch(at)
	for _, key := range m.gone(s, nil) {
		m.healthy.DeletePartialMatch(prometheus.Labels{"policy": key})
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.measured, s)
}
