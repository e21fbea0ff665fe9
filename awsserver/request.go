package awsserver

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/bulkhead-dns/bulkhead/sigv4"
)

// ReadSigned reads a body of up to limit bytes and verifies the signature over the request. The scope says which
// service and Region the request is for; the caller checks it. Errors are *sigv4.Error, *http.MaxBytesError, or those
// of the connection.
func ReadSigned(w http.ResponseWriter, r *http.Request, limit int64, find Lookup) ([]byte, sigv4.Scope, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if err != nil {
		return nil, sigv4.Scope{}, err
	}
	scope, err := sigv4.Verify(&sigv4.Request{
		Method:   r.Method,
		Path:     r.URL.EscapedPath(),
		RawQuery: r.URL.RawQuery,
		Host:     r.Host,
		Header:   r.Header,
		Body:     body,
	}, find, time.Now())
	return body, scope, err
}

// A refusal is the error of a request that asks for something wrong, in the code and words of its API.
type refusal struct{ code, message string }

func (r *refusal) Error() string { return r.code + ": " + r.message }

// refuse returns a refusal.
func refuse(code, format string, args ...any) error {
	return &refusal{code, fmt.Sprintf(format, args...)}
}

// A fault is what a refused client gets. Each protocol writes it in its own form.
type fault struct {
	status  int // HTTP
	code    string
	message string
}

// faultOf is the one table from errors to what clients get.
func faultOf(err error) fault {
	var (
		own       *refusal
		signature *sigv4.Error
		tooLarge  *http.MaxBytesError
	)
	switch {
	case errors.As(err, &own):
		return fault{statusOf(own.code), own.code, own.message}
	case errors.As(err, &signature):
		return fault{signature.Status, signature.Code, signature.Message}
	case errors.As(err, &tooLarge):
		return fault{http.StatusRequestEntityTooLarge, "RequestEntityTooLarge",
			fmt.Sprintf("The request body is larger than %d bytes.", tooLarge.Limit)}
	}
	return fault{http.StatusBadRequest, "IncompleteBody", "The request body could not be read to its end: " + err.Error()}
}

// statusOf is the HTTP status of a refusal's code. The query protocol answers 400 to everything.
func statusOf(code string) int {
	switch code {
	case "UnknownOperationException", "ResourceNotFoundException":
		return http.StatusNotFound
	}
	return http.StatusBadRequest
}
