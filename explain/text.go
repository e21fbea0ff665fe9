package explain

import (
	"fmt"
	"math"
	"strings"
)

// Text renders an explanation for people. width is the terminal's in columns, 0 for no limit. Colour is in ANSI
// escapes.
func (e Explanation) Text(colour bool, width int) string {
	if width <= 0 {
		width = math.MaxInt
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s  zone %s (%s)\n", paint(e.Name+" "+e.Type.String(), bold, colour), e.Zone, e.ZoneID)
	line(&b, "Owner: "+e.Owner.Text, 0, width)
	title := func(text string) { b.WriteString("\n" + paint(text, bold, colour) + "\n") }
	title("Records")
	for i := range e.Groups {
		e.Groups[i].write(&b, colour, width)
	}
	title("Who gets what, and why")
	for i := range e.Answers {
		e.Answers[i].write(&b, colour, width)
	}
	if len(e.Scenarios) > 0 {
		title("What if it fails")
		e.writeScenarios(&b, colour, width)
	}
	if len(e.Confirmations) > 0 {
		title("What the provider says")
		for i := range e.Confirmations {
			e.Confirmations[i].write(&b, colour, width)
		}
	}
	if len(e.Notes) > 0 {
		b.WriteByte('\n')
		for _, n := range e.Notes {
			line(&b, "i "+n, 0, width)
		}
	}
	return b.String()
}

// write shows a group, two lines a member: what it answers, and what decides about it.
func (g *Group) write(b *strings.Builder, colour bool, width int) {
	fmt.Fprintf(b, "  %s %s, %s\n", g.Name, g.Type, g.Policy)
	for i := range g.Members {
		m := &g.Members[i]
		text := m.SetIdentifier
		if m.Attribute != "" && m.Attribute != m.SetIdentifier {
			text += " (" + m.Attribute + ")"
		}
		text = strings.TrimPrefix(text+" → ", " → ")
		if m.Alias {
			text += "alias " + m.Target
		} else {
			text += m.Target
		}
		if m.TTL != nil {
			text += fmt.Sprintf(", TTL %d", *m.TTL)
		}
		line(b, text, 4, width)
		for _, l := range m.deciders() {
			line(b, l, 8, width)
		}
		if m.Check != nil {
			escape := m.Check.Health.colour()
			b.WriteString("        " + paint(string(m.Check.Health), escape, colour))
			at := 8 + len(m.Check.Health)
			b.WriteString(": ")
			wrap(b, m.Check.Reason, at+2, 10, width)
			if last := m.Check.lastFailure(); last != "" {
				line(b, last, 8, width)
			}
		}
	}
}

// deciders are the lines about what makes a member healthy.
func (m *Member) deciders() (lines []string) {
	if m.Check != nil {
		text := "check " + m.Check.ID
		if m.Check.Asks != "" {
			text += ": " + m.Check.Asks
		}
		lines = append(lines, text)
	}
	switch {
	case m.EvaluateTargetHealth:
		lines = append(lines, "evaluates its target's health")
	case m.Check == nil && m.SetIdentifier != "":
		lines = append(lines, "no health check: always healthy")
	}
	return lines
}

// write shows one client's answer, and how each group on the way was decided.
func (r *Reasoned) write(b *strings.Builder, colour bool, width int) {
	text := r.String()
	if len(r.Shares) == 1 && len(r.Shares[0].Path) > 0 {
		text += " (" + r.Shares[0].Target + ")"
	}
	b.WriteString("  " + paint(r.Client, bold, colour))
	if at := 2 + len(r.Client) + 3; at+len(text) > width {
		b.WriteString(" →\n      ")
		wrap(b, text, 6, 6, width)
	} else {
		b.WriteString(" → " + text + "\n")
	}
	for _, s := range r.Steps {
		if len(s.Members) == 1 && s.Members[0].SetIdentifier == "" {
			continue // no choice
		}
		fmt.Fprintf(b, "    %s %s, %s\n", s.Name, s.Type, s.Policy)
		for _, m := range s.Members {
			mark, escape := "·", ""
			switch {
			case m.Picked:
				mark, escape = "→", green
			case !m.Healthy:
				mark, escape = "×", red
			}
			b.WriteString("      " + paint(mark+" "+m.SetIdentifier, escape, colour) + "  ")
			wrap(b, own(m.Why), 10+len(m.SetIdentifier), 10, width)
		}
		if s.FailOpen {
			line(b, "Nothing here is healthy: all count as healthy (fail-open).", 6, width)
		}
	}
}

// own is what steer says of a member, without what is shown with the group: the id behind "health check", and the
// target of an alias that is not asked for its health.
func own(why string) string {
	if before, _, found := strings.Cut(why, "alias of "); found && strings.HasSuffix(why, " whatever its health") {
		why = strings.TrimSuffix(before, ", ")
	}
	if before, after, found := strings.Cut(why, "health check "); found {
		if _, rest, ok := strings.Cut(after, " "); ok {
			why = before + "health check " + rest
		}
	}
	return why
}

// writeScenarios shows a matrix of clients and failures where that fits, a list of failures where not.
func (e *Explanation) writeScenarios(b *strings.Builder, colour bool, width int) {
	head := []cell{{"CLIENTS", dim}, {"NOW", dim}}
	for _, s := range e.Scenarios {
		text := s.Fails + " fails"
		if s.Fails == everything {
			text = "all fail"
		}
		head = append(head, cell{strings.ToUpper(text), dim})
	}
	g := grid{head}
	for i := range e.Answers {
		now := e.Answers[i].Answer
		row := []cell{{now.Client, ""}, {outcome(now), ""}}
		for _, s := range e.Scenarios {
			row = append(row, change(now, s.Answers[i]))
		}
		g = append(g, row)
	}
	if 2+g.width() <= width {
		g.write(b, 2, nil, colour)
		return
	}
	for _, s := range e.Scenarios {
		fmt.Fprintf(b, "  %s fails\n", s.Fails)
		list := grid{}
		for i := range e.Answers {
			c := change(e.Answers[i].Answer, s.Answers[i])
			list = append(list, []cell{{e.Answers[i].Client, ""}, c})
		}
		list.write(b, 4, nil, colour)
	}
}

// everything is the scenario in which all members fail.
const everything = "everything"

func outcome(a Answer) string {
	if a.FailOpen {
		return a.String() + " (fail-open)"
	}
	return a.String()
}

// down says that clients are sent to what is supposed to have failed.
func (a Answer) down() string {
	down := 0
	for _, s := range a.Shares {
		if s.Down {
			down++
		}
	}
	switch {
	case down == 0:
		return ""
	case down < len(a.Shares):
		return " (partly down)"
	}
	return " (down)"
}

// change words an answer beside the one before: "stays" where it is the same.
func change(before, after Answer) cell {
	switch {
	case after.FailOpen && before.FailOpen && before.same(after):
		return cell{"stays (fail-open)", red}
	case after.FailOpen:
		return cell{outcome(after), red}
	case before.same(after) && after.down() != "":
		return cell{"stays" + after.down(), red}
	case after.down() != "":
		return cell{"→ " + after.String() + after.down(), red}
	case before.same(after):
		return cell{"stays", dim}
	}
	return cell{"→ " + after.String(), yellow}
}
