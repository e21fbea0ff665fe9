package awsserver

import (
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkhead-dns/bulkhead/alb"
)

// Pages of any size put together are the whole list, in its order, each item once. r53: E.1.
func TestPagesAreTheWholeList(t *testing.T) {
	client, _ := startQueryAPI(t, 216)
	lb := describe[describeLoadBalancersResult](t, client, "DescribeLoadBalancers").LoadBalancers.Member[0].LoadBalancerArn
	listener := describe[describeListenersResult](t, client, "DescribeListeners", "LoadBalancerArn",
		lb).Listeners.Member[0].ListenerArn
	var want []string
	for _, r := range describe[describeRulesResult](t, client, "DescribeRules", "ListenerArn", listener).Rules.Member {
		want = append(want, r.RuleArn)
	}
	if len(want) != 5 {
		t.Fatalf("rules %v, want the four of the Ingress and the default", want)
	}
	for size := 1; size <= 6; size++ {
		var got []string
		calls, marker := 0, ""
		for calls == 0 || marker != "" {
			page := describe[describeRulesResult](t, client, "DescribeRules", "ListenerArn", listener, "PageSize",
				strconv.Itoa(size), "Marker", marker)
			if len(page.Rules.Member) > size {
				t.Errorf("a page of %d has %d rules", size, len(page.Rules.Member))
			}
			for _, r := range page.Rules.Member {
				got = append(got, r.RuleArn)
			}
			calls, marker = calls+1, page.NextMarker
		}
		if diff := cmp.Diff(want, got); diff != "" || calls != (5+size-1)/size {
			t.Errorf("%d pages of %d (-want +got):\n%s", calls, size, diff)
		}
	}
}

// Each filter finds what it names and nothing else, in the order of the list. r53: E.1.
func TestFiltersFindWhatTheyName(t *testing.T) {
	client, s := startQueryAPI(t, 217)
	if err := s.balancer.Configure(alb.Config{
		Rules: []alb.Rule{{Priority: 7, Hosts: []string{"a.example"}, Paths: []string{"/a*"},
			Action: alb.Action{TargetGroup: "app1"}}},
		TargetGroups: []alb.TargetGroup{{Name: "spare"}, {Name: "app1"}, {Name: "app2"}},
	}); err != nil {
		t.Fatal(err)
	}
	groups := func(parameters ...string) (names []string) {
		t.Helper()
		for _, g := range describe[describeTargetGroupsResult](t, client, "DescribeTargetGroups",
			parameters...).TargetGroups.Member {
			names = append(names, g.TargetGroupName)
		}
		return names
	}
	expect := func(what string, want, got []string) {
		t.Helper()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	all := describe[describeTargetGroupsResult](t, client, "DescribeTargetGroups").TargetGroups.Member
	lb := describe[describeLoadBalancersResult](t, client, "DescribeLoadBalancers", "Names.member.1",
		"demoalb").LoadBalancers.Member[0]
	expect("all groups", []string{"app1", "app2", "spare"}, groups())
	expect("names", []string{"app1", "spare"}, groups("Names.member.1", "spare", "Names.member.2", "app1"))
	expect("ARNs", []string{"app2"}, groups("TargetGroupArns.member.1", all[1].TargetGroupArn))
	expect("load balancer: only groups that it forwards to", []string{"app1"},
		groups("LoadBalancerArn", lb.LoadBalancerArn))

	listeners := describe[describeListenersResult](t, client, "DescribeListeners", "LoadBalancerArn",
		lb.LoadBalancerArn).Listeners.Member
	same := describe[describeListenersResult](t, client, "DescribeListeners", "ListenerArns.member.1",
		listeners[0].ListenerArn).Listeners.Member
	if diff := cmp.Diff(listeners, same); diff != "" {
		t.Errorf("the listener by its ARN (-want +got):\n%s", diff)
	}
	rules := describe[describeRulesResult](t, client, "DescribeRules", "ListenerArn",
		listeners[0].ListenerArn).Rules.Member
	one := describe[describeRulesResult](t, client, "DescribeRules", "RuleArns.member.1", rules[0].RuleArn).Rules.Member
	if len(rules) != 2 || len(one) != 1 || one[0].Priority != "7" || len(one[0].Conditions.Member) != 2 {
		t.Errorf("rules %+v, and %+v by ARN; want rule 7 with two conditions and the default", rules, one)
	}
}

// Failures and deregistrations show in DescribeTargetHealth, in the states and reasons of Elastic Load Balancing. r53:
// E.1.
func TestTargetHealthShowsFailuresAndDraining(t *testing.T) {
	client, s := startQueryAPI(t, 218)
	arn := describe[describeTargetGroupsResult](t, client, "DescribeTargetGroups", "Names.member.1",
		"app1").TargetGroups.Member[0].TargetGroupArn
	health := func(parameters ...string) (targets []targetHealthDescription) {
		t.Helper()
		return describe[describeTargetHealthResult](t, client, "DescribeTargetHealth",
			append([]string{"TargetGroupArn", arn}, parameters...)...).TargetHealthDescriptions.Member
	}
	are := func(want ...targetHealthShape) func() bool {
		return func() bool {
			var got []targetHealthShape
			for _, h := range health() {
				got = append(got, h.TargetHealth)
			}
			return cmp.Equal(want, got)
		}
	}
	healthy := targetHealthShape{State: alb.Healthy}
	unhealthy := targetHealthShape{alb.Unhealthy, "Target.ResponseCodeMismatch",
		"Health checks failed with these codes: [500]"}
	draining := targetHealthShape{alb.Draining, "Target.DeregistrationInProgress", "Target deregistration is in progress"}
	waitFor(t, "two healthy targets without a reason", are(healthy, healthy))
	s.failing.Store(true)
	waitFor(t, "two unhealthy targets that answer 500", are(unhealthy, unhealthy))
	s.failing.Store(false)
	waitFor(t, "two healed targets", are(healthy, healthy))

	first := health()[0]
	byID, byPort := []string{"Targets.member.1.Id", first.Target.ID},
		[]string{"Targets.member.1.Port", strconv.Itoa(first.Target.Port)}
	if diff := cmp.Diff([]targetHealthDescription{first}, health(byID...)); diff != "" {
		t.Errorf("a target by its address (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]targetHealthDescription{first}, health(append(byID, byPort...)...)); diff != "" {
		t.Errorf("a target by address and port (-want +got):\n%s", diff)
	}
	elsewhere := health(append(byID, "Targets.member.1.Port", "1")...)
	want := targetHealthShape{alb.Unused, "Target.NotRegistered", "Target is not registered to the target group"}
	if len(elsewhere) != 1 || elsewhere[0].TargetHealth != want {
		t.Errorf("a port that is not registered: %+v, want %+v", elsewhere, want)
	}

	if _, err := s.balancer.SetTargets("app1", nil); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "two draining targets", are(draining, draining))
}
