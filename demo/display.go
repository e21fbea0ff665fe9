package demo

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"unicode/utf8"
)

// Kind is what an event is about; it is the first word of its line.
type Kind string

// The kinds of events.
const (
	KindLab     Kind = "lab"     // the surroundings
	KindPlan    Kind = "plan"    // what plan says of the policies
	KindAPI     Kind = "api"     // a call of the Route 53 API
	KindHealthy Kind = "healthy" // something is well
	KindFault   Kind = "fault"   // something was broken on purpose
	KindMend    Kind = "mend"    // something was mended on purpose
	KindProbe   Kind = "probe"   // a checker's result
	KindVerdict Kind = "verdict" // the decision over all checkers
	KindTarget  Kind = "target"  // a load balancer's own health checks
	KindDNS     Kind = "dns"     // a changed DNS answer
	KindNote    Kind = "note"
)

// A Display shows the story while it happens: one line an event, and on a terminal below them the users as they are
// now.
type Display struct {
	Out   io.Writer
	Live  bool // redraw the users; Out is a terminal
	Color bool

	mu    sync.Mutex
	block []string // the lines drawn below the events
}

// SGR codes.
const (
	bold    = "1"
	dim     = "2"
	red     = "31"
	green   = "32"
	yellow  = "33"
	blue    = "34"
	magenta = "35"
	cyan    = "36"
)

func (d *Display) paint(code, s string) string {
	if !d.Color || code == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

func kindColor(k Kind) string {
	switch k {
	case KindFault:
		return red
	case KindProbe, KindTarget:
		return magenta
	case KindVerdict:
		return yellow
	case KindDNS:
		return cyan
	case KindHealthy, KindMend:
		return green
	case KindAPI, KindPlan:
		return blue
	}
	return dim
}

// applicationColor is the colour of the application's own page.
func applicationColor(application string) string {
	if application == "app2" {
		return green
	}
	return blue
}

// above prints lines over the live block.
func (d *Display) above(lines ...string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.erase()
	for _, l := range lines {
		fmt.Fprintln(d.Out, l)
	}
	d.draw()
}

// erase removes the live block; draw puts it back.
func (d *Display) erase() {
	if d.Live && len(d.block) > 0 {
		fmt.Fprintf(d.Out, "\x1b[%dA\x1b[J", len(d.block))
	}
}

func (d *Display) draw() {
	if d.Live {
		for _, l := range d.block {
			fmt.Fprintln(d.Out, l)
		}
	}
}

// setBlock replaces the live block; nil ends it.
func (d *Display) setBlock(lines []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.erase()
	d.block = lines
	d.draw()
}

// heading starts a part of the story.
func (d *Display) heading(text string) {
	d.above("", d.paint(bold, text))
}

// event prints one line: when, what about, what.
func (d *Display) event(e Event) {
	d.above(fmt.Sprintf("%7.2f s  %s %s", e.Seconds, d.paint(kindColor(e.Kind), pad(string(e.Kind), 8)), e.Text))
}

// users returns one line a user: what DNS answered last, and the page that came.
func (d *Display) users(watchers []*watcher) []string {
	lines := make([]string, 0, len(watchers)+1)
	lines = append(lines, "")
	for _, w := range watchers {
		v := w.seen()
		where, code := v.Region, green
		switch {
		case v.Problem != "":
			where, code = v.Problem, red
		case w.isAway():
			code = yellow
		}
		answer := "no answer"
		if v.Address.IsValid() {
			answer = v.Address.String()
		}
		lines = append(lines, fmt.Sprintf("  %s near %s  %s  %s",
			d.paint(applicationColor(w.user.Application), w.user.Application),
			pad(w.user.Place, 12), pad(answer, 11), d.paint(code, clip("page from "+where, 40))))
		if v.Problem != "" {
			lines[len(lines)-1] = strings.Replace(lines[len(lines)-1], "page from ", "", 1)
		}
	}
	return lines
}

// pad fills s with spaces on the right to n columns.
func pad(s string, n int) string {
	if missing := n - utf8.RuneCountInString(s); missing > 0 {
		return s + strings.Repeat(" ", missing)
	}
	return s
}

// clip cuts s to n columns.
func clip(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}

// The table's columns; its width fits a terminal of 80.
const (
	labelColumn = 18
	fateColumn  = 29
)

// Result prints the table and the expectations.
func (d *Display) Result(r *Result) {
	rule := "  " + strings.Repeat("─", labelColumn+2*fateColumn)
	lines := []string{"", rule,
		"  " + pad("", labelColumn) + d.paint(bold, pad("granular", fateColumn)) + d.paint(bold, "all-or-nothing"),
		"  " + pad("", labelColumn) + d.paint(dim, pad("a check per application", fateColumn)+"EvaluateTargetHealth"), rule}
	for i, u := range r.Chapters[0].Users {
		lines = append(lines, d.row(u, r.Chapters[1].Users[i])...)
		lines = append(lines, rule)
	}
	lines = append(lines, d.paint(dim, "  Users here ask DNS anew for every page. Resolvers keep a load balancer's"),
		d.paint(dim, "  address for up to 60 s, which adds to the times above in real life."), "")
	for _, e := range r.Expectations {
		mark := d.paint(green, "✓")
		if !e.Held {
			mark = d.paint(red, "✗")
		}
		lines = append(lines, "  "+mark+" "+e.Text)
	}
	d.above(append(lines, "")...)
}

// row is one user's fate in both chapters, a few lines high.
func (d *Display) row(granular, old UserReport) []string {
	left, right := fate(granular), fate(old)
	labels := []string{d.paint(applicationColor(granular.Application), granular.Application) +
		pad(" near", labelColumn-len(granular.Application)), pad(granular.Place, labelColumn)}
	var lines []string
	for i := range max(len(left), len(right), len(labels)) {
		label, l, r := pad("", labelColumn), cell{}, cell{}
		if i < len(labels) {
			label = labels[i]
		}
		if i < len(left) {
			l = left[i]
		}
		if i < len(right) {
			r = right[i]
		}
		lines = append(lines, strings.TrimRight("  "+label+d.paint(l.code, pad(l.text, fateColumn))+d.paint(r.code, r.text),
			" "))
	}
	return lines
}

type cell struct{ text, code string }

// fate tells what became of a user.
func fate(u UserReport) []cell {
	failed := cell{fmt.Sprintf("%d of %d requests failed", u.Failed, u.Requests), dim}
	if u.Failed > 0 {
		failed.code = red
	}
	if u.MovedAfter == nil {
		return []cell{{"stayed", green}, failed}
	}
	when := fmt.Sprintf("after %.2f s", *u.MovedAfter)
	if u.ReturnedAfter != nil {
		when += fmt.Sprintf(", back %.2f s", *u.ReturnedAfter)
	}
	return []cell{{"moved to " + u.MovedTo, yellow}, {when, ""}, failed}
}
