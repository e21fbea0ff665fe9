package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/aws/smithy-go"
	"github.com/spf13/cobra"

	"github.com/bulkhead-dns/bulkhead/apply"
	"github.com/bulkhead-dns/bulkhead/audit"
	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/quota"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// A survey is what is judged, and what is to be said about how it was read.
type survey struct {
	input   audit.Input
	partial bool     // not all zones were read: what nobody cites here may be cited there
	notes   []string // what could not be read, and what that means
	calls   map[string]int
}

// load reads a file that keep has written.
func (s *survey) load(file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&s.input); err != nil {
		return fmt.Errorf("%s: %w: use a file that --out has written", file, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: there is more behind the document: use a file that --out has written", file)
	}
	return nil
}

// read reads an account.
func (a *auditFlags) read(cmd *cobra.Command, class *failover.Class, s *survey) error {
	ctx := cmd.Context()
	applier, provider, err := a.account.open(ctx, class, apply.Options{})
	if err != nil {
		return err
	}
	defer func() { s.calls = applier.Calls() }()
	defer sayReading(ctx, cmd.ErrOrStderr(), applier)()
	s.input.Provider = provider
	zones, err := applier.Zones(ctx)
	if err != nil {
		return err
	}
	chosen, err := a.chosen(zones)
	if err != nil {
		return err
	}
	if s.input.State.Checks, err = applier.Checks(ctx); err != nil {
		return err
	}
	for _, z := range zones {
		wanted := slices.ContainsFunc(chosen, func(c zone.HostedZone) bool { return c.ID == z.ID })
		if err := s.readZone(ctx, applier, z, wanted); err != nil {
			return err
		}
	}
	if err := s.readCollections(ctx, applier); err != nil {
		return err
	}
	if err := s.readBalancers(ctx, applier, a.ownAll); err != nil {
		return err
	}
	if provider == failover.AWS {
		if err := s.readLimits(ctx, applier, chosen); err != nil {
			return err
		}
	}
	if a.health {
		return s.readReports(ctx, applier)
	}
	return nil
}

// readZone reads the record sets of a zone. One that is not judged may be closed to whoever audits.
func (s *survey) readZone(ctx context.Context, applier *apply.Applier, z zone.HostedZone, wanted bool) error {
	records, err := applier.Records(ctx, z)
	switch {
	case err != nil && !wanted && apply.Denied(err):
		s.partial = true
		s.notes = append(s.notes, fmt.Sprintf("Zone %s was not read (%s): nothing is said of health checks that only it may use.",
			plainName(z.Name), brief(err)))
		return nil
	case err != nil:
		return err
	}
	s.input.State.Zones = append(s.input.State.Zones, z)
	s.input.State.Records = append(s.input.State.Records, records...)
	return nil
}

// readCollections reads the CIDR collections that record sets cite.
func (s *survey) readCollections(ctx context.Context, applier *apply.Applier) error {
	for _, id := range citedCollections(s.input.State.Records) {
		c, err := applier.Collection(ctx, id)
		switch {
		case err != nil && apply.Denied(err):
			s.notes = append(s.notes, fmt.Sprintf("CIDR collection %s was not read (%s): its clients are judged by the default location.",
				id, brief(err)))
		case err != nil:
			return err
		default:
			s.input.Collections = append(s.input.Collections, c)
		}
	}
	return nil
}

// readLimits reads the account's quotas, and those of the zones that are judged.
func (s *survey) readLimits(ctx context.Context, applier *apply.Applier, zones []zone.HostedZone) error {
	s.input.Limits, s.input.RecordSetLimits = quota.Default(), map[string]int{}
	var err error
	if s.input.Limits.HealthChecks, err = applier.HealthCheckLimit(ctx); err == nil {
		for _, z := range zones {
			if s.input.RecordSetLimits[z.ID], err = applier.RecordSetLimit(ctx, z); err != nil {
				break
			}
		}
	}
	s.input.Limits.RecordSetsPerZone = 0 // each zone has its own
	if err != nil && apply.Denied(err) {
		s.input.Limits, s.input.RecordSetLimits = quota.Default(), nil
		s.notes = append(s.notes, fmt.Sprintf("Quotas were not read (%s): they are taken to be those that an account has at first.", brief(err)))
		return nil
	}
	return err
}

// readBalancers describes the load balancers that aliases name, Region by Region. A Region that does not tell costs
// findings and nothing else.
func (s *survey) readBalancers(ctx context.Context, applier *apply.Applier, ownAll bool) error {
	names := map[string][]zone.Name{} // by Region
	for _, r := range s.input.State.Records {
		if a := r.Set.AliasTarget; a != nil {
			name := zone.Name(strings.TrimPrefix(string(a.DNSName), "dualstack."))
			if region, ok := zone.LoadBalancerRegion(a.HostedZoneID); ok && !slices.Contains(names[region], name) {
				names[region] = append(names[region], name)
			}
		}
	}
	all := true
	for _, region := range slices.Sorted(maps.Keys(names)) {
		found, err := applier.Balancers(ctx, region, names[region])
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			all = false
			s.notes = append(s.notes, fmt.Sprintf("Load balancers of %s were not read (%s): nothing is said of their rules and targets.",
				region, brief(err)))
			continue
		}
		for _, b := range found {
			s.input.LoadBalancers = append(s.input.LoadBalancers, balancer(b))
			names[region] = slices.DeleteFunc(names[region], func(n zone.Name) bool { return n == b.DNSName })
		}
		for _, missing := range names[region] {
			if !ownAll {
				s.notes = append(s.notes, fmt.Sprintf("Load balancer %s is none of this account: it may be another account's, or be gone "+
					"(--own-load-balancers tells of those as findings).", plainName(missing)))
			}
		}
	}
	s.input.AllLoadBalancers = ownAll && all
	return nil
}

func balancer(b apply.Balancer) audit.LoadBalancer {
	return audit.LoadBalancer{DNSName: b.DNSName, HostedZoneID: b.HostedZoneID, Rules: b.Rules, TargetGroups: b.TargetGroups}
}

// readReports reads what the checkers of every endpoint check say.
func (s *survey) readReports(ctx context.Context, applier *apply.Applier) error {
	s.input.Reports = map[string][]health.Report{}
	for i := range s.input.State.Checks {
		c := &s.input.State.Checks[i]
		if !c.Config.Probed() {
			continue // others have no status that could be read. r53: B.7
		}
		reports, err := applier.Reports(ctx, c.ID)
		if err != nil {
			return err
		}
		if len(reports) == 0 {
			continue
		}
		s.input.Reports[c.ID] = reports
		status, _ := health.Aggregate(c.Config, reports, nil)
		c.Healthy = &status.Healthy
	}
	return nil
}

// brief is what an error of an API comes down to.
func brief(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return err.Error()
}
