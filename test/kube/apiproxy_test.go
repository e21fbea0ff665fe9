//go:build kube

package kube

import (
	"context"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

// How an API server behaves to whom an apiProxy stands before.
type apiMode int

const (
	apiAnswers apiMode = iota
	apiHangs           // takes requests and never answers
	apiFails           // answers 500
	apiCuts            // ends connections
)

func (m apiMode) String() string {
	return [...]string{"answers", "hangs", "fails", "cuts connections"}[m]
}

// An apiProxy stands between a controller and the API server of its cluster: it makes the server fail, and counts what is written.
type apiProxy struct {
	kubeconfig string // of a file, for the controller

	mu     sync.Mutex
	mode   apiMode
	change context.Context // ends with the mode
	end    context.CancelFunc
	writes map[string]int // by method and resource
}

// proxyAPI starts an apiProxy with an administrator's rights.
func (s *site) proxyAPI(t *testing.T) *apiProxy {
	t.Helper()
	config := s.Config()
	transport, err := rest.TransportFor(config)
	must(t, err)
	target, err := url.Parse(config.Host)
	must(t, err)
	p := &apiProxy{writes: map[string]int{}}
	p.change, p.end = context.WithCancel(context.Background())
	onward := &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport:     transport,
		FlushInterval: -1, // watches
		ErrorHandler:  func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { p.serve(w, r, onward) }))
	t.Cleanup(func() {
		p.set(apiCuts) // so that no watch keeps the server from ending
		server.Close()
	})
	c := api.NewConfig()
	c.Clusters["proxied"] = &api.Cluster{Server: server.URL}
	c.AuthInfos["nobody"] = &api.AuthInfo{}
	c.Contexts["proxied"] = &api.Context{Cluster: "proxied", AuthInfo: "nobody"}
	c.CurrentContext = "proxied"
	content, err := clientcmd.Write(*c)
	must(t, err)
	p.kubeconfig = s.file("proxied.kubeconfig")
	must(t, os.WriteFile(p.kubeconfig, content, 0o600))
	return p
}

func (p *apiProxy) serve(w http.ResponseWriter, r *http.Request, onward http.Handler) {
	p.mu.Lock()
	mode, change := p.mode, p.change
	if r.Method != http.MethodGet {
		p.writes[r.Method+" "+resource(r.URL.Path)]++
	}
	p.mu.Unlock()
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(change, cancel)()
	switch mode {
	case apiHangs:
		<-ctx.Done()
		panic(http.ErrAbortHandler)
	case apiFails:
		http.Error(w, "the test has this API server fail", http.StatusInternalServerError)
	case apiCuts:
		panic(http.ErrAbortHandler)
	case apiAnswers:
		onward.ServeHTTP(w, r.WithContext(ctx))
	}
}

// set changes how the server behaves. Every request that is not answered yet, and every watch, ends.
func (p *apiProxy) set(mode apiMode) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mode = mode
	p.end()
	p.change, p.end = context.WithCancel(context.Background())
}

// took returns how often what was written since the last call of took.
func (p *apiProxy) took() calls {
	p.mu.Lock()
	defer p.mu.Unlock()
	w := p.writes
	p.writes = map[string]int{}
	return w
}

// counted returns what was written since the last call of took, and goes on counting.
func (p *apiProxy) counted() calls {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.writes)
}

// resource names what a path of the API is about: its resource, and subresource if any, without names.
func resource(path string) string {
	part := strings.Split(strings.Trim(path, "/"), "/")
	if len(part) > 1 && part[0] == "api" {
		part = part[2:]
	} else if len(part) > 2 {
		part = part[3:]
	}
	if len(part) > 2 && part[0] == "namespaces" {
		part = part[2:]
	}
	switch len(part) {
	case 0:
		return path
	case 1, 2:
		return part[0]
	}
	return part[0] + "/" + part[2]
}
