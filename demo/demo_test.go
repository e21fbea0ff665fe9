package demo

import (
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files anew")

var (
	start     = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	ireland   = netip.MustParseAddr("127.10.1.1")
	frankfurt = netip.MustParseAddr("127.10.2.1")
)

func after(seconds float64) *float64 { return &seconds }

// watched lets a user near eu-west-1 make visits, one every second from the start on.
func watched(visits ...Visit) *watcher {
	w := &watcher{user: &User{Application: "app1", Place: faulty}, home: ireland}
	w.begin(start)
	for i, v := range visits {
		v.At = start.Add(time.Duration(i) * time.Second)
		w.record(v)
	}
	return w
}

func page200(addr netip.Addr, region string) Visit {
	return Visit{Address: addr, Region: region, Status: 200}
}

// A timeline has an entry where something changed; times of moving are those of the first changed DNS answer.
func TestAWatcherSumsUpWhatAUserWentThrough(t *testing.T) {
	home, away := page200(ireland, faulty), page200(frankfurt, other)
	refused := Visit{Address: ireland, Status: 503, Problem: "HTTP 503 Service Unavailable"}
	for _, c := range []struct {
		name   string
		visits []Visit
		want   UserReport
	}{
		{"stays", []Visit{home, home, home}, UserReport{
			Requests: 3, Timeline: []Moment{{0, "127.10.1.1", faulty, 200, ""}},
		}},
		{"moves and returns", []Visit{home, refused, refused, away, away, home}, UserReport{
			MovedTo: other, MovedAfter: after(3), ReturnedAfter: after(5), Requests: 6, Failed: 2,
			Timeline: []Moment{
				{0, "127.10.1.1", faulty, 200, ""},
				{1, "127.10.1.1", "", 503, "HTTP 503 Service Unavailable"},
				{3, "127.10.2.1", other, 200, ""},
				{5, "127.10.1.1", faulty, 200, ""},
			},
		}},
		{"DNS is silent for a moment", []Visit{home, {Problem: "no DNS answer"}, home}, UserReport{
			Requests: 3, Failed: 1,
			Timeline: []Moment{{0, "127.10.1.1", faulty, 200, ""}, {1, "", "", 0, "no DNS answer"},
				{2, "127.10.1.1", faulty, 200, ""}},
		}},
	} {
		got := watched(c.visits...).report()
		c.want.User = got.User
		if diff := cmp.Diff(c.want, got, cmp.AllowUnexported(User{}),
			cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

// allKept is a result in which every promise held.
func allKept() *Result {
	user := func(application, place string) UserReport {
		return UserReport{User: User{Application: application, Place: place}, Requests: 150}
	}
	moved := func(application string, failed int, moved, back float64) UserReport {
		u := user(application, faulty)
		u.MovedTo, u.MovedAfter, u.ReturnedAfter, u.Failed = other, after(moved), after(back), failed
		return u
	}
	r := &Result{Chapters: []Chapter{
		{Name: "granular", HealedAfter: 3, Users: []UserReport{moved("app1", 26, 1.33, 5.58), user("app2", faulty),
			user("app1", other), user("app2", other)}},
		{Name: "all-or-nothing", HealedAfter: 3, Users: []UserReport{moved("app1", 35, 1.76, 5.76),
			moved("app2", 0, 1.76, 5.76), user("app1", other), user("app2", other)}},
	}}
	r.Expectations = judge(r.Chapters, faulty, other)
	return r
}

func TestEveryBrokenPromiseIsSeen(t *testing.T) {
	for _, e := range allKept().Expectations {
		if !e.Held {
			t.Errorf("with everything as promised, %q did not hold", e.Text)
		}
	}
	for _, c := range []struct {
		breaks string
		how    func(granular, old []UserReport)
	}{
		{"app1's users near eu-west-1 moved to eu-central-1",
			func(g, _ []UserReport) { g[0].MovedTo, g[0].MovedAfter = "", nil }},
		{"app1's users returned to eu-west-1 after it was mended", func(g, _ []UserReport) { g[0].ReturnedAfter = nil }},
		{"app1's users returned to eu-west-1 after it was mended", func(g, _ []UserReport) { g[0].ReturnedAfter = after(2) }},
		{"app2's users near eu-west-1 never moved", func(g, _ []UserReport) { g[1].MovedAfter = after(1) }},
		{"app2's users near eu-west-1 never moved", func(g, _ []UserReport) { g[1].Requests = 0 }},
		{"app2's users saw no failed request", func(g, _ []UserReport) { g[1].Failed = 1 }},
		{"users near eu-central-1 never moved", func(g, _ []UserReport) { g[3].MovedAfter = after(1) }},
		{"the old way dragged app2's users near eu-west-1 to eu-central-1",
			func(_, o []UserReport) { o[1].MovedAfter = nil }},
		{"the old way brought them back after app1 was mended", func(_, o []UserReport) { o[1].ReturnedAfter = nil }},
	} {
		r := allKept()
		c.how(r.Chapters[0].Users, r.Chapters[1].Users)
		var broken []string
		for _, e := range judge(r.Chapters, faulty, other) {
			if !e.Held {
				broken = append(broken, e.Text)
			}
		}
		if diff := cmp.Diff([]string{c.breaks}, broken); diff != "" {
			t.Errorf("broken promises (-want +got):\n%s", diff)
		}
	}
}

// The table and the lines are what a person sees; they fit a terminal of 80 columns.
func TestDisplay(t *testing.T) {
	show := func(d *Display) {
		d.heading("1. A health check per application and Region: app1 is scaled to 0 in eu-west-1")
		d.event(Event{0.27, KindProbe, "us-east-1       503, Service Unavailable (1 of 3)"})
		d.setBlock(d.users([]*watcher{watched(page200(frankfurt, other)), watched(Visit{Problem: "no DNS answer"})}))
		d.event(Event{1.32, KindVerdict, "app1 in eu-west-1 unhealthy: 0 of 3 checkers say healthy"})
		d.setBlock(nil)
		d.Result(allKept())
	}
	for _, c := range []struct {
		golden  string
		display *Display
	}{
		{"plain.golden", &Display{}},
		{"terminal.golden", &Display{Live: true, Color: true}},
	} {
		var out strings.Builder
		d := c.display
		d.Out = &out
		show(d)
		path := filepath.Join("testdata", c.golden)
		if *rewrite {
			if err := os.WriteFile(path, []byte(out.String()), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), out.String()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.golden, diff)
		}
		for line := range strings.Lines(out.String()) {
			if width := len([]rune(strings.TrimRight(line, "\n"))); !d.Color && width > 80 {
				t.Errorf("%s: a line of %d columns: %s", c.golden, width, line)
			}
		}
	}
}

func TestBriefLeavesOutWhatEveryLineWouldRepeat(t *testing.T) {
	for status, want := range map[string]string{
		"Success: HTTP Status Code 200, OK":                                           "200, OK",
		"Failure: HTTP Status Code 503, Service Unavailable":                          "503, Service Unavailable",
		"Failure: Resolved IP: 127.10.1.1. HTTP Status Code 503, Service Unavailable": "503, Service Unavailable",
		"Failure: Resolved IP: 127.10.1.1. The connection was closed by the endpoint.": "The connection was closed by the " +
			"endpoint.",
		"Failure: DNS resolution failed: no A record": "DNS resolution failed: no A record",
	} {
		if got := brief(status); got != want {
			t.Errorf("brief(%q) = %q, want %q", status, got, want)
		}
	}
}
