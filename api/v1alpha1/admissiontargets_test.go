package v1alpha1

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkhead-dns/bulkhead/failover"
)

// bronze is a class of team-a with some targets.
func bronze(t *testing.T, spec string) map[string]any {
	t.Helper()
	return object(t, `{apiVersion: bulkhead.dev/v1alpha1, kind: FailoverClass, metadata: {name: bronze, annotations: `+
		`{bulkhead.dev/is-default-class: "true"}}, spec: {`+spec+`}}`)
}

func TestAdmissionPolicyRefusesTargetsThatTheClassDoesNotAllow(t *testing.T) {
	server := compiledAdmission(t)
	some := bronze(t, `targets: {cidrs: [10.1.0.0/16, 0.0.0.0/0], dnsSuffixes: [lb.example.net], hostHeaders: `+
		`["*.{namespace}.Example.org", probe.example.org]}`)
	const addresses = ": not within spec.targets.cidrs; an address that is not public needs a block within its own range"
	const names, headers = ": neither a load balancer of AWS nor within spec.targets.dnsSuffixes",
		": neither the hostname nor in spec.targets.hostHeaders"
	for _, c := range []struct {
		class map[string]any
		spec  string
		want  []string
	}{
		{some, "regions: [{name: x, addresses: [10.1.2.3, 93.184.216.34]}]", nil},
		{some, "regions: [{name: x, addresses: [10.1.2.3, 127.0.0.1]}, {name: y, addresses: [8.8.8.8]}, {name: z, " +
			"addresses: [169.254.169.254, 'fd00:ec2::254']}]",
			[]string{"spec.regions: the class bronze does not allow 127.0.0.1, 169.254.169.254, fd00:ec2::254" + addresses}},
		{bronze(t, ""), "regions: [{name: x, addresses: [93.184.216.34]}]", []string{"spec.regions: the class bronze does " +
			"not allow 93.184.216.34" + addresses}},
		{bronze(t, ""), "regions: [{name: x, loadBalancer: {name: a}}, {name: y, loadBalancer: {dnsName: " +
			"a-1.eu-west-1.elb.amazonaws.com}}, {name: z, loadBalancer: {dnsName: Net-1.elb.eu-west-1.amazonaws.com., " +
			"hostedZoneId: Z1}}, {name: w, loadBalancer: {dnsName: a.cn-north-1.elb.amazonaws.com.cn}}]", nil},
		{some, "regions: [{name: x, loadBalancer: {dnsName: A.lb.example.net., hostedZoneId: Z1}}, {name: y, " +
			"loadBalancer: {dnsName: lb.example.net, hostedZoneId: Z1}}]", nil},
		{some, "regions: [{name: x, loadBalancer: {dnsName: evil-lb.example.net, hostedZoneId: Z1}}, {name: y, " +
			"loadBalancer: {dnsName: Localhost, hostedZoneId: Z1}}, {name: z, loadBalancer: {dnsName: " +
			"x.eu-west-1.elb.amazonaws.com.example.org, hostedZoneId: Z1}}]",
			[]string{"spec.regions: the class bronze does not allow evil-lb.example.net, localhost, " +
				"x.eu-west-1.elb.amazonaws.com.example.org" + names}},
		{some, "healthCheck: {hostHeader: App.example.com.}, regions: [{name: x, addresses: [8.8.8.8], healthCheck: " +
			"{hostHeader: a.team-a.example.org}}, {name: y, addresses: [8.8.8.8], healthCheck: {hostHeader: " +
			"Probe.example.org}}]", nil},
		{some, "healthCheck: {hostHeader: Localhost}, regions: [{name: x, addresses: [8.8.8.8], healthCheck: {hostHeader: " +
			"a.b.team-a.example.org}}, {name: y, addresses: [8.8.8.8], healthCheck: {hostHeader: a.team-b.example.org}}]",
			[]string{"spec.healthCheck.hostHeader: the class bronze does not allow localhost, a.b.team-a.example.org, " +
				"a.team-b.example.org" + headers}},
		{bronze(t, ""), "{ref}, healthCheck: {hostHeader: other.example.com}",
			[]string{"spec.healthCheck.hostHeader: the class bronze does not allow other.example.com" + headers}},
	} {
		spec := "{hostname: app.example.com, " + c.spec + "}"
		if diff := cmp.Diff(c.want, server.refusals(t, c.class, policyObject(t, spec), nil, nil)); diff != "" {
			t.Errorf("%s\nwant -, got +\n%s", spec, diff)
		}
	}
}

// The API server and the controller know the same addresses.
func TestAdmissionPolicyAgreesWithTargetAllowed(t *testing.T) {
	server := compiledAdmission(t)
	r := rand.New(rand.NewPCG(11, 3))
	interesting := strings.Fields(`
		0.0.0.0 127.0.0.1 10.1.2.3 172.16.0.1 172.32.0.1 192.168.0.1 169.254.1.1 169.254.169.254
		169.254.170.2 168.63.129.16 100.64.0.1 100.128.0.1 192.0.0.1 192.0.2.1 198.18.0.1 198.51.100.1
		203.0.113.1 224.0.0.1 240.0.0.1 255.255.255.255 93.184.216.34 8.8.8.8 :: ::1 fe80::1 fc00::1
		fd00:ec2::254 ff02::1 2001:db8::1 2001::1 2002:7f00:1:: 3fff::1 64:ff9b::7f00:1 64:ff9b:1::1 4000::1
		8000::1 1000::1 2606:2800:220:1::1`)
	allowed := 0
	for range 400 {
		address := interesting[r.IntN(len(interesting))]
		var cidrs []string
		for range r.IntN(4) {
			near := netip.MustParseAddr(interesting[r.IntN(len(interesting))])
			if r.IntN(2) == 0 {
				near = netip.MustParseAddr(address)
			}
			block, err := near.Prefix(r.IntN(near.BitLen() + 1))
			if err != nil {
				t.Fatal(err)
			}
			cidrs = append(cidrs, fmt.Sprintf("%q", block))
		}
		class := bronze(t, "targets: {cidrs: ["+strings.Join(cidrs, ", ")+"]}")
		var typed FailoverClass
		fromObject(t, class, &typed)
		judged := typed.Class()
		err := failover.TargetAllowed(&judged, failover.Region{Addresses: []string{address}})
		got := server.refusals(t, class, policyObject(t, fmt.Sprintf("{hostname: a.example.com, regions: [{name: x, "+
			"addresses: [%q]}]}", address)), nil, nil)
		if (err == nil) != (len(got) == 0) {
			t.Errorf("%s, %v: the API server says %q, the controller %v", address, cidrs, got, err)
		}
		if err == nil {
			allowed++
		}
	}
	if allowed < 50 {
		t.Errorf("%d of 400 are allowed: that shows little", allowed)
	}
}

// What a generous class and a large policy ask of the API server is within what it spends on one object.
func TestAdmissionPolicyIsAffordable(t *testing.T) {
	server := compiledAdmission(t)
	var cidrs, regions []string
	for i := range 100 {
		cidrs = append(cidrs, fmt.Sprintf("10.%d.0.0/16", i))
	}
	for i := range 20 {
		regions = append(regions, fmt.Sprintf("{name: r%d, addresses: [10.99.0.%d, 10.98.0.%d]}", i, i, i))
	}
	class := bronze(t, "targets: {cidrs: ["+strings.Join(cidrs, ", ")+"]}")
	if got := server.refusals(t, class,
		policyObject(t, "{hostname: a.example.com, regions: ["+strings.Join(regions, ", ")+"]}"), nil, nil); got != nil {
		t.Errorf("refused: %v", got)
	}
}

// A class that has nothing for a namespace is not told from one that does not exist, and without a list nothing is
// refused for its name.
func TestAdmissionPolicyRefusesUnknownClasses(t *testing.T) {
	server := compiledAdmission(t)
	listed := func(name, hostnames, classes string) map[string]any {
		return object(t, `{apiVersion: bulkhead.dev/v1alpha1, kind: FailoverClass, metadata: {name: `+name+
			`}, spec: {`+hostnames+`}, status: {classes: [`+classes+`]}}`)
	}
	unknown := func(name string) []string {
		return []string{"spec.classRef.name: there is no FailoverClass " + name + " for namespace team-a"}
	}
	const others = "hostnames: [{namespaces: [team-b], hostnames: [b.example.com]}], fastest: {requestInterval: 30}"
	for _, c := range []struct {
		class map[string]any
		ref   string
		want  []string
	}{
		{listed("open", "", "open, theirs"), "open", nil},
		{listed("open", "", "open, theirs"), "nope", unknown("nope")},
		{listed("open", "", "open, theirs"), "theirs", nil}, // theirs refuses it
		{listed("theirs", others, "open, theirs"), "theirs", unknown("theirs")},
		{listed("theirs", others, "open, theirs"), "nope", unknown("nope")},
		{listed("theirs", others, "open, theirs"), "open", nil},
		{listed("open", "", ""), "nope", nil}, // not listed yet
	} {
		o := policyObject(t, "{hostname: a.example.com, classRef: {name: "+c.ref+
			"}, healthCheck: {requestInterval: 10}, {ref}}")
		if diff := cmp.Diff(c.want, server.refusals(t, c.class, o, nil, nil)); diff != "" {
			t.Errorf("%v, %s\nwant -, got +\n%s", c.class, c.ref, diff)
		}
	}
	// The only class is that of policies that name none.
	only := listed("only", "fastest: {requestInterval: 30}", "only")
	if got := server.refusals(t, only, policyObject(t, "{hostname: a.example.com, healthCheck: {requestInterval: 10}, "+
		"{ref}}"), nil, nil); len(got) != 1 {
		t.Errorf("the only class: %v", got)
	}
	// A policy whose class has gone can be labelled, and its finalizer removed.
	old := policyObject(t, "{hostname: a.example.com, classRef: {name: gone}, {ref}}")
	old["metadata"].(map[string]any)["finalizers"] = []any{Finalizer}
	if got := server.refusals(t, only, policyObject(t, "{hostname: a.example.com, classRef: {name: gone}, {ref}}"), old,
		nil); got != nil {
		t.Errorf("its finalizer stays: %v", got)
	}
}

func TestAdmissionPolicyRefusesRetainThatTheClassDoesNotAllow(t *testing.T) {
	server := compiledAdmission(t)
	const refused = "metadata.annotations: the class bronze does not allow bulkhead.dev/deletion-policy: Retain"
	plain := func(annotations map[string]any, path string) map[string]any {
		o := policyObject(t, "{hostname: a.example.com, healthCheck: {path: "+path+"}, {ref}}")
		o["metadata"].(map[string]any)["annotations"] = annotations
		return o
	}
	retain, other := map[string]any{DeletionPolicyAnnotation: Retain},
		map[string]any{DeletionPolicyAnnotation: "Delete", "a": "b"}
	no, yes := bronze(t, ""), bronze(t, "deletion: {retain: true}")
	for _, c := range []struct {
		what       string
		class      map[string]any
		after, old map[string]any
		want       []string
	}{
		{"made with it", no, plain(retain, "/"), nil, []string{refused}},
		{"made with it, allowed", yes, plain(retain, "/"), nil, nil},
		{"made with another word", no, plain(other, "/"), nil, nil},
		{"added, and nothing else", no, plain(retain, "/"), plain(nil, "/"), []string{refused}},
		{"added in another's place", no, plain(retain, "/"), plain(other, "/"), []string{refused}},
		{"added, allowed", yes, plain(retain, "/"), plain(nil, "/"), nil},
		{"it was there before the class changed", no, plain(retain, "/x"), plain(retain, "/"), nil},
		{"taken off", no, plain(nil, "/"), plain(retain, "/"), nil},
	} {
		if diff := cmp.Diff(c.want, server.refusals(t, c.class, c.after, c.old, nil)); diff != "" {
			t.Errorf("%s: want -, got +\n%s", c.what, diff)
		}
	}
}
