package r53server

import (
	"cmp"
	"math"
	"slices"
)

// noLimit is the value of a limit that does not exist: the largest number that every client can read. The API cannot
// say "no limit".
const noLimit = math.MaxInt32

// getAccountLimit returns a limit of the account and how much of it is used. r53: C.3.
func (s *Server) getAccountLimit(r *request) (reply, error) {
	limits, state := s.store.Limits(), s.store.State()
	switch kind := r.path["Type"]; kind {
	case "MAX_HEALTH_CHECKS_BY_OWNER":
		return limitOf(kind, limits.HealthChecks, state.CheckCount()), nil
	case "MAX_HOSTED_ZONES_BY_OWNER":
		return limitOf(kind, limits.HostedZones, state.ZoneCount()), nil
	case "MAX_REUSABLE_DELEGATION_SETS_BY_OWNER":
		return limitOf(kind, limits.ReusableDelegationSets, state.DelegationSetCount()), nil
	case "MAX_TRAFFIC_POLICIES_BY_OWNER", "MAX_TRAFFIC_POLICY_INSTANCES_BY_OWNER": // the model has no limit of 0
		return reply{}, notAvailable(codeInvalidInput, kind+": traffic policies are")
	default:
		return reply{}, notInValueSet(kind, "Type", "MAX_HEALTH_CHECKS_BY_OWNER", "MAX_HOSTED_ZONES_BY_OWNER",
			"MAX_REUSABLE_DELEGATION_SETS_BY_OWNER", "MAX_TRAFFIC_POLICIES_BY_OWNER", "MAX_TRAFFIC_POLICY_INSTANCES_BY_OWNER")
	}
}

// getHostedZoneLimit returns a limit of a hosted zone and how much of it is used.
func (s *Server) getHostedZoneLimit(r *request) (reply, error) {
	state := s.store.State()
	z, err := findZone(state, r.path["Id"])
	if err != nil {
		return reply{}, err
	}
	switch kind := r.path["Type"]; kind {
	case "MAX_RRSETS_BY_ZONE":
		return limitOf(kind, s.store.Limits().RecordSetsPerZone, state.Records(z.ID).Len()), nil
	case "MAX_VPCS_ASSOCIATED_BY_ZONE":
		return reply{}, newError(codeHostedZoneNotPrivate, "The specified hosted zone is public: it has no VPCs.")
	default:
		return reply{}, notInValueSet(kind, "Type", "MAX_RRSETS_BY_ZONE", "MAX_VPCS_ASSOCIATED_BY_ZONE")
	}
}

// getReusableDelegationSetLimit returns how many hosted zones a delegation set may have, and how many it has.
func (s *Server) getReusableDelegationSetLimit(r *request) (reply, error) {
	state := s.store.State()
	set, err := findDelegationSet(state, r.path["Id"])
	if err != nil {
		return reply{}, err
	}
	kind := r.path["Type"]
	if kind != "MAX_ZONES_BY_REUSABLE_DELEGATION_SET" {
		return reply{}, notInValueSet(kind, "Type", "MAX_ZONES_BY_REUSABLE_DELEGATION_SET")
	}
	zones := len(slices.Collect(state.ZonesOn(set)))
	return limitOf(kind, s.store.Limits().ZonesPerDelegationSet, zones), nil
}

func limitOf(kind string, limit, count int) reply {
	return reply{body: limitReply{Limit: limitShape{kind, cmp.Or(limit, noLimit)}, Count: count}}
}

type limitReply struct {
	Limit limitShape
	Count int
}

type limitShape struct {
	Type  string
	Value int
}
