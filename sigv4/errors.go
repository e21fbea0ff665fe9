package sigv4

import "fmt"

// An Error is a refusal in AWS's terms, for the error reply of the API.
type Error struct {
	// Code is MissingAuthenticationToken, IncompleteSignature, InvalidClientTokenId, ExpiredToken or
	// SignatureDoesNotMatch.
	Code    string
	Status  int // HTTP status: 400 for IncompleteSignature, 403 for the others
	Message string
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

func missingToken() *Error {
	return &Error{"MissingAuthenticationToken", 403, "Missing Authentication Token"}
}

func invalidToken() *Error {
	return &Error{"InvalidClientTokenId", 403, "The security token included in the request is invalid."}
}

func expiredToken() *Error {
	return &Error{"ExpiredToken", 403, "The security token included in the request is expired"}
}

func incomplete(format string, args ...any) *Error {
	return &Error{"IncompleteSignature", 400, fmt.Sprintf(format, args...)}
}

func mismatch(format string, args ...any) *Error {
	return &Error{"SignatureDoesNotMatch", 403, fmt.Sprintf(format, args...)}
}

// wrongSignature says what the signature should have covered, so that the author of a client can find the difference.
// Neither string contains a secret.
func wrongSignature(canonical, toSign string) *Error {
	return mismatch("The request signature we calculated does not match the signature you provided. "+
		"Check your AWS Secret Access Key and signing method. Consult the service documentation for details.\n\n"+
		"The Canonical String for this request should have been\n'%s'\n\nThe String-to-Sign should have been\n'%s'\n",
		canonical, toSign)
}

// WrongService is the error of a request that is signed correctly, but for the service got instead of want.
func WrongService(want, got string) *Error {
	return mismatch("Credential should be scoped to correct service: '%s', not '%s'.", want, got)
}
