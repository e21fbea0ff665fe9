package lab

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"html/template"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"github.com/bulkhead-dns/bulkhead/alb"
)

//go:embed page.html
var pageHTML string

// A podInfo is what a pod shows to a visitor.
type podInfo struct {
	Application      string `json:"application"`
	Pod              string `json:"pod"`
	Region           string `json:"region"`
	AvailabilityZone string `json:"availabilityZone"`
	Hue              int    `json:"-"`
}

// A podHealth is how a pod answers on its health path, and whether it fails.
type podHealth struct {
	path    string // "" means every path but /
	answer  HealthAnswer
	failing *atomic.Bool // it answers 500 to everything, to the health path as the answer says
}

// podHandler answers for one pod: its page on /, its health on the health path.
func podHandler(info podInfo, health podHealth) (http.Handler, error) {
	page, err := renderPage(info)
	if err != nil {
		return nil, err
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := r.URL.Path
		asksHealth := path == health.path || health.path == "" && path != "/"
		switch {
		case asksHealth && health.answer == HealthNotFound:
			writeText(w, http.StatusNotFound, "not found\n")
		case health.failing.Load() && !(asksHealth && health.answer == HealthAlways):
			writeText(w, http.StatusInternalServerError, fmt.Sprintf("%s is failing in %s\n", info.Application, info.Region))
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			w.Header().Set("Allow", "GET, HEAD")
			writeText(w, http.StatusMethodNotAllowed, "use GET or HEAD\n")
		case asksHealth:
			writeText(w, http.StatusOK, "healthy\n")
		case path == "/":
			info.welcome(w, r.Header.Get("Accept"), page)
		default:
			writeText(w, http.StatusNotFound, "not found\n")
		}
	}), nil
}

// welcome answers a visitor with the podInfo, in the format of the Accept header.
func (i podInfo) welcome(w http.ResponseWriter, accept string, page []byte) {
	w.Header().Set("Vary", "Accept")
	w.Header().Set("Cache-Control", "no-store")
	switch {
	case strings.Contains(accept, "application/json"):
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(i)
	case strings.Contains(accept, "text/plain"):
		writeText(w, http.StatusOK, fmt.Sprintf("%s from %s (%s, pod %s)\n", i.Application, i.Region, i.AvailabilityZone,
			i.Pod))
	default:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Write(page)
	}
}

func writeText(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	fmt.Fprint(w, text)
}

// renderPage fills in the application page; it is the same for every request of a pod.
func renderPage(info podInfo) ([]byte, error) {
	t, err := template.New("page").Parse(pageHTML)
	if err != nil {
		return nil, fmt.Errorf("read application page: %w", err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, info); err != nil {
		return nil, fmt.Errorf("render application page: %w", err)
	}
	return b.Bytes(), nil
}

// A pod is one running replica of an application.
type pod struct {
	target alb.Target
	server *http.Server
	done   chan struct{} // closed when it no longer serves
}

// startPod serves a replica on a free port of an address.
func startPod(info podInfo, health podHealth, address netip.Addr, logger *slog.Logger) (*pod, error) {
	handler, err := podHandler(info, health)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", netip.AddrPortFrom(address, 0).String())
	if err != nil {
		return nil, fmt.Errorf("start pod %s: %w", info.Pod, err)
	}
	p := &pod{
		target: alb.Target{
			ID:               info.Pod,
			Address:          listener.Addr().(*net.TCPAddr).AddrPort(),
			AvailabilityZone: info.AvailabilityZone,
		},
		server: &http.Server{
			Handler:           handler,
			ReadHeaderTimeout: 10 * time.Second,
			ReadTimeout:       30 * time.Second,
			WriteTimeout:      30 * time.Second,
			// Longer than the load balancer's, so that it never sends a request on a connection that is being closed.
			IdleTimeout:    alb.IdleTimeout + 5*time.Second,
			MaxHeaderBytes: 64 << 10,
			ErrorLog:       slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
		},
		done: make(chan struct{}),
	}
	go func() {
		defer close(p.done)
		if err := p.server.Serve(listener); err != http.ErrServerClosed {
			logger.Error("pod stopped serving", "pod", info.Pod, "error", err)
		}
	}()
	return p, nil
}

// terminationGracePeriod is how long a pod that stops waits for its load balancer, and then for its own requests.
const terminationGracePeriod = 3 * time.Second

// stop ends the pod when it has answered what the load balancer sent it before it was deregistered. drained is closed
// when the load balancer has those answers. It also waits when ctx has ended.
func (p *pod) stop(ctx context.Context, drained <-chan struct{}) error {
	grace := time.NewTimer(terminationGracePeriod)
	defer grace.Stop()
	select {
	case <-drained:
	case <-grace.C:
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), terminationGracePeriod)
	defer cancel()
	err := p.server.Shutdown(ctx)
	if err != nil {
		err = p.server.Close()
	}
	<-p.done
	return err
}

// podAlphabet is what Kubernetes makes random names of: no vowels, nothing that looks like something else.
const podAlphabet = "bcdfghjklmnpqrstvwxz2456789"

// podName names a replica as a Deployment of Kubernetes does: deployment, hash of its template, five random characters.
func podName(application, region string) string {
	h := fnv.New64a()
	h.Write([]byte(application + "/" + region))
	template := h.Sum64()
	var b strings.Builder
	b.WriteString("demo" + application + "-")
	for range 10 {
		b.WriteByte(podAlphabet[template%uint64(len(podAlphabet))])
		template /= uint64(len(podAlphabet))
	}
	b.WriteByte('-')
	for range 5 {
		b.WriteByte(podAlphabet[rand.IntN(len(podAlphabet))])
	}
	return b.String()
}
