package main

import (
	"fmt"
	"net/netip"
)

// parseProbeAllow reads the internal addresses that checkers may probe: addresses, and CIDRs without host bits.
func parseProbeAllow(list []string) ([]netip.Prefix, error) {
	var allowed []netip.Prefix
	for _, text := range list {
		prefix, err := netip.ParsePrefix(text)
		if a, addressErr := netip.ParseAddr(text); addressErr == nil && a.Zone() == "" {
			prefix, err = netip.PrefixFrom(a, a.BitLen()), nil
		}
		switch {
		case err != nil:
			return nil, fmt.Errorf("probeAllow (--probe-allow) %q: want an address or a CIDR, such as 10.0.0.0/8", text)
		case prefix.Addr().Is4In6():
			return nil, fmt.Errorf("probeAllow (--probe-allow) %s: write IPv4 addresses as IPv4, such as 10.0.0.0/8", text)
		case prefix != prefix.Masked():
			return nil, fmt.Errorf("probeAllow (--probe-allow) %s: bits are set after the prefix: want %s, or another length", text, prefix.Masked())
		}
		allowed = append(allowed, prefix)
	}
	return allowed, nil
}
