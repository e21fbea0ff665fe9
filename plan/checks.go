package plan

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/tagging"
)

// Update returns the request that turns Old into New. It has only what differs, because elements that a request leaves
// out stay. Elements to clear are reset. r53: B.2.
func (c CheckChange) Update() health.Update {
	from, to := *c.Old, *c.New
	var u health.Update
	changed := func(from, to *int) *int {
		if reflect.DeepEqual(from, to) {
			return nil
		}
		return to
	}
	changedBool := func(from, to *bool) *bool {
		if reflect.DeepEqual(from, to) {
			return nil
		}
		return to
	}
	text := func(element, from, to string) string {
		switch {
		case from == to:
			return ""
		case to == "":
			u.ResetElements = append(u.ResetElements, element)
		}
		return to
	}
	list := func(element string, from, to []string) []string {
		switch {
		case slices.Equal(sorted(from), sorted(to)):
			return nil
		case len(to) == 0:
			u.ResetElements = append(u.ResetElements, element)
		}
		return to
	}
	u.Config = health.Config{
		IPAddress:    text("IPAddress", from.IPAddress, to.IPAddress),
		Port:         changed(from.Port, to.Port),
		ResourcePath: text("ResourcePath", from.ResourcePath, to.ResourcePath),
		FullyQualifiedDomainName: text("FullyQualifiedDomainName", from.FullyQualifiedDomainName,
			to.FullyQualifiedDomainName),
		SearchString:      text("SearchString", from.SearchString, to.SearchString),
		FailureThreshold:  changed(from.FailureThreshold, to.FailureThreshold),
		Inverted:          changedBool(from.Inverted, to.Inverted),
		Disabled:          changedBool(from.Disabled, to.Disabled),
		HealthThreshold:   changed(from.HealthThreshold, to.HealthThreshold),
		ChildHealthChecks: list("ChildHealthChecks", from.ChildHealthChecks, to.ChildHealthChecks),
		EnableSNI:         changedBool(from.EnableSNI, to.EnableSNI),
		Regions:           list("Regions", from.Regions, to.Regions),
	}
	return u
}

func sorted(list []string) []string { return slices.Sorted(slices.Values(list)) }

// SameConfig reports whether two configs say the same to the API: defaults count as given, and the order of a list does
// not count. r53: B.2.
func SameConfig(a, b health.Config) bool { return sameEchoed(asEchoed(a), asEchoed(b)) }

// asEchoed returns a config as the API echoes it, with every default filled in. A config that today's rules refuse is
// returned as it is, because an older one may still exist.
func asEchoed(c health.Config) health.Config {
	anything := health.Rules{MinRequestInterval: 1, AllowedAddresses: health.AnyAddress(),
		Child: func(string) (health.Config, bool) { return health.Config{Type: health.HTTP}, true }}
	if full, err := health.Normalize(c, anything); err == nil {
		return full
	}
	return c
}

// sameEchoed compares two results of asEchoed. The order of a list does not count.
func sameEchoed(a, b health.Config) bool {
	a.Regions, b.Regions = sorted(a.Regions), sorted(b.Regions)
	a.ChildHealthChecks, b.ChildHealthChecks = sorted(a.ChildHealthChecks), sorted(b.ChildHealthChecks)
	return reflect.DeepEqual(a, b)
}

// matchChecks plans for every wanted check to use an existing one or to create one.
func (d *differ) matchChecks(wanted map[string]*Check) {
	d.readHolds(wanted)
	var create, taken, tag, update []Step
	for _, key := range slices.Sorted(maps.Keys(wanted)) {
		want := wanted[key]
		if id := d.heldKeys[key]; id != "" {
			d.refuseHeldByCluster(PolicyOf(key), key, id)
			continue
		}
		c := d.chooseCheck(key, want.Config)
		if c == nil {
			create = append(create, d.createCheck(want))
			continue
		}
		d.bound[key] = c.ID
		change := CheckChange{Key: key, ID: c.ID, CallerReference: c.CallerReference}
		marks, untag := d.takeoverTags(c, d.wantedTags(want, c))
		if missing := missingTags(marks, c.Tags); len(missing)+len(untag) > 0 {
			step := change
			step.Tags, step.Untag = missing, untag
			if d.unmarked[c.ID] {
				step.Why = "an earlier run created it and was interrupted"
			}
			mark := Step{Kind: TagCheck, Check: &step}
			if from := d.previousHolder(c); from != "" {
				step.Why = "taken over from " + from
				taken = append(taken, mark)
			} else {
				tag = append(tag, mark)
			}
		}
		if d.held[c.ID] != NotHeld {
			d.hold(c, want)
		}
		old, next := asEchoed(c.Config), d.holding(c, want.Config)
		if d.waitsForRelease[key] || sameEchoed(old, next) {
			continue
		}
		if d.released[c.ID] {
			change.Why = "releases what an operator holds"
		}
		change.Old, change.New = &old, &next
		update = append(update, Step{Kind: UpdateCheck, Check: &change})
		d.checkBlast.changed++
	}
	d.plan.Steps = slices.Concat(d.plan.Steps, d.takeOver(taken, wanted), create, tag, d.tagCitedChecks(), update)
}

// ownershipTags returns the tags that a wanted check has in the end: its own and those that say who owns it.
func ownershipTags(c *Check) []tagging.Tag {
	tags := slices.DeleteFunc(slices.Clone(c.Tags), func(t tagging.Tag) bool {
		return t.Key == TagManagedBy || t.Key == TagKey || t.Key == TagInverted || t.Key == TagTakenOver
	})
	tags = append(tags, tagging.Tag{Key: TagManagedBy, Value: TagValue}, tagging.Tag{Key: TagKey, Value: c.Key})
	if isTrue(c.Config.Inverted) {
		tags = append(tags, tagging.Tag{Key: TagInverted, Value: "true"})
	}
	slices.SortFunc(tags, func(a, b tagging.Tag) int { return strings.Compare(a.Key, b.Key) })
	return tags
}

// wantedTags returns the tags that a wanted check has in the end, including those about its record sets. c is the
// existing check, or nil.
func (d *differ) wantedTags(want, c *Check) []tagging.Tag {
	tags := ownershipTags(want)
	var had []string
	if c != nil {
		had = hostnamesOf(c)
	}
	if tag, ok := hostnamesTag(had, d.names[want.Key]); ok {
		tags = append(slices.DeleteFunc(tags, func(t tagging.Tag) bool { return t.Key == TagHostnames }), tag)
	}
	if d.guard.Cluster != "" {
		tags = append(slices.DeleteFunc(tags, func(t tagging.Tag) bool { return t.Key == TagCluster }), d.guard.cluster())
	}
	tags = d.addRoutingTag(want.Key, tags, c)
	slices.SortFunc(tags, func(a, b tagging.Tag) int { return strings.Compare(a.Key, b.Key) })
	return tags
}

// missingTags returns the wanted tags that a check does not have with this value. Its other tags stay.
func missingTags(want, have []tagging.Tag) []tagging.Tag {
	return slices.DeleteFunc(slices.Clone(want), func(t tagging.Tag) bool { return slices.Contains(have, t) })
}

// deleteChecks plans to delete the checks in reach that no wanted key uses, unless something still refers to them.
func (d *differ) deleteChecks() {
	parents := make(map[string]string)
	for i := range d.current.Checks {
		if c := &d.current.Checks[i]; d.owned[c.ID] == "" || !d.mayTouchCheck(c.ID, d.owned[c.ID]) {
			for _, child := range c.Config.ChildHealthChecks {
				parents[child] = c.ID
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(d.byKey)) {
		checks := slices.SortedFunc(slices.Values(d.byKey[key]), func(a, b *Check) int { return strings.Compare(a.ID, b.ID) })
		for _, c := range checks {
			parent, isChild := parents[c.ID]
			switch {
			case d.bound[key] == c.ID:
			case isChild:
				d.report(PolicyOf(key), key, "health check %s is no longer wanted but stays: calculated check %s counts it", c.ID,
					parent)
			case d.refs[c.ID] > 0:
				d.report(PolicyOf(key), key, "health check %s is no longer wanted but stays: record sets refer to it", c.ID)
			default:
				old := c.Config
				change := CheckChange{Key: key, ID: c.ID, CallerReference: c.CallerReference, Old: &old, Tags: c.Tags,
					Names: d.policyNames[PolicyOf(key)]}
				d.plan.Steps = append(d.plan.Steps, Step{Kind: DeleteCheck, Check: &change})
				if !d.destroyed[PolicyOf(key)] && !d.unmarked[c.ID] {
					d.checkBlast.changed++
				}
			}
		}
	}
}
