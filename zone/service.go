package zone

import "strings"

// A Service is an AWS service, other than Elastic Load Balancing, at whose resources alias records may point.
type Service string

// The services, as messages call them.
const (
	CloudFront        Service = "CloudFront"
	GlobalAccelerator Service = "Global Accelerator"
	S3Website         Service = "S3 websites"
	APIGateway        Service = "API Gateway"
	VPCEndpoint       Service = "VPC endpoints"
	ElasticBeanstalk  Service = "Elastic Beanstalk"
)

// A serviceZone is the hosted zone id of a service in a Region.
type serviceZone struct {
	service Service
	region  string // "" for all, "cn" for those of China
	id      string
}

// ServiceOf returns the service of a hosted zone id. ok is false for other ids, such as those of load balancers.
func ServiceOf(hostedZoneID string) (s Service, ok bool) {
	for _, z := range serviceZones() {
		if z.id == hostedZoneID {
			return z.service, true
		}
	}
	return "", false
}

// IsAliasZone reports whether a hosted zone id belongs to load balancers (IsServiceZone) or to another service
// (ServiceOf).
func IsAliasZone(hostedZoneID string) bool {
	_, ok := ServiceOf(hostedZoneID)
	return ok || IsServiceZone(hostedZoneID)
}

// InAliasZone reports whether the name of a resource belongs to the hosted zone id that an alias cites. The resource is
// a load balancer (InLoadBalancerZone), or one of another service, by the service and Region in the name.
func InAliasZone(hostedZoneID string, n Name) bool {
	for _, z := range serviceZones() {
		if z.id == hostedZoneID {
			return z.holds(n)
		}
	}
	return InLoadBalancerZone(hostedZoneID, n)
}

// EvaluatesTargetHealth reports whether aliases into a hosted zone may have EvaluateTargetHealth. Aliases to CloudFront
// may not.
func EvaluatesTargetHealth(hostedZoneID string) bool {
	s, _ := ServiceOf(hostedZoneID)
	return s != CloudFront
}

// holds reports whether a name is that of a resource of the zone's service and Region.
func (z serviceZone) holds(n Name) bool {
	host, china := strings.CutSuffix(strings.TrimSuffix(string(n), "."), ".cn")
	if china != strings.HasPrefix(z.region, "cn") {
		return false
	}
	below := func(suffix string) bool { return strings.HasSuffix(host, "."+suffix) }
	switch z.service {
	case CloudFront:
		return below("cloudfront.net") || china && below("cloudfront")
	case GlobalAccelerator:
		return below("awsglobalaccelerator.com")
	case S3Website: // the endpoint itself, or a bucket's name under it; older Regions have a dash
		dot, dash := "s3-website."+z.region+".amazonaws.com", "s3-website-"+z.region+".amazonaws.com"
		return host == dot || host == dash || below(dot) || below(dash)
	case APIGateway:
		return below("execute-api." + z.region + ".amazonaws.com")
	case VPCEndpoint:
		return below(z.region + ".vpce.amazonaws.com")
	case ElasticBeanstalk:
		return below(z.region + ".elasticbeanstalk.com")
	}
	return false
}
