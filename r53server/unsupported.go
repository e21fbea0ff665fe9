package r53server

// Features of Route 53 that the engine does not have: private hosted zones, DNSSEC signing, query logging and traffic
// policies. Their lists are empty, because clients list them routinely. Requests to create or change them are refused
// with the code of the API model that fits best. r53: C.2, C.4.

const (
	privateZones    = "Private hosted zones are"
	signing         = "DNSSEC signing is"
	queryLogging    = "Query logging is"
	trafficPolicies = "Traffic policies are"
)

// Private zones.

func (s *Server) listHostedZonesByVPC(r *request) (reply, error) {
	size, err := pageSize(r.query, maxResultPage)
	if err != nil {
		return reply{}, err
	}
	for _, parameter := range []string{"vpcid", "vpcregion"} {
		if r.query.Get(parameter) == "" {
			return reply{}, invalidInput("%s is required.", parameter)
		}
	}
	if r.query.Has("nexttoken") {
		return reply{}, newError(codeInvalidPaginationToken,
			"nexttoken is not accepted: the list is empty and has one page.")
	}
	return reply{body: listHostedZonesByVPCReply{MaxItems: size}}, nil
}

func (s *Server) associateVPCWithHostedZone(r *request) (reply, error) {
	return s.refuseVPC(r, notAvailable(codePublicZoneVPCAssociation, "The hosted zone is public. "+privateZones), "VPC",
		"Comment")
}

func (s *Server) disassociateVPCFromHostedZone(r *request) (reply, error) {
	return s.refuseVPC(r, notAvailable(codeVPCAssociationNotFound, "The hosted zone has no VPC. "+privateZones), "VPC",
		"Comment")
}

func (s *Server) createVPCAssociationAuthorization(r *request) (reply, error) {
	return s.refuseVPC(r, notAvailable(codeInvalidInput, privateZones), "VPC")
}

func (s *Server) deleteVPCAssociationAuthorization(r *request) (reply, error) {
	return s.refuseVPC(r, notAvailable(codeVPCAuthorizationNotFound, privateZones), "VPC")
}

// refuseVPC refuses a valid request about a VPC with refusal, and other requests with their own error.
func (s *Server) refuseVPC(r *request, refusal error, members ...string) (reply, error) {
	d, in := decode(r, members...)
	in.require("VPC")
	in.object("VPC", "VPCRegion", "VPCId")
	if d.err != nil {
		return reply{}, d.err
	}
	if _, err := findZone(s.store.State(), r.path["Id"]); err != nil {
		return reply{}, err
	}
	return reply{}, refusal
}

func (s *Server) listVPCAssociationAuthorizations(r *request) (reply, error) {
	z, err := findZone(s.store.State(), r.path["Id"])
	if err != nil {
		return reply{}, err
	}
	if _, err := resultSize(r.query); err != nil {
		return reply{}, err
	}
	return reply{body: listVPCAuthorizationsReply{HostedZoneID: z.ID}}, nil
}

// DNSSEC.

// getDNSSEC says that a zone is not signed. Terraform asks before it deletes a zone. r53: C.4.
func (s *Server) getDNSSEC(r *request) (reply, error) {
	if _, err := findZone(s.store.State(), r.path["Id"]); err != nil {
		return reply{}, err
	}
	return reply{body: dnssecReply{Status: dnssecStatus{"NOT_SIGNING"}}}, nil
}

func (s *Server) enableHostedZoneDNSSEC(r *request) (reply, error) {
	return s.refuseForZone("Id", r, notAvailable(codeKeySigningKeyNotFound, signing))
}

func (s *Server) disableHostedZoneDNSSEC(r *request) (reply, error) {
	return s.refuseForZone("Id", r, notAvailable(codeDNSSECNotFound, signing))
}

func (s *Server) createKeySigningKey(*request) (reply, error) {
	return reply{}, notAvailable(codeInvalidArgument, signing)
}

func (s *Server) activateKeySigningKey(r *request) (reply, error)   { return s.noSuchSigningKey(r) }
func (s *Server) deactivateKeySigningKey(r *request) (reply, error) { return s.noSuchSigningKey(r) }
func (s *Server) deleteKeySigningKey(r *request) (reply, error)     { return s.noSuchSigningKey(r) }

func (s *Server) noSuchSigningKey(r *request) (reply, error) {
	return s.refuseForZone("HostedZoneId", r, notAvailable(codeNoSuchKeySigningKey, signing))
}

// refuseForZone refuses a request about a hosted zone with refusal, or says that the zone does not exist.
func (s *Server) refuseForZone(parameter string, r *request, refusal error) (reply, error) {
	if _, err := findZone(s.store.State(), r.path[parameter]); err != nil {
		return reply{}, err
	}
	return reply{}, refusal
}

// Query logging.

func (s *Server) createQueryLoggingConfig(*request) (reply, error) {
	return reply{}, notAvailable(codeNoSuchLogGroup, queryLogging)
}

func (s *Server) getQueryLoggingConfig(*request) (reply, error) {
	return reply{}, notAvailable(codeNoSuchQueryLoggingConfig, queryLogging)
}

func (s *Server) deleteQueryLoggingConfig(r *request) (reply, error) {
	return s.getQueryLoggingConfig(r)
}

func (s *Server) listQueryLoggingConfigs(r *request) (reply, error) {
	if id := bareID(r.query.Get("hostedzoneid")); id != "" {
		if _, err := findZone(s.store.State(), id); err != nil {
			return reply{}, err
		}
	}
	if _, err := resultSize(r.query); err != nil {
		return reply{}, err
	}
	return reply{body: listQueryLoggingConfigsReply{}}, nil
}

// Traffic policies.

func (s *Server) createTrafficPolicy(*request) (reply, error) {
	return reply{}, notAvailable(codeInvalidInput, trafficPolicies)
}

func noSuchTrafficPolicy() error { return notAvailable(codeNoSuchTrafficPolicy, trafficPolicies) }

func noSuchTrafficPolicyInstance() error {
	return notAvailable(codeNoSuchTrafficPolicyInstance, trafficPolicies)
}

func (s *Server) createTrafficPolicyVersion(*request) (reply, error) {
	return reply{}, noSuchTrafficPolicy()
}

func (s *Server) getTrafficPolicy(*request) (reply, error) { return reply{}, noSuchTrafficPolicy() }
func (s *Server) updateTrafficPolicyComment(*request) (reply, error) {
	return reply{}, noSuchTrafficPolicy()
}
func (s *Server) deleteTrafficPolicy(*request) (reply, error) { return reply{}, noSuchTrafficPolicy() }
func (s *Server) listTrafficPolicyVersions(*request) (reply, error) {
	return reply{}, noSuchTrafficPolicy()
}

func (s *Server) listTrafficPolicyInstancesByPolicy(*request) (reply, error) {
	return reply{}, noSuchTrafficPolicy()
}

// createTrafficPolicyInstance needs a policy, and there are none.
func (s *Server) createTrafficPolicyInstance(*request) (reply, error) {
	return reply{}, noSuchTrafficPolicy()
}

func (s *Server) getTrafficPolicyInstance(*request) (reply, error) {
	return reply{}, noSuchTrafficPolicyInstance()
}

func (s *Server) updateTrafficPolicyInstance(*request) (reply, error) {
	return reply{}, noSuchTrafficPolicyInstance()
}

func (s *Server) deleteTrafficPolicyInstance(*request) (reply, error) {
	return reply{}, noSuchTrafficPolicyInstance()
}

func (s *Server) getTrafficPolicyInstanceCount(*request) (reply, error) {
	return reply{body: trafficPolicyInstanceCountReply{}}, nil
}

func (s *Server) listTrafficPolicies(r *request) (reply, error) {
	size, err := pageSize(r.query, maxResultPage)
	if err != nil {
		return reply{}, err
	}
	return reply{body: listTrafficPoliciesReply{MaxItems: size}}, nil
}

func (s *Server) listTrafficPolicyInstances(r *request) (reply, error) {
	size, err := pageSize(r.query, maxResultPage)
	if err != nil {
		return reply{}, err
	}
	return reply{body: listTrafficPolicyInstancesReply{MaxItems: size}}, nil
}

func (s *Server) listTrafficPolicyInstancesByHostedZone(r *request) (reply, error) {
	if _, err := findZone(s.store.State(), bareID(r.query.Get("id"))); err != nil {
		return reply{}, err
	}
	return s.listTrafficPolicyInstances(r)
}

// The lists are empty, but replies have their elements.
type (
	listHostedZonesByVPCReply struct {
		HostedZoneSummaries struct{}
		MaxItems            int
	}
	listVPCAuthorizationsReply struct {
		HostedZoneID string `xml:"HostedZoneId"`
		VPCs         struct{}
	}
	dnssecReply struct {
		Status         dnssecStatus
		KeySigningKeys struct{}
	}
	dnssecStatus                 struct{ ServeSignature string }
	listQueryLoggingConfigsReply struct{ QueryLoggingConfigs struct{} }
	listTrafficPoliciesReply     struct {
		TrafficPolicySummaries struct{}
		IsTruncated            bool
		MaxItems               int
	}
	trafficPolicyInstanceCountReply struct{ TrafficPolicyInstanceCount int }
	listTrafficPolicyInstancesReply struct {
		TrafficPolicyInstances struct{}
		IsTruncated            bool
		MaxItems               int
	}
)
