package plan

import (
	"fmt"
	"iter"

	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// Prices of health checks in US cents a month: AWS's of July 2024, public partition, no volume agreement. r53: F.
const (
	insideCents        = 50 // an endpoint in AWS
	insideOptionCents  = 100
	insideFree         = 50 // so many of them have no base price, in an account
	outsideCents       = 75
	outsideOptionCents = 200
)

// CheckCents is what one health check costs in a month on AWS, in US cents, without regard to those that are free.
// inside says that the endpoint is a resource in AWS of the account that owns the check. Whether the options of the
// first 50 checks are free too is not said, so they are counted. r53: F.
func CheckCents(c health.Config, inside bool) int {
	if inside {
		return insideCents + optionsOf(c)*insideOptionCents
	}
	return outsideCents + optionsOf(c)*outsideOptionCents
}

// MonthlyCents is what the health checks of an account cost together in a month on AWS, in US cents. Where their
// endpoints are is judged by InsideAWS. r53: F.
func MonthlyCents(checks iter.Seq[health.Config]) int {
	sum, within := 0, 0
	for c := range checks {
		in := InsideAWS(c)
		sum += CheckCents(c, in)
		if in {
			within++
		}
	}
	return sum - min(within, insideFree)*insideCents
}

// optionsOf counts what is charged on top of a check: HTTPS, string match, an interval below 30 s, latency measurement.
func optionsOf(c health.Config) int {
	options := 0
	for _, on := range []bool{c.Type.IsTLS(), c.Type.MatchesString(), c.RequestInterval != nil && *c.RequestInterval < 30,
		c.MeasureLatency != nil && *c.MeasureLatency} {
		if on {
			options++
		}
	}
	return options
}

// InsideAWS reports whether a check's endpoint is known to be in AWS. A literal address or another name may be there
// too: it is counted at the higher price. Calculated checks and those of CloudWatch count as inside (unconfirmed). r53:
// F.
func InsideAWS(c health.Config) bool {
	if !c.Type.IsEndpoint() {
		return true
	}
	_, aws := zone.PartitionOfHost(c.FullyQualifiedDomainName)
	return c.IPAddress == "" && aws
}

// dollars writes cents as "$1.50".
func dollars(cents int) string { return fmt.Sprintf("$%d.%02d", cents/100, cents%100) }
