package apply

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/bulkhead-dns/bulkhead/zone"
)

// A Tested is what the provider says that it answers.
type Tested struct {
	Nameserver string
	Code       string   // NOERROR, NXDOMAIN …
	Values     []string // of the answer section
	Why        string   // an engine's trace of the decision as JSON, a steer.Trace; empty at AWS
}

// Test asks the provider what it answers: TestDNSAnswer, which reads. client is sent as EDNS client subnet, whole; the
// zero Addr sends none, and the answer is that of the provider's own resolver: at AWS one in us-east-1. r53: C.2.
func (a *Applier) Test(ctx context.Context, zoneID string, name zone.Name, t zone.RRType, client netip.Addr) (Tested,
	error) {
	c := call[*route53.TestDNSAnswerInput, *route53.TestDNSAnswerOutput]{name: "TestDNSAnswer",
		do: a.o.Route53.TestDNSAnswer}
	in := &route53.TestDNSAnswerInput{HostedZoneId: &zoneID, RecordName: aws.String(string(name)),
		RecordType: types.RRType(t.String())}
	if client.IsValid() {
		in.EDNS0ClientSubnetIP = aws.String(client.String())
		in.EDNS0ClientSubnetMask = aws.String(strconv.Itoa(client.BitLen()))
	}
	out, err := c.send(ctx, a, in)
	if err != nil {
		return Tested{}, fmt.Errorf("test the answer of %s %s: %w", name, t, untestable(err))
	}
	if out.ResponseCode == nil {
		return Tested{}, fmt.Errorf("test the answer of %s %s: %w", name, t, errNoTest)
	}
	tested := Tested{Nameserver: aws.ToString(out.Nameserver), Code: aws.ToString(out.ResponseCode),
		Values: out.RecordData}
	if raw, ok := awsmiddleware.GetRawResponse(out.ResultMetadata).(*smithyhttp.Response); ok {
		tested.Why = raw.Header.Get("X-Bulkhead-Why")
	}
	return tested, nil
}

// errNoTest is for endpoints that serve other operations of Route 53, and not this one.
var errNoTest = errors.New("this Route 53 API does not have TestDNSAnswer: its answers cannot be confirmed; ask its " +
	"name servers, with dig")

// untestable replaces what an SDK makes of a page that is no reply of the operation: a status that says that there is
// no such page or method, or a reply that cannot be read.
func untestable(err error) error {
	var known *types.NoSuchHostedZone
	var response *smithyhttp.ResponseError
	var unread *smithy.DeserializationError
	if errors.As(err, &known) {
		return err
	}
	if errors.As(err, &response) {
		switch status := response.HTTPStatusCode(); status {
		case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented:
			return fmt.Errorf("%w (status %d)", errNoTest, status)
		}
	}
	if errors.As(err, &unread) {
		return errNoTest
	}
	return err
}
