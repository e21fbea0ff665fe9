package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/bulkhead-dns/bulkhead/health"
)

// meaningChanges returns the differences between two configs in what is probed, by whom, and which result is healthy.
// It is empty when there are none. Such a change needs a new generation of the check: the new check is created beside
// the old one and gets its verdict before record sets cite it. UpdateHealthCheck would change all answers at once,
// unverified. Only FailureThreshold changes in place. A policy never wants Disabled, see Hold.
func meaningChanges(from, to health.Config) string {
	meaning := func(c health.Config) []field {
		return slices.DeleteFunc(configFields(c),
			func(f field) bool { return f.name == "FailureThreshold" || f.name == "Disabled" })
	}
	return differences(meaning(from), meaning(to))
}

// chooseCheck returns the existing check of a key to keep, or nil when a new one is needed. After an interrupted run
// several checks can have the wanted meaning. The one that our record sets cite is best, because it changes least. A
// held check stays, whatever its meaning, as long as record sets cite it.
func (d *differ) chooseCheck(key string, want health.Config) *Check {
	differs := func(c *Check) int {
		if sameEchoed(d.unheld[c.ID], want) {
			return 0
		}
		return 1
	}
	best := func(usable func(*Check) bool) *Check {
		checks := slices.DeleteFunc(slices.Clone(d.byKey[key]), func(c *Check) bool { return !usable(c) })
		if len(checks) == 0 {
			return nil
		}
		return slices.MinFunc(checks, func(a, b *Check) int {
			return cmp.Or(cmp.Compare(d.ownRefs[b.ID], d.ownRefs[a.ID]), cmp.Compare(differs(a), differs(b)),
				strings.Compare(a.ID, b.ID))
		})
	}
	if held := best(func(c *Check) bool { return d.held[c.ID] != NotHeld && d.verified[c.ID] }); held != nil {
		return held
	}
	return best(func(c *Check) bool { return meaningChanges(d.unheld[c.ID], want) == "" })
}

// createCheck plans a new check with the first caller reference that no existing check has.
func (d *differ) createCheck(want *Check) Step {
	generation := 1 + max(d.generations[want.Key], d.generations[hashed(want.Key)])
	change := CheckChange{Key: want.Key, CallerReference: CallerReference(want.Key, generation), New: &want.Config,
		Tags: d.wantedTags(want, nil)}
	old := slices.DeleteFunc(slices.Clone(d.byKey[want.Key]), func(c *Check) bool { return d.refs[c.ID] == 0 })
	if len(old) == 0 {
		old = d.byKey[want.Key]
	}
	if len(old) > 0 {
		first := slices.MinFunc(old, func(a, b *Check) int { return strings.Compare(a.ID, b.ID) })
		change.Why = fmt.Sprintf("replaces %s: %s", first.ID, meaningChanges(d.unheld[first.ID], want.Config))
	}
	return Step{Kind: CreateCheck, Check: &change}
}

// readHolds finds the checks that are held, those that are verified because a record set of their Region cites them,
// and the config of each without its hold.
func (d *differ) readHolds(wanted map[string]*Check) {
	for i := range d.current.Records {
		set := &d.current.Records[i].Set
		if d.owners.Key(set) != "" {
			d.verified[set.HealthCheckID] = true
		}
	}
	for id, key := range d.owned {
		c := d.byID[id]
		config := asEchoed(c.Config)
		hold := c.Hold()
		if want := wanted[key]; want != nil && hold == Turned && isTrue(want.Config.Inverted) == isTrue(config.Inverted) {
			hold = NotHeld // it was made before checks were marked
		}
		if hold != NotHeld && slices.Contains(d.guard.Release, PolicyOf(key)) {
			hold = NotHeld
			d.released[id] = true
		}
		d.held[id] = hold
		if hold != NotHeld || d.released[id] {
			config.Disabled, config.Inverted = new(false), new(c.madeInverted())
		}
		d.unheld[id] = config
	}
}

// needsVerdict reports whether a plan must wait for a verdict before record sets cite a check: the check has no
// verdict, or it is unhealthy and no record set of its Region cites it. The check's age does not matter.
func (d *differ) needsVerdict(id string) bool {
	switch d.healthOf(id) {
	case isHealthy:
		return false
	case isUnhealthy:
		return !d.verified[id]
	}
	return true
}
