package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/bulkhead-dns/bulkhead/health"
)

// renewed says in which elements configs differ that decide what is asked, by whom, and which answer is healthy; empty
// when there are none. A check that is to differ in one of them is another check, a new generation: it is made beside
// the old one and gets its verdict before record sets cite it, while UpdateHealthCheck would change all answers at
// once, unverified. FailureThreshold alone changes in place. Disabled is never wanted, see Hold.
func meaningChanges(from, to health.Config) string {
	meaning := func(c health.Config) []field {
		return slices.DeleteFunc(configFields(c),
			func(f field) bool { return f.name == "FailureThreshold" || f.name == "Disabled" })
	}
	return differences(meaning(from), meaning(to))
}

// choose returns which of the existing checks of a key to go on with, nil when a new one is needed. Those that mean
// what is wanted can be more than one after an interrupted run; the one that our record sets cite changes least. A
// check that somebody holds stays, whatever it means, as long as record sets cite it.
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

// create plans a new check with the first reference that no existing check has.
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

// settle finds out which checks are held, which are verified because a record set of their Region cites them, and what
// they are apart from holds.
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

// unproven reports whether record sets must not come to depend on a check without a verdict that was waited for: it has
// none, or an unhealthy one and no record set of its Region cites it, however old it is.
func (d *differ) needsVerdict(id string) bool {
	switch d.healthOf(id) {
	case isHealthy:
		return false
	case isUnhealthy:
		return !d.verified[id]
	}
	return true
}
