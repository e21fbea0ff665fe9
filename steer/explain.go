package steer

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/bulkhead-dns/bulkhead/geo"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// A Trace says why an answer was given.
type Trace struct {
	Zone  string `json:"zone"`  // the zone's name; empty when none holds the name
	Name  string `json:"name"`  // the owner that matched: the name itself or a wildcard; empty when none did
	Place string `json:"place"` // where the client was found, whether the answer depends on it or not
	Steps []Step `json:"steps"`
	Rule  string `json:"rule"` // one sentence about the outcome
}

// A Step is one group that was walked through.
type Step struct {
	Name     string      `json:"name"`
	Type     zone.RRType `json:"type"`
	Policy   string      `json:"policy"`
	Members  []Member    `json:"members"`
	FailOpen bool        `json:"failOpen"`
}

// A Member is one candidate of a step.
type Member struct {
	SetIdentifier string `json:"setIdentifier,omitempty"`
	Healthy       bool   `json:"healthy"`
	Picked        bool   `json:"picked"`
	Why           string `json:"why"` // "health check 3f… unhealthy", "latency 12 ms (estimated)", "role SECONDARY" …
}

// matched notes the owner whose records answer; the first one is what was asked for.
func (d *decision) matched(name []byte) {
	if d.trace != nil && d.trace.Name == "" {
		d.trace.Name = text(name)
	}
}

// step notes a group with what was picked of it. via is the alias that led there, nil for the owner's own group.
func (d *decision) step(g *group, owner []byte, via *alias, depth int, open bool, picked []int) {
	tests := d.tests // the trace tests members that the decision did not have to
	defer func() { d.tests = tests }()
	s := Step{Name: text(owner), Type: g.rrtype, Policy: g.policy.String(), FailOpen: open}
	if via != nil {
		s.Name = text([]byte(via.target))
	}
	for i := range g.members {
		m := &g.members[i]
		d.tests = 0
		why := d.health(m, g.rrtype, depth)
		if attribute := d.attribute(g, m); attribute != "" {
			why = attribute + ", " + why
		}
		d.tests = 0
		s.Members = append(s.Members, Member{m.setID, d.healthy(m, g.rrtype, depth), slices.Contains(picked, i), why})
	}
	d.trace.Steps = append(d.trace.Steps, s)
}

// attribute words what the policy goes by.
func (d *decision) attribute(g *group, m *member) string {
	switch g.policy {
	case zone.Weighted:
		return fmt.Sprintf("weight %d", m.value)
	case zone.Latency:
		return d.latency(geo.RegionID(m.value))
	case zone.FailoverRouting:
		if m.value == 0 {
			return "role PRIMARY"
		}
		return "role SECONDARY"
	case zone.Geolocation:
		return d.area(area(m.value))
	case zone.Geoproximity:
		return d.distance(m)
	case zone.IPBased:
		return d.cidr(g, m)
	}
	return ""
}

// area words whether an area holds the client.
func (d *decision) area(a area) string {
	place, _ := d.v.atlas.Locate(d.q.Client.Addr(), d.q.ECS)
	if _, ok := d.v.ladder(place).rung(a); !ok {
		return a.String() + " (the client is not in it)"
	}
	return a.String()
}

// cidr words whether a location has the client's longest block.
func (d *decision) cidr(g *group, m *member) string {
	if m.value == 0 {
		return "default location"
	}
	name, blocks := d.v.labels.value(m.value), d.v.blocks(g)
	if at, _ := blocks.Locate(d.q.Client); at != name {
		return "location " + name + " (the client's longest block is not in it)"
	}
	return fmt.Sprintf("location %s by block %s", name, blocks.Block(d.q.Client))
}

func (d *decision) latency(r geo.RegionID) string {
	if r == 0 {
		return "latency unknown (the Region is not known)"
	}
	place, _ := d.v.atlas.Locate(d.q.Client.Addr(), d.q.ECS)
	us := d.v.atlas.Latency(place, r)
	switch {
	case d.chinese(d.v.ladder(place), r):
		return "Region of clients in China, whatever the latency"
	case us == math.MaxUint32:
		return "latency unknown"
	case d.v.atlas.Measured(place, r):
		return fmt.Sprintf("latency %.1f ms (measured)", float64(us)/1000)
	}
	return fmt.Sprintf("latency %.1f ms (estimated)", float64(us)/1000)
}

// health words the row of r53: A.3 that a member falls under.
func (d *decision) health(m *member, t zone.RRType, depth int) string {
	var why []string
	if m.check != 0 {
		why = append(why, d.verdict(m.check))
	}
	switch a := m.alias; {
	case a == nil && m.check == 0:
		why = append(why, "no health check")
	case a == nil:
	case a.zoneID != "" && d.balancer(a) == nil:
		why = append(why, "target "+text([]byte(a.target))+" is not known")
	case !a.evaluate:
		why = append(why, "alias of "+text([]byte(a.target))+" whatever its health")
	case d.target(a, t) == nil && a.zoneID == "":
		why = append(why, "target "+text([]byte(a.target))+" does not exist")
	case a.zoneID != "":
		why = append(why, d.verdict(a.health))
	case d.targetHealthy(a, t, depth+1):
		why = append(why, "target "+text([]byte(a.target))+" healthy")
	default:
		why = append(why, "target "+text([]byte(a.target))+" unhealthy")
	}
	return strings.Join(why, ", ")
}

func (d *decision) verdict(i CheckIndex) string {
	if d.t.Healthy(i) {
		return d.v.subjects.value(uint32(i)) + " healthy"
	}
	return d.v.subjects.value(uint32(i)) + " unhealthy"
}

// conclude completes the trace after the run.
func (d *decision) conclude() {
	tr := d.trace
	if d.zone != nil {
		tr.Zone = string(d.zone.name)
	}
	place, _ := d.v.atlas.Locate(d.q.Client.Addr(), d.q.ECS)
	tr.Place = d.v.atlas.Place(place).Name
	switch {
	case d.a.Outcome != Answered:
		tr.Rule = d.a.Outcome.String() + ": " + d.why
	case d.why != "":
		tr.Rule = "answered: " + d.worth() + "; " + d.why
	default:
		tr.Rule = "answered: " + d.worth()
	}
}

// worth words what an answer is worth.
func (d *decision) worth() string {
	if d.a.FailOpen {
		return "nothing was healthy, so all counted as healthy (fail-open)"
	}
	return "by the policy among the healthy"
}

// text is a wire-format name as Route 53 writes it. Names that get here are whole.
func text(name []byte) string {
	n, _, _ := zone.NameFromWire(name)
	return string(n)
}
