package audit

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// The widths that text can have; without one it has the narrowest.
const (
	narrowest = 80
	widest    = 160
)

// Text renders findings for people, one paragraph each, and what there is of each severity below. Lines end at width
// columns, from 80 to 160. Colour is in ANSI escapes.
func Text(findings []Finding, width int, colour bool) string {
	if len(findings) == 0 {
		return "Nothing found.\n"
	}
	var b strings.Builder
	width = min(max(width, narrowest), widest)
	counts := map[Severity]int{}
	for _, f := range findings {
		counts[f.Severity]++
		b.WriteString(paint(fmt.Sprintf("%-8s", f.Severity), colourOf(f.Severity), colour) + "  " + f.ID + "\n")
		write(&b, width, "what", items(f.Objects))
		write(&b, width, "hosts", items(f.Hostnames))
		write(&b, width, "why", strings.Fields(f.Why))
		write(&b, width, "fix", strings.Fields(f.Fix))
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "%d critical, %s, %d for information.\n", counts[Critical], plural(counts[Warning], "warning"),
		counts[Info])
	return b.String()
}

// mostItems is how many entries of a list are shown to people; JSON has all.
const mostItems = 24

// items are the entries of a list with what stands between them. They are not broken over lines.
func items(list []string) []string {
	more := 0
	if len(list) > mostItems {
		list, more = list[:mostItems], len(list)-mostItems
	}
	parts := make([]string, len(list))
	for i, item := range list {
		parts[i] = item
		if i < len(list)-1 || more > 0 {
			parts[i] += ","
		}
	}
	if more > 0 {
		parts = append(parts, fmt.Sprintf("and %d more", more))
	}
	return parts
}

// write aligns a field's parts behind its name, in lines of the width.
func write(b *strings.Builder, width int, field string, parts []string) {
	const indent = 10
	used := 0
	for i, part := range parts {
		n := utf8.RuneCountInString(part)
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
		b.WriteString(part)
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
