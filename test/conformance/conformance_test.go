package conformance

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"go.uber.org/goleak"

	"github.com/bulkhead-dns/bulkhead/dnsserver"
	"github.com/bulkhead-dns/bulkhead/steer"
)

var tableFile = flag.String("table", "", "write the cases as a Markdown table to this file")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func load(t *testing.T) []Case {
	t.Helper()
	cases, err := Load(os.DirFS("cases"))
	if err != nil {
		t.Fatal(err)
	}
	return cases
}

// TestConformance runs every case, by the decision function and over the wire. -run 'Conformance/weighted/zero' picks
// cases.
func TestConformance(t *testing.T) {
	server, err := dnsserver.New(dnsserver.Options{Addr: "127.0.0.1:0", Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- server.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	for _, topic := range topics(load(t)) {
		t.Run(topic[0].Topic, func(t *testing.T) {
			for i := range topic {
				t.Run(topic[i].ID, func(t *testing.T) { run(t, server, &topic[i]) })
			}
		})
	}
}

// topics splits cases, which are in order, by topic.
func topics(cases []Case) [][]Case {
	var out [][]Case
	for i, c := range cases {
		if i == 0 || cases[i-1].Topic != c.Topic {
			out = append(out, nil)
		}
		out[len(out)-1] = append(out[len(out)-1], c)
	}
	return out
}

func run(t *testing.T, server *dnsserver.Server, c *Case) {
	w := build(t, c)
	view, table := w.view(t)
	server.Publish(view, table)
	for i, q := range c.Queries {
		where := fmt.Sprintf("%s:%d: query %d, %s %s", c.File, c.Line, i+1, q.Name, q.Type)
		for _, fault := range byDecision(t, view, table, q) {
			t.Errorf("%s: decided: %s", where, fault)
		}
		for _, fault := range byWire(t, server, q) {
			t.Errorf("%s: %s", where, fault)
		}
	}
	if t.Failed() {
		t.Logf("%s\nsource: %s", c.Title, c.Source)
	}
}

// byDecision asks with as many random seeds as the expectation needs.
func byDecision(t *testing.T, view *steer.View, table *steer.Table, q Query) []string {
	draws := 64
	switch {
	case q.Expect.Share != nil || q.Expect.First != nil:
		draws = 10000
	case q.Expect.OneOf != nil:
		draws = 500
	}
	counts := newTally()
	d := newDecider(t, view, table, q)
	seeds := rand.New(rand.NewPCG(53, 53)) // as a server draws them, but the same in every run
	for range draws {
		r := d.decide(seeds.Uint64())
		if faults := q.Expect.check(q, r); faults != nil {
			return faults
		}
		counts.add(&q.Expect, r)
	}
	return counts.check(&q.Expect)
}

// byWire asks the server over UDP and TCP. It draws its own random numbers, so proportions are not counted.
func byWire(t *testing.T, server *dnsserver.Server, q Query) []string {
	times := map[string]int{"udp": 2, "tcp": 1}
	if q.Expect.Answers == nil {
		times["udp"] = 20
	}
	for _, network := range []string{"udp", "tcp"} {
		for range times[network] {
			r, truncated := exchange(t, network, server.Addr(), q)
			if want := q.Expect.TC && network == "udp"; truncated != want {
				return []string{fmt.Sprintf("tc %v over %s, want %v", truncated, network, want)}
			} else if want {
				continue // all else is asked over TCP
			}
			for _, fault := range q.Expect.check(q, r) {
				return []string{network + ": " + fault}
			}
		}
	}
	return nil
}

// TestListing writes the table of cases where -table asks for it, and holds every case to have a line of its own.
func TestListing(t *testing.T) {
	cases := load(t)
	table := Markdown(cases)
	if lines := strings.Count(table, "\n"); lines != len(cases)+2 {
		t.Errorf("%d lines for %d cases and a heading of two", lines, len(cases))
	}
	if *tableFile != "" {
		if err := os.WriteFile(*tableFile, []byte(table), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// What Load refuses is told with its file and line.
func TestLoadRefuses(t *testing.T) {
	const good = "- id: a\n  title: t\n  source: 'DG page; r53: A.5'\n"
	const query = "  queries: [{name: www.example.com, type: A, expect: {answers: []}}]\n"
	tests := []struct{ name, text, want string }{
		{"a field that does not exist", good + "  zoen: []\n" + query, "weighted/f.yaml: yaml: unmarshal errors:\n  line " +
			"4: field zoen not found"},
		{"a nested field that does not exist", good + query + "  zone:\n  - {Name: www.example.com, Typ: A}\n",
			"line 6: field Typ not found"},
		{"no title", "- id: a\n  source: 'DG page; r53: A.5'\n" + query,
			"weighted/f.yaml: line 1: weighted/a: title: missing"},
		{"an id of other characters", strings.Replace(good, "id: a", "id: A b", 1) + query, `id: "A b" is not of a-z`},
		{"an id that is used twice", good + query + good + query, "weighted/f.yaml: line 5: weighted/a: id: used twice"},
		{"no document", strings.Replace(good, "DG page; ", "", 1) + query, "source: \"r53: A.5\" does not cite"},
		{"no section", strings.Replace(good, "; r53: A.5", "", 1) + query, "source: \"DG page\" does not cite"},
		{"unconfirmed without its reading", good + "  unconfirmed: true\n" + query, "reading: "},
		{"nothing to ask", good, "needs a query or a batch"},
		{"a verdict that is none", good + "  checks: {c: up}\n" + query, `checks: "up" is not`},
		{"a query that expects nothing", good + "  queries: [{name: www.example.com, type: A}]\n", "query 1: 0 of answers"},
		{"a query that expects two things", good + "  queries: [{name: n, type: A, expect: {answers: [], oneOf: []}}]\n",
			"query 1: 2 of answers"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Load(fstest.MapFS{"weighted/f.yaml": {Data: []byte(tt.text)}})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want it to say %q", err, tt.want)
			}
		})
	}
	if _, err := Load(fstest.MapFS{}); err == nil {
		t.Error("a root without files is accepted")
	}
	cases, err := Load(fstest.MapFS{"weighted/f.yaml": {Data: []byte(good + query)}})
	if err != nil || len(cases) != 1 || cases[0].Name() != "weighted/a" || cases[0].Line != 1 {
		t.Errorf("a good file gives %+v, %v", cases, err)
	}
}

// Whatever Load accepts can be named and cited.
func FuzzLoad(f *testing.F) {
	f.Add("- id: a\n  title: t\n  source: 'DG page; r53: A.5'\n  queries: [{name: n, type: A, expect: {answers: []}}]\n")
	f.Add("- id: a\n  title: t\n  source: 'API x; observed; r53: C.6'\n" +
		"  batches: [{changes: [], refused: InvalidInput}]\n")
	f.Add("- &a {id: a}\n- *a\n---\n- {}\n")
	f.Add("~")
	f.Fuzz(func(t *testing.T, text string) {
		cases, err := Load(fstest.MapFS{"topic/f.yaml": {Data: []byte(text)}})
		if err != nil {
			return
		}
		for _, c := range cases {
			if c.Topic != "topic" || c.ID == "" || c.Title == "" || !cites(c.Source) || c.Line < 1 {
				t.Errorf("%+v is accepted", c)
			}
		}
	})
}
