package controller

import (
	"slices"
	"strings"

	"github.com/bulkhead-dns/bulkhead/api/v1alpha1"
	"github.com/bulkhead-dns/bulkhead/plan"
)

// borrowersOf says of policies which record sets cite their checks and are somebody else's. They are left alone.
func borrowersOf(b board) map[string][]string {
	texts := make(map[string][]string)
	owners := plan.NewOwners(b.state)
	for i := range b.state.Records {
		set := &b.state.Records[i].Set
		if key := owners.Borrows(set); key != "" {
			name := strings.TrimSuffix(string(set.Name), ".") + " " + set.Type.String() + " " + set.SetIdentifier
			texts[plan.PolicyOf(key)] = append(texts[plan.PolicyOf(key)], name+" "+plan.Borrowed(key, set.HealthCheckID))
		}
	}
	for _, list := range texts {
		slices.Sort(list)
	}
	return texts
}

// tellBorrowers makes an event of what has begun to cite a check of a policy.
func (c *Controller) tellBorrowers(a *account, x candidate, texts []string) {
	if len(texts) == 0 && a.told[x.object.GetUID()] == nil {
		return
	}
	if text := strings.Join(texts, "; "); a.tells(x.object, "borrowers "+x.policy.Key(), text) && text != "" {
		c.event(x.object, eventWarning, v1alpha1.EventForeignRecord, text)
	}
}
