package failover

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/zone"
)

func TestHostedZoneIsTheLongestThatTheClassAllows(t *testing.T) {
	for _, c := range []struct {
		hostname, zones, want string
		refused               []string
	}{
		{hostname: "a.example.com", want: "ZCOM"},
		{hostname: "a.eu.example.com", want: "ZEU"},
		{hostname: "a.eu.example.com", zones: "[ZEU]", want: "ZEU"},
		{hostname: "a.eu.example.com", zones: "[example.com]",
			refused: []string{`spec.hostname: "a.eu.example.com": the class c does not allow its zone, eu.example.com. ZEU`}},
		{hostname: "a.example.org",
			refused: []string{`spec.hostname: "a.example.org": no public hosted zone of the account holds this name; create ` +
				`its zone first`}},
	} {
		var class *Class
		if c.zones != "" {
			class = classOf(t, head2+"  zones: "+c.zones+"\n")
		}
		z, err := HostedZone(policyOf(t, "{hostname: "+c.hostname+", regions: [{lb1}]}"), class, account(AWS))
		if diff := cmp.Diff(c.refused, refusals(t, err)); z.ID != c.want || diff != "" {
			t.Errorf("%s: zone %q, want %q; refusals, want -, got +\n%s", c.hostname, z.ID, c.want, diff)
		}
	}
}

func TestCompileRefusesWhatTheFactsDoNotHold(t *testing.T) {
	for _, c := range []struct {
		rule, spec string
		region     string
		class      *Class
		want       []string
	}{
		{rule: "load balancer", spec: "{hostname: a.example.com, regions: [{name: eu-west-1, loadBalancer: {name: other}}]}",
			want: []string{`spec.regions[0].loadBalancer.name: "other": 0 load balancers are in eu-west-1; there must be ` +
				`exactly one`}},
		{rule: "load balancer of another Region", spec: "{hostname: a.example.com, regions: [{name: us-east-1, " +
			"loadBalancer: {name: demoalb}}]}",
			want: []string{`spec.regions[0].loadBalancer.name: "demoalb": 0 load balancers are in us-east-1; there must be ` +
				`exactly one`}},
		{rule: "B.5 internal", spec: "{hostname: a.example.com, regions: [{name: eu-west-1, loadBalancer: {name: inside}}]}",
			want: []string{`spec.regions[0].loadBalancer.name: "inside": is internal: checkers of aws are outside any ` +
				`network and could never reach it`}},
		{rule: "E.2 own zone", spec: "{hostname: a.example.com, regions: [{name: eu-west-1, loadBalancer: {dnsName: " +
			"x.example.net, hostedZoneId: ZCOM}}]}",
			want: []string{`spec.regions[0].loadBalancer.hostedZoneId: "ZCOM": is a hosted zone of the account: the ` +
				`canonical id of the load balancer's zone is wanted`}},
		{rule: "zone", spec: "{hostname: a.example.org, regions: [{lb1}]}",
			want: []string{`spec.hostname: "a.example.org": no public hosted zone of the account holds this name; create its ` +
				`zone first`}},
		{rule: "zone by class", spec: "{hostname: a.eu.example.com, regions: [{lb1}]}",
			class: classOf(t, head2+"  zones: [example.com]\n"),
			want:  []string{`spec.hostname: "a.eu.example.com": the class c does not allow its zone, eu.example.com. ZEU`}},
		{rule: "two zones of a name", spec: "{hostname: a.twin.example.com, regions: [{lb1}]}",
			want: []string{`spec.hostname: "a.twin.example.com": several zones have the name twin.example.com.: name the ` +
				`right one of ZTWIN1, ZTWIN2 in the class`}},
		{rule: "two zones of a name, one by class", spec: "{hostname: a.twin.example.com, regions: [{lb1}]}",
			class: classOf(t, head2+"  zones: [ZTWIN2]\n")},
		{rule: "families", spec: "{hostname: a.example.com, ipFamilies: [IPv6], regions: [{lb1}]}",
			want: []string{`spec.ipFamilies: "IPv6": eu-west-1 has no IPv6 address`}},
		{rule: "families", spec: `{hostname: a.example.com, routing: {policy: Failover}, regions: [{v4}, {name: x, ` +
			`addresses: ["2606:2800:220:1::1"]}]}`,
			want: []string{"spec.ipFamilies: no address family is in all Regions: clients of either could not fail over"}},
		{rule: "targetRef", spec: "{hostname: a.example.com, targetRef: {kind: Ingress, name: x}}",
			want: []string{"spec.regions: is missing: the targetRef is resolved in a cluster only"}},
		{rule: "targetRef", spec: "{hostname: a.example.com, targetRef: {kind: Ingress, name: x}, regions: [{name: " +
			"eu-west-1}]}",
			want: []string{"spec.regions[0]: has neither loadBalancer nor addresses, and its targetRef is not resolved here"}},
		{rule: "this Region", spec: "{hostname: a.example.com, regions: [{lb1}]}", region: "eu-central-1",
			want: []string{"spec.regions: has no Region eu-central-1, which is to be compiled"}},
		{rule: "this Region, the other one not said", spec: "{hostname: a.example.com, routing: {policy: Failover, order: " +
			"[us-east-1, eu-west-1]}, regions: [{lb1}]}",
			region: "eu-west-1"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			facts := account(AWS)
			facts.Region = c.region
			state, _, err := Compile([]Policy{policyOf(t, c.spec)}, c.class, facts)
			if diff := cmp.Diff(c.want, refusals(t, err)); diff != "" {
				t.Errorf("want -, got +\n%s", diff)
			}
			if err != nil && (state.Zones != nil || state.Checks != nil || state.Records != nil) {
				t.Errorf("a state beside the error: %+v", state)
			}
		})
	}
}

const head2 = "apiVersion: bulkhead.dev/v1alpha1\nkind: FailoverClass\nmetadata: {name: c}\nspec:\n"

func TestCompileRefusesPoliciesInEachOthersWay(t *testing.T) {
	a := policyOf(t, "{hostname: a.example.com, regions: [{lb1}, {lb2}]}")
	b, twin := a, a
	b.Metadata.Name = "b"
	b.Spec.Hostname = "A.example.com."
	_, _, err := Compile([]Policy{b, a, twin}, nil, account(AWS))
	want := Problems{
		{Where: "team-a/app", Path: "metadata.name", Value: `"app"`,
			Reason: "another policy has this name in namespace team-a"},
		{Where: "team-a/b", Path: "spec.hostname", Value: `"A.example.com."`,
			Reason: "is the hostname of team-a/app already"},
	}
	if diff := cmp.Diff(error(want), err); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
	b.Spec.Hostname = "b.example.com"
	_, _, err = Compile([]Policy{b, a}, classOf(t, head2+"  limits: {policiesPerNamespace: 1}\n"), account(AWS))
	if got, want := fmt.Sprint(err), "team-a: has 2 policies, the class c allows 1"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestCompileWarns(t *testing.T) {
	root := "spec.healthCheck.path: probes ask the load balancer for / under its own name, which any application behind " +
		"it may answer: give a path that only this one answers, or a hostHeader"
	for _, c := range []struct {
		rule, spec string
		want       []string
	}{
		{"H path of everybody", "{hostname: a.example.com, regions: [{lb1}, {lb2}]}", []string{root}},
		{"H path of its own, as in twoapps", "{hostname: a.example.com, healthCheck: {path: /app1health}, regions: " +
			"[{lb1}, {lb2}]}", nil},
		{"H host header", "{hostname: a.example.com, healthCheck: {hostHeader: eu.example.net}, regions: [{lb1}]}",
			[]string{"spec.regions: there is one Region only: clients have nowhere to go when it fails"}},
		{"one Region", "{hostname: a.example.com, regions: [{lb1}]}",
			[]string{root, "spec.regions: there is one Region only: clients have nowhere to go when it fails"}},
		{"B.1 TCP", "{hostname: a.example.com, healthCheck: {type: TCP, port: 80}, regions: [{lb1}, {lb2}]}",
			[]string{"spec.healthCheck.type: a TCP check of a load balancer sees the load balancer, not the application " +
				"behind it"}},
		{"B.2 interval", "{hostname: a.example.com, healthCheck: {requestInterval: 2}, routing: {policy: Weighted}, " +
			"regions: [{v4}, {v4b}]}",
			nil},
		{"B.6 inverted", "{hostname: a.example.com, healthCheck: {inverted: true}, routing: {policy: Weighted}, regions: " +
			"[{v4}, {v4b}]}",
			[]string{"spec.healthCheck.inverted: clients are sent to a Region when its endpoint fails"}},
		{"D.2 TTL", "{hostname: a.example.com, routing: {policy: Failover}, regions: [{v4}, {name: x, addresses: " +
			"[93.184.216.35], ttl: 300}]}",
			[]string{"spec.regions[1].ttl: resolvers go on answering with a failed Region for up to 300 s; 60 or less is " +
				"advised"}},
		{"A.5 weights", "{hostname: a.example.com, routing: {policy: Weighted, weights: {blue: 0, green: 0}}, regions: " +
			"[{v4}, {v4b}]}",
			[]string{"spec.routing.weights: all weights are 0, which Route 53 takes as all equal"}},
		{"shared fate of Regions", "{hostname: a.example.com, ipFamilies: [IPv4], routing: {policy: Weighted}, regions: " +
			"[{lb1}, {name: x, loadBalancer: {dnsName: dualstack.demoalb-1.eu-west-1.elb.amazonaws.com}}]}",
			[]string{root, "spec.regions[1].loadBalancer: eu-west-1 and x are one load balancer: they fail together"}},
		{"partly IPv6", `{hostname: a.example.com, routing: {policy: Failover}, regions: [{v4}, {name: x, addresses: ` +
			`[93.184.216.35, "2606:2800:220:1::1"]}]}`,
			[]string{
				"spec.ipFamilies: not every Region has IPv6 addresses: there are no records of that family",
				"spec.regions[1].addresses: the check probes 93.184.216.35 alone, and stands for the others",
			}},
	} {
		_, warnings, err := Compile([]Policy{policyOf(t, c.spec)}, nil, account(Engine))
		if err != nil {
			t.Errorf("%s: %v", c.rule, err)
		}
		var got []string
		for _, w := range warnings {
			got = append(got, w.Path+": "+w.Text)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: want -, got +\n%s", c.rule, diff)
		}
	}
}

func TestCompileWarnsOfSharedFate(t *testing.T) {
	a := policyOf(t, "{hostname: a.example.com, healthCheck: {path: /health}, regions: [{lb1}, {lb2}]}")
	b := a
	b.Metadata.Name, b.Spec.Hostname = "b", "b.example.com"
	_, warnings, err := Compile([]Policy{b, a}, nil, account(AWS))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []Warning{
		{"team-a/app", "spec.healthCheck", "probes the same URL as team-a/b: they fail together"},
		{"team-a/b", "spec.healthCheck", "probes the same URL as team-a/app: they fail together"},
	} {
		if !slices.Contains(warnings, want) {
			t.Errorf("no warning %q in %v", want, warnings)
		}
	}
}

// Among hundreds that ask one question everybody is told of a few, so that what is said grows with their number, not
// its square.
func TestCompileNamesAFewOfMany(t *testing.T) {
	var policies []Policy
	for i := range 9 {
		p := policyOf(t, "{hostname: a.example.com, healthCheck: {path: /health}, regions: [{lb1}, {lb2}]}")
		p.Metadata.Name, p.Spec.Hostname = fmt.Sprintf("app%d", i), fmt.Sprintf("app%d.example.com", i)
		policies = append(policies, p)
	}
	_, warnings, err := Compile(policies, nil, account(AWS))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []Warning{
		{"team-a/app0", "spec.healthCheck", "probes the same URL as team-a/app1, team-a/app2, team-a/app3 and others: " +
			"they fail together"},
		{"team-a/app8", "spec.healthCheck", "probes the same URL as team-a/app0, team-a/app1, team-a/app2 and others: " +
			"they fail together"},
	} {
		if !slices.Contains(warnings, want) {
			t.Errorf("no warning %q in %v", want, warnings)
		}
	}
}

func TestLookups(t *testing.T) {
	const arn = "arn:aws:elasticloadbalancing:eu-west-1:1:loadbalancer/app/x/1"
	policies := []Policy{
		policyOf(t, "{regions: [{lb1}, {lb2}, {v4}]}"),
		policyOf(t, `{regions: [{lb1}, {name: dc-1, loadBalancer: {arn: "`+arn+
			`"}}, {name: x, loadBalancer: {dnsName: a.b}}]}`),
	}
	want := []Lookup{{"eu-central-1", "demoalb", ""}, {"eu-west-1", "", arn}, {"eu-west-1", "demoalb", ""}}
	if diff := cmp.Diff(want, Lookups(policies, "")); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
	if diff := cmp.Diff(want[:1], Lookups(policies, "eu-central-1")); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
}

func TestCheckKey(t *testing.T) {
	p := Policy{Metadata: Metadata{Name: "app1", Namespace: "team-a"}}
	if got := CheckKey(p, "eu-west-1"); got != "team-a/app1/eu-west-1" {
		t.Errorf("key %s", got)
	}
	if got := CheckKey(Policy{Metadata: Metadata{Name: "app1"}}, "eu-west-1"); got != "default/app1/eu-west-1" {
		t.Errorf("key %s", got)
	}
	key := CheckKey(p, "eu-west-1")
	if plan.PolicyOf(key) != p.Key() || plan.RegionOf(key) != "eu-west-1" {
		t.Errorf("%s is of %s in %s", key, plan.PolicyOf(key), plan.RegionOf(key))
	}
}

// randomPolicies makes valid policies of every kind.
func randomPolicies(r *rand.Rand, n int) []Policy {
	names := []string{"eu-west-1", "eu-central-1", "us-east-1", "us-west-2", "ap-south-1"}
	places := []Location{{Country: "*"}, {Continent: "EU"}, {Country: "DE"}, {Country: "US"},
		{Country: "US", Subdivision: "VA"}}
	var policies []Policy
	for i := range n {
		routing := routingPolicies()[r.IntN(5)]
		p := Policy{Metadata: Metadata{Name: fmt.Sprintf("app%d", i), Namespace: fmt.Sprintf("team-%d", r.IntN(3))}}
		p.Spec.Hostname = fmt.Sprintf("app%d.%s", i, []string{"example.com", "eu.example.com", "a.b.example.com"}[r.IntN(3)])
		p.Spec.Routing.Policy = routing
		p.Spec.HealthCheck = HealthCheck{Type: []string{"", "HTTP", "HTTPS", "TCP"}[r.IntN(4)], Port: new(1 + r.IntN(65535)),
			FailureThreshold: new(1 + r.IntN(10)), RequestInterval: new([]int{10, 30}[r.IntN(2)])}
		count := 1 + r.IntN(len(names))
		if routing == Failover {
			count = 2
		}
		p.Spec.IPFamilies = [][]IPFamily{{IPv4}, {IPv6, IPv4}}[r.IntN(2)]
		for j, at := range r.Perm(len(names))[:count] {
			region := Region{Name: names[at]}
			if routing != Multivalue && r.IntN(2) == 0 {
				region.LoadBalancer = &LoadBalancer{DNSName: fmt.Sprintf("lb%d.%s.elb.amazonaws.com", i, names[at])}
			} else {
				region.Addresses = []string{fmt.Sprintf("93.184.%d.%d", i, at+1), fmt.Sprintf("2606:2800:%x::%x", i+1, at+1)}
			}
			if routing == Geolocation {
				region.Location = &places[j]
			}
			if routing == Failover {
				p.Spec.Routing.Order = append(p.Spec.Routing.Order, region.Name)
			}
			if routing == Weighted {
				region.Weight = new(int64(r.IntN(256)))
			}
			p.Spec.Regions = append(p.Spec.Regions, region)
		}
		policies = append(policies, p)
	}
	return policies
}

// Whatever valid policies say: the order of policies and of Regions does not matter, Route 53 takes the result, every
// record asks the check of its own policy and Region, and clusters that compile their own Region each make up the
// whole.
func TestCompileProperties(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 7))
		policies := randomPolicies(r, 1+r.IntN(12))
		facts := account([]Provider{AWS, Engine}[r.IntN(2)])
		facts.Zones = facts.Zones[:3]
		state, warnings, err := Compile(policies, nil, facts)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		accepted(t, state)

		r.Shuffle(len(policies), func(i, j int) { policies[i], policies[j] = policies[j], policies[i] })
		r.Shuffle(len(facts.Zones), func(i, j int) { facts.Zones[i], facts.Zones[j] = facts.Zones[j], facts.Zones[i] })
		again, warned, err := Compile(policies, nil, facts)
		if err != nil || cmp.Diff(state, again) != "" || cmp.Diff(warnings, warned) != "" {
			t.Fatalf("seed %d: another order of policies gives %v\n%s", seed, err, cmp.Diff(state, again))
		}
		for i := range policies {
			regions := slices.Clone(policies[i].Spec.Regions)
			r.Shuffle(len(regions), func(a, b int) { regions[a], regions[b] = regions[b], regions[a] })
			policies[i].Spec.Regions = regions
		}
		again, _, err = Compile(policies, nil, facts)
		if err != nil || cmp.Diff(state, again) != "" {
			t.Fatalf("seed %d: another order of Regions gives %v\n%s", seed, err, cmp.Diff(state, again))
		}
		clustersMakeTheWhole(t, policies, facts, state)
		oneOfEach(t, policies, state)
	}
}

// clustersMakeTheWhole compiles Region by Region.
func clustersMakeTheWhole(t *testing.T, policies []Policy, facts Facts, whole plan.State) {
	t.Helper()
	records, checks := map[string]zone.ResourceRecordSet{}, map[string]health.Config{}
	for _, region := range []string{"eu-west-1", "eu-central-1", "us-east-1", "us-west-2", "ap-south-1"} {
		here := slices.DeleteFunc(slices.Clone(policies), func(p Policy) bool {
			return !slices.Contains(regionNames(p.Spec.Regions), region)
		})
		facts.Region = region
		state, _, err := Compile(here, nil, facts)
		if err != nil {
			t.Fatalf("%s: %v", region, err)
		}
		for _, c := range state.Checks {
			checks[c.Key] = c.Config
		}
		for _, r := range state.Records {
			records[fmt.Sprint(r.ZoneID, r.CheckKey, r.Set.Key())] = r.Set
		}
	}
	if len(checks) != len(whole.Checks) || len(records) != len(whole.Records) {
		t.Errorf("clusters make %d checks and %d records, want %d and %d", len(checks), len(records), len(whole.Checks),
			len(whole.Records))
	}
	for _, c := range whole.Checks {
		if diff := cmp.Diff(c.Config, checks[c.Key]); diff != "" {
			t.Errorf("check %s\n%s", c.Key, diff)
		}
	}
	for _, r := range whole.Records {
		if diff := cmp.Diff(r.Set, records[fmt.Sprint(r.ZoneID, r.CheckKey, r.Set.Key())]); diff != "" {
			t.Errorf("record %v\n%s", r.Set.Key(), diff)
		}
	}
}

// oneOfEach counts: a check for a policy and Region, a record for each of its families.
func oneOfEach(t *testing.T, policies []Policy, s plan.State) {
	t.Helper()
	checks, records := 0, map[string]int{}
	for _, p := range policies {
		for _, r := range p.Spec.Regions {
			checks++
			for _, f := range p.Spec.IPFamilies {
				if f == IPv4 {
					records[CheckKey(p, r.Name)+" A"]++
				} else {
					records[CheckKey(p, r.Name)+" AAAA"]++
				}
			}
		}
	}
	if len(s.Checks) != checks {
		t.Errorf("%d checks, want %d", len(s.Checks), checks)
	}
	for _, r := range s.Records {
		records[r.CheckKey+" "+r.Set.Type.String()]--
		if r.Set.AliasTarget != nil && r.Set.AliasTarget.EvaluateTargetHealth {
			t.Errorf("%v asks the load balancer", r.Set.Key())
		}
	}
	for key, n := range records {
		if n != 0 {
			t.Errorf("%s: %d records are missing", key, n)
		}
	}
}

func BenchmarkCompile(b *testing.B) {
	policies := randomPolicies(rand.New(rand.NewPCG(1, 1)), 200)
	facts := account(AWS)
	for b.Loop() {
		if _, _, err := Compile(policies, nil, facts); err != nil {
			b.Fatal(err)
		}
	}
}
