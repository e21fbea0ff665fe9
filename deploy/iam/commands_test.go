// Package iam_test proves the IAM policies of this directory: the commands run against an engine behind a front that
// behaves as AWS and refuses what the policy does not allow, and every action that a policy allows is seen to be used.
package iam_test

import (
	"context"
	"fmt"
	"maps"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/google/go-cmp/cmp"

	"github.com/bulkhead-dns/bulkhead/apply"
	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/lab"
	"github.com/bulkhead-dns/bulkhead/sigv4"
	"github.com/bulkhead-dns/bulkhead/test/awslike"
)

// team is the user whose policy is tried.
var team = sigv4.Credentials{AccessKeyID: "AKIATEAM", SecretAccessKey: "secret"}

// An account is a lab with two hosted zones, and the program to work on it.
type account struct {
	lab     *lab.Lab
	front   *awslike.Front
	url     string // of the front
	program string
	dir     string // of policy files
	zoneID  string // of example.com

	used     map[string]bool // actions of the policy in work
	failures int             // in a row, of the checks of policy files
}

func openAccount(t *testing.T) *account {
	t.Helper()
	a := &account{failures: 1, used: make(map[string]bool), dir: t.TempDir(),
		program: filepath.Join(t.TempDir(), "bulkhead")}
	if out, err := exec.Command("go", "build", "-o", a.program, "../../cmd/bulkhead").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	var err error
	if a.lab, err = lab.New(lab.Options{DataDir: t.TempDir(), Empty: true, AnyPort: true, Interval: 1}); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.lab.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	select {
	case <-a.lab.Ready():
	case <-time.After(time.Minute):
		t.Fatal("the lab is not ready after a minute")
	}
	a.zoneID = a.createZone(t, "example.com")
	a.createZone(t, "example.net") // which the policies give no access to
	a.front = awslike.New(awslike.Options{Engine: "http://" + a.lab.Node().HTTPAddr().String(),
		Credentials: a.lab.Node().Credentials(), Speed: 20})
	server := httptest.NewServer(a.front)
	a.url = server.URL
	t.Cleanup(func() {
		server.Close()
		a.front.Close()
	})
	return a
}

func (a *account) createZone(t *testing.T, name string) string {
	t.Helper()
	out, err := a.lab.Route53().CreateHostedZone(t.Context(), &route53.CreateHostedZoneInput{Name: &name,
		CallerReference: &name})
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimPrefix(aws.ToString(out.HostedZone.Id), "/hostedzone/")
}

// put makes a record by hand.
func (a *account) put(t *testing.T, name string, recordType types.RRType, value string) {
	t.Helper()
	_, err := a.lab.Route53().ChangeResourceRecordSets(t.Context(), &route53.ChangeResourceRecordSetsInput{
		HostedZoneId: &a.zoneID,
		ChangeBatch: &types.ChangeBatch{Changes: []types.Change{{Action: types.ChangeActionCreate,
			ResourceRecordSet: &types.ResourceRecordSet{
				Name: &name, Type: recordType, TTL: aws.Int64(60), ResourceRecords: []types.ResourceRecord{{Value: &value}}}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// putByNetwork makes a record for the clients of a network, which takes a CIDR collection.
func (a *account) putByNetwork(t *testing.T, name string) {
	t.Helper()
	out, err := a.lab.Route53().CreateCidrCollection(t.Context(),
		&route53.CreateCidrCollectionInput{Name: aws.String("offices"), CallerReference: &name})
	if err != nil {
		t.Fatal(err)
	}
	id := out.Collection.Id
	if _, err = a.lab.Route53().ChangeCidrCollection(t.Context(),
		&route53.ChangeCidrCollectionInput{Id: id, Changes: []types.CidrCollectionChange{
			{Action: types.CidrCollectionChangeActionPut, LocationName: aws.String("office"),
				CidrList: []string{"10.1.0.0/16"}}}}); err != nil {
		t.Fatal(err)
	}
	_, err = a.lab.Route53().ChangeResourceRecordSets(t.Context(), &route53.ChangeResourceRecordSetsInput{
		HostedZoneId: &a.zoneID,
		ChangeBatch: &types.ChangeBatch{Changes: []types.Change{{Action: types.ChangeActionCreate,
			ResourceRecordSet: &types.ResourceRecordSet{
				Name: &name, Type: types.RRTypeA, SetIdentifier: aws.String("office"), TTL: aws.Int64(60),
				CidrRoutingConfig: &types.CidrRoutingConfig{CollectionId: id, LocationName: aws.String("office")},
				ResourceRecords:   []types.ResourceRecord{{Value: aws.String("192.0.2.1")}}}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A want is a policy file of one application, as far as the scenario changes it.
type want struct {
	path    string
	weight  int
	regions []string
}

func (a *account) write(t *testing.T, app string, w want) {
	t.Helper()
	text := fmt.Sprintf(`apiVersion: bulkhead.dev/v1alpha1
kind: FailoverClass
metadata: {name: default}
spec: {zones: [example.com], provider: aws}
---
apiVersion: bulkhead.dev/v1alpha1
kind: FailoverPolicy
metadata: {name: %s, namespace: team-a}
spec:
  hostname: %s.example.com
  healthCheck: {port: %d, path: %q, requestInterval: 10, failureThreshold: %d}
  routing: {policy: Weighted, weights: {eu-west-1: %d}}
  regions:
`, app, app, a.lab.LoadBalancers()[0].Port, w.path, a.failures, w.weight)
	for _, lb := range a.lab.LoadBalancers() {
		if slices.Contains(w.regions, lb.Region) {
			text += "    - {name: " + lb.Region + ", loadBalancer: {name: demoalb}}\n"
		}
	}
	if err := os.WriteFile(filepath.Join(a.dir, app+".yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// run runs a command line under a policy. exit is the expected exit code.
func (a *account) run(t *testing.T, policy string, exit int, args ...string) {
	t.Helper()
	a.front.SetUser("team", team, readPolicy(t, policy, a.zoneID))
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, a.program, args...)
	cmd.Dir = a.dir
	cmd.Env = []string{"HOME=" + a.dir, "AWS_ACCESS_KEY_ID=" + team.AccessKeyID,
		"AWS_SECRET_ACCESS_KEY=" + team.SecretAccessKey,
		"AWS_ENDPOINT_URL_ROUTE_53=" + a.url, "AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2=" + a.url,
		"AWS_REGION=us-east-1", "AWS_EC2_METADATA_DISABLED=true"}
	out, err := cmd.CombinedOutput()
	if code := cmd.ProcessState.ExitCode(); code != exit {
		t.Errorf("bulkhead %s: exit code %d (%v), want %d\n%s", strings.Join(args, " "), code, err, exit, out)
	}
	for _, d := range a.front.Denied(team.AccessKeyID) {
		t.Errorf("bulkhead %s: %s.json does not allow %+v", strings.Join(args, " "), policy, d)
	}
	for _, action := range a.front.Used(team.AccessKeyID) {
		a.used[action] = true
	}
}

// The controller reads verdicts from CloudWatch with its policy, and what it is told without the right says which one
// is missing.
func TestControllerMayReadVerdicts(t *testing.T) {
	a := openAccount(t)
	a.write(t, "app1", want{"/app1health", 100, []string{"eu-west-1"}})
	a.run(t, "apply", 0, "apply", "-f", a.dir, "--yes")
	reader, err := apply.New(apply.Options{Provider: failover.AWS, Route53: a.lab.Route53(),
		CloudWatch: cloudwatch.New(cloudwatch.Options{
			Region: "us-east-1", BaseEndpoint: &a.url, Credentials: credentials.NewStaticCredentialsProvider(team.AccessKeyID,
				team.SecretAccessKey, "")})})
	if err != nil {
		t.Fatal(err)
	}
	checks, err := reader.Checks(t.Context())
	if err != nil || len(checks) == 0 {
		t.Fatal(checks, err)
	}
	a.front.SetUser("team", team, readPolicy(t, "controller", a.zoneID))
	if verdicts, err := reader.Verdicts(t.Context(), []string{checks[0].ID}); err != nil ||
		!verdicts[checks[0].ID].Healthy {
		t.Errorf("verdicts with controller.json: %v, %v; want the check healthy", verdicts, err)
	}
	a.front.SetUser("team", team, readPolicy(t, "apply", a.zoneID))
	if _, err := reader.Verdicts(t.Context(), []string{checks[0].ID}); err == nil ||
		!strings.Contains(err.Error(), "cloudwatch:GetMetricData") {
		t.Errorf("verdicts with apply.json: %v, want a refusal that names the action", err)
	}
}

// Each command does all its work with its policy, and its policy allows nothing that the command never uses.
func TestPoliciesAreSufficientAndMinimal(t *testing.T) {
	a := openAccount(t)
	both := []string{"eu-west-1", "eu-central-1"}
	check := func(policy string) {
		t.Helper()
		if diff := cmp.Diff(readPolicy(t, policy, a.zoneID).Actions(), slices.Sorted(maps.Keys(a.used))); diff != "" {
			t.Errorf("%s.json (-allowed +used):\n%s", policy, diff)
		}
		clear(a.used)
	}

	// A first run creates, a second one makes new checks and changes the records, a third one updates a check and deletes
	// a Region.
	a.write(t, "app1", want{"/app1health", 100, both})
	a.run(t, "apply", 0, "apply", "-f", a.dir, "--yes")
	a.write(t, "app1", want{"/app1health?more", 50, both})
	a.run(t, "apply", 0, "apply", "-f", a.dir, "--yes")
	a.failures++
	a.write(t, "app1", want{"/app1health?more", 50, both[:1]})
	a.run(t, "apply", 0, "apply", "-f", a.dir, "--yes")
	check("apply")

	a.write(t, "app1", want{"/app1health?more", 70, both})
	a.run(t, "plan", 3, "plan", "-f", a.dir, "--detailed-exitcode")
	check("plan")

	a.put(t, "app2.example.com", types.RRTypeCname, "elsewhere.example.org")
	a.write(t, "app1", want{"/app1health?more", 50, both[:1]})
	a.write(t, "app2", want{"/app2health", 100, both})
	if err := os.Rename(filepath.Join(a.dir, "app2.yaml"), filepath.Join(a.dir, "adopt")); err != nil {
		t.Fatal(err)
	}
	a.run(t, "adopt", 0, "adopt", "-f", "adopt", "--yes")
	check("adopt")

	a.putByNetwork(t, "office.example.com")
	for _, policy := range []string{"status", "explain", "audit"} {
		a.run(t, policy, 0, map[string][]string{
			"status":  {"status", "--last-failures"},
			"explain": {"explain", "app1.example.com", "--last-failures", "--confirm"},
			"audit":   {"audit", "--zone", "example.com", "--health", "--fail-on", "never", "--provider", "aws"},
		}[policy]...)
		check(policy)
	}

	a.run(t, "destroy", 0, "destroy", "-f", "adopt", "--yes")
	check("destroy")
}
