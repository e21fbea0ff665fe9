package explain

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/bulkhead-dns/bulkhead/steer"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// draws is how many random seeds stand for all where chance decides.
const draws = 200

// clients are those whom a group tells apart, its members' in their order. The first call for any group of a zone must be
// before the zone is compiled.
func (w *world) clients(g *group) []client {
	var list []client
	open := false // somebody may be nowhere
	g.walk(func(m *member) {
		c, ok := g.in.survey.of(m.set, w.in.Collections)
		if ok && !slices.Contains(list, c) {
			list = append(list, c)
		}
		open = open || m.set.GeoLocation != nil || m.set.CidrRoutingConfig != nil
	})
	switch {
	case len(list) == 0:
		return []client{everyone()}
	case open: // latency and geoproximity have a member for everybody. r53: A.7
		return append(list, elsewhere())
	}
	return list
}

// chance says that two equal questions may be answered differently.
func (g *group) chance() (yes bool) {
	g.walk(func(m *member) { yes = yes || m.set.Weight != nil || m.set.MultiValueAnswer })
	return yes
}

// ask asks for one client. The trace is that of the first draw.
func (w *world) ask(g *group, c client, t *steer.Table) (Answer, *steer.Trace) {
	q := steer.Query{Name: g.key.Name.AppendWire(nil), Type: g.key.Type, Client: c.addr, ECS: true}
	n := 1
	if g.chance() {
		n = draws
	}
	answer := Answer{Client: c.place}
	counts := map[string]*Share{}
	var first *steer.Trace
	var a steer.Answer
	for draw := range n {
		q.Rand = uint64(draw) * 0x9e3779b97f4a7c15
		trace := steer.Explain(g.in.view, t, &q, &a)
		if first == nil {
			first, answer.Outcome = trace, a.Outcome.String()
		}
		answer.FailOpen = answer.FailOpen || a.FailOpen
		for _, s := range g.in.shares(trace) {
			key := strings.Join(s.Path, "\x00") + "\x00" + s.Target
			if counts[key] == nil {
				counts[key] = &s
			}
			counts[key].Percent++
		}
	}
	answer.Shares = []Share{}
	for _, s := range counts {
		s.Percent = (s.Percent*100 + n/2) / n
		answer.Shares = append(answer.Shares, *s)
	}
	slices.SortFunc(answer.Shares, func(a, b Share) int { return cmp.Or(b.Percent-a.Percent, slices.Compare(a.Path, b.Path)) })
	return answer, first
}

// shares reads from a trace what was picked at its end: one share, or one for every member of a multivalue answer.
func (h *hosted) shares(trace *steer.Trace) (ends []Share) {
	var path []string
	for _, step := range trace.Steps {
		g := h.groups[zone.Key{Name: zone.Name(step.Name), Type: step.Type}]
		if g == nil {
			break // a load balancer's own addresses
		}
		ends = nil
		for _, picked := range step.Members {
			m := g.member(picked.SetIdentifier)
			if !picked.Picked || m == nil {
				continue
			}
			way := slices.Clone(path)
			if picked.SetIdentifier != "" {
				way = append(way, picked.SetIdentifier)
			}
			ends = append(ends, Share{Path: way, Target: m.target()})
		}
		if len(ends) == 1 {
			path = ends[0].Path
		}
	}
	return ends
}

func (g *group) member(setIdentifier string) *member {
	for _, m := range g.members {
		if m.set.SetIdentifier == setIdentifier {
			return m
		}
	}
	return nil
}

// target words what a record set answers with.
func (m *member) target() string {
	if a := m.set.AliasTarget; a != nil {
		return host(plain(a.DNSName))
	}
	return strings.Join(m.set.ResourceRecords, ", ")
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
