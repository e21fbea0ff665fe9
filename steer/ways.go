package steer

import "math/big"

// A Way is one of those that chance may take to an answer.
type Way struct {
	Picks    []Pick
	Outcome  Outcome
	FailOpen bool     // as in Answer
	Chance   *big.Rat // how many of all answers come about in this way, 0 to 1
}

// Ways decides as Decide does, once for every outcome that chance can have: q.Rand is not used. The chances come from the weights
// and add up to 1. Weighted groups that are nested in one another multiply: where there are more ways than most, so many of them are
// returned, with all members of the name's own group among them before any choice below is made twice.
func Ways(v *View, t *Table, q *Query, most int) []Way {
	var ways []Way
	o := odds{v: v, t: t, q: q}
	for len(ways) < most {
		ways = append(ways, o.run())
		if !o.next() {
			return ways
		}
	}
	ways = ways[:0]
	for o.spread, o.number = true, 0; o.number < most; o.number++ {
		if way := o.run(); o.rest == 0 { // else it was there before
			ways = append(ways, way)
		}
	}
	return ways
}

// odds take the place of chance: every choice is made by a script, which comes to all there are, one after the other.
type odds struct {
	v *View
	t *Table
	q *Query

	script []choice
	turn   int // how many choices were made in this run
	chance *big.Rat

	// Where there are too many outcomes, a number makes the choices: its last digit the first, the next digit the next.
	spread bool
	number int
	rest   int // digits that nobody has asked for

	stakes []stake // the members of the group at hand that chance is among
}

// run decides once.
func (o *odds) run() Way {
	var picks []Pick
	var a Answer
	o.turn, o.chance, o.rest = 0, big.NewRat(1, 1), o.number
	d := decision{v: o.v, t: o.t, q: o.q, a: &a, rand: o.q.Rand, picks: &picks, noted: true, odds: o}
	d.run()
	return Way{picks, a.Outcome, a.FailOpen, o.chance}
}

// A choice is which of several is taken.
type choice struct{ taken, of int }

// A stake is a member with its weight.
type stake struct {
	member int
	weight int64
}

// choose takes a member as the script says: of those with a weight, else of all alike; -1 where there is none. r53: A.5.
func (o *odds) choose(weighted bool) int {
	var among []stake
	total := int64(0)
	for _, s := range o.stakes {
		if !weighted {
			s.weight = 1
		}
		if s.weight > 0 {
			among = append(among, s)
			total += s.weight
		}
	}
	if len(among) == 0 {
		return -1
	}
	s := among[o.take(len(among))]
	o.chance.Mul(o.chance, big.NewRat(s.weight, total))
	return s.member
}

// take makes a choice among so many.
func (o *odds) take(n int) int {
	if o.spread {
		taken := o.rest % n
		o.rest /= n
		return taken
	}
	if o.turn == len(o.script) {
		o.script = append(o.script, choice{0, n})
	}
	o.turn++
	return o.script[o.turn-1].taken
}

// members are those that chance is among.
func (o *odds) members() []int {
	list := make([]int, len(o.stakes))
	for i, s := range o.stakes {
		list[i] = s.member
	}
	return list
}

// next turns the script to the next outcome; false when there is none.
func (o *odds) next() bool {
	for n := len(o.script); n > 0; n-- {
		last := &o.script[n-1]
		if last.taken++; last.taken < last.of {
			return true
		}
		o.script = o.script[:n-1]
	}
	return false
}
