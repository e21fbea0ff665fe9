package steer_test

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkhead-dns/bulkhead/steer"
	"github.com/bulkhead-dns/bulkhead/zone"
)

var rewrite = flag.Bool("rewrite", false, "write what is answered into the decision tables")

// TestDecisionTables runs testdata/*.txt; testdata/README.md says how they are written. Every answer is also held
// against the reference.
func TestDecisionTables(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no decision tables: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := runTable(t, want)
			if *rewrite {
				if err := os.WriteFile(file, got, 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(string(got), "\n")); diff != "" {
				t.Errorf("%s (-written, +answered); go test ./steer -run Tables -rewrite accepts what is answered:\n%s", file, diff)
			}
		})
	}
}

// runTable returns the table with the answers that were given.
func runTable(t *testing.T, table []byte) []byte {
	var out bytes.Buffer
	w := newWorld()
	for lines := bufio.NewScanner(bytes.NewReader(table)); lines.Scan(); {
		line := lines.Text()
		switch {
		case strings.HasPrefix(line, "    "):
			continue // an answer
		case strings.HasPrefix(line, "== "):
			w = newWorld()
		case strings.HasPrefix(line, "query "):
			fmt.Fprintf(&out, "%s\n%s", line, indent(w.query(t, line)))
			continue
		case strings.HasPrefix(line, "spread "):
			fmt.Fprintf(&out, "%s\n%s", line, indent(w.spread(t, line)))
			continue
		case line != "" && !strings.HasPrefix(line, "#"):
			if err := w.command(line); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
		}
		fmt.Fprintln(&out, line)
	}
	return out.Bytes()
}

func indent(lines []string) string {
	return "    " + strings.Join(lines, "\n    ") + "\n"
}

// parseQuery reads "query NAME TYPE [from ADDR[/BITS] [ecs]] [rand N]".
func parseQuery(t *testing.T, line string) *steer.Query {
	t.Helper()
	f := strings.Fields(line)
	if len(f) < 3 {
		t.Fatalf("%q is no query", line)
	}
	q := &steer.Query{Name: zone.MustParseName(f[1]).AppendWire(nil), Client: netip.MustParsePrefix("203.0.113.1/32")}
	rrtype, ok := zone.ParseRRType(f[2])
	if !ok && f[2] == "ANY" {
		rrtype, ok = 255, true
	}
	for f = f[3:]; len(f) > 0 && ok; f = f[1:] {
		switch {
		case f[0] == "from" && len(f) > 1:
			if strings.Contains(f[1], "/") {
				q.Client = netip.MustParsePrefix(f[1])
			} else {
				q.Client = whole(netip.MustParseAddr(f[1]))
			}
			f = f[1:]
		case f[0] == "ecs":
			q.ECS = true
		case f[0] == "rand" && len(f) > 1:
			n, err := strconv.ParseUint(f[1], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			q.Rand, f = n, f[1:]
		default:
			ok = false
		}
	}
	if !ok {
		t.Fatalf("%q is no query", line)
	}
	q.Type = rrtype
	return q
}

// whole is the prefix of a client whose whole address is known.
func whole(addr netip.Addr) netip.Prefix { return netip.PrefixFrom(addr, addr.BitLen()) }

// query answers one query: the outcome, the records, and why.
func (w *world) query(t *testing.T, line string) []string {
	t.Helper()
	q := parseQuery(t, line)
	v := w.view(t)
	a, trace := ask(t, v, w.table(v), q)
	w.checkAgainstReference(t, q, a)
	out := []string{trace.Rule}
	if a.Located {
		out[0] += fmt.Sprintf(" [%s, scope %d]", trace.Place, a.Scope)
	}
	for _, r := range answerOf(t, q, a) {
		out = append(out, r.String())
	}
	if a.SOA.Count > 0 {
		out = append(out, fmt.Sprintf("authority: SOA with TTL %d", decode(t, []byte{0}, a.SOA)[0].ttl))
	}
	if a.Outcome == steer.Referral {
		for _, r := range decode(t, q.Name[len(q.Name)-a.DelegationNameLen:], a.Delegation) {
			out = append(out, "authority: "+r.String())
		}
		for _, g := range a.Glue {
			out = append(out, "additional: "+decode(t, g.Owner, g.RRs)[0].String())
		}
	}
	for _, s := range trace.Steps {
		open := ""
		if s.FailOpen {
			open = ", fail-open"
		}
		out = append(out, fmt.Sprintf("%s %s is %s%s", s.Name, s.Type, s.Policy, open))
		for _, m := range s.Members {
			out = append(out, fmt.Sprintf("  %s %s", mark(m), m.Why))
		}
	}
	return out
}

// mark shows a member: > is picked, - is unhealthy.
func mark(m steer.Member) string {
	sign := " "
	if !m.Healthy {
		sign = "-"
	}
	if m.Picked {
		sign += ">"
	} else {
		sign += " "
	}
	return strings.TrimRight(sign+" "+m.SetIdentifier, " ") + ":"
}

// spread answers a query with 20,000 different random seeds and counts the answers, in whole percents.
func (w *world) spread(t *testing.T, line string) []string {
	t.Helper()
	q := parseQuery(t, line)
	v := w.view(t)
	table := w.table(v)
	const runs = 20000
	counts := map[string]int{}
	var a steer.Answer
	for i := range uint64(runs) {
		q.Rand = i
		steer.Decide(v, table, q, &a)
		var values []string
		for _, r := range answerOf(t, q, &a) {
			values = append(values, r.value)
		}
		slices.Sort(values)
		counts[strings.Join(values, " ")]++
	}
	var out []string
	for answer, n := range counts {
		out = append(out, fmt.Sprintf("%s: %.0f %%", answer, 100*float64(n)/runs))
	}
	slices.Sort(out)
	return out
}
