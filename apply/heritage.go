package apply

import (
	"fmt"
	"slices"
	"strings"

	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// heritage is how external-dns begins the TXT records by which it knows its own.
const heritage = "heritage=external-dns"

// Heritage reports the TXT records by which external-dns claims names that Bulkhead takes over: while they are there and the
// source of the name has not changed, external-dns goes on trying to write it. Bulkhead leaves them alone. The record of a
// name is called like it, or like it with a type or a prefix before or a suffix behind its first label.
func Heritage(state plan.State, names []zone.Name) []plan.Finding {
	var findings []plan.Finding
	for i := range state.Records {
		set := &state.Records[i].Set
		if set.Type != zone.TXT || !strings.Contains(strings.Join(set.ResourceRecords, " "), heritage) {
			continue
		}
		at := slices.IndexFunc(names, func(n zone.Name) bool { return claims(set.Name, n) })
		if at < 0 {
			continue
		}
		name := strings.TrimSuffix(string(names[at]), ".")
		findings = append(findings, plan.Finding{Object: describe(set), Text: fmt.Sprintf(
			"external-dns says that %s is its own (%s). Bulkhead leaves this record as it is. Take the name from external-dns before "+
				"it writes again: remove the hostname from its source, or run it with --exclude-domains=%s. Then delete this record",
			name, ownerOf(set.ResourceRecords), name)})
	}
	return findings
}

// claims reports whether a registry record is called as one for a name would be.
func claims(record, name zone.Name) bool {
	if record == name {
		return true
	}
	first, parent, _ := strings.Cut(string(name), ".")
	label, rest, _ := strings.Cut(string(record), ".")
	return rest == parent && (strings.HasSuffix(label, "-"+first) || strings.HasPrefix(label, first+"-")) || rest == string(name)
}

// ownerOf is the owner and the resource that a registry record names.
func ownerOf(values []string) string {
	var parts []string
	for _, value := range values {
		for part := range strings.SplitSeq(strings.Trim(value, `"`), ",") {
			if said, ok := strings.CutPrefix(part, "external-dns/"); ok {
				parts = append(parts, strings.Replace(said, "=", " ", 1))
			}
		}
	}
	return strings.Join(parts, ", ")
}
