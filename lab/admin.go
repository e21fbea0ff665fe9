package lab

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/bulkhead-dns/bulkhead/sigv4"
)

// Service is the service name in the credential scope of administration requests, so that a signature made for the Route 53 API is not
// good for the lab.
const Service = "bulkhead-lab"

// A Change is the body of POST /lab/scale, /lab/fail and /lab/heal.
type Change struct {
	Application string `json:"application"`
	Region      string `json:"region"`
	Replicas    *int   `json:"replicas,omitempty"` // of scale: required there, refused elsewhere
}

// An AdminError is a refused administration request.
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
	lookup       lookup
	logger       *slog.Logger
}

const maxAdminBody = 4 << 10

func (a *admin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	status, err := a.serve(w, r)
	if err != nil {
		fault := a.classify(err)
		w.WriteHeader(fault.Status)
		json.NewEncoder(w).Encode(errorBody{fault})
		return
	}
	json.NewEncoder(w).Encode(status)
}

// serve verifies and does what is asked; every success answers with the status after it.
func (a *admin) serve(w http.ResponseWriter, r *http.Request) (Status, error) {
	body, scope, err := readSigned(w, r, maxAdminBody, a.lookup)
	if err != nil {
		return Status{}, err
	}
	if scope.Service != Service {
		return Status{}, &AdminError{http.StatusForbidden, "SignatureDoesNotMatch",
			fmt.Sprintf("Credential should be scoped to correct service: '%s'.", Service)}
	}
	do, method := a.operation(r.Context(), r.URL.Path)
	switch {
	case method == "":
		return Status{}, &AdminError{http.StatusNotFound, "UnknownOperation",
			fmt.Sprintf("there is no %s: there are GET /lab/status and POST /lab/scale, /lab/fail, /lab/heal", r.URL.Path)}
	case r.Method != method:
		w.Header().Set("Allow", method)
		return Status{}, &AdminError{http.StatusMethodNotAllowed, "MethodNotAllowed",
			fmt.Sprintf("%s %s: use %s", r.Method, r.URL.Path, method)}
	case do != nil:
		if err := do(body); err != nil {
			return Status{}, err
		}
	}
	return a.status(), nil
}

// operation finds what a path does and the method it takes; "" for an unknown path.
func (a *admin) operation(ctx context.Context, path string) (do func(body []byte) error, method string) {
	switch path {
	case "/lab/status":
		return nil, http.MethodGet
	case "/lab/scale":
		return func(body []byte) error {
			c, err := decodeChange(body)
			if err != nil {
				return err
			}
			if c.Replicas == nil {
				return &Refusal{"InvalidReplicas", fmt.Sprintf("scale needs replicas: 0 to %d", MaxReplicas)}
			}
			// Pods are started and stopped to the end even when the client has left.
			return a.surroundings.scale(context.WithoutCancel(ctx), c.Application, c.Region, *c.Replicas)
		}, http.MethodPost
	case "/lab/fail", "/lab/heal":
		return func(body []byte) error {
			c, err := decodeChange(body)
			if err != nil {
				return err
			}
			if c.Replicas != nil {
				return &AdminError{http.StatusBadRequest, "InvalidBody", "replicas belong to scale"}
			}
			return a.surroundings.setFailing(c.Application, c.Region, path == "/lab/fail")
		}, http.MethodPost
	}
	return nil, ""
}

// classify is the one table from errors to answers.
func (a *admin) classify(err error) *AdminError {
	var (
		fault     *AdminError
		refusal   *Refusal
		signature *sigv4.Error
		tooLarge  *http.MaxBytesError
	)
	switch {
	case errors.As(err, &fault):
		return fault
	case errors.As(err, &refusal):
		return &AdminError{http.StatusBadRequest, refusal.Code, refusal.Message}
	case errors.As(err, &signature):
		return &AdminError{signature.Status, signature.Code, signature.Message}
	case errors.As(err, &tooLarge):
		return &AdminError{http.StatusRequestEntityTooLarge, "BodyTooLarge", fmt.Sprintf("the body has more than %d bytes", maxAdminBody)}
	}
	a.logger.Error("lab administration", "error", err)
	return &AdminError{http.StatusInternalServerError, "InternalFailure", err.Error()}
}

// decodeChange reads exactly one JSON object without unknown members.
func decodeChange(body []byte) (Change, error) {
	var c Change
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	err := d.Decode(&c)
	if err == nil && d.More() {
		err = errors.New("more than one value")
	}
	if err != nil {
		return Change{}, &AdminError{http.StatusBadRequest, "InvalidBody",
			"the body is not {\"application\", \"region\"[, \"replicas\"]}: " + err.Error()}
	}
	return c, nil
}
