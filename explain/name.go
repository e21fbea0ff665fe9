package explain

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/bulkhead-dns/bulkhead/steer"
	"github.com/bulkhead-dns/bulkhead/whatif"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// A Question is what is to be explained.
type Question struct {
	Name zone.Name
	Type zone.RRType // 0 means the first that the name has of A, AAAA, CNAME, then the others by name
	// Clients are addresses, AWS Regions, countries (DE), states of the US (US-VA) or continents (EU); empty means all
	// that the records tell apart.
	Clients []string
	// Down are Regions, or SetIdentifiers, that fail together in a scenario of their own.
	Down []string
}

// An Explanation is all there is to know about a name.
type Explanation struct {
	Name      string      `json:"name"`
	Type      zone.RRType `json:"type"`
	Zone      string      `json:"zone"`
	ZoneID    string      `json:"zoneId"`
	Owner     Owner       `json:"owner"`
	Groups    []Group     `json:"groups"` // the name's own, then those its aliases lead to
	Answers   []Reasoned  `json:"answers"`
	Scenarios []Scenario  `json:"scenarios"` // what would change it
	Notes     []string    `json:"notes,omitempty"`

	Confirmations []Confirmation `json:"confirmations,omitempty"` // what the provider itself says, where it was asked
}

// A Group is the record sets of one name and type.
type Group struct {
	Name    string      `json:"name"`
	Type    zone.RRType `json:"type"`
	Policy  string      `json:"policy"` // as Route 53's guide writes it
	Members []Member    `json:"members"`
}

// A Member is one record set of a group.
type Member struct {
	SetIdentifier        string `json:"setIdentifier,omitempty"`
	Attribute            string `json:"attribute,omitempty"` // what the policy goes by: "weight 90", "PRIMARY", "DE"
	Target               string `json:"target"`
	Alias                bool   `json:"alias"`
	EvaluateTargetHealth bool   `json:"evaluateTargetHealth"`
	TTL                  *int64 `json:"ttl,omitempty"` // seconds
	Check                *Check `json:"check,omitempty"`
}

// A Reasoned is an answer with the way it came about: every group that was walked through, as steer tells it. Of an
// answer that chance decides, it is one that was drawn.
type Reasoned struct {
	Answer
	Steps   []steer.Step `json:"steps"`
	Rule    string       `json:"rule"`
	Address netip.Addr   `json:"-"` // of the client, the zero Addr for a place
}

// A Scenario is what every client would get if something failed, beside what has failed already.
type Scenario struct {
	Fails   string   `json:"fails"`   // "eu-west-1", "everything"
	Noticed bool     `json:"noticed"` // whether any health check or target health would tell
	Answers []Answer `json:"answers"` // in the order of Explanation.Answers
}

// Name explains a name of the public zones. The error says which argument is wrong and what would be accepted, or that
// Input.GeoIP is no database.
func Name(in Input, q Question) (Explanation, error) {
	x := newExplainer(in)
	h, err := x.hosting(q.Name)
	if err != nil {
		return Explanation{}, err
	}
	g, err := find(h, q.Name, q.Type)
	if err != nil {
		return Explanation{}, err
	}
	clients := x.clients(g)
	if len(q.Clients) > 0 {
		clients = nil
	}
	for _, text := range q.Clients {
		c, err := x.Client(h, text, regions(g))
		if err != nil {
			return Explanation{}, err
		}
		clients = append(clients, c)
	}
	for _, region := range q.Down {
		if len(inRegion(g, region)) == 0 {
			return Explanation{}, fmt.Errorf("nothing of %s is in %q: use one of %s", whatif.Host(g.Key.Name), region,
				strings.Join(regions(g), ", "))
		}
	}
	if err := x.Compile(h); err != nil {
		return Explanation{}, err
	}
	e := Explanation{Name: whatif.Host(q.Name), Type: g.Key.Type, Zone: whatif.Host(h.Name), ZoneID: h.ID,
		Owner:   x.owner(g),
		Answers: []Reasoned{}, Scenarios: []Scenario{}}
	if g.Problem != nil {
		e.Notes = append(e.Notes, fmt.Sprintf("The records of this name cannot be judged: %v.", g.Problem))
	}
	e.Groups = x.describe(g)
	now := x.Suppose(h, scenario{})
	for _, c := range clients {
		trace := now.Explain(g, c)
		e.Answers = append(e.Answers, Reasoned{ask(now, g, c), trace.Steps, trace.Rule, c.Real()})
	}
	x.suppose(&e, g, clients, q.Down)
	x.note(&e, g, q)
	return e, nil
}

// hosting returns the public zone that answers for a name.
func (x *explainer) hosting(n zone.Name) (*hostedZone, error) {
	if h := x.ZoneOf(n); h != nil {
		return h, nil
	}
	var names []string
	for _, z := range x.in.State.Zones {
		if !z.PrivateZone {
			names = append(names, whatif.Host(z.Name))
		}
	}
	return nil, fmt.Errorf("%s is in no public hosted zone of this account: they are %s", whatif.Host(n), listed(names))
}

// find returns the group of a name, or of the wildcard that stands for it. r53: A.12.
func find(h *hostedZone, n zone.Name, t zone.RRType) (*group, error) {
	types := typesAt(h, n)
	for parent, ok := n.Parent(); len(types) == 0 && ok && parent.In(h.Name); parent, ok = parent.Parent() {
		wildcard := zone.Name(`\052.` + string(parent))
		if types = typesAt(h, wildcard); len(types) > 0 {
			n = wildcard
		} else if exists(h, parent) {
			break // a wildcard does not reach across a name that exists
		}
	}
	if len(types) == 0 {
		return nil, fmt.Errorf("%s has no records in zone %s (%s)", whatif.Host(n), whatif.Host(h.Name), h.ID)
	}
	for _, wanted := range []zone.RRType{t, zone.CNAME} {
		if g := h.Group(n, wanted); g != nil && t != 0 {
			return g, nil
		}
	}
	if t != 0 {
		texts := make([]string, len(types))
		for i, have := range types {
			texts[i] = have.String()
		}
		return nil, fmt.Errorf("%s has no %s records: it has %s", whatif.Host(n), t, strings.Join(texts, ", "))
	}
	for _, preferred := range []zone.RRType{zone.A, zone.AAAA, zone.CNAME} {
		if slices.Contains(types, preferred) {
			return h.Group(n, preferred), nil
		}
	}
	return h.Group(n, types[0]), nil
}

// typesAt lists the types of a name's records as zones list them.
func typesAt(h *hostedZone, n zone.Name) (types []zone.RRType) {
	for _, g := range h.Groups {
		if g.Key.Name == n {
			types = append(types, g.Key.Type)
		}
	}
	return types
}

// exists reports whether a name has records, or a name below it has.
func exists(h *hostedZone, n zone.Name) bool {
	return slices.ContainsFunc(h.Groups, func(g *group) bool {
		return g.Key.Name.In(n) && !(g.Key.Name.IsWildcard() && g.Key.Name != n)
	})
}

// describe shows a group and those that its aliases lead to, each once.
func (x *explainer) describe(g *group) []Group {
	var list []Group
	seen := map[*group]bool{}
	g.Walk(func(m *member) {
		if !seen[m.Group] {
			seen[m.Group] = true
			list = append(list, x.show(m.Group))
		}
	})
	return list
}

func (x *explainer) show(g *group) Group {
	shown := Group{Name: whatif.Host(g.Key.Name), Type: g.Key.Type, Policy: g.Members[0].Set.Policy().String()}
	for _, m := range g.Members {
		s := Member{SetIdentifier: m.Set.SetIdentifier, Attribute: attribute(m.Set), Target: targetOf(m), TTL: m.Set.TTL}
		if a := m.Set.AliasTarget; a != nil {
			s.Alias, s.EvaluateTargetHealth = true, a.EvaluateTargetHealth
		}
		if id := m.Set.HealthCheckID; id != "" {
			status, known := x.status[id]
			if !known {
				status = x.check(id) // it does not exist
			}
			s.Check = &status
		}
		shown.Members = append(shown.Members, s)
	}
	return shown
}

// attribute words what a record set's policy goes by.
func attribute(s *zone.ResourceRecordSet) string {
	switch {
	case s.Weight != nil:
		return fmt.Sprintf("weight %d", *s.Weight)
	case s.Region != "":
		return s.Region
	case s.Failover != "":
		return string(s.Failover)
	case s.CidrRoutingConfig != nil:
		return "location " + s.CidrRoutingConfig.LocationName
	case s.GeoLocation != nil && s.GeoLocation.CountryCode == "*":
		return "default"
	case s.GeoLocation != nil:
		l := s.GeoLocation
		return strings.TrimSuffix(l.ContinentCode+l.CountryCode+"-"+l.SubdivisionCode, "-")
	case s.GeoProximityLocation != nil:
		l := s.GeoProximityLocation
		text := l.AWSRegion + l.LocalZoneGroup
		if l.Coordinates != nil {
			text = l.Coordinates.Latitude + "," + l.Coordinates.Longitude
		}
		if l.Bias != nil && *l.Bias != 0 {
			text += fmt.Sprintf(" bias %+d", *l.Bias)
		}
		return text
	}
	return ""
}

// listed joins texts, "none" for no text.
func listed(texts []string) string {
	if len(texts) == 0 {
		return "none"
	}
	return strings.Join(texts, ", ")
}
