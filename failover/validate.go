package failover

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/bulkhead-dns/bulkhead/zone"
)

const (
	maxMembers   = 100 // of a group. r53: A.1
	maxTTL       = 1<<31 - 1
	maxWeight    = 255
	maxText      = 255 // characters of paths and search strings. r53: B.2
	maxName      = 63
	maxThreshold = 10
	minCheckers  = 3  // Regions. r53: B.2
	maxProblems  = 50 // that are told of a policy
)

// Validate judges a policy, as Default completes it, against what the provider can do and the class (nil means none)
// allows. Of the facts it does not read LoadBalancers. The error is Problems: everything that is wrong, the first 50 in
// words.
func Validate(p Policy, class *Class, facts Facts) error {
	p = Default(p, class)
	v := validator{p: p, facts: facts}
	if class != nil {
		v.class, v.className = class.Spec, class.Metadata.Name
	}
	v.identity()
	v.hostname()
	v.families()
	v.routing()
	for i := range p.Spec.Regions {
		v.region(i)
	}
	if len(v.problems) == 0 {
		v.objectives()
	}
	if v.more > 0 {
		v.problems.add(p.Key(), "", nil, "and %d more", v.more)
	}
	return v.problems.err()
}

type validator struct {
	p         Policy
	class     ClassSpec
	className string
	facts     Facts
	problems  Problems
	more      int // problems that are counted only
}

func (v *validator) refuse(path string, value any, format string, args ...any) {
	if len(v.problems) == maxProblems {
		v.more++
		return
	}
	v.problems.add(v.p.Key(), path, value, format, args...)
}

// forbid notes a target that the class does not allow, at a path. What cannot be a target at all is said already.
func (v *validator) forbid(path string, p Problem) {
	switch {
	case len(v.problems) == maxProblems:
		v.more++
	case !slices.ContainsFunc(v.problems, func(known Problem) bool { return known.Path == path }):
		p.Where, p.Path, p.Target = v.p.Key(), path, true
		v.problems = append(v.problems, p)
	}
}

// identity judges what the policy is called and which class and provider it is for.
func (v *validator) identity() {
	m := v.p.Metadata
	if v.p.APIVersion != APIVersion {
		v.refuse("apiVersion", v.p.APIVersion, "must be %s", APIVersion)
	}
	if v.p.Kind != PolicyKind {
		v.refuse("kind", v.p.Kind, "must be %s", PolicyKind)
	}
	for _, n := range []struct{ path, value string }{{"metadata.name", m.Name}, {"metadata.namespace", m.Namespace}} {
		if !isObjectName(n.value) {
			v.refuse(n.path, n.value, "must be 1 to %d of a-z 0-9 - . and begin and end with a letter or digit", maxName)
		}
	}
	if ref := v.p.Spec.ClassRef; ref != nil && ref.Name != v.className {
		v.refuse("spec.classRef.name", ref.Name, "there is no such FailoverClass here; known: %s", or(v.className, "none"))
	}
	if f := v.facts.Provider; f != AWS && f != Engine {
		v.refuse("", string(f), "the provider must be %s or %s", AWS, Engine)
	} else if want := v.class.Provider; want != "" && want != f {
		v.refuse("", nil, "the class %s is for the provider %s, not %s", v.className, want, f)
	}
	if ref := v.p.Spec.TargetRef; ref != nil {
		v.targetRef(*ref)
	}
	if rpo := v.p.Spec.Objectives.RPO; rpo < 0 {
		v.refuse("spec.objectives.rpo", time.Duration(rpo), "must not be negative")
	}
}

func isObjectName(s string) bool {
	odd := strings.ContainsFunc(s,
		func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '.' })
	return s != "" && len(s) <= maxName && !odd && strings.Trim(s, "-.") == s
}

func (v *validator) hostname() {
	const path = "spec.hostname"
	given := v.p.Spec.Hostname
	name, err := zone.ParseName(given)
	switch {
	case given == "":
		v.refuse(path, nil, "is missing: the name that fails over, such as app1.example.com")
	case err != nil:
		v.refuse(path, given, "is not a domain name: %v", err)
	case name.IsWildcard():
		v.refuse(path, given, "must name one application: a wildcard is not accepted")
	case strings.Count(string(name), ".") < 2:
		v.refuse(path, given, "must be a name in a hosted zone, such as app1.example.com")
	case !isHostname(name):
		v.refuse(path, given, "must have letters, digits and - in its labels only")
	default:
		v.allowed(path, name)
	}
}

// allowed asks the class for the hostname.
func (v *validator) allowed(path string, name zone.Name) {
	namespace := v.p.Metadata.Namespace
	labels := v.facts.NamespaceLabels[namespace]
	apex := slices.ContainsFunc(v.facts.Zones, func(z zone.HostedZone) bool { return z.Name == name })
	if apex && v.className != "" && !v.class.namesApex(namespace, labels, name) {
		v.refuse(path, v.p.Spec.Hostname, "is the apex of a zone: the class %s must name it in full for namespace %s",
			v.className, namespace)
		return
	}
	if !v.class.allowsHostname(namespace, labels, name) {
		v.refuse(path, v.p.Spec.Hostname, "the class %s does not allow it to namespace %s; allowed: %s", v.className,
			namespace,
			or(few(v.class.allowedPatterns(namespace, labels)), "none"))
	}
}

func isHostname(n zone.Name) bool {
	return !strings.ContainsFunc(string(n), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '_' && r != '.'
	})
}

func (v *validator) families() {
	for i, f := range v.p.Spec.IPFamilies {
		path := fmt.Sprintf("spec.ipFamilies[%d]", i)
		switch {
		case f != IPv4 && f != IPv6:
			v.refuse(path, string(f), "must be %s or %s", IPv4, IPv6)
		case slices.Contains(v.p.Spec.IPFamilies[:i], f):
			v.refuse(path, string(f), "is given twice")
		}
	}
}

// routing judges the Regions as a group. r53: A.1.
func (v *validator) routing() {
	s := v.p.Spec
	if !slices.Contains(routingPolicies(), s.Routing.Policy) {
		v.refuse("spec.routing.policy", s.Routing.Policy, "must be one of %s", strings.Join(routingPolicies(), ", "))
	}
	names := regionNames(s.Regions)
	switch limit := v.class.Limits.RegionsPerPolicy; {
	case len(names) == 0 && s.TargetRef == nil:
		v.refuse("spec.regions", nil, "is missing: at least one Region, or a targetRef in a cluster")
	case limit > 0 && len(names) > limit:
		v.refuse("spec.regions", len(names), "the class %s allows at most %d Regions", v.className, limit)
	case len(names) > maxMembers:
		v.refuse("spec.regions", len(names), "at most %d Regions", maxMembers)
	}
	if len(names) > 0 {
		v.routingTables(names)
	}
	if s.Routing.Policy == Failover {
		v.order(names)
	} else if len(s.Routing.Order) > 0 {
		v.refuse("spec.routing.order", s.Routing.Order, "goes with the policy %s only", Failover)
	}
	if s.Routing.Policy == Geolocation && len(names) > 0 && v.facts.Region == "" {
		v.defaultLocation()
	}
}

// routingTables judges what is said by Region.
func (v *validator) routingTables(names []string) {
	r := v.p.Spec.Routing
	for _, table := range []struct {
		field, policy string
		regions       []string
	}{{"weights", Weighted, sortedKeys(r.Weights)}, {"locations", Geolocation, sortedKeys(r.Locations)}} {
		path := "spec.routing." + table.field
		if len(table.regions) > 0 && r.Policy != table.policy {
			v.refuse(path, nil, "goes with the policy %s only", table.policy)
			continue
		}
		for _, region := range table.regions {
			if !slices.Contains(names, region) && v.facts.Region == "" {
				v.refuse(path+"."+region, nil, "is not among the regions: %s", few(names))
			}
		}
	}
}

// order wants a primary and a secondary. r53: A.1.
func (v *validator) order(names []string) {
	const path = "spec.routing.order"
	order := v.p.Spec.Routing.Order
	if len(order) != 2 || order[0] == order[1] {
		v.refuse(path, order, "must be two Regions: the primary, then the secondary; for more Regions use %s or %s", Latency,
			Weighted)
		return
	}
	for i, region := range order {
		if !slices.Contains(names, region) && v.facts.Region == "" && len(names) > 0 {
			v.refuse(fmt.Sprintf("%s[%d]", path, i), region, "is not among the regions: %s", few(names))
		}
	}
	for i, region := range names {
		if !slices.Contains(order, region) {
			v.refuse(fmt.Sprintf("spec.regions[%d].name", i), region, "is not in the order: %s", few(order))
		}
	}
}

// defaultLocation wants an answer for every client: without a default, clients elsewhere get none. r53: A.6.
func (v *validator) defaultLocation() {
	for _, r := range v.p.Spec.Regions {
		if r.Location != nil && r.Location.Country == "*" {
			return
		}
	}
	v.refuse("spec.regions", nil, `one Region must have the location {country: "*"}: clients elsewhere would get no `+
		`answer`)
}

// region judges one Region.
func (v *validator) region(i int) {
	s := v.p.Spec
	r, at := s.Regions[i], fmt.Sprintf("spec.regions[%d]", i)
	switch _, aws := zone.CanonicalHostedZoneID(r.Name); {
	case !isObjectName(r.Name):
		v.refuse(at+".name", r.Name, "must be a Region's name, such as eu-west-1")
	case slices.Contains(regionNames(s.Regions[:i]), r.Name):
		v.refuse(at+".name", r.Name, "is given twice: a policy has one record set a Region")
	case s.Routing.Policy == Latency && v.facts.Provider == AWS && !aws: // r53: A.1
		v.refuse(at+".name", r.Name, "must be an AWS Region: %s routing on AWS knows no others", Latency)
	}
	v.member(at, r)
	v.target(at, r)
	if v.className != "" {
		for _, p := range v.class.refusedTargets(v.className, r) {
			v.forbid(at+"."+p.Path, p)
		}
	}
	v.check(at, i)
}

// member judges what the routing policy needs of a Region.
func (v *validator) member(at string, r Region) {
	policy := v.p.Spec.Routing.Policy
	switch {
	case r.Weight != nil && policy != Weighted:
		v.refuse(at+".weight", *r.Weight, "goes with the policy %s only", Weighted)
	case r.Weight != nil && (*r.Weight < 0 || *r.Weight > maxWeight): // r53: A.5
		v.refuse(at+".weight", *r.Weight, "must be 0 to %d", maxWeight)
	}
	switch {
	case r.Location != nil && policy != Geolocation:
		v.refuse(at+".location", nil, "goes with the policy %s only", Geolocation)
	case r.Location == nil && policy == Geolocation:
		v.refuse(at+".location", nil, "is missing: a continent, a country, or {country: \"*\"} for everywhere else")
	case r.Location != nil:
		if _, ok := zone.GeoLocationByCode(r.Location.geo()); !ok { // r53: A.6
			v.refuse(at+".location", r.Location.String(), "is no location: a continent of AF AN AS EU NA OC SA, a country's "+
				"two letters in upper case, a state with country US, or country \"*\"")
			return
		}
		for _, other := range v.p.Spec.Regions {
			if other.Name != r.Name && other.Location != nil && *other.Location == *r.Location && other.Name < r.Name {
				v.refuse(at+".location", r.Location.String(), "is the location of %s already", other.Name)
			}
		}
	}
}

// objectives compares what is asked with what the timers give.
func (v *validator) objectives() {
	rto := v.p.Spec.Objectives.RTO
	if rto < 0 {
		v.refuse("spec.objectives.rto", time.Duration(rto), "must not be negative")
	}
	if rto <= 0 {
		return
	}
	if reason := unmet(v.p, v.class.Fastest, v.facts.Provider); reason != "" {
		v.refuse("spec.objectives.rto", time.Duration(rto), "%s", reason)
	}
}

// geo is the location as record sets have it.
func (l Location) geo() zone.GeoLocation {
	return zone.GeoLocation{ContinentCode: l.Continent, CountryCode: l.Country, SubdivisionCode: l.Subdivision}
}

// String is the location in short, such as EU, DE or US-VA.
func (l Location) String() string {
	s := l.Continent + l.Country
	if l.Subdivision != "" {
		s += "-" + l.Subdivision
	}
	return s
}

func tooLong(s string) bool { return utf8.RuneCountInString(s) > maxText }
