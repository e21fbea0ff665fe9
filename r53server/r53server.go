// Package r53server is the Route 53 API (REST and XML, version 2013-04-01) over a store.
//
// A request is read whole, its signature verified, its operation found in the route table (routes.go, router.go), its
// rate and the user's permissions checked (throttle.go, access.go), its body decoded strictly (decode.go), and the
// operation run against the store. Replies are the shapes of shapes.go. Every error becomes an ErrorResponse by the one
// table of translate.go, with a code of codes.go. The rooms zone and health decide what a batch or a health check may
// hold. Behaviour is cited as r53: C.2.
package r53server

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/sigv4"
	"github.com/bulkhead-dns/bulkhead/steer"
	"github.com/bulkhead-dns/bulkhead/store"
	"github.com/bulkhead-dns/bulkhead/users"
)

const (
	// maxBody bounds a request body in bytes. The largest legal change batch, 32,000 characters of values in 1,000 record
	// sets, stays far below it even when every character is escaped. r53: C.6.
	maxBody = 4 << 20
	// requestTime bounds an operation: a store that cannot finish it by then is unavailable to this client.
	requestTime = 20 * time.Second
	// service is what credential scopes must name; the Region may be any. r53: C.1, H.
	service = "route53"
)

// Options of New.
type Options struct {
	// Store holds zones, record sets and checks. Required.
	Store *store.Store
	// Lookup finds who has an access key; required.
	Lookup func(accessKeyID string) (users.User, bool)
	// Throttle refuses requests and changes beyond Route 53's rates (r53: C.8).
	Throttle bool
	// Now is the clock of signatures and rates. nil means time.Now.
	Now func() time.Time
	// Rules limit health checks. The server fills in Child.
	Rules health.Rules
	// Observations returns every known checker's latest report of a check: this node's own as they are now, others' as
	// published. nil takes all of them as published.
	Observations func(checkID string) []health.Report
	// Answer returns the View and Table that DNS answers from, for TestDNSAnswer. nil, or a nil View, means that it does
	// not answer.
	Answer func() (*steer.View, *steer.Table)
	// Logger gets the errors whose text clients do not see. nil discards them.
	Logger *slog.Logger
}

// A Server is an http.Handler for /2013-04-01/….
type Server struct {
	store        *store.Store
	router       router
	lookup       func(string) (users.User, bool)
	permissions  map[string]permission
	throttle     *Throttle // nil when rates are not limited
	clients      *PerClient
	now          func() time.Time
	rules        health.Rules
	observations func(string) []health.Report
	answer       func() (*steer.View, *steer.Table)
	logger       *slog.Logger
}

// New returns the handler. It fails when Store or Lookup is missing.
func New(o Options) (*Server, error) {
	if o.Store == nil || o.Lookup == nil {
		return nil, errors.New("r53server: Options.Store and Options.Lookup are required")
	}
	s := &Server{store: o.Store, lookup: o.Lookup, rules: o.Rules, observations: o.Observations, answer: o.Answer,
		logger: o.Logger, now: o.Now,
		router: newRouter(routes()), permissions: permissions(), clients: NewPerClient(maxPerClient)}
	if o.Throttle {
		s.throttle = NewThrottle()
	}
	if s.now == nil {
		s.now = time.Now
	}
	s.rules.Child = func(id string) (health.Config, bool) {
		check, ok := s.store.State().Check(id)
		return check.Config, ok
	}
	if s.observations == nil {
		s.observations = func(id string) []health.Report { return s.store.State().Reports(id) }
	}
	if s.logger == nil {
		s.logger = slog.New(slog.DiscardHandler)
	}
	return s, nil
}

// A request is the input of an operation.
type request struct {
	ctx       context.Context
	operation string
	user      users.User
	path      map[string]string // by the names in the route's pattern, unescaped, without "/hostedzone/" and the like
	query     url.Values
	body      []byte
	base      string // scheme and host the client called, for Location
	client    netip.Addr
}

// A reply is the result of an operation: status 200, or 201 with a Location.
type reply struct {
	location string
	why      string // explains a DNS answer, for the header X-Bulkhead-Why
	body     any    // a shape; nil for an empty reply
}

// ServeHTTP answers one API request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	requestID := uuid.NewString()
	w.Header().Set("X-Amzn-Requestid", requestID)
	route, out, err := s.serve(w, r)
	if err != nil {
		s.refuse(w, r, requestID, err)
		return
	}
	status := http.StatusOK
	if out.why != "" {
		w.Header().Set("X-Bulkhead-Why", out.why)
	}
	if out.location != "" {
		w.Header().Set("Location", out.location)
		status = http.StatusCreated
	}
	s.write(w, status, route.operation+"Response", out.body)
}

// serve authenticates first. Before that it only reads the body, which the signature covers.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) (route, reply, error) {
	leave, ok := s.clients.Enter(r.RemoteAddr)
	if !ok {
		// Without this the server would first read the body to its end, however long that takes.
		w.Header().Set("Connection", "close")
		return route{}, reply{}, tooManyAtOnce()
	}
	defer leave()
	body, err := readBody(w, r)
	if err != nil {
		return route{}, reply{}, err
	}
	user, err := s.authenticate(r, body)
	if err != nil {
		return route{}, reply{}, err
	}
	found, path, err := s.router.find(r.Method, rawPath(r))
	if err != nil {
		return route{}, reply{}, err
	}
	if err := s.throttle.Request(found.operation, s.now()); err != nil {
		return route{}, reply{}, err
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return route{}, reply{}, invalidInput("The query string is not valid: %v", err)
	}
	ctx, cancel := context.WithTimeout(r.Context(), requestTime)
	defer cancel()
	in := &request{ctx: ctx, operation: found.operation, user: user, path: path, query: query, body: body,
		base: baseURL(r), client: clientAddr(r)}
	if err := authorize(user, s.permissions[in.operation], in, s.store.State()); err != nil {
		return route{}, reply{}, err
	}
	out, err := found.handle(s, in)
	return found, out, err
}

func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return nil, requestTooLarge()
	}
	if err != nil {
		return nil, invalidInput("The request body could not be read to its end.")
	}
	return body, nil
}

func (s *Server) authenticate(r *http.Request, body []byte) (users.User, error) {
	var user users.User
	scope, err := sigv4.Verify(&sigv4.Request{
		Method: r.Method, Path: rawPath(r), RawQuery: r.URL.RawQuery, Host: r.Host, Header: r.Header, Body: body,
	}, func(accessKeyID string) (sigv4.Credentials, bool) {
		found, ok := s.lookup(accessKeyID)
		user = found
		return found.Credentials, ok
	}, s.now())
	if err != nil {
		return users.User{}, err
	}
	if scope.Service != service {
		return users.User{}, wrongService(scope.Service)
	}
	return user, nil
}

// rawPath is the path as the client sent and signed it. URL.EscapedPath may encode it differently.
func rawPath(r *http.Request) string {
	if strings.HasPrefix(r.RequestURI, "/") {
		path, _, _ := strings.Cut(r.RequestURI, "?")
		return path
	}
	return r.URL.EscapedPath()
}

// clientAddr is the address that a request comes from; the zero Addr at a Unix socket.
func clientAddr(r *http.Request) netip.Addr {
	from, _ := netip.ParseAddrPort(r.RemoteAddr)
	return from.Addr().Unmap().WithZone("")
}

func baseURL(r *http.Request) string {
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}
