package conformance

import (
	"strings"
	"testing"
)

// A reply that is not as expected is told, whatever it is that differs: a suite that cannot fail proves nothing.
func TestExpectTellsWhatDiffers(t *testing.T) {
	q := Query{Name: "www.example.com", Type: "A"}
	at := func(owner, rrtype, value string, ttl uint32) record { return record{owner, rrtype, value, ttl} }
	a := at("www.example.com.", "A", "192.0.2.1", 60)
	good := reply{rcode: "NOERROR", aa: true, answer: []record{a},
		authority: []record{at("example.com.", "NS", "ns.example.net.", 60)}}
	negative := reply{rcode: "NXDOMAIN", authority: []record{at("example.com.", "SOA", "soa", 900)}}
	referral := reply{rcode: "NOERROR", authority: []record{at("sub.example.com.", "NS", "ns.sub.example.com.", 60)},
		additional: []record{at("ns.sub.example.com.", "A", "192.0.2.53", 60)}}
	one := []string{"A 192.0.2.1"}
	tests := []struct {
		name   string
		expect Expect
		reply  reply
		want   string // empty: all is as expected
	}{
		{"as expected", Expect{Answers: one, TTL: new(uint32(60)), Authority: "ns", AA: new(true)}, good, ""},
		{"rcode", Expect{Answers: []string{}}, negative, "rcode NXDOMAIN, want NOERROR"},
		{"another answer", Expect{Answers: []string{"A 192.0.2.2"}}, good, "answers"},
		{"an answer too many", Expect{Answers: []string{}}, good, "answers"},
		{"an answer missing", Expect{Answers: append(one, "A 192.0.2.2")}, good, "answers"},
		{"none of the alternatives", Expect{OneOf: [][]string{{"A 192.0.2.2"}}}, good, "want one of"},
		{"an answer without a share", Expect{Share: map[string]float64{"A 192.0.2.2": 1}}, good, "only what has a share"},
		{"an answer with a share of 0", Expect{Share: map[string]float64{"A 192.0.2.1": 0}}, good, "only what has a share"},
		{"count", Expect{Share: map[string]float64{"A 192.0.2.1": 1}, Count: 2}, good, "1 answers"},
		{"TTL", Expect{Answers: one, TTL: new(uint32(61))}, good, "TTL 60"},
		{"AA", Expect{Answers: one, AA: new(false)}, good, "aa true"},
		{"scope", Expect{Answers: one, Scope: new(24)}, good, "scope 0, want 24"},
		{"NS where the SOA is expected", Expect{Answers: one, Authority: "soa"}, good, "authority"},
		{"NS where nothing is expected", Expect{Answers: one, Authority: "none"}, good, "authority"},
		{"SOA where NS is expected", Expect{RCode: "NXDOMAIN", Answers: []string{}, Authority: "ns"}, negative, "authority"},
		{"negative TTL", Expect{RCode: "NXDOMAIN", Answers: []string{}, NegativeTTL: new(uint32(60))}, negative,
			"TTL 900 of the SOA"},
		{"no SOA for the negative TTL", Expect{Answers: one, NegativeTTL: new(uint32(60))}, good, "authority"},
		{"owner", Expect{Answers: one}, reply{rcode: "NOERROR", answer: []record{at("other.example.com.", "A", "192.0.2.1",
			60)}}, "owners"},
		{"owner behind a CNAME", Expect{Answers: append([]string{"CNAME target.example.com."}, one...)},
			reply{rcode: "NOERROR", answer: []record{at("www.example.com.", "CNAME", "target.example.com.", 60), a}}, "owners"},
		{"referral as expected", Expect{Answers: []string{}, Referral: &Referral{"sub.example.com.",
			[]string{"ns.sub.example.com."},
			[]string{"ns.sub.example.com. A 192.0.2.53"}}}, referral, ""},
		{"another cut", Expect{Answers: []string{}, Referral: &Referral{"x.example.com.", []string{"ns.sub.example.com."},
			[]string{"ns.sub.example.com. A 192.0.2.53"}}}, referral, "want the NS set of x.example.com."},
		{"other name servers", Expect{Answers: []string{}, Referral: &Referral{"sub.example.com.",
			[]string{"ns.example.net."},
			[]string{"ns.sub.example.com. A 192.0.2.53"}}}, referral, "name servers"},
		{"glue", Expect{Answers: []string{}, Referral: &Referral{"sub.example.com.", []string{"ns.sub.example.com."}, nil}},
			referral,
			"additional"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := strings.Join(tt.expect.check(q, tt.reply), "; ")
			if got == "" && tt.want != "" || tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
				t.Errorf("told %q, want %q", got, tt.want)
			}
		})
	}
}

func TestTallyTellsWrongProportions(t *testing.T) {
	reply := func(value string) reply { return reply{answer: []record{{rrtype: "A", value: value}}} }
	tests := []struct {
		name   string
		expect Expect
		want   string
	}{
		{"as expected", Expect{Share: map[string]float64{"A 192.0.2.1": 0.25, "A 192.0.2.2": 0.75}}, ""},
		{"within the tolerance", Expect{Share: map[string]float64{"A 192.0.2.1": 0.26, "A 192.0.2.2": 0.74}}, ""},
		{"beyond the tolerance", Expect{Share: map[string]float64{"A 192.0.2.1": 0.27}}, "share of"},
		{"beyond a smaller tolerance", Expect{Share: map[string]float64{"A 192.0.2.1": 0.26}, Tolerance: 0.001}, "share of"},
		{"never is never", Expect{Share: map[string]float64{"A 192.0.2.1": 0}, Tolerance: 1}, "share of"},
		{"first", Expect{First: map[string]float64{"A 192.0.2.1": 0.5}}, "first is"},
		{"an alternative that does not occur", Expect{OneOf: [][]string{{"A 192.0.2.1"}, {"A 192.0.2.2"}, {"A 192.0.2.3"}}},
			"never occur"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := newTally()
			for i := range 100 {
				c.add(&tt.expect, reply([]string{"192.0.2.1", "192.0.2.2"}[min(i/25, 1)]))
			}
			got := strings.Join(c.check(&tt.expect), "; ")
			if got == "" && tt.want != "" || tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
				t.Errorf("told %q, want %q", got, tt.want)
			}
		})
	}
}
