package r53server

import "slices"

// A route is one operation of the API. r53: C.2, C.3, C.4.
type route struct {
	method, pattern, operation string
	handle                     func(*Server, *request) (reply, error)
}

// routes lists every operation that the server answers.
func routes() []route { return slices.Concat(supported(), unsupported(), extensions()) }

// extensions lists the operations that Route 53 does not have. Signatures, rates and permissions hold for them too.
func extensions() []route {
	return []route{
		{"POST", "/healthcheck/{Id}/probe", "ProbeHealthCheck", (*Server).probeHealthCheck},
	}
}

// supported lists the operations of the features that the engine has.
func supported() []route {
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
		{"GET", "/healthcheck/{Id}/lastfailurereason", "GetHealthCheckLastFailureReason",
			(*Server).getHealthCheckLastFailureReason},
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
		{"GET", "/reusabledelegationsetlimit/{Id}/{Type}", "GetReusableDelegationSetLimit",
			(*Server).getReusableDelegationSetLimit},

		// Reusable delegation sets.
		{"POST", "/delegationset", "CreateReusableDelegationSet", (*Server).createReusableDelegationSet},
		{"GET", "/delegationset/{Id}", "GetReusableDelegationSet", (*Server).getReusableDelegationSet},
		{"DELETE", "/delegationset/{Id}", "DeleteReusableDelegationSet", (*Server).deleteReusableDelegationSet},
		{"GET", "/delegationset", "ListReusableDelegationSets", (*Server).listReusableDelegationSets},
	}
}

// unsupported lists the operations of the features that the engine does not have (unsupported.go): their lists are
// empty, and requests to create or change something are refused.
func unsupported() []route {
	return []route{
		// Private zones.
		{"GET", "/hostedzonesbyvpc", "ListHostedZonesByVPC", (*Server).listHostedZonesByVPC},
		{"POST", "/hostedzone/{Id}/associatevpc", "AssociateVPCWithHostedZone", (*Server).associateVPCWithHostedZone},
		{"POST", "/hostedzone/{Id}/disassociatevpc", "DisassociateVPCFromHostedZone",
			(*Server).disassociateVPCFromHostedZone},
		{"POST", "/hostedzone/{Id}/authorizevpcassociation", "CreateVPCAssociationAuthorization",
			(*Server).createVPCAssociationAuthorization},
		{"POST", "/hostedzone/{Id}/deauthorizevpcassociation", "DeleteVPCAssociationAuthorization",
			(*Server).deleteVPCAssociationAuthorization},
		{"GET", "/hostedzone/{Id}/authorizevpcassociation", "ListVPCAssociationAuthorizations",
			(*Server).listVPCAssociationAuthorizations},

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
		{"GET", "/trafficpolicyinstances/hostedzone", "ListTrafficPolicyInstancesByHostedZone",
			(*Server).listTrafficPolicyInstancesByHostedZone},
		{"GET", "/trafficpolicyinstances/trafficpolicy", "ListTrafficPolicyInstancesByPolicy",
			(*Server).listTrafficPolicyInstancesByPolicy},

		// DNSSEC.
		{"GET", "/hostedzone/{Id}/dnssec", "GetDNSSEC", (*Server).getDNSSEC},
		{"POST", "/hostedzone/{Id}/enable-dnssec", "EnableHostedZoneDNSSEC", (*Server).enableHostedZoneDNSSEC},
		{"POST", "/hostedzone/{Id}/disable-dnssec", "DisableHostedZoneDNSSEC", (*Server).disableHostedZoneDNSSEC},
		{"POST", "/keysigningkey", "CreateKeySigningKey", (*Server).createKeySigningKey},
		{"POST", "/keysigningkey/{HostedZoneId}/{Name}/activate", "ActivateKeySigningKey", (*Server).activateKeySigningKey},
		{"POST", "/keysigningkey/{HostedZoneId}/{Name}/deactivate", "DeactivateKeySigningKey",
			(*Server).deactivateKeySigningKey},
		{"DELETE", "/keysigningkey/{HostedZoneId}/{Name}", "DeleteKeySigningKey", (*Server).deleteKeySigningKey},
	}
}
