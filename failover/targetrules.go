package failover

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// targetRef judges what a cluster reads its load balancer from.
func (v *validator) targetRef(ref TargetRef) {
	const gateways = "gateway.networking.k8s.io/v1"
	versions := map[string]string{
		IngressTarget: "networking.k8s.io/v1", GatewayTarget: gateways, HTTPRouteTarget: gateways, GRPCRouteTarget: gateways,
		TLSRouteTarget: gateways, ServiceTarget: "v1",
	}
	want, known := versions[ref.Kind]
	switch {
	case ref.Kind == "" || ref.Name == "":
		v.refuse("spec.targetRef", nil, "must have kind and name")
	case !known:
		v.refuse("spec.targetRef.kind", ref.Kind, "must be %s, %s, %s, %s, %s or %s", IngressTarget, GatewayTarget,
			HTTPRouteTarget,
			GRPCRouteTarget, TLSRouteTarget, ServiceTarget)
	case ref.APIVersion != "" && ref.APIVersion != want:
		v.refuse("spec.targetRef.apiVersion", ref.APIVersion, "must be %s for %s, or left out", want, ref.Kind)
	}
	if ref.Parent == nil {
		return
	}
	switch kind := ref.Parent.Kind; {
	case known && !strings.HasSuffix(ref.Kind, "Route"):
		v.refuse("spec.targetRef.parent", nil, "goes with %s, %s or %s only", HTTPRouteTarget, GRPCRouteTarget,
			TLSRouteTarget)
	case *ref.Parent == ParentRef{}:
		v.refuse("spec.targetRef.parent", nil, "must have at least one of kind, namespace, name and sectionName")
	case kind != "" && kind != GatewayParent && kind != ListenerSetParent:
		v.refuse("spec.targetRef.parent.kind", kind, "must be %s or %s, or left out", GatewayParent, ListenerSetParent)
	}
}

// target judges what a Region's records point at.
func (v *validator) target(at string, r Region) {
	policy := v.p.Spec.Routing.Policy
	switch {
	case r.LoadBalancer != nil && len(r.Addresses) > 0:
		v.refuse(at, nil, "must have a loadBalancer or addresses, not both")
	case r.LoadBalancer != nil:
		if policy == Multivalue { // r53: A.1
			v.refuse(at+".loadBalancer", nil, "%s routing needs addresses: Route 53 has no multivalue aliases", Multivalue)
		}
		if r.TTL != nil { // r53: A.9
			v.refuse(at+".ttl", *r.TTL, "goes with addresses only: answers for a load balancer always have 60 s")
		}
		v.loadBalancer(at+".loadBalancer", r)
	case len(r.Addresses) > 0:
		v.addresses(at, r)
	case v.p.Spec.TargetRef == nil:
		v.refuse(at, nil, "must have a loadBalancer or addresses")
	}
}

func (v *validator) loadBalancer(at string, r Region) {
	lb, given := *r.LoadBalancer, 0
	for _, s := range []string{lb.Name, lb.ARN, lb.DNSName} {
		if s != "" {
			given++
		}
	}
	if given != 1 {
		v.refuse(at, nil, "must have exactly one of name, arn and dnsName")
		return
	}
	if lb.HostedZoneID != "" && lb.DNSName == "" {
		v.refuse(at+".hostedZoneId", lb.HostedZoneID, "goes with dnsName only: it is looked up otherwise")
	}
	if lb.Name != "" && !hasOnly(lb.Name, "-") {
		v.refuse(at+".name", lb.Name, "must be the name of a load balancer: letters, digits and -")
	}
	if lb.ARN != "" {
		_, aws := zone.CanonicalHostedZoneID(r.Name)
		in, partition := partsOfARN(lb.ARN)
		of, known := zone.PartitionOfRegion(in)
		switch {
		case in == "":
			v.refuse(at+".arn", lb.ARN, "must be arn:<partition>:elasticloadbalancing:<region>:<account>:loadbalancer/…")
		case known && partition != of.ID:
			v.refuse(at+".arn", lb.ARN, "names the partition %s, and %s is in %s", partition, in, of.ID)
		case aws && in != r.Name:
			v.refuse(at+".arn", lb.ARN, "is in %s, not in %s", in, r.Name)
		}
	}
	if lb.DNSName != "" {
		v.balancerName(at, lb)
	}
}

// balancerName judges a load balancer that is not looked up. r53: E.2.
func (v *validator) balancerName(at string, lb LoadBalancer) {
	owned := slices.ContainsFunc(v.facts.Zones, func(z zone.HostedZone) bool { return z.ID == lb.HostedZoneID })
	name, err := zone.ParseName(lb.DNSName)
	switch {
	case err != nil:
		v.refuse(at+".dnsName", lb.DNSName, "is not a domain name: %v", err)
	case !isHostname(name):
		v.refuse(at+".dnsName", lb.DNSName, "must be a host name")
	case name == hostnameOf(v.p):
		v.refuse(at+".dnsName", lb.DNSName, "is the hostname itself")
	case lb.HostedZoneID == "" && canonicalZone(name) == "":
		v.refuse(at+".hostedZoneId", nil, "is missing: only the name of an Application Load Balancer tells it")
	case lb.HostedZoneID == "":
	case owned:
		v.refuse(at+".hostedZoneId", lb.HostedZoneID, "is a hosted zone of the account: the canonical id of the load "+
			"balancer's zone is wanted")
	case !isZoneID(lb.HostedZoneID):
		v.refuse(at+".hostedZoneId", lb.HostedZoneID, "must be Z and at most 31 letters and digits in upper case")
	case zone.IsServiceZone(lb.HostedZoneID) && !zone.InLoadBalancerZone(lb.HostedZoneID, name):
		v.refuse(at+".hostedZoneId", lb.HostedZoneID, "is of another Region or kind of load balancer than %s", lb.DNSName)
	}
}

func (v *validator) addresses(at string, r Region) {
	count := map[IPFamily]int{}
	for i, text := range r.Addresses {
		path := fmt.Sprintf("%s.addresses[%d]", at, i)
		a, err := netip.ParseAddr(text)
		switch {
		case err != nil || a.Zone() != "" || a.Is4In6():
			v.refuse(path, text, "is neither an IPv4 nor an IPv6 address")
			continue
		case health.NeverEndpoint(a), v.facts.Provider == AWS && health.Restricted(a): // r53: B.5
			v.refuse(path, text, "no checker of %s may probe this address", v.facts.Provider)
		case slices.Contains(parsed(r.Addresses[:i]), a):
			v.refuse(path, text, "is given twice")
		}
		count[family(a)]++
	}
	if policy := v.p.Spec.Routing.Policy; policy != Failover && policy != Geolocation {
		// One value a set is what Route 53 takes for sure. Whether weighted and latency sets take several, and how several of
		// a multivalue set count, is (unconfirmed).
		for _, f := range []IPFamily{IPv4, IPv6} {
			if count[f] > 1 {
				v.refuse(at+".addresses", r.Addresses, "%s routing takes one %s address a Region", policy, f)
			}
		}
	}
	v.ttl(at, r)
}

// ttl judges TTLs; those of weighted sets must be equal (r53: A.5), those of multivalue sets had better be
// (unconfirmed, r53: A.8).
func (v *validator) ttl(at string, r Region) {
	if *r.TTL < 0 || *r.TTL > maxTTL {
		v.refuse(at+".ttl", *r.TTL, "must be 0 to %d seconds", maxTTL)
	}
	policy := v.p.Spec.Routing.Policy
	if policy != Weighted && policy != Multivalue {
		return
	}
	for _, other := range v.p.Spec.Regions {
		if other.Name == r.Name {
			return
		}
		if other.TTL != nil && *other.TTL != *r.TTL {
			v.refuse(at+".ttl", *r.TTL, "must be %d as in %s: %s routing has one TTL", *other.TTL, other.Name, policy)
			return
		}
	}
}

// hasOnly reports whether a text has nothing but ASCII letters, digits and some characters more.
func hasOnly(s, more string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune(more, r)
	})
}

func isZoneID(s string) bool {
	return strings.HasPrefix(s, "Z") && len(s) <= 32 &&
		!strings.ContainsFunc(s, func(r rune) bool { return (r < 'A' || r > 'Z') && (r < '0' || r > '9') })
}
