package awsserver

import (
	"strings"
	"testing"

	"github.com/bulkhead-dns/bulkhead/alb"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// Load balancers have names and ARNs of the partition that their Region is in. r53: E.2.
func TestLoadBalancersHaveNamesOfTheirPartition(t *testing.T) {
	for _, c := range []struct{ region, suffix, arn string }{
		{"eu-west-1", ".eu-west-1.elb.amazonaws.com", "arn:aws:elasticloadbalancing:eu-west-1:" + AccountID +
			":loadbalancer/x"},
		{"cn-north-1", ".cn-north-1.elb.amazonaws.com.cn", "arn:aws-cn:elasticloadbalancing:cn-north-1:" + AccountID +
			":loadbalancer/x"},
		{"us-gov-west-1", ".us-gov-west-1.elb.amazonaws.com", "arn:aws-us-gov:elasticloadbalancing:us-gov-west-1:" +
			AccountID + ":loadbalancer/x"},
	} {
		name := alb.DNSName("demoalb", c.region)
		if !strings.HasSuffix(name, c.suffix) {
			t.Errorf("%s has the name %s, want …%s", c.region, name, c.suffix)
		}
		id, _ := zone.CanonicalHostedZoneID(c.region)
		if !zone.InLoadBalancerZone(id, zone.Name(name+".")) {
			t.Errorf("%s does not lie in %s", name, id)
		}
		if got := (&register{region: c.region}).arn("loadbalancer/x"); got != c.arn {
			t.Errorf("the ARN is %s, want %s", got, c.arn)
		}
	}
}
