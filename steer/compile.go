package steer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strings"

	"github.com/bulkhead-dns/bulkhead/zone"
)

// A group has the record sets of one name and type, compiled for answers. A group without members means that there is
// none.
type group struct {
	members []member // by SetIdentifier
	rrtype  zone.RRType
	policy  zone.Policy

	collection uint32 // only in IP-based routing: the label of the id of the CIDR collection
}

// A member is one record set. There can be millions of them, so a member has only 64 bytes.
type member struct {
	wire  []byte // resource records without owner; nil for an alias
	setID string
	alias *alias
	check CheckIndex
	// value is what the policy decides by: the weight, the geo.RegionID, the area, the number of the proximity, the label
	// of the CIDR location (0 for the default), or the failover role (0 PRIMARY, 1 SECONDARY).
	value uint32
	ttl   uint32
	count uint16 // records in wire
}

func (m *member) records() RRs { return RRs{Wire: m.wire, Count: int(m.count)} }

// An alias says where a member's records are. Every query looks the target up, because the target can change.
type alias struct {
	target   string // wire format
	hash     uint64 // of target
	zoneID   string // the canonical hosted zone id of a load balancer; empty for the member's own zone
	health   CheckIndex
	evaluate bool // EvaluateTargetHealth
}

// compile builds a group from its record sets.
func (e *Edit) compile(z *hostedZone, t zone.RRType, sets []*zone.ResourceRecordSet) (group, error) {
	g := group{rrtype: t}
	if len(sets) == 0 {
		return g, nil
	}
	g.policy = sets[0].Policy()
	if len(sets) > 1 && g.policy == zone.Simple {
		return g, errors.New("several simple record sets: more than one record set needs a routing policy")
	}
	if g.policy != zone.Simple && (t == zone.NS || t == zone.SOA) {
		return g, fmt.Errorf("%s routing of %s: only simple routing is possible", g.policy, t) // r53: A.1
	}
	if g.policy == zone.MultiValue && t == zone.CNAME { // r53: A.1
		return g, errors.New("multivalue routing of CNAME: a name has one canonical name")
	}
	if g.policy == zone.IPBased {
		g.collection = e.label(sets[0].CidrRoutingConfig.CollectionID)
	}
	g.members = make([]member, 0, len(sets))
	for _, s := range sets {
		if s.Policy() != g.policy {
			return g, fmt.Errorf("set %q is %s, others are %s: a group has one policy",
				s.SetIdentifier, s.Policy(), g.policy)
		}
		if c := s.CidrRoutingConfig; c != nil && c.CollectionID != sets[0].CidrRoutingConfig.CollectionID { // r53: A.8
			return g, fmt.Errorf("set %q goes by CIDR collection %s, others by %s: a group has one collection",
				s.SetIdentifier, c.CollectionID, sets[0].CidrRoutingConfig.CollectionID)
		}
		m, err := e.compileMember(z, t, s)
		if err != nil && s.SetIdentifier != "" {
			return g, fmt.Errorf("set %q: %w", s.SetIdentifier, err)
		} else if err != nil {
			return g, err
		}
		g.members = append(g.members, m)
	}
	slices.SortStableFunc(g.members, func(a, b member) int { return strings.Compare(a.setID, b.setID) })
	return g, nil
}

func (e *Edit) compileMember(z *hostedZone, t zone.RRType, s *zone.ResourceRecordSet) (member, error) {
	m := member{setID: s.SetIdentifier}
	var err error
	if m.value, err = e.compileValue(s); err != nil {
		return m, err
	}
	if s.HealthCheckID != "" {
		m.check = e.Check(s.HealthCheckID)
	}
	if s.AliasTarget != nil {
		if t == zone.NS || t == zone.SOA || s.MultiValueAnswer { // r53: A.1
			return m, fmt.Errorf("%s %s cannot be an alias", s.Policy(), t)
		}
		m.alias = e.compileAlias(z, s.AliasTarget)
		return m, nil
	}
	if s.TTL == nil || *s.TTL < 0 || *s.TTL > math.MaxInt32 {
		return m, errors.New("a record set that is no alias needs a TTL in 0..2147483647")
	}
	if len(s.ResourceRecords) == 0 || len(s.ResourceRecords) > math.MaxUint16 {
		return m, fmt.Errorf("%d values: a record set that is no alias needs 1 to %d",
			len(s.ResourceRecords), math.MaxUint16)
	}
	m.ttl, m.count = uint32(*s.TTL), uint16(len(s.ResourceRecords))
	m.wire, err = encode(t, m.ttl, s.ResourceRecords)
	return m, err
}

// compileValue checks the attribute that the policy decides by, and returns it as a member's value.
func (e *Edit) compileValue(s *zone.ResourceRecordSet) (uint32, error) {
	switch s.Policy() {
	case zone.Weighted:
		if *s.Weight < 0 || *s.Weight > 255 {
			return 0, fmt.Errorf("weight %d is not in 0..255", *s.Weight)
		}
		return uint32(*s.Weight), nil
	case zone.Latency:
		return uint32(e.v.atlas.Region(s.Region)), nil
	case zone.FailoverRouting:
		if s.Failover != zone.Primary {
			return 1, nil
		}
	case zone.Geolocation:
		at, err := compileArea(s.GeoLocation)
		return uint32(at), err
	case zone.Geoproximity:
		return e.compileProximity(s.GeoProximityLocation)
	case zone.IPBased:
		switch name := s.CidrRoutingConfig.LocationName; name {
		case "":
			return 0, fmt.Errorf("a CIDR location needs a name, %q for the default", zone.DefaultLocation)
		case zone.DefaultLocation: // 0
		default:
			return e.label(name), nil
		}
	}
	return 0, nil
}

func (e *Edit) compileAlias(z *hostedZone, to *zone.AliasTarget) *alias {
	a := &alias{target: string(to.DNSName.AppendWire(nil)), evaluate: to.EvaluateTargetHealth}
	a.hash = e.v.hashString(a.target)
	if to.HostedZoneID != z.id {
		a.zoneID = to.HostedZoneID
		a.health = e.TargetHealth(to.DNSName)
	}
	return a
}

// rrHeader is the length of type, class, TTL and RDLENGTH (RFC 1035 section 3.2.1).
const rrHeader = 10

// encode returns resource records in wire format, without their owner name.
func encode(t zone.RRType, ttl uint32, values []string) ([]byte, error) {
	var wire []byte
	for _, v := range values {
		start := len(wire)
		wire = appendHeader(wire, t, ttl)
		var err error
		if wire, err = zone.AppendRData(wire, t, v); err != nil {
			return nil, err
		}
		// A value has at most 4000 characters (r53: A.14), so its length always fits RDLENGTH.
		binary.BigEndian.PutUint16(wire[start+rrHeader-2:], uint16(len(wire)-start-rrHeader))
	}
	return slices.Clone(wire), nil // without the spare capacity of append
}

// appendHeader appends type, class IN, TTL and an RDLENGTH of 0, which the caller fills in.
func appendHeader(wire []byte, t zone.RRType, ttl uint32) []byte {
	wire = binary.BigEndian.AppendUint16(wire, uint16(t))
	wire = binary.BigEndian.AppendUint16(wire, 1)
	wire = binary.BigEndian.AppendUint32(wire, ttl)
	return binary.BigEndian.AppendUint16(wire, 0)
}

// rdata returns the RDATA of the first record.
func (r RRs) rdata() []byte { return r.Wire[rrHeader:][:binary.BigEndian.Uint16(r.Wire[rrHeader-2:])] }

// next returns the records after the first.
func (r RRs) next() RRs { return RRs{r.Wire[rrHeader+len(r.rdata()):], r.Count - 1} }

// negative returns an SOA record with the TTL of negative answers: the smaller of its TTL and its MINIMUM field, which
// is the last field of its RDATA (RFC 2308 section 3). r53: A.12.
func negative(soa RRs) RRs {
	if soa.Count == 0 {
		return soa
	}
	wire := slices.Clone(soa.Wire)
	minimum := binary.BigEndian.Uint32(wire[len(wire)-4:])
	binary.BigEndian.PutUint32(wire[4:], min(binary.BigEndian.Uint32(wire[4:]), minimum))
	return RRs{wire, soa.Count}
}

// loadBalancerTTL is the TTL of a load balancer's addresses and of the negative answers of its service zone. r53: A.9,
// A.13.
const loadBalancerTTL = 60

// addressGroups returns the A group and the AAAA group of a load balancer. Either may be without members.
func addressGroups(addrs []netip.Addr) ([2]group, error) {
	var a, aaaa member
	for _, addr := range addrs {
		if !addr.IsValid() || addr.Zone() != "" {
			return [2]group{}, fmt.Errorf("address %q: an IPv4 or IPv6 address without zone is needed", addr)
		}
		addr = addr.Unmap()
		m, t := &a, zone.A
		if addr.Is6() {
			m, t = &aaaa, zone.AAAA
		}
		m.ttl = loadBalancerTTL
		m.wire = appendHeader(m.wire, t, m.ttl)
		binary.BigEndian.PutUint16(m.wire[len(m.wire)-2:], uint16(addr.BitLen()/8))
		m.wire = append(m.wire, addr.AsSlice()...)
		m.count++
	}
	groups := [2]group{{rrtype: zone.A}, {rrtype: zone.AAAA}}
	if a.count > 0 {
		groups[0].members = []member{a}
	}
	if aaaa.count > 0 {
		groups[1].members = []member{aaaa}
	}
	return groups, nil
}

// serviceSOA returns the SOA of a service zone. Its MINIMUM is 60, as in the zones of ELB. r53: A.13.
func serviceSOA() (group, error) {
	value := fmt.Sprintf("ns-0.awsdns-00.com. awsdns-hostmaster.amazon.com. 1 7200 900 1209600 %d", loadBalancerTTL)
	wire, err := encode(zone.SOA, 900, []string{value})
	return group{members: []member{{wire: wire, ttl: 900, count: 1}}, rrtype: zone.SOA}, err
}
