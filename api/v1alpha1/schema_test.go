package v1alpha1

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	crdvalidation "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	schemacel "k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"sigs.k8s.io/yaml"

	"github.com/bulkhead-dns/bulkhead/failover"
)

// An apiServer judges custom resources as an API server does that has one of the definitions.
type apiServer struct {
	structural *structuralschema.Structural
	schema     validation.SchemaValidator
	rules      *schemacel.Validator
}

// definition reads a generated CustomResourceDefinition.
func definition(t *testing.T, plural string) *apiextensions.CustomResourceDefinition {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "deploy", "crds", "bulkhead.dev_"+plural+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var crd apiextensionsv1.CustomResourceDefinition
	if err := yaml.UnmarshalStrict(data, &crd); err != nil {
		t.Fatal(err)
	}
	apiextensionsv1.SetDefaults_CustomResourceDefinition(&crd)
	apiextensionsv1.SetDefaults_CustomResourceDefinitionSpec(&crd.Spec)
	var internal apiextensions.CustomResourceDefinition
	if err := apiextensionsv1.Convert_v1_CustomResourceDefinition_To_apiextensions_CustomResourceDefinition(&crd,
		&internal, nil); err != nil {
		t.Fatal(err)
	}
	internal.Status.StoredVersions = []string{Version}
	return &internal
}

func serverOf(t *testing.T, plural string) apiServer {
	t.Helper()
	crd := definition(t, plural)
	props := crd.Spec.Validation
	if props == nil {
		props = crd.Spec.Versions[0].Schema
	}
	structural, err := structuralschema.NewStructural(props.OpenAPIV3Schema)
	if err != nil {
		t.Fatal(err)
	}
	schema, _, err := validation.NewSchemaValidator(props.OpenAPIV3Schema)
	if err != nil {
		t.Fatal(err)
	}
	return apiServer{structural, schema, schemacel.NewValidator(structural, true, celconfig.PerCallLimit)}
}

// refusals is what the API server says to creating an object, or to changing old into it.
func (s apiServer) refusals(t *testing.T, object, old map[string]any) []string {
	t.Helper()
	var errs field.ErrorList
	for _, unknown := range pruning.PruneWithOptions(object, s.structural, true,
		structuralschema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true}) {
		errs = append(errs, field.Forbidden(field.NewPath(unknown), "unknown field"))
	}
	errs = append(errs, validation.ValidateCustomResource(nil, object, s.schema)...)
	errs = append(errs, listtype.ValidateListSetsAndMaps(nil, s.structural, object)...)
	var before any
	if old != nil {
		before = old
	}
	failed, _ := s.rules.Validate(t.Context(), nil, s.structural, object, before, celconfig.RuntimeCELCostBudget)
	var lines []string
	for _, err := range append(errs, failed...) {
		lines = append(lines, err.Error())
	}
	slices.Sort(lines)
	return lines
}

// policyObject makes an object from a spec in YAML; {lb1} and {lb2} are Regions with load balancers, {v4} and {v4b}
// with addresses.
func policyObject(t *testing.T, spec string) map[string]any {
	t.Helper()
	spec = strings.NewReplacer(
		"{lb1}", "{name: eu-west-1, loadBalancer: {name: demoalb}}",
		"{lb2}", "{name: eu-central-1, loadBalancer: {name: demoalb}}",
		"{v4}", "{name: blue, addresses: [93.184.216.34]}",
		"{v4b}", "{name: green, addresses: [93.184.216.35]}",
		"{ref}", "targetRef: {kind: Ingress, name: demoingress}",
	).Replace(spec)
	return object(t, "{apiVersion: bulkhead.dev/v1alpha1, kind: FailoverPolicy, metadata: {name: app, namespace: "+
		"team-a}, spec: "+spec+"}")
}

func object(t *testing.T, text string) map[string]any {
	t.Helper()
	var o map[string]any
	if err := yaml.Unmarshal([]byte(text), &o,
		func(d *json.Decoder) *json.Decoder { d.UseNumber(); return d }); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return whole(o).(map[string]any)
}

// whole writes numbers as an API server reads them.
func whole(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			v[key] = whole(value)
		}
	case []any:
		for i, value := range v {
			v[i] = whole(value)
		}
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		return string(v)
	}
	return v
}

// Definitions that an API server refuses help nobody; it also estimates what the rules may cost it.
func TestDefinitionsAreAcceptedByAnAPIServer(t *testing.T) {
	for plural, want := range map[string][]string{
		"failoverpolicies": {"fp", "fpol"},
		"failoverclasses":  {"fc", "fclass"},
	} {
		crd := definition(t, plural)
		for _, err := range crdvalidation.ValidateCustomResourceDefinition(t.Context(), crd) {
			t.Errorf("%s: %v", plural, err)
		}
		if diff := cmp.Diff(want, crd.Spec.Names.ShortNames); diff != "" {
			t.Error(diff)
		}
		if len(crd.Spec.Versions) != 1 || crd.Spec.Versions[0].Subresources == nil && crd.Spec.Subresources == nil {
			t.Errorf("%s has no status of its own", plural)
		}
	}
}

// Validate judges what a cluster compiles: its own Region, with a load balancer that the targetRef told.
func validated(t *testing.T, o map[string]any) error {
	t.Helper()
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	var p FailoverPolicy
	if err := json.Unmarshal(text, &p); err != nil {
		return err
	}
	policy := p.Policy()
	if policy.Spec.TargetRef != nil && len(policy.Spec.Regions) == 0 {
		if order := policy.Spec.Routing.Order; len(order) == 0 || slices.Contains(order, "eu-west-1") {
			r := failover.Region{Name: "eu-west-1",
				LoadBalancer: &failover.LoadBalancer{DNSName: "a-1.eu-west-1.elb.amazonaws.com"}}
			policy.Spec.Regions = []failover.Region{r}
		}
	}
	return failover.Validate(policy, nil, failover.Facts{Provider: failover.Engine, Region: "eu-west-1"})
}

// What the schema accepts, Validate accepts, and what one refuses, the other does. Each rule stands twice: in a schema
// that an API server can evaluate, and in Go for files.
func TestSchemaAgreesWithValidate(t *testing.T) {
	server := serverOf(t, "failoverpolicies")
	two := "regions: [{lb1}, {lb2}]}"
	for _, c := range []struct{ spec, want string }{ // want is a part of what the API server says; empty means accepted
		{"{hostname: a.example.com, {ref}}", ""},
		{"{hostname: a.example.com, " + two, ""},
		{"{hostname: a_b.x-1.example.com, {ref}}", ""},
		{"{hostname: a.example.com, targetRef: {kind: Gateway, apiVersion: gateway.networking.k8s.io/v1, name: x}}", ""},
		{"{hostname: a.example.com, targetRef: {kind: HTTPRoute, name: x}}", ""},
		{"{hostname: a.example.com, targetRef: {kind: GRPCRoute, apiVersion: gateway.networking.k8s.io/v1, name: x}}", ""},
		{"{hostname: a.example.com, targetRef: {kind: TLSRoute, name: x, parent: {sectionName: tls}}}", ""},
		{"{hostname: a.example.com, targetRef: {kind: HTTPRoute, name: x, parent: {kind: ListenerSet, namespace: infra, " +
			"name: set}}}", ""},
		{"{hostname: a.example.com, targetRef: {kind: HTTPRoute, name: x, parent: {kind: Service}}}",
			"parent.kind: Unsupported value"},
		{"{hostname: a.example.com, targetRef: {kind: HTTPRoute, name: x, parent: {}}}",
			"must have at least one of kind, namespace, name and sectionName"},
		{"{hostname: a.example.com, targetRef: {kind: Gateway, name: x, parent: {name: edge}}}",
			"parent goes with an HTTPRoute, GRPCRoute or TLSRoute only"},
		{"{hostname: a.example.com, targetRef: {kind: Service, apiVersion: v1, name: x}}", ""},
		{"{hostname: a.example.com, targetRef: {kind: Deployment, name: x}}", "spec.targetRef.kind: Unsupported value"},
		{"{hostname: a.example.com, targetRef: {kind: Service, apiVersion: apps/v1, name: x}}",
			"apiVersion must be networking.k8s.io/v1 for an Ingress"},
		{"{hostname: a.example.com, targetRef: {kind: Service}}", "spec.targetRef.name: Required"},
		{"{{ref}}", "spec.hostname: Required"},
		{"{hostname: '*.example.com', {ref}}", "a wildcard is not accepted"},
		{"{hostname: a..com, {ref}}", "must be one host name"},
		{"{hostname: com, {ref}}", "must be one host name"},
		{"{hostname: 'a b.example.com', {ref}}", "must be one host name"},
		{"{hostname: a.example.com}", "must have a targetRef, or at least one of regions"},
		{"{hostname: a.example.com, regions: [{name: x}]}", "must have a loadBalancer or addresses"},
		{"{hostname: a.example.com, regions: [{lb1}, {lb1}]}", "Duplicate value"},
		{"{hostname: a.example.com, ipFamilies: [IPv4, IPv6], {ref}}", ""},
		{"{hostname: a.example.com, ipFamilies: [IPv5], {ref}}", "Unsupported value"},
		{"{hostname: a.example.com, ipFamilies: [IPv4, IPv4], {ref}}", "Duplicate value"},
		{"{hostname: a.example.com, colour: red, {ref}}", "spec.colour: Forbidden"},

		{"{hostname: a.example.com, healthCheck: {type: HTTPS, port: 8443, path: '/ready?x=1', requestInterval: 10, " +
			"failureThreshold: 1}, {ref}}", ""},
		{"{hostname: a.example.com, healthCheck: {type: CALCULATED}, {ref}}", "spec.healthCheck.type: Unsupported value"},
		{"{hostname: a.example.com, healthCheck: {port: 0}, {ref}}", "should be greater than or equal to 1"},
		{"{hostname: a.example.com, healthCheck: {port: 70000}, {ref}}", "should be less than or equal to 65535"},
		{"{hostname: a.example.com, healthCheck: {path: ready}, {ref}}", "must begin with /"},
		{"{hostname: a.example.com, healthCheck: {path: /a b}, {ref}}", "must begin with /"},
		{"{hostname: a.example.com, healthCheck: {path: /" + strings.Repeat("x", 254) + "}, {ref}}", ""},
		{"{hostname: a.example.com, healthCheck: {path: /" + strings.Repeat("x", 255) + "}, {ref}}", "Too long"},
		{`{hostname: a.example.com, healthCheck: {path: "/x\ufffe"}, {ref}}`,
			"must begin with / and have ASCII characters only"},
		{`{hostname: a.example.com, healthCheck: {path: "/x\x01"}, {ref}}`,
			"must begin with / and have ASCII characters only"},
		{`{hostname: a.example.com, healthCheck: {path: "/x\x7f"}, {ref}}`,
			"must begin with / and have ASCII characters only"},
		{`{hostname: a.example.com, healthCheck: {path: /grün}, {ref}}`, "must begin with / and have ASCII characters only"},
		{`{hostname: a.example.com, healthCheck: {path: "/a\r\nHost:b"}, {ref}}`,
			"must begin with / and have ASCII characters only"},
		{`{hostname: a.example.com, healthCheck: {path: "/!~<&>'\"%20?x=1#"}, {ref}}`, ""},
		{"{hostname: a.example.com, healthCheck: {requestInterval: 1}, {ref}}", ""},
		{"{hostname: a.example.com, healthCheck: {requestInterval: 30}, {ref}}", ""},
		{"{hostname: a.example.com, healthCheck: {requestInterval: 0}, {ref}}", "greater than or equal to 1"},
		{"{hostname: a.example.com, healthCheck: {requestInterval: 20}, {ref}}", "must be 10 or 30 seconds"},
		{"{hostname: a.example.com, healthCheck: {failureThreshold: 11}, {ref}}", "less than or equal to 10"},
		{"{hostname: a.example.com, healthCheck: {type: TCP, port: 443}, {ref}}", ""},
		{"{hostname: a.example.com, healthCheck: {type: TCP}, {ref}}", "no default port"},
		{"{hostname: a.example.com, healthCheck: {type: TCP}, regions: [{name: x, addresses: [93.184.216.34], " +
			"healthCheck: {port: 9}}]}", ""},
		{"{hostname: a.example.com, healthCheck: {type: TCP, port: 443, path: /x}, {ref}}",
			"leave out path and searchString"},
		{"{hostname: a.example.com, healthCheck: {searchString: ok}, {ref}}", ""},
		{`{hostname: a.example.com, healthCheck: {searchString: "a\x01"}, {ref}}`, "must have no control characters"},
		{`{hostname: a.example.com, healthCheck: {searchString: "a\0b"}, {ref}}`, "must have no control characters"},
		{`{hostname: a.example.com, healthCheck: {searchString: "a\x1fb"}, {ref}}`, "must have no control characters"},
		{`{hostname: a.example.com, healthCheck: {searchString: "a\ufffeb"}, {ref}}`, "must have no control characters"},
		{`{hostname: a.example.com, healthCheck: {searchString: "\uffff"}, {ref}}`, "must have no control characters"},
		{`{hostname: a.example.com, healthCheck: {searchString: "a\rb"}, {ref}}`, "must have no control characters"},
		{`{hostname: a.example.com, healthCheck: {searchString: "a "}, {ref}}`, "must have no control characters"},
		{`{hostname: a.example.com, healthCheck: {searchString: "\na"}, {ref}}`, "must have no control characters"},
		{`{hostname: a.example.com, healthCheck: {searchString: " "}, {ref}}`, "must have no control characters"},
		{`{hostname: a.example.com, healthCheck: {searchString: "\"a\":\t1,\n\x7f\x85\u2028<&>]]>\ufffd grün \U0001f600"},` +
			` {ref}}`, ""},
		{`{hostname: a.example.com, healthCheck: {searchString: "a", hostHeader: "x\x01.example.com"}, {ref}}`,
			"spec.healthCheck.hostHeader"},
		{"{hostname: a.example.com, regions: [{name: x, loadBalancer: {name: 'a b'}}]}", "loadBalancer.name"},
		{"{hostname: a.example.com, regions: [{name: x, loadBalancer: {dnsName: 'a b.example.net', hostedZoneId: Z1}}]}",
			"loadBalancer.dnsName"},
		{"{hostname: a.example.com, regions: [{name: x, loadBalancer: {arn: " +
			"'arn:aws:elasticloadbalancing:example.net/:1:loadbalancer/x'}}]}", "loadBalancer.arn"},
		{"{hostname: a.example.com, healthCheck: {type: HTTP_STR_MATCH}, {ref}}", "needs a healthCheck.searchString"},
		{"{hostname: a.example.com, healthCheck: {type: HTTP_STR_MATCH}, regions: [{name: x, addresses: [93.184.216.34], " +
			"healthCheck: {searchString: ok}}]}", ""},
		{"{hostname: a.example.com, healthCheck: {hostHeader: 'a b'}, {ref}}", "spec.healthCheck.hostHeader"},
		{"{hostname: a.example.com, healthCheck: {hostHeader: A.example.com}, regions: [{lb1}]}",
			"would follow the failover it controls"},
		{"{hostname: a.example.com, healthCheck: {hostHeader: a.example.com}, regions: [{v4}]}", ""},
		{"{hostname: a.example.com, healthCheck: {checkerRegions: [us-east-1, eu-west-1, sa-east-1]}, {ref}}", ""},
		{"{hostname: a.example.com, healthCheck: {checkerRegions: [us-east-1, eu-west-1]}, {ref}}",
			"must be at least 3 Regions"},
		{"{hostname: a.example.com, healthCheck: {checkerRegions: [us-east-1, eu-west-1, mars]}, {ref}}",
			"Unsupported value"},
		{"{hostname: a.example.com, healthCheck: {checkerRegions: [us-east-1, us-east-1, eu-west-1]}, {ref}}",
			"Duplicate value"},

		{"{hostname: a.example.com, routing: {policy: Nearest}, {ref}}", "Unsupported value"},
		{"{hostname: a.example.com, routing: {policy: Failover}, " + two, ""},
		{"{hostname: a.example.com, routing: {policy: Failover, order: [eu-west-1, eu-central-1]}, {ref}}", ""},
		{"{hostname: a.example.com, routing: {policy: Failover}, {ref}}", "Failover routing needs routing.order"},
		{"{hostname: a.example.com, routing: {policy: Failover}, regions: [{lb1}, {lb2}, {v4}]}",
			"Failover routing needs routing.order"},
		{"{hostname: a.example.com, routing: {policy: Failover, order: [eu-west-1]}, {ref}}", "must be two Regions"},
		{"{hostname: a.example.com, routing: {policy: Failover, order: [eu-west-1, eu-west-1]}, {ref}}",
			"must be two Regions"},
		{"{hostname: a.example.com, routing: {policy: Failover, order: [eu-west-1, us-east-1]}, " + two,
			"must be in routing.order"},
		{"{hostname: a.example.com, routing: {policy: Latency, order: [eu-west-1, eu-central-1]}, {ref}}",
			"order goes with the policy Failover only"},
		{"{hostname: a.example.com, routing: {policy: Weighted, weights: {eu-west-1: 255, eu-central-1: 0}}, {ref}}", ""},
		{"{hostname: a.example.com, routing: {policy: Weighted, weights: {eu-west-1: 256}}, {ref}}",
			"every weight must be 0 to 255"},
		{"{hostname: a.example.com, routing: {policy: Latency, weights: {eu-west-1: 1}}, {ref}}",
			"weights go with the policy Weighted only"},
		{"{hostname: a.example.com, routing: {policy: Weighted}, regions: [{name: x, addresses: [93.184.216.34], weight: " +
			"256}]}", "less than or equal to 255"},
		{"{hostname: a.example.com, routing: {policy: Latency}, regions: [{name: x, addresses: [93.184.216.34], weight: 1}]}",
			"goes with the routing policy Weighted only"},
		{"{hostname: a.example.com, routing: {policy: Geolocation, locations: {eu-west-1: {country: '*'}}}, {ref}}", ""},
		{"{hostname: a.example.com, routing: {policy: Geolocation, locations: {eu-west-1: {country: US, subdivision: " +
			"VA}}}, {ref}}", ""},
		{"{hostname: a.example.com, routing: {policy: Geolocation, locations: {eu-west-1: {country: de}}}, {ref}}",
			"country"},
		{"{hostname: a.example.com, routing: {policy: Geolocation, locations: {eu-west-1: {continent: EU, country: DE}}}, " +
			"{ref}}", "must have a continent, or a country"},
		{"{hostname: a.example.com, routing: {policy: Geolocation, locations: {eu-west-1: {country: DE, subdivision: " +
			"BE}}}, {ref}}", "goes with the country US only"},
		{"{hostname: a.example.com, routing: {policy: Latency, locations: {eu-west-1: {country: DE}}}, {ref}}",
			"locations go with the policy Geolocation only"},
		{"{hostname: a.example.com, routing: {policy: Multivalue}, regions: [{lb1}]}", "no multivalue aliases"},
		{"{hostname: a.example.com, routing: {policy: Multivalue}, regions: [{v4}, {v4b}]}", ""},

		{"{hostname: a.example.com, regions: [{name: Blue, addresses: [93.184.216.34]}]}", "spec.regions[0].name"},
		{"{hostname: a.example.com, regions: [{name: x, addresses: [93.184.216.34], loadBalancer: {name: b}}]}", "not both"},
		{"{hostname: a.example.com, regions: [{name: x, addresses: [1.2.3]}]}", "must be an IPv4 or IPv6 address"},
		{"{hostname: a.example.com, regions: [{name: x, addresses: ['fe80::1%eth0']}]}", "must be an IPv4 or IPv6 address"},
		{"{hostname: a.example.com, regions: [{name: x, addresses: ['::ffff:93.184.216.34']}]}",
			"must be an IPv4 or IPv6 address"},
		{"{hostname: a.example.com, regions: [{name: x, addresses: ['2606:2800:220:1::1']}]}", ""},
		{"{hostname: a.example.com, regions: [{name: x, addresses: [93.184.216.34], ttl: 30}]}", ""},
		{"{hostname: a.example.com, regions: [{name: x, addresses: [93.184.216.34], ttl: -1}]}",
			"greater than or equal to 0"},
		{"{hostname: a.example.com, regions: [{name: eu-west-1, loadBalancer: {name: b}, ttl: 30}]}",
			"a ttl goes with addresses only"},
		{"{hostname: a.example.com, regions: [{name: eu-west-1, loadBalancer: {}}]}", "exactly one of name, arn and dnsName"},
		{"{hostname: a.example.com, regions: [{name: eu-west-1, loadBalancer: {name: b, dnsName: " +
			"c-1.eu-west-1.elb.amazonaws.com}}]}", "exactly one of name, arn and dnsName"},
		{"{hostname: a.example.com, regions: [{name: eu-west-1, loadBalancer: {name: b, hostedZoneId: Z1}}]}",
			"hostedZoneId goes with dnsName only"},
		{"{hostname: a.example.com, regions: [{name: eu-west-1, loadBalancer: {dnsName: c.example.net}}]}",
			"hostedZoneId is missing"},
		{"{hostname: a.example.com, regions: [{name: eu-west-1, loadBalancer: {dnsName: c.example.net, hostedZoneId: " +
			"Z1}}]}", ""},
		{"{hostname: a.example.com, regions: [{name: eu-west-1, loadBalancer: {dnsName: c.example.net, hostedZoneId: " +
			"/hostedzone/Z1}}]}", "hostedZoneId"},
		{"{hostname: a.example.com, regions: [{name: eu-west-1, loadBalancer: {dnsName: " +
			"c-1.eu-west-1.elb.amazonaws.com}}]}", ""},
		{"{hostname: a.example.com, regions: [{name: eu-west-1, loadBalancer: {arn: demoalb}}]}", "arn"},
		{"{hostname: a.example.com, objectives: {rto: 3m, rpo: 30s}, {ref}}", ""},
		{"{hostname: a.example.com, objectives: {rto: soon}, {ref}}", "spec.objectives.rto"},
		{"{hostname: a.example.com, objectives: {rto: -3m}, {ref}}", "spec.objectives.rto"},
	} {
		o := policyObject(t, c.spec)
		invalid := validated(t, runtimeCopy(o))
		got := strings.Join(server.refusals(t, o, nil), "\n")
		if (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s\nthe API server says %q, want %q", c.spec, got, c.want)
		}
		if (c.want == "") != (invalid == nil) && c.want != "spec.colour: Forbidden" {
			t.Errorf("%s\nthe API server says %q, Validate says %v", c.spec, got, invalid)
		}
	}
}

// Where both differ, and why: the schema sees one object alone, and keeps one spelling of a name.
func TestSchemaIsStricterInSpellingAndLooserInContext(t *testing.T) {
	server := serverOf(t, "failoverpolicies")
	for _, c := range []struct {
		why, spec       string
		server, command bool // whether they accept
	}{
		{"one spelling", "{hostname: App.example.com, {ref}}", false, true},
		{"one spelling", "{hostname: app.example.com., {ref}}", false, true},
		{"the class may say the policy", "{hostname: a.example.com, routing: {weights: {eu-west-1: 1}}, {ref}}", true, false},
		{"a table of countries", "{hostname: a.example.com, routing: {policy: Geolocation, locations: {eu-west-1: " +
			"{country: XX}}}, {ref}}", true, false},
		{"arithmetic over timers", "{hostname: a.example.com, objectives: {rto: 1s}, {ref}}", true, false},
	} {
		o := policyObject(t, c.spec)
		invalid := validated(t, runtimeCopy(o))
		refusals := server.refusals(t, o, nil)
		if (len(refusals) == 0) != c.server || (invalid == nil) != c.command {
			t.Errorf("%s: %s\nthe API server says %q, Validate says %v", c.why, c.spec, refusals, invalid)
		}
	}
}

func runtimeCopy(o map[string]any) map[string]any {
	c := maps.Clone(o)
	c["spec"] = maps.Clone(o["spec"].(map[string]any))
	delete(c["spec"].(map[string]any), "colour")
	return c
}

// Another hostname would leave the records of the first behind.
func TestHostnameNeverChanges(t *testing.T) {
	server := serverOf(t, "failoverpolicies")
	a, b := policyObject(t, "{hostname: a.example.com, {ref}}"), policyObject(t, "{hostname: b.example.com, {ref}}")
	want := []string{`spec.hostname: Invalid value: "b.example.com": cannot be changed: make another policy for ` +
		`another hostname`}
	if diff := cmp.Diff(want, server.refusals(t, b, a)); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
	same := policyObject(t, "{hostname: a.example.com, healthCheck: {path: /new}, {ref}}")
	if got := server.refusals(t, same, a); got != nil {
		t.Errorf("refused: %v", got)
	}
}

func TestClassSchemaAgreesWithValidateClass(t *testing.T) {
	server := serverOf(t, "failoverclasses")
	for _, c := range []struct{ spec, want string }{
		{"{}", ""},
		{"{provider: aws, region: eu-west-1, zones: [example.com, Z1], defaults: {failureThreshold: 4, ttl: 30, " +
			"routingPolicy: Weighted, requestInterval: 30}, holdPeriod: 15m}", ""},
		{"{hostnames: [{namespaces: ['team-*'], hostnames: ['*.{namespace}.example.com', x.example.com]}, " +
			"{namespaceSelector: {tier: gold}, hostnames: [a.example.com]}]}", ""},
		{"{limits: {policiesPerNamespace: 5, regionsPerPolicy: 3}, fastest: {requestInterval: 10, failureThreshold: 2}}", ""},
		{"{provider: engine, endpoint: 'http://127.0.0.1:8053', readinessSignal: true, fastest: {requestInterval: 1}}", ""},
		{"{targets: {cidrs: [10.0.0.0/8, '2001:db8::/32'], dnsSuffixes: [lb.example.net, internal], hostHeaders: " +
			"['*.{namespace}.example.com', a.b]}}", ""},
		{"{deletion: {retain: true, gracePeriod: 1h, abandoned: Remove}, revocation: {gracePeriod: 720h}}", ""},
		{"{targets: {cidrs: [10.0.0.1/8]}}", "every one must be a CIDR block without host bits"},
		{"{targets: {cidrs: [10.0.0.1]}}", "every one must be a CIDR block without host bits"},
		{"{targets: {cidrs: ['::ffff:10.0.0.0/104']}}", "every one must be a CIDR block without host bits"},
		{"{targets: {cidrs: [10.0.0.0/8, 10.0.0.0/8]}}", "spec.targets.cidrs[1]: Duplicate value"},
		{"{targets: {dnsSuffixes: ['*.example.net']}}", "spec.targets.dnsSuffixes[0]"},
		{"{targets: {hostHeaders: ['a*.example.com']}}", "spec.targets.hostHeaders[0]"},
		{"{deletion: {gracePeriod: 2h}}", "must be 1s to 1h"},
		{"{deletion: {gracePeriod: 1ms}}", "must be 1s to 1h"},
		{"{deletion: {abandoned: Forget}}", "Unsupported value"},
		{"{revocation: {gracePeriod: 9000h}}", "must be 1s to 8760h"},
		{"{provider: azure}", "Unsupported value"},
		{"{endpoint: localhost}", "spec.endpoint"},
		{"{region: Europe West}", "spec.region"},
		{"{defaults: {requestInterval: 11}}", "must be 10 or 30 seconds"},
		{"{defaults: {failureThreshold: 0}}", "greater than or equal to 1"},
		{"{defaults: {ttl: -1}}", "greater than or equal to 0"},
		{"{defaults: {routingPolicy: Nearest}}", "Unsupported value"},
		{"{defaults: {checkerRegions: [eu-west-1]}}", "must be at least 3 Regions"},
		{"{hostnames: [{hostnames: [a.example.com]}]}", "must have namespaces or a namespaceSelector"},
		{"{hostnames: [{namespaces: ['[x]'], hostnames: [a.example.com]}]}", "namespaces[0]"},
		{"{hostnames: [{namespaces: ['*'], hostnames: ['a*.example.com']}]}", "hostnames[0]"},
		{"{hostnames: [{namespaces: ['*']}]}", "spec.hostnames[0].hostnames: Required"},
		{"{limits: {regionsPerPolicy: -1}}", "greater than or equal to 0"},
		{"{readinessSignal: true}", "needs the provider engine"},
		{"{provider: aws, readinessSignal: true}", "needs the provider engine"},
	} {
		o := object(t, "{apiVersion: bulkhead.dev/v1alpha1, kind: FailoverClass, metadata: {name: c}, spec: "+c.spec+"}")
		text, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		var class FailoverClass
		if err := json.Unmarshal(text, &class); err != nil {
			t.Fatal(err)
		}
		invalid := failover.ValidateClass(class.Class())
		got := strings.Join(server.refusals(t, o, nil), "\n")
		if (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s\nthe API server says %q, want %q", c.spec, got, c.want)
		}
		if (c.want == "") != (invalid == nil) {
			t.Errorf("%s\nthe API server says %q, ValidateClass says %v", c.spec, got, invalid)
		}
	}
}

// fromObject reads an object into its type.
func fromObject(t *testing.T, o map[string]any, into any) {
	t.Helper()
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatal(err)
	}
}
