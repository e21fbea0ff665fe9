package failover

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"github.com/bulkhead-dns/bulkhead/zone"
)

// Facts are what Compile has to know from outside.
type Facts struct {
	Provider      Provider           // required
	LoadBalancers []LoadBalancerFact // those that policies name, as looked up
	Zones         []zone.HostedZone  // all of the account
	Region        string             // compile this Region only, as a cluster does; empty means all
	// HasIPv6 says, beside Region, that the policies have AAAA records there already. Whoever made them knew all Regions,
	// which a cluster does not: without it a cluster adds no AAAA record that its policy does not ask for, with it none is
	// taken away.
	HasIPv6 bool
	// NamespaceLabels are for selectors of the class; nil outside clusters.
	NamespaceLabels map[string]map[string]string
}

// A LoadBalancerFact is one load balancer as its Region describes it. r53: E.1.
type LoadBalancerFact struct {
	Region       string
	Name, ARN    string
	DNSName      zone.Name
	HostedZoneID string // canonical
	DualStack    bool   // has IPv6 addresses too
	Internal     bool   // reachable from inside its network only
	// Rules of all listeners, in the order in which they are tried; nil where they were not read.
	Rules []ListenerRule
}

// A Lookup is a load balancer that Compile wants to find among the facts: by Name, or by ARN, in an AWS Region.
type Lookup struct {
	Region    string
	Name, ARN string // one of them
}

// Lookups lists, sorted and each once, the load balancers that policies name without saying their DNS name. region
// restricts it to one Region of the policies, as Facts.Region does; empty means all. What is no ARN is left to
// Validate.
func Lookups(policies []Policy, region string) []Lookup {
	var list []Lookup
	for _, p := range policies {
		for _, r := range p.Spec.Regions {
			switch lb := r.LoadBalancer; {
			case lb == nil || region != "" && r.Name != region:
			case lb.ARN != "" && regionOfARN(lb.ARN) != "":
				list = append(list, Lookup{Region: regionOfARN(lb.ARN), ARN: lb.ARN})
			case lb.Name != "":
				list = append(list, Lookup{Region: r.Name, Name: lb.Name})
			}
		}
	}
	slices.SortFunc(list, func(a, b Lookup) int {
		return cmp.Or(strings.Compare(a.Region, b.Region), strings.Compare(a.Name, b.Name), strings.Compare(a.ARN, b.ARN))
	})
	return slices.Compact(list)
}

// hostnameOf is the hostname of a policy, "" when it is none.
func hostnameOf(p Policy) zone.Name { return parsedName(p.Spec.Hostname) }

func parsedName(s string) zone.Name {
	name, err := zone.ParseName(s)
	if err != nil {
		return ""
	}
	return name
}

// canonicalZone tells the canonical hosted zone id of an Application Load Balancer by its name, "" for other names.
// r53: E.2.
func canonicalZone(name zone.Name) string {
	labels := strings.Split(string(name), ".")
	if len(labels) < 5 {
		return ""
	}
	for _, region := range labels[1:3] { // the name may begin with dualstack
		if id, ok := zone.CanonicalHostedZoneID(region); ok && zone.InLoadBalancerZone(id, name) {
			return id
		}
	}
	return ""
}

// PlainName is a load balancer's name without the label by which it also answers AAAA. r53: A.9.
func PlainName(name zone.Name) zone.Name {
	return zone.Name(strings.TrimPrefix(string(name), "dualstack."))
}

// parsed are the addresses among texts.
func parsed(texts []string) []netip.Addr {
	var list []netip.Addr
	for _, text := range texts {
		if a, err := netip.ParseAddr(text); err == nil {
			list = append(list, a)
		}
	}
	return list
}

func family(a netip.Addr) IPFamily {
	if a.Is4() {
		return IPv4
	}
	return IPv6
}

// regionOfARN is the Region in a load balancer's ARN, "" when it is none.
func regionOfARN(arn string) string { region, _ := partsOfARN(arn); return region }

// partsOfARN are the Region and the partition in a load balancer's ARN, "" when it is none. A partition that is not in
// the table of zone may be newer than it.
func partsOfARN(arn string) (region, partition string) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) < 6 || parts[0] != "arn" || parts[2] != "elasticloadbalancing" ||
		!strings.HasPrefix(parts[5], "loadbalancer/") {
		return "", ""
	}
	// A Region becomes a part of the name of the API that is asked.
	if !hasOnly(parts[1], "-") || !hasOnly(parts[3], "-") || !hasOnly(parts[4], "") || !hasOnly(parts[5], "/_-") {
		return "", ""
	}
	if parts[1] != "aws" && !strings.HasPrefix(parts[1], "aws-") {
		return "", ""
	}
	return parts[3], parts[1]
}
