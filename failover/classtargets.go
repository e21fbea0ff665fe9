package failover

import (
	"net/netip"
	"slices"

	"github.com/bulkhead-dns/bulkhead/zone"
)

// ClassTargets are what policies may point health checks and records at. What a check finds is told to whoever asked
// for it, so a target that nobody has allowed is refused: a tenant could read what only the checkers reach. The zero
// value allows the load balancers of AWS whose hosted zone is known, and nothing else.
//
// +kubebuilder:object:generate=true
type ClassTargets struct {
	// CIDRs are the literal addresses that are allowed, in regions[].addresses and in the status of a source; default
	// none. Addresses that are not public (loopback, link-local, private, multicast, unspecified, shared, reserved,
	// instance metadata) are allowed only by a CIDR that lies within their range: 10.1.0.0/16 allows 10.1.2.3, and
	// 0.0.0.0/0 does not.
	CIDRs []string `json:"cidrs,omitempty" yaml:"cidrs,omitempty"`

	// DNSSuffixes are domains whose names are allowed as dnsName of a load balancer, besides the load balancers of AWS:
	// lb.example.net allows a.lb.example.net. Default none.
	DNSSuffixes []string `json:"dnsSuffixes,omitempty" yaml:"dnsSuffixes,omitempty"`

	// HostHeaders are names that healthCheck.hostHeader may have besides the policy's own hostname, which is always
	// allowed; a leading "*." stands for one label, {namespace} for the namespace's name. Default none.
	HostHeaders []string `json:"hostHeaders,omitempty" yaml:"hostHeaders,omitempty"`
}

// classTargets judges what a class says about targets.
func classTargets(refuse refusal, t ClassTargets) {
	for i, text := range t.CIDRs {
		path := index("spec.targets.cidrs", i)
		switch block, err := netip.ParsePrefix(text); {
		case err != nil || block.Addr().Is4In6():
			refuse(path, text, "must be a CIDR block such as 192.0.2.0/24 or 2001:db8::/32")
		case block != block.Masked():
			refuse(path, text, "has host bits: write %s", block.Masked())
		case slices.Contains(t.CIDRs[:i], text):
			refuse(path, text, "is given twice")
		}
	}
	for i, suffix := range t.DNSSuffixes {
		path := index("spec.targets.dnsSuffixes", i)
		switch name, err := zone.ParseName(suffix); {
		case err != nil || !isHostname(name):
			refuse(path, suffix, "must be a domain name such as lb.example.net; names below it are allowed")
		case slices.Contains(t.DNSSuffixes[:i], suffix):
			refuse(path, suffix, "is given twice")
		}
	}
	for i, pattern := range t.HostHeaders {
		hostnamePattern(refuse, index("spec.targets.hostHeaders", i), pattern)
	}
}
