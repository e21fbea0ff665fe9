package conformance

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/bulkhead-dns/bulkhead/steer"
)

// A reply is what a case can say something about, from a decision or from a message.
type reply struct {
	rcode                         string
	aa                            bool
	answer, authority, additional []record
	scope                         int
}

type record struct {
	owner, rrtype, value string // names as miekg/dns writes them, owners in lower case
	ttl                  uint32
}

func (r record) String() string { return r.rrtype + " " + r.value }

func recordOf(rr dns.RR) record {
	h := rr.Header()
	return record{strings.ToLower(h.Name), dns.TypeToString[h.Rrtype],
		strings.Join(strings.Fields(strings.TrimPrefix(rr.String(), h.String())), " "), h.Ttl}
}

// A decider asks the decision function one query. It remembers what records it has read: most of many draws are alike.
type decider struct {
	t     *testing.T
	view  *steer.View
	table *steer.Table
	ask   steer.Query
	read  map[string][]record
}

func newDecider(t *testing.T, view *steer.View, table *steer.Table, q Query) *decider {
	t.Helper()
	d := &decider{t: t, view: view, table: table, read: map[string][]record{}}
	source := netip.MustParseAddr(client(q))
	d.ask = steer.Query{Name: name(t, q.Name).AppendWire(nil), Type: rrtype(t, q.Type),
		Client: netip.PrefixFrom(source, source.BitLen())}
	if q.ECS != "" {
		d.ask.Client, d.ask.ECS = netip.MustParsePrefix(q.ECS), true
	}
	return d
}

func (d *decider) decide(rand uint64) reply {
	ask := &d.ask
	ask.Rand = rand
	var a steer.Answer
	steer.Decide(d.view, d.table, ask, &a)

	r := reply{rcode: "NOERROR", aa: true, answer: d.answerSection(ask.Name, &a)}
	apex := ask.Name // of the zone that the authority section is about
	if n := len(r.answer); n > 0 && r.answer[n-1].rrtype == "CNAME" && a.N > 0 && a.Outcome != steer.Answered {
		apex = a.Links[a.N-1].RRs.Wire[10:] // the CNAME's target
	}
	switch a.Outcome {
	case steer.Answered:
		r.authority = d.unpack(ask.Name[len(ask.Name)-a.ZoneNameLen:], a.NS)
	case steer.NoData, steer.NXDomain:
		if a.Outcome == steer.NXDomain {
			r.rcode = "NXDOMAIN"
		}
		r.authority = d.unpack(apex[len(apex)-a.ZoneNameLen:], a.SOA)
	case steer.Referral:
		r.aa = false
		r.authority = d.unpack(ask.Name[len(ask.Name)-a.DelegationNameLen:], a.Delegation)
		for _, g := range a.Glue {
			r.additional = append(r.additional, d.unpack(g.Owner, g.RRs)...)
		}
	default:
		r.rcode, r.aa = a.Outcome.String(), false
	}
	if a.Located && ask.ECS {
		r.scope = min(a.Scope, ask.Client.Bits()) // as it is capped on the wire
	}
	return r
}

// answerSection lays the links of a decision out as records.
func (d *decider) answerSection(owner []byte, a *steer.Answer) []record {
	var out []record
	last := 0 // the first record of the last owner
	for i, l := range a.Links[:a.N] {
		if l.AfterCNAME {
			owner, last = a.Links[i-1].RRs.Wire[10:], len(out)
		}
		rrs := d.unpack(owner, l.RRs)
		out = append(out, slices.Concat(rrs[l.Start:], rrs[:l.Start])...)
	}
	if a.OverrideTTL {
		for i := last; i < len(out); i++ {
			out[i].ttl = a.TTL
		}
	}
	return out
}

// unpack reads encoded records by way of miekg/dns, which knows nothing of how they were encoded.
func (d *decider) unpack(owner []byte, rrs steer.RRs) []record {
	key := string(owner) + string(rrs.Wire)
	if out, ok := d.read[key]; ok {
		return slices.Clone(out)
	}
	var out []record
	for rest := rrs.Wire; len(rest) > 0; {
		length := 10 + int(rest[8])<<8 + int(rest[9])
		rr, _, err := dns.UnpackRR(slices.Concat(owner, rest[:length]), 0)
		if err != nil {
			d.t.Fatalf("records of %q cannot be read: %v", owner, err)
		}
		out, rest = append(out, recordOf(rr)), rest[length:]
	}
	d.read[key] = out
	return slices.Clone(out)
}

func client(q Query) string {
	if q.Client == "" {
		return "127.0.0.1"
	}
	return q.Client
}

// exchange asks the server and returns the reply with its TC flag.
func exchange(t *testing.T, network string, server netip.AddrPort, q Query) (r reply, truncated bool) {
	t.Helper()
	m := new(dns.Msg)
	m.Id, m.Question = dns.Id(), []dns.Question{{Name: dns.Fqdn(q.Name), Qtype: uint16(rrtype(t, q.Type)),
		Qclass: dns.ClassINET}}
	if q.ECS != "" || q.BufferSize > 0 {
		m.SetEdns0(max(q.BufferSize, 1232), false)
	}
	if q.ECS != "" {
		p := netip.MustParsePrefix(q.ECS)
		family := uint16(1)
		if p.Addr().Is6() {
			family = 2
		}
		m.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_SUBNET{Code: dns.EDNS0SUBNET, Family: family,
			SourceNetmask: uint8(p.Bits()),
			Address:       p.Addr().AsSlice()}}
	}
	from := net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(client(q)), 0))
	dialer := &net.Dialer{LocalAddr: from, Timeout: time.Minute}
	if network == "udp" {
		dialer.LocalAddr = net.UDPAddrFromAddrPort(from.AddrPort())
	}
	c := &dns.Client{Net: network, Timeout: time.Minute, Dialer: dialer, UDPSize: dns.MaxMsgSize}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	reply, _, err := c.ExchangeContext(ctx, m, server.String())
	if err != nil {
		t.Fatalf("%s %s over %s: %v", q.Name, q.Type, network, err)
	}
	return replyOf(reply), reply.Truncated
}

func replyOf(m *dns.Msg) reply {
	r := reply{rcode: dns.RcodeToString[m.Rcode], aa: m.Authoritative}
	for _, section := range []struct {
		from []dns.RR
		to   *[]record
	}{{m.Answer, &r.answer}, {m.Ns, &r.authority}, {m.Extra, &r.additional}} {
		for _, rr := range section.from {
			if rr.Header().Rrtype != dns.TypeOPT {
				*section.to = append(*section.to, recordOf(rr))
			}
		}
	}
	if opt := m.IsEdns0(); opt != nil {
		for _, o := range opt.Option {
			if subnet, ok := o.(*dns.EDNS0_SUBNET); ok {
				r.scope = int(subnet.SourceScope)
			}
		}
	}
	return r
}
