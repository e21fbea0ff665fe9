package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bulkhead-dns/bulkhead/apply"
	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// zonesNamed returns the zones that are named by name or id, in the order of the names; of zones with one name all.
func zonesNamed(zones []zone.HostedZone, names []string) ([]zone.HostedZone, error) {
	var chosen []zone.HostedZone
	for _, n := range names {
		found := false
		for _, z := range zones {
			if z.ID == n || strings.EqualFold(strings.TrimSuffix(n, "."), plainName(z.Name)) {
				chosen, found = append(chosen, z), true
			}
		}
		switch {
		case found:
		case len(zones) == 0:
			return nil, usageError{fmt.Errorf("--zone %s: the account has no hosted zone", n)}
		default:
			return nil, usageError{fmt.Errorf("--zone %s: no such hosted zone; the account has: %s", n, strings.Join(zoneNames(zones), ", "))}
		}
	}
	return chosen, nil
}

func zoneNames(zones []zone.HostedZone) []string {
	names := make([]string, len(zones))
	for i, z := range zones {
		names[i] = plainName(z.Name)
	}
	return names
}

func plainName(n zone.Name) string { return strings.TrimSuffix(string(n), ".") }

// completeZones completes the names of an account's zones; there are none where it cannot be read.
func completeZones(a *account) cobra.CompletionFunc {
	return func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		applier, _, err := a.open(cmd.Context(), nil, apply.Options{})
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		zones, err := applier.Zones(cmd.Context())
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return zoneNames(zones), cobra.ShellCompDirectiveNoFileComp
	}
}

// citedCollections are the CIDR collections that record sets go by, sorted.
func citedCollections(records []plan.Record) (ids []string) {
	for i := range records {
		if c := records[i].Set.CidrRoutingConfig; c != nil {
			ids = append(ids, c.CollectionID)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// readPolicies reads those of -f, completed by their classes, and the class that names the account; nothing without
// files.
func readPolicies(stdin io.Reader, files []string) ([]failover.Policy, *failover.Class, error) {
	if len(files) == 0 {
		return nil, nil, nil
	}
	objects, err := readObjects(stdin, files)
	if err != nil {
		return nil, nil, err
	}
	groups, err := apply.GroupByClass(objects)
	if errors.Is(err, apply.ErrNoPolicies) {
		return nil, nil, fmt.Errorf("%s: %w", strings.Join(files, ", "), err)
	}
	if err != nil {
		return nil, nil, err
	}
	var policies []failover.Policy
	for _, g := range groups {
		for _, p := range g.Policies {
			policies = append(policies, failover.Default(p, g.Class))
		}
	}
	return policies, apply.Account(groups), nil
}
