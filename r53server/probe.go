package r53server

// probeHealthCheck asks every checker of a check to probe it now. It is an extension of the engine: POST
// /healthcheck/{Id}/probe with an empty body. The reply comes when the checkers of this node have the hint; the other
// nodes get it a moment later. A second hint within a second has no effect.
func (s *Server) probeHealthCheck(r *request) (reply, error) {
	if len(r.body) > 0 {
		return reply{}, invalidInput("The request body of ProbeHealthCheck has %d bytes. It must be empty.", len(r.body))
	}
	check, err := findCheck(s.store.State(), r.path["Id"])
	if err != nil {
		return reply{}, err
	}
	if !check.Config.Probed() {
		return reply{}, invalidInput("Health check %s is disabled or of type %s, so no checker probes it.", check.ID,
			check.Config.Type)
	}
	return reply{}, s.store.HintProbe(r.ctx, check.ID)
}
