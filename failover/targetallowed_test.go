package failover

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkhead-dns/bulkhead/health"
)

func targetClass(t *testing.T, targets string) *Class {
	t.Helper()
	return classOf(t, "apiVersion: bulkhead.dev/v1alpha1\nkind: FailoverClass\nmetadata: {name: gold}\nspec: {targets: "+
		"{"+targets+"}}")
}

func TestTargetAllowedJudgesAddresses(t *testing.T) {
	class := func(targets string) *Class { return targetClass(t, targets) }
	none, everywhere := class(""), class("cidrs: [0.0.0.0/0, '::/0']")
	const inNone = "it is in none of spec.targets.cidrs"
	for _, c := range []struct {
		class   *Class
		address string
		want    string // "" is allowed
	}{
		{nil, "127.0.0.1", ""},
		{none, "93.184.216.34", inNone},
		{none, "2606:2800:220:1::1", inNone},
		{none, "127.0.0.1", "it is loopback, and in none of spec.targets.cidrs"},
		{class("cidrs: [93.184.216.0/24]"), "93.184.216.34", ""},
		{class("cidrs: [93.184.216.0/24]"), "93.184.217.34", inNone},
		{everywhere, "93.184.216.34", ""},
		{everywhere, "2606:2800:220:1::1", ""},

		// Everything is the internet, and not what only the checkers reach.
		{everywhere, "127.0.0.1", "it is loopback, which needs a block of spec.targets.cidrs within 127.0.0.0/8"},
		{everywhere, "::1", "it is loopback, which needs a block of spec.targets.cidrs within ::1/128"},
		{everywhere, "10.1.2.3", "it is private, which needs a block of spec.targets.cidrs within 10.0.0.0/8"},
		{everywhere, "172.31.0.1", "it is private, which needs a block of spec.targets.cidrs within 172.16.0.0/12"},
		{everywhere, "192.168.1.1", "it is private, which needs a block of spec.targets.cidrs within 192.168.0.0/16"},
		{everywhere, "fd12::1", "it is private, which needs a block of spec.targets.cidrs within fc00::/7"},
		{everywhere, "169.254.169.254", "it is instance metadata, which needs a block of spec.targets.cidrs within " +
			"169.254.169.254/32"},
		{everywhere, "169.254.170.2", "it is instance metadata, which needs a block of spec.targets.cidrs within " +
			"169.254.170.0/24"},
		{everywhere, "fd00:ec2::254", "it is instance metadata, which needs a block of spec.targets.cidrs within " +
			"fd00:ec2::/32"},
		{everywhere, "169.254.1.1", "it is link-local, which needs a block of spec.targets.cidrs within 169.254.0.0/16"},
		{everywhere, "fe80::1", "it is link-local, which needs a block of spec.targets.cidrs within fe80::/10"},
		{everywhere, "224.0.0.1", "it is multicast, which needs a block of spec.targets.cidrs within 224.0.0.0/4"},
		{everywhere, "ff02::1", "it is multicast, which needs a block of spec.targets.cidrs within ff00::/8"},
		{everywhere, "0.0.0.0", "it is unspecified, which needs a block of spec.targets.cidrs within 0.0.0.0/8"},
		{everywhere, "::", "it is unspecified, which needs a block of spec.targets.cidrs within ::/128"},
		{everywhere, "100.64.0.1", "it is shared, which needs a block of spec.targets.cidrs within 100.64.0.0/10"},
		{everywhere, "255.255.255.255", "it is reserved, which needs a block of spec.targets.cidrs within 240.0.0.0/4"},
		{everywhere, "::ffff:127.0.0.1", "it is IPv4 in IPv6, which needs a block of spec.targets.cidrs within " +
			"::ffff:0.0.0.0/96"},
		{everywhere, "64:ff9b::7f00:1", "it is IPv4 in IPv6, which needs a block of spec.targets.cidrs within 64:ff9b::/96"},
		{everywhere, "168.63.129.16", "it is instance metadata, which needs a block of spec.targets.cidrs within " +
			"168.63.129.16/32"},
		{everywhere, "2002:7f00:1::", "it is IPv4 in IPv6, which needs a block of spec.targets.cidrs within 2002::/16"},
		{everywhere, "192.0.0.8", "it is reserved, which needs a block of spec.targets.cidrs within 192.0.0.0/24"},
		{everywhere, "2606:2800:220:1::1%eth0", "it is no address of the internet"},
		{everywhere, "localhost", "it is no address of the internet"},

		// A block names a range when it lies within it.
		{class("cidrs: [127.0.0.0/8]"), "127.0.0.1", ""},
		{class("cidrs: [10.1.0.0/16]"), "10.1.2.3", ""},
		{class("cidrs: [10.1.0.0/16]"), "10.2.0.1", "it is private, and in none of spec.targets.cidrs"},
		{class("cidrs: [8.0.0.0/6]"), "10.1.2.3", "it is private, which needs a block of spec.targets.cidrs within " +
			"10.0.0.0/8"},
		{class("cidrs: [8.0.0.0/6, 10.0.0.0/8]"), "10.1.2.3", ""},
		{class("cidrs: ['fc00::/7']"), "fd12::1", ""},
		{class("cidrs: ['fc00::/7']"), "fd00:ec2::254", "it is instance metadata, which needs a block of " +
			"spec.targets.cidrs within fd00:ec2::/32"},
		{class("cidrs: [169.254.0.0/16]"), "169.254.1.1", ""},
		{class("cidrs: [169.254.0.0/16]"), "169.254.169.254", "it is instance metadata, which needs a block of " +
			"spec.targets.cidrs within 169.254.169.254/32"},
		{class("cidrs: [169.254.169.254/32]"), "169.254.169.254", ""},
	} {
		var want []string
		if c.want != "" {
			want = []string{fmt.Sprintf("addresses[0]: %q: the class gold does not allow it: %s", c.address, c.want)}
		}
		if diff := cmp.Diff(want, refusals(t, TargetAllowed(c.class, Region{Addresses: []string{c.address}}))); diff != "" {
			t.Errorf("%s\nwant -, got +\n%s", c.address, diff)
		}
	}
}

// What checkers of AWS refuse, and engines by default, is what a block of a class has to name.
func TestSpecialRangesAreThoseThatCheckersRefuse(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 2))
	var edges []netip.Addr
	for _, s := range specialRanges() {
		block := netip.MustParsePrefix(s.block)
		edges = append(edges, block.Addr(), block.Addr().Next())
		if before := block.Addr().Prev(); before.IsValid() {
			edges = append(edges, before)
		}
		last := block.Addr().AsSlice()
		for i := range last {
			last[i] |= 0xff >> min(8, max(0, block.Bits()-8*i))
		}
		if end, _ := netip.AddrFromSlice(last); end.IsValid() {
			edges = append(edges, end)
			if after := end.Next(); after.IsValid() {
				edges = append(edges, after)
			}
		}
	}
	for range 100_000 {
		var b [16]byte
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		edges = append(edges, netip.AddrFrom16(b), netip.AddrFrom4([4]byte(b[:4])))
	}
	for _, a := range edges {
		if _, what := specialRange(a); (what != "") != (health.Restricted(a) || a.Is4In6()) {
			t.Errorf("%s: %q, restricted %t", a, what, health.Restricted(a))
		}
	}
}

// Load balancers of AWS are allowed, and names in domains of the class.
func TestTargetAllowedJudgesNames(t *testing.T) {
	none, some := targetClass(t, ""), targetClass(t, "dnsSuffixes: [lb.example.net]")
	for _, c := range []struct {
		class   *Class
		name    string
		allowed bool
	}{
		{nil, "localhost", true},
		{none, "demo-1.eu-west-1.elb.amazonaws.com", true},
		{none, "dualstack.demo-1.eu-west-1.elb.amazonaws.com", true},
		{none, "Demo-1.EU-west-1.elb.amazonaws.com.", true},
		{none, "net-1.elb.eu-west-1.amazonaws.com", true},
		{none, "demo-1.cn-north-1.elb.amazonaws.com.cn", true},
		{none, "demo-1.mars-west-1.elb.amazonaws.com", false},
		{none, "eu-west-1.elb.amazonaws.com", false},
		{none, "demo-1.eu-west-1.elb.amazonaws.com.example.net", false},
		{none, "localhost", false},
		{none, "metadata.google.internal", false},
		{none, "a b", false},
		{none, "a.lb.example.net", false},
		{some, "a.lb.example.net", true},
		{some, "A.b.LB.example.net.", true},
		{some, "evil-lb.example.net", false},
		{some, "lb.example.net.example.org", false},
	} {
		want := []string{fmt.Sprintf("loadBalancer.dnsName: %q: the class gold does not allow it: it is no load balancer "+
			"of AWS whose hosted zone is known, and in none of spec.targets.dnsSuffixes", c.name)}
		if c.allowed {
			want = nil
		}
		if diff := cmp.Diff(want, refusals(t,
			TargetAllowed(c.class, Region{LoadBalancer: &LoadBalancer{DNSName: c.name}}))); diff != "" {
			t.Errorf("%s\nwant -, got +\n%s", c.name, diff)
		}
	}
}

// A hosted zone that is not that of the name would lead clients to somebody else's records.
func TestTargetAllowedJudgesTheHostedZoneToo(t *testing.T) {
	class := targetClass(t, "")
	for id, allowed := range map[string]bool{"Z32O12XQLNTSW2": true, "Z2IFOLAFXWLO4F": false, "Z0FOREIGN": false} {
		err := TargetAllowed(class, Region{LoadBalancer: &LoadBalancer{DNSName: "demo-1.eu-west-1.elb.amazonaws.com",
			HostedZoneID: id}})
		if (err == nil) != allowed {
			t.Errorf("%s: %v", id, err)
		}
	}
}

// A policy without a class is the command line's: whoever runs it can make the records by hand.
func TestTargetsOfPoliciesWithoutAClassStayAsTheyAre(t *testing.T) {
	for _, spec := range []string{
		"{hostname: a.example.com, routing: {policy: Weighted}, regions: [{name: x, addresses: [127.0.0.1], healthCheck: " +
			"{hostHeader: localhost}}]}",
		"{hostname: a.example.com, regions: [{name: x, loadBalancer: {dnsName: lb.example.net, hostedZoneId: Z1}}]}",
	} {
		if err := Validate(policyOf(t, spec), nil, Facts{Provider: Engine}); err != nil {
			t.Errorf("%s: %v", spec, err)
		}
	}
}

func TestClassBoundsTargets(t *testing.T) {
	gold := classOf(t, `
apiVersion: bulkhead.dev/v1alpha1
kind: FailoverClass
metadata: {name: gold}
spec: {provider: engine, targets: {cidrs: [10.0.0.0/8], hostHeaders: ["*.{namespace}.example.net", probe.example.org]}}
`)
	const header = "the class gold does not allow it: it is neither the hostname nor in spec.targets.hostHeaders"
	for _, c := range []struct {
		spec string
		want []string
	}{
		{"{hostname: a.example.com, routing: {policy: Failover}, regions: [{name: x, addresses: [10.0.0.1, 127.0.0.1, " +
			"'::ffff:10.0.0.1']}, {name: y, addresses: [1.2.3]}]}", []string{
			`spec.regions[0].addresses[2]: "::ffff:10.0.0.1": is neither an IPv4 nor an IPv6 address`,
			`spec.regions[0].addresses[1]: "127.0.0.1": the class gold does not allow it: it is loopback, and in none of ` +
				`spec.targets.cidrs`,
			`spec.regions[1].addresses[0]: "1.2.3": is neither an IPv4 nor an IPv6 address`,
		}},
		{"{hostname: a.example.com, regions: [{name: x, loadBalancer: {dnsName: lb.example.net, hostedZoneId: Z1}}]}",
			[]string{`spec.regions[0].loadBalancer.dnsName: "lb.example.net": the class gold does not allow it: it is no ` +
				`load balancer of AWS ` +
				"whose hosted zone is known, and in none of spec.targets.dnsSuffixes"}},
		{"{hostname: a.example.com, healthCheck: {hostHeader: A.example.com.}, regions: [{name: x, addresses: " +
			"[10.0.0.1]}]}", nil},
		{"{hostname: a.example.com, healthCheck: {hostHeader: eu.team-a.example.net}, regions: [{lb1}]}", nil},
		{"{hostname: a.example.com, healthCheck: {hostHeader: Probe.example.org}, regions: [{name: x, addresses: " +
			"[10.0.0.1]}]}", nil},
		{"{hostname: a.example.com, healthCheck: {hostHeader: localhost}, regions: [{name: x, addresses: [10.0.0.1]}]}",
			[]string{`spec.healthCheck.hostHeader: "localhost": ` + header}},
		{"{hostname: a.example.com, healthCheck: {hostHeader: eu.team-b.example.net}, regions: [{lb1}]}",
			[]string{`spec.healthCheck.hostHeader: "eu.team-b.example.net": ` + header}},
		{"{hostname: a.example.com, regions: [{lb1}, {name: eu-central-1, loadBalancer: {name: x}, healthCheck: {type: " +
			"TCP, port: 2379, hostHeader: etcd.example.net}}]}",
			[]string{`spec.regions[1].healthCheck.hostHeader: "etcd.example.net": ` + header}},
	} {
		err := Validate(policyOf(t, c.spec), gold, Facts{Provider: Engine})
		if diff := cmp.Diff(c.want, refusals(t, err)); diff != "" {
			t.Errorf("%s\nwant -, got +\n%s", c.spec, diff)
		}
	}
}
