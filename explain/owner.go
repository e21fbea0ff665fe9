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
func (x *explainer) owner(g *group) Owner {
	var policies, foreign []string
	g.Walk(func(m *member) {
		c := x.Checks[m.Set.HealthCheckID]
		switch {
		case c != nil && x.owners.Key(m.Set) != "":
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
	if claim, found := externalDNS(g.Zone, g.Key); found {
		text := "external-dns, owner " + claim.Owner
		if claim.Resource != "" {
			text += ", for " + claim.Resource
		}
		return Owner{Kind: "external-dns", Name: claim.Owner, Text: text + "."}
	}
	for _, p := range x.in.Policies {
		if n, err := zone.ParseName(p.Spec.Hostname); err == nil && n == g.Key.Name {
			return Owner{Kind: "wanted", Name: p.Key(), Text: "Made by other means; FailoverPolicy " + p.Key() +
				" wants the name, which takes an adoption."}
		}
	}
	return Owner{Kind: "hand-made", Text: "No FailoverPolicy and no external-dns: made by hand or by another tool."}
}

// externalDNS returns what external-dns's registry says about a group; found is false when it says nothing.
func externalDNS(z *hostedZone, of zone.Key) (claim plan.ExternalDNSClaim, found bool) {
	for _, g := range z.Groups {
		if g.Key.Type != zone.TXT || !plan.ExternalDNSNames(g.Key.Name, of.Name) {
			continue
		}
		for _, m := range g.Members {
			if claim, found = plan.ExternalDNSClaims(m.Set); found {
				return claim, true
			}
		}
	}
	return plan.ExternalDNSClaim{}, false
}
