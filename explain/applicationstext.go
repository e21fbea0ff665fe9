package explain

import (
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/bulkhead-dns/bulkhead/plan"
)

// ApplicationsText renders applications for people: a paragraph each, with a row a Region, and a summary. width is the
// terminal's in columns, 0 for no limit. Colour is in ANSI escapes.
func ApplicationsText(list []Application, colour bool, width int) string {
	if width <= 0 {
		width = math.MaxInt
	}
	if len(list) == 0 {
		return "No application: no health check bears Bulkhead's tags.\n"
	}
	head := grid{{{"REGION", dim}, {"HEALTH", dim}, {"CHECKERS", dim}, {"SERVES", dim}}}
	least := head.widths()
	for i := range list { // all paragraphs in one set of columns
		for j, w := range list[i].grid().widths() {
			least[j] = max(least[j], w)
		}
	}
	least = least[:3]
	var b strings.Builder
	for i := range list {
		list[i].write(&b, head, least, colour, width)
	}
	b.WriteString(summary(list) + "\n")
	return b.String()
}

func (a *Application) write(b *strings.Builder, head grid, least []int, colour bool, width int) {
	title := strings.Join(a.Hostnames, ", ")
	if title == "" {
		title = "(no hostname)"
	}
	b.WriteString(paint(title, bold, colour) + "  " + paint(string(a.Condition), a.Condition.colour(), colour))
	at := utf8.RuneCountInString(title) + 2 + len(a.Condition)
	facts := "  " + a.Policy
	if a.Routing != "" {
		facts += ", " + a.Routing
	}
	if a.RTO != nil {
		facts += fmt.Sprintf(", RTO %s typical, %s worst", short(a.RTO.Typical), short(a.RTO.Worst))
	}
	if at+utf8.RuneCountInString(facts) > width {
		facts = "\n" + facts
	}
	b.WriteString(facts + "\n")
	rows := a.grid()
	serves := 2 * gap // where the last column begins, behind the indent
	for _, w := range least {
		serves += w + gap
	}
	serves -= gap
	if len(rows) > 0 {
		head.write(b, 2, least, colour)
	}
	for i, cells := range rows {
		text := cells[3].text
		var l strings.Builder
		grid{append(cells[:3:3], cell{"\x00", ""})}.write(&l, 2, least, colour)
		row := strings.TrimSuffix(l.String(), "\x00\n")
		if text == "" {
			b.WriteString(strings.TrimRight(row, " ") + "\n")
		} else {
			b.WriteString(row)
			wrap(b, text, serves, serves, width)
		}
		if why := a.Regions[i].why(); why != "" {
			line(b, why, 4, width)
		}
	}
	for _, p := range a.Problems {
		line(b, "! "+p, 2, width)
	}
	b.WriteByte('\n')
}

// grid is a row a Region.
func (a *Application) grid() (rows grid) {
	for i := range a.Regions {
		r := &a.Regions[i]
		row := []cell{{r.Name, ""}, {string(r.Check.Health), r.Check.Health.colour()}, {r.Check.count(), ""},
			{a.serves(r), ""}}
		if !r.Applied && r.Check.ID == "" {
			row[1], row[2] = cell{"not applied", dim}, cell{}
		}
		rows = append(rows, row)
	}
	return rows
}

func (c *Check) count() string {
	if c.Checkers == 0 {
		return "-"
	}
	return fmt.Sprintf("%d of %d", c.For, c.Checkers)
}

// serves words who is answered with a Region, and where its own clients are who are not.
func (a *Application) serves(r *Region) string {
	if !r.Applied {
		return ""
	}
	text := strings.Join(r.Serves, ", ")
	if text == "" {
		text = "nobody"
	}
	var gone []string
	for _, m := range a.Clients {
		if m.Moved && m.Home == r.Name {
			gone = append(gone, m.Client+" → "+m.String())
		}
	}
	if len(gone) > 0 {
		text += " (" + strings.Join(gone, ", ") + ")"
	}
	return text
}

// why says more of a Region that is not healthy, and when it last was not.
func (r *Region) why() string {
	switch {
	case r.Check.Hold == plan.NotHeld && r.Check.Health == Healthy && r.Check.For == r.Check.Checkers:
		return r.Check.lastFailure()
	case !r.Applied && r.Check.ID == "":
		return ""
	}
	return r.Check.Reason
}

func (c *Check) lastFailure() string {
	if c.LastFailure == nil {
		return ""
	}
	return fmt.Sprintf("last failure %s: %s", c.LastFailure.At.UTC().Format("2006-01-02 15:04:05 UTC"),
		brief(c.LastFailure.Text))
}

func (c Condition) colour() string {
	switch c {
	case OK:
		return green
	case Down:
		return red
	case Degraded, Partial:
		return yellow
	}
	return dim
}

func (h Health) colour() string {
	switch h {
	case Healthy:
		return green
	case Unhealthy:
		return red
	}
	return yellow
}

// summary counts applications by condition, worst first.
func summary(list []Application) string {
	counts := map[Condition]int{}
	for i := range list {
		counts[list[i].Condition]++
	}
	var parts []string
	for _, c := range []Condition{Down, Degraded, Unsure, Partial, Planned, OK} {
		if counts[c] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", counts[c], c))
		}
	}
	return plural(len(list), "application") + ": " + strings.Join(parts, ", ") + "."
}
