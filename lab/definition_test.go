package lab

import (
	"net/netip"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestADefinitionIsFilledIn(t *testing.T) {
	got, err := ParseDefinition("lab.yaml", []byte(`
zones: [Bank.Example., eu.bank.example]
regions:
  - {name: eu-west-1, loadBalancers: [{name: retail}, {name: corporate}]}
  - {name: eu-north-1, address: 127.20.0.1, clients: 10.77.0.0/16}
applications:
  - name: cards
    regions:
    - {name: eu-west-1, loadBalancer: corporate, replicas: 0}
    - {name: eu-north-1, failing: true, healthAnswer: always}
  - name: loans
    hostname: loans.eu.bank.example
    healthPath: /up
    replicas: 1
    rules: [{host: "*.bank.example", path: /loans*}]
`))
	if err != nil {
		t.Fatal(err)
	}
	number := func(n int) *int { return &n }
	yes, no := true, false
	want := Definition{
		Zones: []string{"bank.example", "eu.bank.example"},
		Regions: []RegionDefinition{
			{"eu-west-1", netip.MustParseAddr("127.10.1.1"), netip.MustParsePrefix("10.1.0.0/16"),
				[]LoadBalancerDefinition{{"retail"}, {"corporate"}}},
			{"eu-north-1", netip.MustParseAddr("127.20.0.1"), netip.MustParsePrefix("10.77.0.0/16"),
				[]LoadBalancerDefinition{{"demoalb"}}},
		},
		Applications: []ApplicationDefinition{
			{Name: "cards", Hostname: "cards.bank.example", HealthPath: "/cardshealth", Replicas: number(2),
				HealthAnswer: HealthHonest,
				Rules:        []RuleDefinition{{Host: "cards.bank.example"}, {Path: "/cardshealth"}}, Hue: hueOf("cards"),
				Regions: []ApplicationRegion{
					{"eu-west-1", "corporate", number(0), &no, HealthHonest},
					{"eu-north-1", "demoalb", number(2), &yes, HealthAlways},
				}},
			{Name: "loans", Hostname: "loans.eu.bank.example", HealthPath: "/up", Replicas: number(1),
				HealthAnswer: HealthHonest,
				Rules:        []RuleDefinition{{"*.bank.example", "/loans*"}}, Hue: hueOf("loans"),
				Regions: []ApplicationRegion{
					{"eu-west-1", "retail", number(1), &no, HealthHonest},
					{"eu-north-1", "demoalb", number(1), &no, HealthHonest},
				}},
		},
	}
	same := cmp.Comparer(func(a, b netip.Addr) bool { return a == b })
	samePrefix := cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })
	if diff := cmp.Diff(want, got, same, samePrefix); diff != "" {
		t.Errorf("definition (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(got, got.withDefaults(), same, samePrefix); diff != "" {
		t.Errorf("filled in again it changes (-once +twice):\n%s", diff)
	}
	if z, ok := got.zoneOf("loans.eu.bank.example"); z != "eu.bank.example" || !ok {
		t.Errorf("the host name is in zone %q, want the longest", z)
	}
	if faults := DefaultDefinition().check(); len(faults) > 0 {
		t.Errorf("the default definition is refused: %v", faults)
	}
}

func TestADefinitionIsRefusedWithItsReason(t *testing.T) {
	const region = "regions: [{name: eu-west-1}]\n"
	for _, c := range []struct{ name, yaml, want string }{
		{"empty", "", "f: the file is empty: give at least one of regions"},
		{"no Region", "applications: []", "f: 0 regions: use 1 to 20"},
		{"two documents", region + "---\n" + region, "f: more than one document: a lab has one definition"},
		{"unknown field", region + "pods: 3", "f: line 2: there is no field pods here"},
		{"wrong kind", region + "applications: {}", "f: line 2: cannot unmarshal !!map here"},
		{"zone twice", region + "zones: [a.example, A.example.]", `f: zone "a.example" is named twice`},
		{"Region twice", "regions: [{name: eu-west-1}, {name: eu-west-1}]", `f: region "eu-west-1": it is defined twice`},
		{"same network", "regions: [{name: eu-west-1}, {name: eu-west-2, address: 127.10.1.1}]",
			`f: region "eu-west-2": address 127.10.1.1 is in the /24 of region "eu-west-1"`},
		{"engine's network", "regions: [{name: eu-west-1, address: 127.0.0.1}]",
			`f: region "eu-west-1": address 127.0.0.1: 127.0.0.0/24 is the engine's: use one such as 127.10.3.1`},
		{"same clients", "regions: [{name: eu-west-1}, {name: eu-west-2, clients: 10.1.0.0/16}]",
			`f: region "eu-west-2": clients 10.1.0.0/16 are those of region "eu-west-1"`},
		{"client bits", "regions: [{name: eu-west-1, clients: 10.1.2.3/16}]",
			`f: region "eu-west-1": clients 10.1.2.3/16: address bits beyond the prefix are set: use 10.1.0.0/16`},
		{"load balancer twice", "regions: [{name: eu-west-1, loadBalancers: [{name: a}, {name: a}]}]",
			`f: region "eu-west-1": load balancer "a" is defined twice`},
		{"application twice", region + "applications: [{name: a}, {name: a, hostname: b.example.com}]",
			`f: application "a": it is defined twice`},
		{"host name twice", region + "applications: [{name: a}, {name: b, hostname: a.example.com}]",
			`f: application "b": hostname a.example.com is that of application "a"`},
		{"Region unknown", region + "applications: [{name: a, regions: [{name: eu-west-9}]}]",
			`f: application "a": region "eu-west-9" is not defined: there are eu-west-1`},
		{"hue", region + "applications: [{name: a, hue: 361}]", `f: application "a": hue 361: use 1 to 360`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ParseDefinition("f", []byte(c.yaml))
			if err == nil || err.Error() != c.want {
				t.Errorf("error %v\nwant  %s", err, c.want)
			}
		})
	}
}

// A third Region, two load balancers in one, faults from the start, and a name of another zone, all served by one lab.
func TestADefinedWorldIsServed(t *testing.T) {
	d, err := ParseDefinition("lab.yaml", []byte(`
zones: [bank.example, example.com]
regions:
  - {name: eu-west-1, loadBalancers: [{name: retail}, {name: corporate}]}
  - {name: eu-central-1}
  - {name: eu-north-1}
applications:
  - name: cards
    loadBalancer: retail
    regions: [{name: eu-west-1, failing: true}, {name: eu-north-1, loadBalancer: demoalb}]
  - {name: loans, regions: [{name: eu-west-1, loadBalancer: corporate}, {name: eu-north-1, replicas: 0}]}
  - {name: app1, hostname: app1.example.com, healthAnswer: always, failing: true}
`))
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Definition: d, DataDir: t.TempDir(), Interval: 1, Threshold: 1}
	l, stop := startLab(t, o)
	const nearNorth, north = "10.3.9.0/24", "127.10.3.1"
	expect := func(name, network, want string) {
		t.Helper()
		waitFor(t, name+" near "+network+" to be "+want, func() bool { return resolve(t, l, name, network) == want })
	}
	expect("cards.bank.example", nearWest, north)         // failing there
	expect("loans.bank.example", nearNorth, "127.10.1.2") // no pods there, and behind the second load balancer here
	expect("app1.example.com", nearWest, west)            // its check never fails
	expect("app1.example.com", nearNorth, north)
	if got := len(l.ZoneRecords()); got != 2 {
		t.Errorf("%d hosted zones were made, want 2", got)
	}
	s := l.Status()
	if got := s.Regions[0].LoadBalancers(); len(got) != 2 || got[1].Name != "corporate" || got[0].Port != got[1].Port {
		t.Errorf("load balancers of eu-west-1 %+v, want retail and corporate on one port", got)
	}
	if err := l.Heal("cards", "eu-west-1"); err != nil {
		t.Fatal(err)
	}
	expect("cards.bank.example", nearWest, west)
	stop()

	// What was changed is kept; what was not follows the definition.
	o.Definition.Applications[1].Regions[1].Replicas = o.Definition.Applications[0].Replicas
	l, _ = startLab(t, o)
	for _, a := range l.Status().Regions[2].Applications {
		if a.Name == "loans" && a.Replicas != 2 {
			t.Errorf("%d replicas of loans in eu-north-1, want the definition's new 2", a.Replicas)
		}
	}
	if l.Status().Regions[0].Applications[0].Failing {
		t.Error("cards fails again after a restart, want it healed still")
	}
}

// The bank has forty applications in three Regions; its lab makes the zone for `bulkhead apply` and describes its load
// balancers.
func TestTheBankIsServed(t *testing.T) {
	data, err := os.ReadFile("../examples/bank/lab.yaml")
	if err != nil {
		t.Fatal(err)
	}
	d, err := ParseDefinition("lab.yaml", data)
	if err != nil {
		t.Fatal(err)
	}
	l, _ := startLab(t, Options{Definition: d, DataDir: t.TempDir(), ZoneOnly: true})
	made := l.ZoneRecords()
	if len(made) != 1 || made[0].HostedZoneID == "" || len(made[0].Records) != 0 {
		t.Errorf("made %+v, want one zone without records", made)
	}
	checks, err := listLabChecks(t.Context(), l.Route53())
	if err != nil || len(checks) != 0 {
		t.Errorf("%d health checks, error %v, want none", len(checks), err)
	}
	status, reply := askAWS(t, l, "POST", "/", "eu-north-1", "elasticloadbalancing",
		"Action=DescribeLoadBalancers&Version=2015-12-01&Names.member.1=bank")
	if status != 200 || !strings.Contains(reply, "<DNSName>bank-") {
		t.Errorf("load balancers: %d %s, want the bank's", status, reply)
	}
	if status, body := get(t, l.surroundings.regions[2].balancers[0].LoadBalancer, "payments.bank.example",
		"/paymentshealth"); status != 200 {
		t.Errorf("payments' health path in eu-north-1: %d %s", status, body)
	}
}

func FuzzParseDefinition(f *testing.F) {
	f.Add([]byte("regions: [{name: eu-west-1}]\napplications: [{name: a, replicas: 0, rules: [{path: /a}]}]"))
	f.Add([]byte("regions: [{name: eu-west-1, address: ::1, clients: ::/0}]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := ParseDefinition("f", data)
		if err != nil {
			return
		}
		for _, a := range d.Applications {
			if _, ok := d.zoneOf(a.Hostname); !ok || len(a.Regions) == 0 || a.Replicas == nil {
				t.Errorf("accepted an application without zone, Region or replicas: %+v", a)
			}
		}
	})
}
