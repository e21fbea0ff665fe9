package zone

import "fmt"

// checkAlias checks the target of an alias against what is there at its turn: the target must not come later in the
// batch, and must not be deleted later in it. r53: A.9, C.6.
func (b *batch) checkAlias(i int, s *ResourceRecordSet) {
	t := s.AliasTarget
	if t == nil {
		return
	}
	for _, text := range b.aliasFaults(s) {
		b.fault(i, "Tried to create an alias that targets %s, type %s in zone %s, but %s", t.DNSName, s.Type, t.HostedZoneID,
			text)
	}
}

// checkLoop refuses an alias that leads back to itself, because no query for it can be answered. What Route 53 does
// with loops is not documented (unconfirmed).
func (b *batch) checkLoop(i int, s *ResourceRecordSet, walked map[Key]walk) {
	if s.AliasTarget == nil {
		return
	}
	if on, ok := b.aliasCycle(Key{Name: s.Name, Type: s.Type}, walked); ok {
		b.fault(i, "RRSet with DNS name %s, type %s cannot be an alias that leads back to itself", on.Name, on.Type)
	}
}

// aliasFaults returns what is wrong with the target of an alias.
func (b *batch) aliasFaults(s *ResourceRecordSet) []string {
	const (
		outside  = "the alias target name does not lie within the target zone"
		notFound = "that target was not found"
	)
	t := s.AliasTarget
	if t.HostedZoneID == b.zone.ID {
		if !t.DNSName.In(b.zone.Name) {
			return []string{outside, notFound}
		}
		for target := range b.content.From(Key{Name: t.DNSName, Type: s.Type}) {
			if target.Name == t.DNSName && target.Type == s.Type {
				return nil
			}
			break
		}
		return []string{notFound}
	}
	var exists, service bool
	if b.facts.ServiceTarget != nil {
		exists, service = b.facts.ServiceTarget(t.HostedZoneID, t.DNSName)
	}
	switch {
	case exists && (s.Type == A || s.Type == AAAA): // a resource of a service has nothing but addresses
		if t.EvaluateTargetHealth && !EvaluatesTargetHealth(t.HostedZoneID) {
			service, _ := ServiceOf(t.HostedZoneID) // wording unconfirmed
			return []string{fmt.Sprintf("EvaluateTargetHealth cannot be true for targets of %s", service)}
		}
		return nil
	case service && !exists && !InAliasZone(t.HostedZoneID, t.DNSName): // another Region's zone id, most often
		return []string{outside}
	}
	return []string{notFound} // ordinary zones cannot point at each other
}

// walk is the state of a group in a walk along aliases.
type walk uint8

const (
	unseen walk = iota
	onPath
	done
)

// aliasCycle walks along the zone's aliases from a group, and returns a group that leads back to itself. It skips
// groups that earlier walks have finished. The walk has its own stack, because a chain of aliases has no limit.
func (b *batch) aliasCycle(from Key, walked map[Key]walk) (on Key, found bool) {
	if walked[from] == done {
		return Key{}, false
	}
	type step struct {
		group   Key
		targets []Key
	}
	walked[from] = onPath
	path := []step{{from, b.aliasTargets(from)}}
	for len(path) > 0 {
		last := &path[len(path)-1]
		if len(last.targets) == 0 {
			walked[last.group] = done
			path = path[:len(path)-1]
			continue
		}
		target := last.targets[0]
		last.targets = last.targets[1:]
		switch walked[target] {
		case onPath:
			on, found = target, true
		case unseen:
			walked[target] = onPath
			path = append(path, step{target, b.aliasTargets(target)})
		}
	}
	return on, found
}

// aliasTargets returns the groups of the zone at which the members of a group point.
func (b *batch) aliasTargets(group Key) []Key {
	var targets []Key
	for _, s := range b.content.Group(group.Name, group.Type) {
		if s.AliasTarget != nil && s.AliasTarget.HostedZoneID == b.zone.ID {
			targets = append(targets, Key{Name: s.AliasTarget.DNSName, Type: s.Type})
		}
	}
	return targets
}
