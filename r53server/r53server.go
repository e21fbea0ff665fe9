// Package r53server is the Route 53 API (REST and XML, version 2013-04-01) over a store.
package r53server

import (
	"log/slog"
	"net/http"

	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/sigv4"
	"github.com/bulkhead-dns/bulkhead/store"
)

// Options of New.
type Options struct {
	Store *store.Store
	// Lookup finds the secret of an access key.
	Lookup func(accessKeyID string) (sigv4.Credentials, bool)
	// Rules bound health checks; Child is filled in by the server.
	Rules health.Rules
	// Observations returns every known checker's latest report of a check: this node's own as they are now, others' as published.
	Observations func(checkID string) []health.Report
	Logger       *slog.Logger
}

// A Server is an http.Handler for /2013-04-01/….
type Server struct{}

// New returns the handler.
func New(o Options) (*Server, error) { panic("contract") }

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { panic("contract") }
