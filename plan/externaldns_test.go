package plan

import (
	"testing"

	"github.com/bulkhead-dns/bulkhead/zone"
)

// The registry of external-dns names its TXT records in these ways, with --txt-prefix and --txt-suffix among them.
func TestExternalDNSNames(t *testing.T) {
	for _, c := range []struct {
		record, name string
		want         bool
	}{
		{"app1.example.com", "app1.example.com", true},
		{"a-app1.example.com", "app1.example.com", true},
		{"extdns-aaaa-app1.example.com", "app1.example.com", true},
		{"app1-a.example.com", "app1.example.com", true},
		{"extdns.app1.example.com", "app1.example.com", true},
		{"app11.example.com", "app1.example.com", false},
		{"myapp1.example.com", "app1.example.com", false},
		{"a-app1.example.org", "app1.example.com", false},
		{"example.com", "app1.example.com", false},
		{"x.y.app1.example.com", "app1.example.com", false},
	} {
		record, errRecord := zone.ParseName(c.record)
		name, errName := zone.ParseName(c.name)
		if errRecord != nil || errName != nil {
			t.Fatal(errRecord, errName)
		}
		if got := ExternalDNSNames(record, name); got != c.want {
			t.Errorf("%s for %s: got %v", c.record, c.name, got)
		}
	}
}

func TestExternalDNSClaims(t *testing.T) {
	for _, c := range []struct {
		name, value, want string
		ok                bool
	}{
		{"owner and resource", `"heritage=external-dns,external-dns/owner=default,external-dns/resource=ingress/ns/app1"`,
			"owner default, resource ingress/ns/app1", true},
		{"owner alone", `"heritage=external-dns,external-dns/owner=blue"`, "owner blue", true},
		{"heritage alone", `"heritage=external-dns"`, "", true},
		{"another TXT record", `"v=spf1 -all"`, "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			set := zone.ResourceRecordSet{Name: "app1.example.com.", Type: zone.TXT, ResourceRecords: []string{c.value}}
			if claim, ok := ExternalDNSClaims(&set); claim.String() != c.want || ok != c.ok {
				t.Errorf("got %q %v", claim, ok)
			}
			set.Type = zone.CNAME
			if _, ok := ExternalDNSClaims(&set); ok {
				t.Error("a CNAME counts as a registry record")
			}
		})
	}
}
