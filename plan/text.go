package plan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/bulkhead-dns/bulkhead/zone"
)

// A line is one change or finding of an application.
type line struct {
	sign         byte // + ~ - for changes, ! refused, i report, . condition
	what, object string
	text         string
}

// Text renders the plan for people: per application what is created (+), changed (~) and deleted (-), what has to hold
// on the way (.), what is refused (!) and what is good to know (i), then what it takes, and in the last line what comes
// of it. Of a plan that is refused, only the reasons and what is good to know are shown: nothing of it is done. Colour
// is in ANSI escapes.
func (p Plan) Text(colour bool) string { return p.Wrapped(colour, 0) }

// Wrapped is Text in lines of at most width columns, where words allow that; 0 is as wide as needed.
func (p Plan) Wrapped(colour bool, width int) string {
	if changes := p.Changes(colour, width); changes != "" {
		return changes + "\n" + p.Closing(colour)
	}
	return p.Closing(colour)
}

// Changes is Wrapped without the last line.
func (p Plan) Changes(colour bool, width int) string {
	lines := p.lines()
	var blocks []string
	for _, policy := range slices.Sorted(maps.Keys(lines)) {
		var b strings.Builder
		b.WriteString(paint(cmp.Or(policy, "in all"), bold, colour) + "\n")
		write(&b, lines[policy], colour, width)
		blocks = append(blocks, b.String())
	}
	if !p.Empty() && p.Refusals == nil {
		var counts, b strings.Builder
		p.writeCounts(&counts)
		for text := range strings.Lines(counts.String()) {
			for _, part := range wrap("", strings.TrimSuffix(text, "\n"), width) {
				b.WriteString(part + "\n")
			}
		}
		blocks = append(blocks, b.String())
	}
	return strings.Join(blocks, "\n")
}

// Closing is the last line: what comes of the plan.
func (p Plan) Closing(colour bool) string {
	switch {
	case p.Refusals != nil:
		return paint("This plan is refused: nothing of it is done.", red, colour) + "\n"
	case p.Empty():
		return "Nothing to do.\n"
	}
	return fmt.Sprintf("Plan %.12s: %s.\n", p.Hash, CountObjects(p.Steps))
}

// lines returns the lines of every application, in the order of the steps.
func (p Plan) lines() map[string][]line {
	lines := make(map[string][]line)
	add := func(policy string, l line) { lines[policy] = append(lines[policy], l) }
	for _, f := range p.Refusals {
		add(f.Policy, line{'!', "refused", f.Object, f.Text})
	}
	for _, s := range p.shown() {
		switch s.Kind {
		case WaitVerdicts:
			for _, g := range s.Wait.Healthy {
				regions := make([]string, len(g.Checks))
				for i, key := range g.Checks {
					regions[i] = RegionOf(key)
				}
				add(PolicyOf(g.Checks[0]), line{'.', "wait", fmt.Sprintf("%s %s", g.Name, g.Type),
					"goes on when one of these checks is healthy: " + strings.Join(regions, ", ")})
			}
			for _, r := range s.Wait.Replaces {
				add(PolicyOf(r.Check), line{'.', "wait", RegionOf(r.Check), "goes on when the new check is healthy; until then " +
					shortID(r.ID) + " decides"})
			}
		case ChangeRecords:
			for _, l := range s.Batch.lines() {
				add(l.policy, l.line)
			}
		default:
			add(PolicyOf(s.Check.Key), s.Check.line(s.Kind))
		}
	}
	for _, h := range p.Held {
		add(PolicyOf(h.Key), line{'i', "held", RegionOf(h.Key), h.String()})
	}
	for _, f := range p.Reports {
		add(f.Policy, line{'i', "note", f.Object, f.Text})
	}
	return lines
}

// shown are the steps that are done unless something happens: those of a plan that is refused are not.
func (p Plan) shown() []Step {
	if p.Refusals != nil {
		return nil
	}
	return p.Steps
}

func (c *CheckChange) line(kind Kind) line {
	l := line{'~', "check", RegionOf(c.Key), ""}
	switch kind {
	case CreateCheck:
		l.sign, l.text = '+', summary(*c.New)
	case DeleteCheck:
		l.sign, l.text = '-', shortID(c.ID)+" "+summary(*c.Old)
	case UpdateCheck:
		l.text = shortID(c.ID) + " " + differences(configFields(*c.Old), configFields(*c.New))
	case TagCheck:
		tags := make([]string, len(c.Tags))
		for i, t := range c.Tags {
			tags[i] = t.Key + "=" + t.Value
		}
		l.text = shortID(c.ID) + " tags " + strings.Join(tags, " ")
		if len(c.Untag) > 0 {
			l.text += " without " + strings.Join(c.Untag, " ")
		}
	}
	if c.Why != "" {
		l.text += " (" + c.Why + ")"
	}
	return l
}

// lines shows a DELETE and CREATE of one record set as the change that it is.
func (b *Batch) lines() []struct {
	policy string
	line
} {
	type own = struct {
		policy string
		line
	}
	deleted := make(map[zone.Key]*RecordChange)
	replaced := make(map[zone.Key]bool)
	for i := range b.Changes {
		c := &b.Changes[i]
		if c.Action == zone.Delete {
			deleted[c.Set.Key()] = c
		} else if deleted[c.Set.Key()] != nil {
			replaced[c.Set.Key()] = true
		}
	}
	var lines []own
	for i := range b.Changes {
		c := &b.Changes[i]
		l := line{'+', "record", Describe(&c.Set), ""}
		old, adopted := c.Old, c.Adopted
		if before := deleted[c.Set.Key()]; c.Action == zone.Create && before != nil {
			old, adopted = &before.Set, before.Adopted
		}
		switch {
		case c.Action == zone.Delete && replaced[c.Set.Key()]:
			continue
		case c.Action == zone.Delete:
			l.sign, l.text = '-', inOneLine(&c.Set, shortID(c.Set.HealthCheckID))
		case old != nil:
			l.sign = '~'
			l.text = differences(setFields(old, shortID(old.HealthCheckID)), setFields(&c.Set, c.check()))
		default:
			l.text = inOneLine(&c.Set, c.check())
		}
		if adopted {
			l.text += " (adopted)"
		}
		lines = append(lines, own{c.Policy, l})
	}
	return lines
}

// check names the health check that a change binds to.
func (c *RecordChange) check() string {
	if c.CheckKey != "" {
		return "new " + RegionOf(c.CheckKey)
	}
	return shortID(c.Set.HealthCheckID)
}

// says is what a record set says, in one line.
func inOneLine(s *zone.ResourceRecordSet, check string) string {
	parts := []string{routing(s), content(s)}
	if check != "" {
		parts = append(parts, "check "+check)
	}
	return strings.TrimPrefix(strings.Join(parts, ", "), ", ")
}

// write aligns the lines of one application.
func write(b *strings.Builder, lines []line, colour bool, width int) {
	widthWhat, widthObject := 0, 0
	for _, l := range lines {
		widthWhat = max(widthWhat, utf8.RuneCountInString(l.what))
		widthObject = max(widthObject, utf8.RuneCountInString(l.object))
	}
	for _, l := range lines {
		head := fmt.Sprintf("  %c %-*s  %-*s  ", l.sign, widthWhat, l.what, widthObject, l.object)
		for _, text := range wrap(head, l.text, width) {
			b.WriteString(paint(strings.TrimRight(text, " "), colourOf(l.sign), colour) + "\n")
		}
	}
}

// wrapIndent is where a text goes on that has too little room behind its head.
const wrapIndent = 8

// wrap breaks a text into lines of a width. They go on below the text's beginning where half of the width is left for
// it, and near the margin otherwise. A word of one or two letters stays with the word before it, as a unit does with
// its number.
func wrap(head, text string, width int) []string {
	indent := utf8.RuneCountInString(head)
	if width == 0 || indent+utf8.RuneCountInString(text) <= width {
		return []string{head + text}
	}
	var lines []string
	if indent > width/2 {
		lines, indent = append(lines, head), wrapIndent
		head = strings.Repeat(" ", indent)
	}
	now, empty := head, true
	for _, word := range joined(strings.Fields(text)) {
		if !empty && utf8.RuneCountInString(now)+1+utf8.RuneCountInString(word) > width {
			lines, now, empty = append(lines, now), strings.Repeat(" ", indent), true
		}
		if !empty {
			now += " "
		}
		now, empty = now+word, false
	}
	return append(lines, now)
}

// joined puts short words behind those before them.
func joined(words []string) []string {
	var out []string
	for _, w := range words {
		if len(out) > 0 && utf8.RuneCountInString(strings.Trim(w, ",.")) <= 2 {
			out[len(out)-1] += " " + w
			continue
		}
		out = append(out, w)
	}
	return out
}

// writeCounts says what the plan takes; what is nothing is left out.
func (p Plan) writeCounts(b *strings.Builder) {
	c := p.Counts
	var calls []string
	for _, call := range []struct {
		name string
		n    int
	}{
		{"CreateHealthCheck", c.Calls.CreateHealthCheck},
		{"ChangeTagsForResource", c.Calls.ChangeTagsForResource},
		{"UpdateHealthCheck", c.Calls.UpdateHealthCheck},
		{"ChangeResourceRecordSets", c.Calls.ChangeResourceRecordSets},
		{"DeleteHealthCheck", c.Calls.DeleteHealthCheck},
	} {
		if call.n > 0 {
			calls = append(calls, fmt.Sprintf("%d %s", call.n, call.name))
		}
	}
	if len(calls) > 0 {
		fmt.Fprintf(b, "Calls: %s\n", strings.Join(calls, ", "))
	}
	for _, s := range p.Steps {
		if s.Kind == WaitVerdicts {
			fmt.Fprintf(b, "Verdicts to wait for before record sets change: %d\n", len(s.Wait.Checks))
		}
	}
	writeUsage(b, "Health checks", c.Checks)
	for _, z := range c.Zones {
		writeUsage(b, "Record sets in "+strings.TrimSuffix(string(z.Name), "."), z.Usage)
	}
	if c.Monthly.BeforeCents != 0 || c.Monthly.AfterCents != 0 {
		fmt.Fprintf(b, "Health checks cost %s → %s a month\n", dollars(c.Monthly.BeforeCents), dollars(c.Monthly.AfterCents))
	}
}

func writeUsage(b *strings.Builder, what string, u Usage) {
	limit := ""
	if u.Limit > 0 {
		limit = fmt.Sprintf(" of %d", u.Limit)
	}
	if u.Peak > max(u.Before, u.After) {
		limit += fmt.Sprintf(", %d on the way", u.Peak)
	}
	fmt.Fprintf(b, "%s: %d → %d%s\n", what, u.Before, u.After, limit)
}

// ANSI escapes of what stands out.
const (
	bold   = "1"
	green  = "32"
	yellow = "33"
	red    = "31"
	dim    = "2"
)

func colourOf(sign byte) string {
	switch sign {
	case '+':
		return green
	case '~':
		return yellow
	case '-', '!':
		return red
	}
	return dim
}

func paint(text, escape string, colour bool) string {
	if !colour {
		return text
	}
	return "\x1b[" + escape + "m" + text + "\x1b[0m"
}
