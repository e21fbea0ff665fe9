package node_test

import (
	"errors"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/aws/smithy-go"

	"github.com/bulkhead-dns/bulkhead/node"
)

// A check must not be a way to learn what answers inside: by address it is refused, by name at every probe, and so is
// one that was made when the engine's list was longer.
func TestInternalAddressesAreRefused(t *testing.T) {
	t.Parallel()
	inside, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var visits atomic.Int64
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for c, err := inside.Accept(); err == nil; c, err = inside.Accept() {
			visits.Add(1)
			c.Close()
		}
	}()
	t.Cleanup(func() {
		inside.Close()
		<-ended
	})
	port := aws.Int32(int32(inside.Addr().(*net.TCPAddr).Port))
	create := func(e *engine, reference string, c types.HealthCheckConfig) (string, error) {
		c.Type, c.Port, c.RequestInterval = types.HealthCheckTypeTcp, port, aws.Int32(1)
		out, err := e.api.CreateHealthCheck(t.Context(), &route53.CreateHealthCheckInput{CallerReference: &reference, HealthCheckConfig: &c})
		if err != nil {
			return "", err
		}
		return *out.HealthCheck.Id, nil
	}
	status := func(e *engine, id, want string) {
		t.Helper()
		eventually(t, "the status of the check says "+want, func() bool {
			out, err := e.api.GetHealthCheckStatus(t.Context(), &route53.GetHealthCheckStatusInput{HealthCheckId: &id})
			return err == nil && len(out.HealthCheckObservations) > 0 &&
				strings.HasPrefix(aws.ToString(out.HealthCheckObservations[0].StatusReport.Status), want)
		})
	}

	dir := t.TempDir()
	e := start(t, node.Options{DataDir: dir, ProbeAllow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	former, err := create(e, "former", types.HealthCheckConfig{IPAddress: aws.String("127.0.0.1")})
	if err != nil {
		t.Fatal(err)
	}
	status(e, former, "Success")
	if err := e.stop(); err != nil {
		t.Fatal(err)
	}

	e = start(t, node.Options{DataDir: dir, ProbeAllow: []netip.Prefix{}})
	const refused = "Failure: The probe was refused: the address is internal."
	status(e, former, refused)
	before := visits.Load()
	var invalid smithy.APIError
	if _, err := create(e, "literal", types.HealthCheckConfig{IPAddress: aws.String("127.0.0.1")}); !errors.As(err, &invalid) ||
		invalid.ErrorCode() != "InvalidInput" || !strings.Contains(invalid.ErrorMessage(), "127.0.0.1 is forbidden") || !strings.Contains(invalid.ErrorMessage(), "probeAllow") {
		t.Errorf("a check of 127.0.0.1: %v, want InvalidInput that says what is accepted", err)
	}
	e.change(t, e.createZone(t), types.ResourceRecordSet{Name: aws.String("inside.example.com"), Type: types.RRTypeA, TTL: aws.Int64(1),
		ResourceRecords: []types.ResourceRecord{{Value: aws.String("127.0.0.1")}}})
	for reference, name := range map[string]string{"own zone": "inside.example.com", "system": "localhost"} {
		id, err := create(e, reference, types.HealthCheckConfig{FullyQualifiedDomainName: &name})
		if err != nil {
			t.Fatal(err)
		}
		status(e, id, refused)
	}
	if n := visits.Load(); n != before {
		t.Errorf("what is inside had %d visits after the address was refused", n-before)
	}
}
