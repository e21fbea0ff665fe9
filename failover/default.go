package failover

import (
	"maps"
	"slices"

	"github.com/bulkhead-dns/bulkhead/health"
)

// What stands where neither policy nor class says anything. r53: B.2, D.2.
const (
	defaultRequestInterval  = 30 // seconds
	defaultFailureThreshold = 3
	defaultTTL              = 60  // seconds, as load balancers have
	defaultWeight           = 100 // of 255, so that a Region can be given less and more
)

// Default returns a policy with everything filled in that it leaves out: from the class (nil means none), then what is
// built in. Every Region then carries its complete health check. p is not changed, and a policy that is complete is
// returned as it is.
func Default(p Policy, class *Class) Policy {
	var defaults ClassDefaults
	if class != nil {
		defaults = class.Spec.Defaults
	}
	p.APIVersion, p.Kind = or(p.APIVersion, APIVersion), or(p.Kind, PolicyKind)
	p.Metadata.Namespace = p.Metadata.namespace()
	s := &p.Spec
	s.Routing.Policy = or(s.Routing.Policy, or(defaults.RoutingPolicy, Latency))
	if s.Routing.Policy == Failover && len(s.Routing.Order) == 0 {
		for _, r := range s.Regions {
			s.Routing.Order = append(s.Routing.Order, r.Name)
		}
	}
	s.Regions = slices.Clone(s.Regions)
	asked := s.HealthCheck
	s.HealthCheck = asked.withDefaults(defaults)
	for i := range s.Regions {
		r := &s.Regions[i]
		complete := asked.overriddenBy(r.HealthCheck).withDefaults(defaults)
		r.HealthCheck = &complete
		if r.TTL == nil && r.LoadBalancer == nil {
			r.TTL = new(*or(defaults.TTL, new(int64(defaultTTL))))
		}
		if r.Weight == nil && s.Routing.Policy == Weighted {
			weight, given := s.Routing.Weights[r.Name]
			if !given {
				weight = defaultWeight
			}
			r.Weight = &weight
		}
		if location, given := s.Routing.Locations[r.Name]; r.Location == nil && given {
			r.Location = &location
		}
	}
	s.Routing.Weights, s.Routing.Locations = maps.Clone(s.Routing.Weights), maps.Clone(s.Routing.Locations)
	return p
}

// overriddenBy returns h with what o says in its place. A TCP check has no use for what it inherits about HTTP.
func (h HealthCheck) overriddenBy(o *HealthCheck) HealthCheck {
	if o == nil {
		return h
	}
	if health.Type(o.Type) == health.TCP {
		h.Path, h.SearchString, h.HostHeader = "", "", ""
	}
	h.Type = or(o.Type, h.Type)
	h.Port = or(o.Port, h.Port)
	h.Path = or(o.Path, h.Path)
	h.HostHeader = or(o.HostHeader, h.HostHeader)
	h.SearchString = or(o.SearchString, h.SearchString)
	h.RequestInterval = or(o.RequestInterval, h.RequestInterval)
	h.FailureThreshold = or(o.FailureThreshold, h.FailureThreshold)
	h.Inverted = or(o.Inverted, h.Inverted)
	if len(o.CheckerRegions) > 0 {
		h.CheckerRegions = o.CheckerRegions
	}
	return h
}

// withDefaults completes a check.
func (h HealthCheck) withDefaults(d ClassDefaults) HealthCheck {
	h.Type = or(h.Type, string(health.HTTP))
	if h.SearchString != "" && (health.Type(h.Type) == health.HTTP || health.Type(h.Type) == health.HTTPS) {
		h.Type += "_STR_MATCH"
	}
	t := health.Type(h.Type)
	if port := (health.Config{Type: t}).PortNumber(); h.Port == nil && port != 0 {
		h.Port = &port
	}
	if h.Path == "" && t.IsHTTP() {
		h.Path = "/"
	}
	h.RequestInterval = new(*or(h.RequestInterval, or(d.RequestInterval, new(defaultRequestInterval))))
	h.FailureThreshold = new(*or(h.FailureThreshold, or(d.FailureThreshold, new(defaultFailureThreshold))))
	h.Inverted = new(*or(h.Inverted, new(false)))
	if len(h.CheckerRegions) == 0 {
		h.CheckerRegions = d.CheckerRegions
	}
	h.CheckerRegions = slices.Sorted(slices.Values(h.CheckerRegions))
	return h
}

func (h HealthCheck) interval() int  { return *h.RequestInterval }
func (h HealthCheck) threshold() int { return *h.FailureThreshold }

// isTCP reports a check that opens a connection and asks nothing.
func (h HealthCheck) isTCP() bool { return h.Type == string(health.TCP) }
