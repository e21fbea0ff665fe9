package explain

import (
	"strings"
	"unicode/utf8"
)

// ANSI escapes.
const (
	bold   = "1"
	dim    = "2"
	red    = "31"
	green  = "32"
	yellow = "33"
)

func paint(text, escape string, colour bool) string {
	if !colour || text == "" || escape == "" {
		return text
	}
	return "\x1b[" + escape + "m" + text + "\x1b[0m"
}

// A cell is text of one colour.
type cell struct{ text, escape string }

// A grid is rows of cells, aligned in columns.
type grid [][]cell

// widths are those of the columns.
func (g grid) widths() []int {
	var widths []int
	for _, row := range g {
		for i, c := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(c.text))
		}
	}
	return widths
}

// width is that of the longest row, with what stands between columns.
func (g grid) width() int {
	n := 0
	for _, w := range g.widths() {
		n += w + gap
	}
	return max(0, n-gap)
}

// gap is the number of spaces between columns.
const gap = 2

// write writes the rows behind an indent. Columns are at least as wide as given.
func (g grid) write(b *strings.Builder, indent int, least []int, colour bool) {
	widths := g.widths()
	for i := range min(len(widths), len(least)) {
		widths[i] = max(widths[i], least[i])
	}
	for _, row := range g {
		for len(row) > 0 && row[len(row)-1].text == "" {
			row = row[:len(row)-1]
		}
		b.WriteString(strings.Repeat(" ", indent))
		for i, c := range row {
			b.WriteString(paint(c.text, c.escape, colour))
			if i < len(row)-1 {
				b.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(c.text)+gap))
			}
		}
		b.WriteByte('\n')
	}
}

// wrap writes text in lines of a width, the first one where the writer stands at column at, the others behind an
// indent.
func wrap(b *strings.Builder, text string, at, indent, width int) {
	for i, word := range strings.Fields(text) {
		n := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case at+1+n > width:
			b.WriteString("\n" + strings.Repeat(" ", indent))
			at = indent
		default:
			b.WriteByte(' ')
			at++
		}
		b.WriteString(word)
		at += n
	}
	b.WriteByte('\n')
}

// line writes text behind an indent, wrapped.
func line(b *strings.Builder, text string, indent, width int) {
	b.WriteString(strings.Repeat(" ", indent))
	wrap(b, text, indent, indent+2, width)
}
