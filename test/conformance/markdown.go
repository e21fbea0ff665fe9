package conformance

import (
	"fmt"
	"strings"
)

// Markdown returns the cases as a table: case, rule, source, and whether the rule is documented.
func Markdown(cases []Case) string {
	var b strings.Builder
	b.WriteString("| case | rule | source | |\n|---|---|---|---|\n")
	cell := strings.NewReplacer("|", `\|`, "\n", " ")
	for _, c := range cases {
		mark := ""
		if c.Unconfirmed {
			mark = "unconfirmed: " + c.Reading
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", c.Name(), cell.Replace(c.Title), cell.Replace(c.Source),
			cell.Replace(mark))
	}
	return b.String()
}
