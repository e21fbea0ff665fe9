package explain

import (
	"cmp"
	"fmt"
	"math/big"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/steer"
	"github.com/bulkhead-dns/bulkhead/whatif"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// A Takeover is what clients of a name notice when other record sets take the place of those that are there, while
// nothing fails.
type Takeover struct {
	Hostname string   `json:"hostname"`
	Clients  []Change `json:"clients"`             // all that the old or the new records tell apart
	Gone     []string `json:"gone,omitempty"`      // endpoints that nobody is answered with any more
	Added    []string `json:"added,omitempty"`     // endpoints that nobody was answered with before
	Lost     []string `json:"lostTypes,omitempty"` // types that have no answer any more; "every other type" behind a CNAME
	Gained   []string `json:"gainedTypes,omitempty"`
	// OldTTLSeconds is how long resolvers may keep the old answers. WantedSeconds is the RTO that is promised, 0 for none.
	OldTTLSeconds int64   `json:"oldTtlSeconds"`
	WantedSeconds float64 `json:"wantedSeconds,omitempty"`
	// Outside are old endpoints that are names outside the zones, and no load balancers: what they resolve to is not
	// looked up, so that they count as other endpoints, whatever is behind them.
	Outside   []string `json:"outside,omitempty"`
	Estimated bool     `json:"estimated,omitempty"` // latencies are, from distances: at AWS
}

// A Change is what one client is answered with before and after.
type Change struct {
	Client  string `json:"client"`
	Type    string `json:"type"`   // "A", or "A and AAAA" where both have the same answers
	Before  string `json:"before"` // endpoints: "lb-1.eu-west-1.elb.amazonaws.com", "192.0.2.1 67 %, 192.0.2.2 33 %"
	After   string `json:"after"`
	Changed bool   `json:"changed"`
}

// Takeovers compares what clients of names are answered with by the record sets of in.State and by those that come
// after. Both hold the zones of the names whole.
func Takeovers(in Input, after plan.State, names []zone.Name) ([]Takeover, error) {
	input := func(s plan.State) whatif.Input {
		return whatif.Input{State: s, Collections: in.Collections, GeoIP: in.GeoIP}
	}
	var list []Takeover
	old, fresh := whatif.New(input(in.State)), whatif.New(input(after))
	for _, name := range names {
		c := comparison{old: side{Graph: old, zone: old.ZoneOf(name)}, fresh: side{Graph: fresh, zone: fresh.ZoneOf(name)},
			name:     name,
			provider: in.provider()}
		if c.old.zone == nil || c.fresh.zone == nil {
			continue
		}
		t, err := c.compare()
		if err != nil {
			return nil, err
		}
		for _, p := range in.Policies {
			if n, err := zone.ParseName(p.Spec.Hostname); err == nil && n == name {
				t.WantedSeconds = time.Duration(p.Spec.Objectives.RTO).Seconds()
			}
		}
		list = append(list, t)
	}
	return list, nil
}

// A side is the records of one time.
type side struct {
	*whatif.Graph
	zone *hostedZone
	now  whatif.Case
}

// A comparison is of one name.
type comparison struct {
	old, fresh side
	name       zone.Name
	provider   failover.Provider
}

// group is the record sets that answer for a type of a name: its own, or a CNAME.
func (s side) group(n zone.Name, t zone.RRType) *group {
	if g := s.zone.Group(n, t); g != nil {
		return g
	}
	return s.zone.Group(n, zone.CNAME)
}

// A place is a client, known to both sides.
type clientPair struct{ before, after client }

// places are the clients whom either side tells apart.
func (c *comparison) clientPairs() (list []clientPair) {
	open := false
	add := func(before, after client) {
		if !slices.ContainsFunc(list, func(p clientPair) bool { return p.before.Place == before.Place }) {
			list = append(list, clientPair{before, after})
		}
	}
	for _, t := range addressTypes() {
		if g := c.old.group(c.name, t); g != nil {
			clients, isOpen := c.old.Clients(g)
			open = open || isOpen
			for _, who := range clients {
				add(who, c.fresh.zone.Guest(who, c.old.zone))
			}
		}
		if g := c.fresh.group(c.name, t); g != nil {
			clients, isOpen := c.fresh.Clients(g)
			open = open || isOpen
			for _, who := range clients {
				add(c.old.zone.Guest(who, c.fresh.zone), who)
			}
		}
	}
	switch {
	case len(list) == 0:
		add(whatif.Everyone(), whatif.Everyone())
	case open:
		add(whatif.Elsewhere(), whatif.Elsewhere())
	}
	return list
}

func addressTypes() []zone.RRType { return []zone.RRType{zone.A, zone.AAAA} }

func (c *comparison) compare() (Takeover, error) {
	t := Takeover{Hostname: whatif.Host(c.name), Clients: []Change{}}
	places := c.clientPairs()
	for _, s := range []*side{&c.old, &c.fresh} {
		if err := s.Compile(s.zone); err != nil {
			return t, err
		}
		s.now = s.Suppose(s.zone, scenario{Well: true})
	}
	before, after := map[string]bool{}, map[string]bool{} // endpoints
	for _, rrtype := range addressTypes() {
		was, is := c.old.group(c.name, rrtype), c.fresh.group(c.name, rrtype)
		t.keep(was)
		var changes []Change
		had, has := false, false // whether anybody is answered
		for _, p := range places {
			change := Change{Client: p.before.Place, Type: rrtype.String()}
			var answered bool
			change.Before, answered = c.old.answered(was, rrtype, p.before, before)
			had = had || answered
			change.After, answered = c.fresh.answered(is, rrtype, p.after, after)
			has = has || answered
			change.Changed = change.Before != change.After
			changes = append(changes, change)
		}
		if had && has { // else the type as a whole is lost or gained
			for _, change := range changes {
				t.add(change)
			}
		}
		switch {
		case had && !has:
			t.Lost = append(t.Lost, rrtype.String())
		case has && !had:
			t.Gained = append(t.Gained, rrtype.String())
		}
		if rrtype == zone.AAAA && was != nil && was.Key.Type == zone.CNAME && (is == nil || is.Key.Type != zone.CNAME) {
			t.Lost = append(t.Lost, everyOther)
		}
		for _, g := range []*group{was, is} {
			if g != nil {
				g.Walk(func(m *member) { t.Estimated = t.Estimated || m.Set.Region != "" && c.provider == failover.AWS })
			}
		}
	}
	t.Gone, t.Added = missing(before, after), missing(after, before)
	t.Outside = slices.DeleteFunc(slices.Clone(t.Gone), func(end string) bool {
		_, err := netip.ParseAddr(end)
		_, balancer := zone.LoadBalancerZone(zone.Name(end + "."))
		return err == nil || balancer
	})
	return t, nil
}

// add notes a change. What both address families have in common is told once.
func (t *Takeover) add(c Change) {
	for i := range t.Clients {
		have := &t.Clients[i]
		if have.Client == c.Client && have.Before == c.Before && have.After == c.After {
			have.Type += " and " + c.Type
			return
		}
	}
	t.Clients = append(t.Clients, c)
}

// everyOther are the types beside addresses: a CNAME answers with all that its target has.
const everyOther = "every other type"

// keep notes how long resolvers keep answers of a group. r53: A.9.
func (t *Takeover) keep(g *group) {
	if g == nil {
		return
	}
	g.Walk(func(m *member) {
		ttl := int64(60) // of load balancers
		if m.Set.TTL != nil {
			ttl = *m.Set.TTL
		} else if m.Branch != nil {
			return
		}
		t.OldTTLSeconds = max(t.OldTTLSeconds, ttl)
	})
}

// answered words the endpoints that a client is answered with, by share, and notes them. ok is false where there are
// none.
func (s side) answered(g *group, t zone.RRType, who client, noted map[string]bool) (text string, ok bool) {
	if g == nil {
		return "", false
	}
	if g.Problem != nil {
		return "not known: " + g.Problem.Error(), true
	}
	chances := map[string]*big.Rat{}
	outcome := ""
	for _, way := range s.now.AskType(g, t, who, mostWays) {
		targets := s.targets(way.Picks)
		if len(targets) == 0 || way.Outcome != steer.Answered {
			outcome = way.Outcome.String()
			targets = []string{outcome}
		}
		for _, target := range targets {
			if chances[target] == nil {
				chances[target] = new(big.Rat)
			}
			chances[target].Add(chances[target], way.Chance)
			if target != outcome {
				noted[target], ok = true, true
			}
		}
	}
	var a Answer
	var list []*big.Rat
	whole := new(big.Rat)
	for target, chance := range chances {
		whole.Add(whole, chance)
		fraction, _ := chance.Float64()
		a.Shares, list = append(a.Shares, Share{Target: target, Fraction: fraction}), append(list, chance)
	}
	for i, percent := range percents(list, whole.Cmp(big.NewRat(1, 1)) == 0) {
		a.Shares[i].Percent = percent
	}
	slices.SortFunc(a.Shares, func(x, y Share) int {
		return cmp.Or(cmp.Compare(y.Fraction, x.Fraction), strings.Compare(x.Target, y.Target))
	})
	return a.String(), ok
}

// targets are the endpoints of the record sets at the end of a way.
func (s side) targets(way []steer.Pick) (targets []string) {
	for i := len(way) - 1; i >= 0; i-- {
		m := s.zone.Picked(way[i])
		switch {
		case way[i].None:
			return nil
		case m == nil:
			continue // a load balancer's own addresses
		case targets != nil && way[i].Step != way[i+1].Step:
			return targets
		}
		targets = append(targets, s.Endpoints(m)...)
	}
	slices.Sort(targets)
	return slices.Compact(targets)
}

// missing lists what is in a and not in b.
func missing(a, b map[string]bool) (list []string) {
	for text := range a {
		if !b[text] {
			list = append(list, text)
		}
	}
	slices.Sort(list)
	return list
}

// rowsShown is how many rows about clients are shown to people.
const rowsShown = 10

// Lines are a takeover for people, one paragraph each, the first of which is about all. They are few, however many
// clients there are.
func (t Takeover) Lines() (lines []string) {
	add := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	type row struct{ clients, change string }
	var rows []row
	by := map[string][]string{} // clients by change
	var order []string
	changed := map[string]bool{}
	all := map[string]bool{}
	for _, c := range t.Clients {
		all[c.Client] = true
		if !c.Changed {
			continue
		}
		changed[c.Client] = true
		key := c.Before + " → " + c.After
		if by[key] == nil {
			order = append(order, key)
		}
		if !slices.Contains(by[key], c.Client) {
			by[key] = append(by[key], c.Client)
		}
	}
	slices.SortStableFunc(order, func(a, b string) int { return len(by[b]) - len(by[a]) })
	for _, key := range order {
		rows = append(rows, row{few(by[key]), key})
	}
	switch {
	case len(changed) == 0:
		add("%s: everybody is answered with the same endpoints as before.", t.Hostname)
	default:
		add("%s: %s answered with other endpoints than before, while nothing fails.", t.Hostname, of(len(changed), len(all)))
	}
	for _, r := range rows[:min(len(rows), rowsShown)] {
		add("%s: %s", r.clients, r.change)
	}
	if more := len(rows) - rowsShown; more > 0 {
		add("and %d more changes: -o json has all. Afterwards %s", more, few(t.answeredThen()))
	}
	if len(t.Gone) > 0 {
		add("endpoints that are answered no more (%d): %s", len(t.Gone), few(t.Gone))
	}
	if len(t.Outside) > 0 {
		add("names outside the zones are not looked up (%s): what one stands for may be the same as a new endpoint",
			few(t.Outside))
	}
	if len(t.Added) > 0 {
		add("endpoints that are new (%d): %s", len(t.Added), few(t.Added))
	}
	if len(t.Lost) > 0 {
		text := "types that are answered no more: " + strings.Join(t.Lost, " and ")
		if slices.Contains(t.Lost, everyOther) {
			text += ". The CNAME answers every type that its target has"
			if slices.Contains(t.Lost, zone.AAAA.String()) {
				text += "; clients that use IPv6 now will use IPv4"
			}
		}
		lines = append(lines, text)
	}
	if len(t.Gained) > 0 {
		add("types that are new: %s", strings.Join(t.Gained, " and "))
	}
	if t.OldTTLSeconds > 0 && t.WantedSeconds > 0 && float64(t.OldTTLSeconds) > t.WantedSeconds {
		ttl := short(time.Duration(t.OldTTLSeconds) * time.Second)
		add("resolvers keep the old answers for up to %s, longer than the promised RTO of %s. Set their TTL to 60 or less "+
			"first, and wait for %s",
			ttl, short(time.Duration(t.WantedSeconds*float64(time.Second))), ttl)
	}
	if t.Estimated && len(t.Clients) > 1 {
		add("latencies are estimated from distances, those of a country from one of its cities; Route 53 goes by " +
			"measurements of its own")
	}
	return lines
}

// answeredThen counts the places by what they are answered with afterwards, the most first.
func (t Takeover) answeredThen() (texts []string) {
	by := map[string]int{}
	var order []string
	for _, c := range t.Clients {
		if by[c.After] == 0 {
			order = append(order, c.After)
		}
		by[c.After]++
	}
	slices.SortStableFunc(order, func(a, b string) int { return by[b] - by[a] })
	for _, after := range order {
		texts = append(texts, fmt.Sprintf("%s are answered with %s", plural(by[after], "place"), after))
	}
	return texts
}

// of words a part of all places.
func of(n, all int) string {
	switch {
	case all == 1:
		return "everybody is"
	case n == 1:
		return fmt.Sprintf("1 of %d places is", all)
	}
	return fmt.Sprintf("%d of %d places are", n, all)
}

// few writes a list, with a count in place of what would be too long to read.
func few(list []string) string {
	const most = 5
	if len(list) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(list[:most-1], ", "), len(list)-most+1)
	}
	return strings.Join(list, ", ")
}
