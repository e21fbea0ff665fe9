package node

import (
	"fmt"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// handler is everything the node serves over HTTP.
func (n *Node) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/2013-04-01/", n.api)
	mux.Handle("GET /metrics", promhttp.HandlerFor(n.registry(), promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", n.readyz)
	for prefix, h := range n.o.Handlers {
		mux.Handle(prefix, h)
	}
	return mux
}

// readyz is 200 as soon as DNS answers from a loaded state, and stays so without etcd: the body then says since when changes
// are refused.
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
