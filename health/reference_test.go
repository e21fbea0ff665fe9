package health

import (
	"encoding/json"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/quick"
	"time"

	"github.com/google/go-cmp/cmp"
)

// referenceStates says r53 B.4 word by word: after each result, the state turns if the last threshold results are all
// against it.
func referenceStates(threshold int, start bool, results []bool) []bool {
	states := []bool{start}
	for n := 1; n <= len(results); n++ {
		now := states[n-1]
		turn := n >= threshold
		for i := n - threshold; turn && i < n; i++ {
			turn = results[i] != now
		}
		states = append(states, now != turn)
	}
	return states[1:]
}

func machineStates(threshold int, start bool, results []bool) []bool {
	m := NewMachine(threshold, start)
	var states []bool
	for i, ok := range results {
		m.Observe(ok, time.Unix(int64(i), 0))
		states = append(states, m.Healthy())
	}
	return states
}

func TestMachineEqualsReference(t *testing.T) {
	equal := func(threshold uint8, start bool, results []bool) bool {
		n := int(threshold)%10 + 1
		return slices.Equal(referenceStates(n, start, results), machineStates(n, start, results))
	}
	err := quick.Check(equal, &quick.Config{MaxCount: 2000})
	if err != nil {
		t.Error(err)
	}
}

func FuzzMachine(f *testing.F) {
	f.Add(3, true, "---+++--+---")
	f.Add(10, false, "++++++++++")
	f.Fuzz(func(t *testing.T, threshold int, start bool, text string) {
		if threshold < 1 || threshold > 10 {
			return
		}
		var results []bool
		for _, r := range text {
			results = append(results, r == '+')
		}
		want, got := referenceStates(threshold, start, results), machineStates(threshold, start, results)
		if !slices.Equal(want, got) {
			t.Errorf("threshold %d, start %v, %s\nwant %v\ngot  %v", threshold, start, text, want, got)
		}
	})
}

// referenceVerdict says r53 B.4 and B.6 in rational numbers and as the table of B.6.
func referenceVerdict(disabled, inverted bool, votes []bool, previous *bool) (final, measured bool) {
	measured = previous == nil || *previous
	if !disabled && len(votes) > 0 {
		share := new(big.Rat)
		for _, v := range votes {
			if v {
				share.Add(share, big.NewRat(1, int64(len(votes))))
			}
		}
		measured = share.Cmp(big.NewRat(18, 100)) > 0
	}
	switch {
	case !disabled && !inverted:
		return measured, measured
	case !disabled && inverted:
		return !measured, measured
	case disabled && !inverted:
		return true, measured
	}
	return false, measured
}

// verdict runs Aggregate over votes; state is bits: 1 disabled, 2 inverted, 4 a previous verdict, 8 which.
func verdict(state uint8, votes []bool) (want, got [2]bool, s Status) {
	c := Config{Disabled: new(state&1 != 0), Inverted: new(state&2 != 0)}
	var previous *bool
	if state&4 != 0 {
		previous = new(state&8 != 0)
	}
	var reports []Report
	for _, v := range votes {
		reports = append(reports, Report{Healthy: v})
	}
	want[0], want[1] = referenceVerdict(*c.Disabled, *c.Inverted, votes, previous)
	s, got[1] = Aggregate(c, reports, previous)
	got[0] = s.Healthy
	return want, got, s
}

func TestAggregateEqualsReference(t *testing.T) {
	equal := func(state uint8, votes []bool) bool {
		want, got, _ := verdict(state, votes)
		return want == got
	}
	err := quick.Check(equal, &quick.Config{MaxCount: 5000})
	if err != nil {
		t.Error(err)
	}
}

func FuzzAggregate(f *testing.F) {
	f.Add(uint8(0), strings.Repeat("+", 3)+strings.Repeat("-", 13))
	f.Add(uint8(15), "")
	f.Fuzz(func(t *testing.T, state uint8, text string) {
		var votes []bool
		for _, r := range text {
			votes = append(votes, r == '+')
		}
		want, got, s := verdict(state, votes)
		if want != got {
			t.Errorf("state %b, votes %s: want %v, got %v (%+v)", state, text, want, got, s)
		}
	})
}

// One more healthy vote never makes a check unhealthy, and the order of reports does not matter.
func TestAggregateIsMonotoneAndBlindToOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		reports := make([]Report, 1+r.IntN(40))
		for i := range reports {
			reports[i].Healthy = r.IntN(4) == 0
		}
		s, _ := Aggregate(Config{}, reports, nil)
		r.Shuffle(len(reports), func(i, j int) { reports[i], reports[j] = reports[j], reports[i] })
		shuffled, _ := Aggregate(Config{}, reports, nil)
		if s != shuffled {
			t.Fatalf("order matters: %+v and %+v", s, shuffled)
		}
		reports[r.IntN(len(reports))].Healthy = true
		better, _ := Aggregate(Config{}, reports, nil)
		if s.Healthy && !better.Healthy {
			t.Fatalf("one more healthy vote turned %+v into %+v", s, better)
		}
	}
}

// What Normalize accepts is a fixed point, an empty update leaves it alone, and it can be written as a request.
func FuzzNormalize(f *testing.F) {
	f.Add(`{"type":"HTTP","ipAddress":"8.8.8.8","resourcePath":"a b"}`, true)
	f.Add(`{"type":"HTTPS_STR_MATCH","fullyQualifiedDomainName":"a.example.com","searchString":"ok","requestInterval":10}`, false)
	f.Add(`{"type":"TCP","ipAddress":"::1","port":25,"regions":["us-east-1","eu-west-1","sa-east-1"]}`, true)
	f.Add(`{"type":"CALCULATED","healthThreshold":1,"childHealthChecks":["c1"]}`, false)
	f.Fuzz(func(t *testing.T, text string, lab bool) {
		var c Config
		if json.Unmarshal([]byte(text), &c) != nil {
			return
		}
		rules := Rules{Child: existing}
		if lab {
			rules.MinRequestInterval, rules.AllowedAddresses = 1, AnyAddress()
		}
		before := c.clone()
		first, err := Normalize(c, rules)
		if diff := cmp.Diff(before, c); diff != "" {
			t.Fatalf("the argument changed (-before +after):\n%s", diff)
		}
		if err != nil {
			if first.Type != "" || err.Error() == "" {
				t.Fatalf("refused with %q and config %+v", err, first)
			}
			return
		}
		second, err := Normalize(first, rules)
		if err != nil || !cmp.Equal(first, second) {
			t.Fatalf("not a fixed point: %v\n%s", err, cmp.Diff(first, second))
		}
		updated, err := ApplyUpdate(first, Update{}, rules)
		if err != nil || !cmp.Equal(first, updated) {
			t.Fatalf("an empty update: %v\n%s", err, cmp.Diff(first, updated))
		}
		if strings.ContainsAny(first.Path()+first.FullyQualifiedDomainName, "\r\n") || !strings.HasPrefix(first.Path(), "/") {
			t.Fatalf("path %q or name %q cannot stand in a request", first.Path(), first.FullyQualifiedDomainName)
		}
	})
}
