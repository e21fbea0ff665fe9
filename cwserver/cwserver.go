// Package cwserver is the part of the CloudWatch API that has the verdicts of health checks: GetMetricData for the
// metric HealthCheckStatus of the namespace AWS/Route53. Route 53 itself has no call for verdicts (r53: B.7), so
// clients that watch many checks read them here, 500 with one call.
//
// The protocol is Smithy RPC v2 with CBOR, which AWS's SDKs use for CloudWatch. An engine has no history: a metric has
// one data point, that of the current period. A check that nobody has probed has none, as at AWS.
package cwserver

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/bulkhead-dns/bulkhead/sigv4"
)

// Prefix begins the path of every operation. GraniteServiceVersion20100801 is CloudWatch's name in its model.
const Prefix = "/service/GraniteServiceVersion20100801/operation/"

const (
	// service is the name in credential scopes. Any Region is accepted.
	service = "monitoring"
	// maxBody limits a request body, in bytes. 500 queries with labels need a quarter of it.
	maxBody = 512 << 10
)

// Options of New. Lookup and Verdict are required.
type Options struct {
	// Lookup finds the key pair of an access key. Every user may read verdicts, as with the Route 53 API.
	Lookup func(accessKeyID string) (sigv4.Credentials, bool)
	// Verdict is the current verdict on a health check. known is false when there is no such check or no report of it.
	Verdict func(checkID string) (healthy, known bool)
	Now     func() time.Time // the clock of signatures and data points; nil is time.Now
	Logger  *slog.Logger     // nil discards
}

// A Server is an http.Handler for Prefix.
type Server struct{ o Options }

// New returns the handler. It fails when Lookup or Verdict is missing.
func New(o Options) (*Server, error) {
	if o.Lookup == nil || o.Verdict == nil {
		return nil, errors.New("cwserver: Options.Lookup and Options.Verdict are required")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Server{o}, nil
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Amzn-Requestid", uuid.NewString())
	w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
	w.Header().Set("Content-Type", "application/cbor")
	out, err := s.serve(w, r)
	status := http.StatusOK
	if err != nil {
		f := translate(err)
		status, out = f.status, errorReply{Type: "com.amazonaws.cloudwatch#" + f.code, Message: f.message}
		w.Header().Set("X-Amzn-Query-Error", f.code+";Sender")
	}
	body, err := encoding.Marshal(out)
	if err != nil {
		s.o.Logger.Error("encode a reply of CloudWatch", "err", err)
		status, body = http.StatusInternalServerError, nil
	}
	w.WriteHeader(status)
	if _, err := w.Write(body); err != nil {
		s.o.Logger.Debug("reply of CloudWatch not sent", "err", err)
	}
}

// serve authenticates first. Before that it only reads the body, which the signature covers.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) (any, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return nil, err
	}
	scope, err := sigv4.Verify(&sigv4.Request{
		Method:   r.Method,
		Path:     r.URL.EscapedPath(),
		RawQuery: r.URL.RawQuery,
		Host:     r.Host,
		Header:   r.Header,
		Body:     body,
	}, s.o.Lookup, s.o.Now())
	if err != nil {
		return nil, err
	}
	if scope.Service != service {
		return nil, sigv4.WrongService(service, scope.Service)
	}
	operation := strings.TrimPrefix(r.URL.Path, Prefix)
	switch {
	case r.Method != http.MethodPost || operation != "GetMetricData":
		return nil, unknownOperation()
	case r.Header.Get("Smithy-Protocol") != "rpc-v2-cbor":
		return nil, notSerializable("The protocol must be rpc-v2-cbor.")
	}
	return s.getMetricData(body)
}
