package plan

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkhead-dns/bulkhead/tagging"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// borrowing is a record set made by hand that cites a health check of ours.
func borrowing(w *world, t *testing.T, name, identifier, key string) zone.ResourceRecordSet {
	t.Helper()
	s := simple(name, zone.A, "203.0.113.5")
	s.SetIdentifier, s.Region, s.HealthCheckID = identifier, "eu-west-1", w.check(t, key)
	return s
}

// A record set that somebody made by hand and that cites a check of ours is neither changed nor deleted, whatever its
// SetIdentifier, and its check stays as long as it cites it.
func TestRecordsThatCiteOurChecksStay(t *testing.T) {
	const key = "team/app1/eu-west-1"
	replaced := app1()
	replaced.Checks[0].Config.RequestInterval = new(10) // needs another check
	for _, identifier := range []string{"eu-west-1", "by-hand"} {
		for name, next := range map[string]func(w *world) (Plan, error){
			"nothing changes":       func(w *world) (Plan, error) { return Diff(w.state(), app1(), Guard{}) },
			"the check is replaced": func(w *world) (Plan, error) { return Diff(w.state(), replaced, Guard{Force: true}) },
			"a Region goes": func(w *world) (Plan, error) {
				return Diff(w.state(), latency("team/app1", "app1.example.com", "eu-central-1"), Guard{Force: true})
			},
			"it is destroyed": func(w *world) (Plan, error) { return Destroy(w.state(), []string{"team/app1"}, Guard{}) },
		} {
			t.Run(identifier+" "+name, func(t *testing.T) {
				w := build(t, app1())
				byHand := borrowing(w, t, "db.example.com", identifier, key)
				w.put(byHand)
				p, err := next(w)
				if err != nil {
					t.Fatal(err)
				}
				want := fmt.Sprintf("db.example.com. A %s: cites health check %s of %s and is not Bulkhead's: it stays as it is, "+
					"and so does the check as long as it is cited. Give it a health check of its own", identifier,
					byHand.HealthCheckID, key)
				if got := strings.Join(reports(p), "\n"); !strings.Contains(got, want) {
					t.Errorf("reports:\n%s\nwant %s", got, want)
				}
				w.execute(t, p, -1) // fails when the check is deleted
				if got, ok := w.records["ZEXAMPLE"].Get(byHand.Key()); !ok || cmp.Diff(byHand, *got) != "" {
					t.Errorf("it is %+v, was %+v", got, byHand)
				}
				again, err := next(w)
				if err != nil || !again.Empty() {
					t.Errorf("the second plan: %v\n%s", err, again.Text(false))
				}
			})
		}
	}
}

// The same at the name of the policy: it is in the way, and nobody's until it is adopted.
func TestRecordThatCitesOurCheckIsInTheWay(t *testing.T) {
	w := build(t, latency("team/app1", "app1.example.com", "eu-west-1"))
	byHand := borrowing(w, t, "app1.example.com", "by-hand", "team/app1/eu-west-1")
	byHand.Region = "eu-central-1"
	w.put(byHand)
	p, err := Diff(w.state(), app1(), Guard{})
	wantRefusals(t, p, err, "app1.example.com. A by-hand: is in the way (203.0.113.5 TTL 60): it is not Bulkhead's, "+
		"although it cites the health check of team/app1/eu-west-1. Adopt the name to replace it")
	p, err = Diff(w.state(), app1(), Guard{Adopt: []zone.Name{"app1.example.com."}})
	if err != nil {
		t.Fatal(err)
	}
	w.execute(t, p, -1)
	inState(t, w, app1())
}

// What a policy had under its former hostname is ours, wherever a run ends.
func TestRecordsOfFormerHostnamesAreOurs(t *testing.T) {
	renamed := latency("team/app1", "new.example.com", "eu-west-1", "eu-central-1")
	start := build(t, app1())
	desired := both(renamed, latency("team/next", "app1.example.com", "us-east-1")) // so that the old name keeps an answer
	p, err := Diff(start.state(), desired, Guard{Force: true})
	if err != nil {
		t.Fatal(err)
	}
	for calls, done := 0, false; !done; calls++ {
		w := start.clone()
		done = w.execute(t, p, calls)
		rest, err := Diff(w.state(), desired, Guard{Force: true})
		if err != nil {
			t.Fatalf("after %d calls: %v", calls, err)
		}
		w.execute(t, rest, -1)
		inState(t, w, desired)
		gone, err := Destroy(w.state(), []string{"team/app1", "team/next"}, Guard{})
		if err != nil {
			t.Fatal(err)
		}
		w.execute(t, gone, -1)
		if n := w.records["ZEXAMPLE"].Len() + len(w.checks); n != 0 {
			t.Fatalf("after %d calls: %d record sets and checks are left", calls, n)
		}
	}
}

// A check that an older version made does not list its names. It speaks for the name that is wanted, or for the only
// one.
func TestChecksThatListNoNames(t *testing.T) {
	without := func(w *world) *world {
		for _, c := range w.checks {
			var tags []tagging.Tag
			for _, tag := range c.Tags {
				if tag.Key != TagHostnames {
					tags = append(tags, tag)
				}
			}
			c.Tags = tags
		}
		return w
	}
	w := without(build(t, app1()))
	p, err := Diff(w.state(), app1(), Guard{})
	wantSteps(t, p, err, "tag-check team/app1/eu-central-1", "tag-check team/app1/eu-west-1")

	p, err = Destroy(w.state(), []string{"team/app1"}, Guard{})
	wantSteps(t, p, err, "change-records", "  DELETE app1.example.com. A eu-central-1",
		"  DELETE app1.example.com. A eu-west-1",
		"delete-check team/app1/eu-central-1", "delete-check team/app1/eu-west-1")

	w.put(borrowing(w, t, "db.example.com", "eu-west-1", "team/app1/eu-west-1"))
	p, err = Destroy(w.state(), []string{"team/app1"}, Guard{})
	wantSteps(t, p, err, "change-records", "  DELETE app1.example.com. A eu-central-1",
		"delete-check team/app1/eu-central-1")
}

func TestHostnamesTag(t *testing.T) {
	long := zone.Name(strings.Repeat("a.", 100) + "example.com.")
	for _, c := range []struct {
		name  string
		had   []string
		names []zone.Name
		want  string
	}{
		{"the first", nil, []zone.Name{"app1.example.com."}, "app1.example.com"},
		{"no other", []string{"app1.example.com"}, []zone.Name{"app1.example.com."}, "app1.example.com"},
		{"another comes first", []string{"app1.example.com"}, []zone.Name{"new.example.com."},
			"new.example.com app1.example.com"},
		{"one that comes back", []string{"new.example.com", "app1.example.com"}, []zone.Name{"app1.example.com."},
			"new.example.com app1.example.com"},
		{"long names are hashed", []string{"app1.example.com"}, []zone.Name{long}, hostnameEntry(long) + " app1.example.com"},
		{"and signs that a tag has not", nil, []zone.Name{`\052.example.com.`}, hashed(`\052.example.com`)},
		{"the oldest gives way", []string{strings.Repeat("b", 120), strings.Repeat("c", 120)},
			[]zone.Name{"app1.example.com."},
			"app1.example.com " + strings.Repeat("b", 120)},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, _ := hostnamesTag(c.had, c.names)
			if got.Value != c.want || len(got.Value) > maxTagValue {
				t.Errorf("%q, want %q", got.Value, c.want)
			}
		})
	}
}
