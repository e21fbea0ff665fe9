package plan

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/bulkhead-dns/bulkhead/tagging"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// TagRouting is the tag of a check that says which routing its record sets should have while they cannot have it yet.
//
// Route 53 takes some changes of a group for all members at once only: the routing policy, the TTL of weighted members,
// two members that swap roles or locations. A plan that is limited to its own Regions may change no other member by
// itself. So each says what it asks for in this tag, of the check that its record set cites, and keeps its routing.
// When what all ask for goes together, the plan of one of those that wait changes all of them in one batch, each to
// what it asks for, with its target and its check: the one with the lowest Region. A member without the tag asks for
// what it has.
const TagRouting = "bulkhead.dev/routing"

// routingText returns what TagRouting says for a record set; empty for routing that Bulkhead does not make.
func routingText(s *zone.ResourceRecordSet) string {
	text := ""
	switch s.Policy() {
	case zone.Weighted:
		text = "weighted " + strconv.FormatInt(*s.Weight, 10)
	case zone.Latency:
		text = "latency " + s.Region
	case zone.FailoverRouting:
		text = "failover " + string(s.Failover)
	case zone.MultiValue:
		text = "multivalue"
	case zone.Geolocation:
		text = "geolocation"
		l := s.GeoLocation
		for _, f := range []field{{"continent", l.ContinentCode}, {"country", l.CountryCode},
			{"subdivision", l.SubdivisionCode}} {
			if f.value == "*" {
				f.value = "default" // a tag must not have an asterisk
			}
			if f.value != "" {
				text += " " + f.name + " " + f.value
			}
		}
	default:
		return ""
	}
	if s.TTL != nil {
		text += " ttl " + strconv.FormatInt(*s.TTL, 10)
	}
	return text
}

// routed returns a record set with the routing that TagRouting says; ok is false when that says nothing. The TTL is
// that of the tag where the record set has one.
func parseRouting(set zone.ResourceRecordSet, text string) (_ zone.ResourceRecordSet, ok bool) {
	words := strings.Fields(text)
	if len(words) == 0 {
		return set, false
	}
	policy, said := words[0], make(map[string]string)
	if words = words[1:]; len(words)%2 == 1 {
		said[policy], words = words[0], words[1:]
	}
	for pair := range slices.Chunk(words, 2) {
		said[pair[0]] = pair[1]
	}
	set.Weight, set.Region, set.Failover, set.MultiValueAnswer, set.GeoLocation = nil, "", "", false, nil
	set.GeoProximityLocation, set.CidrRoutingConfig = nil, nil
	switch policy {
	case "weighted":
		weight, err := strconv.ParseInt(said[policy], 10, 64)
		if err != nil {
			return set, false
		}
		set.Weight = &weight
	case "latency":
		set.Region = said[policy]
	case "failover":
		set.Failover = zone.Failover(said[policy])
	case "multivalue":
		set.MultiValueAnswer = true
	case "geolocation":
		country := said["country"]
		if country == "default" {
			country = "*"
		}
		set.GeoLocation = &zone.GeoLocation{ContinentCode: said["continent"], CountryCode: country,
			SubdivisionCode: said["subdivision"]}
	}
	if text := said["ttl"]; text != "" && set.TTL != nil {
		ttl, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return set, false
		}
		set.TTL = &ttl
	}
	return set, routingText(&set) != "" // what is no routing policy is simple routing now
}

// withRouting returns a record set with the routing of another one of its group, which stays for the time being. A
// weight is its own: it does not have to agree with others.
func withRouting(set zone.ResourceRecordSet, from *zone.ResourceRecordSet) zone.ResourceRecordSet {
	if set.Policy() != zone.Weighted || from.Policy() != zone.Weighted {
		set.Weight, set.Region, set.Failover, set.MultiValueAnswer = from.Weight, from.Region, from.Failover,
			from.MultiValueAnswer
		set.GeoLocation, set.GeoProximityLocation, set.CidrRoutingConfig = from.GeoLocation, from.GeoProximityLocation,
			from.CidrRoutingConfig
	}
	if from.Policy() == zone.Weighted && set.TTL != nil && from.TTL != nil {
		set.TTL = from.TTL
	}
	return set
}

// impossible reports routing that a record set cannot have: no alias is a multivalue answer. r53: A.1.
func impossible(set *zone.ResourceRecordSet) bool {
	return set.MultiValueAnswer && set.AliasTarget != nil
}

// withTTL returns a weighted record set with the TTL that those of other Regions have: it may have been an alias so
// far, without one.
func withTTL(set zone.ResourceRecordSet, peers []*peer) zone.ResourceRecordSet {
	for _, p := range peers {
		if other := &p.record.Set; set.Policy() == zone.Weighted && set.TTL != nil && other.Type == set.Type &&
			other.TTL != nil {
			set.TTL = other.TTL
		}
	}
	return set
}

// A peer is a record set of ours in another Region, as it is and as its own cluster asks for it.
type peer struct {
	record *Record
	region string
	asked  zone.ResourceRecordSet
}

// waits reports whether a peer asks for routing that it cannot have alone.
func (p *peer) asksForChange() bool { return !inPlace(&p.record.Set, &p.asked) }

// A nameRouting is what the plan decides about the routing at a name.
type nameRouting struct {
	own   map[zone.Key]zone.ResourceRecordSet // wanted record sets that differ from what is wanted, for the time being
	stay  map[zone.Key]bool                   // those that cannot even have their target yet, and are as they are
	peers map[zone.Key]zone.ResourceRecordSet // record sets of other Regions, as all have agreed
}

// settleRouting decides for every name whether its record sets get the wanted routing. It runs before checks are
// matched, because their tags say which routing is asked for.
func (d *differ) settleRouting(places []*nameDiff) {
	for _, at := range places {
		for _, w := range at.want {
			for _, c := range d.byKey[w.CheckKey] {
				if tagged(c.Tags, TagRouting) != "" {
					d.routingAsked[w.CheckKey] = routingText(&w.Set)
				}
			}
		}
		if peers := d.peers(at); len(peers) > 0 {
			d.settleRoutingOf(at, peers)
		}
	}
}

// peers returns the record sets of ours at a name that belong to other Regions.
func (d *differ) peers(at *nameDiff) (peers []*peer) {
	if len(d.guard.Regions) == 0 {
		return nil
	}
	for _, r := range at.here {
		key := d.owner(r)
		if key == "" || d.guard.covers(RegionOf(key)) {
			continue
		}
		p := &peer{r, RegionOf(key), r.Set}
		if asked, ok := parseRouting(r.Set, tagged(d.byID[r.Set.HealthCheckID].Tags, TagRouting)); ok && !impossible(&asked) {
			p.asked = asked
		}
		peers = append(peers, p)
	}
	return peers
}

// settleRoutingOf decides about the routing of one name.
func (d *differ) settleRoutingOf(at *nameDiff, peers []*peer) {
	own := make(map[zone.Key]*zone.ResourceRecordSet) // what stands where something is wanted
	var any *zone.ResourceRecordSet
	for _, r := range at.here {
		if d.mayTouch(r) {
			own[r.Set.Key()] = &r.Set
			any = &r.Set
		}
	}
	changes, joins := false, true
	for _, w := range at.want {
		old := own[w.Set.Key()]
		changes = changes || old != nil && !inPlace(old, &w.Set)
		joins = joins && any == nil
	}
	clash := func(side func(*peer) *zone.ResourceRecordSet) (regions []string) {
		for i, p := range peers {
			set := side(p)
			bad := slices.ContainsFunc(at.want,
				func(w *Record) bool { return w.Set.Type == set.Type && zone.Conflict(&w.Set, set) != "" }) ||
				slices.ContainsFunc(peers[:i],
					func(o *peer) bool { return side(o).Type == set.Type && zone.Conflict(side(o), set) != "" })
			if bad {
				regions = append(regions, p.region)
			}
		}
		slices.Sort(regions)
		return slices.Compact(regions)
	}
	alone := clash(func(p *peer) *zone.ResourceRecordSet { return &p.record.Set }) == nil
	others := slices.ContainsFunc(peers, (*peer).asksForChange)
	if alone && !(changes && (others || d.guard.KeepRouting)) {
		return
	}
	missing := clash(func(p *peer) *zone.ResourceRecordSet { return &p.asked })
	leader := d.leader(at, peers)
	switch {
	case missing == nil && others && !d.guard.KeepRouting && (d.guard.Lead || d.guard.covers(leader)):
		at.routing.peers = make(map[zone.Key]zone.ResourceRecordSet)
		for _, p := range peers {
			if p.asksForChange() {
				at.routing.peers[p.record.Set.Key()] = p.asked
			}
		}
		return
	case alone && !d.guard.KeepRouting:
		return
	}
	d.waitForRouting(at, peers, missing, leader, joins)
	at.routing.own, at.routing.stay = make(map[zone.Key]zone.ResourceRecordSet), make(map[zone.Key]bool)
	for _, w := range at.want {
		if w.CheckKey == "" {
			continue
		}
		d.routingAsked[w.CheckKey], d.routingTagged[w.CheckKey] = routingText(&w.Set), true
		old := own[w.Set.Key()]
		if old == nil {
			old = any
		}
		if old != nil {
			set := withTTL(withRouting(w.Set, old), peers)
			at.routing.own[w.Set.Key()], at.routing.stay[w.Set.Key()] = set, impossible(&set)
		}
	}
}

// leader returns the Region that makes the change of a group: the lowest of those that wait for it.
func (d *differ) leader(at *nameDiff, peers []*peer) string {
	var regions []string
	for _, w := range at.want {
		regions = append(regions, w.Set.SetIdentifier)
	}
	for _, p := range peers {
		if p.asksForChange() {
			regions = append(regions, p.region)
		}
	}
	return slices.Min(regions)
}

// waitForRouting reports which Regions the routing at a name waits for. A Region without a record set there cannot join
// until then.
func (d *differ) waitForRouting(at *nameDiff, peers []*peer, missing []string, leader string, joins bool) {
	f := Finding{Kind: RoutingWaits, Policy: at.policy, Object: string(at.Name), Regions: missing}
	asked := make(map[string]string)
	for _, p := range peers {
		f.Checks = append(f.Checks, p.record.Set.HealthCheckID)
		asked[p.region] = routingText(&p.asked)
	}
	switch {
	case len(missing) > 0:
		said := make([]string, len(missing))
		for i, region := range missing {
			said[i] = fmt.Sprintf("%s asks for %s", region, orNone(asked[region]))
		}
		f.Text = fmt.Sprintf("its routing is to become %s, which all Regions can only change together, and not all ask for "+
			"the same yet: %s. It stays as it is until they do", orNone(routingText(&at.want[0].Set)), strings.Join(said, ", "))
	case d.guard.KeepRouting:
		f.Text = fmt.Sprintf("its routing is to become %s, after which some clients would have no answer. It stays as it "+
			"is until another Region asks to answer them", orNone(routingText(&at.want[0].Set)))
	default:
		f.Regions, f.Agreed = []string{leader}, true
		f.Text = fmt.Sprintf("its routing is to become %s, all Regions ask for the same, and %s changes all record sets "+
			"in one batch",
			orNone(routingText(&at.want[0].Set)), leader)
	}
	if joins {
		f.Text += ". This Region's record set is made then"
		d.refuseAs(f)
		return
	}
	d.plan.Reports = append(d.plan.Reports, f)
}

// addRoutingTag adds TagRouting to the tags of a check, where it is needed.
func (d *differ) addRoutingTag(key string, tags []tagging.Tag, c *Check) []tagging.Tag {
	text := d.routingAsked[key]
	if text == "" || !d.routingTagged[key] && (c == nil || tagged(c.Tags, TagRouting) == "") {
		return tags
	}
	tags = slices.DeleteFunc(tags, func(t tagging.Tag) bool { return t.Key == TagRouting })
	return append(tags, tagging.Tag{Key: TagRouting, Value: text})
}

// tagCitedChecks plans TagRouting for the checks that record sets cite while their replacement is not healthy.
func (d *differ) tagCitedChecks() (steps []Step) {
	for _, key := range slices.Sorted(maps.Keys(d.routingTagged)) {
		for _, c := range d.byKey[key] {
			if d.ownRefs[c.ID] > 0 && d.bound[key] != c.ID && tagged(c.Tags, TagRouting) != d.routingAsked[key] {
				steps = append(steps, Step{Kind: TagCheck,
					Check: &CheckChange{Key: key, ID: c.ID, CallerReference: c.CallerReference,
						Tags: []tagging.Tag{{Key: TagRouting, Value: d.routingAsked[key]}}, Why: "says what routing is asked for"}})
			}
		}
	}
	return steps
}

// matchPeer plans for a record set of another Region what all have agreed on.
func (d *differ) matchPeer(at *nameDiff, r *Record) {
	set, agreed := at.routing.peers[r.Set.Key()]
	if !agreed {
		at.keep(r)
		return
	}
	at.after = append(at.after, member{set: &set})
	at.changes = append(at.changes, RecordChange{Action: zone.Delete, Policy: at.policy, Set: r.Set,
		Dangling: d.dangling(r)},
		RecordChange{Action: zone.Create, Policy: at.policy, Set: set})
}
