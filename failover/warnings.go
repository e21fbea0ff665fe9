package failover

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/bulkhead-dns/bulkhead/health"
)

// A Warning is what is accepted, may still surprise, and can be changed: what every sound policy has is no warning.
type Warning struct {
	Where string `json:"where"` // "<namespace>/<name>" of a policy
	Path  string `json:"path"`  // of the field
	Text  string `json:"text"`
}

// String is all of it in one line.
func (w Warning) String() string { return w.Where + ": " + w.Path + ": " + w.Text }

type warnings []Warning

func (ws *warnings) add(p Policy, path, format string, args ...any) {
	*ws = append(*ws, Warning{p.Key(), path, fmt.Sprintf(format, args...)})
}

// highestTTL is the TTL beyond which Route 53's guide does not go for records with health checks. r53: D.2.
const highestTTL = 60

// policy warns of what is to be known of one policy.
func (ws *warnings) policy(p Policy, places []regionTarget, families []IPFamily, facts Facts) {
	s := p.Spec
	if len(places) == 1 && facts.Region == "" {
		ws.add(p, "spec.regions", "there is one Region only: clients have nowhere to go when it fails")
	}
	if facts.Region == "" {
		for _, f := range []IPFamily{IPv4, IPv6} {
			if !slices.Contains(families, f) && len(s.IPFamilies) == 0 &&
				slices.ContainsFunc(places, func(at regionTarget) bool { return at.has(f) }) {
				ws.add(p, "spec.ipFamilies", "not every Region has %s addresses: there are no records of that family", f)
			}
		}
	}
	targets := map[string]string{}
	for _, at := range places {
		ws.check(p, at)
		ws.addresses(p, at)
		if at.alias == nil {
			continue
		}
		target := strings.TrimPrefix(string(at.alias.DNSName), "dualstack.")
		if other, shared := targets[target]; shared {
			ws.add(p, at.path+".loadBalancer", "%s and %s are one load balancer: they fail together", other, at.region.Name)
		}
		targets[target] = at.region.Name
	}
	ws.group(p, places)
}

// check warns of what a Region's health check does not see.
func (ws *warnings) check(p Policy, at regionTarget) {
	h, aliased := *at.region.HealthCheck, at.alias != nil
	warn := func(field, format string, args ...any) {
		ws.add(p, p.checkPath(at.path, at.region, field), format, args...)
	}
	switch {
	case h.isTCP() && aliased:
		warn("type", "a TCP check of a load balancer sees the load balancer, not the application behind it")
	case h.isTCP():
		warn("type", "a TCP check sees that the port is open, not that the application answers")
	case aliased && h.HostHeader == "" && h.Path == "/": // r53: H. A path of one's own is answered by a rule of one's own.
		warn("path", "probes ask the load balancer for / under its own name, which any application behind it may answer: "+
			"give a path that only this one answers, or a hostHeader")
	}
	if *h.Inverted {
		warn("inverted", "clients are sent to a Region when its endpoint fails")
	}
}

// answered warns of a load balancer that answers the probes itself, so that the application is never seen.
func (ws *warnings) answered(p Policy, at regionTarget, config health.Config) {
	if self, answered := AnsweredByBalancer(config, at.rules); answered {
		ws.add(p, p.checkPath(at.path, at.region, "path"), "%s; %s", self.Why, self.Fix)
	}
}

// addresses warns of what is not probed, and of how long old answers live.
func (ws *warnings) addresses(p Policy, at regionTarget) {
	if at.alias != nil {
		return
	}
	all := slices.Concat(at.v4, at.v6)
	if len(all) > 1 {
		ws.add(p, at.path+".addresses", "the check probes %s alone, and stands for the others", all[0])
	}
	if *at.region.TTL > highestTTL {
		ws.add(p, at.path+".ttl", "resolvers go on answering with a failed Region for up to %d s; %d or less is advised",
			*at.region.TTL, highestTTL)
	}
}

// group warns of groups that cannot fail over as expected.
func (ws *warnings) group(p Policy, places []regionTarget) {
	if len(places) < 2 {
		return
	}
	switch p.Spec.Routing.Policy {
	case Weighted:
		if !slices.ContainsFunc(places, func(at regionTarget) bool { return *at.region.Weight > 0 }) { // r53: A.5
			ws.add(p, "spec.routing.weights", "all weights are 0, which Route 53 takes as all equal")
		}
	case Geolocation:
		for _, at := range places {
			if at.region.Location.Country == "*" { // r53: A.6
				ws.add(p, at.path+".location", "clients climb from smaller areas to this one: when %s fails, clients of no other "+
					"area have nowhere to go", at.region.Name)
			}
		}
	}
}

// An endpoint is what the check of a policy's Region probes.
type endpoint struct {
	policy, region string
	config         health.Config
}

// sharedFate adds the warning that checks of several policies ask the same question, so that these applications fail
// together, and returns all in order, each once: Regions share much of what is to be said.
func sharedFate(policies []Policy, endpoints []endpoint, ws warnings) []Warning {
	type question struct {
		address, name, path, search string
		port                        int
	}
	asking := map[question]map[string]bool{}
	for _, e := range endpoints {
		c := e.config
		q := question{c.IPAddress, c.FullyQualifiedDomainName, c.Path(), c.SearchString, c.PortNumber()}
		if asking[q] == nil {
			asking[q] = map[string]bool{}
		}
		asking[q][e.policy] = true
	}
	// Of hundreds that ask one question, a few stand for all: naming everybody to everybody would grow with their square.
	const named = 3
	others := map[string][]string{}
	for _, keys := range asking {
		first := sortedKeys(keys)
		for key := range keys {
			for _, other := range first[:min(len(first), named+2)] {
				if other != key {
					others[key] = append(others[key], other)
				}
			}
		}
	}
	for _, p := range policies {
		with := others[p.Key()]
		slices.Sort(with)
		switch with = slices.Compact(with); {
		case len(with) > named:
			ws.add(p, "spec.healthCheck", "probes the same URL as %s and others: they fail together",
				strings.Join(with[:named], ", "))
		case len(with) > 0:
			ws.add(p, "spec.healthCheck", "probes the same URL as %s: they fail together", strings.Join(with, ", "))
		}
	}
	slices.SortFunc(ws, func(a, b Warning) int {
		return cmp.Or(strings.Compare(a.Where, b.Where), strings.Compare(a.Path, b.Path), strings.Compare(a.Text, b.Text))
	})
	return slices.Compact(ws)
}

// count writes a number with its noun.
func count(n int, noun string) string {
	switch {
	case n == 1:
		return "1 " + noun
	case strings.HasSuffix(noun, "y"):
		return fmt.Sprintf("%d %sies", n, strings.TrimSuffix(noun, "y"))
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func index(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }

// regionNames lists the names of Regions.
func regionNames(regions []Region) []string {
	names := make([]string, len(regions))
	for i, r := range regions {
		names[i] = r.Name
	}
	return names
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
