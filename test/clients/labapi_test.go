package clients_test

import (
	"strings"
	"testing"
)

// The AWS CLI finds the account, the load balancer of each Region and what is behind it, as the commands of a user look
// for them.
func TestAWSCLIDescribesWhatSurroundsRoute53(t *testing.T) {
	t.Parallel()
	l := startLab(t, t.TempDir(), "--empty")
	ask := func(region, query string, args ...string) string {
		t.Helper()
		return l.mustAWS(t, append(args, "--region", region, "--query", query)...)
	}
	identity := ask("eu-west-1", "[Account,Arn]", "sts", "get-caller-identity")
	if want := "000000000000\tarn:aws:iam::000000000000:user/administrator"; identity != want {
		t.Errorf("get-caller-identity = %q, want %q", identity, want)
	}
	var arns []string
	for _, region := range []struct{ name, zone string }{{"eu-west-1", "Z32O12XQLNTSW2"},
		{"eu-central-1", "Z215JYRZR1TBD5"}} {
		lb := ask(region.name, "LoadBalancers[0].[DNSName,CanonicalHostedZoneId,State.Code,LoadBalancerArn]",
			"elbv2", "describe-load-balancers", "--names", "demoalb")
		got := strings.Fields(lb)
		if len(got) != 4 || !strings.HasSuffix(got[0], "."+region.name+".elb.amazonaws.com") || got[1] != region.zone ||
			got[2] != "active" {
			t.Fatalf("describe-load-balancers in %s = %q", region.name, lb)
		}
		arns = append(arns, got[3])
	}
	l.mustAWS(t, "elbv2", "wait", "load-balancer-available", "--names", "demoalb", "--region", "eu-west-1")
	groups := ask("eu-west-1", "TargetGroups[].[TargetGroupName,HealthCheckPath]", "elbv2", "describe-target-groups",
		"--load-balancer-arn", arns[0])
	if want := "app1\t/app1health\napp2\t/app2health"; groups != want {
		t.Errorf("describe-target-groups = %q, want %q", groups, want)
	}
	// With --page-size the CLI leaves going from page to page to its user.
	marker := ask("eu-west-1", "NextMarker", "elbv2", "describe-target-groups", "--page-size", "1")
	second := ask("eu-west-1", "TargetGroups[].TargetGroupName", "elbv2", "describe-target-groups", "--page-size", "1",
		"--marker", marker)
	if second != "app2" {
		t.Errorf("the page after the marker %q = %q, want app2", marker, second)
	}
	listener := ask("eu-west-1", "Listeners[0].ListenerArn", "elbv2", "describe-listeners", "--load-balancer-arn", arns[0])
	rules := ask("eu-west-1", "Rules[].Priority", "elbv2", "describe-rules", "--listener-arn", listener)
	if want := "1\t2\t3\t4\tdefault"; rules != want {
		t.Errorf("describe-rules = %q, want %q", rules, want)
	}
	tag := ask("eu-west-1", "TagDescriptions[0].Tags[?Key=='ingress.k8s.aws/resource'].Value", "elbv2", "describe-tags",
		"--resource-arns", arns[0])
	if tag != "LoadBalancer" {
		t.Errorf("describe-tags = %q, want LoadBalancer", tag)
	}
	if got := ask("eu-west-1", "Limits[?Name=='rules-per-application-load-balancer'].Max", "elbv2",
		"describe-account-limits"); got != "100" {
		t.Errorf("describe-account-limits = %q, want 100 rules", got)
	}
	if got := ask("eu-west-1", "SslPolicies[?contains(SslProtocols, 'TLSv1.3')].Ciphers[0].[Name,Priority]", "elbv2",
		"describe-ssl-policies"); got !=
		strings.Repeat("TLS_AES_128_GCM_SHA256\t1\n", 2)+"TLS_AES_128_GCM_SHA256\t1" {
		t.Errorf("describe-ssl-policies = %q, want three with TLS 1.3", got)
	}
	if got := ask("eu-west-1", "length(Certificates)", "elbv2", "describe-listener-certificates", "--listener-arn",
		listener); got != "0" {
		t.Errorf("describe-listener-certificates finds %s, want none", got)
	}
	if got := ask("us-east-1", "length(LoadBalancers)", "elbv2", "describe-load-balancers"); got != "0" {
		t.Errorf("us-east-1 has %s load balancers, want none", got)
	}
	if got := ask("eu-west-1", "length(clusters)", "eks", "list-clusters"); got != "0" {
		t.Errorf("list-clusters finds %s clusters, want none", got)
	}
	for _, c := range []struct{ args, want string }{
		{"elbv2 describe-load-balancers --names nosuch", "(LoadBalancerNotFound)"},
		{"elbv2 describe-target-groups --names nosuch", "(TargetGroupNotFound)"},
		{"elbv2 describe-ssl-policies --names nosuch", "(SSLPolicyNotFound)"},
		{"elbv2 delete-load-balancer --load-balancer-arn nosuch", "(InvalidAction)"},
		{"eks describe-cluster --name nosuch", "(ResourceNotFoundException)"},
		{"iam list-users", "(InvalidAction)"},
	} {
		if _, err := l.aws(t, append(strings.Fields(c.args), "--region", "eu-west-1")...); err == nil ||
			!strings.Contains(err.Error(), c.want) {
			t.Errorf("aws %s: %v, want %s", c.args, err, c.want)
		}
	}
}

// What happens to an application shows in its target group, in one Region only.
func TestAWSCLIFollowsTargetHealth(t *testing.T) {
	t.Parallel()
	l := startLab(t, t.TempDir(), "--empty", "--interval", "1")
	group := func(region string) string {
		t.Helper()
		return l.mustAWS(t, "elbv2", "describe-target-groups", "--names", "app1", "--region", region, "--query",
			"TargetGroups[0].TargetGroupArn")
	}
	health := func(region, group string) string {
		t.Helper()
		return l.mustAWS(t, "elbv2", "describe-target-health", "--target-group-arn", group, "--region", region,
			"--query", "TargetHealthDescriptions[].[TargetHealth.State,TargetHealth.Reason]")
	}
	west := group("eu-west-1")
	is := func(want string) {
		t.Helper()
		l.eventually(t, "target health "+want, func() bool { return health("eu-west-1", west) == want })
	}
	is("healthy\tNone\nhealthy\tNone")
	l.bulkhead(t, "fail", "app1", "--region", "eu-west-1")
	is("unhealthy\tTarget.ResponseCodeMismatch\nunhealthy\tTarget.ResponseCodeMismatch")
	if got := health("eu-central-1", group("eu-central-1")); got != "healthy\tNone\nhealthy\tNone" {
		t.Errorf("the other Region's targets are %q, want them healthy", got)
	}
	l.bulkhead(t, "heal", "app1", "--region", "eu-west-1")
	is("healthy\tNone\nhealthy\tNone")
	l.bulkhead(t, "scale", "app1", "--region", "eu-west-1", "--replicas", "0")
	is("") // once they have drained
}
