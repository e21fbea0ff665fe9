package zone

import (
	"slices"
	"strings"
)

// IsRegion reports whether latency and geoproximity records may have a Region of this name: one of
// ResourceRecordSetRegion in the API model.
func IsRegion(name string) bool { return slices.Contains(awsRegions(), name) }

// awsRegions are the values of ResourceRecordSetRegion in the API model of August 2026.
func awsRegions() []string {
	return []string{
		"af-south-1", "ap-east-1", "ap-east-2", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1",
		"ap-south-2",
		"ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5", "ap-southeast-6",
		"ap-southeast-7", "ca-central-1", "ca-west-1", "cn-north-1", "cn-northwest-1", "eu-central-1", "eu-central-2",
		"eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-2", "eu-west-3", "eusc-de-east-1", "il-central-1",
		"me-central-1", "me-south-1", "mx-central-1", "sa-east-1", "us-east-1", "us-east-2", "us-gov-east-1", "us-gov-west-1",
		"us-west-1", "us-west-2",
	}
}

// isLocalZoneGroup checks only the form of the name, because the reference does not have AWS's list of Local Zones.
// r53: A.7.
func isLocalZoneGroup(name string) bool {
	return slices.ContainsFunc(awsRegions(), func(region string) bool {
		rest, ok := strings.CutPrefix(name, region+"-")
		return ok && rest != ""
	})
}
