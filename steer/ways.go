package steer

import "math/big"

// A Way is one of those that chance may take to an answer.
type Way struct {
	Picks    []Pick
	Outcome  Outcome
	FailOpen bool     // as in Answer
	Chance   *big.Rat // how many of all answers come about in this way, 0 to 1
}

// MaxWays bounds what Ways returns: weighted groups that are nested in one another multiply.
const MaxWays = 10000

// Ways decides as Decide does, once for every outcome that chance can have: q.Rand is not used. The chances come from the weights
// and add up to 1, but for those of ways beyond MaxWays. A multivalue answer is one way, with all members that may be in it.
func Ways(v *View, t *Table, q *Query) []Way {
	var ways []Way
	var a Answer
	o := odds{}
	for len(ways) < MaxWays {
		var picks []Pick
		o.turn, o.chance = 0, big.NewRat(1, 1)
		d := decision{v: v, t: t, q: q, a: &a, rand: q.Rand, picks: &picks, noted: true, odds: &o}
		d.run()
		ways = append(ways, Way{picks, a.Outcome, a.FailOpen, o.chance})
		if !o.next() {
			break
		}
	}
	return ways
}

// odds take the place of chance: every choice is made by a script, which comes to all there are, one after the other.
type odds struct {
	script []choice
	turn   int // how many choices were made in this run
	chance *big.Rat

	stakes []stake // the members of the group at hand that chance is among
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
	if o.turn == len(o.script) {
		o.script = append(o.script, choice{0, len(among)})
	}
	s := among[o.script[o.turn].taken]
	o.turn++
	o.chance.Mul(o.chance, big.NewRat(s.weight, total))
	return s.member
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
