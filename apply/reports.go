package apply

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"

	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// Checks returns all health checks of the account without their tags, so that none of them is known to be ours. It
// makes one call a page.
func (a *Applier) Checks(ctx context.Context) ([]plan.Check, error) { return a.listChecks(ctx) }

// Records returns all record sets of a zone, as they are listed. It makes one call a page.
func (a *Applier) Records(ctx context.Context, z zone.HostedZone) ([]plan.Record, error) {
	var records []plan.Record
	for from := (&pageStart{}); from != nil; {
		page, next, err := a.records(ctx, z, from)
		if err != nil {
			return nil, err
		}
		for _, set := range page {
			records = append(records, plan.Record{ZoneID: z.ID, Set: set})
		}
		from = next
	}
	return records, nil
}

// Reports returns what every checker of an endpoint check says, without those that have not probed yet; nothing when
// the check does not exist any more. There is one call for each check, and AWS allows about one a second. r53: B.7.
func (a *Applier) Reports(ctx context.Context, id string) ([]health.Report, error) {
	reports, _, err := a.reports(ctx, id)
	return reports, err
}

// reports is Reports, and says whether the check exists.
func (a *Applier) reports(ctx context.Context, id string) (reports []health.Report, exists bool, err error) {
	do := call[*route53.GetHealthCheckStatusInput, *route53.GetHealthCheckStatusOutput]{
		name: "GetHealthCheckStatus", do: a.o.Route53.GetHealthCheckStatus}
	out, err := do.send(ctx, a, &route53.GetHealthCheckStatusInput{HealthCheckId: &id})
	var gone *types.NoSuchHealthCheck
	switch {
	case errors.As(err, &gone):
		return nil, false, nil
	case err != nil:
		return nil, false, fmt.Errorf("read the status of health check %s: %w", id, err)
	}
	for _, o := range out.HealthCheckObservations {
		if o.StatusReport == nil || aws.ToString(o.StatusReport.Status) == "" {
			continue
		}
		status, address := aws.ToString(o.StatusReport.Status), aws.ToString(o.IPAddress)
		reports = append(reports, health.Report{Check: id, Checker: address + "/" + string(o.Region),
			Region:    string(o.Region),
			IPAddress: address, Healthy: strings.HasPrefix(status, "Success"), Status: status,
			CheckedTime: aws.ToTime(o.StatusReport.CheckedTime)})
	}
	return reports, true, nil
}
