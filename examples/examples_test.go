// Package examples_test holds the examples to what the product accepts.
package examples_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// facts are those of the lab: a zone and two load balancers. AWS has stricter rules than an engine, so that what is
// right for it is right for both.
func facts(provider failover.Provider) failover.Facts {
	balancer := func(region, number, zoneID string) failover.LoadBalancerFact {
		return failover.LoadBalancerFact{
			Region: region, Name: "demoalb", HostedZoneID: zoneID,
			DNSName: zone.MustParseName("demoalb-" + number + "." + region + ".elb.amazonaws.com"),
		}
	}
	return failover.Facts{
		Provider: provider,
		Zones:    []zone.HostedZone{{ID: "Z0EXAMPLE", Name: "example.com."}},
		LoadBalancers: []failover.LoadBalancerFact{
			balancer("eu-west-1", "1", "Z32O12XQLNTSW2"),
			balancer("eu-central-1", "2", "Z215JYRZR1TBD5"),
		},
	}
}

// objects reads all files of an example.
func objects(t *testing.T, example string) (policies []failover.Policy, class *failover.Class) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(example, "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %d files, %v", example, len(files), err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := failover.Parse(file, data)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range parsed {
			if o.Class != nil {
				class = o.Class
				continue
			}
			policies = append(policies, *o.Policy)
		}
	}
	return policies, class
}

// Every example is accepted on AWS and on an engine, without a surprise to warn of, and makes what its README says.
func TestExamplesCompile(t *testing.T) {
	for _, c := range []struct {
		example string
		records []string // name, SetIdentifier, how it is chosen, key of its check
	}{
		{"twoapps", []string{
			"app1.example.com. eu-central-1 region team-a/app1/eu-central-1",
			"app1.example.com. eu-west-1 region team-a/app1/eu-west-1",
			"app2.example.com. eu-central-1 region team-b/app2/eu-central-1",
			"app2.example.com. eu-west-1 region team-b/app2/eu-west-1",
		}},
		{"active-passive", []string{
			"shop.example.com. eu-central-1 SECONDARY team-a/shop/eu-central-1",
			"shop.example.com. eu-west-1 PRIMARY team-a/shop/eu-west-1",
		}},
		{"weighted-canary", []string{
			"api.example.com. eu-central-1 weight 10 team-b/api/eu-central-1",
			"api.example.com. eu-west-1 weight 90 team-b/api/eu-west-1",
		}},
	} {
		for _, provider := range []failover.Provider{failover.AWS, failover.Engine} {
			policies, class := objects(t, c.example)
			state, warnings, err := failover.Compile(policies, class, facts(provider))
			if err != nil {
				t.Errorf("%s on %s: %v", c.example, provider, err)
				continue
			}
			for _, w := range warnings {
				// The lab's rules for health paths have no host condition, as the warning asks for.
				if w.Path != "spec.healthCheck.hostHeader" {
					t.Errorf("%s on %s: %v", c.example, provider, w)
				}
			}
			if diff := cmp.Diff(c.records, describe(state)); diff != "" {
				t.Errorf("%s on %s (-want +got):\n%s", c.example, provider, diff)
			}
			if len(state.Checks) != len(state.Records) {
				t.Errorf("%s on %s: %d checks for %d records", c.example, provider, len(state.Checks), len(state.Records))
			}
		}
	}
}

func describe(s plan.State) (all []string) {
	for _, r := range s.Records {
		how := "region"
		switch {
		case r.Set.Failover != "":
			how = string(r.Set.Failover)
		case r.Set.Weight != nil:
			how = fmt.Sprint("weight ", *r.Set.Weight)
		}
		all = append(all, fmt.Sprint(r.Set.Name, " ", r.Set.SetIdentifier, " ", how, " ", r.CheckKey))
	}
	return all
}

// Every policy file below examples/ can be read, and what it says is accepted: none of them is stale.
func TestEveryPolicyFileIsAccepted(t *testing.T) {
	files, err := filepath.Glob("*/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	read := 0
	for _, file := range files {
		if base := filepath.Base(file); base == "lab.yaml" || base == "faults.yaml" {
			continue // surroundings, and what is wrong with them
		}
		if filepath.Dir(file) == "kubernetes" {
			continue // for a cluster; test/kube applies them to one
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		objects, err := failover.Parse(file, data)
		if err != nil {
			t.Errorf("%v", err)
		}
		for _, o := range objects {
			read++
			if o.Class != nil {
				err = failover.ValidateClass(*o.Class)
			} else {
				err = failover.Validate(failover.Default(*o.Policy, nil), nil, facts(failover.AWS))
			}
			if err != nil {
				t.Errorf("%s: %v", o.At(""), err)
			}
		}
	}
	if read < 4 {
		t.Errorf("%d policies and classes in %d files", read, len(files))
	}
}
