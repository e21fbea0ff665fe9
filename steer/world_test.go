package steer_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/bulkhead-dns/bulkhead/geo"
	"github.com/bulkhead-dns/bulkhead/steer"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// A world is everything a decision depends on, as plain data.
type world struct {
	places    []geo.Place
	zones     []zone.HostedZone // in the order they were put
	records   map[string]*zone.Records
	balancers map[zone.Name]zone.LoadBalancer
	// collections of CIDR blocks by id and location
	collections map[string]map[string][]netip.Prefix

	unhealthy map[string]bool // health check ids and names of load balancers
	script    []string        // the commands that made it

	built *geo.Atlas // of so many places
	size  int
}

// String shows the world as a decision table has it.
func (w *world) String() string { return strings.Join(w.script, "\n") }

func newWorld() *world {
	return &world{records: map[string]*zone.Records{}, balancers: map[zone.Name]zone.LoadBalancer{},
		collections: map[string]map[string][]netip.Prefix{}, unhealthy: map[string]bool{}}
}

// addZone adds a zone with the SOA and NS sets of r53: A.13.
func (w *world) addZone(name, id string) {
	w.zones = append(w.zones, zone.HostedZone{ID: id, Name: zone.MustParseName(name)})
	w.records[id] = zone.NewRecords()
	w.records[id].Put(&zone.ResourceRecordSet{Name: zone.MustParseName(name), Type: zone.SOA, TTL: new(int64(900)),
		ResourceRecords: []string{"ns-1.awsdns-00.com. awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400"}})
	w.records[id].Put(&zone.ResourceRecordSet{Name: zone.MustParseName(name), Type: zone.NS, TTL: new(int64(172800)),
		ResourceRecords: []string{"ns-1.awsdns-00.com.", "ns-2.awsdns-00.net."}})
}

// zoneFor is the zone a record set of this name goes to: the longest that holds it.
func (w *world) zoneFor(n zone.Name) (zone.HostedZone, bool) {
	var best zone.HostedZone
	for _, z := range w.zones {
		if n.In(z.Name) && len(z.Name) > len(best.Name) {
			best = z
		}
	}
	return best, best.Name != ""
}

func (w *world) atlas(t testing.TB) *geo.Atlas {
	t.Helper()
	if w.built != nil && w.size == len(w.places) {
		return w.built
	}
	a, err := geo.New(geo.Options{Places: w.places})
	if err != nil {
		t.Fatal(err)
	}
	w.built, w.size = a, len(w.places)
	return a
}

// view compiles the world from nothing.
func (w *world) view(t testing.TB) *steer.View {
	t.Helper()
	e := steer.NewView(w.atlas(t)).Edit()
	for _, z := range w.zones {
		e.PutZone(z)
		for s := range w.records[z.ID].From(zone.Key{}) {
			setGroup(t, e, z.ID, s.Name, s.Type, w.records[z.ID])
		}
	}
	for _, lb := range w.balancers {
		if err := e.PutLoadBalancer(lb); err != nil {
			t.Fatal(err)
		}
	}
	for id, locations := range w.collections {
		if err := e.PutCIDRCollection(id, locations); err != nil {
			t.Fatal(err)
		}
	}
	return e.Commit()
}

func setGroup(t testing.TB, e *steer.Edit, zoneID string, n zone.Name, rrtype zone.RRType, records *zone.Records) {
	t.Helper()
	if err := e.SetGroup(zoneID, n, rrtype, records.Group(n, rrtype)); err != nil {
		t.Fatal(err)
	}
}

func (w *world) table(v *steer.View) *steer.Table {
	var t *steer.Table
	for subject := range w.unhealthy {
		i := v.Check(subject)
		if strings.HasSuffix(subject, ".") {
			i = v.TargetHealth(zone.Name(subject))
		}
		t = t.With(i, false)
	}
	return t
}

// An rr is one record of an answer.
type rr struct {
	owner zone.Name
	ttl   uint32
	typ   zone.RRType
	value string
}

func (r rr) String() string { return fmt.Sprintf("%s %d %s %s", r.owner, r.ttl, r.typ, r.value) }

// decode turns encoded records into text by way of miekg/dns, which knows nothing of our encoder.
func decode(t testing.TB, owner []byte, rrs steer.RRs) []rr {
	t.Helper()
	var out []rr
	for rest := rrs.Wire; len(rest) > 0; {
		length := 10 + int(rest[8])<<8 + int(rest[9])
		msg := slices.Concat(owner, rest[:length])
		rest = rest[length:]
		r, end, err := dns.UnpackRR(msg, 0)
		if err != nil || end != len(msg) {
			t.Fatalf("records of %q cannot be read: %v", owner, err)
		}
		h := r.Header()
		value := strings.TrimPrefix(r.String(), h.String())
		if h.Rrtype == dns.TypeCNAME || h.Rrtype == dns.TypeNS {
			value = string(zone.MustParseName(value)) // "*" as \052
		}
		out = append(out, rr{nameOf(t, owner), h.Ttl, zone.RRType(h.Rrtype), value})
	}
	if len(out) != rrs.Count {
		t.Fatalf("Count is %d, %d records are encoded", rrs.Count, len(out))
	}
	return out
}

func nameOf(t testing.TB, wire []byte) zone.Name {
	t.Helper()
	n, _, err := zone.NameFromWire(wire)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// answerOf returns the answer section as it would be sent.
func answerOf(t testing.TB, q *steer.Query, a *steer.Answer) []rr {
	t.Helper()
	var out []rr
	owner, lastOwner := q.Name, 0
	for i, l := range a.Links[:a.N] {
		if l.AfterCNAME {
			cname := a.Links[i-1].RRs.Wire
			owner, lastOwner = cname[10:], len(out)
		}
		rrs := decode(t, owner, l.RRs)
		if l.Start < 0 || l.Start >= len(rrs) {
			t.Fatalf("link %d begins with record %d of %d", i, l.Start, len(rrs))
		}
		out = append(out, slices.Concat(rrs[l.Start:], rrs[:l.Start])...)
	}
	if a.OverrideTTL {
		for i := lastOwner; i < len(out); i++ {
			out[i].ttl = a.TTL
		}
	}
	return out
}

// ask decides and explains, and fails when the two differ.
func ask(t testing.TB, v *steer.View, table *steer.Table, q *steer.Query) (*steer.Answer, *steer.Trace) {
	t.Helper()
	var a, b steer.Answer
	steer.Decide(v, table, q, &a)
	trace := steer.Explain(v, table, q, &b)
	got, want := fmt.Sprintf("%+v", b), fmt.Sprintf("%+v", a)
	if got != want {
		t.Fatalf("Explain gives another answer than Decide:\n%s\n%s", got, want)
	}
	return &a, trace
}

// command changes the world as one line of a decision table says; see testdata/README.md.
func (w *world) command(line string) error {
	w.script = append(w.script, line)
	line, attributes, _ := strings.Cut(line, ";")
	f := strings.Fields(line)
	options := strings.Fields(attributes)
	need := map[string]int{"zone": 3, "place": 2, "record": 5, "alias": 4, "remove": 3, "balancer": 3, "blocks": 3,
		"unhealthy": 2, "healthy": 2}[f[0]]
	if need == 0 || len(f) < need {
		return fmt.Errorf("not a command, or too short: %q", line)
	}
	switch f[0] {
	case "zone":
		w.addZone(f[1], f[2])
	case "place":
		return w.addPlace(strings.Join(f[1:], " "), options)
	case "record", "alias":
		return w.addRecord(f, options)
	case "remove":
		n, err := zone.ParseName(f[1])
		rrtype, ok := zone.ParseRRType(f[2])
		z, found := w.zoneFor(n)
		if err != nil || !ok || !found {
			return fmt.Errorf("no such group: %q", line)
		}
		for _, s := range w.records[z.ID].Group(n, rrtype) {
			w.records[z.ID].Delete(s.Key())
		}
	case "balancer":
		lb := zone.LoadBalancer{DNSName: zone.MustParseName(f[1]), HostedZoneID: f[2]}
		for _, a := range f[3:] {
			lb.Addresses = append(lb.Addresses, netip.MustParseAddr(a))
		}
		w.balancers[lb.DNSName] = lb
	case "blocks":
		if w.collections[f[1]] == nil {
			w.collections[f[1]] = map[string][]netip.Prefix{}
		}
		for _, block := range f[3:] {
			w.collections[f[1]][f[2]] = append(w.collections[f[1]][f[2]], netip.MustParsePrefix(block))
		}
	case "unhealthy":
		for _, subject := range f[1:] {
			w.unhealthy[subject] = true
		}
	case "healthy":
		for _, subject := range f[1:] {
			delete(w.unhealthy, subject)
		}
	}
	return nil
}

func (w *world) addPlace(name string, options []string) error {
	p := geo.Place{Name: name, Latencies: map[string]float64{}}
	for _, o := range options {
		key, value, _ := strings.Cut(o, "=")
		switch key {
		case "region":
			p.Region = value
		case "subnet":
			p.ClientSubnets = append(p.ClientSubnets, netip.MustParsePrefix(value))
		case "country":
			p.Country, p.Subdivision, _ = strings.Cut(value, "-")
		case "continent":
			p.Continent = value
		case "at":
			latitude, longitude, ok := parseCoordinates(value).Degrees()
			if !ok {
				return fmt.Errorf("place %s: no coordinates: %s", name, value)
			}
			p.Coordinates = &geo.Coordinates{Latitude: latitude, Longitude: longitude}
		case "source":
			p.Sources = append(p.Sources, netip.MustParsePrefix(value))
		default: // a Region and its milliseconds
			ms, err := strconv.ParseFloat(value, 64)
			if err != nil {
				return fmt.Errorf("place %s: %w", name, err)
			}
			p.Latencies[key] = ms
		}
	}
	w.places = append(w.places, p)
	return nil
}

func (w *world) addRecord(f, options []string) error {
	n, err := zone.ParseName(f[1])
	if err != nil {
		return err
	}
	rrtype, ok := zone.ParseRRType(f[2])
	z, found := w.zoneFor(n)
	if !ok || !found {
		return fmt.Errorf("no such type, or no zone: %q", f)
	}
	for _, o := range options {
		if id, ok := strings.CutPrefix(o, "in="); ok {
			z.ID = id
		}
	}
	s := &zone.ResourceRecordSet{Name: n, Type: rrtype}
	if f[0] == "alias" {
		s.AliasTarget = &zone.AliasTarget{HostedZoneID: z.ID, DNSName: zone.MustParseName(f[3])}
	} else {
		ttl, err := strconv.ParseInt(f[3], 10, 64)
		if err != nil {
			return err
		}
		s.TTL, s.ResourceRecords = &ttl, f[4:]
		if rrtype == zone.MX || rrtype == zone.SOA {
			s.ResourceRecords = []string{strings.Join(f[4:], " ")}
		}
	}
	for _, o := range options {
		key, value, _ := strings.Cut(o, "=")
		switch key {
		case "in": // above
		case "id":
			s.SetIdentifier = value
		case "weight":
			weight, err := strconv.ParseInt(value, 10, 64)
			if err != nil {
				return err
			}
			s.Weight = &weight
		case "region":
			s.Region = value
		case "country":
			country, state, _ := strings.Cut(value, "-")
			s.GeoLocation = &zone.GeoLocation{CountryCode: country, SubdivisionCode: state}
		case "near":
			near(s).AWSRegion = value
		case "localzone":
			near(s).LocalZoneGroup = value
		case "at":
			near(s).Coordinates = parseCoordinates(value)
		case "bias":
			bias, err := strconv.ParseInt(value, 10, 64)
			if err != nil {
				return err
			}
			near(s).Bias = &bias
		case "cidr":
			collection, location, _ := strings.Cut(value, "/")
			s.CidrRoutingConfig = &zone.CidrRoutingConfig{CollectionID: collection, LocationName: location}
		case "continent":
			s.GeoLocation = &zone.GeoLocation{ContinentCode: value}
		case "primary":
			s.Failover = zone.Primary
		case "secondary":
			s.Failover = zone.Secondary
		case "multivalue":
			s.MultiValueAnswer = true
		case "check":
			s.HealthCheckID = value
		case "zone":
			s.AliasTarget.HostedZoneID = value
		case "eth":
			s.AliasTarget.EvaluateTargetHealth = true
		default:
			return fmt.Errorf("no such attribute: %q", o)
		}
	}
	w.records[z.ID].Put(s)
	return nil
}

func near(s *zone.ResourceRecordSet) *zone.GeoProximityLocation {
	if s.GeoProximityLocation == nil {
		s.GeoProximityLocation = &zone.GeoProximityLocation{}
	}
	return s.GeoProximityLocation
}

func parseCoordinates(text string) *zone.Coordinates {
	latitude, longitude, _ := strings.Cut(text, ",")
	return &zone.Coordinates{Latitude: latitude, Longitude: longitude}
}
