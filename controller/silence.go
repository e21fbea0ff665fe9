package controller

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/bulkhead-dns/bulkhead/plan"
)

// A silence is that there has been no new verdict on a check for a while. What is written of it changes at some ages only: a status for
// every reading of every check would be more than an API server should get.
type silence struct {
	since time.Time // what time the last verdict is of
	text  string    // "no verdict for 15 min"
}

// silenceSteps are the ages that are told. Below the first one a verdict counts as current: CloudWatch has those of AWS a minute or
// more late.
var silenceSteps = []struct {
	age  time.Duration
	text string
}{{24 * time.Hour, "a day"}, {6 * time.Hour, "6 h"}, {time.Hour, "1 h"}, {15 * time.Minute, "15 min"}, {5 * time.Minute, "5 min"}}

// silences are the checks without a current verdict, by id. A check that never had one is not among them: that is told otherwise. Where
// all checks are asked for in turn and that takes long, a verdict is current while its check's turn is not missed: else each turn of
// each check would be written to a status. That it takes long is told of the class. a.mu is held.
func (a *account) silences(now time.Time) map[string]silence {
	all := make(map[string]silence)
	for _, c := range a.watched(now) {
		_, at := a.verdicts[c.ID].verdict(c.Config)
		if at.IsZero() || now.Sub(at) < 2*a.rotation {
			continue
		}
		for _, step := range silenceSteps {
			if now.Sub(at) >= step.age {
				all[c.ID] = silence{at.Truncate(time.Second), "no verdict for " + step.text}
				break
			}
		}
	}
	return all
}

// fallenSilent reports whether what is told of silences is something else than when it was asked last.
func (a *account) fallenSilent(now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	all := a.silences(now)
	var lines []string
	for _, id := range slices.Sorted(maps.Keys(all)) {
		lines = append(lines, id+" "+all[id].text)
	}
	before := a.silent
	a.silent = strings.Join(lines, "\n")
	return a.silent != before
}

// ages collects how old the oldest verdict of every Region is.
type ages struct{ c *Controller }

func (ages) desc() *prometheus.Desc {
	return prometheus.NewDesc("bulkhead_controller_verdict_age_seconds",
		"Age of the oldest verdict on a health check of this cluster's policies, by the Region of the check; of one without a verdict, since it is known.",
		[]string{"region", "endpoint", "in_region"}, nil)
}

// Describe is of prometheus.Collector.
func (c ages) Describe(ch chan<- *prometheus.Desc) { ch <- c.desc() }

// Collect is of prometheus.Collector.
func (c ages) Collect(ch chan<- prometheus.Metric) {
	now := time.Now()
	for _, a := range c.c.known() {
		for region, age := range a.oldest(now) {
			ch <- prometheus.MustNewConstMetric(c.desc(), prometheus.GaugeValue, age.Seconds(), a.site.region, a.site.endpoint, region)
		}
	}
}

// oldest is the age of the oldest verdict of every Region.
func (a *account) oldest(now time.Time) map[string]time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	all := make(map[string]time.Duration)
	for _, c := range a.watched(now) {
		v := a.verdicts[c.ID]
		_, at := v.verdict(c.Config)
		if at.IsZero() {
			at = v.seen
		}
		region := plan.RegionOf(c.Key)
		all[region] = max(all[region], now.Sub(at))
	}
	return all
}
