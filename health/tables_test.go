package health

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A line is one case of a table in testdata; the comment above it cites its rule.
type line struct {
	where, rule, text string
}

// table reads testdata/name. Every case must stand below a comment.
func table(t *testing.T, name string) []line {
	t.Helper()
	f, err := os.Open("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var lines []line
	var rule string
	s := bufio.NewScanner(f)
	for n := 1; s.Scan(); n++ {
		text, where := strings.TrimSpace(s.Text()), fmt.Sprintf("%s:%d", name, n)
		switch {
		case text == "":
			rule = ""
		case strings.HasPrefix(text, "#"):
			rule = strings.TrimSpace(text[1:])
		case rule == "":
			t.Fatalf("%s: a case without the rule that it shows", where)
		default:
			lines = append(lines, line{where, rule, text})
		}
	}
	if s.Err() != nil || len(lines) == 0 {
		t.Fatalf("%s: %d cases, %v", name, len(lines), s.Err())
	}
	return lines
}

func state(healthy bool) string {
	if healthy {
		return "H"
	}
	return "U"
}

func TestMachineTurnsAfterThresholdInBothDirections(t *testing.T) {
	for _, l := range table(t, "machine.txt") {
		var threshold int
		var start, results, want string
		_, err := fmt.Sscan(l.text, &threshold, &start, &results, &want)
		if err != nil {
			t.Fatalf("%s: %v", l.where, err)
		}
		m, got := NewMachine(threshold, start == "H"), ""
		for i, r := range results {
			before := m.Healthy()
			changed := m.Observe(r == '+', time.Unix(int64(i+1), 0))
			if changed != (before != m.Healthy()) {
				t.Errorf("%s: result %d: changed is %v, state went %v to %v", l.where, i, changed, before, m.Healthy())
			}
			if changed && m.Since() != time.Unix(int64(i+1), 0) {
				t.Errorf("%s: result %d turned the state, Since says %v", l.where, i, m.Since())
			}
			got += state(m.Healthy())
		}
		if want != got {
			t.Errorf("%s: %s\nwant %s\ngot  %s", l.where, l.rule, want, got)
		}
	}
}

// configOf reads the words of a case after the counts.
func configOf(words []string) (c Config, previous *bool) {
	for _, w := range words {
		switch w {
		case "inverted":
			c.Inverted = new(true)
		case "disabled":
			c.Disabled = new(true)
		case "was=H", "was=U":
			previous = new(w == "was=H")
		}
	}
	return c, previous
}

func TestVerdictOverCheckers(t *testing.T) {
	for _, l := range table(t, "aggregate.txt") {
		setup, want, _ := strings.Cut(l.text, " -> ")
		words := strings.Fields(setup)
		var votes, all int
		_, err := fmt.Sscanf(words[0], "%d/%d", &votes, &all)
		if err != nil {
			t.Fatalf("%s: %v", l.where, err)
		}
		c, previous := configOf(words[1:])
		reports := make([]Report, all)
		for i := range votes {
			reports[i].Healthy = true
		}
		s, measured := Aggregate(c, reports, previous)
		if got := state(s.Healthy) + " " + state(measured); want != got {
			t.Errorf("%s: %s: %s\nwant %s\ngot  %s (%+v)", l.where, l.rule, setup, want, got, s)
		}
		if s.Reason == "" {
			t.Errorf("%s: no reason given", l.where)
		}
	}
}

func TestVerdictOfCalculatedChecks(t *testing.T) {
	for _, l := range table(t, "calculate.txt") {
		setup, want, _ := strings.Cut(l.text, " -> ")
		words := strings.Fields(setup)
		threshold, err := strconv.Atoi(words[1])
		if err != nil {
			t.Fatalf("%s: %v", l.where, err)
		}
		c, _ := configOf(words[2:])
		c.Type, c.HealthThreshold = Calculated, &threshold
		healthy := map[string]bool{}
		for i, r := range strings.Trim(words[0], "-") {
			id := strconv.Itoa(i)
			c.ChildHealthChecks = append(c.ChildHealthChecks, id)
			healthy[id] = r == 'H'
		}
		s := Calculate(c, func(id string) bool { return healthy[id] })
		if got := state(s.Healthy); want != got {
			t.Errorf("%s: %s: %s: want %s, got %s (%+v)", l.where, l.rule, setup, want, got, s)
		}
	}
}

func TestNormalizeAnswersAsRoute53(t *testing.T) {
	rules := Rules{Child: existing}
	var old Config
	var got Config
	var err error
	for _, l := range table(t, "normalize.txt") {
		verb, arg, _ := strings.Cut(l.text, " ")
		switch verb {
		case "aws":
			rules.MinRequestInterval, rules.AllowedAddresses, rules.AddressHint = 0, nil, ""
		case "engine":
			rules.MinRequestInterval = 1
			rules.AllowedAddresses, rules.AddressHint = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, "A hint."
		case "create":
			got, err = Normalize(decode[Config](t, l, arg), rules)
		case "old":
			old = withDefaults(decode[Config](t, l, arg))
		case "update":
			before := old.clone()
			got, err = ApplyUpdate(old, decode[Update](t, l, arg), rules)
			if diff := cmp.Diff(before, old); diff != "" {
				t.Errorf("%s: the old config changed (-before +after):\n%s", l.where, diff)
			}
		case "echo":
			if err != nil {
				t.Errorf("%s: %s: refused: %v", l.where, l.rule, err)
			} else if diff := cmp.Diff(decode[Config](t, l, arg), got); diff != "" {
				t.Errorf("%s: %s (-want +got):\n%s", l.where, l.rule, diff)
			}
		case "refused":
			var invalid *InvalidInput
			if !errors.As(err, &invalid) {
				t.Errorf("%s: %s: want InvalidInput, got %v, config %+v", l.where, l.rule, err, got)
			} else if diff := cmp.Diff(arg, invalid.Message); diff != "" {
				t.Errorf("%s: %s (-want +got):\n%s", l.where, l.rule, diff)
			}
		default:
			t.Fatalf("%s: unknown verb %q", l.where, verb)
		}
	}
}

// existing are the checks of normalize.txt.
func existing(id string) (Config, bool) {
	switch id {
	case "c1", "c2":
		return Config{Type: HTTP, IPAddress: "8.8.8.8"}, true
	case "calc":
		return Config{Type: Calculated, HealthThreshold: new(1)}, true
	}
	return Config{}, false
}

func decode[T any](t *testing.T, l line, text string) (v T) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	err := d.Decode(&v)
	if err != nil {
		t.Fatalf("%s: %v", l.where, err)
	}
	return v
}
