package plan

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/tagging"
)

func encoded(t testing.TB, p Plan) []byte {
	t.Helper()
	data, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(data, '\n')
}

func TestPlanSurvivesItsJSONForm(t *testing.T) {
	for name, p := range shown(t) {
		again, err := Parse(encoded(t, p))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(p, again); diff != "" {
			t.Errorf("%s: before -, after +\n%s", name, diff)
		}
	}
	wantGolden(t, "change.json", string(encoded(t, shown(t)["change"])))
}

func TestChangedPlansAreNotRead(t *testing.T) {
	p := shown(t)["create"]
	good := string(encoded(t, p))
	sealed := func(steps ...Step) string {
		p := Plan{Steps: steps}
		p.Hash = p.hash()
		return string(encoded(t, p))
	}
	for _, c := range []struct{ name, text, want string }{
		{"no JSON", "plan", "plan: invalid character"},
		{"another step", strings.Replace(good, "/health", "/other", 1), "it was changed, make it anew"},
		{"unknown member", strings.Replace(good, `"steps"`, `"more": 1, "steps"`, 1), `unknown field "more"`},
		{"two plans", good + good, "more than one JSON value"},
		{"no kind", sealed(Step{}), `step 1 of kind ""`},
		{"no batch", sealed(Step{Kind: ChangeRecords}), `step 1 of kind "change-records"`},
		{"two things", sealed(Step{Kind: WaitVerdicts, Wait: &Wait{}, Batch: &Batch{}}), `step 1 of kind "wait"`},
		{"nothing to create", sealed(Step{Kind: CreateCheck, Check: &CheckChange{Key: "a/b/c"}}),
			`step 1 of kind "create-check"`},
		{"nothing to tag", sealed(Step{Kind: TagCheck, Check: &CheckChange{Key: "a/b/c"}}), `step 1 of kind "tag-check"`},
		{"no id to delete", sealed(Step{Kind: DeleteCheck, Check: &CheckChange{Key: "a/b/c", Old: &health.Config{}}}),
			`step 1 of kind "delete-check"`},
		{"no check to delete", sealed(Step{Kind: DeleteCheck}), `step 1 of kind "delete-check"`},
	} {
		if _, err := Parse([]byte(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q in it", c.name, err, c.want)
		}
	}
}

func TestHashTellsPlansApart(t *testing.T) {
	seen := make(map[string]string)
	for name, p := range shown(t) {
		if other := seen[p.Hash]; other != "" {
			t.Errorf("%s and %s have the hash %s", name, other, p.Hash)
		}
		seen[p.Hash] = name
		if again := shown(t)[name].Hash; again != p.Hash {
			t.Errorf("%s has the hashes %s and %s", name, p.Hash, again)
		}
	}
}

func TestInverseNeedsTheIDs(t *testing.T) {
	p := shown(t)["create"]
	_, err := p.Inverse(map[string]string{"team/app1/eu-west-1": "a", "team/app1/eu-central-1": "b",
		"team/app2/eu-west-1": "c"})
	const want = "inverse: no id given for the health check team/app2/eu-central-1 that the plan creates"
	if err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

// The way back from a destroyed policy creates its checks again, marked as before, and waits for them.
func TestInverseOfDestroy(t *testing.T) {
	desired := app1()
	desired.Checks[0].Tags = []tagging.Tag{{Key: "Name", Value: "Ireland"}}
	w := build(t, desired)
	p, err := Destroy(w.state(), []string{"team/app1"}, Guard{})
	if err != nil {
		t.Fatal(err)
	}
	w.execute(t, p, -1)
	back, err := p.Inverse(nil)
	wantSteps(t, back, err,
		"create-check team/app1/eu-central-1", "create-check team/app1/eu-west-1",
		"wait team/app1/eu-central-1 team/app1/eu-west-1",
		"change-records", "  CREATE app1.example.com. A eu-central-1", "  CREATE app1.example.com. A eu-west-1")
	want := Counts{
		Objects:      Objects{Create: 4},
		Calls:        Calls{CreateHealthCheck: 2, ChangeTagsForResource: 2, ChangeResourceRecordSets: 1},
		ChangeTokens: 2,
		Checks:       Usage{Before: 0, Peak: 2, After: 2, Limit: 200},
		Zones:        []ZoneUsage{{"ZEXAMPLE", "example.com.", Usage{Before: 0, Peak: 2, After: 2, Limit: 10_000}}},
	}
	if diff := cmp.Diff(want, back.Counts); diff != "" {
		t.Errorf("counts: want -, got +\n%s", diff)
	}
	w.execute(t, back, -1)
	again, err := Diff(w.state(), desired, Guard{})
	wantSteps(t, again, err)
}

// Update asks for exactly what leads from one config to another, whatever they are.
func TestUpdateLeadsToWhatIsWanted(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	rules := health.Rules{AllowedAddresses: health.AnyAddress(), Child: func(string) (health.Config, bool) {
		return health.Config{Type: health.HTTP}, true
	}}
	updates := 0
	for range 2000 {
		configs := make([]health.Config, 2)
		for i := range configs {
			c := randomConfig(r, "eu-west-1")
			switch r.IntN(6) {
			case 0:
				c.IPAddress, c.FullyQualifiedDomainName = "10.0.0.1", ""
			case 1:
				c.Inverted = new(true)
			case 2:
				c = health.Config{Type: health.Calculated, HealthThreshold: new(r.IntN(3)),
					ChildHealthChecks: []string{"a", "b"}[:r.IntN(3)]}
			}
			var err error
			if configs[i], err = health.Normalize(c, rules); err != nil {
				t.Fatal(err)
			}
		}
		from, to := configs[0], configs[1]
		if from.Type != to.Type || optional(from.RequestInterval) != optional(to.RequestInterval) ||
			optional(from.MeasureLatency) != optional(to.MeasureLatency) || (from.IPAddress == "") != (to.IPAddress == "") {
			continue // UpdateHealthCheck cannot. r53: B.2 "Mut"
		}
		updates++
		got, err := health.ApplyUpdate(from, CheckChange{Old: &from, New: &to}.Update(), rules)
		if err != nil {
			t.Fatalf("from %+v to %+v: %v", from, to, err)
		}
		if !sameEchoed(got, to) {
			t.Fatalf("from %v to %v leads to %v", configFields(from), configFields(to), configFields(got))
		}
		if equal := fmt.Sprint(configFields(from)) == fmt.Sprint(configFields(to)); equal != sameEchoed(from, to) {
			t.Fatalf("%v and %v: %v", configFields(from), configFields(to), equal)
		}
	}
	if updates < 300 {
		t.Errorf("%d updates were tried: the configs are drawn badly", updates)
	}
}

// Whatever is read has the form of a plan, and can be shown.
func FuzzParse(f *testing.F) {
	w := newWorld(exampleZone())
	p, err := Diff(w.state(), app1(), Guard{})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(encoded(f, p))
	f.Add([]byte(`{"hash":"","steps":null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := Parse(data)
		if err != nil {
			return
		}
		again, err := Parse(encoded(t, p))
		if err != nil {
			t.Fatalf("its own JSON form: %v", err)
		}
		if text := p.Text(false); text == "" || !bytes.Equal([]byte(text), []byte(again.Text(false))) {
			t.Errorf("rendered as %q and %q", text, again.Text(false))
		}
	})
}

// Any text is either no reference of ours or exactly the one that its parts lead to.
func FuzzCallerReference(f *testing.F) {
	f.Add("bulkhead/team/app1/eu-west-1/2")
	f.Add("bulkhead//1")
	f.Add("bulkhead/" + strings.Repeat("a", 80) + "/1")
	f.Fuzz(func(t *testing.T, reference string) {
		key, generation, ok := parseReference(reference)
		if !ok {
			return
		}
		made := CallerReference(key, generation)
		if len(made) > 64 {
			t.Fatalf("%q has %d characters", made, len(made))
		}
		again, n, ok := parseReference(made)
		if !ok || n != generation || again != key && again != hashed(key) {
			t.Errorf("%q is read as %q %d, made of %q %d", made, again, n, key, generation)
		}
	})
}
