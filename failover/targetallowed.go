package failover

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/bulkhead-dns/bulkhead/zone"
)

// TargetAllowed judges what a Region points at against what a class allows (nil allows everything). It is the one rule
// for targets, whether they are written in a policy or read from the status of an object, which whoever may write that
// status can forge. Load balancers given by name or ARN are looked up at AWS and not judged.
//
// The error is Problems, with paths within the Region such as addresses[0].
func TargetAllowed(class *Class, r Region) error {
	if class == nil {
		return nil
	}
	return class.Spec.refusedTargets(class.Metadata.Name, r).err()
}

// refusedTargets lists what a Region points at and a class does not allow.
func (s ClassSpec) refusedTargets(class string, r Region) Problems {
	var problems Problems
	refuse := func(path, value, reason string) {
		reason = fmt.Sprintf("the class %s does not allow it: %s", class, reason)
		problems = append(problems, Problem{Path: path, Value: show(value), Reason: reason, Target: true})
	}
	for i, text := range r.Addresses {
		if reason := s.Targets.refusesAddress(text); reason != "" {
			refuse(index("addresses", i), text, reason)
		}
	}
	if lb := r.LoadBalancer; lb != nil && lb.DNSName != "" && !s.Targets.allowsBalancer(*lb) {
		refuse("loadBalancer.dnsName", lb.DNSName, "it is no load balancer of AWS whose hosted zone is known, and in none "+
			"of spec.targets.dnsSuffixes")
	}
	return problems
}

// refusesAddress says why an address is not allowed, "" when it is.
func (t ClassTargets) refusesAddress(text string) string {
	a, err := netip.ParseAddr(text)
	if err != nil || a.Zone() != "" {
		return "it is no address of the internet"
	}
	special, what := specialRange(a)
	named := false
	for _, cidr := range t.CIDRs {
		block, err := netip.ParsePrefix(cidr)
		if err != nil || !block.Contains(a) {
			continue
		}
		if what == "" || block.Bits() >= special.Bits() {
			return ""
		}
		named = true
	}
	switch {
	case named:
		return "it is " + what + ", which needs a block of spec.targets.cidrs within " + special.String()
	case what != "":
		return "it is " + what + ", and in none of spec.targets.cidrs"
	}
	return "it is in none of spec.targets.cidrs"
}

// specialRange is the smallest range around an address that is not public, and what such addresses are; what is "" for
// public ones.
func specialRange(a netip.Addr) (around netip.Prefix, what string) {
	for _, s := range specialRanges() {
		if block := netip.MustParsePrefix(s.block); block.Contains(a) && (what == "" || block.Bits() > around.Bits()) {
			around, what = block, s.what
		}
	}
	return around, what
}

// specialRanges cover the addresses of health.Restricted, with what they are for: a block of a class allows what is
// within one of them. The admission policy of the Helm chart has the same ones.
func specialRanges() []struct{ block, what string } {
	return []struct{ block, what string }{
		{"0.0.0.0/8", "unspecified"}, {"::/128", "unspecified"},
		{"127.0.0.0/8", "loopback"}, {"::1/128", "loopback"},
		{"10.0.0.0/8", "private"}, {"172.16.0.0/12", "private"}, {"192.168.0.0/16", "private"}, {"fc00::/7", "private"},
		{"169.254.0.0/16", "link-local"}, {"fe80::/10", "link-local"},
		{"169.254.169.254/32", "instance metadata"}, {"169.254.170.0/24", "instance metadata"},
		{"fd00:ec2::/32", "instance metadata"},
		{"168.63.129.16/32", "instance metadata"},
		{"100.64.0.0/10", "shared"}, {"192.0.2.0/24", "documentation"}, {"198.51.100.0/24", "documentation"},
		{"203.0.113.0/24", "documentation"},
		{"2001:db8::/32", "documentation"}, {"3fff::/20", "documentation"},
		{"224.0.0.0/4", "multicast"}, {"ff00::/8", "multicast"},
		{"192.0.0.0/24", "reserved"}, {"192.88.99.0/24", "reserved"}, {"198.18.0.0/15", "reserved"},
		{"240.0.0.0/4", "reserved"},
		{"::/3", "reserved"}, {"2001::/23", "reserved"}, {"4000::/2", "reserved"}, {"8000::/1", "reserved"},
		{"::ffff:0:0/96", "IPv4 in IPv6"}, {"64:ff9b::/96", "IPv4 in IPv6"}, {"64:ff9b:1::/48", "IPv4 in IPv6"},
		{"2002::/16", "IPv4 in IPv6"},
	}
}

// allowsBalancer reports whether a load balancer is one of AWS, in the hosted zone of its kind and Region, or in a
// domain of the class. r53: E.2.
func (t ClassTargets) allowsBalancer(lb LoadBalancer) bool {
	name, err := zone.ParseName(lb.DNSName)
	if err != nil {
		return false
	}
	if id, aws := zone.LoadBalancerZone(name); aws && (lb.HostedZoneID == "" || lb.HostedZoneID == id) {
		return true
	}
	return slices.ContainsFunc(t.DNSSuffixes, func(text string) bool {
		suffix, err := zone.ParseName(text)
		return err == nil && name.In(suffix)
	})
}

// allowsHostHeader reports whether a namespace's policy may ask for a Host header that is not its hostname.
func (t ClassTargets) allowsHostHeader(namespace string, name zone.Name) bool {
	return slices.ContainsFunc(t.HostHeaders, func(pattern string) bool {
		return matchesHostname(forNamespace(pattern, namespace), name)
	})
}
