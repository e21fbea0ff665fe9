package zone

import "testing"

// Names of AWS are recognized in every partition. The endpoints are those of r53: C.1 and of the SDK for Go.
func TestPartitionOfHost(t *testing.T) {
	for _, c := range []struct{ host, id, region string }{
		{"route53.amazonaws.com", "aws", "us-east-1"},
		{"Route53.AmazonAWS.com.", "aws", "us-east-1"},
		{"route53-fips.amazonaws.com", "aws", "us-east-1"},
		{"route53.global.api.aws", "aws", "us-east-1"},
		{"route53-fips.global.api.aws", "aws", "us-east-1"},
		{"vpce-0123-abcd.route53.us-east-1.vpce.amazonaws.com", "aws", "us-east-1"},
		{"demoalb-1.eu-west-1.elb.amazonaws.com", "aws", "us-east-1"},
		{"route53.amazonaws.com.cn", "aws-cn", "cn-northwest-1"},
		{"route53.global.api.amazonwebservices.com.cn", "aws-cn", "cn-northwest-1"},
		{"a-1.cn-north-1.elb.amazonaws.com.cn", "aws-cn", "cn-northwest-1"},
		{"route53.us-gov.amazonaws.com", "aws-us-gov", "us-gov-west-1"},
		{"route53.us-gov.api.aws", "aws-us-gov", "us-gov-west-1"},
		{"a.elb.us-gov-east-1.amazonaws.com", "aws-us-gov", "us-gov-west-1"},
		{"route53.amazonaws.eu", "aws-eusc", "eusc-de-east-1"},
		{"route53.global.api.amazonwebservices.eu", "aws-eusc", "eusc-de-east-1"},
		{"route53.c2s.ic.gov", "aws-iso", "us-iso-east-1"},
		{"route53.sc2s.sgov.gov", "aws-iso-b", "us-isob-east-1"},
		{"route53.cloud.adc-e.uk", "aws-iso-e", "eu-isoe-west-1"},
		{"route53.csp.hci.ic.gov", "aws-iso-f", "us-isof-south-1"},
		{"127.0.0.1", "", ""},
		{"localhost", "", ""},
		{"dns.bank.example", "", ""},
		{"amazonaws.com", "", ""},
		{"notamazonaws.com", "", ""},
		{"route53.amazonaws.com.example.net", "", ""},
		{"route53.amazonaws.cn", "", ""},
		{"amazonaws.com.localhost", "", ""},
	} {
		p, ok := PartitionOfHost(c.host)
		if p.ID != c.id || p.Route53Region != c.region || ok != (c.id != "") {
			t.Errorf("%s is in %q with Route 53 in %q, want %q and %q", c.host, p.ID, p.Route53Region, c.id, c.region)
		}
	}
}

func TestPartitionOfRegion(t *testing.T) {
	for region, want := range map[string]string{
		"eu-west-1": "aws", "ap-southeast-7": "aws", "mx-central-1": "aws", "il-central-1": "aws", "us-west-2": "aws",
		"cn-north-1": "aws-cn", "cn-northwest-1": "aws-cn", "us-gov-east-1": "aws-us-gov", "eusc-de-east-1": "aws-eusc",
		"us-iso-west-1": "aws-iso", "us-isob-east-1": "aws-iso-b", "eu-isoe-west-1": "aws-iso-e",
		"us-isof-south-1": "aws-iso-f",
		"blue":            "", "eu-west": "",
		"datacentre-east-1": "", "eu-west-x": "", "": "", "1": "", "-1": "", "eu--1": "",
	} {
		if p, ok := PartitionOfRegion(region); p.ID != want || ok != (want != "") {
			t.Errorf("%q is in %q, want %q", region, p.ID, want)
		}
	}
}

// Load balancers of every partition are known by their names, and by no name of another partition. r53: E.2.
func TestLoadBalancersOfOtherPartitions(t *testing.T) {
	for _, c := range []struct {
		name Name
		id   string
	}{
		{"a-1.eu-west-1.elb.amazonaws.com.", "Z32O12XQLNTSW2"},
		{"dualstack.a-1.eu-west-1.elb.amazonaws.com.", "Z32O12XQLNTSW2"},
		{"a-1.elb.eu-west-1.amazonaws.com.", "Z2IFOLAFXWLO4F"},
		{"a-1.cn-north-1.elb.amazonaws.com.cn.", "Z1GDH35T77C1KE"},
		{"a-1.elb.cn-northwest-1.amazonaws.com.cn.", "ZQEIKTCZ8352D"},
		{"a-1.us-gov-west-1.elb.amazonaws.com.", "Z33AYJ8TM3BH4J"},
		{"a-1.elb.us-gov-east-1.amazonaws.com.", "Z1ZSMQQ6Q24QQ8"},
		{"a-1.cn-north-1.elb.amazonaws.com.", ""},
		{"a-1.eu-west-1.elb.amazonaws.com.cn.", ""},
		{"a-1.eusc-de-east-1.elb.amazonaws.eu.", ""}, // its hosted zones are not published
	} {
		if id, ok := LoadBalancerZone(c.name); id != c.id || ok != (c.id != "") {
			t.Errorf("%s is in zone %q, want %q", c.name, id, c.id)
		}
	}
}
