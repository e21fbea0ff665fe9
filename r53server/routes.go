package r53server

import (
	"net/url"
	"strings"
)

const version = "/2013-04-01"

// A route is one operation of the API. r53: C.2, C.3, C.4.
type route struct {
	method, pattern, operation string
	handle                     func(*Server, *request) (reply, error)
}

// routes lists every operation of API version 2013-04-01. Those that are unavailable are
// known, so that the reply can say so.
func routes() []route {
	return []route{
		// Hosted zones.
		{"POST", "/hostedzone", "CreateHostedZone", (*Server).createHostedZone},
		{"GET", "/hostedzone/{Id}", "GetHostedZone", (*Server).getHostedZone},
		{"DELETE", "/hostedzone/{Id}", "DeleteHostedZone", (*Server).deleteHostedZone},
		{"GET", "/hostedzone", "ListHostedZones", (*Server).listHostedZones},
		{"GET", "/hostedzonesbyname", "ListHostedZonesByName", (*Server).listHostedZonesByName},
		{"GET", "/hostedzonecount", "GetHostedZoneCount", (*Server).getHostedZoneCount},
		{"POST", "/hostedzone/{Id}", "UpdateHostedZoneComment", unavailable},
		{"POST", "/hostedzone/{Id}/features", "UpdateHostedZoneFeatures", unavailable},
		{"GET", "/hostedzonelimit/{Id}/{Type}", "GetHostedZoneLimit", unavailable},

		// Record sets and changes.
		{"POST", "/hostedzone/{Id}/rrset", "ChangeResourceRecordSets", (*Server).changeResourceRecordSets},
		{"GET", "/hostedzone/{Id}/rrset", "ListResourceRecordSets", (*Server).listResourceRecordSets},
		{"GET", "/change/{Id}", "GetChange", (*Server).getChange},
		{"GET", "/testdnsanswer", "TestDNSAnswer", unavailable},

		// Health checks.
		{"POST", "/healthcheck", "CreateHealthCheck", (*Server).createHealthCheck},
		{"GET", "/healthcheck/{Id}", "GetHealthCheck", (*Server).getHealthCheck},
		{"POST", "/healthcheck/{Id}", "UpdateHealthCheck", (*Server).updateHealthCheck},
		{"DELETE", "/healthcheck/{Id}", "DeleteHealthCheck", (*Server).deleteHealthCheck},
		{"GET", "/healthcheck", "ListHealthChecks", (*Server).listHealthChecks},
		{"GET", "/healthcheckcount", "GetHealthCheckCount", (*Server).getHealthCheckCount},
		{"GET", "/healthcheck/{Id}/status", "GetHealthCheckStatus", (*Server).getHealthCheckStatus},
		{"GET", "/healthcheck/{Id}/lastfailurereason", "GetHealthCheckLastFailureReason", (*Server).getHealthCheckLastFailureReason},
		{"GET", "/checkeripranges", "GetCheckerIpRanges", (*Server).getCheckerIPRanges},

		// Tags.
		{"POST", "/tags/{ResourceType}/{ResourceId}", "ChangeTagsForResource", unavailable},
		{"GET", "/tags/{ResourceType}/{ResourceId}", "ListTagsForResource", unavailable},
		{"POST", "/tags/{ResourceType}", "ListTagsForResources", unavailable},

		// Geolocation, CIDR collections, limits.
		{"GET", "/geolocation", "GetGeoLocation", unavailable},
		{"GET", "/geolocations", "ListGeoLocations", unavailable},
		{"POST", "/cidrcollection", "CreateCidrCollection", unavailable},
		{"POST", "/cidrcollection/{Id}", "ChangeCidrCollection", unavailable},
		{"DELETE", "/cidrcollection/{Id}", "DeleteCidrCollection", unavailable},
		{"GET", "/cidrcollection", "ListCidrCollections", unavailable},
		{"GET", "/cidrcollection/{Id}", "ListCidrLocations", unavailable},
		{"GET", "/cidrcollection/{Id}/cidrblocks", "ListCidrBlocks", unavailable},
		{"GET", "/accountlimit/{Type}", "GetAccountLimit", unavailable},
		{"GET", "/reusabledelegationsetlimit/{Id}/{Type}", "GetReusableDelegationSetLimit", unavailable},

		// Private zones.
		{"GET", "/hostedzonesbyvpc", "ListHostedZonesByVPC", unavailable},
		{"POST", "/hostedzone/{Id}/associatevpc", "AssociateVPCWithHostedZone", unavailable},
		{"POST", "/hostedzone/{Id}/disassociatevpc", "DisassociateVPCFromHostedZone", unavailable},
		{"POST", "/hostedzone/{Id}/authorizevpcassociation", "CreateVPCAssociationAuthorization", unavailable},
		{"POST", "/hostedzone/{Id}/deauthorizevpcassociation", "DeleteVPCAssociationAuthorization", unavailable},
		{"GET", "/hostedzone/{Id}/authorizevpcassociation", "ListVPCAssociationAuthorizations", unavailable},

		// Reusable delegation sets.
		{"POST", "/delegationset", "CreateReusableDelegationSet", unavailable},
		{"GET", "/delegationset/{Id}", "GetReusableDelegationSet", unavailable},
		{"DELETE", "/delegationset/{Id}", "DeleteReusableDelegationSet", unavailable},
		{"GET", "/delegationset", "ListReusableDelegationSets", unavailable},

		// Query logging.
		{"POST", "/queryloggingconfig", "CreateQueryLoggingConfig", unavailable},
		{"GET", "/queryloggingconfig/{Id}", "GetQueryLoggingConfig", unavailable},
		{"DELETE", "/queryloggingconfig/{Id}", "DeleteQueryLoggingConfig", unavailable},
		{"GET", "/queryloggingconfig", "ListQueryLoggingConfigs", unavailable},

		// Traffic policies.
		{"POST", "/trafficpolicy", "CreateTrafficPolicy", unavailable},
		{"POST", "/trafficpolicy/{Id}", "CreateTrafficPolicyVersion", unavailable},
		{"GET", "/trafficpolicy/{Id}/{Version}", "GetTrafficPolicy", unavailable},
		{"POST", "/trafficpolicy/{Id}/{Version}", "UpdateTrafficPolicyComment", unavailable},
		{"DELETE", "/trafficpolicy/{Id}/{Version}", "DeleteTrafficPolicy", unavailable},
		{"GET", "/trafficpolicies", "ListTrafficPolicies", unavailable},
		{"GET", "/trafficpolicies/{Id}/versions", "ListTrafficPolicyVersions", unavailable},
		{"POST", "/trafficpolicyinstance", "CreateTrafficPolicyInstance", unavailable},
		{"GET", "/trafficpolicyinstance/{Id}", "GetTrafficPolicyInstance", unavailable},
		{"POST", "/trafficpolicyinstance/{Id}", "UpdateTrafficPolicyInstance", unavailable},
		{"DELETE", "/trafficpolicyinstance/{Id}", "DeleteTrafficPolicyInstance", unavailable},
		{"GET", "/trafficpolicyinstancecount", "GetTrafficPolicyInstanceCount", unavailable},
		{"GET", "/trafficpolicyinstances", "ListTrafficPolicyInstances", unavailable},
		{"GET", "/trafficpolicyinstances/hostedzone", "ListTrafficPolicyInstancesByHostedZone", unavailable},
		{"GET", "/trafficpolicyinstances/trafficpolicy", "ListTrafficPolicyInstancesByPolicy", unavailable},

		// DNSSEC.
		{"GET", "/hostedzone/{Id}/dnssec", "GetDNSSEC", unavailable},
		{"POST", "/hostedzone/{Id}/enable-dnssec", "EnableHostedZoneDNSSEC", unavailable},
		{"POST", "/hostedzone/{Id}/disable-dnssec", "DisableHostedZoneDNSSEC", unavailable},
		{"POST", "/keysigningkey", "CreateKeySigningKey", unavailable},
		{"POST", "/keysigningkey/{HostedZoneId}/{Name}/activate", "ActivateKeySigningKey", unavailable},
		{"POST", "/keysigningkey/{HostedZoneId}/{Name}/deactivate", "DeactivateKeySigningKey", unavailable},
		{"DELETE", "/keysigningkey/{HostedZoneId}/{Name}", "DeleteKeySigningKey", unavailable},
	}
}

// unavailable answers an operation that Route 53 has and the engine does not.
func unavailable(_ *Server, r *request) (reply, error) { return reply{}, notAvailable(r.operation) }

// findRoute finds the operation of a request by method and percent-encoded path. A trailing slash makes no difference
// (r53: C.1).
func findRoute(method, path string) (route, map[string]string, error) {
	rest, ok := strings.CutPrefix(path, version)
	if !ok {
		return route{}, nil, unknownOperation(method, path)
	}
	segments := strings.Split(strings.TrimSuffix(rest, "/"), "/")
	for _, r := range routes() {
		if r.method != method {
			continue
		}
		if params, ok := match(strings.Split(r.pattern, "/"), segments); ok {
			return r, params, nil
		}
	}
	return route{}, nil, unknownOperation(method, path)
}

// match compares segment by segment and collects what stands at the pattern's {names}.
func match(pattern, segments []string) (map[string]string, bool) {
	if len(pattern) != len(segments) {
		return nil, false
	}
	params := map[string]string{}
	for i, p := range pattern {
		if !strings.HasPrefix(p, "{") {
			if p != segments[i] {
				return nil, false
			}
			continue
		}
		value, err := url.PathUnescape(segments[i])
		if err != nil || value == "" {
			return nil, false
		}
		params[strings.Trim(p, "{}")] = bareID(value)
	}
	return params, true
}

// bareID strips "/hostedzone/", "/change/" and the like, as SDKs do before they send. r53: C.1, ID prefixes.
func bareID(id string) string { return id[strings.LastIndexByte(id, '/')+1:] }
