package awsserver

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/bulkhead-dns/bulkhead/alb"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// An inventory is everything of Elastic Load Balancing in one Region, with the names it has there.
type inventory struct {
	loadBalancers []loadBalancerShape
	listeners     []listenerShape
	rules         []ruleShape // by priority, the default last
	targetGroups  []targetGroupShape
	targetHealth  map[string][]targetHealthDescription // by ARN of the target group
	attributes    map[string][]keyValue                // by ARN of the load balancer or target group
	tags          map[string][]keyValue                // by ARN
}

// A register makes the inventory of a Region.
type register struct {
	region   string
	balancer *alb.LoadBalancer // the one that is being added
	cluster  string            // of the tags
	created  time.Time         // of everything: the lab's start
	inventory
}

// defaultCluster is the cluster in the tags of a Region that no cluster is attached to.
const defaultCluster = "democluster"

func newInventory(r Region, created time.Time) inventory {
	cluster := defaultCluster
	if r.Cluster != nil {
		cluster = r.Cluster.Name
	}
	b := &register{region: r.Name, cluster: cluster, created: created, inventory: inventory{
		targetHealth: map[string][]targetHealthDescription{},
		attributes:   map[string][]keyValue{},
		tags:         map[string][]keyValue{},
	}}
	for _, lb := range r.LoadBalancers {
		b.balancer = lb
		now := lb.Snapshot()
		for _, g := range now.TargetGroups {
			b.addTargetGroup(g)
		}
		b.addLoadBalancer()
		b.addListener(now.Rules, now.DefaultAction)
	}
	return b.inventory
}

func (b *register) addLoadBalancer() {
	lb := loadBalancerShape{
		LoadBalancerArn:       b.loadBalancerARN(),
		DNSName:               b.balancer.DNSName(),
		CanonicalHostedZoneID: b.balancer.HostedZoneID(),
		CreatedTime:           b.created.UTC().Format("2006-01-02T15:04:05.000Z"),
		LoadBalancerName:      b.balancer.Name(),
		Scheme:                "internet-facing",
		VpcID:                 b.resource("vpc"),
		Type:                  "application",
		SecurityGroups:        members[string]{[]string{b.resource("sg")}},
		IPAddressType:         "ipv4",
	}
	lb.State.Code = "active"
	for _, zone := range []string{"a", "b"} {
		lb.AvailabilityZones.Member = append(lb.AvailabilityZones.Member,
			availabilityZoneShape{ZoneName: b.region + zone, SubnetID: b.resource("subnet", zone)})
	}
	b.loadBalancers = append(b.loadBalancers, lb)
	b.tag(lb.LoadBalancerArn, "LoadBalancer")
	b.attributes[lb.LoadBalancerArn] = []keyValue{
		{"access_logs.s3.enabled", "false"},
		{"deletion_protection.enabled", "false"},
		{"idle_timeout.timeout_seconds", strconv.Itoa(int(alb.IdleTimeout.Seconds()))},
		{"load_balancing.cross_zone.enabled", "true"},
		{"routing.http.xff_header_processing.mode", "append"},
		{"routing.http2.enabled", "false"},
	}
}

func (b *register) addListener(rules []alb.Rule, fallback alb.Action) {
	port := int(b.balancer.Address().Port())
	l := listenerShape{
		ListenerArn:     b.listenerARN(),
		LoadBalancerArn: b.loadBalancerARN(),
		Port:            port,
		Protocol:        "HTTP",
		DefaultActions:  b.actions(fallback),
	}
	b.listeners = append(b.listeners, l)
	b.tag(l.ListenerArn, strconv.Itoa(port))
	for _, r := range rules {
		shape := ruleShape{
			RuleArn:     b.ruleARN(strconv.Itoa(r.Priority)),
			Priority:    strconv.Itoa(r.Priority),
			Conditions:  conditions(r),
			Actions:     b.actions(r.Action),
			listenerArn: l.ListenerArn,
		}
		b.rules = append(b.rules, shape)
		b.tag(shape.RuleArn, fmt.Sprintf("%d:%d", port, r.Priority))
	}
	last := ruleShape{RuleArn: b.ruleARN("default"), Priority: "default", Actions: l.DefaultActions, IsDefault: true,
		listenerArn: l.ListenerArn}
	b.rules = append(b.rules, last)
	b.tags[last.RuleArn] = nil // a listener's own rule: the controller did not make it
}

func conditions(r alb.Rule) (all members[conditionShape]) {
	if len(r.Hosts) > 0 {
		values := members[string]{r.Hosts}
		all.Member = append(all.Member, conditionShape{Field: "host-header", Values: values,
			HostHeaderConfig: &valuesShape{values}})
	}
	if len(r.Paths) > 0 {
		values := members[string]{r.Paths}
		all.Member = append(all.Member, conditionShape{Field: "path-pattern", Values: values,
			PathPatternConfig: &valuesShape{values}})
	}
	return all
}

func (b *register) actions(a alb.Action) members[actionShape] {
	if f := a.FixedResponse; f != nil {
		return members[actionShape]{[]actionShape{{
			Type: "fixed-response", Order: 1,
			FixedResponseConfig: &fixedResponseShape{f.MessageBody, strconv.Itoa(f.StatusCode), f.ContentType},
		}}}
	}
	arn := b.targetGroupARN(a.TargetGroup)
	return members[actionShape]{[]actionShape{{
		Type: "forward", TargetGroupArn: arn, Order: 1,
		ForwardConfig: &forwardShape{TargetGroups: members[weightedGroupShape]{[]weightedGroupShape{{arn, 1}}}},
	}}}
}

// targetGroupPort is what a target group says; every target of the lab has a port of its own.
const targetGroupPort = 80

func (b *register) addTargetGroup(g alb.TargetGroupSnapshot) {
	shape := targetGroupShape{
		TargetGroupArn:             b.targetGroupARN(g.Name),
		TargetGroupName:            g.Name,
		Protocol:                   "HTTP",
		Port:                       targetGroupPort,
		VpcID:                      b.resource("vpc"),
		HealthCheckProtocol:        "HTTP",
		HealthCheckPort:            "traffic-port",
		HealthCheckEnabled:         true,
		HealthCheckIntervalSeconds: wholeSeconds(g.HealthCheck.Interval),
		HealthCheckTimeoutSeconds:  wholeSeconds(g.HealthCheck.Timeout),
		HealthyThresholdCount:      g.HealthCheck.HealthyThreshold,
		UnhealthyThresholdCount:    g.HealthCheck.UnhealthyThreshold,
		HealthCheckPath:            g.HealthCheck.Path,
		TargetType:                 "ip",
		ProtocolVersion:            "HTTP1",
		IPAddressType:              "ipv4",
	}
	shape.Matcher.HttpCode = "200"
	if g.InUse {
		shape.LoadBalancerArns.Member = []string{b.loadBalancerARN()}
	}
	b.targetGroups = append(b.targetGroups, shape)
	for _, t := range g.Targets {
		b.targetHealth[shape.TargetGroupArn] = append(b.targetHealth[shape.TargetGroupArn], describeTarget(t))
	}
	resource := g.Resource
	if resource == "" {
		resource = fmt.Sprintf("%s-demo%s:%d", ingress, g.Name, targetGroupPort)
	}
	b.tag(shape.TargetGroupArn, resource)
	b.attributes[shape.TargetGroupArn] = []keyValue{
		{"deregistration_delay.timeout_seconds", strconv.Itoa(wholeSeconds(g.DeregistrationDelay))},
		{"load_balancing.algorithm.type", "round_robin"},
		{"slow_start.duration_seconds", "0"},
		{"stickiness.enabled", "false"},
		{"target_group_health.dns_failover.minimum_healthy_targets.count", "1"}, // r53: A.9 rule 1
		{"target_group_health.dns_failover.minimum_healthy_targets.percentage", "off"},
		{"target_group_health.unhealthy_state_routing.minimum_healthy_targets.count", "1"},
		{"target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage", "off"},
	}
}

// describeTarget shows a target of type ip: it is known by its address.
func describeTarget(t alb.TargetStatus) targetHealthDescription {
	return targetHealthDescription{
		Target:          targetDescription{t.Address.Addr().String(), int(t.Address.Port()), t.AvailabilityZone},
		HealthCheckPort: strconv.Itoa(int(t.Address.Port())),
		TargetHealth:    targetHealthShape{t.State, t.Reason, t.Description},
	}
}

// wholeSeconds rounds up: the lab probes faster than the API can say.
func wholeSeconds(d time.Duration) int { return int(math.Ceil(d.Seconds())) }

// ingress is the Ingress that the load balancer would be of.
const ingress = "default/demoingress"

// tag gives a resource the tags that the AWS Load Balancer Controller finds it by. r53: E.3.
func (b *register) tag(arn, resource string) {
	b.tags[arn] = []keyValue{
		{"elbv2.k8s.aws/cluster", b.cluster},
		{"ingress.k8s.aws/resource", resource},
		{"ingress.k8s.aws/stack", ingress},
	}
}

// partition is what ARNs of a Region name first, after "arn".
func partition(region string) string {
	p, _ := zone.PartitionOfRegion(region)
	return p.ID
}

func (b *register) arn(resource string) string {
	return "arn:" + partition(b.region) + ":elasticloadbalancing:" + b.region + ":" + AccountID + ":" + resource
}

func (b *register) loadBalancerARN() string { return b.arn("loadbalancer/" + b.loadBalancerPath()) }

func (b *register) listenerARN() string { return b.arn("listener/" + b.listenerPath()) }

func (b *register) ruleARN(priority string) string {
	return b.arn("listener-rule/" + b.listenerPath() + "/" + b.digits("rule", b.balancer.Name(), priority))
}

func (b *register) targetGroupARN(name string) string {
	return b.arn("targetgroup/" + name + "/" + b.digits("targetgroup", name))
}

func (b *register) loadBalancerPath() string {
	return "app/" + b.balancer.Name() + "/" + b.digits("loadbalancer", b.balancer.Name())
}

func (b *register) listenerPath() string {
	return b.loadBalancerPath() + "/" + b.digits("listener", b.balancer.Name())
}

// resource is the id of something of the Region's network: "vpc-0…".
func (b *register) resource(kind string, parts ...string) string {
	return kind + "-0" + b.digits(append([]string{kind}, parts...)...)
}

// digits are 16 hexadecimal digits that are the same in every run of the lab.
func (b *register) digits(parts ...string) string {
	sum := sha256.Sum256([]byte(b.region + "/" + strings.Join(parts, "/")))
	return hex.EncodeToString(sum[:])[:16]
}
