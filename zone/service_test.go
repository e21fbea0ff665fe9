package zone

import (
	"regexp"
	"testing"
)

func TestServiceZonesHoldTheirNames(t *testing.T) { // the names are AWS's own examples, or recorded with their ids
	for _, c := range []struct {
		id   string
		name Name
		want bool
	}{
		{"Z2FDTNDATAQYW2", "d111111abcdef8.cloudfront.net.", true},
		{"Z2FDTNDATAQYW2", "cloudfront.net.", false},
		{"Z2FDTNDATAQYW2", "d111111abcdef8.cloudfront.net.example.com.", false},
		{"Z2FDTNDATAQYW2", "d111111abcdef8.cloudfront.cn.", false},
		{"Z3RFFRIM2A3IF5", "d111111abcdef8.cloudfront.cn.", true},
		{"Z2BJ6XQ5FK7U4H", "a1234567890abcdef.awsglobalaccelerator.com.", true},
		{"Z2BJ6XQ5FK7U4H", "a1234567890abcdef.dualstack.awsglobalaccelerator.com.", true},
		{"Z1BKCTXD74EZPE", "s3-website-eu-west-1.amazonaws.com.", true},
		{"Z1BKCTXD74EZPE", "s3-website.eu-west-1.amazonaws.com.", true},
		{"Z1BKCTXD74EZPE", "www.example.com.s3-website-eu-west-1.amazonaws.com.", true},
		{"Z1BKCTXD74EZPE", "s3-website.eu-central-1.amazonaws.com.", false},
		{"Z1BKCTXD74EZPE", "s3-website-eu-west-1.amazonaws.com.cn.", false},
		{"Z1BKCTXD74EZPE", "evils3-website-eu-west-1.amazonaws.com.", false},
		{"Z21DNDUVLTQW6Q", "s3-website.eu-central-1.amazonaws.com.", true},
		{"Z5CN8UMXT92WN", "s3-website.cn-north-1.amazonaws.com.cn.", true},
		{"Z5CN8UMXT92WN", "s3-website.cn-north-1.amazonaws.com.", false},
		{"ZLY8HYME6SFDD", "d-7wg2eazpki.execute-api.eu-west-1.amazonaws.com.", true},
		{"ZLY8HYME6SFDD", "d-7wg2eazpki.execute-api.us-east-1.amazonaws.com.", false},
		{"ZLY8HYME6SFDD", "execute-api.eu-west-1.amazonaws.com.", false},
		{"Z38GZ743OKFT7T", "vpce-029a64cb-focgfw6a.vpce-svc-02a3.eu-west-1.vpce.amazonaws.com.", true},
		{"Z38GZ743OKFT7T", "eu-west-1.vpce.amazonaws.com.", false},
		{"Z7HUB22UULQXV", "vpce-0f89-bluzidnv.elasticloadbalancing.us-east-1.vpce.amazonaws.com.", true},
		{"Z2NYPWQ7DFZAZH", "shop.eu-west-1.elasticbeanstalk.com.", true},
		{"Z2NYPWQ7DFZAZH", "shop.elasticbeanstalk.com.", false}, // of before there were Regions: not possible on AWS either
		{"Z32O12XQLNTSW2", "demo-1.eu-west-1.elb.amazonaws.com.", true},
		{"Z32O12XQLNTSW2", "d111111abcdef8.cloudfront.net.", false},
		{"Z1EXAMPLE", "d111111abcdef8.cloudfront.net.", false},
	} {
		if got := InAliasZone(c.id, c.name); got != c.want {
			t.Errorf("%s under %s: %v, want %v", c.name, c.id, got, c.want)
		}
	}
}

// The table has no id twice and none of a load balancer, and Regions that exist.
func TestServiceZoneTable(t *testing.T) {
	form := regexp.MustCompile(`^Z[0-9A-Z]{11,20}$`)
	seen := map[string]bool{}
	regions := map[Service]int{}
	for _, z := range serviceZones() {
		if seen[z.id] || IsServiceZone(z.id) || !form.MatchString(z.id) {
			t.Errorf("%s of %s in %s is there twice, or no id of this service", z.id, z.service, z.region)
		}
		seen[z.id] = true
		if z.region != "" && z.region != "cn" && !IsRegion(z.region) {
			t.Errorf("%s: %s is no Region", z.service, z.region)
		}
		regions[z.service]++
	}
	for s, least := range map[Service]int{CloudFront: 2, GlobalAccelerator: 1, S3Website: 38, APIGateway: 35,
		VPCEndpoint: 29, ElasticBeanstalk: 34} {
		if regions[s] < least {
			t.Errorf("%s has %d ids, want at least %d", s, regions[s], least)
		}
	}
}
