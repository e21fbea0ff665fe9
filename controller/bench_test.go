package controller

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// What it costs to find out that one hostname of many changes what exists, without any call: the part of a round that is paid for every
// change in a cluster.
func BenchmarkOneOfManyHostnames(b *testing.B) {
	for _, n := range []int{100, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			now := time.Now()
			e := &engine{port: "80", zones: []zone.HostedZone{{ID: "Z1", Name: "example.com."}}}
			w := &worker{region: west, provider: failover.Engine, log: slog.New(slog.DiscardHandler), cluster: "cluster-of-" + west, zones: e.zones,
				classes: map[string]classRule{"default": {}}, readAt: now, due: now.Add(time.Hour)}
			var list []candidate
			for i := range n {
				list = append(list, e.candidate(b, fmt.Sprintf("app%05d", i), west))
			}
			tasks := e.tasks(list, west, now)
			w.begin()
			w.state.Zones = e.zones
			for _, t := range tasks {
				desired := t.desired
				planned, err := plan.Diff(plan.State{Zones: e.zones}, desired, plan.Guard{Engine: true, Cluster: w.cluster})
				if err != nil {
					b.Fatal(err)
				}
				w.state = w.state.After(planned.Steps, map[string]string{t.key + "/" + west: "id-" + t.key})
			}
			w.arrange(tasks, nil, now)
			for _, u := range w.units {
				u.due = time.Time{}
			}
			b.ResetTimer()
			for b.Loop() {
				list[0].policy.Spec.HealthCheck.FailureThreshold = new(2)
				tasks = e.tasks(list, west, now)
				w.arrange(w.withLeftovers(tasks, now), nil, now)
				r := &round{worker: w, now: now, tasks: tasks}
				u := w.units["app00000.example.com."]
				u.due = now
				survey, err := r.survey(w.ready(now))
				if err != nil || len(survey.changing) != 1 {
					b.Fatal(err, len(survey.changing))
				}
			}
		})
	}
}
