package steer

import "math/big"

// A Way is one of the random outcomes of a decision.
type Way struct {
	Picks    []Pick
	Outcome  Outcome
	FailOpen bool     // as in Answer
	Chance   *big.Rat // the probability of this way, 0 to 1
}

// Ways makes the same decision as Decide, once for every random outcome that it can have; q.Rand is not used. The
// chances follow from the weights and add up to 1. Nested weighted groups multiply the number of ways. If there are
// more than limit, Ways returns limit of them. Every member of the name's own group is then among them, before the
// choices below one member are repeated.
func Ways(v *View, t *Table, q *Query, limit int) []Way {
	var ways []Way
	e := enumerator{v: v, t: t, q: q}
	for len(ways) < limit {
		ways = append(ways, e.run())
		if !e.next() {
			return ways
		}
	}
	ways = ways[:0]
	for e.byNumber, e.number = true, 0; e.number < limit; e.number++ {
		if way := e.run(); e.rest == 0 { // else a smaller number made the same choices
			ways = append(ways, way)
		}
	}
	return ways
}

// An enumerator makes the random choices of a decision. Its script goes through all combinations of choices.
type enumerator struct {
	v *View
	t *Table
	q *Query

	script []choice
	turn   int // number of choices made in this run
	chance *big.Rat

	// If there are too many outcomes, the digits of a number make the choices: the last digit makes the first choice, the
	// digit before it makes the second.
	byNumber bool
	number   int
	rest     int // the digits that have made no choice yet

	candidates []candidate // the members that the current choice is among
}

// run makes the decision once.
func (e *enumerator) run() Way {
	var picks []Pick
	var a Answer
	e.turn, e.chance, e.rest = 0, big.NewRat(1, 1), e.number
	d := decision{v: e.v, t: e.t, q: e.q, a: &a, rand: e.q.Rand, picks: &picks, recording: true, choices: e}
	d.run()
	return Way{picks, a.Outcome, a.FailOpen, e.chance}
}

// A choice says which of several candidates is taken.
type choice struct{ taken, of int }

// A candidate is a member with its weight.
type candidate struct {
	member int
	weight int64
}

// choose takes a member as the script says: one with a weight above 0 if weighted is set, else any, all with equal
// chances. It returns -1 if there is none. r53: A.5.
func (e *enumerator) choose(weighted bool) int {
	var among []candidate
	total := int64(0)
	for _, c := range e.candidates {
		if !weighted {
			c.weight = 1
		}
		if c.weight > 0 {
			among = append(among, c)
			total += c.weight
		}
	}
	if len(among) == 0 {
		return -1
	}
	c := among[e.take(len(among))]
	e.chance.Mul(e.chance, big.NewRat(c.weight, total))
	return c.member
}

// take makes a choice among n candidates.
func (e *enumerator) take(n int) int {
	if e.byNumber {
		taken := e.rest % n
		e.rest /= n
		return taken
	}
	if e.turn == len(e.script) {
		e.script = append(e.script, choice{0, n})
	}
	e.turn++
	return e.script[e.turn-1].taken
}

// members returns the members of all candidates.
func (e *enumerator) members() []int {
	list := make([]int, len(e.candidates))
	for i, c := range e.candidates {
		list[i] = c.member
	}
	return list
}

// next moves the script to the next combination of choices. It returns false if there is none.
func (e *enumerator) next() bool {
	for n := len(e.script); n > 0; n-- {
		last := &e.script[n-1]
		if last.taken++; last.taken < last.of {
			return true
		}
		e.script = e.script[:n-1]
	}
	return false
}
