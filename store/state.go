package store

import (
	"iter"
	"slices"
	"strings"

	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/zone"
	"github.com/tidwall/btree"
)

// A State is an immutable picture of everything stored. It never shows half of a change. What its methods return is
// shared: read only.
type State struct {
	revision  int64
	cluster   uint64                                 // the etcd cluster that revision counts in; 0 before the first
	zones     *btree.Map[string, *zoneEntry]         // by id
	names     *btree.Map[string, string]             // reversed name, comma, id -> id
	checks    *btree.Map[string, *checkEntry]        // by id
	reports   *btree.Map[string, *health.Vote]       // by check, slash, checker
	balancers *btree.Map[string, *zone.LoadBalancer] // by name
	targets   *btree.Map[string, targetEntry]        // by load balancer, slash, node
	verdicts  map[string]bool                        // by check, from the snapshot
	doubted   health.Doubt                           // whose reports do not count; see health.Contact

	cidrs       *btree.Map[string, *cidrEntry]     // by id
	delegations *btree.Map[string, *DelegationSet] // by id
	uses        *btree.Map[string, int64]          // kind, slash, id -> etcd revision of the last that came to use it
	tags        *btree.Map[string, *tagsEntry]     // resource type, slash, id
}

// A zoneEntry is a hosted zone with its content. It never changes once its State is published.
type zoneEntry struct {
	zone    *zone.HostedZone // nil while only parts of the zone are known
	rev     int64            // etcd revision of the last change of the zone
	records *zone.Records
}

// A checkEntry is a health check with the etcd revision that wrote it.
type checkEntry struct {
	check health.Check
	rev   int64
}

// A targetEntry is a load balancer's health with the etcd revision that wrote it; 0 for this node's own word.
type targetEntry struct {
	healthy bool
	rev     int64
}

func newState() *State {
	return &State{
		zones:     &btree.Map[string, *zoneEntry]{},
		names:     &btree.Map[string, string]{},
		checks:    &btree.Map[string, *checkEntry]{},
		reports:   &btree.Map[string, *health.Vote]{},
		balancers: &btree.Map[string, *zone.LoadBalancer]{},
		targets:   &btree.Map[string, targetEntry]{},

		cidrs:       &btree.Map[string, *cidrEntry]{},
		delegations: &btree.Map[string, *DelegationSet]{},
		uses:        &btree.Map[string, int64]{},
		tags:        &btree.Map[string, *tagsEntry]{},
	}
}

// copy returns a State that can be changed without touching st. It costs the same however much there is. Only one copy
// may be made at a time.
func (st *State) copy() *State {
	next := *st
	next.zones = st.zones.Copy()
	next.names = st.names.Copy()
	next.checks = st.checks.Copy()
	next.reports = st.reports.Copy()
	next.balancers = st.balancers.Copy()
	next.targets = st.targets.Copy()
	next.cidrs = st.cidrs.Copy()
	next.delegations = st.delegations.Copy()
	next.uses = st.uses.Copy()
	next.tags = st.tags.Copy()
	return &next
}

// Revision is the etcd revision up to which State contains everything.
func (st *State) Revision() int64 { return st.revision }

// ZoneCount is the number of hosted zones.
func (st *State) ZoneCount() int { return st.names.Len() }

// Zone returns a hosted zone by id.
func (st *State) Zone(id string) (zone.HostedZone, bool) {
	if e, ok := st.zones.Get(id); ok && e.zone != nil {
		return *e.zone, true
	}
	return zone.HostedZone{}, false
}

// Zones yields the hosted zones by id.
func (st *State) Zones() iter.Seq[zone.HostedZone] {
	return func(yield func(zone.HostedZone) bool) {
		st.zones.Scan(func(_ string, e *zoneEntry) bool { return e.zone == nil || yield(*e.zone) })
	}
}

// ZonesByName yields the hosted zones by name in Route 53's order, those of one name by id. r53: C.7.
func (st *State) ZonesByName() iter.Seq[zone.HostedZone] {
	return func(yield func(zone.HostedZone) bool) {
		st.names.Scan(func(_, id string) bool {
			z, _ := st.Zone(id)
			return yield(z)
		})
	}
}

// Records returns the content of a hosted zone: empty for one that does not exist, never nil. It must not be written
// to.
func (st *State) Records(zoneID string) *zone.Records {
	if e, ok := st.zones.Get(zoneID); ok {
		return e.records
	}
	return zone.NewRecords()
}

// CheckCount is the number of health checks.
func (st *State) CheckCount() int { return st.checks.Len() }

// Check returns a health check by id.
func (st *State) Check(id string) (health.Check, bool) {
	if e, ok := st.checks.Get(id); ok {
		return e.check, true
	}
	return health.Check{}, false
}

// Checks yields the health checks by id.
func (st *State) Checks() iter.Seq[health.Check] {
	return func(yield func(health.Check) bool) {
		st.checks.Scan(func(_ string, e *checkEntry) bool { return yield(e.check) })
	}
}

// Votes returns every report on a check whose lease has not ended, by checker, and what is in doubt of it.
func (st *State) Votes(checkID string) (votes []health.Vote, doubt health.Doubt) {
	ascend(st.reports, checkID+"/", func(_ string, v *health.Vote) { votes = append(votes, *v) })
	return votes, st.doubted
}

// Reports returns the reports that count for a check's verdict, by checker: those of its live, assigned checkers
// (health.Voters). It is nil when there is none. While etcd has not answered for the time of a lease, only this node's
// own checkers are known to be live.
func (st *State) Reports(checkID string) []health.Report {
	check, _ := st.Check(checkID)
	votes, doubt := st.Votes(checkID)
	return health.Voters(check.Config, votes, doubt)
}

// Verdict returns the measured verdict that the last snapshot recorded for a check, for the time until a checker
// reports; ok is false when it recorded none.
func (st *State) Verdict(checkID string) (healthy, ok bool) {
	healthy, ok = st.verdicts[checkID]
	return healthy, ok
}

// LoadBalancers yields the known load balancers by name.
func (st *State) LoadBalancers() iter.Seq[zone.LoadBalancer] {
	return func(yield func(zone.LoadBalancer) bool) {
		st.balancers.Scan(func(_ string, lb *zone.LoadBalancer) bool { return yield(*lb) })
	}
}

// LoadBalancer returns a load balancer by its name, or by its name with "dualstack." before it. r53: A.9.
func (st *State) LoadBalancer(n zone.Name) (zone.LoadBalancer, bool) {
	if lb, ok := st.balancers.Get(string(balancerName(n))); ok {
		return *lb, true
	}
	return zone.LoadBalancer{}, false
}

// TargetHealth returns a load balancer's health as published under its owner's lease: true when nobody publishes it,
// and when several do, true if one of them finds it healthy. While etcd has not answered for the time of a lease, this
// node's own word decides, and without one the last word stands.
func (st *State) TargetHealth(n zone.Name) bool {
	var live, last []bool
	ascend(st.targets, string(balancerName(n))+"/", func(_ string, t targetEntry) {
		last = append(last, t.healthy)
		if st.doubted.Counts(t.rev) {
			live = append(live, t.healthy)
		}
	})
	if len(live) > 0 {
		last = live
	}
	return len(last) == 0 || slices.Contains(last, true)
}

func balancerName(n zone.Name) zone.Name {
	return zone.Name(strings.TrimPrefix(string(n), "dualstack."))
}

// facts are what the validation of a batch asks.
func (st *State) facts(o Options) zone.Facts {
	return zone.Facts{
		HealthCheckExists: func(id string) bool {
			_, ok := st.checks.Get(id)
			return ok
		},
		ServiceTarget: func(hostedZoneID string, n zone.Name) (exists, knownZone bool) {
			if lb, ok := st.LoadBalancer(n); ok {
				return lb.HostedZoneID == hostedZoneID, true
			}
			// A resource that the engine does not know is resolved by name; whether it exists cannot be told here.
			return zone.InAliasZone(hostedZoneID, n), zone.IsAliasZone(hostedZoneID)
		},
		CIDRLocation: func(id, name string) (collection, location bool) {
			c, collection := st.CIDRCollection(id)
			_, location = c.Locations[name]
			return collection, location
		},
		OwnRegion: o.OwnRegion,
		Limits:    o.Limits,
	}
}

// ascend calls f for every entry whose key has the prefix, in order.
func ascend[V any](m *btree.Map[string, V], prefix string, f func(key string, v V)) {
	m.Ascend(prefix, func(key string, v V) bool {
		if !strings.HasPrefix(key, prefix) {
			return false
		}
		f(key, v)
		return true
	})
}
