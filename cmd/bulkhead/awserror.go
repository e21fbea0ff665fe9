package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// An accountError is a sentence for people in the place of an error of the AWS SDK, which goes on to be known by it.
type accountError struct {
	text string
	err  error
}

func (e *accountError) Error() string { return e.text }
func (e *accountError) Unwrap() error { return e.err }

// plainly puts a sentence in the place of the SDK's chain of errors, which names operations, attempts and status codes
// before it comes to the reason. What was being done stays before it.
func plainly(err error) error {
	var operation *smithy.OperationError
	var already *accountError
	if err == nil || errors.As(err, &already) || !errors.As(err, &operation) {
		return err
	}
	before, after, found := strings.Cut(err.Error(), operation.Error())
	if !found {
		return err
	}
	return &accountError{before + reason(operation) + after, err}
}

// reason is why a call has failed, and what can be done about it.
func reason(operation *smithy.OperationError) string {
	var (
		api      smithy.APIError
		unsigned *smithyhttp.RequestSendError
		answer   *smithy.DeserializationError
	)
	switch {
	case errors.As(operation, &api):
		return apiReason(api)
	case errors.As(operation, &unsigned):
		return connectionReason(unsigned)
	case errors.As(operation, &answer):
		return fmt.Sprintf("the answer to %s is none of %s's (%v). Is the endpoint right?", operation.OperationName, operation.ServiceID, last(answer))
	}
	return fmt.Sprintf("%s: %v", operation.OperationName, last(operation.Err))
}

// apiReason is what an API has answered, and what can be done about refused credentials.
func apiReason(api smithy.APIError) string {
	text := api.ErrorCode()
	message, _, _ := strings.Cut(api.ErrorMessage(), "\n") // below it is what was signed
	if message != "" {
		text += ": " + strings.TrimSuffix(message, ".")
	}
	switch api.ErrorCode() {
	case "ExpiredToken", "ExpiredTokenException", "RequestExpired":
		return text + ". The credentials have expired: sign in again (aws sso login), or set new AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN"
	case "InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId", "AuthFailure":
		return text + ". The access key is not known there: are the credentials of another account or of a lab set? For a lab: eval \"$(bulkhead lab env)\""
	case "SignatureDoesNotMatch", "InvalidSignatureException", "IncompleteSignature":
		return text + ". The secret key does not go with the access key, or this machine's clock is wrong"
	}
	return text
}

// connectionReason says who could not be reached.
func connectionReason(err error) string {
	var (
		request *url.Error
		dns     *net.DNSError
		where   = "the endpoint"
	)
	if errors.As(err, &request) {
		if u, bad := url.Parse(request.URL); bad == nil {
			where = u.Scheme + "://" + u.Host
		}
	}
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return fmt.Sprintf("no answer from %s (there is no host %s). Check the network, the endpoint, and the names of Regions", where, dns.Name)
	case errors.As(err, &dns):
		return fmt.Sprintf("no answer from %s (name servers do not answer for %s). Check the network", where, dns.Name)
	case errors.Is(err, context.DeadlineExceeded), os.IsTimeout(err):
		return fmt.Sprintf("no answer from %s in time. Check the endpoint, the network and HTTPS_PROXY", where)
	}
	return fmt.Sprintf("no answer from %s (%v). Does an engine run there, and is the endpoint right (--endpoint-url, AWS_ENDPOINT_URL_ROUTE_53)?",
		where, last(err))
}

// last is the cause at the end of a chain of errors.
func last(err error) error {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err
		}
		err = next
	}
}
