package failover

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/zone"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files of testdata anew")

// account is what stands at the provider: the load balancers of the two applications, one with IPv6, one that is
// internal.
func account(provider Provider) Facts {
	return Facts{
		Provider: provider,
		LoadBalancers: []LoadBalancerFact{
			{Region: "eu-west-1", Name: "demoalb", DNSName: "demoalb-1.eu-west-1.elb.amazonaws.com.",
				HostedZoneID: "Z32O12XQLNTSW2"},
			{Region: "eu-central-1", Name: "demoalb", DNSName: "demoalb-2.eu-central-1.elb.amazonaws.com.",
				HostedZoneID: "Z215JYRZR1TBD5"},
			{Region: "eu-west-1", Name: "dual",
				ARN:     "arn:aws:elasticloadbalancing:eu-west-1:000000000000:loadbalancer/app/dual/1",
				DNSName: "dual-3.eu-west-1.elb.amazonaws.com.", HostedZoneID: "Z32O12XQLNTSW2", DualStack: true},
			{Region: "eu-west-1", Name: "inside", DNSName: "internal-inside-4.eu-west-1.elb.amazonaws.com.",
				HostedZoneID: "Z32O12XQLNTSW2", Internal: true},
		},
		Zones: []zone.HostedZone{
			{ID: "ZCOM", Name: "example.com.", NameServers: []string{"ns1.example.net"}},
			{ID: "ZEU", Name: "eu.example.com.", NameServers: []string{"ns1.example.net"}},
			{ID: "ZINSIDE", Name: "eu.example.com.", PrivateZone: true, NameServers: []string{"ns1.example.net"}},
			{ID: "ZTWIN1", Name: "twin.example.com.", NameServers: []string{"ns1.example.net"}},
			{ID: "ZTWIN2", Name: "twin.example.com.", NameServers: []string{"ns1.example.net"}},
		},
	}
}

func read(t *testing.T, file string) []Policy {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	objects, err := Parse(filepath.Base(file), data)
	if err != nil {
		t.Fatal(err)
	}
	var policies []Policy
	for _, o := range objects {
		policies = append(policies, *o.Policy)
	}
	return policies
}

// render writes a state as golden files have it.
func render(t *testing.T, s plan.State, ws []Warning) []byte {
	t.Helper()
	var b bytes.Buffer
	line := func(v any) string {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	for _, z := range s.Zones {
		fmt.Fprintf(&b, "zone %s %s\n", z.ID, z.Name)
	}
	for _, c := range s.Checks {
		fmt.Fprintf(&b, "check %s\n  %s\n", c.Key, line(c.Config))
	}
	for _, r := range s.Records {
		fmt.Fprintf(&b, "record %s, check %s\n  %s\n", r.ZoneID, r.CheckKey, line(r.Set))
	}
	for _, w := range ws {
		fmt.Fprintf(&b, "warning %s\n", w)
	}
	return b.Bytes()
}

func TestCompileGolden(t *testing.T) {
	for _, c := range []struct {
		file     string
		provider Provider
	}{{"twoapps", AWS}, {"pair", Engine}, {"canary", AWS}, {"dualstack", AWS}} {
		t.Run(c.file, func(t *testing.T) {
			state, warnings, err := Compile(read(t, "testdata/"+c.file+".yaml"), nil, account(c.provider))
			if err != nil {
				t.Fatal(err)
			}
			got := render(t, state, warnings)
			golden := "testdata/" + c.file + ".golden"
			if *rewrite {
				if err := os.WriteFile(golden, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("want -, got +\n%s", diff)
			}
			accepted(t, state)
		})
	}
}

// accepted proves that Route 53 takes every record set of a state, created in one batch a zone.
func accepted(t *testing.T, s plan.State) {
	t.Helper()
	checks := map[string]bool{}
	for _, c := range s.Checks {
		if checks[c.Key] {
			t.Errorf("check %s is there twice", c.Key)
		}
		checks[c.Key] = true
		if _, err := health.Normalize(c.Config,
			health.Rules{MinRequestInterval: 1, AllowedAddresses: health.AnyAddress()}); err != nil {
			t.Errorf("check %s: %v", c.Key, err)
		}
	}
	facts := zone.Facts{
		HealthCheckExists: func(id string) bool { return checks[id] },
		ServiceTarget: func(id string, name zone.Name) (exists, known bool) {
			return zone.InLoadBalancerZone(id, name) || !zone.IsServiceZone(id), true // zones of other partitions are not known
		},
	}
	batches := map[string][]zone.Change{}
	for _, r := range s.Records {
		set := r.Set
		set.HealthCheckID = r.CheckKey
		batches[r.ZoneID] = append(batches[r.ZoneID], zone.Change{Action: zone.Create, ResourceRecordSet: set})
	}
	for _, z := range s.Zones {
		if _, _, err := zone.NewRecords().Apply(z, batches[z.ID], facts); err != nil {
			t.Errorf("zone %s: %v", z.Name, err)
		}
		delete(batches, z.ID)
	}
	if len(batches) > 0 {
		t.Errorf("records are in zones that the state does not have: %v", batches)
	}
}
