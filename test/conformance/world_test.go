package conformance

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bulkhead-dns/bulkhead/geo"
	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/steer"
	"github.com/bulkhead-dns/bulkhead/validation"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// The hosted zone that the cases are about.
const (
	zoneName = "example.com."
	zoneID   = "Z0000000000EXAMPLE"
)

// A world is a case built: the content of its zones, and the verdicts.
type world struct {
	c        *Case
	zones    []zone.HostedZone // example.com first
	records  map[string]*zone.Records
	verdicts map[string]bool // by health check id
}

// build makes the zones by the rules of the API and sends the batches of the case.
func build(t *testing.T, c *Case) *world {
	t.Helper()
	w := &world{c: c, records: map[string]*zone.Records{}, verdicts: verdicts(t, c)}
	w.addZone(t, Zone{Name: zoneName, ID: zoneID, Zone: c.Zone})
	for _, z := range c.Zones {
		w.addZone(t, z)
	}
	for i, b := range c.Batches {
		w.send(t, i, b)
	}
	return w
}

func (w *world) addZone(t *testing.T, z Zone) {
	t.Helper()
	h := zone.HostedZone{ID: z.ID, Name: name(t, z.Name), CallerReference: z.ID,
		NameServers: []string{"ns-1.awsdns-00.com", "ns-512.awsdns-00.net", "ns-1024.awsdns-00.org",
			"ns-1536.awsdns-00.co.uk"}}
	records := zone.NewRecords()
	for _, s := range zone.NewApexRecords(h) {
		records.Put(s)
	}
	w.zones = append(w.zones, h)
	w.records[z.ID] = records
	if len(z.Zone) == 0 {
		return
	}
	changes := make([]zone.Change, len(z.Zone))
	for i, s := range z.Zone {
		set := recordSet(t, h, s)
		changes[i] = zone.Change{Action: zone.Create, ResourceRecordSet: set}
		if _, exists := records.Get(set.Key()); exists { // the apex NS and SOA
			changes[i].Action = zone.Upsert
		}
	}
	next, _, err := records.Apply(h, changes, w.facts())
	if err != nil {
		t.Fatalf("the zone %s is not one that the API accepts: %v", z.Name, err)
	}
	w.records[z.ID] = next
}

// send applies a batch to example.com and holds the outcome against what the case expects of it.
func (w *world) send(t *testing.T, i int, b Batch) {
	t.Helper()
	changes := make([]zone.Change, len(b.Changes))
	for j, c := range b.Changes {
		changes[j] = zone.Change{Action: zone.Action(c.Action), ResourceRecordSet: recordSet(t, w.zones[0],
			c.ResourceRecordSet)}
	}
	next, _, err := w.records[zoneID].Apply(w.zones[0], changes, w.facts())
	if got := code(err); got != b.Refused && (b.Refused != "any" || got == "") {
		t.Errorf("batch %d: got %q (%v), want %q; an empty code is acceptance", i+1, got, err, b.Refused)
	}
	if err == nil {
		w.records[zoneID] = next
		return
	}
	for _, m := range b.Messages {
		if !strings.Contains(err.Error(), m) {
			t.Errorf("batch %d: the error is\n%s\nwant it to say\n%s", i+1, err, m)
		}
	}
}

// code is Route 53's name of an error; empty when there is none.
func code(err error) string {
	var input *validation.InvalidInput
	var batch *zone.InvalidChangeBatch
	var check *zone.NoSuchHealthCheck
	switch {
	case err == nil:
		return ""
	case errors.As(err, &input):
		return "InvalidInput"
	case errors.As(err, &batch):
		return "InvalidChangeBatch"
	case errors.As(err, &check):
		return "NoSuchHealthCheck"
	}
	return err.Error()
}

func (w *world) facts() zone.Facts {
	return zone.Facts{
		HealthCheckExists: func(id string) bool {
			_, plain := w.c.Checks[id]
			_, derived := w.c.HealthChecks[id]
			return plain || derived
		},
		ServiceTarget: func(hostedZoneID string, n zone.Name) (exists, knownZone bool) {
			for _, lb := range w.c.LoadBalancers {
				plain := strings.TrimPrefix(string(n), "dualstack.")
				if lb.HostedZoneID == hostedZoneID && strings.TrimSuffix(plain, ".") == strings.TrimSuffix(lb.DNSName, ".") {
					exists = true
				}
			}
			_, other := zone.ServiceOf(hostedZoneID)
			return exists || other && zone.InAliasZone(hostedZoneID, n), zone.IsAliasZone(hostedZoneID)
		},
		CIDRLocation: func(collectionID, location string) (collection, loc bool) {
			locations, collection := w.c.CidrCollections[collectionID]
			_, loc = locations[location]
			return collection, loc
		},
	}
}

func name(t *testing.T, s string) zone.Name {
	t.Helper()
	n, err := zone.ParseName(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// rrtype reads a type; "ANY" is QTYPE 255.
func rrtype(t *testing.T, s string) zone.RRType {
	t.Helper()
	rrtype, ok := zone.ParseRRType(s)
	if s == "ANY" {
		rrtype, ok = 255, true
	}
	if !ok {
		t.Fatalf("%q is not a record type", s)
	}
	return rrtype
}

func recordSet(t *testing.T, z zone.HostedZone, s RecordSet) zone.ResourceRecordSet {
	t.Helper()
	set := zone.ResourceRecordSet{
		Name: name(t, s.Name), Type: rrtype(t, s.Type), SetIdentifier: s.SetIdentifier, Weight: s.Weight, Region: s.Region,
		Failover: zone.Failover(s.Failover), MultiValueAnswer: s.MultiValueAnswer, TTL: s.TTL,
		ResourceRecords: s.ResourceRecords,
		HealthCheckID:   s.HealthCheckID,
	}
	if a := s.AliasTarget; a != nil {
		id := a.HostedZoneID
		if id == "" {
			id = z.ID
		}
		set.AliasTarget = &zone.AliasTarget{HostedZoneID: id, DNSName: name(t, a.DNSName),
			EvaluateTargetHealth: a.EvaluateTargetHealth}
	}
	if l := s.GeoLocation; l != nil {
		set.GeoLocation = &zone.GeoLocation{ContinentCode: l.ContinentCode, CountryCode: l.CountryCode,
			SubdivisionCode: l.SubdivisionCode}
	}
	if l := s.GeoProximityLocation; l != nil {
		set.GeoProximityLocation = &zone.GeoProximityLocation{AWSRegion: l.AWSRegion, LocalZoneGroup: l.LocalZoneGroup,
			Bias: l.Bias}
		if c := l.Coordinates; c != nil {
			set.GeoProximityLocation.Coordinates = &zone.Coordinates{Latitude: c.Latitude, Longitude: c.Longitude}
		}
	}
	if l := s.CidrRoutingConfig; l != nil {
		set.CidrRoutingConfig = &zone.CidrRoutingConfig{CollectionID: l.CollectionID, LocationName: l.LocationName}
	}
	return set
}

// verdicts works out the verdict of every check of a case.
func verdicts(t *testing.T, c *Case) map[string]bool {
	t.Helper()
	known := map[string]bool{}
	for id, verdict := range c.Checks {
		if verdict != "deleted" {
			known[id] = verdict == "healthy"
		}
	}
	calculated := map[string]HealthCheck{}
	for id, h := range c.HealthChecks {
		if h.Type == string(health.Calculated) {
			calculated[id] = h
			continue
		}
		s, _ := health.Aggregate(config(h), reports(t, h), nil)
		known[id] = s.Healthy
	}
	parents := map[string]bool{}
	for id, h := range calculated { // no child is itself calculated: the API refuses it
		s := health.Calculate(config(h), func(child string) bool {
			healthy, ok := known[child]
			if !ok {
				t.Fatalf("check %s has the child %s, which is not a check of the case that has an endpoint", id, child)
			}
			return healthy
		})
		parents[id] = s.Healthy
	}
	maps.Copy(known, parents)
	return known
}

func config(h HealthCheck) health.Config {
	return health.Config{Type: health.Type(h.Type), Inverted: &h.Inverted, Disabled: &h.Disabled,
		HealthThreshold:   &h.HealthThreshold,
		ChildHealthChecks: h.ChildHealthChecks}
}

// reports are what the checkers of a check say: counted, or worked out from their probes.
func reports(t *testing.T, h HealthCheck) []health.Report {
	t.Helper()
	out := slices.Repeat([]health.Report{{Healthy: true}}, h.Healthy)
	out = append(out, make([]health.Report, h.Unhealthy)...)
	for _, probes := range h.Probes {
		m := health.NewMachine(h.FailureThreshold, true)
		for _, p := range probes {
			if p != "ok" && p != "fail" {
				t.Fatalf("probe %q is neither ok nor fail", p)
			}
			m.Observe(p == "ok", time.Time{})
		}
		out = append(out, health.Report{Healthy: m.Healthy()})
	}
	return out
}

// view compiles the world.
func (w *world) view(t *testing.T) (*steer.View, *steer.Table) {
	t.Helper()
	e := steer.NewView(w.atlas(t)).Edit()
	for _, z := range w.zones {
		e.PutZone(z)
		for s := range w.records[z.ID].From(zone.Key{}) {
			if err := e.SetGroup(z.ID, s.Name, s.Type, w.records[z.ID].Group(s.Name, s.Type)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, lb := range w.c.LoadBalancers {
		b := zone.LoadBalancer{DNSName: name(t, lb.DNSName), HostedZoneID: lb.HostedZoneID}
		for _, a := range lb.Addresses {
			b.Addresses = append(b.Addresses, netip.MustParseAddr(a))
		}
		if err := e.PutLoadBalancer(b); err != nil {
			t.Fatal(err)
		}
	}
	for id, locations := range w.c.CidrCollections {
		if err := e.PutCIDRCollection(id, blocks(t, locations)); err != nil {
			t.Fatal(err)
		}
	}
	v := e.Commit()
	var table *steer.Table
	for id, healthy := range w.verdicts {
		table = table.With(v.Check(id), healthy)
	}
	for _, lb := range w.c.LoadBalancers {
		table = table.With(v.TargetHealth(name(t, lb.DNSName)), !lb.Unhealthy)
	}
	return v, table
}

func blocks(t *testing.T, locations map[string]Cidrs) map[string][]netip.Prefix {
	t.Helper()
	out := map[string][]netip.Prefix{}
	for name, cidrs := range locations {
		for _, c := range cidrs {
			p, err := netip.ParsePrefix(c)
			if err != nil {
				t.Fatal(err)
			}
			out[name] = append(out[name], p)
		}
	}
	return out
}

func (w *world) atlas(t *testing.T) *geo.Atlas {
	t.Helper()
	var o geo.Options
	for _, p := range w.c.Places {
		place := geo.Place{Name: p.Name, Continent: p.Continent, Country: p.Country, Subdivision: p.Subdivision,
			Latencies: p.Latencies}
		if p.Latitude != nil && p.Longitude != nil {
			place.Coordinates = &geo.Coordinates{Latitude: *p.Latitude, Longitude: *p.Longitude}
		}
		for _, s := range p.ClientSubnets {
			place.ClientSubnets = append(place.ClientSubnets, netip.MustParsePrefix(s))
		}
		for _, s := range p.Sources {
			place.Sources = append(place.Sources, netip.MustParsePrefix(s))
		}
		o.Places = append(o.Places, place)
	}
	a, err := geo.New(o)
	if err != nil {
		t.Fatal(fmt.Errorf("places: %w", err))
	}
	return a
}
