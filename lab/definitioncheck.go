package lab

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/bulkhead-dns/bulkhead/alb"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// check reports everything that is wrong with a complete definition.
func (d Definition) check() (faults []error) {
	add := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	seen := map[string]bool{}
	for _, z := range d.Zones {
		if n, err := zone.ParseName(z); err != nil || n == "." {
			add("zone %q: use a domain name such as example.com", z)
		}
		if seen[z] {
			add("zone %q is named twice", z)
		}
		seen[z] = true
	}
	if len(d.Regions) == 0 || len(d.Regions) > MaxRegions {
		add("%d regions: use 1 to %d", len(d.Regions), MaxRegions)
	}
	if len(d.Applications) > MaxApplications {
		add("%d applications: use up to %d", len(d.Applications), MaxApplications)
	}
	for i, r := range d.Regions {
		for _, fault := range r.check(d.Regions[:i]) {
			add("region %q: %w", r.Name, fault)
		}
	}
	for i, a := range d.Applications {
		for _, fault := range a.check(d, d.Applications[:i]) {
			add("application %q: %w", a.Name, fault)
		}
	}
	return faults
}

// check judges a Region beside those before it.
func (r RegionDefinition) check(earlier []RegionDefinition) (faults []error) {
	add := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if _, ok := zone.CanonicalHostedZoneID(r.Name); !ok {
		add("it is no AWS Region with Application Load Balancers: use a name such as eu-west-1")
	}
	loopback := r.Address.Is4() && r.Address.IsLoopback()
	if !loopback || r.Address.As4()[3] != 1 {
		add("address %s: use an address of 127.0.0.0/8 that ends in .1, such as 127.10.3.1", r.Address)
	} else if r.network().Contains(netip.AddrFrom4([4]byte{127, 0, 0, 1})) {
		add("address %s: 127.0.0.0/24 is the engine's: use one such as 127.10.3.1", r.Address)
	}
	if r.Clients != r.Clients.Masked() {
		add("clients %s: address bits beyond the prefix are set: use %s", r.Clients, r.Clients.Masked())
	}
	for _, other := range earlier {
		switch {
		case other.Name == r.Name:
			add("it is defined twice")
		case loopback && other.Address.Is4() && other.network().Contains(r.Address):
			add("address %s is in the /24 of region %q", r.Address, other.Name)
		case other.Clients == r.Clients:
			add("clients %s are those of region %q", r.Clients, other.Name)
		}
	}
	if len(r.LoadBalancers) > MaxLoadBalancers {
		add("%d load balancers: use up to %d", len(r.LoadBalancers), MaxLoadBalancers)
	}
	for i, lb := range r.LoadBalancers {
		if !loadBalancerNameForm().MatchString(lb.Name) || strings.HasPrefix(lb.Name, "internal-") {
			add("load balancer %q: use 1 to 32 letters, digits and hyphens, "+
				"no hyphen at either end, not beginning with internal-", lb.Name)
		}
		if slices.Contains(r.LoadBalancers[:i], lb) {
			add("load balancer %q is defined twice", lb.Name)
		}
	}
	return faults
}

// loadBalancerNameForm is Elastic Load Balancing's rule for names.
func loadBalancerNameForm() *regexp.Regexp {
	return regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?$`)
}

// network is the Region's loopback network: its load balancers' addresses, its pods' and its clients'.
func (r RegionDefinition) network() netip.Prefix { return netip.PrefixFrom(r.Address, 24).Masked() }

// loadBalancerNames are the Region's load balancers in the order of the definition.
func (r RegionDefinition) loadBalancerNames() []string {
	var names []string
	for _, lb := range r.LoadBalancers {
		names = append(names, lb.Name)
	}
	return names
}

// check judges an application of a world beside those before it.
func (a ApplicationDefinition) check(world Definition, earlier []ApplicationDefinition) (faults []error) {
	add := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if !regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$`).MatchString(a.Name) {
		add("use a name of 1 to 32 lower-case letters, digits and hyphens, no hyphen at either end")
	}
	for _, other := range earlier {
		switch {
		case other.Name == a.Name:
			add("it is defined twice")
		case other.Hostname == a.Hostname:
			add("hostname %s is that of application %q", a.Hostname, other.Name)
		}
	}
	if _, err := zone.ParseName(a.Hostname); err != nil {
		add("hostname %q: %w", a.Hostname, err)
	} else if _, ok := world.zoneOf(a.Hostname); !ok {
		add("hostname %s is in none of the zones %s", a.Hostname, strings.Join(world.Zones, ", "))
	}
	if !regexp.MustCompile(`^/[!-~]{0,99}$`).MatchString(a.HealthPath) || strings.ContainsAny(a.HealthPath, "*?#%") {
		add("healthPath %q: use a path of up to 100 characters that begins with /, without *, ?, # and %%", a.HealthPath)
	}
	if a.Hue < 1 || a.Hue > 360 {
		add("hue %d: use 1 to 360", a.Hue)
	}
	for i, r := range a.Rules {
		if err := r.rule(a.Name, i+1).CheckConditions(); err != nil {
			add("rule %d: %w", i+1, err)
		}
	}
	return append(faults, a.checkRegions(world)...)
}

func (a ApplicationDefinition) checkRegions(world Definition) (faults []error) {
	add := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	seen := map[string]bool{}
	for _, r := range a.Regions {
		region, ok := world.region(r.Name)
		switch {
		case !ok:
			add("region %q is not defined: there are %s", r.Name, strings.Join(world.regionNames(), ", "))
		case seen[r.Name]:
			add("region %q is named twice", r.Name)
		case !slices.Contains(region.loadBalancerNames(), r.LoadBalancer):
			add("load balancer %q is not defined in %s: there are %s", r.LoadBalancer, r.Name,
				strings.Join(region.loadBalancerNames(), ", "))
		}
		seen[r.Name] = true
		if *r.Replicas < 0 || *r.Replicas > MaxReplicas {
			add("%d replicas: use 0 to %d", *r.Replicas, MaxReplicas)
		}
		if !slices.Contains([]HealthAnswer{HealthHonest, HealthAlways, HealthNotFound}, r.HealthAnswer) {
			add("healthAnswer %q: use %s, %s or %s", r.HealthAnswer, HealthHonest, HealthAlways, HealthNotFound)
		}
	}
	return faults
}

// rule is the listener rule that leads to an application.
func (r RuleDefinition) rule(application string, priority int) alb.Rule {
	rule := alb.Rule{Priority: priority, Action: alb.Action{TargetGroup: application}}
	if r.Host != "" {
		rule.Hosts = []string{r.Host}
	}
	if r.Path != "" {
		rule.Paths = []string{r.Path}
	}
	return rule
}
