package lab

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/bulkhead-dns/bulkhead/sigv4"
)

// AccountID is the AWS account that everything in the lab belongs to.
const AccountID = "000000000000"

// Service names in credential scopes. r53: E.1, H.
const (
	serviceELB = "elasticloadbalancing"
	serviceSTS = "sts"
	serviceEKS = "eks"
)

// A lookup finds the key pair of an access key.
type lookup = func(accessKeyID string) (sigv4.Credentials, bool)

// A fault is a refused request in AWS's terms; each protocol writes it in its own form.
type fault struct {
	status  int // HTTP
	code    string
	message string
}

func (f *fault) Error() string { return f.code + ": " + f.message }

// refuse makes the error of a request that asks for something wrong.
func refuse(code, format string, args ...any) error {
	return &fault{http.StatusBadRequest, code, fmt.Sprintf(format, args...)}
}

// faultOf puts an error of reading, verifying or answering a request in AWS's terms.
func faultOf(err error) *fault {
	var (
		own       *fault
		signature *sigv4.Error
		tooLarge  *http.MaxBytesError
	)
	switch {
	case errors.As(err, &own):
		return own
	case errors.As(err, &signature):
		return &fault{signature.Status, signature.Code, signature.Message}
	case errors.As(err, &tooLarge):
		return &fault{http.StatusRequestEntityTooLarge, "RequestEntityTooLarge",
			fmt.Sprintf("The request body is larger than %d bytes.", tooLarge.Limit)}
	}
	return &fault{http.StatusBadRequest, "IncompleteBody", "The request body could not be read to its end: " + err.Error()}
}

// readSigned reads a body of up to limit bytes and verifies the signature over the request. The scope says which service and Region the
// request is for; with one endpoint for all Regions nothing else does (r53: H). It is for the caller to look at.
func readSigned(w http.ResponseWriter, r *http.Request, limit int64, find lookup) (body []byte, scope sigv4.Scope, err error) {
	if body, err = io.ReadAll(http.MaxBytesReader(w, r.Body, limit)); err != nil {
		return nil, sigv4.Scope{}, err
	}
	scope, err = sigv4.Verify(&sigv4.Request{
		Method:   r.Method,
		Path:     r.URL.EscapedPath(),
		RawQuery: r.URL.RawQuery,
		Host:     r.Host,
		Header:   r.Header,
		Body:     body,
	}, find, time.Now())
	return body, scope, err
}
