package explain_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkhead-dns/bulkhead/explain"
	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/tagging"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// shop is one application in two Regions, with so many of its checks down.
func shop(down ...string) explain.Input {
	return input(down, []string{"c1=shop/app/eu-west-1", "c2=shop/app/us-east-1"},
		app("eu-west-1", "c1", "192.0.2.1", latency("eu-west-1")), app("us-east-1", "c2", "192.0.2.2", latency("us-east-1")))
}

func applications(t *testing.T, in explain.Input) []explain.Application {
	t.Helper()
	list, err := explain.Applications(in)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// brief is an application in a few words: condition, and for each Region health, votes and whom it serves.
func brief(a explain.Application) []string {
	lines := []string{a.Policy + " " + string(a.Condition)}
	for _, r := range a.Regions {
		lines = append(lines, r.Name+" "+string(r.Check.Health)+" ("+r.Check.Reason+"): "+strings.Join(r.Serves, ", "))
	}
	return append(lines, a.Problems...)
}

func TestConditionOfAnApplication(t *testing.T) {
	policy := failover.Default(failover.Policy{Metadata: failover.Metadata{Name: "app", Namespace: "shop"},
		Spec: failover.PolicySpec{
			Hostname: "app.example.com", Objectives: failover.Objective{RTO: failover.Duration(1e9)},
			Regions: []failover.Region{{Name: "us-east-1"}, {Name: "eu-west-1"}, {Name: "ap-south-1"}}}}, nil)
	unasked := shop()
	unasked.Reports = nil
	partly := shop()
	partly.Policies = []failover.Policy{policy}
	nothing := input(nil, nil)
	nothing.Policies = []failover.Policy{policy}
	lonely := shop()
	lonely.State.Records = lonely.State.Records[:1]
	foreign := shop()
	foreign.State.Checks[1].Key = ""
	changed := input([]string{"c3"}, []string{"c1=shop/app/eu-west-1", "c2=shop/app/us-east-1", "c3=shop/app/eu-west-1"},
		shop().State.Records[0].Set,
		shop().State.Records[1].Set)
	forcedOut, forcedIn := shop(), shop("c1")
	forcedOut.State.Checks[0].Config.Disabled, forcedOut.State.Checks[0].Config.Inverted = new(true), new(true)
	forcedIn.State.Checks[0].Config.Disabled = new(true)
	for _, c := range []struct {
		name string
		in   explain.Input
		want []string
	}{
		{"all is well", shop(), []string{"shop/app ok", "eu-west-1 healthy (4 of 4 healthy): near eu-west-1",
			"us-east-1 healthy (4 of 4 healthy): near us-east-1"}},
		{"one Region down: the other serves all", shop("c1"), []string{"shop/app degraded",
			"eu-west-1 unhealthy (0 of 4 healthy: 4× HTTP 503): ",
			"us-east-1 healthy (4 of 4 healthy): near eu-west-1, near us-east-1"}},
		{"both down: everybody stays, fail-open. r53: A.4", shop("c1", "c2"), []string{"shop/app down",
			"eu-west-1 unhealthy (0 of 4 healthy: 4× HTTP 503): near eu-west-1",
			"us-east-1 unhealthy (0 of 4 healthy: 4× HTTP 503): near us-east-1"}},
		{"nobody was asked", unasked, []string{"shop/app unknown", "eu-west-1 unknown (not asked): near eu-west-1",
			"us-east-1 unknown (not asked): near us-east-1"}},
		{"a Region of the policy is not applied, and its promise is not kept", partly, []string{"shop/app partial",
			"us-east-1 healthy (4 of 4 healthy): near us-east-1", "eu-west-1 healthy (4 of 4 healthy): near eu-west-1",
			"ap-south-1 missing (not applied): ",
			"the worst failover takes 1m58s, and the policy asks for 1s"}},
		{"nothing is applied", nothing, []string{"shop/app not applied", "us-east-1 missing (not applied): ",
			"eu-west-1 missing (not applied): ",
			"ap-south-1 missing (not applied): ", "the worst failover takes 2m58s, and the policy asks for 1s"}},
		{"a check without a record set", lonely, []string{"shop/app partial", "eu-west-1 healthy (4 of 4 healthy): near " +
			"eu-west-1", "us-east-1 healthy (4 of 4 healthy): ",
			"app.example.com A has one member: there is nowhere to fail over to",
			"us-east-1 has a health check and no record set"}},
		{"a changed check that nobody answers", changed, []string{"shop/app ok", "eu-west-1 healthy (4 of 4 healthy): " +
			"near eu-west-1",
			"us-east-1 healthy (4 of 4 healthy): near us-east-1",
			"eu-west-1 has another health check, c3, that no record set cites: " +
				"a change waits until it is healthy, or apply removes it (0 of 4 healthy: 4× HTTP 503)"}},
		{"taken out by hand. r53: B.6", forcedOut, []string{"shop/app degraded",
			"eu-west-1 unhealthy (forced out by an operator: Disabled and Inverted are set by hand): ",
			"us-east-1 healthy (4 of 4 healthy): near eu-west-1, near us-east-1"}},
		{"kept in by hand", forcedIn, []string{"shop/app ok", "eu-west-1 healthy (forced in by an operator: Disabled is " +
			"set by hand, it counts as healthy and nobody probes it): near eu-west-1",
			"us-east-1 healthy (4 of 4 healthy): near us-east-1"}},
		{"a member that is somebody else's", foreign, []string{"shop/app ok", "eu-west-1 healthy (4 of 4 healthy): near " +
			"eu-west-1",
			"app.example.com A us-east-1 is not of this policy"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			list := applications(t, c.in)
			if len(list) != 1 {
				t.Fatalf("%d applications, want 1", len(list))
			}
			if diff := cmp.Diff(c.want, brief(list[0])); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// What is not ours is no application.
func TestForeignNamesAreNoApplications(t *testing.T) {
	in := input(nil, []string{"c1"}, app("a", "c1", "192.0.2.1", weight(1)),
		named("old.example.com", app("", "", "192.0.2.9", func(*zone.ResourceRecordSet) {})))
	if list := applications(t, in); len(list) != 0 {
		t.Errorf("%+v", list)
	}
}

// A record set that somebody made by hand and that cites a check of ours is none of the application's, and is told.
func TestRecordsThatCiteOurChecksAreTold(t *testing.T) {
	in := input(nil, []string{"c1=team/app/a"}, app("a", "c1", "192.0.2.1", weight(1)),
		named("db.example.com", app("a", "c1", "192.0.2.9", weight(1))))
	in.State.Checks[0].Tags = []tagging.Tag{{Key: plan.TagHostnames, Value: "app.example.com"}}
	list := applications(t, in)
	if len(list) != 1 || strings.Join(list[0].Hostnames, " ") != "app.example.com" ||
		!strings.Contains(strings.Join(list[0].Problems, "\n"), "db.example.com A a cites health check c1 of team/app/a "+
			"and is not Bulkhead's") {
		t.Errorf("%+v", list)
	}
	in.State.Records = in.State.Records[1:]
	if list = applications(t, in); len(list) != 1 || list[0].Condition != explain.Planned {
		t.Errorf("without its own record set: %+v", list)
	}
}

// Shares of a weighted application are told, and no line is wider than the terminal.
func TestTextFitsTheTerminal(t *testing.T) {
	in := input([]string{"c1"}, []string{"c1=shop/app/eu-west-1", "c2=shop/app/us-east-1", "c3=shop/app/ap-south-1"},
		app("eu-west-1", "c1", "192.0.2.1", weight(1)), app("us-east-1", "c2", "192.0.2.2", weight(1)),
		app("ap-south-1", "c3", "192.0.2.3", weight(1)))
	for _, width := range []int{80, 160} {
		for _, text := range []string{explain.ApplicationsText(applications(t, in), false, width),
			explained(t, in, explain.Question{}).Text(false, width)} {
			for line := range strings.Lines(text) {
				if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > width {
					t.Errorf("%d columns in a terminal of %d: %s", n, width, line)
				}
			}
		}
	}
	text := explain.ApplicationsText(applications(t, in), false, 80)
	if !strings.Contains(text, "% of everyone") || !strings.Contains(text, "1 application: 1 degraded.") {
		t.Errorf("no shares or no summary:\n%s", text)
	}
}

// A healthy check that says nothing of the application is told: the load balancer answers it by a redirect, or has no
// healthy target.
func TestHealthyChecksThatSeeNoApplication(t *testing.T) {
	const name = "shop-1.eu-west-1.elb.amazonaws.com"
	for _, c := range []struct {
		what         string
		first        failover.ListenerRule
		healthy      int
		down         []string
		condition    explain.Condition
		wantContains []string
	}{
		{"all is well", failover.ListenerRule{}, 2, nil, explain.OK, nil},
		{"a redirect answers", failover.ListenerRule{Port: 80, Status: 301, RedirectTo: "HTTPS:443"}, 2, nil, explain.Unsure,
			[]string{"eu-west-1: HTTP:80 /h is answered by the load balancer itself with a redirect (301) to HTTPS:443",
				"set type HTTPS and port 443"}},
		{"no target is healthy", failover.ListenerRule{}, 0, nil, explain.Unsure,
			[]string{"eu-west-1: The health check is healthy, and no target of shop at " + name +
				" is: clients are still sent there"}},
		{"no target is healthy, and the check says so", failover.ListenerRule{}, 0, []string{"c1"}, explain.Degraded, nil},
	} {
		in := shop(c.down...)
		in.State.Records[0].Set.TTL, in.State.Records[0].Set.ResourceRecords = nil, nil
		in.State.Records[0].Set.AliasTarget = &zone.AliasTarget{HostedZoneID: "Z32O12XQLNTSW2", DNSName: name + "."}
		in.State.Checks[0].Config = health.Config{Type: health.HTTP, FullyQualifiedDomainName: name, ResourcePath: "/h"}
		rules := []failover.ListenerRule{{Path: "/h", TargetGroup: "shop"}, {Host: "app.example.com", TargetGroup: "shop"}}
		if c.first.Status != 0 {
			rules = append([]failover.ListenerRule{c.first}, rules...)
		}
		in.LoadBalancers = []failover.Balancer{{DNSName: name + ".", HostedZoneID: "Z32O12XQLNTSW2", Rules: rules,
			TargetGroups: []failover.TargetGroup{{Name: "shop", Registered: 2, Healthy: c.healthy}}}}
		a := applications(t, in)[0]
		if a.Condition != c.condition || len(c.wantContains) == 0 && len(a.Problems) > 0 {
			t.Errorf("%s: %s %q, want %s", c.what, a.Condition, a.Problems, c.condition)
		}
		for _, want := range c.wantContains {
			if !strings.Contains(strings.Join(a.Problems, "\n"), want) {
				t.Errorf("%s: %q, want %q", c.what, a.Problems, want)
			}
		}
	}
}
