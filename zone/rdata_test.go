package zone

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"
)

func TestAppendRDataAgreesWithMiekg(t *testing.T) {
	for _, c := range []struct {
		rrtype RRType
		value  string
		oracle string // the value as a zone file spells it; empty when it does the same
	}{
		{A, "192.0.2.1", ""},
		{AAAA, "2001:db8::1", ""},
		{AAAA, "2001:0DB8:0:0:0:0:0:1", ""},
		{AAAA, "::ffff:192.0.2.1", ""},
		{CNAME, "target.example.com.", ""},
		{CNAME, "target.example.com", "target.example.com."},
		{CNAME, "TARGET.Example.com.", "target.example.com."},
		{CNAME, `\052.example.com`, "*.example.com."},
		{NS, "ns-1.awsdns-00.com.", ""},
		{PTR, "host.example.com.", ""},
		{MX, "10 mail.example.com.", ""},
		{MX, "0 .", ""},
		{SRV, "1 2 5060 sip.example.com.", ""},
		{SRV, "0 0 0 .", ""},
		{TXT, `"v=spf1 -all"`, ""},
		{TXT, `"first" "second string"`, ""},
		{TXT, `""`, ""},
		{TXT, `"a \"quoted\" word"`, ""},
		{TXT, `"semi;colon \134 and \\"`, `"semi;colon \092 and \092"`},
		{TXT, `"\303\251 \000"`, `"\195\169 \000"`},
		{TXT, `"Case Is Kept"`, ""},
		{TXT, `"abc""def"`, `"abc" "def"`},
		{TXT, `"abc""def" "g"""`, `"abc" "def" "g" ""`},
		{TXT, `"` + strings.Repeat("x", 255) + `""` + strings.Repeat("y", 150) + `"`,
			`"` + strings.Repeat("x", 255) + `" "` + strings.Repeat("y", 150) + `"`},
		{TXT, `"v=DMARC1\; p=reject"`, `"v=DMARC1; p=reject"`},
		{TXT, `"\a\.\@\:\(\)\ \8\9"`, `"a.@:() 89"`},
		{TXT, `"a\"\"b"`, ""},
		{TXT, `"a\\; b"`, ""},
		{TXT, `"a\073 b" "\;\;"`, `"a; b" ";;"`},
		{SPF, `"v=spf1\ -all""x"`, `"v=spf1 -all" "x"`},
		{CAA, `0 issue "letsencrypt.org\; accounturi=x"`, `0 issue "letsencrypt.org; accounturi=x"`},
		{NAPTR, `100 50 "u""E2U\+sip""!^.*$!sip:info\@example.com!" .`,
			`100 50 "u" "E2U+sip" "!^.*$!sip:info@example.com!" .`},
		{TXT, `"` + strings.Repeat("x", 255) + `" "y"`, ""},
		{SPF, `"v=spf1 -all"`, ""},
		{CAA, `0 issue "ca.example.net"`, ""},
		{CAA, `128 issuewild ";"`, ""},
		{CAA, `0 iodef "mailto:security@example.com"`, ""},
		{NAPTR, `100 50 "u" "E2U+sip" "!^.*$!sip:info@example.com!" .`, ""},
		{NAPTR, `1 2 "S" "SIP+D2U" "" _sip._udp.example.com.`, ""},
		{NAPTR, `1 2 "" "" "" next.example.com.`, ""},
		{DS, "12345 13 2 " + strings.Repeat("0aF1", 16), ""},
		{TLSA, "3 1 1 " + strings.Repeat("ab", 32), ""},
		{SSHFP, "4 2 " + strings.Repeat("Cd", 32), ""},
		{SOA, "ns.example.com. hostmaster.example.com. 1 7200 900 1209600 86400", ""},
		{SVCB, "0 svc.example.com.", ""},
		{SVCB, "1 .", ""},
		{HTTPS, "1 . alpn=h2,h3 port=8443", ""},
		{HTTPS, `1 svc.example.com. alpn="h2,h3" no-default-alpn`, ""},
		{HTTPS, `1 svc.example.com. alpn="h2,h3" no-default-alpn=""`, `1 svc.example.com. alpn="h2,h3" no-default-alpn`},
		{SVCB, `1 svc.example.com. no-default-alpn= alpn=h2 key9=""`, `1 svc.example.com. alpn="h2" no-default-alpn key9`},
		{HTTPS, "32767 . port=53 alpn=h2", "32767 . alpn=h2 port=53"},
		{HTTPS, "1 . ipv4hint=192.0.2.1,192.0.2.2 ipv6hint=2001:db8::1", ""},
		{HTTPS, "1 . mandatory=port,alpn alpn=h2 port=1", "1 . mandatory=alpn,port alpn=h2 port=1"},
		{HTTPS, "1 . ech=AAEC", ""},
		{HTTPS, `1 . key65000="a b"`, ""},
		{HTTPS, `1 . key7=/q{?dns}`, `1 . dohpath="/q{?dns}"`},
		{HTTPS, `1 . key9=\001x`, `1 . key9=\001x`},
		{HTTPS, `1 . alpn="f\\\\oo\\,bar,h2"`, `1 . alpn="f\\\\oo\\,bar,h2"`},
	} {
		got, err := AppendRData([]byte("before"), c.rrtype, c.value)
		if err != nil {
			t.Errorf("%s %s: %v", c.rrtype, c.value, err)
			continue
		}
		oracle := c.oracle
		if oracle == "" {
			oracle = c.value
		}
		want := append([]byte("before"), miekgRData(t, c.rrtype, oracle)...)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s %s: want -, got +\n%s", c.rrtype, c.value, diff)
		}
	}
}

// miekgRData encodes a value by the oracle.
func miekgRData(t *testing.T, rrtype RRType, value string) []byte {
	t.Helper()
	rr, err := dns.NewRR("x. 0 IN " + rrtype.String() + " " + value)
	if err != nil {
		t.Fatalf("oracle: %v", err)
	}
	msg := make([]byte, 1<<16)
	n, err := dns.PackRR(rr, msg, 0, nil, false)
	if err != nil {
		t.Fatalf("oracle: pack %s: %v", rr, err)
	}
	const header = len("\x01x\x00") + 10
	return msg[header:n]
}

func TestAppendRDataRefuses(t *testing.T) {
	for _, c := range []struct {
		rrtype RRType
		values []string
		code   string
	}{
		{A, []string{"", "256.0.0.1", "192.0.2", "192.0.2.01", "2001:db8::1", "192.0.2.1 ", "example.com"},
			"ARRDATAIllegalIPv4Address"},
		{AAAA, []string{"", "192.0.2.1", "2001:db8::g", "fe80::1%eth0"}, "AAAARRDATAIllegalIPv6Address"},
		{CNAME, []string{""}, "DomainNameEmpty"},
		{CNAME, []string{"a b.example.com", " a.example.com", "a\\.b"}, "UnsupportedCharacter"},
		{NS, []string{strings.Repeat("abcdefg.", 32)}, "DomainNameTooLong"},
		{MX, []string{"mail.example.com", "10", "10 a b", ""}, "MXRRDATAIllegalFieldCount"},
		{MX, []string{"65536 m.", "-1 m.", "+1 m.", "x m."}, "MXRRDATAIllegalPreference"},
		{SRV, []string{"1 2 3", "1 2 3 4 5"}, "SRVRRDATAIllegalFieldCount"},
		{SRV, []string{"1 2 65536 h."}, "SRVRRDATAIllegalPort"},
		{TXT, []string{"", "unquoted", `"open`, `open"`, `"`, `"a" b`, `"a"b`, `"a"b"c"`, `"a""b`, `"a\400"`, `"a\18"`,
			`"a\7x"`,
			`"a\`, `"\"`, `"a\" "; b"`}, "InvalidCharacterString"},
		{TXT, []string{"\"\x01\"", "\"é\""}, "UnsupportedCharacter"},
		{TXT, []string{`"` + strings.Repeat("x", 256) + `"`}, "CharacterStringTooLong"},
		{TXT, []string{strings.Repeat(`"`+strings.Repeat("x", 248)+`" `, 16)}, "ValueTooLong"},
		{SPF, []string{"v=spf1"}, "InvalidCharacterString"},
		{CAA, []string{`0 issuemail "ca"`, `0 tbs "ca"`, `0 ISSUE "ca"`}, "CAARRDATAIllegalTag"},
		{CAA, []string{`256 issue "ca"`}, "CAARRDATAIllegalFlags"},
		{CAA, []string{`0 issue ca`}, "InvalidCharacterString"},
		{CAA, []string{`0 issue "a""b"`}, "CAARRDATAIllegalFieldCount"},
		{NAPTR, []string{`1 2 "u" "s" "!a!b!" x.`, `1 2 "u" "s" "" .`}, "NAPTRRRDATARegexpAndReplacement"},
		{NAPTR, []string{`1 2 u "s" "" x.`}, "InvalidCharacterString"},
		{DS, []string{"1 2 3 abc", "1 2 3 xy"}, "DSRRDATAIllegalDigest"},
		{DS, []string{"1 256 3 ab"}, "DSRRDATAIllegalAlgorithm"},
		{TLSA, []string{"4 1 1 ab"}, "TLSARRDATAIllegalUsage"},
		{TLSA, []string{"3 2 1 ab"}, "TLSARRDATAIllegalSelector"},
		{TLSA, []string{"3 1 3 ab"}, "TLSARRDATAIllegalMatchingType"},
		{SSHFP, []string{"1 0 ab", "1 3 ab"}, "SSHFPRRDATAIllegalType"},
		{SOA, []string{"a. b. 1 2 3 4"}, "SOARRDATAIllegalFieldCount"},
		{SOA, []string{"a. b. 1 2 3 4 4294967296", "a. b. 1 2 3 4 1h"}, "SOARRDATAIllegalMinimum"},
		{SVCB, []string{"1"}, "SVCBRRDATAIllegalFieldCount"},
		{HTTPS, []string{"32768 ."}, "HTTPSRRDATAIllegalPriority"},
		{HTTPS, []string{"0 svc. alpn=h2"}, "HTTPSRRDATAParamsInAliasForm"},
		{HTTPS, []string{
			"1 . nosuch=1", "1 . key1=h2", "1 . key65535=x", "1 . key07=x", "1 . keyx=x",
			"1 . alpn", "1 . alpn=", "1 . alpn=h2,,h3", "1 . alpn=h2 alpn=h3", `1 . alpn=a\\b`,
			"1 . no-default-alpn", "1 . alpn=h2 no-default-alpn=1", `1 . alpn=h2 no-default-alpn="x"`, `1 . no-default-alpn=""`,
			"1 . port=65536", "1 . port=x", "1 . ipv4hint=2001:db8::1", "1 . ipv4hint=", "1 . ipv6hint=192.0.2.1",
			"1 . ech=!", "1 . mandatory=port", "1 . mandatory=mandatory", "1 . mandatory=port,port port=1", `1 . alpn="h2`,
		}, "HTTPSRRDATAIllegalParam"},
		{RRType(250), []string{"x"}, "UnsupportedType"},
	} {
		for _, value := range c.values {
			got, err := AppendRData([]byte("before"), c.rrtype, value)
			var problem *Problem
			if !errors.As(err, &problem) || problem.Code != c.code {
				t.Errorf("%s %q: error %v, want code %s", c.rrtype, value, err, c.code)
			}
			if string(got) != "before" {
				t.Errorf("%s %q: refused, but returned %q", c.rrtype, value, got)
			}
		}
	}
}

// The texts are those that Route 53 was logged to say: clients match on them.
func TestProblemsReadAsRoute53(t *testing.T) {
	long := strings.Repeat("x", 256)
	for _, c := range []struct {
		rrtype RRType
		value  string
		want   string
	}{
		{A, "300.1.1.1", "ARRDATAIllegalIPv4Address (Value is not a valid IPv4 address) encountered with '300.1.1.1'"},
		{TXT, "v=spf1 -all",
			"InvalidCharacterString (Value should be enclosed in quotation marks) encountered with 'v=spf1 -all'"},
		{TXT, `"` + long + `"`, `CharacterStringTooLong (Value is too long) encountered with '"` + long + `"'`},
		{TXT, "\"a\tb\"", "UnsupportedCharacter (Value contains unsupported characters) encountered with '\t'"},
		{TXT, `"a é"`, "UnsupportedCharacter (Value contains unsupported characters) encountered with 'é'"},
		{CNAME, "a b.example.com", "UnsupportedCharacter (Value contains unsupported characters) encountered with ' '"},
		{MX, "10 a..example.com", "DomainLabelEmpty (Domain label is empty) encountered with 'a..example.com'"},
		{CNAME, long[:64] + ".example.com", "DomainLabelTooLong (Domain label is too long) encountered with '" + long[:64] +
			"'"},
	} {
		_, err := AppendRData(nil, c.rrtype, c.value)
		if want := "FATAL problem: " + c.want; err == nil || err.Error() != want {
			t.Errorf("%s %s: error %v, want %s (r53: A.14)", c.rrtype, c.value, err, want)
		}
	}
}

func TestRRTypeText(t *testing.T) {
	for _, c := range []struct {
		text  string
		known bool
	}{
		{"SOA", true}, {"A", true}, {"TXT", true}, {"NS", true}, {"CNAME", true}, {"MX", true}, {"NAPTR", true},
		{"PTR", true}, {"SRV", true}, {"SPF", true}, {"AAAA", true}, {"CAA", true}, {"DS", true}, {"TLSA", true},
		{"SSHFP", true}, {"SVCB", true}, {"HTTPS", true}, {"TYPE255", false},
	} {
		rrtype, known := ParseRRType(c.text)
		if known != c.known || known && uint16(rrtype) != dns.StringToType[c.text] {
			t.Errorf("ParseRRType(%s) = %d, %v, want %d, %v", c.text, rrtype, known, dns.StringToType[c.text], c.known)
		}
		var read RRType
		if err := read.UnmarshalText([]byte(c.text)); err != nil || read.String() != c.text {
			t.Errorf("%s reads as %s, %v", c.text, read, err)
		}
	}
	for _, bad := range []string{"", "a", "ANY", "TYPE", "TYPE65536", "12"} {
		if err := new(RRType).UnmarshalText([]byte(bad)); err == nil {
			t.Errorf("UnmarshalText(%q) accepted it", bad)
		}
	}
}

func FuzzAppendRData(f *testing.F) {
	types := []RRType{A, NS, CNAME, SOA, PTR, MX, TXT, AAAA, SRV, NAPTR, DS, SSHFP, TLSA, SVCB, HTTPS, SPF, CAA}
	for i, value := range []string{
		"192.0.2.1", "ns.example.com", `\052.example.com`, "a. b. 1 2 3 4 5", "x.", "10 mail.", `"a\"b" "\303"`, "::1",
		"1 2 3 x.",
		`1 2 "u" "s" "!a!b!" .`, "1 2 3 abcd", "1 2 ab", "3 1 1 ab", "0 svc.",
		`1 . mandatory=alpn alpn="h2,h3" ipv4hint=1.1.1.1`,
		`"v=spf1"`, `0 issue "ca"`,
	} {
		f.Add(uint8(i), value)
	}
	f.Fuzz(func(t *testing.T, which uint8, value string) {
		rrtype := types[int(which)%len(types)]
		got, err := AppendRData([]byte("before"), rrtype, value)
		if !bytes.HasPrefix(got, []byte("before")) {
			t.Fatalf("%s %q: overwrote what was there: %q", rrtype, value, got)
		}
		if err != nil {
			return
		}
		rdata := got[len("before"):]
		header := dns.RR_Header{Name: ".", Rrtype: uint16(rrtype), Class: dns.ClassINET, Rdlength: uint16(len(rdata))}
		rr, n, err := dns.UnpackRRWithHeader(header, rdata, 0)
		if err != nil || n != len(rdata) {
			t.Fatalf("%s %q: the oracle reads %d of %d bytes as %v: %v", rrtype, value, n, len(rdata), rr, err)
		}
	})
}
