package failover

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

func ingress(annotations ...string) AnnotatedIngress {
	in := AnnotatedIngress{Namespace: "team-a", Name: "shop",
		Annotations: map[string]string{"kubernetes.io/ingress.class": "alb"},
		Hosts:       []string{"b.example.com", "a.example.com", "a.example.com", "*.example.com", ""}}
	for _, a := range annotations {
		key, value, _ := strings.Cut(a, ": ")
		in.Annotations[key] = value
	}
	return in
}

// One Ingress, many applications: each host is a policy of its own.
func TestAnnotationsMakeOnePolicyAHost(t *testing.T) {
	for _, c := range []struct {
		annotations []string
		want        []string // name and spec
	}{
		{nil, nil},
		{[]string{"bulkhead.dev/failover: false", "bulkhead.dev/path: /ready"}, nil},
		{[]string{"bulkhead.dev/failover: true"}, []string{
			"shop.a.example.com {hostname: a.example.com, targetRef: {kind: Ingress, name: shop}}",
			"shop.b.example.com {hostname: b.example.com, targetRef: {kind: Ingress, name: shop}}",
		}},
		{[]string{"bulkhead.dev/failover: b.example.com", "bulkhead.dev/class: gold", "bulkhead.dev/routing: Weighted",
			"bulkhead.dev/weights: eu-west-1=90, eu-central-1=10", "bulkhead.dev/rto: 3m"}, []string{
			"shop.b.example.com {hostname: b.example.com, classRef: {name: gold}, routing: {policy: Weighted, weights: " +
				"{eu-west-1: 90, eu-central-1: 10}}, objectives: {rto: 3m}, targetRef: {kind: Ingress, name: shop}}",
		}},
		{[]string{"bulkhead.dev/failover: true", "bulkhead.dev/path: /ready", "bulkhead.dev/failure-threshold: 2",
			"bulkhead.dev/a.example.com.path: /a",
			"bulkhead.dev/b.example.com.port: 8443", "bulkhead.dev/b.example.com.type: HTTPS",
			"bulkhead.dev/b.example.com.search-string: ok",
			"bulkhead.dev/request-interval: 10", "bulkhead.dev/host-header: x.example.net"}, []string{
			"shop.a.example.com {hostname: a.example.com, healthCheck: {path: /a, failureThreshold: 2, requestInterval: 10, " +
				"hostHeader: x.example.net}, targetRef: {kind: Ingress, name: shop}}",
			"shop.b.example.com {hostname: b.example.com, healthCheck: {type: HTTPS, port: 8443, path: /ready, searchString: " +
				"ok, failureThreshold: 2, requestInterval: 10, hostHeader: x.example.net}, targetRef: {kind: Ingress, name: " +
				"shop}}",
		}},
		{[]string{"bulkhead.dev/failover: a.example.com", "bulkhead.dev/routing: Failover",
			"bulkhead.dev/order: eu-west-1, eu-central-1"}, []string{
			"shop.a.example.com {hostname: a.example.com, routing: {policy: Failover, order: [eu-west-1, eu-central-1]}, " +
				"targetRef: {kind: Ingress, name: shop}}",
		}},
	} {
		policies, err := FromAnnotations(ingress(c.annotations...))
		if err != nil {
			t.Errorf("%v: %v", c.annotations, err)
		}
		var want []Policy
		for _, text := range c.want {
			name, spec, _ := strings.Cut(text, " ")
			p := policyOf(t, spec)
			p.Metadata.Name = name
			want = append(want, p)
		}
		if diff := cmp.Diff(want, policies); diff != "" {
			t.Errorf("%v\nwant -, got +\n%s", c.annotations, diff)
		}
	}
}

func TestAnnotationsThatAreNotUnderstoodProgramNothing(t *testing.T) {
	for _, c := range []struct {
		annotations []string
		want        []string
	}{
		{[]string{"bulkhead.dev/failover: yes"},
			[]string{`metadata.annotations["bulkhead.dev/failover"]: "yes": must be true, false, or hosts of the Ingress: ` +
				`a.example.com, b.example.com`}},
		{[]string{"bulkhead.dev/failover: a.example.com,*.example.com"},
			[]string{`metadata.annotations["bulkhead.dev/failover"]: "*.example.com": must be true, false, or hosts of the ` +
				`Ingress: a.example.com, b.example.com`}},
		{[]string{"bulkhead.dev/failover: true", "bulkhead.dev/pat: /x"},
			[]string{`metadata.annotations["bulkhead.dev/pat"]: unknown setting, did you mean path?`}},
		{[]string{"bulkhead.dev/failover: a.example.com", "bulkhead.dev/b.example.com.path: /x"},
			[]string{`metadata.annotations["bulkhead.dev/b.example.com.path"]: b.example.com is not a host that fails over: ` +
				`a.example.com`}},
		{[]string{"bulkhead.dev/failover: true", "bulkhead.dev/port: http", "bulkhead.dev/rto: soon",
			"bulkhead.dev/weights: half"}, []string{
			`metadata.annotations["bulkhead.dev/port"]: "http": must be a whole number`,
			`metadata.annotations["bulkhead.dev/rto"]: "soon": must be a duration such as 90s or 1m30s`,
			`metadata.annotations["bulkhead.dev/weights"]: "half": must be a list such as eu-west-1=90,eu-central-1=10`,
		}},
	} {
		policies, err := FromAnnotations(ingress(c.annotations...))
		if diff := cmp.Diff(c.want, refusals(t, err)); diff != "" || policies != nil {
			t.Errorf("%v: %d policies; want -, got +\n%s", c.annotations, len(policies), diff)
		}
	}
	_, err := FromAnnotations(AnnotatedIngress{Namespace: "x", Name: "y",
		Annotations: map[string]string{FailoverAnnotation: "true"}, Hosts: []string{"*.example.com", ""}})
	want := []string{`metadata.annotations["bulkhead.dev/failover"]: "true": no rule of the Ingress has a host; one ` +
		`without *. is needed, such as app1.example.com`}
	if diff := cmp.Diff(want, refusals(t, err)); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
}

// What one object costs, and what is told about it, does not grow with the product of what it has.
func TestAnnotationsOfOneIngressAreBounded(t *testing.T) {
	const hosts, names = 5000, 2000
	in := AnnotatedIngress{Namespace: "team-a", Name: "shop", Annotations: map[string]string{FailoverAnnotation: "true"}}
	for i := range hosts {
		in.Hosts = append(in.Hosts, fmt.Sprintf("h%04d.example.com", i))
	}
	const tooMany = `metadata.annotations["bulkhead.dev/failover"]: asks for 5000 hosts: at most 100 of an Ingress; ` +
		`name hosts, use several Ingresses, or FailoverPolicies`
	for i := range names {
		in.Annotations[fmt.Sprintf("bulkhead.dev/wrong-%04d", i)] = strings.Repeat("x", 100)
	}
	bounded := func(what string, want []string) {
		t.Helper()
		policies, err := FromAnnotations(in)
		if diff := cmp.Diff(want, refusals(t, err)); diff != "" || policies != nil {
			t.Errorf("%s: %d policies; want -, got +\n%s", what, len(policies), diff)
		}
		if allocs := testing.AllocsPerRun(1, func() { FromAnnotations(in) }); allocs > 2000 {
			t.Errorf("%s: %.0f allocations", what, allocs)
		}
	}
	bounded("too many hosts", []string{tooMany})

	in.Hosts = in.Hosts[:100]
	wrong := []string{}
	for i := range 5 {
		wrong = append(wrong, fmt.Sprintf(`metadata.annotations["bulkhead.dev/wrong-%04d"]: unknown setting; known are %s`, i,
			strings.Join(settingNames(), ", ")))
	}
	bounded("wrong names", append(wrong, "metadata.annotations: and 1995 more"))

	in.Annotations = map[string]string{FailoverAnnotation: strings.Repeat("h0000.example.com,nobody.example.com,", names)}
	policies, err := FromAnnotations(in)
	if err == nil || len(err.Error()) > 1500 || policies != nil {
		t.Errorf("wrong hosts: %d policies, an error of %d bytes", len(policies), len(err.Error()))
	}
	in.Annotations = map[string]string{FailoverAnnotation: "true", "bulkhead.dev/order": strings.Repeat(",", 100_000)}
	bounded("a long value", []string{`metadata.annotations["bulkhead.dev/order"]: has 100000 bytes: at most 1024`})
	in.Annotations = map[string]string{FailoverAnnotation: strings.Repeat("x", 200_000)}
	if _, err := FromAnnotations(in); err == nil || len(err.Error()) > 1500 {
		t.Errorf("a long value: an error of %d bytes", len(err.Error()))
	}

	// As many hosts as there may be share nothing, so that what is changed in one is not changed in another.
	in.Annotations = map[string]string{FailoverAnnotation: "true", "bulkhead.dev/port": "8080",
		"bulkhead.dev/weights": "eu-west-1=1"}
	if policies, err = FromAnnotations(in); err != nil || len(policies) != 100 {
		t.Fatalf("%d policies, %v", len(policies), err)
	}
	*policies[0].Spec.HealthCheck.Port, policies[0].Spec.Routing.Weights["eu-west-1"] = 1, 2
	if *policies[1].Spec.HealthCheck.Port != 8080 || policies[1].Spec.Routing.Weights["eu-west-1"] != 1 {
		t.Error("policies of two hosts share what they say")
	}
}

// A list that names nothing is no "false", which would remove what is there.
func TestAnEmptyListOfHostsIsRefused(t *testing.T) {
	for _, asked := range []string{",", "a.example.com,"} {
		if policies, err := FromAnnotations(ingress("bulkhead.dev/failover: " + asked)); err == nil || policies != nil {
			t.Errorf("%q: %d policies, %v", asked, len(policies), err)
		}
	}
}

// Whatever the annotations say, what is programmed for the hosts is known by the same names.
func TestAnnotatedHostsAreThePoliciesThatAnnotationsMake(t *testing.T) {
	in := ingress("bulkhead.dev/failover: true")
	policies, err := FromAnnotations(in)
	if err != nil {
		t.Fatal(err)
	}
	for i := range policies {
		policies[i].Spec = PolicySpec{Hostname: policies[i].Spec.Hostname}
	}
	in.Annotations[FailoverAnnotation] = "nonsense"
	if diff := cmp.Diff(policies, AnnotatedHosts(in)); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
}

// Names of policies are part of a tag's value, and Kubernetes allows longer names of Ingresses.
func TestAnnotatedPoliciesHaveNamesThatFit(t *testing.T) {
	in := ingress("bulkhead.dev/failover: true")
	in.Name = strings.Repeat("long-", 20) + "x"
	policies, err := FromAnnotations(in)
	if err != nil {
		t.Fatal(err)
	}
	if len(policies) != 2 || policies[0].Metadata.Name == policies[1].Metadata.Name {
		t.Fatalf("%d policies: %+v", len(policies), policies)
	}
	for _, p := range policies {
		p.Spec.Regions = []Region{{Name: "eu-west-1", LoadBalancer: &LoadBalancer{Name: "x"}}}
		if err := Validate(p, nil, Facts{Provider: AWS, Region: "eu-west-1"}); err != nil {
			text, _ := yaml.Marshal(p)
			t.Errorf("%v\n%s", err, text)
		}
	}
}
