package awsserver

import "github.com/bulkhead-dns/bulkhead/alb"

// The shapes of Elastic Load Balancing's replies, members in the order of the API model. r53: E.1.

type loadBalancerShape struct {
	LoadBalancerArn       string
	DNSName               string
	CanonicalHostedZoneID string `xml:"CanonicalHostedZoneId"` // r53: E.2
	CreatedTime           string
	LoadBalancerName      string
	Scheme                string
	VpcID                 string `xml:"VpcId"`
	State                 struct{ Code string }
	Type                  string
	AvailabilityZones     members[availabilityZoneShape]
	SecurityGroups        members[string]
	IPAddressType         string `xml:"IpAddressType"`
}

type availabilityZoneShape struct {
	ZoneName              string
	SubnetID              string `xml:"SubnetId"`
	LoadBalancerAddresses members[string]
}

type listenerShape struct {
	ListenerArn     string
	LoadBalancerArn string
	Port            int
	Protocol        string
	DefaultActions  members[actionShape]
}

type ruleShape struct {
	RuleArn    string
	Priority   string // a number, or "default"
	Conditions members[conditionShape]
	Actions    members[actionShape]
	IsDefault  bool

	listenerArn string
}

type conditionShape struct {
	Field             string
	Values            members[string]
	HostHeaderConfig  *valuesShape `xml:",omitempty"`
	PathPatternConfig *valuesShape `xml:",omitempty"`
}

type valuesShape struct{ Values members[string] }

// An actionShape with one target group names it twice, as AWS does. r53: E.1.
type actionShape struct {
	Type                string
	TargetGroupArn      string `xml:",omitempty"`
	Order               int
	FixedResponseConfig *fixedResponseShape `xml:",omitempty"`
	ForwardConfig       *forwardShape       `xml:",omitempty"`
}

type fixedResponseShape struct {
	MessageBody string `xml:",omitempty"`
	StatusCode  string
	ContentType string `xml:",omitempty"`
}

type forwardShape struct {
	TargetGroups                members[weightedGroupShape]
	TargetGroupStickinessConfig struct{ Enabled bool }
}

type weightedGroupShape struct {
	TargetGroupArn string
	Weight         int
}

type targetGroupShape struct {
	TargetGroupArn             string
	TargetGroupName            string
	Protocol                   string
	Port                       int
	VpcID                      string `xml:"VpcId"`
	HealthCheckProtocol        string
	HealthCheckPort            string
	HealthCheckEnabled         bool
	HealthCheckIntervalSeconds int
	HealthCheckTimeoutSeconds  int
	HealthyThresholdCount      int
	UnhealthyThresholdCount    int
	HealthCheckPath            string
	Matcher                    struct{ HttpCode string }
	LoadBalancerArns           members[string]
	TargetType                 string
	ProtocolVersion            string
	IPAddressType              string `xml:"IpAddressType"`
}

type targetHealthDescription struct {
	Target          targetDescription
	HealthCheckPort string `xml:",omitempty"`
	TargetHealth    targetHealthShape
}

type targetDescription struct {
	ID               string `xml:"Id"` // its IP address
	Port             int    `xml:",omitempty"`
	AvailabilityZone string `xml:",omitempty"`
}

// A targetHealthShape of a healthy target has neither reason nor description.
type targetHealthShape struct {
	State       alb.TargetState
	Reason      string `xml:",omitempty"`
	Description string `xml:",omitempty"`
}

// A keyValue is a tag or an attribute.
type keyValue struct{ Key, Value string }

type tagDescription struct {
	ResourceArn string
	Tags        members[keyValue]
}

type describeLoadBalancersResult struct {
	LoadBalancers members[loadBalancerShape]
	NextMarker    string `xml:",omitempty"`
}

type describeTargetGroupsResult struct {
	TargetGroups members[targetGroupShape]
	NextMarker   string `xml:",omitempty"`
}

type describeTargetHealthResult struct {
	TargetHealthDescriptions members[targetHealthDescription]
}

type describeListenersResult struct {
	Listeners  members[listenerShape]
	NextMarker string `xml:",omitempty"`
}

type describeRulesResult struct {
	Rules      members[ruleShape]
	NextMarker string `xml:",omitempty"`
}

type describeTagsResult struct {
	TagDescriptions members[tagDescription]
}

type describeAttributesResult struct {
	Attributes members[keyValue]
}
