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
)

// StatusOptions of Statuses.
type StatusOptions struct {
	// LastFailures reads the last failed probe of every checker too, with another call for each check.
	LastFailures bool
	// Progress is told how many of how many checks have been read, after each; nil is not called.
	Progress func(done, of int)
}

// Statuses returns what every checker of endpoint checks says, by the id of the check, without checkers that have not
// probed yet; of a check that does not exist any more, nothing. A CALCULATED check has no status, and to ask for it is
// an error. There is one call for each check, two with LastFailures, and AWS allows about one a second, after the first
// four. r53: B.7, C.8.
func (a *Applier) Statuses(ctx context.Context, ids []string, o StatusOptions) (map[string][]health.Report, error) {
	statuses := make(map[string][]health.Report, len(ids))
	for i, id := range ids {
		reports, exists, err := a.reports(ctx, id)
		// whatever it has seen: which calls are made, and need a right, does not change by the minute
		if err == nil && o.LastFailures && exists {
			err = a.lastFailures(ctx, id, reports)
		}
		if err != nil {
			return nil, err
		}
		statuses[id] = reports
		if o.Progress != nil {
			o.Progress(i+1, len(ids))
		}
	}
	return statuses, nil
}

// lastFailures adds the last failed probe of every checker to its report.
func (a *Applier) lastFailures(ctx context.Context, id string, reports []health.Report) error {
	do := call[*route53.GetHealthCheckLastFailureReasonInput, *route53.GetHealthCheckLastFailureReasonOutput]{
		name: "GetHealthCheckLastFailureReason", do: a.o.Route53.GetHealthCheckLastFailureReason}
	out, err := do.send(ctx, a, &route53.GetHealthCheckLastFailureReasonInput{HealthCheckId: &id})
	var gone *types.NoSuchHealthCheck
	switch {
	case errors.As(err, &gone):
		return nil
	case err != nil:
		return fmt.Errorf("read the last failures of health check %s: %w", id, err)
	}
	for _, o := range out.HealthCheckObservations {
		if o.StatusReport == nil || !strings.HasPrefix(aws.ToString(o.StatusReport.Status), "Failure") {
			continue // none failed yet
		}
		for i := range reports {
			if r := &reports[i]; r.IPAddress == aws.ToString(o.IPAddress) && r.Region == string(o.Region) {
				r.Failure, r.FailureTime = aws.ToString(o.StatusReport.Status), aws.ToTime(o.StatusReport.CheckedTime)
			}
		}
	}
	return nil
}
