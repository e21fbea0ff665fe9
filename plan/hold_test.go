package plan

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/tagging"
	"github.com/bulkhead-dns/bulkhead/zone"
)

func TestHolds(t *testing.T) {
	marked := []tagging.Tag{{Key: TagInverted, Value: "true"}}
	for _, c := range []struct {
		disabled, inverted bool
		tags               []tagging.Tag
		want               Hold
	}{
		{false, false, nil, NotHeld},
		{false, true, marked, NotHeld},
		{true, true, nil, ForcedOut},
		{true, true, marked, ForcedOut},
		{true, false, nil, ForcedIn},
		{true, false, marked, ForcedIn},
		{false, true, nil, Turned},
		{false, false, marked, Turned},
	} {
		check := Check{Key: "team/app1/eu-west-1", Tags: c.tags,
			Config: health.Config{Disabled: &c.disabled, Inverted: &c.inverted}}
		if got := check.Hold(); got != c.want {
			t.Errorf("disabled %t, inverted %t, tags %v: %q, want %q", c.disabled, c.inverted, c.tags, got, c.want)
		}
		if c.want == NotHeld != (c.want.String() == "") {
			t.Errorf("%q says %q", c.want, c.want.String())
		}
	}
}

// An operator takes an endpoint out by hand, and it stays out whatever is applied until it is released. r53: B.6.
func TestOperatorsHoldStays(t *testing.T) {
	const key = "team/app1/eu-central-1"
	build := func(t *testing.T) (*world, string) {
		w := build(t, app1())
		id := w.check(t, key)
		w.checks[id].Config.Disabled, w.checks[id].Config.Inverted = new(true), new(true)
		w.say(id, false)
		return w, id
	}
	wantHeld := func(t *testing.T, p Plan, id, waits string) {
		t.Helper()
		if diff := cmp.Diff([]HeldCheck{{key, id, ForcedOut, waits}}, p.Held); diff != "" {
			t.Errorf("held: want -, got +\n%s", diff)
		}
		if text := p.Text(false); !strings.Contains(text, "forced out by an operator") {
			t.Errorf("the plan does not show it:\n%s", text)
		}
	}
	t.Run("nothing changed", func(t *testing.T) {
		w, id := build(t)
		p, err := Diff(w.state(), app1(), Guard{})
		wantSteps(t, p, err)
		wantHeld(t, p, id, "")
	})
	t.Run("failures in a row", func(t *testing.T) {
		w, id := build(t)
		desired := app1()
		desired.Checks[1].Config.FailureThreshold = new(2)
		p := w.reach(t, desired, Guard{})
		wantSteps(t, p, nil, "update-check "+key)
		if w.checks[id].Hold() != ForcedOut {
			t.Errorf("%+v is released", w.checks[id].Config)
		}
	})
	t.Run("the path and the load balancer", func(t *testing.T) {
		w, id := build(t)
		desired := withPath("/right")
		desired.Records[1].Set.AliasTarget = &zone.AliasTarget{HostedZoneID: "ZNEW", DNSName: "new.example.net."}
		p, err := Diff(w.state(), desired, Guard{})
		wantSteps(t, p, err)
		wantHeld(t, p, id, "ResourcePath /health → /right")
		w.release()
		p, err = Diff(w.state(), desired, Guard{})
		wantSteps(t, p, err, "create-check "+key, "wait "+key, "change-records", "  UPSERT app1.example.com. A eu-central-1",
			"delete-check "+key)
	})
	t.Run("a generation that waits goes", func(t *testing.T) {
		w, id := build(t)
		w.release()
		p, err := Diff(w.state(), withPath("/right"), Guard{})
		if err != nil {
			t.Fatal(err)
		}
		w.execute(t, p, 2)
		w.checks[id].Config.Disabled, w.checks[id].Config.Inverted = new(true), new(true)
		p, err = Diff(w.state(), withPath("/right"), Guard{})
		wantSteps(t, p, err, "delete-check "+key)
		if p.Steps[0].Check.ID == id {
			t.Error("what is held is deleted")
		}
	})
	t.Run("another policy takes the name over", func(t *testing.T) {
		w, id := build(t)
		both := State{Zones: app1().Zones,
			Checks:  slices.Concat(latency("team/new", "app1.example.com", "eu-central-1").Checks, app1().Checks[:1]),
			Records: slices.Concat(app1().Records[:1], latency("team/new", "app1.example.com", "eu-central-1").Records)}
		both.Records = both.Records[1:]
		p, err := Diff(w.state(), both, Guard{Force: true})
		if err != nil {
			t.Fatal(err)
		}
		w.execute(t, p, -1)
		set, ok := w.records["ZEXAMPLE"].Get(zone.Key{Name: "app1.example.com.", Type: zone.A, SetIdentifier: "eu-central-1"})
		if !ok || set.HealthCheckID != id || w.checks[id].Hold() != ForcedOut {
			t.Errorf("%+v is not held any more", set)
		}
	})
	t.Run("released by name", func(t *testing.T) {
		w, id := build(t)
		p := w.reach(t, app1(), Guard{Release: []string{"team/app1"}})
		wantSteps(t, p, nil, "update-check "+key)
		if why := p.Steps[0].Check.Why; !strings.Contains(why, "releases") {
			t.Errorf("why %q", why)
		}
		if w.checks[id].Hold() != NotHeld {
			t.Errorf("%+v is held", w.checks[id].Config)
		}
		p, err := Diff(w.state(), app1(), Guard{})
		wantSteps(t, p, err)
	})
	t.Run("released by the name of another", func(t *testing.T) {
		w, _ := build(t)
		p, err := Diff(w.state(), app1(), Guard{Release: []string{"team/app2"}})
		wantSteps(t, p, err)
	})
	t.Run("destroyed", func(t *testing.T) {
		w, _ := build(t)
		p, err := Destroy(w.state(), []string{"team/app1"}, Guard{})
		if err != nil {
			t.Fatal(err)
		}
		if w.execute(t, p, -1); len(w.checks) > 0 {
			t.Errorf("%d checks are left of what was destroyed by name", len(w.checks))
		}
	})
}

// A policy may say that its check is inverted. That is not somebody's hold, and turning it round is.
func TestInvertedPolicies(t *testing.T) {
	inverted := app1()
	inverted.Checks[0].Config.Inverted = new(true)
	w := build(t, inverted)
	id := w.check(t, "team/app1/eu-west-1")
	p, err := Diff(w.state(), inverted, Guard{})
	wantSteps(t, p, err)
	if p.Held != nil {
		t.Errorf("held: %v", p.Held)
	}
	w.checks[id].Config.Inverted = new(false)
	p, err = Diff(w.state(), inverted, Guard{})
	wantSteps(t, p, err)
	if len(p.Held) != 1 || p.Held[0].Hold != Turned {
		t.Errorf("held: %v", p.Held)
	}
	w.checks[id].Config.Inverted = new(true)
	w.checks[id].Tags = slices.DeleteFunc(w.checks[id].Tags, func(t tagging.Tag) bool { return t.Key == TagInverted })
	p, err = Diff(w.state(), inverted, Guard{}) // made by a version that did not mark it
	wantSteps(t, p, err, "tag-check team/app1/eu-west-1")
	w.execute(t, p, -1)
	p, err = Diff(w.state(), app1(), Guard{})
	wantSteps(t, p, err, "create-check team/app1/eu-west-1", "wait team/app1/eu-west-1", "change-records",
		"  UPSERT app1.example.com. A eu-west-1", "delete-check team/app1/eu-west-1")
}
