package apply

import (
	"cmp"
	"net/url"

	"github.com/bulkhead-dns/bulkhead/zone"
)

// Route53Region is the Region that requests to a Route 53 API are signed for: the one of the partition whose host the
// endpoint names, whatever Region is configured, because a partition has one Route 53. Without an endpoint, or with an
// engine's, it is the configured Region, from which the SDK finds the partition. r53: C.1.
func Route53Region(endpoint, configured string) string {
	if u, err := url.Parse(endpoint); err == nil {
		if p, aws := zone.PartitionOfHost(u.Hostname()); aws {
			return p.Route53Region
		}
	}
	return cmp.Or(configured, "us-east-1")
}

// CloudWatchRegion is the Region whose CloudWatch has the verdicts of Route 53's health checks: the one of Route 53 in
// its partition.
func CloudWatchRegion(endpoint, configured string) string {
	region := Route53Region(endpoint, configured)
	if p, aws := zone.PartitionOfRegion(region); aws {
		return p.Route53Region
	}
	return region
}
