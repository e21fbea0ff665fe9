package controller

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkhead-dns/bulkhead/apply"
	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// dual is the policy as the command line has it, with addresses of both families in both Regions.
func (e *engine) dual(t testing.TB) failover.Policy {
	t.Helper()
	objects, err := failover.Parse("policy.yaml", e.manifest(`
apiVersion: bulkhead.dev/v1alpha1
kind: FailoverPolicy
metadata: {name: dual, namespace: team-a}
spec:
  hostname: dual.example.com
  healthCheck: {port: %s, path: /dual, requestInterval: 1, failureThreshold: 1}
  regions:
    - {name: eu-west-1, addresses: [127.0.0.1, "fd00::1"]}
    - {name: eu-central-1, addresses: [127.0.0.1, "fd00::2"]}
`, e.port))
	if err != nil {
		t.Fatal(err)
	}
	return *objects[0].Policy
}

// families returns "dual A eu-west-1" for every record set of a name with a check, sorted.
func (e *engine) families(t testing.TB) []string {
	t.Helper()
	state, err := e.worker(t, west, &wire{}).applier.Read(t.Context(), e.zones)
	if err != nil {
		t.Fatal(err)
	}
	list := []string{}
	for _, r := range state.Records {
		if r.Set.HealthCheckID != "" {
			list = append(list, r.Set.Type.String()+" "+r.Set.SetIdentifier)
		}
	}
	slices.Sort(list)
	return list
}

// A cluster takes no AAAA record away that the command line has added, and the command line finds nothing to do after it. A cluster
// that begins adds none: it does not know whether the other Regions have IPv6.
func TestClusterAndCommandAgreeOnIPv6(t *testing.T) {
	e := startEngine(t)
	policy, now := e.dual(t), time.Now()
	inCluster := func(region string) candidate {
		c := e.candidate(t, "dual", region)
		c.policy = policy
		c.policy.Spec.Regions = slices.DeleteFunc(slices.Clone(policy.Spec.Regions), func(r failover.Region) bool { return r.Name != region })
		return c
	}
	first := e.worker(t, west, &wire{})
	e.mustPass(t, first, []candidate{inCluster(west)}, now)
	if diff := cmp.Diff([]string{"A eu-west-1"}, e.families(t)); diff != "" {
		t.Fatalf("a cluster alone (-want +got):\n%s", diff)
	}
	command := e.worker(t, west, &wire{}).applier
	request := apply.Request{Groups: []apply.Group{{Policies: []failover.Policy{policy}}}}
	prepared, err := command.Prepare(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := command.Apply(t.Context(), prepared.Plan); err != nil {
		t.Fatal(err)
	}
	all := []string{"A eu-central-1", "A eu-west-1", "AAAA eu-central-1", "AAAA eu-west-1"}
	if diff := cmp.Diff(all, e.families(t)); diff != "" {
		t.Fatalf("after the command (-want +got):\n%s", diff)
	}
	for _, region := range []string{west, central} {
		e.mustPass(t, e.worker(t, region, &wire{}), []candidate{inCluster(region)}, now.Add(time.Minute))
		if diff := cmp.Diff(all, e.families(t)); diff != "" {
			t.Fatalf("after the cluster in %s (-want +got):\n%s", region, diff)
		}
	}
	if prepared, err = command.Prepare(t.Context(), request); err != nil || !prepared.Plan.Empty() {
		t.Errorf("the command has something to do after the clusters (%v):\n%s", err, prepared.Plan.Text(false))
	}

	// What a policy says is done, by both.
	policy.Spec.IPFamilies = []failover.IPFamily{failover.IPv4}
	e.mustPass(t, e.worker(t, west, &wire{}), []candidate{inCluster(west)}, now.Add(2*time.Minute))
	if diff := cmp.Diff([]string{"A eu-central-1", "A eu-west-1", "AAAA eu-central-1"}, e.families(t)); diff != "" {
		t.Errorf("with ipFamilies [IPv4] (-want +got):\n%s", diff)
	}
}

// A load balancer of a cluster goes on answering IPv6 where it does, and its AAAA record moves with it.
func TestAAAAFollowsTheLoadBalancer(t *testing.T) {
	objects, err := failover.Parse("policy.yaml", []byte(`
apiVersion: bulkhead.dev/v1alpha1
kind: FailoverPolicy
metadata: {name: dual, namespace: team-a}
spec:
  hostname: dual.example.com
  regions: [{name: eu-west-1, loadBalancer: {dnsName: new-1.eu-west-1.elb.amazonaws.com}}]
`))
	if err != nil {
		t.Fatal(err)
	}
	facts := failover.Facts{Provider: failover.AWS, Region: west, Zones: []zone.HostedZone{{ID: "Z1", Name: "example.com."}}}
	for _, c := range []struct {
		has  bool
		want []string
	}{{false, []string{"A"}}, {true, []string{"A", "AAAA"}}} {
		facts.HasIPv6 = c.has
		state, _, err := failover.Compile([]failover.Policy{*objects[0].Policy}, nil, facts)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range state.Records {
			got = append(got, r.Set.Type.String())
			if want := zone.Name("new-1.eu-west-1.elb.amazonaws.com."); r.Set.AliasTarget.DNSName != want {
				t.Errorf("%s leads to %s, want %s", r.Set.Type, r.Set.AliasTarget.DNSName, want)
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("with AAAA there already %t (-want +got):\n%s", c.has, diff)
		}
	}
}
