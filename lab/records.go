package lab

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
)

// ZoneName is the hosted zone of the lab's applications when no definition says otherwise.
const ZoneName = DefaultZone + "."

// LoadBalancerFacts are what records and health checks need to know of a Region's load balancer.
type LoadBalancerFacts struct {
	Region       string `json:"region"`
	Name         string `json:"name"` // "demoalb"
	DNSName      string `json:"dnsName"`
	HostedZoneID string `json:"hostedZoneId"` // canonical, for alias targets
	Port         int    `json:"port"`
}

// ZoneRecordsOptions of EnsureZoneRecords.
type ZoneRecordsOptions struct {
	Zone             string // the hosted zone: "example.com."
	Placements       []Placement
	RequestInterval  int // seconds: 10 or 30; the engine also takes 1 to 9
	FailureThreshold int // 1 to 10
}

// A Placement is one application in one Region.
type Placement struct {
	Application  Application
	LoadBalancer LoadBalancerFacts // that it is behind
}

// ZoneRecords are the records and health checks of the applications in one hosted zone. Every application fails over by
// itself although the load balancers are shared: for each application and Region there is one health check, which asks
// the Region's load balancer for the application's own health path, and one latency alias record, which cites that
// check.
type ZoneRecords struct {
	HostedZoneID string      `json:"hostedZoneId"`
	Records      []AppRecord `json:"records"` // in the order of the options
}

// An AppRecord is one application in one Region.
type AppRecord struct {
	Application   string            `json:"application"`
	Name          string            `json:"name"` // "app1.example.com."
	Region        string            `json:"region"`
	HealthCheckID string            `json:"healthCheckId"`
	LoadBalancer  LoadBalancerFacts `json:"loadBalancer"`
}

// EnsureZoneRecords creates what is missing: the hosted zone, the health checks, and the records in one batch. It can
// be repeated, and completes a run that ended half-way. When it returns, every live node answers by the new records.
//
// A name that has address records already keeps them: somebody else wrote them. One thing changes in them: a health
// check of the lab that was replaced. A new interval needs a new check, because Route 53 cannot change an interval
// (r53: B.2).
func EnsureZoneRecords(ctx context.Context, client *route53.Client, o ZoneRecordsOptions) (ZoneRecords, error) {
	z := ZoneRecords{}
	var err error
	if z.HostedZoneID, err = ensureZone(ctx, client, o.Zone); err != nil {
		return ZoneRecords{}, err
	}
	checks, err := listLabChecks(ctx, client)
	if err != nil {
		return ZoneRecords{}, err
	}
	replaced := map[string]string{} // health check id: its successor
	for _, p := range o.Placements {
		app, lb := p.Application, p.LoadBalancer
		r := AppRecord{Application: app.Name, Name: app.Hostname + ".", Region: lb.Region, LoadBalancer: lb}
		reference := callerReference(app.Name, lb.Region)
		config := checkConfig(app, lb, o)
		if r.HealthCheckID, err = ensureCheck(ctx, client, checks[reference], reference, config); err != nil {
			return ZoneRecords{}, fmt.Errorf("health check of %s in %s: %w", app.Name, lb.Region, err)
		}
		for _, c := range checks[reference] {
			if *c.Id != r.HealthCheckID {
				replaced[*c.Id] = r.HealthCheckID
			}
		}
		z.Records = append(z.Records, r)
	}
	changes, err := z.missingRecords(ctx, client, replaced)
	if err != nil {
		return ZoneRecords{}, err
	}
	if err := z.change(ctx, client, "per-application failover", changes); err != nil {
		return ZoneRecords{}, err
	}
	for id := range replaced {
		if _, err := client.DeleteHealthCheck(ctx, &route53.DeleteHealthCheckInput{HealthCheckId: &id}); err != nil {
			return ZoneRecords{}, fmt.Errorf("delete replaced health check %s: %w", id, err)
		}
	}
	return z, nil
}

// UseTargetHealth rewrites the records in one batch: no health checks, EvaluateTargetHealth instead. Route 53 then sees
// only the health of the whole load balancer, so that all applications of a Region fail over together. r53: E.4.
func (z ZoneRecords) UseTargetHealth(ctx context.Context, client *route53.Client) error {
	return z.change(ctx, client, "failover by load balancer", z.upserts(true))
}

// UseHealthChecks rewrites the records in one batch so that every application has its own health check.
func (z ZoneRecords) UseHealthChecks(ctx context.Context, client *route53.Client) error {
	return z.change(ctx, client, "per-application failover", z.upserts(false))
}

func (z ZoneRecords) upserts(targetHealth bool) []types.Change {
	var changes []types.Change
	for _, r := range z.Records {
		changes = append(changes, types.Change{Action: types.ChangeActionUpsert,
			ResourceRecordSet: r.recordSet(targetHealth)})
	}
	return changes
}

func (r AppRecord) recordSet(targetHealth bool) *types.ResourceRecordSet {
	set := &types.ResourceRecordSet{
		Name:          &r.Name,
		Type:          types.RRTypeA,
		SetIdentifier: &r.Region,
		Region:        types.ResourceRecordSetRegion(r.Region),
		AliasTarget: &types.AliasTarget{
			DNSName:              aws.String(r.LoadBalancer.DNSName + "."),
			HostedZoneId:         &r.LoadBalancer.HostedZoneID,
			EvaluateTargetHealth: targetHealth,
		},
	}
	if !targetHealth {
		set.HealthCheckId = &r.HealthCheckID
	}
	return set
}

// missingRecords returns the changes that create records for names without address records, and that put successors in
// the place of replaced checks.
func (z ZoneRecords) missingRecords(ctx context.Context, client *route53.Client,
	replaced map[string]string) ([]types.Change, error) {
	taken := map[string]bool{}
	var changes []types.Change
	pages := route53.NewListResourceRecordSetsPaginator(client,
		&route53.ListResourceRecordSetsInput{HostedZoneId: &z.HostedZoneID})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("read record sets of %s: %w", z.HostedZoneID, err)
		}
		for _, set := range page.ResourceRecordSets {
			if set.Type == types.RRTypeA {
				taken[*set.Name] = true
			}
			if successor, ok := replaced[aws.ToString(set.HealthCheckId)]; ok {
				set.HealthCheckId = &successor
				changes = append(changes, types.Change{Action: types.ChangeActionUpsert, ResourceRecordSet: &set})
			}
		}
	}
	for _, r := range z.Records {
		if !taken[r.Name] {
			changes = append(changes, types.Change{Action: types.ChangeActionCreate, ResourceRecordSet: r.recordSet(false)})
		}
	}
	return changes, nil
}

// change sends one batch and waits until every live node answers by it.
func (z ZoneRecords) change(ctx context.Context, client *route53.Client, comment string, changes []types.Change) error {
	if len(changes) == 0 {
		return nil
	}
	out, err := client.ChangeResourceRecordSets(ctx, &route53.ChangeResourceRecordSetsInput{
		HostedZoneId: &z.HostedZoneID,
		ChangeBatch:  &types.ChangeBatch{Comment: &comment, Changes: changes},
	})
	if err != nil {
		return fmt.Errorf("change record sets of %s: %w", z.HostedZoneID, err)
	}
	waiter := route53.NewResourceRecordSetsChangedWaiter(client, func(w *route53.ResourceRecordSetsChangedWaiterOptions) {
		w.MinDelay, w.MaxDelay = 20*time.Millisecond, time.Second
	})
	if err := waiter.Wait(ctx, &route53.GetChangeInput{Id: out.ChangeInfo.Id}, time.Minute); err != nil {
		return fmt.Errorf("wait for change %s of %s: %w", *out.ChangeInfo.Id, z.HostedZoneID, err)
	}
	return nil
}

// maxReferences bounds the search for a caller reference that was never used.
const maxReferences = 100

// nthReference numbers caller references: Route 53 remembers those of deleted objects. r53: B.8, C.2.
func nthReference(reference string, n int) *string {
	return aws.String(reference + strconv.Itoa(n))
}

// ensureZone returns the id of the first public hosted zone of that name, whoever made it.
func ensureZone(ctx context.Context, client *route53.Client, name string) (string, error) {
	// The list starts at the name and goes on with others. r53: H.
	found, err := client.ListHostedZonesByName(ctx, &route53.ListHostedZonesByNameInput{DNSName: &name})
	if err != nil {
		return "", fmt.Errorf("find hosted zone %s: %w", name, err)
	}
	for _, hosted := range found.HostedZones {
		if *hosted.Name == name && (hosted.Config == nil || !hosted.Config.PrivateZone) {
			return strings.TrimPrefix(*hosted.Id, "/hostedzone/"), nil
		}
	}
	for n := 1; ; n++ {
		created, err := client.CreateHostedZone(ctx, &route53.CreateHostedZoneInput{
			Name:             &name,
			CallerReference:  nthReference("bulkhead-lab-zone-"+name, n),
			HostedZoneConfig: &types.HostedZoneConfig{Comment: aws.String("the lab's applications")},
		})
		var used *types.HostedZoneAlreadyExists
		if errors.As(err, &used) && n < maxReferences {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("create hosted zone %s: %w", name, err)
		}
		return strings.TrimPrefix(*created.HostedZone.Id, "/hostedzone/"), nil
	}
}

// callerReference is the beginning of the caller references of an application's health checks in a Region.
func callerReference(application, region string) string {
	return "bulkhead-lab-" + application + "-" + region + "-"
}

// listLabChecks returns the health checks that the lab made, by the beginning of their caller reference, oldest
// reference first.
func listLabChecks(ctx context.Context, client *route53.Client) (map[string][]types.HealthCheck, error) {
	checks := map[string][]types.HealthCheck{}
	pages := route53.NewListHealthChecksPaginator(client, &route53.ListHealthChecksInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("read health checks: %w", err)
		}
		for _, c := range page.HealthChecks {
			if reference, number := splitReference(*c.CallerReference); number > 0 {
				checks[reference] = append(checks[reference], c)
			}
		}
	}
	for _, list := range checks {
		slices.SortFunc(list, func(x, y types.HealthCheck) int {
			_, nx := splitReference(*x.CallerReference)
			_, ny := splitReference(*y.CallerReference)
			return cmp.Compare(nx, ny)
		})
	}
	return checks, nil
}

// splitReference takes a numbered caller reference apart; the number of a foreign one is 0.
func splitReference(s string) (reference string, number int) {
	i := strings.LastIndexByte(s, '-') + 1
	number, err := strconv.Atoi(s[i:])
	if err != nil || !strings.HasPrefix(s, "bulkhead-lab-") {
		return "", 0
	}
	return s[:i], number
}

// checkConfig asks for the application's health path under the load balancer's own name: the probe carries that name as
// Host, and the Ingress rule of the path names no host. r53: B.3, H.
func checkConfig(app Application, lb LoadBalancerFacts, o ZoneRecordsOptions) *types.HealthCheckConfig {
	return &types.HealthCheckConfig{
		Type:                     types.HealthCheckTypeHttp,
		FullyQualifiedDomainName: &lb.DNSName,
		Port:                     aws.Int32(int32(lb.Port)),
		ResourcePath:             &app.HealthPath,
		RequestInterval:          aws.Int32(int32(o.RequestInterval)),
		FailureThreshold:         aws.Int32(int32(o.FailureThreshold)),
	}
}

// ensureCheck returns the id of a check with these settings: one that has them, else one that can be updated to them,
// else a new one.
func ensureCheck(ctx context.Context, client *route53.Client, have []types.HealthCheck, reference string,
	want *types.HealthCheckConfig) (string, error) {
	for _, c := range have {
		is := c.HealthCheckConfig
		if is.Type != want.Type || aws.ToInt32(is.RequestInterval) != *want.RequestInterval {
			continue
		}
		if aws.ToString(is.FullyQualifiedDomainName) == *want.FullyQualifiedDomainName &&
			aws.ToInt32(is.Port) == *want.Port &&
			aws.ToString(is.ResourcePath) == *want.ResourcePath && aws.ToInt32(is.FailureThreshold) == *want.FailureThreshold {
			return *c.Id, nil
		}
		_, err := client.UpdateHealthCheck(ctx, &route53.UpdateHealthCheckInput{
			HealthCheckId:            c.Id,
			FullyQualifiedDomainName: want.FullyQualifiedDomainName,
			Port:                     want.Port,
			ResourcePath:             want.ResourcePath,
			FailureThreshold:         want.FailureThreshold,
		})
		return *c.Id, err
	}
	for n := 1; ; n++ {
		created, err := client.CreateHealthCheck(ctx, &route53.CreateHealthCheckInput{
			CallerReference:   nthReference(reference, n),
			HealthCheckConfig: want,
		})
		var used *types.HealthCheckAlreadyExists
		if errors.As(err, &used) && n < maxReferences {
			continue
		}
		if err != nil {
			return "", err
		}
		return *created.HealthCheck.Id, nil
	}
}
