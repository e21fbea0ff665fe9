package explain

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/bulkhead-dns/bulkhead/steer"
	"github.com/bulkhead-dns/bulkhead/whatif"
)

// draws is how many random seeds stand for all where chance decides.
const draws = 200

// clients are those whom a group tells apart, its members' in their order.
func (w *world) clients(g *group) []client {
	list, open := w.Clients(g)
	switch {
	case len(list) == 0:
		return []client{whatif.Everyone()}
	case open:
		return append(list, whatif.Elsewhere())
	}
	return list
}

// ask asks for one client.
func ask(c whatif.Case, g *group, who client) Answer {
	n := 1
	if g.Chance() {
		n = draws
	}
	answer := Answer{Client: who.Place, Shares: []Share{}}
	var ways [][]steer.Pick // that differ, and how often each was taken
	var times []int
	for draw := range n {
		r := c.Ask(g, who, draw)
		if draw == 0 {
			answer.Outcome = r.Outcome.String()
		}
		answer.FailOpen = answer.FailOpen || r.FailOpen
		i := slices.IndexFunc(ways, func(way []steer.Pick) bool { return slices.Equal(way, r.Picks) })
		if i < 0 {
			i, ways, times = len(ways), append(ways, r.Picks), append(times, 0)
		}
		times[i]++
	}
	for i, way := range ways {
		for _, s := range shares(g.Zone, way) {
			answer.add(s, times[i])
		}
	}
	for i := range answer.Shares {
		s := &answer.Shares[i]
		s.Percent = (s.Percent*100 + n/2) / n
	}
	slices.SortFunc(answer.Shares, func(a, b Share) int { return cmp.Or(b.Percent-a.Percent, slices.Compare(a.Path, b.Path)) })
	return answer
}

// add counts a share; several ways may end in one.
func (a *Answer) add(s Share, times int) {
	i := slices.IndexFunc(a.Shares, func(have Share) bool { return slices.Equal(have.Path, s.Path) && have.Target == s.Target })
	if i < 0 {
		i, a.Shares = len(a.Shares), append(a.Shares, s)
	}
	a.Shares[i].Percent += times
}

// shares are what was picked at the end of a way: one, or one for every member of a multivalue answer.
func shares(z *hosted, way []steer.Pick) (ends []Share) {
	var path []string
	for i, p := range way {
		m := z.Picked(p)
		switch {
		case p.None:
			return nil
		case m == nil:
			return ends // a load balancer's own addresses
		case i == 0 || p.Step != way[i-1].Step:
			if len(ends) == 1 {
				path = ends[0].Path
			}
			ends = nil
		}
		s := Share{Path: slices.Clone(path), Target: targetOf(m)}
		if p.SetIdentifier != "" {
			s.Path = append(s.Path, p.SetIdentifier)
		}
		ends = append(ends, s)
	}
	return ends
}

// targetOf words what a record set answers with.
func targetOf(m *member) string {
	if a := m.Set.AliasTarget; a != nil {
		return whatif.Host(whatif.Plain(a.DNSName))
	}
	return strings.Join(m.Set.ResourceRecords, ", ")
}

// same reports whether two answers are alike, whoever gets them.
func (a Answer) same(b Answer) bool {
	return a.Outcome == b.Outcome && slices.EqualFunc(a.Shares, b.Shares, func(x, y Share) bool {
		return slices.Equal(x.Path, y.Path) && x.Target == y.Target && x.Percent == y.Percent
	})
}

// String words who answers: "eu-west-1", "eu-west-1 90 %, eu-central-1 10 %".
func (a Answer) String() string {
	if len(a.Shares) == 0 {
		return a.Outcome
	}
	texts := make([]string, len(a.Shares))
	for i, s := range a.Shares {
		texts[i] = cmp.Or(strings.Join(s.Path, " > "), s.Target)
		if s.Percent < 100 {
			texts[i] += " " + strconv.Itoa(s.Percent) + " %"
		}
	}
	return strings.Join(texts, ", ")
}
