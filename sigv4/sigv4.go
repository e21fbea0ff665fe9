// Package sigv4 signs and verifies requests with AWS Signature Version 4, in the form that carries the signature in the
// Authorization header.
//
// It works on a plain Request, so it links no HTTP library. Verify takes the Region and the service from the credential
// scope, because clients with an explicit endpoint sign with the Region of their configuration (r53: H). The caller
// checks the service.
package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"
)

const (
	algorithm  = "AWS4-HMAC-SHA256"
	terminator = "aws4_request"

	timeFormat = "20060102T150405Z"
	dayFormat  = "20060102"
	// httpTimeFormat is the fixed-length date of RFC 9110 section 5.6.7, which a Date header has.
	httpTimeFormat = "Mon, 02 Jan 2006 15:04:05 GMT"

	dateHeader  = "X-Amz-Date"
	tokenHeader = "X-Amz-Security-Token"
	hashHeader  = "X-Amz-Content-Sha256"
)

// MaxSkew is the largest difference between the clocks of signer and verifier.
const MaxSkew = 5 * time.Minute

// A Request is what a signature covers.
type Request struct {
	Method   string
	Path     string              // as sent, still percent-encoded; "" is "/"
	RawQuery string              // as sent, without the question mark
	Host     string              // the Host header; a Host in Header is ignored
	Header   map[string][]string // canonical MIME keys, as net/http has them
	Body     []byte
}

// Credentials are one key pair.
type Credentials struct {
	AccessKeyID     string
	SecretAccessKey string    // a request is never verified with an empty secret
	SessionToken    string    // temporary credentials only
	Expires         time.Time // verification fails from then on; the zero time means never. Sign ignores it
}

// String returns the access key id without the secrets, so that no log or error message can show them by accident.
func (c Credentials) String() string { return "credentials of access key " + c.AccessKeyID }

// GoString is String: %#v must not show secrets either.
func (c Credentials) GoString() string { return c.String() }

// A Scope is the credential scope of a verified request.
type Scope struct {
	AccessKeyID, Region, Service string
	Date                         time.Time // the day of the scope: midnight UTC
}

// Verify checks a request that is signed in its header against the credentials that lookup returns. It returns the
// scope of the signature. The signer's clock may differ from now by MaxSkew. The signature must cover the Host header,
// and always covers method, path, query and body. If the request has X-Amz-Content-Sha256, it must be the hash of the
// body. If the credentials have a session token, the request must have the same. If they have none, a token in the
// request is ignored, because clients take it from the environment of their user's AWS account. A request with a wrong
// signature does not reveal whether the credentials are expired. The error is always an *Error.
func Verify(r *Request, lookup func(accessKeyID string) (Credentials, bool), now time.Time) (Scope, error) {
	auth, err := parseAuthorization(r.Header)
	if err != nil {
		return Scope{}, err
	}
	signed, err := signingTime(r.Header)
	if err != nil {
		return Scope{}, err
	}
	credentials, ok := lookup(auth.accessKeyID)
	if !ok || credentials.SecretAccessKey == "" {
		return Scope{}, invalidToken()
	}
	if credentials.SessionToken != "" && !equal(credentials.SessionToken, first(r.Header, tokenHeader)) {
		return Scope{}, invalidToken()
	}
	if err := checkTimes(auth, signed, now); err != nil {
		return Scope{}, err
	}
	if !slices.Contains(auth.signedHeaders, "host") {
		return Scope{}, mismatch("'Host' must be a 'SignedHeader' in the AWS Authorization.")
	}
	hash := hexHash(r.Body)
	if sent := first(r.Header, hashHeader); sent != "" && sent != hash {
		return Scope{}, mismatch("The provided 'x-amz-content-sha256' header '%s' does not match what was computed from "+
			"the body: '%s'.", sent, hash)
	}

	canonical := canonicalRequest(r, auth.signedHeaders, hash)
	toSign := stringToSign(signed, auth.scope(), canonical)
	if !equal(signature(credentials.SecretAccessKey, auth, toSign), auth.signature) {
		return Scope{}, wrongSignature(canonical, toSign)
	}
	if !credentials.Expires.IsZero() && !now.Before(credentials.Expires) {
		return Scope{}, expiredToken()
	}
	day, _ := time.Parse(dayFormat, auth.day) // checkTimes has compared it with a formatted day
	return Scope{AccessKeyID: auth.accessKeyID, Region: auth.region, Service: auth.service, Date: day}, nil
}

// Sign sets X-Amz-Date and Authorization in r.Header, and X-Amz-Security-Token if the credentials have a token. It
// creates r.Header if it is nil. The signature covers Host, Content-Type and every X-Amz-… header. Other headers may be
// added later, but Method, Path, RawQuery, Host and Body must be final.
func Sign(r *Request, c Credentials, region, service string, now time.Time) {
	if r.Header == nil {
		r.Header = map[string][]string{}
	}
	now = now.UTC()
	r.Header[dateHeader] = []string{now.Format(timeFormat)}
	delete(r.Header, tokenHeader)
	if c.SessionToken != "" {
		r.Header[tokenHeader] = []string{c.SessionToken}
	}
	auth := authorization{
		accessKeyID: c.AccessKeyID, day: now.Format(dayFormat), region: region, service: service,
		signedHeaders: headersToSign(r.Header),
	}
	canonical := canonicalRequest(r, auth.signedHeaders, hexHash(r.Body))
	auth.signature = signature(c.SecretAccessKey, auth, stringToSign(now, auth.scope(), canonical))
	r.Header["Authorization"] = []string{auth.String()}
}

func headersToSign(header map[string][]string) []string {
	names := []string{"host"}
	for name := range header {
		if name = strings.ToLower(name); name == "content-type" || strings.HasPrefix(name, "x-amz-") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// signingTime returns the time in X-Amz-Date, or in Date if that is absent.
func signingTime(header map[string][]string) (time.Time, error) {
	name, layout, value := dateHeader, timeFormat, first(header, dateHeader)
	if value == "" {
		name, layout, value = "Date", httpTimeFormat, first(header, "Date")
	}
	if value == "" {
		return time.Time{}, incomplete("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
	}
	t, err := time.Parse(layout, value)
	if err != nil {
		return time.Time{}, incomplete("Date in '%s' header is not a valid timestamp: '%s'; the form is '%s'.", name, value,
			layout)
	}
	return t, nil
}

// checkTimes refuses a request that is too old or too new, or whose scope and timestamp have different days.
func checkTimes(auth authorization, signed, now time.Time) error {
	if day := signed.Format(dayFormat); auth.day != day {
		return mismatch("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "+
			"'%s' != '%s', from '%s'.", auth.day, day, signed.Format(timeFormat))
	}
	now = now.UTC()
	if limit := now.Add(-MaxSkew); signed.Before(limit.Truncate(time.Second)) {
		return mismatch("Signature expired: %s is now earlier than %s (%s - %d min.)",
			signed.Format(timeFormat), limit.Format(timeFormat), now.Format(timeFormat), int(MaxSkew.Minutes()))
	}
	if limit := now.Add(MaxSkew); signed.After(limit) {
		return mismatch("Signature not yet current: %s is still later than %s (%s + %d min.)",
			signed.Format(timeFormat), limit.Format(timeFormat), now.Format(timeFormat), int(MaxSkew.Minutes()))
	}
	return nil
}

// signature derives the key for the day, Region and service of the scope, and returns the signature by that key.
func signature(secret string, auth authorization, toSign string) string {
	key := []byte("AWS4" + secret)
	for _, part := range []string{auth.day, auth.region, auth.service, terminator} {
		key = hmacSHA256(key, part)
	}
	return hex.EncodeToString(hmacSHA256(key, toSign))
}

func stringToSign(t time.Time, scope, canonical string) string {
	return fmt.Sprintf("%s\n%s\n%s\n%s", algorithm, t.Format(timeFormat), scope, hexHash([]byte(canonical)))
}

func hmacSHA256(key []byte, data string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(data))
	return h.Sum(nil)
}

func hexHash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// equal compares in constant time.
func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

func first(header map[string][]string, name string) string {
	if values := header[name]; len(values) > 0 {
		return values[0]
	}
	return ""
}
