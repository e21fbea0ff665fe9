package zone

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNewApexRecords(t *testing.T) {
	want := []*ResourceRecordSet{ // r53: A.13
		{Name: "example.com.", Type: NS, TTL: new(int64(172800)),
			ResourceRecords: []string{"ns-0.awsdns-00.com.", "ns-512.awsdns-00.net."}},
		{Name: "example.com.", Type: SOA, TTL: new(int64(900)),
			ResourceRecords: []string{"ns-0.awsdns-00.com. awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400"}},
	}
	got := NewApexRecords(exampleZone())
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
	for _, s := range got {
		if faults := checkSet(exampleZone(), s); faults != nil {
			t.Errorf("%s is refused: %q", s.Type, faults)
		}
	}
}

func TestValidateZoneName(t *testing.T) {
	for _, c := range []struct {
		name Name
		want string // r53: C.2
	}{
		{"example.com.", ""},
		{`a.\052.example.com.`, ""},
		{"cdkpftld.", "cdkpftld is reserved by AWS!"},
		{".", ". is reserved by AWS!"},
		{`\052.example.com.`, `\052.example.com. is not a valid zone name: its leftmost label is a wildcard`},
	} {
		err := ValidateZoneName(c.name)
		if (err == nil) != (c.want == "") || err != nil && err.Error() != c.want {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

func TestCanonicalHostedZoneIDs(t *testing.T) {
	for region, want := range map[string]string{ // r53: E.2
		"eu-west-1": "Z32O12XQLNTSW2", "eu-central-1": "Z215JYRZR1TBD5", "us-east-1": "Z35SXDOTRQ7X7K", "home": "",
	} {
		id, ok := CanonicalHostedZoneID(region)
		if id != want || ok != (want != "") {
			t.Errorf("%s: %q, %v, want %q", region, id, ok, want)
		}
	}
	for id, want := range map[string]bool{
		"Z32O12XQLNTSW2": true, "Z2IFOLAFXWLO4F": true, "Z1EXAMPLE": false, "": false,
	} {
		if got := IsServiceZone(id); got != want {
			t.Errorf("IsServiceZone(%q) = %v, want %v", id, got, want)
		}
		if region, ok := LoadBalancerRegion(id); ok != want || ok && region != "eu-west-1" {
			t.Errorf("LoadBalancerRegion(%q) = %q, %v, want %v", id, region, ok, want)
		}
	}
	for _, c := range []struct {
		id   string
		name Name
		want bool
	}{
		{"Z32O12XQLNTSW2", "demo-1.eu-west-1.elb.amazonaws.com.", true},
		{"Z32O12XQLNTSW2", "dualstack.demo-1.eu-west-1.elb.amazonaws.com.", true},
		{"Z2IFOLAFXWLO4F", "demo-1.elb.eu-west-1.amazonaws.com.", true},
		{"Z1GDH35T77C1KE", "demo-1.cn-north-1.elb.amazonaws.com.cn.", true},
		{"Z32O12XQLNTSW2", "demo-1.us-east-1.elb.amazonaws.com.", false},
		{"Z1EXAMPLE", "demo-1.eu-west-1.elb.amazonaws.com.", false},
	} {
		if got := InLoadBalancerZone(c.id, c.name); got != c.want {
			t.Errorf("%s under %s: %v, want %v", c.name, c.id, got, c.want)
		}
		if id, ok := LoadBalancerZone(c.name); c.want && (id != c.id || !ok) {
			t.Errorf("LoadBalancerZone(%s) = %q, %v, want %s", c.name, id, ok, c.id)
		}
	}
	if id, ok := LoadBalancerZone("app.example.com."); ok {
		t.Errorf("a name outside AWS is in zone %s", id)
	}
}
