package controller

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// toward is app1 of team-a with a targetRef.
func toward(kind, name, rest string) string {
	return fmt.Sprintf("kind: FailoverPolicy\nmetadata: {name: app1, namespace: team-a}\nspec: {hostname: app1.example.com, targetRef: {kind: %s, name: %s}, %s}\n", kind, name, rest)
}

// ingress is the Ingress shop of team-a with entries in its status.
func ingress(points string) string {
	return "kind: Ingress\nmetadata: {name: shop, namespace: team-a}\nspec: {rules: [{host: app1.example.com}]}\nstatus: {loadBalancer: {ingress: [" + points + "]}}\n"
}

const engineClass = `
kind: FailoverClass
metadata: {name: default}
spec: {region: eu-west-1, provider: engine, targets: {cidrs: [3.5.140.0/24, 10.0.0.0/8, "2001:db8::/32"], dnsSuffixes: [lb.example.net]}}
`

// r53: E.1, E.2: what a name of a load balancer looks like, and which zone it is in.
func TestLoadBalancerOfAnIngress(t *testing.T) {
	const alb, nlb = "Z32O12XQLNTSW2", "Z2IFOLAFXWLO4F"
	for _, c := range []struct{ name, points, rest, want string }{
		{"ALB", "{hostname: lb-1.eu-west-1.elb.amazonaws.com}", "", "accepted eu-west-1 lb-1.eu-west-1.elb.amazonaws.com " + alb},
		{"NLB", "{hostname: lb-1.elb.eu-west-1.amazonaws.com}", "", "accepted eu-west-1 lb-1.elb.eu-west-1.amazonaws.com " + nlb},
		{"as others write it", "{hostname: LB-1.EU-West-1.elb.amazonaws.com.}", "", "accepted eu-west-1 lb-1.eu-west-1.elb.amazonaws.com " + alb},
		{"with IPv6", "{hostname: dualstack.lb-1.eu-west-1.elb.amazonaws.com}", "", "accepted eu-west-1 dualstack.lb-1.eu-west-1.elb.amazonaws.com " + alb},
		{"address", "{ip: 10.0.0.7}", "", "accepted eu-west-1 10.0.0.7"},
		{"an address of each family", `{ip: "2001:db8:85a3::1"}, {ip: 10.0.0.7}`, "", "accepted eu-west-1 10.0.0.7 2001:db8:85a3::1"},
		{"several addresses", "{ip: 10.0.0.8}, {ip: 10.0.0.7}, {ip: 10.0.0.8}", "routing: {policy: Failover, order: [eu-west-1, us-east-1]}", "accepted eu-west-1 10.0.0.7 10.0.0.8"},
		{"several addresses where one may be", "{ip: 10.0.0.8}, {ip: 10.0.0.7}", "",
			"Invalid: spec.regions[0].addresses: [10.0.0.7, 10.0.0.8]: Latency routing takes one IPv4 address a Region"},
		{"both", "{ip: 10.0.0.8}, {hostname: lb-1.eu-west-1.elb.amazonaws.com}", "", "accepted eu-west-1 lb-1.eu-west-1.elb.amazonaws.com " + alb},
		{"several, in any order", "{hostname: lb-2.eu-west-1.elb.amazonaws.com}, {hostname: lb-1.eu-west-1.elb.amazonaws.com}", "",
			"accepted eu-west-1 lb-1.eu-west-1.elb.amazonaws.com " + alb},
		{"none yet", "", "", "TargetNotReady: Ingress shop has no load balancer in its status yet: the controller of its class writes it there"},
		{"somebody else's", "{hostname: lb.example.net}", "",
			"TargetNotReady: Ingress shop: lb.example.net is not the name of a load balancer of AWS whose hosted zone is known: say both as loadBalancer of eu-west-1 in spec.regions"},
		{"somebody else's, said", "{hostname: lb.example.net}", "regions: [{name: eu-west-1, loadBalancer: {dnsName: lb.example.net, hostedZoneId: Z0ELSEWHERE}}]",
			"accepted eu-west-1 lb.example.net Z0ELSEWHERE"},
		{"of another Region", "{hostname: lb-1.eu-central-1.elb.amazonaws.com}", "",
			"TargetNotReady: Ingress shop: lb-1.eu-central-1.elb.amazonaws.com is in eu-central-1, but the Region of this cluster is eu-west-1: " +
				"correct spec.region of the class default, or the controller's --region"},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantDecided(t, clusterOf(t, engineClass, ingress(c.points), toward("Ingress", "shop", c.rest)), "team-a/app1: "+c.want)
		})
	}
}

func TestLoadBalancerThatWasTakenIsTakenAgain(t *testing.T) {
	s := clusterOf(t, openClass, ingress("{hostname: lb-1.eu-west-1.elb.amazonaws.com}, {hostname: lb-2.eu-west-1.elb.amazonaws.com}"), toward("Ingress", "shop", ""))
	s.policies[0].Status.Target = "lb-2.eu-west-1.elb.amazonaws.com."
	wantDecided(t, s, "team-a/app1: accepted eu-west-1 lb-2.eu-west-1.elb.amazonaws.com Z32O12XQLNTSW2")
}

func TestLoadBalancerOfAService(t *testing.T) {
	const service = "kind: Service\nmetadata: {name: web, namespace: team-a}\nspec: {type: %s}\nstatus: {loadBalancer: {ingress: [{hostname: lb-1.elb.eu-west-1.amazonaws.com}]}}\n"
	for kind, want := range map[string]string{
		"LoadBalancer": "accepted eu-west-1 lb-1.elb.eu-west-1.amazonaws.com Z2IFOLAFXWLO4F",
		"NodePort":     "TargetNotReady: Service web is of type NodePort: its type must be LoadBalancer",
		`""`:           "TargetNotReady: Service web is of type ClusterIP: its type must be LoadBalancer",
	} {
		t.Run(kind, func(t *testing.T) {
			wantDecided(t, clusterOf(t, openClass, fmt.Sprintf(service, kind), toward("Service", "web", "")), "team-a/app1: "+want)
		})
	}
}

// edge is a Gateway of the platform team.
func edge(addresses string) string {
	return "kind: Gateway\nmetadata: {name: edge, namespace: infra}\nspec: {gatewayClassName: alb, listeners: [{name: web, port: 80, protocol: HTTP}]}\nstatus: {addresses: [" + addresses + "]}\n"
}

// attached is a route of team-a, and what the Gateway says about it.
func attached(parent, accepted string) string {
	return fmt.Sprintf("kind: HTTPRoute\nmetadata: {name: web, namespace: team-a}\nspec: {hostnames: [app1.example.com], parentRefs: [%s]}\n"+
		"status: {parents: [{parentRef: %s, controllerName: example.com/alb, conditions: [{type: Accepted, status: %q, reason: R, message: m, lastTransitionTime: null}]}]}\n", parent, parent, accepted)
}

func TestLoadBalancerOfAGateway(t *testing.T) {
	const parent, address = "{name: edge, namespace: infra}", "{type: Hostname, value: lb-1.eu-west-1.elb.amazonaws.com}"
	const lb = "accepted eu-west-1 lb-1.eu-west-1.elb.amazonaws.com Z32O12XQLNTSW2"
	for _, c := range []struct{ name, kind, gateway, route, want string }{
		{"of its namespace", "Gateway", strings.Replace(strings.Replace(edge(address), "infra", "team-a", 1), "edge", "web", 1), "", lb},
		{"an address without a type", "Gateway", strings.Replace(strings.Replace(edge("{value: 3.5.140.1}"), "infra", "team-a", 1), "edge", "web", 1), "",
			"accepted eu-west-1 3.5.140.1"},
		{"of another namespace", "Gateway", edge(address), "", "TargetNotFound: there is no Gateway web in namespace team-a"},
		{"route", "HTTPRoute", edge(address), attached(parent, "True"), lb},
		{"route that is not accepted", "HTTPRoute", edge(address), attached(parent, "False"),
			"TargetNotReady: HTTPRoute web is not accepted by Gateway infra/edge in its status"},
		{"route to no Gateway", "HTTPRoute", edge(address), attached("{kind: Service, group: \"\", name: edge}", "True"),
			"TargetNotReady: HTTPRoute web names no Gateway in spec.parentRefs"},
		{"route to a Gateway that is not there", "HTTPRoute", "", attached(parent, "True"), "TargetNotFound: HTTPRoute web names Gateway infra/edge, which is not there"},
		{"route to a Gateway without address", "HTTPRoute", edge(""), attached(parent, "True"),
			"TargetNotReady: HTTPRoute web: Gateway infra/edge has no address in its status yet: the controller of its class writes it there"},
		{"second parent", "HTTPRoute", edge(address), strings.Replace(attached(parent, "True"), "parentRefs: [", "parentRefs: [{name: gone}, ", 1), lb},
		{"other listener", "HTTPRoute", edge(address), strings.Replace(attached(parent, "True"), "parentRefs: [{name: edge, ", "parentRefs: [{name: edge, sectionName: tls, ", 1),
			"TargetNotReady: HTTPRoute web is not accepted by Gateway infra/edge in its status"},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantDecided(t, clusterOf(t, openClass, c.gateway, c.route, toward(c.kind, "web", "")), "team-a/app1: "+c.want)
		})
	}
}

func TestHostnameThatTheSourceDoesNotHaveIsNoted(t *testing.T) {
	const note = "Ingress shop has no rule for app1.example.com: requests may reach another application, or none"
	for rules, want := range map[string][]string{
		"rules: [{host: app1.example.com}]":                                       nil,
		"rules: [{host: App1.Example.com}]":                                       nil,
		`rules: [{host: "*.example.com"}]`:                                        nil,
		"rules: [{}]":                                                             nil,
		"defaultBackend: {service: {name: web}}":                                  nil,
		"rules: [{host: app2.example.com}]":                                       {note},
		`rules: [{host: "*.eu.example.com"}]`:                                     {note},
		"rules: [{host: xapp1.example.com}]":                                      {note},
		`rules: [{host: app2.example.com}], defaultBackend: {service: {name: w}}`: nil,
	} {
		in := strings.Replace(ingress("{hostname: lb-1.eu-west-1.elb.amazonaws.com}"), "rules: [{host: app1.example.com}]", rules, 1)
		got := gather(clusterOf(t, openClass, in, toward("Ingress", "shop", "")), "", noon())
		if diff := cmp.Diff(want, got[0].notes); diff != "" || got[0].refusal != nil {
			t.Errorf("%s: %+v, want -, got +\n%s", rules, got[0].refusal, diff)
		}
	}
}

// r53: B.5.
func TestInternalLoadBalancerIsNoted(t *testing.T) {
	const name = "internal-lb-1.eu-west-1.elb.amazonaws.com"
	for _, c := range []struct {
		class, rest string
		want        []string
	}{
		{openClass, "", []string{name + " is internal: checkers of AWS are outside any network and cannot reach it"}},
		{openClass, "healthCheck: {hostHeader: probe.example.com}", nil}, // what is probed is elsewhere
		{engineClass, "", nil},
	} {
		got := gather(clusterOf(t, c.class, ingress("{hostname: "+name+"}"), toward("Ingress", "shop", c.rest)), "", noon())
		if diff := cmp.Diff(c.want, got[0].notes); diff != "" || got[0].refusal != nil {
			t.Errorf("%s: %+v, want -, got +\n%s", c.rest, got[0].refusal, diff)
		}
	}
}

func TestVanishedSourceIsToldSinceWhen(t *testing.T) {
	const missing = "team-a/app1: TargetNotFound: there is no Ingress shop in namespace team-a"
	for _, c := range []struct{ name, status, want string }{
		{"never programmed", "{}", missing},
		{"never ready", "{conditions: [{type: Programmed, status: \"False\", reason: TargetNotReady, message: m, lastTransitionTime: \"2026-03-01T11:00:00Z\"}]}", missing},
		{"just now", "{records: [{type: A}]}", "team-a/app1: vanished at 2026-03-01T12:00:00Z"},
		{"just now, by its condition", "{conditions: [{type: Programmed, status: \"True\", reason: Programmed, message: m, lastTransitionTime: \"2026-03-01T11:00:00Z\"}]}",
			"team-a/app1: vanished at 2026-03-01T12:00:00Z"},
		{"held", "{records: [{type: A}], holdUntil: \"2026-03-01T12:04:00Z\"}", "team-a/app1: vanished at 2026-03-01T11:54:00Z"},
		{"removed", "{conditions: [{type: Programmed, status: \"False\", reason: Removed, message: m, lastTransitionTime: \"2026-03-01T10:00:00Z\"}]}",
			"team-a/app1: vanished at 2026-03-01T10:00:00Z"},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantDecided(t, clusterOf(t, openClass, toward("Ingress", "shop", "")+"status: "+c.status+"\n"), c.want)
		})
	}
}

// A hold period that is changed does not begin again.
func TestHoldEndsWhenItWasSaid(t *testing.T) {
	class := strings.Replace(openClass, "provider: aws", "provider: aws, holdPeriod: 1h", 1)
	s := clusterOf(t, class, toward("Ingress", "shop", "")+"status: {holdUntil: \"2026-03-01T12:04:00Z\"}\n")
	c := gather(s, "", noon())[0]
	if until := c.vanished.Add(c.class.Spec.Hold()); !until.Equal(noon().Add(4 * time.Minute)) {
		t.Errorf("held until %s", until)
	}
}

// What is not read is unknown, not gone: a controller without the right to look removes nothing.
func TestSourceThatIsNotReadHasNotVanished(t *testing.T) {
	for _, kind := range []string{"Ingress", "Service", "Gateway", "HTTPRoute", "GRPCRoute", "TLSRoute"} {
		s := clusterOf(t, openClass, toward(kind, "web", "")+"status: {records: [{type: A, value: lb-1.eu-west-1.elb.amazonaws.com}], holdUntil: \"2026-03-01T11:00:00Z\"}\n")
		s.unread = map[string]string{kind: "the controller has no right to list them"}
		wantDecided(t, s, "team-a/app1: TargetNotReady: "+kind+" web cannot be read: the controller has no right to list them; "+
			"until this is settled the record of this Region stays as it is: A lb-1.eu-west-1.elb.amazonaws.com")
	}
}
