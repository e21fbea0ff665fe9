package audit_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/bulkhead-dns/bulkhead/audit"
	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/zone"
)

const bankDir = "../examples/bank"

// bank is forty applications in three Regions on shared load balancers, half of them with evaluated target health: what
// examples/bank/as-found makes.
func bank(t testing.TB) audit.Input {
	t.Helper()
	in := audit.Input{Provider: failover.AWS, AllLoadBalancers: true}
	in.State.Zones = []zone.HostedZone{{ID: "Z1", Name: "bank.example.", NameServers: []string{"ns1.example.net"}}}
	for line := range bytes.Lines(read(t, "as-found/checks.jsonl")) {
		var c struct {
			CallerReference   string
			HealthCheckConfig health.Config
		}
		if err := json.Unmarshal(line, &c); err != nil {
			t.Fatal(err)
		}
		if c.CallerReference != "cards-eu-central-1" { // which as-found.sh deletes
			in.State.Checks = append(in.State.Checks, plan.Check{ID: c.CallerReference, Config: c.HealthCheckConfig})
		}
	}
	in.State.Records = slices.Concat(records(t, "as-found/records-evaluated.json"),
		records(t, "as-found/records-checked.json"))
	in.LoadBalancers = balancers(t)
	files, err := filepath.Glob(filepath.Join(bankDir, "policies/*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		objects, err := failover.Parse(file, read(t, "policies/"+filepath.Base(file)))
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range objects {
			if o.Policy != nil {
				in.Policies = append(in.Policies, failover.Default(*o.Policy, nil))
			}
		}
	}
	return in
}

func read(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(bankDir, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// records are those of a change batch as the AWS CLI takes it.
func records(t testing.TB, name string) []plan.Record {
	t.Helper()
	var batch struct {
		Changes []struct {
			ResourceRecordSet struct {
				zone.ResourceRecordSet
				ResourceRecords []struct{ Value string }
			}
		}
	}
	if err := json.Unmarshal(read(t, name), &batch); err != nil {
		t.Fatal(err)
	}
	var list []plan.Record
	for _, c := range batch.Changes {
		set := c.ResourceRecordSet.ResourceRecordSet
		for _, r := range c.ResourceRecordSet.ResourceRecords {
			set.ResourceRecords = append(set.ResourceRecords, r.Value)
		}
		set.Name += "."
		if set.AliasTarget != nil {
			set.AliasTarget.DNSName += "."
		}
		set.HealthCheckID = strings.Trim(set.HealthCheckID, "@")
		list = append(list, plan.Record{ZoneID: "Z1", Set: set})
	}
	return list
}

// balancers are those of lab.yaml, with the names that the record sets call them by.
func balancers(t testing.TB) []audit.LoadBalancer {
	t.Helper()
	var lab struct {
		Regions      []struct{ Name string }
		Applications []struct {
			Name    string
			Regions []struct{ Name string }
			Rules   []audit.Rule
		}
	}
	if err := yaml.Unmarshal(read(t, "lab.yaml"), &lab); err != nil {
		t.Fatal(err)
	}
	numbers := map[string]string{"eu-west-1": "5906493173", "eu-central-1": "4913338359", "eu-north-1": "7041887317"}
	var list []audit.LoadBalancer
	for _, region := range lab.Regions {
		id, _ := zone.CanonicalHostedZoneID(region.Name)
		lb := audit.LoadBalancer{HostedZoneID: id,
			DNSName: zone.Name(fmt.Sprintf("bank-%s.%s.elb.amazonaws.com.", numbers[region.Name], region.Name))}
		for _, a := range lab.Applications {
			if len(a.Regions) > 0 && !slices.Contains(a.Regions, region) {
				continue
			}
			rules := a.Rules
			if rules == nil {
				rules = []audit.Rule{{Host: a.Name + ".bank.example"}, {Path: "/" + a.Name + "health"}}
			}
			for _, r := range rules {
				r.TargetGroup = a.Name
				lb.Rules = append(lb.Rules, r)
			}
			lb.TargetGroups = append(lb.TargetGroups, audit.TargetGroup{Name: a.Name, Registered: 1, Healthy: 1})
		}
		lb.Rules = append(lb.Rules, audit.Rule{Status: 404})
		list = append(list, lb)
	}
	return list
}

// Every planted fault is found, and nothing else.
func TestBank(t *testing.T) {
	var faults []struct{ Name, Rule, Object, Provider string }
	if err := yaml.Unmarshal(read(t, "faults.yaml"), &faults); err != nil {
		t.Fatal(err)
	}
	findings := audit.Audit(bank(t))
	for _, fault := range faults {
		at := slices.IndexFunc(findings,
			func(f audit.Finding) bool { return f.ID == fault.Rule && slices.Contains(f.Objects, fault.Object) })
		if at < 0 {
			t.Errorf("%s: no finding %s of %s", fault.Name, fault.Rule, fault.Object)
			continue
		}
		findings = slices.Delete(findings, at, at+1)
	}
	if diff := cmp.Diff([]string{}, brief(findings)); diff != "" {
		t.Errorf("found, and not planted (-want +got):\n%s", diff)
	}
	findings = audit.Audit(bank(t))
	golden(t, "testdata/bank.txt", []byte(audit.Text(findings, 110, false)))
	golden(t, "testdata/bank.findings.json", audit.JSON(findings))
}
