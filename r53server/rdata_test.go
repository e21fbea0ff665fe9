package r53server

import (
	"bytes"
	"testing"

	"github.com/bulkhead-dns/bulkhead/zone"
)

// What is printed is the value that the RDATA was made of. r53: A.14.
func TestPrintRData(t *testing.T) {
	for _, tt := range []struct {
		t     zone.RRType
		value string
	}{
		{zone.A, "192.0.2.1"},
		{zone.AAAA, "2001:db8::1"},
		{zone.CNAME, `\052.example.com.`},
		{zone.NS, "ns-1.awsdns-00.com."},
		{zone.PTR, "host.example.com."},
		{zone.MX, "10 mail.example.com."},
		{zone.SRV, "1 2 443 host.example.com."},
		{zone.TXT, `"a \"b\"" "c\\d" "\303\251"`},
		{zone.SPF, `"v=spf1 -all"`},
		{zone.CAA, `0 issue "ca.example.com; x=1"`},
		{zone.NAPTR, `1 2 "u" "E2U+sip" "!^.*$!sip:a@example.com!" .`},
		{zone.DS, "12345 13 2 0123ABCD"},
		{zone.TLSA, "3 1 1 0123ABCD"},
		{zone.SSHFP, "4 2 0123ABCD"},
		{zone.SOA, "ns-1.awsdns-00.com. awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400"},
		{zone.HTTPS, "0 other.example.com."},
		{zone.SVCB, `1 . mandatory=alpn,port alpn="h2,h3" no-default-alpn port=8443 ipv4hint=192.0.2.1,192.0.2.2 ` +
			`ech="AAEC" ipv6hint=2001:db8::1 key7="a\\b"`},
	} {
		rdata, err := zone.AppendRData(nil, tt.t, tt.value)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := printRData(tt.t, rdata); err != nil || got != tt.value {
			t.Errorf("%s %s is printed as %s, %v", tt.t, tt.value, got, err)
		}
		if got, err := printRData(tt.t, rdata[:len(rdata)-1]); err == nil && len(rdata) > 0 && got == tt.value {
			t.Errorf("%s: half of a record is printed as %s", tt.t, got)
		}
	}
}

// Whatever bytes are printed: nothing panics, and a value that Route 53 takes means the same bytes.
func FuzzPrintRData(f *testing.F) {
	f.Add(uint16(zone.HTTPS), []byte("\x00\x01\x00\x00\x01\x00\x03\x02h2"))
	f.Add(uint16(zone.TXT), []byte("\x01a\x02bc"))
	f.Add(uint16(zone.A), []byte{192, 0, 2, 1})
	f.Fuzz(func(t *testing.T, kind uint16, rdata []byte) {
		value, err := printRData(zone.RRType(kind), rdata)
		if err != nil {
			return
		}
		again, err := zone.AppendRData(nil, zone.RRType(kind), value)
		if err == nil && !bytes.Equal(bytes.ToLower(again), bytes.ToLower(rdata)) { // names become lower case
			t.Errorf("%s %x is printed as %s, which is %x", zone.RRType(kind), rdata, value, again)
		}
	})
}
