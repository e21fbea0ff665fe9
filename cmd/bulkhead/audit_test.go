package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/bulkhead-dns/bulkhead/audit"
	"github.com/bulkhead-dns/bulkhead/lab"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files of testdata/audit anew")

const bankDir = "../../examples/bank/"

// startBank runs the bank's lab with an empty zone on a network of its own.
func startBank(t *testing.T, network byte) *testLab {
	t.Helper()
	data, err := os.ReadFile(bankDir + "lab.yaml")
	if err != nil {
		t.Fatal(err)
	}
	definition, err := lab.ParseDefinition("lab.yaml", data)
	if err != nil {
		t.Fatal(err)
	}
	for i := range definition.Regions { // beside labs of other tests
		definition.Regions[i].Address = netip.AddrFrom4([4]byte{127, network, byte(i + 1), 1})
	}
	l, err := runTestLab(lab.Options{Definition: definition, DataDir: t.TempDir(), ZoneOnly: true, Interval: 1})
	if err != nil {
		t.Fatal(err)
	}
	l.stopAtEnd(t)
	return l
}

// fillBank makes what as-found.sh makes, from the same files.
func fillBank(t *testing.T, l *testLab) {
	t.Helper()
	client, zoneID := l.Route53(), bankZone(t, l)
	var ids []string // "@name@", id, …
	var deleted string
	for line := range bytes.Lines(bankFile(t, "as-found/checks.jsonl")) {
		var in route53.CreateHealthCheckInput
		if err := json.Unmarshal(line, &in); err != nil {
			t.Fatal(err)
		}
		port, err := strconv.ParseInt(l.port(), 10, 32)
		if err != nil {
			t.Fatal(err)
		}
		in.HealthCheckConfig.Port = new(int32(port))
		out, err := client.CreateHealthCheck(t.Context(), &in)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, "@"+*in.CallerReference+"@", *out.HealthCheck.Id)
		if *in.CallerReference == "cards-eu-central-1" {
			deleted = *out.HealthCheck.Id
		}
	}
	for _, file := range []string{"as-found/records-evaluated.json", "as-found/records-checked.json"} {
		var batch types.ChangeBatch
		if err := json.Unmarshal([]byte(strings.NewReplacer(ids...).Replace(string(bankFile(t, file)))), &batch); err != nil {
			t.Fatal(err)
		}
		_, err := client.ChangeResourceRecordSets(t.Context(), &route53.ChangeResourceRecordSetsInput{HostedZoneId: &zoneID, ChangeBatch: &batch})
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := client.DeleteHealthCheck(t.Context(), &route53.DeleteHealthCheckInput{HealthCheckId: &deleted}); err != nil {
		t.Fatal(err)
	}
}

func bankFile(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(bankDir + name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func bankZone(t *testing.T, l *testLab) string {
	t.Helper()
	out, err := l.Route53().ListHostedZones(t.Context(), &route53.ListHostedZonesInput{})
	if err != nil || len(out.HostedZones) != 1 {
		t.Fatal(out, err)
	}
	return strings.TrimPrefix(*out.HostedZones[0].Id, "/hostedzone/")
}

// as-found.sh makes the same with the AWS CLI.
func TestBankAsFound(t *testing.T) {
	t.Parallel()
	l := startBank(t, 78)
	env := slices.Concat(os.Environ(), l.env(), []string{"BANK_PORT=" + l.port()})
	script := exec.CommandContext(t.Context(), bankDir+"as-found/as-found.sh")
	script.Env = env
	if out, err := script.CombinedOutput(); err != nil {
		t.Fatalf("as-found.sh: %v\n%s", err, out)
	}
	doc := judged(t, l.stdout(t, exitFindings, nil, "audit", "--zone", "bank.example", "-f", bankPolicies(t, l.port()), "-o", "json"))
	compareWithFaults(t, doc.Findings, "engine")
	again := exec.CommandContext(t.Context(), bankDir+"as-found/as-found.sh")
	again.Env = env
	if out, err := again.CombinedOutput(); err == nil || !strings.Contains(string(out), "give an empty zone") {
		t.Errorf("a second time: %v\n%s", err, out)
	}
}

// goldenAudit compares a text with a file of testdata/audit, but for ids.
func goldenAudit(t *testing.T, file, got string) {
	t.Helper()
	for _, u := range unstable {
		got = u.pattern.ReplaceAllString(got, u.stable)
	}
	file = filepath.Join("testdata/audit", file)
	if *rewrite {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs; if it should, run the test with -rewrite (-want +got):\n%s", file, diff)
	}
}

// judged is the JSON of an audit.
func judged(t *testing.T, text string) (doc auditDocument) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

// briefly lists findings as "rule object, object", without health checks, whose ids differ.
func briefly(findings []audit.Finding) []string {
	list := []string{}
	for _, f := range findings {
		objects := slices.DeleteFunc(slices.Clone(f.Objects), func(o string) bool { return strings.HasPrefix(o, "health check ") })
		list = append(list, strings.TrimSpace(f.ID+" "+strings.Join(objects, ", ")))
	}
	return list
}

// The bank's story: every planted fault and nothing else, as it looks on narrow and wide terminals, then two
// applications are adopted and what was wrong with them is gone.
func TestBankExample(t *testing.T) {
	t.Parallel()
	l := startBank(t, 77)
	fillBank(t, l)
	policies := bankPolicies(t, l.port())
	asAWS := []string{"audit", "--zone", "bank.example", "-f", policies, "--provider", "aws"}
	doc := judged(t, l.stdout(t, exitFindings, nil, append(asAWS, "-o", "json")...))
	compareWithFaults(t, doc.Findings, "aws")
	onEngine := judged(t, l.stdout(t, exitFindings, nil, "audit", "--zone", "bank.example", "-f", policies, "-o", "json"))
	compareWithFaults(t, onEngine.Findings, "engine")
	if len(doc.Notes) > 0 {
		t.Errorf("notes: %q", doc.Notes)
	}
	for operation := range doc.Read.Calls {
		if !slices.ContainsFunc([]string{"List", "Describe", "Get"}, func(verb string) bool { return strings.HasPrefix(operation, verb) }) {
			t.Errorf("audit called %s", operation)
		}
	}
	for _, columns := range []string{"80", "160"} {
		goldenAudit(t, "bank-"+columns+".txt", l.stdout(t, exitFindings, []string{"COLUMNS=" + columns}, asAWS...))
	}

	if err := l.Fail("feedback", "eu-west-1"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for !strings.Contains(l.stdout(t, exitFindings, nil, "audit", "--zone", "bank.example", "-o", "json"), "That is so now: feedback.") {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal("feedback has failed, and no shared fate tells of it")
		}
	}
	if err := l.Heal("feedback", "eu-west-1"); err != nil {
		t.Fatal(err)
	}

	l.stdout(t, exitFailure, nil, "plan", "-f", policies)
	l.stdout(t, exitFindings, nil, "adopt", "-f", policies, "--dry-run", "--detailed-exitcode")
	l.stdout(t, 0, nil, "adopt", "-f", policies, "--yes", "--rollback-dir", t.TempDir())
	l.stdout(t, 0, nil, "plan", "-f", policies, "--detailed-exitcode")
	after := judged(t, l.stdout(t, exitFindings, nil, append(asAWS, "-o", "json")...))
	if got := len(rulesOf(after.Findings)); got != len(doc.Findings)-1 { // less one of settlement; the orphans are one finding
		t.Errorf("%d findings after %d: %q", got, len(doc.Findings), rulesOf(after.Findings))
	}
	for _, f := range after.Findings {
		for _, hostname := range []string{"accounts.bank.example", "settlement.bank.example"} {
			if slices.Contains(f.Hostnames, hostname) {
				t.Errorf("%s is adopted, and yet: %s %q", hostname, f.ID, f.Objects)
			}
		}
	}
}

// bankPolicies are those of the example, for the port that the lab got.
func bankPolicies(t *testing.T, port string) string {
	t.Helper()
	dir := t.TempDir()
	files, err := filepath.Glob(bankDir + "policies/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		data = bytes.ReplaceAll(data, []byte("healthCheck: {"), []byte("healthCheck: {port: "+port+", "))
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(file)), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// compareWithFaults wants a finding for each planted fault, and no other.
func compareWithFaults(t *testing.T, findings []audit.Finding, provider string) {
	t.Helper()
	data, err := os.ReadFile(bankDir + "faults.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var faults []struct{ Name, Rule, Object, Provider string }
	if err := yaml.Unmarshal(data, &faults); err != nil {
		t.Fatal(err)
	}
	rest := slices.Clone(findings)
	for _, fault := range faults {
		if fault.Provider != "" && fault.Provider != provider {
			continue
		}
		at := slices.IndexFunc(rest, func(f audit.Finding) bool {
			return f.ID == fault.Rule && (slices.Contains(f.Objects, fault.Object) || strings.HasPrefix(fault.Object, "health check "))
		})
		if at < 0 {
			t.Errorf("%s: no finding %s of %s", fault.Name, fault.Rule, fault.Object)
			continue
		}
		rest = slices.Delete(rest, at, at+1)
	}
	if diff := cmp.Diff([]string{}, briefly(rest)); diff != "" {
		t.Errorf("found, and not planted (-want +got):\n%s", diff)
	}
}

// A zone made by hand, judged with nothing but read calls. The account has another zone, which shares a load balancer
// with it.
func TestAuditOfAZoneMadeByHand(t *testing.T) {
	t.Parallel()
	l := newTestLab(t)
	other, err := l.createZone("example.org")
	if err != nil {
		t.Fatal(err)
	}
	check := func(name, fqdn, path string) string {
		out, err := l.client.CreateHealthCheck(t.Context(), &route53.CreateHealthCheckInput{CallerReference: &name,
			HealthCheckConfig: &types.HealthCheckConfig{Type: types.HealthCheckTypeHttp, FullyQualifiedDomainName: &fqdn,
				ResourcePath: &path, Port: new(int32(l.Status().Regions[0].LoadBalancer.Port)), RequestInterval: new(int32(10)), FailureThreshold: new(int32(3))}})
		if err != nil {
			t.Fatal(err)
		}
		return *out.HealthCheck.Id
	}
	put := func(zoneID, name, region string, evaluate bool, checkID string) {
		lb := l.LoadBalancers()[slices.Index([]string{"eu-west-1", "eu-central-1"}, region)]
		set := &types.ResourceRecordSet{Name: &name, Type: types.RRTypeA, SetIdentifier: &region, Region: types.ResourceRecordSetRegion(region),
			AliasTarget: &types.AliasTarget{DNSName: &lb.DNSName, HostedZoneId: &lb.HostedZoneID, EvaluateTargetHealth: evaluate}}
		if checkID != "" {
			set.HealthCheckId = &checkID
		}
		_, err := l.client.ChangeResourceRecordSets(t.Context(), &route53.ChangeResourceRecordSetsInput{HostedZoneId: &zoneID,
			ChangeBatch: &types.ChangeBatch{Changes: []types.Change{{Action: types.ChangeActionCreate, ResourceRecordSet: set}}}})
		if err != nil {
			t.Fatal(err)
		}
	}
	west, central := l.LoadBalancers()[0].DNSName, l.LoadBalancers()[1].DNSName
	put(l.zone, "good.example.com", "eu-west-1", false, check("good-west", west, "/app1health"))
	put(l.zone, "good.example.com", "eu-central-1", false, check("good-central", central, "/app1health"))
	put(l.zone, "app1.example.com", "eu-west-1", false, check("wrong", west, "/app2health"))
	put(l.zone, "app1.example.com", "eu-central-1", false, "")
	put(other, "www.example.org", "eu-west-1", true, "")
	put(other, "www.example.org", "eu-central-1", true, "")

	want := []string{"check-wrong-application app1.example.com A eu-west-1", "member-unchecked app1.example.com A eu-central-1"}
	got := judged(t, l.stdout(t, exitFindings, nil, "audit", "--zone", "example.com", "-o", "json"))
	if diff := cmp.Diff(want, briefly(got.Findings)); diff != "" {
		t.Errorf("example.com (-want +got):\n%s", diff)
	}
	elsewhere := judged(t, l.stdout(t, exitFindings, nil, "audit", "--zone", "example.org.", "-o", "json"))
	if diff := cmp.Diff([]string{"shared-fate", "shared-fate"}, rulesOf(elsewhere.Findings)); diff != "" {
		t.Errorf("example.org (-want +got):\n%s", diff)
	}
	kept := filepath.Join(t.TempDir(), "account.json")
	all := l.stdout(t, 0, nil, "audit", "--all-zones", "--fail-on", "never", "--health", "--out", kept)
	if again := l.stdout(t, 0, nil, "audit", "--input", kept, "--fail-on", "never"); summaryCut(again) != summaryCut(all) {
		t.Errorf("from the account:\n%s\nfrom the file:\n%s", all, again)
	}
	shown := judged(t, l.stdout(t, 0, nil, "audit", "--input", kept, "--rto", "20s", "--severity", "critical", "--fail-on", "never", "-o", "json"))
	if !slices.Contains(rulesOf(shown.Findings), "rto-missed") {
		t.Errorf("20 s promised: %q", briefly(shown.Findings))
	}

	// Where load balancers are described by nobody, there are fewer findings and a note.
	nowhere := []string{"AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2=http://127.0.0.1:1"}
	without := judged(t, l.stdout(t, exitFindings, nowhere, "audit", "--zone", "example.com", "-o", "json"))
	if diff := cmp.Diff(want[1:], briefly(without.Findings)); diff != "" || len(without.Notes) != 2 {
		t.Errorf("without load balancers (-want +got):\n%s\nnotes: %q", diff, without.Notes)
	}
}

func rulesOf(findings []audit.Finding) (rules []string) {
	for _, f := range findings {
		rules = append(rules, f.ID)
	}
	return rules
}

// summaryCut is a text without its last line, which tells of calls.
func summaryCut(text string) string {
	before, _, _ := strings.Cut(text, "\nRead: ")
	return before
}
