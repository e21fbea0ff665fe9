package explain

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/bulkhead-dns/bulkhead/steer"
)

// Agreement says whether the provider answers what steer says.
type Agreement string

// The agreements. Untold is an answer that does not tell which member it is of.
const (
	Agrees  Agreement = "agrees"
	Differs Agreement = "differs"
	Untold  Agreement = "untold"
)

// A Confirmation is what the provider itself says that one client gets.
type Confirmation struct {
	Client     string       `json:"client"`
	Agreement  Agreement    `json:"agreement"`
	Expected   string       `json:"expected"` // who answers by steer's word
	Got        string       `json:"got"`      // who answers by the provider's, where that is known; else the values
	Nameserver string       `json:"nameserver"`
	Code       string       `json:"code"` // NOERROR, NXDOMAIN …
	Values     []string     `json:"values"`
	Trace      *steer.Trace `json:"trace,omitempty"` // an engine's own; none from AWS
}

// A Probe is a question for the provider about one or more clients of an Explanation.
type Probe struct {
	Client  string     // as the Confirmation tells it
	Address netip.Addr // to send as EDNS client subnet; the zero Addr sends none
	answers []Reasoned // one of which is expected
}

// ProviderResolver is the client of a Probe that sends no address.
const ProviderResolver = "the provider's resolver"

// Probes are the questions that can be asked: one for every client with an address. For a place nobody can be asked, so
// that one question of the provider's own resolver stands for all places: it gets what one of them gets.
func (e *Explanation) Probes() []Probe {
	var probes []Probe
	var places []Reasoned
	for _, a := range e.Answers {
		if a.Address.IsValid() {
			probes = append(probes, Probe{a.Client, a.Address, []Reasoned{a}})
		} else {
			places = append(places, a)
		}
	}
	if len(places) > 0 {
		probes = append(probes, Probe{Client: ProviderResolver, answers: places})
	}
	return probes
}

// Confirm compares what the provider says with what steer says, and adds it to the Explanation. c has the Nameserver,
// Code and Values; why is an engine's trace as JSON, empty where there is none. addresses are those of load balancers
// by name, as DNS tells them; they are needed where there is no trace.
func (e *Explanation) Confirm(p Probe, c Confirmation, why string, addresses map[string][]netip.Addr) error {
	c.Client, c.Agreement = p.Client, Differs
	if c.Values == nil {
		c.Values = []string{}
	}
	for i, a := range p.answers {
		if text := a.String(); i == 0 {
			c.Expected = text
		} else if !slices.Contains(strings.Split(c.Expected, " or "), text) {
			c.Expected += " or " + text
		}
	}
	if why != "" {
		c.Trace = &steer.Trace{}
		if err := json.Unmarshal([]byte(why), c.Trace); err != nil {
			return fmt.Errorf("the provider's reasons for %s are not readable: %w", p.Client, err)
		}
	}
	c.Got = strings.Join(c.Values, ", ")
	if len(c.Values) == 0 {
		c.Got = c.Code + " without an address"
	}
	var told bool
	for _, a := range p.answers {
		switch agrees, known := a.agrees(&c, addresses); {
		case agrees:
			c.Agreement, told = Agrees, true
		case known:
			told = true
		}
	}
	if !told {
		c.Agreement = Untold
	}
	if c.Trace != nil && len(c.Values) > 0 {
		var names []string
		for _, way := range ways(c.Trace) {
			if len(way) > 0 {
				names = append(names, strings.Join(way, " > "))
			}
		}
		if len(names) > 0 {
			c.Got = strings.Join(names, ", ")
		}
	}
	e.Confirmations = append(e.Confirmations, c)
	return nil
}

// agrees compares one answer; known is false where nothing tells.
func (a *Reasoned) agrees(c *Confirmation, addresses map[string][]netip.Addr) (agrees, known bool) {
	if len(a.Shares) == 0 || len(c.Values) == 0 {
		return len(a.Shares) == 0 && len(c.Values) == 0 && (c.Code == a.Outcome || c.Code == "NOERROR"), true
	}
	if c.Trace != nil {
		for _, way := range ways(c.Trace) {
			if !slices.ContainsFunc(a.Shares, func(s Share) bool { return slices.Equal(s.Path, way) }) {
				return false, true
			}
		}
		return true, true
	}
	return a.hasValues(c.Values, addresses)
}

// hasValues reports whether all values are of members that may answer.
func (a *Reasoned) hasValues(values []string, addresses map[string][]netip.Addr) (agrees, known bool) {
	known = true
	var allowed []string
	for _, s := range a.Shares {
		found, isAlias := addresses[s.Target]
		switch {
		case isAlias && len(found) == 0:
			known = false
		case isAlias:
			for _, address := range found {
				allowed = append(allowed, address.Unmap().String())
			}
		default:
			for _, v := range strings.Split(s.Target, ", ") {
				allowed = append(allowed, canonical(v))
			}
		}
	}
	for _, v := range values {
		if !slices.Contains(allowed, canonical(v)) {
			return false, known
		}
	}
	return true, true
}

// canonical writes a value so that equal ones are alike.
func canonical(value string) string {
	if a, err := netip.ParseAddr(value); err == nil {
		return a.Unmap().String()
	}
	return strings.ToLower(strings.TrimSuffix(value, "."))
}

// ways are the SetIdentifiers from the name asked for to the record sets that answer.
func ways(t *steer.Trace) [][]string {
	ends := [][]string{nil}
	for _, step := range t.Steps {
		var next [][]string
		for _, m := range step.Members {
			if !m.Picked {
				continue
			}
			way := slices.Clone(ends[0])
			if m.SetIdentifier != "" {
				way = append(way, m.SetIdentifier)
			}
			next = append(next, way)
		}
		if len(next) == 0 {
			return nil
		}
		ends = next
	}
	return ends
}

// Balancers are the alias targets outside the zone, whose addresses Confirm may need.
func (e *Explanation) Balancers() (names []string) {
	for _, g := range e.Groups {
		for _, m := range g.Members {
			inside := slices.ContainsFunc(e.Groups, func(o Group) bool { return o.Name == m.Target })
			if m.Alias && !inside && !slices.Contains(names, m.Target) {
				names = append(names, m.Target)
			}
		}
	}
	return names
}

// Confirmed reports whether the provider differs nowhere.
func (e *Explanation) Confirmed() bool {
	return !slices.ContainsFunc(e.Confirmations, func(c Confirmation) bool { return c.Agreement == Differs })
}

// write shows what the provider says.
func (c *Confirmation) write(b *strings.Builder, colour bool, width int) {
	mark, escape := "=", green
	text := c.Got
	switch c.Agreement {
	case Differs:
		mark, escape = "≠", red
		text += ", and not " + c.Expected
	case Untold:
		mark, escape = "?", yellow
		text += ", which does not tell whether it is " + c.Expected
	}
	text += " (" + strings.Join(slices.DeleteFunc([]string{c.Nameserver, c.Code}, func(s string) bool { return s == "" }),
		", ") + ")"
	b.WriteString("  " + paint(mark, escape, colour) + " ")
	wrap(b, c.Client+" → "+text, 4, 6, width)
	if c.Trace != nil && c.Agreement == Differs {
		place := c.Trace.Place
		if place == "" {
			place = "nowhere in particular"
		}
		line(b, "There the client is "+place+"; "+c.Trace.Rule+".", 4, width)
	}
}
