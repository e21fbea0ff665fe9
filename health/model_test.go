package health

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// literal is the rule of the verdict word by word, slowly: after every step it decides every check from everything that
// is known, without a thought of what changed.
type literal struct {
	checks   map[string]Config
	measured map[string]bool // the last verdict that votes gave
	healthy  map[string]bool
	since    map[string]time.Time
}

func (l *literal) decideAll(votes map[string][]Vote, doubt Doubt, now time.Time) {
	for _, calculated := range []bool{false, true} { // children first
		for id, c := range l.checks {
			if (c.Type == Calculated) != calculated {
				continue
			}
			healthy := l.decide(id, c, votes[id], doubt)
			if before, decided := l.healthy[id]; !decided || before != healthy {
				l.since[id] = now
			}
			l.healthy[id] = healthy
		}
	}
}

func (l *literal) decide(id string, c Config, votes []Vote, doubt Doubt) bool {
	disabled, inverted := c.Disabled != nil && *c.Disabled, c.Inverted != nil && *c.Inverted
	if disabled {
		return !inverted
	}
	if c.Type == Calculated {
		n := 0
		for _, child := range c.ChildHealthChecks {
			if _, exists := l.checks[child]; !exists || l.healthy[child] {
				n++
			}
		}
		return (n >= *c.HealthThreshold) != inverted
	}
	all, well := 0, 0
	for _, v := range votes {
		if !votesFor(c, v, votes, doubt) {
			continue
		}
		all++
		if v.Healthy {
			well++
		}
	}
	if all > 0 {
		l.measured[id] = float64(well)/float64(all) > 0.18
	}
	measured, known := l.measured[id]
	return (!known || measured) != inverted
}

// votesFor says of one vote whether it counts: its author is live, and its checker is in a Region that the check lists,
// or no live checker of its node that reports is.
func votesFor(c Config, v Vote, votes []Vote, doubt Doubt) bool {
	live := func(v Vote) bool { return v.Revision == 0 || v.Revision > int64(doubt) }
	listed := func(v Vote) bool { return strings.Contains(" "+strings.Join(c.Regions, " ")+" ", " "+v.Region+" ") }
	if !live(v) {
		return false
	}
	if listed(v) {
		return true
	}
	node := strings.Split(v.Checker, "/")[0]
	for _, other := range votes {
		if strings.Split(other.Checker, "/")[0] == node && live(other) && listed(other) {
			return false
		}
	}
	return true
}

// Verdicts, told only of what changed, come to what the literal rule comes to.
func TestVerdictsEqualTheLiteralRule(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 1))
		compareWithLiteral(t, r, fmt.Sprintf("seed %d", seed))
	}
}

func compareWithLiteral(t *testing.T, r *rand.Rand, where string) {
	endpoints := []string{"a", "b", "c"}
	parents := []string{"p", "q"}
	regions := []string{"us-east-1", "eu-west-1", "local"}
	checkers := []string{"me/us-east-1", "me/local", "n/eu-west-1", "n/local", "o/local", "o/rack", "s/us-east-1"}
	n := newNodeModel()
	l := &literal{map[string]Config{}, map[string]bool{}, map[string]bool{}, map[string]time.Time{}}
	pick := func(from []string) string { return from[r.IntN(len(from))] }
	some := func(from []string) (chosen []string) {
		for _, s := range from {
			if r.IntN(2) == 0 {
				chosen = append(chosen, s)
			}
		}
		return chosen
	}
	for step := range 200 {
		n.now = n.now.Add(time.Second)
		var changed []string
		what := ""
		switch r.IntN(10) {
		case 0, 1:
			id := pick(slices.Concat(endpoints, parents))
			c := Config{Type: TCP, Regions: some(regions)}
			if slices.Contains(parents, id) {
				c = Config{Type: Calculated, HealthThreshold: new(r.IntN(3)), ChildHealthChecks: some(endpoints)}
			}
			if r.IntN(4) == 0 {
				c.Disabled = new(true)
			}
			if r.IntN(4) == 0 {
				c.Inverted = new(true)
			}
			what = fmt.Sprintf("put %s %+v", id, c)
			if _, known := l.checks[id]; !known && c.Type != Calculated && r.IntN(2) == 0 {
				last := r.IntN(2) == 0
				l.measured[id] = last
				n.verdicts.Put(Check{ID: id, Config: c}, &last)
			} else {
				n.verdicts.Put(Check{ID: id, Config: c}, nil)
			}
			l.checks[id] = c
			changed = []string{id}
		case 2:
			id := pick(slices.Concat(endpoints, parents))
			what = "delete " + id
			changed = append(n.verdicts.Delete(id), id)
			delete(n.votes, id)
			delete(l.checks, id)
			delete(l.measured, id)
			delete(l.healthy, id)
			delete(l.since, id)
		case 3:
			n.doubt = Doubt(r.IntN(2) * step)
			what = fmt.Sprintf("doubt up to %d", n.doubt)
			changed = endpoints
		case 4:
			id, checker := pick(endpoints), pick(checkers)
			what = "the lease of " + checker + " ends"
			n.withdraw(id, checker)
			changed = []string{id}
		default:
			id, checker := pick(endpoints), pick(checkers)
			revision := int64(step)
			if strings.HasPrefix(checker, "me/") {
				revision = 0
			}
			if _, exists := l.checks[id]; !exists {
				continue
			}
			n.report(id, checker, r.IntN(4) == 0, revision)
			what = fmt.Sprintf("%s reports on %s: %+v", checker, id, n.votes[id])
			changed = []string{id}
		}
		got := n.decide(changed...)
		l.decideAll(n.votes, n.doubt, n.now)
		for id, want := range l.healthy {
			v, ok := n.verdicts.Verdict(id)
			if !ok || v.Healthy != want || v.Since != l.since[id] {
				t.Fatalf("%s, step %d (%s): %s is %+v; want healthy %v since %v", where, step, what, id, v, want, l.since[id])
			}
		}
		for id, healthy := range got {
			if want, exists := l.healthy[id]; healthy != (want || !exists) {
				t.Fatalf("%s, step %d (%s): Decide says %s is healthy: %v", where, step, what, id, healthy)
			}
		}
		if want := l.measured; !maps.Equal(want, n.verdicts.Measured()) {
			t.Fatalf("%s, step %d (%s): measured %v; want %v", where, step, what, n.verdicts.Measured(), want)
		}
	}
}
