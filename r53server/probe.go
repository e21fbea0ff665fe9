package r53server

// probeHealthCheck has every checker of a check probe it now. It is an extension of the engine: POST /healthcheck/{Id}/probe with an
// empty body. The reply comes when this node's checkers have been told and the other nodes' are being told; what they find decides, as
// always. Asked again within a second, the checkers go on as they are.
func (s *Server) probeHealthCheck(r *request) (reply, error) {
	if len(r.body) > 0 {
		return reply{}, invalidInput("ProbeHealthCheck has no members: the request body must be empty, and has %d bytes.", len(r.body))
	}
	check, err := findCheck(s.store.State(), r.path["Id"])
	if err != nil {
		return reply{}, err
	}
	if !check.Config.Probed() {
		return reply{}, invalidInput("Health check %s is disabled or of type %s, so no checker probes it.", check.ID, check.Config.Type)
	}
	return reply{}, s.store.HintProbe(r.ctx, check.ID)
}
