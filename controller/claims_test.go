package controller

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkhead-dns/bulkhead/api/v1alpha1"
	"github.com/bulkhead-dns/bulkhead/failover"
)

// tenants are two namespaces, what they may have, and what both could get at.
const tenants = `
kind: FailoverClass
metadata: {name: default}
spec:
  region: eu-west-1
  provider: aws
  zones: [example.com]
  hostnames:
    - {namespaces: [team-a], hostnames: [app1.example.com, shared.example.com, example.com]}
    - {namespaces: [team-b], hostnames: [app2.example.com, shared.example.com]}
    - {namespaceSelector: {dns: self-service}, hostnames: ["*.{namespace}.example.com"]}
    - {namespaces: ["*"], hostnames: ["*.example.com"]}
  targets: {cidrs: [3.5.140.0/24]}
  limits: {policiesPerNamespace: 2}
  fastest: {requestInterval: 10, failureThreshold: 2}
---
kind: Namespace
metadata: {name: team-a}
---
kind: Namespace
metadata: {name: team-c, labels: {dns: self-service}}
`

// strict is tenants without the rule for everybody.
func strict() string {
	return strings.Replace(tenants, "    - {namespaces: [\"*\"], hostnames: [\"*.example.com\"]}\n", "", 1)
}

// asked is a policy of a namespace, created some minutes before noon.
func asked(namespace, name, hostname string, age int, spec string) string {
	created := noon().Add(-time.Duration(age) * time.Minute).Format(time.RFC3339)
	return fmt.Sprintf("---\nkind: FailoverPolicy\nmetadata: {name: %s, namespace: %s, uid: %s-%s, creationTimestamp: %q}\n"+
		"spec: {hostname: %q, regions: [{name: eu-west-1, addresses: [3.5.140.1]}], %s}\n", name, namespace, namespace, name, created, hostname, spec)
}

func TestTenantsGetWhatTheirClassAllows(t *testing.T) {
	const allowedA = "; allowed: app1.example.com, shared.example.com, example.com"
	for _, c := range []struct{ name, policy, want string }{
		{"its own", asked("team-a", "p", "app1.example.com", 1, ""), "team-a/p: accepted eu-west-1 3.5.140.1"},
		{"another's", asked("team-a", "p", "app2.example.com", 1, ""),
			`team-a/p: HostnameRefused: spec.hostname: "app2.example.com": the class default does not allow it to namespace team-a` + allowedA},
		{"a wildcard", asked("team-a", "p", "*.example.com", 1, ""),
			`team-a/p: HostnameRefused: spec.hostname: "*.example.com": must name one application: a wildcard is not accepted`},
		{"the apex, by its full name", asked("team-a", "p", "example.com", 1, ""),
			"team-a/p: accepted eu-west-1 3.5.140.1"},
		{"by a label of the namespace", asked("team-c", "p", "x.team-c.example.com", 1, ""), "team-c/p: accepted eu-west-1 3.5.140.1"},
		{"by a label that it has not", asked("team-a", "p", "x.team-a.example.com", 1, ""),
			`team-a/p: HostnameRefused: spec.hostname: "x.team-a.example.com": the class default does not allow it to namespace team-a` + allowedA},
		{"another namespace's part", asked("team-c", "p", "x.team-a.example.com", 1, ""),
			`team-c/p: HostnameRefused: spec.hostname: "x.team-a.example.com": the class default does not allow it to namespace team-c; allowed: *.team-c.example.com`},
		{"a namespace without rules", asked("team-d", "p", "x.example.com", 1, ""),
			`team-d/p: HostnameRefused: spec.hostname: "x.example.com": the class default does not allow it to namespace team-d; allowed: none`},
		{"faster timers", asked("team-a", "p", "app1.example.com", 1, "healthCheck: {requestInterval: 10, failureThreshold: 1}"),
			"team-a/p: TimersRefused: spec.healthCheck.failureThreshold: 1: the class default allows 2 or more"},
		{"timers of the engine on AWS", asked("team-a", "p", "app1.example.com", 1, "healthCheck: {requestInterval: 9}"),
			"team-a/p: TimersRefused: spec.healthCheck.requestInterval: 9: must be 10 or 30 on AWS: intervals of 1 to 9 seconds are the engine's alone"},
	} {
		t.Run(c.name, func(t *testing.T) { wantDecided(t, clusterOf(t, strict(), c.policy), c.want) })
	}
}

func TestApexAndZonesAreTheClassesToAllow(t *testing.T) {
	const class = "kind: FailoverClass\nmetadata: {name: default}\nspec: {region: eu-west-1, provider: aws, zones: [example.com, ZEU], targets: {cidrs: [3.5.140.0/24]}, hostnames: [{namespaces: [team-a], hostnames: [%s]}]}\n"
	for _, c := range []struct{ name, patterns, hostname, want string }{
		{"by a pattern", `"*.example.com"`, "eu.example.com",
			`team-a/p: HostnameRefused: spec.hostname: "eu.example.com": is the apex of a zone: the class default must name it in full for namespace team-a`},
		{"in full", "eu.example.com", "eu.example.com", "team-a/p: accepted eu-west-1 3.5.140.1"},
		{"in a longer zone", `"*.eu.example.com"`, "x.eu.example.com", "team-a/p: accepted eu-west-1 3.5.140.1"},
		{"in none", "x.example.org", "x.example.org",
			`team-a/p: ZoneRefused: spec.hostname: "x.example.org": no public hosted zone of the account holds this name; create its zone first`},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantDecided(t, clusterOf(t, fmt.Sprintf(class, c.patterns), asked("team-a", "p", c.hostname, 1, "")), c.want)
		})
	}
	t.Run("a zone that the class leaves out", func(t *testing.T) {
		s := clusterOf(t, "kind: FailoverClass\nmetadata: {name: default}\nspec: {region: eu-west-1, provider: aws, zones: [example.com], targets: {cidrs: [3.5.140.0/24]}}\n",
			asked("team-a", "p", "x.eu.example.com", 1, ""))
		wantDecided(t, s, `team-a/p: ZoneRefused: spec.hostname: "x.eu.example.com": the class default does not allow its zone, eu.example.com. ZEU`)
	})
}

func TestHostnameBelongsToThePolicyThatWasCreatedFirst(t *testing.T) {
	s := clusterOf(t, tenants, asked("team-b", "late", "shared.example.com", 5, ""), asked("team-a", "early", "shared.example.com", 90, ""))
	got := wantDecided(t, s,
		"team-b/late: HostnameHeld: spec.hostname: shared.example.com belongs to FailoverPolicy team-a/early, which was created first, at 2026-03-01T10:30:00Z",
		"team-a/early: accepted eu-west-1 3.5.140.1",
	)
	if h := got[0].heldBy; h == nil || h.Namespace != "team-a" || h.Name != "early" || !h.Since.Equal(&s.policies[1].CreationTimestamp) {
		t.Errorf("held by %+v", h)
	}
	s.policies = s.policies[:1]
	wantDecided(t, s, "team-b/late: accepted eu-west-1 3.5.140.1")
}

func TestHostnamesCreatedAtOnceGoByUID(t *testing.T) {
	s := clusterOf(t, tenants, asked("team-b", "p", "shared.example.com", 5, ""), asked("team-a", "p", "shared.example.com", 5, ""))
	wantDecided(t, s,
		"team-b/p: HostnameHeld: spec.hostname: shared.example.com belongs to FailoverPolicy team-a/p, which was created first, at 2026-03-01T11:55:00Z",
		"team-a/p: accepted eu-west-1 3.5.140.1",
	)
}

// Nobody is kept from a name by somebody who may not have it, however early.
func TestRefusedPolicyHoldsNoHostname(t *testing.T) {
	for _, c := range []struct{ name, squatter string }{
		{"not allowed", asked("team-b", "squatter", "app1.example.com", 90, "")},
		{"too fast", asked("team-b", "squatter", "shared.example.com", 90, "healthCheck: {failureThreshold: 1}")},
		{"without a class", asked("team-b", "squatter", "shared.example.com", 90, "classRef: {name: no-such}")},
		{"over its quota", asked("team-b", "p1", "app2.example.com", 300, "") + asked("team-b", "p2", "x.example.com", 200, "") +
			asked("team-b", "squatter", "shared.example.com", 90, "")},
	} {
		t.Run(c.name, func(t *testing.T) {
			host := "shared.example.com"
			if c.name == "not allowed" {
				host = "app1.example.com"
			}
			class := tenants
			if c.name == "not allowed" {
				class = strict()
			}
			list := gather(clusterOf(t, class, c.squatter, asked("team-a", "owner", host, 1, "")), "", noon())
			squatter, owner := list[len(list)-2], list[len(list)-1]
			if squatter.refusal == nil || owner.refusal != nil {
				t.Errorf("squatter: %+v, owner: %+v", squatter.refusal, owner.refusal)
			}
		})
	}
}

// An Ingress without a load balancer yet, or one that has vanished, loses nobody the hostname.
func TestPolicyWithoutItsSourceHoldsItsHostname(t *testing.T) {
	waiting := strings.Replace(asked("team-a", "early", "shared.example.com", 90, ""), "regions: [{name: eu-west-1, addresses: [3.5.140.1]}]", "targetRef: {kind: Ingress, name: shop}", 1)
	wantDecided(t, clusterOf(t, tenants, waiting, asked("team-b", "late", "shared.example.com", 5, "")),
		"team-a/early: TargetNotFound: there is no Ingress shop in namespace team-a",
		"team-b/late: HostnameHeld: spec.hostname: shared.example.com belongs to FailoverPolicy team-a/early, which was created first, at 2026-03-01T10:30:00Z",
	)
}

// Whoever is called as another tenant's policy shares neither check nor record with it.
func TestEqualNamesReachNothingOfEachOther(t *testing.T) {
	s := clusterOf(t, tenants, asked("team-a", "app", "app1.example.com", 9, ""), asked("team-b", "app", "app2.example.com", 8, ""))
	seen := map[string]string{}
	for _, c := range gather(s, "", noon()) {
		facts := s.accounts["default"]
		facts.Region = "eu-west-1"
		state, _, err := failover.Compile([]failover.Policy{c.policy}, c.class, facts)
		if err != nil || len(state.Checks) != 1 || len(state.Records) != 1 {
			t.Fatalf("%s: %v, %+v", c.policy.Key(), err, state)
		}
		for _, id := range []string{state.Checks[0].Key, string(state.Records[0].Set.Name)} {
			if other := seen[id]; other != "" {
				t.Errorf("%s is of %s and of %s", id, other, c.policy.Key())
			}
			seen[id] = c.policy.Key()
		}
	}
}

func TestAccountsHoldHostnamesForThemselves(t *testing.T) {
	const classes = `
kind: FailoverClass
metadata: {name: aws}
spec: {region: eu-west-1, provider: aws, targets: {cidrs: [3.5.140.0/24]}}
---
kind: FailoverClass
metadata: {name: lab}
spec: {region: eu-west-1, provider: engine, endpoint: "http://127.0.0.1:8053", targets: {cidrs: [3.5.140.0/24]}}
---
kind: FailoverClass
metadata: {name: lab-too}
spec: {region: eu-west-1, provider: engine, endpoint: "http://127.0.0.1:8053/", targets: {cidrs: [3.5.140.0/24]}}
`
	wantDecided(t, clusterOf(t, classes,
		asked("team-a", "real", "app1.example.com", 9, "classRef: {name: aws}"),
		asked("team-a", "trial", "app1.example.com", 8, "classRef: {name: lab}"),
		asked("team-b", "trial", "app1.example.com", 7, "classRef: {name: lab-too}")),
		"team-a/real: accepted eu-west-1 3.5.140.1",
		"team-a/trial: accepted eu-west-1 3.5.140.1",
		"team-b/trial: HostnameHeld: spec.hostname: app1.example.com belongs to FailoverPolicy team-a/trial, which was created first, at 2026-03-01T11:52:00Z",
	)
}

func TestQuotaRefusesTheNewest(t *testing.T) {
	const quota = "QuotaExceeded: the class default allows namespace team-a 2 hostnames, and older ones have them"
	wantDecided(t, clusterOf(t, tenants,
		asked("team-a", "newest", "n.example.com", 1, ""), asked("team-a", "old", "o.example.com", 60, ""),
		asked("team-a", "loser", "shared.example.com", 70, ""), asked("team-b", "winner", "shared.example.com", 80, ""),
		asked("team-a", "older", "p.example.com", 65, ""), asked("team-a", "new", "q.example.com", 2, "")),
		"team-a/newest: "+quota,
		"team-a/old: accepted eu-west-1 3.5.140.1",
		"team-a/loser: HostnameHeld: spec.hostname: shared.example.com belongs to FailoverPolicy team-b/winner, which was created first, at 2026-03-01T10:40:00Z",
		"team-b/winner: accepted eu-west-1 3.5.140.1",
		"team-a/older: accepted eu-west-1 3.5.140.1",
		"team-a/new: "+quota,
	)
}

// Whatever the order that the cluster lists its objects in: the same policies are accepted, no hostname twice, and no namespace has
// more than it may.
func TestClaimsDoNotDependOnTheOrder(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 8))
	for round := range 200 {
		var manifests []string
		for i := range 12 {
			namespace := []string{"team-a", "team-b", "team-c"}[random.IntN(3)]
			manifests = append(manifests, asked(namespace, fmt.Sprintf("p%d", i), fmt.Sprintf("h%d.example.com", random.IntN(5)), random.IntN(4), ""))
		}
		s := clusterOf(t, append([]string{tenants}, manifests...)...)
		first := decided(gather(s, "", noon()))
		slices.Sort(first)
		random.Shuffle(len(s.policies), func(i, j int) { s.policies[i], s.policies[j] = s.policies[j], s.policies[i] })
		list := gather(s, "", noon())
		again := decided(list)
		slices.Sort(again)
		if diff := cmp.Diff(first, again); diff != "" {
			t.Fatalf("round %d: listed in another order -, +\n%s", round, diff)
		}
		hostnames, shares := map[string]bool{}, map[string]int{}
		for _, c := range list {
			switch {
			case c.refusal == nil:
				if hostnames[c.policy.Spec.Hostname] {
					t.Fatalf("round %d: %s has two holders", round, c.policy.Spec.Hostname)
				}
				hostnames[c.policy.Spec.Hostname] = true
				if shares[c.policy.Metadata.Namespace]++; shares[c.policy.Metadata.Namespace] > 2 {
					t.Fatalf("round %d: %s is over its quota", round, c.policy.Metadata.Namespace)
				}
			case (c.refusal.reason == v1alpha1.ReasonHostnameHeld) != (c.heldBy != nil):
				t.Fatalf("round %d: %s: held by %v", round, c.refusal.message, c.heldBy)
			}
		}
	}
}
