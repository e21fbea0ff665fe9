package r53server

import "net/http"

// A code is an error code of the API. r53: C.5.
type code string

// Codes of requests that are not valid.
const (
	codeInvalidInput           code = "InvalidInput"
	codeInvalidChangeBatch     code = "InvalidChangeBatch"
	codeInvalidDomainName      code = "InvalidDomainName"
	codeInvalidArgument        code = "InvalidArgument"
	codeInvalidPaginationToken code = "InvalidPaginationToken"
	codeUnknownOperation       code = "UnknownOperationException"
	codeRequestTooLarge        code = "RequestEntityTooLarge"
)

// Codes of what does not exist.
const (
	codeNoSuchHostedZone            code = "NoSuchHostedZone"
	codeHostedZoneNotFound          code = "HostedZoneNotFound"
	codeNoSuchChange                code = "NoSuchChange"
	codeNoSuchHealthCheck           code = "NoSuchHealthCheck"
	codeNoSuchGeoLocation           code = "NoSuchGeoLocation"
	codeNoSuchCIDRCollection        code = "NoSuchCidrCollectionException"
	codeNoSuchCIDRLocation          code = "NoSuchCidrLocationException"
	codeNoSuchDelegationSet         code = "NoSuchDelegationSet"
	codeNoSuchTrafficPolicy         code = "NoSuchTrafficPolicy"
	codeNoSuchTrafficPolicyInstance code = "NoSuchTrafficPolicyInstance"
	codeNoSuchQueryLoggingConfig    code = "NoSuchQueryLoggingConfig"
	codeNoSuchLogGroup              code = "NoSuchCloudWatchLogsLogGroup"
	codeNoSuchKeySigningKey         code = "NoSuchKeySigningKey"
	codeKeySigningKeyNotFound       code = "KeySigningKeyWithActiveStatusNotFound"
	codeDNSSECNotFound              code = "DNSSECNotFound"
	codeVPCAssociationNotFound      code = "VPCAssociationNotFound"
	codeVPCAuthorizationNotFound    code = "VPCAssociationAuthorizationNotFound"
)

// Codes of requests that the state does not allow.
const (
	codeHostedZoneNotPrivate          code = "HostedZoneNotPrivate"
	codePublicZoneVPCAssociation      code = "PublicZoneVPCAssociation"
	codeDelegationSetNotAvailable     code = "DelegationSetNotAvailable"
	codeDelegationSetAlreadyReusable  code = "DelegationSetAlreadyReusable"
	codeDelegationSetAlreadyCreated   code = "DelegationSetAlreadyCreated"
	codeCIDRCollectionAlreadyExists   code = "CidrCollectionAlreadyExistsException"
	codeHostedZoneAlreadyExists       code = "HostedZoneAlreadyExists"
	codeHealthCheckAlreadyExists      code = "HealthCheckAlreadyExists"
	codeConflictingDomainExists       code = "ConflictingDomainExists"
	codeCIDRCollectionVersionMismatch code = "CidrCollectionVersionMismatchException"
	codeHealthCheckVersionMismatch    code = "HealthCheckVersionMismatch"
	codeHostedZoneNotEmpty            code = "HostedZoneNotEmpty"
	codeCIDRBlockInUse                code = "CidrBlockInUseException"
	codeCIDRCollectionInUse           code = "CidrCollectionInUseException"
	codeDelegationSetInUse            code = "DelegationSetInUse"
	codeConcurrentModification        code = "ConcurrentModification"
	codePriorRequestNotComplete       code = "PriorRequestNotComplete"
)

// Codes of limits, rates and permissions, and of the engine's own failures.
const (
	codeLimitsExceeded      code = "LimitsExceeded"
	codeTooManyHostedZones  code = "TooManyHostedZones"
	codeTooManyHealthChecks code = "TooManyHealthChecks"
	codeThrottling          code = "Throttling"
	codeAccessDenied        code = "AccessDenied"
	codeServiceUnavailable  code = "ServiceUnavailable"
	codeInternalFailure     code = "InternalFailure"
)

// httpStatus is the HTTP status of a code as the API model has it. Most are 400, even NoSuchDelegationSet and
// HostedZoneNotFound.
func (c code) httpStatus() int {
	switch c {
	case codeAccessDenied:
		return http.StatusForbidden
	case codeUnknownOperation, codeNoSuchHostedZone, codeNoSuchChange, codeNoSuchHealthCheck, codeNoSuchGeoLocation,
		codeNoSuchCIDRCollection, codeNoSuchCIDRLocation, codeNoSuchTrafficPolicy, codeNoSuchTrafficPolicyInstance,
		codeNoSuchQueryLoggingConfig, codeNoSuchLogGroup, codeNoSuchKeySigningKey,
		codeVPCAssociationNotFound, codeVPCAuthorizationNotFound:
		return http.StatusNotFound
	case codeHostedZoneAlreadyExists, codeHealthCheckAlreadyExists, codeHealthCheckVersionMismatch,
		codeCIDRCollectionVersionMismatch:
		return http.StatusConflict
	case codeRequestTooLarge:
		return http.StatusRequestEntityTooLarge
	case codeInternalFailure:
		return http.StatusInternalServerError
	case codeServiceUnavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusBadRequest
}
