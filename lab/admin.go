package lab

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"github.com/bulkhead-dns/bulkhead/awsserver"
	"github.com/bulkhead-dns/bulkhead/sigv4"
)

// Service is the service name in the credential scope of administration requests, so that a signature made for the
// Route 53 API is not good for the lab.
const Service = "bulkhead-lab"

// A Change is the body of POST /lab/scale, /lab/fail and /lab/heal.
type Change struct {
	Application string `json:"application"`
	Region      string `json:"region"`
	Replicas    *int   `json:"replicas,omitempty"` // of scale: required there, refused elsewhere
}

// An AdminError is a refused administration request, as a Client gets it. See Refusal for the codes.
type AdminError struct {
	Status  int    `json:"-"` // HTTP
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (e *AdminError) Error() string { return e.Code + ": " + e.Message }

// errorBody is how an AdminError travels.
type errorBody struct {
	Error *AdminError `json:"error"`
}

// admin serves the administration of the lab under /lab/: JSON in, JSON out, every request signed.
type admin struct {
	surroundings *surroundings
	status       func() Status
	lookup       awsserver.Lookup
	logger       *slog.Logger
}

// Bounds of request bodies: a change is one line, Ingresses may be many.
const (
	maxAdminBody   = 4 << 10
	maxIngressBody = 4 << 20
)

const ingressPath = "/lab/ingress/"

func (a *admin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	answer, err := a.serve(w, r)
	if err != nil {
		fault := a.adminErrorOf(err)
		w.WriteHeader(fault.Status)
		json.NewEncoder(w).Encode(errorBody{fault})
		return
	}
	json.NewEncoder(w).Encode(answer)
}

// serve verifies and does what is asked.
func (a *admin) serve(w http.ResponseWriter, r *http.Request) (answer any, err error) {
	limit := int64(maxAdminBody)
	if strings.HasPrefix(r.URL.Path, ingressPath) {
		limit = maxIngressBody
	}
	body, scope, err := awsserver.ReadSigned(w, r, limit, a.lookup)
	if err != nil {
		return nil, err
	}
	if scope.Service != Service {
		return nil, sigv4.WrongService(Service, scope.Service)
	}
	do, method := a.operation(r.URL.Path)
	switch {
	case method == "":
		return nil, refuse("UnknownOperation", "there is no %s: use GET /lab/status, POST /lab/scale, POST /lab/fail, "+
			"POST /lab/heal or PUT /lab/ingress/REGION", r.URL.Path)
	case r.Method != method:
		w.Header().Set("Allow", method)
		return nil, refuse("MethodNotAllowed", "%s %s: use %s", r.Method, r.URL.Path, method)
	}
	// Pods are started and stopped to the end even when the client has left.
	return do(context.WithoutCancel(r.Context()), body)
}

// An adminOperation does what a body asks for and returns the answer.
type adminOperation func(ctx context.Context, body []byte) (any, error)

// operation finds what a path does and the method it takes; "" for an unknown path.
func (a *admin) operation(path string) (do adminOperation, method string) {
	if region, ok := strings.CutPrefix(path, ingressPath); ok && region != "" {
		return func(ctx context.Context, body []byte) (any, error) { return a.setIngresses(ctx, region, body) },
			http.MethodPut
	}
	switch path {
	case "/lab/status":
		return func(context.Context, []byte) (any, error) { return a.status(), nil }, http.MethodGet
	case "/lab/scale":
		return a.change(a.scale), http.MethodPost
	case "/lab/fail", "/lab/heal":
		return a.change(func(_ context.Context, c Change) error { return a.setFailing(c, path == "/lab/fail") }),
			http.MethodPost
	}
	return nil, ""
}

// change is an operation that takes a Change and answers with the status after it.
func (a *admin) change(do func(context.Context, Change) error) adminOperation {
	return func(ctx context.Context, body []byte) (any, error) {
		c, err := decodeChange(body)
		if err == nil {
			err = do(ctx, c)
		}
		if err != nil {
			return nil, err
		}
		return a.status(), nil
	}
}

func (a *admin) scale(ctx context.Context, c Change) error {
	if c.Replicas == nil {
		return refuse("InvalidReplicas", "scale needs replicas: 0 to %d", MaxReplicas)
	}
	return a.surroundings.scale(ctx, c.Application, c.Region, *c.Replicas)
}

func (a *admin) setFailing(c Change, failing bool) error {
	if c.Replicas != nil {
		return refuse("InvalidBody", "only scale takes replicas")
	}
	return a.surroundings.setFailing(c.Application, c.Region, failing)
}

// ingressBody is the body of PUT /lab/ingress/REGION and, with what they got, its answer.
type ingressBody struct {
	Ingresses []Ingress `json:"ingresses"`
}

type ingressAnswer struct {
	Ingresses []IngressStatus `json:"ingresses"` // in the order of the request
}

func (a *admin) setIngresses(ctx context.Context, region string, body []byte) (any, error) {
	var wanted ingressBody
	if err := decodeStrictly(body, &wanted); err != nil {
		return nil, refuse("InvalidBody", "the body is not {\"ingresses\": [...]}: %v", err)
	}
	if wanted.Ingresses == nil {
		return nil, refuse("InvalidBody", "ingresses is missing: an empty list removes all of them")
	}
	got, err := a.surroundings.setIngresses(ctx, region, wanted.Ingresses)
	return ingressAnswer{got}, err
}

// adminErrorOf is the one table from errors to what a client gets.
func (a *admin) adminErrorOf(err error) *AdminError {
	var (
		own       *Refusal
		signature *sigv4.Error
		tooLarge  *http.MaxBytesError
	)
	switch {
	case errors.As(err, &own):
		return &AdminError{statusOf(own.Code), own.Code, own.Message}
	case errors.As(err, &signature):
		return &AdminError{signature.Status, signature.Code, signature.Message}
	case errors.As(err, &tooLarge):
		return &AdminError{http.StatusRequestEntityTooLarge, "BodyTooLarge",
			fmt.Sprintf("the body has more than %d bytes", tooLarge.Limit)}
	}
	a.logger.Error("lab administration", "error", err)
	return &AdminError{http.StatusInternalServerError, "InternalFailure", err.Error()}
}

// statusOf is the HTTP status of a refusal's code.
func statusOf(code string) int {
	switch code {
	case "UnknownOperation":
		return http.StatusNotFound
	case "MethodNotAllowed":
		return http.StatusMethodNotAllowed
	}
	return http.StatusBadRequest
}

// decodeChange reads exactly one JSON object without unknown members.
func decodeChange(body []byte) (Change, error) {
	var c Change
	if err := decodeStrictly(body, &c); err != nil {
		return Change{}, refuse("InvalidBody", "the body is not {\"application\", \"region\"[, \"replicas\"]}: %v", err)
	}
	return c, nil
}

// decodeStrictly reads exactly one JSON value without unknown members.
func decodeStrictly(body []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	err := d.Decode(v)
	if err == nil && d.More() {
		err = errors.New("more than one value")
	}
	return err
}
