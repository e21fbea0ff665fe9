package audit_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkhead-dns/bulkhead/audit"
	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/zone"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files of testdata anew")

func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *rewrite {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s differs; if it should, run the test with -rewrite (-want +got):\n%s", file, diff)
	}
}

// brief lists findings as "severity id object, object".
func brief(findings []audit.Finding) []string {
	list := []string{}
	for _, f := range findings {
		list = append(list, fmt.Sprintf("%s %s %s", f.Severity, f.ID, strings.Join(f.Objects, ", ")))
	}
	return list
}

// twoApps is the input for the two applications of examples/twoapps, as failover makes them.
func twoApps(t *testing.T) audit.Input {
	t.Helper()
	in := audit.Input{Provider: failover.AWS}
	for _, file := range []string{"../examples/twoapps/app1.yaml", "../examples/twoapps/app2.yaml"} {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		objects, err := failover.Parse(file, data)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range objects {
			in.Policies = append(in.Policies, failover.Default(*o.Policy, nil))
		}
	}
	facts := failover.Facts{Provider: failover.AWS,
		Zones: []zone.HostedZone{{ID: "Z1", Name: "example.com.", NameServers: []string{"ns1.example.net"}}}}
	for i, region := range []string{"eu-west-1", "eu-central-1"} {
		id, _ := zone.CanonicalHostedZoneID(region)
		facts.LoadBalancers = append(facts.LoadBalancers,
			failover.LoadBalancerFact{Region: region, Name: "demoalb", HostedZoneID: id,
				DNSName: zone.Name(fmt.Sprintf("demoalb-%d.%s.elb.amazonaws.com.", i+1, region))})
	}
	var err error
	if in.State, _, err = failover.Compile(in.Policies, nil, facts); err != nil {
		t.Fatal(err)
	}
	for i := range in.State.Checks {
		in.State.Checks[i].ID = in.State.Checks[i].Key
	}
	for i := range in.State.Records {
		in.State.Records[i].Set.HealthCheckID = in.State.Records[i].CheckKey
	}
	for _, fact := range facts.LoadBalancers {
		in.LoadBalancers = append(in.LoadBalancers, audit.LoadBalancer{DNSName: fact.DNSName, HostedZoneID: fact.HostedZoneID,
			Rules: []audit.Rule{
				{Path: "/app1health", TargetGroup: "app1"}, {Host: "app1.example.com", TargetGroup: "app1"},
				{Path: "/app2health", TargetGroup: "app2"}, {Host: "app2.example.com", TargetGroup: "app2"}, {Status: 404},
			},
			TargetGroups: []audit.TargetGroup{{Name: "app1", Registered: 2, Healthy: 2},
				{Name: "app2", Registered: 2, Healthy: 2}},
		})
	}
	return in
}

func TestNothingIsFoundInTheTwoApps(t *testing.T) {
	in := twoApps(t)
	if diff := cmp.Diff([]string{}, brief(audit.Audit(in))); diff != "" {
		t.Errorf("with all that is known (-want +got):\n%s", diff)
	}
	in.LoadBalancers, in.Policies = nil, nil
	if diff := cmp.Diff([]string{}, brief(audit.Audit(in))); diff != "" {
		t.Errorf("with records and checks alone (-want +got):\n%s", diff)
	}
}

// With records that evaluate target health and have no health check, one application's failure moves both. r53: A.9,
// E.4.
func TestEvaluatedHealthOfASharedLoadBalancer(t *testing.T) {
	in := twoApps(t)
	for i := range in.State.Records {
		s := &in.State.Records[i].Set
		s.HealthCheckID, s.AliasTarget.EvaluateTargetHealth = "", true
	}
	in.State.Checks = nil
	in.LoadBalancers[0].TargetGroups[1].Healthy = 0
	got := audit.Audit(in)
	want := audit.Finding{
		ID: "shared-fate", Severity: audit.Critical,
		Objects: []string{"app1.example.com A eu-west-1", "app2.example.com A eu-west-1",
			"demoalb-1.eu-west-1.elb.amazonaws.com"},
		Hostnames: []string{"app1.example.com", "app2.example.com"},
		Why: "Evaluate target health is on for demoalb-1.eu-west-1.elb.amazonaws.com. When any one of its 2 target groups " +
			"(app1 and app2) has no healthy target, all of app1.example.com and app2.example.com leave it together. That is " +
			"so now: app2.",
		Fix: "For each of these record sets create a health check of the application's own health path at " +
			"demoalb-1.eu-west-1.elb.amazonaws.com, set it as HealthCheckId, and set EvaluateTargetHealth to false.",
		Reference: "r53: A.9, E.4",
	}
	at := slices.IndexFunc(got, func(f audit.Finding) bool { return slices.Contains(f.Objects, want.Objects[2]) })
	if len(got) != 2 || at < 0 {
		t.Fatalf("got %q", brief(got))
	}
	if diff := cmp.Diff(want, got[at]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for i := range in.LoadBalancers { // one application alone may have its load balancer evaluated
		in.LoadBalancers[i].TargetGroups = in.LoadBalancers[i].TargetGroups[:1]
	}
	if got := brief(audit.Audit(in)); len(got) != 0 {
		t.Errorf("one target group: %q", got)
	}
}

// A policy's promise is held against the timers that there are. r53: D.1.
func TestPromisesAreHeldAgainstTimers(t *testing.T) {
	in := twoApps(t)
	in.Policies[0].Spec.Objectives.RTO = failover.Duration(2 * time.Minute)
	got := audit.Audit(in)
	if len(got) != 1 {
		t.Fatalf("got %q", brief(got))
	}
	want := "A failover takes 2m58s at worst (detection 1m48s, propagation 10s, TTL 1m); policy team-a/app1 promises 2m."
	if got[0].ID != "rto-missed" || got[0].Why != want {
		t.Errorf("got %s: %s", got[0].ID, got[0].Why)
	}
	if want := "Set RequestInterval to 10 and FailureThreshold to 3 at most: 1m58s at worst. An interval cannot be " +
		"changed: where it is longer, create the check anew."; got[0].Fix != want {
		t.Errorf("fix: %s", got[0].Fix)
	}
}

// The order of the input is nobody's business.
func TestOrderDoesNotMatter(t *testing.T) {
	in := bank(t)
	want := audit.Audit(in)
	slices.Reverse(in.State.Records)
	slices.Reverse(in.State.Checks)
	slices.Reverse(in.LoadBalancers)
	if diff := cmp.Diff(want, audit.Audit(in)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTextAndStatus(t *testing.T) {
	findings := []audit.Finding{
		{ID: "one", Severity: audit.Critical, Objects: []string{"a"}, Hostnames: []string{"h1", "h2"},
			Why: strings.Repeat("word ", 30),
			Fix: "Do it.", Reference: "r53: A.1"},
		{ID: "two", Severity: audit.Info, Objects: []string{"b"}, Why: "So.", Fix: "Nothing.", Reference: "r53: F"},
	}
	golden(t, "testdata/text.txt", []byte(audit.Text(findings, 80, false)))
	golden(t, "testdata/colour.txt", []byte(audit.Text(findings, 80, true)))
	if got := audit.Text(nil, 80, true); got != "Nothing found.\n" {
		t.Errorf("nothing: %q", got)
	}
	if got := string(audit.JSON(nil)); got != "[]\n" {
		t.Errorf("nothing: %q", got)
	}
	for _, c := range []struct {
		findings []audit.Finding
		least    audit.Severity
		want     int
	}{
		{nil, audit.Info, 0}, {findings, audit.Critical, 3}, {findings, audit.Info, 3},
		{findings[1:], audit.Info, 3}, {findings[1:], audit.Warning, 0},
	} {
		if got := audit.ExitStatus(c.findings, c.least); got != c.want {
			t.Errorf("%q at least %s: %d, want %d", brief(c.findings), c.least, got, c.want)
		}
	}
}

// state puts record sets and checks into one zone, example.com.
func state(sets []zone.ResourceRecordSet, checks []plan.Check) plan.State {
	s := plan.State{Zones: []zone.HostedZone{{ID: "Z1", Name: "example.com.", NameServers: []string{"ns1.example.net"}}},
		Checks: checks}
	for _, set := range sets {
		s.Records = append(s.Records, plan.Record{ZoneID: "Z1", Set: set})
	}
	return s
}
