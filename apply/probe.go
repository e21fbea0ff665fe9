package apply

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/smithy-go"

	"github.com/bulkhead-dns/bulkhead/failover"
)

// probeOperation is what the engine calls it; the SDK does not know it.
const probeOperation = "ProbeHealthCheck"

// ProbeNow has an engine's checkers probe a check at once. What they find decides, as always: a hint that is lost
// changes nothing, so it is sent once and not repeated. A refusal is a smithy.APIError, such as NoSuchHealthCheck. AWS
// has no such operation, and with AWS it is an error that makes no call.
func (a *Applier) ProbeNow(ctx context.Context, checkID string) error {
	if a.o.Provider != failover.Engine {
		return fmt.Errorf("probe health check %s now: the provider is %s, only %s can", checkID, a.o.Provider,
			failover.Engine)
	}
	if err := a.pacer.wait(ctx, probeOperation, 0); err != nil {
		return fmt.Errorf("probe health check %s now: %w", checkID, err)
	}
	a.count(probeOperation)
	if err := a.sendProbe(ctx, checkID); err != nil {
		return fmt.Errorf("probe health check %s now: %w", checkID, err)
	}
	return nil
}

// sendProbe makes the call as the client makes its own: to its endpoint, with its credentials, over its connections.
func (a *Applier) sendProbe(ctx context.Context, checkID string) error {
	o := a.o.Route53.Options()
	if o.BaseEndpoint == nil {
		return errors.New("the client has no BaseEndpoint, so the engine's address is not known")
	}
	path := strings.TrimSuffix(aws.ToString(o.BaseEndpoint), "/") + "/2013-04-01/healthcheck/" + checkID + "/probe"
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, path, http.NoBody)
	if err != nil {
		return err
	}
	credentials, err := o.Credentials.Retrieve(ctx)
	if err != nil {
		return fmt.Errorf("read the credentials: %w", err)
	}
	empty := sha256.Sum256(nil)
	// An engine takes any Region; that of Route 53's own endpoint is us-east-1. r53: C.1.
	if err := v4.NewSigner().SignHTTP(ctx, credentials, request, hex.EncodeToString(empty[:]), "route53", "us-east-1",
		time.Now()); err != nil {
		return fmt.Errorf("sign: %w", err)
	}
	response, err := o.HTTPClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	const most = 64 << 10 // more than any refusal has
	body, err := io.ReadAll(io.LimitReader(response.Body, most))
	if err != nil {
		return err
	}
	if response.StatusCode == http.StatusOK {
		return nil
	}
	var refused struct {
		Error struct{ Code, Message string }
	}
	if err := xml.Unmarshal(body, &refused); err != nil || refused.Error.Code == "" {
		return fmt.Errorf("the answer is %s", response.Status)
	}
	return &smithy.GenericAPIError{Code: refused.Error.Code, Message: refused.Error.Message}
}
