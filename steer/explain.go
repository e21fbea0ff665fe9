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
	Zone  string `json:"zone"`  // the zone's name; empty if no zone holds the name
	Name  string `json:"name"`  // the owner name that matched: the name itself or a wildcard; empty if none matched
	Place string `json:"place"` // the client's place, even if the answer does not depend on it
	Steps []Step `json:"steps"`
	Rule  string `json:"rule"` // one sentence about the outcome
}

// A Step is one group on the way to the answer.
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

// matched records the owner name whose records answer. Only the first one counts: later ones are targets of CNAMEs.
func (d *decision) matched(name []byte) {
	if d.trace != nil && d.trace.Name == "" {
		d.trace.Name = text(name)
	}
}

// step records a group and its picked members. via is the alias that led to the group, nil for the first group of a
// name.
func (d *decision) step(g *group, owner []byte, via *alias, depth int, failOpen bool, picked []int) {
	tests := d.tests // the trace tests members that the decision did not test
	defer func() { d.tests = tests }()
	s := Step{Name: text(owner), Type: g.rrtype, Policy: g.policy.String(), FailOpen: failOpen}
	if via != nil {
		s.Name = text([]byte(via.target))
	}
	for i := range g.members {
		m := &g.members[i]
		d.tests = 0
		why := d.describeHealth(m, g.rrtype, depth)
		if attribute := d.attribute(g, m); attribute != "" {
			why = attribute + ", " + why
		}
		d.tests = 0
		s.Members = append(s.Members, Member{m.setID, d.healthy(m, g.rrtype, depth), slices.Contains(picked, i), why})
	}
	d.trace.Steps = append(d.trace.Steps, s)
}

// attribute describes the attribute of a member that the policy decides by.
func (d *decision) attribute(g *group, m *member) string {
	switch g.policy {
	case zone.Weighted:
		return fmt.Sprintf("weight %d", m.value)
	case zone.Latency:
		return d.describeLatency(geo.RegionID(m.value))
	case zone.FailoverRouting:
		if m.value == 0 {
			return "role PRIMARY"
		}
		return "role SECONDARY"
	case zone.Geolocation:
		return d.describeArea(area(m.value))
	case zone.Geoproximity:
		return d.describeDistance(m)
	case zone.IPBased:
		return d.describeCIDR(g, m)
	}
	return ""
}

// describeArea names an area and says whether it contains the client.
func (d *decision) describeArea(a area) string {
	place, _ := d.v.atlas.Locate(d.q.Client.Addr(), d.q.ECS)
	if _, ok := d.v.areasOf(place).level(a); !ok {
		return a.String() + " (the client is not in it)"
	}
	return a.String()
}

// describeCIDR names a location and says whether it has the client's longest block.
func (d *decision) describeCIDR(g *group, m *member) string {
	if m.value == 0 {
		return "default location"
	}
	name, blocks := d.v.labels.value(m.value), d.v.blocks(g)
	if at, _ := blocks.Locate(d.q.Client); at != name {
		return "location " + name + " (the client's longest block is not in it)"
	}
	return fmt.Sprintf("location %s by block %s", name, blocks.Block(d.q.Client))
}

func (d *decision) describeLatency(r geo.RegionID) string {
	if r == 0 {
		return "latency unknown (the Region is not known)"
	}
	place, _ := d.v.atlas.Locate(d.q.Client.Addr(), d.q.ECS)
	us := d.v.atlas.Latency(place, r)
	switch {
	case d.prefersBeijing(d.v.areasOf(place), r):
		return "Region of clients in China, whatever the latency"
	case us == math.MaxUint32:
		return "latency unknown"
	case d.v.atlas.Measured(place, r):
		return fmt.Sprintf("latency %.1f ms (measured)", float64(us)/1000)
	}
	return fmt.Sprintf("latency %.1f ms (estimated)", float64(us)/1000)
}

// describeHealth says why a member is healthy or unhealthy, by the rows of r53: A.3.
func (d *decision) describeHealth(m *member, t zone.RRType, depth int) string {
	var why []string
	if m.check != 0 {
		why = append(why, d.describeVerdict(m.check))
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
		why = append(why, d.describeVerdict(a.health))
	case d.targetHealthy(a, t, depth+1):
		why = append(why, "target "+text([]byte(a.target))+" healthy")
	default:
		why = append(why, "target "+text([]byte(a.target))+" unhealthy")
	}
	return strings.Join(why, ", ")
}

func (d *decision) describeVerdict(i CheckIndex) string {
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
		tr.Rule = "answered: " + d.summary() + "; " + d.why
	default:
		tr.Rule = "answered: " + d.summary()
	}
}

// summary says how the answer was chosen.
func (d *decision) summary() string {
	if d.a.FailOpen {
		return "nothing was healthy, so all counted as healthy (fail-open)"
	}
	return "by the policy among the healthy"
}

// text returns a wire-format name as Route 53 writes it. The name must be well-formed.
func text(name []byte) string {
	n, _, _ := zone.NameFromWire(name)
	return string(n)
}
