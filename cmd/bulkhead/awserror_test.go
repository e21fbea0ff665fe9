package main

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// An error of the SDK is one sentence: what was being done, why it failed, and what to set where that is known.
func TestErrorsOfTheSDKInPlainWords(t *testing.T) {
	api := func(code, message string) error {
		return &smithyhttp.ResponseError{Err: &smithy.GenericAPIError{Code: code, Message: message}, Response: &smithyhttp.Response{}}
	}
	send := func(err error) error {
		return &smithyhttp.RequestSendError{Err: &url.Error{Op: "Get", URL: "https://route53.amazonaws.com/2013-04-01/hostedzone", Err: err}}
	}
	for _, c := range []struct {
		cause error
		want  string
	}{
		{api("ExpiredToken", "The security token included in the request is expired"),
			"ExpiredToken: The security token included in the request is expired. The credentials have expired: sign in again (aws sso login), " +
				"or set new AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN"},
		{api("InvalidClientTokenId", "The security token included in the request is invalid."),
			"InvalidClientTokenId: The security token included in the request is invalid. The access key is not known there: are the credentials of " +
				`another account or of a lab set? For a lab: eval "$(bulkhead lab env)"`},
		{api("SignatureDoesNotMatch", "The request signature does not match.\n\nThe Canonical String was\n'GET'"),
			"SignatureDoesNotMatch: The request signature does not match. The secret key does not go with the access key, or this machine's clock is wrong"},
		{api("AccessDenied", "User: x is not authorized to perform: route53:ListHostedZones"),
			"AccessDenied: User: x is not authorized to perform: route53:ListHostedZones"},
		{send(&net.OpError{Op: "dial", Err: errors.New("connect: connection refused")}),
			"no answer from https://route53.amazonaws.com (connect: connection refused). Does an engine run there, and is the endpoint right " +
				"(--endpoint-url, AWS_ENDPOINT_URL_ROUTE_53)?"},
		{send(&net.OpError{Op: "dial", Err: &net.DNSError{Name: "route53.amazonaws.com", IsNotFound: true}}),
			"no answer from https://route53.amazonaws.com (there is no host route53.amazonaws.com). Check the network, the endpoint, and the names of Regions"},
		{send(&net.OpError{Op: "dial", Err: &net.DNSError{Name: "route53.amazonaws.com", IsTimeout: true}}),
			"no answer from https://route53.amazonaws.com (name servers do not answer for route53.amazonaws.com). Check the network"},
		{&smithy.DeserializationError{Err: errors.New("expected element type <A> but have <html>")},
			"the answer to ListHostedZones is none of Route 53's (expected element type <A> but have <html>). Is the endpoint right?"},
	} {
		err := fmt.Errorf("read the hosted zones: %w", &smithy.OperationError{ServiceID: "Route 53", OperationName: "ListHostedZones", Err: c.cause})
		got := plainly(err)
		if got.Error() != "read the hosted zones: "+c.want {
			t.Errorf("got  %s\nwant read the hosted zones: %s", got, c.want)
		}
		if !errors.Is(got, c.cause) || plainly(got) != got || strings.Contains(got.Error(), "operation error") {
			t.Errorf("%v is not known by its cause any more, or is not final", got)
		}
	}
	other := errors.New("no error of the SDK")
	if plainly(other) != other || plainly(nil) != nil {
		t.Error("an error of our own is changed")
	}
}
