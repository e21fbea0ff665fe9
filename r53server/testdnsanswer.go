package r53server

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/bulkhead-dns/bulkhead/steer"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// testDNSAnswer returns what DNS would answer now, by the same decision. The reply has the answer section only. The
// header X-Bulkhead-Why, an extension, explains the decision. r53: C.2.
//
// Without resolverip the resolver is the client of this request. At AWS it is a resolver in us-east-1.
func (s *Server) testDNSAnswer(r *request) (reply, error) {
	q, err := s.decodeTestQuery(r)
	if err != nil {
		return reply{}, err
	}
	z, err := findZone(s.store.State(), q.zoneID)
	if err != nil {
		return reply{}, err
	}
	if z.PrivateZone {
		return reply{}, invalidInput("Hosted zone %s is private. Only answers of public hosted zones can be tested.", z.ID)
	}
	if !q.name.In(z.Name) {
		return reply{}, invalidInput("recordname '%s' is not in hosted zone %s.", q.name, z.Name)
	}
	if s.answer == nil {
		return reply{}, serviceUnavailable("This engine answers no DNS queries.")
	}
	view, table := s.answer()
	if view == nil {
		return reply{}, serviceUnavailable("This engine does not answer DNS queries yet. Try again.")
	}
	q.decide.Name, q.decide.Rand = q.name.AppendWire(nil), rand.Uint64()
	var a steer.Answer
	trace := steer.Explain(view, table, &q.decide, &a)
	if a.ZoneID != z.ID {
		return reply{}, invalidInput("DNS answers '%s' from hosted zone %s, which matches more labels of the name or is "+
			"older.",
			q.name, a.ZoneID)
	}
	values, err := answerValues(&a)
	if err != nil {
		return reply{}, fmt.Errorf("answer for %s %s: %w", q.name, q.decide.Type, err)
	}
	why, err := whyHeader(trace)
	if err != nil {
		return reply{}, err
	}
	return reply{why: why, body: testDNSAnswerReply{
		Nameserver: z.NameServers[0], RecordName: r.query.Get("recordname"), RecordType: q.decide.Type.String(),
		RecordData: recordData{values}, ResponseCode: responseCode(a.Outcome), Protocol: "UDP",
	}}, nil
}

// maxWhy is the longest header in bytes. Clients accept 8 KiB or more.
const maxWhy = 6 << 10

// whyHeader returns a trace as one line of JSON in ASCII. A trace that is too long keeps the picked members only.
func whyHeader(t *steer.Trace) (string, error) {
	text, err := json.Marshal(t)
	if err == nil && len(text) > maxWhy {
		short := *t
		short.Steps = slices.Clone(t.Steps)
		for i, step := range short.Steps {
			short.Steps[i].Members = slices.DeleteFunc(slices.Clone(step.Members),
				func(m steer.Member) bool { return !m.Picked })
		}
		text, err = json.Marshal(short)
	}
	if err != nil {
		return "", fmt.Errorf("explain a DNS answer: %w", err)
	}
	var b strings.Builder
	for _, r := range string(text) {
		if r < 0x80 {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, `\u%04x`, min(r, 0xffff)) // names are ASCII: this is for labels of places
		}
	}
	return b.String(), nil
}

// A testQuery is the query that TestDNSAnswer asks.
type testQuery struct {
	zoneID string
	name   zone.Name
	decide steer.Query
}

func (s *Server) decodeTestQuery(r *request) (q testQuery, err error) {
	for _, parameter := range []string{"hostedzoneid", "recordname", "recordtype"} {
		if r.query.Get(parameter) == "" {
			return q, invalidInput("%s is required.", parameter)
		}
	}
	q.zoneID = bareID(r.query.Get("hostedzoneid"))
	if q.name, err = zone.ParseName(r.query.Get("recordname")); err != nil {
		return q, invalidInput("%v", err)
	}
	kind := r.query.Get("recordtype")
	t, ok := zone.ParseRRType(kind)
	if !ok {
		return q, notInValueSet(kind, "RecordType", recordTypes()...)
	}
	resolver := r.client
	if ip := r.query.Get("resolverip"); ip != "" {
		if resolver, err = parseAddr("resolverip", ip); err != nil {
			return q, err
		}
	}
	q.decide.Type, q.decide.Client = t, netip.PrefixFrom(resolver, resolver.BitLen())
	ip, mask := r.query.Get("edns0clientsubnetip"), r.query.Get("edns0clientsubnetmask")
	if ip == "" {
		if mask != "" {
			return q, invalidInput("edns0clientsubnetmask is accepted together with edns0clientsubnetip only.")
		}
		return q, nil
	}
	subnet, err := clientSubnet(ip, mask)
	if err != nil {
		return q, err
	}
	if subnet.Bits() > 0 { // an empty subnet has no address, so the resolver counts (RFC 7871 section 7.1.2)
		q.decide.Client, q.decide.ECS = subnet, true
	}
	return q, nil
}

// clientSubnet reads an EDNS Client Subnet. The default mask is 24 for IPv4 and 64 for IPv6. r53: C.2.
func clientSubnet(ip, mask string) (netip.Prefix, error) {
	addr, err := parseAddr("edns0clientsubnetip", ip)
	if err != nil {
		return netip.Prefix{}, err
	}
	bits, most := 24, 32
	if addr.Is6() {
		bits, most = 64, 128
	}
	if mask != "" {
		if bits, err = strconv.Atoi(mask); err != nil || bits < 0 || bits > most {
			return netip.Prefix{}, invalidInput("edns0clientsubnetmask '%s' is not a number from 0 to %d.", clip(mask), most)
		}
	}
	return addr.Prefix(bits)
}

func parseAddr(parameter, s string) (netip.Addr, error) {
	addr, err := netip.ParseAddr(s)
	if err != nil || addr.Zone() != "" {
		return netip.Addr{}, invalidInput("%s '%s' is not an IPv4 or IPv6 address.", parameter, clip(s))
	}
	return addr.Unmap(), nil
}

// answerValues prints the answer section. Each record set starts with the record that rotation put first.
func answerValues(a *steer.Answer) ([]string, error) {
	var values []string
	for _, link := range a.Links[:a.N] {
		var records []string
		for rest := link.RRs.Wire; len(rest) > 0; {
			t, rdata, after, err := cutRecord(rest)
			if err != nil {
				return nil, err
			}
			value, err := printRData(t, rdata)
			if err != nil {
				return nil, err
			}
			records, rest = append(records, value), after
		}
		values = slices.Concat(values, records[link.Start:], records[:link.Start])
	}
	return values, nil
}

// cutRecord splits off the first record: type, class, TTL, RDLENGTH, RDATA (RFC 1035 section 3.2.1).
func cutRecord(wire []byte) (t zone.RRType, rdata, rest []byte, err error) {
	p := rdataPrinter{rest: wire}
	t = zone.RRType(binary.BigEndian.Uint16(p.bytes(2)))
	p.bytes(6)
	rdata = p.bytes(int(binary.BigEndian.Uint16(p.bytes(2))))
	if p.short {
		return 0, nil, nil, fmt.Errorf("a record of type %s is incomplete", t)
	}
	return t, rdata, p.rest, nil
}

func responseCode(o steer.Outcome) string {
	switch o {
	case steer.Answered, steer.NoData, steer.Referral:
		return "NOERROR"
	}
	return o.String() // as DNS spells it
}

type testDNSAnswerReply struct {
	Nameserver   string
	RecordName   string
	RecordType   string
	RecordData   recordData
	ResponseCode string
	Protocol     string
}

type recordData struct{ RecordDataEntry []string }
