package apply

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// A call is one operation of the Route 53 API.
type call[In, Out any] struct {
	name string
	do   func(context.Context, In, ...func(*route53.Options)) (Out, error)
	// once says that a repetition would not be the same: it is made only when a refusal says that nothing has happened.
	once bool
	// optional says that the caller goes on without the right to it.
	optional bool
	changes  int // cost of the changes of record sets. r53: C.8
}

// Repetitions of a call: the pauses between them double, from firstPause to longestPause, each shortened by chance so
// that several who were refused at once do not come back at once.
const (
	maxAttempts  = 12
	firstPause   = 100 * time.Millisecond
	longestPause = 20 * time.Second
	// answerTime is how long one attempt waits for an answer. Route 53 takes seconds at most; a request that a network has
	// swallowed would be waited for until the process ends, and with it everything else that the account has to do.
	answerTime = 20 * time.Second
	// An endpoint that has never been reached is more likely a wrong one than one that comes back: somebody waits for the
	// error.
	strangerAttempts = 3
)

// send makes a call, at the account's pace, until it is answered. The client's own repetitions are off: they would be
// neither paced nor counted.
func (c call[In, Out]) send(ctx context.Context, a *Applier, in In) (Out, error) {
	var none Out
	delay := firstPause
	for attempt := 1; ; attempt++ {
		if err := a.pacer.wait(ctx, c.name, c.changes); err != nil {
			return none, fmt.Errorf("%s: %w", c.name, err)
		}
		a.count(c.name)
		out, err := c.attempt(ctx, in)
		unreached := err != nil && undialled(err)
		if !unreached {
			a.reached.Store(true)
		}
		if err == nil || !c.optional || !Denied(err) {
			a.note(c.name, err)
		}
		if err == nil {
			return out, nil
		}
		if throttled(err) {
			a.pacer.throttled(c.name, time.Now())
		}
		if unreached && attempt >= strangerAttempts && !a.reached.Load() {
			return none, err
		}
		if ctx.Err() != nil || attempt == a.o.Attempts || !refused(err) && (c.once || !transient(err)) {
			return none, err
		}
		if pause(ctx, delay/2+rand.N(delay/2)) != nil {
			return none, err
		}
		delay = min(2*delay, longestPause)
	}
}

// attempt makes a call once. One that is not answered in time counts as one without an answer.
func (c call[In, Out]) attempt(ctx context.Context, in In) (Out, error) {
	limited, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	out, err := c.do(limited, in, func(o *route53.Options) { o.Retryer = aws.NopRetryer{} })
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		err = &smithyhttp.RequestSendError{Err: fmt.Errorf("%s: no answer within %s", c.name, answerTime)}
	}
	return out, err
}

// refused reports whether a call was not looked at, so that it can be made again as if it had not been made. r53: C.5,
// C.8.
func refused(err error) bool {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return false
	}
	return api.ErrorCode() == "PriorRequestNotComplete" || throttled(err)
}

// throttled reports whether a call was refused for the account's rate.
func throttled(err error) bool {
	var api smithy.APIError
	return errors.As(err, &api) && (api.ErrorCode() == "Throttling" || api.ErrorCode() == "ThrottlingException")
}

// transient reports whether there was no answer, none that is about the request, or one that broke off. The call may
// have been executed.
func transient(err error) bool {
	var response *smithyhttp.ResponseError
	return Unanswered(err) || errors.As(err, &response) && response.HTTPStatusCode() >= http.StatusInternalServerError &&
		response.HTTPStatusCode() != http.StatusNotImplemented
}

// Unanswered reports whether an error says that a call got no answer at all: the connection could not be made, or broke
// off.
func Unanswered(err error) bool {
	var send *smithyhttp.RequestSendError
	var connection *net.OpError
	return errors.As(err, &send) || errors.As(err, &connection) || errors.Is(err, io.ErrUnexpectedEOF)
}

// undialled reports whether there was no connection at all: nobody listens, or the host has no address.
func undialled(err error) bool {
	var connection *net.OpError
	return errors.As(err, &connection) && connection.Op == "dial"
}

// A BatchError is a change batch that the provider refused as a whole, with all its reasons.
type BatchError struct {
	Zone    string // name
	Reasons []string
}

// Error returns all reasons.
func (e *BatchError) Error() string {
	return fmt.Sprintf("change record sets of %s: refused, nothing was changed: %s", e.Zone, strings.Join(e.Reasons, "; "))
}

// batchError unpacks both forms of InvalidChangeBatch: the reasons as a list, or in one text within brackets. r53: C.5.
func batchError(zone string, err error) error {
	var invalid *types.InvalidChangeBatch
	switch {
	case !errors.As(err, &invalid):
		return fmt.Errorf("change record sets of %s: %w", zone, err)
	case len(invalid.Messages) > 0:
		return &BatchError{zone, invalid.Messages}
	}
	// The reasons are not told apart in the text: they have commas of their own.
	text := strings.TrimSuffix(strings.TrimPrefix(invalid.ErrorMessage(), "["), "]")
	return &BatchError{zone, []string{text}}
}

// A CheckError is a health check that the provider refuses for what it is. Without its policy, a plan goes on.
type CheckError struct {
	Key string // "<namespace>/<policy>/<region>"
	err error
}

// Error says what was refused and why.
func (e *CheckError) Error() string { return e.err.Error() }

// Unwrap returns the provider's error.
func (e *CheckError) Unwrap() error { return e.err }

// checkError marks an error that is about a check's settings, and not about the account or the connection.
func checkError(key string, err error) error {
	var invalid *types.InvalidInput
	if !errors.As(err, &invalid) {
		return err
	}
	return &CheckError{key, err}
}
