package failover

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/zone"
)

func timers(interval, threshold int) HealthCheck {
	return HealthCheck{Type: "HTTP", RequestInterval: &interval, FailureThreshold: &threshold}
}

// The tables of r53: D.1, in seconds.
func TestObjectivesOnAWS(t *testing.T) {
	for _, want := range []struct {
		interval, threshold                             int
		atOnce, atOnceWorst, silent, silentWorst, again int
		typicalFrom, typicalTo, worstFrom, worstTo      int // end to end with TTL 60, as far as the table says
	}{
		{30, 3, 85, 90, 97, 102, 65, 130, 140, 165, 175},
		{30, 2, 55, 60, 63, 68, 35, 0, 1000, 0, 1000},
		{30, 1, 25, 30, 29, 34, 5, 0, 1000, 0, 1000},
		{10, 3, 28, 30, 40, 42, 22, 75, 80, 107, 115},
		{10, 2, 18, 20, 26, 28, 12, 60, 65, 95, 105},
		{10, 1, 8, 10, 12, 14, 2, 45, 50, 80, 90},
	} {
		rto := objectives(timers(want.interval, want.threshold), time.Minute, AWS)
		seconds := func(d time.Duration) int { return int(d.Round(time.Second) / time.Second) }
		got := [5]int{seconds(rto.AtOnce.Typical), seconds(rto.AtOnce.Worst), seconds(rto.Detection.Typical), seconds(rto.Detection.Worst),
			seconds(rto.Recovery.Typical)}
		if diff := cmp.Diff([5]int{want.atOnce, want.atOnceWorst, want.silent, want.silentWorst, want.again}, got); diff != "" {
			t.Errorf("%d/%d want -, got +\n%s", want.interval, want.threshold, diff)
		}
		if n := seconds(rto.Typical); n < want.typicalFrom || n > want.typicalTo {
			t.Errorf("%d/%d typical %d s, want %d to %d", want.interval, want.threshold, n, want.typicalFrom, want.typicalTo)
		}
		if n := seconds(rto.Worst); n < want.worstFrom || n > want.worstTo {
			t.Errorf("%d/%d worst %d s, want %d to %d", want.interval, want.threshold, n, want.worstFrom, want.worstTo)
		}
	}
}

func TestObjectivesOnTheEngineConfirmFast(t *testing.T) {
	rto := objectives(timers(1, 3), time.Minute, Engine)
	want := Span{1150 * time.Millisecond, 1400 * time.Millisecond} // 3/4 and all of an interval, then 2 fifths
	if diff := cmp.Diff(want, rto.AtOnce); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
	if want := 1*time.Second + 4*time.Second + 2*(200*time.Millisecond+4*time.Second); rto.Detection.Worst != want {
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

// r53: F, with its worked examples.
func TestCheckCost(t *testing.T) {
	ten, yes := 10, true
	for _, c := range []struct {
		config health.Config
		aws    bool
		want   string
	}{
		{health.Config{Type: health.HTTP}, true, "0.50 USD"},
		{health.Config{Type: health.HTTP}, false, "0.75 USD"},
		{health.Config{Type: health.TCP, RequestInterval: &ten}, true, "1.50 USD"},
		{health.Config{Type: health.HTTP, MeasureLatency: &yes}, false, "2.75 USD"},
		{health.Config{Type: health.HTTPSStrMatch, RequestInterval: &ten}, true, "3.50 USD"},
		{health.Config{Type: health.HTTPSStrMatch, RequestInterval: &ten}, false, "6.75 USD"},
		{health.Config{Type: health.Calculated}, true, "0.50 USD"}, // price class unconfirmed
	} {
		if got := CheckCost(c.config, c.aws).String(); got != c.want {
			t.Errorf("%+v costs %s, want %s", c.config, got, c.want)
		}
	}
}

// The first 50 checks of AWS endpoints are free (r53: F); creates are limited at first and later (r53: C.8).
func TestCostAndUseOfStates(t *testing.T) {
	var s plan.State
	for i := range 1200 {
		config := health.Config{Type: health.HTTP, FullyQualifiedDomainName: "x.example.net"}
		if i%2 == 1 {
			config.IPAddress = "93.184.216.34"
		}
		s.Checks = append(s.Checks, plan.Check{Key: fmt.Sprint(i), Config: config})
		s.Records = append(s.Records, plan.Record{ZoneID: []string{"ZA", "ZB", "ZB"}[i%3]})
	}
	if got, want := StateCost(s), Cost(550*50+600*75); got != want {
		t.Errorf("cost %s, want %s", got, want)
	}
	use := Usage(s)
	want := Use{HealthChecks: 1200, RecordSets: map[string]int{"ZA": 400, "ZB": 800}, Creating: 2300 * time.Second, CreatingDays: 2}
	if diff := cmp.Diff(want, use); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
	over := []string{
		"1200 health checks are needed, the account's limit is 200",
		"800 record sets are needed in zone ZB, its limit is 500",
	}
	if diff := cmp.Diff(over, use.Exceeds(zone.Limits{HealthChecks: 200, RecordSetsPerZone: 500})); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
	if got := use.Exceeds(zone.Limits{}); got != nil {
		t.Errorf("no limit is exceeded by %v", got)
	}
	if got := Usage(plan.State{}); got.Creating != 0 || got.CreatingDays != 0 {
		t.Errorf("nothing takes %+v", got)
	}
}
