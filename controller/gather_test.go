package controller

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	"sigs.k8s.io/yaml"

	"github.com/bulkhead-dns/bulkhead/api/v1alpha1"
	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// noon is when candidates are gathered.
func noon() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

// openClass is a class that allows everything that tests ask for.
const openClass = `
kind: FailoverClass
metadata: {name: default}
spec: {region: eu-west-1, provider: aws, targets: {cidrs: [3.5.140.0/24], dnsSuffixes: [lb.example.net], hostHeaders: [probe.example.com]}}
`

// shopIngress is an Ingress with a load balancer.
const shopIngress = `
kind: Ingress
metadata: {name: shop, namespace: team-a}
spec: {rules: [{host: app1.example.com}, {host: app2.example.com}]}
status: {loadBalancer: {ingress: [{hostname: k8s-shop-1.eu-west-1.elb.amazonaws.com}]}}
`

// clusterOf is a cluster with the objects of a manifest. All classes have the account with the zones example.com and
// eu.example.com.
func clusterOf(t *testing.T, manifests ...string) snapshot {
	t.Helper()
	s := snapshot{accounts: map[string]failover.Facts{}}
	read := utilyaml.NewYAMLReader(bufio.NewReader(strings.NewReader(strings.Join(manifests, "\n---\n"))))
	for {
		document, err := read.Read()
		if errors.Is(err, io.EOF) {
			return s
		}
		if err != nil {
			t.Fatal(err)
		}
		if len(bytes.TrimSpace(document)) == 0 {
			continue
		}
		var meta metav1.TypeMeta
		if err := yaml.Unmarshal(document, &meta); err != nil {
			t.Fatalf("%v in:\n%s", err, document)
		}
		switch meta.Kind {
		case "FailoverPolicy":
			s.policies = append(s.policies, object[v1alpha1.FailoverPolicy](t, document))
		case "FailoverClass":
			class := object[v1alpha1.FailoverClass](t, document)
			s.classes = append(s.classes, class)
			s.accounts[class.Name] = failover.Facts{
				Provider: class.Spec.Provider,
				Zones:    []zone.HostedZone{{ID: "ZCOM", Name: "example.com."}, {ID: "ZEU", Name: "eu.example.com."}},
			}
		case "Ingress":
			s.ingresses = append(s.ingresses, object[networkingv1.Ingress](t, document))
		case "Service":
			s.services = append(s.services, object[corev1.Service](t, document))
		case "Gateway":
			s.gateways = append(s.gateways, object[gatewayv1.Gateway](t, document))
		case "HTTPRoute":
			s.routes = append(s.routes, object[gatewayv1.HTTPRoute](t, document))
		case "ListenerSet":
			s.listenerSets = append(s.listenerSets, object[gatewayv1.ListenerSet](t, document))
		case "GRPCRoute":
			s.grpcRoutes = append(s.grpcRoutes, object[gatewayv1.GRPCRoute](t, document))
		case "TLSRoute":
			s.tlsRoutes = append(s.tlsRoutes, object[gatewayv1.TLSRoute](t, document))
		case "Namespace":
			s.namespaces = append(s.namespaces, object[corev1.Namespace](t, document))
		default:
			t.Fatalf("kind %q in:\n%s", meta.Kind, document)
		}
	}
}

func object[T any](t *testing.T, document []byte) T {
	t.Helper()
	var object T
	if err := yaml.UnmarshalStrict(document, &object); err != nil {
		t.Fatalf("%v in:\n%s", err, document)
	}
	return object
}

// decided says, in one line a candidate, what became of it.
func decided(list []candidate) []string {
	var lines []string
	for _, c := range list {
		line := c.policy.Key() + ": "
		switch {
		case c.refusal != nil:
			line += c.refusal.reason + ": " + c.refusal.message
		case !c.vanished.IsZero():
			line += "vanished at " + c.vanished.UTC().Format(time.RFC3339)
		default:
			line += "accepted"
			for _, r := range c.policy.Spec.Regions {
				line += " " + r.Name
				if r.LoadBalancer != nil {
					line += " " + r.LoadBalancer.DNSName + " " + r.LoadBalancer.HostedZoneID
				}
				line += strings.Join(append([]string{""}, r.Addresses...), " ")
			}
		}
		lines = append(lines, line)
	}
	return lines
}

func wantDecided(t *testing.T, s snapshot, want ...string) []candidate {
	t.Helper()
	got := gather(s, "", noon())
	if diff := cmp.Diff(want, decided(got)); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
	return got
}

// policyApp1 is app1 of team-a with what is said about it.
func policyApp1(spec string) string {
	return "kind: FailoverPolicy\nmetadata: {name: app1, namespace: team-a}\nspec: {hostname: app1.example.com, targetRef: {kind: Ingress, name: shop}, " + spec + "}\n"
}

func TestPolicyGetsTheLoadBalancerOfItsCluster(t *testing.T) {
	s := clusterOf(t, openClass, shopIngress, policyApp1(""))
	got := wantDecided(t, s, "team-a/app1: accepted eu-west-1 k8s-shop-1.eu-west-1.elb.amazonaws.com Z32O12XQLNTSW2")
	if got[0].class.Metadata.Name != "default" || got[0].object.GetName() != "app1" || got[0].notes != nil {
		t.Errorf("class %v, object %v, notes %v", got[0].class, got[0].object, got[0].notes)
	}
	facts := s.accounts["default"]
	facts.Region = "eu-west-1"
	state, _, err := failover.Compile([]failover.Policy{got[0].policy}, got[0].class, facts)
	if err != nil || len(state.Records) != 1 || state.Records[0].Set.SetIdentifier != "eu-west-1" {
		t.Errorf("compiled: %v, %+v", err, state.Records)
	}
}

func TestControllerRegionWinsOverTheClass(t *testing.T) {
	s := clusterOf(t, openClass, shopIngress, policyApp1(""))
	got := decided(gather(s, "munich", noon()))
	want := []string{`team-a/app1: Invalid: spec.regions[0].name: "munich": must be an AWS Region: Latency routing on AWS knows no others`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
}

func TestClassOfAPolicy(t *testing.T) {
	const gold = "kind: FailoverClass\nmetadata: {name: gold, annotations: {bulkhead.dev/is-default-class: \"true\"}}\nspec: {region: eu-west-1}\n"
	const silver = "kind: FailoverClass\nmetadata: {name: silver}\nspec: {region: eu-central-1}\n"
	const accepted = "team-a/app1: accepted eu-west-1 k8s-shop-1.eu-west-1.elb.amazonaws.com Z32O12XQLNTSW2"
	for _, c := range []struct{ name, classes, spec, want string }{
		{"none", "", "", "team-a/app1: NoClass: this cluster has no FailoverClass: the platform team makes one"},
		{"the only one", openClass, "", accepted},
		{"the default one", gold + "---\n" + silver, "", accepted},
		{"no default", openClass + "---\n" + silver, "", "team-a/app1: NoClass: spec.classRef: is missing, and 0 of the FailoverClasses here are marked as default: name yours, which the platform team knows"},
		{"by name", gold + "---\n" + silver, "classRef: {name: gold}", accepted},
		{"a wrong name", gold + "---\n" + silver, "classRef: {name: bronze}",
			"team-a/app1: NoClass: spec.classRef.name: there is no FailoverClass bronze for namespace team-a"},
		{"another's", gold + "---\n" + strings.Replace(silver, "central-1", "central-1, hostnames: [{namespaces: [team-b], hostnames: [app1.example.com]}]", 1), "classRef: {name: silver}",
			"team-a/app1: NoClass: spec.classRef.name: there is no FailoverClass silver for namespace team-a"},
		{"without a Region", "kind: FailoverClass\nmetadata: {name: default}\nspec: {provider: aws}\n", "",
			"team-a/app1: ClassNotAccepted: the Region of this cluster is not known: spec.region of the class default says it"},
		{"a wrong class", "kind: FailoverClass\nmetadata: {name: default}\nspec: {region: eu-west-1, holdPeriod: 999h}\n", "",
			"team-a/app1: ClassNotAccepted: the class default is refused itself: spec.holdPeriod: 999h: must be 1s to 720h"},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantDecided(t, clusterOf(t, c.classes, shopIngress, policyApp1(c.spec)), c.want)
		})
	}
}

// A namespace that a class no longer serves is told so where it was served, and the class still says what becomes of the policy.
func TestClassThatServesANamespaceNoLonger(t *testing.T) {
	const silver = "kind: FailoverClass\nmetadata: {name: silver}\nspec: {region: eu-west-1, hostnames: [{namespaces: [team-b], hostnames: [x.example.com]}]}\n"
	s := clusterOf(t, silver, shopIngress, policyApp1("classRef: {name: silver}"))
	s.policies[0].Status.ClassName = "silver"
	got := wantDecided(t, s, `team-a/app1: HostnameRefused: spec.hostname: "app1.example.com": the class silver does not allow it to namespace team-a; allowed: none`)
	if got[0].class == nil {
		t.Error("its class is not known")
	}
	annotated := wantDecided(t, clusterOf(t, silver, strings.Replace(annotatedShop, "request-interval: \"10\"", "class: silver", 1)),
		"team-a/shop.app1.example.com: HostnameRefused: spec.classRef.name: there is no FailoverClass silver for namespace team-a",
		"team-a/shop.app2.example.com: HostnameRefused: spec.classRef.name: there is no FailoverClass silver for namespace team-a")
	if annotated[0].class == nil {
		t.Error("the class of an Ingress is not known")
	}
}

func TestPolicyIsJudgedWithAllItsRegions(t *testing.T) {
	for _, c := range []struct{ name, spec, want string }{
		{"two Regions in order", "routing: {policy: Failover}, regions: [{name: us-east-1}, {name: eu-west-1}]",
			"team-a/app1: accepted eu-west-1 k8s-shop-1.eu-west-1.elb.amazonaws.com Z32O12XQLNTSW2"},
		{"what a Region says itself wins", "regions: [{name: eu-west-1, addresses: [3.5.140.1]}]", "team-a/app1: accepted eu-west-1 3.5.140.1"},
		{"another's weight", "routing: {policy: Weighted}, regions: [{name: us-east-1, weight: 300}, {name: eu-west-1}]",
			"team-a/app1: Invalid: spec.regions[0].weight: 300: must be 0 to 255"},
		{"without this Region", "regions: [{name: us-east-1}]",
			"team-a/app1: Invalid: spec.regions: eu-west-1, the Region of this cluster, is not among them: add it, or leave the policy out of this cluster"},
		{"too many", "regions: [{name: us-east-1}, {name: us-east-2}, {name: eu-west-1}]",
			"team-a/app1: Invalid: spec.regions: 3: the class default allows at most 2 Regions"},
	} {
		t.Run(c.name, func(t *testing.T) {
			class := strings.Replace(openClass, "provider: aws", "provider: aws, limits: {regionsPerPolicy: 2}", 1)
			got := wantDecided(t, clusterOf(t, class, shopIngress, policyApp1(c.spec)), c.want)
			if got[0].refusal == nil && len(got[0].policy.Spec.Regions) != 1 {
				t.Errorf("%d Regions are left", len(got[0].policy.Spec.Regions))
			}
		})
	}
}

func TestOrderOfRegionsIsKeptWhenOneIsLeft(t *testing.T) {
	s := clusterOf(t, openClass, shopIngress, policyApp1("routing: {policy: Failover}, regions: [{name: us-east-1}, {name: eu-west-1}]"))
	got := gather(s, "", noon())[0].policy.Spec.Routing.Order
	if diff := cmp.Diff([]string{"us-east-1", "eu-west-1"}, got); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
}

func TestGatheringChangesNoObject(t *testing.T) {
	manifests := []string{openClass, shopIngress, policyApp1("routing: {policy: Failover}, regions: [{name: us-east-1}, {name: eu-west-1}]")}
	s, same := clusterOf(t, manifests...), clusterOf(t, manifests...)
	gather(s, "", noon())
	if diff := cmp.Diff(same.policies, s.policies); diff != "" {
		t.Errorf("the policy was changed:\n%s", diff)
	}
	if diff := cmp.Diff(same.ingresses, s.ingresses); diff != "" {
		t.Errorf("the Ingress was changed:\n%s", diff)
	}
}
