package wire

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"
)

// rrset encodes records, given in presentation form, as steer hands them over: without their owners.
func rrset(t testing.TB, records ...string) RRs {
	t.Helper()
	var set RRs
	for _, s := range records {
		rr, err := dns.NewRR(s)
		if err != nil {
			t.Fatalf("record %q: %v", s, err)
		}
		b := make([]byte, dns.Len(rr)+1)
		end, err := dns.PackRR(rr, b, 0, nil, false)
		if err != nil {
			t.Fatalf("record %q: %v", s, err)
		}
		set.Wire = append(set.Wire, b[nameLen(b):end]...)
		set.Count++
	}
	return set
}

// begin parses pkt and begins a reply of at most limit bytes to it.
func begin(t testing.TB, pkt []byte, limit int) (*Query, *Reply) {
	t.Helper()
	buf := append(make([]byte, 0, MaxMessage), pkt...)
	q, r := new(Query), new(Reply)
	if Parse(buf, q) == Drop {
		t.Fatal("the query was dropped")
	}
	r.Begin(q, buf, limit)
	return q, r
}

// unpack reads a reply with miekg/dns.
func unpack(t testing.TB, b []byte) *dns.Msg {
	t.Helper()
	m := new(dns.Msg)
	if err := m.Unpack(b); err != nil {
		t.Fatalf("miekg/dns cannot read the reply %x: %v", b, err)
	}
	return m
}

// texts are records in presentation form with single blanks.
func texts(rrs []dns.RR) []string {
	var out []string
	for _, rr := range rrs {
		if rr.Header().Rrtype != dns.TypeOPT {
			out = append(out, strings.Join(strings.Fields(rr.String()), " "))
		}
	}
	return out
}

func TestReplyIsTheQuestionWithRecords(t *testing.T) {
	pkt := question(t, func(m *dns.Msg) { m.Question[0].Name = "aPP1.ExamplE.com." })
	q, r := begin(t, pkt, 512)
	zone := QName + Owner(len(q.Name())-len("\x07example\x03com\x00"))
	fits := r.Append(AnswerSection, QName, rrset(t, "x. 300 IN CNAME app2.example.com."), 0) &&
		r.Append(AnswerSection, r.LastRData(), rrset(t, "x. 60 IN A 192.0.2.1", "x. 60 IN A 192.0.2.2"), 0) &&
		r.Append(AuthoritySection, zone, rrset(t, "x. 172800 IN NS ns-1.awsdns-00.com.", "x. 172800 IN NS ns1.example.com."),
			0)
	if !fits {
		t.Fatal("the records do not fit")
	}
	glue, ok := r.FindRData([]byte("\x03ns1\x07example\x03com\x00"))
	if !ok || !r.Append(AdditionalSection, glue, rrset(t, "x. 60 IN AAAA 2001:db8::1"), 0) {
		t.Fatal("the glue's owner is not found in the NS set")
	}
	m := unpack(t, r.Finish(NoError, true, 0))

	// 0x20: the case of the question comes back, in owners too. r53: A.12
	want := []string{
		"aPP1.ExamplE.com. 300 IN CNAME app2.example.com.",
		"app2.example.com. 60 IN A 192.0.2.1",
		"app2.example.com. 60 IN A 192.0.2.2",
		"ExamplE.com. 172800 IN NS ns-1.awsdns-00.com.",
		"ExamplE.com. 172800 IN NS ns1.example.com.",
		"ns1.example.com. 60 IN AAAA 2001:db8::1",
	}
	if diff := cmp.Diff(want, append(append(texts(m.Answer), texts(m.Ns)...), texts(m.Extra)...)); diff != "" {
		t.Error(diff)
	}
	if len(m.Answer) != 3 || len(m.Ns) != 2 || len(m.Extra) != 1 {
		t.Errorf("%d answer, %d authority, %d additional records, want 3, 2, 1", len(m.Answer), len(m.Ns), len(m.Extra))
	}
	header := dns.MsgHdr{Id: 0x1234, Response: true, Authoritative: true, RecursionDesired: true}
	if diff := cmp.Diff(header, m.MsgHdr); diff != "" {
		t.Error(diff)
	}
	if got := m.Question[0]; got.Name != "aPP1.ExamplE.com." || got.Qtype != dns.TypeA || got.Qclass != dns.ClassINET {
		t.Errorf("question %v", got)
	}
}

func TestReplyHeader(t *testing.T) {
	tests := []struct {
		name  string
		edit  func(*dns.Msg)
		rcode RCode
		aa    bool
		want  dns.MsgHdr
	}{
		{"RD is copied", nil, NXDomain, true,
			dns.MsgHdr{Response: true, Authoritative: true, RecursionDesired: true, Rcode: dns.RcodeNameError}},
		{"RD stays clear", func(m *dns.Msg) { m.RecursionDesired = false }, Refused, false,
			dns.MsgHdr{Response: true, Rcode: dns.RcodeRefused}},
		{"AD, CD, RA and Z are not copied", func(m *dns.Msg) {
			m.AuthenticatedData, m.CheckingDisabled, m.RecursionAvailable, m.Zero = true, true, true, true
		}, ServFail, false, dns.MsgHdr{Response: true, RecursionDesired: true, Rcode: dns.RcodeServerFailure}},
		{"opcode is copied", func(m *dns.Msg) { m.Opcode = dns.OpcodeNotify }, NotImp, false,
			dns.MsgHdr{Response: true, Opcode: dns.OpcodeNotify, RecursionDesired: true, Rcode: dns.RcodeNotImplemented}},
		{"a code above 15 goes into OPT", func(m *dns.Msg) { m.SetEdns0(1232, false) }, BadVers, false,
			dns.MsgHdr{Response: true, RecursionDesired: true, Rcode: dns.RcodeBadVers}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, r := begin(t, question(t, tt.edit), 512)
			got := unpack(t, r.Finish(tt.rcode, tt.aa, 0)).MsgHdr
			tt.want.Id = 0x1234
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestReplyToAnUnreadableQuestionIsAHeader(t *testing.T) {
	_, r := begin(t, question(t, nil)[:20], 512)
	got := r.Finish(FormErr, false, 0)
	if want := "\x12\x34\x81\x01\x00\x00\x00\x00\x00\x00\x00\x00"; string(got) != want {
		t.Errorf("reply %x, want %x", got, want)
	}
}

// RFC 6891 section 7 and RFC 7871 section 7.2.1.
func TestReplyOPT(t *testing.T) {
	subnet24 := []byte{0, 1, 24, 0, 192, 0, 2}
	tests := []struct {
		name  string
		pkt   []byte
		scope int
		want  string // the OPT record, "" for none
	}{
		{"no EDNS, no OPT", question(t, nil), 24, ""},
		{"EDNS", question(t, func(m *dns.Msg) { m.SetEdns0(4096, false) }), 24, "size 1232"},
		{"DO is echoed", question(t, func(m *dns.Msg) { m.SetEdns0(4096, true) }), 0, "size 1232 DO"},
		{"answer for everybody", withOption(t, optionECS, subnet24...), 0, "size 1232 family 1 192.0.2.0/24/0"},
		{"answer for a network", withOption(t, optionECS, subnet24...), 16, "size 1232 family 1 192.0.2.0/24/16"},
		{"scope longer than the source prefix", withOption(t, optionECS, subnet24...), 32,
			"size 1232 family 1 192.0.2.0/24/24"},
		{"opted out", withOption(t, optionECS, 0, 1, 0, 0), 24, "size 1232 family 1 0.0.0.0/0/0"},
		{"opted out with family 0", withOption(t, optionECS, 0, 0, 0, 0), 24, "size 1232 family 0 0.0.0.0/0/0"},
		{"IPv6", withOption(t, optionECS, 0, 2, 20, 0, 0x20, 0x01, 0x00), 20, "size 1232 family 2 2001::/20/20"},
		{"unknown option is not echoed", withOption(t, 65001, 1, 2), 0, "size 1232"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, r := begin(t, tt.pkt, 512)
			opt := unpack(t, r.Finish(NoError, true, tt.scope)).IsEdns0()
			got := ""
			if opt != nil {
				got = fmt.Sprintf("size %d", opt.UDPSize())
				if opt.Do() {
					got += " DO"
				}
				for _, o := range opt.Option {
					s, ok := o.(*dns.EDNS0_SUBNET)
					if !ok {
						t.Fatalf("option %v", o)
					}
					got += fmt.Sprintf(" family %d %s/%d/%d", s.Family, s.Address, s.SourceNetmask, s.SourceScope)
				}
			}
			if got != tt.want {
				t.Errorf("OPT %q, want %q", got, tt.want)
			}
		})
	}
}

func TestReplyRotatesRecords(t *testing.T) {
	set := rrset(t, `x. 60 IN TXT "a"`, `x. 60 IN TXT "bb" "bb"`, `x. 60 IN TXT "ccc"`)
	for start, want := range []string{`"a" "bb" "bb" "ccc"`, `"bb" "bb" "ccc" "a"`, `"ccc" "a" "bb" "bb"`} {
		_, r := begin(t, question(t, nil), 512)
		if !r.Append(AnswerSection, QName, set, start) {
			t.Fatal("the records do not fit")
		}
		var got []string
		for _, rr := range unpack(t, r.Finish(NoError, true, 0)).Answer {
			for _, s := range rr.(*dns.TXT).Txt {
				got = append(got, `"`+s+`"`)
			}
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("start %d: %s, want %s", start, s, want)
		}
	}
}

func TestReplyReplacesTTLs(t *testing.T) {
	_, r := begin(t, question(t, nil), 512)
	fits := r.Append(AnswerSection, QName, rrset(t, "x. 300 IN CNAME app2.example.com."), 0) &&
		r.AppendTTL(AnswerSection, r.LastRData(), rrset(t, "x. 60 IN A 192.0.2.1", "x. 61 IN A 192.0.2.2"), 1, 7)
	if !fits {
		t.Fatal("the records do not fit")
	}
	want := []string{
		"app1.example.com. 300 IN CNAME app2.example.com.",
		"app2.example.com. 7 IN A 192.0.2.2",
		"app2.example.com. 7 IN A 192.0.2.1",
	}
	if diff := cmp.Diff(want, texts(unpack(t, r.Finish(NoError, true, 0)).Answer)); diff != "" {
		t.Error(diff)
	}
}

// RFC 2181 section 9: an RRset goes in whole or not at all, and the limit holds with the OPT record.
func TestReplyFillsTheLimitAndNoMore(t *testing.T) {
	for _, pkt := range [][]byte{question(t, nil), withOption(t, optionECS, 0, 1, 24, 0, 192, 0, 2)} {
		q, r := begin(t, pkt, 512)
		room := 512 - r.Len() - q.optLen() - 2 - rrFixedLen
		exact := RRs{Wire: append([]byte{0xFF, 0, 0, 1, 0, 0, 0, 0, byte(room >> 8), byte(room)}, make([]byte, room)...),
			Count: 1}
		over := RRs{Wire: append([]byte{0xFF, 0, 0, 1, 0, 0, 0, 0, byte((room + 1) >> 8), byte(room + 1)},
			make([]byte, room+1)...), Count: 1}
		if r.Append(AnswerSection, QName, over, 0) {
			t.Error("a record that is one byte too long was taken")
		}
		if r.AppendTTL(AnswerSection, QName, over, 0, 60) {
			t.Error("a record that is one byte too long was taken with a TTL")
		}
		if !r.Append(AnswerSection, QName, exact, 0) {
			t.Error("a record that fits exactly was refused")
		}
		if r.Append(AuthoritySection, QName, rrset(t, "x. 60 IN A 192.0.2.1"), 0) {
			t.Error("a record behind the limit was taken")
		}
		b := r.Finish(NoError, true, 0)
		if len(b) != 512 {
			t.Errorf("%d bytes, want 512", len(b))
		}
		if m := unpack(t, b); len(m.Answer) != 1 || len(m.Ns) != 0 || m.Truncated {
			t.Errorf("reply %v", m)
		}
	}
}

func TestTruncateTakesEverythingBackButEDNS(t *testing.T) {
	_, r := begin(t, withOption(t, optionECS, 0, 1, 24, 0, 192, 0, 2), 512)
	if !r.Append(AnswerSection, QName, rrset(t, "x. 60 IN A 192.0.2.1"), 0) {
		t.Fatal("the record does not fit")
	}
	r.Truncate()
	m := unpack(t, r.Finish(NoError, true, 0))
	if !m.Truncated || len(m.Answer) != 0 || len(m.Question) != 1 || m.IsEdns0() == nil {
		t.Errorf("reply %v, want TC with question and OPT only", m)
	}
}

func TestAppendRefusesAnOwnerOutOfReachOfPointers(t *testing.T) {
	_, r := begin(t, question(t, nil), MaxMessage)
	long := strings.Repeat(` "`+strings.Repeat("x", 255)+`"`, 65)
	if !r.Append(AnswerSection, QName, rrset(t, "x. 60 IN TXT"+long, "x. 60 IN CNAME app2.example.com."), 0) {
		t.Fatal("the records do not fit")
	}
	if r.LastRData() <= maxOwner {
		t.Fatalf("the target stands at %d, within reach", r.LastRData())
	}
	if r.Append(AnswerSection, r.LastRData(), rrset(t, "x. 60 IN A 192.0.2.1"), 0) {
		t.Error("an owner was taken that no pointer reaches")
	}
}

// Whatever is appended to whatever query: the reply stays within the limit and miekg/dns finds exactly what was
// taken.
func FuzzReply(f *testing.F) {
	f.Add(question(f, nil), uint16(512), []byte{0, 4, 0, 1, 16, 1, 2, 60, 2})
	f.Add(withOption(f, optionECS, 0, 1, 24, 0, 192, 0, 2), uint16(1232), []byte{0, 255, 9, 1, 255, 9, 2, 255, 9})
	f.Fuzz(func(t *testing.T, pkt []byte, limit uint16, script []byte) {
		if len(pkt) > MaxUDP {
			return
		}
		q, r := new(Query), new(Reply)
		buf := append(make([]byte, 0, MaxMessage), pkt...)
		if Parse(buf, q) == Drop {
			return
		}
		end := max(int(limit), 512)
		r.Begin(q, buf, end)
		var want [3]int
		for section := AnswerSection; len(script) >= 3; script = script[3:] {
			section = min(max(section, Section(script[0])), AdditionalSection)
			set := nullRecords(int(script[1]), int(script[2]%16))
			if q.end != 0 && r.Append(section, QName, set, int(script[0])%max(set.Count, 1)) {
				want[section] += set.Count
			}
		}
		b := r.Finish(q.RCode, true, int(limit))
		if len(b) > end {
			t.Fatalf("%d bytes, limit %d", len(b), end)
		}
		m := unpack(t, b)
		if q.EDNS {
			want[AdditionalSection]++
		}
		if got := [3]int{len(m.Answer), len(m.Ns), len(m.Extra)}; got != want {
			t.Errorf("records %v, want %v", got, want)
		}
		if !m.Response || m.Id != binary.BigEndian.Uint16(pkt) || m.Rcode != int(q.RCode) {
			t.Errorf("header %v", m.MsgHdr)
		}
		if q.end != 0 && string(b[HeaderLen:q.end]) != string(pkt[HeaderLen:q.end]) {
			t.Error("the question did not come back as it was sent")
		}
	})
}

// nullRecords are count records of type NULL with size bytes of RDATA.
func nullRecords(size, count int) RRs {
	one := append([]byte{0, 10, 0, 1, 0, 0, 0, 60, 0, byte(size)}, make([]byte, size)...)
	return RRs{Wire: []byte(strings.Repeat(string(one), count)), Count: count}
}
