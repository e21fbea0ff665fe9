package r53server

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/bulkhead-dns/bulkhead/sigv4"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// An apiError is a refusal as the client reads it. codes.go has the codes, this file what the API itself refuses, and
// translate.go the table of the other rooms' errors.
type apiError struct {
	code    code
	status  int // HTTP
	message string
}

// Error returns code and message.
func (e *apiError) Error() string { return string(e.code) + ": " + e.message }

func newError(c code, message string) *apiError { return &apiError{c, c.httpStatus(), message} }

// invalidInput refuses a request that breaks the API's schema or combines members that exclude each other.
func invalidInput(format string, args ...any) *apiError {
	return newError(codeInvalidInput, fmt.Sprintf(format, args...))
}

// invalidDomainName refuses the name of a hosted zone. err is zone's reason.
func invalidDomainName(err error) *apiError { return newError(codeInvalidDomainName, err.Error()) }

func noSuchCIDRLocation(id, location string) *apiError {
	return newError(codeNoSuchCIDRLocation,
		fmt.Sprintf("CIDR collection %s has no location named %s.", id, clip(location)))
}

func noSuchGeoLocation(l zone.GeoLocation) *apiError {
	return newError(codeNoSuchGeoLocation,
		fmt.Sprintf("No geolocation with continent code '%s', country code '%s' and subdivision code '%s' exists.",
			clip(l.ContinentCode), clip(l.CountryCode), clip(l.SubdivisionCode)))
}

// unknownOperation refuses a method and path that no operation has.
func unknownOperation(method, path string) *apiError {
	return newError(codeUnknownOperation,
		fmt.Sprintf("No operation of API version 2013-04-01 is %s %s.", method, clip(path)))
}

// hostedZoneNotFound is the error of CreateReusableDelegationSet, the only operation that does not say
// NoSuchHostedZone. r53: C.5.
func hostedZoneNotFound(id string) *apiError {
	return newError(codeHostedZoneNotFound, "No hosted zone found with ID: "+clip(id))
}

// serviceUnavailable refuses what the engine cannot do now. Clients retry.
func serviceUnavailable(message string) *apiError { return newError(codeServiceUnavailable, message) }

// notAvailable refuses a feature of Route 53 that the engine does not have. c is the code of the API model that fits
// best.
func notAvailable(c code, feature string) *apiError {
	return newError(c, feature+" not available on this engine.")
}

// requestTooLarge refuses a body of more than maxBody bytes.
func requestTooLarge() *apiError {
	return newError(codeRequestTooLarge, fmt.Sprintf("The request body is larger than %d bytes.", maxBody))
}

// wrongService refuses a request that is signed for another service.
func wrongService(got string) error { return sigv4.WrongService(service, clip(got)) }

// accessDenied refuses what the user's role does not allow. r53: C.5.
func accessDenied(user, operation string, on resource) *apiError {
	return newError(codeAccessDenied,
		fmt.Sprintf("User: arn:aws:iam::%s:user/%s is not authorized to perform: route53:%s on resource: %s",
			accountID, user, operation, on))
}

// rateExceeded refuses a request for which a token bucket has no token. Clients retry it. r53: C.8, G.1 rule 11.
func rateExceeded() *apiError { return newError(codeThrottling, "Rate exceeded") }

// tooManyAtOnce refuses a request of an address that has maxPerClient in flight. Clients retry it too.
func tooManyAtOnce() *apiError {
	return newError(codeThrottling,
		fmt.Sprintf("Rate exceeded: more than %d requests of one client at once.", maxPerClient))
}

// refuse writes the ErrorResponse of an error. It logs only errors that the table does not have.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, requestID string, err error) {
	e, known := translate(err)
	if !known {
		s.logger.Error("api request failed", "method", r.Method, "path", r.URL.Path, "request", requestID, "err", err)
	}
	fault := "Sender"
	if e.status >= http.StatusInternalServerError {
		fault = "Receiver"
	}
	s.write(w, e.status, "ErrorResponse", errorResponse{
		Error: errorDetail{Type: fault, Code: string(e.code), Message: e.message}, RequestID: requestID,
	})
}

// clip shortens a client's value for use in a message.
func clip(s string) string {
	const limit = 256 // bytes
	if len(s) <= limit {
		return s
	}
	return strings.ToValidUTF8(s[:limit], "") + "…"
}
