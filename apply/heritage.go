package apply

import (
	"fmt"
	"slices"
	"strings"

	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// Heritage reports the TXT records by which external-dns claims names that Bulkhead takes over. While such a record
// exists and the source of the name is unchanged, external-dns keeps trying to write the name. Bulkhead leaves the
// records alone.
func Heritage(state plan.State, names []zone.Name) []plan.Finding {
	var findings []plan.Finding
	for i := range state.Records {
		set := &state.Records[i].Set
		claim, ok := plan.ExternalDNSClaims(set)
		if !ok {
			continue
		}
		at := slices.IndexFunc(names, func(n zone.Name) bool { return plan.ExternalDNSNames(set.Name, n) })
		if at < 0 {
			continue
		}
		name := strings.TrimSuffix(string(names[at]), ".")
		findings = append(findings, plan.Finding{Object: plan.Describe(set), Text: fmt.Sprintf(
			"external-dns says that it owns %s (%s). Bulkhead leaves this record as it is. Take the name from external-dns "+
				"before it writes again: remove the hostname from its source, or run it with --exclude-domains=%s. Then delete "+
				"this record",
			name, claim, name)})
	}
	return findings
}
