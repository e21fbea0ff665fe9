package zone

import "net/netip"

// A LoadBalancer is an ALB or NLB that alias records may point at: its name, the canonical hosted zone id that alias targets cite
// for it, and its addresses.
type LoadBalancer struct {
	DNSName      Name         `json:"dnsName"`
	HostedZoneID string       `json:"hostedZoneId"`
	Addresses    []netip.Addr `json:"addresses"`
}

// CanonicalHostedZoneID returns the canonical hosted zone id of the Application Load Balancers of an AWS Region; ok is false for a
// Region that is not known. r53: E.2.
func CanonicalHostedZoneID(region string) (id string, ok bool) { panic("contract") }

// IsServiceZone reports whether a hosted zone id is the canonical id of a load balancer zone (ALB or NLB, any Region). r53: E.2.
func IsServiceZone(hostedZoneID string) bool { panic("contract") }
