package plan

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/tagging"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// A world is a provider in memory: it executes plans call by call, by Route 53's rules.
type world struct {
	zones   []zone.HostedZone
	records map[string]*zone.Records
	checks  map[string]*Check
	used    map[string]bool   // caller references, for ever
	created map[string]string // id by key, of what the present execution created
	nextID  int

	foreign map[string]bool // ids of checks that are not ours
}

func newWorld(zones ...zone.HostedZone) *world {
	w := &world{zones: zones, records: make(map[string]*zone.Records), checks: make(map[string]*Check),
		used: make(map[string]bool), foreign: make(map[string]bool)}
	for _, z := range zones {
		w.records[z.ID] = zone.NewRecords()
	}
	return w
}

// clone returns a world that goes its own way.
func (w *world) clone() *world {
	c := &world{zones: w.zones, records: make(map[string]*zone.Records), checks: make(map[string]*Check),
		used: maps.Clone(w.used), nextID: w.nextID, foreign: maps.Clone(w.foreign)}
	for id, r := range w.records {
		c.records[id] = r.Copy()
	}
	for id, check := range w.checks {
		copied := *check
		c.checks[id] = &copied
	}
	return c
}

func (w *world) state() State {
	s := State{Zones: w.zones}
	for _, c := range w.checks {
		s.Checks = append(s.Checks, *c)
	}
	for id, records := range w.records {
		for set := range records.From(zone.Key{}) {
			s.Records = append(s.Records, Record{ZoneID: id, Set: *set})
		}
	}
	return s
}

// anyRules accept what an engine accepts.
func (w *world) rules() health.Rules {
	return health.Rules{MinRequestInterval: 1, AllowedAddresses: health.AnyAddress(),
		Child: func(id string) (health.Config, bool) {
			c, ok := w.checks[id]
			if !ok {
				return health.Config{}, false
			}
			return c.Config, true
		}}
}

// execute makes at most so many calls of a plan and reports whether that was all of it.
func (w *world) execute(t *testing.T, p Plan, calls int) (done bool) {
	t.Helper()
	w.created = make(map[string]string)
	for _, s := range p.Steps {
		for _, call := range w.calls(t, s) {
			if calls == 0 {
				return false
			}
			calls--
			call()
		}
	}
	return true
}

// calls returns the API calls of a step.
func (w *world) calls(t *testing.T, s Step) []func() {
	t.Helper()
	tag := func(id string) {
		tags, err := tagging.Apply(w.checks[id].Tags, s.Check.Tags, s.Check.Untag)
		if err != nil {
			t.Fatalf("tags of %s: %v", s.Check.Key, err)
		}
		w.checks[id].Tags = tags
		w.checks[id].Key = KeyOf(w.checks[id].CallerReference, tags)
	}
	switch s.Kind {
	case CreateCheck:
		return []func(){
			func() { w.create(t, s.Check) },
			func() { tag(w.created[s.Check.Key]) },
		}
	case TagCheck:
		return []func(){func() { tag(s.Check.ID) }}
	case UpdateCheck:
		return []func(){func() {
			c := w.checks[s.Check.ID]
			next, err := health.ApplyUpdate(c.Config, s.Check.Update(), w.rules())
			if err != nil {
				t.Fatalf("update of %s: %v", s.Check.Key, err)
			}
			if !sameEchoed(next, *s.Check.New) {
				t.Fatalf("update of %s leads to %+v, want %+v", s.Check.Key, next, *s.Check.New)
			}
			c.Config = next
		}}
	case DeleteCheck:
		return []func(){func() {
			for id, records := range w.records {
				for set := range records.From(zone.Key{}) {
					if set.HealthCheckID == s.Check.ID {
						t.Fatalf("check %s is deleted while %s of %s refers to it", s.Check.ID, Describe(set), id)
					}
				}
			}
			delete(w.checks, s.Check.ID)
		}}
	case ChangeRecords:
		return []func(){func() { w.change(t, s.Batch) }}
	}
	return nil
}

// create is idempotent by caller reference; one that a deleted check had is taken. r53: B.8.
func (w *world) create(t *testing.T, c *CheckChange) {
	t.Helper()
	config, err := health.Normalize(*c.New, w.rules())
	if err != nil {
		t.Fatalf("creation of %s: %v", c.Key, err)
	}
	_, generation, ok := parseReference(c.CallerReference)
	if !ok {
		t.Fatalf("creation of %s by reference %q", c.Key, c.CallerReference)
	}
	reference := c.CallerReference
	for w.used[reference] {
		for _, there := range w.checks {
			if there.CallerReference == reference {
				t.Fatalf("reference %s is that of the existing check %s", reference, there.ID)
			}
		}
		generation++
		reference = CallerReference(c.Key, generation)
	}
	w.used[reference] = true
	w.nextID++
	id := fmt.Sprintf("%08d-0000-4000-8000-000000000000", w.nextID)
	w.created[c.Key] = id
	w.checks[id] = &Check{ID: id, Config: config, CallerReference: reference}
}

func (w *world) change(t *testing.T, b *Batch) {
	t.Helper()
	z := w.zones[slices.IndexFunc(w.zones, func(z zone.HostedZone) bool { return z.ID == b.ZoneID })]
	changes := make([]zone.Change, len(b.Changes))
	for i, c := range b.Changes {
		if c.CheckKey != "" {
			c.Set.HealthCheckID = w.created[c.CheckKey]
		}
		changes[i] = zone.Change{Action: c.Action, ResourceRecordSet: c.Set}
	}
	if err := inListOrder(z.ID, w.records[z.ID], changes); err != nil {
		t.Fatalf("batch of %s in list order: %v", z.Name, err)
	}
	facts := zone.Facts{
		HealthCheckExists: func(id string) bool { return w.checks[id] != nil },
		ServiceTarget:     func(string, zone.Name) (bool, bool) { return true, true },
	}
	next, _, err := w.records[b.ZoneID].Apply(z, changes, facts)
	if err != nil {
		t.Fatalf("batch of %s: %v", z.Name, err)
	}
	w.records[b.ZoneID] = next
}

// The zones and applications of the tests.

func exampleZone() zone.HostedZone { return zone.HostedZone{ID: "ZEXAMPLE", Name: "example.com."} }
func otherZone() zone.HostedZone   { return zone.HostedZone{ID: "ZOTHER", Name: "example.org."} }

func httpCheck(host, path string) health.Config {
	return health.Config{Type: health.HTTP, FullyQualifiedDomainName: host, ResourcePath: path}
}

func lb(region string) string { return "demoalb." + region + ".elb.amazonaws.com" }

// latency returns what a policy with latency routing wants.
func latency(policy, host string, regions ...string) State {
	s := State{Zones: []zone.HostedZone{exampleZone()}}
	for _, region := range regions {
		key := policy + "/" + region
		s.Checks = append(s.Checks, Check{Key: key, Config: httpCheck(lb(region), "/health")})
		s.Records = append(s.Records, Record{ZoneID: "ZEXAMPLE", CheckKey: key, Set: zone.ResourceRecordSet{
			Name: zone.MustParseName(host), Type: zone.A, SetIdentifier: region, Region: region,
			AliasTarget: &zone.AliasTarget{HostedZoneID: "ZLB", DNSName: zone.MustParseName(lb(region))},
		}})
	}
	return s
}

// both joins what several policies want.
func both(states ...State) State {
	s := State{Zones: []zone.HostedZone{exampleZone()}}
	for _, other := range states {
		s.Checks = append(s.Checks, other.Checks...)
		s.Records = append(s.Records, other.Records...)
	}
	return s
}

// build returns a world in which the wanted state is.
func build(t *testing.T, desired State) *world {
	t.Helper()
	w := newWorld(exampleZone(), otherZone())
	w.reach(t, desired, Guard{Force: true})
	return w
}

// reach executes the plan to a desired state.
func (w *world) reach(t *testing.T, desired State, guard Guard) Plan {
	t.Helper()
	p, err := Diff(w.state(), desired, guard)
	if err != nil {
		t.Fatal(err)
	}
	w.execute(t, p, -1)
	return p
}

// put makes record sets that are not ours.
func (w *world) put(sets ...zone.ResourceRecordSet) {
	for _, s := range sets {
		w.records["ZEXAMPLE"].Put(&s)
	}
}

func simple(name string, t zone.RRType, values ...string) zone.ResourceRecordSet {
	return zone.ResourceRecordSet{Name: zone.MustParseName(name), Type: t, TTL: new(int64(60)), ResourceRecords: values}
}

// check returns the id of the one existing check of a key.
func (w *world) check(t *testing.T, key string) string {
	t.Helper()
	var ids []string
	for id, c := range w.checks {
		if c.Key == key {
			ids = append(ids, id)
		}
	}
	if len(ids) != 1 {
		t.Fatalf("%s has the checks %v, want one", key, ids)
	}
	return ids[0]
}
