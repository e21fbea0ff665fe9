package failover

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/bulkhead-dns/bulkhead/health"
)

func timers(interval, threshold int) HealthCheck {
	return HealthCheck{Type: "HTTP", RequestInterval: &interval, FailureThreshold: &threshold}
}

// failOver plays one failure of an endpoint through the checkers' machines and the quorum. The first probe of each
// checker after the failure begins after its phase, each later one an interval after the end of the one before. A
// failing probe takes t. It returns how long it takes until the check is unhealthy, and after the endpoint's recovery
// until it is healthy again.
func failOver(interval time.Duration, threshold int, t time.Duration, phases []time.Duration) (detection,
	recovery time.Duration) {
	type result struct {
		at      time.Duration
		checker int
	}
	machines := make([]*health.Machine, len(phases))
	reports := make([]health.Report, len(phases))
	for i := range machines {
		machines[i], reports[i].Healthy = health.NewMachine(threshold, true), true
	}
	play := func(healthy bool, t time.Duration) time.Duration {
		var results []result
		for i, phase := range phases {
			for k := range threshold {
				results = append(results, result{phase + t + time.Duration(k)*(interval+t), i})
			}
		}
		slices.SortFunc(results, func(a, b result) int { return cmp.Compare(a.at, b.at) })
		for _, r := range results {
			machines[r.checker].Observe(healthy, time.Time{}.Add(r.at))
			reports[r.checker].Healthy = machines[r.checker].Healthy()
			if verdict, _ := health.Aggregate(health.Config{}, reports, nil); verdict.Healthy == healthy {
				for i := range machines { // the others follow
					machines[i], reports[i].Healthy = health.NewMachine(threshold, healthy), healthy
				}
				return r.at
			}
		}
		return -1
	}
	return play(false, t), play(true, 0)
}

// What Objectives promises for AWS is what the checkers' rules give when 16 checkers have phases by chance. No failure
// takes longer than the worst case, one that is unlucky takes as long, and the typical one is the mean.
func TestObjectivesOnAWS(t *testing.T) {
	const checkers, failures = 16, 4000 // two in each of eight Regions. r53: D.1
	random := rand.New(rand.NewPCG(3, 4))
	for _, c := range []struct{ interval, threshold int }{{30, 3}, {30, 2}, {30, 1}, {10, 3}, {10, 2}, {10, 1}} {
		rto := objectives(timers(c.interval, c.threshold), time.Minute, AWS)
		interval := time.Duration(c.interval) * time.Second
		for _, failure := range []struct {
			name     string
			duration time.Duration // of a failing probe
			want     Span
		}{
			{"refused at once", 0, rto.AtOnce},
			{"no response", 6 * time.Second, rto.Detection}, // 4 s for the connection, 2 s for the response. r53: B.1
		} {
			name := fmt.Sprintf("%d/%d %s", c.interval, c.threshold, failure.name)
			var detections, recoveries time.Duration
			for range failures {
				phases := make([]time.Duration, checkers)
				for i := range phases {
					phases[i] = time.Duration(random.Int64N(int64(interval)))
				}
				detection, recovery := failOver(interval, c.threshold, failure.duration, phases)
				if detection < 0 || detection > failure.want.Worst || recovery < 0 || recovery > rto.Recovery.Worst {
					t.Fatalf("%s: detection %s, recovery %s; the worst case is to be %s and %s", name, detection, recovery,
						failure.want.Worst, rto.Recovery.Worst)
				}
				detections, recoveries = detections+detection, recoveries+recovery
			}
			unlucky := slices.Repeat([]time.Duration{interval}, checkers)
			if detection, recovery := failOver(interval, c.threshold, failure.duration,
				unlucky); detection != failure.want.Worst ||
				recovery != rto.Recovery.Worst {
				t.Errorf("%s: the unluckiest detection takes %s, recovery %s; want %s and %s", name, detection, recovery,
					failure.want.Worst, rto.Recovery.Worst)
			}
			near := func(what string, mean, typical time.Duration) {
				if (mean - typical).Abs() > 100*time.Millisecond+interval/100 {
					t.Errorf("%s: %s takes %s on average, Objectives says %s", name, what, mean, typical)
				}
			}
			near("detection", detections/failures, failure.want.Typical)
			near("recovery", recoveries/failures, rto.Recovery.Typical)
		}
	}
}

// The worst failover with a TTL of 60 s, worked out by hand from r53: B.1 and D.1. A probe fails after at most 4 s for
// the connection and 2 s for the response, 2 s more for the body where a string is looked for, and 10 s for a
// connection alone. On AWS: detection i + t + (n-1)(i + t), propagation 10 s, TTL 60 s. On the engine all probes but
// the first wait for a fifth of the interval, and propagation takes 0.5 s.
func TestWorstFailoverByTypeOfCheck(t *testing.T) {
	for _, c := range []struct {
		kind                string
		interval, threshold int
		provider            Provider
		worst               string
	}{
		{"HTTP", 30, 3, AWS, "178s"},            // 30 + 6 + 2·36 + 10 + 60
		{"HTTPS", 30, 3, AWS, "178s"},           // the handshake is part of the 4 s
		{"HTTP_STR_MATCH", 30, 3, AWS, "184s"},  // 30 + 8 + 2·38 + 10 + 60
		{"HTTPS_STR_MATCH", 30, 3, AWS, "184s"}, //
		{"TCP", 30, 3, AWS, "190s"},             // 30 + 10 + 2·40 + 10 + 60
		{"HTTP", 10, 3, AWS, "118s"},            // 10 + 6 + 2·16 + 10 + 60
		{"HTTPS_STR_MATCH", 10, 1, AWS, "88s"},  // 10 + 8 + 10 + 60
		{"HTTP", 30, 3, Engine, "120.5s"},       // 30 + 6 + 2·(6 + 6) + 0.5 + 60
		{"HTTPS_STR_MATCH", 30, 3, Engine, "126.5s"},
		{"TCP", 30, 3, Engine, "132.5s"},
		{"HTTP", 1, 3, Engine, "79.9s"}, // 1 + 6 + 2·(0.2 + 6) + 0.5 + 60
	} {
		h := timers(c.interval, c.threshold)
		h.Type = c.kind
		worst, err := time.ParseDuration(c.worst)
		if err != nil {
			t.Fatal(err)
		}
		if got := objectives(h, time.Minute, c.provider).Worst; got != worst {
			t.Errorf("%s %d × %d on %s takes %s, want %s", c.kind, c.interval, c.threshold, c.provider, got, worst)
		}
	}
}

// A promise that a check can break is refused: 30 s × 3 with a string takes 184 s.
func TestPromisesThatProbesCanBreakAreRefused(t *testing.T) {
	spec := "{hostname: a.example.com, objectives: {rto: %s}, healthCheck: {type: %s%s}, regions: [{lb1}, {lb2}]}"
	for _, c := range []struct {
		rto, kind, search string
		accepted          bool
	}{
		{"183s", "HTTPS_STR_MATCH", ", searchString: ok", false},
		{"184s", "HTTPS_STR_MATCH", ", searchString: ok", true},
		{"177s", "HTTP", "", false},
		{"178s", "HTTP", "", true},
		{"189s", "TCP", ", port: 80", false},
		{"190s", "TCP", ", port: 80", true},
	} {
		err := Validate(policyOf(t, fmt.Sprintf(spec, c.rto, c.kind, c.search)), nil, Facts{Provider: AWS})
		if (err == nil) != c.accepted {
			t.Errorf("%s with an RTO of %s: accepted %t, want %t (%v)", c.kind, c.rto, err == nil, c.accepted, err)
		}
	}
}

func TestObjectivesOnTheEngineConfirmFast(t *testing.T) {
	rto := objectives(timers(1, 3), time.Minute, Engine)
	want := Span{1150 * time.Millisecond, 1400 * time.Millisecond} // 3/4 and all of an interval, then 2 fifths
	if rto.AtOnce != want {
		t.Errorf("detection of what is refused at once %v, want %v", rto.AtOnce, want)
	}
	if want := 1*time.Second + 6*time.Second + 2*(200*time.Millisecond+6*time.Second); rto.Detection.Worst != want {
		t.Errorf("worst detection %s, want %s", rto.Detection.Worst, want)
	}
	if want := (Span{2250 * time.Millisecond, 3 * time.Second}); rto.Recovery != want { // recovery is not hurried
		t.Errorf("recovery %v, want %v", rto.Recovery, want)
	}
}

// Six checkers are unhealthy when the fifth has turned: 1 of 6 is 16.7 %. r53: B.4.
func TestObjectivesCountCheckers(t *testing.T) {
	h := timers(30, 1)
	h.CheckerRegions = []string{"eu-west-1", "sa-east-1", "us-east-1"}
	rto := objectives(h, 0, AWS)
	if want := 21400 * time.Millisecond; rto.AtOnce.Typical != want { // 5/7 of 30 s
		t.Errorf("typical detection %s, want %s", rto.AtOnce.Typical, want)
	}
	if want := 8600 * time.Millisecond; rto.Recovery.Typical != want { // 2/7: 2 of 6 is 33 %
		t.Errorf("typical recovery %s, want %s", rto.Recovery.Typical, want)
	}
}

// The setting that a refusal names is itself accepted, and none that is nearer meets the objective.
func TestRefusedObjectivesNameWhatCanBeMet(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	named := 0
	for range 300 {
		provider := []Provider{AWS, Engine}[r.IntN(2)]
		p := policyOf(t, fmt.Sprintf("{hostname: a.example.com, routing: {policy: Weighted}, objectives: {rto: %ds}, "+
			"healthCheck: {requestInterval: %d, failureThreshold: %d}, regions: [{name: x, addresses: [93.184.216.34], ttl: "+
			"%d}]}", 1+r.IntN(200),
			[]int{10, 30}[r.IntN(2)],
			1+r.IntN(5), 10*r.IntN(30)))
		p = Default(p, nil)
		want := time.Duration(p.Spec.Objectives.RTO)
		if (unmet(p, Fastest{}, provider) == "") != (Objectives(p, provider).Worst <= want) {
			t.Fatalf("unmet disagrees with Objectives for %+v", p.Spec)
		}
		for _, c := range candidates(p, Fastest{}, provider) {
			if Objectives(c, provider).Worst > want {
				continue
			}
			named++
			if err := Validate(c, nil, Facts{Provider: provider}); err != nil {
				t.Errorf("%s is named and refused: %v", settings(c), err)
			}
			break
		}
	}
	if named < 50 {
		t.Errorf("only %d objectives could be met: the property says little", named)
	}
}
