// Package iam_test proves the IAM policies of this directory: the commands run against an engine behind a proxy that refuses
// what the policy does not allow, and every action that a policy allows is seen to be used.
package iam_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/google/go-cmp/cmp"

	"github.com/bulkhead-dns/bulkhead/lab"
)

// A gate is a proxy before the engine that does what IAM does.
type gate struct {
	*httptest.Server
	mu     sync.Mutex
	policy document
	used   map[string]bool
	denied []string
}

func openGate(t *testing.T, engine string) *gate {
	t.Helper()
	target, err := url.Parse(engine)
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{used: map[string]bool{}}
	transport := &http.Transport{}
	proxy := &httputil.ReverseProxy{Transport: transport, Rewrite: func(p *httputil.ProxyRequest) {
		p.SetURL(target)
		p.Out.Host = p.In.Host // which is signed
	}}
	g.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		if a := accessOf(r, body); !g.lets(a) {
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprintf(w, `<ErrorResponse xmlns="https://route53.amazonaws.com/doc/2013-04-01/"><Error><Type>Sender</Type>`+
				`<Code>AccessDenied</Code><Message>%s on %s</Message></Error></ErrorResponse>`, a.action, a.resource)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		g.Close()
		transport.CloseIdleConnections()
	})
	return g
}

func (g *gate) lets(a access) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.policy.allows(a) {
		g.denied = append(g.denied, fmt.Sprintf("%+v", a))
		return false
	}
	g.used[a.action] = true
	return true
}

// An account is a lab with two hosted zones, and the program to work on it.
type account struct {
	lab     *lab.Lab
	gate    *gate
	program string
	dir     string // of policy files
	zoneID  string // of example.com

	failures int // in a row, of the checks of policy files
}

func openAccount(t *testing.T) *account {
	t.Helper()
	a := &account{failures: 1, dir: t.TempDir(), program: filepath.Join(t.TempDir(), "bulkhead")}
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
	a.gate = openGate(t, "http://"+a.lab.Node().HTTPAddr().String())
	return a
}

func (a *account) createZone(t *testing.T, name string) string {
	t.Helper()
	out, err := a.lab.Route53().CreateHostedZone(t.Context(), &route53.CreateHostedZoneInput{Name: &name, CallerReference: &name})
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
		ChangeBatch: &types.ChangeBatch{Changes: []types.Change{{Action: types.ChangeActionCreate, ResourceRecordSet: &types.ResourceRecordSet{
			Name: &name, Type: recordType, TTL: aws.Int64(60), ResourceRecords: []types.ResourceRecord{{Value: &value}}}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// putByNetwork makes a record for the clients of a network, which takes a CIDR collection.
func (a *account) putByNetwork(t *testing.T, name string) {
	t.Helper()
	out, err := a.lab.Route53().CreateCidrCollection(t.Context(), &route53.CreateCidrCollectionInput{Name: aws.String("offices"), CallerReference: &name})
	if err != nil {
		t.Fatal(err)
	}
	id := out.Collection.Id
	if _, err = a.lab.Route53().ChangeCidrCollection(t.Context(), &route53.ChangeCidrCollectionInput{Id: id, Changes: []types.CidrCollectionChange{
		{Action: types.CidrCollectionChangeActionPut, LocationName: aws.String("office"), CidrList: []string{"10.1.0.0/16"}}}}); err != nil {
		t.Fatal(err)
	}
	_, err = a.lab.Route53().ChangeResourceRecordSets(t.Context(), &route53.ChangeResourceRecordSetsInput{
		HostedZoneId: &a.zoneID,
		ChangeBatch: &types.ChangeBatch{Changes: []types.Change{{Action: types.ChangeActionCreate, ResourceRecordSet: &types.ResourceRecordSet{
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
	byName  bool // load balancers are looked up; otherwise the policy says their DNS names, as a cluster knows them
}

func (a *account) write(t *testing.T, app string, w want) {
	t.Helper()
	text := fmt.Sprintf(`apiVersion: bulkhead.dev/v1alpha1
kind: FailoverClass
metadata: {name: default}
spec: {zones: [example.com]}
---
apiVersion: bulkhead.dev/v1alpha1
kind: FailoverPolicy
metadata: {name: %s, namespace: team-a}
spec:
  hostname: %s.example.com
  healthCheck: {port: %d, path: %q, requestInterval: 1, failureThreshold: %d}
  routing: {policy: Weighted, weights: {eu-west-1: %d}}
  regions:
`, app, app, a.lab.LoadBalancers()[0].Port, w.path, a.failures, w.weight)
	for _, lb := range a.lab.LoadBalancers() {
		balancer := "{name: demoalb}"
		if !w.byName {
			balancer = fmt.Sprintf("{dnsName: %s, hostedZoneId: %s}", lb.DNSName, lb.HostedZoneID)
		}
		if slices.Contains(w.regions, lb.Region) {
			text += "    - {name: " + lb.Region + ", loadBalancer: " + balancer + "}\n"
		}
	}
	if err := os.WriteFile(filepath.Join(a.dir, app+".yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// run runs a command line under a policy. exit is the expected exit code.
func (a *account) run(t *testing.T, policy string, exit int, args ...string) {
	t.Helper()
	a.gate.mu.Lock()
	a.gate.policy, a.gate.denied = readDocument(t, policy, a.zoneID), nil
	a.gate.mu.Unlock()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, a.program, args...)
	cmd.Dir = a.dir
	c := a.lab.Node().Credentials()
	cmd.Env = []string{"HOME=" + a.dir, "AWS_ACCESS_KEY_ID=" + c.AccessKeyID, "AWS_SECRET_ACCESS_KEY=" + c.SecretAccessKey,
		"AWS_ENDPOINT_URL_ROUTE_53=" + a.gate.URL, "AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2=" + a.gate.URL,
		"AWS_REGION=us-east-1", "AWS_EC2_METADATA_DISABLED=true"}
	out, err := cmd.CombinedOutput()
	if code := cmd.ProcessState.ExitCode(); code != exit {
		t.Errorf("bulkhead %s: exit code %d (%v), want %d\n%s", strings.Join(args, " "), code, err, exit, out)
	}
	a.gate.mu.Lock()
	defer a.gate.mu.Unlock()
	for _, d := range a.gate.denied {
		if policy == "controller" && strings.Contains(d, "elasticloadbalancing:") {
			continue // the command, which stands for the controller here, asks for listeners too, and goes on without them
		}
		t.Errorf("bulkhead %s: %s.json does not allow %s", strings.Join(args, " "), policy, d)
	}
}

// planAsAWS makes a plan of a new application as for AWS, where the account's quotas are read for it.
func (a *account) planAsAWS(t *testing.T, policy string, byName bool) {
	t.Helper()
	a.write(t, "app9", want{"/app1health", 100, []string{"eu-west-1"}, byName})
	file := filepath.Join(a.dir, "app9.yaml")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	data = bytes.ReplaceAll(data, []byte("requestInterval: 1"), []byte("requestInterval: 10")) // AWS has no other below 30. r53: B.2
	if err := os.WriteFile(filepath.Join(a.dir, "aws"), data, 0o600); err != nil {
		t.Fatal(err)
	}
	a.run(t, policy, 3, "plan", "-f", "aws", "--provider", "aws", "--detailed-exitcode")
}

// used returns the actions of all runs since the last call, sorted.
func (a *account) used() []string {
	a.gate.mu.Lock()
	defer a.gate.mu.Unlock()
	var all []string
	for action := range a.gate.used {
		all = append(all, action)
	}
	slices.Sort(all)
	a.gate.used = map[string]bool{}
	return all
}

// Each command does all its work with its policy, and its policy allows nothing that the command never uses.
func TestPoliciesAreSufficientAndMinimal(t *testing.T) {
	a := openAccount(t)
	both := []string{"eu-west-1", "eu-central-1"}
	check := func(policy string) {
		t.Helper()
		if diff := cmp.Diff(readDocument(t, policy, a.zoneID).actions(), a.used()); diff != "" {
			t.Errorf("%s.json (-allowed +used):\n%s", policy, diff)
		}
	}

	// A first run creates, a second one makes new checks and changes the records, a third one updates a check and deletes a Region. A
	// controller does the same, and knows its load balancers from the cluster.
	for _, policy := range []string{"controller", "apply"} {
		byName := policy == "apply"
		a.write(t, "app1", want{"/app1health", 100, both, byName})
		a.run(t, policy, 0, "apply", "-f", a.dir, "--yes")
		a.write(t, "app1", want{"/app1health?more", 50, both, byName})
		a.run(t, policy, 0, "apply", "-f", a.dir, "--yes")
		a.failures++
		a.write(t, "app1", want{"/app1health?more", 50, both[:1], byName})
		a.run(t, policy, 0, "apply", "-f", a.dir, "--yes")
		a.planAsAWS(t, policy, byName)
		check(policy)
	}

	a.write(t, "app1", want{"/app1health?more", 70, both, true})
	a.run(t, "plan", 3, "plan", "-f", a.dir, "--detailed-exitcode")
	a.planAsAWS(t, "plan", true)
	check("plan")

	a.put(t, "app2.example.com", types.RRTypeCname, "elsewhere.example.org")
	a.write(t, "app1", want{"/app1health?more", 50, both[:1], true})
	a.write(t, "app2", want{"/app2health", 100, both, true})
	if err := os.Rename(filepath.Join(a.dir, "app2.yaml"), filepath.Join(a.dir, "adopt")); err != nil {
		t.Fatal(err)
	}
	a.run(t, "adopt", 0, "adopt", "-f", "adopt", "--yes")
	a.planAsAWS(t, "adopt", true)
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
