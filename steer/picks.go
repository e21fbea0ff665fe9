package steer

import (
	"slices"

	"github.com/bulkhead-dns/bulkhead/zone"
)

// A Pick is a member that a group picked on the way to an answer.
type Pick struct {
	Step          int    // 0 is the group of the name itself; the members of a multivalue answer have the same Step
	Name          string // of the group, in wire format
	Type          zone.RRType
	SetIdentifier string
	None          bool // the group has no member for the client
	Of            int  // in a Way, if a multivalue answer takes eight of more members: their number; else 0
}

// Picks makes the same decision as Decide and appends the picked members to picks. They are the picked members of the
// Trace, at a hundredth of its cost.
func Picks(v *View, t *Table, q *Query, a *Answer, picks []Pick) []Pick {
	d := decision{v: v, t: t, q: q, a: a, rand: q.Rand, picks: &picks, recording: true}
	d.run()
	return picks
}

// record adds a group and its picked members to the trace or to the picks. via is the alias that led to the group, nil
// for the first group of a name.
func (d *decision) record(g *group, owner []byte, via *alias, depth int, failOpen bool, picked []int) {
	if d.trace != nil {
		d.step(g, owner, via, depth, failOpen, picked)
		return
	}
	p := Pick{Type: g.rrtype}
	if before := *d.picks; len(before) > 0 {
		p.Step = before[len(before)-1].Step + 1
	}
	if via != nil {
		p.Name = via.target
	} else {
		p.Name = string(owner)
	}
	picked = slices.Clone(picked)
	slices.Sort(picked) // the order of a trace
	if len(picked) > maxMultivalue {
		p.Of = len(picked)
	}
	for _, i := range picked {
		if p.None = i < 0; !p.None {
			p.SetIdentifier = g.members[i].setID
		}
		*d.picks = append(*d.picks, p)
	}
}
