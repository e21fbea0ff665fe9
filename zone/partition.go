package zone

import (
	"slices"
	"strings"
)

// A Partition is a part of AWS with accounts, Regions and names of its own.
type Partition struct {
	ID            string // as ARNs have it: aws, aws-cn
	DNSSuffix     string // the end of the names of its services and load balancers
	DualStack     string // the end of the names of its services that also have IPv6
	Route53Region string // the Region in signatures of requests to its Route 53. r53: C.1
	regions       []string
}

// partitions returns the table of aws-sdk-go-v2 (internal/endpoints/awsrulesfn/partitions.json,
// service/route53/endpoints.go; November 2026). A Region is "<one of regions>-<word>-<number>". If Route 53 has no
// endpoint in a partition there, its Region is that of the other global services of the partition.
func partitions() []Partition {
	return []Partition{
		{"aws", "amazonaws.com", "api.aws", "us-east-1", []string{"us", "eu", "ap", "sa", "ca", "me", "af", "il", "mx"}},
		{"aws-cn", "amazonaws.com.cn", "api.amazonwebservices.com.cn", "cn-northwest-1", []string{"cn"}},
		{"aws-us-gov", "amazonaws.com", "api.aws", "us-gov-west-1", []string{"us-gov"}},
		{"aws-eusc", "amazonaws.eu", "api.amazonwebservices.eu", "eusc-de-east-1", []string{"eusc-de"}},
		{"aws-iso", "c2s.ic.gov", "api.aws.ic.gov", "us-iso-east-1", []string{"us-iso"}},
		{"aws-iso-b", "sc2s.sgov.gov", "api.aws.scloud", "us-isob-east-1", []string{"us-isob"}},
		{"aws-iso-e", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk", "eu-isoe-west-1", []string{"eu-isoe"}},
		{"aws-iso-f", "csp.hci.ic.gov", "api.aws.hci.ic.gov", "us-isof-south-1", []string{"us-isof"}},
	}
}

// PartitionNamed returns the partition that an ARN names: arn:<id>:….
func PartitionNamed(id string) (Partition, bool) {
	for _, p := range partitions() {
		if p.ID == id {
			return p, true
		}
	}
	return Partition{}, false
}

// PartitionOfRegion returns the partition of an AWS Region, by the form of its name. ok is false for other names.
func PartitionOfRegion(region string) (p Partition, ok bool) {
	rest, number := cutLast(region)
	area, word := cutLast(rest)
	if word == "" || number == "" || strings.Trim(number, "0123456789") != "" {
		return Partition{}, false
	}
	for _, p := range partitions() {
		if slices.Contains(p.regions, area) {
			return p, true
		}
	}
	return Partition{}, false
}

// cutLast splits a text at its last hyphen.
func cutLast(s string) (before, after string) {
	i := strings.LastIndexByte(s, '-')
	if i < 0 {
		return "", s
	}
	return s[:i], s[i+1:]
}

// PartitionOfHost returns the partition of a host of AWS, which is an API endpoint or a load balancer, by its name. ok
// is false for names outside AWS. Names in GovCloud have its Region, or us-gov, among their labels.
func PartitionOfHost(host string) (p Partition, ok bool) {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	labels := strings.Split(host, ".")
	for _, p := range partitions() {
		if !strings.HasSuffix(host, "."+p.DNSSuffix) && !strings.HasSuffix(host, "."+p.DualStack) {
			continue
		}
		if p.ID == "aws" && slices.ContainsFunc(labels,
			func(l string) bool { return l == "us-gov" || strings.HasPrefix(l, "us-gov-") }) {
			return PartitionNamed("aws-us-gov")
		}
		return p, true
	}
	return Partition{}, false
}
