package main

import (
	"context"
	"net"
	"net/netip"

	"github.com/bulkhead-dns/bulkhead/apply"
	"github.com/bulkhead-dns/bulkhead/explain"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// confirmAnswers asks the provider what it answers, and adds that to an explanation.
func confirmAnswers(ctx context.Context, applier *apply.Applier, name zone.Name, e *explain.Explanation) error {
	var addresses map[string][]netip.Addr
	for _, p := range e.Probes() {
		tested, err := applier.Test(ctx, e.ZoneID, name, e.Type, p.Address)
		if err != nil {
			return err
		}
		if tested.Why == "" && addresses == nil {
			addresses = resolve(ctx, e)
		}
		c := explain.Confirmation{Nameserver: tested.Nameserver, Code: tested.Code, Values: tested.Values}
		if err := e.Confirm(p, c, tested.Why, addresses); err != nil {
			return err
		}
	}
	return nil
}

// resolve finds the addresses of load balancers. One that has none here leaves its answers untold.
func resolve(ctx context.Context, e *explain.Explanation) map[string][]netip.Addr {
	network := "ip4"
	if e.Type == zone.AAAA {
		network = "ip6"
	}
	addresses := map[string][]netip.Addr{}
	for _, name := range e.Balancers() {
		prefix := ""
		if e.Type == zone.AAAA {
			prefix = "dualstack." // under which load balancers answer AAAA. r53: A.9
		}
		found, _ := net.DefaultResolver.LookupNetIP(ctx, network, prefix+name)
		addresses[name] = found
	}
	return addresses
}
