package clients_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// The commands of a person with the AWS CLI, from load balancers to records and back: app1's users move alone, nothing
// is left in the end.
func TestTwoAppsWithTheAWSCLI(t *testing.T) {
	t.Parallel()
	l := startLab(t, t.TempDir(), "--empty")
	l.mustAWS(t, "route53", "create-hosted-zone", "--name", "example.com", "--caller-reference", "twoapps")
	var status struct {
		Regions []struct{ LoadBalancer struct{ Port int } }
	}
	if err := json.Unmarshal([]byte(l.bulkhead(t, "status", "-o", "json")), &status); err != nil ||
		len(status.Regions) == 0 {
		t.Fatalf("lab status: %v, %+v", err, status)
	}
	twoApps := func(verb string) string {
		t.Helper()
		env := append(l.env, "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null", "AWS="+tool(t, "aws"),
			"ENDPOINT="+l.api,
			fmt.Sprint("PORT=", status.Regions[0].LoadBalancer.Port))
		out, err := run(t, env, "bash", "twoapps.sh", verb)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}

	created := twoApps("create")
	for _, want := range []string{"app1.example.com.\teu-west-1\tdemoalb-", "app1.example.com.\teu-central-1\tdemoalb-",
		"app2.example.com.\teu-central-1\tdemoalb-"} {
		if !strings.Contains(created, want) {
			t.Errorf("the records do not show %q:\n%s", want, created)
		}
	}
	near := []string{"+short", "+subnet=10.1.0.0/16"}
	app1 := append([]string{"app1.example.com"}, near...)
	app2 := append([]string{"app2.example.com"}, near...)
	l.until(t, ireland, app1...)
	l.until(t, ireland, app2...)

	l.bulkhead(t, "scale", "app1", "--region", "eu-west-1", "--replicas", "0")
	l.eventually(t, "app1's users are sent to eu-central-1", func() bool {
		if got := l.dig(t, app2...); got != ireland {
			t.Fatalf("app2 moved with app1: dig answers %q, want %q", got, ireland)
		}
		return l.dig(t, app1...) == frankfurt
	})

	twoApps("delete")
	if got := l.dig(t, app1...); got != "" {
		t.Errorf("app1 still has an address: %q", got)
	}
	for what, query := range map[string][]string{
		"health checks": {"list-health-checks", "--query", "HealthChecks[].Id"},
		"records": {"list-resource-record-sets", "--query", "ResourceRecordSets[?Type!='NS' && Type!='SOA'].Name",
			"--hosted-zone-id",
			bare(l.mustAWS(t, "route53", "list-hosted-zones", "--query", "HostedZones[0].Id"))},
	} {
		if got := l.mustAWS(t, append([]string{"route53"}, query...)...); got != "" {
			t.Errorf("%s left behind: %s", what, got)
		}
	}
}
