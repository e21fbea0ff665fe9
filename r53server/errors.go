package r53server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/bulkhead-dns/bulkhead/cidr"
	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/quota"
	"github.com/bulkhead-dns/bulkhead/sigv4"
	"github.com/bulkhead-dns/bulkhead/store"
	"github.com/bulkhead-dns/bulkhead/validation"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// An apiError is what a client is told. r53: C.5.
type apiError struct {
	code    string
	status  int
	message string
}

func (e *apiError) Error() string { return e.code + ": " + e.message }

// Errors that arise in this package.

// invalidInput refuses a request that breaks the API's schema or combines members that exclude each other.
func invalidInput(format string, args ...any) *apiError {
	return &apiError{"InvalidInput", 400, fmt.Sprintf(format, args...)}
}

// invalidDomainName refuses the name of a hosted zone; zone says what is wrong with it.
func invalidDomainName(err error) *apiError {
	return &apiError{"InvalidDomainName", 400, err.Error()}
}

func noSuchHostedZone(id string) *apiError {
	return &apiError{"NoSuchHostedZone", 404, "No hosted zone found with ID: " + clip(id)}
}

func noSuchHealthCheck(id string) *apiError {
	return &apiError{"NoSuchHealthCheck", 404, fmt.Sprintf("A health check with id %s does not exist.", clip(id))}
}

// noSuchDelegationSet is 400, not 404. r53: C.5.
func noSuchDelegationSet(id string) *apiError {
	return &apiError{"NoSuchDelegationSet", 400, "No reusable delegation set found with ID: " + clip(id)}
}

func noSuchCIDRCollection(id string) *apiError {
	return &apiError{"NoSuchCidrCollectionException", 404, "No CIDR collection found with ID: " + clip(id)}
}

func noSuchChange(id string) *apiError {
	return &apiError{"NoSuchChange", 404, "Could not find resource with ID: " + clip(id)}
}

// noSuch names what the store does not have.
func noSuch(e *store.NoSuch) *apiError {
	switch e.Err {
	case store.ErrNoSuchHealthCheck:
		return noSuchHealthCheck(e.ID)
	case store.ErrNoSuchChange:
		return noSuchChange(e.ID)
	case store.ErrNoSuchCIDRCollection:
		return noSuchCIDRCollection(e.ID)
	case store.ErrNoSuchDelegationSet:
		return noSuchDelegationSet(e.ID)
	}
	return noSuchHostedZone(e.ID)
}

func noSuchCIDRLocation(id, location string) *apiError {
	return &apiError{"NoSuchCidrLocationException", 404,
		fmt.Sprintf("CIDR collection %s has no location named %s.", id, clip(location))}
}

func noSuchGeoLocation(l zone.GeoLocation) *apiError {
	return &apiError{"NoSuchGeoLocation", 404, fmt.Sprintf("No geolocation with continent code '%s', country code '%s' and subdivision code '%s' exists.",
		clip(l.ContinentCode), clip(l.CountryCode), clip(l.SubdivisionCode))}
}

// unknownOperation is for a method and path that no operation has.
func unknownOperation(method, path string) *apiError {
	return &apiError{"UnknownOperationException", 404, fmt.Sprintf("No operation of API version 2013-04-01 is %s %s.", method, clip(path))}
}

// hostedZoneNotFound is for the one operation whose error for a missing zone is not NoSuchHostedZone. r53: C.5.
func hostedZoneNotFound(id string) *apiError {
	return &apiError{"HostedZoneNotFound", 400, "No hosted zone found with ID: " + clip(id)}
}

// serviceUnavailable is for what this engine cannot do now; clients try again.
func serviceUnavailable(message string) *apiError {
	return &apiError{"ServiceUnavailable", 503, message}
}

// notAvailable refuses what Route 53 has and the engine has not, with the error of the API model that comes nearest.
func notAvailable(code string, status int, feature string) *apiError {
	return &apiError{code, status, feature + " not available on this engine."}
}

// requestTooLarge is for a body beyond maxBody.
func requestTooLarge() *apiError {
	return &apiError{"RequestEntityTooLarge", 413, fmt.Sprintf("The request body is larger than %d bytes.", maxBody)}
}

// wrongService is for a request signed for another service.
func wrongService(got string) *apiError {
	return &apiError{"SignatureDoesNotMatch", 403,
		fmt.Sprintf("Credential should be scoped to correct service: '%s', not '%s'.", service, clip(got))}
}

// accessDenied refuses what a user's role does not allow. r53: C.5.
func accessDenied(user, operation string, on resource) *apiError {
	return &apiError{"AccessDenied", 403, fmt.Sprintf("User: arn:aws:iam::%s:user/%s is not authorized to perform: route53:%s on resource: %s",
		accountID, user, operation, on)}
}

// rateExceeded is for a request that a token bucket does not let pass. 400, and clients retry it. r53: C.8, G.1 rule 11.
func rateExceeded() *apiError { return &apiError{"Throttling", 400, "Rate exceeded"} }

// tooManyAtOnce is for the requests of one address beyond maxPerClient, which clients retry as well.
func tooManyAtOnce() *apiError {
	return &apiError{"Throttling", 400, fmt.Sprintf("Rate exceeded: more than %d requests of one client at once.", maxPerClient)}
}

// translate is the table from every error of the rooms below to what a client is told. ok is false for an error that no
// row knows: its text is for the log only.
func translate(err error) (told *apiError, ok bool) {
	var (
		own        *apiError
		signature  *sigv4.Error
		badBatch   *zone.InvalidChangeBatch
		badRecord  *validation.InvalidInput
		citedCheck *zone.NoSuchHealthCheck
		badCheck   *health.InvalidInput
		oldVersion *cidr.VersionMismatch
		usedBlock  *cidr.BlockInUse
		usedCIDR   *cidr.CollectionInUse
		overLimit  *quota.LimitsExceeded
		missing    *store.NoSuch
	)
	switch {
	case errors.As(err, &own):
		return own, true
	case errors.As(err, &signature):
		return &apiError{signature.Code, signature.Status, signature.Message}, true
	case errors.As(err, &badBatch):
		// All messages in one string; the older root with <Messages> hides the code from botocore. r53: C.5, G.1 rule 10.
		return &apiError{"InvalidChangeBatch", 400, "[" + strings.Join(badBatch.Messages, ", ") + "]"}, true
	case errors.As(err, &badRecord):
		return &apiError{"InvalidInput", 400, badRecord.Message}, true
	case errors.As(err, &citedCheck):
		return noSuchHealthCheck(citedCheck.ID), true
	case errors.As(err, &badCheck):
		return &apiError{"InvalidInput", 400, badCheck.Message}, true
	case errors.As(err, &oldVersion):
		return &apiError{"CidrCollectionVersionMismatchException", 409, oldVersion.Error()}, true
	case errors.As(err, &usedBlock):
		return &apiError{"CidrBlockInUseException", 400, usedBlock.Message}, true
	case errors.As(err, &usedCIDR):
		return &apiError{"CidrCollectionInUseException", 400, usedCIDR.Message}, true
	case errors.As(err, &overLimit):
		return &apiError{"LimitsExceeded", 400, overLimit.Message}, true
	case errors.As(err, &missing):
		return noSuch(missing), true
	}
	for _, row := range []struct {
		err     error
		code    string
		status  int
		message string
	}{
		{store.ErrHostedZoneAlreadyExists, "HostedZoneAlreadyExists", 409,
			"A hosted zone has already been created with the specified caller reference."},
		{store.ErrHealthCheckAlreadyExists, "HealthCheckAlreadyExists", 409,
			"A health check with the same caller reference exists with other settings, or existed and was deleted."},
		{store.ErrHealthCheckVersion, "HealthCheckVersionMismatch", 409,
			"The health check has a newer version than the specified HealthCheckVersion."},
		{store.ErrHostedZoneNotEmpty, "HostedZoneNotEmpty", 400,
			"The specified hosted zone contains non-required resource record sets and so cannot be deleted."},
		{store.ErrAcceleratedRecovery, "InvalidInput", 400,
			"Cannot delete a hosted zone with accelerated recovery enabled. Please disable first."},
		{store.ErrTooManyHostedZones, "TooManyHostedZones", 400,
			"The account has as many hosted zones as it may have. Delete some, or have the limit raised."},
		{store.ErrTooManyHealthChecks, "TooManyHealthChecks", 400,
			"The account has as many health checks as it may have. Delete some, or have the limit raised."},
		{store.ErrCIDRCollectionExists, "CidrCollectionAlreadyExistsException", 400,
			"A CIDR collection with this name and another caller reference exists, or the caller reference was used before."},
		{store.ErrConcurrentModification, "ConcurrentModification", 400,
			"Other requests kept changing what this one is about. Try again."},
		{store.ErrDelegationSetExists, "DelegationSetAlreadyCreated", 400,
			"A delegation set has already been created with the specified caller reference."},
		{store.ErrDelegationSetReusable, "DelegationSetAlreadyReusable", 400,
			"The delegation set of the specified hosted zone is reusable already."},
		{store.ErrDelegationSetInUse, "DelegationSetInUse", 400,
			"The specified delegation set is used by hosted zones and so cannot be deleted."},
		{store.ErrDelegationSetNotAvailable, "DelegationSetNotAvailable", 400,
			"The specified hosted zone is private: its name servers cannot become a reusable delegation set."},
		{store.ErrConflictingDomain, "ConflictingDomainExists", 400,
			"A hosted zone with the same name uses the specified delegation set."},
		// 400, and clients retry it. r53: C.5, G.1 rule 11.
		{store.ErrPriorRequestNotComplete, "PriorRequestNotComplete", 400,
			"The request was rejected because another change of this hosted zone is still being processed. Try again."},
		{store.ErrUnavailable, "ServiceUnavailable", 503,
			"The store of this engine does not answer: changes are refused until it does. DNS answers go on. Try again."},
		{context.DeadlineExceeded, "ServiceUnavailable", 503,
			"The store of this engine did not finish in time: the change may or may not have been made. Look before you try again."},
		{context.Canceled, "ServiceUnavailable", 503, "The request was cancelled."},
	} {
		if errors.Is(err, row.err) {
			return &apiError{row.code, row.status, row.message}, true
		}
	}
	return &apiError{"InternalFailure", 500, "The request failed because of an internal error; the log of this engine has it under this request ID."}, false
}

// refuse writes the ErrorResponse of an error. Only what the table does not know is logged.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, requestID string, err error) {
	told, known := translate(err)
	if !known {
		s.logger.Error("api request failed", "method", r.Method, "path", r.URL.Path, "request", requestID, "err", err)
	}
	kind := "Sender"
	if told.status >= 500 {
		kind = "Receiver"
	}
	s.write(w, told.status, "ErrorResponse", errorResponse{
		Error: errorDetail{Type: kind, Code: told.code, Message: told.message}, RequestID: requestID,
	})
}

// clip keeps a value that a client sent short enough to be repeated in a message.
func clip(s string) string {
	const limit = 256
	if len(s) <= limit {
		return s
	}
	return strings.ToValidUTF8(s[:limit], "") + "…"
}
