package plan

import (
	"fmt"
	"slices"

	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/tagging"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// A Hold is what an operator has set on a check of ours with Disabled and Inverted, to take an endpoint out of service
// or to keep it in. Bulkhead never changes these two on an existing check, and plans leave a hold as it is. r53: B.6.
type Hold string

// The holds.
const (
	NotHeld   Hold = ""
	ForcedOut Hold = "forced out" // Disabled and Inverted: unhealthy whatever the endpoint answers
	ForcedIn  Hold = "forced in"  // Disabled: healthy whatever the endpoint answers
	// Inverted, and the policy does not say so: unhealthy while the endpoint answers, or the reverse
	Turned Hold = "turned round"
)

// TagInverted marks a check that Bulkhead created inverted, because its policy says so. An inverted check without the
// tag is held.
const TagInverted = "bulkhead.dev/inverted"

// Hold returns how an operator holds a check of ours. It is NotHeld for a check that is not ours.
func (c *Check) Hold() Hold {
	switch {
	case isTrue(c.Config.Disabled) && isTrue(c.Config.Inverted):
		return ForcedOut
	case isTrue(c.Config.Disabled):
		return ForcedIn
	case isTrue(c.Config.Inverted) != c.madeInverted():
		return Turned
	}
	return NotHeld
}

// String returns the hold in words. It is empty for NotHeld.
func (h Hold) String() string {
	switch h {
	case ForcedOut:
		return "forced out by an operator: Disabled and Inverted are set by hand"
	case ForcedIn:
		return "forced in by an operator: Disabled is set by hand, it counts as healthy and nobody probes it"
	case Turned:
		return "turned round by an operator: Inverted is set by hand"
	}
	return ""
}

// A HeldCheck is a check that a plan leaves as an operator has set it.
type HeldCheck struct {
	Key   string `json:"key"`
	ID    string `json:"id"`
	Hold  Hold   `json:"hold"`
	Waits string `json:"waits,omitempty"` // what changes when it is released, empty for nothing
}

// String says how the check is held, what waits for its release, and how to release it.
func (h HeldCheck) String() string {
	waits := ""
	if h.Waits != "" {
		waits = " What changes waits until then: " + h.Waits + "."
	}
	return fmt.Sprintf("health check %s is %s. It stays so.%s To release it, undo that by hand, or apply with "+
		"--release-holds %s",
		h.ID, h.Hold, waits, PolicyOf(h.Key))
}

// madeInverted reports whether Bulkhead created the check inverted.
func (c *Check) madeInverted() bool {
	return slices.Contains(c.Tags, tagging.Tag{Key: TagInverted, Value: "true"})
}

func isTrue(p *bool) bool { return p != nil && *p }

// holding returns a wanted config with the hold of the check that gets it.
func (d *differ) holding(c *Check, want health.Config) health.Config {
	if d.held[c.ID] != NotHeld {
		now := asEchoed(c.Config)
		want.Disabled, want.Inverted = now.Disabled, now.Inverted
	}
	return want
}

// hold records a held check of a wanted key, and which changes wait for its release.
func (d *differ) hold(c *Check, want *Check) {
	held := HeldCheck{Key: want.Key, ID: c.ID, Hold: d.held[c.ID], Waits: meaningChanges(d.unheld[c.ID], want.Config)}
	d.waitsForRelease[want.Key] = held.Waits != ""
	d.plan.Held = append(d.plan.Held, held)
}

// holdRecord records a record set that stays because it cites a held check of another key than the wanted one.
func (d *differ) holdRecord(at *nameDiff, old *Record, key string) {
	id := old.Set.HealthCheckID
	waits := fmt.Sprintf("%s moves to %s", Describe(&old.Set), key)
	d.plan.Held = append(d.plan.Held, HeldCheck{Key: d.owned[id], ID: id, Hold: d.held[id], Waits: waits})
	at.keep(old)
}

// withCurrentTarget returns a wanted record set with the target that it has now. It gets the wanted target together
// with its check, when that is released.
func withCurrentTarget(set zone.ResourceRecordSet, old *Record) zone.ResourceRecordSet {
	if set.AliasTarget != nil || old.Set.AliasTarget != nil {
		set.AliasTarget, set.TTL = old.Set.AliasTarget, old.Set.TTL
	}
	set.ResourceRecords = old.Set.ResourceRecords
	return set
}
