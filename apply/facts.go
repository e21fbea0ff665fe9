package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go-v2/service/route53"

	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// balancersPerCall is how many names or ARNs one call may ask for. r53: E.1.
const balancersPerCall = 20

// Facts returns the provider, the hosted zones of the account and the load balancers that are looked up. One that does
// not exist is not among them: failover.Compile says which policy misses it. A load balancer whose name several have is
// there several times.
func (a *Applier) Facts(ctx context.Context, lookups []failover.Lookup) (failover.Facts, error) {
	zones, err := a.Zones(ctx)
	if err != nil {
		return failover.Facts{}, err
	}
	facts := failover.Facts{Provider: a.o.Provider, Zones: zones}
	type question struct {
		region string
		byARN  bool
	}
	asked := make(map[question][]string)
	var order []question
	for _, l := range lookups {
		q, what := question{l.Region, l.ARN != ""}, l.Name
		if q.byARN {
			what = l.ARN
		}
		if asked[q] == nil {
			order = append(order, q)
		}
		asked[q] = append(asked[q], what)
	}
	for _, q := range order {
		for group := range slices.Chunk(asked[q], balancersPerCall) {
			found, err := a.balancers(ctx, q.region, q.byARN, group)
			if err != nil {
				return failover.Facts{}, err
			}
			facts.LoadBalancers = append(facts.LoadBalancers, found...)
		}
	}
	return facts, nil
}

// Zones returns all hosted zones of the account, without their name servers.
func (a *Applier) Zones(ctx context.Context) ([]zone.HostedZone, error) {
	c := call[*route53.ListHostedZonesInput, *route53.ListHostedZonesOutput]{name: "ListHostedZones",
		do: a.o.Route53.ListHostedZones}
	var zones []zone.HostedZone
	for marker, more := (*string)(nil), true; more; {
		out, err := c.send(ctx, a, &route53.ListHostedZonesInput{Marker: marker, MaxItems: aws.Int32(zonesPerPage)})
		if err != nil {
			return nil, fmt.Errorf("read the hosted zones: %w", err)
		}
		for i := range out.HostedZones {
			z, err := zoneOf(&out.HostedZones[i])
			if err != nil {
				return nil, err
			}
			zones = append(zones, z)
		}
		marker, more = out.NextMarker, out.IsTruncated
	}
	return zones, nil
}

// balancers describes up to 20 load balancers of a Region. One that is missing makes the whole call fail, so that the
// others are then asked for by halves. r53: E.1.
func (a *Applier) balancers(ctx context.Context, region string, byARN bool, what []string) ([]failover.LoadBalancerFact,
	error) {
	if a.o.ELBv2 == nil {
		return nil, fmt.Errorf("load balancer %s in %s cannot be looked up: no ELBv2 client is given; write its dnsName "+
			"and hostedZoneId into the policy", what[0], region)
	}
	in := &elasticloadbalancingv2.DescribeLoadBalancersInput{Names: what}
	if byARN {
		in.Names, in.LoadBalancerArns = nil, what
	}
	a.count("DescribeLoadBalancers")
	out, err := a.o.ELBv2(region).DescribeLoadBalancers(ctx, in)
	var missing *elbtypes.LoadBalancerNotFoundException
	switch {
	case errors.As(err, &missing) && len(what) == 1:
		return nil, nil
	case errors.As(err, &missing):
		first, err := a.balancers(ctx, region, byARN, what[:len(what)/2])
		if err != nil {
			return nil, err
		}
		second, err := a.balancers(ctx, region, byARN, what[len(what)/2:])
		return slices.Concat(first, second), err
	case err != nil:
		return nil, fmt.Errorf("look up load balancers in %s: %w", region, err)
	}
	var facts []failover.LoadBalancerFact
	for i := range out.LoadBalancers {
		fact, err := balancerOf(region, &out.LoadBalancers[i])
		if err != nil {
			return nil, err
		}
		facts = append(facts, fact)
	}
	return facts, nil
}

func balancerOf(region string, lb *elbtypes.LoadBalancer) (failover.LoadBalancerFact, error) {
	name, err := zone.ParseName(aws.ToString(lb.DNSName))
	if err != nil {
		return failover.LoadBalancerFact{}, fmt.Errorf("load balancer %s in %s: %w", aws.ToString(lb.LoadBalancerName),
			region, err)
	}
	return failover.LoadBalancerFact{
		Region:       region,
		Name:         aws.ToString(lb.LoadBalancerName),
		ARN:          aws.ToString(lb.LoadBalancerArn),
		DNSName:      name,
		HostedZoneID: aws.ToString(lb.CanonicalHostedZoneId),
		DualStack:    lb.IpAddressType != elbtypes.IpAddressTypeIpv4 && lb.IpAddressType != "",
		Internal:     lb.Scheme == elbtypes.LoadBalancerSchemeEnumInternal,
	}, nil
}
