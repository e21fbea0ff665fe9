package apply

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// balancersPerPage is the largest page of load balancers, listeners, rules and target groups. r53: E.1.
const balancersPerPage = 400

// A Balancer is a load balancer with what is behind it.
type Balancer struct {
	failover.LoadBalancerFact
	TargetGroups []failover.TargetGroup
}

// Balancers describes those load balancers of a Region that have one of the DNS names, with rules, target groups and
// target health, and only reads. One that the account does not have is not among them.
func (a *Applier) Balancers(ctx context.Context, region string, names []zone.Name) ([]Balancer, error) {
	if a.o.ELBv2 == nil {
		return nil, fmt.Errorf("load balancers in %s cannot be described: no ELBv2 client is given", region)
	}
	d := describer{a: a, client: a.o.ELBv2(region)}
	facts, err := d.all(ctx, region)
	if err != nil {
		return nil, fmt.Errorf("describe load balancers in %s: %w", region, err)
	}
	var balancers []Balancer
	for _, fact := range facts {
		if !slices.Contains(names, fact.DNSName) {
			continue
		}
		b := Balancer{LoadBalancerFact: fact}
		groups, err := d.targetGroups(ctx, &b)
		if err == nil {
			b.Rules, err = d.rules(ctx, b.ARN, groups)
		}
		if err != nil {
			return nil, fmt.Errorf("describe load balancer %s in %s: %w", fact.Name, region, err)
		}
		balancers = append(balancers, b)
	}
	return balancers, nil
}

// A describer reads the load balancers of one Region.
type describer struct {
	a      *Applier
	client *elasticloadbalancingv2.Client
}

func (d describer) all(ctx context.Context, region string) ([]failover.LoadBalancerFact, error) {
	var facts []failover.LoadBalancerFact
	for marker, more := (*string)(nil), true; more; {
		d.a.count("DescribeLoadBalancers")
		out, err := d.client.DescribeLoadBalancers(ctx, &elasticloadbalancingv2.DescribeLoadBalancersInput{Marker: marker,
			PageSize: aws.Int32(balancersPerPage)})
		if err != nil {
			return nil, err
		}
		for i := range out.LoadBalancers {
			if aws.ToString(out.LoadBalancers[i].DNSName) == "" {
				continue // a Gateway Load Balancer, which no alias leads to
			}
			fact, err := balancerOf(region, &out.LoadBalancers[i])
			if err != nil {
				return nil, err
			}
			facts = append(facts, fact)
		}
		marker, more = out.NextMarker, aws.ToString(out.NextMarker) != ""
	}
	return facts, nil
}

// targetGroups fills in the target groups, and returns their names by ARN.
func (d describer) targetGroups(ctx context.Context, b *Balancer) (map[string]string, error) {
	names := make(map[string]string)
	for marker, more := (*string)(nil), true; more; {
		d.a.count("DescribeTargetGroups")
		out, err := d.client.DescribeTargetGroups(ctx,
			&elasticloadbalancingv2.DescribeTargetGroupsInput{LoadBalancerArn: &b.ARN,
				Marker: marker, PageSize: aws.Int32(balancersPerPage)})
		if err != nil {
			return nil, err
		}
		for i := range out.TargetGroups {
			tg, err := d.health(ctx, &out.TargetGroups[i])
			if err != nil {
				return nil, err
			}
			names[aws.ToString(out.TargetGroups[i].TargetGroupArn)] = tg.Name
			b.TargetGroups = append(b.TargetGroups, tg)
		}
		marker, more = out.NextMarker, aws.ToString(out.NextMarker) != ""
	}
	return names, nil
}

// health counts targets. One whose health is not checked counts as healthy (unconfirmed): it is sent requests.
func (d describer) health(ctx context.Context, g *elbtypes.TargetGroup) (failover.TargetGroup, error) {
	d.a.count("DescribeTargetHealth")
	out, err := d.client.DescribeTargetHealth(ctx,
		&elasticloadbalancingv2.DescribeTargetHealthInput{TargetGroupArn: g.TargetGroupArn})
	if err != nil {
		return failover.TargetGroup{}, err
	}
	tg := failover.TargetGroup{Name: aws.ToString(g.TargetGroupName)}
	for _, t := range out.TargetHealthDescriptions {
		if t.TargetHealth == nil {
			continue
		}
		switch t.TargetHealth.State {
		case elbtypes.TargetHealthStateEnumDraining, elbtypes.TargetHealthStateEnumUnhealthyDraining:
		case elbtypes.TargetHealthStateEnumHealthy, elbtypes.TargetHealthStateEnumUnavailable:
			tg.Registered++
			tg.Healthy++
		default:
			tg.Registered++
		}
	}
	return tg, nil
}

// rules returns the rules of all listeners of a load balancer. A target group is named as groups has it by its ARN,
// else by its ARN.
func (d describer) rules(ctx context.Context, arn string, groups map[string]string) ([]failover.ListenerRule, error) {
	var list []failover.ListenerRule
	for marker, more := (*string)(nil), true; more; {
		d.a.count("DescribeListeners")
		out, err := d.client.DescribeListeners(ctx, &elasticloadbalancingv2.DescribeListenersInput{LoadBalancerArn: &arn,
			Marker: marker, PageSize: aws.Int32(balancersPerPage)})
		if err != nil {
			return nil, err
		}
		for _, l := range out.Listeners {
			rules, err := d.listenerRules(ctx, aws.ToString(l.ListenerArn))
			if err != nil {
				return nil, err
			}
			for i := range rules {
				list = append(list, rulesOf(int(aws.ToInt32(l.Port)), &rules[i], groups)...)
			}
		}
		marker, more = out.NextMarker, aws.ToString(out.NextMarker) != ""
	}
	return list, nil
}

// listenerRules returns a listener's rules in the order in which they are tried.
func (d describer) listenerRules(ctx context.Context, arn string) ([]elbtypes.Rule, error) {
	var rules []elbtypes.Rule
	for marker, more := (*string)(nil), true; more; {
		d.a.count("DescribeRules")
		out, err := d.client.DescribeRules(ctx, &elasticloadbalancingv2.DescribeRulesInput{ListenerArn: &arn, Marker: marker,
			PageSize: aws.Int32(balancersPerPage)})
		if err != nil {
			return nil, err
		}
		rules = append(rules, out.Rules...)
		marker, more = out.NextMarker, aws.ToString(out.NextMarker) != ""
	}
	slices.SortStableFunc(rules, func(a, b elbtypes.Rule) int { return cmp.Compare(priority(&a), priority(&b)) })
	return rules, nil
}

// priority is a rule's place; the default rule, whose priority is no number, is tried last.
func priority(r *elbtypes.Rule) int {
	if n, err := strconv.Atoi(aws.ToString(r.Priority)); err == nil {
		return n
	}
	return 1 << 30
}

// rulesOf returns a rule once for each pair of its patterns and each of its target groups, those that get requests
// first.
func rulesOf(port int, r *elbtypes.Rule, groups map[string]string) []failover.ListenerRule {
	hosts, paths, conditional := conditionsOf(r.Conditions)
	var ends []failover.ListenerRule
	for _, action := range r.Actions {
		switch action.Type {
		case elbtypes.ActionTypeEnumForward:
			for _, group := range forwardsTo(&action) {
				ends = append(ends, failover.ListenerRule{TargetGroup: cmp.Or(groups[group], group)})
			}
		case elbtypes.ActionTypeEnumFixedResponse:
			if c := action.FixedResponseConfig; c != nil {
				ends = append(ends, failover.ListenerRule{Status: statusOf(aws.ToString(c.StatusCode))})
			}
		case elbtypes.ActionTypeEnumRedirect:
			if c := action.RedirectConfig; c != nil {
				ends = append(ends, failover.ListenerRule{Status: statusOf(string(c.StatusCode)), RedirectTo: redirectTo(c, port)})
			}
		default: // who is not logged in gets no further
			conditional = true
		}
	}
	var rules []failover.ListenerRule
	for _, host := range hosts {
		for _, path := range paths {
			for _, end := range ends {
				end.Port, end.Host, end.Path, end.Conditional = port, host, path, conditional
				rules = append(rules, end)
			}
		}
	}
	return rules
}

// redirectTo is the protocol and port that a redirect leads to, where it names one of them: "#{protocol}" and "#{port}"
// are those of the request. r53: E.1.
func redirectTo(c *elbtypes.RedirectActionConfig, port int) string {
	protocol, to := aws.ToString(c.Protocol), aws.ToString(c.Port)
	if protocol == "" || strings.HasPrefix(protocol, "#") {
		return "" // the protocol of the listener is not read here
	}
	if to == "" || strings.HasPrefix(to, "#") {
		to = strconv.Itoa(port)
	}
	return protocol + ":" + to
}

// conditionsOf returns the patterns of a rule, one that is empty where any host or path will do.
func conditionsOf(conditions []elbtypes.RuleCondition) (hosts, paths []string, conditional bool) {
	for _, c := range conditions {
		values := c.Values
		switch {
		case aws.ToString(c.Field) == "host-header" && len(c.RegexValues) == 0:
			if c.HostHeaderConfig != nil {
				values = c.HostHeaderConfig.Values
				conditional = conditional || len(c.HostHeaderConfig.RegexValues) > 0
			}
			hosts = append(hosts, values...)
		case aws.ToString(c.Field) == "path-pattern" && len(c.RegexValues) == 0:
			if c.PathPatternConfig != nil {
				values = c.PathPatternConfig.Values
				conditional = conditional || len(c.PathPatternConfig.RegexValues) > 0
			}
			paths = append(paths, values...)
		default:
			conditional = true
		}
	}
	if len(hosts) == 0 {
		hosts = []string{""}
	}
	if len(paths) == 0 {
		paths = []string{""}
	}
	return hosts, paths, conditional
}

// forwardsTo lists the ARNs of an action's target groups. One with a single group names it in either way, or both.
func forwardsTo(action *elbtypes.Action) []string {
	if action.ForwardConfig == nil || len(action.ForwardConfig.TargetGroups) == 0 {
		return []string{aws.ToString(action.TargetGroupArn)}
	}
	tuples := slices.Clone(action.ForwardConfig.TargetGroups)
	slices.SortStableFunc(tuples, func(a, b elbtypes.TargetGroupTuple) int {
		return cmp.Compare(aws.ToInt32(b.Weight), aws.ToInt32(a.Weight))
	})
	arns := make([]string, len(tuples))
	for i, t := range tuples {
		arns[i] = aws.ToString(t.TargetGroupArn)
	}
	return arns
}

// statusOf reads "404" and "HTTP_301".
func statusOf(code string) int {
	n, err := strconv.Atoi(strings.TrimPrefix(code, "HTTP_"))
	if err != nil {
		return 0
	}
	return n
}
