package plan

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkhead-dns/bulkhead/tagging"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// The golden files hold what people see; -rewrite takes what is rendered now for right.
var rewrite = flag.Bool("rewrite", false, "rewrite the golden files in testdata")

func wantGolden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *rewrite {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s: want -, got +\n%s", path, diff)
	}
}

// shown are the plans of the golden files.
func shown(t *testing.T) map[string]Plan {
	t.Helper()
	plans := make(map[string]Plan)
	plan := func(name string) func(Plan, error) {
		return func(p Plan, _ error) { plans[name] = p } // the refused ones are shown too
	}
	plan("create")(Diff(newWorld(exampleZone()).state(), both(app1(), app2()), Guard{}))

	w := build(t, both(app1(), app2()))
	plan("empty")(Diff(w.state(), both(app1(), app2()), Guard{}))
	plan("destroy")(Destroy(w.state(), []string{"team/app2"}, Guard{}))

	changed := both(app1(), latency("team/app2", "app2.example.com", "eu-west-1", "us-east-1"))
	changed.Checks[0].Config.FailureThreshold = new(2)
	changed.Checks[1].Config.RequestInterval = new(10)
	changed.Checks[2].Tags = []tagging.Tag{{Key: "Name", Value: "app2 in Ireland"}}
	changed.Records[0].Set.AliasTarget = &zone.AliasTarget{HostedZoneID: "ZNEW",
		DNSName:              "newalb.eu-west-1.elb.amazonaws.com.",
		EvaluateTargetHealth: true}
	plan("change")(Diff(w.state(), changed, Guard{}))

	weighted := app1()
	for i := range weighted.Records {
		set := &weighted.Records[i].Set
		set.Region, set.Weight = "", new(int64(90-80*i))
	}
	plan("policy")(Diff(w.state(), weighted, Guard{}))

	w.checks[w.check(t, "team/app1/eu-west-1")].Healthy = new(false)
	w.checks[w.check(t, "team/app1/eu-central-1")].Healthy = new(true)
	plan("condition")(Diff(w.state(), latency("team/app1", "app1.example.com", "eu-west-1", "us-east-1"), Guard{}))
	plan("refused-health")(Diff(w.state(), latency("team/app1", "app1.example.com", "eu-west-1"), Guard{}))

	byHand := newWorld(exampleZone())
	byHand.put(simple("app1.example.com", zone.CNAME, "demoalb.eu-west-1.elb.amazonaws.com"),
		simple("app2.example.com", zone.A, "203.0.113.1", "203.0.113.2", "203.0.113.3", "203.0.113.4", "203.0.113.5"),
		simple("app2.example.com", zone.AAAA, "2001:db8::1"))
	plan("refused-held")(Diff(byHand.state(), both(app1(), app2()), Guard{}))
	plan("adopt")(Diff(byHand.state(), both(app1(), app2()),
		Guard{Adopt: []zone.Name{"app1.example.com.", "app2.example.com."}}))
	return plans
}

func TestPlansAsPeopleReadThem(t *testing.T) {
	for name, p := range shown(t) {
		wantGolden(t, name+".txt", p.Text(false))
	}
}

// Lines fit where words allow it: on 80 columns everything here does, and on 160 nothing but notes is broken.
func TestPlansFitTheTerminal(t *testing.T) {
	for name, p := range shown(t) {
		wide, narrow := p.Wrapped(false, 160), p.Wrapped(false, 80)
		if squeezed(narrow) != squeezed(p.Text(false)) || squeezed(wide) != squeezed(p.Text(false)) {
			t.Errorf("%s: words are lost:\n%s", name, narrow)
		}
		for _, text := range []struct {
			text  string
			width int
		}{{narrow, 80}, {wide, 160}} {
			for line := range strings.Lines(text.text) {
				if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > text.width {
					t.Errorf("%s: a line of %d columns on %d: %s", name, n, text.width, line)
				}
			}
		}
	}
	wantGolden(t, "change-80.txt", shown(t)["change"].Wrapped(false, 80))
	wantGolden(t, "refused-held-160.txt", shown(t)["refused-held"].Wrapped(false, 160))
}

// A plan that is refused shows why, and nothing of what is not going to be done.
func TestARefusedPlanShowsItsReasonsAlone(t *testing.T) {
	for _, name := range []string{"refused-held", "refused-health"} {
		p := shown(t)[name]
		if len(p.Steps) == 0 || len(p.Refusals) == 0 {
			t.Fatalf("%s has %d steps and %d refusals", name, len(p.Steps), len(p.Refusals))
		}
		text := p.Text(false)
		for line := range strings.Lines(text) {
			if line = strings.TrimSpace(line); strings.HasPrefix(line, "+ ") || strings.HasPrefix(line, "- ") ||
				strings.HasPrefix(line, "~ ") ||
				strings.Contains(line, " → ") || strings.Contains(line, " to create") {
				t.Errorf("%s shows what is not done: %s", name, line)
			}
		}
		if !strings.HasSuffix(text, "\nThis plan is refused: nothing of it is done.\n") {
			t.Errorf("%s ends otherwise:\n%s", name, text)
		}
	}
}

// The last line counts what is shown above it: a line for each object, but for conditions and notes.
func TestThePlanEndsWithWhatItDoes(t *testing.T) {
	for name, p := range shown(t) {
		if p.Empty() || p.Refusals != nil {
			continue
		}
		text := p.Text(false)
		var want Objects
		for line := range strings.Lines(text) {
			switch {
			case strings.HasPrefix(line, "  + "):
				want.Create++
			case strings.HasPrefix(line, "  ~ "):
				want.Change++
			case strings.HasPrefix(line, "  - "):
				want.Delete++
			}
		}
		// New tags and new settings of one check are two lines.
		if got := CountObjects(p.Steps); got.Create != want.Create || got.Delete != want.Delete || got.Change > want.Change ||
			(got.Change == 0) != (want.Change == 0) {
			t.Errorf("%s: %v, shown are %v", name, got, want)
		}
		if !strings.HasSuffix(text, ": "+CountObjects(p.Steps).String()+".\n") {
			t.Errorf("%s ends otherwise:\n%s", name, text)
		}
	}
}

func squeezed(s string) string { return strings.Join(strings.Fields(s), " ") }

func TestColourChangesNothingButColour(t *testing.T) {
	for name, p := range shown(t) {
		plain, coloured := p.Text(false), p.Text(true)
		if strings.Contains(plain, "\x1b") {
			t.Errorf("%s: escapes without colour", name)
		}
		for _, escape := range []string{bold, green, yellow, red, dim, "0"} {
			coloured = strings.ReplaceAll(coloured, "\x1b["+escape+"m", "")
		}
		if diff := cmp.Diff(plain, coloured); diff != "" {
			t.Errorf("%s: without colour -, with colour +\n%s", name, diff)
		}
	}
	p := shown(t)["create"]
	if got := p.Text(true); !strings.Contains(got, "\x1b[32m  + check") {
		t.Errorf("what is created is not green:\n%s", got)
	}
}
