package cwserver

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/bulkhead-dns/bulkhead/sigv4"
)

// A fault is a refusal as the client reads it.
type fault struct {
	status  int // HTTP
	code    string
	message string
}

// Error returns code and message.
func (f *fault) Error() string { return f.code + ": " + f.message }

// invalid refuses a value that the API does not accept.
func invalid(format string, args ...any) *fault {
	return &fault{http.StatusBadRequest, "ValidationError", fmt.Sprintf(format, args...)}
}

// notSerializable refuses a request that is not in the protocol.
func notSerializable(message string) *fault {
	return &fault{http.StatusBadRequest, "SerializationException", message}
}

func invalidNextToken() *fault {
	return &fault{http.StatusBadRequest, "InvalidNextToken",
		"NextToken is not accepted: an engine returns all results on the first page."}
}

func unknownOperation() *fault {
	return &fault{http.StatusNotFound, "UnknownOperationException",
		"The engine supports one operation of CloudWatch: GetMetricData."}
}

// translate is the one table from errors of reading, verifying or answering a request to faults.
func translate(err error) *fault {
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
			fmt.Sprintf("The request body is larger than %d bytes.", maxBody)}
	}
	return &fault{http.StatusBadRequest, "IncompleteBody", "The request body could not be read to its end."}
}
