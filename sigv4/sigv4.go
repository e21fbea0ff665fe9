// Package sigv4 signs and verifies AWS Signature Version 4 requests.
//
// It works on a plain Request, so that it links no HTTP library. Verify takes Region and service from the credential scope: clients with an
// explicit endpoint sign with whatever Region they are configured for (r53: H).
package sigv4

import "time"

// A Request is what a signature covers.
type Request struct {
	Method   string
	Path     string // as sent, still percent-encoded
	RawQuery string // as sent
	Host     string
	Header   map[string][]string // canonical MIME keys, as net/http has them
	Body     []byte
}

// Credentials are one key pair.
type Credentials struct {
	AccessKeyID     string
	SecretAccessKey string
	SessionToken    string // temporary credentials only
}

// A Scope is the credential scope of a verified request.
type Scope struct {
	AccessKeyID, Region, Service string
	Date                         time.Time
}

// An Error is a refusal in AWS's terms, for the one error table at the edge.
type Error struct {
	Code    string // MissingAuthenticationToken, IncompleteSignature, InvalidClientTokenId, SignatureDoesNotMatch, RequestExpired …
	Status  int    // HTTP status: 400 or 403
	Message string
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// Verify checks a header-signed request against the key that lookup returns, allowing MaxSkew between the signer's clock and now.
func Verify(r *Request, lookup func(accessKeyID string) (Credentials, bool), now time.Time) (Scope, error) {
	panic("contract")
}

// MaxSkew is how far a signer's clock may be off.
const MaxSkew = 5 * time.Minute

// Sign sets X-Amz-Date, X-Amz-Security-Token where there is one, and Authorization on r.Header.
func Sign(r *Request, c Credentials, region, service string, now time.Time) { panic("contract") }
