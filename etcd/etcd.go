// Package etcd runs an etcd server inside this process. It is the only room that links the server.
package etcd

import (
	"context"
	"log/slog"
	"time"
)

// Options of Start.
type Options struct {
	Dir string // data directory, created if missing; holds the socket too
	// FastTicks shortens raft timing for tests (ready in tens of milliseconds).
	FastTicks bool
	// QuotaBytes bounds the backend; 0 means 8 GiB.
	QuotaBytes   int64
	Logger       *slog.Logger  // nil discards; etcd's own log goes there at warn and above
	StartTimeout time.Duration // 0 means 30 s
}

// A Server is a running single-member etcd reachable over a unix socket only.
type Server struct{}

// Start opens the data directory and waits until etcd serves. The error names the directory and what is wrong with it (locked by another process, not writable, full, corrupt).
func Start(ctx context.Context, o Options) (*Server, error) { panic("contract") }

// Endpoint is what clients dial.
func (s *Server) Endpoint() string { panic("contract") }

// Failed delivers the error that stopped the server, should it stop by itself.
func (s *Server) Failed() <-chan error { panic("contract") }

// Close stops the server and waits for it.
func (s *Server) Close() { panic("contract") }
