package r53server

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
)

const version = "/2013-04-01"

// A route is one operation of the API. r53: C.2, C.3, C.4.
type route struct {
	method, pattern, operation string
	handle                     func(*Server, *request) (reply, error)
}

// routes lists everything that is answered.
func routes() []route { return append(api(), extensions()...) }

// api lists every operation of API version 2013-04-01.
func api() []route { return append(served(), missing()...) }

// extensions are what Route 53 has not. They are signed, throttled and refused like the API's own.
func extensions() []route {
	return []route{
		{"POST", "/healthcheck/{Id}/probe", "ProbeHealthCheck", (*Server).probeHealthCheck},
	}
}

// served are the operations of what the engine has.
func served() []route {
	return []route{
		// Hosted zones.
		{"POST", "/hostedzone", "CreateHostedZone", (*Server).createHostedZone},
		{"GET", "/hostedzone/{Id}", "GetHostedZone", (*Server).getHostedZone},
		{"DELETE", "/hostedzone/{Id}", "DeleteHostedZone", (*Server).deleteHostedZone},
		{"GET", "/hostedzone", "ListHostedZones", (*Server).listHostedZones},
		{"GET", "/hostedzonesbyname", "ListHostedZonesByName", (*Server).listHostedZonesByName},
		{"GET", "/hostedzonecount", "GetHostedZoneCount", (*Server).getHostedZoneCount},
		{"POST", "/hostedzone/{Id}", "UpdateHostedZoneComment", (*Server).updateHostedZoneComment},
		{"POST", "/hostedzone/{Id}/features", "UpdateHostedZoneFeatures", (*Server).updateHostedZoneFeatures},
		{"GET", "/hostedzonelimit/{Id}/{Type}", "GetHostedZoneLimit", (*Server).getHostedZoneLimit},

		// Record sets and changes.
		{"POST", "/hostedzone/{Id}/rrset", "ChangeResourceRecordSets", (*Server).changeResourceRecordSets},
		{"GET", "/hostedzone/{Id}/rrset", "ListResourceRecordSets", (*Server).listResourceRecordSets},
		{"GET", "/change/{Id}", "GetChange", (*Server).getChange},
		{"GET", "/testdnsanswer", "TestDNSAnswer", (*Server).testDNSAnswer},

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
		{"POST", "/tags/{ResourceType}/{ResourceId}", "ChangeTagsForResource", (*Server).changeTagsForResource},
		{"GET", "/tags/{ResourceType}/{ResourceId}", "ListTagsForResource", (*Server).listTagsForResource},
		{"POST", "/tags/{ResourceType}", "ListTagsForResources", (*Server).listTagsForResources},

		// Geolocation, CIDR collections, limits.
		{"GET", "/geolocation", "GetGeoLocation", (*Server).getGeoLocation},
		{"GET", "/geolocations", "ListGeoLocations", (*Server).listGeoLocations},
		{"POST", "/cidrcollection", "CreateCidrCollection", (*Server).createCidrCollection},
		{"POST", "/cidrcollection/{Id}", "ChangeCidrCollection", (*Server).changeCidrCollection},
		{"DELETE", "/cidrcollection/{Id}", "DeleteCidrCollection", (*Server).deleteCidrCollection},
		{"GET", "/cidrcollection", "ListCidrCollections", (*Server).listCidrCollections},
		{"GET", "/cidrcollection/{Id}", "ListCidrLocations", (*Server).listCidrLocations},
		{"GET", "/cidrcollection/{Id}/cidrblocks", "ListCidrBlocks", (*Server).listCidrBlocks},
		{"GET", "/accountlimit/{Type}", "GetAccountLimit", (*Server).getAccountLimit},
		{"GET", "/reusabledelegationsetlimit/{Id}/{Type}", "GetReusableDelegationSetLimit", (*Server).getReusableDelegationSetLimit},

		// Reusable delegation sets.
		{"POST", "/delegationset", "CreateReusableDelegationSet", (*Server).createReusableDelegationSet},
		{"GET", "/delegationset/{Id}", "GetReusableDelegationSet", (*Server).getReusableDelegationSet},
		{"DELETE", "/delegationset/{Id}", "DeleteReusableDelegationSet", (*Server).deleteReusableDelegationSet},
		{"GET", "/delegationset", "ListReusableDelegationSets", (*Server).listReusableDelegationSets},
	}
}

// missing are the operations of what the engine has not (unavailable.go): lists of it are empty, and requests to make it are
// refused.
func missing() []route {
	return []route{
		// Private zones.
		{"GET", "/hostedzonesbyvpc", "ListHostedZonesByVPC", (*Server).listHostedZonesByVPC},
		{"POST", "/hostedzone/{Id}/associatevpc", "AssociateVPCWithHostedZone", (*Server).associateVPCWithHostedZone},
		{"POST", "/hostedzone/{Id}/disassociatevpc", "DisassociateVPCFromHostedZone", (*Server).disassociateVPCFromHostedZone},
		{"POST", "/hostedzone/{Id}/authorizevpcassociation", "CreateVPCAssociationAuthorization", (*Server).createVPCAssociationAuthorization},
		{"POST", "/hostedzone/{Id}/deauthorizevpcassociation", "DeleteVPCAssociationAuthorization", (*Server).deleteVPCAssociationAuthorization},
		{"GET", "/hostedzone/{Id}/authorizevpcassociation", "ListVPCAssociationAuthorizations", (*Server).listVPCAssociationAuthorizations},

		// Query logging.
		{"POST", "/queryloggingconfig", "CreateQueryLoggingConfig", (*Server).createQueryLoggingConfig},
		{"GET", "/queryloggingconfig/{Id}", "GetQueryLoggingConfig", (*Server).getQueryLoggingConfig},
		{"DELETE", "/queryloggingconfig/{Id}", "DeleteQueryLoggingConfig", (*Server).deleteQueryLoggingConfig},
		{"GET", "/queryloggingconfig", "ListQueryLoggingConfigs", (*Server).listQueryLoggingConfigs},

		// Traffic policies.
		{"POST", "/trafficpolicy", "CreateTrafficPolicy", (*Server).createTrafficPolicy},
		{"POST", "/trafficpolicy/{Id}", "CreateTrafficPolicyVersion", (*Server).createTrafficPolicyVersion},
		{"GET", "/trafficpolicy/{Id}/{Version}", "GetTrafficPolicy", (*Server).getTrafficPolicy},
		{"POST", "/trafficpolicy/{Id}/{Version}", "UpdateTrafficPolicyComment", (*Server).updateTrafficPolicyComment},
		{"DELETE", "/trafficpolicy/{Id}/{Version}", "DeleteTrafficPolicy", (*Server).deleteTrafficPolicy},
		{"GET", "/trafficpolicies", "ListTrafficPolicies", (*Server).listTrafficPolicies},
		{"GET", "/trafficpolicies/{Id}/versions", "ListTrafficPolicyVersions", (*Server).listTrafficPolicyVersions},
		{"POST", "/trafficpolicyinstance", "CreateTrafficPolicyInstance", (*Server).createTrafficPolicyInstance},
		{"GET", "/trafficpolicyinstance/{Id}", "GetTrafficPolicyInstance", (*Server).getTrafficPolicyInstance},
		{"POST", "/trafficpolicyinstance/{Id}", "UpdateTrafficPolicyInstance", (*Server).updateTrafficPolicyInstance},
		{"DELETE", "/trafficpolicyinstance/{Id}", "DeleteTrafficPolicyInstance", (*Server).deleteTrafficPolicyInstance},
		{"GET", "/trafficpolicyinstancecount", "GetTrafficPolicyInstanceCount", (*Server).getTrafficPolicyInstanceCount},
		{"GET", "/trafficpolicyinstances", "ListTrafficPolicyInstances", (*Server).listTrafficPolicyInstances},
		{"GET", "/trafficpolicyinstances/hostedzone", "ListTrafficPolicyInstancesByHostedZone", (*Server).listTrafficPolicyInstancesByHostedZone},
		{"GET", "/trafficpolicyinstances/trafficpolicy", "ListTrafficPolicyInstancesByPolicy", (*Server).listTrafficPolicyInstancesByPolicy},

		// DNSSEC.
		{"GET", "/hostedzone/{Id}/dnssec", "GetDNSSEC", (*Server).getDNSSEC},
		{"POST", "/hostedzone/{Id}/enable-dnssec", "EnableHostedZoneDNSSEC", (*Server).enableHostedZoneDNSSEC},
		{"POST", "/hostedzone/{Id}/disable-dnssec", "DisableHostedZoneDNSSEC", (*Server).disableHostedZoneDNSSEC},
		{"POST", "/keysigningkey", "CreateKeySigningKey", (*Server).createKeySigningKey},
		{"POST", "/keysigningkey/{HostedZoneId}/{Name}/activate", "ActivateKeySigningKey", (*Server).activateKeySigningKey},
		{"POST", "/keysigningkey/{HostedZoneId}/{Name}/deactivate", "DeactivateKeySigningKey", (*Server).deactivateKeySigningKey},
		{"DELETE", "/keysigningkey/{HostedZoneId}/{Name}", "DeleteKeySigningKey", (*Server).deleteKeySigningKey},
	}
}

// An Operation is one of the API's.
type Operation struct {
	Name, Method, Path string // the path below the API version, with {parameters}
	// Served is false for the operations of features that the engine has not: lists are empty, changes are refused.
	Served bool
}

// Operations lists the whole API by name, without what is the engine's own.
func Operations() []Operation {
	var all []Operation
	for i, r := range api() {
		all = append(all, Operation{Name: r.operation, Method: r.method, Path: r.pattern, Served: i < len(served())})
	}
	slices.SortFunc(all, func(a, b Operation) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

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
		name := strings.Trim(p, "{}")
		if name != "ResourceId" { // of the tag operations, which take bare ids only (r53: C.1)
			value = bareID(value)
		}
		params[name] = value
	}
	return params, true
}

// bareID strips "/hostedzone/", "/change/" and the like, as SDKs do before they send. r53: C.1, ID prefixes.
func bareID(id string) string { return id[strings.LastIndexByte(id, '/')+1:] }
