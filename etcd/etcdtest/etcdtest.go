// Package etcdtest runs an embedded etcd for a test.
package etcdtest

import (
	"log/slog"
	"os"
	"testing"

	"github.com/bulkhead-dns/bulkhead/etcd"
)

// Start runs an empty etcd until the test ends and returns its endpoint.
func Start(t testing.TB) (endpoint string) {
	t.Helper()
	s := StartIn(t, Dir(t))
	t.Cleanup(s.Close)
	return s.Endpoint()
}

// StartIn runs etcd over the data in dir, so that a test can stop it and start it again; the caller closes it.
func StartIn(t testing.TB, dir string) *etcd.Server {
	t.Helper()
	s, err := etcd.Start(t.Context(), etcd.Options{
		Dir:       dir,
		FastTicks: true,
		Logger:    slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Dir returns an empty directory that is removed when the test ends. Its path is short enough for a unix socket, so
// that the endpoint of a server in it stays the same over restarts.
func Dir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "bh")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}
