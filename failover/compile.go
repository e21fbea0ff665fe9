package failover

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/tagging"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// CheckKey is what makes a wanted and an existing health check the same: "<namespace>/<policy>/<region>", at most 191
// characters, so that it fits into a tag.
func CheckKey(p Policy, region string) string { return p.Key() + "/" + region }

// Compile says which health checks and record sets policies need: one check for an application and Region, one record
// set for an application, Region and address family, its SetIdentifier the Region's name. Records for load balancers
// are aliases that ask the check and not the load balancer (EvaluateTargetHealth false), so that one application moves
// alone; records for addresses have their TTL. Policies are completed by Default and judged by Validate first; class
// may be nil.
//
// The state is sorted, and the same for the same policies and facts in any order. The error is Problems, of all
// policies; the state is then empty.
func Compile(policies []Policy, class *Class, facts Facts) (plan.State, []Warning, error) {
	c := compiler{class: class, facts: facts, zones: map[string]zone.HostedZone{}}
	if class != nil {
		if err := ValidateClass(*class); err != nil {
			return plan.State{}, nil, err
		}
	}
	complete := make([]Policy, len(policies))
	for i, p := range policies {
		complete[i] = Default(p, class)
	}
	slices.SortStableFunc(complete, func(a, b Policy) int { return strings.Compare(a.Key(), b.Key()) })
	for _, p := range complete {
		var problems Problems
		if errors.As(Validate(p, class, facts), &problems) {
			c.problems = append(c.problems, problems...)
			continue
		}
		c.policy(p)
	}
	c.neighbours(complete)
	if len(c.problems) > 0 {
		return plan.State{}, nil, c.problems
	}
	for _, id := range sortedKeys(c.zones) {
		c.state.Zones = append(c.state.Zones, c.zones[id])
	}
	slices.SortFunc(c.state.Checks, func(a, b plan.Check) int { return strings.Compare(a.Key, b.Key) })
	slices.SortFunc(c.state.Records, func(a, b plan.Record) int {
		return cmp.Or(strings.Compare(a.ZoneID, b.ZoneID), a.Set.Key().Compare(b.Set.Key()))
	})
	return c.state, sharedFate(complete, c.endpoints, c.warnings), nil
}

// HostedZone returns the zone that holds a policy's hostname: of the public ones of the account the longest, which the
// class (nil means none) must allow. The error is Problems.
func HostedZone(p Policy, class *Class, facts Facts) (zone.HostedZone, error) {
	c := compiler{class: class, facts: facts}
	z := c.zone(p)
	if err := c.problems.err(); err != nil {
		return zone.HostedZone{}, err
	}
	return z, nil
}

type compiler struct {
	class     *Class
	facts     Facts
	state     plan.State
	zones     map[string]zone.HostedZone
	endpoints []endpoint
	warnings  warnings
	problems  Problems
}

// A regionTarget is one Region of a policy with its load balancer or addresses.
type regionTarget struct {
	region  Region
	path    string
	alias   *zone.AliasTarget
	rules   []ListenerRule // of the load balancer's listeners, where they are known
	v4, v6  []string       // addresses, when there is no alias
	hasIPv4 bool
	hasIPv6 bool
}

// policy compiles one policy that is valid by itself.
func (c *compiler) policy(p Policy) {
	before := len(c.problems)
	z := c.zone(p)
	places := c.regionTargets(p)
	if len(c.problems) > before {
		return
	}
	families := c.families(p, places)
	if len(c.problems) > before {
		return
	}
	c.zones[z.ID] = z
	for _, at := range places {
		key := CheckKey(p, at.region.Name)
		config := c.config(p, at)
		if len(c.problems) > before {
			return
		}
		c.state.Checks = append(c.state.Checks,
			plan.Check{Key: key, Config: config, Tags: []tagging.Tag{{Key: "Name", Value: key}}})
		c.endpoints = append(c.endpoints, endpoint{p.Key(), at.region.Name, config})
		c.warnings.answered(p, at, config)
		for _, f := range families {
			c.state.Records = append(c.state.Records, plan.Record{ZoneID: z.ID, CheckKey: key, Set: recordSet(p, at, f)})
		}
	}
	c.warnings.policy(p, places, families, c.facts)
}

// zone finds the hosted zone of the hostname: the longest that it is in, public ones only. A longer zone that the class
// does not allow is not passed over: clients would be led there.
func (c *compiler) zone(p Policy) zone.HostedZone {
	name := hostnameOf(p)
	var found []zone.HostedZone
	for _, z := range c.facts.Zones {
		if z.PrivateZone || !name.In(z.Name) {
			continue
		}
		if len(found) > 0 && len(z.Name) > len(found[0].Name) {
			found = nil
		}
		if len(found) == 0 || len(z.Name) == len(found[0].Name) {
			found = append(found, z)
		}
	}
	if len(found) == 0 {
		c.refuse(p, "spec.hostname", p.Spec.Hostname, "no public hosted zone of the account holds this name; create its "+
			"zone first")
		return zone.HostedZone{}
	}
	if c.class == nil {
		return c.single(p, found)
	}
	allowed := slices.DeleteFunc(slices.Clone(found), func(z zone.HostedZone) bool { return !c.class.Spec.AllowsZone(z) })
	if len(allowed) == 0 {
		c.refuse(p, "spec.hostname", p.Spec.Hostname, "the class %s does not allow its zone, %s %s",
			c.class.Metadata.Name, found[0].Name, found[0].ID)
		return zone.HostedZone{}
	}
	return c.single(p, allowed)
}

// single wants one zone: which of several with one name clients are led to is for their parent to say.
func (c *compiler) single(p Policy, zones []zone.HostedZone) zone.HostedZone {
	if len(zones) > 1 {
		ids := make([]string, len(zones))
		for i, z := range zones {
			ids[i] = z.ID
		}
		slices.Sort(ids)
		c.refuse(p, "spec.hostname", p.Spec.Hostname, "several zones have the name %s: name the right one of %s in the class",
			zones[0].Name, few(ids))
	}
	return zones[0]
}

// places resolves the Regions that are to be compiled, in the order of their names.
func (c *compiler) regionTargets(p Policy) []regionTarget {
	var places []regionTarget
	for i, r := range p.Spec.Regions {
		if c.facts.Region != "" && r.Name != c.facts.Region {
			continue
		}
		at := regionTarget{region: r, path: index("spec.regions", i)}
		switch {
		case r.LoadBalancer != nil:
			c.loadBalancer(p, &at)
		case len(r.Addresses) > 0:
			for _, a := range parsed(r.Addresses) {
				if family(a) == IPv4 {
					at.v4 = append(at.v4, a.String())
				} else {
					at.v6 = append(at.v6, a.String())
				}
			}
			at.hasIPv4, at.hasIPv6 = len(at.v4) > 0, len(at.v6) > 0
		default:
			c.refuse(p, at.path, nil, "has neither loadBalancer nor addresses, and its targetRef is not resolved here")
		}
		places = append(places, at)
	}
	switch {
	case len(places) == 0 && c.facts.Region != "":
		c.refuse(p, "spec.regions", nil, "has no Region %s, which is to be compiled", c.facts.Region)
	case len(places) == 0:
		c.refuse(p, "spec.regions", nil, "is missing: the targetRef is resolved in a cluster only")
	}
	slices.SortFunc(places, func(a, b regionTarget) int { return strings.Compare(a.region.Name, b.region.Name) })
	return places
}

// loadBalancer resolves a Region's load balancer.
func (c *compiler) loadBalancer(p Policy, at *regionTarget) {
	lb, path := *at.region.LoadBalancer, at.path+".loadBalancer"
	at.hasIPv4 = true
	if lb.DNSName != "" {
		name := parsedName(lb.DNSName)
		for _, f := range c.facts.LoadBalancers {
			if f.DNSName == PlainName(name) {
				at.rules = f.Rules
			}
		}
		at.alias = &zone.AliasTarget{HostedZoneID: or(lb.HostedZoneID, canonicalZone(name)), DNSName: name}
		// Nothing tells whether it has IPv6 addresses but the policy's word, or the name that ELB gives to those. r53: A.9.
		at.hasIPv6 = slices.Contains(p.Spec.IPFamilies, IPv6) || strings.HasPrefix(string(name), "dualstack.") ||
			c.facts.HasIPv6
		return
	}
	var found []LoadBalancerFact
	for _, f := range c.facts.LoadBalancers {
		if lb.ARN != "" && f.ARN == lb.ARN || lb.ARN == "" && f.Name == lb.Name && f.Region == at.region.Name {
			found = append(found, f)
		}
	}
	what, field := lb.Name, path+".name"
	if lb.ARN != "" {
		what, field = lb.ARN, path+".arn"
	}
	switch {
	case len(found) != 1:
		c.refuse(p, field, what, "%s are in %s; there must be exactly one", count(len(found), "load balancer"),
			at.region.Name)
		return
	case found[0].Internal && c.facts.Provider == AWS: // r53: B.5
		c.refuse(p, field, what, "is internal: checkers of aws are outside any network and could never reach it")
		return
	}
	at.alias = &zone.AliasTarget{HostedZoneID: found[0].HostedZoneID, DNSName: found[0].DNSName}
	at.hasIPv6, at.rules = found[0].DualStack, found[0].Rules
}

// families decides which record types a policy gets. A family that only some Regions have would leave its clients with
// fewer Regions to go to, so it is wanted by name or it is left out.
func (c *compiler) families(p Policy, places []regionTarget) []IPFamily {
	var families []IPFamily
	for _, f := range []IPFamily{IPv4, IPv6} {
		wanted := slices.Contains(p.Spec.IPFamilies, f)
		everywhere := true
		for _, at := range places {
			if at.has(f) {
				continue
			}
			everywhere = false
			if wanted {
				c.refuse(p, "spec.ipFamilies", string(f), "%s has no %s address", at.region.Name, f)
			}
		}
		// A cluster knows its own Region only, and cannot tell that the others have IPv6 too: it goes on with what is there.
		chosen := len(p.Spec.IPFamilies) == 0 && everywhere && (f == IPv4 || c.facts.Region == "" || c.facts.HasIPv6)
		if wanted || chosen {
			families = append(families, f)
		}
	}
	if len(families) == 0 {
		c.refuse(p, "spec.ipFamilies", nil, "no address family is in all Regions: clients of either could not fail over")
	}
	return families
}

func (at regionTarget) has(f IPFamily) bool {
	return f == IPv4 && at.hasIPv4 || f == IPv6 && at.hasIPv6
}

// config is the health check of a Region, as Route 53 echoes it. A load balancer is probed by its name, which is then
// the Host header too (r53: H); of addresses the first is probed, IPv4 before IPv6. r53: B.2, B.3.
func (c *compiler) config(p Policy, at regionTarget) health.Config {
	h := *at.region.HealthCheck
	config := health.Config{
		Type:                     health.Type(h.Type),
		Port:                     h.Port,
		ResourcePath:             h.Path,
		FullyQualifiedDomainName: strings.TrimSuffix(strings.ToLower(h.HostHeader), "."),
		SearchString:             h.SearchString,
		RequestInterval:          h.RequestInterval,
		FailureThreshold:         h.FailureThreshold,
		Inverted:                 h.Inverted,
		Regions:                  h.CheckerRegions,
	}
	switch {
	case at.alias != nil && config.FullyQualifiedDomainName == "":
		config.FullyQualifiedDomainName = strings.TrimSuffix(strings.TrimPrefix(string(at.alias.DNSName), "dualstack."), ".")
	case at.alias == nil:
		config.IPAddress = slices.Concat(at.v4, at.v6)[0]
		if config.FullyQualifiedDomainName == "" && !h.isTCP() {
			config.FullyQualifiedDomainName = strings.TrimSuffix(string(hostnameOf(p)), ".")
		}
	}
	rules := health.Rules{}
	if c.facts.Provider == Engine {
		rules = health.Rules{MinRequestInterval: 1, AllowedAddresses: health.AnyAddress()}
	}
	complete, err := health.Normalize(config, rules)
	if err != nil {
		c.refuse(p, at.path+".healthCheck", nil, "%v", err)
	}
	return complete
}

// recordSet is the record set of a Region and family.
func recordSet(p Policy, at regionTarget, f IPFamily) zone.ResourceRecordSet {
	r := at.region
	set := zone.ResourceRecordSet{Name: hostnameOf(p), Type: zone.A, SetIdentifier: r.Name}
	values := at.v4
	if f == IPv6 {
		set.Type, values = zone.AAAA, at.v6
	}
	if at.alias != nil {
		set.AliasTarget = new(*at.alias)
	} else {
		set.TTL, set.ResourceRecords = new(*r.TTL), slices.Clone(values)
	}
	switch p.Spec.Routing.Policy {
	case Latency:
		set.Region = r.Name
	case Failover:
		set.Failover = zone.Secondary
		if p.Spec.Routing.Order[0] == r.Name {
			set.Failover = zone.Primary
		}
	case Weighted:
		set.Weight = new(*r.Weight)
	case Geolocation:
		set.GeoLocation = new(r.Location.geo())
	case Multivalue:
		set.MultiValueAnswer = true
	}
	return set
}

// neighbours judges what policies owe each other.
func (c *compiler) neighbours(policies []Policy) {
	keys, names, inNamespace := map[string]bool{}, map[zone.Name]string{}, map[string]int{}
	for _, p := range policies {
		if keys[p.Key()] {
			c.refuse(p, "metadata.name", p.Metadata.Name, "another policy has this name in namespace %s", p.Metadata.Namespace)
			continue
		}
		keys[p.Key()] = true
		inNamespace[p.Metadata.Namespace]++
		if name, err := zone.ParseName(p.Spec.Hostname); err == nil {
			if other, taken := names[name]; taken {
				c.refuse(p, "spec.hostname", p.Spec.Hostname, "is the hostname of %s already", other)
			}
			names[name] = p.Key()
		}
	}
	if c.class == nil || c.class.Spec.Limits.PoliciesPerNamespace == 0 {
		return
	}
	for _, namespace := range sortedKeys(inNamespace) {
		if n, limit := inNamespace[namespace], c.class.Spec.Limits.PoliciesPerNamespace; n > limit {
			c.problems.add(namespace, "", nil, "has %s, the class %s allows %d", count(n, "policy"), c.class.Metadata.Name,
				limit)
		}
	}
}

func (c *compiler) refuse(p Policy, path string, value any, format string, args ...any) {
	c.problems.add(p.Key(), path, value, format, args...)
}
