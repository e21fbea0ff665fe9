package store

import (
	"github.com/bulkhead-dns/bulkhead/zone"
)

// A Change says what differs from the State before. Nothing is named twice.
type Change struct {
	Full   bool     // everything: read the whole State; the other fields are empty
	Zones  []string // ids of hosted zones created, changed or deleted
	Groups []Group  // whose record sets changed
	Checks []string // ids of health checks created, updated or deleted
	// Reports are the ids of checks of which a checker came, went or changed its mind. A report that only repeats itself
	// with a newer observation is in the State but not told.
	Reports       []string
	LoadBalancers []zone.Name // created, changed or deleted, or with another health
	// CIDRCollections are the ids of CIDR collections created, changed or deleted.
	CIDRCollections []string
	// Hints are the ids of checks that are to be probed now. They are told once and are no part of the State.
	Hints []string
}

// A Group names the record sets that share name and type in a zone.
type Group struct {
	ZoneID string
	Name   zone.Name
	Type   zone.RRType
}

// A pending change collects what OnChange has not been told yet.
type pending struct {
	full      bool
	zones     set[string]
	groups    set[Group]
	checks    set[string]
	reports   set[string]
	balancers set[zone.Name]
	cidrs     set[string]
	hints     set[string]
	// unsaved is set when the snapshot lacks something that OnChange need not hear of.
	unsaved bool
	// acknowledge is set when hosted zones or record sets changed in etcd: someone may wait to hear that this node has
	// applied it.
	acknowledge bool
}

// take returns the change so far and starts anew.
func (p *pending) take() (c Change, acknowledge, unsaved bool) {
	if p.full {
		c = Change{Full: true}
	} else {
		c = Change{
			Zones:         p.zones.order,
			Groups:        p.groups.order,
			Checks:        p.checks.order,
			Reports:       p.reports.order,
			LoadBalancers: p.balancers.order,

			CIDRCollections: p.cidrs.order,
		}
	}
	acknowledge, unsaved = p.acknowledge, p.unsaved || !c.empty()
	if !p.full { // else the node may have been away for long: what was expected then has happened
		c.Hints = p.hints.order
	}
	*p = pending{}
	return c, acknowledge, unsaved
}

func (c Change) empty() bool {
	return !c.Full && len(c.Zones)+len(c.Groups)+len(c.Checks)+len(c.Reports)+len(c.LoadBalancers)+
		len(c.CIDRCollections)+len(c.Hints) == 0
}

// A set keeps the order in which its elements came.
type set[T comparable] struct {
	order []T
	has   map[T]bool
}

func (s *set[T]) add(v T) {
	if s.has[v] {
		return
	}
	if s.has == nil {
		s.has = map[T]bool{}
	}
	s.has[v] = true
	s.order = append(s.order, v)
}

// take removes the first n elements and returns them.
func (s *set[T]) take(n int) []T {
	n = min(n, len(s.order))
	taken := s.order[:n:n]
	s.order = s.order[n:]
	for _, v := range taken {
		delete(s.has, v)
	}
	return taken
}
