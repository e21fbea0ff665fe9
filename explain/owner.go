package explain

import (
	"fmt"
	"slices"
	"strings"

	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// An Owner is who looks after a name's records, as far as they tell.
type Owner struct {
	// Kind is "policy" (a FailoverPolicy's, by the tags of its checks), "wanted" (a policy wants the name, and its records
	// are somebody else's), "external-dns" (by a TXT record of its registry) or "hand-made" (nothing tells).
	Kind string `json:"kind"`
	Name string `json:"name,omitempty"` // the policy, or external-dns's owner id
	Text string `json:"text"`           // a sentence
}

// owner tells whose a group is.
func (w *world) owner(g *group) Owner {
	var policies, foreign []string
	g.Walk(func(m *member) {
		c := w.Checks[m.Set.HealthCheckID]
		switch {
		case c != nil && w.owners.Key(m.Set) != "":
			policies = append(policies, plan.PolicyOf(c.Key))
		case m.Group == g:
			foreign = append(foreign, m.Set.SetIdentifier)
		}
	})
	slices.Sort(policies)
	policies = slices.Compact(policies)
	if len(policies) > 0 {
		o := Owner{Kind: "policy", Name: policies[0], Text: "FailoverPolicy " + strings.Join(policies, " and ") + "."}
		if len(foreign) > 0 && g.Members[0].Set.SetIdentifier != "" {
			o.Text += fmt.Sprintf(" Not its own: %s.", strings.Join(foreign, ", "))
		}
		return o
	}
	if id, resource, found := heritage(g.Zone, g.Key); found {
		text := "external-dns, owner " + id
		if resource != "" {
			text += ", for " + resource
		}
		return Owner{Kind: "external-dns", Name: id, Text: text + "."}
	}
	for _, p := range w.in.Policies {
		if n, err := zone.ParseName(p.Spec.Hostname); err == nil && n == g.Key.Name {
			return Owner{Kind: "wanted", Name: p.Key(), Text: "Made by other means; FailoverPolicy " + p.Key() + " wants the name, which takes an adoption."}
		}
	}
	return Owner{Kind: "hand-made", Text: "No FailoverPolicy and no external-dns: made by hand or by another tool."}
}

// heritage reads the TXT records by which external-dns marks what it owns. They stand at the name itself, or at a name made
// from it with the type before ("a-app1.example.com") or another prefix that ends a label. r53: E.5.
func heritage(h *hosted, of zone.Key) (owner, resource string, found bool) {
	first, _, _ := strings.Cut(string(of.Name), ".")
	parent, _ := of.Name.Parent()
	for _, g := range h.Groups {
		key := g.Key
		if key.Type != zone.TXT {
			continue
		}
		label, _, _ := strings.Cut(string(key.Name), ".")
		above, _ := key.Name.Parent()
		if key.Name != of.Name && above != of.Name && !(above == parent && strings.HasSuffix(label, "-"+first)) {
			continue
		}
		for _, m := range g.Members {
			for _, value := range m.Set.ResourceRecords {
				if !strings.Contains(value, "heritage=external-dns") {
					continue
				}
				for _, part := range strings.Split(strings.Trim(value, `"`), ",") {
					if text, ok := strings.CutPrefix(part, "external-dns/owner="); ok {
						owner = text
					}
					if text, ok := strings.CutPrefix(part, "external-dns/resource="); ok {
						resource = text
					}
				}
				return owner, resource, true
			}
		}
	}
	return "", "", false
}
