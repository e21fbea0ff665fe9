package apply

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/aws/smithy-go"

	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/quota"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// HealthCheckLimit reads how many health checks the account may have, 0 when there is no limit. r53: C.3, C.8.
func (a *Applier) HealthCheckLimit(ctx context.Context) (int, error) {
	c := call[*route53.GetAccountLimitInput, *route53.GetAccountLimitOutput]{name: "GetAccountLimit", optional: true,
		do: a.o.Route53.GetAccountLimit}
	out, err := c.send(ctx, a, &route53.GetAccountLimitInput{Type: types.AccountLimitTypeMaxHealthChecksByOwner})
	if err != nil {
		return 0, fmt.Errorf("read the quota of health checks: %w", err)
	}
	return accountLimit(out.Limit.Value), nil
}

// accountLimit is the value of a limit; 0 is none. An engine without one tells the largest number that every client can
// read.
func accountLimit(value *int64) int {
	if n := aws.ToInt64(value); n < math.MaxInt32 {
		return int(n)
	}
	return 0
}

// RecordSetLimit reads how many record sets a zone may have, 0 when there is no limit. r53: C.3, C.8.
func (a *Applier) RecordSetLimit(ctx context.Context, z zone.HostedZone) (int, error) {
	c := call[*route53.GetHostedZoneLimitInput, *route53.GetHostedZoneLimitOutput]{name: "GetHostedZoneLimit",
		optional: true, do: a.o.Route53.GetHostedZoneLimit}
	out, err := c.send(ctx, a, &route53.GetHostedZoneLimitInput{HostedZoneId: &z.ID,
		Type: types.HostedZoneLimitTypeMaxRrsetsByZone})
	if err != nil {
		return 0, fmt.Errorf("read the quota of %s (%s): %w", z.Name, z.ID, err)
	}
	return accountLimit(out.Limit.Value), nil
}

// Limits are the quotas that a plan is to keep: those of the account, and of the zones that it changes the smallest.
// Where they may not be read, they are what an account has at first.
func (a *Applier) Limits(ctx context.Context, p plan.Plan) (quota.Limits, error) {
	limits := quota.Default()
	n, err := a.HealthCheckLimit(ctx)
	switch {
	case err == nil:
		limits.HealthChecks = n
	case !Denied(err):
		return limits, err
	}
	least := 0 // of the zones with a limit
	for _, use := range p.Counts.Zones {
		n, err := a.RecordSetLimit(ctx, zone.HostedZone{ID: use.ID, Name: use.Name})
		switch {
		case err == nil && n == 0: // none
		case err == nil && (least == 0 || n < least):
			least = n
		case err != nil && Denied(err):
			return limits, nil
		case err != nil:
			return limits, err
		}
	}
	if len(p.Counts.Zones) > 0 {
		limits.RecordSetsPerZone = least
	}
	return limits, nil
}

// Denied reports whether an error says that the caller may not do something.
func Denied(err error) bool {
	var api smithy.APIError
	return errors.As(err, &api) && (strings.HasPrefix(api.ErrorCode(), "AccessDenied") ||
		api.ErrorCode() == "UnauthorizedOperation")
}
