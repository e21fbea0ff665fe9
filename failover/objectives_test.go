package failover

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func timers(interval, threshold int) HealthCheck {
	return HealthCheck{Type: "HTTP", RequestInterval: &interval, FailureThreshold: &threshold}
}

// The table of r53: D.1, in seconds: t is 0 for what is answered badly at once, 4 s for what accepts no connection.
func TestObjectivesOnAWS(t *testing.T) {
	for _, want := range []struct {
		interval, threshold                             int
		atOnce, atOnceWorst, silent, silentWorst, again int
	}{
		{30, 3, 85, 90, 97, 102, 65},
		{30, 2, 55, 60, 63, 68, 35},
		{30, 1, 25, 30, 29, 34, 5},
		{10, 3, 28, 30, 40, 42, 22},
		{10, 2, 18, 20, 26, 28, 12},
		{10, 1, 8, 10, 12, 14, 2},
	} {
		h := timers(want.interval, want.threshold)
		rto := objectives(h, time.Minute, AWS)
		seconds := func(d time.Duration) int { return int(d.Round(time.Second) / time.Second) }
		interval := time.Duration(want.interval) * time.Second
		silent := h.detection(Span{interval * 14 / 17, interval}, 4*time.Second, AWS) // the 14th of 16 checkers turns the check
		got := [5]int{seconds(rto.AtOnce.Typical), seconds(rto.AtOnce.Worst), seconds(silent.Typical), seconds(silent.Worst),
			seconds(rto.Recovery.Typical)}
		if diff := cmp.Diff([5]int{want.atOnce, want.atOnceWorst, want.silent, want.silentWorst, want.again}, got); diff != "" {
			t.Errorf("%d/%d want -, got +\n%s", want.interval, want.threshold, diff)
		}
	}
}

// The worst failover with a TTL of 60 s, worked out by hand from r53: B.1 and D.1. A probe fails after at most 4 s for the connection
// and 2 s for the response, 2 s more for the body where a string is looked for, and 10 s for a connection alone. On AWS:
// detection i + t + (n-1)(i + t), propagation 10 s, TTL 60 s. On the engine all probes but the first wait for a fifth of the
// interval, and propagation takes 0.5 s.
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
	if diff := cmp.Diff(want, rto.AtOnce); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
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
		p := policyOf(t, fmt.Sprintf("{hostname: a.example.com, routing: {policy: Weighted}, objectives: {rto: %ds}, healthCheck: {requestInterval: %d, "+
			"failureThreshold: %d}, regions: [{name: x, addresses: [93.184.216.34], ttl: %d}]}", 1+r.IntN(200), []int{10, 30}[r.IntN(2)],
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
