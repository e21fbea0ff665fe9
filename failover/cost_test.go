package failover

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/quota"
)

// r53: F, with its worked examples.
func TestCheckCost(t *testing.T) {
	ten, yes := 10, true
	in := func(c health.Config, name string) health.Config { c.FullyQualifiedDomainName = name; return c }
	const aws, china, elsewhere = "demoalb-1.eu-west-1.elb.amazonaws.com", "demoalb-1.cn-north-1.elb.amazonaws.com.cn",
		"www.example.com"
	for _, c := range []struct {
		config health.Config
		want   string
	}{
		{in(health.Config{Type: health.HTTP}, aws), "0.50 USD"},
		{in(health.Config{Type: health.HTTP}, china), "0.50 USD"},
		{in(health.Config{Type: health.HTTP}, "x.lambda-url.eu-west-1.on.aws"), "0.75 USD"}, // not known to be the account's
		{in(health.Config{Type: health.HTTP}, elsewhere), "0.75 USD"},
		{in(health.Config{Type: health.HTTP, IPAddress: "52.95.110.1"}, aws), "0.75 USD"},
		{in(health.Config{Type: health.TCP, RequestInterval: &ten}, aws), "1.50 USD"},
		{in(health.Config{Type: health.HTTP, MeasureLatency: &yes}, elsewhere), "2.75 USD"},
		{in(health.Config{Type: health.HTTPSStrMatch, RequestInterval: &ten}, aws), "3.50 USD"},
		{in(health.Config{Type: health.HTTPSStrMatch, RequestInterval: &ten}, elsewhere), "6.75 USD"},
		{health.Config{Type: health.Calculated}, "0.50 USD"}, // price class unconfirmed
	} {
		if got := CheckCost(c.config).String(); got != c.want {
			t.Errorf("%+v costs %s, want %s", c.config, got, c.want)
		}
	}
}

// What the checks of an account cost is one figure, whoever says it: StateCost, as audit does, or a plan.
func TestPlansAndAuditsCountTheSamePrices(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	names := []string{"", "www.example.com", "a-1.eu-west-1.elb.amazonaws.com", "a.elb.cn-north-1.amazonaws.com.cn",
		"a-1.eusc-de-east-1.elb.amazonaws.eu"}
	types := []health.Type{health.HTTP, health.HTTPS, health.HTTPStrMatch, health.HTTPSStrMatch, health.TCP,
		health.Calculated}
	for range 100 {
		var s plan.State
		for i := range r.IntN(120) {
			c := health.Config{Type: types[r.IntN(len(types))], RequestInterval: new([]int{10, 30}[r.IntN(2)]),
				MeasureLatency:           new(r.IntN(4) == 0),
				FullyQualifiedDomainName: names[r.IntN(len(names))]}
			if r.IntN(3) == 0 {
				c.IPAddress = "93.184.216.34"
			}
			s.Checks = append(s.Checks, plan.Check{ID: fmt.Sprint(i), Config: c})
		}
		p, err := plan.Diff(s, plan.State{}, plan.Guard{})
		if err != nil {
			t.Fatal(err)
		}
		if got, want := StateCost(s), Cost(p.Counts.Monthly.BeforeCents); got != want {
			t.Fatalf("%d checks: audit says %s, plan %s", len(s.Checks), got, want)
		}
	}
}

// The first 50 checks of AWS endpoints are free (r53: F); creates are limited at first and later (r53: C.8).
func TestCostAndUseOfStates(t *testing.T) {
	var s plan.State
	for i := range 1200 {
		config := health.Config{Type: health.HTTP, FullyQualifiedDomainName: "x-1.eu-west-1.elb.amazonaws.com"}
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
	want := Use{HealthChecks: 1200, RecordSets: map[string]int{"ZA": 400, "ZB": 800}, Creating: 2300 * time.Second,
		CreatingDays: 2}
	if diff := cmp.Diff(want, use); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
	over := []string{
		"1200 health checks are needed, the account's limit is 200",
		"800 record sets are needed in zone ZB, its limit is 500",
	}
	if diff := cmp.Diff(over, use.Exceeds(quota.Limits{HealthChecks: 200, RecordSetsPerZone: 500})); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
	if got := use.Exceeds(quota.Limits{}); got != nil {
		t.Errorf("no limit is exceeded by %v", got)
	}
	if got := Usage(plan.State{}); got.Creating != 0 || got.CreatingDays != 0 {
		t.Errorf("nothing takes %+v", got)
	}
}
