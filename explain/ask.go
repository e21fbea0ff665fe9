package explain

import (
	"cmp"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/bulkhead-dns/bulkhead/steer"
	"github.com/bulkhead-dns/bulkhead/whatif"
)

// mostWays bounds what is asked where chance decides: weighted groups that are nested in one another multiply.
const mostWays = 10000

// clients are those whom a group tells apart, its members' in their order.
func (x *explainer) clients(g *group) []client {
	list, open := x.Clients(g)
	switch {
	case len(list) == 0:
		return []client{whatif.Everyone()}
	case open:
		return append(list, whatif.Elsewhere())
	}
	return list
}

// ask asks for one client.
func ask(c whatif.Case, g *group, who client) Answer { return askFailing(c, g, who, nil) }

// askFailing asks while endpoints fail.
func askFailing(c whatif.Case, g *group, who client, fails func(*member) bool) Answer {
	answer := Answer{Client: who.Place, Shares: []Share{}}
	var chances []*big.Rat // of the shares
	whole := new(big.Rat)  // what they add up to
	for i, way := range c.Ask(g, who, mostWays) {
		if i == 0 {
			answer.Outcome = way.Outcome.String()
		}
		answer.FailOpen = answer.FailOpen || way.FailOpen
		for _, e := range ends(g.Zone, way.Picks) {
			e.Down = fails != nil && fails(e.member)
			chance := new(big.Rat).Mul(way.Chance, e.chance)
			whole.Add(whole, chance)
			at := slices.IndexFunc(answer.Shares,
				func(have Share) bool { return slices.Equal(have.Path, e.Path) && have.Target == e.Target })
			if at < 0 { // several ways may end in one
				answer.Shares, chances = append(answer.Shares, e.Share), append(chances, chance)
				continue
			}
			chances[at].Add(chances[at], chance)
		}
	}
	percents := percents(chances, whole.Cmp(big.NewRat(1, 1)) == 0)
	for i := range answer.Shares {
		answer.Shares[i].Percent = percents[i]
		answer.Shares[i].Fraction, _ = chances[i].Float64()
	}
	slices.SortFunc(answer.Shares, func(a, b Share) int {
		return cmp.Or(cmp.Compare(b.Fraction, a.Fraction), slices.Compare(a.Path, b.Path))
	})
	return answer
}

// percents rounds shares. Those of a whole add up to 100: what is left when all are rounded down goes to those who have
// lost most.
func percents(shares []*big.Rat, whole bool) []int {
	list := make([]int, len(shares))
	lost := make([]*big.Rat, len(shares))
	left := 100
	for i, s := range shares {
		hundredfold := new(big.Rat).Mul(s, big.NewRat(100, 1))
		down := new(big.Int).Quo(hundredfold.Num(), hundredfold.Denom())
		list[i] = int(down.Int64())
		lost[i] = hundredfold.Sub(hundredfold, new(big.Rat).SetInt(down))
		left -= list[i]
		if !whole && lost[i].Cmp(big.NewRat(1, 2)) >= 0 {
			list[i]++
		}
	}
	if !whole {
		return list
	}
	order := make([]int, len(shares))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return lost[b].Cmp(lost[a]) })
	for _, i := range order[:left] {
		list[i]++
	}
	return list
}

// An end is where a way ends.
type end struct {
	Share
	member *member
	chance *big.Rat // once the way is taken
}

// ends are what was picked at the end of a way: one, or one for every member of a multivalue answer.
func ends(z *hostedZone, way []steer.Pick) (list []end) {
	var path []string
	for i, p := range way {
		m := z.Picked(p)
		switch {
		case p.None:
			return nil
		case m == nil:
			return list // a load balancer's own addresses
		case i == 0 || p.Step != way[i-1].Step:
			if len(list) == 1 {
				path = list[0].Path
			}
			list = nil
		}
		e := end{Share{Path: slices.Clone(path), Target: targetOf(m)}, m, big.NewRat(1, 1)}
		if p.SetIdentifier != "" {
			e.Path = append(e.Path, p.SetIdentifier)
		}
		if p.Of > 0 {
			e.chance = big.NewRat(maxMultivalue, int64(p.Of))
		}
		list = append(list, e)
	}
	return list
}

// maxMultivalue is how many members a multivalue answer has at most. r53: A.8.
const maxMultivalue = 8

// targetOf words what a record set answers with.
func targetOf(m *member) string {
	if a := m.Set.AliasTarget; a != nil {
		return whatif.Host(whatif.Plain(a.DNSName))
	}
	return strings.Join(m.Set.ResourceRecords, ", ")
}

// percent words a share. What is rounded to nothing or to everything is neither.
func (s Share) percent() string {
	switch {
	case s.Percent == 0:
		return "<1 %"
	case s.Percent == 100 && s.Fraction < 1:
		return ">99 %"
	}
	return strconv.Itoa(s.Percent) + " %"
}

// same reports whether two answers are alike, whoever gets them.
func (a Answer) same(b Answer) bool {
	return a.Outcome == b.Outcome && slices.EqualFunc(a.Shares, b.Shares, func(x, y Share) bool {
		return slices.Equal(x.Path, y.Path) && x.Target == y.Target && x.Fraction == y.Fraction
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
		if s.Fraction < 1 {
			texts[i] += " " + s.percent()
		}
	}
	return strings.Join(texts, ", ")
}
