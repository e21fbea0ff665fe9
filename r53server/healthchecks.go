package r53server

import (
	"cmp"
	"net/netip"
	"slices"

	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/store"
)

// configMembers are the members of HealthCheckConfig that an update may carry too. r53: B.2.
func configMembers() []string {
	return []string{"IPAddress", "Port", "ResourcePath", "FullyQualifiedDomainName", "SearchString", "FailureThreshold",
		"Inverted", "Disabled",
		"HealthThreshold", "ChildHealthChecks", "EnableSNI", "Regions", "AlarmIdentifier", "InsufficientDataHealthStatus"}
}

// createHealthCheck creates a check, or returns the one that has the same caller reference and settings. r53: B.8, C.3.
func (s *Server) createHealthCheck(r *request) (reply, error) {
	d, in := decode(r, "CallerReference", "HealthCheckConfig")
	in.require("CallerReference", "HealthCheckConfig")
	reference := in.sized("CallerReference", 1, 64)
	members := in.object("HealthCheckConfig", append(configMembers(), "Type", "RequestInterval", "MeasureLatency",
		"RoutingControlArn")...)
	if in.has("HealthCheckConfig") {
		members.require("Type")
	}
	config := decodeConfig(members)
	if d.err != nil {
		return reply{}, d.err
	}
	config, err := health.Normalize(config, s.rules)
	if err != nil {
		return reply{}, err
	}
	check, err := s.store.CreateHealthCheck(r.ctx, reference, config)
	if err != nil {
		return reply{}, err
	}
	return reply{
		location: r.base + version + "/healthcheck/" + check.ID,
		body:     healthCheckReply{healthCheckShape(check)},
	}, nil
}

// updateHealthCheck changes the members of the request and leaves the others as they are. r53: B.2, B.8.
func (s *Server) updateHealthCheck(r *request) (reply, error) {
	d, in := decode(r, slices.Concat([]string{"HealthCheckVersion"}, configMembers(), []string{"ResetElements"})...)
	update := health.Update{Config: decodeConfig(in), ResetElements: in.strings("ResetElements", "ResettableElementName")}
	expected := in.int64("HealthCheckVersion")
	if d.err != nil {
		return reply{}, d.err
	}
	old, err := findCheck(s.store.State(), r.path["Id"])
	if err != nil {
		return reply{}, err
	}
	check, err := s.store.UpdateHealthCheck(r.ctx, old.ID, expected, func(c health.Config) (health.Config, error) {
		return health.ApplyUpdate(c, update, s.rules)
	})
	if err != nil {
		return reply{}, err
	}
	return reply{body: healthCheckReply{healthCheckShape(check)}}, nil
}

// decodeConfig reads the members of a config. An update has no Type, RequestInterval, MeasureLatency and
// RoutingControlArn.
func decodeConfig(in object) health.Config {
	config := health.Config{
		IPAddress:                    in.text("IPAddress"),
		Port:                         in.int("Port"),
		Type:                         health.Type(in.text("Type")),
		ResourcePath:                 in.text("ResourcePath"),
		FullyQualifiedDomainName:     in.text("FullyQualifiedDomainName"),
		SearchString:                 in.text("SearchString"),
		RequestInterval:              in.int("RequestInterval"),
		FailureThreshold:             in.int("FailureThreshold"),
		MeasureLatency:               in.bool("MeasureLatency"),
		Inverted:                     in.bool("Inverted"),
		Disabled:                     in.bool("Disabled"),
		HealthThreshold:              in.int("HealthThreshold"),
		ChildHealthChecks:            in.strings("ChildHealthChecks", "ChildHealthCheck"),
		EnableSNI:                    in.bool("EnableSNI"),
		Regions:                      in.strings("Regions", "Region"),
		InsufficientDataHealthStatus: in.enum("InsufficientDataHealthStatus", "Healthy", "Unhealthy", "LastKnownStatus"),
		RoutingControlArn:            in.text("RoutingControlArn"),
	}
	if in.has("AlarmIdentifier") {
		alarm := in.object("AlarmIdentifier", "Region", "Name")
		alarm.require("Region", "Name")
		config.AlarmIdentifier = &health.AlarmIdentifier{Region: alarm.text("Region"), Name: alarm.text("Name")}
	}
	return config
}

func (s *Server) getHealthCheck(r *request) (reply, error) {
	check, err := findCheck(s.store.State(), r.path["Id"])
	if err != nil {
		return reply{}, err
	}
	return reply{body: healthCheckReply{healthCheckShape(check)}}, nil
}

// deleteHealthCheck deletes a check even if record sets cite it. r53: B.8.
func (s *Server) deleteHealthCheck(r *request) (reply, error) {
	check, err := findCheck(s.store.State(), r.path["Id"])
	if err != nil {
		return reply{}, err
	}
	return reply{}, s.store.DeleteHealthCheck(r.ctx, check.ID)
}

// listHealthChecks lists by id. It treats a deleted marker as listHostedZones does.
func (s *Server) listHealthChecks(r *request) (reply, error) {
	size, err := pageSize(r.query, maxCheckPage)
	if err != nil {
		return reply{}, err
	}
	marker := r.query.Get("marker")
	checks, next, truncated := page(s.store.State().Checks(), func(c health.Check) bool { return c.ID >= marker }, size)
	out := listHealthChecksReply{Marker: marker, IsTruncated: truncated, NextMarker: next.ID, MaxItems: size}
	for _, check := range checks {
		out.HealthChecks.HealthCheck = append(out.HealthChecks.HealthCheck, healthCheckShape(check))
	}
	return reply{body: out}, nil
}

func (s *Server) getHealthCheckCount(*request) (reply, error) {
	return reply{body: healthCheckCountReply{s.store.State().CheckCount()}}, nil
}

// getHealthCheckStatus shows every checker's last probe. r53: B.7.
func (s *Server) getHealthCheckStatus(r *request) (reply, error) {
	return s.observe(r, func(o health.Report) statusReport {
		return statusReport{o.Status, formatTime(o.CheckedTime)}
	})
}

// getHealthCheckLastFailureReason shows every checker's last failed probe. A checker without one is left out.
func (s *Server) getHealthCheckLastFailureReason(r *request) (reply, error) {
	return s.observe(r, func(o health.Report) statusReport {
		return statusReport{o.Failure, formatTime(o.FailureTime)}
	})
}

func (s *Server) observe(r *request, shape func(health.Report) statusReport) (reply, error) {
	check, err := findCheck(s.store.State(), r.path["Id"])
	if err != nil {
		return reply{}, err
	}
	if check.Config.Type == health.Calculated {
		// The model leaves no other code (unconfirmed). r53: B.7.
		return reply{}, invalidInput("Health check %s is of type CALCULATED, which no checker probes. Ask for the status "+
			"of its child health checks.", check.ID)
	}
	reports := slices.Clone(s.observations(check.ID))
	slices.SortFunc(reports, func(a, b health.Report) int {
		return cmp.Or(cmp.Compare(a.Region, b.Region), cmp.Compare(a.Checker, b.Checker))
	})
	var out observationsReply
	for _, report := range reports {
		status := shape(report)
		if status.Status == "" {
			continue
		}
		list := &out.HealthCheckObservations.HealthCheckObservation
		*list = append(*list, observation{Region: report.Region, IPAddress: report.IPAddress, StatusReport: status})
	}
	return reply{body: out}, nil
}

// getCheckerIPRanges lists the addresses that the checkers of this engine probe from. It reads them from reports. It
// does not list the ranges of AWS (r53: B.9), which would open a firewall to the wrong checkers.
func (s *Server) getCheckerIPRanges(*request) (reply, error) {
	state := s.store.State()
	seen := map[netip.Addr]bool{}
	for check := range state.Checks() {
		for _, report := range s.observations(check.ID) {
			if addr, err := netip.ParseAddr(report.IPAddress); err == nil {
				seen[addr.WithZone("")] = true
			}
		}
	}
	var out checkerIPRangesReply
	for addr := range seen {
		out.CheckerIPRanges.Member = append(out.CheckerIPRanges.Member, netip.PrefixFrom(addr, addr.BitLen()).String())
	}
	slices.Sort(out.CheckerIPRanges.Member)
	return reply{body: out}, nil
}

func findCheck(state *store.State, id string) (health.Check, error) {
	check, ok := state.Check(id)
	if !ok {
		return health.Check{}, &store.NoSuch{Err: store.ErrNoSuchHealthCheck, ID: id}
	}
	return check, nil
}
