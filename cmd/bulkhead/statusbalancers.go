package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/bulkhead-dns/bulkhead/apply"
	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// balancersTimeout bounds what is asked of load balancers beside the health of an application.
const balancersTimeout = 10 * time.Second

// readBalancersOf describes the load balancers that the record sets of policies lead to, with their rules and target
// health. What cannot be read is not said; where the account does not let, that is told once.
func readBalancersOf(ctx context.Context, stderr io.Writer, in *look, policies map[string]bool) error {
	in.LoadBalancers = nil
	owners := plan.NewOwners(in.State)
	names := map[string][]zone.Name{} // by Region
	for i := range in.State.Records {
		set := &in.State.Records[i].Set
		if set.AliasTarget == nil || !policies[plan.PolicyOf(owners.Key(set))] {
			continue
		}
		name := zone.Name(strings.TrimPrefix(string(set.AliasTarget.DNSName), "dualstack."))
		if region, ok := zone.LoadBalancerRegion(set.AliasTarget.HostedZoneID); ok && !slices.Contains(names[region], name) {
			names[region] = append(names[region], name)
		}
	}
	patient, cancel := context.WithTimeout(ctx, balancersTimeout)
	defer cancel()
	for _, region := range slices.Sorted(maps.Keys(names)) {
		found, err := in.applier.Balancers(patient, region, names[region])
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil && apply.Denied(err) {
			fmt.Fprintf(stderr, "load balancers of %s were not read (%s): nothing is said of their rules and targets\n", region, brief(err))
		}
		for _, b := range found {
			in.LoadBalancers = append(in.LoadBalancers, balancer(b))
		}
	}
	return nil
}
