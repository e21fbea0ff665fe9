package audit

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// width is where lines of text end.
const width = 110

// Text renders findings for people, one paragraph each, and what there is of each severity below. Colour is in ANSI
// escapes.
func Text(findings []Finding, colour bool) string {
	if len(findings) == 0 {
		return "Nothing found.\n"
	}
	var b strings.Builder
	counts := map[Severity]int{}
	for _, f := range findings {
		counts[f.Severity]++
		b.WriteString(paint(fmt.Sprintf("%-8s", f.Severity), colourOf(f.Severity), colour) + "  " + f.ID + "\n")
		write(&b, "what", strings.Join(f.Objects, ", "))
		write(&b, "hosts", strings.Join(f.Hostnames, ", "))
		write(&b, "why", f.Why)
		write(&b, "fix", f.Fix)
		write(&b, "see", f.Reference)
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "%d critical, %s, %d for information.\n", counts[Critical], plural(counts[Warning], "warning"), counts[Info])
	return b.String()
}

// write aligns a field's text behind its name, in lines of the width.
func write(b *strings.Builder, field, text string) {
	const indent = 10
	used := 0
	for i, word := range strings.Fields(text) {
		n := utf8.RuneCountInString(word)
		switch {
		case i == 0:
			fmt.Fprintf(b, "  %-*s", indent-2, field)
			used = indent
		case used+1+n > width:
			b.WriteString("\n" + strings.Repeat(" ", indent))
			used = indent
		default:
			b.WriteByte(' ')
			used++
		}
		b.WriteString(word)
		used += n
	}
	if used > 0 {
		b.WriteByte('\n')
	}
}

// JSON renders findings for programs: a list, indented, with a line feed at the end.
func JSON(findings []Finding) []byte {
	if findings == nil {
		findings = []Finding{}
	}
	data, err := json.MarshalIndent(findings, "", "  ")
	if err != nil {
		panic(err) // strings always are JSON
	}
	return append(data, '\n')
}

func colourOf(s Severity) string {
	switch s {
	case Critical:
		return "31" // red
	case Warning:
		return "33" // yellow
	}
	return "2" // dim
}

func paint(text, escape string, colour bool) string {
	if !colour {
		return text
	}
	return "\x1b[" + escape + "m" + text + "\x1b[0m"
}
