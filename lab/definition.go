package lab

import (
	"bytes"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"net/netip"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// A Definition is the world of a lab: hosted zones, Regions with their load balancers, and the applications behind
// them. What a file leaves out is filled in by ParseDefinition; docs/lab.md shows the whole format.
type Definition struct {
	// Zones are the hosted zones to make: "example.com". None means example.com.
	Zones        []string                `yaml:"zones"`
	Regions      []RegionDefinition      `yaml:"regions"`      // 1 to MaxRegions
	Applications []ApplicationDefinition `yaml:"applications"` // up to MaxApplications; may be none
}

// A RegionDefinition is one Region. The n-th one, counted from 1, has what is said below where the file leaves it open.
type RegionDefinition struct {
	Name string `yaml:"name"` // an AWS Region: "eu-west-1"
	// Address is the loopback address of the first load balancer; each further one has the next address. It ends in .1,
	// and its /24 is the Region's: pods have addresses in it, and clients that ask from it are near the Region. None means
	// 127.10.n.1.
	Address netip.Addr `yaml:"address"`
	// Clients is the network of those who are near the Region, as they show it in EDNS Client Subnet. None means
	// 10.n.0.0/16.
	Clients       netip.Prefix             `yaml:"clients"`
	LoadBalancers []LoadBalancerDefinition `yaml:"loadBalancers"` // 1 to MaxLoadBalancers; none means one called demoalb
}

// A LoadBalancerDefinition is one Application Load Balancer.
type LoadBalancerDefinition struct {
	Name string `yaml:"name"` // up to 32 letters, digits and hyphens, unique in the Region
}

// An ApplicationDefinition is one application, its rules on the load balancers, and the faults that it starts with.
type ApplicationDefinition struct {
	Name       string `yaml:"name"`       // up to 32 lower-case letters, digits and hyphens, unique
	Hostname   string `yaml:"hostname"`   // under one of the zones; none means NAME under the first zone
	HealthPath string `yaml:"healthPath"` // none means /NAMEhealth
	// LoadBalancer is the name of the one that it is behind in every Region; none means each Region's first.
	LoadBalancer string       `yaml:"loadBalancer"`
	Replicas     *int         `yaml:"replicas"`     // in each Region, 0 to MaxReplicas; none means 2
	Failing      bool         `yaml:"failing"`      // answers 500, as after `bulkhead lab fail`
	HealthAnswer HealthAnswer `yaml:"healthAnswer"` // none means HealthHonest
	// Rules that lead to the application; none means one for its host name and one for its health path on any host.
	Rules []RuleDefinition `yaml:"rules"`
	// Regions that it is in, each with what differs there; none means all.
	Regions []ApplicationRegion `yaml:"regions"`
	Hue     int                 `yaml:"hue"` // colour of its page, 1 to 360 degrees; none means one made of its name
}

// A RuleDefinition is one listener rule that leads to its application. Host, path or both; * and ? are wildcards, as in
// Rule.
type RuleDefinition struct {
	Host string `yaml:"host"` // "app1.example.com"; none means any
	Path string `yaml:"path"` // "/app1health"; none means any
}

// An ApplicationRegion is what one application is in one Region. Empty fields take the application's.
type ApplicationRegion struct {
	Name         string       `yaml:"name"` // of the Region
	LoadBalancer string       `yaml:"loadBalancer"`
	Replicas     *int         `yaml:"replicas"`
	Failing      *bool        `yaml:"failing"`
	HealthAnswer HealthAnswer `yaml:"healthAnswer"`
}

// A HealthAnswer is how an application answers on its health path.
type HealthAnswer string

// The answers there are.
const (
	HealthHonest   HealthAnswer = "honest"   // 200, or 500 while it is failing
	HealthAlways   HealthAnswer = "always"   // 200, also while it is failing: a check of it never fails
	HealthNotFound HealthAnswer = "notFound" // 404: the path does not exist
)

// Bounds of a definition.
const (
	MaxRegions       = 20
	MaxLoadBalancers = 16 // in one Region
	MaxApplications  = 500
)

// DefaultZone is the hosted zone of a definition that names none.
const DefaultZone = "example.com"

// DefaultDefinition is the lab without a definition file: two Regions with a load balancer each, shared by app1 and
// app2.
func DefaultDefinition() Definition {
	d := Definition{
		Regions: []RegionDefinition{{Name: "eu-west-1"}, {Name: "eu-central-1"}},
		Applications: []ApplicationDefinition{
			{Name: "app1", Hue: 214}, // blue
			{Name: "app2", Hue: 150}, // green
		},
	}
	return d.withDefaults()
}

// ParseDefinition reads the YAML of a definition file, fills in what it leaves open, and reports everything that is
// wrong with it. A field that there is not is refused. name is the file's, for the error.
func ParseDefinition(name string, data []byte) (Definition, error) {
	var d Definition
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	decoder.KnownFields(true)
	err := decoder.Decode(&d)
	switch {
	case errors.Is(err, io.EOF):
		return Definition{}, fmt.Errorf("%s: the file is empty: give at least one of regions", name)
	case err != nil:
		return Definition{}, inFile(name, plainly(err))
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return Definition{}, fmt.Errorf("%s: more than one document: a lab has one definition", name)
	}
	d = d.withDefaults()
	if faults := d.check(); len(faults) > 0 {
		return Definition{}, inFile(name, faults)
	}
	return d, nil
}

// inFile makes one error of faults, each on a line of its own that names the file.
func inFile(name string, faults []error) error {
	var all []error
	for _, fault := range faults {
		all = append(all, fmt.Errorf("%s: %w", name, fault))
	}
	return errors.Join(all...)
}

// plainly says in the file's terms what the YAML decoder says in Go's.
func plainly(err error) []error {
	var wrong *yaml.TypeError
	if !errors.As(err, &wrong) {
		return []error{err}
	}
	unknown := regexp.MustCompile(`field (\S+) not found in type \S+`)
	into := regexp.MustCompile(` into \S+$`)
	var faults []error
	for _, text := range wrong.Errors {
		text = unknown.ReplaceAllString(text, "there is no field $1 here")
		faults = append(faults, errors.New(into.ReplaceAllString(text, " here")))
	}
	return faults
}

// withDefaults fills in what is left open and leaves d as it is.
func (d Definition) withDefaults() Definition {
	full := Definition{Zones: []string{DefaultZone}}
	if len(d.Zones) > 0 {
		full.Zones = nil
		for _, z := range d.Zones {
			full.Zones = append(full.Zones, strings.TrimSuffix(strings.ToLower(z), "."))
		}
	}
	for i, r := range d.Regions {
		n := byte(i + 1)
		if !r.Address.IsValid() {
			r.Address = netip.AddrFrom4([4]byte{127, 10, n, 1})
		}
		if !r.Clients.IsValid() {
			r.Clients = netip.PrefixFrom(netip.AddrFrom4([4]byte{10, n, 0, 0}), 16)
		}
		if len(r.LoadBalancers) == 0 {
			r.LoadBalancers = []LoadBalancerDefinition{{Name: "demoalb"}}
		}
		full.Regions = append(full.Regions, r)
	}
	for _, a := range d.Applications {
		full.Applications = append(full.Applications, a.withDefaults(full))
	}
	return full
}

// withDefaults fills in an application of a world whose zones and Regions are complete.
func (a ApplicationDefinition) withDefaults(world Definition) ApplicationDefinition {
	if a.Hostname == "" {
		a.Hostname = a.Name + "." + world.Zones[0]
	}
	a.Hostname = strings.TrimSuffix(strings.ToLower(a.Hostname), ".")
	if a.HealthPath == "" {
		a.HealthPath = "/" + a.Name + "health"
	}
	if a.Replicas == nil {
		replicas := defaultReplicas
		a.Replicas = &replicas
	}
	if a.HealthAnswer == "" {
		a.HealthAnswer = HealthHonest
	}
	if len(a.Rules) == 0 {
		a.Rules = []RuleDefinition{{Host: a.Hostname}, {Path: a.HealthPath}}
	}
	if a.Hue == 0 {
		a.Hue = hueOf(a.Name)
	}
	regions := a.Regions
	if len(regions) == 0 {
		for _, r := range world.Regions {
			regions = append(regions, ApplicationRegion{Name: r.Name})
		}
	}
	a.Regions = nil
	for _, r := range regions {
		a.Regions = append(a.Regions, r.withDefaults(a, world))
	}
	return a
}

// hueOf gives an application a colour by its name.
func hueOf(name string) int {
	h := fnv.New32a()
	h.Write([]byte(name))
	return 1 + int(h.Sum32()%360)
}

func (r ApplicationRegion) withDefaults(a ApplicationDefinition, world Definition) ApplicationRegion {
	if r.LoadBalancer == "" {
		r.LoadBalancer = a.LoadBalancer
	}
	if region, ok := world.region(r.Name); ok && r.LoadBalancer == "" {
		r.LoadBalancer = region.LoadBalancers[0].Name
	}
	if r.Replicas == nil {
		r.Replicas = a.Replicas
	}
	if r.Failing == nil {
		r.Failing = &a.Failing
	}
	if r.HealthAnswer == "" {
		r.HealthAnswer = a.HealthAnswer
	}
	return r
}

func (d Definition) region(name string) (RegionDefinition, bool) {
	for _, r := range d.Regions {
		if r.Name == name {
			return r, true
		}
	}
	return RegionDefinition{}, false
}

// regionNames are the Regions in the order of the definition.
func (d Definition) regionNames() []string {
	var names []string
	for _, r := range d.Regions {
		names = append(names, r.Name)
	}
	return names
}

// zoneOf returns the hosted zone that a host name belongs to: the longest that it is under.
func (d Definition) zoneOf(hostname string) (name string, ok bool) {
	for _, z := range d.Zones {
		if (hostname == z || strings.HasSuffix(hostname, "."+z)) && len(z) > len(name) {
			name, ok = z, true
		}
	}
	return name, ok
}
