package demo

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"

	"github.com/bulkhead-dns/bulkhead/apply"
	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/lab"
	"github.com/bulkhead-dns/bulkhead/plan"
)

// teamOf is the namespace of the team that owns an application.
func teamOf(application string) string {
	if application == "app2" {
		return "team-b"
	}
	return "team-a"
}

// policies are what the two teams ask for, as examples/twoapps says it, with the port and the timers of this demo.
func policies(applications []lab.Application, balancers []lab.LoadBalancerFacts,
	interval, threshold int) []failover.Policy {
	var all []failover.Policy
	for _, a := range applications {
		p := failover.Policy{
			APIVersion: failover.APIVersion,
			Kind:       failover.PolicyKind,
			Metadata:   failover.Metadata{Name: a.Name, Namespace: teamOf(a.Name)},
			Spec: failover.PolicySpec{
				Hostname: a.Hostname,
				HealthCheck: failover.HealthCheck{
					Type: "HTTP", Port: new(balancers[0].Port), Path: a.HealthPath,
					RequestInterval: &interval, FailureThreshold: &threshold,
				},
				Routing: failover.Routing{Policy: failover.Latency},
			},
		}
		for _, b := range balancers {
			p.Spec.Regions = append(p.Spec.Regions, failover.Region{Name: b.Region,
				LoadBalancer: &failover.LoadBalancer{Name: "demoalb"}})
		}
		all = append(all, p)
	}
	return all
}

// publish writes zone, health checks and records through the Route 53 API: the zone by hand, the rest by plan and
// apply.
func (s *story) publish(ctx context.Context) error {
	zone, err := s.api.CreateHostedZone(ctx, &route53.CreateHostedZoneInput{
		Name:             aws.String(lab.ZoneName),
		CallerReference:  aws.String("bulkhead-demo"),
		HostedZoneConfig: &types.HostedZoneConfig{Comment: aws.String("the demo's applications")},
	})
	if err != nil {
		return fmt.Errorf("create hosted zone %s: %w", lab.ZoneName, err)
	}
	id := bareID(aws.ToString(zone.HostedZone.Id))
	s.log(KindAPI, "CreateHostedZone example.com → %s", id)

	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	applier, err := apply.New(apply.Options{
		Route53: s.api, Provider: failover.Engine, ELBv2: s.balancerAPI(transport), VerdictTimeout: s.healthTimeout()})
	if err != nil {
		return err
	}
	wanted := policies(lab.Applications(), s.lab.LoadBalancers(), s.o.Interval, s.o.Threshold)
	p, err := planFor(ctx, applier, wanted)
	if err != nil {
		return err
	}
	s.applied = Applied{Policies: len(wanted), WriteCalls: p.Counts.Calls.Total()}
	for _, step := range p.Steps {
		switch {
		case step.Kind == plan.CreateCheck:
			s.applied.HealthChecks++
		case step.Batch != nil:
			s.applied.RecordSets += len(step.Batch.Changes)
		}
	}
	s.log(KindPlan, "%d policies: %d health checks, %d records; %d calls that write", s.applied.Policies,
		s.applied.HealthChecks,
		s.applied.RecordSets, s.applied.WriteCalls)
	done, err := applier.Apply(ctx, p)
	if err != nil {
		return err
	}
	s.applied.Calls = applier.Calls()
	s.zone = zoneRecordsOf(id, lab.Applications(), s.lab.LoadBalancers(), done.Created)
	return s.published(ctx, applier, wanted)
}

// published says what was made, and that nothing is left to do.
func (s *story) published(ctx context.Context, applier *apply.Applier, wanted []failover.Policy) error {
	for _, r := range s.zone.Records {
		s.log(KindAPI, "CreateHealthCheck %s every %d s × %d → %s…", pad(r.Application+" "+r.Region, 17), s.o.Interval,
			s.o.Threshold, r.HealthCheckID[:8])
	}
	s.log(KindAPI, "ChangeResourceRecordSets  %d latency aliases, a check each", len(s.zone.Records))
	again, err := planFor(ctx, applier, wanted)
	if err != nil {
		return err
	}
	if !again.Empty() {
		return fmt.Errorf("the policies are applied, and there is something to do still:\n%s", again.Text(false))
	}
	s.log(KindPlan, "the same policies again: nothing to do")
	err = s.until(ctx, s.healthTimeout(), "every checker has found every application healthy",
		func() (bool, error) { return s.allHealthy(ctx) })
	if err != nil {
		return err
	}
	s.log(KindHealthy, "every checker of all %d checks has seen a good answer", len(s.zone.Records))
	return nil
}

// balancerAPI makes clients that look load balancers up; the lab describes those of all Regions on one address.
func (s *story) balancerAPI(transport *http.Transport) func(region string) *elasticloadbalancingv2.Client {
	c := s.lab.Node().Credentials()
	return func(region string) *elasticloadbalancingv2.Client {
		return elasticloadbalancingv2.New(elasticloadbalancingv2.Options{
			BaseEndpoint: aws.String(s.engine.API),
			Region:       region,
			Credentials:  credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey, ""),
			HTTPClient:   &http.Client{Transport: transport},
		})
	}
}

// zoneRecordsOf names what the policies made, for the chapter that turns the records back by hand.
func zoneRecordsOf(zoneID string, applications []lab.Application, balancers []lab.LoadBalancerFacts,
	created map[string]string) lab.ZoneRecords {
	a := lab.ZoneRecords{HostedZoneID: zoneID}
	for _, app := range applications {
		for _, b := range balancers {
			key := teamOf(app.Name) + "/" + app.Name + "/" + b.Region
			a.Records = append(a.Records, lab.AppRecord{
				Application: app.Name, Name: app.Hostname + ".", Region: b.Region, HealthCheckID: created[key], LoadBalancer: b})
		}
	}
	return a
}

// planFor compares what the policies want with what the engine has.
func planFor(ctx context.Context, a *apply.Applier, wanted []failover.Policy) (plan.Plan, error) {
	p, err := a.Prepare(ctx, apply.Request{Groups: []apply.Group{{Policies: wanted}}})
	return p.Plan, err
}

// bareID is an id without its kind: Z1 of /hostedzone/Z1.
func bareID(id string) string { return id[strings.LastIndexByte(id, '/')+1:] }
