package steer_test

import (
	"fmt"
	"math/big"
	"net/netip"
	"slices"
	"testing"

	"github.com/bulkhead-dns/bulkhead/steer"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// Ways has every random outcome, and the chances of all ways add up to 1.
func TestWaysAreAllThatChanceCanTake(t *testing.T) {
	several := 0
	for seed := range uint64(300) {
		c := &chooser{randomBytes(seed, 4000)}
		w := c.someWorld(t)
		v := w.view(t)
		table := w.table(v)
		for range 20 {
			name := zone.MustParseName(c.someName())
			q := steer.Query{Name: name.AppendWire(nil), Type: choose(c, zone.A, zone.AAAA, zone.CNAME),
				Client: netip.MustParsePrefix(choose(c, "10.1.1.1/32", "11.0.0.1/32", "203.0.113.7/32"))}
			ways := steer.Ways(v, table, &q, 10000)
			sum := new(big.Rat)
			for _, way := range ways {
				sum.Add(sum, way.Chance)
			}
			if sum.Cmp(big.NewRat(1, 1)) != 0 {
				t.Fatalf("seed %d, %s: the chances of %d ways add up to %s", seed, name, len(ways), sum)
			}
			several += min(len(ways)-1, 1)
			for draw := range uint64(20) {
				q.Rand = draw * 0x9e3779b97f4a7c15
				var a steer.Answer
				picks := steer.Picks(v, table, &q, &a, nil)
				if !slices.ContainsFunc(ways, func(way steer.Way) bool {
					return covers(way, picks) && way.Outcome == a.Outcome && way.FailOpen == a.FailOpen
				}) {
					t.Fatalf("seed %d, %s, draw %d: chance takes %+v %s, which is none of %+v\n%s", seed, name, draw, picks, a.Outcome,
						ways, w)
				}
			}
		}
	}
	if several < 20 {
		t.Errorf("only %d queries had several ways: the test says nothing", several)
	}
}

// covers reports whether a way is that of the picks. Of more than eight members of a multivalue answer, the picks have
// eight.
func covers(way steer.Way, picks []steer.Pick) bool {
	rest := slices.Clone(picks)
	drawn := false
	for _, p := range way.Picks {
		drawn = drawn || p.Of > 0
		p.Of = 0
		at := slices.Index(rest, p)
		if at < 0 && !drawn {
			return false
		}
		if at >= 0 {
			rest = slices.Delete(rest, at, at+1)
		}
	}
	return len(rest) == 0
}

// The chances follow from the weights, multiplied in nested groups. r53: A.5, A.8.
func TestChances(t *testing.T) {
	w := newWorld()
	lines := []string{"zone example.com Z1"}
	for i, weight := range []int{2, 1, 0} {
		lines = append(lines, fmt.Sprintf("record a.example.com A 60 192.0.2.%d ; id=w%d weight=%d check=c%d",
			i, i, weight, i))
	}
	lines = append(lines, "alias n.example.com A a.example.com ; id=x weight=1",
		"record n.example.com A 60 192.0.2.9 ; id=y weight=3")
	for i := range 10 {
		lines = append(lines, fmt.Sprintf("record m.example.com A 60 198.51.100.%d ; id=m%d multivalue", i, i))
	}
	for _, line := range lines {
		w.must(t, line)
	}
	v := w.view(t)
	for _, c := range []struct {
		name string
		down []string
		want string
	}{
		{"a.example.com", nil, "w0 2/3, w1 1/3"},
		{"a.example.com", []string{"c0"}, "w1 1/1"},
		{"a.example.com", []string{"c0", "c1"}, "w2 1/1"},
		{"n.example.com", nil, "x w0 1/6, x w1 1/12, y 3/4"},
		{"m.example.com", nil, "m0 m1 m2 m3 m4 m5 m6 m7 m8 m9 1/1"},
	} {
		table := (*steer.Table)(nil)
		for _, id := range c.down {
			table = table.With(v.Check(id), false)
		}
		var got string
		for _, way := range steer.Ways(v, table, &steer.Query{Name: zone.MustParseName(c.name).AppendWire(nil), Type: zone.A},
			100) {
			for i, p := range way.Picks {
				if got != "" && i == 0 {
					got += ", "
				}
				got += p.SetIdentifier + " "
				if want := map[bool]int{true: 10}[c.name == "m.example.com"]; p.Of != want {
					t.Errorf("%s: of %d, want %d", c.name, p.Of, want)
				}
			}
			got += way.Chance.String()
		}
		if got != c.want {
			t.Errorf("%s with %q down: %s, want %s", c.name, c.down, got, c.want)
		}
	}
}

// If there are too many ways, every member of the name's own group is still among those returned.
func TestTooManyWays(t *testing.T) {
	w := newWorld()
	w.must(t, "zone example.com Z1")
	const levels, members = 8, 5
	for level := range levels {
		for i := range members {
			line := fmt.Sprintf("alias n%d.example.com A n%d.example.com ; id=m%d weight=1", level, level+1, i)
			if level == levels-1 || i == 0 {
				line = fmt.Sprintf("record n%d.example.com A 60 192.0.2.%d ; id=m%d weight=1", level, i, i)
			}
			w.must(t, line)
		}
	}
	ways := steer.Ways(w.view(t), nil, &steer.Query{Name: zone.MustParseName("n0.example.com").AppendWire(nil),
		Type: zone.A}, 100)
	first := map[string]int{}
	var seen []string
	for _, way := range ways {
		first[way.Picks[0].SetIdentifier]++
		seen = append(seen, fmt.Sprint(way.Picks))
	}
	if len(ways) > 100 || len(first) != members || first["m0"] != 1 {
		t.Errorf("%d ways, by the first member %v", len(ways), first)
	}
	slices.Sort(seen)
	if len(slices.Compact(seen)) != len(ways) {
		t.Error("a way is there twice")
	}
}
