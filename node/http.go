package node

import (
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/bulkhead-dns/bulkhead/cwserver"
	"github.com/bulkhead-dns/bulkhead/r53server"
)

// newHTTPServer bounds what a client can hold open: a header has ten seconds and 64 KiB, a request with its body half a
// minute, a reply a minute to be taken, and a connection may be idle for two.
func newHTTPServer(h http.Handler, logger *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
	}
}

// maxConnections is how many connections one client may have, so that none can use up the descriptors that DNS over
// TCP, probes and etcd need. Clients keep fewer: the API works on 64 requests of a client at once.
const maxConnections = 256

// limitClients closes the connections of a client beyond maxConnections as soon as they come in.
func limitClients(l net.Listener) net.Listener {
	return &limitedListener{l, r53server.NewPerClient(maxConnections)}
}

type limitedListener struct {
	net.Listener
	clients *r53server.PerClient
}

func (l *limitedListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if leave, ok := l.clients.Enter(c.RemoteAddr().String()); ok {
			return &limitedConn{c, sync.OnceFunc(leave)}, nil
		}
		c.Close()
	}
}

// A limitedConn counts until it is closed, which may happen more than once.
type limitedConn struct {
	net.Conn
	leave func()
}

func (c *limitedConn) Close() error {
	c.leave()
	return c.Conn.Close()
}

// handler is everything the node serves over HTTP.
func (n *Node) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(n.registry(), promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", n.readyz)
	mux.Handle(cwserver.Prefix, n.metrics)
	for prefix, h := range n.o.Handlers {
		mux.Handle(prefix, h)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// The API takes paths as they were signed: a ServeMux redirects those that hold "/hostedzone/" before an id, escaped.
		if strings.HasPrefix(r.URL.Path, "/2013-04-01/") {
			n.api.ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// readyz is 200 as soon as DNS answers from a loaded state, and stays so without etcd: the body then says since when
// changes are refused.
func (n *Node) readyz(w http.ResponseWriter, _ *http.Request) {
	select {
	case <-n.Ready():
	default:
		http.Error(w, "not ready: no state is loaded yet", http.StatusServiceUnavailable)
		return
	}
	if connected, since := n.store.Connected(); !connected {
		fmt.Fprintf(w, "ok: DNS answers; without etcd since %s, changes are refused\n", since.UTC().Format(time.RFC3339))
		return
	}
	fmt.Fprintln(w, "ok")
}
