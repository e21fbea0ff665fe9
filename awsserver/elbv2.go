package awsserver

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/bulkhead-dns/bulkhead/alb"
)

// elbv2 describes load balancers as the API of Elastic Load Balancing, version 2, does. r53: E.1.
type elbv2 struct {
	regions []Region
	created time.Time
}

func (e *elbv2) service() queryService {
	return queryService{
		namespace: "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/",
		version:   "2015-12-01",
		operations: map[string]operation{
			"DescribeAccountLimits":          e.describeAccountLimits,
			"DescribeListenerCertificates":   e.describeListenerCertificates,
			"DescribeListeners":              e.describeListeners,
			"DescribeLoadBalancerAttributes": e.describeLoadBalancerAttributes,
			"DescribeLoadBalancers":          e.describeLoadBalancers,
			"DescribeRules":                  e.describeRules,
			"DescribeSSLPolicies":            e.describeSSLPolicies,
			"DescribeTags":                   e.describeTags,
			"DescribeTargetGroupAttributes":  e.describeTargetGroupAttributes,
			"DescribeTargetGroups":           e.describeTargetGroups,
			"DescribeTargetHealth":           e.describeTargetHealth,
		},
	}
}

// inventory is what the account has in the Region that the call is signed for.
func (e *elbv2) inventory(c *call) inventory {
	return newInventory(regionNamed(e.regions, c.region), e.created)
}

// A kind is one kind of resource, as ARNs name it.
type kind string

const (
	aLoadBalancer kind = "loadbalancer"
	aTargetGroup  kind = "targetgroup"
	aListener     kind = "listener"
	aRule         kind = "listener-rule"
)

// title is what messages call one of the kind.
func (k kind) title() string {
	switch k {
	case aLoadBalancer:
		return "load balancer"
	case aTargetGroup:
		return "target group"
	case aListener:
		return "listener"
	}
	return "rule"
}

// notFoundCode is the API's code for a resource that does not exist.
func (k kind) notFoundCode() string {
	switch k {
	case aLoadBalancer:
		return "LoadBalancerNotFound"
	case aTargetGroup:
		return "TargetGroupNotFound"
	case aListener:
		return "ListenerNotFound"
	}
	return "RuleNotFound"
}

func (k kind) notFound() error {
	return refuse(k.notFoundCode(), "One or more %ss not found", k.title())
}

// is reports whether a value is an ARN of this kind; it need not exist.
func (k kind) is(arn string) bool {
	parts := strings.SplitN(arn, ":", 6)
	return len(parts) == 6 && parts[0] == "arn" && parts[2] == serviceELB && strings.HasPrefix(parts[5], string(k)+"/")
}

// named returns the items of these ARNs or names in the order of the inventory, and refuses when one is missing. id is
// what they go by.
func named[T any](items []T, wanted []string, id func(T) string, missing error) ([]T, error) {
	for _, w := range wanted {
		if !slices.ContainsFunc(items, func(item T) bool { return id(item) == w }) {
			return nil, missing
		}
	}
	return slices.DeleteFunc(items, func(item T) bool { return !slices.Contains(wanted, id(item)) }), nil
}

// byARN is named for ARNs of one kind.
func byARN[T any](items []T, arns []string, arn func(T) string, k kind) ([]T, error) {
	for _, a := range arns {
		if !k.is(a) {
			return nil, refuse("ValidationError", "'%.128s' is not a valid %s ARN", a, k.title())
		}
	}
	return named(items, arns, arn, k.notFound())
}

func loadBalancerARN(s loadBalancerShape) string { return s.LoadBalancerArn }
func targetGroupARN(s targetGroupShape) string   { return s.TargetGroupArn }
func listenerARN(s listenerShape) string         { return s.ListenerArn }
func ruleARN(s ruleShape) string                 { return s.RuleArn }

// maxNames bounds the ARNs or names of one call. r53: E.1.
const maxNames = 20

func (e *elbv2) describeLoadBalancers(c *call) (any, error) {
	found := e.inventory(c).loadBalancers
	arns, err := c.list("LoadBalancerArns", maxNames)
	if err != nil {
		return nil, err
	}
	names, err := c.list("Names", maxNames)
	switch {
	case err != nil:
		return nil, err
	case len(arns) > 0 && len(names) > 0:
		return nil, refuse("ValidationError", "Give load balancer ARNs or names, not both")
	case len(arns) > 0:
		found, err = byARN(found, arns, loadBalancerARN, aLoadBalancer)
	case len(names) > 0:
		name := func(s loadBalancerShape) string { return s.LoadBalancerName }
		missing := refuse(aLoadBalancer.notFoundCode(), "Load balancers '%.256s' not found", names)
		found, err = named(found, names, name, missing)
	}
	if err != nil {
		return nil, err
	}
	page, next, err := paged(c, found, loadBalancerARN)
	return describeLoadBalancersResult{members[loadBalancerShape]{page}, next}, err
}

func (e *elbv2) describeTargetGroups(c *call) (any, error) {
	all := e.inventory(c)
	found := all.targetGroups
	lb := c.form.Get("LoadBalancerArn")
	arns, err := c.list("TargetGroupArns", maxNames)
	if err != nil {
		return nil, err
	}
	names, err := c.list("Names", maxNames)
	switch {
	case err != nil:
		return nil, err
	case lb != "" && len(arns) > 0 || lb != "" && len(names) > 0 || len(arns) > 0 && len(names) > 0:
		return nil, refuse("ValidationError", "Give one of a load balancer ARN, target group ARNs and names")
	case lb != "":
		_, err = byARN(all.loadBalancers, []string{lb}, loadBalancerARN, aLoadBalancer)
		found = slices.DeleteFunc(found, func(s targetGroupShape) bool {
			return !slices.Contains(s.LoadBalancerArns.Member, lb)
		})
	case len(arns) > 0:
		found, err = byARN(found, arns, targetGroupARN, aTargetGroup)
	case len(names) > 0:
		name := func(s targetGroupShape) string { return s.TargetGroupName }
		found, err = named(found, names, name, aTargetGroup.notFound())
	}
	if err != nil {
		return nil, err
	}
	page, next, err := paged(c, found, targetGroupARN)
	return describeTargetGroupsResult{members[targetGroupShape]{page}, next}, err
}

func (e *elbv2) describeTargetHealth(c *call) (any, error) {
	arn, err := c.member("TargetGroupArn")
	if err != nil {
		return nil, err
	}
	wanted, err := wantedTargets(c)
	if err != nil {
		return nil, err
	}
	all := e.inventory(c)
	group, err := byARN(all.targetGroups, []string{arn}, targetGroupARN, aTargetGroup)
	if err != nil {
		return nil, err
	}
	found := all.targetHealth[arn]
	if len(wanted) > 0 {
		found = pickTargets(found, wanted, group[0].Port)
	}
	return describeTargetHealthResult{members[targetHealthDescription]{found}}, nil
}

// wantedTargets reads Targets.member.N.{Id, Port, AvailabilityZone}; a Port of 0 is one that is not given.
func wantedTargets(c *call) ([]targetDescription, error) {
	var all []targetDescription
	for i := 1; ; i++ {
		prefix := listMember("Targets", i)
		if !slices.ContainsFunc([]string{".Id", ".Port", ".AvailabilityZone"},
			func(m string) bool { return c.form.Has(prefix + m) }) {
			return all, nil
		}
		id, err := c.member(prefix + ".Id")
		if err != nil {
			return nil, err
		}
		port, err := c.number(prefix+".Port", 1, 65535, 0)
		if err != nil {
			return nil, err
		}
		all = append(all, targetDescription{id, port, c.form.Get(prefix + ".AvailabilityZone")})
	}
}

// pickTargets returns the wanted targets. One that is not registered has the state unused. A wanted target without a
// port matches every target at its address, because each target of the lab has a port of its own; groupPort is what the
// reply shows if there is none.
func pickTargets(targets []targetHealthDescription, wanted []targetDescription,
	groupPort int) []targetHealthDescription {
	var all []targetHealthDescription
	for _, w := range wanted {
		n := len(all)
		for _, t := range targets {
			if t.Target.ID == w.ID && (w.Port == 0 || w.Port == t.Target.Port) {
				all = append(all, t)
			}
		}
		if len(all) > n {
			continue
		}
		if w.Port == 0 {
			w.Port = groupPort
		}
		all = append(all, targetHealthDescription{
			Target:          w,
			HealthCheckPort: strconv.Itoa(w.Port),
			TargetHealth: targetHealthShape{alb.Unused, alb.ReasonNotRegistered,
				"Target is not registered to the target group"},
		})
	}
	return all
}

func (e *elbv2) describeListeners(c *call) (any, error) {
	all := e.inventory(c)
	found := all.listeners
	lb := c.form.Get("LoadBalancerArn")
	arns, err := c.list("ListenerArns", maxNames)
	switch {
	case err != nil:
		return nil, err
	case (lb == "") == (len(arns) == 0):
		return nil, refuse("ValidationError", "Give either a load balancer ARN or listener ARNs")
	case lb != "":
		_, err = byARN(all.loadBalancers, []string{lb}, loadBalancerARN, aLoadBalancer)
		found = slices.DeleteFunc(found, func(s listenerShape) bool { return s.LoadBalancerArn != lb })
	default:
		found, err = byARN(found, arns, listenerARN, aListener)
	}
	if err != nil {
		return nil, err
	}
	page, next, err := paged(c, found, listenerARN)
	return describeListenersResult{members[listenerShape]{page}, next}, err
}

func (e *elbv2) describeRules(c *call) (any, error) {
	all := e.inventory(c)
	found := all.rules
	listener := c.form.Get("ListenerArn")
	arns, err := c.list("RuleArns", alb.MaxRules)
	switch {
	case err != nil:
		return nil, err
	case (listener == "") == (len(arns) == 0):
		return nil, refuse("ValidationError", "Give either a listener ARN or rule ARNs")
	case listener != "":
		_, err = byARN(all.listeners, []string{listener}, listenerARN, aListener)
		found = slices.DeleteFunc(found, func(s ruleShape) bool { return s.listenerArn != listener })
	default:
		found, err = byARN(found, arns, ruleARN, aRule)
	}
	if err != nil {
		return nil, err
	}
	page, next, err := paged(c, found, ruleARN)
	return describeRulesResult{members[ruleShape]{page}, next}, err
}

func (e *elbv2) describeTags(c *call) (any, error) {
	arns, err := c.list("ResourceArns", maxNames)
	if err != nil {
		return nil, err
	}
	if len(arns) == 0 {
		return nil, invalid("ResourceArns", "null", "Member must not be null")
	}
	all := e.inventory(c)
	var result describeTagsResult
	for _, arn := range arns {
		kinds := []kind{aLoadBalancer, aTargetGroup, aListener, aRule}
		at := slices.IndexFunc(kinds, func(k kind) bool { return k.is(arn) })
		if at < 0 {
			return nil, refuse("ValidationError",
				"'%.128s' is not a valid ARN of a load balancer, target group, listener or rule", arn)
		}
		tags, ok := all.tags[arn]
		if !ok {
			return nil, kinds[at].notFound()
		}
		result.TagDescriptions.Member = append(result.TagDescriptions.Member, tagDescription{arn, members[keyValue]{tags}})
	}
	return result, nil
}

func (e *elbv2) describeLoadBalancerAttributes(c *call) (any, error) {
	return e.describeAttributes(c, "LoadBalancerArn", aLoadBalancer)
}

func (e *elbv2) describeTargetGroupAttributes(c *call) (any, error) {
	return e.describeAttributes(c, "TargetGroupArn", aTargetGroup)
}

func (e *elbv2) describeAttributes(c *call, parameter string, k kind) (any, error) {
	arn, err := c.member(parameter)
	if err != nil {
		return nil, err
	}
	if !k.is(arn) {
		return nil, refuse("ValidationError", "'%.128s' is not a valid %s ARN", arn, k.title())
	}
	attributes, ok := e.inventory(c).attributes[arn]
	if !ok {
		return nil, k.notFound()
	}
	return describeAttributesResult{members[keyValue]{attributes}}, nil
}
