package apply

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// A Fault is why the account cannot be worked with at all: no credentials, no rights, nobody who listens.
type Fault struct {
	Operation string // of the Route 53 API, such as ListHostedZones
	Denied    bool   // the caller has no right to the operation
	err       error
}

// Error says which call failed and why. Where a right is missing, it names the IAM action.
func (f *Fault) Error() string {
	text := f.Operation + ": " + f.reason()
	if f.Denied {
		text += ". Allow the IAM action " + f.Action()
	}
	return text
}

// Unwrap returns the error of the call.
func (f *Fault) Unwrap() error { return f.err }

// Action is the IAM action of the operation, such as route53:ListHostedZones.
func (f *Fault) Action() string { return "route53:" + f.Operation }

// reason is what the API says, without what the client puts around it: request ids differ each time.
func (f *Fault) reason() string {
	var api smithy.APIError
	if errors.As(f.err, &api) {
		return api.ErrorCode() + ": " + strings.TrimSpace(api.ErrorMessage())
	}
	text := f.err.Error()
	if i := strings.LastIndex(text, "https response error"); i > 0 {
		return strings.TrimSuffix(strings.TrimSpace(text[:i]), ",")
	}
	return text
}

// Fault returns what is wrong with the account as a whole by the last call that was answered or could not be made, nil
// when that was answered well or refused for what it asked. It changes while a call is made again.
func (a *Applier) Fault() *Fault {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.fault
}

// note keeps whether a call says something about the account.
func (a *Applier) note(operation string, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch denied := err != nil && Denied(err); {
	// another right than the missing one
	case err == nil && a.fault != nil && a.fault.Denied && a.fault.Operation != operation:
	case err == nil:
		a.fault = nil
	case denied || unauthenticated(err) || undialled(err) || noCredentials(err):
		a.fault = &Fault{Operation: operation, Denied: denied, err: err}
	}
}

// unauthenticated reports whether the API does not know the caller. r53: C.5.
func unauthenticated(err error) bool {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return false
	}
	switch api.ErrorCode() {
	case "InvalidClientTokenId", "SignatureDoesNotMatch", "MissingAuthenticationToken", "IncompleteSignature",
		"UnrecognizedClientException",
		"ExpiredToken", "ExpiredTokenException", "InvalidSignatureException", "RequestExpired", "OptInRequired":
		return true
	}
	return false
}

// noCredentials reports whether a call was not sent, because it could not be signed.
func noCredentials(err error) bool {
	var operation *smithy.OperationError
	var api smithy.APIError
	var send *smithyhttp.RequestSendError
	var response *smithyhttp.ResponseError
	return errors.As(err, &operation) && !errors.As(err, &api) && !errors.As(err, &send) && !errors.As(err, &response) &&
		!errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded)
}
