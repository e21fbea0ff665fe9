package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/smithy-go"

	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// listeners fills in the rules of the load balancers that policies name, so that compiling can say whether one of them
// answers probes itself: those that were looked up, and those that are given by their DNS names and are this account's.
// Nothing depends on it but warnings. What was looked up and does not tell its listeners is noted; a name may be
// another account's, and is not.
func (a *Applier) listeners(ctx context.Context, policies []failover.Policy, facts *failover.Facts) ([]plan.Finding,
	error) {
	if a.o.ELBv2 == nil {
		return nil, nil
	}
	var notes []plan.Finding
	for i := range facts.LoadBalancers {
		fact := &facts.LoadBalancers[i]
		if fact.ARN == "" || len(fact.Rules) > 0 {
			continue
		}
		var err error
		fact.Rules, err = describer{a: a, client: a.o.ELBv2(fact.Region)}.rules(ctx, fact.ARN, nil)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if err != nil {
			notes = append(notes, plan.Finding{Object: "load balancer " + fact.Name + " in " + fact.Region, Text: fmt.Sprintf(
				"its listeners were not read (%s): whether it answers health checks itself, as by a redirect, is not told",
				reason(err))})
		}
	}
	named := make(map[string][]zone.Name) // by Region
	for _, p := range policies {
		for _, r := range p.Spec.Regions {
			if r.LoadBalancer == nil || r.LoadBalancer.DNSName == "" {
				continue
			}
			name, err := zone.ParseName(r.LoadBalancer.DNSName)
			if err != nil {
				continue
			}
			name = failover.PlainName(name)
			id, _ := zone.LoadBalancerZone(name)
			region, known := zone.LoadBalancerRegion(id)
			if !known || slices.Contains(named[region], name) ||
				slices.ContainsFunc(facts.LoadBalancers, func(f failover.LoadBalancerFact) bool {
					return f.DNSName == name
				}) {
				continue
			}
			named[region] = append(named[region], name)
		}
	}
	patient, cancel := context.WithTimeout(ctx, namesTimeout)
	defer cancel()
	for _, region := range sortedKeys(named) {
		found, err := a.rulesOfNames(patient, region, named[region])
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if err == nil {
			facts.LoadBalancers = append(facts.LoadBalancers, found...)
		}
	}
	return notes, nil
}

// namesTimeout bounds what is asked for warnings alone.
const namesTimeout = 5 * time.Second

// rulesOfNames describes those load balancers of a Region that have one of the DNS names, with their rules.
func (a *Applier) rulesOfNames(ctx context.Context, region string, names []zone.Name) ([]failover.LoadBalancerFact,
	error) {
	d := describer{a: a, client: a.o.ELBv2(region)}
	all, err := d.all(ctx, region)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(f failover.LoadBalancerFact) bool { return !slices.Contains(names, f.DNSName) })
	for i := range all {
		if all[i].Rules, err = d.rules(ctx, all[i].ARN, nil); err != nil {
			return nil, err
		}
		all[i].Name, all[i].ARN = "", "" // no policy finds it by these
	}
	return all, nil
}

// reason is what an error of an API comes down to.
func reason(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return err.Error()
}
