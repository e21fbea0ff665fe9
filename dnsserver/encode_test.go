package dnsserver

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"github.com/bulkhead-dns/bulkhead/steer"
	"github.com/bulkhead-dns/bulkhead/wire"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// rrset encodes records, given in presentation form, without their owners.
func rrset(t testing.TB, records ...string) steer.RRs {
	t.Helper()
	var set steer.RRs
	for _, s := range records {
		rr, err := dns.NewRR(". " + s)
		if err != nil {
			t.Fatalf("record %q: %v", s, err)
		}
		b := make([]byte, dns.Len(rr)+1)
		end, err := dns.PackRR(rr, b, 0, nil, false)
		if err != nil {
			t.Fatalf("record %q: %v", s, err)
		}
		set.Wire = append(set.Wire, b[1:end]...) // the owner is the root, one byte
		set.Count++
	}
	return set
}

// addresses are n A records of 16 bytes in a message.
func addresses(t testing.TB, n int) steer.RRs {
	t.Helper()
	var records []string
	for i := range n {
		records = append(records, fmt.Sprintf("60 IN A 192.0.%d.%d", i/256, i%256))
	}
	return rrset(t, records...)
}

// encoded is the reply to query when a was decided, as miekg/dns reads it.
func encoded(t *testing.T, query *dns.Msg, a steer.Answer, by transport) (*dns.Msg, *turn) {
	t.Helper()
	tn := newTurn()
	buf := append(make([]byte, 0, wire.MaxMessage), pack(t, query)...)
	if wire.Parse(buf, &tn.query) != wire.Accept {
		t.Fatalf("the query is rejected with rcode %d", tn.query.RCode)
	}
	limit := wire.MaxMessage
	if by == udp {
		limit = tn.query.UDPLimit()
	}
	tn.reply.Begin(&tn.query, buf, limit)
	tn.ask.Name, tn.ask.Type = tn.query.Name(), zone.RRType(tn.query.Type)
	_, tn.ask.ECS = tn.query.Subnet.Prefix()
	tn.answer = a
	reply := tn.encode(by)
	if len(reply) > limit {
		t.Fatalf("%d bytes, limit %d", len(reply), limit)
	}
	m := new(dns.Msg)
	if err := m.Unpack(reply); err != nil {
		t.Fatalf("miekg/dns cannot read the reply %x: %v", reply, err)
	}
	return m, &tn
}

// render is a message as one text: codes and flags, then a line for each record.
func render(m *dns.Msg) string {
	var b strings.Builder
	b.WriteString(rcodeText(m))
	if m.Authoritative {
		b.WriteString(" aa")
	}
	if m.Truncated {
		b.WriteString(" tc")
	}
	for i, section := range [][]dns.RR{m.Answer, m.Ns, m.Extra} {
		for _, rr := range section {
			if rr.Header().Rrtype != dns.TypeOPT {
				fmt.Fprintf(&b, "\n%s: %s", [...]string{"answer", "authority", "additional"}[i],
					strings.Join(strings.Fields(rr.String()), " "))
			}
		}
	}
	return b.String()
}

// rcodeText is the reply's code; of the two names of 16 the one that a server without TSIG means.
func rcodeText(m *dns.Msg) string {
	if m.Rcode == dns.RcodeBadVers {
		return "BADVERS"
	}
	return dns.RcodeToString[m.Rcode]
}

func ask(name string, rrtype uint16) *dns.Msg { return new(dns.Msg).SetQuestion(name, rrtype) }

func TestEncodeOutcomes(t *testing.T) {
	const apex, sub = len("\x07example\x03com\x00"), len("\x03sub\x07example\x03com\x00")
	ns := rrset(t, "172800 IN NS ns-1.awsdns-00.com.")
	soa := rrset(t, "900 IN SOA ns-1.awsdns-00.com. awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400")
	cname := steer.Link{RRs: rrset(t, "300 IN CNAME app2.example.com.")}
	const (
		nsLine  = "\nauthority: example.com. 172800 IN NS ns-1.awsdns-00.com."
		soaLine = "\nauthority: example.com. 900 IN SOA ns-1.awsdns-00.com. awsdns-hostmaster.amazon.com. 1 7200 900 " +
			"1209600 86400"
	)
	tests := []struct {
		name   string
		rule   string
		query  *dns.Msg
		answer steer.Answer
		want   string
	}{
		{"not our zone", "r53: A.12 REFUSED", ask("example.org.", dns.TypeA), steer.Answer{Outcome: steer.Refused},
			"REFUSED"},
		{"alias loop", "r53: A.9 SERVFAIL", ask("app1.example.com.", dns.TypeA),
			steer.Answer{Outcome: steer.ServFail, N: 1, Links: [steer.MaxLinks]steer.Link{cname}}, "SERVFAIL"},
		{"one member", "r53: A.12 zone NS set in authority", ask("app1.example.com.", dns.TypeA),
			steer.Answer{Outcome: steer.Answered, N: 1, ZoneNameLen: apex, NS: ns,
				Links: [steer.MaxLinks]steer.Link{{RRs: rrset(t, "60 IN A 192.0.2.1", "60 IN A 192.0.2.2"), Start: 1}}},
			"NOERROR aa\nanswer: app1.example.com. 60 IN A 192.0.2.2\nanswer: app1.example.com. 60 IN A 192.0.2.1" + nsLine},
		{"the zone's NS set itself is not repeated", "RFC 2181 5.5", ask("example.com.", dns.TypeNS),
			steer.Answer{Outcome: steer.Answered, N: 1, ZoneNameLen: apex, Links: [steer.MaxLinks]steer.Link{{RRs: ns}}},
			"NOERROR aa\nanswer: example.com. 172800 IN NS ns-1.awsdns-00.com."},
		{"multivalue with the lowest TTL", "r53: A.8 one TTL for an RRset", ask("app1.example.com.", dns.TypeA),
			steer.Answer{Outcome: steer.Answered, N: 2, ZoneNameLen: apex, NS: ns, OverrideTTL: true, TTL: 30,
				Links: [steer.MaxLinks]steer.Link{{RRs: rrset(t, "60 IN A 192.0.2.1")}, {RRs: rrset(t, "30 IN A 192.0.2.2")}}},
			"NOERROR aa\nanswer: app1.example.com. 30 IN A 192.0.2.1\nanswer: app1.example.com. 30 IN A 192.0.2.2" + nsLine},
		{"CNAME and multivalue behind it", "r53: A.12 CNAME chasing", ask("www.example.com.", dns.TypeA),
			steer.Answer{Outcome: steer.Answered, N: 3, ZoneNameLen: apex, NS: ns, OverrideTTL: true, TTL: 30,
				Links: [steer.MaxLinks]steer.Link{cname, {RRs: rrset(t, "60 IN A 192.0.2.1"), AfterCNAME: true},
					{RRs: rrset(t, "30 IN A 192.0.2.2")}}},
			"NOERROR aa\nanswer: www.example.com. 300 IN CNAME app2.example.com.\nanswer: app2.example.com. 30 IN A 192.0.2.1" +
				"\nanswer: app2.example.com. 30 IN A 192.0.2.2" + nsLine},
		{"CNAME to elsewhere", "r53: A.12 CNAME chasing", ask("www.example.com.", dns.TypeA),
			steer.Answer{Outcome: steer.Answered, N: 1, ZoneNameLen: apex, NS: ns,
				Links: [steer.MaxLinks]steer.Link{{RRs: rrset(t, "300 IN CNAME example.net.")}}},
			"NOERROR aa\nanswer: www.example.com. 300 IN CNAME example.net." + nsLine},
		{"no such type", "r53: A.12 NODATA", ask("app1.example.com.", dns.TypeMX),
			steer.Answer{Outcome: steer.NoData, ZoneNameLen: apex, SOA: soa}, "NOERROR aa" + soaLine},
		{"no such name", "r53: A.12 NXDOMAIN", ask("nope.example.com.", dns.TypeA),
			steer.Answer{Outcome: steer.NXDomain, ZoneNameLen: apex, SOA: soa}, "NXDOMAIN aa" + soaLine},
		{"no such name behind a CNAME", "RFC 2308 2.1: the SOA is of the target's zone", ask("www.example.org.", dns.TypeA),
			steer.Answer{Outcome: steer.NXDomain, N: 1, ZoneNameLen: apex, SOA: soa, Links: [steer.MaxLinks]steer.Link{cname}},
			"NXDOMAIN aa\nanswer: www.example.org. 300 IN CNAME app2.example.com." + soaLine},
		{"delegation with glue", "r53: A.12 referral, AA=0", ask("a.b.sub.example.com.", dns.TypeA),
			steer.Answer{Outcome: steer.Referral, ZoneNameLen: apex, DelegationNameLen: sub,
				Delegation: rrset(t, "300 IN NS ns1.sub.example.com.", "300 IN NS ns.example.net."),
				Glue: []steer.GlueRR{
					{Owner: []byte("\x03ns1\x03sub\x07example\x03com\x00"), RRs: rrset(t, "300 IN A 192.0.2.53")},
					{Owner: []byte("\x03ns1\x03sub\x07example\x03com\x00"), RRs: rrset(t, "300 IN AAAA 2001:db8::53")},
				}},
			"NOERROR\nauthority: sub.example.com. 300 IN NS ns1.sub.example.com.\nauthority: sub.example.com. 300 IN NS " +
				"ns.example.net." +
				"\nadditional: ns1.sub.example.com. 300 IN A 192.0.2.53\nadditional: ns1.sub.example.com. 300 IN AAAA " +
				"2001:db8::53"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, _ := encoded(t, tt.query, tt.answer, udp)
			if diff := cmp.Diff(tt.want, render(m)); diff != "" {
				t.Errorf("%s:\n%s", tt.rule, diff)
			}
		})
	}
}

// RFC 1034 section 3.7.1: an answer to class ANY is never authoritative.
func TestEncodeClassANYIsNotAuthoritative(t *testing.T) {
	q := ask("app1.example.com.", dns.TypeA)
	q.Question[0].Qclass = dns.ClassANY
	m, _ := encoded(t, q, steer.Answer{Outcome: steer.Answered, N: 1,
		Links: [steer.MaxLinks]steer.Link{{RRs: addresses(t, 1)}}}, udp)
	if want := "NOERROR\nanswer: app1.example.com. 60 IN A 192.0.0.0"; render(m) != want {
		t.Errorf("reply %s, want %s", render(m), want)
	}
}

// r53: A.12 "512 bytes; with EDNS up to 4096; then TC=1 and TCP"; RFC 2181 section 9.
func TestEncodeTruncation(t *testing.T) {
	const apex = len("\x07example\x03com\x00")
	ns := rrset(t, "172800 IN NS ns-1.awsdns-00.com.", "172800 IN NS ns-512.awsdns-00.net.")
	answered := func(n int) steer.Answer {
		return steer.Answer{Outcome: steer.Answered, N: 1, ZoneNameLen: apex, NS: ns,
			Links: [steer.MaxLinks]steer.Link{{RRs: addresses(t, n)}}}
	}
	split := func(n, m int) steer.Answer {
		a := answered(n)
		a.N, a.Links[1].RRs = 2, addresses(t, m)
		return a
	}
	edns := func(size uint16) *dns.Msg { return ask("app1.example.com.", dns.TypeA).SetEdns0(size, false) }
	plain := ask("app1.example.com.", dns.TypeA)
	glue := func(n int) steer.Answer {
		a := steer.Answer{Outcome: steer.Referral, DelegationNameLen: apex,
			Delegation: rrset(t, "300 IN NS ns1.example.com.")}
		for range n {
			a.Glue = append(a.Glue, steer.GlueRR{Owner: []byte("\x03ns1\x07example\x03com\x00"), RRs: addresses(t, 20)})
		}
		return a
	}
	type shape struct {
		TC                            bool
		Rcode, Answer, Authority, Add int
	}
	tests := []struct {
		name   string
		query  *dns.Msg
		answer steer.Answer
		by     transport
		want   shape
	}{
		{"all of it fits", plain, answered(20), udp, shape{Answer: 20, Authority: 2}},
		{"the NS set gives way first", plain, answered(29), udp, shape{Answer: 29}},
		{"one address too many", plain, answered(30), udp, shape{TC: true}},
		{"the limit is for all members together", plain, split(20, 10), udp, shape{TC: true}},
		{"as much as the client takes", edns(1232), answered(74), udp, shape{Answer: 74, Add: 1}},
		{"more than the client takes", edns(1232), answered(75), udp, shape{TC: true, Add: 1}},
		{"4096 at most", edns(65535), answered(253), udp, shape{Answer: 253, Add: 1}},
		{"more than 4096", edns(65535), answered(254), udp, shape{TC: true, Add: 1}},
		{"over TCP", plain, answered(400), tcp, shape{Answer: 400, Authority: 2}},
		{"all that a message can hold", plain, answered(4093), tcp, shape{Answer: 4093}},
		{"more than a message can hold", plain, answered(4094), tcp, shape{Rcode: dns.RcodeServerFailure}},
		{"negative answer without room for the SOA", plain, steer.Answer{Outcome: steer.NXDomain, ZoneNameLen: apex,
			SOA: addresses(t, 30)}, udp,
			shape{TC: true, Rcode: dns.RcodeNameError}},
		{"all glue fits", plain, glue(1), udp, shape{Authority: 1, Add: 20}},
		{"glue that is left out needs TCP (RFC 9471 section 3.1)", plain, glue(2), udp,
			shape{TC: true, Authority: 1, Add: 20}},
		{"no room for the delegation", plain, steer.Answer{Outcome: steer.Referral, DelegationNameLen: apex,
			Delegation: addresses(t, 30)}, udp, shape{TC: true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, tn := encoded(t, tt.query, tt.answer, tt.by)
			got := shape{m.Truncated, m.Rcode, len(m.Answer), len(m.Ns), len(m.Extra)}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
			if counted := tn.tally[truncated] == 1; counted != tt.want.TC {
				t.Errorf("counted as truncated: %v", counted)
			}
		})
	}
}
