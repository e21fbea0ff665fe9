package failover

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// policyOf makes a policy from a spec in YAML; {lb1} and {lb2} are Regions with load balancers, {v4} and {v4b} with
// addresses.
func policyOf(t *testing.T, spec string) Policy {
	t.Helper()
	spec = strings.NewReplacer(
		"{lb1}", "{name: eu-west-1, loadBalancer: {name: demoalb}}",
		"{lb2}", "{name: eu-central-1, loadBalancer: {name: demoalb}}",
		"{v4}", "{name: blue, addresses: [93.184.216.34]}",
		"{v4b}", "{name: green, addresses: [93.184.216.35]}",
	).Replace(spec)
	text := "apiVersion: bulkhead.dev/v1alpha1\nkind: FailoverPolicy\nmetadata: {name: app, namespace: team-a}\nspec: " +
		"" + spec
	objects, err := Parse("policy.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return *objects[0].Policy
}

const class = `
apiVersion: bulkhead.dev/v1alpha1
kind: FailoverClass
metadata: {name: gold}
spec:
  provider: aws
  zones: [example.com]
  defaults: {failureThreshold: 4, ttl: 30, checkerRegions: [us-east-1, eu-west-1, sa-east-1]}
  hostnames:
    - {namespaces: [team-*], hostnames: ["*.{namespace}.example.com", app.example.com]}
    - {namespaceSelector: {tier: gold}, hostnames: ["*.gold.example.com"]}
  limits: {policiesPerNamespace: 1, regionsPerPolicy: 2}
  fastest: {requestInterval: 30, failureThreshold: 2}
  targets: {cidrs: [93.184.216.0/24]}
`

func classOf(t *testing.T, text string) *Class {
	t.Helper()
	objects, err := Parse("class.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return objects[0].Class
}

// refusals lists the problems of an error, without where they are.
func refusals(t *testing.T, err error) []string {
	t.Helper()
	if err == nil {
		return nil
	}
	var problems Problems
	if !errors.As(err, &problems) {
		t.Fatalf("error is %T, want Problems", err)
	}
	var lines []string
	for _, p := range problems {
		p.Where = ""
		lines = append(lines, p.Error())
	}
	return lines
}

func TestValidate(t *testing.T) {
	two := "regions: [{lb1}, {lb2}]}"
	for _, c := range []struct {
		rule, spec string
		provider   Provider
		want       []string
	}{
		{"the least", "{hostname: a.example.com, " + two, AWS, nil},
		{"in a cluster", "{hostname: a.example.com, targetRef: {kind: Ingress, name: x}}", AWS, nil},
		{"hostname", "{" + two, AWS, []string{"spec.hostname: is missing: the name that fails over, such as " +
			"app1.example.com"}},
		{"hostname", `{hostname: "*.example.com", ` + two, AWS,
			[]string{`spec.hostname: "*.example.com": must name one application: a wildcard is not accepted`}},
		{"hostname", `{hostname: a..com, ` + two, AWS,
			[]string{`spec.hostname: "a..com": is not a domain name: FATAL problem: DomainLabelEmpty (Domain label is empty) ` +
				`encountered with 'a..com'`}},
		{"hostname", `{hostname: com, ` + two, AWS,
			[]string{`spec.hostname: "com": must be a name in a hosted zone, such as app1.example.com`}},
		{"nothing to route to", "{hostname: a.example.com}", AWS,
			[]string{"spec.regions: is missing: at least one Region, or a targetRef in a cluster"}},
		{"all at once", "{hostname: com, routing: {policy: Nearest}, ipFamilies: [IPv5], healthCheck: {port: 70000, " +
			"failureThreshold: 11}, " + two, AWS,
			[]string{
				`spec.hostname: "com": must be a name in a hosted zone, such as app1.example.com`,
				`spec.ipFamilies[0]: "IPv5": must be IPv4 or IPv6`,
				`spec.routing.policy: "Nearest": must be one of Latency, Failover, Weighted, Geolocation, Multivalue`,
				"spec.healthCheck.port: 70000: must be 1 to 65535",
				"spec.healthCheck.failureThreshold: 11: must be 1 to 10",
			}},
		{"B.2 interval", "{hostname: a.example.com, healthCheck: {requestInterval: 20}, " + two, AWS,
			[]string{"spec.healthCheck.requestInterval: 20: must be one of 30 10 seconds"}},
		{"B.2 interval", "{hostname: a.example.com, healthCheck: {requestInterval: 1}, " + two, AWS,
			[]string{"spec.healthCheck.requestInterval: 1: must be 10 or 30 on AWS: intervals of 1 to 9 seconds are the " +
				"engine's alone"}},
		{"B.2 interval", "{hostname: a.example.com, healthCheck: {requestInterval: 1}, " + two, Engine, nil},
		{"B.2 type", "{hostname: a.example.com, healthCheck: {type: CALCULATED}, " + two, AWS,
			[]string{`spec.healthCheck.type: "CALCULATED": must be HTTP, HTTPS, HTTP_STR_MATCH, HTTPS_STR_MATCH or TCP`}},
		{"B.2 TCP port", "{hostname: a.example.com, healthCheck: {type: TCP, path: /x}, " + two, AWS,
			[]string{"spec.healthCheck.port: is missing: a TCP check has no default",
				`spec.healthCheck.path: "/x": a TCP check asks for no path`}},
		{"B.2 search string", "{hostname: a.example.com, healthCheck: {type: HTTP_STR_MATCH}, " + two, AWS,
			[]string{"spec.healthCheck.searchString: is missing: HTTP_STR_MATCH looks for it in the first 5120 bytes of the " +
				"answer"}},
		{"XML has no such characters",
			`{hostname: a.example.com, healthCheck: {path: "/x\ufffe", searchString: "a\x01"}, regions: [{lb1}]}`, AWS, []string{
				`spec.healthCheck.path: "/x\ufffe": must have ASCII characters only, no spaces and no control characters: use ` +
					`percent encoding`,
				`spec.healthCheck.searchString: "a\x01": must have no control characters but tab and line feed, none of U+FFFE ` +
					`and U+FFFF, and no white space ` +
					"at its ends: Route 53 would not give it back as it is"}},
		{"a Region becomes a name", "{hostname: a.example.com, regions: [{name: x, loadBalancer: {arn: " +
			"'arn:aws:elasticloadbalancing:example.net/:1:loadbalancer/x'}}]}", Engine,
			[]string{`spec.regions[0].loadBalancer.arn: "arn:aws:elasticloadbalancing:example.net/:1:loadbalancer/x": must ` +
				`be arn:<partition>:elasticloadbalancing:<region>:<account>:loadbalancer/…`}},
		{"B.2 path", "{hostname: a.example.com, healthCheck: {path: a b}, " + two, AWS,
			[]string{`spec.healthCheck.path: "a b": must begin with / and have at most 255 characters`}},
		{"B.4 checker Regions", "{hostname: a.example.com, healthCheck: {checkerRegions: [us-east-1, eu-west-1]}, " +
			two, AWS,
			[]string{"spec.healthCheck.checkerRegions: [eu-west-1, us-east-1]: must be at least 3 Regions, or none for all"}},
		{"B.3 the check follows the failover", "{hostname: a.example.com, healthCheck: {hostHeader: A.example.com}, " +
			"regions: [{lb1}]}", AWS,
			[]string{`spec.healthCheck.hostHeader: "A.example.com": is the hostname itself: beside a load balancer checkers ` +
				`resolve this name, ` +
				"and the check would follow the failover it controls; use a name that leads to this Region alone"}},
		{"B.3 one endpoint for two Regions", "{hostname: a.example.com, healthCheck: {hostHeader: x.example.net}, " +
			two, AWS,
			[]string{`spec.healthCheck.hostHeader: "x.example.net": is also that of eu-west-1: beside a load balancer ` +
				`checkers resolve this ` +
				"name, and both checks would probe one endpoint; give every Region a name of its own"}},
		{"B.3 addresses are not resolved", "{hostname: a.example.com, healthCheck: {hostHeader: a.example.com}, routing: " +
			"{policy: Weighted}, regions: [{v4}, {v4b}]}", AWS, nil},
		{"a Region's own check", "{hostname: a.example.com, regions: [{lb1}, {name: eu-central-1, loadBalancer: {name: " +
			"demoalb}, healthCheck: {port: 0}}]}", AWS,
			[]string{"spec.regions[1].healthCheck.port: 0: must be 1 to 65535"}},
		{"A.1 latency Regions", "{hostname: a.example.com, regions: [{lb1}, {v4}]}", AWS,
			[]string{`spec.regions[1].name: "blue": must be an AWS Region: Latency routing on AWS knows no others`}},
		{"A.1 latency Regions", "{hostname: a.example.com, regions: [{lb1}, {v4}]}", Engine, nil},
		{"Region twice", "{hostname: a.example.com, regions: [{lb1}, {lb1}]}", AWS,
			[]string{`spec.regions[1].name: "eu-west-1": is given twice: a policy has one record set a Region`}},
		{"A.1 failover", "{hostname: a.example.com, routing: {policy: Failover}, " + two, AWS, nil},
		{"A.1 failover", "{hostname: a.example.com, routing: {policy: Failover}, regions: [{lb1}, {lb2}, {v4}]}", AWS,
			[]string{"spec.routing.order: [eu-west-1, eu-central-1, blue]: must be two Regions: the primary, then the " +
				"secondary; for more Regions use Latency or Weighted"}},
		{"A.1 failover", "{hostname: a.example.com, routing: {policy: Failover, order: [eu-west-1, us-east-1]}, " + two, AWS,
			[]string{
				`spec.routing.order[1]: "us-east-1": is not among the regions: eu-west-1, eu-central-1`,
				`spec.regions[1].name: "eu-central-1": is not in the order: eu-west-1, us-east-1`,
			}},
		{"order", "{hostname: a.example.com, routing: {order: [eu-west-1, eu-central-1]}, " + two, AWS,
			[]string{"spec.routing.order: [eu-west-1, eu-central-1]: goes with the policy Failover only"}},
		{"A.5 weight", "{hostname: a.example.com, routing: {policy: Weighted, weights: {eu-west-1: 256, x: 1}}, " + two, AWS,
			[]string{
				`spec.routing.weights.x: is not among the regions: eu-west-1, eu-central-1`,
				"spec.regions[0].weight: 256: must be 0 to 255",
			}},
		{"A.5 weight", "{hostname: a.example.com, routing: {weights: {eu-west-1: 1}}, " + two, AWS,
			[]string{"spec.routing.weights: goes with the policy Weighted only"}},
		{"A.5 one TTL", "{hostname: a.example.com, routing: {policy: Weighted}, regions: [{v4}, {name: green, addresses: " +
			"[93.184.216.35], ttl: 30}]}", AWS,
			[]string{"spec.regions[1].ttl: 30: must be 60 as in blue: Weighted routing has one TTL"}},
		{"A.6 location", "{hostname: a.example.com, routing: {policy: Geolocation, locations: {eu-west-1: {continent: " +
			"EU}, eu-central-1: {country: de}}}, " + two, AWS,
			[]string{
				`spec.regions: one Region must have the location {country: "*"}: clients elsewhere would get no answer`,
				`spec.regions[1].location: "de": is no location: a continent of AF AN AS EU NA OC SA, a country's two letters ` +
					`in upper case, a state with country US, or country "*"`,
			}},
		{"A.6 location", `{hostname: a.example.com, routing: {policy: Geolocation, locations: {eu-west-1: {country: "*"}, ` +
			`eu-central-1: {country: "*"}}}, ` + two, AWS,
			[]string{`spec.regions[0].location: "*": is the location of eu-central-1 already`}},
		{"A.1 multivalue", "{hostname: a.example.com, routing: {policy: Multivalue}, regions: [{lb1}]}", AWS,
			[]string{"spec.regions[0].loadBalancer: Multivalue routing needs addresses: Route 53 has no multivalue aliases"}},
		{"A.1 one value", "{hostname: a.example.com, routing: {policy: Weighted}, regions: [{name: x, addresses: " +
			"[93.184.216.34, 93.184.216.35]}]}", AWS,
			[]string{"spec.regions[0].addresses: [93.184.216.34, 93.184.216.35]: Weighted routing takes one IPv4 address a " +
				"Region"}},
		{"A.9 TTL of aliases", "{hostname: a.example.com, regions: [{name: eu-west-1, ttl: 5, loadBalancer: {name: " +
			"demoalb}}]}", AWS,
			[]string{"spec.regions[0].ttl: 5: goes with addresses only: answers for a load balancer always have 60 s"}},
		{"B.5 private addresses", "{hostname: a.example.com, routing: {policy: Weighted}, regions: [{name: x, addresses: " +
			"[10.0.0.1]}]}", AWS,
			[]string{`spec.regions[0].addresses[0]: "10.0.0.1": no checker of aws may probe this address`}},
		{"B.5 private addresses", "{hostname: a.example.com, routing: {policy: Weighted}, regions: [{name: x, addresses: " +
			"[10.0.0.1]}]}", Engine, nil},
		{"addresses", `{hostname: a.example.com, routing: {policy: Failover, order: [x, y]}, regions: [{name: x, ` +
			`addresses: [1.2.3, "fe80::1%eth0"]}, {name: y}]}`, Engine,
			[]string{
				`spec.regions[0].addresses[0]: "1.2.3": is neither an IPv4 nor an IPv6 address`,
				`spec.regions[0].addresses[1]: "fe80::1%eth0": is neither an IPv4 nor an IPv6 address`,
				"spec.regions[1]: must have a loadBalancer or addresses",
			}},
		{"load balancer", "{hostname: a.example.com, regions: [{name: eu-west-1, loadBalancer: {name: a, arn: b}}, {name: " +
			"eu-west-2, loadBalancer: {dnsName: x.example.net}}]}", AWS,
			[]string{
				"spec.regions[0].loadBalancer: must have exactly one of name, arn and dnsName",
				"spec.regions[1].loadBalancer.hostedZoneId: is missing: only the name of an Application Load Balancer tells it",
			}},
		{"E.2 canonical zones", "{hostname: a.example.com, regions: [{name: eu-west-1, loadBalancer: {dnsName: " +
			"x.eu-west-1.elb.amazonaws.com, hostedZoneId: Z215JYRZR1TBD5}}, {name: eu-west-2, loadBalancer: {dnsName: " +
			"x.example.net, hostedZoneId: /hostedzone/Z1}}, {name: us-east-1, loadBalancer: {dnsName: " +
			"nlb-1.elb.us-east-1.amazonaws.com, hostedZoneId: Z26RNL4JYFTOTI}}]}", AWS,
			[]string{
				`spec.regions[0].loadBalancer.hostedZoneId: "Z215JYRZR1TBD5": is of another Region or kind of load balancer ` +
					`than x.eu-west-1.elb.amazonaws.com`,
				`spec.regions[1].loadBalancer.hostedZoneId: "/hostedzone/Z1": must be Z and at most 31 letters and digits in ` +
					`upper case`,
			}},
		{"E.1 ARN", `{hostname: a.example.com, regions: [{name: eu-west-1, loadBalancer: {arn: ` +
			`"arn:aws:elasticloadbalancing:eu-west-2:1:loadbalancer/app/x/1"}}, ` +
			`{name: eu-west-2, loadBalancer: {arn: demoalb}}]}`, AWS,
			[]string{
				`spec.regions[0].loadBalancer.arn: "arn:aws:elasticloadbalancing:eu-west-2:1:loadbalancer/app/x/1": is in ` +
					`eu-west-2, not in eu-west-1`,
				`spec.regions[1].loadBalancer.arn: "demoalb": must be ` +
					`arn:<partition>:elasticloadbalancing:<region>:<account>:loadbalancer/…`,
			}},
		{"ARNs of other partitions", `{hostname: a.example.com, regions: [` +
			`{name: cn-north-1, loadBalancer: {arn: "arn:aws-cn:elasticloadbalancing:cn-north-1:1:loadbalancer/app/x/1"}}, ` +
			`{name: us-gov-west-1, loadBalancer: {arn: ` +
			`"arn:aws-us-gov:elasticloadbalancing:us-gov-west-1:1:loadbalancer/net/x/1"}}, ` +
			`{name: sovereign, loadBalancer: {arn: ` +
			`"arn:aws-eusc:elasticloadbalancing:eusc-de-east-1:1:loadbalancer/app/x/1"}}, ` +
			`{name: newer, loadBalancer: {arn: "arn:aws-iso-z:elasticloadbalancing:us-isoz-east-1:1:loadbalancer/app/x/1"}}, ` +
			`{name: cn-northwest-1, loadBalancer: {arn: ` +
			`"arn:aws:elasticloadbalancing:cn-northwest-1:1:loadbalancer/app/x/1"}}, ` +
			`{name: eu-west-1, loadBalancer: {arn: "arn::elasticloadbalancing:eu-west-1:1:loadbalancer/app/x/1"}}], routing: ` +
			`{policy: Weighted}}`, AWS,
			[]string{
				`spec.regions[4].loadBalancer.arn: "arn:aws:elasticloadbalancing:cn-northwest-1:1:loadbalancer/app/x/1": names ` +
					`the partition aws, and cn-northwest-1 is in aws-cn`,
				`spec.regions[5].loadBalancer.arn: "arn::elasticloadbalancing:eu-west-1:1:loadbalancer/app/x/1": must be ` +
					`arn:<partition>:elasticloadbalancing:<region>:<account>:loadbalancer/…`,
			}},
		{"E.2 load balancers in China", "{hostname: a.example.com, regions: [{name: cn-north-1, loadBalancer: {dnsName: " +
			"x-1.cn-north-1.elb.amazonaws.com.cn}}, {name: cn-northwest-1, loadBalancer: {dnsName: " +
			"x-1.cn-northwest-1.elb.amazonaws.com}}]}", AWS,
			[]string{"spec.regions[1].loadBalancer.hostedZoneId: is missing: only the name of an Application Load Balancer " +
				"tells it"}},
		{"a cluster's objects", "{hostname: a.example.com, targetRef: {kind: Deployment, name: x}}", AWS,
			[]string{`spec.targetRef.kind: "Deployment": must be Ingress, Gateway, HTTPRoute, GRPCRoute, TLSRoute or Service`}},
		{"a cluster's objects", "{hostname: a.example.com, targetRef: {apiVersion: networking.k8s.io/v1, kind: Gateway, " +
			"name: x}}", AWS,
			[]string{`spec.targetRef.apiVersion: "networking.k8s.io/v1": must be gateway.networking.k8s.io/v1 for Gateway, ` +
				`or left out`}},
		{"a cluster's objects", "{hostname: a.example.com, targetRef: {apiVersion: v1, kind: Service, name: x}}", AWS, nil},
		{"a cluster's objects", "{hostname: a.example.com, targetRef: {kind: GRPCRoute, name: x}}", AWS, nil},
		{"a cluster's objects", "{hostname: a.example.com, targetRef: {kind: TLSRoute, name: x, parent: {kind: " +
			"ListenerSet, name: y, sectionName: tls}}}", AWS, nil},
		{"a cluster's objects", "{hostname: a.example.com, targetRef: {kind: Ingress, name: x, parent: {name: y}}}", AWS,
			[]string{`spec.targetRef.parent: goes with HTTPRoute, GRPCRoute or TLSRoute only`}},
		{"a cluster's objects", "{hostname: a.example.com, targetRef: {kind: HTTPRoute, name: x, parent: {}}}", AWS,
			[]string{`spec.targetRef.parent: must have at least one of kind, namespace, name and sectionName`}},
		{"a cluster's objects", "{hostname: a.example.com, targetRef: {kind: HTTPRoute, name: x, parent: {kind: Service, " +
			"name: y}}}", AWS,
			[]string{`spec.targetRef.parent.kind: "Service": must be Gateway or ListenerSet, or left out`}},
		{"class of another name", "{hostname: a.example.com, classRef: {name: silver}, " + two, AWS,
			[]string{`spec.classRef.name: "silver": there is no such FailoverClass here; known: none`}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			err := Validate(Default(policyOf(t, c.spec), nil), nil, Facts{Provider: c.provider})
			if diff := cmp.Diff(c.want, refusals(t, err)); diff != "" {
				t.Errorf("%s\nwant -, got +\n%s", c.spec, diff)
			}
		})
	}
}

// What is told of one policy has a bound, whatever it says a hundred times.
func TestRefusalsOfAPolicyAreBounded(t *testing.T) {
	p := policyOf(t, "{hostname: a.example.com, routing: {policy: Weighted, weights: {}}, regions: []}")
	for i := range 100 {
		p.Spec.Regions = append(p.Spec.Regions, Region{Name: fmt.Sprintf("r%d-%s", i, strings.Repeat("x", 50)),
			Addresses: []string{"1.2.3"}, Weight: new(int64(-1))})
		p.Spec.Routing.Weights[fmt.Sprint(i)+strings.Repeat("y", 10_000)] = 1
	}
	p.Spec.HealthCheck.Path = strings.Repeat("ü", 200_000)
	p.Spec.Hostname = strings.Repeat("z", 100_000)
	err := Validate(p, nil, Facts{Provider: AWS})
	var problems Problems
	if !errors.As(err, &problems) || len(problems) != 51 || problems[50].Reason != "and 351 more" ||
		len(err.Error()) > 60_000 {
		t.Errorf("%d problems in %d bytes, the last %q", len(problems), len(err.Error()), problems[len(problems)-1].Reason)
	}
}

func TestValidateObjectives(t *testing.T) {
	spec := func(rto, rest string) string {
		return "{hostname: a.example.com, objectives: {rto: " + rto + "}, " + rest + "regions: [{lb1}, {lb2}]}"
	}
	addresses := "{hostname: a.example.com, objectives: {rto: 1m}, routing: {policy: Weighted}, regions: [{v4}, {v4b}]}"
	for _, c := range []struct {
		spec     string
		provider Provider
		want     string // of the one problem; r53: D.1 has the figures, F the prices
	}{
		{spec("178s", ""), AWS, ""},
		{spec("-1s", ""), AWS, "spec.objectives.rto: -1s: must not be negative"},
		{spec("2m", ""), AWS, "spec.objectives.rto: 2m: cannot be met: the worst case is 2m58s (detection 1m48s, " +
			"propagation 10s, TTL 1m); requestInterval 10, failureThreshold 3 takes 1m58s, for 3.00 USD a month instead of " +
			"1.00 USD"},
		{spec("105s", ""), AWS, "spec.objectives.rto: 1m45s: cannot be met: the worst case is 2m58s (detection 1m48s, " +
			"propagation 10s, TTL 1m); requestInterval 10, failureThreshold 2 takes 1m42s, for 3.00 USD a month instead of " +
			"1.00 USD"},
		{spec("1m", ""), AWS, "spec.objectives.rto: 1m: cannot be met: the worst case is 2m58s (detection 1m48s, " +
			"propagation 10s, TTL 1m); the fastest that is accepted here, requestInterval 10, failureThreshold 1, takes 1m26s"},
		{addresses, AWS, "spec.objectives.rto: 1m: cannot be met: the worst case is 2m58s (detection 1m48s, propagation " +
			"10s, TTL 1m); requestInterval 10, failureThreshold 1, ttl 30 takes 56s, for 5.50 USD a month instead of 1.50 USD"},
		{spec("80s", "healthCheck: {requestInterval: 10}, "), Engine, "spec.objectives.rto: 1m20s: cannot be met: the " +
			"worst case is 1m32.5s (detection 32s, propagation 500ms, TTL 1m); requestInterval 1, failureThreshold 3 takes " +
			"1m19.9s"},
	} {
		got := strings.Join(refusals(t, Validate(policyOf(t, c.spec), nil, Facts{Provider: c.provider})), "\n")
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s\nwant -, got +\n%s", c.spec, diff)
		}
	}
}

func TestClassBoundsPolicies(t *testing.T) {
	gold := classOf(t, class)
	facts := account(AWS)
	facts.NamespaceLabels = map[string]map[string]string{"team-a": {"tier": "gold"}}
	for _, c := range []struct {
		spec string
		want []string
	}{
		{"{hostname: app.example.com, classRef: {name: gold}, regions: [{lb1}, {lb2}]}", nil},
		{"{hostname: x.team-a.example.com, regions: [{lb1}]}", nil},
		{"{hostname: x.gold.example.com, regions: [{lb1}]}", nil},
		{"{hostname: x.team-b.example.com, regions: [{lb1}]}",
			[]string{`spec.hostname: "x.team-b.example.com": the class gold does not allow it to namespace team-a; allowed: ` +
				`*.team-a.example.com, app.example.com, *.gold.example.com`}},
		{"{hostname: x.y.team-a.example.com, regions: [{lb1}]}",
			[]string{`spec.hostname: "x.y.team-a.example.com": the class gold does not allow it to namespace team-a; ` +
				`allowed: *.team-a.example.com, app.example.com, *.gold.example.com`}},
		{"{hostname: app.example.com, healthCheck: {requestInterval: 10, failureThreshold: 1}, regions: [{lb1}, {lb2}, " +
			"{v4}], routing: {policy: Weighted}}",
			[]string{
				"spec.regions: 3: the class gold allows at most 2 Regions",
				"spec.healthCheck.requestInterval: 10: the class gold allows 30 seconds or more",
				"spec.healthCheck.failureThreshold: 1: the class gold allows 2 or more",
			}},
		{"{hostname: app.example.com, objectives: {rto: 1m}, regions: [{lb1}]}",
			[]string{"spec.objectives.rto: 1m: cannot be met: the worst case is 3m34s (detection 2m24s, propagation 10s, TTL " +
				"1m); the fastest that is accepted here, requestInterval 30, failureThreshold 2, takes 2m22s"}},
	} {
		_, _, err := Compile([]Policy{policyOf(t, c.spec)}, gold, facts)
		if diff := cmp.Diff(c.want, refusals(t, err)); diff != "" {
			t.Errorf("%s\nwant -, got +\n%s", c.spec, diff)
		}
	}
	engine := account(Engine)
	_, _, err := Compile([]Policy{policyOf(t, "{hostname: app.example.com, regions: [{lb1}]}")}, gold, engine)
	if diff := cmp.Diff([]string{"the class gold is for the provider aws, not engine"}, refusals(t, err)); diff != "" {
		t.Error(diff)
	}
}

// A pattern that covers many names is no permission for the name that all others hang on.
func TestApexOfAZoneIsAllowedInFullOnly(t *testing.T) {
	facts := account(AWS)
	spec := "{hostname: eu.example.com, regions: [{lb1}]}"
	for _, c := range []struct {
		hostnames string
		want      []string
	}{
		{"hostnames: [{namespaces: [team-a], hostnames: [eu.example.com]}]", nil},
		{"hostnames: [{namespaces: [team-a], hostnames: ['*.example.com']}]",
			[]string{`spec.hostname: "eu.example.com": is the apex of a zone: the class c must name it in full for namespace ` +
				`team-a`}},
		{"hostnames: [{namespaces: [team-b], hostnames: [eu.example.com]}]",
			[]string{`spec.hostname: "eu.example.com": is the apex of a zone: the class c must name it in full for namespace ` +
				`team-a`}},
		{"provider: aws",
			[]string{`spec.hostname: "eu.example.com": is the apex of a zone: the class c must name it in full for namespace ` +
				`team-a`}},
	} {
		class := classOf(t, "apiVersion: bulkhead.dev/v1alpha1\nkind: FailoverClass\nmetadata: {name: c}\n"+
			"spec: {"+c.hostnames+"}")
		if diff := cmp.Diff(c.want, refusals(t, Validate(policyOf(t, spec), class, facts))); diff != "" {
			t.Errorf("%s\nwant -, got +\n%s", c.hostnames, diff)
		}
	}
	if got := refusals(t, Validate(policyOf(t, spec), nil, facts)); got != nil {
		t.Errorf("refused without a class: %v", got)
	}
}

func TestHoldIsTenMinutesUnlessSaid(t *testing.T) {
	if got := (ClassSpec{}).Hold(); got != 10*time.Minute {
		t.Errorf("%v", got)
	}
	if got := (ClassSpec{HoldPeriod: Duration(time.Minute)}).Hold(); got != time.Minute {
		t.Errorf("%v", got)
	}
}

func TestDefaultTakesPolicyThenClassThenBuiltIn(t *testing.T) {
	p := policyOf(t, "{hostname: app.example.com, healthCheck: {type: HTTPS, searchString: ok}, routing: {policy: "+
		"Weighted}, regions: [{v4}, {name: green, addresses: [93.184.216.35], healthCheck: {type: TCP, port: 9, "+
		"failureThreshold: 5}}]}")
	done := Default(p, classOf(t, class))
	var got []string
	for _, r := range done.Spec.Regions {
		h := r.HealthCheck
		got = append(got, fmt.Sprintf("%s %s:%d%s %q %d/%d from %s, ttl %d, weight %d", r.Name, h.Type, *h.Port, h.Path,
			h.SearchString,
			h.interval(), h.threshold(), strings.Join(h.CheckerRegions, " "), *r.TTL, *r.Weight))
	}
	want := []string{
		`blue HTTPS_STR_MATCH:443/ "ok" 30/4 from eu-west-1 sa-east-1 us-east-1, ttl 30, weight 100`,
		`green TCP:9 "" 30/5 from eu-west-1 sa-east-1 us-east-1, ttl 30, weight 100`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
	if diff := cmp.Diff(done, Default(done, classOf(t, class))); diff != "" {
		t.Errorf("a complete policy is changed\n%s", diff)
	}
	if p.Spec.Regions[0].HealthCheck != nil || p.Spec.Regions[0].TTL != nil {
		t.Errorf("Default changed its argument: %+v", p.Spec.Regions[0])
	}
}

func TestClassPeriodsAndPermissions(t *testing.T) {
	var none ClassSpec
	if d, ok := none.RevocationGracePeriod(); ok || d != 0 || none.DeletionGracePeriod() != 10*time.Second ||
		none.AllowsRetain() || none.RemovesAbandoned() {
		t.Errorf("an empty class: revocation %s %t, deletion %s, retain %t, abandoned %t", d, ok, none.DeletionGracePeriod(),
			none.AllowsRetain(), none.RemovesAbandoned())
	}
	said := ClassSpec{
		Deletion:   ClassDeletion{Retain: true, GracePeriod: Duration(time.Minute), Abandoned: RemoveAbandoned},
		Revocation: ClassRevocation{GracePeriod: Duration(time.Hour)},
	}
	if d, ok := said.RevocationGracePeriod(); !ok || d != time.Hour || said.DeletionGracePeriod() != time.Minute ||
		!said.AllowsRetain() || !said.RemovesAbandoned() {
		t.Errorf("revocation %s %t, deletion %s, retain %t, abandoned %t", d, ok, said.DeletionGracePeriod(),
			said.AllowsRetain(), said.RemovesAbandoned())
	}
}

func TestValidateClass(t *testing.T) {
	if got := refusals(t, ValidateClass(*classOf(t, class))); got != nil {
		t.Errorf("refused: %v", got)
	}
	bad := classOf(t, `
apiVersion: bulkhead.dev/v1alpha1
kind: FailoverClass
metadata: {name: bad}
spec:
  provider: azure
  endpoint: localhost
  zones: [a..b]
  defaults: {requestInterval: 11, failureThreshold: 0, ttl: -1, routingPolicy: Nearest, checkerRegions: [mars]}
  hostnames: [{hostnames: ["a*.example.com"]}, {namespaces: ["[x]"]}]
  holdPeriod: 999h
  readinessSignal: true
  limits: {regionsPerPolicy: -1}
  fastest: {requestInterval: 30, failureThreshold: 2}
  targets: {cidrs: [10.0.0.1/8, "::ffff:10.0.0.0/104", all, 192.0.2.0/24, 192.0.2.0/24],
    dnsSuffixes: ["*.example.net", lb, lb], hostHeaders: ["a*.example.com"]}
  deletion: {gracePeriod: 2h, abandoned: Forget}
  revocation: {gracePeriod: 1ms}
`)
	want := []string{
		`spec.provider: "azure": must be aws or engine`,
		`spec.endpoint: "localhost": must be an http or https URL, such as http://127.0.0.1:8053`,
		`spec.zones[0]: "a..b": is neither a zone's name nor its id`,
		"spec.defaults.requestInterval: 11: must be one of 30 10 seconds",
		"spec.defaults.requestInterval: 11: is faster than spec.fastest.requestInterval, 30",
		"spec.defaults.failureThreshold: 0: must be 1 to 10",
		"spec.defaults.failureThreshold: 0: is less than spec.fastest.failureThreshold, 2",
		"spec.defaults.ttl: -1: must be 0 to 2147483647 seconds",
		`spec.defaults.routingPolicy: "Nearest": must be one of Latency, Failover, Weighted, Geolocation, Multivalue`,
		"spec.defaults.checkerRegions: [mars]: must be at least 3 Regions, or none for all",
		`spec.defaults.checkerRegions: "mars": must be different Regions of us-east-1 us-west-1 us-west-2 eu-west-1 ` +
			`ap-southeast-1 ap-southeast-2 ap-northeast-1 sa-east-1`,
		`spec.hostnames[0]: must have namespaces or a namespaceSelector; "*" means every namespace`,
		`spec.hostnames[0].hostnames[0]: "a*.example.com": must be a host name, with "*." before it for any one label`,
		`spec.hostnames[1].namespaces[0]: "[x]": must be a namespace's name, with * for any characters`,
		"spec.hostnames[1].hostnames: is missing",
		`spec.targets.cidrs[0]: "10.0.0.1/8": has host bits: write 10.0.0.0/8`,
		`spec.targets.cidrs[1]: "::ffff:10.0.0.0/104": must be a CIDR block such as 192.0.2.0/24 or 2001:db8::/32`,
		`spec.targets.cidrs[2]: "all": must be a CIDR block such as 192.0.2.0/24 or 2001:db8::/32`,
		`spec.targets.cidrs[4]: "192.0.2.0/24": is given twice`,
		`spec.targets.dnsSuffixes[0]: "*.example.net": must be a domain name such as lb.example.net; names below it are ` +
			`allowed`,
		`spec.targets.dnsSuffixes[2]: "lb": is given twice`,
		`spec.targets.hostHeaders[0]: "a*.example.com": must be a host name, with "*." before it for any one label`,
		"spec.deletion.gracePeriod: 2h: must be 1s to 1h",
		`spec.deletion.abandoned: "Forget": must be Report or Remove`,
		"spec.revocation.gracePeriod: 1ms: must be 1s to 8760h; leave it out to change nothing",
		"spec.limits.regionsPerPolicy: -1: must be 0, which is no bound, or more",
		"spec.holdPeriod: 999h: must be 1s to 720h",
		"spec.readinessSignal: true: needs the provider engine: AWS takes no word of ours for the health of an endpoint",
	}
	bad.Spec.Provider = AWS // judges the interval
	want = want[1:]
	if diff := cmp.Diff(want, refusals(t, ValidateClass(*bad))); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
}
